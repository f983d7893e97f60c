//! No secret anywhere: not in a log, an error, an audit entry, a file of the database, the output of
//! a process, the server's own log, or the sources.

#![expect(clippy::unwrap_used, reason = "what the tests share fails the test that uses it")]

mod catalogue;
mod forms;
mod process;
mod scenario;
mod server;
mod sources;
