//! The vault and how it is opened.

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak, atomic::AtomicBool},
};

use bailee_core::{
    BatchId, Clock, Error, ErrorKind, Id, Random, Result, SubjectId, SystemClock, SystemRandom,
    TenantId,
};
use bailee_store::{Batch, BatchBuilder, Committed, Op, Query, Store};
use futures_util::lock;

use crate::{
    KeySource, RootId,
    cache::{Cache, CacheLimits},
    error::configuration,
    holder::Slot,
    joined::JoinedReads,
    kind,
};

/// Sealed records over a store, under a tree of keys that an erasure destroys.
///
/// Clones share one vault.
#[derive(Clone, Debug)]
pub struct Vault(pub(crate) Arc<Shared>);

/// How a vault is put together.
#[derive(Debug)]
pub struct VaultBuilder {
    store: Opaque<Arc<dyn Store>>,
    key_store: Option<Opaque<Arc<dyn Store>>>,
    source: Box<dyn KeySource>,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
    limits: CacheLimits,
}

pub(crate) struct Shared {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) key_store: Option<Arc<dyn Store>>,
    pub(crate) source: Box<dyn KeySource>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) random: Arc<dyn Random>,
    pub(crate) limits: CacheLimits,
    /// Tenant keys by their id; the active one also under the zero id.
    tenant_keys: Mutex<Cache<(TenantId, Id)>>,
    /// Keys of subjects, connections, tenants and indexes.
    slots: Mutex<Cache<(TenantId, Slot)>>,
    /// Who is looking for a tenant key now, so that one does it for all.
    flights: Mutex<HashMap<TenantId, Weak<lock::Mutex<()>>>>,
    pub(crate) joined: JoinedReads,
    /// Whether this process has seen its primary root among the registered ones.
    pub(crate) root_registered: AtomicBool,
}

impl Vault {
    /// Begins a vault over a store, under the keys of a source.
    pub fn builder(store: Arc<dyn Store>, keys: impl KeySource) -> VaultBuilder {
        VaultBuilder {
            store: Opaque(store),
            key_store: None,
            source: Box::new(keys),
            clock: Arc::new(SystemClock),
            random: Arc::new(SystemRandom),
            limits: CacheLimits::default(),
        }
    }

    /// The store of the records.
    pub fn store(&self) -> &Arc<dyn Store> {
        &self.0.store
    }

    /// The clock.
    pub fn clock(&self) -> &Arc<dyn Clock> {
        &self.0.clock
    }

    /// The source of randomness.
    pub fn random(&self) -> &Arc<dyn Random> {
        &self.0.random
    }

    /// Begins a batch under an id of its own.
    ///
    /// # Errors
    ///
    /// Fails when the source of randomness fails.
    pub fn batch(&self) -> Result<BatchBuilder> {
        Ok(Batch::builder(BatchId::generate(&*self.0.random)?))
    }

    /// Builds a batch and commits it. An open outcome is tried three more times under the same id.
    ///
    /// Keys that the batch creates or deletes leave the cache as the outcome demands.
    ///
    /// # Errors
    ///
    /// As [`BatchBuilder::build`] and [`Store::commit`]; [`ErrorKind::Ambiguous`] when the outcome
    /// is still open.
    pub async fn commit(&self, tenant: &TenantId, batch: BatchBuilder) -> Result<Committed> {
        self.0.commit_to(&*self.0.store, tenant, &batch.build()?).await
    }

    /// Forgets keys that are too old. Call it now and then; whoever drives the work does.
    pub fn wake(&self) {
        let now = self.0.clock.monotonic();
        self.0.tenant_keys().retain(|_, keys| keys.is_fresh(now));
        self.0.slots().retain(|_, keys| keys.is_fresh(now));
    }

    /// How many tenant keys and how many keys of subjects, connections and tenants are cached.
    pub fn cached_keys(&self) -> (usize, usize) {
        (self.0.tenant_keys().len(), self.0.slots().len())
    }
}

