//! A store that fails one commit, or lets something happen right before one of its calls.

use std::{
    fmt,
    future::Future,
    pin::Pin,
    sync::{Arc, Mutex},
};

use async_trait::async_trait;
use bailee_core::{Error, ErrorKind, Result, TenantId};
use bailee_store::{
    Batch, Claim, Committed, Count, Head, Key, Kind, Leaf, Lease, Log, LoggedEntry, Page, Query,
    Snapshot, Store, Window,
};

type Fails = Box<dyn Fn(&Batch) -> bool + Send>;
type Happens = Pin<Box<dyn Future<Output = ()> + Send>>;

pub(crate) struct Frail {
    inner: Arc<dyn Store>,
    fails: Mutex<Option<Fails>>,
    happens: Mutex<Option<(usize, Happens)>>,
}

impl Frail {
    pub(crate) fn over(inner: Arc<dyn Store>) -> Self {
        Self { inner, fails: Mutex::new(None), happens: Mutex::new(None) }
    }

    /// The store itself.
    pub(crate) fn inner(&self) -> Arc<dyn Store> {
        Arc::clone(&self.inner)
    }

    /// Fails the first commit of which this says so.
    pub(crate) fn fail(&self, fails: impl Fn(&Batch) -> bool + Send + 'static) {
        *self.fails.lock().unwrap() = Some(Box::new(fails));
    }

    /// Lets something happen once, after so many calls.
    pub(crate) fn before(&self, calls: usize, what: impl Future<Output = ()> + Send + 'static) {
        *self.happens.lock().unwrap() = Some((calls, Box::pin(what)));
    }

    /// Whether it has not happened yet.
    pub(crate) fn waits(&self) -> bool {
        self.happens.lock().unwrap().is_some()
    }

    async fn call(&self) {
        let now = {
            let mut happens = self.happens.lock().unwrap();
            match happens.take() {
                Some((0, what)) => Some(what),
                Some((calls, what)) => {
                    *happens = Some((calls - 1, what));
                    None
                }
                None => None,
            }
        };
        if let Some(what) = now {
            what.await;
        }
    }
}

impl fmt::Debug for Frail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Frail")
    }
}

#[async_trait]
impl Log for Frail {
    async fn entries(&self, tenant: &TenantId, window: Window) -> Result<Vec<LoggedEntry>> {
        self.inner.entries(tenant, window).await
    }

    async fn open(&self, limit: u32) -> Result<(Head, Vec<Leaf>)> {
        self.inner.open(limit).await
    }

    async fn fold(&self, head: Head, leaves: &[Leaf]) -> Result<Head> {
        self.inner.fold(head, leaves).await
    }

    async fn numbered(&self, from: u64, limit: u32) -> Result<Vec<(u64, Leaf)>> {
        self.inner.numbered(from, limit).await
    }
}

#[async_trait]
impl Store for Frail {
    async fn read(&self, tenant: &TenantId, keys: &[Key]) -> Result<Snapshot> {
        self.call().await;
        self.inner.read(tenant, keys).await
    }

    async fn find(&self, tenant: &TenantId, query: &Query) -> Result<Page> {
        self.call().await;
        self.inner.find(tenant, query).await
    }

    async fn commit(&self, tenant: &TenantId, batch: &Batch) -> Result<Committed> {
        self.call().await;
        let fails = {
            let mut fails = self.fails.lock().unwrap();
            let now = fails.as_ref().is_some_and(|fails| fails(batch));
            now.then(|| fails.take()).is_some()
        };
        match fails {
            true => Err(Error::new(ErrorKind::StoreUnavailable)),
            false => self.inner.commit(tenant, batch).await,
        }
    }

    async fn claim(&self, claim: Claim<'_>) -> Result<Vec<Lease>> {
        self.inner.claim(claim).await
    }

    async fn sweep(&self, limit: u32) -> Result<u64> {
        self.inner.sweep(limit).await
    }

    async fn tally(&self, tenant: Option<&TenantId>, kind: &Kind) -> Result<Vec<Count>> {
        self.inner.tally(tenant, kind).await
    }
}
