//! The tree of keys: finding, unwrapping and making them.
//!
//! ```text
//! root key      from the key source                             wraps tenant keys
//!  └ tenant key  32 random bytes, per tenant and epoch, wrapped  wraps the keys below
//!     ├ subject key     per subject                              only derives
//!     ├ connection key  per connection that no subject owns      only derives
//!     ├ the tenant's own key (the subject key of nobody)         only derives
//!     └ index key       one for life                             only hashes
//! ```
//!
//! Rows of wrapped keys are lists of parts, each named by its key id, the active key first. A
//! tenant gets its keys in one commit; that its index key must be absent makes two racing callers
//! end with one set. Before that it is entered in the system's tenant, so that a turn of the root
//! key finds it.

use std::{
    pin::Pin,
    sync::{Arc, atomic::Ordering},
};

use bailee_core::{
    Actor, BatchId, Error, ErrorKind, Id, Result, SubjectId, TenantId, audit::Entry,
};
use bailee_store::{Batch, Expect, Facet, Key, Op, Query, Record, Sealed, Version};

use crate::{
    Draft, Holder, KeyContext, RootId,
    cache::KeySet,
    draft,
    envelope::{self, Envelope},
    error::{Fault, configuration},
    holder::Slot,
    key::{KeyMaterial, NamedKey},
    kind, parts,
    vault::{Shared, broken_store},
};

type Boxed<'a, T> = Pin<Box<dyn Future<Output = Result<T>> + Send + 'a>>;

impl Shared {
    /// The keys of a slot, if they are cached and still serve.
    pub(crate) fn cached(&self, tenant: &TenantId, slot: Slot) -> Option<Arc<KeySet>> {
        self.slots().fresh(&(tenant.clone(), slot), self.clock.monotonic())
    }

    /// The keys of a slot: cached, or read. `None` where the row is missing and nothing says why;
    /// for a subject the reason is an error.
    pub(crate) async fn keys(&self, tenant: &TenantId, slot: Slot) -> Result<Option<Arc<KeySet>>> {
        match self.cached(tenant, slot) {
            Some(keys) => Ok(Some(keys)),
            None => self.load(tenant, slot).await,
        }
    }

    /// The keys of a slot, read anew.
    pub(crate) async fn load(&self, tenant: &TenantId, slot: Slot) -> Result<Option<Arc<KeySet>>> {
        let evictions = self.slots().evictions();
        let mut asked = vec![slot.row()];
        let standing = slot.subject().map(|subject| Holder::Subject(subject).standing());
        let (row, standing) = match standing {
            Some(standing) if self.keys_apart() => {
                let standing = one(self.store.read(tenant, &[standing]).await?.records)?;
                check_subject(standing.as_ref())?;
                (one(self.key_store().read(tenant, &asked).await?.records)?, standing)
            }
            Some(standing) => {
                asked.push(standing);
                let mut records = self.store.read(tenant, &asked).await?.records;
                let standing = records.pop().ok_or_else(broken_store)?;
                check_subject(standing.as_ref())?;
                (one(records)?, standing)
            }
            None => (one(self.key_store().read(tenant, &asked).await?.records)?, None),
        };
        match row {
            Some(row) => self.unwrap_row(tenant, slot, &row, evictions).await.map(Some),
            None => {
                self.evict(tenant, slot);
                if standing.is_some() { Err(ErrorKind::KeyMissing.into()) } else { Ok(None) }
            }
        }
    }

    /// The tenant's index key. Where it has to be read, the tenant's own key comes with it: whoever
    /// looks a name up opens what is found.
    pub(crate) async fn directory_keys(&self, tenant: &TenantId) -> Result<Option<Arc<KeySet>>> {
        if let Some(index) = self.cached(tenant, Slot::Index) {
            return Ok(Some(index));
        }
        let evictions = self.slots().evictions();
        let asked = [Slot::Index.row(), Slot::Tenant.row()];
        let mut records = self.key_store().read(tenant, &asked).await?.records;
        let own = records.pop().ok_or_else(broken_store)?;
        let Some(index) = one(records)? else {
            self.evict(tenant, Slot::Index);
            return Ok(None);
        };
        let index = self.unwrap_row(tenant, Slot::Index, &index, evictions).await?;
        if let Some(own) = own {
            self.unwrap_row(tenant, Slot::Tenant, &own, evictions).await?;
        }
        Ok(Some(index))
    }

