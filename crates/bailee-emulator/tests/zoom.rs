//! Zoom: authorization, tokens, revocation, the profile, meetings.
#![allow(clippy::unwrap_used, reason = "a failure here is a failure of the test")]

mod support;

use std::time::Duration;

use bailee_emulator::oauth::{ClientAuth, Pkce};
use bailee_emulator::zoom::{RateLimit, Zoom};
use bailee_emulator::{
    Account, Client, ConsentError, Decision, Emulator, Endpoint, Fault, Misuse, Site, TokenKind,
};
use reqwest::header::HeaderMap;
use serde_json::{Value, json};
use support::*;

const TOKEN: &str = "https://zoom.us/oauth/token";
const REVOKE: &str = "https://zoom.us/oauth/revoke";
const ME: &str = "https://api.zoom.us/v2/users/me";
const MEETINGS: &str = "https://api.zoom.us/v2/users/me/meetings";

struct World {
    emulator: Emulator,
    http: reqwest::Client,
}

impl World {
    async fn new() -> Self {
        let emulator = Emulator::builder().play(Zoom::new()).start().await.unwrap();
        let site = emulator.site("zoom").unwrap();
        furnish(site);
        site.add_account(Account::new("ada").fact("account_id", "acc-1").fact("licensed", true));
        let http = http(&emulator);
        Self { emulator, http }
    }

    fn site(&self) -> &Site {
        self.emulator.site("zoom").unwrap()
    }

    fn switch(&self, change: impl FnOnce(&mut Zoom)) {
        assert!(self.site().switches(change));
    }

    /// A form with Basic, as Zoom's own samples send it.
    async fn post(&self, url: &str, pairs: &[(&str, &str)]) -> (u16, Value) {
        self.post_as(SECRET, url, pairs).await
    }

    async fn post_as(&self, secret: &str, url: &str, pairs: &[(&str, &str)]) -> (u16, Value) {
        // The secret is form-encoded before it is put into the header (RFC 6749 §2.3.1).
        let secret = form(&[("", secret)]).split_off(1);
        let request = self.http.post(url).basic_auth(ID, Some(secret));
        let request = request.header("content-type", "application/x-www-form-urlencoded");
        let answer = request.body(form(pairs)).send().await.unwrap();
        (answer.status().as_u16(), json(&answer.text().await.unwrap()))
    }

    async fn code(&self, changes: &[(&str, &str)]) -> String {
        let back = allow(&self.emulator, &authorize(changes)).await;
        parameter(&back, "code").unwrap_or_else(|| panic!("{back}"))
    }

    async fn exchange(&self, changes: &[(&str, &str)]) -> (u16, Value) {
        let mut pairs = vec![("grant_type", "authorization_code"), ("redirect_uri", REDIRECT)];
        for (key, value) in changes {
            pairs.retain(|(known, _)| known != key);
            pairs.push((key, value));
        }
        self.post(TOKEN, &pairs).await
    }

    async fn refresh(&self, token: &str) -> (u16, Value) {
        self.post(TOKEN, &[("grant_type", "refresh_token"), ("refresh_token", token)]).await
    }

    async fn connect(&self) -> Value {
        let code = self.code(&[]).await;
        let (status, tokens) = self.exchange(&[("code", &code)]).await;
        assert_eq!(status, 200, "{tokens}");
        tokens
    }

    async fn get(&self, url: &str, token: &str) -> (u16, Value) {
        let answer = self.http.get(url).bearer_auth(token).send().await.unwrap();
        (answer.status().as_u16(), json(&answer.text().await.unwrap()))
    }

    async fn meet(&self, token: &str, body: &Value) -> (u16, HeaderMap, Value) {
        let request = self.http.post(MEETINGS).bearer_auth(token);
        let request = request.header("content-type", "application/json").body(body.to_string());
        let answer = request.send().await.unwrap();
        let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
        (status, headers, json(&answer.text().await.unwrap()))
    }
}

