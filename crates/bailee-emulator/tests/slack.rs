//! Slack: authorization, two tokens of one code, rotation, revocation, messages, channels.
#![allow(clippy::unwrap_used, reason = "a failure here is a failure of the test")]

mod support;

use std::time::Duration;

use bailee_emulator::slack::{Revoked, Slack};
use bailee_emulator::{
    Account, Announcement, Client, ConsentError, Decision, Emulator, Endpoint, Fault, Misuse, Site,
    TokenKind,
};
use serde_json::{Value, json};
use support::*;

const TOKEN: &str = "https://slack.com/api/oauth.v2.access";
const REVOKE: &str = "https://slack.com/api/auth.revoke";
const TEST: &str = "https://slack.com/api/auth.test";
const POST: &str = "https://slack.com/api/chat.postMessage";
const LIST: &str = "https://slack.com/api/conversations.list";

struct World {
    emulator: Emulator,
    http: reqwest::Client,
}

impl World {
    async fn new() -> Self {
        let emulator = Emulator::builder().play(Slack::new()).start().await.unwrap();
        furnish(emulator.site("slack").unwrap());
        let http = http(&emulator);
        Self { emulator, http }
    }

    fn site(&self) -> &Site {
        self.emulator.site("slack").unwrap()
    }

    fn switch(&self, change: impl FnOnce(&mut Slack)) {
        assert!(self.site().switches(change));
    }

    /// A form with Basic, as the documentation recommends.
    async fn token(&self, pairs: &[(&str, &str)]) -> (u16, Value) {
        let secret = form(&[("", SECRET)]).split_off(1);
        let request = self.http.post(TOKEN).basic_auth(ID, Some(secret));
        let request = request.header("content-type", "application/x-www-form-urlencoded");
        let answer = request.body(form(pairs)).send().await.unwrap();
        (answer.status().as_u16(), json(&answer.text().await.unwrap()))
    }

    async fn code(&self, changes: &[(&str, &str)]) -> String {
        let back = allow(&self.emulator, &authorize(changes)).await;
        parameter(&back, "code").unwrap_or_else(|| panic!("{back}"))
    }

    async fn connect_with(&self, changes: &[(&str, &str)]) -> Value {
        let code = self.code(changes).await;
        let (status, tokens) = self.token(&[("code", &code), ("redirect_uri", REDIRECT)]).await;
        assert_eq!((status, &tokens["ok"]), (200, &json!(true)), "{tokens}");
        tokens
    }

    async fn connect(&self) -> Value {
        self.connect_with(&[]).await
    }

    async fn refresh(&self, token: &str) -> (u16, Value) {
        self.token(&[("grant_type", "refresh_token"), ("refresh_token", token)]).await
    }

    async fn call(&self, url: &str, token: &str, body: &Value) -> (u16, Value) {
        let request = self.http.post(url).bearer_auth(token);
        let request = request.header("content-type", "application/json; charset=utf-8");
        let answer = request.body(body.to_string()).send().await.unwrap();
        (answer.status().as_u16(), json(&answer.text().await.unwrap()))
    }

    async fn error(&self, url: &str, token: &str, body: &Value) -> String {
        let (status, body) = self.call(url, token, body).await;
        assert_eq!((status, &body["ok"]), (200, &json!(false)), "{body}");
        text(&body, "error").to_owned()
    }
}

fn authorize(changes: &[(&str, &str)]) -> String {
    let mut pairs = vec![
        ("client_id", ID),
        ("redirect_uri", REDIRECT),
        ("state", "s1"),
        ("scope", "chat:write,channels:read"),
        ("user_scope", "chat:write"),
    ];
    for (key, value) in changes {
        pairs.retain(|(known, _)| known != key);
        if !value.is_empty() {
            pairs.push((key, value));
        }
    }
    url("https://slack.com/oauth/v2/authorize", &pairs)
}

