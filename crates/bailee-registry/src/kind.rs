//! The kinds of the registry's records.

use bailee_store::Kind;

/// A choice of a person, written once. Sealed under the person's key.
pub const CONSENT: Kind = Kind::from_static("consent");

/// What a recipient received of a person for a purpose: first, last, how often, which categories.
/// Sealed under the person's key.
pub const DISCLOSURE: Kind = Kind::from_static("disclosure");
