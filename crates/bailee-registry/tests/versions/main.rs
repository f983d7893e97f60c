//! Versions of a declaration: differences, what is left under an overlay, and the people concerned.

mod desk;
mod differences;
mod narrowed;
mod overlay;
mod properties;
mod simulation;
