//! The core with a made-up provider that differs in every way which Zoom does not show.

use std::time::Duration;

use serde_json::{Value, json};

use super::*;
use crate::ledger::RefreshStyle;
use crate::play::Played;
use crate::{Clock, Decision, Emulator, Fault, Site};

#[derive(Clone, Debug)]
struct Odd {
    changes: fn(&mut Facts),
    form: bool,
}

impl Dialect for Odd {
    fn hosts(&self) -> Vec<String> {
        vec!["*.odd.example".into()]
    }

    fn facts(&self) -> Facts {
        let mut facts = Facts::rfc6749("Odd");
        facts.known_scopes = &["a", "b", "c"];
        (self.changes)(&mut facts);
        facts
    }

    fn classify(&self, request: &Incoming) -> Endpoint {
        match request.path.as_str() {
            "/authorize" => Endpoint::Authorize,
            "/token" => Endpoint::of_token(request, "refresh_token"),
            "/extend" => Endpoint::Refresh,
            "/revoke" => Endpoint::Revoke,
            _ => Endpoint::Api,
        }
    }

    fn api(&mut self, desk: &mut Desk, call: &Call<'_>) -> Result<Answer, Problem> {
        let places = [Place::Header("x-odd-key"), Place::Query("key"), Place::Bearer];
        let caller = caller(desk, call, &places)?;
        desk.limits.hit(caller.token, 2, 60, call.now).map_err(Problem::TooMany)?;
        Ok(Answer::json(200, &json!({"kind": caller.kind, "scopes": caller.scopes})))
    }

    fn error(&self, _: &Call<'_>, status: u16, code: &str, _: &str) -> Answer {
        Answer::json(status, &json!({"ok": false, "error": code}))
    }

    fn methods(&self, endpoint: Endpoint) -> &'static [&'static str] {
        if endpoint == Endpoint::Refresh { &["GET", "POST"] } else { &[] }
    }

    fn encoding(&self, _: &Call<'_>) -> Encoding {
        if self.form { Encoding::Form } else { Encoding::Json }
    }

    fn token_answer(&self, _: &mut Desk, issued: &Issued) -> TokenAnswer {
        let facts = self.facts();
        let mut answer = TokenAnswer::default();
        for credential in &issued.credentials {
            if credential.kind == "user_scope" && issued.first {
                let mut user = TokenAnswer::default();
                credential.write(&facts, &mut user);
                answer.add_object("authed_user", user);
            } else {
                credential.write(&facts, &mut answer);
            }
        }
        answer
    }
}

struct World(Emulator);

impl World {
    async fn new(changes: fn(&mut Facts)) -> Self {
        Self::of(Odd { changes, form: false }).await
    }

    async fn of(odd: Odd) -> Self {
        let builder = Emulator::builder().clock(Clock::at(1000));
        let emulator = builder.play(Played::oauth("odd", odd)).start().await.unwrap();
        let world = Self(emulator);
        world.site().add_account(Account::new("ada"));
        let client = Client::new("app").secret("fake-secret").redirect("https://app.example/cb");
        world.site().add_client(client).unwrap();
        world
    }

    fn site(&self) -> &Site {
        self.0.site("odd").unwrap()
    }

    /// Where the browser ends with these parameters beside the usual ones.
    async fn authorize(&self, query: &str) -> Result<String, crate::ConsentError> {
        let url = format!(
            "https://shop.odd.example/authorize?client_id=app&response_type=code\
             &redirect_uri=https://app.example/cb&{query}"
        );
        self.0.consent(&url, Decision::Allow, "ada").await
    }

    async fn code(&self, query: &str) -> String {
        let back = self.authorize(query).await.unwrap();
        let code = back.split_once("code=").unwrap_or_else(|| panic!("{back}")).1;
        code.split(['&', '#']).next().unwrap().to_owned()
    }

    async fn send(&self, method: &str, path: &str, body: &Value) -> (u16, Value) {
        let request = Incoming {
            method: method.into(),
            host: "shop.odd.example".into(),
            path: path.split('?').next().unwrap().into(),
            query: path.split_once('?').map(|(_, query)| query.into()),
            headers: vec![("content-type".into(), "application/json".into())],
            body: if body.is_null() { Vec::new() } else { body.to_string().into() },
        };
        let answer = self.site().serve(&request).await;
        let text = String::from_utf8(answer.body).unwrap();
        (answer.status, serde_json::from_str(&text).unwrap_or(Value::String(text)))
    }

