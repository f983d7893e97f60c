use std::time::Duration;

use bailee_core::{Effect, Remedy, ScopeName, State};
use bailee_providers::{
    Alive, Authorization, AuthorizeAsk, CredentialFacts, Cursor, ExchangeAsk, Failure, FailureKind,
    Grant, GrantFacts, Operation, Paged, Payload, Provider, Request, RevokePlan, SecretRef, Step,
    TokenKind, Value,
    slack::{BOT, ListChannels, PostMessage, Slack, USER},
    spec::{RefreshClass, RevokeEnds},
};
use http::header;

use crate::support::{address, answer, context, drive, json, registration};

const REDIRECT: &str = "https://app.example.test/cb";

const BOTH: &str = r#"{
    "ok": true,
    "access_token": "xoxe.xoxb-1-fake-bot-access",
    "token_type": "bot",
    "scope": "chat:write,channels:read",
    "bot_user_id": "U0FAKEBOT",
    "app_id": "A0FAKE",
    "expires_in": 43200,
    "refresh_token": "xoxe-1-fake-bot-refresh",
    "team": {"id": "T0FAKE", "name": "Fake Workspace"},
    "enterprise": null,
    "is_enterprise_install": false,
    "incoming_webhook": {"channel": "C", "url": "https://hooks.slack.com/fake-canary-webhook"},
    "authed_user": {
        "id": "U0FAKEADA",
        "scope": "chat:write",
        "access_token": "xoxe.xoxp-1-fake-user-access",
        "token_type": "user",
        "expires_in": 43200,
        "refresh_token": "xoxe-1-fake-user-refresh"
    }
}"#;

/// An installation without token rotation, for the bot alone.
const LEGACY: &str = r#"{"ok":true,"access_token":"xoxb-fake-legacy","token_type":"bot",
    "scope":"chat:write","team":{"id":"T0FAKE","name":"Fake Workspace"},"enterprise":null,
    "authed_user":{"id":"U0FAKEADA"}}"#;

fn scopes(names: &[&str]) -> Vec<ScopeName> {
    names.iter().map(|name| ScopeName::new(*name).unwrap()).collect()
}

fn authorize(names: &[&str], extra: &[(&str, &str)]) -> bailee_core::Result<url::Url> {
    let provider = Slack::new();
    let registration = registration("slack");
    let cx = context(provider.spec(), &registration);
    let (scopes, state) = (scopes(names), State::copy_from(b"fake-state"));
    let ask = AuthorizeAsk { extra, ..AuthorizeAsk::new(&scopes, REDIRECT, &state) };
    provider.authorize(&cx, &ask).map(|url| url.into_url())
}

fn parameter(url: &url::Url, name: &str) -> Option<String> {
    url.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into())
}

fn exchange(body: &str) -> (Vec<Request>, Result<Grant, Failure>) {
    let provider = Slack::new();
    let registration = registration("slack");
    let cx = context(provider.spec(), &registration);
    let ask = ExchangeAsk { redirect_uri: REDIRECT, pkce: false };
    drive(&mut *provider.exchange(&cx, &ask), vec![json(200, body)])
}

fn refresh(
    name: bailee_core::CredentialName,
    status: u16,
    body: &str,
) -> (Vec<Request>, Result<Grant, Failure>) {
    let provider = Slack::new();
    let registration = registration("slack");
    let cx = context(provider.spec(), &registration);
    let facts = CredentialFacts::new(name, Vec::new()).with_refresh(None);
    drive(&mut *provider.refresh(&cx, &facts), vec![json(status, body)])
}

fn call<O: Operation>(operation: &O, body: &str) -> (Vec<Request>, Result<O::Output, Failure>) {
    let provider = Slack::new();
    let registration = registration("slack");
    let cx = context(provider.spec(), &registration);
    drive(&mut *operation.start(&cx), vec![json(200, body)])
}

