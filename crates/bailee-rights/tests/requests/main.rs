//! Requests: from the moment they come in to their certificate.

#![expect(clippy::unwrap_used, reason = "what the tests share fails the test that uses it")]

mod erasing;
mod intake;
mod recipients;
mod weighing;
mod world;
