//! The seam for a host's data: the suite on the source in memory, and sources that misbehave.

#![expect(clippy::unwrap_used, reason = "what the tests share fails the test that uses it")]

mod declared;
mod memory;
mod misbehaving;
