//! Callers that go away at every poll of everything that waits: no half state, nothing lost that
//! was acknowledged, no token that nobody knows, no work that nobody does, no connection of a pool
//! that is spoilt for the next.
//!
//! `tests/dropped.toml` names the test of each public function that waits, or says why its end does
//! not matter; `list.rs` holds the table to the sources.

#![expect(clippy::unwrap_used, reason = "what the tests share fails the test that uses it")]

mod calls;
mod flows;
mod http;
mod letters;
mod list;
mod log;
mod notices;
mod operators;
mod people;
mod publications;
mod room;
mod scene;
mod signals;
mod start;
mod stores;
mod vault;
mod work;
