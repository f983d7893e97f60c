//! X: authorization with PKCE, tokens, revocation, the account, posts.
#![allow(clippy::unwrap_used, reason = "a failure here is a failure of the test")]

mod support;

use std::time::Duration;

use bailee_emulator::x::X;
use bailee_emulator::{Account, Client, Decision, Emulator, Endpoint, Fault, Site};
use reqwest::header::HeaderMap;
use serde_json::{Value, json};
use support::*;

const TOKEN: &str = "https://api.x.com/2/oauth2/token";
const REVOKE: &str = "https://api.x.com/2/oauth2/revoke";
const ME: &str = "https://api.x.com/2/users/me";
const POSTS: &str = "https://api.x.com/2/tweets";

struct World {
    emulator: Emulator,
    http: reqwest::Client,
}

impl World {
    async fn new() -> Self {
        let emulator = Emulator::builder().play(X::new()).start().await.unwrap();
        furnish(emulator.site("x").unwrap());
        let http = http(&emulator);
        Self { emulator, http }
    }

    fn site(&self) -> &Site {
        self.emulator.site("x").unwrap()
    }

    fn switch(&self, change: impl FnOnce(&mut X)) {
        assert!(self.site().switches(change));
    }

    async fn post(&self, url: &str, pairs: &[(&str, &str)]) -> (u16, Value) {
        let secret = form(&[("", SECRET)]).split_off(1);
        let request = self.http.post(url).basic_auth(ID, Some(secret));
        let request = request.header("content-type", "application/x-www-form-urlencoded");
        let answer = request.body(form(pairs)).send().await.unwrap();
        (answer.status().as_u16(), json(&answer.text().await.unwrap()))
    }

    async fn code(&self, changes: &[(&str, &str)]) -> String {
        let back = allow(&self.emulator, &authorize(changes)).await;
        parameter(&back, "code").unwrap_or_else(|| panic!("{back}"))
    }

    async fn exchange(&self, code: &str) -> (u16, Value) {
        self.post(
            TOKEN,
            &[
                ("grant_type", "authorization_code"),
                ("redirect_uri", REDIRECT),
                ("code_verifier", VERIFIER),
                ("code", code),
            ],
        )
        .await
    }

    async fn refresh(&self, token: &str) -> (u16, Value) {
        self.post(TOKEN, &[("grant_type", "refresh_token"), ("refresh_token", token)]).await
    }

    async fn connect(&self) -> Value {
        let (status, tokens) = self.exchange(&self.code(&[]).await).await;
        assert_eq!(status, 200, "{tokens}");
        tokens
    }

    async fn call(
        &self,
        method: &str,
        url: &str,
        token: &str,
        body: Value,
    ) -> (u16, HeaderMap, Value) {
        let method = reqwest::Method::from_bytes(method.as_bytes()).unwrap();
        let request = self.http.request(method, url).bearer_auth(token);
        let request = if body.is_null() {
            request
        } else {
            request.header("content-type", "application/json").body(body.to_string())
        };
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
        ("scope", "tweet.read tweet.write users.read offline.access"),
        ("code_challenge", CHALLENGE),
        ("code_challenge_method", "S256"),
    ];
    for (key, value) in changes {
        pairs.retain(|(known, _)| known != key);
        if !value.is_empty() {
            pairs.push((key, value));
        }
    }
    url("https://x.com/i/oauth2/authorize", &pairs)
}

fn kind(answer: &(u16, HeaderMap, Value)) -> (u16, &str) {
    assert_eq!(answer.1["content-type"], "application/problem+json");
    let kind = text(&answer.2, "type");
    (answer.0, kind.strip_prefix("https://api.x.com/2/problems/").unwrap_or(kind))
}

