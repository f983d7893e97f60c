//! The whole way through: connect, see, disconnect, and what was written about it.

use bailee::{Happened, core::ConnectionState};
use bailee_testkit::World;
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
