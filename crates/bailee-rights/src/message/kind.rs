//! The kinds of record and of work of letters.

use bailee_store::Kind;

/// A letter. Sealed under its person's key, found under its request.
pub(super) const MESSAGE: Kind = Kind::from_static("rights.message");
/// Where a person could be reached when their request began. Sealed under their key.
pub(super) const REACH: Kind = Kind::from_static("rights.reach");

/// Work: send a letter.
pub(super) const SENDING: Kind = Kind::from_static("rights.message");
