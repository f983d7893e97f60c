//! The kinds of record of identity.

use bailee_store::Kind;

/// The codes of one person, under their pseudonym. Sealed under their key.
pub(super) const CODES: Kind = Kind::from_static("rights.codes");
/// What an operator looked at, under the request. Sealed under the person's key.
pub(super) const ATTESTATION: Kind = Kind::from_static("rights.attestation");
