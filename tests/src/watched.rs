//! A store that counts what is asked of it, remembers what was written, and lets a test change
//! rows as somebody with write access to the database can.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use bailee::{
    Result, TenantId,
    core::{BatchId, Id, SystemRandom, Timestamp, audit::Entry},
    store::{Batch, Control, Expect, Key, Kind, LoggedEntry, Op, Record, Store, Window},
};

use crate::{Around, Step, Wrapped};

/// A store with an observer in front of it.
pub type Watched = Wrapped<Observer>;

/// What counts and remembers.
#[derive(Debug, Default)]
pub struct Observer {
    reads: AtomicU64,
    finds: AtomicU64,
    commits: AtomicU64,
    claims: AtomicU64,
    written: Mutex<BTreeMap<(TenantId, Key), Vec<Id>>>,
}

/// How often a store was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Asked {
    /// Reads.
    pub reads: u64,
    /// Searches.
    pub finds: u64,
    /// Commits.
    pub commits: u64,
    /// Claims.
    pub claims: u64,
}

/// Everything that a store holds under the names that were ever written, and its log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dump {
    /// The records.
    pub records: BTreeMap<(TenantId, Key), Record>,
    /// The control row.
    pub control: Control,
    /// The log of every tenant that was written to.
    pub log: Vec<LoggedEntry>,
}

impl Dump {
    /// What another one has differently, a line each.
    #[must_use]
    pub fn differences(&self, other: &Self) -> Vec<String> {
        let mut all = Vec::new();
        if self.control != other.control {
            all.push("the control row".to_owned());
        }
        let names: BTreeSet<_> = self.records.keys().chain(other.records.keys()).collect();
        for name in names {
            if self.records.get(name) != other.records.get(name) {
                all.push(format!("{} of {}", name.1, name.0));
            }
        }
        let logged = other.log.iter().filter(|logged| !self.log.contains(logged));
        all.extend(logged.map(|logged| format!("{} of {}", logged.entry.event(), logged.tenant)));
        if other.log.len() < self.log.len() {
            all.push("entries of the log are gone".to_owned());
        }
        all
    }
}

impl Watched {
    /// Observes a store.
    #[must_use]
    pub fn new(inner: Arc<dyn Store>) -> Arc<Self> {
        Arc::new(Self::over(inner, Observer::default()))
    }

    /// The records of a kind that there are, in every tenant.
    ///
    /// # Panics
    ///
    /// When the store fails.
    pub async fn of_kind(&self, kind: &'static str) -> Vec<(TenantId, Record)> {
        let kind = Kind::from_static(kind);
        let mut found = Vec::new();
        for (tenant, key) in self.names() {
            if key.kind == kind
                && let Some(record) = self.row(&tenant, &key).await
            {
                found.push((tenant, record));
            }
        }
        found
    }

    /// One record as it lies there.
    ///
    /// # Panics
    ///
    /// When the store fails.
    pub async fn row(&self, tenant: &TenantId, key: &Key) -> Option<Record> {
        let snapshot = self.inner().read(tenant, std::slice::from_ref(key)).await;
        snapshot.expect("the store can be read").records.pop().flatten()
    }

    /// All of it.
    ///
    /// # Panics
    ///
    /// When the store fails.
    pub async fn dump(&self) -> Dump {
        let mut records = BTreeMap::new();
        let mut tenants = BTreeSet::from([TenantId::SYSTEM]);
        for (tenant, key) in self.names() {
            if let Some(record) = self.row(&tenant, &key).await {
                records.insert((tenant.clone(), key), record);
            }
            tenants.insert(tenant);
        }
        let mut log = Vec::new();
        for tenant in tenants {
            let mut window = Window::default();
            loop {
                let entries =
                    self.inner().entries(&tenant, window).await.expect("the log is there");
                let Some(last) = entries.last() else { break };
                window.after = Some((last.entry.at(), last.batch, last.n));
                log.extend(entries);
            }
        }
        let snapshot = self.inner().read(&TenantId::SYSTEM, &[]).await.expect("the store is there");
        Dump { records, control: snapshot.control, log }
    }

    /// Puts a row in the place of whatever lies under its name, byte for byte, as somebody who can
    /// write to the database does. Its lookups stay.
    ///
    /// # Panics
    ///
    /// When the store fails.
    pub async fn overwrite(&self, tenant: &TenantId, record: Record) {
        let lookups = {
            let written = self.written();
            written.get(&(tenant.clone(), record.key.clone())).cloned()
        };
        self.remove(tenant, &record.key).await;
        self.raw(tenant, Op::Put { record, expect: Expect::Absent, lookups }).await;
    }

    /// Takes a row away.
    ///
    /// # Panics
    ///
    /// When the store fails.
    pub async fn remove(&self, tenant: &TenantId, key: &Key) {
        if self.row(tenant, key).await.is_some() {
            self.raw(tenant, Op::Delete { key: key.clone(), expect: Expect::Present }).await;
        }
    }

    async fn raw(&self, tenant: &TenantId, op: Op) {
        let id = BatchId::generate(&SystemRandom).expect("there is randomness");
        let entry = Entry::new("work.finished", Timestamp::from_seconds(1_748_779_200));
        let batch = Batch::builder(id).op(op).audit(entry).build().expect("a batch");
        self.inner().commit(tenant, &batch).await.expect("a raw write");
    }
}

impl Observer {
    /// How often it was asked so far.
    #[must_use]
    pub fn asked(&self) -> Asked {
        Asked {
            reads: self.reads.load(Ordering::SeqCst),
            finds: self.finds.load(Ordering::SeqCst),
            commits: self.commits.load(Ordering::SeqCst),
            claims: self.claims.load(Ordering::SeqCst),
        }
    }

    /// Every name that was ever written.
    #[must_use]
    pub fn names(&self) -> Vec<(TenantId, Key)> {
        self.written().keys().cloned().collect()
    }

    fn written(&self) -> std::sync::MutexGuard<'_, BTreeMap<(TenantId, Key), Vec<Id>>> {
        self.written.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn remember(&self, tenant: &TenantId, batch: &Batch) {
        for op in batch.ops() {
            if let Op::Put { record, lookups, .. } = op {
                let mut written = self.written();
                let kept = written.entry((tenant.clone(), record.key.clone())).or_default();
                if let Some(lookups) = lookups {
                    kept.clone_from(lookups);
                }
            }
        }
    }
}

impl Around for Observer {
    async fn around<T: Send>(
        &self,
        step: Step<'_>,
        taken: impl Future<Output = Result<T>> + Send,
    ) -> Result<T> {
        match step {
            Step::Claim(_) => self.claims.fetch_add(1, Ordering::SeqCst),
            Step::Commit(tenant, batch) => {
                self.remember(tenant, batch);
                self.commits.fetch_add(1, Ordering::SeqCst)
            }
            Step::Find => self.finds.fetch_add(1, Ordering::SeqCst),
            Step::Read => self.reads.fetch_add(1, Ordering::SeqCst),
            Step::Log | Step::Upkeep => 0,
        };
        taken.await
    }
}