    /// Exchanges a code, with JSON.
    async fn exchange(&self, code: &str) -> (u16, Value) {
        self.send("POST", "/token", &with_client(json!({"code": code}))).await
    }
}

fn with_client(mut body: Value) -> Value {
    body["client_id"] = json!("app");
    body["client_secret"] = json!("fake-secret");
    body
}

fn json_only(facts: &mut Facts) {
    facts.carriers = vec![Carrier::Json];
    facts.grant_type = Need::Optional;
    facts.redirect_at_token = Need::Optional;
}

#[tokio::test]
async fn two_scope_parameters_give_two_credentials_that_live_apart() {
    let world = World::new(|facts| {
        json_only(facts);
        facts.scope_parameters = &["scope", "user_scope"];
        facts.separators = ",";
    })
    .await;
    let code = world.code("scope=a,b&user_scope=c").await;
    let (status, tokens) = world.exchange(&code).await;
    assert_eq!((status, &tokens["scope"]), (200, &json!("a b")));
    let user = &tokens["authed_user"];
    assert_eq!(user["scope"], "c");
    let refresh = json!({"grant_type": "refresh_token", "refresh_token": user["refresh_token"]});
    let (_, refreshed) = world.send("POST", "/token", &with_client(refresh)).await;
    assert_eq!(refreshed["scope"], "c");
    assert!(world.site().is_live(tokens["refresh_token"].as_str().unwrap()));
    let key = refreshed["access_token"].as_str().unwrap();
    let (_, seen) = world.send("GET", &format!("/api?key={key}"), &Value::Null).await;
    assert_eq!(seen, json!({"kind": "user_scope", "scopes": ["c"]}));
    // The replay of the code ends both.
    assert_eq!(world.exchange(&code).await.0, 400);
    assert!(world.site().live_tokens().is_empty());

    let code = world.code("user_scope=c").await;
    let (_, tokens) = world.exchange(&code).await;
    assert!(tokens.get("access_token").is_none());
    world.exchange(&code).await;
    assert!(world.site().live_tokens().is_empty());
}

#[tokio::test]
async fn an_access_token_extends_itself_once_it_is_old_enough() {
    let world = World::new(|facts| {
        json_only(facts);
        facts.carriers.push(Carrier::Query);
        facts.refresh_style =
            RefreshStyle::SelfExtending { after: Duration::from_secs(60), ends_old: true };
        facts.refresh_parameter = "access_token";
        facts.refresh_authenticates = false;
    })
    .await;
    let (_, tokens) = world.exchange(&world.code("scope=a").await).await;
    assert!(tokens.get("refresh_token").is_none());
    let extend = format!("/extend?access_token={}", tokens["access_token"].as_str().unwrap());
    world.0.clock().advance(Duration::from_secs(59));
    assert_eq!(world.send("GET", &extend, &Value::Null).await.0, 400);
    world.0.clock().advance(Duration::from_secs(1));
    let (status, newer) = world.send("GET", &extend, &Value::Null).await;
    assert_eq!(status, 200);
    assert_ne!(newer["access_token"], tokens["access_token"]);
    assert_eq!(world.send("GET", &extend, &Value::Null).await.0, 400);
}

#[tokio::test]
async fn what_an_authorization_must_say_is_demanded() {
    let world = World::new(|facts| {
        facts.demanded = &[("audience", Some("api.odd.example")), ("prompt", None)];
        facts.state = Need::Required;
        facts.pkce = Pkce::Refused;
    })
    .await;
    let good = "scope=a&state=s&audience=api.odd.example&prompt=consent";
    world.code(good).await;
    for (from, to, error) in [
        ("audience=api.odd.example", "audience=other", "invalid_request"),
        ("&prompt=consent", "", "invalid_request"),
        ("&state=s", "", "invalid_request"),
        ("scope=a", "scope=a+d", "invalid_scope"),
        ("scope=a", "", "invalid_scope"),
        ("scope=a", "scope=a&code_challenge=x", "invalid_request"),
    ] {
        let back = world.authorize(&good.replace(from, to)).await.unwrap();
        assert!(back.contains(&format!("error={error}")), "{to}: {back}");
    }
}

