//! What has to add up when the storm is over: in the log, in the requests, in the inbox.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use bailee::{
    TenantId,
    core::{Id, audit::Field},
    store::{Claim, Kind, LoggedEntry, Query},
    vault::Holder,
};
use bailee_testkit::World;

use crate::model::{Model, Opened, Stands, tenant};

pub(crate) async fn check(w: &World, model: &Model) {
    records(w, model).await;
    requests(w, model).await;
    connections(w, model).await;
    inbox(w).await;
    nothing_is_left(w).await;
}

/// Each delivery that was taken has one record, and each record was acted on to its end once.
async fn records(w: &World, model: &Model) {
    let log = w.audit(TenantId::SYSTEM.as_str()).await;
    let mut received: BTreeMap<Id, [u8; 32]> = BTreeMap::new();
    let mut applied: BTreeMap<Id, Vec<&LoggedEntry>> = BTreeMap::new();
    let mut outcomes: BTreeMap<String, i64> = BTreeMap::new();
    for logged in &log {
        match logged.entry.event() {
            "signal.received" => {
                let Some(Field::Digest(digest)) = logged.entry.field("digest") else {
                    panic!("{logged:?}")
                };
                let known = received.insert(signal(logged), *digest);
                assert!(known.is_none(), "kept twice: {logged:?}");
            }
            "signal.applied" => {
                let outcome = word(logged, "outcome");
                *outcomes.entry(outcome.clone()).or_default() += count(logged);
                if outcome != "later" {
                    applied.entry(signal(logged)).or_default().push(logged);
                }
            }
            _ => {}
        }
    }
    let mut kept: Vec<[u8; 32]> = received.values().copied().collect();
    let mut wanted: Vec<[u8; 32]> = model.kept.values().copied().collect();
    kept.sort_unstable();
    wanted.sort_unstable();
    assert_eq!(kept.len(), wanted.len(), "records that were kept");
    assert!(kept == wanted, "what was kept is what was taken");
    for id in received.keys() {
        let ends = applied.get(id).unwrap_or_else(|| panic!("{id:?} was never acted on"));
        let one = ends.iter().all(|logged| logged.batch == ends[0].batch);
        assert!(one, "{id:?} was ended twice: {ends:?}");
    }
    assert_eq!(applied.len(), received.len(), "nothing else was acted on");
    print(&outcomes);
}

/// What the log tells of the end of connections is one end for each that ended, and no other.
async fn connections(w: &World, model: &Model) {
    let mut ends: BTreeMap<(String, Id), [usize; 2]> = BTreeMap::new();
    let mut opened = 0;
    for n in 0..3 {
        for logged in w.audit(tenant(n).as_str()).await {
            let place = match logged.entry.event() {
                "connection.disconnecting" => 0,
                "connection.disconnected" => 1,
                "request.opened" => {
                    opened += 1;
                    continue;
                }
                _ => continue,
            };
            let Some(Field::Id(id)) = logged.entry.field("connection") else {
                panic!("{logged:?}")
            };
            ends.entry((tenant(n).as_str().to_owned(), *id)).or_default()[place] += 1;
        }
    }
    let ended = model.connections.iter();
    let ended = ended.filter(|known| matches!(known.stands, Stands::Ended(_)));
    let wanted: BTreeMap<(String, Id), [usize; 2]> = ended
        .map(|known| {
            let tenant = known.reference.tenant().as_str().to_owned();
            ((tenant, known.reference.connection().id()), [1, 1])
        })
        .collect();
    assert!(ends == wanted, "one end for each: {ends:?} {wanted:?}");
    assert_eq!(opened, model.requests.len(), "requests in the log");
}

/// Each request is there once, in the tenant of its connection.
async fn requests(w: &World, model: &Model) {
    let requests = w.bailee.requests(Id::derive(&[b"operator"]));
    let mut found: BTreeSet<Opened> = BTreeSet::new();
    for n in 0..3 {
        for request in requests.of(&tenant(n)).await.unwrap() {
            assert_eq!(request.connection.tenant(), &tenant(n));
            assert!(request.closed.is_none());
            let opened = (request.connection.to_string(), request.kind.code(), request.evidence);
            assert!(found.insert(opened), "opened twice: {request:?}");
        }
    }
    let missing: Vec<_> = model.requests.difference(&found).collect();
    let others: Vec<_> = found.difference(&model.requests).collect();
    assert!(missing.is_empty() && others.is_empty(), "missing {missing:?}, nobody's {others:?}");
}

/// What was acted on names nobody any more.
async fn inbox(w: &World) {
    let vault = w.bailee.vault();
    let mut query = Query::of_kind(Kind::from_static("inbox")).limit(500);
    loop {
        let page = w.store().find(&TenantId::SYSTEM, &query).await.unwrap();
        for record in &page.records {
            let opened = vault.open(&TenantId::SYSTEM, Holder::Tenant, record).await.unwrap();
            let facts = opened.facts().unwrap();
            let body: serde_json::Value = serde_json::from_slice(facts.bytes()).unwrap();
            assert_eq!(body["signals"], serde_json::json!([]), "{:?}", record.key);
        }
        match page.next {
            Some(next) => query = query.after(next),
            None => return,
        }
    }
}

/// No work of these kinds waits, now or later.
async fn nothing_is_left(w: &World) {
    w.advance(Duration::from_secs(7200));
    let tasks = ["signal", "disconnect", "orphan", "effect"].map(Kind::from_static);
    let claim = Claim::Due { tasks: &tasks, lease: Duration::from_secs(1), limit: 10 };
    let left = w.store().claim(claim).await.unwrap();
    assert!(left.is_empty(), "{left:?}");
}

fn signal(logged: &LoggedEntry) -> Id {
    match logged.entry.field("signal") {
        Some(Field::Id(id)) => *id,
        other => panic!("{other:?} is no id"),
    }
}

fn word(logged: &LoggedEntry, name: &str) -> String {
    match logged.entry.field(name) {
        Some(Field::Word(word)) => word.to_string(),
        other => panic!("{other:?} is no word"),
    }
}

fn count(logged: &LoggedEntry) -> i64 {
    match logged.entry.field("count") {
        Some(Field::Number(count)) => *count,
        _ => 1,
    }
}

#[expect(clippy::print_stdout, reason = "the counts are for whoever runs it")]
fn print(outcomes: &BTreeMap<String, i64>) {
    println!("what came of them, connection by connection:");
    for (outcome, count) in outcomes {
        println!("{outcome:37} {count:>7}");
    }
}
