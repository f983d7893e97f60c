//! Handlers of what providers tell that go away, and operators while they look after people's requests.

use std::cell::Cell;

use bailee::{
    BeginOptions, ConnectionRef, ErrorKind, Mount, RequestOutcome, SignalOutcome,
    core::{Id, RegistrationId},
    providers::{
        Operation, Provider,
        instagram::{Instagram, PublishingLimit},
    },
};
use bailee_testkit::{
    Declared, PURPOSE, World, WorldBuilder,
    emulator::{self, Account, Announcement, Decision},
};

use super::scene::{ACME, Scene, on_each_store};

const OPERATOR: Id = Id::from_bytes([7; 16]);

/// A provider that brings people's requests.
fn with_requests() -> WorldBuilder {
    let declared =
        Declared::of(Instagram::new().spec()).operation(Operation::facts(&PublishingLimit));
    World::builder(declared.declaration()).play(emulator::instagram::Instagram::new())
}

/// Connects one more account there, so that no request is about an earlier one.
async fn connect_another(scene: &Scene, accounts: &Cell<u32>) -> (ConnectionRef, String) {
    accounts.set(accounts.get() + 1);
    let account = format!("ada-{}", accounts.get());
    scene.w.site("instagram").add_account(Account::new(&account));
    let (options, allow) = (BeginOptions::default(), Decision::Allow);
    let purposes = [PURPOSE];
    let connected =
        scene.w.connect_as(&scene.ada, "instagram", &purposes, options, allow, &account);
    let connected = connected.await.unwrap().unwrap();
    scene.pass(1, 60).await;
    (connected.connection, account)
}

/// Somebody asks the provider to have their data deleted.
fn deletion(w: &World, account: &str) -> Announcement {
    let mount = Mount::new("https://app.example.test/connect").unwrap();
    let registration = RegistrationId::from_static("instagram");
    let address = mount.signal_address(&registration, Some("data-deletion"));
    let site = w.site("instagram");
    site.announce("data_deletion", account, "fake-client-1", &address).unwrap()
}

/// The code that the provider gives to whoever asked it for a deletion.
fn code(answer: &bailee::Answer) -> String {
    let body: serde_json::Value = serde_json::from_str(answer.body()).unwrap();
    body["confirmation_code"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_signal_whose_handler_leaves_is_taken_once_when_it_comes_again() {
    on_each_store(with_requests, async |scene| {
        let w = &scene.w;
        let connections = w.bailee.connections();
        let requests = w.bailee.requests(OPERATOR);
        let accounts = Cell::new(0);
        scene
            .leave(
                "take_signal",
                async || {
                    let (connection, account) = connect_another(scene, &accounts).await;
                    (connection, deletion(w, &account))
                },
                async |(_, sent)| w.deliver(sent).await,
                async |(connection, sent), taken, what| {
                    if let Some(taken) = taken {
                        assert!(!matches!(taken.outcome, SignalOutcome::Failed(_)), "{what}");
                        let page = connections.request_page(&code(&taken.answer)).await.unwrap();
                        assert_eq!(page.status(), 200, "{what}");
                    } else {
                        // Nobody heard an answer, so the provider comes again.
                        let again = w.deliver(&sent).await;
                        assert_eq!(again.answer.status(), 200, "{what}");
                    }
                    scene.pass(2, 60).await;
                    let all = requests.of(&ACME).await.unwrap();
                    let own = all.iter().filter(|one| one.connection == connection).count();
                    assert_eq!(own, 1, "{what}");
                    let left = connections.of_visitor(&scene.ada).await.unwrap();
                    assert!(left.is_empty(), "{what}: {left:?}");
                    scene.nothing_is_half(what).await;
                },
            )
            .await;
    })
    .await;
}

#[tokio::test]
async fn an_operator_who_leaves_while_they_close_a_request_closes_it_again() {
    on_each_store(with_requests, async |scene| {
        let w = &scene.w;
        let connections = w.bailee.connections();
        let requests = w.bailee.requests(OPERATOR);
        let accounts = Cell::new(0);
        scene
            .leave(
                "close",
                async || {
                    let (connection, account) = connect_another(scene, &accounts).await;
                    let taken = w.deliver(&deletion(w, &account)).await;
                    scene.pass(1, 60).await;
                    let all = requests.of(&ACME).await.unwrap();
                    let own = all.iter().find(|one| one.connection == connection).unwrap();
                    assert_eq!(own.closed, None);
                    (own.id, code(&taken.answer))
                },
                async |(id, code)| {
                    assert!(!requests.of(&ACME).await.unwrap().is_empty());
                    requests.close(&ACME, *id, RequestOutcome::Done).await.unwrap();
                    connections.request_page(code).await.unwrap()
                },
                async |(id, code), closed, what| {
                    match requests.close(&ACME, id, RequestOutcome::Done).await {
                        Ok(()) => assert!(closed.is_none(), "{what}"),
                        Err(error) => assert_eq!(error.kind(), ErrorKind::Rejected, "{what}"),
                    }
                    let page = connections.request_page(&code).await.unwrap();
                    if let Some(closed) = closed {
                        assert_eq!(closed.body(), page.body(), "{what}");
                    }
                    let all = requests.of(&ACME).await.unwrap();
                    let own = all.iter().find(|one| one.id == id).unwrap();
                    assert!(own.closed.is_some(), "{what}");
                },
            )
            .await;
    })
    .await;
}
