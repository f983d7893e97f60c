//! Packages of people's data: what is in them, who can open them, and what happens to a spool.

#![expect(clippy::unwrap_used, reason = "what the tests share fails the test that uses it")]

#[cfg(feature = "age")]
mod age;
mod archive;
mod closing;
mod content;
mod judges;
mod links;
mod portability;
mod resume;
mod sealed;
mod spools;
mod world;
