//! Clocks that jump, and a copy of the instance.

use std::sync::Arc;

use bailee::{
    ErrorKind,
    core::{Clock, ManualClock},
    store::{MemoryStore, Store},
};
use bailee_testkit::Storage;
use bailee_tests::{
    declaration,
    drill::{assert_never_goes_back, seconds},
    world,
};

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn ref_14_a_process_whose_clock_jumps_neither_steals_a_claim_nor_loses_its_own() {
    for jump in [3600, -3600] {
        let (w, ada, notes) = due(strict()).await;
        let own = ManualClock::at(w.clock.now());
        let process = w
            .process(declaration(), w.store().clone())
            .unwrap()
            .clock(own.clone())
            .build()
            .await
            .unwrap();
        let site = w.site(ISSUER);

        // Its own renewal is under way when its clock jumps.
        let (gate, waiting) = held(&w, &process, &notes).await;
        own.jump_to(bailee::core::Timestamp::from_seconds(w.clock.now().as_seconds() + jump));
        w.settle().await;
        gate.open();
        waiting.await.unwrap().unwrap();
        assert_eq!(site.count(Endpoint::Refresh), 1, "jump {jump}");

        // The other one's is under way, and a jumped clock looks for due work.
        w.advance(hours(3));
        let before = site.count(Endpoint::Refresh);
        let (gate, waiting) = held(&w, &w.bailee, &notes).await;
        process.worker().settle().await.unwrap();
        assert_eq!(
            site.count(Endpoint::Refresh),
            before + 1,
            "jump {jump}: the store's clock decides"
        );
        gate.open();
        waiting.await.unwrap().unwrap();
        call(&process, &ada, &notes, "notes").await.unwrap();
        assert!(site.reuse_alarms().is_empty(), "jump {jump}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn ref_14_calls_go_on_while_the_wall_clock_jumps_to_and_fro() {
    let builder = world();
    let truth = builder.clock().clone();
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new(Arc::new(truth)));
    let w = builder.storage(Storage::Given(store)).build().await.unwrap();
    let own = ManualClock::at(w.clock.now());
    let process = w.process(declaration(), w.store().clone()).unwrap().clock(own.clone());
    let process = process.build().await.unwrap();
    let ada = w.visitor("ada");
    let tiktok = w.connect(&ada, "tiktok", &[PUBLISH]).await.unwrap();
    for round in 0..24_i64 {
        w.advance(seconds(1800));
        own.advance(seconds(1800));
        let jump = [0, 3600, -3600, 7200, -7200][usize::try_from(round).unwrap() % 5];
        own.jump_to(bailee::core::Timestamp::from_seconds(w.clock.now().as_seconds() + jump));
        call(&process, &ada, &tiktok, "tiktok").await.unwrap();
        call(&w.bailee, &ada, &tiktok, "tiktok").await.unwrap();
        process.worker().settle().await.unwrap();
        w.settle().await;
    }
    let site = w.site("tiktok");
    assert!(site.reuse_alarms().is_empty());
    assert_never_goes_back(site);
    let refreshes = site.count(Endpoint::Refresh);
    assert!(refreshes <= 48, "{refreshes} in twelve hours");
}

#[tokio::test(flavor = "multi_thread")]
async fn ref_15_a_copy_with_another_instance_id_sends_nothing_and_claims_nothing() {
    let (w, ada, tiktok) = at_tiktok(world()).await;
    w.settle().await;
    w.advance(hours(24 * 61));
    let copy = w.process(declaration(), w.store().clone()).unwrap().instance("copy");
    let copy = copy.build().await.unwrap();
    let before = (w.emulator.requests().len(), w.audited("acme").await, w.audited("~").await);
    let quarantined = |kind: ErrorKind| assert_eq!(kind, ErrorKind::Quarantined);
    quarantined(call(&copy, &ada, &tiktok, "tiktok").await.unwrap_err().kind());
    quarantined(copy.worker().settle().await.unwrap_err().kind());
    quarantined(copy.worker().run().await.unwrap_err().kind());
    let connections = copy.connections();
    quarantined(connections.begin(&ada, "tiktok", &[PUBLISH]).await.unwrap_err().kind());
    quarantined(connections.disconnect(&ada, &tiktok).await.unwrap_err().kind());
    quarantined(copy.freeze(bailee::Freeze::All).await.unwrap_err().kind());
    let after = (w.emulator.requests().len(), w.audited("acme").await, w.audited("~").await);
    assert_eq!(before, after, "nothing was sent and nothing written");
    // The refresh that is due was not claimed: the original does it at once.
    w.settle().await;
    assert_eq!(w.site("tiktok").count(Endpoint::Refresh), 1);

    copy.danger_adopt_database().await.unwrap();
    call(&copy, &ada, &tiktok, "tiktok").await.unwrap();
    quarantined(call(&w.bailee, &ada, &tiktok, "tiktok").await.unwrap_err().kind());
    quarantined(w.bailee.worker().settle().await.unwrap_err().kind());
    w.advance(hours(3));
    call(&copy, &ada, &tiktok, "tiktok").await.unwrap();
    assert!(w.site("tiktok").reuse_alarms().is_empty());
}
