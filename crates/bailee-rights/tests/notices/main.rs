//! Notices: everybody whom a change concerns is told once, whatever fails in between.

#![expect(clippy::unwrap_used, reason = "what the tests share fails the test that uses it")]

mod evidence;
mod kills;
#[path = "../dying/mortal.rs"]
mod mortal;
mod people;
mod sending;
mod world;
