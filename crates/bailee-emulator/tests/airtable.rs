//! Airtable: authorization with PKCE, tokens, bases and records.
#![allow(clippy::unwrap_used, reason = "a failure here is a failure of the test")]

mod support;

use std::time::Duration;

use bailee_emulator::airtable::Airtable;
use bailee_emulator::{Account, Client, Decision, Emulator, Endpoint, Fault, Site};
use reqwest::header::HeaderMap;
use serde_json::{Value, json};
use support::*;

const TOKEN: &str = "https://airtable.com/oauth2/v1/token";
const WHOAMI: &str = "https://api.airtable.com/v0/meta/whoami";
const BASES: &str = "https://api.airtable.com/v0/meta/bases";
const TASKS: &str = "https://api.airtable.com/v0/appOne/Tasks";
const STATE: &str = "0123456789abcdef";

struct World {
    emulator: Emulator,
    http: reqwest::Client,
}

impl World {
    async fn new() -> Self {
        let emulator = Emulator::builder().play(Airtable::new()).start().await.unwrap();
        let site = emulator.site("airtable").unwrap();
        furnish(site);
        let columns = json!({"Tasks": {"Name": "text", "Count": "number"}});
        let base = |id: &str| json!({"id": id, "name": format!("Base {id}"), "tables": columns});
        let bases = json!([base("appOne"), base("appTwo"), base("appThree")]);
        site.add_account(Account::new("ada").fact("bases", bases));
        let http = http(&emulator);
        Self { emulator, http }
    }

    fn site(&self) -> &Site {
        self.emulator.site("airtable").unwrap()
    }

    fn switch(&self, change: impl FnOnce(&mut Airtable)) {
        assert!(self.site().switches(change));
    }

    async fn post(&self, url: &str, pairs: &[(&str, &str)]) -> (u16, Value) {
        let secret = form(&[("", SECRET)]).split_off(1);
        let request = self.http.post(url).basic_auth(ID, Some(secret));
        let request = request.header("content-type", "application/x-www-form-urlencoded");
        let answer = request.body(form(pairs)).send().await.unwrap();
        (answer.status().as_u16(), json(&answer.text().await.unwrap()))
    }

    async fn connect_with(&self, scope: &str) -> Value {
        let back = allow(&self.emulator, &authorize(&[("scope", scope)])).await;
        let code = parameter(&back, "code").unwrap_or_else(|| panic!("{back}"));
        let (status, tokens) = self.post(TOKEN, &exchange(&code)).await;
        assert_eq!(status, 200, "{tokens}");
        tokens
    }

    async fn connect(&self) -> Value {
        self.connect_with("data.records:read data.records:write schema.bases:read").await
    }

    async fn refresh(&self, token: &str) -> (u16, Value) {
        self.post(TOKEN, &[("grant_type", "refresh_token"), ("refresh_token", token)]).await
    }

    async fn call(&self, url: &str, token: &str, body: Option<Value>) -> (u16, HeaderMap, Value) {
        let request = match body {
            None => self.http.get(url),
            Some(body) => {
                let request = self.http.post(url).header("content-type", "application/json");
                request.body(body.to_string())
            }
        };
        let answer = request.bearer_auth(token).send().await.unwrap();
        let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
        (status, headers, json(&answer.text().await.unwrap()))
    }

    async fn get(&self, url: &str, token: &str) -> (u16, Value) {
        let (status, _, body) = self.call(url, token, None).await;
        (status, body)
    }

    /// The next second, in which a base can be asked again.
    fn later(&self) {
        self.emulator.clock().advance(Duration::from_secs(1));
    }
}

fn exchange(code: &str) -> [(&str, &str); 4] {
    [
        ("grant_type", "authorization_code"),
        ("redirect_uri", REDIRECT),
        ("code_verifier", VERIFIER),
        ("code", code),
    ]
}

