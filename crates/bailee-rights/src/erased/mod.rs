//! The ledger of erasures: a backup that is put back brings nobody back.
//!
//! A backup holds people who were erased after it was made. Each finished erasure therefore leaves an
//! entry that says whose it was in a way that names nobody: the pseudonym, and a keyed hash of the
//! host's id. It is kept for as long as backups live, which the host says, and no longer.
//!
//! - **In the database** it answers whether a person was erased ([`Erasures::was_erased`]), for
//!   imports and for tables of the host that were put back.
//! - **Outside of it** an [`ErasureAnchor`] keeps the same entries where a restore does not reach. A
//!   database that lacks what its anchor knows is older than it ([`Erasures::check`]), and nothing may
//!   be done with it until those erasures were done again ([`Erasures::replay`]).
//!
//! An entry in the anchor carries a code under a key of the vault, so that nobody who can write to the
//! anchor alone has living people erased. Without an anchor nothing is known of a database that was put
//! back as a whole.

mod again;
mod anchor;
mod body;
mod check;
#[cfg(feature = "conformance")]
pub mod conformance;
mod due;
mod entry;
mod file;
mod kind;
mod known;
mod ledger;
mod replay;

pub use again::EraseAgain;
pub use anchor::{Anchored, ErasureAnchor};
pub use check::Checked;
pub use file::FileAnchor;
pub use known::Known;
pub use ledger::{Erasures, ErasuresBuilder};
pub use replay::Replayed;
