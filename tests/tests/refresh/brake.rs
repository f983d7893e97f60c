//! A provider that refuses grants by the hundred: it is believed up to a point.

use bailee::{
    BeginOptions, ConnectionState, ErrorKind, ReconnectReason, TenantId,
    core::{Clock, Id, RegistrationId, Remedy, audit::Entry},
    store::{Expect, Kind, Op, Query},
};
use bailee_testkit::emulator::{Account, Decision};
use bailee_tests::{
    PUBLISH, declaration,
    drill::{call, seconds, state, told},
    world,
};

use super::*;

/// A world in which so many people have connected TikTok.
async fn connected(builder: WorldBuilder, people: usize) -> (World, Vec<(Visitor, ConnectionRef)>) {
    let w = builder.build().await.unwrap();
    let mut all = Vec::with_capacity(people);
    for n in 0..people {
        let visitor = w.visitor(&format!("person-{n}"));
        let connection = w.connect(&visitor, "tiktok", &[PUBLISH]).await.unwrap();
        all.push((visitor, connection));
    }
    w.settle().await;
    (w, all)
}

/// Says for how many people the connection waits.
async fn waiting(w: &World, all: &[(Visitor, ConnectionRef)]) -> usize {
    let mut waiting = 0;
    for (visitor, connection) in all {
        let needs = ConnectionState::NeedsReconnect(ReconnectReason::Revoked);
        waiting += usize::from(state(w, visitor, connection).await == needs);
    }
    waiting
}

fn refuse_everything(w: &World) {
    let over = Fault::OkWithError("invalid_grant".into());
    w.site("tiktok").fault(Endpoint::Refresh, over.always());
}

/// Everybody calls once. Says how many were told to wait.
async fn all_call(bailee: &Bailee, all: &[(Visitor, ConnectionRef)]) -> usize {
    let mut held = 0;
    for (visitor, connection) in all {
        let error = call(bailee, visitor, connection, "tiktok").await.unwrap_err();
        match error.kind() {
            ErrorKind::NeedsReconnect => {}
            ErrorKind::ProviderUnavailable => {
                assert!(matches!(error.remedy(), Remedy::Wait(_)), "{error:?}");
                held += 1;
            }
            _ => panic!("{error:?}"),
        }
    }
    held
}

async fn engaged(w: &World) -> usize {
    w.audited("~").await.iter().filter(|event| *event == "brake.engaged").count()
}

