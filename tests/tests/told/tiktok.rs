//! TikTok: the reasons for which an authorization is removed.

use std::time::Duration;

use bailee::{
    ConnectionState, Happened, RequestKind, RequestOutcome, WithdrawalReason,
    core::{Clock, sha256},
};
use bailee_tests::{PUBLISH, world};

use crate::{
    ignored, kept,
    scene::{OPERATOR, Scene},
    table::TIKTOK,
};

const DAY: Duration = Duration::from_secs(86_400);

#[tokio::test]
async fn each_reason_of_tiktok_is_told_and_a_closed_account_is_to_be_erased() {
    for (number, reason) in [
        (0, WithdrawalReason::AccessRemoved),
        (1, WithdrawalReason::AccessRemoved),
        (2, WithdrawalReason::AccountClosed),
        (3, WithdrawalReason::Barred),
        (4, WithdrawalReason::Barred),
        (5, WithdrawalReason::TokensRevoked),
    ] {
        let scene = Scene::of(TIKTOK).await;
        assert!(scene.site().change_tiktok(|tiktok| tiktok.removal_reason = number));
        let ada = scene.world.visitor("ada");
        let hers = scene.connect(&ada, "ada").await;
        scene.world.settle().await;
        scene.world.advance(DAY);
        assert_eq!(kept(&scene.told("authorization.removed", "ada").await), (200, ""));
        assert_eq!(scene.state(&ada, &hers).await, None, "{number}");
        assert_eq!(scene.happened(&hers).last(), Some(&Happened::Withdrawn { reason }));
        assert_eq!(scene.requests().await.len(), usize::from(number == 2), "{number}");
        scene.assert_clean().await;
    }
}

#[tokio::test]
async fn an_erasure_that_tiktok_asks_for_is_a_request_with_a_time_until_it_is_closed() {
    let scene = Scene::of(TIKTOK).await;
    assert!(scene.site().change_tiktok(|tiktok| tiktok.removal_reason = 2));
    let ada = scene.world.visitor("ada");
    let hers = scene.connect(&ada, "ada").await;
    scene.world.settle().await;
    scene.world.advance(DAY);
    let sent = scene.news();
    let now = scene.world.clock.now();
    kept(&scene.deliver(&sent).await);
    let requests = scene.requests().await;
    let [request] = requests.as_slice() else { panic!("{requests:?}") };
    assert_eq!((request.kind, request.provider.as_str()), (RequestKind::Erasure, "tiktok"));
    assert_eq!((&request.connection, request.subject), (&hers, hers.owner().subject()));
    assert_eq!((request.received_at, request.due_at), (now, now.plus(30 * DAY)));
    assert_eq!(request.evidence, sha256(&sent.body));
    assert!(request.details.is_empty() && request.closed.is_none());
    let (id, kind, due) = (request.id, request.kind, request.due_at);
    let opened = Happened::RequestOpened { request: id, kind, due };
    let reason = WithdrawalReason::AccountClosed;
    // It is opened while the connection is there to be found.
    let told = [Happened::Connected, opened, Happened::Withdrawn { reason }];
    assert_eq!(scene.happened(&hers), told);

    // The host is reminded a week before the end, and then every day.
    scene.world.advance(23 * DAY - Duration::from_secs(1));
    scene.world.settle().await;
    assert_eq!(scene.happened(&hers).len(), 3);
    for reminded in 1..=2 {
        scene.world.advance(DAY);
        scene.world.settle().await;
        let told = scene.happened(&hers);
        assert_eq!(told.len(), 3 + reminded);
        assert_eq!(told.last(), Some(&Happened::RequestDue { request: id, kind, due }));
    }
    let requests = scene.world.bailee.requests(OPERATOR);
    requests.close(ada.tenant(), id, RequestOutcome::Done).await.unwrap();
    let again = requests.close(ada.tenant(), id, RequestOutcome::Done).await.unwrap_err();
    assert_eq!(again.kind(), bailee::ErrorKind::Rejected);
    scene.world.advance(10 * DAY);
    scene.world.settle().await;
    assert_eq!(scene.happened(&hers).len(), 5, "nobody is reminded of what is closed");
    let [closed] = scene.requests().await.try_into().unwrap();
    assert_eq!(closed.closed.map(|(_, outcome)| outcome), Some(RequestOutcome::Done));
    scene.assert_clean().await;
}

#[tokio::test]
async fn what_becomes_of_videos_is_taken_and_changes_nothing() {
    let scene = Scene::of(TIKTOK).await;
    let ada = scene.world.visitor("ada");
    let hers = scene.connect(&ada, "ada").await;
    scene.world.settle().await;
    let before = scene.seen().await;
    for event in [
        "post.publish.complete",
        "post.publish.failed",
        "video.publish.completed",
        "video.upload.failed",
    ] {
        assert_eq!(ignored(&scene.told(event, "ada").await), (200, ""), "{event}");
    }
    assert_eq!(scene.seen().await, before);
    assert_eq!(scene.state(&ada, &hers).await, Some(ConnectionState::Active));
}

#[tokio::test]
async fn a_registration_like_a_host_s_hears_of_a_removal_by_the_client_s_secret_alone() {
    let w = world().build().await.unwrap();
    let ada = w.visitor("ada");
    w.connect(&ada, "tiktok", &[PUBLISH]).await.unwrap();
    kept(&w.told("tiktok", "authorization.removed", "ada").await);
    assert!(w.bailee.connections().of_visitor(&ada).await.unwrap().is_empty());
    assert!(w.site("tiktok").live_tokens().is_empty());
    w.assert_clean_audit(&["acme", "~"]).await;
}
