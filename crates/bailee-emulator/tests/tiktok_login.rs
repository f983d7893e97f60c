//! Login Kit: authorization, tokens, revocation, user info.
#![allow(clippy::unwrap_used, reason = "a failure here is a failure of the test")]

mod support;

use std::time::Duration;

use bailee_emulator::tiktok::{TikTok, WebPkce};
use bailee_emulator::{Client, ConsentError, Decision, Emulator, Endpoint, TokenKind};
use serde_json::{Value, json};
use support::*;

async fn tiktok() -> (Emulator, reqwest::Client) {
    let emulator = Emulator::builder().tiktok(TikTok::new()).start().await.unwrap();
    let site = emulator.site("tiktok").unwrap();
    furnish(site);
    let desktop = Client::new("desk-1").secret(SECRET).desktop().redirect("http://127.0.0.1:*/cb");
    site.add_client(desktop).unwrap();
    let http = http(&emulator);
    (emulator, http)
}

fn authorize(changes: &[(&str, &str)]) -> String {
    let mut pairs = vec![
        ("client_key", ID),
        ("response_type", "code"),
        ("scope", "user.info.basic,video.publish"),
        ("redirect_uri", REDIRECT),
        ("state", "s1"),
    ];
    for (key, value) in changes {
        pairs.retain(|(known, _)| known != key);
        if !value.is_empty() {
            pairs.push((key, value));
        }
    }
    url("https://www.tiktok.com/v2/auth/authorize/", &pairs)
}

async fn exchange(http: &reqwest::Client, changes: &[(&str, &str)]) -> (u16, Value) {
    let mut pairs = vec![
        ("client_key", ID),
        ("client_secret", SECRET),
        ("grant_type", "authorization_code"),
        ("redirect_uri", REDIRECT),
    ];
    for (key, value) in changes {
        pairs.retain(|(known, _)| known != key);
        pairs.push((key, value));
    }
    post(http, "https://open.tiktokapis.com/v2/oauth/token/", &pairs).await
}

async fn refresh(http: &reqwest::Client, token: &str) -> (u16, Value) {
    exchange(http, &[("grant_type", "refresh_token"), ("refresh_token", token)]).await
}

async fn connect(emulator: &Emulator, http: &reqwest::Client) -> Value {
    let back = allow(emulator, &authorize(&[])).await;
    let code = parameter(&back, "code").unwrap();
    let (status, tokens) = exchange(http, &[("code", &code)]).await;
    assert_eq!(status, 200, "{tokens}");
    tokens
}

#[tokio::test]
async fn a_person_allows_in_a_browser_and_the_client_gets_flat_tokens() {
    let (emulator, http) = tiktok().await;
    let page = http.get(authorize(&[])).send().await.unwrap();
    assert_eq!(page.status(), 200);
    let page = page.text().await.unwrap();
    assert!(page.contains("App app-1") && page.contains("video.publish"));
    let ticket = page.split("name=\"ticket\" value=\"").nth(1).unwrap();
    let ticket = ticket.split('"').next().unwrap();
    let pairs = [
        ("ticket", ticket),
        ("account", "ada"),
        ("scope", "user.info.basic"),
        ("decision", "allow"),
    ];
    let answer = http
        .post("https://www.tiktok.com/v2/auth/authorize/decision")
        .header("content-type", "application/x-www-form-urlencoded")
        .body(form(&pairs))
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), 302);
    let back = answer.headers()["location"].to_str().unwrap();
    assert_eq!(parameter(back, "scopes").as_deref(), Some("user.info.basic"));
    assert_eq!(parameter(back, "state").as_deref(), Some("s1"));

    let code = parameter(back, "code").unwrap();
    assert!(code.contains('*') && code.contains('!'));
    let (status, tokens) = exchange(&http, &[("code", &code)]).await;
    assert_eq!(status, 200);
    assert!(text(&tokens, "access_token").starts_with("act."));
    assert!(text(&tokens, "refresh_token").starts_with("rft."));
    assert!(text(&tokens, "access_token").contains(emulator.marker()));
    assert_eq!(tokens["expires_in"], 7200);
    assert_eq!(tokens["refresh_expires_in"], 180 * 86_400);
    assert_eq!(tokens["scope"], "user.info.basic");
    assert_eq!(tokens["token_type"], "Bearer");
}