fn authorize(changes: &[(&str, &str)]) -> String {
    let mut pairs = vec![
        ("client_id", ID),
        ("response_type", "code"),
        ("redirect_uri", REDIRECT),
        ("state", "s1"),
        ("scope", "user:read:user meeting:write:meeting"),
    ];
    for (key, value) in changes {
        pairs.retain(|(known, _)| known != key);
        if !value.is_empty() {
            pairs.push((key, value));
        }
    }
    url("https://zoom.us/oauth/authorize", &pairs)
}

fn refusal(answer: &(u16, Value)) -> (u16, &str, &str) {
    (answer.0, text(&answer.1, "error"), text(&answer.1, "reason"))
}

#[tokio::test]
async fn a_person_allows_and_the_client_gets_long_tokens_and_the_region() {
    let world = World::new().await;
    let tokens = world.connect().await;
    assert!(text(&tokens, "access_token").len() > 500);
    assert!(text(&tokens, "access_token").contains(world.emulator.marker()));
    assert_eq!(tokens["token_type"], "bearer");
    assert_eq!(tokens["expires_in"], 3600);
    assert_eq!(tokens["scope"], "user:read:user meeting:write:meeting");
    assert_eq!(tokens["api_url"], "https://api.zoom.us");
    let back = world.emulator.consent(&authorize(&[]), Decision::Deny, "ada").await.unwrap();
    assert_eq!(parameter(&back, "error").as_deref(), Some("access_denied"));
    assert_eq!(parameter(&back, "state").as_deref(), Some("s1"));
}

#[tokio::test]
async fn without_scopes_those_of_the_app_are_granted_and_all_or_none() {
    let world = World::new().await;
    let app = Client::new(ID).secret(SECRET).redirect(REDIRECT).scopes(["user:read:user"]);
    world.site().add_client(app).unwrap();
    let only = Decision::AllowOnly(Vec::new());
    let back = world.emulator.consent(&authorize(&[("scope", "")]), only, "ada").await.unwrap();
    let code = parameter(&back, "code").unwrap();
    let (_, tokens) = world.exchange(&[("code", &code)]).await;
    assert_eq!(tokens["scope"], "user:read:user");
}

#[tokio::test]
async fn an_authorization_that_is_wrong_ends_on_a_page() {
    let world = World::new().await;
    for changes in [
        &[("client_id", "other")][..],
        &[("redirect_uri", "https://app.example/cb/")],
        &[("redirect_uri", "")],
        &[("response_type", "token")],
        &[("scope", "user:read:everything")],
        &[("scope", "user:read:user,meeting:write:meeting")],
        &[("code_challenge", "too-short"), ("code_challenge_method", "S256")],
        &[("code_challenge", CHALLENGE), ("code_challenge_method", "S512")],
    ] {
        let refused = world.emulator.consent(&authorize(changes), Decision::Allow, "ada").await;
        assert!(matches!(refused, Err(ConsentError::Page { .. })), "{changes:?}");
    }
    world.switch(|zoom| zoom.separators = " ,");
    world.code(&[("scope", "user:read:user,meeting:write:meeting")]).await;
}

#[tokio::test]
async fn pkce_is_plain_unless_it_says_s256_and_needed_without_a_secret() {
    let world = World::new().await;
    let s256 = [("code_challenge", CHALLENGE), ("code_challenge_method", "S256")];
    let plain = [("code_challenge", VERIFIER)];
    for (challenge, verifier, expected) in [
        (&s256[..], VERIFIER, 200),
        (&s256, CHALLENGE, 400),
        (&s256, "", 400),
        (&plain, VERIFIER, 200),
        (&plain, CHALLENGE, 400),
        (&[], VERIFIER, 400),
        (&[], "", 200),
    ] {
        let code = world.code(challenge).await;
        let (status, body) = world.exchange(&[("code", &code), ("code_verifier", verifier)]).await;
        assert_eq!(status, expected, "{challenge:?} {verifier}: {body}");
    }
    world.switch(|zoom| zoom.pkce = Pkce::Required);
    assert!(world.emulator.consent(&authorize(&[]), Decision::Allow, "ada").await.is_err());
    world.switch(|zoom| zoom.pkce = Pkce::Optional);

    world.site().add_client(Client::new("public-1").redirect(REDIRECT)).unwrap();
    let public = [("client_id", "public-1"), s256[0], s256[1]];
    assert!(
        world.emulator.consent(&authorize(&public[..1]), Decision::Allow, "ada").await.is_err()
    );
    let code = world.code(&public).await;
    let pairs = [
        ("client_id", "public-1"),
        ("grant_type", "authorization_code"),
        ("redirect_uri", REDIRECT),
        ("code", code.as_str()),
        ("code_verifier", VERIFIER),
    ];
    assert_eq!(post(&world.http, TOKEN, &pairs).await.0, 200);
}

