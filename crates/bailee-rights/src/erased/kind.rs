//! The kinds of record and of work of the ledger.

use bailee_store::{Facet, Kind};

/// That somebody was erased, under a keyed hash of the host's id of them, and the work that takes it to
/// the anchor. In the system's tenant, under the zero id: the work that lets old entries go.
pub(super) const ERASED: Kind = Kind::from_static("rights.erased");

/// Facet of an [`ERASED`] that is in no anchor yet.
pub(super) const OPEN: Facet = Facet(0);
/// Facet of an [`ERASED`] that is in the anchor.
pub(super) const ANCHORED: Facet = Facet(1);