#[tokio::test]
async fn the_way_out_of_the_page_follows_the_decision() {
    let (emulator, _) = tiktok().await;
    let back = emulator.consent(&authorize(&[]), Decision::Deny, "ada").await.unwrap();
    assert_eq!(parameter(&back, "error").as_deref(), Some("access_denied"));
    assert_eq!(parameter(&back, "state").as_deref(), Some("s1"));
    let only = Decision::AllowOnly(vec!["video.publish".into(), "video.list".into()]);
    let back = emulator.consent(&authorize(&[]), only, "ada").await.unwrap();
    assert_eq!(parameter(&back, "scopes").as_deref(), Some("video.publish"));
}

#[tokio::test]
async fn an_authorization_that_cannot_be_trusted_ends_on_a_page() {
    let (emulator, _) = tiktok().await;
    for changes in [
        &[("client_key", "other")][..],
        &[("client_key", "")],
        &[("client_key", ""), ("client_id", ID)],
        &[("redirect_uri", "https://app.example/cb/")],
        &[("redirect_uri", "https://app.example/cb?x=1")],
        &[("redirect_uri", "https://evil.example/cb")],
        &[("redirect_uri", "")],
        &[("state", "")],
    ] {
        let refused = emulator.consent(&authorize(changes), Decision::Allow, "ada").await;
        assert!(matches!(refused, Err(ConsentError::Page { status: 400, .. })), "{changes:?}");
    }
}

#[tokio::test]
async fn other_faults_of_an_authorization_go_back_to_the_client() {
    let (emulator, _) = tiktok().await;
    for (change, error) in [
        (("response_type", "token"), "unsupported_response_type"),
        (("scope", "user.info.basic video.publish"), "invalid_scope"),
        (("scope", "user.info.everything"), "invalid_scope"),
        (("scope", ""), "invalid_scope"),
    ] {
        let back = allow(&emulator, &authorize(&[change])).await;
        assert_eq!(parameter(&back, "error").as_deref(), Some(error), "{change:?}");
        assert_eq!(parameter(&back, "state").as_deref(), Some("s1"));
    }
}

#[tokio::test]
async fn a_desktop_client_proves_itself_with_hex() {
    let (emulator, http) = tiktok().await;
    let redirect = "http://127.0.0.1:49152/cb";
    let desk = [("client_key", "desk-1"), ("redirect_uri", redirect)];
    let back = allow(&emulator, &authorize(&desk)).await;
    assert_eq!(parameter(&back, "error").as_deref(), Some("invalid_request"));
    for (challenge, verifier, expected) in [
        (HEX_CHALLENGE, VERIFIER, 200),
        (CHALLENGE, VERIFIER, 400),
        (SHORT_HEX_CHALLENGE, SHORT_VERIFIER, 400),
        (HEX_CHALLENGE, "", 400),
    ] {
        let pkce =
            [desk[0], desk[1], ("code_challenge", challenge), ("code_challenge_method", "S256")];
        let back = allow(&emulator, &authorize(&pkce)).await;
        let code = parameter(&back, "code").unwrap();
        let pairs = [desk[0], desk[1], ("code", code.as_str()), ("code_verifier", verifier)];
        let (status, body) = exchange(&http, &pairs).await;
        assert_eq!(status, expected, "{body}");
        if expected != 200 {
            assert_eq!(body["error"], "invalid_request");
            assert_eq!(body["error_description"], "Code verifier or code challenge is invalid.");
        }
    }
}

