//! A vault over a memory store that is watched, and hands that tamper with its rows.
#![allow(
    dead_code,
    unreachable_pub,
    clippy::unwrap_used,
    reason = "a part of tests, of which each file uses what it needs"
)]

use std::{
    fmt,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};

use async_trait::async_trait;
use bailee_core::{
    BatchId, Clock, Error, ErrorKind, HostId, Id, ManualClock, Plaintext, Random, Result,
    SubjectId, SystemRandom, TenantId, audit::Entry,
};
use bailee_store::{
    Batch, Claim, Committed, Count, Expect, Head, Key, Kind, Leaf, Lease, Log, LoggedEntry,
    MemoryStore, Op, Page, Query, Record, Sealed, Snapshot, Store, Window,
};
use bailee_vault::{CacheLimits, Draft, Holder, RootKeys, Vault, kind};

pub static ACME: TenantId = TenantId::from_static("acme");
pub static OTHER: TenantId = TenantId::from_static("other");
pub const CREDENTIAL: Kind = Kind::from_static("credential");

pub fn ada() -> HostId {
    HostId::text("ada@example.test")
}

pub fn credential(n: u8) -> Key {
    Key::new(CREDENTIAL, Id::from_bytes([n; 16]))
}

pub fn plaintext(text: &str) -> Plaintext {
    Plaintext::copy_from(text.as_bytes())
}

pub fn text(plaintext: &Plaintext) -> String {
    plaintext.expose(|bytes| String::from_utf8(bytes.to_vec()).unwrap())
}

pub fn kind_of<T: fmt::Debug>(result: Result<T>) -> ErrorKind {
    result.expect_err("this was expected to be refused").kind()
}

/// A root key of its own for each call.
pub fn root() -> String {
    RootKeys::generate(&SystemRandom)
        .unwrap()
        .expose(|text| String::from_utf8(text.to_vec()).unwrap())
}

/// What the tests turn.
pub struct Room {
    pub clock: ManualClock,
    pub store: Arc<Watched>,
    pub keys: Option<Arc<Watched>>,
    pub root: String,
    pub random: Arc<Dice>,
    pub limits: CacheLimits,
}

impl Room {
    pub fn new() -> Self {
        let clock = ManualClock::default();
        Self {
            store: Arc::new(Watched::new(&clock)),
            keys: None,
            root: root(),
            random: Arc::default(),
            limits: CacheLimits::default(),
            clock,
        }
    }

    /// With the wrapped keys in a store of their own.
    pub fn apart() -> Self {
        let room = Self::new();
        Self { keys: Some(Arc::new(Watched::new(&room.clock))), ..room }
    }

    /// Both set-ups.
    pub fn both() -> [Self; 2] {
        [Self::new(), Self::apart()]
    }

    pub async fn vault(&self) -> Vault {
        self.vault_under(RootKeys::base64(&self.root).unwrap()).await.unwrap()
    }

    /// Another process on the same database.
    pub async fn vault_under(&self, keys: RootKeys) -> Result<Vault> {
        let mut builder = Vault::builder(self.store.clone(), keys)
            .clock(Arc::new(self.clock.clone()))
            .random(self.random.clone())
            .cache(self.limits);
        if let Some(keys) = &self.keys {
            builder = builder.keys_in(keys.clone());
        }
        builder.open().await
    }

    pub fn key_store(&self) -> &Watched {
        self.keys.as_ref().unwrap_or(&self.store)
    }
}

/// Randomness that can be made to fail.
#[derive(Debug, Default)]
pub struct Dice {
    pub broken: AtomicBool,
}

impl Random for Dice {
    fn fill(&self, buffer: &mut [u8]) -> Result<()> {
        if self.broken.load(Ordering::SeqCst) {
            return Err(ErrorKind::RandomnessFailed.into());
        }
        SystemRandom.fill(buffer)
    }
}

type Hook = Box<dyn FnOnce() + Send>;

