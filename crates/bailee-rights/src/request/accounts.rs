//! What only the half of the libraries that knows providers can do for a request.

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use bailee_core::{
    Actor, ConnectionId, ProviderId, PurposeId, Result, SubjectId, TenantId, Timestamp,
};
use bailee_registry::{Grounds, RestrictionGround};
use bailee_store::Kind;

use crate::source::DataSource;

/// A person's connections, and their word on what may be done: what a request asks of the half of
/// the libraries that knows providers. The facade joins the two.
#[async_trait]
pub trait Accounts: Send + Sync + 'static {
    /// Fails unless this process may act on this database: another instance's is left alone.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Quarantined`](bailee_core::ErrorKind::Quarantined).
    async fn admit(&self) -> Result<()>;

    /// Makes a person's word hold at the gate from the next use on. To be repeated at will.
    ///
    /// # Errors
    ///
    /// What the store and the vault say; nothing has changed then.
    async fn say(
        &self,
        tenant: &TenantId,
        subject: SubjectId,
        by: &Actor,
        word: &Word,
    ) -> Result<()>;

    /// The connections that a person owns now, also those on their way out.
    ///
    /// # Errors
    ///
    /// What the store and the vault say.
    async fn connections(&self, tenant: &TenantId, subject: SubjectId)
    -> Result<Vec<ConnectionId>>;

    /// Ends connections of a person: deletes the tokens here and asks the providers to revoke them. To
    /// be repeated until [`connections`](Self::connections) names none of them.
    ///
    /// # Errors
    ///
    /// What the store and the vault say; some may have ended.
    async fn end(
        &self,
        tenant: &TenantId,
        subject: SubjectId,
        connections: &BTreeSet<ConnectionId>,
        by: &Actor,
    ) -> Result<()>;

    /// Of connections that are no more: whether their providers confirmed the end, as it was written
    /// down with it. They ended since a time, whoever ended them; one of which nothing is known is left
    /// out.
    ///
    /// # Errors
    ///
    /// What the store says.
    async fn how_ended(
        &self,
        tenant: &TenantId,
        subject: SubjectId,
        connections: &BTreeSet<ConnectionId>,
        since: Timestamp,
    ) -> Result<BTreeMap<ConnectionId, bool>>;

    /// What these libraries hold of a person's connections, as a source that is read alone.
    fn records(&self) -> &dyn DataSource;

    /// The kinds of record about a person that are evidence and hold nothing personal: an erasure
    /// leaves them.
    fn evidence(&self) -> Vec<Kind>;
}

/// A person's word on what may be done with their data.
#[derive(Debug)]
#[non_exhaustive]
pub enum Word {
    /// They object to a use; until it is weighed it does not happen (Art. 21(1) GDPR).
    Objected {
        /// To which.
        purpose: PurposeId,
        /// Through what; `None` is the host's own processing.
        integration: Option<ProviderId>,
        /// Why.
        grounds: Option<Grounds>,
    },
    /// Their objection was weighed and holds.
    ObjectionUpheld {
        /// To which.
        purpose: PurposeId,
        /// Through what.
        integration: Option<ProviderId>,
    },
    /// Their objection was weighed, and compelling legitimate grounds override it.
    ObjectionOverridden {
        /// To which.
        purpose: PurposeId,
        /// Through what.
        integration: Option<ProviderId>,
        /// Those grounds.
        grounds: Grounds,
    },
    /// They take their objection back.
    ObjectionTakenBack {
        /// To which.
        purpose: PurposeId,
        /// Through what.
        integration: Option<ProviderId>,
    },
    /// They want no marketing.
    OptedOut,
    /// Their data is kept and nothing else (Art. 18(1) GDPR).
    Restricted(RestrictionGround),
    /// That is over, of which they were told before (Art. 18(3) GDPR).
    RestrictionEnded {
        /// On which ground it rested.
        ground: RestrictionGround,
        /// When they were told; who ends it themselves does not have to be.
        told: Option<Timestamp>,
    },
    /// They take back what they agreed to.
    Withdrawn(Uses),
}

/// Which uses a person takes their agreement back from.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Uses {
    /// All.
    Everything,
    /// Whatever goes through an integration.
    Integration(ProviderId),
    /// A purpose, wherever.
    Purpose(PurposeId),
}

/// What became of a person's connections.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Ended {
    /// How many ended here and at their providers.
    pub confirmed: u32,
    /// How many ended here without their providers having confirmed it.
    pub unconfirmed: u32,
    /// How many are on their way out. Nothing uses them any more.
    pub left: u32,
}