#[tokio::test]
async fn a_person_allows_and_offline_access_brings_a_refresh_token() {
    let world = World::new().await;
    let tokens = world.connect().await;
    assert_eq!((&tokens["token_type"], &tokens["expires_in"]), (&json!("bearer"), &json!(7200)));
    assert!(text(&tokens, "access_token").len() > 90);
    assert!(tokens["refresh_token"].is_string());
    let code = world.code(&[("scope", "tweet.read users.read")]).await;
    let (_, tokens) = world.exchange(&code).await;
    assert_eq!(tokens.get("refresh_token"), None);
    let back = world.emulator.consent(&authorize(&[]), Decision::Deny, "ada").await.unwrap();
    assert_eq!(parameter(&back, "error").as_deref(), Some("access_denied"));
}

#[tokio::test]
async fn every_client_needs_pkce_and_a_state_of_500_characters_at_most() {
    let world = World::new().await;
    let back = allow(&world.emulator, &authorize(&[("code_challenge", "")])).await;
    assert_eq!(parameter(&back, "error").as_deref(), Some("invalid_request"));
    let long = "s".repeat(501);
    let back = allow(&world.emulator, &authorize(&[("state", &long)])).await;
    assert_eq!(parameter(&back, "error").as_deref(), Some("invalid_request"));
    let page = authorize(&[("redirect_uri", "https://app.example/cb/")]);
    assert!(world.emulator.consent(&page, Decision::Allow, "ada").await.is_err());
}

#[tokio::test]
async fn the_token_address_takes_basic_and_of_public_clients_the_id() {
    let world = World::new().await;
    let code = world.code(&[]).await;
    let mut pairs = vec![
        ("client_id", ID),
        ("client_secret", SECRET),
        ("grant_type", "authorization_code"),
        ("redirect_uri", REDIRECT),
        ("code_verifier", VERIFIER),
        ("code", code.as_str()),
    ];
    let (status, body) = post(&world.http, TOKEN, &pairs).await;
    assert_eq!((status, text(&body, "error")), (401, "unauthorized_client"));
    world.site().add_client(Client::new("public-1").redirect(REDIRECT)).unwrap();
    let code = world.code(&[("client_id", "public-1")]).await;
    pairs.retain(|(name, _)| !["client_id", "client_secret", "code"].contains(name));
    pairs.extend([("client_id", "public-1"), ("code", code.as_str())]);
    assert_eq!(post(&world.http, TOKEN, &pairs).await.0, 200);
}

#[tokio::test]
async fn what_is_dead_is_an_invalid_request() {
    let world = World::new().await;
    let code = world.code(&[]).await;
    world.emulator.clock().advance(Duration::from_secs(30));
    let (status, body) = world.exchange(&code).await;
    assert_eq!((status, text(&body, "error")), (400, "invalid_request"));
    let what = "Value passed for the authorization code was invalid.";
    assert_eq!(text(&body, "error_description"), what);
    let first = world.connect().await;
    let (_, second) = world.refresh(text(&first, "refresh_token")).await;
    let (status, body) = world.refresh(text(&first, "refresh_token")).await;
    assert_eq!((status, text(&body, "error")), (400, "invalid_request"));
    let what = "Value passed for the token was invalid.";
    assert_eq!(text(&body, "error_description"), what);
    assert!(world.site().is_live(text(&second, "refresh_token")));
    world.switch(|x| x.reuse_ends_grant = true);
    world.refresh(text(&second, "refresh_token")).await;
    world.refresh(text(&second, "refresh_token")).await;
    assert!(world.site().live_tokens().is_empty());
    world.switch(|x| x.dead = "invalid_grant");
    assert_eq!(world.refresh("never-issued").await.1["error"], "invalid_grant");
    let (_, body) = world.post(TOKEN, &[("grant_type", "refresh_token")]).await;
    assert_eq!(text(&body, "error_description"), "Missing required parameter [refresh_token].");
}

#[tokio::test]
async fn another_authorization_ends_the_tokens_of_the_one_before() {
    let world = World::new().await;
    let first = world.connect().await;
    let second = world.connect().await;
    let me = |token: &Value| text(token, "access_token").to_owned();
    assert_eq!(world.call("GET", ME, &me(&first), Value::Null).await.0, 401);
    assert_eq!(world.call("GET", ME, &me(&second), Value::Null).await.0, 200);
}

