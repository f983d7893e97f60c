#![doc = include_str!("../README.md")]

mod cache;
mod cipher;
mod context;
mod control;
mod destruction;
mod directory;
mod draft;
mod envelope;
mod error;
mod facts;
mod fields;
#[cfg(feature = "fuzzing")]
#[doc(hidden)]
pub mod fuzzing;
mod holder;
mod joined;
mod key;
pub mod kind;
pub mod manual;
mod open;
mod parts;
mod root_keys;
mod roots;
mod rotation;
mod source;
mod tree;
mod vault;
mod view;

pub use cache::CacheLimits;
pub use draft::Draft;
pub use facts::Facts;
pub use fields::{Field, Fields};
pub use holder::Holder;
pub use key::KeyMaterial;
pub use root_keys::RootKeys;
pub use rotation::Rewrapped;
pub use source::{KeyContext, KeySource, RootId};
pub use vault::{Vault, VaultBuilder};
pub use view::{Opened, View};