/// A memory store that counts, and does something once before a commit or after a read.
pub struct Watched {
    inner: MemoryStore,
    pub reads: AtomicUsize,
    pub finds: AtomicUsize,
    pub commits: AtomicUsize,
    /// Answers the next so many commits as ambiguous after doing them.
    pub ambiguous: AtomicUsize,
    pub meet: Mutex<Option<Arc<tokio::sync::Barrier>>>,
    pub before_commit: Mutex<Option<Hook>>,
    /// How many answers to reads and finds pass, and whom the next one waits for twice: when it is
    /// there, and before it is used.
    pub after_read: Mutex<Option<(usize, Arc<tokio::sync::Barrier>)>>,
}

impl Watched {
    fn new(clock: &ManualClock) -> Self {
        let clock: Arc<dyn Clock> = Arc::new(clock.clone());
        Self {
            inner: MemoryStore::new(clock),
            reads: AtomicUsize::new(0),
            finds: AtomicUsize::new(0),
            commits: AtomicUsize::new(0),
            ambiguous: AtomicUsize::new(0),
            meet: Mutex::default(),
            before_commit: Mutex::default(),
            after_read: Mutex::default(),
        }
    }

    /// Reads, finds and commits since the last call.
    pub fn calls(&self) -> (usize, usize, usize) {
        let take = |count: &AtomicUsize| count.swap(0, Ordering::SeqCst);
        (take(&self.reads), take(&self.finds), take(&self.commits))
    }

    /// One record as it stands.
    pub async fn record(&self, tenant: &TenantId, key: Key) -> Option<Record> {
        self.inner.read(tenant, &[key]).await.unwrap().records.remove(0)
    }

    /// All records of a kind.
    pub async fn all(&self, tenant: &TenantId, kind: Kind) -> Vec<Record> {
        self.inner.find(tenant, &Query::of_kind(kind).limit(1000)).await.unwrap().records
    }

    /// Writes a row behind the vault's back, as somebody with the database would: any body, any
    /// version.
    pub async fn tamper(&self, tenant: &TenantId, record: Record) {
        let key = record.key.clone();
        if self.record(tenant, key.clone()).await.is_some() {
            self.apply(tenant, Op::Delete { key, expect: Expect::Present }).await;
        }
        self.apply(tenant, Op::Put { record, expect: Expect::Absent, lookups: None }).await;
    }

    pub async fn remove(&self, tenant: &TenantId, key: Key) {
        self.apply(tenant, Op::Delete { key, expect: Expect::Present }).await;
    }

    /// Others get their turn between an answer and its use.
    async fn pause(&self) {
        let meet = {
            let mut after_read = self.after_read.lock().unwrap();
            let meet = after_read.take_if(|(pass, _)| *pass == 0);
            if let Some((pass, _)) = &mut *after_read {
                *pass -= 1;
            }
            meet
        };
        if let Some((_, meet)) = meet {
            meet.wait().await;
            meet.wait().await;
        }
        tokio::task::yield_now().await;
    }

    async fn apply(&self, tenant: &TenantId, op: Op) {
        let batch = Batch::builder(BatchId::generate(&SystemRandom).unwrap())
            .op(op)
            .audit(Entry::new("tampered", bailee_core::Timestamp::from_micros(0)))
            .build()
            .unwrap();
        self.inner.commit(tenant, &batch).await.unwrap();
    }

    pub async fn events(&self, tenant: &TenantId) -> Vec<String> {
        let entries = self.inner.entries(tenant, Window::default()).await.unwrap();
        entries.into_iter().map(|entry| entry.entry.event().to_owned()).collect()
    }
}

impl fmt::Debug for Watched {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Watched")
    }
}

#[async_trait]
impl Log for Watched {
    async fn entries(&self, tenant: &TenantId, window: Window) -> Result<Vec<LoggedEntry>> {
        self.inner.entries(tenant, window).await
    }

    async fn open(&self, limit: u32) -> Result<(Head, Vec<Leaf>)> {
        self.inner.open(limit).await
    }

    async fn numbered(&self, from: u64, limit: u32) -> Result<Vec<(u64, Leaf)>> {
        self.inner.numbered(from, limit).await
    }

    async fn fold(&self, head: Head, leaves: &[Leaf]) -> Result<Head> {
        self.inner.fold(head, leaves).await
    }
}

#[async_trait]
impl Store for Watched {
    async fn read(&self, tenant: &TenantId, keys: &[Key]) -> Result<Snapshot> {
        self.reads.fetch_add(1, Ordering::SeqCst);
        let answer = self.inner.read(tenant, keys).await;
        self.pause().await;
        answer
    }