#[tokio::test]
async fn each_token_is_revoked_by_itself_or_both_at_once() {
    let world = World::new().await;
    let tokens = world.connect().await;
    let (access, refresh) = (text(&tokens, "access_token"), text(&tokens, "refresh_token"));
    let done = (200, json!({"revoked": true}));
    assert_eq!(world.post(REVOKE, &[("token", refresh)]).await, done);
    assert!(world.site().is_live(access));
    assert_eq!(world.post(REVOKE, &[("token", access)]).await, done);
    assert!(world.site().live_tokens().is_empty());
    assert_eq!(world.post(REVOKE, &[("token", access)]).await, done);
    world.switch(|x| (x.revokes_pair, x.refuses_dead) = (true, true));
    let tokens = world.connect().await;
    assert_eq!(world.post(REVOKE, &[("token", text(&tokens, "refresh_token"))]).await, done);
    assert!(world.site().live_tokens().is_empty());
    let again = world.post(REVOKE, &[("token", text(&tokens, "access_token"))]).await;
    assert_eq!((again.0, text(&again.1, "error")), (400, "invalid_request"));
}

#[tokio::test]
async fn the_account_says_what_is_asked_for_and_the_rest_is_a_problem_beside_it() {
    let world = World::new().await;
    let ada = Account::new("ada").fact("username", "ada_l").fact("protected", true);
    world.site().add_account(ada);
    let tokens = world.connect().await;
    let access = text(&tokens, "access_token");
    let (status, _, body) = world.call("GET", ME, access, Value::Null).await;
    assert_eq!((status, &body["data"]["username"]), (200, &json!("ada_l")));
    assert!(text(&body["data"], "id").parse::<u64>().is_ok());
    assert_eq!(body["data"].as_object().unwrap().len(), 3);
    let fields = format!("{ME}?user.fields=protected,verified_type,confirmed_email");
    let (status, _, body) = world.call("GET", &fields, access, Value::Null).await;
    assert_eq!((status, &body["data"]["protected"]), (200, &json!(true)));
    assert_eq!(body["data"]["verified_type"], "none");
    assert!(text(&body["errors"][0], "type").ends_with("not-authorized-for-field"));
    let unknown = format!("{ME}?user.fields=shoe_size");
    assert_eq!(world.call("GET", &unknown, access, Value::Null).await.0, 400);
    world.site().add_key("fake-key-canary", "ada", ["users.read"]);
    let refused = world.call("GET", ME, "fake-key-canary", Value::Null).await;
    assert_eq!(kind(&refused), (403, "about:blank"));
}

#[tokio::test]
async fn a_text_is_posted_once_an_hour_and_deleted_by_its_author() {
    let world = World::new().await;
    let tokens = world.connect().await;
    let access = text(&tokens, "access_token");
    let hello = json!({"text": "Hello", "reply_settings": "following"});
    let (status, _, body) = world.call("POST", POSTS, access, hello.clone()).await;
    assert_eq!((status, &body["data"]["text"]), (201, &json!("Hello")));
    let again = world.call("POST", POSTS, access, hello.clone()).await;
    assert_eq!(kind(&again), (403, "about:blank"));
    assert!(text(&again.2, "detail").contains("duplicate content"));
    assert_eq!(world.site().written("post").len(), 1);
    world.emulator.clock().advance(Duration::from_secs(3600));
    assert_eq!(world.call("POST", POSTS, access, hello).await.0, 201);
    let one = format!("{POSTS}/{}", text(&body["data"], "id"));
    world.site().add_key("fake-key-canary", "grace", ["tweet.read", "tweet.write", "users.read"]);
    assert_eq!(world.call("DELETE", &one, "fake-key-canary", Value::Null).await.0, 403);
    for _ in 0..2 {
        let (status, _, body) = world.call("DELETE", &one, access, Value::Null).await;
        assert_eq!((status, body), (200, json!({"data": {"deleted": true}})));
    }
    assert_eq!(world.site().written("post").len(), 1);
}

