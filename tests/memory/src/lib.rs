//! A small host that connects an account, calls, renews, and then looks for its secrets in its own
//! memory.
//!
//! `tests/memory.rs` plays the provider in another process and says, masked, what to look for, so
//! that no copy is in here for the sake of the search.

mod host;
mod scan;

pub use host::run;
