//! A whole application's tables in PostgreSQL: found, shown, corrected, restricted, erased.

#![expect(clippy::unwrap_used, reason = "what the tests share fails the test that uses it")]

mod application;
mod drift;
mod misbehaving;
mod suite;
