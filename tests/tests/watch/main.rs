//! Connections that nothing is heard of: they are asked about by a schedule, within a budget.

use std::time::Duration;

use bailee::{BeginOptions, ConnectionState, Freeze, Happened, ReconnectReason, core::ProviderId};
use bailee_testkit::{
    World,
    emulator::{Account, Decision, Endpoint, Fault},
};
use bailee_tests::{
    NOTES,
    drill::{ISSUER, hours},
    world,
};

const CLIENT: &str = "fake-client-1";

fn days(n: u64) -> Duration {
    hours(24 * n)
}

/// How often the provider was asked about tokens.
fn asked(w: &World) -> u64 {
    let site = w.site(ISSUER);
    site.count(Endpoint::Introspect) + site.count(Endpoint::Refresh)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_grant_that_was_withdrawn_at_the_provider_is_found_out_though_nobody_uses_it() {
    let w = world().build().await.unwrap();
    let (ada, grace) = (w.visitor("ada"), w.visitor("grace"));
    let gone = w.connect(&ada, "notes", &[NOTES]).await.unwrap();
    let options = BeginOptions::default();
    let kept = w
        .connect_as(&grace, "notes", &[NOTES], options, Decision::Allow, "grace")
        .await
        .unwrap()
        .unwrap()
        .connection;
    w.settle().await;
    assert_eq!(w.site(ISSUER).withdraw("ada", CLIENT), 1);

    // A week without a word is the time; until half of it nothing is asked.
    let before = asked(&w);
    w.advance(days(3));
    w.settle().await;
    assert_eq!(asked(&w), before, "it is too early to ask");
    w.advance(days(5));
    w.settle().await;
    let connections = w.bailee.connections();
    let state = connections.status(&ada, &gone).await.unwrap().state;
    assert_eq!(state, ConnectionState::NeedsReconnect(ReconnectReason::Revoked));
    let state = connections.status(&grace, &kept).await.unwrap().state;
    assert_eq!(state, ConnectionState::Active);
    let told = w.events.all().into_iter().filter(|event| event.connection == gone);
    let told: Vec<_> = told.map(|event| event.what).collect();
    let reason = ReconnectReason::Revoked;
    assert_eq!(told, [Happened::Connected, Happened::NeedsReconnect { reason }]);
    assert!(w.audited("acme").await.iter().any(|event| event == "connection.checked"));
    w.assert_clean_audit(&["acme", "~"]).await;

    // It is asked again a week later, and not of what waits for its person.
    let before = asked(&w);
    w.advance(days(9));
    w.settle().await;
    let after = asked(&w);
    assert!((1..=3).contains(&(after - before)), "{before} {after}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_that_does_not_answer_changes_nothing_and_is_asked_again() {
    let w = world().build().await.unwrap();
    let ada = w.visitor("ada");
    let connection = w.connect(&ada, "notes", &[NOTES]).await.unwrap();
    w.settle().await;
    w.site(ISSUER).fault_everywhere(Fault::Status(503).times(1000));
    w.advance(days(8));
    w.settle().await;
    let connections = w.bailee.connections();
    let state = connections.status(&ada, &connection).await.unwrap().state;
    assert!(matches!(state, ConnectionState::Active | ConnectionState::Degraded), "{state:?}");
    w.site(ISSUER).clear_faults();
    w.site(ISSUER).withdraw("ada", CLIENT);
    w.advance(hours(2));
    w.settle().await;
    let state = connections.status(&ada, &connection).await.unwrap().state;
    assert!(matches!(state, ConnectionState::NeedsReconnect(_)), "{state:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_frozen_or_ended_is_not_asked_about() {
    let w = world().build().await.unwrap();
    let ada = w.visitor("ada");
    let connection = w.connect(&ada, "notes", &[NOTES]).await.unwrap();
    w.settle().await;
    let notes = Freeze::Provider(ProviderId::from_static("notes"));
    w.bailee.freeze(notes.clone()).await.unwrap();
    let before = asked(&w);
    w.advance(days(20));
    w.settle().await;
    assert_eq!(asked(&w), before, "an operator stopped it");
    w.bailee.thaw(&notes).await.unwrap();
    w.advance(days(2));
    w.settle().await;
    let after = asked(&w);
    assert!(after > before);
    w.bailee.connections().disconnect(&ada, &connection).await.unwrap();
    let before = asked(&w);
    w.advance(days(60));
    w.settle().await;
    assert_eq!(asked(&w), before, "it is gone");
}

#[tokio::test(flavor = "multi_thread")]
async fn many_that_fall_due_together_are_asked_about_within_the_budget() {
    const ALL: u64 = 60;
    let w = world().change(|builder| builder.watch_budget(30)).build().await.unwrap();
    for n in 0..ALL {
        let name = format!("person-{n}");
        w.site(ISSUER).add_account(Account::new(&name));
        let visitor = w.visitor(&name);
        let options = BeginOptions::default();
        w.connect_as(&visitor, "notes", &[NOTES], options, Decision::Allow, &name)
            .await
            .unwrap()
            .unwrap();
    }
    w.settle().await;
    // Nobody looked for a month, as after an outage: all of them are due.
    w.advance(days(30));
    let began = w.site(ISSUER).count(Endpoint::Refresh);
    let (mut before, mut minutes) = (began, 0);
    while before - began < ALL {
        for _ in 0..12 {
            w.settle().await;
            w.advance(Duration::from_secs(5));
        }
        let now = w.site(ISSUER).count(Endpoint::Refresh);
        assert!(now - before <= 30 + 3, "{} in a minute", now - before);
        before = now;
        minutes += 1;
        assert!(minutes < 10, "everybody has a turn");
    }
    assert!(minutes >= 2, "sixty were not asked about in one minute");
}