#[tokio::test]
async fn the_token_address_wants_basic_and_takes_form_and_query() {
    let world = World::new().await;
    let code = world.code(&[]).await;
    let wrong = world.post_as("wrong", TOKEN, &[("grant_type", "authorization_code")]).await;
    assert_eq!(refusal(&wrong).1, "invalid_client");
    for (change, error, number) in [
        (("grant_type", "password"), "unsupported_grant_type", "4705"),
        (("grant_type", ""), "invalid_request", "4706"),
        (("redirect_uri", "https://app.example/cb/"), "invalid_grant", "4709"),
        (("code", "never-issued"), "invalid_grant", "4734"),
    ] {
        let answer = world.exchange(&[("code", &code), change]).await;
        let (status, found, reason) = refusal(&answer);
        assert_eq!((status, found), (400, error), "{change:?}");
        assert!(reason.contains(number), "{change:?}: {reason}");
    }
    let in_body = [
        ("client_id", ID),
        ("client_secret", SECRET),
        ("grant_type", "authorization_code"),
        ("redirect_uri", REDIRECT),
        ("code", code.as_str()),
    ];
    assert_eq!(post(&world.http, TOKEN, &in_body).await.1["error"], "invalid_client");
    world.switch(|zoom| zoom.client_auth.push(ClientAuth::Body));
    let (status, body) = post(&world.http, &url(TOKEN, &in_body), &[]).await;
    assert_eq!(status, 200, "{body}");
}

#[tokio::test]
async fn a_code_ends_after_five_minutes_and_its_replay_ends_the_tokens() {
    let world = World::new().await;
    let code = world.code(&[]).await;
    world.emulator.clock().advance(Duration::from_secs(300));
    assert!(refusal(&world.exchange(&[("code", &code)]).await).2.contains("4733"));
    let code = world.code(&[]).await;
    world.exchange(&[("code", &code)]).await;
    assert_eq!(world.site().live_tokens().len(), 2);
    assert!(refusal(&world.exchange(&[("code", &code)]).await).2.contains("4734"));
    assert!(world.site().live_tokens().is_empty());
    assert_eq!(world.site().code_replays(), 1);
}

#[tokio::test]
async fn a_refresh_rotates_and_the_old_token_is_dead_at_once() {
    let world = World::new().await;
    let first = world.connect().await;
    assert_eq!(world.site().expire_access("ada"), 1);
    assert_eq!(world.get(ME, text(&first, "access_token")).await.0, 401);
    let (status, second) = world.refresh(text(&first, "refresh_token")).await;
    assert_eq!(status, 200);
    assert_eq!(world.get(ME, text(&second, "access_token")).await.0, 200);
    let reused = world.refresh(text(&first, "refresh_token")).await;
    assert_eq!(refusal(&reused), (400, "invalid_grant", "Invalid Token!"));
    assert!(!world.site().reuse_alarms()[0].killed);
    assert!(world.site().is_live(text(&second, "refresh_token")));
    world.emulator.clock().advance(Duration::from_secs(90 * 86_400));
    assert_eq!(world.refresh(text(&second, "refresh_token")).await.0, 400);
}

#[tokio::test]
async fn another_authorization_of_the_same_person_ends_the_earlier_one() {
    let world = World::new().await;
    let first = world.connect().await;
    let second = world.connect().await;
    let refused = world.refresh(text(&first, "refresh_token")).await;
    assert!(refusal(&refused).2.contains("4741"));
    assert_eq!(world.get(ME, text(&second, "access_token")).await.0, 200);
    world.switch(|zoom| zoom.ends_old_grants = false);
    world.connect().await;
    assert_eq!(world.get(ME, text(&second, "access_token")).await.0, 200);
}

