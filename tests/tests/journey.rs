//! The whole way through: connect, see, disconnect, and what was written about it.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use bailee::{ErrorKind, Happened, ReconnectReason, core::ConnectionState};
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