#[tokio::test]
async fn a_web_client_meets_the_pkce_that_the_switch_says() {
    let (emulator, http) = tiktok().await;
    let site = emulator.site("tiktok").unwrap();
    for (switch, challenge, verifier, expected) in [
        (WebPkce::Ignored, "anything", "", "ok"),
        (WebPkce::Base64Url, CHALLENGE, VERIFIER, "ok"),
        (WebPkce::Base64Url, HEX_CHALLENGE, VERIFIER, "invalid_request"),
        (WebPkce::Hex, HEX_CHALLENGE, VERIFIER, "ok"),
        (WebPkce::Hex, CHALLENGE, VERIFIER, "invalid_request"),
        (WebPkce::Refused, CHALLENGE, VERIFIER, "redirect"),
    ] {
        site.change_tiktok(|tiktok| tiktok.web_pkce = switch);
        let pkce = [("code_challenge", challenge), ("code_challenge_method", "S256")];
        let back = allow(&emulator, &authorize(&pkce)).await;
        let Some(code) = parameter(&back, "code") else {
            assert_eq!(expected, "redirect");
            continue;
        };
        let (_, body) = exchange(&http, &[("code", &code), ("code_verifier", verifier)]).await;
        let outcome = body["error"].as_str().unwrap_or("ok");
        assert_eq!(outcome, expected, "{switch:?}");
    }
}

#[tokio::test]
async fn the_token_address_takes_what_the_documentation_says_and_nothing_else() {
    let (emulator, http) = tiktok().await;
    let back = allow(&emulator, &authorize(&[])).await;
    let code = parameter(&back, "code").unwrap();
    let encoded = code.replace('*', "%2A").replace('!', "%21");
    for (changes, error) in [
        (&[("client_secret", "wrong")][..], "invalid_client"),
        (&[("client_key", "wrong")], "invalid_client"),
        (&[("client_key", "")], "invalid_request"),
        (&[("client_secret", "")], "invalid_request"),
        (&[("grant_type", "password")], "unsupported_grant_type"),
        (&[("redirect_uri", "https://app.example/other")], "invalid_grant"),
        (&[("code", encoded.as_str())], "invalid_grant"),
        (&[("code", "never-issued")], "invalid_grant"),
    ] {
        let mut pairs = vec![("code", code.as_str())];
        pairs.extend(changes);
        let (status, body) = exchange(&http, &pairs).await;
        assert_eq!((status, body["error"].as_str()), (400, Some(error)), "{changes:?}");
        assert!(body["log_id"].is_string());
    }
    let as_json = http
        .post("https://open.tiktokapis.com/v2/oauth/token/")
        .header("content-type", "application/json")
        .body(json!({"client_key": ID, "client_secret": SECRET, "code": code}).to_string())
        .send()
        .await
        .unwrap();
    assert_eq!(as_json.status(), 400);
    let (status, _) = exchange(&http, &[("code", &code)]).await;
    assert_eq!(status, 200);
}

#[tokio::test]
async fn a_code_ends_with_time_and_its_replay_ends_the_tokens() {
    let (emulator, http) = tiktok().await;
    let site = emulator.site("tiktok").unwrap();
    let back = allow(&emulator, &authorize(&[])).await;
    let code = parameter(&back, "code").unwrap();
    emulator.clock().advance(Duration::from_secs(600));
    let (_, body) = exchange(&http, &[("code", &code)]).await;
    assert_eq!(body["error"], "invalid_grant");

    let back = allow(&emulator, &authorize(&[])).await;
    let code = parameter(&back, "code").unwrap();
    let (_, tokens) = exchange(&http, &[("code", &code)]).await;
    assert!(site.is_live(text(&tokens, "access_token")));
    let (_, body) = exchange(&http, &[("code", &code)]).await;
    assert_eq!(body["error"], "invalid_grant");
    assert_eq!(site.code_replays(), 1);
    assert!(site.live_tokens().is_empty());
}

