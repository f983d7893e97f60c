//! Requests: from the moment they come in to their certificate.

#![expect(clippy::unwrap_used, reason = "what the tests share fails the test that uses it")]

mod children;
mod connecting;
mod crossing;
mod dry_runs;
mod erasing;
mod frail;
mod handing_out;
mod holding;
mod intake;
mod letters;
mod lifting;
mod objecting;
mod providers;
mod recipients;
mod rectifying;
mod returning;
mod supplementing;
mod three;
mod waiting;
mod weighing;
mod world;
