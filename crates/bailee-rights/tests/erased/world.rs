//! A database that can be put back, an anchor beside it, and somebody who erases.

use std::{
    path::Path,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use bailee_core::{
    Clock, ErrorKind, HostError, HostId, Id, ManualClock, Result, SubjectId, SystemRandom,
    TenantId, audit::Entry,
};
use bailee_rights::erased::{Anchored, EraseAgain, ErasureAnchor, Erasures, FileAnchor};
use bailee_sqlite::SqliteStore;
use bailee_store::{Claim, LoggedEntry, MemoryStore, Store, Window};
use bailee_vault::{Draft, Holder, RootKeys, Vault, kind};

pub(crate) const ACME: TenantId = TenantId::from_static("acme");
pub(crate) const GLOBEX: TenantId = TenantId::from_static("globex");
pub(crate) const REQUEST: Id = Id::from_bytes([4; 16]);
pub(crate) const DAY: Duration = Duration::from_secs(86_400);
/// How long backups live.
pub(crate) const BACKUPS: Duration = Duration::from_secs(90 * 86_400);

/// A deployment: the root key, the anchor, the clock.
pub(crate) struct World {
    pub(crate) folder: tempfile::TempDir,
    pub(crate) clock: ManualClock,
    root: String,
}

/// A process over a database.
pub(crate) struct Process {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) vault: Vault,
    pub(crate) erasures: Erasures,
    /// The database, where it is a file that is to be closed.
    pub(crate) file: Option<Arc<SqliteStore>>,
}

pub(crate) fn person(name: &str) -> HostId {
    HostId::text(format!("canary-{name}"))
}

impl World {
    pub(crate) fn new() -> Self {
        let root = RootKeys::generate(&SystemRandom).unwrap();
        let root = root.expose(|text| String::from_utf8(text.to_vec()).unwrap());
        let now = bailee_core::SystemClock.now();
        Self { folder: tempfile::tempdir().unwrap(), clock: ManualClock::at(now), root }
    }

    pub(crate) fn clock_now(&self) -> bailee_core::Timestamp {
        self.clock.now()
    }

    pub(crate) fn memory(&self) -> Arc<dyn Store> {
        Arc::new(MemoryStore::new(Arc::new(self.clock.clone())))
    }

    pub(crate) fn anchor_file(&self) -> std::path::PathBuf {
        self.folder.path().join("erasures")
    }

    pub(crate) fn anchor(&self) -> Arc<FileAnchor> {
        Arc::new(FileAnchor::open(self.anchor_file()).unwrap())
    }

    pub(crate) async fn vault(&self, store: Arc<dyn Store>) -> Vault {
        Vault::builder(store, RootKeys::base64(&self.root).unwrap())
            .clock(Arc::new(self.clock.clone()))
            .open()
            .await
            .unwrap()
    }

    /// A process with the file's anchor.
    pub(crate) async fn process(&self, store: Arc<dyn Store>) -> Process {
        let anchor = self.anchor();
        self.process_with(store, anchor).await
    }

    pub(crate) async fn process_with(
        &self,
        store: Arc<dyn Store>,
        anchor: Arc<dyn ErasureAnchor>,
    ) -> Process {
        let vault = self.vault(store.clone()).await;
        let erasures = Erasures::builder(vault.clone(), BACKUPS).anchor(anchor).build();
        Process { store, vault, erasures, file: None }
    }
}

impl Process {
    /// Erases somebody as the last commit of an erasure does: the tombstone, the key, the ledger.
    pub(crate) async fn erase(&self, tenant: &TenantId, name: &str) -> SubjectId {
        let person = person(name);
        let subject = self.vault.subject(tenant, &person).await.unwrap().unwrap();
        let (noted, told) =
            self.erasures.finished(tenant, subject, &person, REQUEST).await.unwrap();
        let directory = self.vault.directory_key(tenant, &person).await.unwrap().unwrap();
        let batch = self.vault.batch().unwrap().ops(noted).audit(told);
        let batch = batch.delete(directory, bailee_store::Expect::Present);
        tombstone(&self.vault, tenant, subject, batch).await.unwrap();
        subject
    }

    /// Does what is due of the ledger.
    pub(crate) async fn settle(&self) {
        loop {
            let claim = Claim::Due {
                tasks: &Erasures::tasks(),
                lease: Duration::from_secs(600),
                limit: 32,
            };
            let due = self.store.claim(claim).await.unwrap();
            if due.is_empty() {
                return;
            }
            for lease in &due {
                self.erasures.do_due(lease).await.unwrap();
            }
        }
    }

