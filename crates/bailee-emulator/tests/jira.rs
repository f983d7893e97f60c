//! Jira: authorization, tokens with a window, the sites of a grant, issues, attachments.
#![allow(clippy::unwrap_used, reason = "a failure here is a failure of the test")]

mod support;

use std::time::Duration;

use bailee_emulator::jira::Jira;
use bailee_emulator::oauth::Carrier;
use bailee_emulator::{Account, Decision, Emulator, Endpoint, Fault, Site};
use serde_json::{Value, json};
use support::*;

const TOKEN: &str = "https://auth.atlassian.com/oauth/token";
const SITES: &str = "https://api.atlassian.com/oauth/token/accessible-resources";
const ME: &str = "https://api.atlassian.com/me";
const CLOUD: &str = "11111111-2222-3333-4444-555555555555";

struct World {
    emulator: Emulator,
    http: reqwest::Client,
}

impl World {
    async fn new() -> Self {
        let emulator = Emulator::builder().play(Jira::new()).start().await.unwrap();
        furnish(emulator.site("jira").unwrap());
        let sites = json!([{"id": CLOUD, "name": "first"}]);
        emulator.site("jira").unwrap().add_account(Account::new("ada").fact("sites", sites));
        let http = http(&emulator);
        Self { emulator, http }
    }

    fn site(&self) -> &Site {
        self.emulator.site("jira").unwrap()
    }

    fn switch(&self, change: impl FnOnce(&mut Jira)) {
        assert!(self.site().switches(change));
    }

    async fn json(&self, url: &str, token: Option<&str>, body: &Value) -> (u16, Value) {
        let request = self.http.post(url).header("content-type", "application/json");
        let request = match token {
            Some(token) => request.bearer_auth(token),
            None => request,
        };
        let answer = request.body(body.to_string()).send().await.unwrap();
        (answer.status().as_u16(), json(&answer.text().await.unwrap()))
    }

    async fn get(&self, url: &str, token: &str) -> (u16, Value) {
        let answer = self.http.get(url).bearer_auth(token).send().await.unwrap();
        (answer.status().as_u16(), json(&answer.text().await.unwrap()))
    }

    async fn token(&self, changes: &[(&str, &str)]) -> (u16, Value) {
        let mut body = json!({"client_id": ID, "client_secret": SECRET});
        for (key, value) in changes {
            body[*key] = json!(value);
        }
        self.json(TOKEN, None, &body).await
    }

    async fn connect(&self, changes: &[(&str, &str)]) -> Value {
        let back = allow(&self.emulator, &authorize(changes)).await;
        let code = parameter(&back, "code").unwrap_or_else(|| panic!("{back}"));
        let (status, tokens) = self.exchange(&code).await;
        assert_eq!(status, 200, "{tokens}");
        tokens
    }

    async fn exchange(&self, code: &str) -> (u16, Value) {
        let code = ("code", code);
        self.token(&[("grant_type", "authorization_code"), ("redirect_uri", REDIRECT), code]).await
    }

    async fn refresh(&self, token: &str) -> (u16, Value) {
        self.token(&[("grant_type", "refresh_token"), ("refresh_token", token)]).await
    }
}

fn authorize(changes: &[(&str, &str)]) -> String {
    let mut pairs = vec![
        ("audience", "api.atlassian.com"),
        ("client_id", ID),
        ("scope", "read:jira-work offline_access"),
        ("redirect_uri", REDIRECT),
        ("state", "s1"),
        ("response_type", "code"),
        ("prompt", "consent"),
    ];
    for (key, value) in changes {
        pairs.retain(|(known, _)| known != key);
        if !value.is_empty() {
            pairs.push((key, value));
        }
    }
    url("https://auth.atlassian.com/authorize", &pairs)
}

fn api(path: &str) -> String {
    format!("https://api.atlassian.com/ex/jira/{CLOUD}/rest/api/3{path}")
}