#[tokio::test]
async fn posts_that_cannot_be_are_refused() {
    let world = World::new().await;
    let tokens = world.connect().await;
    let access = text(&tokens, "access_token");
    let link = format!("https://example.test/{}", "x".repeat(300));
    for (body, status) in [
        (json!({"text": "x".repeat(280)}), 201),
        (json!({"text": format!("{} {link}", "y".repeat(256))}), 201),
        (json!({"text": "x".repeat(281)}), 400),
        (json!({"text": " "}), 400),
        (json!({}), 400),
        (json!([]), 400),
        (json!({"text": "a", "reply_settings": "nobody"}), 400),
        (json!({"text": "a", "reply": {"in_reply_to_tweet_id": "x"}}), 400),
        (json!({"text": "a", "shout": true}), 400),
    ] {
        let answer = world.call("POST", POSTS, access, body.clone()).await;
        assert_eq!(answer.0, status, "{body}: {}", answer.2);
    }
    world.site().add_account(Account::new("ada").fact("premium", true));
    assert_eq!(world.call("POST", POSTS, access, json!({"text": "x".repeat(281)})).await.0, 201);
    world.site().add_account(Account::new("ada").fact("locked", true));
    let (status, _, body) = world.call("POST", POSTS, access, json!({"text": "b"})).await;
    assert_eq!((status, &body["errors"][0]["code"]), (403, &json!(326)));
}

#[tokio::test]
async fn limits_and_caps_are_told_as_x_tells_them() {
    let world = World::new().await;
    let tokens = world.connect().await;
    let access = text(&tokens, "access_token");
    for n in 0..100 {
        assert_eq!(world.call("POST", POSTS, access, json!({"text": n.to_string()})).await.0, 201);
    }
    let limited = world.call("POST", POSTS, access, json!({"text": "more"})).await;
    assert_eq!(kind(&limited), (429, "rate-limit-exceeded"));
    assert_eq!(limited.1["x-rate-limit-reset"], "1767226500");
    assert!(!limited.1.contains_key("retry-after"));
    world.emulator.clock().advance(Duration::from_secs(900));
    world.switch(|x| x.daily_cap = true);
    let limited = world.call("POST", POSTS, access, json!({"text": "more"})).await;
    assert_eq!(
        (limited.0, &limited.1["x-app-limit-24hour-remaining"]),
        (429, &"0".parse().unwrap())
    );
    world.switch(|x| (x.daily_cap, x.usage_capped) = (false, true));
    let capped = world.call("POST", POSTS, access, json!({"text": "more"})).await;
    assert_eq!(kind(&capped), (429, "usage-capped"));
    world.switch(|x| (x.usage_capped, x.enrolled) = (false, false));
    let refused = world.call("GET", ME, access, Value::Null).await;
    assert_eq!(kind(&refused), (403, "client-forbidden"));
}

#[tokio::test]
async fn faults_speak_x_s_language() {
    let world = World::new().await;
    let tokens = world.connect().await;
    let access = text(&tokens, "access_token");
    world.site().fault(Endpoint::Refresh, Fault::OkWithError("invalid_request".into()));
    let (status, body) = world.refresh(text(&tokens, "refresh_token")).await;
    assert_eq!((status, text(&body, "error")), (200, "invalid_request"));
    world.site().fault(Endpoint::Api, Fault::OkWithError("no".into()));
    let (status, _, body) = world.call("POST", POSTS, access, json!({"text": "a"})).await;
    assert_eq!((status, &body["errors"][0]["title"]), (200, &json!("no")));
    assert_eq!(body.get("data"), None);
    world.site().fault(Endpoint::Api, Fault::RateLimited { retry_after: Some("30".into()) });
    let (status, headers, _) = world.call("POST", POSTS, access, json!({"text": "a"})).await;
    assert_eq!((status, &headers["x-rate-limit-reset"]), (429, &"1767225630".parse().unwrap()));
    world.switch(|x| x.gateway_errors = true);
    let (status, _, body) = world.call("POST", POSTS, "never-issued", json!({})).await;
    assert_eq!((status, &body["errors"][0]["message"]), (401, &json!("Unauthorized")));
}
