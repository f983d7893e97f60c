//! GitHub: both kinds of application, tokens and their administration, issues, repositories.
#![allow(clippy::unwrap_used, reason = "a failure here is a failure of the test")]

mod support;

use bailee_emulator::github::GitHub;
use bailee_emulator::{Client, Decision, Emulator, Endpoint, Fault, Misuse, Site, TokenKind};
use reqwest::Method;
use reqwest::header::HeaderMap;
use serde_json::{Value, json};
use support::*;

const AUTHORIZE: &str = "https://github.com/login/oauth/authorize";
const TOKEN: &str = "https://github.com/login/oauth/access_token";
const APP: &str = "Iv1.app";

struct World {
    emulator: Emulator,
    http: reqwest::Client,
}

impl World {
    async fn new() -> Self {
        let emulator = Emulator::builder().play(GitHub::new()).start().await.unwrap();
        let site = emulator.site("github").unwrap();
        furnish(site);
        site.add_client(Client::new(APP).secret(SECRET).redirect(REDIRECT)).unwrap();
        let http = http(&emulator);
        Self { emulator, http }
    }

    fn site(&self) -> &Site {
        self.emulator.site("github").unwrap()
    }

    fn switch(&self, change: impl FnOnce(&mut GitHub)) {
        assert!(self.site().switches(change));
    }

    async fn code(&self, client: &str, scope: &str) -> String {
        let pairs = [
            ("client_id", client),
            ("redirect_uri", REDIRECT),
            ("state", "s1"),
            ("scope", scope),
            ("code_challenge", CHALLENGE),
            ("code_challenge_method", "S256"),
        ];
        let back = allow(&self.emulator, &url(AUTHORIZE, &pairs)).await;
        parameter(&back, "code").unwrap_or_else(|| panic!("{back}"))
    }

    async fn token(&self, accept: &str, pairs: &[(&str, &str)]) -> (u16, String, String) {
        let request = self.http.post(TOKEN).header("accept", accept);
        let request = request.header("content-type", "application/x-www-form-urlencoded");
        let answer = request.body(form(pairs)).send().await.unwrap();
        let media = answer.headers()["content-type"].to_str().unwrap().to_owned();
        (answer.status().as_u16(), media, answer.text().await.unwrap())
    }

    async fn json_token(&self, pairs: &[(&str, &str)]) -> (u16, Value) {
        let (status, media, text) = self.token("application/json", pairs).await;
        assert_eq!(media, "application/json");
        (status, json(&text))
    }

    async fn connect(&self, client: &str, scope: &str) -> Value {
        let code = self.code(client, scope).await;
        let pairs = [
            ("client_id", client),
            ("client_secret", SECRET),
            ("code", &code),
            ("code_verifier", VERIFIER),
        ];
        self.json_token(&pairs).await.1
    }

    async fn refresh(&self, client: &str, token: &str) -> (u16, Value) {
        let pairs = [
            ("client_id", client),
            ("client_secret", SECRET),
            ("grant_type", "refresh_token"),
            ("refresh_token", token),
        ];
        self.json_token(&pairs).await
    }

    async fn call(
        &self,
        method: Method,
        path: &str,
        token: &str,
        body: &Value,
    ) -> (u16, HeaderMap, Value) {
        let request = self.http.request(method, format!("https://api.github.com{path}"));
        let request = request.bearer_auth(token).header("user-agent", "test");
        let request = request.header("content-type", "application/json").body(body.to_string());
        let answer = request.send().await.unwrap();
        let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
        (status, headers, json(&answer.text().await.unwrap()))
    }

    async fn administer(
        &self,
        method: Method,
        what: &str,
        secret: &str,
        token: &str,
    ) -> (u16, Value) {
        let path = format!("https://api.github.com/applications/{ID}/{what}");
        let request = self.http.request(method, path).basic_auth(ID, Some(secret));
        let request =
            request.header("user-agent", "test").header("content-type", "application/json");
        let request = request.body(json!({"access_token": token}).to_string());
        let answer = request.send().await.unwrap();
        (answer.status().as_u16(), json(&answer.text().await.unwrap()))
    }
}

