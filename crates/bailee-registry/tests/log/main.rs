//! The log: numbered, signed, proven, verified, over a store in memory and one that lies.

#![allow(clippy::unwrap_used, reason = "tests")]

mod desk;
mod keys;
mod numbers;
mod tampering;
mod tree;
