//! Callers who go away while they use a connection or look at one.

use bailee::{
    ConnectionRef, ConnectionState, ErrorKind, IdempotencyKey,
    core::{Clock, Timestamp},
    registry::Disclosures,
};
use bailee_testkit::emulator::Endpoint;
use bailee_tests::{
    NOTES,
    drill::{ISSUER, call, hours},
};

use super::scene::{ACME, Scene, on_a_server_too, on_each_store, unforgiving};

#[tokio::test]
async fn ref_04_a_caller_who_leaves_a_call_costs_no_token() {
    on_a_server_too(unforgiving, async |scene| {
        let notes = scene.connect("notes").await;
        let site = scene.w.site(ISSUER);
        scene
            .leave(
                "call",
                async || {
                    scene.w.advance(hours(2));
                    site.count(Endpoint::Refresh)
                },
                async |_| call(&scene.w.bailee, &scene.ada, &notes, "notes").await,
                async |before, called, what| {
                    called.unwrap_or(Ok(())).unwrap();
                    // What the provider was told by a call that nobody waits for was disclosed too.
                    let told = site.count(Endpoint::Api);
                    assert!(disclosed(scene, &notes).await >= told, "{what}");
                    call(&scene.w.bailee, &scene.ada, &notes, "notes").await.unwrap();
                    assert_eq!(site.count(Endpoint::Refresh) - before, 1, "{what}");
                    scene.nothing_is_half(what).await;
                },
            )
            .await;
        assert!(site.reuse_alarms().is_empty());
        scene.end("call").await;
    })
    .await;
}

#[tokio::test]
async fn ref_04_a_caller_who_leaves_a_check_costs_no_token() {
    on_each_store(unforgiving, async |scene| {
        let notes = scene.connect("notes").await;
        let connections = scene.w.bailee.connections();
        let site = scene.w.site(ISSUER);
        scene
            .leave(
                "check",
                async || scene.w.advance(hours(2)),
                async |()| connections.check(&scene.ada, &notes).await,
                async |(), checked, what| {
                    let checked = checked.unwrap_or(Ok(ConnectionState::Active));
                    assert_eq!(checked.unwrap(), ConnectionState::Active, "{what}");
                    let again = connections.check(&scene.ada, &notes).await.unwrap();
                    assert_eq!(again, ConnectionState::Active, "{what}");
                    call(&scene.w.bailee, &scene.ada, &notes, "notes").await.unwrap();
                },
            )
            .await;
        assert!(site.reuse_alarms().is_empty());
        scene.end("check").await;
    })
    .await;
}

#[tokio::test]
async fn a_reader_who_leaves_changes_nothing() {
    on_each_store(unforgiving, async |scene| {
        let notes = scene.connect("notes").await;
        scene.w.settle().await;
        let connections = scene.w.bailee.connections();
        let before = scene.w.audit("acme").await.len();
        let until = scene.w.clock.now().plus(hours(1));
        let acting = scene.w.bailee.acting(&scene.ada, &NOTES);
        let key = IdempotencyKey::new("post-1").unwrap();
        scene
            .leave(
                "reading",
                async || (),
                async |()| {
                    connections.status(&scene.ada, &notes).await.unwrap();
                    assert_eq!(connections.of_visitor(&scene.ada).await.unwrap().len(), 1);
                    let history =
                        connections.history(&scene.ada, Timestamp::from_seconds(0), until);
                    assert!(!history.await.unwrap().is_empty());
                    let more = connections.additions(&scene.ada, &notes, &[NOTES]).await.unwrap();
                    assert!(more.is_empty());
                    let none = acting.publication(&notes, &key).await.unwrap_err();
                    assert_eq!(none.kind(), ErrorKind::NotFound);
                },
                async |(), _, what| {
                    assert_eq!(scene.w.audit("acme").await.len(), before, "{what}");
                    scene.nothing_is_half(what).await;
                },
            )
            .await;
        scene.end("reading").await;
    })
    .await;
}

/// How many uses of the person's data are on record.
pub(crate) async fn disclosed(scene: &Scene, connection: &ConnectionRef) -> u64 {
    scene.w.settle().await;
    let disclosures = Disclosures::new(scene.w.bailee.vault().clone());
    let subject = connection.owner().subject().unwrap();
    let records = disclosures.of_subject(&ACME, subject).await.unwrap();
    records.iter().map(|record| record.count).sum()
}
