//! Connections: how many, how often they are asked, in what state they are given back.

use std::sync::Arc;

use bailee_core::{Clock, Id, Timestamp};
use bailee_store::{Claim, Due, Expect, Head, Log, Op, Query, Store, Window};

use crate::{ACME, NOTE, accepted, batch, database, fresh, key, note, proxy::Proxy};

#[tokio::test]
async fn a_read_takes_one_round_trip_and_a_commit_two() {
    let (database, clock, _) = fresh().await;
    let proxy = Proxy::to(&database).await;
    let store = proxy
        .builder(&database)
        .connections(1)
        .clock(Arc::new(clock.clone()))
        .connect()
        .await
        .unwrap();
    proxy.turns();

    let put = Op::Put {
        record: note(key(1), &clock),
        expect: Expect::Absent,
        lookups: Some(vec![Id::ZERO]),
    };
    let many = batch(&clock)
        .op(put)
        .check(key(2), Expect::Absent)
        .schedule(key(1), None, Due::At(clock.now()))
        .build()
        .unwrap();
    store.commit(&ACME, &many).await.unwrap();
    assert_eq!(proxy.turns(), 2, "commit");
    store.commit(&ACME, &many).await.unwrap();
    assert_eq!(proxy.turns(), 2, "a commit that rolls back");

    store.read(&ACME, &[key(1), key(2), key(3)]).await.unwrap();
    assert_eq!(proxy.turns(), 1, "read");
    store.find(&ACME, &Query::of_kind(NOTE).lookup(Id::ZERO)).await.unwrap();
    assert_eq!(proxy.turns(), 1, "find");
    let lease = std::time::Duration::from_secs(1);
    store.claim(Claim::Due { tasks: &[NOTE], lease, limit: 9 }).await.unwrap();
    assert_eq!(proxy.turns(), 1, "claim of what is due");
    store.claim(Claim::One { tenant: &ACME, task: &key(1), lease }).await.unwrap();
    assert_eq!(proxy.turns(), 1, "claim of one");
    store.sweep(9).await.unwrap();
    assert_eq!(proxy.turns(), 1, "sweep");
    store.tally(None, &NOTE).await.unwrap();
    store.tally(Some(&ACME), &NOTE).await.unwrap();
    assert_eq!(proxy.turns(), 2, "two tallies");
    store.entries(&ACME, Window::default()).await.unwrap();
    assert_eq!(proxy.turns(), 1, "entries");
    let (head, leaves) = store.open(9).await.unwrap();
    assert_eq!(proxy.turns(), 1, "open");
    assert_eq!(store.fold(head, &leaves).await.unwrap(), Head { size: 1 });
    assert_eq!(proxy.turns(), 2, "fold");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_store_never_holds_more_connections_than_it_may() {
    let (database, clock, _) = fresh().await;
    let store = database
        .builder("bailee_app")
        .connections(2)
        .clock(Arc::new(clock.clone()))
        .connect()
        .await
        .unwrap();
    let superuser = database.superuser().await.unwrap();
    let mut readers = tokio::task::JoinSet::new();
    for number in 0..64 {
        let store = store.clone();
        readers.spawn(async move { store.read(&ACME, &[key(number)]).await });
    }
    let mut most = 0;
    while let Some(read) = readers.join_next().await {
        read.unwrap().unwrap();
        let count = "SELECT count(*) FROM pg_stat_activity
                     WHERE datname = current_database() AND application_name = 'bailee'";
        most = most.max(superuser.query_one(count, &[]).await.unwrap().get::<_, i64>(0));
    }
    // One more is the store that made the database ready.
    assert!((1..=3).contains(&most), "{most}");
}

#[tokio::test]
async fn sto_04_a_connection_is_given_back_without_a_tenant() {
    let (database, clock, store) = fresh().await;
    let put = batch(&clock).put(note(key(1), &clock), Expect::Absent).build().unwrap();
    store.commit(&ACME, &put).await.unwrap();
    // A policy of the test's own shows whose tenant a session is in when it forgets to say.
    let superuser = database.superuser().await.unwrap();
    superuser
        .batch_execute(
            "CREATE FUNCTION public.whose() RETURNS text LANGUAGE sql
               AS 'SELECT current_setting(''bailee.tenant'', true) || current_user';
             ALTER FUNCTION bailee.fetch RENAME TO fetched;
             CREATE FUNCTION bailee.fetch(text, text[], uuid[], timestamptz)
             RETURNS TABLE (n bigint, subject uuid, facet smallint, moment timestamptz,
               version bigint, body bytea)
             LANGUAGE sql AS 'SELECT 0::bigint, null::uuid, null::smallint, now(), 0::bigint,
               convert_to(public.whose(), ''UTF8'')';
             GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA bailee, public TO bailee_app",
        )
        .await
        .unwrap();
    store.tally(Some(&ACME), &NOTE).await.unwrap();
    store.tally(None, &NOTE).await.unwrap();
    let seen = store.read(&ACME, &[]).await.unwrap();
    assert_eq!(seen.control.body.as_bytes(), b"bailee_app");
}

#[tokio::test]
async fn without_a_clock_of_its_own_the_store_takes_the_servers() {
    let database = database().await;
    let store = accepted(&database).await;
    let superuser = database.superuser().await.unwrap();
    let clock = "SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint";
    let before = superuser.query_one(clock, &[]).await.unwrap().get(0);
    let now = store.read(&ACME, &[]).await.unwrap().now;
    let after = superuser.query_one(clock, &[]).await.unwrap().get(0);
    assert!((Timestamp::from_micros(before)..=Timestamp::from_micros(after)).contains(&now));
}

#[tokio::test]
async fn a_store_is_awaited_outside_the_runtime_of_its_connections() {
    let (_database, _, store) = fresh().await;
    let read = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async { store.read(&ACME, &[key(1)]).await.map(|seen| seen.records) })
    });
    let records = tokio::task::spawn_blocking(move || read.join().unwrap()).await.unwrap();
    assert_eq!(records.unwrap(), [None]);
}