#[tokio::test]
async fn one_code_gives_the_tokens_of_the_bot_and_of_the_person() {
    let world = World::new().await;
    let tokens = world.connect().await;
    assert!(text(&tokens, "access_token").starts_with("xoxe.xoxb-1-"));
    assert!(text(&tokens, "access_token").contains(world.emulator.marker()));
    assert!(text(&tokens, "refresh_token").starts_with("xoxe-1-"));
    assert_eq!((&tokens["token_type"], &tokens["expires_in"]), (&json!("bot"), &json!(43_200)));
    assert_eq!(tokens["scope"], "chat:write,channels:read");
    assert_eq!(tokens["team"]["id"], "T0EXAMPLE");
    assert_eq!(
        (&tokens["enterprise"], &tokens["is_enterprise_install"]),
        (&Value::Null, &json!(false))
    );
    assert!(tokens.get("incoming_webhook").is_none());
    let person = &tokens["authed_user"];
    assert!(text(person, "id").starts_with('U'));
    assert!(text(person, "access_token").starts_with("xoxe.xoxp-1-"));
    assert_eq!((&person["token_type"], &person["scope"]), (&json!("user"), &json!("chat:write")));
    assert_ne!(person["refresh_token"], tokens["refresh_token"]);

    let alone = world.connect_with(&[("scope", "")]).await;
    assert!(alone.get("access_token").is_none() && alone.get("token_type").is_none());
    assert!(alone["authed_user"]["access_token"].is_string());
    let bot = world.connect_with(&[("user_scope", "")]).await;
    assert!(bot["authed_user"].get("access_token").is_none());
    assert!(bot["authed_user"]["id"].is_string());
}

#[tokio::test]
async fn the_person_decides_about_everything_or_nothing() {
    let world = World::new().await;
    let back = world.emulator.consent(&authorize(&[]), Decision::Deny, "ada").await.unwrap();
    assert_eq!(parameter(&back, "error").as_deref(), Some("access_denied"));
    assert_eq!(parameter(&back, "state").as_deref(), Some("s1"));
    let only = Decision::AllowOnly(vec!["chat:write".into()]);
    let back = world.emulator.consent(&authorize(&[]), only, "ada").await.unwrap();
    let code = parameter(&back, "code").unwrap();
    let (_, tokens) = world.token(&[("code", &code), ("redirect_uri", REDIRECT)]).await;
    assert_eq!(tokens["scope"], "chat:write,channels:read");
    for changes in [&[("redirect_uri", "https://evil.example/cb")][..], &[("client_id", "other")]] {
        let refused = world.emulator.consent(&authorize(changes), Decision::Allow, "ada").await;
        assert!(matches!(refused, Err(ConsentError::Page { .. })), "{changes:?}");
    }
    for changes in [
        &[("scope", "chat:write channels:read")][..],
        &[("scope", "chat:everything")],
        &[("scope", ""), ("user_scope", "")],
    ] {
        let back = allow(&world.emulator, &authorize(changes)).await;
        assert_eq!(parameter(&back, "error").as_deref(), Some("invalid_scope"), "{changes:?}");
    }
}

#[tokio::test]
async fn errors_of_the_token_address_have_status_200() {
    let world = World::new().await;
    let code = world.code(&[]).await;
    for (pairs, error) in [
        (&[("code", "never-issued"), ("redirect_uri", REDIRECT)][..], "invalid_code"),
        (&[("code", &code), ("redirect_uri", "https://app.example/x")], "bad_redirect_uri"),
        (&[("code", &code)], "bad_redirect_uri"),
        (&[("grant_type", "password"), ("code", &code)], "invalid_grant_type"),
        (&[("grant_type", "refresh_token"), ("refresh_token", "x")], "invalid_refresh_token"),
    ] {
        let (status, body) = world.token(pairs).await;
        assert_eq!((status, &body["ok"], text(&body, "error")), (200, &json!(false), error));
    }
    let in_body = |secret| {
        [
            ("client_id", ID),
            ("client_secret", secret),
            ("code", code.as_str()),
            ("redirect_uri", REDIRECT),
        ]
    };
    let (status, body) = post(&world.http, TOKEN, &in_body("wrong")).await;
    assert_eq!((status, text(&body, "error")), (200, "bad_client_secret"));
    assert_eq!(post(&world.http, TOKEN, &in_body(SECRET)).await.1["ok"], true);
    let (_, again) = world.token(&[("code", &code), ("redirect_uri", REDIRECT)]).await;
    assert_eq!(again["error"], "code_already_used");
    assert!(world.site().live_tokens().is_empty());
    let code = world.code(&[]).await;
    world.emulator.clock().advance(Duration::from_secs(600));
    let (_, late) = world.token(&[("code", &code), ("redirect_uri", REDIRECT)]).await;
    assert_eq!(late["error"], "invalid_code");
}

