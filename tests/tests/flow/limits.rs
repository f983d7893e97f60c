//! How many flows may be open (FLOW-10).

use std::{sync::Arc, time::Duration};

use bailee::{
    HostId, RefusalReason, TenantId, Visitor,
    core::Clock,
    store::{MemoryStore, Store},
};
use bailee_testkit::{Browser, Storage, World};
use bailee_tests::{Halt, NOTES, PUBLISH, Stopping, Trip, declaration, rejected, world};
use http::header;

use crate::begin::open_flows;

fn in_browser(n: usize) -> Visitor {
    Visitor::new(TenantId::from_static("acme"), HostId::text("ada"), format!("browser {n}"))
}

/// Begins without going to the provider.
async fn begin(w: &World, visitor: &Visitor, browser: &Browser) {
    w.advance(Duration::from_secs(1));
    let begun = w.bailee.connections().begin(visitor, "notes", &[NOTES]).await.unwrap();
    browser.take(begun.answer());
}

#[tokio::test]
async fn flow_10_fifty_flows_of_a_browser_leave_five_with_their_cookies() {
    let w = world().build().await.unwrap();
    let (ada, browser) = (in_browser(0), Browser::new());
    let oldest = Trip::begin(&w, &ada, "notes", &[NOTES]).await;
    browser.take(oldest.begun.answer());
    for _ in 0..49 {
        begin(&w, &ada, &browser).await;
        assert!(open_flows(&w, &ada).await <= 5);
        assert!(browser.cookies() <= 5, "cookies pile up");
    }
    let line = browser.headers("/connect/notes/callback");
    assert!(line[header::COOKIE].len() < 512, "{} bytes", line[header::COOKIE].len());
    // The oldest was pushed out; the youngest works.
    let outcome = oldest.complete(&w, &ada).await;
    rejected(&w, outcome, RefusalReason::FlowUnknown).await;
    Trip::begin(&w, &ada, "notes", &[NOTES]).await.complete(&w, &ada).await.unwrap();
    let log = w.audited("~").await;
    assert_eq!(log.iter().filter(|event| *event == "flow.begun").count(), 51);
    assert_eq!(log.iter().filter(|event| *event == "flow.abandoned").count(), 46);
}

#[tokio::test]
async fn flow_10_the_cookies_of_other_registrations_go_from_their_own_paths() {
    let w = world().build().await.unwrap();
    let (ada, browser) = (in_browser(0), Browser::new());
    for _ in 0..5 {
        begin(&w, &ada, &browser).await;
    }
    for _ in 0..5 {
        w.advance(Duration::from_secs(1));
        let begun = w.bailee.connections().begin(&ada, "tiktok", &[PUBLISH]).await.unwrap();
        let cleared = bailee_tests::cookies(begun.answer());
        assert_eq!(cleared.len(), 2);
        assert!(cleared[1].contains("Path=/connect/notes/callback; Max-Age=0"), "{cleared:?}");
        browser.take(begun.answer());
    }
    assert!(browser.headers("/connect/notes/callback").is_empty());
    assert_eq!(browser.cookies(), 5);
}

#[tokio::test]
async fn flow_10_a_person_has_twenty_open_flows_over_all_browsers() {
    let w = world().build().await.unwrap();
    let other = w.visitor("grace");
    begin(&w, &other, &Browser::new()).await;
    for n in 0..8 {
        for _ in 0..4 {
            begin(&w, &in_browser(n), &Browser::new()).await;
            assert!(open_flows(&w, &in_browser(0)).await <= 20);
        }
    }
    assert_eq!(open_flows(&w, &in_browser(0)).await, 20);
    assert_eq!(open_flows(&w, &other).await, 1, "nobody pushes out another's");
}

#[tokio::test(flavor = "multi_thread")]
async fn flow_10_flows_that_begin_at_once_push_each_other_out_without_an_error() {
    let builder = world();
    let clock: Arc<dyn Clock> = Arc::new(builder.clock().clone());
    let stopping = Stopping::before(Arc::new(MemoryStore::new(clock)));
    let store: Arc<dyn Store> = Arc::new(stopping.clone());
    let w = builder.storage(Storage::Given(store)).build().await.unwrap();
    let ada = in_browser(0);
    for _ in 0..5 {
        begin(&w, &ada, &Browser::new()).await;
    }
    // Both have chosen the same oldest flow; the other process is the first to push it out.
    let second = w.another_process_over(declaration(), stopping.store()).await.unwrap();
    stopping.arm(0, Halt::Waits);
    let (connections, visitor) = (w.bailee.connections(), ada.clone());
    let slow = tokio::spawn(async move { connections.begin(&visitor, "notes", &[NOTES]).await });
    stopping.until_reached().await;
    let quick = second.connections().begin(&ada, "notes", &[NOTES]).await.unwrap();
    stopping.release();
    let slow = slow.await.unwrap().unwrap();
    assert_eq!(open_flows(&w, &ada).await, 5);
    for begun in [&quick, &slow] {
        assert_eq!(bailee_tests::cookies(begun.answer()).len(), 2, "one more, one less");
    }
}

#[tokio::test]
async fn flow_10_expired_flows_are_gone_at_once_and_swept() {
    let w = world().build().await.unwrap();
    let ada = in_browser(0);
    for _ in 0..3 {
        begin(&w, &ada, &Browser::new()).await;
    }
    assert_eq!(open_flows(&w, &ada).await, 3);
    w.advance(Duration::from_secs(600));
    assert_eq!(open_flows(&w, &ada).await, 0);
    w.settle().await;
    let swept =
        w.audit("~").await.into_iter().find(|logged| logged.entry.event() == "records.swept");
    assert_eq!(swept.unwrap().entry.field("count").unwrap().to_string(), "3");
}