#[test]
fn the_facts_are_those_of_the_documentation() {
    let provider = Slack::new();
    let spec = provider.spec();
    let text = |url: &Option<url::Url>| url.as_ref().unwrap().to_string();
    assert_eq!(text(&spec.endpoints.authorization), "https://slack.com/oauth/v2/authorize");
    assert_eq!(text(&spec.endpoints.token), "https://slack.com/api/oauth.v2.access");
    assert_eq!(text(&spec.endpoints.revocation), "https://slack.com/api/auth.revoke");
    assert_eq!(spec.hosts, ["slack.com"]);
    assert_eq!(spec.refresh.class, RefreshClass::Strict);
    assert_eq!(spec.revoke.ends, RevokeEnds::Token);
    assert_eq!(spec.revoke.also_ends.len(), 2);
    let of_user = spec.scopes.catalogue.iter().filter(|s| s.name.as_str().starts_with("user:"));
    assert_eq!((spec.scopes.catalogue.len(), of_user.count()), (37, 15));
    let webhook = ScopeName::from_static("incoming-webhook");
    assert!(spec.scope(&webhook).is_none(), "its address would be a credential");
}

#[test]
fn scopes_of_the_bot_and_of_the_person_go_their_own_ways() {
    let url = authorize(&["chat:write", "user:chat:write", "channels:read"], &[]).unwrap();
    assert_eq!(parameter(&url, "scope").as_deref(), Some("chat:write,channels:read"));
    assert_eq!(parameter(&url, "user_scope").as_deref(), Some("chat:write"));
    assert_eq!(parameter(&url, "code_challenge"), None);
    let url = authorize(&["user:search:read"], &[("team", "T0FAKE")]).unwrap();
    assert_eq!(parameter(&url, "scope"), None);
    assert_eq!(parameter(&url, "user_scope").as_deref(), Some("search:read"));
    assert_eq!(parameter(&url, "team").as_deref(), Some("T0FAKE"));
    for (names, extra) in [
        (&[][..], &[][..]),
        (&["user:fake"], &[]),
        (&["incoming-webhook"], &[]),
        (&["chat:write"], &[("user_scope", "admin")]),
    ] {
        assert!(authorize(names, extra).is_err(), "{names:?}");
    }
}

#[test]
fn one_answer_gives_two_credentials_each_with_its_own_scopes_and_end() {
    let (requests, grant) = exchange(BOTH);
    assert_eq!(address(&requests[0]), "https://slack.com/api/oauth.v2.access");
    assert!(matches!(requests[0].authorization, Authorization::ClientBasic(_)));
    let grant = grant.unwrap();
    let [bot, user] = grant.credentials.as_slice() else { panic!("not two") };
    assert_eq!((&bot.name, &user.name), (&BOT, &USER));
    assert!(bot.access.expose(|token| token == b"xoxe.xoxb-1-fake-bot-access"));
    assert!(user.access.expose(|token| token == b"xoxe.xoxp-1-fake-user-access"));
    let refresh = bot.refresh.as_ref().unwrap();
    assert!(refresh.expose(|token| token == b"xoxe-1-fake-bot-refresh"));
    let refresh = user.refresh.as_ref().unwrap();
    assert!(refresh.expose(|token| token == b"xoxe-1-fake-user-refresh"));
    for credential in [bot, user] {
        assert_eq!(credential.expires_in, Some(Duration::from_secs(43_200)));
    }
    assert_eq!(*bot.scopes.as_ref().unwrap(), scopes(&["chat:write", "channels:read"]));
    assert_eq!(*user.scopes.as_ref().unwrap(), scopes(&["user:chat:write"]));
}

#[test]
fn tok_05_a_scope_of_the_bot_does_not_stand_in_for_one_of_the_person() {
    let asked = scopes(&["chat:write", "channels:read", "user:chat:write", "user:search:read"]);
    let compared = exchange(BOTH).1.unwrap().compare_scopes(&asked);
    assert_eq!(compared.missing, scopes(&["user:search:read"]));
    assert!(compared.unasked.is_empty());
    let compared = exchange(LEGACY).1.unwrap().compare_scopes(&asked);
    let missing = scopes(&["channels:read", "user:chat:write", "user:search:read"]);
    assert_eq!(compared.missing, missing);
}

#[test]
fn the_address_of_a_webhook_comes_out_nowhere() {
    let grant = exchange(BOTH).1.unwrap();
    assert!(!format!("{grant:?}").contains("fake-canary-webhook"));
    assert_eq!(grant.api, None);
    assert_eq!(grant.display.as_deref(), Some("Fake Workspace"));
}