#[tokio::test]
async fn tokens_come_in_a_form_unless_json_is_asked_for() {
    let world = World::new().await;
    let code = world.code(ID, "repo gist public_repo").await;
    let pairs = [
        ("client_id", ID),
        ("client_secret", SECRET),
        ("code", &code),
        ("code_verifier", VERIFIER),
    ];
    let (status, media, text) = world.token("*/*", &pairs).await;
    assert_eq!((status, media.as_str()), (200, "application/x-www-form-urlencoded"));
    assert!(text.contains("token_type=bearer") && text.contains("access_token=gho_"), "{text}");
    // The wide scope stands for the narrow one, and commas are between.
    assert!(text.contains("scope=repo%2Cgist"), "{text}");
    let (_, tokens) = world.json_token(&pairs).await;
    assert_eq!(tokens["error"], "bad_verification_code", "a code is good once");
    assert_eq!(world.site().code_replays(), 1);
}

#[tokio::test]
async fn errors_of_the_token_address_have_status_200_in_both_forms() {
    let world = World::new().await;
    let code = world.code(ID, "repo").await;
    let good = [
        ("client_id", ID),
        ("client_secret", SECRET),
        ("code", code.as_str()),
        ("code_verifier", VERIFIER),
        ("redirect_uri", REDIRECT),
    ];
    for (name, value, error) in [
        ("client_secret", "fake-wrong", "incorrect_client_credentials"),
        ("client_id", "fake-other", "incorrect_client_credentials"),
        ("code", "fake-code", "bad_verification_code"),
        ("code_verifier", CHALLENGE, "bad_verification_code"),
        ("redirect_uri", "https://app.example/other", "redirect_uri_mismatch"),
        ("grant_type", "password", "unsupported_grant_type"),
    ] {
        let mut pairs = good.to_vec();
        pairs.retain(|(known, _)| *known != name);
        pairs.push((name, value));
        let (status, body) = world.json_token(&pairs).await;
        assert_eq!((status, text(&body, "error")), (200, error), "{name}");
        let (status, _, body) = world.token("*/*", &pairs).await;
        assert_eq!(status, 200);
        assert!(body.starts_with(&format!("error={error}&")), "{body}");
    }
    let (status, body) = world.refresh(ID, "fake-refresh").await;
    assert_eq!((status, text(&body, "error")), (200, "bad_refresh_token"));
}

#[tokio::test]
async fn an_oauth_app_s_token_stays_unless_it_is_asked_or_made_to_expire() {
    let world = World::new().await;
    let lasting = world.connect(ID, "repo").await;
    assert!(lasting.get("expires_in").is_none() && lasting.get("refresh_token").is_none());
    let asked = world.connect(ID, "repo offline_access").await;
    assert_eq!(asked["expires_in"], 28_800);
    world.switch(|github| github.oauth_apps_expire = true);
    let made = world.connect(ID, "repo").await;
    assert_eq!(made["refresh_token_expires_in"], 15_897_600);
    assert!(text(&made, "refresh_token").starts_with("ghr_"));
}

#[tokio::test]
async fn a_github_app_s_tokens_say_no_scope_and_a_refresh_ends_both() {
    let world = World::new().await;
    let tokens = world.connect(APP, "").await;
    assert!(text(&tokens, "access_token").starts_with("ghu_"));
    assert_eq!((&tokens["scope"], &tokens["expires_in"]), (&json!(""), &json!(28_800)));
    let (status, fresh) = world.refresh(APP, text(&tokens, "refresh_token")).await;
    assert_eq!(status, 200, "{fresh}");
    let living = world.site().live_tokens();
    assert_eq!(living.len(), 2);
    assert!(!world.site().is_live(text(&tokens, "access_token")));
    let (_, body) = world.refresh(APP, text(&tokens, "refresh_token")).await;
    assert_eq!(body["error"], "bad_refresh_token");
    assert_eq!(world.site().reuse_alarms().len(), 1);
    world.switch(|github| github.apps_expire = false);
    assert!(world.connect(APP, "").await.get("expires_in").is_none());
}

