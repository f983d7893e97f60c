//! Where work that blocks is done: the host says, in the same way for every crate.

pub use bailee_rights::{Blocking, Job};