#[tokio::test]
async fn a_revocation_ends_everything_between_the_person_and_the_client() {
    let world = World::new().await;
    let tokens = world.connect().await;
    let (access, refresh) = (text(&tokens, "access_token"), text(&tokens, "refresh_token"));
    assert_eq!(world.post(REVOKE, &[("token", refresh)]).await.0, 400);
    assert_eq!(world.post_as("wrong", REVOKE, &[("token", access)]).await.0, 401);
    assert_eq!(world.site().live_tokens().len(), 2);
    let revoked = world.post(REVOKE, &[("token", access)]).await;
    assert_eq!(revoked, (200, json!({"status": "success"})));
    assert!(world.site().live_tokens().is_empty());
    assert_ne!(world.post(REVOKE, &[("token", access)]).await.0, 200);

    let tokens = world.connect().await;
    world.switch(|zoom| zoom.revokes_refresh = true);
    let refresh = text(&tokens, "refresh_token");
    assert_eq!(world.post(REVOKE, &[("token", refresh)]).await.0, 200);
    assert!(world.site().live_tokens().is_empty());
}

#[tokio::test]
async fn a_person_who_removes_the_app_ends_its_tokens() {
    let world = World::new().await;
    let tokens = world.connect().await;
    assert_eq!(world.site().withdraw("ada", ID), 1);
    let (status, body) = world.get(ME, text(&tokens, "access_token")).await;
    assert_eq!((status, body), (401, json!({"code": 124, "message": "Invalid access token."})));
    let refused = world.refresh(text(&tokens, "refresh_token")).await;
    assert!(refusal(&refused).2.contains("4741"));
}

#[tokio::test]
async fn the_profile_needs_its_scope_and_speaks_of_me_alone() {
    let world = World::new().await;
    let tokens = world.connect().await;
    let (status, profile) = world.get(ME, text(&tokens, "access_token")).await;
    assert_eq!(status, 200);
    assert_eq!(profile["account_id"], "acc-1");
    assert_eq!((&profile["type"], &profile["email"]), (&json!(2), &json!("ada@person.example")));
    assert!(profile["host_key"].is_string());
    let other = format!("https://api.zoom.us/v2/users/{}", text(&profile, "id"));
    let (status, body) = world.get(&other, text(&tokens, "access_token")).await;
    assert_eq!((status, &body["code"]), (401, &json!(4700)));
    let regional = ME.replace("api.", "api-eu.");
    assert_eq!(world.get(&regional, text(&tokens, "access_token")).await.0, 200);
    assert_eq!(world.get(ME, text(&tokens, "refresh_token")).await.0, 401);

    let code = world.code(&[("scope", "meeting:write:meeting")]).await;
    let (_, tokens) = world.exchange(&[("code", &code)]).await;
    let (status, body) = world.get(ME, text(&tokens, "access_token")).await;
    assert_eq!((status, &body["code"]), (401, &json!(4700)));
    assert!(text(&body, "message").contains("[user:read:user]"));
}

#[tokio::test]
async fn a_meeting_is_made_once_and_its_start_address_is_a_secret() {
    let world = World::new().await;
    let tokens = world.connect().await;
    let access = text(&tokens, "access_token");
    let asked = json!({"topic": "Review", "type": 2, "duration": 30});
    let (status, _, meeting) = world.meet(access, &asked).await;
    assert_eq!((status, &meeting["topic"]), (201, &json!("Review")));
    assert!(meeting["id"].as_u64().unwrap() > u64::from(u32::MAX));
    let zak = parameter(text(&meeting, "start_url"), "zak").unwrap();
    assert!(world.site().secrets_issued().contains(&zak));
    let written = world.site().written("meeting");
    assert_eq!(written.len(), 1);
    assert_eq!((written[0].account.as_str(), written[0].client.as_str()), ("ada", ID));
    assert_eq!(written[0].value["duration"], 30);
    for wrong in [json!({"type": 9}), json!({"topic": 5}), json!([])] {
        let (status, _, body) = world.meet(access, &wrong).await;
        assert_eq!((status, &body["code"]), (400, &json!(300)), "{wrong}");
    }
    assert_eq!(world.site().written("meeting").len(), 1);
}

