//! Callers of a store that go away: what they asked is done whole or not at all, the writer and the
//! connections serve the next, and no tenant's rows are seen by another.

use std::{cell::Cell, sync::Arc, time::Duration};

use bailee::{
    SqliteStore, TenantId,
    core::{BatchId, Clock, Id, ManualClock, SystemRandom, audit::Entry},
    store::{
        Batch, BatchBuilder, Claim, Due, Expect, Facet, Key, Kind, Op, Query, Record, Sealed,
        Store, Version, Window,
    },
};
use bailee_postgres::testing::{Cluster, Database};
use bailee_tests::{drill::Tasks, leave_at_every_poll};

const ACME: TenantId = TenantId::from_static("acme");
const GLOBEX: TenantId = TenantId::from_static("globex");
const NOTE: Kind = Kind::from_static("note");
const LEASE: Duration = Duration::from_secs(60);

/// A store, and what looks at its server past it.
struct Shelf {
    store: Arc<dyn Store>,
    clock: ManualClock,
    server: Option<Database<'static>>,
    _folder: tempfile::TempDir,
}

/// Plays on a file and on a server that is reached over one connection: who spoils it spoils it
/// for the next.
async fn on_each_shelf(play: impl AsyncFn(&Shelf)) {
    for on_a_server in [false, true] {
        let (folder, clock) = (tempfile::tempdir().unwrap(), ManualClock::default());
        let shared: Arc<dyn Clock> = Arc::new(clock.clone());
        let mut server = None;
        let store: Arc<dyn Store> = if on_a_server {
            let database = Cluster::shared().unwrap().database().await.unwrap();
            let builder = database.builder("bailee_app").connections(1).clock(shared);
            server = Some(database);
            Arc::new(builder.connect().await.unwrap())
        } else {
            let file = folder.path().join("vault").join("vault.db");
            Arc::new(SqliteStore::builder(file).readers(1).clock(shared).open().await.unwrap())
        };
        play(&Shelf { store, clock, server, _folder: folder }).await;
    }
}

impl Shelf {
    /// Leaves an act at every poll. After each the store serves another tenant at once, and shows
    /// it nothing of the one whose caller went away.
    async fn leave<S, T>(
        &self,
        what: &str,
        prepare: impl AsyncFn() -> S,
        act: impl AsyncFn(&S) -> T,
        look: impl AsyncFn(S, Option<T>, &str),
    ) {
        let look = async |prepared, outcome, what: &str| {
            let query = Query::of_kind(NOTE);
            let found = self.store.find(&GLOBEX, &query).await.unwrap();
            assert!(found.records.is_empty(), "{what}: another tenant's rows");
            let entries = self.store.entries(&GLOBEX, Window::default()).await.unwrap();
            assert!(entries.is_empty(), "{what}: another tenant's log");
            self.nothing_is_open(what).await;
            // A writer does what it was sent in its order.
            let nothing = [Kind::from_static("nothing")];
            let after = Claim::Due { tasks: &nothing, lease: LEASE, limit: 1 };
            assert!(self.store.claim(after).await.unwrap().is_empty(), "{what}");
            look(prepared, outcome, what).await;
        };
        let gone = leave_at_every_poll(what, &Tasks::default(), prepare, act, look).await;
        assert!(gone >= 3, "{what} was left {gone} times");
    }

    /// No transaction of somebody who is gone stands open on the server, and connections that were
    /// given up are gone.
    async fn nothing_is_open(&self, what: &str) {
        let Some(database) = &self.server else { return };
        let own = database.superuser().await.unwrap();
        let mut tries = 0;
        loop {
            let row = own
                .query_one(
                    "SELECT count(*), count(*) FILTER (WHERE state LIKE 'idle in transaction%')
                     FROM pg_stat_activity WHERE datname = $1 AND usename = 'bailee_app'",
                    &[&database.name()],
                )
                .await
                .unwrap();
            let (all, open): (i64, i64) = (row.get(0), row.get(1));
            if all <= 1 && open == 0 {
                return;
            }
            // A server sees the end of a connection when it looks, and each of these asks it to.
            tries += 1;
            assert!(tries < 50_000, "{what}: {all} connections, {open} transactions are open");
        }
    }

    async fn has(&self, key: &Key) -> bool {
        let snapshot = self.store.read(&ACME, std::slice::from_ref(key)).await.unwrap();
        snapshot.records[0].is_some()
    }

