//! Events: what the host is told.
//!
//! At least once, and in order for each connection. An event names records; it holds no personal
//! data and no secret.

use serde::{Deserialize, Serialize};

use crate::{ConnectionRef, Id, ProviderId, ReconnectReason, Timestamp};

/// Something that the host should know.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// The same for each delivery of this event.
    pub id: Id,
    /// When it happened.
    pub at: Timestamp,
    /// The connection that it is about.
    pub connection: ConnectionRef,
    /// The provider of that connection.
    pub provider: ProviderId,
    /// What happened.
    pub what: Happened,
}

/// What happened to a connection.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "happened", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Happened {
    /// An account was connected.
    Connected,
    /// A connection ended. `confirmed` says whether the provider confirmed the revocation.
    Disconnected {
        /// Whether the provider confirmed.
        confirmed: bool,
    },
    /// The connection works again only after the person reconnects.
    NeedsReconnect {
        /// Why.
        reason: ReconnectReason,
    },
    /// A publication failed for good.
    PublicationFailed {
        /// The publication record.
        publication: Id,
    },
    /// Nobody can tell whether a publication happened; the person has to look.
    PublicationUnknown {
        /// The publication record.
        publication: Id,
    },
    /// A publication is out.
    Published {
        /// The publication record.
        publication: Id,
    },
    /// The person went through the flow again for the same account.
    Reconnected,
    /// A connection that waited for its person works again without them: tokens that were believed
    /// lost came after all.
    Recovered,
}
