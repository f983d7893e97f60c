#![doc = include_str!("../README.md")]

pub mod clock;
pub mod notice;
mod sentences;
pub mod source;

pub use sentences::sentences;
