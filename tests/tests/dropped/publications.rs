//! Callers who go away while they publish.

use std::{cell::Cell, sync::Arc};

use bailee::{
    BytesMedia, ErrorKind, IdempotencyKey, PublicationState,
    providers::tiktok::{PrivacyLevel, PublishVideo},
};
use bailee_testkit::emulator::tiktok::PostStatus;
use bailee_tests::PUBLISH;

use super::scene::{Scene, on_each_store, unforgiving};

/// Leaves a publication at every poll; it comes out once all the same.
async fn publications(scene: &Scene, of_a_file: bool) {
    let tiktok = scene.connect("tiktok").await;
    let acting = scene.w.bailee.acting(&scene.ada, &PUBLISH);
    let out = || {
        let posts = scene.w.site("tiktok").posts();
        posts.iter().filter(|post| post.status == PostStatus::PublishComplete).count()
    };
    let keys = Cell::new(0);
    let publish = async |key: &IdempotencyKey| {
        if of_a_file {
            let video = PublishVideo::from_file(1000, "video/mp4").privacy(PrivacyLevel::SelfOnly);
            let media = Arc::new(BytesMedia::new(vec![7; 1000]));
            return acting.publish_media(&tiktok, key, video, media).await;
        }
        let video = PublishVideo::from_url("https://media.example/video.mp4")
            .title("A caption")
            .privacy(PrivacyLevel::SelfOnly);
        acting.publish(&tiktok, key, video).await
    };
    scene
        .leave(
            "publish",
            async || {
                keys.set(keys.get() + 1);
                (IdempotencyKey::new(format!("post-{}", keys.get())).unwrap(), out())
            },
            async |(key, _)| publish(key).await,
            async |(key, before), published, what| {
                let found = acting.publication(&tiktok, &key).await;
                if let Some(published) = published {
                    published.unwrap();
                    found.as_ref().unwrap();
                }
                if let Err(error) = &found {
                    assert_eq!(error.kind(), ErrorKind::NotFound, "{what}");
                }
                publish(&key).await.unwrap_or_else(|error| panic!("{what}: {error:?}"));
                scene.pass(3, 60).await;
                let end = acting.publication(&tiktok, &key).await.unwrap();
                assert_eq!(end.state, PublicationState::Published, "{what}");
                assert_eq!(out() - before, 1, "{what}");
            },
        )
        .await;
    scene.end("publish").await;
}

#[tokio::test]
async fn a_publication_whose_caller_leaves_comes_out_once() {
    on_each_store(unforgiving, async |scene| {
        publications(scene, false).await;
    })
    .await;
}

#[tokio::test]
async fn an_upload_whose_caller_leaves_goes_on_with_the_next_and_comes_out_once() {
    on_each_store(unforgiving, async |scene| {
        publications(scene, true).await;
    })
    .await;
}
