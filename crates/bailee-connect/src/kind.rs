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
/// A declaration that was in force, in the system's tenant.
pub(crate) const DECLARATION: Kind = Kind::from_static("declaration");
/// Something that the host is to be told.
pub(crate) const EVENT: Kind = Kind::from_static("event");
/// An OAuth client of the instance, in the system's tenant.
pub(crate) const REGISTRATION: Kind = Kind::from_static("registration");
/// Until when a provider lets nothing through, in the system's tenant.
pub(crate) const LIMIT: Kind = Kind::from_static("limit");
/// That a provider said that a grant is over, for as long as it counts, in the system's tenant.
pub(crate) const REFUSAL: Kind = Kind::from_static("refusal");
/// That the brake on mass failures is on, in the system's tenant.
pub(crate) const BRAKE: Kind = Kind::from_static("brake");
/// What a provider answered to a renewal, in the journal alone: never in a store.
pub(crate) const ANSWER: Kind = Kind::from_static("refresh.answer");

/// What a provider told of its own accord, in the system's tenant.
pub(crate) const INBOX: Kind = Kind::from_static("inbox");
/// A request about somebody's data that a provider brought.
pub(crate) const REQUEST: Kind = Kind::from_static("request");
/// Where the requests lie that belong to a code, in the system's tenant.
pub(crate) const REQUEST_CODE: Kind = Kind::from_static("request.code");
/// How far the signals of a registration were fetched, in the system's tenant.
pub(crate) const POLL: Kind = Kind::from_static("poll");

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

/// Work: act on what a provider told.
pub(crate) const SIGNAL: Kind = Kind::from_static("signal");
/// Work: remind the host of a request that is due.
pub(crate) const REQUEST_DUE: Kind = Kind::from_static("request");
/// Work: ask the provider whether a connection still stands.
pub(crate) const WATCH: Kind = Kind::from_static("watch");
/// Work: fetch what a provider keeps for whoever asks.
pub(crate) const FETCH: Kind = Kind::from_static("fetch");

/// The lanes that a worker claims from first.
pub(crate) const LANES: [Kind; 9] =
    [DISCONNECT, REFRESH, PUBLISH, ORPHAN, EFFECT, NOTIFY, SIGNAL, REQUEST_DUE, FETCH];

/// The lanes whose work may wait: there can be very much of it at once.
pub(crate) const PATIENT_LANES: [Kind; 1] = [WATCH];

/// The words of all lanes in audit entries, the patient ones last.
pub(crate) const LANE_WORDS: [&str; 10] = [
    "disconnect",
    "refresh",
    "publish",
    "orphan",
    "effect",
    "notify",
    "signal",
    "request",
    "fetch",
    "watch",
];