#[tokio::test]
async fn the_authorization_names_its_audience_and_the_page() {
    let world = World::new().await;
    let tokens = world.connect(&[]).await;
    assert!(text(&tokens, "access_token").len() > 2048);
    assert!(text(&tokens, "refresh_token").len() > 2048);
    assert!(text(&tokens, "refresh_token").contains(world.emulator.marker()));
    assert_eq!((&tokens["expires_in"], &tokens["token_type"]), (&json!(3600), &json!("Bearer")));
    for change in [
        ("audience", ""),
        ("audience", "api.example.com"),
        ("prompt", ""),
        ("prompt", "none"),
        ("state", ""),
        ("scope", "read:everything"),
    ] {
        let back = allow(&world.emulator, &authorize(&[change])).await;
        assert!(parameter(&back, "error").is_some(), "{change:?}");
    }
    let back = world.emulator.consent(&authorize(&[]), Decision::Deny, "ada").await.unwrap();
    assert_eq!(parameter(&back, "error").as_deref(), Some("access_denied"));
    let online = world.connect(&[("scope", "read:jira-work")]).await;
    assert!(online.get("refresh_token").is_none());
}

#[tokio::test]
async fn the_token_address_takes_json_and_has_statuses_of_its_own() {
    let world = World::new().await;
    let back = allow(&world.emulator, &authorize(&[])).await;
    let code = parameter(&back, "code").unwrap();
    let exchange =
        [("grant_type", "authorization_code"), ("redirect_uri", REDIRECT), ("code", code.as_str())];
    for (change, status, error) in [
        (("client_secret", "wrong"), 401, "access_denied"),
        (("client_id", "wrong"), 401, "access_denied"),
        (("code", "never-issued"), 400, "invalid_request"),
        (("redirect_uri", "https://app.example/x"), 400, "invalid_request"),
    ] {
        let mut pairs = exchange.to_vec();
        pairs.retain(|(key, _)| *key != change.0);
        pairs.push(change);
        let (found, body) = world.token(&pairs).await;
        assert_eq!((found, text(&body, "error")), (status, error), "{change:?}");
    }
    let mut as_form = exchange.to_vec();
    as_form.extend([("client_id", ID), ("client_secret", SECRET)]);
    assert_eq!(post(&world.http, TOKEN, &as_form).await.0, 400);
    world.switch(|jira| jira.carriers.push(Carrier::Form));
    assert_eq!(post(&world.http, TOKEN, &as_form).await.0, 200);
}

#[tokio::test]
async fn the_former_pair_works_for_ten_minutes_and_dies_together() {
    let world = World::new().await;
    let first = world.connect(&[]).await;
    let (old_access, old_refresh) = (text(&first, "access_token"), text(&first, "refresh_token"));
    let (_, second) = world.refresh(old_refresh).await;
    assert_ne!(second["refresh_token"], first["refresh_token"]);
    world.emulator.clock().advance(Duration::from_secs(599));
    assert_eq!(world.get(SITES, old_access).await.0, 200);
    let (status, third) = world.refresh(old_refresh).await;
    assert_eq!(status, 200, "a lost answer is had again");
    world.emulator.clock().advance(Duration::from_secs(2));
    assert_eq!(world.get(SITES, old_access).await.0, 401, "though its own end is far off");
    assert_eq!(world.get(SITES, text(&third, "access_token")).await.0, 200);
    let (status, reused) = world.refresh(old_refresh).await;
    assert_eq!((status, text(&reused, "error")), (403, "invalid_grant"));
    assert!(world.site().live_tokens().is_empty(), "taken for theft");
    world.switch(|jira| jira.unauthorized_client = true);
    let (status, reused) = world.refresh(old_refresh).await;
    assert_eq!((status, text(&reused, "error")), (403, "unauthorized_client"));
}

#[tokio::test]
async fn the_sites_of_a_grant_stand_in_an_array() {
    let world = World::new().await;
    let tokens = world.connect(&[]).await;
    let token = text(&tokens, "access_token");
    let (_, all) = world.get(SITES, token).await;
    let all = all.as_array().unwrap();
    assert_eq!(all.len(), 2);
    assert!(all[0]["scopes"][0].as_str().unwrap().contains("confluence"));
    assert_eq!((&all[1]["id"], &all[1]["scopes"]), (&json!(CLOUD), &json!(["read:jira-work"])));
    let (status, refused) = world.get(ME, token).await;
    assert_eq!((status, text(&refused, "message")), (401, "Unauthorized; scope does not match"));
    let more = world.connect(&[("scope", "read:jira-work read:me")]).await;
    let (_, me) = world.get(ME, text(&more, "access_token")).await;
    assert!(text(&me, "account_id").starts_with("557058:"));
    let nowhere =
        world.get("https://api.atlassian.com/ex/jira/other/rest/api/3/field", token).await;
    assert_eq!(nowhere.0, 404);
    world.site().add_account(Account::new("ada").fact("sites", json!([])));
    assert_eq!(world.get(SITES, token).await, (200, json!([])));
    assert_eq!(world.get(SITES, "never-issued").await.0, 401);
}