#[tokio::test]
async fn a_person_who_refuses_goes_back_with_a_word() {
    let world = World::new().await;
    let pairs = [("client_id", ID), ("redirect_uri", REDIRECT), ("state", "s1"), ("scope", "repo")];
    let back =
        world.emulator.consent(&url(AUTHORIZE, &pairs), Decision::Deny, "ada").await.unwrap();
    assert_eq!(parameter(&back, "error").as_deref(), Some("access_denied"));
    assert_eq!(parameter(&back, "state").as_deref(), Some("s1"));
}

#[tokio::test]
async fn the_api_wants_a_name_a_version_that_it_knows_and_a_living_token() {
    let world = World::new().await;
    let tokens = world.connect(ID, "public_repo user:email").await;
    let token = text(&tokens, "access_token");
    let (status, headers, me) = world.call(Method::GET, "/user", token, &Value::Null).await;
    assert_eq!((status, text(&me, "login")), (200, "handle_ada"));
    assert!(me["id"].is_u64());
    assert_eq!(headers["x-oauth-scopes"], "public_repo, user:email");
    let get = |version: &str| {
        let request = world.http.get("https://api.github.com/user").bearer_auth(token);
        request.header("x-github-api-version", version.to_owned())
    };
    let nameless = get("2022-11-28").send().await.unwrap();
    assert_eq!(nameless.status(), 403);
    let unknown = get("2020-01-01").header("user-agent", "test").send().await.unwrap();
    assert_eq!(unknown.status(), 400);
    let (status, _, body) = world.call(Method::GET, "/user", "gho_fake", &Value::Null).await;
    assert_eq!((status, text(&body, "message")), (401, "Bad credentials"));
}

#[tokio::test]
async fn an_application_checks_and_deletes_its_own_tokens() {
    let world = World::new().await;
    let (first, second) = (world.connect(ID, "repo").await, world.connect(ID, "repo").await);
    let (one, two) = (text(&first, "access_token"), text(&second, "access_token"));
    let (status, said) = world.administer(Method::POST, "token", SECRET, one).await;
    assert_eq!((status, &said["scopes"], &said["token"]), (200, &json!(["repo"]), &json!(one)));
    let (status, _) = world.administer(Method::POST, "token", "fake-wrong", one).await;
    assert_eq!(status, 401);
    let (status, _) = world.administer(Method::DELETE, "token", SECRET, "fake-unknown").await;
    assert_eq!(status, 404);
    let foreign = world.connect(APP, "").await;
    let foreign = text(&foreign, "access_token");
    assert_eq!(world.administer(Method::DELETE, "grant", SECRET, foreign).await.0, 404);
    assert_eq!(world.administer(Method::DELETE, "token", SECRET, one).await.0, 204);
    assert!(!world.site().is_live(one) && world.site().is_live(two));
    assert_eq!(world.administer(Method::DELETE, "token", SECRET, one).await.0, 404);
    let third = world.connect(ID, "gist").await;
    assert_eq!(world.administer(Method::DELETE, "grant", SECRET, two).await.0, 204);
    assert!(!world.site().is_live(text(&third, "access_token")), "all of the person's are over");
    assert!(world.site().is_live(foreign));
    assert_eq!(world.site().count(Endpoint::Revoke), 5);
}

