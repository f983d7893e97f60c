//! The store.

use std::sync::Arc;

use async_trait::async_trait;
use bailee_core::{Clock, Result, TenantId, Timestamp};
use bailee_store::{
    Batch, Claim, Committed, Count, Head, Key, Kind, Leaf, Lease, Log, LoggedEntry, Page, Query,
    Snapshot, Store, Window,
};

use crate::{builder::Builder, inspection, pool::Pool, statement::Statement};

/// A [`Store`] on PostgreSQL: row-level security, and any number of processes on one database.
///
/// It holds a bounded set of connections. A caller who finds none free waits in turn; a connection
/// whose work was cut off is closed, and another one is opened when it is needed. Its connections
/// live in the tokio runtime under which it was connected; its methods may be awaited anywhere.
#[derive(Clone, Debug)]
pub struct PostgresStore {
    pub(crate) pool: Arc<Pool>,
    clock: Option<Arc<dyn Clock>>,
}

impl PostgresStore {
    /// Connects with the application's role, without TLS: to a unix socket or to this machine.
    ///
    /// # Errors
    ///
    /// Those of [`Builder::connect`].
    pub async fn connect(url: &str) -> Result<Self> {
        Self::builder(url)?.connect().await
    }

    /// Begins with an address: `postgres://role:password@host/database`, or words like
    /// `host=/run/postgresql user=bailee_app dbname=app`.
    ///
    /// # Errors
    ///
    /// Refuses ([`bailee_core::ErrorKind::Configuration`]) what is no address of a database.
    pub fn builder(url: &str) -> Result<Builder> {
        Builder::parse(url)
    }

    pub(crate) fn new(pool: Arc<Pool>, clock: Option<Arc<dyn Clock>>) -> Self {
        Self { pool, clock }
    }

    /// Looks again at what [`Builder::connect`] looked at: server, role, tables, policies, grants
    /// and migrations.
    ///
    /// # Errors
    ///
    /// [`bailee_core::ErrorKind::Configuration`] with every fault and the SQL that mends it;
    /// [`bailee_core::ErrorKind::StoreUnavailable`].
    pub async fn inspect(&self) -> Result<()> {
        inspection::inspect(&mut self.pool.session().await?).await
    }

    /// The bound clock's time. Without one, statements get NULL and take the server's.
    pub(crate) fn now(&self) -> Option<Timestamp> {
        self.clock.as_ref().map(|clock| clock.now())
    }
}

/// Enters a tenant for the transaction that it begins, and bounds how long its statements wait for
/// each other and how long its locks outlive a process that stands still.
pub(crate) fn enter(tenant: &TenantId) -> Statement<'_> {
    Statement::new(
        "SELECT pg_catalog.set_config('bailee.tenant', $1, true),
                pg_catalog.set_config('lock_timeout', '10s', true),
                pg_catalog.set_config('idle_in_transaction_session_timeout', '30s', true)",
    )
    .text(tenant.as_str())
}

/// Takes the worker's role for the transaction that it begins: all tenants, and no body.
pub(crate) fn work() -> Statement<'static> {
    Statement::new(
        "SELECT pg_catalog.set_config('role', 'bailee_worker', true),
                pg_catalog.set_config('lock_timeout', '10s', true),
                pg_catalog.set_config('idle_in_transaction_session_timeout', '30s', true)",
    )
}

#[async_trait]
impl Store for PostgresStore {
    async fn read(&self, tenant: &TenantId, keys: &[Key]) -> Result<Snapshot> {
        self.read_keys(tenant, keys).await
    }

    async fn find(&self, tenant: &TenantId, query: &Query) -> Result<Page> {
        self.find_page(tenant, query).await
    }

    async fn commit(&self, tenant: &TenantId, batch: &Batch) -> Result<Committed> {
        self.commit_batch(tenant, batch).await
    }

    async fn claim(&self, claim: Claim<'_>) -> Result<Vec<Lease>> {
        self.claim_work(claim).await
    }

    async fn sweep(&self, limit: u32) -> Result<u64> {
        self.sweep_expired(limit).await
    }

    async fn tally(&self, tenant: Option<&TenantId>, kind: &Kind) -> Result<Vec<Count>> {
        self.count_records(tenant, kind).await
    }
}

#[async_trait]
impl Log for PostgresStore {
    async fn entries(&self, tenant: &TenantId, window: Window) -> Result<Vec<LoggedEntry>> {
        self.log_entries(tenant, window).await
    }

    async fn open(&self, limit: u32) -> Result<(Head, Vec<Leaf>)> {
        self.log_open(limit).await
    }

    async fn numbered(&self, from: u64, limit: u32) -> Result<Vec<(u64, Leaf)>> {
        self.log_numbered(from, limit).await
    }

    async fn fold(&self, head: Head, leaves: &[Leaf]) -> Result<Head> {
        self.log_fold(head, leaves).await
    }
}
