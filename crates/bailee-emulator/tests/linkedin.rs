//! LinkedIn: sign-in, tokens with and without renewal, introspection, posts.
#![allow(clippy::unwrap_used, reason = "a failure here is a failure of the test")]

mod support;

use std::time::Duration;

use bailee_emulator::linkedin::{LinkedIn, Revocation};
use bailee_emulator::{Client, Decision, Emulator, Endpoint, Fault, Site};
use reqwest::header::HeaderMap;
use serde_json::{Value, json};
use support::*;

const TOKEN: &str = "https://www.linkedin.com/oauth/v2/accessToken";
const REVOKE: &str = "https://www.linkedin.com/oauth/v2/revoke";
const INTROSPECT: &str = "https://www.linkedin.com/oauth/v2/introspectToken";
const INFO: &str = "https://api.linkedin.com/v2/userinfo";
const ME: &str = "https://api.linkedin.com/v2/me";
const POSTS: &str = "https://api.linkedin.com/rest/posts";
const VERSIONED: [(&str, &str); 2] =
    [("linkedin-version", "202607"), ("x-restli-protocol-version", "2.0.0")];

struct World {
    emulator: Emulator,
    http: reqwest::Client,
}

impl World {
    async fn new() -> Self {
        let emulator = Emulator::builder().play(LinkedIn::new()).start().await.unwrap();
        furnish(emulator.site("linkedin").unwrap());
        let http = http(&emulator);
        Self { emulator, http }
    }

    fn site(&self) -> &Site {
        self.emulator.site("linkedin").unwrap()
    }

    fn switch(&self, change: impl FnOnce(&mut LinkedIn)) {
        assert!(self.site().switches(change));
    }

    async fn post(&self, url: &str, pairs: &[(&str, &str)]) -> (u16, Value) {
        let mut all = vec![("client_id", ID), ("client_secret", SECRET)];
        all.extend(pairs);
        post(&self.http, url, &all).await
    }

    async fn connect_with(&self, scope: &str) -> Value {
        let back = allow(&self.emulator, &authorize(&[("scope", scope)])).await;
        let code = parameter(&back, "code").unwrap_or_else(|| panic!("{back}"));
        let grant = ("grant_type", "authorization_code");
        let pairs = [grant, ("redirect_uri", REDIRECT), ("code", code.as_str())];
        let (status, tokens) = self.post(TOKEN, &pairs).await;
        assert_eq!(status, 200, "{tokens}");
        tokens
    }

    async fn connect(&self) -> Value {
        self.connect_with("openid profile w_member_social").await
    }

    async fn refresh(&self, token: &str) -> (u16, Value) {
        self.post(TOKEN, &[("grant_type", "refresh_token"), ("refresh_token", token)]).await
    }

    async fn call(
        &self,
        (method, url): (&str, &str),
        token: &str,
        headers: &[(&str, &str)],
        body: Option<&Value>,
    ) -> (u16, HeaderMap, Value) {
        let method = reqwest::Method::from_bytes(method.as_bytes()).unwrap();
        let mut request = self.http.request(method, url).bearer_auth(token);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if let Some(body) = body {
            request = request.header("content-type", "application/json").body(body.to_string());
        }
        let answer = request.send().await.unwrap();
        let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
        (status, headers, json(&answer.text().await.unwrap()))
    }

    async fn get(&self, url: &str, token: &str) -> (u16, Value) {
        let (status, _, body) = self.call(("GET", url), token, &[], None).await;
        (status, body)
    }

    async fn write(&self, token: &str, commentary: &str) -> (u16, HeaderMap, Value) {
        let (_, info) = self.get(INFO, token).await;
        let author = format!("urn:li:person:{}", text(&info, "sub"));
        let body = post_of(&author, commentary);
        self.call(("POST", POSTS), token, &VERSIONED, Some(&body)).await
    }
}

fn post_of(author: &str, commentary: &str) -> Value {
    json!({
        "author": author,
        "commentary": commentary,
        "visibility": "PUBLIC",
        "distribution": {"feedDistribution": "MAIN_FEED"},
        "lifecycleState": "PUBLISHED",
    })
}

fn authorize(changes: &[(&str, &str)]) -> String {
    let mut pairs = vec![
        ("client_id", ID),
        ("response_type", "code"),
        ("redirect_uri", REDIRECT),
        ("state", "s1"),
        ("scope", "openid profile w_member_social"),
    ];
    for (key, value) in changes {
        pairs.retain(|(known, _)| known != key);
        pairs.push((key, value));
    }
    url("https://www.linkedin.com/oauth/v2/authorization", &pairs)
}

