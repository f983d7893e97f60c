//! The kinds of the vault's own records.

use bailee_store::{Facet, Kind};

/// A directory entry: from the keyed hash of the host's id to the subject.
pub const DIRECTORY: Kind = Kind::from_static("directory");

/// What a tenant has laid down for itself, under the zero id. It is sealed under the tenant's own
/// key and may be read beside anybody's records; [`crate::Vault::open`] opens it.
pub const OVERLAY: Kind = Kind::from_static("overlay");

/// What plays the subject's part for connections that no subject owns. One in a tenant.
pub const OWNER: Kind = Kind::from_static("owner");

/// A data subject: fence and standing, with the host's id in a sealed part.
pub const SUBJECT: Kind = Kind::from_static("subject");

/// A tenant that has keys; in the system's tenant, so that a turn of the root key finds all.
pub const TENANT: Kind = Kind::from_static("tenant");

/// The wrapped keys of a connection that no subject owns, under the connection's id.
pub const CONNECTION_KEY: Kind = Kind::from_static("key.connection");

/// The wrapped index key of a tenant, under the zero id.
pub const INDEX_KEY: Kind = Kind::from_static("key.index");

/// A root key that wraps tenant keys, under its id; in the system's tenant, without the key.
pub const ROOT_KEY: Kind = Kind::from_static("key.root");

/// The wrapped keys of a subject, under the subject's id; the zero id holds the tenant's own.
pub const SUBJECT_KEY: Kind = Kind::from_static("key.subject");

/// A wrapped tenant key, under its key id.
pub const TENANT_KEY: Kind = Kind::from_static("key.tenant");

/// Facet of a [`SUBJECT`] that lives.
pub const SUBJECT_LIVE: Facet = Facet(0);

/// Facet of a [`SUBJECT`] that was erased: a tombstone.
pub const SUBJECT_ERASED: Facet = Facet(1);

/// Facet of the [`TENANT_KEY`] that wraps; a tenant has one.
pub const TENANT_KEY_ACTIVE: Facet = Facet(0);

/// Facet of a [`TENANT_KEY`] that only unwraps.
pub const TENANT_KEY_OLD: Facet = Facet(1);

/// Facet of an [`INDEX_KEY`] whose tenant was destroyed.
pub const INDEX_KEY_DESTROYED: Facet = Facet(1);