    async fn find(&self, tenant: &TenantId, query: &Query) -> Result<Page> {
        self.finds.fetch_add(1, Ordering::SeqCst);
        let answer = self.inner.find(tenant, query).await;
        self.pause().await;
        answer
    }

    async fn commit(&self, tenant: &TenantId, batch: &Batch) -> Result<Committed> {
        self.commits.fetch_add(1, Ordering::SeqCst);
        let meet = self.meet.lock().unwrap().clone();
        if let Some(meet) = meet {
            meet.wait().await;
        }
        let hook = self.before_commit.lock().unwrap().take();
        if let Some(hook) = hook {
            hook();
        }
        let outcome = self.inner.commit(tenant, batch).await?;
        if self.ambiguous.load(Ordering::SeqCst) > 0 {
            self.ambiguous.fetch_sub(1, Ordering::SeqCst);
            return Err(Error::new(ErrorKind::Ambiguous));
        }
        Ok(outcome)
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

/// A credential with two secret parts.
pub fn draft(key: Key, holder: Holder, suffix: &str) -> Draft {
    Draft::new(key, holder)
        .facts(1, format!("{{\"n\":\"{suffix}\"}}"))
        .part("access", plaintext(&format!("fake-access-{suffix}")))
        .part("refresh", plaintext(&format!("fake-refresh-{suffix}")))
}

/// Commits operations with an audit entry.
pub async fn write(vault: &Vault, tenant: &TenantId, ops: Vec<Op>) -> Result<Committed> {
    let entry = Entry::new("written", vault.clock().now());
    vault.commit(tenant, vault.batch().unwrap().ops(ops).audit(entry)).await
}

/// Writes a credential of a subject and gives its row.
pub async fn write_credential(
    room: &Room,
    vault: &Vault,
    tenant: &TenantId,
    key: Key,
    holder: Holder,
    suffix: &str,
) -> Record {
    let old = room.store.record(tenant, key.clone()).await;
    let op = vault.put(tenant, draft(key.clone(), holder, suffix), old.as_ref()).await.unwrap();
    write(vault, tenant, vec![op]).await.unwrap();
    room.store.record(tenant, key).await.unwrap()
}

/// A tenant with one subject.
pub async fn subject(vault: &Vault, tenant: &TenantId) -> SubjectId {
    vault.ensure_subject(tenant, &ada()).await.unwrap()
}

/// The parts of a list body, in the clear layout.
pub fn split(body: &Sealed) -> Vec<(Vec<u8>, Vec<u8>)> {
    let bytes = body.as_bytes();
    assert_eq!(bytes[0], 2);
    let mut rest = &bytes[2..];
    let mut take = || {
        let (length, after) = rest.split_first_chunk::<4>().unwrap();
        let (piece, after) = after.split_at(u32::from_be_bytes(*length) as usize);
        rest = after;
        piece.to_vec()
    };
    (0..bytes[1]).map(|_| (take(), take())).collect()
}

/// The list body of parts.
pub fn join(parts: &[(Vec<u8>, Vec<u8>)]) -> Sealed {
    let mut out = vec![2, parts.len() as u8];
    for (name, sealed) in parts {
        for piece in [name, sealed] {
            out.extend_from_slice(&(piece.len() as u32).to_be_bytes());
            out.extend_from_slice(piece);
        }
    }
    Sealed::new(out)
}

/// Leaves a tombstone under the tenant's own key in the place of a subject's record.
pub async fn mark_erased(vault: &Vault, tenant: &TenantId, subject: &Record) {
    let tombstone = Draft::new(subject.key.clone(), Holder::Tenant)
        .about(subject.subject)
        .facet(kind::SUBJECT_ERASED)
        .facts(1, "{}");
    let op = vault.put(tenant, tombstone, Some(subject)).await.unwrap();
    write(vault, tenant, vec![op]).await.unwrap();
}

pub async fn destroy_key(vault: &Vault, tenant: &TenantId, holder: Holder) {
    let ops = vault.destroy_key(tenant, holder).await.unwrap();
    write(vault, tenant, ops).await.unwrap();
}
