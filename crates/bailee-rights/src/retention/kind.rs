//! The kinds of record and of work of retention.

use bailee_store::{Facet, Kind};

/// How far a tenant's look at what is too old came, under the zero id; in the system's tenant, how far it was
/// taken to the tenants. The work has the same keys.
pub(super) const RETENTION: Kind = Kind::from_static("rights.retention");

/// What was erased of one table at one time: the evidence.
pub(super) const SWEEP: Kind = Kind::from_static("rights.sweep");

/// Facet of a [`SWEEP`] that is under way.
pub(super) const UNDER_WAY: Facet = Facet(0);
/// Facet of a [`SWEEP`] after which nothing too old was left.
pub(super) const DONE: Facet = Facet(1);
/// Facet of a [`SWEEP`] that failed.
pub(super) const FAILED: Facet = Facet(2);
