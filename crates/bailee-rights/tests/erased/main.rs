//! The ledger of erasures: a backup that is put back brings nobody back.

#![expect(clippy::unwrap_used, reason = "what the tests share fails the test that uses it")]

mod anchor;
mod engine;
mod files;
mod known;
mod replay;
mod world;
