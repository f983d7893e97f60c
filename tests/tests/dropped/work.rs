//! Workers that are dropped in the middle of their work.

use bailee::{BeginOptions, ConnectionRef, ConnectionState, Happened};
use bailee_testkit::emulator::{Decision, Endpoint};
use bailee_tests::{
    Leaves, NOTES, declaration,
    drill::{ISSUER, call, seconds, state, told},
    polled,
};

use super::{
    calls::disclosed,
    scene::{Scene, on_each_store_without_rest, unforgiving},
};

/// One connection whose renewal is due, and the tokens of another flow that must not live on.
async fn prepare(scene: &Scene) -> ConnectionRef {
    let w = &scene.w;
    let notes = scene.connect("notes").await;
    // The first use in a token's life plans its renewal.
    call(&w.bailee, &scene.ada, &notes, "notes").await.unwrap();
    scene.tasks.idle().await;
    // Somebody else's account comes back, and is refused with its tokens held.
    let mut options = BeginOptions::default();
    options.reconnect = Some(notes.clone());
    let (purposes, allow) = ([NOTES], Decision::Allow);
    let other = w.connect_as(&scene.ada, "notes", &purposes, options, allow, "grace");
    assert!(other.await.unwrap().is_err());
    // A disconnect that nobody saw to its end.
    let tiktok = scene.connect("tiktok").await;
    let connections = w.bailee.connections();
    let _ = polled(6, Leaves::AtOnce, connections.disconnect(&scene.ada, &tiktok)).await;
    w.advance(seconds(3600 - 240));
    notes
}

/// What a worker left in the middle is done by the next, once.
async fn done_once(scene: &Scene, notes: &ConnectionRef, renewed: u64, what: &str) {
    let w = &scene.w;
    // The claims of the one that is gone come to their end.
    scene.pass(3, 100).await;
    assert_eq!(state(w, &scene.ada, notes).await, ConnectionState::Active, "{what}");
    let site = w.site(ISSUER);
    assert!(site.reuse_alarms().is_empty(), "{what}");
    let renewals = site.count(Endpoint::Refresh) - renewed;
    assert!(renewals <= 1, "{what}: {renewals} renewals");
    let over = |what: &Happened| matches!(what, Happened::NeedsReconnect { .. });
    assert!(!told(w, notes).iter().any(over), "{what}");
    call(&w.bailee, &scene.ada, notes, "notes").await.unwrap();
    scene.end(what).await;
}

#[tokio::test]
async fn work_that_a_dropped_settle_left_is_done_by_the_next_once() {
    on_each_store_without_rest(unforgiving, async |scene| {
        let site = scene.w.site(ISSUER);
        scene
            .leave(
                "settle",
                async || (prepare(scene).await, site.count(Endpoint::Refresh)),
                async |_| scene.w.bailee.worker().settle().await,
                async |(notes, renewed), _, what| done_once(scene, &notes, renewed, what).await,
            )
            .await;
    })
    .await;
}

#[tokio::test]
async fn work_that_a_dropped_worker_left_is_done_by_the_next_once() {
    on_each_store_without_rest(unforgiving, async |scene| {
        let site = scene.w.site(ISSUER);
        // It never ends by itself; after so many polls it has done what there is, and rests.
        for polls in (0..60).step_by(3) {
            let (notes, renewed) = (prepare(scene).await, site.count(Endpoint::Refresh));
            let worker = scene.w.bailee.worker();
            assert!(polled(polls, Leaves::AtOnce, worker.run()).await.is_none());
            scene.tasks.idle().await;
            done_once(scene, &notes, renewed, &format!("run, {polls} polls")).await;
        }
    })
    .await;
}

#[tokio::test]
async fn a_process_that_leaves_its_drain_drains_again_and_loses_nothing() {
    on_each_store_without_rest(unforgiving, async |scene| {
        let notes = scene.connect("notes").await;
        let site = scene.w.site(ISSUER);
        scene
            .leave(
                "drain",
                async || {
                    let process = scene.w.another_process(declaration()).await.unwrap();
                    call(&process, &scene.ada, &notes, "notes").await.unwrap();
                    process
                },
                async |process| process.drain().await,
                async |process, _, what| {
                    process.drain().await.unwrap();
                    // What it held in memory is written.
                    let told = site.count(Endpoint::Api);
                    assert!(disclosed(scene, &notes).await >= told, "{what}");
                    call(&scene.w.bailee, &scene.ada, &notes, "notes").await.unwrap();
                },
            )
            .await;
        scene.end("drain").await;
    })
    .await;
}
