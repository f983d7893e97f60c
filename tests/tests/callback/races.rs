//! One exchange for one flow (CALL-03), however many callbacks come and on whatever store.

use std::sync::Arc;

use bailee::{RefusalReason, core::ConnectionState};
use bailee_testkit::{
    World,
    emulator::{Decision, Endpoint},
};
use bailee_tests::{NOTES, PUBLISH, Trip, postgres_world, rejected, sqlite_world, world};
use tokio::{sync::Barrier, task::JoinSet};

#[tokio::test(flavor = "multi_thread")]
async fn call_03_of_64_callbacks_one_exchanges_in_memory() {
    one_of_64(&world().build().await.unwrap()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn call_03_of_64_callbacks_one_exchanges_on_sqlite() {
    let (world, _folder) = sqlite_world().await.unwrap();
    one_of_64(&world).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn call_03_of_64_callbacks_one_exchanges_on_postgresql() {
    one_of_64(&postgres_world().await.unwrap()).await;
}

async fn one_of_64(w: &World) {
    let ada = w.visitor("ada");
    for (registration, purpose, site) in
        [("notes", NOTES, "id.example.test"), ("tiktok", PUBLISH, "tiktok")]
    {
        let trip = Trip::begin(w, &ada, registration, &[purpose]).await;
        let barrier = Arc::new(Barrier::new(64));
        let mut callbacks = JoinSet::new();
        for _ in 0..64 {
            let (connections, visitor) = (w.bailee.connections(), ada.clone());
            let (request, barrier) = (trip.request(), barrier.clone());
            callbacks.spawn(async move {
                barrier.wait().await;
                connections.complete(&visitor, request).await
            });
        }
        let mut connected = Vec::new();
        let mut refused = 0;
        while let Some(outcome) = callbacks.join_next().await {
            match outcome.unwrap() {
                Ok(completed) => connected.push(completed.connection),
                Err(refusal) => {
                    assert_eq!(refusal.reason(), RefusalReason::FlowUnknown, "{refusal:?}");
                    refused += 1;
                }
            }
        }
        assert_eq!((connected.len(), refused), (1, 63));
        let site = w.site(site);
        assert_eq!(site.count(Endpoint::Exchange), 1);
        assert_eq!(site.code_replays(), 0);
        let status = w.bailee.connections().status(&ada, &connected[0]).await.unwrap();
        assert_eq!(status.state, ConnectionState::Active);
    }
    assert_eq!(w.bailee.connections().of_visitor(&ada).await.unwrap().len(), 2);
    let log = w.audited("~").await;
    let count = |event: &str| log.iter().filter(|name| *name == event).count();
    assert_eq!(count("flow.consumed"), 2);
    assert_eq!(count("flow.rejected"), 126);
    assert_eq!(count("grant.held"), 2);
    w.assert_clean_audit(&["acme", "~"]).await;
}

#[tokio::test]
async fn call_03_an_error_of_the_provider_consumes_the_flow_as_well() {
    let w = world().build().await.unwrap();
    let ada = w.visitor("ada");
    let connections = w.bailee.connections();
    let trip = Trip::begin(&w, &ada, "notes", &[NOTES]).await;
    let (code, state) = (trip.parameter("code"), trip.parameter("state"));
    let denied = trip.without("code") + "&error=access_denied";
    let outcome = connections.complete(&ada, trip.asking(&denied)).await;
    rejected(&w, outcome, RefusalReason::PersonRefused).await;
    // The code that comes after the error finds no flow.
    assert!(trip.query().contains(&code) && trip.query().contains(&state));
    let outcome = connections.complete(&ada, trip.request()).await;
    rejected(&w, outcome, RefusalReason::FlowUnknown).await;
    assert_eq!(w.site("id.example.test").count(Endpoint::Exchange), 0);
}

#[tokio::test]
async fn call_03_what_is_refused_after_the_consume_cannot_be_tried_again() {
    let w = world().build().await.unwrap();
    let (ada, grace) = (w.visitor("ada"), w.visitor("grace"));
    let connections = w.bailee.connections();
    let trip =
        Trip::choose(&w, &ada, "notes", &[NOTES], Default::default(), Decision::Allow, "grace")
            .await;
    let outcome = connections.complete(&grace, trip.request()).await;
    rejected(&w, outcome, RefusalReason::VisitorMismatch).await;
    let outcome = connections.complete(&ada, trip.request()).await;
    rejected(&w, outcome, RefusalReason::FlowUnknown).await;
    assert_eq!(w.site("id.example.test").count(Endpoint::Exchange), 0);
    assert!(connections.of_visitor(&ada).await.unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn call_03_a_caller_that_goes_away_leaves_a_whole_connection() {
    let w = world().build().await.unwrap();
    let ada = w.visitor("ada");
    let site = w.site("id.example.test");
    let gate = bailee_testkit::emulator::Gate::new();
    site.fault(Endpoint::Exchange, bailee_testkit::emulator::Fault::Held(gate.clone()));
    let trip = Trip::begin(&w, &ada, "notes", &[NOTES]).await;
    let (connections, visitor, request) = (w.bailee.connections(), ada.clone(), trip.request());
    let caller =
        tokio::spawn(async move { connections.complete(&visitor, request).await.map(|_| ()) });
    gate.until_arrived(1).await;
    caller.abort();
    assert!(caller.await.unwrap_err().is_cancelled());
    // The host hears of it as of any other connection.
    gate.open();
    while w.events.all().is_empty() {
        w.settle().await;
        tokio::task::yield_now().await;
    }
    let all = w.bailee.connections().of_visitor(&ada).await.unwrap();
    assert_eq!(all.len(), 1);
    assert_eq!(all[0].state, ConnectionState::Active);
    assert_eq!(site.live_tokens().len(), 2);
}
