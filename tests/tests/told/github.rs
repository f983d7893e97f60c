//! GitHub: an authorization is a person's, an installation is not.

use bailee::{ConnectionState, ReconnectReason};
use bailee_testkit::emulator::github::GitHub;

use crate::{ignored, kept, scene::Scene, table::GITHUB};

#[tokio::test]
async fn an_installation_that_changes_ends_nothing_while_the_authorization_lives() {
    let scene = Scene::of(GITHUB).await;
    let ada = scene.world.visitor("ada");
    let hers = scene.connect(&ada, "ada").await;
    scene.world.settle().await;
    let before = scene.seen().await;
    for action in ["deleted", "suspend", "unsuspend"] {
        kept(&scene.told(&format!("installation.{action}"), "ada").await);
        assert_eq!(scene.state(&ada, &hers).await, Some(ConnectionState::Active), "{action}");
    }
    assert_eq!(ignored(&scene.told("installation.created", "ada").await), (200, ""));
    assert_eq!(ignored(&scene.told("ping", "").await), (200, ""));
    assert_eq!(scene.seen().await, before);
    assert_eq!(scene.words("~", "signal.applied", "outcome").await, ["asked"; 3]);

    assert_eq!(scene.site().withdraw("ada", GITHUB.client), 1);
    kept(&scene.told("installation.deleted", "ada").await);
    let over = ConnectionState::NeedsReconnect(ReconnectReason::Revoked);
    assert_eq!(scene.state(&ada, &hers).await, Some(over));
    scene.assert_clean().await;
}

#[tokio::test]
async fn a_delivery_in_a_form_is_one_like_any_other() {
    let scene = Scene::playing(GITHUB, |site| {
        assert!(site.switches(|github: &mut GitHub| github.webhook_form = true));
    });
    let scene = scene.await;
    let ada = scene.world.visitor("ada");
    let hers = scene.connect(&ada, "ada").await;
    scene.world.settle().await;
    kept(&scene.told(GITHUB.event, "ada").await);
    assert_eq!(scene.state(&ada, &hers).await, None);
}
