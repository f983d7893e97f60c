//! Receipts of consents: field by field, signed, proven, and never with anything made up.

#![allow(clippy::unwrap_used, reason = "tests")]

mod desk;
mod forms;
mod gaps;
mod proofs;
