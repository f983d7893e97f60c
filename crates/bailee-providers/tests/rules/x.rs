use std::time::Duration;

use bailee_core::{CredentialName, ErrorKind, Remedy, ScopeName};
use bailee_providers::{
    Authorization, BasicEncoding, CredentialFacts, ExchangeAsk, Failure, FailureKind, GrantFacts,
    Json, Operation, Payload, Provider, Revoked, SecretRef, TokenKind, Value,
    spec::{LimitScope, Pkce, RefreshClass, RevokeEnds, RevokeStyle},
    x::{CreatePost, DeletePost, ReadProfile, ReplySettings, X},
};

use crate::support::{NOW, address, answer, context, drive, json, registration};

const ME: &str = r#"{"data":{"id":"2244994945","name":"Ada L","username":"ada","protected":true,
    "verified_type":"none"},"errors":[{"title":"Field","detail":"fake","type":"about:blank"}]}"#;
const DEAD: &str =
    r#"{"error":"invalid_request","error_description":"Value passed for the token was invalid."}"#;

fn x<T>(act: impl FnOnce(&X, &bailee_providers::Context<'_>) -> T) -> T {
    let (provider, registration) = (X::new(), registration("x"));
    let cx = context(provider.spec(), &registration);
    act(&provider, &cx)
}

fn facts() -> CredentialFacts {
    CredentialFacts::new(CredentialName::from_static("user"), Vec::new()).with_refresh(None)
}

#[test]
fn the_facts_are_those_of_the_pages() {
    let provider = X::new();
    let spec = provider.spec();
    let url = |url: &Option<url::Url>| url.as_ref().unwrap().as_str().to_owned();
    assert_eq!(url(&spec.endpoints.authorization), "https://x.com/i/oauth2/authorize");
    assert_eq!(url(&spec.endpoints.token), "https://api.x.com/2/oauth2/token");
    assert_eq!(url(&spec.endpoints.revocation), "https://api.x.com/2/oauth2/revoke");
    assert_eq!(url(&spec.endpoints.userinfo), "https://api.x.com/2/users/me");
    // The other one is for the browser.
    assert_eq!(spec.hosts_for(bailee_providers::Endpoint::Token), ["api.x.com"]);
    assert_eq!((spec.pkce.web, spec.pkce.desktop), (Pkce::S256, Pkce::S256));
    assert_eq!(spec.refresh.class, RefreshClass::Strict);
    assert_eq!(spec.revoke.style, RevokeStyle::Rfc7009);
    assert_eq!(spec.revoke.ends, RevokeEnds::Grant);
    assert_eq!(spec.rate_limit.scope, LimitScope::Account);
    assert!(spec.scope(&ScopeName::from_static("offline.access")).is_some());
}

#[test]
fn tok_01_a_secret_goes_by_basic_and_a_public_client_names_itself() {
    let public = registration("x").public();
    let provider = X::new();
    for (registration, basic) in [(registration("x"), true), (public, false)] {
        let cx = context(provider.spec(), &registration);
        let ask = ExchangeAsk { redirect_uri: "https://app.example.test/cb", pkce: true };
        let token = json(
            200,
            r#"{"token_type":"bearer","expires_in":7200,"access_token":"fake",
            "scope":"tweet.read users.read"}"#,
        );
        let (requests, grant) = drive(&mut *provider.exchange(&cx, &ask), vec![token]);
        assert_eq!(grant.unwrap().credentials[0].expires_in, Some(Duration::from_secs(7200)));
        let Payload::Form(fields) = &requests[0].payload else { panic!("no form") };
        let names: Vec<&str> = fields.iter().map(|(name, _)| name.as_ref()).collect();
        let mut expected = vec!["grant_type", "code", "redirect_uri", "code_verifier"];
        expected.extend((!basic).then_some("client_id"));
        assert_eq!(names, expected);
        let header = Authorization::ClientBasic(BasicEncoding::Rfc6749);
        assert_eq!(requests[0].authorization == header, basic);
    }
}

fn refresh(status: u16, body: &str) -> Failure {
    x(|x, cx| drive(&mut *x.refresh(cx, &facts()), vec![json(status, body)]).1.unwrap_err())
}