impl VaultBuilder {
    /// Takes time from this clock instead of the system's.
    #[must_use]
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// Takes randomness from this source instead of the system's.
    #[must_use]
    pub fn random(mut self, random: Arc<dyn Random>) -> Self {
        self.random = random;
        self
    }

    /// Keeps the wrapped keys in a store of their own, so that their backups can have a shorter
    /// life than those of the data.
    #[must_use]
    pub fn keys_in(mut self, store: Arc<dyn Store>) -> Self {
        self.key_store = Some(Opaque(store));
        self
    }

    /// Narrows the limits of the key cache.
    #[must_use]
    pub fn cache(mut self, limits: CacheLimits) -> Self {
        self.limits = limits;
        self
    }

    /// Opens the vault. It reads which roots wrap live tenant keys and writes nothing.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Configuration`] when a live tenant key names a root that the key source does
    /// not have, or a limit is wider than its default; [`ErrorKind::StoreUnavailable`].
    pub async fn open(self) -> Result<Vault> {
        self.limits.check()?;
        let shared = Shared {
            store: self.store.0,
            key_store: self.key_store.map(|store| store.0),
            source: self.source,
            clock: self.clock,
            random: self.random,
            tenant_keys: Mutex::new(Cache::new(self.limits.entries)),
            slots: Mutex::new(Cache::new(self.limits.entries)),
            limits: self.limits,
            flights: Mutex::default(),
            joined: JoinedReads::default(),
            root_registered: AtomicBool::new(false),
        };
        shared.check_roots().await?;
        Ok(Vault(Arc::new(shared)))
    }
}

impl Shared {
    /// Where the wrapped keys are.
    pub(crate) fn key_store(&self) -> &dyn Store {
        &**self.key_store.as_ref().unwrap_or(&self.store)
    }

    /// Whether the wrapped keys are in a store of their own.
    pub(crate) fn keys_apart(&self) -> bool {
        self.key_store.is_some()
    }

    pub(crate) fn tenant_keys(&self) -> MutexGuard<'_, Cache<(TenantId, Id)>> {
        self.tenant_keys.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn slots(&self) -> MutexGuard<'_, Cache<(TenantId, Slot)>> {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The lock under which one task looks for keys of a tenant for all that wait.
    pub(crate) fn flight(&self, tenant: &TenantId) -> Arc<lock::Mutex<()>> {
        let mut flights = self.flights.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(flight) = flights.get(tenant).and_then(Weak::upgrade) {
            return flight;
        }
        flights.retain(|_, flight| flight.strong_count() > 0);
        let flight = Arc::default();
        flights.insert(tenant.clone(), Arc::downgrade(&flight));
        flight
    }

    pub(crate) fn evict(&self, tenant: &TenantId, slot: Slot) {
        self.slots().remove(&(tenant.clone(), slot));
    }

    pub(crate) fn evict_active(&self, tenant: &TenantId) {
        self.tenant_keys().remove(&(tenant.clone(), Id::ZERO));
    }

    /// Commits to the store of the keys.
    pub(crate) async fn commit_keys(&self, tenant: &TenantId, batch: BatchBuilder) -> Result<()> {
        self.commit_to(self.key_store(), tenant, &batch.build()?).await.map(|_| ())
    }

    async fn commit_to(
        &self,
        store: &dyn Store,
        tenant: &TenantId,
        batch: &Batch,
    ) -> Result<Committed> {
        let mut committing = Committing { shared: self, tenant, batch, done: false };
        let outcome = commit(store, tenant, batch).await;
        committing.done = outcome.is_ok();
        outcome
    }

    /// Forgets every key of a tenant.
    fn forget_tenant(&self, tenant: &TenantId) {
        self.tenant_keys().retain(|(of, _), _| of != tenant);
        self.slots().retain(|(of, _), _| of != tenant);
    }

