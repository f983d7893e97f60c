//! A store in memory whose every answer is waited for, as those of a real one are.

use std::{fmt, sync::Arc};

use async_trait::async_trait;
use bailee::{
    Result, TenantId,
    store::{
        Batch, Claim, Committed, Count, Head, Key, Kind, Leaf, Lease, Log, LoggedEntry, Page,
        Query, Snapshot, Store, Window,
    },
};
use tokio::task::yield_now;

/// Waits once before each question and once before its answer, so that a caller can leave at both.
pub struct Yielding(Arc<dyn Store>);

impl Yielding {
    /// Stands before a store.
    #[must_use]
    pub fn new(store: Arc<dyn Store>) -> Self {
        Self(store)
    }
}

impl fmt::Debug for Yielding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Yielding")
    }
}

async fn waited<T>(answer: impl Future<Output = T>) -> T {
    yield_now().await;
    let answer = answer.await;
    yield_now().await;
    answer
}

#[async_trait]
impl Store for Yielding {
    async fn read(&self, tenant: &TenantId, keys: &[Key]) -> Result<Snapshot> {
        waited(self.0.read(tenant, keys)).await
    }

    async fn find(&self, tenant: &TenantId, query: &Query) -> Result<Page> {
        waited(self.0.find(tenant, query)).await
    }

    async fn commit(&self, tenant: &TenantId, batch: &Batch) -> Result<Committed> {
        waited(self.0.commit(tenant, batch)).await
    }

    async fn claim(&self, claim: Claim<'_>) -> Result<Vec<Lease>> {
        waited(self.0.claim(claim)).await
    }

    async fn sweep(&self, limit: u32) -> Result<u64> {
        self.0.sweep(limit).await
    }

    async fn tally(&self, tenant: Option<&TenantId>, kind: &Kind) -> Result<Vec<Count>> {
        self.0.tally(tenant, kind).await
    }
}

#[async_trait]
impl Log for Yielding {
    async fn entries(&self, tenant: &TenantId, window: Window) -> Result<Vec<LoggedEntry>> {
        waited(self.0.entries(tenant, window)).await
    }

    async fn open(&self, limit: u32) -> Result<(Head, Vec<Leaf>)> {
        self.0.open(limit).await
    }

    async fn fold(&self, head: Head, leaves: &[Leaf]) -> Result<Head> {
        self.0.fold(head, leaves).await
    }
}
