//! What TikTok sends of its own accord.
#![allow(clippy::unwrap_used, reason = "a failure here is a failure of the test")]

mod support;

use bailee_emulator::tiktok::TikTok;
use bailee_emulator::{Clock, Emulator, Misuse, Site};
use serde_json::{Value, json};
use support::*;

async fn tiktok() -> (Emulator, reqwest::Client) {
    let emulator = Emulator::builder()
        .clock(Clock::at(1_700_000_000))
        .tiktok(TikTok::new())
        .start()
        .await
        .unwrap();
    furnish(emulator.site("tiktok").unwrap());
    let http = http(&emulator);
    (emulator, http)
}

async fn connect(emulator: &Emulator, http: &reqwest::Client) -> Value {
    let page = url(
        "https://www.tiktok.com/v2/auth/authorize/",
        &[
            ("client_key", ID),
            ("response_type", "code"),
            ("scope", "user.info.basic"),
            ("redirect_uri", REDIRECT),
            ("state", "s1"),
        ],
    );
    let code = parameter(&allow(emulator, &page).await, "code").unwrap();
    let pairs = [
        ("client_key", ID),
        ("client_secret", SECRET),
        ("grant_type", "authorization_code"),
        ("redirect_uri", REDIRECT),
        ("code", &code),
    ];
    post(http, "https://open.tiktokapis.com/v2/oauth/token/", &pairs).await.1
}

fn removed(site: &Site, reason: i64) -> Value {
    assert!(site.switches(|tiktok: &mut TikTok| tiktok.removal_reason = reason));
    said(&site.announce("authorization.removed", "ada", ID, HOOK).unwrap())
}

#[tokio::test]
async fn a_removed_authorization_is_told_as_documented_and_its_tokens_are_dead() {
    let (emulator, http) = tiktok().await;
    let site = emulator.site("tiktok").unwrap();
    let tokens = connect(&emulator, &http).await;
    assert!(site.is_live(text(&tokens, "access_token")));

    let sent = site.announce("authorization.removed", "ada", ID, HOOK).unwrap();
    assert_eq!((sent.method.as_str(), sent.url.as_str()), ("POST", HOOK));
    assert_eq!(sent.header("content-type"), Some("application/json"));
    // The content is a text that holds JSON, and the id is that of the token answer.
    let open_id = text(&tokens, "open_id");
    let body = format!(
        "{{\"client_key\":\"{ID}\",\"event\":\"authorization.removed\",\"create_time\":1700000000,\
         \"user_openid\":\"{open_id}\",\"content\":\"{{\\\"reason\\\":1}}\"}}"
    );
    assert_eq!(String::from_utf8(sent.body.clone()).unwrap(), body);
    let hex = hmac_hex(SECRET, &format!("1700000000.{body}"));
    let header = sent.headers.iter().find(|(name, _)| name == "TikTok-Signature").unwrap();
    assert_eq!(header.1, format!("t=1700000000,s={hex}"));

    assert!(!site.is_live(text(&tokens, "access_token")));
    assert!(!site.is_live(text(&tokens, "refresh_token")));
}

#[tokio::test]
async fn each_reason_for_a_removal_can_be_told_and_other_events_leave_tokens_alone() {
    let (emulator, http) = tiktok().await;
    let site = emulator.site("tiktok").unwrap();
    for reason in 0..=5 {
        let content = removed(site, reason)["content"].as_str().map(support::json);
        assert_eq!(content, Some(json!({ "reason": reason })));
    }
    let tokens = connect(&emulator, &http).await;
    for event in ["post.publish.complete", "post.publish.failed", "video.upload.failed"] {
        let sent = site.announce(event, "ada", ID, HOOK).unwrap();
        assert_eq!(said(&sent)["event"], event);
    }
    assert!(site.is_live(text(&tokens, "access_token")));
}

#[tokio::test]
async fn what_the_provider_cannot_tell_is_a_misuse() {
    let (emulator, _) = tiktok().await;
    let site = emulator.site("tiktok").unwrap();
    let unknown = site.announce("app_uninstalled", "ada", ID, HOOK).unwrap_err();
    assert_eq!(unknown, Misuse::Event("app_uninstalled".into()));
    let refused = |account: &str, client: &str, to: &str| {
        let refused = site.announce("authorization.removed", account, client, to);
        matches!(refused.unwrap_err(), Misuse::Announcement(_))
    };
    assert!(refused("nobody", ID, HOOK));
    assert!(refused("", ID, HOOK));
    assert!(refused("ada", "nobody", HOOK));
    assert!(refused("ada", ID, "http://app.example/hooks"));
    assert!(refused("ada", ID, "/hooks"));
}
