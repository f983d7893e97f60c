//! The contract.

use async_trait::async_trait;
use bailee_core::{Result, TenantId};

use crate::{Batch, Claim, Committed, Count, Key, Kind, Lease, Log, Page, Query, Snapshot};

/// The most keys in one read.
pub const MAX_KEYS: usize = 1000;

/// Where records, work and audit entries are kept.
///
/// Every method but `claim`, `sweep` and `tally` acts inside one tenant; a foreign or unknown key
/// is the same `None`. The conformance suite holds each sentence below.
#[async_trait]
pub trait Store: Log + Send + Sync + 'static {
    /// Reads records and the control row, all of one moment, in one round trip.
    ///
    /// *Must* answer in the order of the keys, with `None` for what is absent, expired or another
    /// tenant's. *Must* read what the latest acknowledged commit wrote (never a replica).
    ///
    /// # Errors
    ///
    /// [`bailee_core::ErrorKind::StoreUnavailable`]; [`bailee_core::ErrorKind::InvalidInput`] for
    /// more than 1,000 keys.
    async fn read(&self, tenant: &TenantId, keys: &[Key]) -> Result<Snapshot>;

    /// Finds records by the columns in the clear, in the order of their keys.
    ///
    /// *Must not* answer expired records. *Must* answer no more than the question's limit, and at
    /// most 1,000; while more may follow, [`Page::next`] is the last key of the answer.
    ///
    /// # Errors
    ///
    /// [`bailee_core::ErrorKind::InvalidInput`] for a question that no index answers;
    /// [`bailee_core::ErrorKind::StoreUnavailable`].
    async fn find(&self, tenant: &TenantId, query: &Query) -> Result<Page>;

    /// Does everything in the batch, with its audit entries, or nothing.
    ///
    /// *Must* be durable when it answers. *Must* answer [`Committed::AlreadyApplied`] and change
    /// nothing when a batch of this id was committed in this tenant before, whatever the batch
    /// holds now. *Must* hold what `Check` saw until the commit ends, against every other commit.
    /// *Must* take locks in the order of the keys. *Must* give a record that was absent the
    /// version that it carries, and refuse a `Put` over an expired record as little as over none.
    /// *Must not* depend on another tenant's rows. A batch whose caller went away happens as a
    /// whole or not at all.
    ///
    /// # Errors
    ///
    /// [`bailee_core::ErrorKind::Conflict`] with a [`crate::Conflict`] that names the key, when
    /// something expected was not so; nothing has changed then.
    /// [`bailee_core::ErrorKind::InvalidInput`] for a control row outside the system's tenant. [`bailee_core::ErrorKind::Ambiguous`] when the outcome is open:
    /// send the same batch again. [`bailee_core::ErrorKind::StoreUnavailable`] when it certainly
    /// did not happen.
    async fn commit(&self, tenant: &TenantId, batch: &Batch) -> Result<Committed>;

    /// Claims work under a lease, over all tenants. It never shows a body.
    ///
    /// *Must* make each claim exclusive until its lease ends by the store's clock, with a fence
    /// higher than any before for that work. *Must* keep `since` of an unfinished claim. *Must* set
    /// `due` to the end of the lease, so that work whose holder died comes back by itself, whatever
    /// its due time was before. A `Claim::One` of work that somebody holds, or that is not there,
    /// answers nothing. A `Claim::Due` gives every lane its turn, whatever the backlog of the
    /// others: of `n` lanes each gets at least `limit / n` if it has as many. Its answer is in the
    /// order of the due times.
    ///
    /// # Errors
    ///
    /// [`bailee_core::ErrorKind::StoreUnavailable`]; [`bailee_core::ErrorKind::InvalidInput`] for
    /// a lease of zero or over [`crate::MAX_LEASE`].
    async fn claim(&self, claim: Claim<'_>) -> Result<Vec<Lease>>;

    /// Deletes at most `limit` expired records and says how many.
    ///
    /// *Must not* touch a live one. *Must* delete their lookups with them.
    ///
    /// # Errors
    ///
    /// [`bailee_core::ErrorKind::StoreUnavailable`].
    async fn sweep(&self, limit: u32) -> Result<u64>;

    /// Counts live records of a kind by facet, in one tenant or over all, in the order of the
    /// facets. A facet that no record has is left out.
    ///
    /// # Errors
    ///
    /// [`bailee_core::ErrorKind::StoreUnavailable`].
    async fn tally(&self, tenant: Option<&TenantId>, kind: &Kind) -> Result<Vec<Count>>;
}
