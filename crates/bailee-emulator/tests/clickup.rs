//! ClickUp: authorization with a choice of workspaces, the token, the person, lists and tasks.
#![allow(clippy::unwrap_used, reason = "a failure here is a failure of the test")]

mod support;

use std::time::Duration;

use bailee_emulator::clickup::ClickUp;
use bailee_emulator::oauth::{Carrier, Pkce};
use bailee_emulator::{
    Account, Client, ConsentError, Decision, Emulator, Endpoint, Fault, Site, TokenKind,
};
use reqwest::header::HeaderMap;
use serde_json::{Value, json};
use support::*;

const TOKEN: &str = "https://api.clickup.com/api/v2/oauth/token";
const API: &str = "https://api.clickup.com/api/v2";

struct World {
    emulator: Emulator,
    http: reqwest::Client,
}

impl World {
    async fn new() -> Self {
        let emulator = Emulator::builder().play(ClickUp::new()).start().await.unwrap();
        let site = emulator.site("clickup").unwrap();
        furnish(site);
        let ada = Account::new("ada").fact("user_id", 7).fact("workspaces", json!(["91", "92"]));
        site.add_account(ada);
        site.add_account(Account::new("grace").fact("workspaces", json!(["92"])));
        let http = http(&emulator);
        Self { emulator, http }
    }

    fn site(&self) -> &Site {
        self.emulator.site("clickup").unwrap()
    }

    fn switch(&self, change: impl FnOnce(&mut ClickUp)) {
        assert!(self.site().switches(change));
    }

    async fn code(&self, changes: &[(&str, &str)], decision: Decision) -> String {
        let back = self.emulator.consent(&authorize(changes), decision, "ada").await.unwrap();
        parameter(&back, "code").unwrap_or_else(|| panic!("{back}"))
    }

    async fn connect(&self, decision: Decision) -> String {
        let code = self.code(&[], decision).await;
        let (status, tokens) = post(&self.http, TOKEN, &client(&code)).await;
        assert_eq!(status, 200, "{tokens}");
        text(&tokens, "access_token").to_owned()
    }

    async fn get(&self, path: &str, authorization: &str) -> (u16, HeaderMap, Value) {
        let request = self.http.get(format!("{API}{path}"));
        let answer = request.header("authorization", authorization).send().await.unwrap();
        let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
        (status, headers, json(&answer.text().await.unwrap()))
    }

    async fn with(&self, path: &str, token: &str) -> (u16, Value) {
        let (status, _, body) = self.get(path, &format!("Bearer {token}")).await;
        (status, body)
    }

    async fn task(&self, list: &str, token: &str, body: &Value) -> (u16, Value) {
        let request = self.http.post(format!("{API}/list/{list}/task")).bearer_auth(token);
        let request = request.header("content-type", "application/json").body(body.to_string());
        let answer = request.send().await.unwrap();
        (answer.status().as_u16(), json(&answer.text().await.unwrap()))
    }
}

fn authorize(changes: &[(&str, &str)]) -> String {
    let mut pairs = vec![("client_id", ID), ("redirect_uri", REDIRECT), ("state", "s1")];
    for (key, value) in changes {
        pairs.retain(|(known, _)| known != key);
        pairs.push((key, value));
    }
    url("https://app.clickup.com/api", &pairs)
}

fn client(code: &str) -> [(&str, &str); 3] {
    [("client_id", ID), ("client_secret", SECRET), ("code", code)]
}

#[tokio::test]
async fn the_answer_is_a_token_that_never_ends_and_nothing_else() {
    let world = World::new().await;
    let code = world.code(&[], Decision::Allow).await;
    let (status, tokens) = post(&world.http, TOKEN, &client(&code)).await;
    assert_eq!((status, tokens.as_object().unwrap().len()), (200, 1), "{tokens}");
    let token = text(&tokens, "access_token").to_owned();
    world.emulator.clock().advance(Duration::from_secs(10 * 365 * 86_400));
    assert_eq!(world.with("/user", &token).await.0, 200);
    let kinds: Vec<_> = world.site().live_tokens().iter().map(|token| token.kind).collect();
    assert_eq!(kinds, [TokenKind::Access]);
    world.switch(|clickup| clickup.says_type = true);
    let code = world.code(&[], Decision::Allow).await;
    assert_eq!(post(&world.http, TOKEN, &client(&code)).await.1["token_type"], "Bearer");
}

