//! The callback: what must be so before a code is exchanged, and what a browser is told.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail by it as the tests do")]

mod cookies;
mod form_post;
mod races;
mod refusals;
mod visitors;
