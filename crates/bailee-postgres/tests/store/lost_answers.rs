//! Commits whose answers are lost, again and again and under load: what was acknowledged is there,
//! what was sent again is there once, and nothing is there by half.

use std::{
    collections::BTreeSet,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};

use bailee_core::{BatchId, Clock, ErrorKind, Id, SystemClock, audit::Entry};
use bailee_postgres::{
    PostgresStore,
    testing::{Cluster, Cut, Database, Link},
};
use bailee_store::{
    Batch, Committed, Due, Expect, Facet, Key, Kind, Log, Op, Query, Record, Sealed, Store,
    Version, Window,
};
use tokio::{sync::Notify, task::JoinSet};

use crate::ACME;

const KINDS: [Kind; 3] =
    [Kind::from_static("left"), Kind::from_static("middle"), Kind::from_static("right")];
const COUNTER: Kind = Kind::from_static("counter");
const TASK: Kind = Kind::from_static("task");
const WRITERS: u8 = 4;

/// What writers and whoever disturbs them share.
struct Load {
    acknowledged: AtomicUsize,
    /// Batches that had to be sent again, and were found applied.
    found_applied: AtomicUsize,
    progress: Notify,
    over: AtomicBool,
}

/// What a writer knows at its end.
#[derive(Default)]
struct Told {
    acknowledged: Vec<Id>,
    /// How often its counter was counted up, if it sends again until it knows.
    counted: Option<i64>,
}

fn record(kind: Kind, id: Id, version: Version) -> Record {
    Record {
        key: Key::new(kind, id),
        subject: None,
        facet: Facet(0),
        expires: None,
        version,
        body: Sealed::new(vec![7; 2000]),
    }
}

/// Commits until it is over. Even writers send a batch again until they know that it is there and
/// count each one; odd ones give up a batch whose answer they did not get.
async fn write(store: PostgresStore, writer: u8, load: Arc<Load>) -> Told {
    let insists = writer.is_multiple_of(2);
    let counter = Id::from_bytes([writer; 16]);
    let mut told = Told { counted: insists.then_some(0), ..Told::default() };
    for number in 0_u64.. {
        if load.over.load(Ordering::SeqCst) {
            break;
        }
        let id = Id::derive(&[&[writer], &number.to_be_bytes()]);
        let puts = KINDS.into_iter().map(|kind| Op::Put {
            record: record(kind, id, Version(1)),
            expect: Expect::Absent,
            lookups: Some(vec![id]),
        });
        let mut batch = Batch::builder(BatchId::from_id(id))
            .ops(puts)
            .schedule(Key::new(TASK, id), None, Due::At(SystemClock.now()))
            .audit(Entry::new("test.changed", SystemClock.now()));
        if let Some(counted) = told.counted {
            let expect =
                if counted == 0 { Expect::Absent } else { Expect::Version(Version(counted)) };
            batch = batch.put(record(COUNTER, counter, Version(counted + 1)), expect);
        }
        let batch = batch.build().unwrap();
        loop {
            match store.commit(&ACME, &batch).await {
                Ok(committed) => {
                    let again = usize::from(committed == Committed::AlreadyApplied);
                    load.found_applied.fetch_add(again, Ordering::SeqCst);
                    told.acknowledged.push(id);
                    told.counted = told.counted.map(|counted| counted + 1);
                    load.acknowledged.fetch_add(1, Ordering::SeqCst);
                    load.progress.notify_one();
                    break;
                }
                Err(error) => {
                    let open = [ErrorKind::Ambiguous, ErrorKind::StoreUnavailable];
                    assert!(open.contains(&error.kind()), "{error:?}");
                    if !insists {
                        break;
                    }
                    tokio::task::yield_now().await;
                }
            }
        }
    }
    told
}

fn begin(store: &PostgresStore) -> (Arc<Load>, JoinSet<Told>) {
    let load = Arc::new(Load {
        acknowledged: AtomicUsize::new(0),
        found_applied: AtomicUsize::new(0),
        progress: Notify::new(),
        over: AtomicBool::new(false),
    });
    let mut writers = JoinSet::new();
    for writer in 0..WRITERS {
        writers.spawn(write(store.clone(), writer, load.clone()));
    }
    (load, writers)
}

