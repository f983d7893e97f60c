//! Faults: what the client sees, and what the provider has done by then.
#![allow(clippy::unwrap_used, reason = "a failure here is a failure of the test")]

mod support;

use std::time::Duration;

use bailee_emulator::oidc::Issuer;
use bailee_emulator::tiktok::TikTok;
use bailee_emulator::{Emulator, Endpoint, Fault, Gate, Site};
use serde_json::Value;
use support::*;

const TOKEN: &str = "https://id.example.test/token";

struct World {
    emulator: Emulator,
    http: reqwest::Client,
    first: Value,
}

impl World {
    async fn new() -> Self {
        let builder = Emulator::builder().issuer(Issuer::new("https://id.example.test"));
        let emulator = builder.tiktok(TikTok::new()).start().await.unwrap();
        furnish(emulator.site("id.example.test").unwrap());
        let http = http(&emulator);
        let authorize = url(
            "https://id.example.test/authorize",
            &[
                ("client_id", ID),
                ("response_type", "code"),
                ("scope", "notes.read notes.write"),
                ("redirect_uri", REDIRECT),
                ("code_challenge", CHALLENGE),
                ("code_challenge_method", "S256"),
            ],
        );
        let back = allow(&emulator, &authorize).await;
        let pairs = [
            ("client_id", ID),
            ("client_secret", SECRET),
            ("grant_type", "authorization_code"),
            ("code", &parameter(&back, "code").unwrap()),
            ("redirect_uri", REDIRECT),
            ("code_verifier", VERIFIER),
        ];
        let (_, first) = post(&http, TOKEN, &pairs).await;
        Self { emulator, http, first }
    }

    fn site(&self) -> &Site {
        self.emulator.site("id.example.test").unwrap()
    }

    fn token(&self) -> &str {
        text(&self.first, "refresh_token")
    }

    /// Whether the refresh happened at the provider, whatever the client saw.
    fn worked(&self) -> bool {
        !self.site().is_live(self.token())
    }

    async fn refresh(&self) -> reqwest::Result<(u16, String)> {
        refresh(&self.http, self.token()).await
    }

    async fn refresh_with(&self, fault: Fault) -> (u16, String) {
        self.site().fault(Endpoint::Refresh, fault);
        self.refresh().await.unwrap()
    }
}

async fn refresh(http: &reqwest::Client, token: &str) -> reqwest::Result<(u16, String)> {
    let pairs = [
        ("client_id", ID),
        ("client_secret", SECRET),
        ("grant_type", "refresh_token"),
        ("refresh_token", token),
    ];
    post_form(http, TOKEN, &pairs).await
}

#[tokio::test]
async fn a_status_comes_as_often_as_planned_and_does_nothing() {
    let world = World::new().await;
    world.site().fault(Endpoint::Refresh, Fault::Status(503).times(2));
    assert_eq!(world.refresh().await.unwrap().0, 503);
    assert_eq!(world.refresh().await.unwrap().0, 503);
    assert!(!world.worked());
    assert_eq!(world.refresh().await.unwrap().0, 200);
    assert!(world.worked());
    assert_eq!(world.site().count(Endpoint::Refresh), 3);
}

#[tokio::test]
async fn faults_stay_until_they_are_cleared() {
    let world = World::new().await;
    world.site().fault_everywhere(Fault::Status(500).always());
    for _ in 0..3 {
        assert_eq!(world.refresh().await.unwrap().0, 500);
    }
    world.site().clear_faults();
    assert_eq!(world.refresh().await.unwrap().0, 200);
}

#[tokio::test]
async fn a_dropped_connection_is_ambiguous() {
    for (fault, worked) in
        [(Fault::DropBeforeEffect, false), (Fault::DropAfterEffect, true), (Fault::CutOff, true)]
    {
        let world = World::new().await;
        world.site().fault(Endpoint::Refresh, fault.clone());
        assert!(world.refresh().await.is_err(), "{fault:?}");
        assert_eq!(world.worked(), worked, "{fault:?}");
        assert_eq!(world.site().count(Endpoint::Refresh), 1, "{fault:?}");
        assert_eq!(world.site().pending_faults(), 0);
    }
}

