//! The kinds of the registry's records.

use bailee_store::Kind;

/// A choice of a person, written once. Sealed under the person's key.
pub const CONSENT: Kind = Kind::from_static("consent");

/// What a recipient received of a person for a purpose: first, last, how often, which categories.
/// Sealed under the person's key.
pub const DISCLOSURE: Kind = Kind::from_static("disclosure");

/// What was handed over of a person to an authority or a successor. Its facet says whether they were
/// told: 1 due, 2 forbidden, 3 told. Sealed under the person's key.
pub const HANDOVER: Kind = Kind::from_static("handover");

/// The keys that sign for the audit log, under the zero id in the system's tenant: public halves, and the
/// seeds in parts of their own.
pub const LOG_KEY: Kind = Kind::from_static("log.key");

/// 256 hashes of the audit log's tree, or the heads over so many; in the system's tenant.
pub const LOG_TILE: Kind = Kind::from_static("log.tile");

/// What is remembered of the audit log's tree, under the zero id in the system's tenant: its size, its
/// right edge, the last checkpoint.
pub const LOG_TREE: Kind = Kind::from_static("log.tree");