#[tokio::test]
async fn meetings_are_listed_page_by_page_to_whom_they_belong() {
    let world = World::new().await;
    let scopes = ("scope", "user:read:user meeting:write:meeting meeting:read:list_meetings");
    let code = world.code(&[scopes]).await;
    let (_, tokens) = world.exchange(&[("code", &code)]).await;
    let access = text(&tokens, "access_token");
    for topic in ["one", "two", "three"] {
        assert_eq!(world.meet(access, &json!({"topic": topic})).await.0, 201);
    }
    let (status, page) = world.get(&format!("{MEETINGS}?page_size=2"), access).await;
    assert_eq!((status, &page["total_records"]), (200, &json!(3)));
    assert_eq!(page["meetings"].as_array().unwrap().len(), 2);
    let next = text(&page, "next_page_token");
    let (_, page) =
        world.get(&format!("{MEETINGS}?page_size=2&next_page_token={next}"), access).await;
    assert_eq!(page["meetings"][0]["topic"], "three");
    assert_eq!(page["next_page_token"], "");
    for wrong in ["page_size=301", "page_size=0", "type=all", "next_page_token=never"] {
        assert_eq!(world.get(&format!("{MEETINGS}?{wrong}"), access).await.0, 400, "{wrong}");
    }
    world.site().add_key("fake-key-canary", "grace", ["meeting:read"]);
    assert_eq!(world.get(MEETINGS, "fake-key-canary").await.1["meetings"], json!([]));
    let tokens = world.connect().await;
    let (status, body) = world.get(MEETINGS, text(&tokens, "access_token")).await;
    assert_eq!((status, &body["code"]), (401, &json!(4700)));
}

#[tokio::test]
async fn what_is_not_said_of_tokens_can_be_either_way() {
    let world = World::new().await;
    world.switch(|zoom| zoom.says_region = false);
    let tokens = world.connect().await;
    assert_eq!(tokens.get("api_url"), None);
    let refresh = text(&tokens, "refresh_token");
    world.switch(|zoom| zoom.dead_refresh = "invalid_request");
    assert_eq!(world.refresh(refresh).await.0, 200);
    let reused = world.refresh(refresh).await;
    assert_eq!(refusal(&reused), (400, "invalid_request", "Invalid Token!"));
}

#[tokio::test]
async fn limits_are_told_in_zoom_s_three_ways() {
    let world = World::new().await;
    let tokens = world.connect().await;
    let access = text(&tokens, "access_token");
    let limited = |after: Option<&str>| Fault::RateLimited { retry_after: after.map(Into::into) };
    world.site().fault(Endpoint::Api, limited(None));
    let (status, headers, body) = world.meet(access, &json!({})).await;
    assert_eq!((status, &body["code"]), (429, &json!(429)));
    assert_eq!(headers["x-ratelimit-type"], "QPS");
    assert_eq!(headers["x-ratelimit-reset"], "1767225601");
    assert!(!headers.contains_key("retry-after"));
    world.switch(|zoom| zoom.rate_limit = RateLimit::Daily);
    world.site().fault(Endpoint::Api, limited(None));
    let (_, headers, _) = world.meet(access, &json!({})).await;
    assert_eq!(headers["retry-after"], "2026-01-02T00:00:00Z");
    world.site().fault(Endpoint::Api, limited(Some("7")));
    assert_eq!(world.meet(access, &json!({})).await.1["retry-after"], "7");
    for _ in 0..100 {
        assert_eq!(world.meet(access, &json!({})).await.0, 201);
    }
    assert_eq!(world.meet(access, &json!({})).await.0, 429);
}