#[tokio::test]
async fn a_cut_off_answer_begins_well() {
    let world = World::new().await;
    world.site().fault(Endpoint::Jwks, Fault::CutOff);
    let answer = world.http.get("https://id.example.test/jwks").send().await.unwrap();
    assert_eq!(answer.status(), 200);
    assert!(answer.text().await.is_err());
}

#[tokio::test]
async fn a_held_answer_waits_for_the_gate_after_its_work_is_done() {
    let world = World::new().await;
    let gate = Gate::new();
    world.site().fault(Endpoint::Refresh, Fault::Held(gate.clone()));
    let (http, token) = (world.http.clone(), world.token().to_owned());
    let call = tokio::spawn(async move { refresh(&http, &token).await.unwrap() });
    gate.until_arrived(1).await;
    assert!(world.worked() && !call.is_finished());
    gate.open();
    assert_eq!(call.await.unwrap().0, 200);
    assert_eq!(gate.arrived(), 1);
}

#[tokio::test]
async fn a_slow_answer_outlasts_an_impatient_client() {
    let world = World::new().await;
    world.site().fault(Endpoint::Jwks, Fault::Slow(Duration::from_secs(3600)));
    let request = world.http.get("https://id.example.test/jwks");
    let refused = request.timeout(Duration::from_millis(50)).send().await.unwrap_err();
    assert!(refused.is_timeout());
    world.site().fault(Endpoint::Jwks, Fault::Slow(Duration::from_millis(1)));
    let answer = world.http.get("https://id.example.test/jwks").send().await.unwrap();
    assert_eq!(answer.status(), 200);
}

#[tokio::test]
async fn token_answers_can_be_misshapen() {
    let world = World::new().await;
    let (_, body) = world.refresh_with(Fault::DuplicateKeys).await;
    assert_eq!(body.matches("\"access_token\"").count(), 2);
    assert_eq!(body.matches("\"expires_in\"").count(), 2);

    let world = World::new().await;
    let (_, body) = world.refresh_with(Fault::Malformed).await;
    let body = json(&body);
    assert_eq!(body["access_token"], 3600);
    assert!(text(&body, "expires_in").contains(world.emulator.marker()));

    for raw in ["-5", "1e400", "null", "\"soon\"", "99999999999999999999", "0.5"] {
        let world = World::new().await;
        let (_, body) = world.refresh_with(Fault::ExpiresIn(raw.into())).await;
        assert!(body.contains(&format!("\"expires_in\":{raw},")), "{body}");
    }

    let world = World::new().await;
    let (_, body) = world.refresh_with(Fault::TokenType("DPoP".into())).await;
    assert_eq!(json(&body)["token_type"], "DPoP");

    let world = World::new().await;
    let (_, body) = world.refresh_with(Fault::Oversize).await;
    assert!(body.len() > 256 * 1024);
    assert!(json(&body)["access_token"].is_string());
}

#[tokio::test]
async fn scopes_grow_and_shrink_at_the_provider_too() {
    let world = World::new().await;
    let (_, body) = world.refresh_with(Fault::ScopeShrink).await;
    assert_eq!(json(&body)["scope"], "notes.read");
    assert!(world.site().live_tokens().iter().any(|token| token.scopes == ["notes.read"]));
    let world = World::new().await;
    let (_, body) = world.refresh_with(Fault::ScopeGrow("admin".into())).await;
    assert_eq!(json(&body)["scope"], "notes.read notes.write admin");
}

#[tokio::test]
async fn a_refresh_without_a_new_refresh_token_leaves_the_old_one_good() {
    let world = World::new().await;
    let (status, body) = world.refresh_with(Fault::NoRefreshToken).await;
    assert_eq!(status, 200);
    assert!(json(&body).get("refresh_token").is_none());
    assert!(!world.worked());
    assert_eq!(world.refresh().await.unwrap().0, 200);
}