#[tokio::test]
async fn each_token_rotates_by_itself_and_comes_back_at_the_top() {
    let world = World::new().await;
    let tokens = world.connect().await;
    world.emulator.clock().advance(Duration::from_secs(12 * 3600));
    assert_eq!(world.error(TEST, text(&tokens, "access_token"), &json!({})).await, "token_expired");
    let (_, bot) = world.refresh(text(&tokens, "refresh_token")).await;
    assert_eq!(
        (&bot["token_type"], &bot["scope"]),
        (&json!("bot"), &json!("chat:write,channels:read"))
    );
    assert!(bot.get("authed_user").is_none());
    let person = text(&tokens["authed_user"], "refresh_token");
    let (_, user) = world.refresh(person).await;
    assert_eq!((&user["token_type"], &user["scope"]), (&json!("user"), &json!("chat:write")));
    assert!(text(&user, "access_token").starts_with("xoxe.xoxp-1-"));
    // Once, and the reuse ends nothing else.
    let (status, reused) = world.refresh(person).await;
    assert_eq!((status, text(&reused, "error")), (200, "invalid_refresh_token"));
    assert_eq!(world.site().reuse_alarms().len(), 1);
    assert!(world.site().is_live(text(&user, "refresh_token")));
    world.switch(|slack| slack.invalid_grant = true);
    let (status, reused) = world.refresh(person).await;
    assert_eq!((status, text(&reused, "error")), (400, "invalid_grant"));
    world.switch(|slack| slack.nested_refresh = true);
    let (_, user) = world.refresh(text(&user, "refresh_token")).await;
    assert!(user.get("access_token").is_none());
    assert_eq!(user["authed_user"]["token_type"], "user");
}

#[tokio::test]
async fn without_rotation_tokens_stay() {
    let world = World::new().await;
    world.switch(|slack| slack.rotation = false);
    let tokens = world.connect().await;
    assert!(text(&tokens, "access_token").starts_with("xoxb-"));
    assert!(text(&tokens["authed_user"], "access_token").starts_with("xoxp-"));
    for object in [&tokens, &tokens["authed_user"]] {
        assert!(object.get("expires_in").is_none() && object.get("refresh_token").is_none());
    }
    world.emulator.clock().advance(Duration::from_secs(400 * 86_400));
    let (_, alive) = world.call(TEST, text(&tokens, "access_token"), &json!({})).await;
    assert_eq!(alive["ok"], true);
    assert!(alive.get("expires_in").is_none());
}

#[tokio::test]
async fn a_revocation_ends_the_token_that_it_came_with() {
    let world = World::new().await;
    let tokens = world.connect().await;
    let (bot, person) =
        (text(&tokens, "access_token"), text(&tokens["authed_user"], "access_token"));
    assert_eq!(world.call(REVOKE, bot, &json!({})).await.1, json!({"ok": true, "revoked": true}));
    assert!(!world.site().is_live(bot) && world.site().is_live(person));
    assert_eq!(world.error(REVOKE, bot, &json!({})).await, "token_revoked");
    assert_eq!(world.error(POST, bot, &json!({})).await, "token_revoked");
    assert_eq!(world.error(REVOKE, "never-issued", &json!({})).await, "invalid_auth");
    let refresh = text(&tokens, "refresh_token");
    assert_eq!(world.error(REVOKE, refresh, &json!({})).await, "not_allowed_token_type");
    world.switch(|slack| slack.revokes_refresh = true);
    assert_eq!(world.call(REVOKE, refresh, &json!({})).await.1["revoked"], true);
    let kinds: Vec<_> = world.site().live_tokens().iter().map(|token| token.kind).collect();
    assert_eq!(kinds.len(), 2, "those of the person");
    assert!(kinds.contains(&TokenKind::Access) && kinds.contains(&TokenKind::Refresh));
}