#[tokio::test]
async fn tokens_live_for_sixty_days_and_say_their_scopes_in_either_form() {
    let world = World::new().await;
    let tokens = world.connect().await;
    assert_eq!(tokens["expires_in"], 5_184_000);
    assert_eq!(tokens["scope"], "openid,profile,w_member_social");
    assert!(text(&tokens, "access_token").len() >= 500);
    assert_eq!(text(&tokens, "id_token").split('.').count(), 3);
    assert_eq!(tokens.get("refresh_token"), None);
    world.switch(|linkedin| (linkedin.scope_separator, linkedin.says_type) = (" ", false));
    let tokens = world.connect_with("w_member_social").await;
    assert_eq!(tokens["scope"], "w_member_social");
    assert_eq!((tokens.get("token_type"), tokens.get("id_token")), (None, None));
    // Basic is not taken.
    let request = world.http.post(TOKEN).basic_auth(ID, Some(SECRET));
    assert_eq!(request.send().await.unwrap().status().as_u16(), 400);
}

#[tokio::test]
async fn who_turns_back_and_who_asks_for_too_much_is_told_in_linkedin_s_words() {
    let world = World::new().await;
    let back = world.emulator.consent(&authorize(&[]), Decision::Deny, "ada").await.unwrap();
    assert_eq!(parameter(&back, "error").as_deref(), Some("user_cancelled_authorize"));
    let challenged = [("code_challenge", CHALLENGE), ("code_challenge_method", "S256")];
    let back = allow(&world.emulator, &authorize(&challenged)).await;
    assert_eq!(parameter(&back, "error").as_deref(), Some("invalid_request"));
    let products = Client::new(ID).secret(SECRET).redirect(REDIRECT).scopes(["openid", "profile"]);
    world.site().add_client(products).unwrap();
    let back = allow(&world.emulator, &authorize(&[])).await;
    assert_eq!(parameter(&back, "error").as_deref(), Some("unauthorized_scope_error"));
}

#[tokio::test]
async fn an_approved_application_refreshes_for_a_year_that_does_not_begin_anew() {
    let world = World::new().await;
    world.switch(|linkedin| linkedin.programmatic_refresh = true);
    let first = world.connect().await;
    assert_eq!(first["refresh_token_expires_in"], 365 * 86_400);
    let refresh = text(&first, "refresh_token");
    world.emulator.clock().advance(Duration::from_secs(60 * 86_400));
    assert_eq!(world.get(INFO, text(&first, "access_token")).await.0, 401);
    let (status, second) = world.refresh(refresh).await;
    assert_eq!((status, text(&second, "refresh_token")), (200, refresh));
    assert_eq!(second["refresh_token_expires_in"], 305 * 86_400);
    world.emulator.clock().advance(Duration::from_secs(305 * 86_400));
    assert_eq!(world.refresh(refresh).await.1["error"], "invalid_grant");
    world.switch(|linkedin| linkedin.dead_refresh = "invalid_request");
    assert_eq!(world.refresh(refresh).await.1["error"], "invalid_request");
}

#[tokio::test]
async fn introspection_tells_living_expired_and_revoked_tokens_apart() {
    let world = World::new().await;
    let tokens = world.connect().await;
    let token = [("token", text(&tokens, "access_token"))];
    let (_, found) = world.post(INTROSPECT, &token).await;
    assert_eq!((&found["active"], &found["status"]), (&json!(true), &json!("active")));
    assert_eq!(found["scope"], "openid,profile,w_member_social");
    assert_eq!(world.post(INTROSPECT, &[("token", "never")]).await.1, json!({"active": false}));
    assert_eq!(post(&world.http, INTROSPECT, &token).await.0, 400);
    world.site().expire_access("ada");
    assert_eq!(world.post(INTROSPECT, &token).await.1["status"], "expired");
    assert_eq!(world.get(INFO, token[0].1).await.1["code"], "EXPIRED_ACCESS_TOKEN");
    let tokens = world.connect().await;
    let token = [("token", text(&tokens, "access_token"))];
    world.site().withdraw("ada", ID);
    assert_eq!(world.post(INTROSPECT, &token).await.1["status"], "revoked");
    let (status, body) = world.get(INFO, token[0].1).await;
    assert_eq!((status, &body["serviceErrorCode"]), (401, &json!(65601)));
}

#[tokio::test]
async fn a_revocation_works_does_nothing_or_is_not_there() {
    let world = World::new().await;
    for (how, status, left) in
        [(Revocation::Works, 200, 0), (Revocation::Idle, 200, 1), (Revocation::Missing, 404, 2)]
    {
        world.switch(|linkedin| linkedin.revocation = how);
        let tokens = world.connect().await;
        let (found, _) = world.post(REVOKE, &[("token", text(&tokens, "access_token"))]).await;
        assert_eq!((found, world.site().live_tokens().len()), (status, left), "{how:?}");
    }
}