#[tokio::test]
async fn answers_that_are_not_what_they_seem_do_nothing() {
    let world = World::new().await;
    let (status, body) = world.refresh_with(Fault::OkWithError("invalid_grant".into())).await;
    assert_eq!((status, &json(&body)["error"]), (200, &Value::from("invalid_grant")));
    let (status, body) = world.refresh_with(Fault::Html).await;
    assert!(status == 200 && body.starts_with("<!doctype html>"));
    for status in [301, 302, 303, 307, 308] {
        let location = "https://evil.example/".to_owned();
        let (got, _) = world.refresh_with(Fault::Redirect { status, location }).await;
        assert_eq!(got, status);
    }
    assert!(!world.worked());
}

#[tokio::test]
async fn a_rate_limit_says_when_to_come_back_in_any_form() {
    let world = World::new().await;
    let date = world.emulator.clock().http_date(Duration::from_secs(120));
    assert_eq!(date, "Thu, 01 Jan 2026 00:02:00 GMT");
    for form in [Some("120"), Some(date.as_str()), None] {
        let fault = Fault::RateLimited { retry_after: form.map(String::from) };
        world.site().fault(Endpoint::Jwks, fault);
        let answer = world.http.get("https://id.example.test/jwks").send().await.unwrap();
        assert_eq!(answer.status(), 429);
        let header = answer.headers().get("retry-after").map(|value| value.to_str().unwrap());
        assert_eq!(header, form);
        assert_eq!(answer.headers()["date"], "Thu, 01 Jan 2026 00:00:00 GMT");
    }
}

#[tokio::test]
async fn an_echo_repeats_every_secret_of_the_request() {
    let world = World::new().await;
    world.site().fault(Endpoint::Refresh, Fault::EchoSecrets);
    let answer = world
        .http
        .post(format!("{TOKEN}?in=query"))
        .basic_auth(ID, Some("in-the-header"))
        .header("content-type", "application/x-www-form-urlencoded")
        .body(form(&[("grant_type", "refresh_token"), ("refresh_token", world.token())]))
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), 400);
    let body = answer.text().await.unwrap();
    for part in [world.token(), "in=query", "authorization: Basic "] {
        assert!(body.contains(part), "{part}");
    }
    assert!(world.site().secrets_seen().contains("in-the-header"));
}

#[tokio::test]
async fn a_wrong_content_type_spoils_a_good_answer() {
    let world = World::new().await;
    world.site().fault(Endpoint::Jwks, Fault::WrongContentType);
    let answer = world.http.get("https://id.example.test/jwks").send().await.unwrap();
    assert_eq!(answer.headers()["content-type"], "text/plain");
}

#[tokio::test]
async fn tiktok_s_errors_keep_its_two_shapes() {
    let world = World::new().await;
    let site = world.emulator.site("tiktok").unwrap();
    site.fault_everywhere(Fault::OkWithError("server_error".into()).always());
    let pairs = [("grant_type", "refresh_token")];
    let token = "https://open.tiktokapis.com/v2/oauth/token/";
    let (status, body) = post(&world.http, token, &pairs).await;
    assert_eq!((status, &body["error"]), (200, &Value::from("server_error")));
    let info = "https://open.tiktokapis.com/v2/user/info/?fields=open_id";
    let answer = world.http.get(info).send().await.unwrap();
    assert_eq!(json(&answer.text().await.unwrap())["error"]["code"], "server_error");
}

#[tokio::test]
async fn every_request_is_recorded_with_the_status_of_its_answer() {
    let world = World::new().await;
    world.site().fault(Endpoint::Refresh, Fault::DropAfterEffect);
    world.refresh().await.unwrap_err();
    let requests = world.site().requests();
    let endpoints: Vec<_> =
        requests.iter().map(|request| (request.endpoint, request.status)).collect();
    assert_eq!(
        endpoints,
        [
            (Endpoint::Authorize, Some(200)),
            (Endpoint::Consent, Some(302)),
            (Endpoint::Exchange, Some(200)),
            (Endpoint::Refresh, None),
        ]
    );
    assert!(String::from_utf8_lossy(&requests[3].body).contains("grant_type=refresh_token"));
}