#[tokio::test]
async fn an_installation_may_be_of_a_whole_organisation_and_bring_a_webhook() {
    let world = World::new().await;
    world.site().add_account(Account::new("ada").fact("org_wide", true).fact("user_id", "W0ADA"));
    world.switch(|slack| slack.incoming_webhook = true);
    let tokens = world.connect().await;
    assert_eq!((&tokens["team"], &tokens["is_enterprise_install"]), (&Value::Null, &json!(true)));
    assert_eq!(tokens["enterprise"]["id"], "E0EXAMPLE");
    assert_eq!(tokens["authed_user"]["id"], "W0ADA");
    let webhook = text(&tokens["incoming_webhook"], "url");
    assert!(webhook.starts_with("https://hooks.slack.com/services/"));
    assert!(world.site().secrets_issued().contains(webhook));
}

#[tokio::test]
async fn a_test_says_whose_token_it_is() {
    let world = World::new().await;
    let tokens = world.connect().await;
    let (_, bot) = world.call(TEST, text(&tokens, "access_token"), &json!({})).await;
    assert_eq!((&bot["team_id"], &bot["bot_id"]), (&json!("T0EXAMPLE"), &json!("B0EXAMPLE")));
    assert_eq!(bot["expires_in"], 43_200);
    let person = &tokens["authed_user"];
    let (_, user) = world.call(TEST, text(person, "access_token"), &json!({})).await;
    assert_eq!(user["user_id"], person["id"]);
    assert!(user.get("bot_id").is_none());
    let nobody = world.http.post(TEST).send().await.unwrap();
    assert_eq!(json(&nobody.text().await.unwrap())["error"], "not_authed");
}

#[tokio::test]
async fn messages_are_posted_where_their_author_is() {
    let world = World::new().await;
    let tokens = world.connect().await;
    let (bot, person) =
        (text(&tokens, "access_token"), text(&tokens["authed_user"], "access_token"));
    let message = |channel: &str, text: &str| json!({"channel": channel, "text": text});
    let (status, posted) = world.call(POST, bot, &message("C0GENERAL", "hello")).await;
    assert_eq!(
        (status, &posted["ok"], &posted["channel"]),
        (200, &json!(true), &json!("C0GENERAL"))
    );
    assert!(text(&posted, "ts").contains('.'));
    let limited = world.call(POST, bot, &message("C0GENERAL", "hello")).await;
    assert_eq!((limited.0, text(&limited.1, "error")), (429, "ratelimited"));
    world.switch(|slack| slack.rate_limits = false);
    world.call(POST, person, &message("C0GENERAL", "hello")).await;
    let written = world.site().written("message");
    assert_eq!(written.len(), 2);
    assert_ne!(written[0].value["user"], written[1].value["user"]);
    for (channel, text, error) in [
        ("C0NOWHERE", "hello", "channel_not_found"),
        ("#general", "hello", "channel_not_found"),
        ("C0RANDOM", "hello", "not_in_channel"),
        ("C0OLD", "hello", "is_archived"),
        ("C0GENERAL", "", "no_text"),
        ("C0GENERAL", &"x".repeat(40_001), "msg_too_long"),
    ] {
        assert_eq!(world.error(POST, bot, &message(channel, text)).await, error);
    }
    let everywhere = world.connect_with(&[("scope", "chat:write,chat:write.public")]).await;
    let everywhere = text(&everywhere, "access_token");
    assert_eq!(world.call(POST, everywhere, &message("C0RANDOM", "hello")).await.1["ok"], true);
    let reader = world.connect_with(&[("scope", "channels:read"), ("user_scope", "")]).await;
    let reader = text(&reader, "access_token");
    assert_eq!(world.error(POST, reader, &message("C0GENERAL", "hello")).await, "missing_scope");
    assert_eq!(
        world.error("https://slack.com/api/fake.method", bot, &json!({})).await,
        "unknown_method"
    );
}