#[tokio::test]
async fn a_refresh_rotates_and_a_reuse_ends_the_family() {
    let (emulator, http) = tiktok().await;
    let site = emulator.site("tiktok").unwrap();
    let first = connect(&emulator, &http).await;
    emulator.clock().advance(Duration::from_secs(7200));
    assert!(!site.is_live(text(&first, "access_token")));
    let (status, second) = refresh(&http, text(&first, "refresh_token")).await;
    assert_eq!(status, 200);
    assert_eq!(second["refresh_expires_in"], 180 * 86_400 - 7200);
    assert_ne!(first["refresh_token"], second["refresh_token"]);
    assert!(!site.is_live(text(&first, "refresh_token")));
    assert_eq!(site.live_tokens().len(), 2);
    assert_eq!(site.count(Endpoint::Exchange), 1);
    assert_eq!(site.count(Endpoint::Refresh), 1);

    let (status, body) = refresh(&http, text(&first, "refresh_token")).await;
    assert_eq!((status, body["error"].as_str()), (400, Some("invalid_grant")));
    assert_eq!(site.reuse_alarms().len(), 1);
    assert!(site.live_tokens().is_empty());
}

#[tokio::test]
async fn errors_come_with_200_and_success_with_an_empty_error_when_switched_so() {
    let (emulator, http) = tiktok().await;
    emulator.site("tiktok").unwrap().change_tiktok(|tiktok| {
        tiktok.oauth_error_status = 200;
        tiktok.empty_error_beside_success = true;
    });
    let tokens = connect(&emulator, &http).await;
    assert_eq!(tokens["error"], "");
    let (status, body) = refresh(&http, "never-issued").await;
    assert_eq!((status, body["error"].as_str()), (200, Some("invalid_grant")));
}

#[tokio::test]
async fn a_revocation_takes_the_access_token_and_ends_everything() {
    let (emulator, http) = tiktok().await;
    let site = emulator.site("tiktok").unwrap();
    let revoke = "https://open.tiktokapis.com/v2/oauth/revoke/";
    let tokens = connect(&emulator, &http).await;
    let other = connect(&emulator, &http).await;
    let client = [("client_key", ID), ("client_secret", SECRET)];
    for token in [text(&tokens, "refresh_token"), "never-issued"] {
        let (_, body) = post(&http, revoke, &[client[0], client[1], ("token", token)]).await;
        assert_eq!(body["error"], "invalid_grant");
    }
    assert_eq!(site.live_tokens().len(), 4);
    let token = text(&tokens, "access_token");
    let (status, body) = post(&http, revoke, &[client[0], client[1], ("token", token)]).await;
    assert_eq!((status, body), (200, json!({})));
    assert!(site.live_tokens().is_empty(), "the other grant to the same client too");
    assert!(!site.is_live(text(&other, "refresh_token")));
}

#[tokio::test]
async fn user_info_needs_fields_and_their_scopes() {
    let (emulator, http) = tiktok().await;
    let tokens = connect(&emulator, &http).await;
    let info = |fields: &'static str, token: String| {
        let http = http.clone();
        async move {
            let url = format!("https://open.tiktokapis.com/v2/user/info/{fields}");
            let answer = http.get(url).bearer_auth(token).send().await.unwrap();
            let status = answer.status().as_u16();
            (status, json(&answer.text().await.unwrap()))
        }
    };
    let token = text(&tokens, "access_token").to_owned();
    let (status, body) = info("?fields=open_id,display_name", token.clone()).await;
    assert_eq!((status, body["error"]["code"].as_str()), (200, Some("ok")));
    assert_eq!(body["data"]["user"]["open_id"], tokens["open_id"]);
    assert_eq!(body["data"]["user"]["display_name"], "Display ada");
    for (query, status, code) in [
        ("", 400, "invalid_params"),
        ("?fields=open_id,shoe_size", 400, "invalid_params"),
        ("?fields=open_id,username", 401, "scope_not_authorized"),
        ("?fields=follower_count", 401, "scope_not_authorized"),
    ] {
        let (got, body) = info(query, token.clone()).await;
        assert_eq!((got, body["error"]["code"].as_str()), (status, Some(code)), "{query}");
    }
    let refresh = text(&tokens, "refresh_token").to_owned();
    for wrong in ["never-issued".to_owned(), refresh] {
        let (status, body) = info("?fields=open_id", wrong).await;
        assert_eq!((status, body["error"]["code"].as_str()), (401, Some("access_token_invalid")));
    }
}