#[test]
fn tokens_without_rotation_do_not_run_out() {
    let grant = exchange(LEGACY).1.unwrap();
    let [bot] = grant.credentials.as_slice() else { panic!("not one") };
    assert_eq!(bot.expires_in, None);
    assert!(bot.refresh.is_none());
}

#[test]
fn where_only_scopes_of_the_person_were_asked_for_there_is_no_bot() {
    let alone = BOTH.replace("\"access_token\": \"xoxe.xoxb-1-fake-bot-access\",", "");
    let grant = exchange(&alone).1.unwrap();
    let names: Vec<_> = grant.credentials.iter().map(|credential| &credential.name).collect();
    assert_eq!(names, [&USER]);
}

#[test]
fn tok_06_the_account_is_a_person_in_a_workspace_or_an_organisation() {
    let provider = Slack::new();
    let registration = registration("slack");
    let cx = context(provider.spec(), &registration);
    let organisation = BOTH
        .replace(r#""team": {"id": "T0FAKE", "name": "Fake Workspace"}"#, r#""team": null"#)
        .replace(
            r#""enterprise": null"#,
            r#""enterprise": {"id": "E0FAKE", "name": "Fake Organisation"}"#,
        )
        .replace("false", "true");
    // A workspace of an organisation is installed by itself.
    let within = BOTH.replace(
        r#""enterprise": null"#,
        r#""enterprise": {"id": "E0FAKE", "name": "Fake Organisation"}"#,
    );
    for (body, id, name) in [
        (BOTH, "T0FAKE:U0FAKEADA", "Fake Workspace"),
        (&organisation, "E0FAKE:U0FAKEADA", "Fake Organisation"),
        (&within, "T0FAKE:U0FAKEADA", "Fake Workspace"),
    ] {
        let grant = exchange(body).1.unwrap();
        let facts: GrantFacts = grant.facts(&[]);
        let (requests, account) =
            drive(&mut *provider.identity(&cx, &facts, None, None), Vec::new());
        assert!(requests.is_empty(), "the token answer says it");
        let account = account.unwrap();
        assert_eq!(account.id.value(), id);
        assert_eq!(account.id.kind(), "team_user_id");
        assert_eq!(account.display.as_deref(), Some(name));
    }
    for nameless in [
        BOTH.replace("\"id\": \"U0FAKEADA\",", ""),
        BOTH.replace(r#""team": {"id": "T0FAKE", "name": "Fake Workspace"}"#, r#""team": null"#),
    ] {
        assert_eq!(exchange(&nameless).1.unwrap_err().kind, FailureKind::Malformed);
    }
}

#[test]
fn hostile_token_answers_are_refused() {
    for body in [
        BOTH.replace("\"token_type\": \"bot\"", "\"token_type\": \"app\""),
        BOTH.replace("\"token_type\": \"bot\",", ""),
        BOTH.replace("\"token_type\": \"bot\"", "\"token_type\": \"user\""),
        BOTH.replace(
            "\"token_type\": \"user\"",
            "\"token_type\": \"user\", \"token_type\": \"bot\"",
        ),
        BOTH.replace("\"authed_user\": {", "\"authed_user\": {}, \"authed_user\": {"),
        BOTH.replace("xoxp-1-fake", "xoxp-1-\\nfake"),
        r#"{"ok":true}"#.to_owned(),
    ] {
        assert_eq!(exchange(&body).1.unwrap_err().kind, FailureKind::Malformed, "{body}");
    }
}

#[test]
fn tok_02_an_error_of_the_token_endpoint_has_status_200() {
    use FailureKind::*;
    for (code, kind) in [
        ("invalid_code", GrantOver),
        ("code_already_used", GrantOver),
        ("bad_redirect_uri", ClientConfiguration),
        ("oauth_authorization_url_mismatch", ClientConfiguration),
        ("invalid_grant_type", ClientConfiguration),
        ("invalid_client_id", ClientConfiguration),
        ("bad_client_secret", ClientConfiguration),
        ("client_id_token_mismatch", ClientConfiguration),
        ("internal_error", Unavailable),
        ("ratelimited", RateLimited),
        ("fake_code", Malformed),
    ] {
        let body = format!(r#"{{"ok":false,"error":"{code}"}}"#);
        let failure = exchange(&body).1.unwrap_err();
        assert_eq!(failure.kind, kind, "{code}");
        assert!(!format!("{failure:?}").contains("fake"), "{code}");
    }
}

#[test]
fn a_refresh_answer_is_told_by_its_token_type_wherever_it_stands() {
    let flat = |kind: &str| {
        format!(
            r#"{{"ok":true,"access_token":"xoxe.fake-2","refresh_token":"xoxe-1-fake-2",
                "expires_in":43200,"token_type":"{kind}","scope":"chat:write",
                "team":{{"id":"T0FAKE"}}}}"#
        )
    };
    let nested = r#"{"ok":true,"authed_user":{"id":"U0FAKEADA","access_token":"xoxe.fake-2",
        "refresh_token":"xoxe-1-fake-2","expires_in":43200,"token_type":"user",
        "scope":"chat:write"}}"#;
    for (name, body, scope) in [
        (BOT, flat("bot"), "chat:write"),
        (USER, flat("user"), "user:chat:write"),
        (USER, nested.to_owned(), "user:chat:write"),
    ] {
        let (requests, grant) = refresh(name.clone(), 200, &body);
        let Payload::Form(fields) = &requests[0].payload else { panic!("no form") };
        assert_eq!(fields[1], ("refresh_token".into(), Value::Secret(SecretRef::RefreshToken)));
        let grant = grant.unwrap();
        let [issued] = grant.credentials.as_slice() else { panic!("not one") };
        assert_eq!(issued.name, name);
        assert_eq!(*issued.scopes.as_ref().unwrap(), scopes(&[scope]));
        assert!(issued.refresh.is_some());
    }
    // The other credential's tokens are not taken for these.
    for (name, body) in [(BOT, flat("user")), (USER, flat("bot")), (BOT, nested.to_owned())] {
        assert_eq!(refresh(name, 200, &body).1.unwrap_err().kind, FailureKind::Malformed);
    }
}