#[tokio::test]
async fn a_search_is_bounded_and_comes_in_pages_without_a_total() {
    let world = World::new().await;
    let tokens = world.connect(&[]).await;
    let token = text(&tokens, "access_token");
    let search = async |body: Value| world.json(&api("/search/jql"), Some(token), &body).await;
    let (_, bare) = search(json!({"jql": "project = DEMO"})).await;
    assert_eq!(bare["issues"].as_array().unwrap().len(), 5);
    assert_eq!(bare["issues"][0]["fields"], json!({}), "the id alone");
    assert!(bare.get("total").is_none());
    let body = json!({"jql": "project = DEMO", "maxResults": 3, "fields": ["summary", "assignee"]});
    let (_, first) = search(body.clone()).await;
    assert_eq!((&first["isLast"], first["issues"].as_array().unwrap().len()), (&json!(false), 3));
    assert!(first.to_string().contains("Grace Canary"), "there are people to take out");
    let mut next = body.clone();
    next["nextPageToken"] = first["nextPageToken"].clone();
    let (_, last) = search(next.clone()).await;
    assert_eq!((&last["isLast"], last["issues"].as_array().unwrap().len()), (&json!(true), 2));
    assert!(last.get("nextPageToken").is_none());
    next["jql"] = json!("project = OTHER");
    for body in [
        next,
        json!({"jql": "order by created"}),
        json!({"jql": ""}),
        json!({"jql": "x = 1", "fields": ["no-such-field"]}),
        json!({"jql": "x = 1", "maxResults": 5001}),
        json!({"jql": "x = 1", "startAt": 0}),
    ] {
        assert_eq!(search(body.clone()).await.0, 400, "{body}");
    }
    let (_, some) = search(json!({"jql": "key in (DEMO-2, DEMO-9)"})).await;
    assert_eq!(some["issues"][0]["key"], "DEMO-2");
    let query = url(&api("/search/jql"), &[("jql", "project = DEMO"), ("fields", "summary")]);
    assert_eq!(world.get(&query, token).await.1["issues"].as_array().unwrap().len(), 5);
    let count = api("/search/approximate-count");
    let (_, count) = world.json(&count, Some(token), &json!({"jql": "project = DEMO"})).await;
    assert_eq!(count, json!({"count": 5}));
    assert_eq!(world.get(&api("/search"), token).await.0, 410);
}

#[tokio::test]
async fn an_issue_and_its_attachments_are_read() {
    let world = World::new().await;
    let tokens = world.connect(&[]).await;
    let token = text(&tokens, "access_token");
    let (_, issue) = world.get(&api("/issue/DEMO-1?fields=attachment,summary"), token).await;
    assert_eq!(issue["fields"].as_object().unwrap().len(), 2);
    let id = text(&issue["fields"]["attachment"][0], "id").to_owned();
    let (_, all) =
        world.get(&api("/issue/10001?fields=*all,-description&expand=changelog"), token).await;
    assert!(all["fields"].get("description").is_none() && all["changelog"].is_object());
    assert_eq!(world.get(&api("/issue/DEMO-99"), token).await.0, 404);
    assert!(world.get(&api("/field"), token).await.1.as_array().unwrap().len() > 10);

    let content = api(&format!("/attachment/content/{id}"));
    let away = world.http.get(&content).bearer_auth(token).send().await.unwrap();
    assert_eq!(away.status(), 303);
    let away = away.headers()["location"].to_str().unwrap().to_owned();
    assert!(away.starts_with("https://api.media.atlassian.com/"));
    assert_eq!(world.http.get(&away).send().await.unwrap().status(), 200);
    let with_token = world.http.get(&away).bearer_auth(token).send().await.unwrap();
    assert_eq!(with_token.status(), 401, "the token of another host is not taken");

    let here = format!("{content}?redirect=false");
    let whole = world.http.get(&here).bearer_auth(token).send().await.unwrap();
    assert_eq!(whole.bytes().await.unwrap().len(), 100_000);
    let rest = world.http.get(&here).bearer_auth(token).header("range", "bytes=99990-");
    let rest = rest.send().await.unwrap();
    assert_eq!(rest.status(), 206);
    assert_eq!(rest.bytes().await.unwrap().len(), 10);
}

