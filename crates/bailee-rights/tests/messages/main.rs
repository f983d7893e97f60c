//! Letters about requests and how identity is shown, over a real vault.

mod codes;
mod letters;
mod sending;
mod world;
