//! Asana: authorization, tokens, revocation, the person, workspaces, projects and tasks.
#![allow(clippy::unwrap_used, reason = "a failure here is a failure of the test")]

mod support;

use std::time::Duration;

use bailee_emulator::asana::Asana;
use bailee_emulator::{Account, Client, Decision, Emulator, Endpoint, Fault, Site};
use serde_json::{Value, json};
use support::*;

const TOKEN: &str = "https://app.asana.com/-/oauth_token";
const REVOKE: &str = "https://app.asana.com/-/oauth_revoke";
const API: &str = "https://app.asana.com/api/1.0";

struct World {
    emulator: Emulator,
    http: reqwest::Client,
}

impl World {
    async fn new() -> Self {
        let emulator = Emulator::builder().play(Asana::new()).start().await.unwrap();
        let site = emulator.site("asana").unwrap();
        furnish(site);
        let ada = Account::new("ada").fact("gid", "1209876543210987651");
        site.add_account(ada.fact("workspaces", json!(["91", "92"])));
        let http = http(&emulator);
        Self { emulator, http }
    }

    fn site(&self) -> &Site {
        self.emulator.site("asana").unwrap()
    }

    fn switch(&self, change: impl FnOnce(&mut Asana)) {
        assert!(self.site().switches(change));
    }

    async fn back(&self, changes: &[(&str, &str)]) -> String {
        self.emulator.consent(&authorize(changes), Decision::Allow, "ada").await.unwrap()
    }

    async fn exchange(&self, code: &str) -> (u16, Value) {
        let pairs = [
            ("grant_type", "authorization_code"),
            ("client_id", ID),
            ("client_secret", SECRET),
            ("redirect_uri", REDIRECT),
            ("code", code),
        ];
        post(&self.http, TOKEN, &pairs).await
    }

    async fn connect(&self, scopes: &str) -> Value {
        let code = parameter(&self.back(&[("scope", scopes)]).await, "code").unwrap();
        let (status, tokens) = self.exchange(&code).await;
        assert_eq!(status, 200, "{tokens}");
        tokens
    }

    async fn refresh(&self, token: &str, redirect: bool) -> (u16, Value) {
        let mut pairs = vec![
            ("grant_type", "refresh_token"),
            ("client_id", ID),
            ("client_secret", SECRET),
            ("refresh_token", token),
        ];
        pairs.extend(redirect.then_some(("redirect_uri", REDIRECT)));
        post(&self.http, TOKEN, &pairs).await
    }

    async fn get(&self, path: &str, token: &str) -> (u16, Value) {
        let answer = self.http.get(format!("{API}{path}")).bearer_auth(token).send();
        let answer = answer.await.unwrap();
        (answer.status().as_u16(), json(&answer.text().await.unwrap()))
    }

    async fn task(&self, token: &str, body: &Value) -> (u16, Value) {
        let request = self.http.post(format!("{API}/tasks")).bearer_auth(token);
        let request = request.header("content-type", "application/json").body(body.to_string());
        let answer = request.send().await.unwrap();
        (answer.status().as_u16(), json(&answer.text().await.unwrap()))
    }
}

fn authorize(changes: &[(&str, &str)]) -> String {
    let mut pairs = vec![
        ("client_id", ID),
        ("response_type", "code"),
        ("redirect_uri", REDIRECT),
        ("state", "s1"),
        ("scope", SCOPES),
    ];
    for (key, value) in changes {
        pairs.retain(|(known, _)| known != key);
        if !value.is_empty() {
            pairs.push((key, value));
        }
    }
    url("https://app.asana.com/-/oauth_authorize", &pairs)
}

const SCOPES: &str = "users:read workspaces:read projects:read tasks:write";