    /// The keys that seal for a holder. A tenant without keys gets them.
    pub(crate) async fn sealing_keys(&self, tenant: &TenantId, slot: Slot) -> Result<Arc<KeySet>> {
        if let Some(keys) = self.keys(tenant, slot).await? {
            return Ok(keys);
        }
        if matches!(slot, Slot::Index | Slot::Tenant) {
            self.ensure_tenant(tenant).await?;
            if let Some(keys) = self.keys(tenant, slot).await? {
                return Ok(keys);
            }
        }
        Err(ErrorKind::KeyMissing.into())
    }

    /// Unwraps a row of keys, or takes the cached ones when they came out of the same row. They are
    /// cached unless a key was evicted since the row was read.
    ///
    /// A rewrap may come between the row and the tenant key that it names, and that key be retired:
    /// then the row is read again.
    pub(crate) async fn unwrap_row(
        &self,
        tenant: &TenantId,
        slot: Slot,
        row: &Record,
        evictions: u64,
    ) -> Result<Arc<KeySet>> {
        let mut newer: Option<Record> = None;
        loop {
            let row = newer.as_ref().unwrap_or(row);
            match self.unwrap_this(tenant, slot, row, evictions).await {
                Err(error) if error.kind() == ErrorKind::KeyMissing => {
                    newer = Some(self.written_since(tenant, row).await?.ok_or(error)?);
                }
                outcome => return outcome,
            }
        }
    }

    /// A row as it is now, if it was written since it was read.
    pub(crate) async fn written_since(
        &self,
        tenant: &TenantId,
        row: &Record,
    ) -> Result<Option<Record>> {
        let asked = [row.key.clone()];
        let now = one(self.key_store().read(tenant, &asked).await?.records)?;
        Ok(now.filter(|now| now.version != row.version))
    }

    async fn unwrap_this(
        &self,
        tenant: &TenantId,
        slot: Slot,
        row: &Record,
        evictions: u64,
    ) -> Result<Arc<KeySet>> {
        if let Some(keys) = self.cached(tenant, slot).filter(|keys| keys.version() == row.version) {
            return Ok(keys);
        }
        if slot == Slot::Index && row.facet == kind::INDEX_KEY_DESTROYED {
            return Err(ErrorKind::Shredded.into());
        }
        let mut keys = Vec::with_capacity(1);
        for part in parts::Body::list(row.body.as_bytes())? {
            let id = key_id(part.name)?;
            let material = self.unwrap_key(tenant, slot, id, part.sealed).await?;
            keys.push(NamedKey { id, material });
        }
        let keys = Arc::new(self.holder_set(keys, row.version));
        self.slots().insert_since(evictions, (tenant.clone(), slot), Arc::clone(&keys));
        Ok(keys)
    }

    /// Unwraps one key of a row under the tenant key that it names.
    pub(crate) async fn unwrap_key(
        &self,
        tenant: &TenantId,
        slot: Slot,
        id: Id,
        wrapped: &[u8],
    ) -> Result<KeyMaterial> {
        let over = self.tenant_key(tenant, Envelope::parse(wrapped)?.key_id()).await?;
        let over = over.active(self.clock.monotonic())?;
        Ok(envelope::unwrap(&over.material, slot.context(tenant, id), wrapped)?)
    }

    /// Makes a key for a slot. Gives its row's operations, with the check that the tenant key that
    /// wraps it is still the active one, and the key, which is cached.
    pub(crate) async fn make_key(
        &self,
        tenant: &TenantId,
        slot: Slot,
    ) -> Result<(Vec<Op>, Arc<KeySet>)> {
        let over = self.ensure_tenant(tenant).await?;
        let key = NamedKey::generate(&*self.random)?;
        let row = self.wrapped_row(tenant, slot, &over, &key)?;
        let check = Op::Check {
            key: Key::new(kind::TENANT_KEY, over.active(self.clock.monotonic())?.id),
            expect: Expect::Version(over.version()),
        };
        let keys = Arc::new(self.holder_set(vec![key], row.version).pending());
        self.slots().insert((tenant.clone(), slot), Arc::clone(&keys));
        Ok((vec![put_new(row), check], keys))
    }

