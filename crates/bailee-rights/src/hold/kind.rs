//! The kinds of record and of work of holds.

use bailee_store::{Facet, Kind};

/// A hold, under the tenant's key and about its person; and the work that warns of its end and ends it.
pub(super) const HOLD: Kind = Kind::from_static("rights.hold");

/// Work of a request's part in a tenant, under the request's id: what goes on when a hold ends.
pub(super) const PART: Kind = Kind::from_static("rights.part");

/// Facet of a [`HOLD`] that stands.
pub(super) const STANDS: Facet = Facet(0);
/// Facet of a [`HOLD`] that stands and ends soon: a reviewer should look at it again.
pub(super) const DUE: Facet = Facet(1);
/// Facet of a [`HOLD`] that is over.
pub(super) const ENDED: Facet = Facet(2);
