#![doc = include_str!("../README.md")]

mod access;
mod browser;
pub mod conformance;
mod declared;
mod sink;
mod world;

pub use access::Memberships;
pub use bailee_emulator as emulator;
pub use bailee_store::conformance as store_conformance;
pub use browser::Browser;
pub use declared::{Declared, PURPOSE};
pub use sink::Events;
pub use world::{Storage, World, WorldBuilder};
