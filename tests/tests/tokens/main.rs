//! What comes of a code: answers that are taken, answers that are not, and what a failure leaves.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail by it as the tests do")]

mod answers;
mod assertions;
mod deaths;
mod identity;
