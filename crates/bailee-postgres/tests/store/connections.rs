//! Connections: how many, how often they are asked, in what state they are given back.

use std::sync::Arc;

use bailee_core::{Clock, Id, Timestamp};
use bailee_postgres::testing::Link;
use bailee_store::{Claim, Due, Expect, Head, Log, Op, Query, Store, Window};

use crate::{ACME, NOTE, accepted, batch, database, fresh, key, note};

#[tokio::test]
async fn a_read_takes_one_round_trip_and_a_commit_two() {
    let (database, clock, _) = fresh().await;
    let link = Link::to(&database).await.unwrap();
    let store =
        link.builder().connections(1).clock(Arc::new(clock.clone())).connect().await.unwrap();
    link.turns();

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
    assert_eq!(link.turns(), 2, "commit");
    store.commit(&ACME, &many).await.unwrap();
    assert_eq!(link.turns(), 2, "a commit that rolls back");

    let three = [key(1), key(2), key(3)];
    store.read(&ACME, &three).await.unwrap();
    assert_eq!(link.turns(), 2, "the first read of three on a connection");
    store.read(&ACME, &three).await.unwrap();
    assert_eq!(link.turns(), 1, "read");
    let many: Vec<_> = (0..20).map(key).collect();
    store.read(&ACME, &many).await.unwrap();
    assert_eq!(link.turns(), 1, "a read of many");
    store.find(&ACME, &Query::of_kind(NOTE).lookup(Id::ZERO)).await.unwrap();
    assert_eq!(link.turns(), 1, "find");
    let lease = std::time::Duration::from_secs(1);
    store.claim(Claim::Due { tasks: &[NOTE], lease, limit: 9 }).await.unwrap();
    assert_eq!(link.turns(), 1, "claim of what is due");
    store.claim(Claim::One { tenant: &ACME, task: &key(1), lease }).await.unwrap();
    assert_eq!(link.turns(), 1, "claim of one");
    store.sweep(9).await.unwrap();
    assert_eq!(link.turns(), 1, "sweep");
    store.tally(None, &NOTE).await.unwrap();
    store.tally(Some(&ACME), &NOTE).await.unwrap();
    assert_eq!(link.turns(), 2, "two tallies");
    store.entries(&ACME, Window::default()).await.unwrap();
    assert_eq!(link.turns(), 1, "entries");
    let (head, leaves) = store.open(9).await.unwrap();
    assert_eq!(link.turns(), 1, "open");
    assert_eq!(store.fold(head, &leaves).await.unwrap(), Head { size: 1 });
    assert_eq!(link.turns(), 2, "fold");
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
    let (database, clock, _) = fresh().await;
    let clock_: Arc<dyn Clock> = Arc::new(clock.clone());
    let builder = database.builder("bailee_app").connections(1).clock(clock_);
    let store = builder.connect().await.unwrap();
    let put = batch(&clock).put(note(key(1), &clock), Expect::Absent).build().unwrap();
    store.commit(&ACME, &put).await.unwrap();
    // A function of the test's own shows whose tenant a session is in when it forgets to say.
    let superuser = database.superuser().await.unwrap();
    superuser
        .batch_execute(
            "CREATE FUNCTION public.whose() RETURNS text LANGUAGE sql
               AS 'SELECT current_setting(''bailee.tenant'', true) || current_user';
             ALTER FUNCTION bailee.find RENAME TO found;
             CREATE FUNCTION bailee.find(text, text, uuid, uuid, smallint, text, uuid, bigint,
               timestamptz)
             RETURNS TABLE (kind text, id uuid, subject uuid, facet smallint, expires timestamptz,
               version bigint, body bytea)
             LANGUAGE sql AS 'SELECT ''note'', gen_random_uuid(), null::uuid, 0::smallint,
               null::timestamptz, 0::bigint, convert_to(public.whose(), ''UTF8'')';
             GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA bailee, public TO bailee_app",
        )
        .await
        .unwrap();
    let many: Vec<_> = (0..20).map(key).collect();
    for step in 0..5 {
        match step {
            0 => drop(store.tally(Some(&ACME), &NOTE).await.unwrap()),
            1 => drop(store.tally(None, &NOTE).await.unwrap()),
            2 => drop(store.commit(&ACME, &put).await.unwrap()),
            3 => drop(store.read(&ACME, &[key(1)]).await.unwrap()),
            _ => drop(store.read(&ACME, &many).await.unwrap()),
        }
        let seen = store.find(&ACME, &Query::of_kind(NOTE)).await.unwrap();
        assert_eq!(seen.records[0].body.as_bytes(), b"bailee_app", "{step}");
    }
}

#[tokio::test]
async fn a_read_whose_prepared_statement_is_gone_is_asked_without_one() {
    let (database, clock, _) = fresh().await;
    let link = Link::to(&database).await.unwrap();
    let clock_: Arc<dyn Clock> = Arc::new(clock.clone());
    let builder = link.builder().connections(1).clock(clock_);
    let store = builder.connect().await.unwrap();
    let put = batch(&clock).put(note(key(1), &clock), Expect::Absent).build().unwrap();
    store.commit(&ACME, &put).await.unwrap();
    let read = store.read(&ACME, &[key(1)]).await.unwrap().records;
    assert!(read[0].is_some());
    // What a pooler's next server connection looks like from here.
    let superuser = database.superuser().await.unwrap();
    superuser
        .batch_execute(
            "ALTER FUNCTION bailee.find RENAME TO found;
             CREATE FUNCTION bailee.find(text, text, uuid, uuid, smallint, text, uuid, bigint,
               timestamptz)
             RETURNS TABLE (kind text, id uuid, subject uuid, facet smallint, expires timestamptz,
               version bigint, body bytea)
             LANGUAGE plpgsql AS 'BEGIN EXECUTE ''DEALLOCATE ALL''; END';
             GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA bailee TO bailee_app",
        )
        .await
        .unwrap();
    store.find(&ACME, &Query::of_kind(NOTE)).await.unwrap();
    link.turns();
    assert_eq!(store.read(&ACME, &[key(1)]).await.unwrap().records, read);
    assert_eq!(link.turns(), 2, "the name is not there, and it is asked without one");
    for _ in 0..3 {
        assert_eq!(store.read(&ACME, &[key(1)]).await.unwrap().records, read);
        assert_eq!(link.turns(), 1, "nothing is prepared any more");
    }
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