fn authorize(changes: &[(&str, &str)]) -> String {
    let mut pairs = vec![
        ("client_id", ID),
        ("response_type", "code"),
        ("redirect_uri", REDIRECT),
        ("state", STATE),
        ("scope", "data.records:read"),
        ("code_challenge", CHALLENGE),
        ("code_challenge_method", "S256"),
    ];
    for (key, value) in changes {
        pairs.retain(|(known, _)| known != key);
        if !value.is_empty() {
            pairs.push((key, value));
        }
    }
    url("https://airtable.com/oauth2/v1/authorize", &pairs)
}

fn rows(names: &[&str]) -> Value {
    let row = |name: &&str| json!({"fields": {"Name": name}});
    json!({"records": names.iter().map(row).collect::<Vec<_>>()})
}

fn kind(answer: &(u16, HeaderMap, Value)) -> (u16, &str) {
    (answer.0, text(&answer.2["error"], "type"))
}

#[tokio::test]
async fn every_client_needs_s256_and_what_is_wrong_about_itself_ends_on_a_page() {
    let world = World::new().await;
    for changes in [
        &[("code_challenge", "")][..],
        &[("code_challenge_method", "plain")],
        &[("state", "short")],
        &[("scope", "data.records:everything")],
    ] {
        let back = allow(&world.emulator, &authorize(changes)).await;
        assert!(parameter(&back, "error").is_some(), "{changes:?}: {back}");
    }
    for changes in [[("client_id", "other")], [("redirect_uri", "https://app.example/cb/")]] {
        let refused = world.emulator.consent(&authorize(&changes), Decision::Allow, "ada").await;
        assert!(refused.is_err(), "{changes:?}");
    }
    world.switch(|airtable| airtable.bounded_state = false);
    let back = allow(&world.emulator, &authorize(&[("state", "short")])).await;
    assert_eq!(parameter(&back, "state").as_deref(), Some("short"));
}

#[tokio::test]
async fn tokens_come_for_basic_or_for_the_id_of_a_client_without_a_secret() {
    let world = World::new().await;
    let tokens = world.connect().await;
    assert_eq!(
        (&tokens["expires_in"], &tokens["refresh_expires_in"]),
        (&json!(3600), &json!(5_184_000))
    );
    assert!(text(&tokens, "refresh_token").len() >= 64);
    assert!(text(&tokens, "access_token").starts_with("oaa"));
    let back = allow(&world.emulator, &authorize(&[])).await;
    let code = parameter(&back, "code").unwrap();
    let mut pairs = exchange(&code).to_vec();
    pairs.extend([("client_id", ID), ("client_secret", SECRET)]);
    let (status, body) = post(&world.http, TOKEN, &pairs).await;
    assert_eq!((status, text(&body, "error")), (401, "invalid_client"));
    world.site().add_client(Client::new("public-1").redirect(REDIRECT)).unwrap();
    let back = allow(&world.emulator, &authorize(&[("client_id", "public-1")])).await;
    let code = parameter(&back, "code").unwrap();
    let mut pairs = exchange(&code).to_vec();
    pairs.push(("client_id", "public-1"));
    let www = TOKEN.replace("airtable.com", "www.airtable.com");
    assert_eq!(post(&world.http, &www, &pairs).await.0, 200);
}

#[tokio::test]
async fn a_refresh_ends_both_tokens_and_their_reuse_ends_everything() {
    let world = World::new().await;
    let first = world.connect().await;
    let (status, second) = world.refresh(text(&first, "refresh_token")).await;
    assert_eq!(status, 200);
    assert_eq!(world.get(WHOAMI, text(&first, "access_token")).await.0, 401);
    assert_eq!(world.get(WHOAMI, text(&second, "access_token")).await.0, 200);
    let (status, body) = world.refresh(text(&first, "refresh_token")).await;
    assert_eq!((status, text(&body, "error")), (400, "invalid_grant"));
    assert!(world.site().live_tokens().is_empty());
    let third = world.connect().await;
    world.emulator.clock().advance(Duration::from_secs(60 * 86_400));
    assert_eq!(world.refresh(text(&third, "refresh_token")).await.0, 400);
    assert_eq!(world.post("https://airtable.com/oauth2/v1/revoke", &[]).await.0, 404);
}

