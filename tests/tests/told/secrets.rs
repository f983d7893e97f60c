//! Secrets while they are replaced.

use std::time::Duration;

use bailee::{Bailee, SignalOutcome};
use bailee_testkit::emulator::Announcement;

use crate::{
    refused,
    scene::{Scene, Secrets},
    table::{SLACK, Secret},
};

const DAY: Duration = Duration::from_secs(86_400);

/// An announcement that the provider signs with these.
fn signed_with(scene: &Scene, secrets: &Secrets) -> Announcement {
    scene.knows(secrets);
    scene.news()
}

/// Whether a process takes it.
async fn takes(scene: &Scene, process: &Bailee, sent: &Announcement) -> bool {
    let taken = process.connections().take_signal(scene.world.signal_request(sent)).await;
    match taken.outcome {
        SignalOutcome::Kept => true,
        SignalOutcome::Refused("forged") => false,
        other => panic!("{other:?}"),
    }
}

for_each_teller! {
    #[tokio::test]
    async fn hook_01_a_secret_that_is_replaced_is_good_while_both_are_given_or_for_a_week(teller: Teller) {
        let scene = Scene::of(teller).await;
        scene.connect(&scene.world.visitor("ada"), "ada").await;
        scene.world.settle().await;
        let (old, new) = (Secrets::named("first"), Secrets::named("new"));
        match teller.secret {
            Secret::Published => {}
            Secret::Own | Secret::Pair => {
                let signing = vec![new.signing[0].clone(), old.signing[0].clone()];
                let process = scene.process_with(Secrets { signing, ..old.clone() }).await;
                for secrets in [&old, &new] {
                    scene.world.advance(Duration::from_secs(1));
                    let sent = signed_with(&scene, secrets);
                    assert!(takes(&scene, &process, &sent).await);
                }
                let process = scene.process_with(Secrets { signing: new.signing.clone(), ..old.clone() });
                let process = process.await;
                scene.world.advance(Duration::from_secs(1));
                assert!(!takes(&scene, &process, &signed_with(&scene, &old)).await);
                assert!(takes(&scene, &process, &signed_with(&scene, &new)).await);
            }
            Secret::Client => {
                let process = scene.process_with(Secrets { client: new.client.clone(), ..old.clone() });
                let process = process.await;
                for secrets in [&old, &new] {
                    scene.world.advance(Duration::from_secs(1));
                    assert!(takes(&scene, &process, &signed_with(&scene, secrets)).await);
                }
                scene.world.advance(7 * DAY - Duration::from_secs(10));
                assert!(takes(&scene, &process, &signed_with(&scene, &old)).await);
                scene.world.advance(Duration::from_secs(20));
                assert!(!takes(&scene, &process, &signed_with(&scene, &old)).await);
                assert!(takes(&scene, &process, &signed_with(&scene, &new)).await);
            }
        }
        scene.world.settle().await;
        scene.assert_clean().await;
    }
}

#[tokio::test]
async fn where_no_secret_is_given_nothing_is_taken_and_the_log_says_why() {
    let scene = Scene::of(SLACK).await;
    let ada = scene.world.visitor("ada");
    let hers = scene.connect(&ada, "ada").await;
    scene.world.settle().await;
    scene.world.advance(Duration::from_secs(3600));
    let process = scene.process_with(Secrets { signing: Vec::new(), ..Secrets::named("first") });
    let process = process.await;
    let sent = scene.news();
    let taken = process.connections().take_signal(scene.world.signal_request(&sent)).await;
    assert_eq!(refused(&taken), ("no_secret", 503, ""), "Slack comes again");
    scene.world.settle().await;
    assert!(scene.state(&ada, &hers).await.is_some());
    let logged = scene.world.audit("~").await;
    let told = logged.iter().any(|logged| {
        logged.entry.event() == "signal.refused"
            && logged.entry.field("reason").is_some_and(|word| word.to_string() == "no_secret")
    });
    assert!(told, "an operator finds it");
    scene.assert_clean().await;
}
