//! What the provider refuses, told by its code.

use bailee::{ConnectionState, Happened};
use bailee_tests::drill::{state, told};

use super::*;

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
