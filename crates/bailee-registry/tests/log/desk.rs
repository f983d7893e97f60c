//! A vault over a store that can be made to lie.

use std::{
    collections::{HashMap, HashSet},
    fmt,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use bailee_audit::LogName;
use bailee_core::{Clock, ErrorKind, ManualClock, Result, SystemRandom, TenantId, audit::Entry};
use bailee_registry::{AuditLog, LogFault};
use bailee_store::{
    Batch, Claim, Committed, Count, Head, Key, Kind, Leaf, Lease, Log, LoggedEntry, MemoryStore,
    Page, Query, Record, Snapshot, Store, Window,
};
use bailee_vault::{RootKeys, Vault};

pub(crate) const ACME: TenantId = TenantId::from_static("acme");
pub(crate) const GLOBEX: TenantId = TenantId::from_static("globex");

pub(crate) struct Desk {
    pub(crate) store: Arc<Lying>,
    pub(crate) clock: ManualClock,
    pub(crate) vault: Vault,
    pub(crate) log: AuditLog,
    root: String,
}

pub(crate) fn name() -> LogName {
    LogName::new("app.example/log").unwrap()
}

/// What is wrong with the log, by the source of an error.
pub(crate) fn fault<T: fmt::Debug>(answer: Result<T>) -> LogFault {
    let error = answer.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unopenable);
    let source = std::error::Error::source(&error).unwrap();
    *source.downcast_ref::<LogFault>().unwrap()
}

impl Desk {
    pub(crate) async fn new() -> Self {
        let clock = ManualClock::default();
        let store = Arc::new(Lying {
            inner: MemoryStore::new(Arc::new(clock.clone())),
            lies: Mutex::default(),
            folds_to_fail: AtomicU32::new(0),
        });
        let root = RootKeys::generate(&SystemRandom).unwrap();
        let root = root.expose(|text| String::from_utf8(text.to_vec()).unwrap());
        let vault = open(&store, &clock, &root).await;
        let log = AuditLog::open(vault.clone(), name()).await.unwrap();
        let desk = Self { store, clock, vault, log, root };
        // The tenants' own beginnings are not what the tests count.
        desk.write(&ACME, 1).await;
        desk.write(&GLOBEX, 1).await;
        desk.number_all().await;
        desk
    }

    /// The log of another process over the same store.
    pub(crate) async fn another(&self) -> AuditLog {
        let vault = open(&self.store, &self.clock, &self.root).await;
        AuditLog::open(vault, name()).await.unwrap()
    }

    pub(crate) fn advance(&self, seconds: u64) {
        self.clock.advance(Duration::from_secs(seconds));
    }

    /// Writes so many entries in one commit.
    pub(crate) async fn write(&self, tenant: &TenantId, count: usize) {
        let mut batch = self.vault.batch().unwrap();
        for _ in 0..count {
            batch = batch.audit(Entry::new("work.finished", self.clock.now()));
        }
        self.vault.commit(tenant, batch).await.unwrap();
    }

    /// Numbers everything and says how many entries have a number then.
    pub(crate) async fn number_all(&self) -> u64 {
        loop {
            let numbered = self.log.number(10_000).await.unwrap();
            if !numbered.more {
                return numbered.size;
            }
        }
    }

    /// All numbered entries, by their numbers.
    pub(crate) async fn leaves(&self) -> Vec<Leaf> {
        let mut leaves: Vec<Leaf> = Vec::new();
        loop {
            let page = self.store.numbered(leaves.len() as u64, 1000).await.unwrap();
            if page.is_empty() {
                return leaves;
            }
            leaves.extend(page.into_iter().map(|(_, leaf)| leaf));
        }
    }
}

async fn open(store: &Arc<Lying>, clock: &ManualClock, root: &str) -> Vault {
    Vault::builder(Arc::clone(store) as Arc<dyn Store>, RootKeys::base64(root).unwrap())
        .clock(Arc::new(clock.clone()))
        .open()
        .await
        .unwrap()
}

/// A store as it is after somebody wrote to its tables.
pub(crate) struct Lying {
    inner: MemoryStore,
    lies: Mutex<Lies>,
    folds_to_fail: AtomicU32,
}

