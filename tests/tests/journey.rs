//! The whole way through: connect, see, disconnect, and what was written about it.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use bailee::{
    ErrorKind, Happened, ReconnectReason, WithdrawalReason,
    core::{Clock, ConnectionState, Timestamp},
};
use bailee_testkit::{World, emulator::Endpoint};
use bailee_tests::{NOTES, PUBLISH, sqlite_world, world};

#[tokio::test(flavor = "multi_thread")]
async fn two_accounts_are_connected_and_disconnected_in_memory() {
    journey(&world().build().await.unwrap()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_accounts_are_connected_and_disconnected_on_sqlite() {
    let (world, _folder) = sqlite_world().await.unwrap();
    journey(&world).await;
}

async fn journey(w: &World) {
    let ada = w.visitor("ada");
    let tiktok = w.connect(&ada, "tiktok", &[PUBLISH]).await.unwrap();
    let notes = w.connect(&ada, "notes", &[NOTES]).await.unwrap();
    let connections = w.bailee.connections();
    let all = connections.of_visitor(&ada).await.unwrap();
    assert_eq!(all.len(), 2);
    assert!(all.iter().all(|status| status.state == ConnectionState::Active));
    for connection in [&tiktok, &notes] {
        let receipt = connections.disconnect(&ada, connection).await.unwrap();
        assert!(receipt.confirmed);
        assert!(!receipt.steps.is_empty(), "the person is told what they can do themselves");
    }
    assert!(connections.of_visitor(&ada).await.unwrap().is_empty());
    for site in w.emulator.sites() {
        assert!(site.live_tokens().is_empty(), "no token lives on at {}", site.name());
    }

    w.settle().await;
    for connection in [&tiktok, &notes] {
        let told: Vec<_> = w
            .events
            .all()
            .into_iter()
            .filter(|event| event.connection == *connection)
            .map(|event| event.what)
            .collect();
        assert_eq!(told, [Happened::Connected, Happened::Disconnected { confirmed: true }]);
    }
    let audited = w.audited("acme").await;
    for event in
        ["subject.created", "consent.given", "connection.connected", "connection.disconnected"]
    {
        assert!(audited.iter().any(|name| name == event), "{event} in {audited:?}");
    }
    w.assert_clean_audit(&["acme", "~"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_check_asks_the_provider_and_sees_a_withdrawal_made_there() {
    let w = world().build().await.unwrap();
    let ada = w.visitor("ada");
    let connections = w.bailee.connections();
    for (registration, purpose) in [("tiktok", PUBLISH), ("notes", NOTES)] {
        let connection = w.connect(&ada, registration, &[purpose]).await.unwrap();
        let state = connections.check(&ada, &connection).await.unwrap();
        assert_eq!(state, ConnectionState::Active, "{registration}");
        let site = w.emulator.sites().iter().find(|site| site.live_tokens().len() == 2).unwrap();
        assert_eq!(site.withdraw("ada", "fake-client-1"), 1);
        let state = connections.check(&ada, &connection).await.unwrap();
        assert_eq!(
            state,
            ConnectionState::NeedsReconnect(ReconnectReason::Revoked),
            "{registration}"
        );
        let again = connections.check(&ada, &connection).await.unwrap();
        assert_eq!(again, state, "nothing is asked of a connection that waits for its person");
    }
    assert!(w.site("id.example.test").count(Endpoint::Introspect) > 0, "RFC 7662 was used");
    let stranger = w.visitor_in("other", "ada");
    let foreign = w.connect(&ada, "tiktok", &[PUBLISH]).await.unwrap();
    let refused = connections.check(&stranger, &foreign).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::NotFound);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_removes_the_application_at_the_provider_finds_that_in_their_history() {
    let w = world().build().await.unwrap();
    let (ada, grace) = (w.visitor("ada"), w.visitor("grace"));
    let tiktok = w.connect(&ada, "tiktok", &[PUBLISH]).await.unwrap();
    w.connect(&grace, "notes", &[NOTES]).await.unwrap();
    w.advance(bailee_tests::drill::hours(1));
    let taken = w.told("tiktok", "authorization.removed", "ada").await;
    assert_eq!(taken.answer.status(), 200);

    let connections = w.bailee.connections();
    let until = w.clock.now().plus(bailee_tests::drill::hours(24));
    let from = Timestamp::from_seconds(0);
    let lines = |entries: Vec<bailee::store::LoggedEntry>| -> Vec<String> {
        entries.iter().map(|logged| bailee::audit::to_line(&logged.entry)).collect()
    };
    let own = lines(connections.history(&ada, from, until).await.unwrap());
    let told = own.iter().find(|line| line.contains("a connection is being ended")).unwrap();
    assert!(told.contains("by provider") && told.contains("reason access_removed"), "{told}");
    assert!(own.iter().any(|line| line.contains("an account was connected")), "{own:?}");
    assert!(own.iter().any(|line| line.contains("consent was withdrawn")), "{own:?}");
    let of_grace = lines(connections.history(&grace, from, until).await.unwrap());
    assert!(of_grace.iter().any(|line| line.contains("an account was connected")));
    assert!(!of_grace.iter().any(|line| line.contains("being ended")), "{of_grace:?}");
    let stranger = w.visitor("nobody");
    assert!(connections.history(&stranger, from, until).await.unwrap().is_empty());
    let later = connections.history(&ada, until, until).await.unwrap();
    assert!(later.is_empty(), "nothing of another time");

    let events = w.events.all();
    let told: Vec<_> =
        events.iter().filter(|event| event.connection == tiktok).map(|event| &event.what).collect();
    let reason = WithdrawalReason::AccessRemoved;
    assert_eq!(told, [&Happened::Connected, &Happened::Withdrawn { reason }]);
}