    /// Lets the cache follow a commit.
    fn after_commit(&self, tenant: &TenantId, batch: &Batch, done: bool) {
        for op in batch.ops() {
            let slot = match op {
                // There is another active key now, or it has another row.
                Op::Put { record, .. } if record.key.kind == kind::TENANT_KEY => {
                    self.evict_active(tenant);
                    None
                }
                Op::Put { record, .. }
                    if record.facet == kind::INDEX_KEY_DESTROYED
                        && record.key.kind == kind::INDEX_KEY =>
                {
                    self.forget_tenant(tenant);
                    None
                }
                Op::Put { record, .. } if record.key.kind == kind::SUBJECT => {
                    let erased = record.facet == kind::SUBJECT_ERASED;
                    erased.then(|| Slot::Subject(SubjectId::from_id(record.key.id)))
                }
                // A key that was made for this batch does not exist if the batch failed.
                Op::Put { record, .. } if !done => Slot::of_row(&record.key),
                Op::Put { record, .. } if Slot::of_row(&record.key).is_some() => {
                    if let Some(slot) = Slot::of_row(&record.key)
                        && let Some(keys) = self.cached(tenant, slot)
                    {
                        keys.settle();
                    }
                    None
                }
                Op::Delete { key, .. } if key.kind == kind::TENANT_KEY => {
                    self.tenant_keys().remove(&(tenant.clone(), key.id));
                    self.evict_active(tenant);
                    None
                }
                Op::Delete { key, .. } => Slot::of_row(key),
                // The tenant key may have been turned.
                Op::Check { key, .. } if !done && key.kind == kind::TENANT_KEY => {
                    self.evict_active(tenant);
                    None
                }
                _ => None,
            };
            if let Some(slot) = slot {
                self.evict(tenant, slot);
            }
        }
    }

    async fn check_roots(&self) -> Result<()> {
        let known = self.source.roots();
        let missing = || {
            configuration("a live tenant key is wrapped under a root key that is not configured")
        };
        let system = TenantId::SYSTEM;
        let mut query = Query::of_kind(kind::ROOT_KEY).limit(1000);
        loop {
            let page = self.key_store().find(&system, &query).await?;
            if page.records.iter().any(|root| !known.contains(&RootId::from_id(root.key.id))) {
                return Err(missing());
            }
            let Some(next) = page.next else { break };
            query = query.after(next);
        }
        let query = Query::of_kind(kind::TENANT_KEY).limit(1000);
        for record in self.key_store().find(&system, &query).await?.records {
            for part in crate::parts::Body::list(record.body.as_bytes())? {
                if !known.contains(&RootId::of_wrapped(part.sealed)?) {
                    return Err(missing());
                }
            }
        }
        Ok(())
    }
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Vault")
            .field("keys", &self.source)
            .field("keys_apart", &self.keys_apart())
            .field("limits", &self.limits)
            .finish_non_exhaustive()
    }
}

/// A commit that is under way. However it ends, the cache follows; where whoever asked for it went
/// away, it may have been done and may not, and what it touches is forgotten.
struct Committing<'c> {
    shared: &'c Shared,
    tenant: &'c TenantId,
    batch: &'c Batch,
    done: bool,
}

impl Drop for Committing<'_> {
    fn drop(&mut self) {
        self.shared.after_commit(self.tenant, self.batch, self.done);
    }
}

/// A store in a type that shows itself.
struct Opaque<T>(T);

impl<T> fmt::Debug for Opaque<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("..")
    }
}

async fn commit(store: &dyn Store, tenant: &TenantId, batch: &Batch) -> Result<Committed> {
    for _ in 0..3 {
        match store.commit(tenant, batch).await {
            Err(error) if error.kind() == ErrorKind::Ambiguous => {}
            outcome => return outcome,
        }
    }
    store.commit(tenant, batch).await
}

/// An answer of a store that has not the form of the contract.
pub(crate) fn broken_store() -> Error {
    Error::new(ErrorKind::StoreUnavailable).with_detail("the store answered other keys than asked")
}
