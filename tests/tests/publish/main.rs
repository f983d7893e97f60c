//! Publications: one key, one post, whatever happens in between, and the truth about it afterwards.

#![expect(clippy::unwrap_used, reason = "what the tests share fails the test that uses it")]

mod answers;
mod deaths;
mod keys;
mod people;
mod refusals;
mod uploads;
mod way;

use std::{sync::Arc, time::Duration};

use bailee::{
    Bailee, BytesMedia, ConnectionRef, IdempotencyKey, MediaSource, Publication, PublicationState,
    Result, Visitor,
    providers::tiktok::{PrivacyLevel, PublishVideo},
};
use bailee_testkit::{
    World, WorldBuilder,
    emulator::{Site, tiktok::PostStatus},
};
use bailee_tests::{
    PUBLISH,
    drill::{Tasks, seconds},
    world,
};

const MIB: usize = 1024 * 1024;

/// A world in which TikTok fetches from a domain of the host's, and sleeps pass at once.
fn studio() -> WorldBuilder {
    let runtime = Tasks::hasty();
    world()
        .tiktok(|tiktok| tiktok.verified_urls.push("media.example".into()))
        .change(move |builder| builder.runtime(runtime.clone()))
}

async fn connected(builder: WorldBuilder) -> (World, Visitor, ConnectionRef) {
    let w = builder.build().await.unwrap();
    let ada = w.visitor("ada");
    let tiktok = w.connect(&ada, "tiktok", &[PUBLISH]).await.unwrap();
    (w, ada, tiktok)
}

fn key(name: &str) -> IdempotencyKey {
    IdempotencyKey::new(name).unwrap()
}

fn video(title: &str) -> PublishVideo {
    PublishVideo::from_url("https://media.example/video.mp4")
        .title(title)
        .privacy(PrivacyLevel::PublicToEveryone)
}

fn file(bytes: &[u8]) -> PublishVideo {
    PublishVideo::from_file(bytes.len() as u64, "video/mp4")
        .chunk_size(5 * MIB as u64)
        .title("A film")
        .privacy(PrivacyLevel::SelfOnly)
}

/// Bytes that differ from chunk to chunk.
fn film(size: usize) -> Vec<u8> {
    (0..size).map(|n| (n / MIB + n % 251) as u8).collect()
}

fn media(bytes: &[u8]) -> Arc<dyn MediaSource> {
    Arc::new(BytesMedia::new(bytes))
}

fn site(w: &World) -> &Site {
    w.site("tiktok")
}

/// How often a post was begun.
fn inits(w: &World) -> usize {
    let requests = site(w).requests();
    requests.iter().filter(|request| request.path.contains("/video/init")).count()
}

/// How many posts are out.
fn out(w: &World) -> usize {
    let posts = site(w).posts();
    posts.iter().filter(|post| post.status == PostStatus::PublishComplete).count()
}

async fn publish(bailee: &Bailee, ada: &Visitor, tiktok: &ConnectionRef) -> Result<Publication> {
    bailee.acting(ada, &PUBLISH).publish(tiktok, &key("post-1"), video("A caption")).await
}

/// Uploads a film under the one key.
async fn upload(
    bailee: &Bailee,
    ada: &Visitor,
    tiktok: &ConnectionRef,
    operation: PublishVideo,
    media: Arc<dyn MediaSource>,
) -> Result<Publication> {
    bailee.acting(ada, &PUBLISH).publish_media(tiktok, &key("post-1"), operation, media).await
}

async fn found(w: &World, ada: &Visitor, tiktok: &ConnectionRef) -> Publication {
    w.bailee.acting(ada, &PUBLISH).publication(tiktok, &key("post-1")).await.unwrap()
}

/// Lets the worker follow for so long.
async fn follow(w: &World, for_: Duration) {
    let mut left = for_;
    while left > Duration::ZERO {
        let step = left.min(seconds(600));
        w.advance(step);
        w.settle().await;
        left -= step;
    }
}

/// Sees that the one post is out within a minute, and that it was begun once.
async fn comes_out(w: &World, ada: &Visitor, tiktok: &ConnectionRef) {
    follow(w, seconds(60)).await;
    assert_eq!(found(w, ada, tiktok).await.state, PublicationState::Published);
    assert_eq!((inits(w), out(w)), (1, 1));
}