    /// The active tenant key. A tenant that has none gets its keys.
    pub(crate) async fn ensure_tenant(&self, tenant: &TenantId) -> Result<Arc<KeySet>> {
        if let Some(key) = self.cached_tenant_key(tenant, Id::ZERO) {
            return Ok(key);
        }
        let flight = self.flight(tenant);
        let _alone = flight.lock().await;
        if let Some(key) = self.cached_tenant_key(tenant, Id::ZERO) {
            return Ok(key);
        }
        if let Some(key) = self.find_active(tenant).await? {
            return Ok(key);
        }
        match self.create_tenant(tenant).await {
            Err(error) if error.kind() == ErrorKind::Conflict => {}
            outcome => return outcome,
        }
        // Somebody else made them at the same time; or they were destroyed.
        match self.find_active(tenant).await? {
            Some(key) => Ok(key),
            None => Err(self.why_no_tenant_key(tenant).await?),
        }
    }

    /// A tenant key by its id: cached, or read and unwrapped by one task for all that wait.
    pub(crate) async fn tenant_key(&self, tenant: &TenantId, id: Id) -> Result<Arc<KeySet>> {
        if let Some(key) = self.cached_tenant_key(tenant, id) {
            return Ok(key);
        }
        let flight = self.flight(tenant);
        let _alone = flight.lock().await;
        if let Some(key) = self.cached_tenant_key(tenant, id) {
            return Ok(key);
        }
        let asked = [Key::new(kind::TENANT_KEY, id)];
        match one(self.key_store().read(tenant, &asked).await?.records)? {
            Some(row) => self.unwrap_tenant_key(tenant, &row).await,
            None => Err(self.why_no_tenant_key(tenant).await?),
        }
    }

    /// Unwraps a tenant key's row under the root that it names, and caches it.
    pub(crate) async fn unwrap_tenant_key(
        &self,
        tenant: &TenantId,
        row: &Record,
    ) -> Result<Arc<KeySet>> {
        let parts = parts::Body::list(row.body.as_bytes())?;
        let [part] = parts.as_slice() else { return Err(Fault::Malformed.into()) };
        let id = key_id(part.name)?;
        if id != row.key.id {
            return Err(Fault::Malformed.into());
        }
        let material = self.source.unwrap(KeyContext::new(tenant, id), part.sealed).await?;
        Ok(self.cache_tenant_key(tenant, NamedKey { id, material }, row))
    }

    /// The row of a tenant key, wrapped under the primary root.
    pub(crate) async fn wrapped_tenant_key(
        &self,
        tenant: &TenantId,
        id: Id,
        material: &KeyMaterial,
    ) -> Result<Sealed> {
        let context = KeyContext::new(tenant, id);
        let wrapped = self.source.wrap(&*self.random, context, material).await?;
        if RootId::of_wrapped(&wrapped)? != self.source.primary() {
            return Err(configuration("the key source does not wrap under its primary root"));
        }
        one_part(id, &wrapped)
    }

