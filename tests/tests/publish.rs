//! Publications: one key, one post, whatever happens in between, and the truth about it afterwards.

#![expect(clippy::unwrap_used, reason = "what the tests share fails the test that uses it")]

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use bailee::{
    Bailee, BytesMedia, ConnectionRef, ConnectionState, ErrorKind, Freeze, Happened, HostError,
    IdempotencyKey, MediaSource, Publication, PublicationState, ReconnectReason, Remedy, Result,
    Visitor,
    core::ProviderId,
    providers::tiktok::{PrivacyLevel, PublishVideo},
    store::Store,
};
use bailee_testkit::{
    World, WorldBuilder,
    emulator::{
        Account, Endpoint, Fault, Gate, Site,
        tiktok::{PostStatus, Processing},
    },
};
use bailee_tests::{
    Halt, PUBLISH, Stopping, declaration,
    drill::{Claims, Tasks, hours, seconds, state, told},
    world,
};
use tokio::{sync::Barrier, task::JoinSet};

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

#[tokio::test(flavor = "multi_thread")]
async fn a_video_that_the_provider_fetches_is_followed_until_it_is_out() {
    let (w, ada, tiktok) = connected(studio()).await;
    let queued = publish(&w.bailee, &ada, &tiktok).await.unwrap();
    assert_eq!(queued.state, PublicationState::Processing);
    w.settle().await;
    assert_eq!(told(&w, &tiktok), [Happened::Connected], "not yet");
    follow(&w, seconds(60)).await;
    let published = found(&w, &ada, &tiktok).await;
    assert_eq!((published.id, published.state), (queued.id, PublicationState::Published));
    let posts = site(&w).posts();
    assert_eq!(posts.len(), 1);
    assert_eq!(posts[0].title, "A caption");
    assert_eq!(published.post, posts[0].post_id.map(|id| id.to_string()));
    let publication = queued.id;
    assert_eq!(told(&w, &tiktok), [Happened::Connected, Happened::Published { publication }]);
    follow(&w, hours(48)).await;
    assert_eq!(told(&w, &tiktok).len(), 2, "told once");
    w.assert_clean_audit(&["acme", "~"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_film_is_uploaded_in_chunks_byte_for_byte() {
    let (w, ada, tiktok) = connected(studio()).await;
    for (n, size) in [1, 3 * MIB, 5 * MIB, 12 * MIB + 7, 21 * MIB].into_iter().enumerate() {
        let bytes = film(size);
        let acting = w.bailee.acting(&ada, &PUBLISH);
        let name = format!("film-{n}");
        let done =
            acting.publish_media(&tiktok, &key(&name), file(&bytes), media(&bytes)).await.unwrap();
        assert_eq!(done.state, PublicationState::Processing, "{size} bytes");
        follow(&w, seconds(60)).await;
        let done = acting.publication(&tiktok, &key(&name)).await.unwrap();
        assert_eq!(done.state, PublicationState::Published, "{size} bytes");
        let post = site(&w).posts().pop().unwrap();
        assert_eq!(post.received, size as u64);
        let digest = bailee::core::sha256(&bytes);
        let hex: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(post.sha256, hex, "{size} bytes");
    }
    assert_eq!(out(&w), 5);
    // The upload address is its own credential: no token goes there.
    for request in site(&w).requests() {
        if request.endpoint == Endpoint::Upload {
            assert!(request.headers.iter().all(|(name, _)| name != "authorization"));
        }
    }
    w.assert_clean_audit(&["acme", "~"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_key_publishes_once_however_often_it_is_tried() {
    let (w, ada, tiktok) = connected(studio()).await;
    let other = w.another_process(declaration()).await.unwrap();
    let mut ids = Vec::new();
    for round in 0..6 {
        for bailee in [&w.bailee, &other] {
            ids.push(publish(bailee, &ada, &tiktok).await.unwrap().id);
        }
        if round >= 2 {
            follow(&w, hours(1)).await;
        }
    }
    ids.dedup();
    assert_eq!(ids.len(), 1);
    assert_eq!((inits(&w), out(&w)), (1, 1));
    let acting = w.bailee.acting(&ada, &PUBLISH);
    acting.publish(&tiktok, &key("post-2"), video("A caption")).await.unwrap();
    assert_eq!(inits(&w), 2, "another key is another post");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_key_for_something_else_is_refused_at_every_stage() {
    let (w, ada, tiktok) = connected(studio()).await;
    publish(&w.bailee, &ada, &tiktok).await.unwrap();
    let acting = w.bailee.acting(&ada, &PUBLISH);
    for _ in 0..3 {
        for other in [
            video("Another caption"),
            video("A caption").privacy(PrivacyLevel::SelfOnly),
            video("A caption").allow_comments(),
            PublishVideo::from_url("https://media.example/other.mp4")
                .title("A caption")
                .privacy(PrivacyLevel::PublicToEveryone),
        ] {
            let error = acting.publish(&tiktok, &key("post-1"), other).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::AlreadyExists);
        }
        let bytes = film(10);
        let other = upload(&w.bailee, &ada, &tiktok, file(&bytes), media(&bytes)).await;
        assert_eq!(other.unwrap_err().kind(), ErrorKind::AlreadyExists);
        follow(&w, seconds(60)).await;
    }
    assert_eq!(found(&w, &ada, &tiktok).await.state, PublicationState::Published);
    assert_eq!(inits(&w), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn sixty_four_calls_with_one_key_begin_one_post() {
    let (w, ada, tiktok) = connected(studio()).await;
    let mut processes = vec![w.bailee.clone()];
    for _ in 0..3 {
        processes.push(w.another_process(declaration()).await.unwrap());
    }
    for round in 0..4 {
        let barrier = Arc::new(Barrier::new(64));
        let mut tasks = JoinSet::new();
        for n in 0..64 {
            let (bailee, barrier) = (processes[n % 4].clone(), barrier.clone());
            let (ada, tiktok) = (ada.clone(), tiktok.clone());
            tasks.spawn(async move {
                barrier.wait().await;
                let name = key(&format!("round-{round}"));
                bailee.acting(&ada, &PUBLISH).publish(&tiktok, &name, video("A caption")).await
            });
        }
        let outcomes = tasks.join_all().await;
        for outcome in &outcomes {
            let publication = outcome.as_ref().unwrap();
            assert!(
                matches!(
                    publication.state,
                    PublicationState::Queued | PublicationState::Processing
                ),
                "round {round}: {publication:?}"
            );
        }
        assert_eq!(inits(&w), round + 1, "round {round}");
        follow(&w, seconds(60)).await;
        assert_eq!(out(&w), round + 1, "round {round}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_comes_between_two_steps_of_another_goes_on_where_that_one_stands() {
    // The steps of a publication are claimed one by one. Whoever claims in between must neither
    // send again what was sent nor take for sent what was not.
    for step in 1..=2 {
        let (w, ada, tiktok) = connected(studio()).await;
        let claims = Claims::before(w.store().clone());
        let store: Arc<dyn Store> = Arc::new(claims.clone());
        let first = w.process(declaration(), store).unwrap().build().await.unwrap();
        claims.park_after(step);
        let publishing = {
            let (ada, tiktok) = (ada.clone(), tiktok.clone());
            tokio::spawn(async move { publish(&first, &ada, &tiktok).await })
        };
        claims.until_parked().await;
        let between = publish(&w.bailee, &ada, &tiktok).await.unwrap();
        assert_eq!(between.state, PublicationState::Processing, "step {step}");
        claims.open();
        let outcome = publishing.await.unwrap().unwrap();
        assert_eq!(outcome.id, between.id);
        follow(&w, seconds(60)).await;
        assert_eq!((inits(&w), out(&w)), (1, 1), "step {step}");
        assert_eq!(found(&w, &ada, &tiktok).await.state, PublicationState::Published);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_read_before_another_published_does_not_publish_again() {
    let (w, ada, tiktok) = connected(studio()).await;
    // It has read that nothing was sent, and is about to claim.
    let late = Claims::before(w.store().clone());
    let store: Arc<dyn Store> = Arc::new(late.clone());
    let late_process = w.process(declaration(), store).unwrap().build().await.unwrap();
    let early = Claims::before(w.store().clone());
    let store: Arc<dyn Store> = Arc::new(early.clone());
    let early_process = w.process(declaration(), store).unwrap().build().await.unwrap();
    let spawn = |bailee: Bailee| {
        let (ada, tiktok) = (ada.clone(), tiktok.clone());
        tokio::spawn(async move { publish(&bailee, &ada, &tiktok).await })
    };
    // The late one reads while the early one's record is new.
    early.park_after(0);
    let first = spawn(early_process);
    early.until_parked().await;
    late.park_after(0);
    let second = spawn(late_process);
    late.until_parked().await;
    // The early one begins the post, writes that down and stops before its next step.
    early.open();
    first.await.unwrap().unwrap();
    late.open();
    second.await.unwrap().unwrap();
    follow(&w, seconds(60)).await;
    assert_eq!((inits(&w), out(&w)), (1, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_answer_to_the_beginning_is_unknown_and_never_repeated() {
    let row = |fault: Fault, posts: usize| (fault, posts);
    for (fault, posts) in [
        row(Fault::DropAfterEffect, 1),
        row(Fault::CutOff, 1),
        row(Fault::Malformed, 1),
        row(Fault::DropBeforeEffect, 0),
        row(Fault::Status(500), 0),
        row(Fault::Status(503), 0),
        row(Fault::Html, 0),
    ] {
        let (w, ada, tiktok) = connected(studio()).await;
        site(&w).fault(Endpoint::Api, fault.clone());
        let outcome = publish(&w.bailee, &ada, &tiktok).await.unwrap();
        assert_eq!(outcome.state, PublicationState::Unknown, "{fault:?}");
        for _ in 0..3 {
            let again = publish(&w.bailee, &ada, &tiktok).await.unwrap();
            assert_eq!(again.state, PublicationState::Unknown, "{fault:?}");
            follow(&w, hours(20)).await;
        }
        assert_eq!(inits(&w), 1, "{fault:?}: never again");
        assert_eq!(site(&w).posts().len(), posts, "{fault:?}");
        let publication = outcome.id;
        assert_eq!(
            told(&w, &tiktok),
            [Happened::Connected, Happened::PublicationUnknown { publication }],
            "{fault:?}"
        );
        w.assert_clean_audit(&["acme", "~"]).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_busy_provider_has_not_begun_anything_and_the_same_key_goes_on_later() {
    let (w, ada, tiktok) = connected(studio()).await;
    site(&w).fault(Endpoint::Api, Fault::RateLimited { retry_after: Some("30".into()) });
    let error = publish(&w.bailee, &ada, &tiktok).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::RateLimited);
    assert!(matches!(error.remedy(), Remedy::Wait(wait) if wait <= hours(1)), "{error:?}");
    assert_eq!(found(&w, &ada, &tiktok).await.state, PublicationState::Queued);
    w.advance(seconds(61));
    publish(&w.bailee, &ada, &tiktok).await.unwrap();
    follow(&w, seconds(60)).await;
    assert_eq!(out(&w), 1);
    assert_eq!(found(&w, &ada, &tiktok).await.state, PublicationState::Published);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_never_sent_is_over_when_its_caller_does_not_come_back() {
    let (w, ada, tiktok) = connected(studio()).await;
    site(&w).fault(Endpoint::Api, Fault::RateLimited { retry_after: None }.always());
    assert!(publish(&w.bailee, &ada, &tiktok).await.is_err());
    site(&w).clear_faults();
    follow(&w, hours(2)).await;
    let over = found(&w, &ada, &tiktok).await;
    assert_eq!(over.state, PublicationState::Failed);
    assert!(site(&w).posts().is_empty());
    let publication = over.id;
    let failed = Happened::PublicationFailed { publication };
    assert_eq!(told(&w, &tiktok), [Happened::Connected, failed]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_401_in_the_middle_is_answered_with_a_renewal() {
    // At the beginning, and while the worker follows.
    let (w, ada, tiktok) = connected(studio()).await;
    site(&w).fault(Endpoint::Api, Fault::Status(401));
    publish(&w.bailee, &ada, &tiktok).await.unwrap();
    assert_eq!(site(&w).count(Endpoint::Refresh), 1);
    assert_eq!(inits(&w), 2, "the first was refused");
    assert_eq!(site(&w).posts().len(), 1);
    site(&w).fault(Endpoint::Api, Fault::Status(401));
    follow(&w, seconds(60)).await;
    assert_eq!(site(&w).count(Endpoint::Refresh), 2);
    assert_eq!(found(&w, &ada, &tiktok).await.state, PublicationState::Published);
    assert_eq!(out(&w), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_401_whose_renewal_fails_leaves_what_was_not_sent_to_be_sent() {
    let (w, ada, tiktok) = connected(studio()).await;
    site(&w).fault(Endpoint::Api, Fault::Status(401));
    site(&w).fault(Endpoint::Refresh, Fault::Status(503));
    let error = publish(&w.bailee, &ada, &tiktok).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ProviderUnavailable);
    assert_eq!(found(&w, &ada, &tiktok).await.state, PublicationState::Queued);
    publish(&w.bailee, &ada, &tiktok).await.unwrap();
    follow(&w, seconds(60)).await;
    assert_eq!(found(&w, &ada, &tiktok).await.state, PublicationState::Published);
    assert_eq!(out(&w), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_401_while_following_whose_renewal_fails_is_followed_on_soon() {
    let (w, ada, tiktok) = connected(studio()).await;
    publish(&w.bailee, &ada, &tiktok).await.unwrap();
    site(&w).fault(Endpoint::Api, Fault::Status(401));
    site(&w).fault(Endpoint::Refresh, Fault::Status(503));
    w.advance(seconds(10));
    w.settle().await;
    assert_eq!(found(&w, &ada, &tiktok).await.state, PublicationState::Processing);
    follow(&w, seconds(600)).await;
    assert_eq!(found(&w, &ada, &tiktok).await.state, PublicationState::Published);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_expired_token_is_renewed_on_the_way() {
    let (w, ada, tiktok) =
        connected(studio().tiktok(|tiktok| tiktok.processing = Processing::Seconds(5 * 3600)))
            .await;
    w.advance(hours(3));
    publish(&w.bailee, &ada, &tiktok).await.unwrap();
    follow(&w, hours(4)).await;
    assert_eq!(found(&w, &ada, &tiktok).await.state, PublicationState::Processing);
    follow(&w, hours(2)).await;
    assert_eq!(found(&w, &ada, &tiktok).await.state, PublicationState::Published);
    assert!(site(&w).reuse_alarms().is_empty());
}

/// The ranges of the chunks that were sent.
fn ranges(w: &World) -> Vec<String> {
    let requests = site(w).requests();
    let uploads = requests.iter().filter(|request| request.endpoint == Endpoint::Upload);
    uploads
        .filter_map(|request| {
            let range = request.headers.iter().find(|(name, _)| name == "content-range");
            range.map(|(_, value)| value.clone())
        })
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fault_of_the_upload_server_brings_the_same_chunk_again() {
    for fault in [
        Fault::Status(500),
        Fault::Status(503),
        Fault::RateLimited { retry_after: Some("2".into()) },
        Fault::DropBeforeEffect,
    ] {
        let (w, ada, tiktok) = connected(studio()).await;
        site(&w).fault(Endpoint::Upload, fault.clone().times(2));
        let bytes = film(11 * MIB);
        let acting = w.bailee.acting(&ada, &PUBLISH);
        let outcome = acting
            .publish_media(&tiktok, &key("post-1"), file(&bytes), media(&bytes))
            .await
            .unwrap();
        assert_eq!(outcome.state, PublicationState::Processing, "{fault:?}");
        let ranges = ranges(&w);
        assert_eq!(ranges.len(), 4, "{fault:?}: {ranges:?}");
        assert!(ranges[0] == ranges[1] && ranges[1] == ranges[2], "{fault:?}: {ranges:?}");
        follow(&w, seconds(60)).await;
        assert_eq!(found(&w, &ada, &tiktok).await.state, PublicationState::Published, "{fault:?}");
        assert_eq!((inits(&w), out(&w)), (1, 1), "{fault:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_chunk_whose_answer_was_lost_is_not_counted_twice() {
    for fault in [Fault::DropAfterEffect, Fault::CutOff] {
        for chunk in 0..3 {
            let (w, ada, tiktok) = connected(studio()).await;
            // The faults of one class come in the order in which they were planned.
            for _ in 0..chunk {
                site(&w).fault(Endpoint::Upload, Fault::Slow(Duration::ZERO));
            }
            site(&w).fault(Endpoint::Upload, fault.clone());
            let bytes = film(16 * MIB);
            let acting = w.bailee.acting(&ada, &PUBLISH);
            let what = format!("{fault:?} at chunk {chunk}");
            acting
                .publish_media(&tiktok, &key("post-1"), file(&bytes), media(&bytes))
                .await
                .unwrap_or_else(|error| panic!("{what}: {error:?}"));
            follow(&w, seconds(600)).await;
            let outcome = found(&w, &ada, &tiktok).await;
            assert_eq!(outcome.state, PublicationState::Published, "{what}");
            assert_eq!((inits(&w), out(&w)), (1, 1), "{what}");
            assert_eq!(site(&w).posts()[0].received, bytes.len() as u64, "{what}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_server_that_stays_down_is_told_and_the_same_key_goes_on() {
    let (w, ada, tiktok) = connected(studio()).await;
    site(&w).fault(Endpoint::Upload, Fault::Status(503).always());
    let bytes = film(11 * MIB);
    let publish = || upload(&w.bailee, &ada, &tiktok, file(&bytes), media(&bytes));
    let error = publish().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ProviderUnavailable, "the caller has the media");
    assert_eq!(found(&w, &ada, &tiktok).await.state, PublicationState::Processing);
    site(&w).clear_faults();
    w.advance(seconds(60));
    w.settle().await;
    publish().await.unwrap();
    follow(&w, seconds(60)).await;
    assert_eq!(found(&w, &ada, &tiktok).await.state, PublicationState::Published);
    assert_eq!((inits(&w), out(&w)), (1, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_that_nobody_finishes_fails_when_its_address_runs_out() {
    let (w, ada, tiktok) = connected(studio()).await;
    site(&w).fault(Endpoint::Upload, Fault::Status(503).always());
    let bytes = film(11 * MIB);
    assert!(upload(&w.bailee, &ada, &tiktok, file(&bytes), media(&bytes)).await.is_err());
    follow(&w, hours(3)).await;
    let over = found(&w, &ada, &tiktok).await;
    assert_eq!(over.state, PublicationState::Failed);
    let publication = over.id;
    let failed = Happened::PublicationFailed { publication };
    assert_eq!(told(&w, &tiktok), [Happened::Connected, failed]);
    assert_eq!(out(&w), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn each_reason_of_a_failure_is_told_by_its_code() {
    for (reason, code) in [
        ("file_format_check_failed", "file_format_check_failed"),
        ("duration_check_failed", "duration_check_failed"),
        ("frame_rate_check_failed", "frame_rate_check_failed"),
        ("picture_size_check_failed", "picture_size_check_failed"),
        ("internal", "internal"),
        ("video_pull_failed", "video_pull_failed"),
        ("publish_cancelled", "publish_cancelled"),
        ("auth_removed", "auth_removed"),
        ("spam_risk", "spam_risk"),
        ("spam_risk_too_many_posts", "spam_risk_too_many_posts"),
        ("spam_risk_user_banned_from_posting", "spam_risk_user_banned_from_posting"),
        // What no table knows is not repeated.
        ("fake <script> reason", "refused"),
    ] {
        let (w, ada, tiktok) =
            connected(studio().tiktok(|tiktok| tiktok.fail_posts_with = Some(reason.into()))).await;
        publish(&w.bailee, &ada, &tiktok).await.unwrap();
        follow(&w, seconds(60)).await;
        let failed = found(&w, &ada, &tiktok).await;
        assert_eq!(failed.state, PublicationState::Failed, "{reason}");
        assert_eq!(failed.code.as_deref(), Some(code), "{reason}");
        let publication = failed.id;
        let expected = [Happened::Connected, Happened::PublicationFailed { publication }];
        assert_eq!(told(&w, &tiktok), expected, "{reason}");
        let again = publish(&w.bailee, &ada, &tiktok).await.unwrap();
        assert_eq!(again, failed, "{reason}: the key is used up");
        assert_eq!(inits(&w), 1, "{reason}");
        w.assert_clean_audit(&["acme", "~"]).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_provider_does_not_allow_is_said_by_its_code_and_nothing_is_out() {
    type Change = fn(WorldBuilder) -> WorldBuilder;
    let cases: [(&str, Change); 2] = [
        ("unaudited_client_can_only_post_to_private_accounts", |builder| {
            builder.tiktok(|tiktok| tiktok.audited = false)
        }),
        ("url_ownership_unverified", |builder| {
            builder.tiktok(|tiktok| tiktok.verified_urls.clear())
        }),
    ];
    for (code, change) in cases {
        let (w, ada, tiktok) = connected(change(studio())).await;
        let outcome = publish(&w.bailee, &ada, &tiktok).await.unwrap();
        assert_eq!(outcome.state, PublicationState::Failed);
        assert_eq!(outcome.code.as_deref(), Some(code));
        assert!(site(&w).posts().is_empty());
        assert_eq!(state(&w, &ada, &tiktok).await, ConnectionState::Active);
        w.settle().await;
        let publication = outcome.id;
        let expected = [Happened::Connected, Happened::PublicationFailed { publication }];
        assert_eq!(told(&w, &tiktok), expected);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unaudited_client_posts_privately_to_a_private_account() {
    let (w, ada, tiktok) = connected(studio().tiktok(|tiktok| tiktok.audited = false)).await;
    site(&w).add_account(Account::new("ada").private());
    let acting = w.bailee.acting(&ada, &PUBLISH);
    let private = video("A caption").privacy(PrivacyLevel::SelfOnly);
    acting.publish(&tiktok, &key("post-1"), private).await.unwrap();
    follow(&w, seconds(60)).await;
    let published = found(&w, &ada, &tiktok).await;
    assert_eq!((published.state, published.post), (PublicationState::Published, None));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_daily_cap_is_a_limit_that_passes_and_no_loss() {
    let (w, ada, tiktok) = connected(studio().tiktok(|tiktok| tiktok.daily_caps = true)).await;
    let acting = w.bailee.acting(&ada, &PUBLISH);
    for n in 0..15 {
        let name = format!("early-{n}");
        acting.publish(&tiktok, &key(&name), video("A caption")).await.unwrap();
        w.advance(seconds(60));
    }
    let sixteenth = publish(&w.bailee, &ada, &tiktok).await.unwrap();
    assert_eq!(sixteenth.state, PublicationState::Failed);
    assert_eq!(sixteenth.code.as_deref(), Some("spam_risk_too_many_posts"));
    assert_eq!(site(&w).posts().len(), 15);
}

#[tokio::test(flavor = "multi_thread")]
async fn bytes_go_only_to_an_upload_host_of_the_provider() {
    for (host, reached) in [
        ("open-upload-sg.tiktokapis.com", true),
        ("evil.example", false),
        ("tiktokapis.com.evil.example", false),
        ("evil-tiktokapis.com", false),
    ] {
        let (w, ada, tiktok) =
            connected(studio().tiktok(|tiktok| tiktok.upload_host = host.into())).await;
        let bytes = film(100);
        let acting = w.bailee.acting(&ada, &PUBLISH);
        let outcome = acting
            .publish_media(&tiktok, &key("post-1"), file(&bytes), media(&bytes))
            .await
            .unwrap();
        let uploads = site(&w).count(Endpoint::Upload);
        if reached {
            assert_eq!(outcome.state, PublicationState::Processing, "{host}");
            assert_eq!(uploads, 1, "{host}");
        } else {
            assert_eq!(outcome.state, PublicationState::Failed, "{host}");
            assert_eq!(uploads, 0, "{host}: nothing went there");
        }
    }
}

/// Media that fails, or gives less than it was asked for.
#[derive(Debug)]
struct Broken {
    bytes: Vec<u8>,
    fails: AtomicBool,
    short: bool,
}

#[async_trait]
impl MediaSource for Broken {
    fn size(&self) -> u64 {
        self.bytes.len() as u64
    }

    async fn read(&self, offset: u64, length: u64) -> Result<Vec<u8>, HostError> {
        if offset > 0 && self.fails.load(Ordering::SeqCst) {
            if self.short {
                return Ok(vec![0; length as usize - 1]);
            }
            return Err("the host's disk is gone".into());
        }
        Ok(self.bytes[offset as usize..(offset + length) as usize].to_vec())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn media_that_fails_in_the_middle_can_be_gone_on_with() {
    for short in [false, true] {
        let (w, ada, tiktok) = connected(studio()).await;
        let bytes = film(16 * MIB);
        let broken = Arc::new(Broken { bytes: bytes.clone(), fails: AtomicBool::new(true), short });
        let error = upload(&w.bailee, &ada, &tiktok, file(&bytes), broken.clone()).await;
        assert_eq!(error.unwrap_err().kind(), ErrorKind::HostFailed);
        assert_eq!(site(&w).posts()[0].received, 5 * MIB as u64);
        broken.fails.store(false, Ordering::SeqCst);
        upload(&w.bailee, &ada, &tiktok, file(&bytes), broken).await.unwrap();
        follow(&w, seconds(60)).await;
        assert_eq!(found(&w, &ada, &tiktok).await.state, PublicationState::Published);
        assert_eq!((inits(&w), out(&w)), (1, 1));
        let ranges = ranges(&w);
        assert_eq!(ranges.len(), 3, "{ranges:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn media_of_another_size_is_refused_before_anything_is_written() {
    let (w, ada, tiktok) = connected(studio()).await;
    let acting = w.bailee.acting(&ada, &PUBLISH);
    let bytes = film(100);
    for other in [film(99), film(101), Vec::new()] {
        let error = upload(&w.bailee, &ada, &tiktok, file(&bytes), media(&other)).await;
        assert_eq!(error.unwrap_err().kind(), ErrorKind::InvalidInput);
    }
    let none = acting.publish(&tiktok, &key("post-1"), file(&bytes)).await.unwrap_err();
    assert_eq!(none.kind(), ErrorKind::InvalidInput);
    let much = upload(&w.bailee, &ada, &tiktok, video("A"), media(&bytes)).await;
    assert_eq!(much.unwrap_err().kind(), ErrorKind::InvalidInput);
    let error = acting.publication(&tiktok, &key("post-1")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    assert_eq!(site(&w).count(Endpoint::Api), 0);
}

/// Takes the person's consent back, as a page of the host does.
async fn withdraw_consent(w: &World, ada: &Visitor) {
    let provider = ProviderId::from_static("tiktok");
    w.bailee.connections().withdraw_use(ada, &provider, &[PUBLISH]).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_asked_or_sent_after_the_person_took_their_consent_back() {
    let (w, ada, tiktok) = connected(studio()).await;
    publish(&w.bailee, &ada, &tiktok).await.unwrap();
    withdraw_consent(&w, &ada).await;
    let before = site(&w).count(Endpoint::Api);
    follow(&w, hours(24)).await;
    assert_eq!(found(&w, &ada, &tiktok).await.state, PublicationState::Processing);
    follow(&w, hours(48)).await;
    assert_eq!(site(&w).count(Endpoint::Api), before, "the provider was asked nothing more");
    // It ends all the same, with the truth: nobody asked.
    let over = found(&w, &ada, &tiktok).await;
    assert_eq!(over.state, PublicationState::Unknown);
    let publication = over.id;
    let unknown = Happened::PublicationUnknown { publication };
    assert_eq!(told(&w, &tiktok), [Happened::Connected, unknown]);
    let acting = w.bailee.acting(&ada, &PUBLISH);
    let refused = acting.publish(&tiktok, &key("post-2"), video("A caption")).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::ConsentMissing);
    assert_eq!(inits(&w), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_consent_taken_back_during_an_upload_stops_it() {
    let (w, ada, tiktok) = connected(studio()).await;
    let gate = Gate::new();
    site(&w).fault(Endpoint::Upload, Fault::Held(gate.clone()));
    let bytes = film(16 * MIB);
    let uploading = {
        let (bailee, ada, tiktok) = (w.bailee.clone(), ada.clone(), tiktok.clone());
        tokio::spawn(async move {
            let acting = bailee.acting(&ada, &PUBLISH);
            acting.publish_media(&tiktok, &key("post-1"), file(&bytes), media(&bytes)).await
        })
    };
    gate.until_arrived(1).await;
    withdraw_consent(&w, &ada).await;
    // A pass is good for a second.
    w.advance(seconds(2));
    gate.open();
    assert_eq!(uploading.await.unwrap().unwrap_err().kind(), ErrorKind::ConsentMissing);
    assert_eq!(site(&w).count(Endpoint::Upload), 1);
    assert_eq!(out(&w), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_freeze_between_beginning_and_end_is_waited_out() {
    let (w, ada, tiktok) = connected(studio()).await;
    publish(&w.bailee, &ada, &tiktok).await.unwrap();
    w.bailee.freeze(Freeze::All).await.unwrap();
    let before = w.emulator.requests().len();
    follow(&w, hours(5)).await;
    assert_eq!(w.emulator.requests().len(), before);
    let refused = publish(&w.bailee, &ada, &tiktok).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Frozen);
    w.bailee.thaw(&Freeze::All).await.unwrap();
    follow(&w, hours(2)).await;
    assert_eq!(found(&w, &ada, &tiktok).await.state, PublicationState::Published);
    assert_eq!((inits(&w), out(&w)), (1, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disconnect_while_it_is_processed_leaves_the_truth() {
    let (w, ada, tiktok) = connected(studio()).await;
    let begun = publish(&w.bailee, &ada, &tiktok).await.unwrap();
    w.bailee.connections().disconnect(&ada, &tiktok).await.unwrap();
    let before = w.emulator.requests().len();
    follow(&w, hours(2)).await;
    assert_eq!(w.emulator.requests().len(), before);
    let publication = begun.id;
    let events = told(&w, &tiktok);
    assert!(events.contains(&Happened::PublicationUnknown { publication }), "{events:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_grant_that_ends_while_it_is_processed_is_told_of_both() {
    let (w, ada, tiktok) = connected(studio()).await;
    publish(&w.bailee, &ada, &tiktok).await.unwrap();
    site(&w).withdraw("ada", "fake-client-1");
    follow(&w, hours(1)).await;
    let revoked = ReconnectReason::Revoked;
    assert_eq!(state(&w, &ada, &tiktok).await, ConnectionState::NeedsReconnect(revoked));
    // The person connects again within the time for which it is followed.
    let again = w.connect(&ada, "tiktok", &[PUBLISH]).await.unwrap();
    assert_eq!(again, tiktok);
    follow(&w, hours(3)).await;
    let over = found(&w, &ada, &tiktok).await;
    assert!(over.state.is_final(), "{over:?}");
    assert_eq!(inits(&w), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_that_goes_away_leaves_nothing_half_done() {
    let tasks = Tasks::hasty();
    let runtime = tasks.clone();
    let (w, ada, tiktok) =
        connected(studio().change(move |builder| builder.runtime(runtime.clone()))).await;
    let gate = Gate::new();
    site(&w).fault(Endpoint::Api, Fault::Held(gate.clone()));
    let caller = {
        let (bailee, ada, tiktok) = (w.bailee.clone(), ada.clone(), tiktok.clone());
        tokio::spawn(async move { publish(&bailee, &ada, &tiktok).await })
    };
    gate.until_arrived(1).await;
    caller.abort();
    assert!(caller.await.unwrap_err().is_cancelled());
    gate.open();
    tasks.idle().await;
    assert_eq!(found(&w, &ada, &tiktok).await.state, PublicationState::Processing);
    follow(&w, seconds(60)).await;
    assert_eq!(found(&w, &ada, &tiktok).await.state, PublicationState::Published);
    assert_eq!((inits(&w), out(&w)), (1, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_that_dies_at_any_commit_publishes_once_at_most_and_the_record_is_true() {
    for of_a_file in [false, true] {
        for halt in [Halt::DiesBefore, Halt::DiesAfter, Halt::Fails] {
            for caller_returns in [true, false] {
                // Two chunks where somebody comes back with them, else one is enough.
                let size = if caller_returns { 10 * MIB } else { 1000 };
                let size = of_a_file.then_some(size);
                let mut steps = 0;
                loop {
                    let what = format!("file {of_a_file}, {halt:?} {steps}, {caller_returns}");
                    let (w, ada, tiktok) = connected(studio()).await;
                    w.settle().await;
                    let stopping = Stopping::before(w.store().clone());
                    let store: Arc<dyn Store> = Arc::new(stopping.clone());
                    let mortal = w.process(declaration(), store).unwrap().build().await.unwrap();
                    stopping.arm(steps, halt);
                    let publishing = {
                        let (ada, tiktok) = (ada.clone(), tiktok.clone());
                        tokio::spawn(async move { attempt(&mortal, &ada, &tiktok, size).await })
                    };
                    // A process whose store failed for a moment lives on.
                    let outcome = tokio::select! {
                        () = stopping.until_reached(), if halt != Halt::Fails => None,
                        outcome = publishing => Some(outcome.unwrap()),
                    };
                    if !stopping.reached() {
                        outcome.unwrap().unwrap_or_else(|error| panic!("{what}: {error:?}"));
                        break;
                    }
                    // Claims of the dead end after five minutes.
                    w.advance(seconds(310));
                    if caller_returns {
                        attempt(&w.bailee, &ada, &tiktok, size).await.unwrap();
                    }
                    follow(&w, hours(3)).await;
                    let acting = w.bailee.acting(&ada, &PUBLISH);
                    let record = acting.publication(&tiktok, &key("post-1")).await;
                    assert!(inits(&w) <= 1, "{what}");
                    match record.as_ref().map(|publication| publication.state) {
                        Ok(PublicationState::Published) => assert_eq!(out(&w), 1, "{what}"),
                        Ok(PublicationState::Failed) => assert_eq!(out(&w), 0, "{what}"),
                        Ok(PublicationState::Unknown) => {
                            let noted = w.audited("acme").await;
                            let sent = noted.iter().any(|event| event == "publication.sent");
                            assert!(sent, "{what}: nothing was about to be sent");
                        }
                        Ok(other) => panic!("{what}: {other:?}"),
                        Err(error) => {
                            assert_eq!(error.kind(), ErrorKind::NotFound, "{what}");
                            assert_eq!((steps, inits(&w)), (0, 0), "{what}");
                        }
                    }
                    steps += 1;
                }
                assert!(steps >= 4, "{steps} commits");
            }
        }
    }
}

async fn attempt(
    bailee: &Bailee,
    ada: &Visitor,
    tiktok: &ConnectionRef,
    size: Option<usize>,
) -> Result<Publication> {
    let Some(size) = size else { return publish(bailee, ada, tiktok).await };
    let bytes = film(size);
    upload(bailee, ada, tiktok, file(&bytes), media(&bytes)).await
}
