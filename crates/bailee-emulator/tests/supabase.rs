//! Supabase: authorization, tokens, revocation, organisations, projects.
#![allow(clippy::unwrap_used, reason = "a failure here is a failure of the test")]

mod support;

use std::time::Duration;

use bailee_emulator::supabase::Supabase;
use bailee_emulator::{Account, Client, ConsentError, Decision, Emulator, Endpoint, Fault, Site};
use serde_json::{Value, json};
use support::*;

const AUTHORIZE: &str = "https://api.supabase.com/v1/oauth/authorize";
const TOKEN: &str = "https://api.supabase.com/v1/oauth/token";
const REVOKE: &str = "https://api.supabase.com/v1/oauth/revoke";

struct World {
    emulator: Emulator,
    http: reqwest::Client,
}

impl World {
    async fn new() -> Self {
        let emulator = Emulator::builder().play(Supabase::new()).start().await.unwrap();
        furnish(emulator.site("supabase").unwrap());
        let http = http(&emulator);
        Self { emulator, http }
    }

    fn site(&self) -> &Site {
        self.emulator.site("supabase").unwrap()
    }

    fn switch(&self, change: impl FnOnce(&mut Supabase)) {
        assert!(self.site().switches(change));
    }

    async fn token(&self, pairs: &[(&str, &str)]) -> (u16, Value) {
        let secret = form(&[("", SECRET)]).split_off(1);
        let request = self.http.post(TOKEN).basic_auth(ID, Some(secret));
        let request = request.header("content-type", "application/x-www-form-urlencoded");
        let answer = request.body(form(pairs)).send().await.unwrap();
        (answer.status().as_u16(), json(&answer.text().await.unwrap()))
    }

    async fn connect_with(&self, method: &str, challenge: &str) -> (u16, Value) {
        let back = allow(&self.emulator, &authorize(method, challenge, "s1")).await;
        let code = parameter(&back, "code").unwrap_or_else(|| panic!("{back}"));
        let pairs = [
            ("grant_type", "authorization_code"),
            ("code", code.as_str()),
            ("redirect_uri", REDIRECT),
            ("code_verifier", VERIFIER),
        ];
        self.token(&pairs).await
    }

    async fn connect(&self) -> Value {
        let (status, tokens) = self.connect_with("S256", CHALLENGE).await;
        assert_eq!(status, 201, "{tokens}");
        tokens
    }

    async fn refresh(&self, token: &str) -> (u16, Value) {
        self.token(&[("grant_type", "refresh_token"), ("refresh_token", token)]).await
    }

    async fn get(&self, path: &str, token: &str) -> (u16, Value) {
        let url = format!("https://api.supabase.com/v1{path}");
        let answer = self.http.get(url).bearer_auth(token).send().await.unwrap();
        (answer.status().as_u16(), json(&answer.text().await.unwrap()))
    }

    async fn revoke(&self, body: &Value) -> u16 {
        let request = self.http.post(REVOKE).header("content-type", "application/json");
        request.body(body.to_string()).send().await.unwrap().status().as_u16()
    }
}

fn authorize(method: &str, challenge: &str, state: &str) -> String {
    let pairs = [
        ("client_id", ID),
        ("redirect_uri", REDIRECT),
        ("response_type", "code"),
        ("state", state),
        ("code_challenge", challenge),
        ("code_challenge_method", method),
    ];
    url(AUTHORIZE, &pairs)
}

#[tokio::test]
async fn tokens_come_with_201_and_without_scopes() {
    let world = World::new().await;
    let tokens = world.connect().await;
    assert_eq!((&tokens["token_type"], &tokens["expires_in"]), (&json!("Bearer"), &json!(3600)));
    assert!(tokens.get("scope").is_none());
    for (method, challenge) in [("sha256", CHALLENGE), ("plain", VERIFIER)] {
        assert_eq!(world.connect_with(method, challenge).await.0, 201, "{method}");
    }
    assert_eq!(world.connect_with("S256", &CHALLENGE.replace('E', "F")).await.0, 400);
    let address = authorize("S256", CHALLENGE, "s1");
    let back = world.emulator.consent(&address, Decision::Deny, "ada").await.unwrap();
    assert_eq!(parameter(&back, "error").as_deref(), Some("access_denied"));
}

#[tokio::test]
async fn redirect_and_state_have_four_kilobytes_together() {
    let world = World::new().await;
    let address = authorize("S256", CHALLENGE, &"s".repeat(4097 - REDIRECT.len()));
    match world.emulator.consent(&address, Decision::Allow, "ada").await {
        Ok(back) => assert_eq!(parameter(&back, "error").as_deref(), Some("invalid_request")),
        Err(refused) => assert!(matches!(refused, ConsentError::Page { .. }), "{refused:?}"),
    }
    let fits = authorize("S256", CHALLENGE, &"s".repeat(4096 - REDIRECT.len()));
    assert!(parameter(&allow(&world.emulator, &fits).await, "code").is_some());
}

