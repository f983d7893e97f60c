//! The end of a process, as an orchestrator asks for it: what was begun comes to its end.

use std::{
    io::{BufRead, BufReader},
    path::PathBuf,
    process::{Command, Stdio},
    sync::Arc,
    task::Poll,
};

use bailee::{ConnectionState, ErrorKind, SqliteStore, core::Remedy};
use bailee_testkit::Storage;
use bailee_tests::{
    Kin,
    drill::{Tasks, seconds, state},
};
use serde::{Deserialize, Serialize};
use tokio::signal::unix::{SignalKind, signal};

use super::*;

/// Names the orders of a process that is to end.
const ORDERS: &str = "BAILEE_DRAINED";
/// What each line of it begins with.
const MARK: &str = "bailee-drained ";
/// The test as which it runs.
const TEST: &str = "drained::ref_04_a_process_that_is_told_to_end_keeps_the_answer_to_its_renewal";

#[derive(Debug, Serialize, Deserialize)]
struct Orders {
    kin: Kin,
    file: PathBuf,
    connection: String,
    /// Whether its worker renews, or a caller.
    by_worker: bool,
}

#[test]
fn ref_04_a_process_that_is_told_to_end_keeps_the_answer_to_its_renewal() {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    #[expect(clippy::disallowed_methods, reason = "the parent talks to its child this way")]
    if let Some(orders) = std::env::var_os(ORDERS) {
        let orders = std::fs::read(orders).unwrap();
        return runtime.block_on(child(serde_json::from_slice(&orders).unwrap()));
    }
    for by_worker in [false, true] {
        runtime.block_on(parent(by_worker));
    }
}

async fn parent(by_worker: bool) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("vault").join("vault.db");
    let builder = strict();
    let store = SqliteStore::builder(&file).clock(Arc::new(builder.clock().clone()));
    let store = Arc::new(store.open().await.unwrap());
    let (w, ada, notes) = at_notes(builder.storage(Storage::Given(store))).await;
    if by_worker {
        // A use plans a renewal ahead of the token's end.
        call(&w.bailee, &ada, &notes, "notes").await.unwrap();
        w.bailee.drain().await.unwrap();
        w.advance(seconds(3600 - 120));
    } else {
        w.advance(hours(2));
    }
    let site = w.site(ISSUER);
    let gate = Gate::new();
    site.fault(Endpoint::Refresh, Fault::Held(gate.clone()));

    let orders = Orders { kin: Kin::of(&w), file, connection: notes.to_string(), by_worker };
    let letter = folder.path().join("orders.json");
    std::fs::write(&letter, serde_json::to_vec(&orders).unwrap()).unwrap();
    let mut process = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", TEST, "--nocapture", "--test-threads=1"])
        .env(ORDERS, &letter)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(process.stdout.take().unwrap()).lines();
    let mut said = lines.filter_map(|line| line.unwrap().strip_prefix(MARK).map(str::to_owned));
    gate.until_arrived(1).await;
    // The provider has renewed, and its answer is on its way.
    let terminated = Command::new("kill").arg("-TERM").arg(process.id().to_string()).status();
    assert!(terminated.unwrap().success());
    let heard = tokio::task::block_in_place(|| said.next());
    assert_eq!(heard.as_deref(), Some("draining"));
    gate.open();
    let rest: Vec<String> = tokio::task::block_in_place(|| said.collect());
    assert_eq!(rest, ["drained"]);
    assert!(tokio::task::block_in_place(|| process.wait()).unwrap().success());

    // Nothing more is asked of the provider: the answer is in the store.
    let next = w.another_process(bailee_tests::declaration()).await.unwrap();
    call(&next, &ada, &notes, "notes").await.unwrap();
    assert_eq!(site.count(Endpoint::Refresh), 1);
    assert_eq!(state(&w, &ada, &notes).await, ConnectionState::Active);
}

#[expect(clippy::print_stdout, reason = "the child talks to its parent this way")]
async fn child(orders: Orders) {
    let mut told = signal(SignalKind::terminate()).unwrap();
    let clock = orders.kin.clock();
    let store = SqliteStore::builder(&orders.file).clock(Arc::new(clock.clone()));
    let store = Arc::new(store.open().await.unwrap());
    let bailee = orders.kin.builder(store, &clock).unwrap().build().await.unwrap();
    let notes: ConnectionRef = orders.connection.parse().unwrap();
    let ada = Visitor::new(
        bailee::TenantId::from_static("acme"),
        bailee::HostId::text("ada"),
        "session of ada",
    );
    let task = if orders.by_worker {
        let worker = bailee.worker();
        tokio::spawn(async move { worker.run().await })
    } else {
        spawn_call(&bailee, &ada, &notes)
    };
    told.recv().await.unwrap();
    // What wanted the token is gone first, as with any server.
    task.abort();
    let drain = bailee.drain();
    let mut drain = std::pin::pin!(drain);
    let polled = std::future::poll_fn(|context| Poll::Ready(drain.as_mut().poll(context)));
    assert!(polled.await.is_pending(), "a renewal is under way");
    println!("\n{MARK}draining");
    drain.await.unwrap();
    println!("\n{MARK}drained");
}

#[tokio::test(flavor = "multi_thread")]
async fn ref_04_a_process_that_is_to_end_begins_no_renewal() {
    let (w, ada, notes) = due(strict()).await;
    w.bailee.drain().await.unwrap();
    let error = call(&w.bailee, &ada, &notes, "notes").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ProviderUnavailable);
    assert!(matches!(error.remedy(), Remedy::Wait(_)), "{error:?}");
    // Its workers claim nothing and come to their end.
    w.bailee.worker().run().await.unwrap();
    assert_eq!(w.bailee.worker().settle().await.unwrap(), 0);
    assert_eq!(w.site(ISSUER).count(Endpoint::Refresh), 0);
    w.bailee.drain().await.unwrap();

    let next = w.another_process(bailee_tests::declaration()).await.unwrap();
    call(&next, &ada, &notes, "notes").await.unwrap();
    // What needs no renewal goes on.
    call(&w.bailee, &ada, &notes, "notes").await.unwrap();
    assert!(w.bailee.connections().disconnect(&ada, &notes).await.unwrap().confirmed);
}

#[tokio::test(flavor = "multi_thread")]
async fn ref_04_a_worker_that_is_dropped_cuts_no_renewal_off() {
    let tasks = Tasks::default();
    let runtime = tasks.clone();
    let builder = strict().change(move |builder| builder.runtime(runtime.clone()));
    let (w, ada, notes) = at_notes(builder).await;
    call(&w.bailee, &ada, &notes, "notes").await.unwrap();
    tasks.idle().await;
    w.advance(seconds(3600 - 120));
    let site = w.site(ISSUER);
    let gate = Gate::new();
    site.fault(Endpoint::Refresh, Fault::Held(gate.clone()));
    let worker = w.bailee.worker();
    let working = tokio::spawn(async move { worker.run().await });
    gate.until_arrived(1).await;
    working.abort();
    assert!(working.await.unwrap_err().is_cancelled());
    gate.open();
    tasks.idle().await;
    w.advance(seconds(600));
    call(&w.bailee, &ada, &notes, "notes").await.unwrap();
    assert_eq!(site.count(Endpoint::Refresh), 1);
}
