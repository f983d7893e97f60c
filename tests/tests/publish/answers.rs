//! Answers that are lost, late or no: what is sent again and what never is.

use bailee::{ErrorKind, Happened, Remedy};
use bailee_testkit::emulator::{Endpoint, Fault, tiktok::Processing};
use bailee_tests::drill::{hours, told};

use super::*;

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