#[tokio::test]
async fn an_issue_needs_a_repository_that_may_be_seen() {
    let world = World::new().await;
    let tokens = world.connect(ID, "public_repo").await;
    let token = text(&tokens, "access_token");
    let open = async |path: &str, body: Value| world.call(Method::POST, path, token, &body).await;
    let (status, headers, issue) =
        open("/repos/handle_ada/hello%2Eworld/issues", json!({"title": "t", "labels": ["bug"]}))
            .await;
    assert_eq!(status, 201, "{issue}");
    assert_eq!(issue["labels"][0]["name"], "bug");
    assert!(headers.contains_key("location"));
    // Where the person cannot push, labels are dropped without a word.
    let foreign = json!({"title": "t", "labels": ["bug"], "assignees": ["handle_ada"]});
    let (status, _, issue) = open("/repos/handle_grace/hello/issues", foreign).await;
    assert_eq!((status, &issue["labels"], &issue["assignees"]), (201, &json!([]), &json!([])));
    assert_eq!(world.site().written("issue").len(), 2);
    let (status, headers, _) = open("/repos/handle_ada/secret/issues", json!({"title": "t"})).await;
    assert_eq!((status, &headers["x-accepted-oauth-scopes"]), (404, &"repo".parse().unwrap()));
    assert_eq!(headers["x-oauth-scopes"], "public_repo");
    for (body, expected) in [(json!({}), 422), (json!({"title": "x".repeat(257)}), 422)] {
        assert_eq!(open("/repos/handle_ada/hello/issues", body).await.0, expected);
    }
    assert_eq!(open("/repos/handle_ada/none/issues", json!({"title": "t"})).await.0, 404);
    world.switch(|github| github.issues_off = true);
    assert_eq!(open("/repos/handle_ada/hello/issues", json!({"title": "t"})).await.0, 410);
    world.switch(|github| github.single_sign_on = vec!["handle_ada".into()]);
    let (status, headers, _) = open("/repos/handle_ada/hello/issues", json!({"title": "t"})).await;
    assert_eq!(status, 403);
    assert!(headers["x-github-sso"].to_str().unwrap().starts_with("required; url="));
}

#[tokio::test]
async fn a_github_app_does_what_it_is_permitted() {
    let world = World::new().await;
    let tokens = world.connect(APP, "").await;
    let path = "/repos/handle_ada/secret/issues";
    let title = json!({"title": "t"});
    let token = text(&tokens, "access_token");
    assert_eq!(world.call(Method::POST, path, token, &title).await.0, 201);
    let app = Client::new(APP).secret(SECRET).redirect(REDIRECT).scopes(["metadata:read"]);
    world.site().add_client(app).unwrap();
    let (status, headers, body) = world.call(Method::POST, path, token, &title).await;
    assert_eq!(status, 403);
    assert_eq!(text(&body, "message"), "Resource not accessible by integration");
    assert!(!headers.contains_key("x-oauth-scopes"));
}

#[tokio::test]
async fn repositories_come_in_pages_and_private_ones_need_a_scope() {
    let world = World::new().await;
    let names = |page: &Value| -> Vec<String> {
        page.as_array().unwrap().iter().map(|one| text(one, "full_name").to_owned()).collect()
    };
    let public = world.connect(ID, "gist").await;
    let token = text(&public, "access_token");
    let (_, headers, page) = world.call(Method::GET, "/user/repos", token, &Value::Null).await;
    assert_eq!(names(&page), ["handle_ada/hello", "handle_ada/hello.world"]);
    assert!(!headers.contains_key("link"));
    let all = world.connect(ID, "repo").await;
    let token = text(&all, "access_token");
    let path = "/user/repos?per_page=2&affiliation=owner";
    let (_, headers, page) = world.call(Method::GET, path, token, &Value::Null).await;
    assert_eq!(page.as_array().unwrap().len(), 2);
    let next =
        "<https://api.github.com/user/repos?per_page=2&affiliation=owner&page=2>; rel=\"next\"";
    assert_eq!(headers["link"], next);
    let path = "/user/repos?per_page=2&affiliation=owner&page=2";
    let (_, headers, page) = world.call(Method::GET, path, token, &Value::Null).await;
    assert_eq!(names(&page), ["handle_ada/secret"]);
    assert!(!headers.contains_key("link"));
}

#[tokio::test]
async fn limits_come_with_the_status_of_the_switch() {
    let world = World::new().await;
    let tokens = world.connect(ID, "repo").await;
    let token = text(&tokens, "access_token");
    for status in [403, 429] {
        world.switch(|github| github.limit_status = status);
        let fault = Fault::RateLimited { retry_after: Some("9".into()) };
        world.site().fault(Endpoint::Identity, fault);
        let (got, headers, _) = world.call(Method::GET, "/user", token, &Value::Null).await;
        assert_eq!((got, &headers["retry-after"]), (status, &"9".parse().unwrap()));
    }
    assert_eq!(
        world.site().live_tokens().iter().filter(|t| t.kind == TokenKind::Access).count(),
        1
    );
}

