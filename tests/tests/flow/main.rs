//! The start of a connection, and which connection it becomes.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail by it as the tests do")]

mod begin;
mod disclosure;
mod discovery;
mod limits;
mod loopback;
mod reconnect;
