//! Sessions of the same role beside and after each other: what the server shows of one to another,
//! and what one leaves behind for the next.

use std::time::Duration;

use bailee_core::SubjectId;
use bailee_store::{Claim, Due, Expect, Log, Query, Store, Window};

use super::*;

/// What the server shows of its sessions to whoever asks.
const VIEWS: [&str; 5] = [
    "pg_stat_activity",
    "pg_stat_get_activity(NULL)",
    "pg_locks",
    "pg_prepared_statements",
    "pg_cursors",
];

#[tokio::test]
async fn sto_08_what_one_session_waits_with_shows_no_value_of_it_to_another() {
    let (database, clock, store) = fresh().await;
    let tenant = TenantId::from_static("canary-tenant");
    let kind = Kind::from_static("canary-kind");
    let canary = Id::from_bytes([0xca; 16]);
    let subject = SubjectId::from_id(canary);
    let secret = Key::new(kind.clone(), canary);

    let superuser = database.superuser().await.unwrap();
    let tables = "bailee.record, bailee.lookup, bailee.work, bailee.audit";
    superuser.batch_execute(&format!("BEGIN; LOCK TABLE {tables}")).await.unwrap();
    let record = Record {
        subject: Some(subject),
        body: Sealed::new(b"body-canary".to_vec()),
        ..note(secret.clone(), &clock)
    };
    let batch = Batch::builder(BatchId::generate(&SystemRandom).unwrap())
        .put(record, Expect::Absent)
        .schedule(secret.clone(), Some(subject), Due::After(Duration::ZERO))
        .audit(Entry::new("canary.event", clock.now()).about(subject))
        .build()
        .unwrap();
    let by_hash = Query::of_kind(kind.clone()).lookup(canary);
    let mut waiting = tokio::task::JoinSet::new();
    // Each of them waits at another statement.
    for nth in 0..7 {
        let (store, tenant, secret) = (store.clone(), tenant.clone(), secret.clone());
        let (batch, by_hash, kind) = (batch.clone(), by_hash.clone(), kind.clone());
        waiting.spawn(async move {
            let lease = Duration::from_secs(60);
            match nth {
                0 => store.read(&tenant, std::slice::from_ref(&secret)).await.map(drop),
                1 => store.find(&tenant, &by_hash).await.map(drop),
                2 => store.find(&tenant, &Query::of_subject(subject)).await.map(drop),
                3 => store.commit(&tenant, &batch).await.map(drop),
                4 => {
                    let claim = Claim::One { tenant: &tenant, task: &secret, lease };
                    store.claim(claim).await.map(drop)
                }
                5 => {
                    let claim = Claim::Due { tasks: &[kind], lease, limit: 9 };
                    store.claim(claim).await.map(drop)
                }
                _ => store.entries(&tenant, Window::default()).await.map(drop),
            }
        });
    }
    let watcher = database.superuser().await.unwrap();
    let waits = "SELECT FROM pg_stat_activity
                 WHERE datname = current_database() AND wait_event_type = 'Lock'";
    while watcher.query(waits, &[]).await.unwrap().len() < 7 {}

    let beside = login(&database, "bailee_app").await;
    let mut seen = 0;
    for role in ["SET bailee.tenant = 'acme'", "SET ROLE bailee_worker"] {
        beside.batch_execute(role).await.unwrap();
        for view in VIEWS {
            let all = format!("SELECT v::text FROM {view} v");
            for row in beside.query(&all, &[]).await.unwrap() {
                let text: String = row.get(0);
                let shows = ["canary", "cacaca", "626f64792d"].iter().any(|of| text.contains(of));
                assert!(!shows, "{view}: {text}");
                // Its statement, with its values left out.
                seen += usize::from(text.contains("bailee.") && text.contains("$1"));
            }
        }
    }
    assert_eq!(seen, 2 * 7, "the statements themselves are seen");
    superuser.batch_execute("ROLLBACK").await.unwrap();
    for outcome in waiting.join_all().await {
        outcome.unwrap();
    }
}

#[tokio::test]
async fn sto_08_types_that_a_session_has_of_its_own_stand_in_for_none_of_the_functions() {
    let (database, clock, store) = fresh().await;
    let subject = SubjectId::from_id(Id::from_bytes([9; 16]));
    let record = Record { subject: Some(subject), ..note(key(1), &clock) };
    let put = batch(&clock).put(record, Expect::Absent).build().unwrap();
    store.commit(&ACME, &put).await.unwrap();

    let app = login(&database, "bailee_app").await;
    for name in ["int8", "int2", "text", "timestamptz", "uuid"] {
        let own = format!("CREATE TYPE pg_temp.{name} AS (mine bool)");
        app.batch_execute(&own).await.unwrap();
    }
    let (id, none) =
        ("01010101-0101-0101-0101-010101010101", "00000000-0000-0000-0000-000000000000");
    let by_subject = "09090909-0909-0909-0909-090909090909";
    for (question, rows) in [
        (format!("bailee.fetch('acme', '{{note}}', '{{{id}}}', NULL)"), 2),
        (format!("bailee.find('acme', 'note', NULL, NULL, NULL, '', '{none}', 9, NULL)"), 1),
        (
            format!("bailee.find('acme', NULL, '{by_subject}', NULL, NULL, '', '{none}', 9, NULL)"),
            1,
        ),
        (format!("bailee.find('acme', 'note', NULL, '{none}', NULL, '', '{none}', 9, NULL)"), 0),
    ] {
        let all = format!("SELECT FROM {question}");
        let found = app.query(&all, &[]).await.unwrap_or_else(|error| panic!("{all}: {error:?}"));
        assert_eq!(found.len(), rows, "{all}");
    }
}