#[tokio::test]
async fn whoami_has_the_scopes_and_the_address_where_it_may_be_seen() {
    let world = World::new().await;
    let tokens = world.connect_with("data.records:read").await;
    let (_, body) = world.get(WHOAMI, text(&tokens, "access_token")).await;
    assert!(text(&body, "id").starts_with("usr"));
    assert_eq!((body.get("email"), &body["scopes"]), (None, &json!(["data.records:read"])));
    let tokens = world.connect_with("user.email:read").await;
    let (_, other) = world.get(WHOAMI, text(&tokens, "access_token")).await;
    assert_eq!((&other["email"], &other["id"]), (&json!("ada@person.example"), &body["id"]));
}

#[tokio::test]
async fn the_bases_that_were_picked_are_listed_and_the_others_are_closed() {
    let world = World::new().await;
    let tokens = world.connect().await;
    let access = text(&tokens, "access_token");
    let (_, page) = world.get(BASES, access).await;
    assert_eq!(page["bases"].as_array().unwrap().len(), 2);
    let next = format!("{BASES}?offset={}", text(&page, "offset"));
    let (_, page) = world.get(&next, access).await;
    assert_eq!((&page["bases"][0]["id"], page.get("offset")), (&json!("appThree"), None));
    let closed = world.call("https://api.airtable.com/v0/appOther/Tasks", access, None).await;
    assert_eq!(kind(&closed), (403, "INVALID_PERMISSIONS_OR_MODEL_NOT_FOUND"));
    let missing = world.get("https://api.airtable.com/v0/meta/nothing", access).await;
    assert_eq!(missing, (404, json!({"error": "NOT_FOUND"})));
    let tokens = world.connect_with("data.records:read").await;
    assert_eq!(world.get(BASES, text(&tokens, "access_token")).await.0, 403);
}

#[tokio::test]
async fn records_are_created_all_or_none_and_cast_where_it_is_asked_for() {
    let world = World::new().await;
    let tokens = world.connect().await;
    let access = text(&tokens, "access_token");
    let (status, _, body) = world.call(TASKS, access, Some(rows(&["One", "Two"]))).await;
    assert_eq!((status, &body["records"][1]["fields"]["Name"]), (200, &json!("Two")));
    assert!(text(&body["records"][0], "id").starts_with("rec"));
    let cast = json!({"records": [{"fields": {"Name": "Three", "Count": "3"}}], "typecast": true});
    let (_, _, body) = world.call(TASKS, access, Some(cast.clone())).await;
    assert_eq!(body["records"][0]["fields"]["Count"], 3.0);
    let mut uncast = cast;
    uncast["typecast"] = json!(false);
    for (body, code) in [
        (uncast, "INVALID_VALUE_FOR_COLUMN"),
        (
            json!({"records": [{"fields": {"Name": "x"}}, {"fields": {"No": 1}}]}),
            "UNKNOWN_FIELD_NAME",
        ),
        (rows(&["x"; 11]), "INVALID_REQUEST_UNKNOWN"),
        (rows(&[]), "INVALID_REQUEST_UNKNOWN"),
        (json!({"records": [{}]}), "INVALID_REQUEST_BODY"),
        (json!([]), "INVALID_REQUEST_BODY"),
    ] {
        world.later();
        assert_eq!(kind(&world.call(TASKS, access, Some(body)).await), (422, code));
    }
    assert_eq!(world.site().written("record").len(), 3);
}

