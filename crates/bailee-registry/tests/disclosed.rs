//! What went to whom: folded, flushed, added up over processes, and dropped with an erasure.

#![expect(clippy::unwrap_used, reason = "what fails in a helper fails the test")]

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use bailee_core::{
    BatchId, Clock, ErrorKind, HostId, ManualClock, PurposeId, RecipientId, Result, SubjectId,
    SystemRandom, TenantId, Timestamp, audit::Field,
};
use bailee_registry::{DisclosureRecord, Disclosures, kind};
use bailee_store::{
    Batch, Claim, Committed, Count, Head, Key, Kind, Leaf, Lease, Log, LoggedEntry, MemoryStore,
    Page, Query, Snapshot, Store, Window,
};
use bailee_vault::{Draft, Holder, RootKeys, Vault};
use tokio::sync::Barrier;

const ACME: TenantId = TenantId::from_static("acme");
const TIKTOK: RecipientId = RecipientId::from_static("tiktok");
const NOTES: RecipientId = RecipientId::from_static("notes");
const PUBLISH: PurposeId = PurposeId::from_static("publish.video");
const ABUSE: PurposeId = PurposeId::from_static("abuse");

/// A memory store whose commits can be made to fail, or to stand still.
struct Faulty {
    inner: MemoryStore,
    down: AtomicBool,
    stuck: AtomicBool,
}

#[async_trait]
impl Log for Faulty {
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
impl Store for Faulty {
    async fn read(&self, tenant: &TenantId, keys: &[Key]) -> Result<Snapshot> {
        self.inner.read(tenant, keys).await
    }

    async fn find(&self, tenant: &TenantId, query: &Query) -> Result<Page> {
        self.inner.find(tenant, query).await
    }

