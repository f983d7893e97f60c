//! Keepers of the log who go away: numbers, tree and checkpoint are whole or not there, and the next
//! one goes on. What is left at every poll is what a crash leaves.

use bailee::{
    TenantId,
    audit::{Json, Keyring, LogName},
    core::{Clock as _, audit::Entry},
    registry::{AuditLog, EntryPlace},
};

use super::room::{ROOT, Room, in_a_room_of_a_server_too, root};

const ACME: TenantId = TenantId::from_static("acme");

fn name() -> LogName {
    LogName::new("app.example/log").unwrap()
}

/// Another process of the deployment.
async fn other(room: &Room) -> AuditLog {
    AuditLog::open(room.another(root(ROOT)).await.unwrap(), name()).await.unwrap()
}

async fn write(room: &Room, count: usize) {
    let mut batch = room.vault.batch().unwrap();
    for _ in 0..count {
        batch = batch.audit(Entry::new("work.finished", room.clock.now()));
    }
    room.vault.commit(&ACME, batch).await.unwrap();
}

/// Everything is numbered, signed and as it was signed.
async fn assert_whole(room: &Room, what: &str) {
    let log = other(room).await;
    while log.number(1000).await.unwrap().more {}
    let made = log.checkpoint().await.unwrap();
    assert!(!made.more, "{what}");
    let verified = log.verify(0..u64::MAX).await.unwrap();
    assert_eq!((verified.findings, verified.size), (Vec::new(), made.checkpoint.size), "{what}");
}

#[tokio::test]
async fn a_log_whose_keeper_leaves_is_numbered_and_signed_by_the_next() {
    in_a_room_of_a_server_too(async |room| {
        let log = AuditLog::open(room.vault.clone(), name()).await.unwrap();
        write(room, 250).await;
        assert_whole(room, "before").await;
        room.leave(
            "keeping the log",
            async || write(room, 4).await,
            async |()| {
                log.number(100).await.unwrap();
                log.checkpoint().await.unwrap();
            },
            async |(), _, what| assert_whole(room, what).await,
        )
        .await;
    })
    .await;
}

#[tokio::test]
async fn a_reader_of_the_log_who_leaves_changes_nothing() {
    in_a_room_of_a_server_too(async |room| {
        let log = AuditLog::open(room.vault.clone(), name()).await.unwrap();
        write(room, 20).await;
        assert_whole(room, "before").await;
        let (_, leaf) = room.store.numbered(3, 1).await.unwrap().remove(0);
        let place = EntryPlace { tenant: leaf.tenant, at: leaf.at, batch: leaf.batch, n: leaf.n };
        let signed = log.last_checkpoint().await.unwrap();
        room.leave(
            "reading the log",
            async || (),
            async |()| {
                assert!(log.prove(&place).await.unwrap().is_some());
                log.follows(&log.last_checkpoint().await.unwrap()).await.unwrap();
                assert!(log.verify(0..10).await.unwrap().findings.is_empty());
                log.keys().await.unwrap();
                let said = Json::object([("what", Json::from("read"))]);
                log.receipt("suite", said, Some(&place)).await.unwrap();
            },
            async |(), _, what| {
                assert_eq!(other(room).await.last_checkpoint().await.unwrap(), signed, "{what}");
            },
        )
        .await;
    })
    .await;
}

#[tokio::test]
async fn a_key_of_the_log_whose_turn_is_left_is_turned_or_not() {
    in_a_room_of_a_server_too(async |room| {
        room.leave(
            "turning the log's key",
            async || (),
            async |()| {
                let log = AuditLog::open(room.vault.clone(), name()).await.unwrap();
                // One who left may have begun the turn.
                let turning = async || {
                    log.keys().await.unwrap().iter().filter(|key| key.destroyed.is_none()).count()
                };
                if turning().await == 1 {
                    log.turn_key().await.unwrap();
                }
                log.end_turn().await.unwrap();
            },
            async |(), _, what| {
                let log = other(room).await;
                let keys = log.keys().await.unwrap();
                let living = keys.iter().filter(|key| key.destroyed.is_none()).count();
                assert!(living == 1 || living == 2, "{what}");
                // Whatever stands is enough to sign with, and one of the living keys to check.
                write(room, 1).await;
                assert_whole(room, what).await;
                let signed = log.last_checkpoint().await.unwrap();
                for key in keys.iter().filter(|key| key.destroyed.is_none()) {
                    let ring = Keyring::from(key.key.clone());
                    assert!(signed.verify(&name(), &ring).is_ok(), "{what}");
                }
            },
        )
        .await;
    })
    .await;
}
