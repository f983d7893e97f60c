#![doc = include_str!("../README.md")]

pub mod clock;
pub mod notice;
mod sentences;

pub use sentences::sentences;
pub mod source;