#[tokio::test]
async fn faults_look_like_atlassian() {
    let world = World::new().await;
    let tokens = world.connect(&[]).await;
    let token = text(&tokens, "access_token");
    world.site().fault(Endpoint::Api, Fault::RateLimited { retry_after: None });
    let answer = world.http.get(api("/field")).bearer_auth(token).send().await.unwrap();
    assert_eq!(answer.status(), 429);
    assert_eq!(answer.headers()["x-ratelimit-reset"].len(), "2026-01-01T00:00Z".len());
    assert_eq!(answer.headers()["ratelimit-reason"], "jira-burst-based");
    let without = world.connect(&[("scope", "read:me")]).await;
    let (status, refused) = world.get(&api("/field"), text(&without, "access_token")).await;
    assert_eq!((status, text(&refused, "message")), (401, "Unauthorized; scope does not match"));
    assert_eq!(world.site().withdraw("ada", ID), 2);
    assert_eq!(world.get(SITES, token).await.0, 401);
    let (status, over) = world.refresh(text(&tokens, "refresh_token")).await;
    assert_eq!((status, text(&over, "error")), (403, "invalid_grant"));
}

#[tokio::test]
async fn reports_say_which_accounts_were_closed_or_changed() {
    let world = World::new().await;
    let scope = ("scope", "read:me report:personal-data");
    let tokens = world.connect(&[scope]).await;
    let token = text(&tokens, "access_token");
    let (_, me) = world.get(ME, token).await;
    let id = text(&me, "account_id");
    let at = "https://api.atlassian.com/app/report-accounts/";
    let one = |id: &str| json!({"accountId": id, "updatedAt": "2026-01-02T03:04:05Z"});
    let report = |accounts: Vec<Value>| {
        let request = world.http.post(at).bearer_auth(token);
        let body = json!({"accounts": accounts}).to_string();
        request.header("content-type", "application/json").body(body).send()
    };
    let answer = report(vec![one(id)]).await.unwrap();
    assert_eq!(answer.status(), 204);
    assert_eq!(answer.headers()["cycle-period"], "7");
    assert_eq!(world.site().written("report").len(), 1);
    for status in ["updated", "closed"] {
        let sites = json!([{"id": CLOUD, "name": "first"}]);
        let ada = Account::new("ada").fact("sites", sites).fact("report", status);
        world.site().add_account(ada);
        world.switch(|jira| jira.cycle_period = Some("P7D"));
        let answer = report(vec![one(id)]).await.unwrap();
        assert_eq!(answer.headers()["cycle-period"], "P7D");
        let said = json(&answer.text().await.unwrap());
        assert_eq!(said["accounts"], json!([{"accountId": id, "status": status}]));
    }
    let many = |count: usize| (0..count).map(|n| one(&format!("account-{n}"))).collect();
    assert_eq!(report(many(90)).await.unwrap().status(), 204);
    let dateless = json!({"accountId": id, "updatedAt": "yesterday"});
    for bad in [many(91), many(0), vec![one("unknown")], vec![dateless]] {
        assert_eq!(report(bad).await.unwrap().status(), 400);
    }
    world.switch(|jira| jira.reports_wait = Some(60));
    let busy = report(many(1)).await.unwrap();
    assert_eq!((busy.status().as_u16(), &busy.headers()["retry-after"] == "60"), (429, true));
    world.switch(|jira| jira.reports_wait = None);
    let without = world.connect(&[("scope", "read:me")]).await;
    let body = json!({"accounts": [one(id)]});
    assert_eq!(world.json(at, Some(text(&without, "access_token")), &body).await.0, 403);
}