#[tokio::test]
async fn a_withdrawal_at_the_provider_ends_what_the_person_had_allowed() {
    let (emulator, http) = tiktok().await;
    let site = emulator.site("tiktok").unwrap();
    let tokens = connect(&emulator, &http).await;
    assert_eq!(site.withdraw("grace", ID), 0);
    assert_eq!(site.withdraw("ada", ID), 1);
    let (_, body) = refresh(&http, text(&tokens, "refresh_token")).await;
    assert_eq!(body["error"], "invalid_grant");
    assert!(site.reuse_alarms().is_empty());
}

#[tokio::test]
async fn accounting_names_tokens_and_secrets() {
    let (emulator, http) = tiktok().await;
    let site = emulator.site("tiktok").unwrap();
    let tokens = connect(&emulator, &http).await;
    let live = site.live_tokens();
    let access = live.iter().find(|token| token.kind == TokenKind::Access).unwrap();
    assert_eq!(access.value, text(&tokens, "access_token"));
    assert_eq!((access.account.as_str(), access.client.as_str()), ("ada", ID));
    assert!(emulator.secrets_issued().contains(text(&tokens, "refresh_token")));
    assert!(emulator.secrets_seen().contains(SECRET));
    assert!(emulator.secrets_seen().iter().any(|secret| secret.contains("*v!")));
}

#[tokio::test]
async fn an_access_token_is_no_refresh_token() {
    let (emulator, http) = tiktok().await;
    let tokens = connect(&emulator, &http).await;
    let (_, body) = refresh(&http, text(&tokens, "access_token")).await;
    assert_eq!(body["error"], "invalid_grant");
}

#[tokio::test]
async fn an_expired_access_token_is_revoked_only_if_the_switch_says_so() {
    let (emulator, http) = tiktok().await;
    let site = emulator.site("tiktok").unwrap();
    let tokens = connect(&emulator, &http).await;
    emulator.clock().advance(Duration::from_secs(7200));
    let revoke = "https://open.tiktokapis.com/v2/oauth/revoke/";
    let pairs =
        [("client_key", ID), ("client_secret", SECRET), ("token", text(&tokens, "access_token"))];
    assert_eq!(post(&http, revoke, &pairs).await.1["error"], "invalid_grant");
    assert!(site.is_live(text(&tokens, "refresh_token")));
    site.change_tiktok(|tiktok| tiktok.revoke_takes_expired = true);
    assert_eq!(post(&http, revoke, &pairs).await.0, 200);
    assert!(site.live_tokens().is_empty());
}

#[tokio::test]
async fn the_switches_of_a_refresh_do_as_they_say() {
    let (emulator, http) = tiktok().await;
    let site = emulator.site("tiktok").unwrap();
    let first = connect(&emulator, &http).await;
    emulator.clock().advance(Duration::from_secs(60));
    let (_, second) = refresh(&http, text(&first, "refresh_token")).await;
    assert!(site.is_live(text(&first, "access_token")));
    assert_eq!(second["refresh_expires_in"], 180 * 86_400 - 60);
    site.change_tiktok(|tiktok| {
        tiktok.ends_old_access = true;
        tiktok.refresh_lifetime_restarts = true;
    });
    let (_, third) = refresh(&http, text(&second, "refresh_token")).await;
    assert!(!site.is_live(text(&first, "access_token")));
    assert!(!site.is_live(text(&second, "access_token")));
    assert!(site.is_live(text(&third, "access_token")));
    assert_eq!(third["refresh_expires_in"], 180 * 86_400);
    emulator.clock().advance(Duration::from_secs(180 * 86_400));
    let (_, late) = refresh(&http, text(&third, "refresh_token")).await;
    assert_eq!(late["error"], "invalid_grant");
    assert!(site.reuse_alarms().is_empty());
}