#[tokio::test(flavor = "multi_thread")]
async fn ref_11_no_more_than_twenty_of_a_few_are_told_to_reconnect_when_all_are_refused() {
    let (w, mut all) = connected(world(), 42).await;
    w.site("tiktok").add_account(Account::new("bob"));
    for n in 0..3 {
        let (visitor, options) = (w.visitor(&format!("friend-{n}")), BeginOptions::default());
        let purposes = [PUBLISH];
        let connecting =
            w.connect_as(&visitor, "tiktok", &purposes, options, Decision::Allow, "bob");
        let connection = connecting.await.unwrap().unwrap().connection;
        all.push((visitor, connection));
    }
    w.advance(hours(25));
    refuse_everything(&w);
    assert!(w.bailee.brakes().await.unwrap().is_empty());
    assert_eq!(all_call(&w.bailee, &all).await, 25);
    assert_eq!(waiting(&w, &all).await, 20);
    assert_eq!(engaged(&w).await, 1, "the operator is told, once");
    let brakes = w.bailee.brakes().await.unwrap();
    assert_eq!(brakes.len(), 1);
    assert_eq!((brakes[0].refused, brakes[0].connections), (21, 45));
    assert_eq!(brakes[0].provider.as_str(), "tiktok");
    assert_eq!(brakes[0].released_until, None);

    // As long as it lasts nobody else is told, whether they are used or not.
    for round in 0..40 {
        w.advance(seconds(300));
        w.settle().await;
        if round % 7 == 0 {
            all_call(&w.bailee, &all).await;
        }
    }
    assert_eq!(waiting(&w, &all).await, 20);
    let since = brakes[0].since;
    assert_eq!(w.bailee.brakes().await.unwrap()[0].since, since, "it was never off");

    // It was the provider's fault. Three have really gone meanwhile, and only they are told.
    w.site("tiktok").clear_faults();
    assert_eq!(w.site("tiktok").withdraw("bob", "fake-client-1"), 3);
    for _ in 0..20 {
        w.advance(seconds(300));
        w.settle().await;
    }
    for (visitor, connection) in &all[20..42] {
        call(&w.bailee, visitor, connection, "tiktok").await.unwrap();
        assert_eq!(told(&w, connection).len(), 1, "its host heard of nothing");
    }
    assert_eq!(waiting(&w, &all).await, 23);
    assert!(w.bailee.brakes().await.unwrap().is_empty());
    w.assert_clean_audit(&["acme", "~"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn ref_11_processes_count_together() {
    let (w, all) = connected(world(), 30).await;
    let other = w.another_process(declaration()).await.unwrap();
    w.advance(hours(25));
    refuse_everything(&w);
    for (n, one) in all.chunks(1).enumerate() {
        // Between two looks of the same process the other one was told something too.
        w.advance(seconds(2));
        all_call(if n % 2 == 0 { &w.bailee } else { &other }, one).await;
    }
    assert_eq!(waiting(&w, &all).await, 20);
    assert_eq!(other.brakes().await.unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn ref_11_refusals_that_come_slowly_are_believed() {
    let (w, all) = connected(world(), 60).await;
    w.advance(hours(25));
    refuse_everything(&w);
    for some in all.chunks(20) {
        assert_eq!(all_call(&w.bailee, some).await, 0);
        w.advance(seconds(601));
    }
    assert_eq!(waiting(&w, &all).await, 60);
    assert_eq!(engaged(&w).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn ref_11_one_connection_that_is_refused_again_and_again_counts_once() {
    let (w, all) = connected(world(), 3).await;
    w.advance(hours(25));
    refuse_everything(&w);
    for _ in 0..40 {
        all_call(&w.bailee, &all).await;
        w.advance(seconds(5));
    }
    assert_eq!((waiting(&w, &all).await, engaged(&w).await), (3, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn ref_11_an_operator_who_knows_better_lets_the_brake_go() {
    let (w, all) = connected(world(), 30).await;
    let other = w.another_process(declaration()).await.unwrap();
    w.advance(hours(25));
    refuse_everything(&w);
    all_call(&w.bailee, &all).await;
    let registration = w.bailee.brakes().await.unwrap()[0].registration.clone();
    other.release_brake(&registration, hours(24)).await.unwrap();
    let released = w.bailee.brakes().await.unwrap()[0].released_until;
    assert!(released.is_some());
    // Nobody asks again so soon, but for that.
    w.advance(seconds(100));
    assert_eq!(all_call(&w.bailee, &all).await, 0, "the process that held them knows it too");
    assert_eq!(waiting(&w, &all).await, 30);
    let unknown = RegistrationId::new("unknown").unwrap();
    let error = w.bailee.release_brake(&unknown, hours(1)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Configuration);
}

#[tokio::test(flavor = "multi_thread")]
async fn ref_11_of_ten_thousand_connections_one_in_fifty_may_be_told() {
    let (w, all) = connected(world(), 205).await;
    // Their number is that of their routes; those of people who do not appear here are copies.
    let system = TenantId::SYSTEM;
    let routes = Query::of_kind(Kind::from_static("route")).limit(1000);
    let page = w.store().find(&system, &routes).await.unwrap();
    let counted = page.records.iter().find(|record| record.facet.0 != 0).unwrap();
    for n in all.len()..10_000 {
        let mut copy = counted.clone();
        copy.key.id = Id::derive(&[&n.to_be_bytes()]);
        let entry = Entry::new("route.added", w.clock.now())
            .with("connection", copy.key.id)
            .with("registration", &RegistrationId::new("tiktok").unwrap());
        let batch = w.bailee.vault().batch().unwrap().op(Op::Put {
            record: copy,
            expect: Expect::Absent,
            lookups: None,
        });
        w.bailee.vault().commit(&system, batch.audit(entry)).await.unwrap();
    }
    w.advance(hours(25));
    refuse_everything(&w);
    assert_eq!(all_call(&w.bailee, &all).await, 5);
    assert_eq!(waiting(&w, &all).await, 200);
    let brakes = w.bailee.brakes().await.unwrap();
    assert_eq!((brakes[0].refused, brakes[0].connections), (201, 10_000));
}

#[tokio::test(flavor = "multi_thread")]
async fn ref_11_refusals_at_calls_and_at_looks_count_as_well() {
    let (w, all) = connected(world(), 30).await;
    refuse_everything(&w);
    // The tokens have time left: it is at the call that the provider says that they are over.
    assert_eq!(w.site("tiktok").expire_access("ada"), 30);
    assert_eq!(all_call(&w.bailee, &all).await, 10);
    assert_eq!(waiting(&w, &all).await, 20);
    for (visitor, connection) in &all[20..] {
        let outcome = w.bailee.connections().check(visitor, connection).await;
        assert_eq!(outcome.unwrap_err().kind(), ErrorKind::ProviderUnavailable);
    }
    assert_eq!(waiting(&w, &all).await, 20);
}

#[tokio::test(flavor = "multi_thread")]
async fn ref_11_tokens_whose_time_is_over_are_no_refusals() {
    // Where nothing can be renewed, everybody's day comes; nobody would be helped by waiting.
    let w = notes_world("class = \"static\"", RefreshStyle::None).build().await.unwrap();
    let mut all = Vec::new();
    for n in 0..25 {
        let visitor = w.visitor(&format!("person-{n}"));
        let notes = w.connect(&visitor, "notes", &[NOTES]).await.unwrap();
        all.push((visitor, notes));
    }
    w.advance(hours(2));
    for (visitor, notes) in &all {
        let error = call(&w.bailee, visitor, notes, "notes").await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NeedsReconnect);
        let expired = ConnectionState::NeedsReconnect(ReconnectReason::Expired);
        assert_eq!(state(&w, visitor, notes).await, expired);
    }
    assert_eq!(engaged(&w).await, 0);
}
