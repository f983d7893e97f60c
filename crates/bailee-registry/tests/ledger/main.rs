//! The ledger: what people chose, what it lets through, and what it may never.

#![expect(clippy::unwrap_used, reason = "what fails in a helper fails the test")]

mod choices;
mod desk;
mod handovers;
mod model;
mod speed;
mod standing;
