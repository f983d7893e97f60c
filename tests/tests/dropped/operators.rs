//! Operators who go away while they stop something, let it go or take a database over.

use std::time::Duration;

use bailee::{
    Bailee, ErrorKind, Freeze, TenantId,
    core::{Clock, RegistrationId, audit::Field},
};
use bailee_tests::{
    declaration,
    drill::{call, seconds},
};

use super::scene::{Scene, on_each_store, unforgiving};

/// Each writing of the control row is one entry with the number after the last one's.
async fn every_change_is_in_the_log(scene: &Scene, what: &str) {
    let log = scene.w.audit("~").await;
    let changes = log.iter().filter(|logged| logged.entry.event() == "control.changed");
    let mut versions: Vec<i64> = changes
        .map(|logged| match logged.entry.field("version") {
            Some(Field::Number(version)) => *version,
            other => panic!("a version is a number: {other:?}"),
        })
        .collect();
    // Those of one moment have no order.
    versions.sort_unstable();
    let expected: Vec<i64> = (0..).take(versions.len()).collect();
    assert_eq!(versions, expected, "{what}");
}

#[tokio::test]
async fn an_operator_who_leaves_while_they_freeze_or_thaw_did_so_or_did_not_in_every_process() {
    on_each_store(unforgiving, async |scene| {
        let bailee = &scene.w.bailee;
        let notes = scene.connect("notes").await;
        let other = scene.w.another_process(declaration()).await.unwrap();
        let frozen = async |what: &str| {
            // A pass is good for a second.
            scene.w.advance(seconds(2));
            let mut stand = Vec::new();
            for process in [bailee, &other] {
                let called = call(process, &scene.ada, &notes, "notes").await;
                if let Err(error) = &called {
                    assert_eq!(error.kind(), ErrorKind::Frozen, "{what}: {error:?}");
                }
                stand.push(called.is_err());
            }
            stand
        };
        for named in [Freeze::All, Freeze::Connection(notes.clone())] {
            scene
                .leave(
                    "freeze",
                    async || (),
                    async |()| bailee.freeze(named.clone()).await,
                    async |(), done, what| {
                        if let Some(done) = done {
                            done.unwrap();
                            assert_eq!(frozen(what).await, [true, true], "{what}");
                        }
                        bailee.freeze(named.clone()).await.unwrap();
                        assert_eq!(frozen(what).await, [true, true], "{what}");
                        bailee.thaw(&named).await.unwrap();
                        assert_eq!(frozen(what).await, [false, false], "{what}");
                        every_change_is_in_the_log(scene, what).await;
                    },
                )
                .await;
            scene
                .leave(
                    "thaw",
                    async || bailee.freeze(named.clone()).await.unwrap(),
                    async |()| bailee.thaw(&named).await,
                    async |(), done, what| {
                        if let Some(done) = done {
                            done.unwrap();
                            assert_eq!(frozen(what).await, [false, false], "{what}");
                        }
                        bailee.thaw(&named).await.unwrap();
                        assert_eq!(frozen(what).await, [false, false], "{what}");
                        every_change_is_in_the_log(scene, what).await;
                    },
                )
                .await;
        }
        scene.end("freeze").await;
    })
    .await;
}

#[tokio::test]
async fn an_operator_who_leaves_while_they_adopt_a_database_has_it_or_has_it_not() {
    on_each_store(unforgiving, async |scene| {
        let notes = scene.connect("notes").await;
        let builder = scene.w.process(declaration(), scene.w.store().clone()).unwrap();
        let other = builder.instance("another").build().await.unwrap();
        let serves = async |process: &Bailee, what: &str| {
            scene.w.advance(seconds(2));
            let called = call(process, &scene.ada, &notes, "notes").await;
            if let Err(error) = &called {
                assert_eq!(error.kind(), ErrorKind::Quarantined, "{what}: {error:?}");
            }
            called.is_ok()
        };
        scene
            .leave(
                "danger_adopt_database",
                async || (),
                async |()| other.danger_adopt_database().await,
                async |(), done, what| {
                    if let Some(done) = done {
                        done.unwrap();
                        assert!(serves(&other, what).await, "{what}");
                    }
                    other.danger_adopt_database().await.unwrap();
                    let both = (serves(&other, what).await, serves(&scene.w.bailee, what).await);
                    assert_eq!(both, (true, false), "{what}: one instance has it");
                    scene.w.bailee.danger_adopt_database().await.unwrap();
                    let both = (serves(&other, what).await, serves(&scene.w.bailee, what).await);
                    assert_eq!(both, (false, true), "{what}: one instance has it");
                    every_change_is_in_the_log(scene, what).await;
                },
            )
            .await;
        scene.end("adopt").await;
        assert_eq!(scene.count(&TenantId::SYSTEM, "owner").await, 1);
    })
    .await;
}

#[tokio::test]
async fn an_operator_who_leaves_while_they_release_a_brake_did_so_or_did_not() {
    const NOTES: RegistrationId = RegistrationId::from_static("notes");
    const TIME: Duration = Duration::from_secs(600);
    on_each_store(unforgiving, async |scene| {
        let bailee = &scene.w.bailee;
        let released = async || {
            let now = scene.w.clock.now();
            let brakes = bailee.brakes().await.unwrap();
            brakes.iter().any(|brake| {
                brake.registration == NOTES && brake.released_until.is_some_and(|end| end > now)
            })
        };
        scene
            .leave(
                "release_brake",
                async || {
                    scene.w.advance(2 * TIME);
                    assert!(!released().await);
                },
                async |()| {
                    bailee.release_brake(&NOTES, TIME).await?;
                    bailee.brakes().await
                },
                async |(), done, what| {
                    if let Some(done) = done {
                        assert_eq!(done.unwrap().len(), 1, "{what}");
                        assert!(released().await, "{what}");
                    }
                    bailee.release_brake(&NOTES, TIME).await.unwrap();
                    assert!(released().await, "{what}");
                },
            )
            .await;
    })
    .await;
}
