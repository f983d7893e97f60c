#![doc = include_str!("../README.md")]

mod additions;
mod blocking;
pub mod clock;
pub mod erased;
#[cfg(feature = "fuzzing")]
#[doc(hidden)]
pub mod fuzzing;
pub mod hold;
pub mod identity;
pub mod message;
pub mod notice;
pub mod package;
pub mod request;
pub mod retention;
mod sentences;
pub mod source;

pub use additions::Additions;
pub use blocking::{Blocking, Job};
pub use sentences::sentences;

pub(crate) use bailee_core::hex;