#[test]
fn ref_10_a_dead_token_is_told_from_a_wrong_request_by_the_description() {
    use FailureKind::{ClientConfiguration, GrantOver, RateLimited, Unavailable};
    for (status, error, description, kind) in [
        (400, "invalid_request", "Value passed for the token was invalid.", GrantOver),
        (400, "invalid_request", "Value passed for the refresh_token was invalid", GrantOver),
        (400, "invalid_grant", "whatever", GrantOver),
        (
            400,
            "invalid_request",
            "Missing required parameter [refresh_token].",
            ClientConfiguration,
        ),
        (
            400,
            "invalid_request",
            "Value passed for the redirect uri was invalid.",
            ClientConfiguration,
        ),
        (401, "unauthorized_client", "Missing valid authorization header", ClientConfiguration),
        (401, "invalid_client", "Value passed for the token was invalid.", ClientConfiguration),
        (503, "invalid_request", "Value passed for the token was invalid.", Unavailable),
        (429, "invalid_request", "Value passed for the token was invalid.", RateLimited),
    ] {
        let body = format!(r#"{{"error":"{error}","error_description":"{description}"}}"#);
        let failure = refresh(status, &body);
        assert_eq!(failure.kind, kind, "{status} {error} {description}");
        assert!(!format!("{failure:?}").contains("Value"), "{failure:?}");
    }
    let code = DEAD.replace("the token", "the authorization code");
    let ask = ExchangeAsk { redirect_uri: "https://app.example.test/cb", pkce: true };
    let exchanged = x(|x, cx| drive(&mut *x.exchange(cx, &ask), vec![json(400, &code)]).1);
    assert_eq!(exchanged.unwrap_err().kind, GrantOver);
}

fn revoke(answers: [(u16, &str); 2]) -> Result<Revoked, Failure> {
    let answers = answers.map(|(status, body)| json(status, body)).into_iter().collect();
    x(|x, cx| drive(&mut *x.revoke(cx, &facts()), answers).1)
}

#[test]
fn both_tokens_are_revoked_and_one_that_died_with_the_other_is_done() {
    let done = (200, r#"{"revoked":true}"#);
    assert!(revoke([done, done]).unwrap().confirmed);
    assert!(revoke([done, (400, DEAD)]).unwrap().confirmed);
    let wrong = (400, r#"{"error":"unsupported_token_type"}"#);
    assert_eq!(revoke([done, wrong]).unwrap().remaining, [TokenKind::Access]);
    let request = (400, r#"{"error":"invalid_request","error_description":"fake"}"#);
    assert_eq!(revoke([request, done]).unwrap_err().kind, FailureKind::ClientConfiguration);
    x(|x, cx| {
        let answers = vec![json(200, done.1), json(200, done.1)];
        let (requests, _) = drive(&mut *x.revoke(cx, &facts()), answers);
        let tokens: Vec<_> = requests
            .iter()
            .map(|request| match &request.payload {
                Payload::Form(fields) => fields[0].clone(),
                _ => panic!("no form"),
            })
            .collect();
        let token = |secret| ("token".into(), Value::Secret(secret));
        assert_eq!(tokens, [token(SecretRef::RefreshToken), token(SecretRef::AccessToken)]);
    });
}

#[test]
fn tok_06_the_id_counts_and_problems_beside_the_data_do_not_matter() {
    let identify = |status, body: &str| {
        x(|x, cx| {
            let grant = GrantFacts::new(Vec::new());
            drive(&mut *x.identity(cx, &grant, None, None), vec![json(status, body)]).1
        })
    };
    let account = identify(200, ME).unwrap();
    assert_eq!((account.id.kind(), account.id.value()), ("user_id", "2244994945"));
    assert_eq!(account.display.as_deref(), Some("ada"));
    let alone = r#"{"errors":[{"type":"https://api.x.com/2/problems/resource-not-found"}]}"#;
    assert_eq!(identify(200, alone).unwrap_err().kind, FailureKind::InvalidInput);
}

fn problem(kind: &str) -> String {
    format!(r#"{{"title":"fake","detail":"fake","type":"https://api.x.com/2/problems/{kind}"}}"#)
}

#[test]
fn problems_are_what_the_table_says() {
    use FailureKind::{
        AccessRejected, Blocked, ClientConfiguration, InvalidInput, Malformed, RateLimited,
        Unavailable,
    };
    let duplicate = r#"{"detail":"You are not allowed to create a Post with duplicate content.",
        "type":"about:blank","title":"Forbidden","status":403}"#;
    let numbered = |n| format!(r#"{{"errors":[{{"code":{n},"message":"fake"}}]}}"#);
    let old = problem("client-forbidden").replace("api.x.com", "api.twitter.com");
    for (status, body, kind) in [
        (200, ME.to_owned(), None),
        (200, r#"{"errors":[{"message":"fake"}]}"#.to_owned(), Some(Malformed)),
        (200, problem("usage-capped"), Some(ClientConfiguration)),
        (401, problem("unsupported-authentication"), Some(AccessRejected)),
        (402, "{}".into(), Some(ClientConfiguration)),
        (403, problem("unsupported-authentication"), Some(ClientConfiguration)),
        (403, old, Some(ClientConfiguration)),
        (403, problem("usage-capped"), Some(ClientConfiguration)),
        (429, problem("usage-capped"), Some(ClientConfiguration)),
        (429, problem("rate-limit-exceeded"), Some(RateLimited)),
        (403, duplicate.to_owned(), Some(InvalidInput)),
        (403, problem("fake-problem"), Some(Blocked)),
        (403, r#"{"type":"about:blank","detail":"You are not permitted"}"#.into(), Some(Blocked)),
        (403, numbered(326), Some(Blocked)),
        (404, problem("resource-not-found"), Some(InvalidInput)),
        (400, problem("invalid-request"), Some(InvalidInput)),
        (500, problem("usage-capped"), Some(Unavailable)),
        (401, numbered(89), Some(AccessRejected)),
    ] {
        let found = x(|x, cx| x.classify(cx, &json(status, &body)));
        assert_eq!(found.as_ref().map(|failure| failure.kind), kind, "{status} {body}");
        assert!(!format!("{found:?}").contains("fake"), "{found:?}");
    }
    let found = x(|x, cx| x.classify(cx, &json(403, duplicate))).unwrap();
    assert_eq!(found.code.unwrap().as_str(), "duplicate-content");
}

#[test]
fn out_08_limits_of_a_window_and_of_a_day_are_told_apart() {
    let limited = |headers: &[(&'static str, &str)]| {
        let failure = x(|x, cx| x.classify(cx, &answer(429, headers, b""))).unwrap();
        assert_eq!(failure.kind, FailureKind::RateLimited);
        (failure.remedy(), failure.scope)
    };
    let wait = |seconds| Remedy::Wait(Duration::from_secs(seconds));
    let soon = (NOW.as_seconds() + 40).to_string();
    let late = (NOW.as_seconds() + 1800).to_string();
    assert_eq!(limited(&[("x-rate-limit-reset", &soon)]), (wait(40), None));
    assert_eq!(limited(&[]), (wait(900), None));
    let app = [
        ("x-rate-limit-reset", soon.as_str()),
        ("x-app-limit-24hour-remaining", "0"),
        ("x-app-limit-24hour-reset", &late),
    ];
    assert_eq!(limited(&app), (wait(1800), Some(LimitScope::Registration)));
    let user = [("x-app-limit-24hour-remaining", "7"), ("x-user-limit-24hour-remaining", "0")];
    assert_eq!(limited(&user), (wait(3600), Some(LimitScope::Account)));
}

fn post(post: &CreatePost, status: u16, body: &str) -> (Option<Payload>, Result<String, Failure>) {
    let (requests, outcome) = x(|_, cx| drive(&mut *post.start(cx), vec![json(status, body)]));
    let payload = requests.first().map(|request| request.payload.clone());
    (payload, outcome.map(|post| post.id))
}

#[test]
fn a_post_says_what_was_set_and_nothing_else() {
    let done = r#"{"data":{"id":"1445880548472328192","text":"Hi","edit_history_post_ids":["1"]}}"#;
    let (payload, id) = post(&CreatePost::new("Hi"), 201, done);
    let body = |value: serde_json::Value| Some(Payload::Json(Json::of(&value).unwrap()));
    assert_eq!(payload, body(serde_json::json!({"text": "Hi"})));
    assert_eq!(id.unwrap(), "1445880548472328192");
    let full = CreatePost::new("Hi")
        .reply_to("17")
        .replies(ReplySettings::MentionedUsers)
        .made_with_ai()
        .paid_partnership();
    let expected = serde_json::json!({
        "text": "Hi",
        "reply": {"in_reply_to_tweet_id": "17"},
        "reply_settings": "mentionedUsers",
        "made_with_ai": true,
        "paid_partnership": true,
    });
    assert_eq!(post(&full, 201, done).0, body(expected));
    assert!(!format!("{full:?}").contains("Hi"));
    for hostile in [r#"{"data":{"id":"../1"}}"#, r#"{"data":{"id":""}}"#, r#"{"data":{}}"#] {
        let (_, outcome) = post(&CreatePost::new("Hi"), 201, hostile);
        assert_eq!(outcome.unwrap_err().kind, FailureKind::Malformed, "{hostile}");
    }
}

#[test]
fn a_text_is_weighed_as_x_weighs_it() {
    for (text, weight) in [
        ("Hello", 5),
        ("Grüße, Ελλάδα", 13),
        ("こんにちは", 10),
        ("see https://example.test/a/very/long/path?with=a&query=of&some=length now", 4 + 23 + 4),
        ("👍", 2),
        ("👍🏽", 2),
        ("👨‍👩‍👧‍👦", 2),
        ("❤️", 2),
        ("🇮🇪", 2),
        ("“quoted” – dashed…", 18 + 1),
    ] {
        assert_eq!(CreatePost::new(text).weight(), weight, "{text}");
    }
}

#[test]
fn a_post_that_cannot_be_is_refused_before_anything_leaves() {
    for wrong in [
        CreatePost::new(""),
        CreatePost::new(" \n"),
        CreatePost::new("x".repeat(281)),
        CreatePost::new("漢".repeat(141)),
        CreatePost::new("x".repeat(25_001)).long(),
        CreatePost::new("x").reply_to("https://x.com/i/status/1"),
        CreatePost::new("x").reply_to(""),
    ] {
        assert_eq!(wrong.check().unwrap_err().kind(), ErrorKind::InvalidInput);
        let (payload, outcome) = post(&wrong, 201, "{}");
        assert_eq!(payload, None);
        assert_eq!(outcome.unwrap_err().kind, FailureKind::InvalidInput);
    }
    CreatePost::new("x".repeat(280)).check().unwrap();
    CreatePost::new("x".repeat(281)).long().check().unwrap();
}

#[test]
fn a_deletion_says_whether_the_post_is_gone() {
    let gone =
        |body: &str| x(|_, cx| drive(&mut *DeletePost::new("17").start(cx), vec![json(200, body)]));
    let (requests, outcome) = gone(r#"{"data":{"deleted":true}}"#);
    assert_eq!(address(&requests[0]), "https://api.x.com/2/tweets/17");
    assert_eq!(outcome, Ok(true));
    assert_eq!(gone(r#"{"data":{"deleted":false}}"#).1, Ok(false));
    for wrong in ["", "..", "17/../18", "1x"] {
        let (requests, outcome) =
            x(|_, cx| drive(&mut *DeletePost::new(wrong).start(cx), Vec::new()));
        assert!(requests.is_empty());
        assert_eq!(outcome.unwrap_err().kind, FailureKind::InvalidInput, "{wrong}");
    }
}

#[test]
fn a_profile_has_no_more_than_a_composer_shows() {
    let (requests, profile) = x(|_, cx| drive(&mut *ReadProfile.start(cx), vec![json(200, ME)]));
    let fields = ("user.fields".into(), Value::text("protected,verified_type"));
    assert_eq!(requests[0].query, [fields]);
    let profile = profile.unwrap();
    assert_eq!(
        (profile.username.as_deref(), profile.verified_type.as_deref()),
        (Some("ada"), None)
    );
    assert!(profile.protected && !format!("{profile:?}").contains("ada"));
}

#[test]
fn operations_fit_the_spec() {
    let provider = X::new();
    for facts in [ReadProfile.facts(), CreatePost::new("x").facts(), DeletePost::new("1").facts()] {
        facts.check(provider.spec()).unwrap();
    }
}

#[cfg(feature = "conformance")]
#[test]
fn x_conforms() {
    bailee_providers::conformance::check(&X::new(), &registration("x"));
    bailee_providers::conformance::check(&X::new(), &registration("x").public());
}