#[derive(Default)]
struct Lies {
    /// Hashes of entries that are gone.
    gone: HashSet<[u8; 32]>,
    /// Entries that another event stands in, with the hash that goes with it or the old one.
    changed: HashMap<[u8; 32], bool>,
    /// Records as they were, in place of what they are.
    old: HashMap<Key, Option<Record>>,
}

impl Lying {
    pub(crate) fn delete(&self, hash: [u8; 32]) {
        self.lies.lock().unwrap().gone.insert(hash);
    }

    pub(crate) fn change(&self, hash: [u8; 32], with_hash: bool) {
        self.lies.lock().unwrap().changed.insert(hash, with_hash);
    }

    /// Remembers records as they are, to put them back later.
    pub(crate) async fn copy(&self, keys: &[Key]) -> HashMap<Key, Option<Record>> {
        let read = self.inner.read(&TenantId::SYSTEM, keys).await.unwrap();
        keys.iter().cloned().zip(read.records).collect()
    }

    pub(crate) fn put_back(&self, records: HashMap<Key, Option<Record>>) {
        self.lies.lock().unwrap().old = records;
    }

    /// The next numberings fail before they begin.
    pub(crate) fn fail_folds(&self, count: u32) {
        self.folds_to_fail.store(count, Ordering::SeqCst);
    }

    fn entry(&self, mut logged: LoggedEntry) -> Option<LoggedEntry> {
        let lies = self.lies.lock().unwrap();
        if lies.gone.contains(&logged.hash) {
            return None;
        }
        if let Some(with_hash) = lies.changed.get(&logged.hash) {
            logged.entry = forged(&logged.entry);
            if *with_hash {
                logged.hash = logged.entry.hash(&logged.tenant, logged.batch.id(), logged.n);
            }
        }
        Some(logged)
    }

    fn leaf(&self, mut leaf: Leaf) -> Option<Leaf> {
        let lies = self.lies.lock().unwrap();
        if lies.gone.contains(&leaf.hash) {
            return None;
        }
        if lies.changed.get(&leaf.hash) == Some(&true) {
            let entry = forged(&Entry::new("work.finished", leaf.at));
            leaf.hash = entry.hash(&leaf.tenant, leaf.batch.id(), leaf.n);
        }
        Some(leaf)
    }
}

fn forged(entry: &Entry) -> Entry {
    Entry::new("subject.created", entry.at())
}

impl fmt::Debug for Lying {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Lying")
    }
}

#[async_trait]
impl Log for Lying {
    async fn entries(&self, tenant: &TenantId, window: Window) -> Result<Vec<LoggedEntry>> {
        let entries = self.inner.entries(tenant, window).await?;
        Ok(entries.into_iter().filter_map(|logged| self.entry(logged)).collect())
    }

    async fn open(&self, limit: u32) -> Result<(Head, Vec<Leaf>)> {
        self.inner.open(limit).await
    }

    async fn numbered(&self, from: u64, limit: u32) -> Result<Vec<(u64, Leaf)>> {
        let page = self.inner.numbered(from, limit).await?;
        Ok(page.into_iter().filter_map(|(n, leaf)| Some((n, self.leaf(leaf)?))).collect())
    }

    async fn fold(&self, head: Head, leaves: &[Leaf]) -> Result<Head> {
        let failing = |left: u32| left.checked_sub(1);
        if self.folds_to_fail.fetch_update(Ordering::SeqCst, Ordering::SeqCst, failing).is_ok() {
            return Err(ErrorKind::StoreUnavailable.into());
        }
        self.inner.fold(head, leaves).await
    }
}

#[async_trait]
impl Store for Lying {
    async fn read(&self, tenant: &TenantId, keys: &[Key]) -> Result<Snapshot> {
        let mut snapshot = self.inner.read(tenant, keys).await?;
        let lies = self.lies.lock().unwrap();
        for (key, record) in keys.iter().zip(&mut snapshot.records) {
            if let Some(old) = lies.old.get(key) {
                record.clone_from(old);
            }
        }
        Ok(snapshot)
    }

    async fn find(&self, tenant: &TenantId, query: &Query) -> Result<Page> {
        self.inner.find(tenant, query).await
    }

    async fn commit(&self, tenant: &TenantId, batch: &Batch) -> Result<Committed> {
        self.inner.commit(tenant, batch).await
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
