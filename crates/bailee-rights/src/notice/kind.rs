//! The kinds of record and of work of notices.

use bailee_store::{Facet, Kind};

/// A change that people are told of, in the system's tenant, with both declarations.
pub(super) const ANNOUNCEMENT: Kind = Kind::from_static("announcement");
/// How far a change was spread among the people of a tenant.
pub(super) const SPREAD: Kind = Kind::from_static("announcement.spread");
/// What one person is told. Sealed under their key.
pub(super) const NOTICE: Kind = Kind::from_static("notice");

/// Work: in the system's tenant, take a change to the tenants; in a tenant, to its people.
pub(super) const SPREADING: Kind = Kind::from_static("announcement.spread");
/// Work: send a notice.
pub(super) const SENDING: Kind = Kind::from_static("notice.send");

/// Facet of a [`NOTICE`] that is shown in the application alone.
pub(super) const SHOWN_ONLY: Facet = Facet(0);
/// Facet of a [`NOTICE`] whose message is to be sent.
pub(crate) const WAITING: Facet = Facet(1);
/// Facet of a [`NOTICE`] whose message was taken by whoever carries it.
pub(crate) const SENT: Facet = Facet(2);
/// Facet of a [`NOTICE`] whose message could not be sent.
pub(crate) const GIVEN_UP: Facet = Facet(3);