#[test]
fn ref_10_a_refresh_token_that_is_not_accepted_ends_the_grant() {
    for (status, code) in [
        (200, "invalid_refresh_token"),
        (200, "token_expired"),
        (200, "token_revoked"),
        (200, "invalid_auth"),
        (400, "invalid_grant"),
    ] {
        let body = format!(r#"{{"ok":false,"error":"{code}"}}"#);
        let failure = refresh(BOT, status, &body).1.unwrap_err();
        assert_eq!(failure.kind, FailureKind::GrantOver, "{code}");
    }
}

#[test]
fn codes_of_the_api_are_what_the_table_says() {
    let provider = Slack::new();
    let registration = registration("slack");
    let cx = context(provider.spec(), &registration);
    use FailureKind::*;
    for (code, kind) in [
        ("token_revoked", GrantOver),
        ("account_inactive", GrantOver),
        ("org_login_required", GrantOver),
        ("team_added_to_org", GrantOver),
        ("invalid_auth", AccessRejected),
        ("not_authed", AccessRejected),
        ("token_expired", AccessRejected),
        ("missing_scope", ScopeMissing),
        ("no_permission", ScopeMissing),
        ("not_allowed_token_type", ScopeMissing),
        ("ratelimited", RateLimited),
        ("rate_limited", RateLimited),
        ("internal_error", Unavailable),
        ("fatal_error", Unavailable),
        ("service_unavailable", Unavailable),
        ("request_timeout", Unavailable),
        ("accesslimited", Unavailable),
        ("channel_not_found", InvalidInput),
        ("not_in_channel", InvalidInput),
        ("is_archived", InvalidInput),
        ("msg_too_long", InvalidInput),
        ("no_text", InvalidInput),
        ("restricted_action", Blocked),
        ("fake_code", Blocked),
    ] {
        let body = format!(r#"{{"ok":false,"error":"{code}","needed":"x","provided":"y"}}"#);
        let failure = provider.classify(&cx, &json(200, &body)).unwrap();
        assert_eq!(failure.kind, kind, "{code}");
        assert!(!format!("{failure:?}").contains("fake"), "{code}");
    }
    let classify = |status, body| provider.classify(&cx, &json(status, body));
    assert_eq!(classify(200, r#"{"ok":true}"#), None);
    for body in ["{}", "<html>", r#"{"ok":"true"}"#, r#"{"ok":null}"#] {
        assert_eq!(classify(200, body).unwrap().kind, Malformed, "{body}");
    }
    let limited = answer(
        429,
        &[("content-type", "application/json"), ("retry-after", "7")],
        br#"{"ok":false,"error":"ratelimited"}"#,
    );
    let failure = provider.classify(&cx, &limited).unwrap();
    assert_eq!(failure.remedy(), Remedy::Wait(Duration::from_secs(7)));
}

#[test]
fn each_token_is_presented_to_its_own_revocation() {
    let provider = Slack::new();
    let registration = registration("slack");
    let cx = context(provider.spec(), &registration);
    let legacy = CredentialFacts::new(BOT, Vec::new());
    let rotating = legacy.clone().with_refresh(None);
    assert_eq!(provider.revoke_plan(&cx, &rotating), RevokePlan::Ready);
    let run = |facts: &CredentialFacts, bodies: &[&str]| {
        let answers = bodies.iter().map(|body| json(200, body)).collect();
        let mut step: Box<dyn Step<_>> = provider.revoke(&cx, facts);
        let (requests, revoked) = drive(&mut *step, answers);
        for request in &requests {
            assert_eq!(address(request), "https://slack.com/api/auth.revoke");
            assert_eq!(request.payload, Payload::Empty);
        }
        let bearer = |request: &Request| {
            let found = request.headers.iter().find(|(name, _)| *name == header::AUTHORIZATION);
            found.map(|(_, value)| value.clone()).unwrap()
        };
        (requests.iter().map(bearer).collect::<Vec<_>>(), revoked.unwrap())
    };
    let joined = |secret| Value::Joined("Bearer ".into(), secret);
    const DONE: &str = r#"{"ok":true,"revoked":true}"#;
    let (sent, revoked) = run(&legacy, &[DONE]);
    assert_eq!(sent, [joined(SecretRef::AccessToken)]);
    assert!(revoked.confirmed);
    let (sent, revoked) = run(&rotating, &[DONE, DONE]);
    assert_eq!(sent, [joined(SecretRef::RefreshToken), joined(SecretRef::AccessToken)]);
    assert!(revoked.confirmed);
    // Whether a refresh token can be revoked is not documented. Where it cannot, that is told.
    for refusal in ["not_allowed_token_type", "invalid_auth"] {
        let body = format!(r#"{{"ok":false,"error":"{refusal}"}}"#);
        let (_, revoked) = run(&rotating, &[&body, DONE]);
        assert!(!revoked.confirmed, "{refusal}");
        assert_eq!(revoked.remaining, [TokenKind::Refresh], "{refusal}");
    }
    for dead in ["token_revoked", "account_inactive", "token_expired"] {
        let body = format!(r#"{{"ok":false,"error":"{dead}"}}"#);
        assert!(run(&legacy, &[&body]).1.confirmed, "{dead}");
    }
    for alive in [r#"{"ok":true,"revoked":false}"#, r#"{"ok":false,"error":"invalid_auth"}"#] {
        assert!(!run(&legacy, &[alive]).1.confirmed, "{alive}");
    }
}

#[test]
fn liveness_is_a_test_of_either_token() {
    let provider = Slack::new();
    let registration = registration("slack");
    let cx = context(provider.spec(), &registration);
    let ask = |body: &str| drive(&mut *provider.liveness(&cx), vec![json(200, body)]);
    let (requests, alive) = ask(r#"{"ok":true,"team_id":"T0FAKE","user_id":"U0FAKE"}"#);
    assert_eq!(alive, Ok(Alive::Yes));
    assert_eq!(address(&requests[0]), "https://slack.com/api/auth.test");
    assert_eq!(requests[0].effect, Effect::Read);
    assert_eq!(ask(r#"{"ok":false,"error":"token_expired"}"#).1, Ok(Alive::No));
    let over = ask(r#"{"ok":false,"error":"account_inactive"}"#).1.unwrap_err();
    assert_eq!(over.kind, FailureKind::GrantOver);
}

#[test]
fn a_message_is_checked_before_anything_leaves() {
    let long = "x".repeat(40_001);
    for message in [
        PostMessage::new("#general", "hello"),
        PostMessage::new("c0123", "hello"),
        PostMessage::new("C0/123", "hello"),
        PostMessage::new("C0123", " "),
        PostMessage::new("C0123", long),
        PostMessage::new("C0123", "hello").in_thread("yesterday"),
        PostMessage::new("C0123", "hello").broadcast(),
    ] {
        assert!(message.check().is_err());
        let (requests, posted) = call(&message, "{}");
        assert!(requests.is_empty());
        assert_eq!(posted.unwrap_err().kind, FailureKind::InvalidInput);
    }
    assert!(PostMessage::new("C0123", "é".repeat(40_000)).check().is_ok());
}

#[test]
fn a_message_is_posted_as_the_application_or_as_the_person() {
    let answer = r#"{"ok":true,"channel":"C0123","ts":"1748779200.000100","message":{}}"#;
    let message = PostMessage::new("C0123", "hello").in_thread("1748779100.000100").broadcast();
    for (message, credential, scope) in [
        (message.clone(), BOT, "chat:write"),
        (message.clone().as_person(), USER, "user:chat:write"),
    ] {
        let facts = message.facts();
        assert_eq!((&facts.credential, facts.scopes), (&credential, scopes(&[scope]).as_slice()));
        assert_eq!(facts.effect, Effect::Effect, "there is no idempotency key");
        let (requests, posted) = call(&message, answer);
        assert_eq!(address(&requests[0]), "https://slack.com/api/chat.postMessage");
        assert_eq!(requests[0].authorization, Authorization::Bearer);
        let posted = posted.unwrap();
        assert_eq!((posted.channel.as_str(), posted.ts.as_str()), ("C0123", "1748779200.000100"));
    }
    assert!(!format!("{message:?}").contains("hello"));
    let odd = r#"{"ok":true,"channel":"<b>","ts":"1.1"}"#;
    assert_eq!(call(&message, odd).1.unwrap_err().kind, FailureKind::Malformed);
}

#[test]
fn channels_come_page_by_page() {
    let list = ListChannels::new().with_private().limit(2);
    let page = r#"{"ok":true,"channels":[{"id":"C0123","name":"general","is_member":true},
        {"id":"not an id","name":"odd"}],"response_metadata":{"next_cursor":"fake=="}}"#;
    let (requests, page) = call(&list, page);
    assert_eq!(
        requests[0].query,
        [
            ("types".into(), Value::text("public_channel,private_channel")),
            ("exclude_archived".into(), Value::text("true")),
            ("limit".into(), Value::text("2")),
        ]
    );
    let page = page.unwrap();
    assert_eq!(page.items.len(), 1);
    assert!(page.items[0].is_member && !format!("{:?}", page.items).contains("general"));
    let next = list.after(page.next.unwrap());
    let last = r#"{"ok":true,"channels":[],"response_metadata":{"next_cursor":""}}"#;
    let (requests, page) = call(&next, last);
    assert_eq!(requests[0].query[3], ("cursor".into(), Value::text("fake==")));
    assert_eq!(requests[0].query[..3].len(), 3);
    assert_eq!(page.unwrap().next, None::<Cursor>);
    let without = r#"{"ok":true,"channels":[]}"#;
    assert_eq!(call(&next, without).1.unwrap().next, None);
    assert!(call(&ListChannels::new().limit(0), "{}").0.is_empty());
    assert!(call(&ListChannels::new().limit(1001), "{}").0.is_empty());
}

#[test]
fn every_operation_fits_the_spec() {
    let provider = Slack::new();
    let (post, list) = (PostMessage::new("C0123", "hello"), ListChannels::new());
    for facts in [
        post.facts(),
        post.clone().as_person().facts(),
        list.facts(),
        list.clone().with_private().facts(),
        list.clone().as_person().facts(),
        list.clone().as_person().with_private().facts(),
    ] {
        facts.check(provider.spec()).unwrap();
    }
}

#[cfg(feature = "conformance")]
#[test]
fn the_adapter_conforms() {
    use bailee_providers::conformance::{Samples, check_with};

    let provider = Slack::new();
    let mut samples = Samples::of(provider.spec());
    samples.exchange = r#"{"ok":true,"access_token":"fake-access-token","token_type":"bot",
        "scope":"chat:write","expires_in":43200,"refresh_token":"fake-refresh-token",
        "team":{"id":"fake-account-1","name":"Fake"},"authed_user":{"id":"fake-account-1"}}"#
        .into();
    samples.refresh = samples.exchange.clone();
    samples.identity = r#"{"ok":true,"user_id":"fake-account-1"}"#.into();
    check_with(&provider, &registration("slack"), &samples);
}