    async fn commit(&self, tenant: &TenantId, batch: &Batch) -> Result<Committed> {
        if self.stuck.load(Ordering::SeqCst) {
            std::future::pending::<()>().await;
        }
        if self.down.load(Ordering::SeqCst) {
            return Err(ErrorKind::StoreUnavailable.into());
        }
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

struct Desk {
    store: Arc<Faulty>,
    clock: ManualClock,
    vault: Vault,
    disclosures: Disclosures,
    ada: SubjectId,
}

impl Desk {
    async fn new() -> Self {
        let clock = ManualClock::default();
        let store = Arc::new(Faulty {
            inner: MemoryStore::new(Arc::new(clock.clone())),
            down: AtomicBool::new(false),
            stuck: AtomicBool::new(false),
        });
        let root = RootKeys::generate(&SystemRandom).unwrap();
        let root =
            root.expose(|text| RootKeys::base64(std::str::from_utf8(text).unwrap())).unwrap();
        let vault = Vault::builder(Arc::clone(&store) as Arc<dyn Store>, root)
            .clock(Arc::new(clock.clone()))
            .open()
            .await
            .unwrap();
        let ada = vault.ensure_subject(&ACME, &HostId::text("ada-canary")).await.unwrap();
        Self { store, clock, disclosures: Disclosures::new(vault.clone()), vault, ada }
    }

    fn note(&self, recipient: &RecipientId, purpose: &PurposeId, category: &str) -> Timestamp {
        let now = self.clock.now();
        self.disclosures.note(&ACME, self.ada, recipient, purpose, [category], now);
        now
    }

    async fn stored(&self) -> Vec<DisclosureRecord> {
        // Another process, that has noted nothing itself.
        Disclosures::new(self.vault.clone()).of_subject(&ACME, self.ada).await.unwrap()
    }

    async fn logged(&self) -> Vec<LoggedEntry> {
        let entries = self.store.entries(&ACME, Window::default()).await.unwrap();
        entries.into_iter().filter(|e| e.entry.event() == "disclosure.recorded").collect()
    }
}

fn words(record: &DisclosureRecord) -> Vec<&str> {
    record.categories.iter().map(|category| category.as_str()).collect()
}

#[tokio::test]
async fn uses_fold_into_one_record_for_each_recipient_and_purpose() {
    let desk = Desk::new().await;
    let first = desk.note(&TIKTOK, &PUBLISH, "profile");
    desk.clock.advance(Duration::from_secs(5));
    desk.note(&TIKTOK, &PUBLISH, "content");
    desk.note(&TIKTOK, &ABUSE, "profile");
    desk.note(&NOTES, &PUBLISH, "notes");
    let last = desk.note(&TIKTOK, &PUBLISH, "profile");
    assert_eq!(desk.stored().await, []);
    assert_eq!(desk.disclosures.flush().await.unwrap(), 3);
    assert_eq!(desk.disclosures.unwritten(), 0);
    let stored = desk.stored().await;
    assert_eq!(stored.len(), 3);
    let record = &stored[2];
    assert_eq!((&record.recipient, &record.purpose), (&TIKTOK, &PUBLISH));
    assert_eq!((record.first, record.last, record.count), (first, last, 3));
    assert_eq!(words(record), ["content", "profile"]);
    // Nothing new, nothing written.
    assert_eq!(desk.disclosures.flush().await.unwrap(), 0);
    // A later flush folds into the same record.
    desk.clock.advance(Duration::from_secs(60));
    let later = desk.note(&TIKTOK, &PUBLISH, "insights");
    assert_eq!(desk.disclosures.flush().await.unwrap(), 1);
    let stored = desk.stored().await;
    assert_eq!(stored.len(), 3);
    assert_eq!((stored[2].first, stored[2].last, stored[2].count), (first, later, 4));
    assert_eq!(words(&stored[2]), ["content", "insights", "profile"]);
}

#[tokio::test]
async fn what_is_not_written_yet_is_told_too() {
    let desk = Desk::new().await;
    desk.note(&TIKTOK, &PUBLISH, "profile");
    desk.disclosures.flush().await.unwrap();
    desk.note(&TIKTOK, &PUBLISH, "content");
    desk.note(&NOTES, &ABUSE, "notes");
    let told = desk.disclosures.of_subject(&ACME, desk.ada).await.unwrap();
    assert_eq!(told.iter().map(|record| record.count).collect::<Vec<_>>(), [1, 2]);
    assert_eq!(words(&told[1]), ["content", "profile"]);
}

#[tokio::test]
async fn a_use_that_concerns_nobody_is_not_noted() {
    let desk = Desk::new().await;
    let now = desk.clock.now();
    desk.disclosures.note(&ACME, None, &TIKTOK, &PUBLISH, ["profile"], now);
    assert_eq!(desk.disclosures.unwritten(), 0);
}

#[tokio::test]
async fn aud_03_every_record_has_its_entry_without_personal_data() {
    let desk = Desk::new().await;
    desk.note(&TIKTOK, &PUBLISH, "profile");
    let last = desk.note(&TIKTOK, &PUBLISH, "category-canary");
    desk.disclosures.flush().await.unwrap();
    let logged = desk.logged().await;
    assert_eq!(logged.len(), 1);
    let entry = &logged[0].entry;
    assert_eq!(entry.subject(), Some(desk.ada));
    assert_eq!(entry.field("recipient"), Some(&Field::from(&TIKTOK)));
    assert_eq!(entry.field("purpose"), Some(&Field::from(&PUBLISH)));
    assert_eq!(entry.field("count"), Some(&Field::Number(2)));
    assert_eq!(entry.field("until"), Some(&Field::Time(last)));
    let everything = desk.store.entries(&ACME, Window::default()).await.unwrap();
    assert!(!format!("{everything:?}").contains("canary"));
    let query = Query::of_kind(kind::DISCLOSURE).subject(desk.ada);
    for record in desk.store.find(&ACME, &query).await.unwrap().records {
        let body = String::from_utf8_lossy(record.body.as_bytes()).into_owned();
        assert!(!body.contains("canary") && !body.contains("tiktok"), "{body}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_uses_of_several_processes_add_up() {
    const PROCESSES: usize = 4;
    let desk = Desk::new().await;
    let barrier = Arc::new(Barrier::new(PROCESSES));
    let mut processes = Vec::new();
    for _ in 0..PROCESSES {
        let disclosures = Disclosures::new(desk.vault.clone());
        let (barrier, ada, now) = (Arc::clone(&barrier), desk.ada, desk.clock.now());
        processes.push(tokio::spawn(async move {
            for _ in 0..5 {
                disclosures.note(&ACME, ada, &TIKTOK, &PUBLISH, ["profile"], now);
                barrier.wait().await;
                disclosures.flush().await.unwrap();
            }
        }));
    }
    for process in processes {
        process.await.unwrap();
    }
    let stored = desk.stored().await;
    assert_eq!(stored.len(), 1);
    assert_eq!(stored[0].count, 20);
    let told: i64 = desk
        .logged()
        .await
        .iter()
        .map(|logged| match logged.entry.field("count") {
            Some(Field::Number(count)) => *count,
            _ => 0,
        })
        .sum();
    assert_eq!(told, 20);
}

#[tokio::test]
async fn what_could_not_be_written_is_kept_for_the_next_flush() {
    let desk = Desk::new().await;
    desk.note(&TIKTOK, &PUBLISH, "profile");
    desk.store.down.store(true, Ordering::SeqCst);
    let error = desk.disclosures.flush().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::StoreUnavailable);
    desk.note(&TIKTOK, &PUBLISH, "profile");
    desk.store.down.store(false, Ordering::SeqCst);
    assert_eq!(desk.disclosures.flush().await.unwrap(), 1);
    assert_eq!(desk.stored().await[0].count, 2);
}

#[tokio::test]
async fn a_flush_that_is_dropped_half_way_loses_nothing() {
    let desk = Desk::new().await;
    desk.note(&TIKTOK, &PUBLISH, "profile");
    desk.disclosures.flush().await.unwrap();
    desk.note(&TIKTOK, &PUBLISH, "profile");
    desk.store.stuck.store(true, Ordering::SeqCst);
    {
        let flush = desk.disclosures.flush();
        tokio::pin!(flush);
        tokio::select! {
            biased;
            _ = &mut flush => panic!("the store stands still"),
            () = std::future::ready(()) => {}
        }
        // While it is at it, another flush leaves that person alone.
        assert_eq!(desk.disclosures.flush().await.unwrap(), 0);
        let told = desk.disclosures.of_subject(&ACME, desk.ada).await.unwrap();
        assert_eq!(told[0].count, 2);
    }
    desk.store.stuck.store(false, Ordering::SeqCst);
    assert_eq!(desk.disclosures.flush().await.unwrap(), 1);
    assert_eq!(desk.stored().await[0].count, 2);
}

#[tokio::test]
async fn uses_of_somebody_who_was_erased_are_dropped() {
    let desk = Desk::new().await;
    desk.note(&TIKTOK, &PUBLISH, "profile");
    // A tombstone, as an erasure leaves it.
    let holder = Holder::Subject(desk.ada);
    let view = desk.vault.read(&ACME, holder, &[]).await.unwrap();
    let draft = Draft::new(holder.standing(), Holder::Tenant)
        .about(desk.ada)
        .facet(bailee_vault::kind::SUBJECT_ERASED)
        .facts(1, *b"{}");
    let put = desk.vault.put(&ACME, draft, None).await.unwrap();
    let bailee_store::Op::Put { mut record, lookups, .. } = put else { panic!("a put") };
    let version = view.standing_record().unwrap().version;
    record.version = version.next();
    let expect = bailee_store::Expect::Version(version);
    let batch = Batch::builder(BatchId::generate(&SystemRandom).unwrap())
        .op(bailee_store::Op::Put { record, expect, lookups })
        .ops(desk.vault.destroy_key(&ACME, holder).await.unwrap())
        .audit(bailee_core::audit::Entry::new("key.destroyed", desk.clock.now()));
    desk.vault.commit(&ACME, batch).await.unwrap();
    assert_eq!(desk.disclosures.flush().await.unwrap(), 0);
    assert_eq!(desk.disclosures.unwritten(), 0);
    let error = desk.disclosures.of_subject(&ACME, desk.ada).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Shredded);
    let query = Query::of_kind(kind::DISCLOSURE);
    assert!(desk.store.find(&ACME, &query).await.unwrap().records.is_empty());
}

#[tokio::test]
async fn a_record_of_a_newer_release_is_not_written_over() {
    let desk = Desk::new().await;
    desk.note(&TIKTOK, &PUBLISH, "profile");
    desk.disclosures.flush().await.unwrap();
    let query = Query::of_kind(kind::DISCLOSURE).subject(desk.ada);
    let record = desk.store.find(&ACME, &query).await.unwrap().records.remove(0);
    let draft = Draft::new(record.key.clone(), Holder::Subject(desk.ada))
        .facts(DisclosureRecord::SCHEMA + 1, *b"{}");
    let op = desk.vault.put(&ACME, draft, Some(&record)).await.unwrap();
    let entry = bailee_core::audit::Entry::new("disclosure.recorded", desk.clock.now());
    let batch = desk.vault.batch().unwrap().op(op).audit(entry);
    desk.vault.commit(&ACME, batch).await.unwrap();
    desk.note(&TIKTOK, &PUBLISH, "profile");
    let error = desk.disclosures.flush().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::UnknownSchema);
    assert_eq!(desk.disclosures.unwritten(), 1);
}

#[tokio::test]
async fn a_person_with_many_recipients_is_written_in_several_commits() {
    let desk = Desk::new().await;
    for n in 0..250 {
        let recipient = RecipientId::new(format!("recipient-{n}")).unwrap();
        desk.note(&recipient, &PUBLISH, "profile");
    }
    assert_eq!(desk.disclosures.flush().await.unwrap(), 250);
    assert_eq!(desk.disclosures.unwritten(), 0);
    assert_eq!(desk.stored().await.len(), 250);
}