#[tokio::test]
async fn the_token_address_takes_no_member_that_it_does_not_know() {
    let world = World::new().await;
    let tokens = world.connect().await;
    let refresh = text(&tokens, "refresh_token");
    let pairs = [("grant_type", "refresh_token"), ("refresh_token", refresh), ("audience", "x")];
    assert_eq!(world.token(&pairs).await.0, 400);
    // Id and secret in the body instead, and never both.
    let body = [
        ("grant_type", "refresh_token"),
        ("refresh_token", refresh),
        ("client_id", ID),
        ("client_secret", SECRET),
    ];
    assert_ne!(world.token(&body).await.0, 201);
    assert_eq!(post(&world.http, TOKEN, &body).await.0, 201);
}

#[tokio::test]
async fn a_refresh_gives_a_new_token_and_errors_are_in_either_shape() {
    let world = World::new().await;
    let tokens = world.connect().await;
    let old = text(&tokens, "refresh_token");
    let (status, fresh) = world.refresh(old).await;
    assert_eq!(status, 201);
    assert_ne!(text(&fresh, "refresh_token"), old);
    let (status, body) = world.refresh(old).await;
    assert_eq!((status, &body), (400, &json!({"message": "Invalid refresh token"})));
    assert_eq!(world.site().reuse_alarms().len(), 1);
    world.switch(|supabase| supabase.oauth_errors = true);
    assert_eq!(world.refresh(old).await.1["error"], "invalid_grant");
    world.switch(|supabase| supabase.refresh_style = bailee_emulator::RefreshStyle::Overlapping);
    let newest = text(&fresh, "refresh_token");
    for _ in 0..2 {
        assert_eq!(world.refresh(newest).await.0, 201);
    }
}

#[tokio::test]
async fn a_revocation_is_json_and_ends_everything() {
    let world = World::new().await;
    let (first, second) = (world.connect().await, world.connect().await);
    let refresh = text(&first, "refresh_token");
    let good = json!({"client_id": ID, "client_secret": SECRET, "refresh_token": refresh});
    for (name, value, status) in [
        ("client_secret", json!("fake-wrong"), 401),
        ("refresh_token", json!("fake-unknown"), 404),
        ("refresh_token", first["access_token"].clone(), 400),
        ("token", json!("x"), 400),
    ] {
        let mut body = good.clone();
        body[name] = value;
        assert_eq!(world.revoke(&body).await, status, "{name}");
    }
    let pairs = [("client_id", ID), ("client_secret", SECRET), ("refresh_token", refresh)];
    assert_eq!(post_form(&world.http, REVOKE, &pairs).await.unwrap().0, 400);
    assert!(world.site().is_live(text(&second, "access_token")));
    assert_eq!(world.revoke(&good).await, 204);
    assert!(world.site().live_tokens().is_empty());
    let (status, body) = world.get("/projects", text(&second, "access_token")).await;
    assert_eq!((status, text(&body, "message")), (401, "Unauthorized"));
}

#[tokio::test]
async fn organisations_and_projects_are_lists_that_come_at_once() {
    let world = World::new().await;
    let two = Account::new("ada").fact("organizations", json!(["zebra", "aardvark"]));
    world.site().add_account(two);
    let tokens = world.connect().await;
    let token = text(&tokens, "access_token");
    let (_, organizations) = world.get("/organizations", token).await;
    assert_eq!(organizations[0]["slug"], "zebra");
    assert_eq!(organizations.as_array().unwrap().len(), 2);
    let (_, projects) = world.get("/projects", token).await;
    let reference = text(&projects[1], "ref");
    assert!(reference.len() == 20 && reference.bytes().all(|b| b.is_ascii_lowercase()));
    assert_eq!(projects[1]["organization_slug"], "aardvark");
    assert_eq!(world.get("/nothing", token).await.0, 404);
}

#[tokio::test]
async fn scopes_are_those_that_the_application_had_at_the_consent() {
    let world = World::new().await;
    let app = |scopes: &[&str]| {
        Client::new(ID).secret(SECRET).redirect(REDIRECT).scopes(scopes.iter().copied())
    };
    world.site().add_client(app(&["organizations:read"])).unwrap();
    let tokens = world.connect().await;
    world.site().add_client(app(&["organizations:read", "projects:read"])).unwrap();
    let token = text(&tokens, "access_token");
    assert_eq!(world.get("/organizations", token).await.0, 200);
    assert_eq!(world.get("/projects", token).await.0, 403, "the consent is an old one");
    let again = world.connect().await;
    assert_eq!(world.get("/projects", text(&again, "access_token")).await.0, 200);
}

#[tokio::test]
async fn the_121st_call_of_a_minute_waits_for_the_next_one() {
    let world = World::new().await;
    let tokens = world.connect().await;
    let token = text(&tokens, "access_token");
    for _ in 0..120 {
        assert_eq!(world.get("/projects", token).await.0, 200);
    }
    let url = "https://api.supabase.com/v1/projects";
    let answer = world.http.get(url).bearer_auth(token).send().await.unwrap();
    assert_eq!(answer.status(), 429);
    let left: u64 = answer.headers()["x-ratelimit-reset"].to_str().unwrap().parse().unwrap();
    assert!((1..=60).contains(&left));
    world.emulator.clock().advance(Duration::from_secs(left));
    assert_eq!(world.get("/projects", token).await.0, 200);
    world.site().fault(Endpoint::Api, Fault::RateLimited { retry_after: Some("7".into()) });
    assert_eq!(world.get("/projects", token).await.0, 429);
}
