//! The kinds of record and of work that this crate keeps.

use bailee_store::Kind;

/// An account at a provider.
pub(crate) const CONNECTION: Kind = Kind::from_static("connection");
/// One token set of a connection.
pub(crate) const CREDENTIAL: Kind = Kind::from_static("credential");
/// A flow that has begun and not come back, in the system's tenant.
pub(crate) const FLOW: Kind = Kind::from_static("flow");
/// Tokens that were exchanged and belong to no connection yet, in the system's tenant.
pub(crate) const GRANT: Kind = Kind::from_static("grant");
/// The connections of a provider account, in the system's tenant.
pub(crate) const ROUTE: Kind = Kind::from_static("route");
/// That an account is connected for an owner already.
pub(crate) const RESERVATION: Kind = Kind::from_static("reservation");
/// Something published, or to be.
pub(crate) const PUBLICATION: Kind = Kind::from_static("publication");
/// Something that the host is to be told.
pub(crate) const EVENT: Kind = Kind::from_static("event");
/// An OAuth client of the instance, in the system's tenant.
pub(crate) const REGISTRATION: Kind = Kind::from_static("registration");
/// Until when a provider lets nothing through, in the system's tenant.
pub(crate) const LIMIT: Kind = Kind::from_static("limit");

/// Work: renew a credential.
pub(crate) const REFRESH: Kind = Kind::from_static("refresh");
/// Work: finish a disconnect.
pub(crate) const DISCONNECT: Kind = Kind::from_static("disconnect");
/// Work: go on with a publication.
pub(crate) const PUBLISH: Kind = Kind::from_static("publish");
/// Work: an effect whose outcome was not recorded.
pub(crate) const EFFECT: Kind = Kind::from_static("effect");
/// Work: revoke tokens that became no connection.
pub(crate) const ORPHAN: Kind = Kind::from_static("orphan");
/// Work: tell the host.
pub(crate) const NOTIFY: Kind = Kind::from_static("notify");

/// Every lane that a worker claims from.
pub(crate) const LANES: [Kind; 6] = [DISCONNECT, REFRESH, PUBLISH, ORPHAN, EFFECT, NOTIFY];

/// The words of those lanes in audit entries.
pub(crate) const LANE_WORDS: [&str; 6] =
    ["disconnect", "refresh", "publish", "orphan", "effect", "notify"];