#[tokio::test]
async fn a_client_is_asked_for_no_scope_that_it_was_not_approved_for() {
    let (emulator, _) = tiktok().await;
    let site = emulator.site("tiktok").unwrap();
    let client = Client::new(ID).secret(SECRET).redirect(REDIRECT).scopes(["user.info.basic"]);
    site.add_client(client).unwrap();
    let back = allow(&emulator, &authorize(&[])).await;
    assert_eq!(parameter(&back, "error").as_deref(), Some("invalid_scope"));
    let back = allow(&emulator, &authorize(&[("scope", "user.info.basic")])).await;
    assert!(parameter(&back, "code").is_some());
}

#[tokio::test]
async fn a_consent_form_is_good_once_and_for_an_hour_and_denies_by_default() {
    let (emulator, http) = tiktok().await;
    let open = || async {
        let page = http.get(authorize(&[])).send().await.unwrap().text().await.unwrap();
        let ticket = page.split("name=\"ticket\" value=\"").nth(1).unwrap();
        ticket.split('"').next().unwrap().to_owned()
    };
    let decide = |ticket: String, decision: &'static str| {
        let http = http.clone();
        let form = form(&[
            ("ticket", &ticket),
            ("account", "ada"),
            ("scope", "video.publish"),
            ("decision", decision),
        ]);
        async move {
            http.post("https://www.tiktok.com/v2/auth/authorize/decision")
                .header("content-type", "application/x-www-form-urlencoded")
                .body(form)
                .send()
                .await
                .unwrap()
        }
    };
    let denied = decide(open().await, "").await;
    let back = denied.headers()["location"].to_str().unwrap();
    assert_eq!(parameter(back, "error").as_deref(), Some("access_denied"));
    let ticket = open().await;
    assert_eq!(decide(ticket.clone(), "allow").await.status(), 302);
    assert_eq!(decide(ticket, "allow").await.status(), 400);
    let ticket = open().await;
    emulator.clock().advance(Duration::from_secs(3600));
    assert_eq!(decide(ticket, "allow").await.status(), 400);
}

#[tokio::test]
async fn user_info_is_limited_to_600_a_minute_and_needs_one_header() {
    let (emulator, http) = tiktok().await;
    let tokens = connect(&emulator, &http).await;
    let info = || {
        let url = "https://open.tiktokapis.com/v2/user/info/?fields=open_id";
        http.get(url).bearer_auth(text(&tokens, "access_token"))
    };
    let doubled = info().header("authorization", "Bearer other").send().await.unwrap();
    assert_eq!(doubled.status(), 401);
    for _ in 0..600 {
        assert_eq!(info().send().await.unwrap().status(), 200);
    }
    assert_eq!(info().send().await.unwrap().status(), 429);
}

#[tokio::test]
async fn token_answers_are_not_to_be_stored() {
    let (emulator, http) = tiktok().await;
    let tokens = connect(&emulator, &http).await;
    let pairs = [
        ("client_key", ID),
        ("client_secret", SECRET),
        ("grant_type", "refresh_token"),
        ("refresh_token", text(&tokens, "refresh_token")),
    ];
    let answer = http
        .post("https://open.tiktokapis.com/v2/oauth/token")
        .header("content-type", "application/x-www-form-urlencoded; charset=UTF-8")
        .body(form(&pairs))
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), 200);
    assert_eq!(answer.headers()["cache-control"], "no-store");
}

/// A digest that is right, of a verifier that is too short.
const SHORT_VERIFIER: &str = "too-short";
const SHORT_HEX_CHALLENGE: &str =
    "7750e5644cf856467b1acb0e59b3dbe5a2991e69bc1b9846abd4f991c800cf8e";