#[tokio::test]
async fn id_secret_and_code_come_in_the_query_a_form_or_json() {
    let world = World::new().await;
    let code = world.code(&[], Decision::Allow).await;
    assert_eq!(post(&world.http, &url(TOKEN, &client(&code)), &[]).await.0, 200);
    let code = world.code(&[("response_type", "code"), ("scope", "x")], Decision::Allow).await;
    let body = json!({"client_id": ID, "client_secret": SECRET, "code": code,
        "grant_type": "authorization_code"});
    let request = world.http.post(TOKEN).header("content-type", "application/json");
    assert_eq!(request.body(body.to_string()).send().await.unwrap().status().as_u16(), 200);
    world.switch(|clickup| clickup.carriers = vec![Carrier::Query]);
    let code = world.code(&[], Decision::Allow).await;
    assert_eq!(post(&world.http, TOKEN, &client(&code)).await.0, 400);
}

#[tokio::test]
async fn wrong_requests_have_codes_of_their_own() {
    let world = World::new().await;
    let refused = |changes: &'static [(&'static str, &'static str)]| {
        let (world, address) = (&world, authorize(changes));
        async move { world.emulator.consent(&address, Decision::Allow, "ada").await }
    };
    for changes in [&[("client_id", "other")][..], &[("redirect_uri", "https://app.example/x")]] {
        assert!(matches!(refused(changes).await, Err(ConsentError::Page { .. })), "{changes:?}");
    }
    let code = world.code(&[], Decision::Allow).await;
    let wrong = [("client_id", ID), ("client_secret", "wrong"), ("code", code.as_str())];
    let answer = post(&world.http, TOKEN, &wrong).await;
    assert_eq!((answer.0, text(&answer.1, "ECODE")), (401, "OAUTH_010"));
    assert_eq!(post(&world.http, TOKEN, &client(&code)).await.0, 200);
    let replayed = post(&world.http, TOKEN, &client(&code)).await;
    assert_eq!((replayed.0, text(&replayed.1, "ECODE")), (400, "OAUTH_014"));
    let code = world.code(&[], Decision::Allow).await;
    world.emulator.clock().advance(Duration::from_secs(600));
    assert_eq!(post(&world.http, TOKEN, &client(&code)).await.0, 400);
    assert_eq!(post(&world.http, &format!("{API}/oauth/revoke"), &[]).await.0, 400);
}

#[tokio::test]
async fn a_refusal_comes_back_or_does_not() {
    let world = World::new().await;
    let deny = async || world.emulator.consent(&authorize(&[]), Decision::Deny, "ada").await;
    let back = deny().await.unwrap();
    assert_eq!(parameter(&back, "error").as_deref(), Some("access_denied"));
    assert_eq!(parameter(&back, "state").as_deref(), Some("s1"));
    world.switch(|clickup| clickup.says_denial = false);
    assert_eq!(parameter(&deny().await.unwrap(), "error"), None);
}

#[tokio::test]
async fn pkce_is_ignored_unless_it_is_not() {
    let world = World::new().await;
    let challenge = [("code_challenge", CHALLENGE), ("code_challenge_method", "S256")];
    let code = world.code(&challenge, Decision::Allow).await;
    assert_eq!(post(&world.http, TOKEN, &client(&code)).await.0, 200);
    world.switch(|clickup| clickup.pkce = Pkce::Refused);
    let refused = world.emulator.consent(&authorize(&challenge), Decision::Allow, "ada").await;
    assert!(refused.is_err());
}

#[tokio::test]
async fn a_token_covers_the_workspaces_that_were_ticked() {
    let world = World::new().await;
    let token = world.connect(Decision::AllowOnly(vec!["92".into()])).await;
    let (status, body) = world.with("/team", &token).await;
    let teams = body["teams"].as_array().unwrap();
    assert_eq!((status, teams.len(), &teams[0]["id"]), (200, 1, &json!("92")));
    let members = teams[0]["members"].as_array().unwrap();
    assert_eq!(members.len(), 2, "the others who are there come with it");
    assert_eq!(members[1]["user"]["email"], "grace@person.example");
    let (status, body) = world.with("/team/91/space", &token).await;
    assert_eq!((status, text(&body, "ECODE")), (401, "OAUTH_027"));
    assert_eq!(world.with("/space/9101/list", &token).await.0, 401);
    assert_eq!(world.task("910101", &token, &json!({"name": "x"})).await.0, 401);
    assert!(world.site().is_live(&token), "another workspace costs no token");
    let both = world.connect(Decision::Allow).await;
    assert_eq!(world.with("/team", &both).await.1["teams"].as_array().unwrap().len(), 2);
    assert_eq!(world.with("/team/91/space", &both).await.1["spaces"][0]["id"], "9101");
    assert_eq!(world.with("/space/9101/list", &both).await.1["lists"][0]["id"], "910101");
    assert!(world.site().is_live(&token));
    world.switch(|clickup| clickup.ends_old_grants = true);
    world.connect(Decision::Allow).await;
    assert!(!world.site().is_live(&token));
}

