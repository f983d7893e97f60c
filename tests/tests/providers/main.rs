//! Every adapter, end to end against its emulated provider: the exported list of cases, and what
//! is special about each.

mod dump;
mod github;
mod held;
mod house;
mod slack;
mod stored;
mod tiktok;
mod zoom;