    /// How many entries the log has.
    async fn said(&self) -> usize {
        let (mut window, mut all) = (Window::default(), 0);
        loop {
            let entries = self.store.entries(&ACME, window).await.unwrap();
            let Some(last) = entries.last() else { return all };
            window.after = Some((last.entry.at(), last.batch, last.n));
            all += entries.len();
        }
    }

    fn batch(&self) -> BatchBuilder {
        let id = BatchId::generate(&SystemRandom).unwrap();
        Batch::builder(id).audit(Entry::new("test.changed", self.clock.now()))
    }

    fn note(&self, key: &Key) -> Record {
        Record {
            key: key.clone(),
            subject: None,
            facet: Facet(0),
            expires: None,
            version: Version::first(self.clock.now()),
            body: Sealed::new(b"sealed".to_vec()),
        }
    }

    async fn write(&self, key: &Key) {
        let batch = self.batch().put(self.note(key), Expect::Absent).build().unwrap();
        self.store.commit(&ACME, &batch).await.unwrap();
    }
}

fn new_key() -> Key {
    Key::new(NOTE, Id::generate(&SystemRandom).unwrap())
}

#[tokio::test]
async fn sto_04_a_commit_whose_caller_leaves_is_whole_or_nothing_and_may_be_sent_again() {
    on_each_shelf(async |shelf| {
        let written = Cell::new(0);
        shelf
            .leave(
                "commit",
                async || {
                    let (one, other) = (new_key(), new_key());
                    let puts = [&one, &other].map(|key| Op::Put {
                        record: shelf.note(key),
                        expect: Expect::Absent,
                        lookups: None,
                    });
                    (shelf.batch().ops(puts).build().unwrap(), one, other)
                },
                async |(batch, ..)| shelf.store.commit(&ACME, batch).await,
                async |(batch, one, other), done, what| {
                    if let Some(done) = done {
                        done.unwrap();
                        assert!(shelf.has(&one).await, "{what}");
                    }
                    // What was under way may land until the same batch is sent again.
                    shelf.store.commit(&ACME, &batch).await.unwrap();
                    written.set(written.get() + 1);
                    assert!(shelf.has(&one).await && shelf.has(&other).await, "{what}");
                    assert_eq!(shelf.said().await, written.get(), "{what}: one entry each");
                },
            )
            .await;
    })
    .await;
}