#[tokio::test]
async fn faults_speak_zoom_s_language() {
    let world = World::new().await;
    let tokens = world.connect().await;
    world.site().fault(Endpoint::Refresh, Fault::OkWithError("invalid_grant".into()));
    let answer = world.refresh(text(&tokens, "refresh_token")).await;
    assert_eq!(refusal(&answer), (200, "invalid_grant", "refused"));
    world.site().fault(Endpoint::Identity, Fault::OkWithError("3001".into()));
    let (status, body) = world.get(ME, text(&tokens, "access_token")).await;
    assert_eq!((status, &body["code"]), (200, &json!(3001)));
    world.site().fault(Endpoint::Refresh, Fault::ScopeLost("meeting:write:meeting".into()));
    let (_, shrunk) = world.refresh(text(&tokens, "refresh_token")).await;
    assert_eq!(shrunk["scope"], "user:read:user");
    world.site().fault(Endpoint::Refresh, Fault::ExpiresIn("null".into()));
    let (_, body) = world.refresh(text(&shrunk, "refresh_token")).await;
    assert!(body["expires_in"].is_null() && body["access_token"].is_string());
}

#[tokio::test]
async fn a_key_issued_outside_oauth_acts_for_its_account() {
    let world = World::new().await;
    let site = world.site();
    site.add_key("fake-key-canary", "grace", ["user:read:user"]);
    let (status, profile) = world.get(ME, "fake-key-canary").await;
    assert_eq!((status, &profile["email"]), (200, &json!("grace@person.example")));
    assert!(site.live_tokens().iter().all(|token| token.kind == TokenKind::Access));
    assert_eq!(site.expire_access("grace"), 0);
    site.end_token("fake-key-canary");
    assert_eq!(world.get(ME, "fake-key-canary").await.0, 401);
}

#[tokio::test]
async fn a_deauthorization_is_told_as_documented_and_signed_with_the_secret_token() {
    let world = World::new().await;
    let app = Client::new(ID).secret(SECRET).redirect(REDIRECT).signal_secret(SIGNAL_SECRET);
    world.site().add_client(app).unwrap();
    let tokens = world.connect().await;
    let me = world.http.get(ME).bearer_auth(text(&tokens, "access_token")).send().await.unwrap();
    let me = json(&me.text().await.unwrap());
    let sent = world.site().announce("app_deauthorized", "ada", ID, HOOK).unwrap();

    let now = world.emulator.clock().now();
    let body = said(&sent);
    assert_eq!(body["event"], "app_deauthorized");
    assert_eq!(body["event_ts"], now * 1000);
    assert_eq!(body["payload"]["account_id"], "acc-1");
    assert_eq!(body["payload"]["user_id"], me["id"]);
    assert_eq!(body["payload"]["client_id"], ID);
    assert_eq!(body["payload"]["deauthorization_time"], "2026-01-01T00:00:00Z");
    assert_eq!(body["payload"].get("user_data_retention"), None);
    assert_eq!(sent.header("x-zm-request-timestamp"), Some(now.to_string().as_str()));
    let message = format!("v0:{now}:{}", String::from_utf8(sent.body.clone()).unwrap());
    let signature = format!("v0={}", hmac_hex(SIGNAL_SECRET, &message));
    assert_eq!(sent.header("x-zm-signature"), Some(signature.as_str()));
    assert!(!world.site().is_live(text(&tokens, "access_token")));

    world.switch(|zoom| zoom.user_data_retention = Some("false"));
    let sent = world.site().announce("app_deauthorized", "ada", ID, HOOK).unwrap();
    assert_eq!(said(&sent)["payload"]["user_data_retention"], "false");
}

#[tokio::test]
async fn the_validation_of_an_address_is_signed_and_about_nobody() {
    let world = World::new().await;
    let refused = world.site().announce("endpoint.url_validation", "", ID, HOOK).unwrap_err();
    assert!(matches!(refused, Misuse::Announcement(_)), "there is no secret token");
    let app = Client::new(ID).secret(SECRET).redirect(REDIRECT).signal_secret(SIGNAL_SECRET);
    world.site().add_client(app).unwrap();
    let sent = world.site().announce("endpoint.url_validation", "", ID, HOOK).unwrap();
    assert!(text(&said(&sent)["payload"], "plainToken").len() > 20);
    assert!(sent.header("X-ZM-Signature").is_some_and(|value| value.starts_with("v0=")));
    let again = world.site().announce("endpoint.url_validation", "", ID, HOOK).unwrap();
    assert_ne!(said(&sent)["payload"], said(&again)["payload"]);
}
