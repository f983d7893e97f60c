//! Retention: what was kept long enough goes, and the evidence stays.

#![expect(clippy::unwrap_used, reason = "what the tests share fails the test that uses it")]

mod failing;
mod kills;
#[path = "../dying/mortal.rs"]
mod mortal;
mod rules;
mod sweeping;
mod world;