#[tokio::test]
async fn channels_are_listed_page_by_page() {
    let world = World::new().await;
    let tokens = world.connect_with(&[("scope", "channels:read,groups:read")]).await;
    let token = text(&tokens, "access_token").to_owned();
    let list = async |pairs: &[(&str, &str)]| {
        let answer = world.http.get(url(LIST, pairs)).bearer_auth(&token).send().await.unwrap();
        let scopes = answer.headers().get("x-oauth-scopes").map(|v| v.to_str().unwrap().to_owned());
        (scopes, json(&answer.text().await.unwrap()))
    };
    let names = |page: &Value| -> Vec<String> {
        page["channels"].as_array().unwrap().iter().map(|c| text(c, "name").to_owned()).collect()
    };
    let (scopes, all) = list(&[]).await;
    assert_eq!(scopes.as_deref(), Some("channels:read,groups:read"));
    assert_eq!(names(&all), ["general", "random", "old"]);
    assert_eq!(all["response_metadata"]["next_cursor"], "");
    let both = ("types", "public_channel,private_channel");
    let (_, first) = list(&[both, ("exclude_archived", "true"), ("limit", "2")]).await;
    assert_eq!(names(&first), ["general", "random"]);
    let cursor = text(&first["response_metadata"], "next_cursor");
    let (_, last) =
        list(&[both, ("exclude_archived", "true"), ("limit", "2"), ("cursor", cursor)]).await;
    assert_eq!(names(&last), ["secret"]);
    for (pair, error) in [
        (("types", "im"), "missing_scope"),
        (("types", "everything"), "invalid_types"),
        (("limit", "1001"), "invalid_limit"),
        (("cursor", "made-up"), "invalid_cursor"),
    ] {
        assert_eq!(list(&[pair]).await.1["error"], error);
    }
}

#[tokio::test]
async fn faults_look_like_slack() {
    let world = World::new().await;
    let tokens = world.connect().await;
    let bot = text(&tokens, "access_token");
    world.site().fault(Endpoint::Api, Fault::RateLimited { retry_after: Some("7".into()) });
    let answer = world.http.get(LIST).bearer_auth(bot).send().await.unwrap();
    assert_eq!(
        (answer.status().as_u16(), &answer.headers()["retry-after"]),
        (429, &"7".parse().unwrap())
    );
    assert_eq!(json(&answer.text().await.unwrap())["error"], "ratelimited");
    world.site().fault(Endpoint::Identity, Fault::OkWithError("fatal_error".into()));
    assert_eq!(world.error(TEST, bot, &json!({})).await, "fatal_error");
    world.site().fault(Endpoint::Refresh, Fault::OkWithError("internal_error".into()));
    let (status, body) = world.refresh(text(&tokens, "refresh_token")).await;
    assert_eq!((status, text(&body, "error")), (200, "internal_error"));
    assert_eq!(world.site().withdraw("ada", ID), 2);
    assert_eq!(world.error(TEST, bot, &json!({})).await, "token_revoked");
}

/// What Slack sends, after its signature was checked.
fn announced(world: &World, event: &str, account: &str) -> Announcement {
    let app = Client::new(ID).secret(SECRET).redirect(REDIRECT).signal_secret(SIGNAL_SECRET);
    world.site().add_client(app).unwrap();
    let sent = world.site().announce(event, account, ID, HOOK).unwrap();
    let now = world.emulator.clock().now();
    assert_eq!(sent.header("X-Slack-Request-Timestamp"), Some(now.to_string().as_str()));
    let body = String::from_utf8(sent.body.clone()).unwrap();
    let signature = format!("v0={}", hmac_hex(SIGNAL_SECRET, &format!("v0:{now}:{body}")));
    assert_eq!(sent.header("X-Slack-Signature"), Some(signature.as_str()));
    sent
}