#[tokio::test]
async fn a_revoked_authorization_is_told_to_a_github_app_and_to_no_oauth_app() {
    let world = World::new().await;
    let event = "github_app_authorization.revoked";
    let app = || Client::new(APP).secret(SECRET).redirect(REDIRECT);
    let unsigned = world.site().announce(event, "ada", APP, HOOK).unwrap_err();
    assert!(matches!(unsigned, Misuse::Announcement(_)), "there is no secret for webhooks");
    world.site().add_client(app().signal_secret(SIGNAL_SECRET)).unwrap();
    let oauth_app = world.site().announce(event, "ada", ID, HOOK).unwrap_err();
    assert_eq!(oauth_app, Misuse::Event(event.into()));

    let tokens = world.connect(APP, "").await;
    let token = text(&tokens, "access_token");
    let (_, _, me) = world.call(Method::GET, "/user", token, &Value::Null).await;
    let sent = world.site().announce(event, "ada", APP, HOOK).unwrap();
    assert!(!world.site().is_live(token));
    let body = said(&sent);
    assert_eq!(body["action"], "revoked");
    assert_eq!(body["sender"]["id"], me["id"]);
    assert_eq!(body["sender"]["login"], me["login"]);
    assert_eq!(body.as_object().unwrap().len(), 2, "there is nothing else in it");
    assert_eq!(sent.header("x-github-event"), Some("github_app_authorization"));
    let raw = String::from_utf8(sent.body.clone()).unwrap();
    let signature = format!("sha256={}", hmac_hex(SIGNAL_SECRET, &raw));
    assert_eq!(sent.header("X-Hub-Signature-256"), Some(signature.as_str()));
    assert!(sent.header("X-Hub-Signature").is_some_and(|old| old.starts_with("sha1=")));
    let number = sent.header("X-GitHub-Delivery").unwrap();
    let lengths: Vec<_> = number.split('-').map(str::len).collect();
    assert_eq!(lengths, [8, 4, 4, 4, 12], "{number}");
    let again = world.site().announce(event, "ada", APP, HOOK).unwrap();
    assert_ne!(again.header("X-GitHub-Delivery"), Some(number));

    world.switch(|github| github.webhook_form = true);
    let sent = world.site().announce(event, "ada", APP, HOOK).unwrap();
    assert_eq!(sent.header("content-type"), Some("application/x-www-form-urlencoded"));
    let (name, payload) = url::form_urlencoded::parse(&sent.body).next().unwrap();
    assert_eq!((name.as_ref(), json(&payload)), ("payload", body));
    let raw = String::from_utf8(sent.body.clone()).unwrap();
    let signature = format!("sha256={}", hmac_hex(SIGNAL_SECRET, &raw));
    assert_eq!(sent.header("X-Hub-Signature-256"), Some(signature.as_str()));
}

#[tokio::test]
async fn an_installation_that_is_removed_or_suspended_ends_no_authorization() {
    let world = World::new().await;
    let app = Client::new(APP).secret(SECRET).redirect(REDIRECT).signal_secret(SIGNAL_SECRET);
    world.site().add_client(app).unwrap();
    let tokens = world.connect(APP, "").await;
    for action in ["created", "suspend", "unsuspend", "deleted"] {
        let event = format!("installation.{action}");
        let sent = world.site().announce(&event, "ada", APP, HOOK).unwrap();
        let body = said(&sent);
        assert_eq!(
            (sent.header("x-github-event"), &body["action"]),
            (Some("installation"), &json!(action))
        );
        assert_eq!(body["installation"]["account"]["id"], body["sender"]["id"]);
        assert!(world.site().is_live(text(&tokens, "access_token")), "{action}");
    }
    assert_eq!(said(&world.site().announce("ping", "", APP, HOOK).unwrap()).get("sender"), None);
    let unknown = world.site().announce("installation.renamed", "ada", APP, HOOK).unwrap_err();
    assert_eq!(unknown, Misuse::Event("installation.renamed".into()));
}
