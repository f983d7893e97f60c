//! Discord: the trials at set-up, and the way in which it writes its times.

use std::time::Duration;

use bailee::ConnectionState;
use bailee_testkit::emulator::discord::Discord;

use crate::{ignored, kept, refused, scene::Scene, table::DISCORD};

#[tokio::test]
async fn the_trials_at_set_up_are_passed() {
    let scene = Scene::of(DISCORD).await;
    let taken = scene.told("PING", "").await;
    assert_eq!(ignored(&taken), (204, ""));
    assert!(!taken.answer.headers().contains_key("content-type"));
    assert!(scene.site().switches(|discord: &mut Discord| discord.tries_bad_signature = true));
    scene.world.advance(Duration::from_secs(1));
    assert_eq!(refused(&scene.told("PING", "").await), ("forged", 401, ""));
}

#[tokio::test]
async fn a_removal_counts_with_either_way_of_writing_its_time_and_nothing_else_does() {
    for offsets in [false, true] {
        let scene = Scene::playing(DISCORD, |site| {
            assert!(site.switches(|discord: &mut Discord| discord.event_offsets = offsets));
        });
        let scene = scene.await;
        let ada = scene.world.visitor("ada");
        let hers = scene.connect(&ada, "ada").await;
        scene.world.settle().await;
        scene.world.advance(Duration::from_secs(3600));
        assert_eq!(ignored(&scene.told("APPLICATION_AUTHORIZED", "ada").await), (204, ""));
        assert_eq!(scene.state(&ada, &hers).await, Some(ConnectionState::Active));
        assert_eq!(kept(&scene.told("APPLICATION_DEAUTHORIZED", "ada").await), (204, ""));
        assert_eq!(scene.state(&ada, &hers).await, None);
        // The time in it is read: nobody had to be asked whether it is over.
        assert_eq!(scene.words("~", "signal.applied", "outcome").await, ["ended"]);
        assert_eq!(scene.happened(&hers).len(), 2);
    }
}