    /// Sees that the primary root stands among the roots in use, before it wraps anything.
    pub(crate) fn ensure_root(&self) -> Boxed<'_, ()> {
        Box::pin(async {
            let system = TenantId::SYSTEM;
            self.ensure_tenant(&system).await?;
            if self.root_registered.load(Ordering::Relaxed) {
                return Ok(());
            }
            let root = self.source.primary().id();
            let key = Key::new(kind::ROOT_KEY, root);
            let asked = [key.clone()];
            if one(self.key_store().read(&system, &asked).await?.records)?.is_none() {
                let keys = self.sealing_keys(&system, Slot::Tenant).await?;
                let batch = Batch::builder(BatchId::generate(&*self.random)?)
                    .op(self.put_new_plain(&system, key, b"{}", &keys)?)
                    .audit(self.entry("root_key.registered").with("root", root));
                allow_conflict(self.commit_keys(&system, batch).await)?;
            }
            self.root_registered.store(true, Ordering::Relaxed);
            Ok(())
        })
    }

    /// An audit entry of the vault's own.
    pub(crate) fn entry(&self, event: &'static str) -> Entry {
        Entry::new(event, self.clock.now()).by(&Actor::System)
    }

    /// Seals a new record of the tenant's own, without secret parts.
    pub(crate) fn put_new_plain(
        &self,
        tenant: &TenantId,
        key: Key,
        facts: &[u8],
        keys: &KeySet,
    ) -> Result<Op> {
        let draft = Draft::new(key, Holder::Tenant).facts(1, facts);
        draft::seal(self, tenant, draft, keys, None, None)
    }

    fn cached_tenant_key(&self, tenant: &TenantId, id: Id) -> Option<Arc<KeySet>> {
        self.tenant_keys().fresh(&(tenant.clone(), id), self.clock.monotonic())
    }

    async fn find_active(&self, tenant: &TenantId) -> Result<Option<Arc<KeySet>>> {
        let query = Query::of_kind(kind::TENANT_KEY).facet(kind::TENANT_KEY_ACTIVE).limit(1);
        match self.key_store().find(tenant, &query).await?.records.first() {
            Some(row) => self.unwrap_tenant_key(tenant, row).await.map(Some),
            None => Ok(None),
        }
    }

    /// Makes the first tenant key, the tenant's own key and the index key in one commit.
    async fn create_tenant(&self, tenant: &TenantId) -> Result<Arc<KeySet>> {
        let now = Version::first(self.clock.now());
        let mut batch = Batch::builder(BatchId::generate(&*self.random)?);
        if !tenant.is_system() {
            self.ensure_root().await?;
            self.enrol(tenant).await?;
        }
        let key = NamedKey::generate(&*self.random)?;
        let body = self.wrapped_tenant_key(tenant, key.id, &key.material).await?;
        let row =
            key_row(Key::new(kind::TENANT_KEY, key.id), None, kind::TENANT_KEY_ACTIVE, now, body);
        let entry = self.entry("tenant_key.created").with("key", key.id);
        let over = self.tenant_set(key, now);
        let own = NamedKey::generate(&*self.random)?;
        let index = NamedKey::generate(&*self.random)?;
        batch = batch
            .op(put_new(row.clone()))
            .op(put_new(self.wrapped_row(tenant, Slot::Tenant, &over, &own)?))
            .op(put_new(self.wrapped_row(tenant, Slot::Index, &over, &index)?))
            .audit(entry);
        if tenant.is_system() {
            let root = self.source.primary().id();
            let own = self.holder_set(vec![own], now);
            let key = Key::new(kind::ROOT_KEY, root);
            batch = batch
                .op(self.put_new_plain(tenant, key, b"{}", &own)?)
                .audit(self.entry("root_key.registered").with("root", root));
        }
        self.commit_keys(tenant, batch).await?;
        let over = Arc::new(over);
        self.insert_tenant_key(tenant, &over, &row);
        Ok(over)
    }

    /// Enters a tenant in the system's tenant.
    fn enrol<'a>(&'a self, tenant: &'a TenantId) -> Boxed<'a, ()> {
        Box::pin(async move {
            let system = TenantId::SYSTEM;
            let key = Key::new(kind::TENANT, tenant_entry(tenant));
            let asked = [key.clone()];
            if one(self.key_store().read(&system, &asked).await?.records)?.is_some() {
                return Ok(());
            }
            let keys = self.sealing_keys(&system, Slot::Tenant).await?;
            let entry = self.entry("tenant.enrolled").with("tenant", key.id);
            let batch = Batch::builder(BatchId::generate(&*self.random)?)
                .op(self.put_new_plain(&system, key, tenant.as_str().as_bytes(), &keys)?)
                .audit(entry);
            allow_conflict(self.commit_keys(&system, batch).await)
        })
    }

    async fn why_no_tenant_key(&self, tenant: &TenantId) -> Result<Error> {
        let asked = [Slot::Index.row()];
        let index = one(self.key_store().read(tenant, &asked).await?.records)?;
        let destroyed = index.is_some_and(|index| index.facet == kind::INDEX_KEY_DESTROYED);
        Ok(Error::from(if destroyed { ErrorKind::Shredded } else { ErrorKind::KeyMissing }))
    }

    fn wrapped_row(
        &self,
        tenant: &TenantId,
        slot: Slot,
        over: &KeySet,
        key: &NamedKey,
    ) -> Result<Record> {
        let over = over.active(self.clock.monotonic())?;
        let context = slot.context(tenant, key.id);
        let wrapped = envelope::wrap(over, context, &key.material, &*self.random)?;
        let version = Version::first(self.clock.now());
        let body = one_part(key.id, &wrapped)?;
        Ok(key_row(slot.row(), slot.subject(), Facet::default(), version, body))
    }

    fn tenant_set(&self, key: NamedKey, version: Version) -> KeySet {
        let (now, age) = (self.clock.monotonic(), self.limits.tenant_age);
        KeySet::new(vec![key], version, now, age, self.limits.uses)
    }

    fn holder_set(&self, keys: Vec<NamedKey>, version: Version) -> KeySet {
        let (now, age) = (self.clock.monotonic(), self.limits.holder_age);
        KeySet::new(keys, version, now, age, self.limits.uses)
    }

    fn cache_tenant_key(&self, tenant: &TenantId, key: NamedKey, row: &Record) -> Arc<KeySet> {
        let keys = Arc::new(self.tenant_set(key, row.version));
        self.insert_tenant_key(tenant, &keys, row);
        keys
    }

    fn insert_tenant_key(&self, tenant: &TenantId, keys: &Arc<KeySet>, row: &Record) {
        let mut cache = self.tenant_keys();
        cache.insert((tenant.clone(), row.key.id), Arc::clone(keys));
        if row.facet == kind::TENANT_KEY_ACTIVE {
            cache.insert((tenant.clone(), Id::ZERO), Arc::clone(keys));
        }
    }
}

