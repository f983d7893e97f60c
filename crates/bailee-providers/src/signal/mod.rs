//! Signals: what a provider sends of its own accord about accounts.
//!
//! A delivery is opened first ([`Provider::open_signal`](crate::Provider::open_signal)): that says
//! how it is proved to be the provider's, over the raw bytes and before anything in it is believed.
//! The caller checks the proof with the registration's secrets or the provider's keys, and only then
//! lets it be read ([`Provider::read_signal`](crate::Provider::read_signal)). The defaults follow
//! the facts under `[signals]` in the spec; an adapter shows where it differs.

mod delivery;
mod event_token;
mod meaning;
mod proof;
mod read;
#[cfg(test)]
mod tests;
mod watch;

pub use delivery::{Delivery, Reply, SignalRefusal, is_challenge};
pub use event_token::{EventTokenProof, KeySet};
pub use meaning::{About, Reading, Signal, TokenIdentifier, What};
pub use proof::{Opening, ProofKind, SignalProof, SignalSecret};
pub use watch::{Polled, WatchFacts, Watched};

pub(crate) use event_token::{keys, read as read_event_token};
pub(crate) use proof::open;
pub(crate) use read::read;
pub(crate) use watch::liveness;
