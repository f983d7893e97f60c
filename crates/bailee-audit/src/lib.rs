#![doc = include_str!("../README.md")]

mod catalogue;
mod check;
mod checkpoint;
mod ed25519;
mod json;
mod key;
mod note;
mod receipt;
mod render;
pub mod tree;
mod verify;

pub use catalogue::{Catalogue, EventShape, FieldKind, FieldShape};
pub use check::check;
pub use checkpoint::{Checkpoint, CheckpointFault, SignedCheckpoint};
pub use json::{Json, NotCanonical, UnsafeInteger};
pub use key::{KeyId, Keyring, LogName, NotAKey, SigningKey, VerifyingKey};
pub use receipt::{Receipt, ReceiptFault, Statement, VerifiedReceipt, verify_receipt};
pub use render::{to_json_line, to_line, to_sentence};
pub use verify::{HashMismatch, verify};
