#![doc = include_str!("../README.md")]

mod batch;
mod conflict;
#[cfg(feature = "conformance")]
#[expect(clippy::unwrap_used, reason = "a suite fails by panicking")]
pub mod conformance;
mod log;
mod memory;
mod query;
mod record;
mod store;
mod work;

pub use batch::{Batch, BatchBuilder, Committed, Expect, MAX_LOOKUPS, MAX_OPS, Op};
pub use conflict::Conflict;
pub use log::{Head, Leaf, Log, LoggedEntry, Window};
pub use memory::MemoryStore;
pub use query::{Count, Page, Query};
pub use record::{
    Control, Facet, Key, Kind, MAX_BODY, MAX_PART, Record, Sealed, Snapshot, Version,
};
pub use store::{MAX_KEYS, Store};
pub use work::{Claim, Due, Fence, Lease, MAX_LEASE};
