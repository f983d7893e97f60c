//! Holds: they keep what they name, until they end.

#![expect(clippy::unwrap_used, reason = "what the tests share fails the test that uses it")]

mod ending;
mod placing;
mod world;
