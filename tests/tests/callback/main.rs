//! The callback: what must be so before a code is exchanged, and what a browser is told.

mod cookies;
mod races;
mod refusals;
mod visitors;
