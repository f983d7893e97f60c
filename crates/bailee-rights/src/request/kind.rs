//! The kinds of record and of work of requests.

use bailee_store::{Facet, Kind};

/// A request, in the tenant in which it was made. Sealed under the tenant's own key, so that it
/// outlives its person's key; nothing in it says who that was.
pub(crate) const REQUEST: Kind = Kind::from_static("rights.request");
/// What is done for a request in one tenant, under the request's id. Sealed likewise.
pub(crate) const PART: Kind = Kind::from_static("rights.part");
/// What the person wrote: sealed under their key, under the request's id.
pub(crate) const ASKED: Kind = Kind::from_static("rights.asked");
/// What the person is known by in the host's tables: sealed under their key, under the request's id.
pub(crate) const KNOWN: Kind = Kind::from_static("rights.known");
/// What a person says beside data that is incomplete: sealed under their key, under the request's id.
pub(crate) const STATEMENT: Kind = Kind::from_static("rights.statement");
/// A hold: a set of data that a reviewer keeps from an erasure.
pub(crate) const HOLD: Kind = Kind::from_static("rights.hold");
/// A closed package: where it lies. Sealed under the person's key, under the request's id.
pub(crate) const PACKAGE: Kind = Kind::from_static("rights.package");
/// What a retention sweep did.
pub(crate) const SWEEP: Kind = Kind::from_static("rights.sweep");
/// That a request of a right is open for a person, so that there is no second one.
pub(crate) const OPEN: Kind = Kind::from_static("rights.open");

/// Work: bring a request on, in its own tenant.
pub(crate) const REQUEST_DUE: Kind = Kind::from_static("rights.request");
/// Work: look at a request's clock.
pub(crate) const CLOCK_DUE: Kind = Kind::from_static("rights.clock");
/// Work: bring a part on.
pub(crate) const PART_DUE: Kind = Kind::from_static("rights.part");

/// Work: begin the erasure of a child's data, under the child's pseudonym.
pub(crate) const CHILD_DUE: Kind = Kind::from_static("rights.child");

/// Work: begin what a provider asked for, or answer it, under the id of its request.
pub(crate) const PROVIDER_DUE: Kind = Kind::from_static("rights.provider");

/// Work: delete a package whose time is over.
pub(crate) const PACKAGE_DUE: Kind = Kind::from_static("rights.package");

/// Facet of a [`REQUEST`] that is open.
pub(crate) const IS_OPEN: Facet = Facet(0);
/// Facet of a [`REQUEST`] that waits for an operator.
pub(crate) const WAITS_FOR_OPERATOR: Facet = Facet(1);
/// Facet of a [`REQUEST`] that is closed.
pub(crate) const IS_CLOSED: Facet = Facet(2);