#[tokio::test]
async fn the_token_answer_names_the_person_and_no_scopes() {
    let world = World::new().await;
    let tokens = world.connect(SCOPES).await;
    assert_eq!((&tokens["token_type"], &tokens["expires_in"]), (&json!("bearer"), &json!(3600)));
    assert_eq!(tokens.get("scope"), None);
    assert_eq!(tokens["data"]["gid"], "1209876543210987651");
    assert_eq!(tokens["data"]["name"], "Display ada");
    world.switch(|asana| asana.old_ids = true);
    let tokens = world.connect(SCOPES).await;
    let data = tokens["data"].as_object().unwrap();
    assert_eq!((data.get("gid"), data["id"].as_u64()), (None, Some(1_209_876_543_210_987_651)));
    world.switch(|asana| asana.says_person = false);
    assert_eq!(world.connect(SCOPES).await.get("data"), None);
}

#[tokio::test]
async fn scopes_are_granular_or_everything_and_never_both() {
    let world = World::new().await;
    let error = async |changes: &[(&str, &str)]| {
        let back = world.back(changes).await;
        assert!(parameter(&back, "code").is_none() || parameter(&back, "error").is_none());
        parameter(&back, "error")
    };
    assert_eq!(error(&[("scope", "default")]).await.as_deref(), Some("invalid_scope"));
    assert_eq!(error(&[("scope", "tasks:read nothing")]).await.as_deref(), Some("invalid_scope"));
    assert_eq!(error(&[("scope", "")]).await.as_deref(), Some("invalid_scope"));
    assert_eq!(error(&[("state", "")]).await.as_deref(), Some("invalid_request"));
    let app = Client::new(ID).secret(SECRET).redirect(REDIRECT).scopes(["tasks:write"]);
    world.site().add_client(app).unwrap();
    assert_eq!(error(&[("scope", "tasks:read")]).await.as_deref(), Some("forbidden_scopes"));

    furnish(world.site());
    world.switch(|asana| asana.granular = false);
    assert_eq!(error(&[("scope", "tasks:read")]).await.as_deref(), Some("invalid_scope"));
    for scope in ["", "default"] {
        let tokens = world.connect(scope).await;
        let token = text(&tokens, "access_token");
        assert_eq!(world.get("/workspaces", token).await.0, 200);
        assert_eq!(world.get("/projects/911/sections", token).await.0, 200);
    }
}

#[tokio::test]
async fn the_client_proves_itself_in_the_form_alone() {
    let world = World::new().await;
    let code = parameter(&world.back(&[]).await, "code").unwrap();
    let pairs =
        [("grant_type", "authorization_code"), ("redirect_uri", REDIRECT), ("code", code.as_str())];
    let basic = world.http.post(TOKEN).basic_auth(ID, Some(SECRET));
    let basic = basic.header("content-type", "application/x-www-form-urlencoded");
    assert_eq!(basic.body(form(&pairs)).send().await.unwrap().status().as_u16(), 401);
    assert_eq!(world.exchange(&code).await.0, 200);
    let (status, body) = world.exchange(&code).await;
    assert_eq!((status, text(&body, "error")), (400, "invalid_grant"));
    let wrong = [pairs[0], pairs[1], pairs[2], ("client_id", ID), ("client_secret", "wrong")];
    let (status, body) = post(&world.http, TOKEN, &wrong).await;
    assert_eq!((status, text(&body, "error")), (401, "invalid_client"));
}

#[tokio::test]
async fn the_refresh_token_stays_and_is_not_repeated() {
    let world = World::new().await;
    let tokens = world.connect(SCOPES).await;
    let refresh = text(&tokens, "refresh_token");
    let (status, body) = world.refresh(refresh, false).await;
    assert_eq!((status, text(&body, "error")), (400, "invalid_request"));
    for _ in 0..2 {
        world.emulator.clock().advance(Duration::from_secs(3600));
        let (status, renewed) = world.refresh(refresh, true).await;
        assert_eq!((status, renewed.get("refresh_token")), (200, None));
        assert_eq!(world.get("/users/me", text(&renewed, "access_token")).await.0, 200);
    }
    assert_eq!(world.get("/users/me", text(&tokens, "access_token")).await.0, 401);
    let (_, first) = world.refresh(refresh, true).await;
    world.refresh(refresh, true).await;
    assert!(world.site().is_live(text(&first, "access_token")), "several live beside each other");
    world.switch(|asana| asana.ends_old_access = true);
    world.refresh(refresh, true).await;
    assert!(!world.site().is_live(text(&first, "access_token")));
    world.switch(|asana| asana.wants_redirect_at_refresh = false);
    assert_eq!(world.refresh(refresh, false).await.0, 200);
}

