//! What becomes of a commit when something goes wrong around it.

use std::{future::Future, pin::pin, sync::Arc, task::Context, time::Duration};

use bailee_core::{Clock, ErrorKind, ManualClock, TenantId};
use bailee_postgres::{
    PostgresStore,
    testing::{Cut, Database, Link},
};
use bailee_store::{Batch, Claim, Committed, Due, Expect, Log, Store, Window};
use futures_util::task::noop_waker_ref;

use crate::{ACME, GLOBEX, NOTE, batch, fresh, key, note};

#[tokio::test]
async fn ref_04_a_lost_answer_to_commit_is_ambiguous_and_the_same_batch_tells() {
    let (database, clock, store) = fresh().await;
    let link = Link::to(&database).await.unwrap();
    let behind = link.builder().clock(Arc::new(clock.clone())).connect().await.unwrap();
    for (number, cut, then) in [
        (1, Cut::AfterCommit, Committed::AlreadyApplied),
        (2, Cut::BeforeCommit, Committed::Applied),
    ] {
        let put = batch(&clock).put(note(key(number), &clock), Expect::Absent).build().unwrap();
        link.cut(cut);
        let error = behind.commit(&ACME, &put).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Ambiguous, "{cut:?}");
        // The store goes on with another connection.
        assert_eq!(behind.commit(&ACME, &put).await.unwrap(), then, "{cut:?}");
        assert_eq!(store.commit(&ACME, &put).await.unwrap(), Committed::AlreadyApplied);
        assert!(store.read(&ACME, &[key(number)]).await.unwrap().records[0].is_some());
    }
}

#[tokio::test]
async fn a_deadlock_is_a_conflict() {
    let (database, clock, store) = fresh().await;
    for number in [1, 2] {
        let put = batch(&clock).put(note(key(number), &clock), Expect::Absent).build().unwrap();
        store.commit(&ACME, &put).await.unwrap();
    }
    let superuser = database.superuser().await.unwrap();
    superuser.batch_execute("SET deadlock_timeout = '1min'; BEGIN").await.unwrap();
    let lock = "SELECT FROM bailee.record WHERE id = $1::text::uuid FOR UPDATE";
    superuser.execute(lock, &[&"02020202-0202-0202-0202-020202020202"]).await.unwrap();

    let both = batch(&clock).check(key(1), Expect::Present).check(key(2), Expect::Present);
    let commit = tokio::spawn(async move { store.commit(&ACME, &both.build().unwrap()).await });
    let watcher = database.superuser().await.unwrap();
    let waits = "SELECT FROM pg_stat_activity
                 WHERE datname = current_database() AND wait_event_type = 'Lock'";
    while watcher.query(waits, &[]).await.unwrap().is_empty() {}
    superuser.execute(lock, &[&"01010101-0101-0101-0101-010101010101"]).await.unwrap();
    let error = commit.await.unwrap().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict);
}

#[tokio::test]
async fn a_server_that_ends_the_connection_is_unavailable_and_then_there_again() {
    let (database, clock, store) = fresh().await;
    let superuser = database.superuser().await.unwrap();
    // A commit that waits for a lock, so that its connection is the one that is in use.
    superuser.batch_execute("BEGIN; LOCK TABLE bailee.record").await.unwrap();
    let put = batch(&clock).put(note(key(1), &clock), Expect::Absent).build().unwrap();
    let sent = put.clone();
    let waiting = store.clone();
    let commit = tokio::spawn(async move { waiting.commit(&ACME, &sent).await });
    let watcher = database.superuser().await.unwrap();
    let end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
               WHERE datname = current_database() AND wait_event_type = 'Lock'";
    while watcher.query(end, &[]).await.unwrap().is_empty() {}
    let error = commit.await.unwrap().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::StoreUnavailable, "it certainly did not happen");
    superuser.batch_execute("ROLLBACK").await.unwrap();
    assert_eq!(store.commit(&ACME, &put).await.unwrap(), Committed::Applied);
}

/// Polls a commit at most k times and drops it; says whether it came to its end.
async fn cut_off(store: &PostgresStore, tenant: &TenantId, batch: &Batch, k: u32) -> bool {
    let mut commit = pin!(store.commit(tenant, batch));
    for _ in 0..k {
        if commit.as_mut().poll(&mut Context::from_waker(noop_waker_ref())).is_ready() {
            return true;
        }
        // The connection's task gets on between two polls.
        tokio::task::yield_now().await;
    }
    false
}

/// A store of one connection, so that whatever a caller left on it would meet the next one.
async fn narrow(database: &Database<'_>, clock: &ManualClock) -> PostgresStore {
    let builder = database.builder("bailee_app").connections(1).clock(Arc::new(clock.clone()));
    builder.connect().await.unwrap()
}

#[tokio::test]
async fn sto_04_a_commit_that_is_dropped_anywhere_leaves_no_tenant_behind() {
    let (database, clock, _) = fresh().await;
    let store = narrow(&database, &clock).await;
    for k in 0.. {
        let tenant = TenantId::new(format!("t{k}")).unwrap();
        let both = batch(&clock)
            .put(note(key(1), &clock), Expect::Absent)
            .schedule(key(1), None, Due::At(clock.now()))
            .build()
            .unwrap();
        let finished = cut_off(&store, &tenant, &both, k).await;
        assert_eq!(store.read(&GLOBEX, &[key(1)]).await.unwrap().records, [None]);
        let whole = store.read(&tenant, &[key(1)]).await.unwrap().records[0].is_some();
        let entries = store.entries(&tenant, Window::default()).await.unwrap().len();
        assert_eq!(usize::from(whole), entries, "k = {k}");
        // What was cut off can be sent again, and is then there once.
        store.commit(&tenant, &both).await.unwrap();
        assert_eq!(store.entries(&tenant, Window::default()).await.unwrap().len(), 1);
        if finished {
            assert!(k > 2, "a commit waits for the server twice");
            return;
        }
    }
}

#[tokio::test]
async fn sto_04_a_refused_commit_that_is_dropped_anywhere_leaves_nothing_to_the_next_caller() {
    let (database, clock, _) = fresh().await;
    let store = narrow(&database, &clock).await;
    for k in 0.. {
        let tenant = TenantId::new(format!("t{k}")).unwrap();
        // The put is done before the check fails, and is undone only by the end of the transaction.
        let refused = batch(&clock)
            .put(note(key(1), &clock), Expect::Absent)
            .check(key(2), Expect::Present)
            .build()
            .unwrap();
        let finished = cut_off(&store, &tenant, &refused, k).await;
        // The next caller's COMMIT would be the refused one's too, were it on its connection.
        assert_eq!(store.entries(&tenant, Window::default()).await.unwrap(), []);
        assert_eq!(store.read(&tenant, &[key(1)]).await.unwrap().records, [None], "k = {k}");
        if finished {
            assert!(k > 2, "a commit waits for the server");
            return;
        }
    }
}

#[tokio::test]
async fn a_wait_for_ever_is_for_ever() {
    let (_database, clock, store) = fresh().await;
    let plan = batch(&clock).schedule(key(1), None, Due::After(Duration::MAX)).build().unwrap();
    store.commit(&ACME, &plan).await.unwrap();
    clock.advance(Duration::from_secs(100 * 366 * 86_400));
    let lease = Duration::from_secs(1);
    let claimed = store.claim(Claim::Due { tasks: &[NOTE], lease, limit: 9 }).await.unwrap();
    assert_eq!(claimed, []);
    let one = Claim::One { tenant: &ACME, task: &key(1), lease };
    assert_eq!(store.claim(one).await.unwrap()[0].until, clock.now().plus(lease));
}
