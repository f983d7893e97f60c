//! Anthropic: keys, the list of models, messages and what they refuse.
#![allow(clippy::unwrap_used, reason = "a failure here is a failure of the test")]

mod support;

use std::time::Duration;

use bailee_emulator::anthropic::{Anthropic, Outcome};
use bailee_emulator::{Account, Emulator, Endpoint, Fault, Site};
use reqwest::header::HeaderMap;
use serde_json::{Value, json};
use support::{http, json, text};

const KEY: &str = "sk-ant-api03-fake-canary-1";
const API: &str = "https://api.anthropic.com/v1";

struct World {
    emulator: Emulator,
    http: reqwest::Client,
}

impl World {
    async fn new() -> Self {
        let emulator = Emulator::builder().play(Anthropic::new()).start().await.unwrap();
        let site = emulator.site("anthropic").unwrap();
        site.add_account(Account::new("ada"));
        let none: [&str; 0] = [];
        site.add_key(KEY, "ada", none);
        let http = http(&emulator);
        Self { emulator, http }
    }

    fn site(&self) -> &Site {
        self.emulator.site("anthropic").unwrap()
    }

    fn switch(&self, change: impl FnOnce(&mut Anthropic)) {
        assert!(self.site().switches(change));
    }

    async fn send(
        &self,
        path: &str,
        headers: &[(&'static str, &str)],
        body: Option<&Value>,
    ) -> (u16, HeaderMap, Value) {
        let address = format!("{API}{path}");
        let mut request = match body {
            Some(body) => self.http.post(address).body(body.to_string()),
            None => self.http.get(address),
        };
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let answer = request.header("content-type", "application/json").send().await.unwrap();
        let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
        (status, headers, json(&answer.text().await.unwrap()))
    }

    async fn get(&self, path: &str) -> (u16, HeaderMap, Value) {
        self.send(path, &[VERSION, ("x-api-key", KEY)], None).await
    }

    async fn post(&self, body: &Value) -> (u16, HeaderMap, Value) {
        self.send("/messages", &[VERSION, ("x-api-key", KEY)], Some(body)).await
    }
}

const VERSION: (&str, &str) = ("anthropic-version", "2023-06-01");

fn ask(prompt: &str) -> Value {
    json!({"model": "claude-haiku-4-5", "max_tokens": 100, "system": "Write.",
        "messages": [{"role": "user", "content": prompt}]})
}

fn kind(body: &Value) -> &str {
    text(&body["error"], "type")
}

#[tokio::test]
async fn a_key_stands_in_its_header_and_the_version_beside_it() {
    let world = World::new().await;
    let (status, headers, body) = world.get("/models?limit=1").await;
    assert_eq!((status, &body["has_more"]), (200, &json!(true)));
    assert_eq!(headers["anthropic-organization-id"], "org-of-ada");
    assert!(headers.contains_key("request-id"));
    for (headers, status, error) in [
        (&[VERSION, ("x-api-key", "sk-ant-api03-fake-other")][..], 401, "authentication_error"),
        (&[VERSION], 401, "authentication_error"),
        (&[VERSION, ("authorization", "Bearer x")], 401, "authentication_error"),
        (
            &[VERSION, ("x-api-key", KEY), ("authorization", "Bearer x")],
            401,
            "authentication_error",
        ),
        (&[("x-api-key", KEY)], 400, "invalid_request_error"),
        (&[("anthropic-version", "1"), ("x-api-key", KEY)], 400, "invalid_request_error"),
    ] {
        let (found, _, body) = world.send("/models", headers, None).await;
        assert_eq!((found, kind(&body)), (status, error), "{headers:?}");
        assert_eq!(body["type"], "error");
    }
    world.site().end_token(KEY);
    assert_eq!(world.get("/models").await.0, 401);
}

#[tokio::test]
async fn models_come_in_pages() {
    let world = World::new().await;
    let (_, _, first) = world.get("/models?limit=2").await;
    assert_eq!((&first["last_id"], &first["has_more"]), (&json!("claude-sonnet-5"), &json!(true)));
    let (_, _, last) = world.get("/models?limit=2&after_id=claude-sonnet-5").await;
    assert_eq!(
        (&last["data"][0]["id"], &last["has_more"]),
        (&json!("claude-haiku-4-5"), &json!(false))
    );
    for wrong in ["limit=0", "limit=x", "after_id=claude-1"] {
        assert_eq!(world.get(&format!("/models?{wrong}")).await.0, 400, "{wrong}");
    }
}

#[tokio::test]
async fn the_same_prompt_gives_the_same_text_and_each_is_billed() {
    let world = World::new().await;
    let (status, headers, first) = world.post(&ask("bread")).await;
    assert_eq!((status, &first["stop_reason"]), (200, &json!("end_turn")), "{first}");
    assert_eq!(headers["anthropic-ratelimit-requests-remaining"], "49");
    assert!(headers["anthropic-ratelimit-requests-reset"].to_str().unwrap().ends_with('Z'));
    let (_, _, again) = world.post(&ask("bread")).await;
    assert_eq!(first["content"], again["content"]);
    assert_ne!(first["id"], world.post(&ask("butter")).await.2["id"]);
    assert_eq!(world.site().written("message").len(), 3);
}

#[tokio::test]
async fn what_is_no_request_is_refused() {
    let world = World::new().await;
    let with = |name: &str, value: Value| {
        let mut body = ask("bread");
        body[name] = value;
        body
    };
    for (body, status, error) in [
        (with("model", json!("claude-opus-4")), 404, "not_found_error"),
        (with("model", json!(7)), 400, "invalid_request_error"),
        (with("max_tokens", json!(0)), 400, "invalid_request_error"),
        (with("temperature", json!(2)), 400, "invalid_request_error"),
        (with("messages", json!([])), 400, "invalid_request_error"),
        (
            with("messages", json!([{"role": "system", "content": "x"}])),
            400,
            "invalid_request_error",
        ),
        (with("stream", json!(true)), 400, "invalid_request_error"),
        (with("tools", json!([])), 400, "invalid_request_error"),
        (with("unknown", json!(1)), 400, "invalid_request_error"),
        (json!([]), 400, "invalid_request_error"),
    ] {
        let (found, _, answer) = world.post(&body).await;
        assert_eq!((found, kind(&answer)), (status, error), "{body}");
    }
    world.switch(|anthropic| anthropic.largest = 10);
    let (status, _, body) = world.post(&ask("bread")).await;
    assert_eq!((status, kind(&body)), (413, "request_too_large"));
    assert!(world.site().written("message").is_empty());
    let (status, _, _) = world.get("/nothing").await;
    assert_eq!(status, 404);
}

#[tokio::test]
async fn personal_data_in_a_request_is_noticed() {
    let world = World::new().await;
    for prompt in ["by ada@person.example", "by @ada", "call 030 1234567", "at 52.5, 13.4"] {
        assert_eq!(world.post(&ask(prompt)).await.0, 400, "{prompt}");
    }
    let mut body = ask("bread");
    body["metadata"] = json!({"user_id": "ada@person.example"});
    assert_eq!(world.post(&body).await.0, 400);
    assert_eq!(world.site().written("forbidden").len(), 5);
}

#[tokio::test]
async fn messages_come_out_in_several_ways() {
    let world = World::new().await;
    for (outcome, stop, blocks) in [
        (Outcome::Empty, "end_turn", 0),
        (Outcome::MaxTokens, "max_tokens", 1),
        (Outcome::Refusal, "refusal", 1),
        (Outcome::Text("own".into()), "end_turn", 1),
        (Outcome::UnknownBlocks, "end_turn", 3),
    ] {
        world.switch(|anthropic| anthropic.outcome = outcome.clone());
        let (_, _, message) = world.post(&ask("bread")).await;
        let found = message["content"].as_array().unwrap().len();
        assert_eq!((text(&message, "stop_reason"), found), (stop, blocks), "{outcome:?}");
    }
}

#[tokio::test]
async fn bills_limits_and_overload_have_answers_of_their_own() {
    let world = World::new().await;
    world.switch(|anthropic| anthropic.paid = false);
    let (status, _, body) = world.post(&ask("bread")).await;
    assert_eq!((status, kind(&body)), (402, "billing_error"));
    world.switch(|anthropic| anthropic.poor_is_400 = true);
    let (status, _, body) = world.post(&ask("bread")).await;
    assert_eq!((status, kind(&body)), (400, "invalid_request_error"));
    world.switch(|anthropic| {
        (anthropic.paid, anthropic.per_minute, anthropic.should_retry) = (true, 3, Some(true));
    });
    assert_eq!(world.post(&ask("bread")).await.0, 200);
    let (status, headers, body) = world.post(&ask("bread")).await;
    assert_eq!((status, kind(&body)), (429, "rate_limit_error"));
    assert_eq!(
        (&headers["retry-after"], &headers["x-should-retry"]),
        (&"60".parse().unwrap(), &"true".parse().unwrap())
    );
    world.emulator.clock().advance(Duration::from_secs(60));
    world.site().fault(Endpoint::Api, Fault::Status(529));
    assert_eq!(world.post(&ask("bread")).await.0, 529);
    world.site().fault(Endpoint::Api, Fault::OkWithError("overloaded_error".into()));
    let (status, _, body) = world.post(&ask("bread")).await;
    assert_eq!((status, kind(&body)), (200, "overloaded_error"));
}