#[tokio::test]
async fn revocation_takes_the_refresh_token_alone_and_everything_with_it() {
    let world = World::new().await;
    let tokens = world.connect(SCOPES).await;
    let revoke = async |token: &str, secret: &str| {
        let pairs = [("client_id", ID), ("client_secret", secret), ("token", token)];
        post(&world.http, REVOKE, &pairs).await.0
    };
    assert_eq!(revoke(text(&tokens, "access_token"), SECRET).await, 400);
    assert_eq!(revoke(text(&tokens, "refresh_token"), "wrong").await, 401);
    assert_eq!(revoke("never-issued", SECRET).await, 200);
    assert_eq!(world.site().live_tokens().len(), 2);
    let other = world.connect(SCOPES).await;
    assert_eq!(revoke(text(&tokens, "refresh_token"), SECRET).await, 200);
    assert!(!world.site().is_live(text(&tokens, "access_token")));
    assert!(world.site().is_live(text(&other, "access_token")), "another grant lives on");
}

#[tokio::test]
async fn an_administrator_turns_every_call_into_a_401() {
    let world = World::new().await;
    let tokens = world.connect(SCOPES).await;
    world.switch(|asana| asana.disabled = true);
    let (status, body) = world.get("/users/me", text(&tokens, "access_token")).await;
    assert_eq!((status, &body["errors"][0]["message"]), (401, &json!("Not Authorized")));
    assert_eq!(world.refresh(text(&tokens, "refresh_token"), true).await.0, 200);
    world.switch(|asana| asana.disabled = false);
    world.site().withdraw("ada", ID);
    assert_eq!(world.refresh(text(&tokens, "refresh_token"), true).await.0, 400);
}

#[tokio::test]
async fn what_a_token_may_not_do_is_forbidden() {
    let world = World::new().await;
    let tokens = world.connect("tasks:write").await;
    let token = text(&tokens, "access_token");
    for path in ["/users/me", "/workspaces", "/projects?workspace=91", "/projects/911/sections"] {
        assert_eq!(world.get(path, token).await.0, 403, "{path}");
    }
    assert_eq!(world.get("/nothing", token).await.0, 404);
    let tokens = world.connect("workspaces:read").await;
    let body = json!({"data": {"name": "x", "workspace": "91"}});
    assert_eq!(world.task(text(&tokens, "access_token"), &body).await.0, 403);
}

#[tokio::test]
async fn lists_have_pages_where_a_limit_is_given() {
    let world = World::new().await;
    let tokens = world.connect(SCOPES).await;
    let token = text(&tokens, "access_token");
    let (_, all) = world.get("/workspaces", token).await;
    assert_eq!((all["data"].as_array().unwrap().len(), &all["next_page"]), (2, &Value::Null));
    let path = "/projects?workspace=91&limit=2&opt_fields=name";
    let (_, first) = world.get(path, token).await;
    assert_eq!(first["data"][1]["gid"], "912");
    let offset = text(&first["next_page"], "offset").to_owned();
    assert!(text(&first["next_page"], "uri").starts_with("https://app.asana.com/api/1.0/projects"));
    let (_, last) = world.get(&format!("{path}&offset={offset}"), token).await;
    assert_eq!((last["data"].as_array().unwrap().len(), &last["next_page"]), (1, &Value::Null));
    for wrong in ["limit=0", "limit=101", "offset=2", "offset=eyJ09"] {
        let path = format!("/projects?workspace=91&{wrong}");
        assert_eq!(world.get(&path, token).await.0, 400, "{wrong}");
    }
    assert_eq!(world.get("/projects?workspace=93", token).await.0, 404);
    assert_eq!(world.get("/projects", token).await.0, 400);
    let (_, me) = world.get("/users/me?opt_fields=name", token).await;
    assert_eq!(me["data"].get("email"), None);
    assert_eq!(me["data"]["gid"], "1209876543210987651");
}