#[tokio::test]
async fn records_are_listed_filtered_sorted_and_page_by_page() {
    let world = World::new().await;
    let tokens = world.connect().await;
    let access = text(&tokens, "access_token");
    world.call(TASKS, access, Some(rows(&["b", "a", "c"]))).await;
    let ask = |pairs: &[(&str, &str)]| url(TASKS, pairs);
    let names = |page: &Value| -> Vec<String> {
        let records = page["records"].as_array().unwrap();
        records.iter().map(|record| text(&record["fields"], "Name").to_owned()).collect()
    };
    let sorted = [("sort[0][field]", "Name"), ("pageSize", "2")];
    let (_, page) = world.get(&ask(&sorted), access).await;
    assert_eq!(names(&page), ["a", "b"]);
    let next = [sorted[0], sorted[1], ("offset", text(&page, "offset"))];
    let (_, last) = world.get(&ask(&next), access).await;
    assert_eq!((names(&last), last.get("offset")), (vec!["c".to_owned()], None));
    let (_, page) = world.get(&ask(&[("filterByFormula", "{Name}='b'")]), access).await;
    assert_eq!(names(&page), ["b"]);
    world.emulator.clock().advance(Duration::from_secs(300));
    let old = world.call(&ask(&next), access, None).await;
    assert_eq!(kind(&old), (422, "LIST_RECORDS_ITERATOR_NOT_AVAILABLE"));
    let down = [("sort[0][field]", "Name"), ("sort[0][direction]", "desc"), ("fields[]", "Count")];
    let (_, page) = world.get(&ask(&down), access).await;
    assert_eq!(page["records"][0]["fields"], json!({}));
    for wrong in [("pageSize", "101"), ("fields[]", "No"), ("shoe", "1"), ("filterByFormula", "1=")]
    {
        world.later();
        assert_eq!(world.get(&ask(&[wrong]), access).await.0, 422, "{wrong:?}");
    }
}

#[tokio::test]
async fn the_sixth_request_of_a_second_costs_half_a_minute() {
    let world = World::new().await;
    let tokens = world.connect().await;
    let access = text(&tokens, "access_token");
    for _ in 0..5 {
        assert_eq!(world.get(TASKS, access).await.0, 200);
    }
    let limited = world.call(TASKS, access, None).await;
    assert_eq!((kind(&limited), limited.1.get("retry-after")), ((429, "RATE_LIMIT_REACHED"), None));
    assert_eq!(world.get(&TASKS.replace("One", "Two"), access).await.0, 200);
    world.emulator.clock().advance(Duration::from_secs(29));
    assert_eq!(world.get(TASKS, access).await.0, 429);
    world.later();
    assert_eq!(world.get(TASKS, access).await.0, 200);
    world.switch(|airtable| airtable.quota_used = true);
    let (status, body) = world.get(TASKS, access).await;
    assert_eq!(
        (status, text(&body["errors"][0], "error")),
        (429, "PUBLIC_API_BILLING_LIMIT_EXCEEDED")
    );
}

#[tokio::test]
async fn faults_speak_airtable_s_language() {
    let world = World::new().await;
    let tokens = world.connect().await;
    let access = text(&tokens, "access_token");
    world.site().fault(Endpoint::Refresh, Fault::OkWithError("invalid_grant".into()));
    let (status, body) = world.refresh(text(&tokens, "refresh_token")).await;
    assert_eq!((status, text(&body, "error")), (200, "invalid_grant"));
    world.site().fault(Endpoint::Api, Fault::OkWithError("NOT_FOUND".into()));
    assert_eq!(kind(&world.call(TASKS, access, None).await), (200, "NOT_FOUND"));
    world.switch(|airtable| {
        (airtable.string_errors, airtable.retry_after) = (true, Some("30".into()));
    });
    world.site().fault(Endpoint::Api, Fault::RateLimited { retry_after: None });
    let (status, headers, body) = world.call(TASKS, access, None).await;
    assert_eq!((status, body), (429, json!({"error": "RATE_LIMIT_REACHED"})));
    assert_eq!(headers["retry-after"], "30");
}
