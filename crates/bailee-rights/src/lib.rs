#![doc = include_str!("../README.md")]

pub mod clock;
pub mod erased;
pub mod hold;
pub mod notice;
pub mod request;
mod sentences;
pub mod source;

pub use sentences::sentences;
