//! Something that stands between a process and its store, or its way out, and has a say in each step.

use std::{fmt, ops::Deref, sync::Arc};

use async_trait::async_trait;
use bailee::{
    Result, TenantId,
    http::{HttpSend, Opened, Request, Response, SendError},
    store::{
        Batch, Claim, Committed, Count, Head, Key, Kind, Leaf, Lease, Log, LoggedEntry, Page,
        Query, Snapshot, Store, Window,
    },
};

/// What a store is asked.
#[derive(Clone, Copy, Debug)]
pub enum Step<'a> {
    /// To claim work.
    Claim(&'a Claim<'a>),
    /// To commit a batch of a tenant.
    Commit(&'a TenantId, &'a Batch),
    /// To find records.
    Find,
    /// To give a piece of the log.
    Log,
    /// To read records.
    Read,
    /// To do something for all tenants: to sweep, to count, to number the log.
    Upkeep,
}

/// Has a say in each step: before it, after it, instead of it.
pub trait Around: Send + Sync + 'static {
    /// Takes a step of the store, or fails in the store's place.
    fn around<T: Send>(
        &self,
        step: Step<'_>,
        taken: impl Future<Output = Result<T>> + Send,
    ) -> impl Future<Output = Result<T>> + Send;

    /// Sends a request to a path. Says nothing to it unless somebody has a say there too.
    fn around_request<T: Send>(
        &self,
        path: &str,
        sent: impl Future<Output = Result<T, SendError>> + Send,
    ) -> impl Future<Output = Result<T, SendError>> + Send {
        let _ = path;
        sent
    }
}

/// A store or an HTTP client with something around it, which is reached through it.
pub struct Wrapped<A, I: ?Sized = dyn Store> {
    inner: Arc<I>,
    around: A,
}

impl<A, I: ?Sized> Wrapped<A, I> {
    /// Puts something around a store or a client.
    #[must_use]
    pub fn over(inner: Arc<I>, around: A) -> Self {
        Self { inner, around }
    }

    /// What is inside.
    #[must_use]
    pub fn inner(&self) -> Arc<I> {
        self.inner.clone()
    }
}

impl<A: Clone, I: ?Sized> Clone for Wrapped<A, I> {
    fn clone(&self) -> Self {
        Self::over(self.inner.clone(), self.around.clone())
    }
}

impl<A, I: ?Sized> Deref for Wrapped<A, I> {
    type Target = A;

    fn deref(&self) -> &A {
        &self.around
    }
}

impl<A, I: ?Sized> fmt::Debug for Wrapped<A, I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Wrapped")
    }
}

#[async_trait]
impl<A: Around> Store for Wrapped<A> {
    async fn read(&self, tenant: &TenantId, keys: &[Key]) -> Result<Snapshot> {
        self.around.around(Step::Read, self.inner.read(tenant, keys)).await
    }

    async fn find(&self, tenant: &TenantId, query: &Query) -> Result<Page> {
        self.around.around(Step::Find, self.inner.find(tenant, query)).await
    }

    async fn commit(&self, tenant: &TenantId, batch: &Batch) -> Result<Committed> {
        let step = Step::Commit(tenant, batch);
        self.around.around(step, self.inner.commit(tenant, batch)).await
    }

    async fn claim(&self, claim: Claim<'_>) -> Result<Vec<Lease>> {
        self.around.around(Step::Claim(&claim), self.inner.claim(claim)).await
    }

    async fn sweep(&self, limit: u32) -> Result<u64> {
        self.around.around(Step::Upkeep, self.inner.sweep(limit)).await
    }

    async fn tally(&self, tenant: Option<&TenantId>, kind: &Kind) -> Result<Vec<Count>> {
        self.around.around(Step::Upkeep, self.inner.tally(tenant, kind)).await
    }
}

#[async_trait]
impl<A: Around> Log for Wrapped<A> {
    async fn entries(&self, tenant: &TenantId, window: Window) -> Result<Vec<LoggedEntry>> {
        self.around.around(Step::Log, self.inner.entries(tenant, window)).await
    }

    async fn open(&self, limit: u32) -> Result<(Head, Vec<Leaf>)> {
        self.around.around(Step::Upkeep, self.inner.open(limit)).await
    }

    async fn numbered(&self, from: u64, limit: u32) -> Result<Vec<(u64, Leaf)>> {
        self.around.around(Step::Upkeep, self.inner.numbered(from, limit)).await
    }

    async fn fold(&self, head: Head, leaves: &[Leaf]) -> Result<Head> {
        self.around.around(Step::Upkeep, self.inner.fold(head, leaves)).await
    }
}

#[async_trait]
impl<A: Around> HttpSend for Wrapped<A, dyn HttpSend> {
    async fn open(&self, request: Request) -> Result<Opened, SendError> {
        let path = request.url.path().to_owned();
        self.around.around_request(&path, self.inner.open(request)).await
    }

    async fn send(&self, request: Request) -> Result<Response, SendError> {
        let path = request.url.path().to_owned();
        self.around.around_request(&path, self.inner.send(request)).await
    }
}