/// Refuses a subject that is not there or was erased.
pub(crate) fn check_subject(standing: Option<&Record>) -> Result<()> {
    match standing {
        None => Err(ErrorKind::NotFound.into()),
        Some(record) if record.facet == kind::SUBJECT_ERASED => Err(ErrorKind::Shredded.into()),
        Some(_) => Ok(()),
    }
}

/// The id of a tenant's entry in the system's tenant.
pub(crate) fn tenant_entry(tenant: &TenantId) -> Id {
    Id::derive(&[b"tenant", tenant.as_str().as_bytes()])
}

/// The answer to one key.
pub(crate) fn one(records: Vec<Option<Record>>) -> Result<Option<Record>> {
    let [record] = <[_; 1]>::try_from(records).map_err(|_| broken_store())?;
    Ok(record)
}

/// The name of a wrapped key.
pub(crate) fn key_id(name: &[u8]) -> Result<Id, Fault> {
    name.try_into().map(Id::from_bytes).map_err(|_| Fault::Malformed)
}

/// A row of wrapped keys.
pub(crate) fn key_row(
    key: Key,
    subject: Option<SubjectId>,
    facet: Facet,
    version: Version,
    body: Sealed,
) -> Record {
    Record { key, subject, facet, expires: None, version, body }
}

/// The body of a row with one wrapped key.
pub(crate) fn one_part(id: Id, wrapped: &[u8]) -> Result<Sealed> {
    Ok(Sealed::new(parts::write([(id.as_bytes().as_slice(), wrapped)].into_iter())?))
}

/// Writes a row that must be new.
pub(crate) fn put_new(record: Record) -> Op {
    Op::Put { record, expect: Expect::Absent, lookups: None }
}

/// Takes "somebody else wrote it" for done.
pub(crate) fn allow_conflict(outcome: Result<()>) -> Result<()> {
    match outcome {
        Err(error) if error.kind() == ErrorKind::Conflict => Ok(()),
        outcome => outcome,
    }
}