#[tokio::test]
async fn a_task_lies_under_data_and_in_a_place() {
    let world = World::new().await;
    let tokens = world.connect(SCOPES).await;
    let token = text(&tokens, "access_token");
    let asked = json!({"data": {"name": "Review", "projects": ["911"], "assignee": "me",
        "due_on": "2026-12-01"}});
    let (status, task) = world.task(token, &asked).await;
    assert_eq!((status, &task["data"]["assignee"]["gid"]), (201, &json!("1209876543210987651")));
    assert_eq!(task["data"]["workspace"]["gid"], "91");
    let part = json!({"data": {"name": "Part", "parent": task["data"]["gid"]}});
    assert_eq!(world.task(token, &part).await.0, 201);
    assert_eq!(world.site().written("task").len(), 2);
    for (body, status) in [
        (json!({"name": "x", "workspace": "91"}), 400),
        (json!({"data": {"name": "x"}}), 400),
        (json!({"data": {"name": "x", "workspace": "93"}}), 404),
        (json!({"data": {"name": "x", "parent": "1"}}), 404),
        (json!({"data": {"name": "x", "projects": ["911", "921"]}}), 400),
        (json!({"data": {"name": "x", "workspace": "91", "assignee": 7}}), 400),
        (json!({"data": {"name": "x", "workspace": "91", "unknown": 7}}), 400),
        (json!({"data": {"name": "x", "workspace": "91", "tags": ["a"]}}), 400),
        (json!({"data": {"name": "x", "workspace": "91", "due_on": "a", "due_at": "b"}}), 400),
    ] {
        let (found, answer) = world.task(token, &body).await;
        assert_eq!(found, status, "{body}");
        assert!(answer["errors"][0]["message"].is_string(), "{answer}");
    }
    assert_eq!(world.site().written("task").len(), 2);
}

#[tokio::test]
async fn refused_calls_count_as_well() {
    let world = World::new().await;
    world.switch(|asana| asana.per_minute = 1);
    let tokens = world.connect(SCOPES).await;
    let token = text(&tokens, "access_token");
    assert_eq!(world.get("/workspaces", token).await.0, 200);
    world.emulator.clock().advance(Duration::from_secs(59));
    let answer = world.http.get(format!("{API}/workspaces")).bearer_auth(token).send().await;
    let answer = answer.unwrap();
    assert_eq!(
        (answer.status().as_u16(), &answer.headers()["retry-after"]),
        (429, &"60".parse().unwrap())
    );
    world.emulator.clock().advance(Duration::from_secs(1));
    assert_eq!(world.get("/workspaces", token).await.0, 429);
    world.emulator.clock().advance(Duration::from_secs(60));
    assert_eq!(world.get("/workspaces", token).await.0, 200);
}

#[tokio::test]
async fn faults_come_in_asana_s_shapes() {
    let world = World::new().await;
    let tokens = world.connect(SCOPES).await;
    world.site().fault(Endpoint::Refresh, Fault::OkWithError("invalid_grant".into()));
    let (status, body) = world.refresh(text(&tokens, "refresh_token"), true).await;
    assert_eq!((status, text(&body, "error")), (200, "invalid_grant"));
    world.site().fault(Endpoint::Api, Fault::OkWithError("x".into()));
    let (status, body) = world.get("/workspaces", text(&tokens, "access_token")).await;
    assert_eq!((status, &body["errors"][0]["message"]), (200, &json!("refused")));
    world.site().fault(Endpoint::Exchange, Fault::ScopeLost("users:read".into()));
    let less = world.connect("users:read workspaces:read").await;
    assert_eq!(world.get("/users/me", text(&less, "access_token")).await.0, 403);
}