#[tokio::test]
async fn a_member_has_another_id_for_each_application() {
    let world = World::new().await;
    let tokens = world.connect_with("openid profile email").await;
    let (_, info) = world.get(INFO, text(&tokens, "access_token")).await;
    assert_eq!((&info["locale"], &info["email"]), (&json!("en-US"), &json!("ada@person.example")));
    world.switch(|linkedin| linkedin.locale_object = true);
    let (_, info) = world.get(INFO, text(&tokens, "access_token")).await;
    assert_eq!(info["locale"]["country"], "US");
    assert_eq!(world.get(ME, text(&tokens, "access_token")).await.0, 403);
    let older = world.connect_with("r_basicprofile").await;
    let (_, me) = world.get(ME, text(&older, "access_token")).await;
    assert_eq!((&me["id"], &me["vanityName"]), (&info["sub"], &json!("ada")));
    assert_eq!(world.get(INFO, text(&older, "access_token")).await.0, 403);
    world.site().add_key("fake-key-canary", "ada", ["openid"]);
    let (_, other) = world.get(INFO, "fake-key-canary").await;
    assert_ne!(other["sub"], info["sub"]);
}

#[tokio::test]
async fn the_api_wants_a_version_that_lives() {
    let world = World::new().await;
    let tokens = world.connect().await;
    let access = text(&tokens, "access_token");
    let body = post_of("urn:li:person:a", "Hello");
    for (headers, status, code) in [
        (&VERSIONED[1..], 400, "VERSION_MISSING"),
        (&[("linkedin-version", "202511"), VERSIONED[1]], 426, "NONEXISTENT_VERSION"),
        (&VERSIONED[..1], 400, "ILLEGAL_ARGUMENT"),
    ] {
        let (found, _, answer) = world.call(("POST", POSTS), access, headers, Some(&body)).await;
        assert_eq!((found, text(&answer, "code")), (status, code));
    }
}

#[tokio::test]
async fn a_post_has_no_body_and_its_text_is_little_text() {
    let world = World::new().await;
    let tokens = world.connect().await;
    let access = text(&tokens, "access_token");
    let (status, headers, body) = world.write(access, r"Hello \(all\) {hashtag|\#|tag} #too").await;
    assert_eq!((status, body), (201, Value::Null));
    let urn = headers["x-restli-id"].to_str().unwrap().to_owned();
    assert!(urn.starts_with("urn:li:share:"), "{urn}");
    let (status, _, body) = world.write(access, r"Hello \(all\) {hashtag|\#|tag} #too").await;
    assert_eq!((status, text(&body, "code")), (422, "DUPLICATE_POST"));
    for wrong in ["Hello (all)", "a_b", "a#", "C# or", r"a\b", "<b>", ""] {
        assert_eq!(world.write(access, wrong).await.0, 400, "{wrong}");
    }
    assert_eq!(world.write(access, &"x".repeat(3001)).await.0, 400);
    assert_eq!(world.write(access, &r"\_".repeat(3000)).await.0, 201);
    let foreign = post_of("urn:li:person:somebody-else", "Hello");
    let (status, _, body) = world.call(("POST", POSTS), access, &VERSIONED, Some(&foreign)).await;
    assert_eq!((status, text(&body, "code")), (403, "ACCESS_DENIED"));

    let one = format!("{POSTS}/{}", urn.replace(':', "%3A"));
    for _ in 0..2 {
        assert_eq!(world.call(("DELETE", &one), access, &VERSIONED, None).await.0, 204);
    }
    assert_eq!(world.site().written("post").len(), 1);
    let other = world.connect_with("openid").await;
    let (status, _, _) = world.write(text(&other, "access_token"), "Hello").await;
    assert_eq!(status, 403);
}

#[tokio::test]
async fn a_day_s_limit_has_no_header_and_ends_at_midnight() {
    let world = World::new().await;
    let tokens = world.connect().await;
    let access = text(&tokens, "access_token");
    for n in 0..150 {
        assert_eq!(world.write(access, &n.to_string()).await.0, 201);
    }
    let (status, headers, body) = world.write(access, "more").await;
    assert_eq!((status, headers.get("retry-after")), (429, None));
    assert!(text(&body, "message").contains("MEMBER DAY"));
    world.emulator.clock().advance(Duration::from_secs(86_400));
    assert_eq!(world.write(access, "more").await.0, 201);
    world.switch(|linkedin| linkedin.limits_application = true);
    world.site().fault(Endpoint::Api, Fault::RateLimited { retry_after: None });
    assert!(text(&world.write(access, "again").await.2, "message").contains("APPLICATION DAY"));
}

#[tokio::test]
async fn faults_speak_linkedin_s_language() {
    let world = World::new().await;
    world.switch(|linkedin| linkedin.programmatic_refresh = true);
    let tokens = world.connect().await;
    world.site().fault(Endpoint::Refresh, Fault::OkWithError("invalid_grant".into()));
    let (status, body) = world.refresh(text(&tokens, "refresh_token")).await;
    assert_eq!((status, text(&body, "error")), (200, "invalid_grant"));
    world.site().fault(Endpoint::Identity, Fault::OkWithError("ACCESS_DENIED".into()));
    let (status, body) = world.get(INFO, text(&tokens, "access_token")).await;
    assert_eq!((status, &body["serviceErrorCode"]), (200, &json!(100)));
    world.site().fault(Endpoint::Exchange, Fault::ScopeShrink);
    assert_eq!(world.connect().await["scope"], "openid,profile");
}
