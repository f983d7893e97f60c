#![doc = include_str!("../README.md")]

mod catalogue;
mod check;
mod render;
mod verify;

pub use catalogue::{Catalogue, EventShape, FieldKind, FieldShape};
pub use check::check;
pub use render::{to_json_line, to_line};
pub use verify::{HashMismatch, verify};