#[tokio::test]
async fn tokens_of_oauth_say_bearer_and_personal_ones_do_not() {
    let world = World::new().await;
    let token = world.connect(Decision::Allow).await;
    let (status, profile) = world.with("/user", &token).await;
    assert_eq!((status, &profile["user"]["id"]), (200, &json!(7)));
    assert_eq!(world.get("/user", &token).await.0, 400);
    let none: [&str; 0] = [];
    world.site().add_key("pk_fake_canary", "ada", none);
    assert_eq!(world.get("/user", "pk_fake_canary").await.0, 200);
    assert_eq!(world.with("/user", "pk_fake_canary").await.0, 400);
    let answer = world.http.get(format!("{API}/user")).send().await.unwrap();
    assert_eq!(answer.status().as_u16(), 400);
}

#[tokio::test]
async fn a_person_who_removes_the_app_ends_its_token() {
    let world = World::new().await;
    let token = world.connect(Decision::Allow).await;
    assert_eq!(world.site().withdraw("ada", ID), 1);
    let (status, body) = world.with("/user", &token).await;
    assert_eq!((status, body), (401, json!({"err": "Token invalid", "ECODE": "OAUTH_025"})));
}

#[tokio::test]
async fn a_task_takes_numbers_for_times_and_gives_texts() {
    let world = World::new().await;
    let token = world.connect(Decision::Allow).await;
    let asked = json!({"name": "Review", "priority": 2, "due_date": 1_796_117_400_000_i64,
        "assignees": [7], "tags": ["a"], "notify_all": false, "unknown": 1});
    let (status, task) = world.task("910101", &token, &asked).await;
    assert_eq!((status, &task["name"]), (200, &json!("Review")), "{task}");
    assert_eq!(task["due_date"], "1796117400000");
    assert!(task["date_created"].is_string());
    assert_eq!(task["priority"]["priority"], "high");
    let written = world.site().written("task");
    assert_eq!((written.len(), written[0].account.as_str()), (1, "ada"));
    for (list, body, status, code) in [
        ("910101", json!({}), 400, "INPUT_005"),
        ("910101", json!({"name": " "}), 400, "INPUT_005"),
        ("910101", json!({"name": "x", "due_date": "1796117400000"}), 400, "INPUT_001"),
        ("910101", json!({"name": "x", "priority": 5}), 400, "INPUT_001"),
        ("910101", json!({"name": "x", "priority": 0}), 400, "INPUT_001"),
        ("910101", json!({"name": "x", "assignees": ["7"]}), 400, "INPUT_001"),
        ("91", json!({"name": "x"}), 404, "ITEM_015"),
    ] {
        let (found, answer) = world.task(list, &token, &body).await;
        assert_eq!((found, text(&answer, "ECODE")), (status, code), "{body}");
    }
    assert_eq!(world.site().written("task").len(), 1);
}

#[tokio::test]
async fn a_token_has_so_many_calls_a_minute_and_the_reset_is_a_time() {
    let world = World::new().await;
    world.switch(|clickup| clickup.per_minute = 2);
    let token = world.connect(Decision::Allow).await;
    let bearer = format!("Bearer {token}");
    let now = world.emulator.clock().now();
    let (_, headers, _) = world.get("/user", &bearer).await;
    assert_eq!(headers["x-ratelimit-remaining"], "1");
    assert_eq!(world.get("/user", &bearer).await.0, 200);
    let (status, headers, body) = world.get("/user", &bearer).await;
    assert_eq!((status, text(&body, "ECODE")), (429, "APP_002"));
    assert_eq!(headers["x-ratelimit-reset"], (now + 60).to_string());
    assert!(!headers.contains_key("retry-after"));
    let other = world.connect(Decision::Allow).await;
    assert_eq!(world.with("/user", &other).await.0, 200);
    world.emulator.clock().advance(Duration::from_secs(60));
    assert_eq!(world.get("/user", &bearer).await.0, 200);
}

#[tokio::test]
async fn faults_come_in_clickup_s_shape() {
    let world = World::new().await;
    let token = world.connect(Decision::Allow).await;
    world.site().fault(Endpoint::Api, Fault::OkWithError("TEAM_001".into()));
    let (status, body) = world.with("/team", &token).await;
    assert_eq!((status, text(&body, "ECODE")), (200, "TEAM_001"));
    world.site().fault(Endpoint::Identity, Fault::EchoSecrets);
    let (status, body) = world.with("/user", &token).await;
    assert!(status == 400 && text(&body, "err").contains(&token));
    world.site().fault(Endpoint::Exchange, Fault::ScopeLost("91".into()));
    let less = world.connect(Decision::Allow).await;
    assert_eq!(world.with("/team/91/space", &less).await.0, 401);
    world.site().add_client(Client::new("other").secret("fake").redirect(REDIRECT)).unwrap();
    let code = world.code(&[("client_id", "other")], Decision::Allow).await;
    assert_eq!(post(&world.http, TOKEN, &client(&code)).await.0, 400);
}