#[tokio::test]
async fn sto_04_a_commit_that_conflicts_and_is_left_changes_nothing_and_holds_no_lock() {
    on_each_shelf(async |shelf| {
        let key = new_key();
        shelf.write(&key).await;
        shelf
            .leave(
                "a commit that conflicts",
                async || shelf.batch().put(shelf.note(&key), Expect::Absent).build().unwrap(),
                async |batch| shelf.store.commit(&ACME, batch).await,
                async |_, done, what| {
                    if let Some(done) = done {
                        assert_eq!(done.unwrap_err().kind(), bailee::ErrorKind::Conflict, "{what}");
                    }
                    assert_eq!(shelf.said().await, 1, "{what}");
                },
            )
            .await;
        // Nobody holds the row, or the place in the log.
        let delete = shelf.batch().delete(key, Expect::Present).build().unwrap();
        shelf.store.commit(&ACME, &delete).await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn sto_04_work_that_somebody_claimed_and_left_is_due_again_when_the_claim_ends() {
    on_each_shelf(async |shelf| {
        let task = new_key();
        let plan = shelf.batch().schedule(task.clone(), None, Due::At(shelf.clock.now()));
        shelf.store.commit(&ACME, &plan.build().unwrap()).await.unwrap();
        let kinds = [NOTE];
        let due = || Claim::Due { tasks: &kinds, lease: LEASE, limit: 5 };
        let fence = Cell::new(None);
        for one in [false, true] {
            shelf
                .leave(
                    "claim",
                    async || (),
                    async |()| {
                        let of_one = Claim::One { tenant: &ACME, task: &task, lease: LEASE };
                        shelf.store.claim(if one { of_one } else { due() }).await
                    },
                    async |(), claimed, what| {
                        if let Some(claimed) = claimed {
                            assert_eq!(claimed.unwrap().len(), 1, "{what}");
                            let none = shelf.store.claim(due()).await.unwrap();
                            assert!(none.is_empty(), "{what}: it is somebody's");
                        }
                        shelf.clock.advance(LEASE + Duration::from_secs(1));
                        let mut leases = shelf.store.claim(due()).await.unwrap();
                        let lease = leases.pop().unwrap_or_else(|| panic!("{what}: it is lost"));
                        assert!(leases.is_empty() && lease.task == task, "{what}");
                        assert!(fence.replace(Some(lease.fence)) < Some(lease.fence), "{what}");
                        // It may be claimed again at once, whoever comes.
                        let finish = shelf.batch().finish(
                            task.clone(),
                            lease.fence,
                            Due::At(shelf.clock.now()),
                        );
                        shelf.store.commit(&ACME, &finish.build().unwrap()).await.unwrap();
                    },
                )
                .await;
        }
    })
    .await;
}

#[tokio::test]
async fn a_sweep_that_is_left_takes_what_ran_out_and_nothing_else() {
    on_each_shelf(async |shelf| {
        let stays = new_key();
        shelf.write(&stays).await;
        shelf
            .leave(
                "sweep",
                async || {
                    let keys: Vec<_> = (0..4).map(|_| new_key()).collect();
                    let end = shelf.clock.now().plus(Duration::from_secs(5));
                    let puts = keys.iter().map(|key| Op::Put {
                        record: Record { expires: Some(end), ..shelf.note(key) },
                        expect: Expect::Absent,
                        lookups: None,
                    });
                    let batch = shelf.batch().ops(puts).build().unwrap();
                    shelf.store.commit(&ACME, &batch).await.unwrap();
                    shelf.clock.advance(Duration::from_secs(6));
                    keys
                },
                async |_| shelf.store.sweep(3).await,
                async |_, swept, what| {
                    if let Some(swept) = swept {
                        assert_eq!(swept.unwrap(), 3, "{what}");
                    }
                    let mut left = 0;
                    loop {
                        match shelf.store.sweep(3).await.unwrap() {
                            0 => break,
                            more => left += more,
                        }
                    }
                    assert!((1..=4).contains(&left), "{what}: {left}");
                    let counted = shelf.store.tally(Some(&ACME), &NOTE).await.unwrap();
                    assert_eq!(counted.iter().map(|count| count.records).sum::<u64>(), 1, "{what}");
                    assert!(shelf.has(&stays).await, "{what}");
                },
            )
            .await;
    })
    .await;
}

#[tokio::test]
async fn a_reader_of_a_store_who_leaves_leaves_it_as_it_is() {
    on_each_shelf(async |shelf| {
        let keys: Vec<Key> = (0..12).map(|_| new_key()).collect();
        for key in &keys {
            shelf.write(key).await;
        }
        let store = &shelf.store;
        shelf
            .leave(
                "reading",
                async || (),
                async |()| {
                    let few = store.read(&ACME, &keys[..1]).await.unwrap();
                    let many = store.read(&ACME, &keys).await.unwrap();
                    assert_eq!(few.records.len() + many.records.len(), 13);
                    let page = store.find(&ACME, &Query::of_kind(NOTE)).await.unwrap();
                    assert_eq!(page.records.len(), 12);
                    let counted = store.tally(None, &NOTE).await.unwrap();
                    assert_eq!(counted.iter().map(|count| count.records).sum::<u64>(), 12);
                    assert!(!store.entries(&ACME, Window::default()).await.unwrap().is_empty());
                    store.open(100).await.unwrap();
                    store.numbered(0, 100).await.unwrap();
                },
                async |(), _, what| {
                    let again = store.read(&ACME, &keys).await.unwrap();
                    assert!(again.records.iter().all(Option::is_some), "{what}");
                    assert_eq!(shelf.said().await, 12, "{what}");
                },
            )
            .await;
    })
    .await;
}

#[tokio::test]
async fn the_log_is_numbered_without_a_gap_however_often_who_numbers_it_leaves() {
    on_each_shelf(async |shelf| {
        let written = Cell::new(0);
        shelf
            .leave(
                "fold",
                async || {
                    shelf.write(&new_key()).await;
                    shelf.write(&new_key()).await;
                    written.set(written.get() + 2);
                    shelf.store.open(100).await.unwrap()
                },
                async |(head, leaves)| shelf.store.fold(*head, leaves).await,
                async |(before, leaves), folded, what| {
                    if let Some(folded) = folded {
                        assert_eq!(folded.unwrap().size, before.size + 2, "{what}");
                    }
                    // Either nobody numbered them, or somebody did.
                    let (head, open) = shelf.store.open(100).await.unwrap();
                    if head == before {
                        assert_eq!(open, leaves, "{what}");
                        shelf.store.fold(head, &open).await.unwrap();
                    } else {
                        assert!(open.is_empty(), "{what}");
                    }
                    let (head, none) = shelf.store.open(100).await.unwrap();
                    assert!(none.is_empty() && head.size == before.size + 2, "{what}");
                    assert_eq!(shelf.said().await, written.get(), "{what}");
                },
            )
            .await;
    })
    .await;
}
