//! How it is known that a request is the person's own (Art. 12(2) and (6), 11(2) GDPR).
//!
//! An account that somebody is signed in to normally suffices (recitals 57 and 64). More is asked only
//! where there is a reasonable doubt, which is a recorded word ([`Doubt`]), and no more than it takes:
//! a fresh sign-in, a code that is sent to an address that the host knew before, or an operator who
//! looked. What an operator looked at is not kept beyond the decision.

mod attestation;
mod code;
mod doubt;
mod kind;
mod proof;
mod service;

pub use attestation::{Attestation, Seen};
pub use code::{Checked, Code, Outcome};
pub use doubt::{Doubt, Way};
pub use proof::Proof;
pub use service::{Identity, IdentityBuilder};