    pub(crate) async fn lives(&self, tenant: &TenantId, subject: SubjectId) -> bool {
        match self.vault.read(tenant, Holder::Subject(subject), &[]).await {
            Ok(_) => true,
            Err(error) => {
                let gone = matches!(error.kind(), ErrorKind::Shredded | ErrorKind::NotFound);
                assert!(gone, "{error:?}");
                false
            }
        }
    }

    pub(crate) async fn entries(&self, tenant: &TenantId) -> Vec<LoggedEntry> {
        let mut window = Window::default();
        let mut entries = Vec::new();
        loop {
            let page = self.store.entries(tenant, window).await.unwrap();
            let Some(last) = page.last() else { return entries };
            window.after = Some((last.entry.at(), last.batch, last.n));
            entries.extend(page);
        }
    }
}

async fn tombstone(
    vault: &Vault,
    tenant: &TenantId,
    subject: SubjectId,
    batch: bailee_store::BatchBuilder,
) -> Result<()> {
    let holder = Holder::Subject(subject);
    let asked = [holder.standing()];
    let standing = vault.store().read(tenant, &asked).await?.records.remove(0);
    let tombstone = Draft::new(holder.standing(), Holder::Tenant)
        .about(subject)
        .facet(kind::SUBJECT_ERASED)
        .facts(1, "{}");
    let put = vault.put(tenant, tombstone, standing.as_ref()).await?;
    let destroyed = vault.destroy_key(tenant, holder).await?;
    let entry = Entry::new("subject_key.destroyed", vault.clock().now());
    let batch = batch.op(put).ops(destroyed).audit(entry.about(subject).with("of", subject));
    vault.commit(tenant, batch).await.map(|_| ())
}

/// Who erases again: it leaves a tombstone, after so many turns in which it is under way.
pub(crate) struct Eraser {
    vault: Vault,
    pub(crate) turns: AtomicU64,
    pub(crate) lies: AtomicBool,
    pub(crate) asked: Mutex<Vec<(TenantId, SubjectId, Id)>>,
}

impl Eraser {
    pub(crate) fn of(process: &Process) -> Self {
        Self {
            vault: process.vault.clone(),
            turns: AtomicU64::new(0),
            lies: AtomicBool::new(false),
            asked: Mutex::default(),
        }
    }
}

#[async_trait]
impl EraseAgain for Eraser {
    async fn erase_again(
        &self,
        tenant: &TenantId,
        subject: SubjectId,
        request: Id,
    ) -> Result<bool> {
        self.asked.lock().unwrap().push((tenant.clone(), subject, request));
        if self.lies.load(Ordering::SeqCst) {
            return Ok(true);
        }
        let left = self.turns.load(Ordering::SeqCst);
        if left > 0 {
            self.turns.store(left - 1, Ordering::SeqCst);
            return Ok(false);
        }
        tombstone(&self.vault, tenant, subject, self.vault.batch()?).await?;
        Ok(true)
    }
}

/// An anchor that is away when it is told to be.
pub(crate) struct Away {
    pub(crate) inner: Arc<FileAnchor>,
    pub(crate) away: AtomicBool,
}

#[async_trait]
impl ErasureAnchor for Away {
    async fn append(&self, entry: &[u8]) -> Result<(), HostError> {
        match self.away.load(Ordering::SeqCst) {
            true => Err("canary: the disk is away".into()),
            false => self.inner.append(entry).await,
        }
    }

    async fn entries(&self, after: u64, limit: u32) -> Result<Vec<Anchored>, HostError> {
        match self.away.load(Ordering::SeqCst) {
            true => Err("canary: the disk is away".into()),
            false => self.inner.entries(after, limit).await,
        }
    }
}

/// Copies a database that nobody has open, with what lies beside it.
pub(crate) fn copy(from: &Path, to: &Path) {
    for beside in ["", "-wal", "-shm"] {
        let name = |path: &Path| {
            let mut name = path.as_os_str().to_owned();
            name.push(beside);
            std::path::PathBuf::from(name)
        };
        let (from, to) = (name(from), name(to));
        if to.exists() {
            std::fs::remove_file(&to).unwrap();
        }
        if from.exists() {
            std::fs::copy(from, to).unwrap();
        }
    }
}
