//! A store that dies with its process.

#![allow(dead_code, reason = "not every test that it serves lets somebody come between")]

use std::{
    fmt,
    sync::{
        Arc, Mutex,
        atomic::{AtomicI64, Ordering},
    },
};

use async_trait::async_trait;
use bailee_core::{Error, ErrorKind, Result, TenantId};
use bailee_store::{
    Batch, Claim, Committed, Count, Head, Key, Kind, Leaf, Lease, Log, LoggedEntry, Page, Query,
    Snapshot, Store, Window,
};

/// A store whose process can be killed at a commit: before it happens, or after.
pub(crate) struct Mortal {
    inner: Arc<dyn Store>,
    /// How many commits are left. Negative: any number.
    left: AtomicI64,
    /// Whether the last commit happens.
    happens: bool,
    /// What somebody else does just before the next commit.
    before_commit: Mutex<Option<Box<dyn FnOnce() + Send>>>,
}

impl fmt::Debug for Mortal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Mortal")
    }
}

impl Mortal {
    /// A store that dies at the commit after so many; never where the number is negative.
    pub(crate) fn new(inner: Arc<dyn Store>, left: i64, happens: bool) -> Self {
        Self { inner, left: AtomicI64::new(left), happens, before_commit: Mutex::default() }
    }

    pub(crate) fn before_commit(&self, hook: impl FnOnce() + Send + 'static) {
        *self.before_commit.lock().unwrap() = Some(Box::new(hook));
    }

    fn alive(&self) -> Result<()> {
        match self.left.load(Ordering::SeqCst) {
            0 => Err(Error::new(ErrorKind::StoreUnavailable)),
            _ => Ok(()),
        }
    }
}

#[async_trait]
impl Log for Mortal {
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
impl Store for Mortal {
    async fn read(&self, tenant: &TenantId, keys: &[Key]) -> Result<Snapshot> {
        self.alive()?;
        self.inner.read(tenant, keys).await
    }

    async fn find(&self, tenant: &TenantId, query: &Query) -> Result<Page> {
        self.alive()?;
        self.inner.find(tenant, query).await
    }

    async fn commit(&self, tenant: &TenantId, batch: &Batch) -> Result<Committed> {
        self.alive()?;
        let last = self.left.fetch_sub(1, Ordering::SeqCst) == 1;
        if last && !self.happens {
            return Err(Error::new(ErrorKind::StoreUnavailable));
        }
        let hook = self.before_commit.lock().unwrap().take();
        if let Some(hook) = hook {
            hook();
        }
        let done = self.inner.commit(tenant, batch).await;
        if last { Err(Error::new(ErrorKind::StoreUnavailable)) } else { done }
    }

    async fn claim(&self, claim: Claim<'_>) -> Result<Vec<Lease>> {
        self.alive()?;
        self.inner.claim(claim).await
    }

    async fn sweep(&self, limit: u32) -> Result<u64> {
        self.inner.sweep(limit).await
    }

    async fn tally(&self, tenant: Option<&TenantId>, kind: &Kind) -> Result<Vec<Count>> {
        self.inner.tally(tenant, kind).await
    }
}
