//! Versions of a declaration: differences, what is left under an overlay, and the people concerned.

#![expect(clippy::unwrap_used, reason = "what fails in a helper fails the test")]

mod desk;
mod differences;
mod narrowed;
mod overlay;
mod properties;
mod simulation;
mod words;