#[tokio::test]
async fn a_redirect_address_may_be_the_first_registered_and_the_way_back_has_a_tail() {
    let world = World::new(|facts| {
        json_only(facts);
        facts.redirect_uri = Need::Optional;
        facts.redirect_at_token = Need::Required;
        facts.scopes = Need::Ignored;
        facts.scope_answer = ScopeAnswer::Array;
        facts.callback_tail = "#_";
    })
    .await;
    let url = "https://any.odd.example/authorize?client_id=app&response_type=code&scope=nonsense";
    let back = world.0.consent(url, Decision::Allow, "ada").await.unwrap();
    assert!(back.starts_with("https://app.example/cb?code=") && back.ends_with("#_"), "{back}");
    let code = back.split_once("code=").unwrap().1.trim_end_matches("#_");
    let (status, tokens) = world.exchange(code).await;
    assert_eq!((status, &tokens["scope"]), (200, &json!([])));
    // Who named an address at the authorization must name it again.
    assert_eq!(world.exchange(&world.code("scope=a").await).await.0, 400);
}

#[tokio::test]
async fn a_body_of_the_wrong_kind_and_a_secret_in_the_wrong_place_are_refused() {
    let world = World::new(json_only).await;
    let code = world.code("scope=a").await;
    let query = format!("/token?client_id=app&client_secret=fake-secret&code={code}");
    assert_eq!(world.send("POST", &query, &Value::Null).await.0, 400);
    let nested = with_client(json!({"code": {"value": code}}));
    assert_eq!(world.send("POST", "/token", &nested).await.0, 400);
    let alone = json!({"code": code, "client_secret": "fake-secret"});
    assert_eq!(world.send("POST", "/token", &alone).await.0, 400);
    assert_eq!(world.exchange(&code).await.0, 200);

    let world = World::new(|facts| {
        json_only(facts);
        facts.secret_is_enough = true;
    })
    .await;
    let alone = |secret: &str, code: &str| json!({"code": code, "client_secret": secret});
    let code = world.code("scope=a").await;
    assert_eq!(world.send("POST", "/token", &alone("wrong", &code)).await.0, 401);
    assert_eq!(world.send("POST", "/token", &alone("fake-secret", &code)).await.0, 200);
}

#[tokio::test]
async fn faults_reach_answers_in_forms() {
    let world = World::of(Odd { changes: json_only, form: true }).await;
    world.site().fault(Endpoint::Exchange, Fault::Oversize);
    let (_, body) = world.exchange(&world.code("scope=a").await).await;
    let body = body.as_str().unwrap().to_owned();
    assert!(body.starts_with("access_token=") && body.contains("&padding=xxx"));
    world.site().fault(Endpoint::Exchange, Fault::ScopeShrink);
    let (_, body) = world.exchange(&world.code("scope=a+b").await).await;
    assert!(body.as_str().unwrap().ends_with("&scope=a"), "{body}");
    world.site().fault(Endpoint::Exchange, Fault::OkWithError("bad".into()));
    let (status, body) = world.exchange("x").await;
    assert_eq!((status, body), (200, json!({"ok": false, "error": "bad"})));
}

#[tokio::test]
async fn calls_beyond_a_limit_are_told_when_to_come_back() {
    let world = World::new(json_only).await;
    world.site().add_key("fake-key", "ada", ["a"]);
    for status in [200, 200, 429] {
        let (seen, _) = world.send("GET", "/api?key=fake-key", &Value::Null).await;
        assert_eq!(seen, status);
    }
    assert_eq!(world.send("GET", "/api", &Value::Null).await.0, 401);
}

#[tokio::test]
async fn a_revocation_ends_what_the_rfc_says() {
    let world = World::new(json_only).await;
    let (_, tokens) = world.exchange(&world.code("scope=a").await).await;
    let revoke = |token: &Value| with_client(json!({"token": token}));
    let other = Client::new("other").secret("fake-other").redirect("https://app.example/cb");
    world.site().add_client(other).unwrap();
    let mut foreign = revoke(&tokens["refresh_token"]);
    foreign["client_id"] = json!("other");
    foreign["client_secret"] = json!("fake-other");
    assert_eq!(world.send("POST", "/revoke", &foreign).await.0, 200);
    assert_eq!(world.site().live_tokens().len(), 2);
    assert_eq!(world.send("POST", "/revoke", &revoke(&tokens["access_token"])).await.0, 200);
    assert_eq!(world.site().live_tokens().len(), 1);
    assert_eq!(world.send("POST", "/revoke", &revoke(&tokens["refresh_token"])).await.0, 200);
    assert!(world.site().live_tokens().is_empty());
}