#[tokio::test]
async fn an_address_is_verified_with_a_signed_challenge() {
    let world = World::new().await;
    let refused = world.site().announce("url_verification", "", ID, HOOK).unwrap_err();
    assert!(matches!(refused, Misuse::Announcement(_)), "there is no signing secret");
    let body = said(&announced(&world, "url_verification", ""));
    assert_eq!(body["type"], "url_verification");
    let other = said(&announced(&world, "url_verification", ""));
    assert_ne!(text(&body, "challenge"), text(&other, "challenge"));
    assert_eq!(body["token"], other["token"]);
}

#[tokio::test]
async fn revoked_tokens_are_told_by_the_ids_of_whose_they_were() {
    let world = World::new().await;
    for (revoked, bot_dies, person_dies) in
        [(Revoked::Person, false, true), (Revoked::Bot, true, false), (Revoked::Both, true, true)]
    {
        world.switch(|slack| slack.revoked = revoked);
        let tokens = world.connect().await;
        let person = &tokens["authed_user"];
        let body = said(&announced(&world, "tokens_revoked", "ada"));
        assert_eq!(body["type"], "event_callback");
        assert_eq!(body["team_id"], tokens["team"]["id"]);
        assert_eq!(body["event_time"], world.emulator.clock().now());
        assert!(text(&body, "event_id").starts_with("Ev"));
        assert_eq!(body["event"]["type"], "tokens_revoked");
        let ids = |dies: bool, id: &Value| if dies { json!([id]) } else { json!([]) };
        let named = &body["event"]["tokens"];
        assert_eq!(named["oauth"], ids(person_dies, &person["id"]));
        assert_eq!(named["bot"], ids(bot_dies, &tokens["bot_user_id"]));
        let lives = |token: &str| world.site().is_live(token);
        assert_eq!(lives(text(&tokens, "access_token")), !bot_dies, "{revoked:?}");
        assert_eq!(lives(text(&tokens, "refresh_token")), !bot_dies, "{revoked:?}");
        assert_eq!(lives(text(person, "access_token")), !person_dies, "{revoked:?}");
    }
}

#[tokio::test]
async fn an_application_is_removed_for_the_whole_workspace_and_one_bot_may_be_everybody_s() {
    let world = World::new().await;
    let tokens = |account: &'static str| {
        let world = &world;
        async move {
            let page = authorize(&[]);
            let back = world.emulator.consent(&page, Decision::Allow, account).await.unwrap();
            let code = parameter(&back, "code").unwrap();
            world.token(&[("code", &code), ("redirect_uri", REDIRECT)]).await.1
        }
    };
    let other = Account::new("grace").fact("team_id", "T0ELSEWHERE");
    let live = |tokens: &Value| world.site().is_live(text(tokens, "access_token"));
    let (ada, grace) = (tokens("ada").await, tokens("grace").await);
    world.switch(|slack| slack.revoked = Revoked::Bot);
    announced(&world, "tokens_revoked", "ada");
    assert!(!live(&ada) && live(&grace));
    world.switch(|slack| slack.one_bot = true);
    announced(&world, "tokens_revoked", "ada");
    assert!(!live(&grace));

    let (ada, grace) = (tokens("ada").await, tokens("grace").await);
    let body = said(&announced(&world, "app_uninstalled", "ada"));
    assert_eq!(body["event"], json!({"type": "app_uninstalled"}));
    assert!(!live(&ada) && !live(&grace));
    world.site().add_account(other);
    let (ada, grace) = (tokens("ada").await, tokens("grace").await);
    announced(&world, "app_uninstalled", "ada");
    assert!(!live(&ada) && live(&grace), "that is another workspace");
}

#[tokio::test]
async fn an_event_of_a_whole_organisation_says_so_where_it_names_authorizations() {
    let world = World::new().await;
    world.site().add_account(Account::new("ada").fact("org_wide", true));
    let body = said(&announced(&world, "app_uninstalled", "ada"));
    assert_eq!(body["enterprise_id"], "E0EXAMPLE");
    assert_eq!(body["authorizations"][0]["is_enterprise_install"], true);
    world.switch(|slack| slack.names_authorizations = false);
    let body = said(&announced(&world, "app_uninstalled", "ada"));
    assert_eq!(body.get("authorizations"), None);
}
