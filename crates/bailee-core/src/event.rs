//! Events: what the host is told.
//!
//! At least once, and in order for each connection. An event names records; it holds no personal
//! data and no secret.

use serde::{Deserialize, Serialize};

use crate::{ConnectionRef, Id, ProviderId, ReconnectReason, Timestamp, WithdrawalReason};

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
    /// lost came after all, or those that were over are no longer part of it.
    Recovered,
    /// A request that a provider brought is not closed yet, and its time is running out or over.
    RequestDue {
        /// The request record.
        request: Id,
        /// What is asked for.
        kind: RequestKind,
        /// When the answer is due.
        due: Timestamp,
    },
    /// The provider brought a request about somebody's data: it lies in a record of its own and has
    /// to be answered until `due`.
    RequestOpened {
        /// The request record.
        request: Id,
        /// What is asked for.
        kind: RequestKind,
        /// When the answer is due.
        due: Timestamp,
    },
    /// The provider lifted a suspension; the connection works again.
    Resumed,
    /// The provider ended the person's sessions. Sign-in through it is to be asked for anew.
    SessionsEnded,
    /// The provider suspended the account: nothing is sent until it lifts that.
    Suspended,
    /// The person, or the provider, ended the connection at the provider. Its tokens are deleted
    /// here.
    Withdrawn {
        /// What the provider said of it.
        reason: WithdrawalReason,
    },
}

/// What a request that a provider brought asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum RequestKind {
    /// That the data of the account's holder is erased.
    Erasure,
    /// A copy of the data of somebody whom the account's holder keeps data of (a shop's customer):
    /// it goes to the account's holder.
    OthersAccess,
    /// That the data of such a person is erased.
    OthersErasure,
}

impl RequestKind {
    /// The word for it, as audit entries use it.
    pub fn code(self) -> &'static str {
        match self {
            Self::Erasure => "erasure",
            Self::OthersAccess => "others_access",
            Self::OthersErasure => "others_erasure",
        }
    }
}