impl Load {
    /// Waits for so many further acknowledgements.
    async fn advance(&self, by: usize) {
        let target = self.acknowledged.load(Ordering::SeqCst) + by;
        while self.acknowledged.load(Ordering::SeqCst) < target {
            self.progress.notified().await;
        }
    }
}

async fn all(store: &PostgresStore, kind: Kind) -> Vec<Id> {
    let mut found = Vec::new();
    let mut query = Query::of_kind(kind);
    loop {
        let page = store.find(&ACME, &query).await.unwrap();
        found.extend(page.records.iter().map(|record| record.key.id));
        let Some(next) = page.next else { return found };
        query.after = Some(next);
    }
}

/// Compares what is there with what the writers were told.
async fn settle(database: &Database<'_>, store: &PostgresStore, writers: JoinSet<Told>) {
    let told = writers.join_all().await;
    let there = all(store, KINDS[0].clone()).await;
    for kind in &KINDS[1..] {
        assert_eq!(there, all(store, kind.clone()).await, "a batch is there by half");
    }
    let mut logged = Vec::new();
    let mut window = Window::default();
    loop {
        let page = store.entries(&ACME, window).await.unwrap();
        let Some(last) = page.last() else { break };
        window.after = Some((last.entry.at(), last.batch, last.n));
        logged.extend(page.iter().map(|logged| logged.batch.id()));
    }
    logged.sort();
    assert_eq!(there, logged, "one entry for each");
    let superuser = database.superuser().await.unwrap();
    for table in ["work WHERE task = 'task'", "lookup WHERE kind = 'left'"] {
        let count = format!("SELECT count(*) FROM bailee.{table}");
        let rows: i64 = superuser.query_one(&count, &[]).await.unwrap().get(0);
        assert_eq!(usize::try_from(rows).unwrap(), there.len(), "{table}");
    }
    let there: BTreeSet<Id> = there.into_iter().collect();
    for told in &told {
        for id in &told.acknowledged {
            assert!(there.contains(id), "{id} was acknowledged and is not there");
        }
    }
    // Each counter stands where its writer counted to: nothing was applied twice.
    let sum: i64 = told.iter().filter_map(|told| told.counted).sum();
    let counters = "SELECT sum(version)::bigint FROM bailee.record WHERE kind = 'counter'";
    assert_eq!(superuser.query_one(counters, &[]).await.unwrap().get::<_, i64>(0), sum);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ref_04_no_answer_that_is_cut_off_loses_a_commit_or_applies_one_twice() {
    let database = crate::database().await;
    let link = Link::to(&database).await.unwrap();
    let store = link.builder().connections(4).connect().await.unwrap();
    let (load, writers) = begin(&store);
    for cut in 0..60 {
        link.cut(if cut % 3 == 2 { Cut::BeforeCommit } else { Cut::AfterCommit });
        load.advance(1 + cut % 5).await;
    }
    load.over.store(true, Ordering::SeqCst);
    let direct = database.builder("bailee_app").connect().await.unwrap();
    settle(&database, &direct, writers).await;
    // The cuts fell on writers that ask again too.
    assert!(load.found_applied.load(Ordering::SeqCst) > 0);
}

#[expect(clippy::disallowed_methods, reason = "a test is told how long to run by its environment")]
fn kills() -> u32 {
    std::env::var("BAILEE_PG_KILLS").map_or(5, |kills| kills.parse().unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ref_04_no_crash_of_the_server_loses_an_acknowledged_commit_or_leaves_half_of_one() {
    let cluster = Arc::new(Cluster::start(&[]).unwrap());
    let database = cluster.database().await.unwrap();
    let store = database.builder("bailee_app").connections(4).connect().await.unwrap();
    let (load, writers) = begin(&store);
    for kill in 0..kills() {
        // Not always after the same number of commits.
        load.advance(1 + (kill as usize * 7) % 40).await;
        let of_task = cluster.clone();
        let crash = move || {
            of_task.crash().unwrap();
            of_task.recover().unwrap();
        };
        tokio::task::spawn_blocking(crash).await.unwrap();
    }
    load.advance(20).await;
    load.over.store(true, Ordering::SeqCst);
    settle(&database, &store, writers).await;
}
