use std::time::Duration;

use bailee_core::{ErrorKind, Remedy, ScopeName};
use bailee_providers::{
    Answer, CredentialFacts, ExchangeAsk, Failure, FailureKind, Generic, Grant, Payload, Provider,
    SecretRef, Spec, TokenType, Value,
};

use crate::support::{answer, context, drive, json, registration, spec};

const HAPPY: &str = include_str!("../fixtures/token.json");

fn read_with(spec: Spec, answer: Answer) -> Result<Grant, Failure> {
    let provider = Generic::new(spec.clone());
    let registration = registration("example");
    let cx = context(&spec, &registration);
    let ask = ExchangeAsk { redirect_uri: "https://app.example.test/callback", pkce: true };
    drive(&mut *provider.exchange(&cx, &ask), vec![answer]).1
}

fn read(answer: Answer) -> Result<Grant, Failure> {
    read_with(spec(""), answer)
}

fn body(body: &str) -> Result<Grant, Failure> {
    read(json(200, body))
}

/// A token answer with members in place of those that it has.
fn with(members: &str) -> Result<Grant, Failure> {
    body(&format!(r#"{{"access_token":"fake-a","token_type":"Bearer"{members}}}"#))
}

#[test]
fn a_token_answer_becomes_secrets() {
    let grant = body(HAPPY).unwrap();
    let credential = &grant.credentials[0];
    assert!(credential.access.expose(|token| token == b"fake-access-1"));
    assert!(credential.refresh.as_ref().unwrap().expose(|token| token == b"fake-refresh-1"));
    assert_eq!(credential.token_type, TokenType::Bearer);
    assert_eq!(credential.expires_in, Some(Duration::from_secs(3600)));
    assert_eq!(credential.refresh_expires_in, Some(Duration::from_secs(15_552_000)));
    assert_eq!(credential.scopes.as_ref().unwrap().len(), 2);
    let printed = format!("{grant:?}");
    assert!(!printed.contains("fake-"), "{printed}");
}

#[test]
fn ref_09_an_answer_without_a_refresh_token_gives_none() {
    for members in ["", r#","refresh_token":null"#, r#","refresh_token":"""#] {
        let grant = with(members).unwrap();
        assert!(grant.credentials[0].refresh.is_none(), "{members}");
    }
}

#[test]
fn tok_01_the_exchange_sends_code_verifier_and_redirect_to_the_token_endpoint() {
    let spec = spec("");
    let registration = registration("example");
    let cx = context(&spec, &registration);
    let redirect = "https://app.example.test/callback";
    let ask = ExchangeAsk { redirect_uri: redirect, pkce: true };
    let mut step = Generic::new(spec.clone()).exchange(&cx, &ask);
    let (requests, _) = drive(&mut *step, vec![json(200, HAPPY)]);
    assert_eq!(crate::support::address(&requests[0]), "https://login.example.test/token");
    let Payload::Form(fields) = &requests[0].payload else { panic!("no form") };
    let field = |name: &str| {
        let mut found = fields.iter().filter(|(known, _)| known == name);
        let value = found.next().map(|(_, value)| value.clone());
        assert!(found.next().is_none(), "{name} stands twice");
        value
    };
    assert_eq!(field("grant_type"), Some(Value::text("authorization_code")));
    assert_eq!(field("code"), Some(Value::Secret(SecretRef::Code)));
    assert_eq!(field("code_verifier"), Some(Value::Secret(SecretRef::Verifier)));
    assert_eq!(field("redirect_uri"), Some(Value::text(redirect)));
    // Authenticated by `Basic`, and so by nothing in the body (RFC 6749 §2.3).
    assert_eq!(field("client_secret"), None);
}

#[test]
fn tok_02_an_answer_that_is_not_json_or_states_an_error_is_no_grant() {
    let typed = |content_type: &str| {
        read(answer(200, &[("content-type", content_type)], HAPPY.as_bytes())).is_ok()
    };
    for good in ["application/json", "Application/JSON; charset=UTF-8", "application/x+json"] {
        assert!(typed(good), "{good}");
    }
    for bad in ["text/html", "text/plain", "application/x-www-form-urlencoded", "json", "+json", ""]
    {
        assert!(!typed(bad), "{bad}");
    }
    assert!(read(answer(200, &[], HAPPY.as_bytes())).is_err());

    let cases = [
        (include_str!("../fixtures/error-200.json"), FailureKind::GrantOver),
        (include_str!("../fixtures/error-200-beside-token.json"), FailureKind::GrantOver),
        (r#"{"ok":false,"error":"invalid_client"}"#, FailureKind::ClientConfiguration),
        (r#"{"ok":false}"#, FailureKind::Malformed),
        (r#"{"error":{"code":"invalid_grant"}}"#, FailureKind::GrantOver),
        (r#"{"error":17}"#, FailureKind::Malformed),
        (r#"{"error":"who knows"}"#, FailureKind::Malformed),
        (r#"{"access_token":"fake-a","token_type":"Bearer","error":{}}"#, FailureKind::Malformed),
    ];
    for (text, kind) in cases {
        assert_eq!(body(text).unwrap_err().kind, kind, "{text}");
    }
    // An error that is empty states nothing.
    for members in [r#","error":"""#, r#","error":null"#, r#","ok":true"#] {
        assert!(with(members).is_ok(), "{members}");
    }
    // Any success counts (RFC 6749 §5.1 knows only 200; some servers answer 201).
    assert!(read(json(201, HAPPY)).is_ok());
}

#[test]
fn tok_03_tokens_are_opaque_and_those_that_break_a_header_are_refused_silently() {
    let token = |token: &[u8]| {
        let body = [br#"{"token_type":"Bearer","access_token":""#, token, br#""}"#].concat();
        read(answer(200, &[("content-type", "application/json")], &body))
    };
    for length in [1, 2, 1000, 64 * 1024] {
        let text = "x".repeat(length);
        let grant = token(text.as_bytes()).unwrap();
        assert!(grant.credentials[0].access.expose(|token| token == text.as_bytes()));
    }
    for odd in ["act.example!12345*'~", "a=b;c/d+e==", "{}[]<>", "\u{e9}\u{4e2d}"] {
        assert!(token(odd.as_bytes()).is_ok(), "{odd}");
    }
    for bad in [
        "",
        "fake\\r\\nx: y",
        "fake\\n",
        "fake\\u0000",
        "fake\\u0007",
        "fake\\t",
        "fake token",
        "fake\\u007f",
    ] {
        let failure = token(bad.as_bytes()).unwrap_err();
        assert_eq!(failure.kind, FailureKind::Malformed, "{bad}");
        assert!(!format!("{failure:?}").contains("fake"), "{bad}");
    }
    assert!(token("x".repeat(64 * 1024 + 1).as_bytes()).is_err());
    // A refresh token travels in a body, where a space does no harm.
    let spaced = with(r#","refresh_token":"fake b""#).unwrap();
    assert!(spaced.credentials[0].refresh.as_ref().unwrap().expose(|t| t == b"fake b"));
    assert!(with(r#","refresh_token":"fake\u0000b""#).is_err());
}

#[test]
fn tok_03_escapes_are_decoded() {
    let grant = body(r#"{"token_type":"Bearer","access_token":"fake\/\u0041\u00e9"}"#).unwrap();
    assert!(grant.credentials[0].access.expose(|token| token == "fake/Aé".as_bytes()));
}

#[test]
fn tok_04_token_type_is_compared_without_case_and_unknown_ones_are_refused() {
    let typed = |word: &str| body(&format!(r#"{{"access_token":"fake-a","token_type":{word}}}"#));
    for good in [r#""Bearer""#, r#""bearer""#, r#""BEARER""#] {
        assert!(typed(good).is_ok(), "{good}");
    }
    for bad in [r#""mac""#, r#""""#, r#""Bearer ""#, "null", "1", r#"["Bearer"]"#] {
        assert_eq!(typed(bad).unwrap_err().kind, FailureKind::Malformed, "{bad}");
    }
    assert_eq!(typed(r#""DPoP""#).unwrap_err().kind, FailureKind::Unsupported);
    let missing = r#"{"access_token":"fake-a"}"#;
    assert!(body(missing).is_err());
    let lax = spec("[token]\ntype_optional = true");
    assert!(read_with(lax, json(200, missing)).is_ok());
}

#[test]
fn tok_04_lifetimes_are_clamped() {
    const TEN_YEARS: u64 = 315_360_000;
    for (value, seconds) in [
        ("3600", Some(3600)),
        ("\"3600\"", Some(3600)),
        ("\" 3600 \"", Some(3600)),
        ("3600.9", Some(3600)),
        ("3.6e3", Some(3600)),
        ("0", Some(0)),
        ("-1", Some(0)),
        ("-99999999999999999999999", Some(0)),
        ("99999999999999999999999", Some(TEN_YEARS)),
        ("1e999", Some(TEN_YEARS)),
        ("\"inf\"", Some(TEN_YEARS)),
        ("\"NaN\"", None),
        ("\"soon\"", None),
        ("\"\"", None),
        ("null", None),
        ("true", None),
        ("{}", None),
        ("[3600]", None),
    ] {
        let grant = with(&format!(r#","expires_in":{value}"#)).unwrap();
        let read = grant.credentials[0].expires_in.map(|life| life.as_secs());
        assert_eq!(read, seconds, "{value}");
    }
    assert_eq!(with("").unwrap().credentials[0].expires_in, None);
    let told = spec("[token]\naccess_seconds = 7200");
    let grant = read_with(told, json(200, r#"{"access_token":"fake-a","token_type":"Bearer"}"#));
    assert_eq!(grant.unwrap().credentials[0].expires_in, Some(Duration::from_secs(7200)));
}

#[test]
fn tok_04_the_life_of_a_refresh_token_has_two_names() {
    for name in ["refresh_expires_in", "refresh_token_expires_in"] {
        let grant = with(&format!(r#","refresh_token":"fake-r","{name}":86400"#)).unwrap();
        let life = grant.credentials[0].refresh_expires_in;
        assert_eq!(life, Some(Duration::from_secs(86400)), "{name}");
    }
}

#[test]
fn tok_05_scopes_are_read_in_every_form_and_compared_with_those_asked_for() {
    let names = |grant: &Grant| -> Option<Vec<String>> {
        let scopes = grant.credentials[0].scopes.as_ref()?;
        Some(scopes.iter().map(|scope| scope.as_str().to_owned()).collect())
    };
    let two = Some(vec!["openid".to_owned(), "notes".to_owned()]);
    for value in [
        r#""openid notes""#,
        r#"" openid  notes ""#,
        r#""openid notes openid""#,
        r#"["openid","notes"]"#,
    ] {
        assert_eq!(names(&with(&format!(r#","scope":{value}"#)).unwrap()), two, "{value}");
    }
    assert_eq!(names(&with(r#","scope":"""#).unwrap()), Some(Vec::new()));
    assert_eq!(names(&with(r#","scope":null"#).unwrap()), None);
    for bad in [r#""a\"b""#, r#""a\u0007b""#, "1", "{}", "[1]", r#""é""#] {
        assert!(with(&format!(r#","scope":{bad}"#)).is_err(), "{bad}");
    }
    let commas = spec("[scopes]\nseparator = \",\"");
    let text = r#"{"access_token":"fake-a","token_type":"Bearer","scope":"openid,notes"}"#;
    assert_eq!(names(&read_with(commas, json(200, text)).unwrap()), two);

    let asked = ["openid", "notes"].map(ScopeName::from_static);
    let compared = |scope: &str| {
        with(&format!(r#","scope":"{scope}""#)).unwrap().credentials[0].compare_scopes(&asked)
    };
    assert_eq!(compared("openid").missing, [ScopeName::from_static("notes")]);
    assert_eq!(compared("openid notes mail").unasked, [ScopeName::from_static("mail")]);
    // RFC 6749 §5.1: not named means as asked.
    let silent = with("").unwrap();
    assert_eq!(silent.credentials[0].compare_scopes(&asked), Default::default());
    assert_eq!(silent.facts(&asked).scopes, asked);
}

#[test]
fn tok_10_members_that_stand_twice_are_refused() {
    for twice in [
        r#","access_token":"fake-b""#,
        r#","\u0061ccess_token":"fake-b""#,
        r#","refresh_token":"fake-b","refresh_token":"fake-c""#,
        r#","expires_in":1,"expires_in":1"#,
        r#","scope":"a","scope":"a""#,
        r#","token_type":"Bearer""#,
        r#","id_token":"a","id_token":"a""#,
        r#","error":"","error":"""#,
    ] {
        assert_eq!(with(twice).unwrap_err().kind, FailureKind::Malformed, "{twice}");
    }
    // What is not used, and what lies deeper, is somebody else's business.
    assert!(with(r#","x":1,"x":2"#).is_ok());
    assert!(with(r#","more":{"access_token":"fake-b","scope":"y"}"#).is_ok());
}

#[test]
fn tok_10_the_same_holds_for_answers_in_a_form() {
    let form = |body: &str| {
        let spec = spec("[token]\nform_encoded = true");
        let headers = [("content-type", "application/x-www-form-urlencoded; charset=utf-8")];
        read_with(spec, answer(200, &headers, body.as_bytes()))
    };
    let grant = form("access_token=fake%2Ba+b&token_type=bearer&expires_in=60&scope=openid+notes");
    // A token with a space cannot be used.
    assert_eq!(grant.unwrap_err().kind, FailureKind::Malformed);
    let grant = form("access_token=fake%2Ba&token_type=bearer&expires_in=60&scope=openid+notes");
    let grant = grant.unwrap();
    assert!(grant.credentials[0].access.expose(|token| token == b"fake+a"));
    assert_eq!(grant.credentials[0].scopes.as_ref().unwrap().len(), 2);
    assert!(form("access_token=fake-a&access%5Ftoken=fake-b&token_type=bearer").is_err());
    let error = form("error=invalid_grant&error_description=x").unwrap_err();
    assert_eq!(error.kind, FailureKind::GrantOver);
}

#[test]
fn ref_10_a_failure_is_what_the_table_says_and_says_nothing_else() {
    for (status, text, kind, remedy) in [
        (400, r#"{"error":"invalid_grant"}"#, FailureKind::GrantOver, Remedy::Reconnect),
        (401, r#"{"error":"invalid_grant"}"#, FailureKind::GrantOver, Remedy::Reconnect),
        (
            400,
            r#"{"error":"invalid_client"}"#,
            FailureKind::ClientConfiguration,
            Remedy::FixConfiguration,
        ),
        (
            400,
            r#"{"error":"unauthorized_client"}"#,
            FailureKind::ClientConfiguration,
            Remedy::FixConfiguration,
        ),
        (401, "", FailureKind::ClientConfiguration, Remedy::FixConfiguration),
        (429, "", FailureKind::RateLimited, Remedy::Wait(Duration::from_secs(60))),
        (
            500,
            r#"{"error":"invalid_grant"}"#,
            FailureKind::Unavailable,
            Remedy::Wait(Duration::from_secs(1)),
        ),
        (
            400,
            r#"{"error":"temporarily_unavailable"}"#,
            FailureKind::Unavailable,
            Remedy::Wait(Duration::from_secs(1)),
        ),
        (400, r#"{"error":"fake-secret"}"#, FailureKind::Malformed, Remedy::None),
        (404, "fake-secret", FailureKind::Malformed, Remedy::None),
        (302, "", FailureKind::Malformed, Remedy::None),
    ] {
        let failure = read(json(status, text)).unwrap_err();
        assert_eq!(failure.kind, kind, "{status} {text}");
        assert_eq!(failure.remedy(), remedy, "{status} {text}");
        let error = bailee_core::Error::from(failure);
        assert!(!format!("{error} {error:?}").contains("fake-secret"));
    }
    let failure = read(json(400, r#"{"error":"invalid_grant"}"#)).unwrap_err();
    let error = bailee_core::Error::from(failure);
    assert_eq!(error.kind(), ErrorKind::NeedsReconnect);
    assert_eq!(error.code().map(|code| code.as_str()), Some("invalid_grant"));
}

#[test]
fn out_08_retry_after_of_a_failure_is_an_hour_at_most() {
    let headers = [("content-type", "application/json"), ("retry-after", "86400")];
    let failure = read(answer(429, &headers, b"")).unwrap_err();
    assert_eq!(failure.retry_after, Some(Duration::from_secs(3600)));
    let headers = [("retry-after", "Sun, 01 Jun 2025 12:00:30 GMT")];
    let failure = read(answer(503, &headers, b"")).unwrap_err();
    assert_eq!(failure.retry_after, Some(Duration::from_secs(30)));
}

#[test]
fn a_step_that_is_not_driven_in_order_says_so() {
    let spec = spec("");
    let registration = registration("example");
    let cx = context(&spec, &registration);
    let facts = CredentialFacts::new(spec.token.credential.clone(), Vec::new());
    let provider = Generic::new(spec.clone());
    // There is no refresh token to refresh with.
    let failure = provider.refresh(&cx, &facts).next(bailee_providers::Input::Start).unwrap_err();
    assert_eq!(failure.kind, FailureKind::Unsupported);
    let facts = facts.with_refresh(None);
    let input = bailee_providers::Input::Answer(json(200, HAPPY));
    assert_eq!(provider.refresh(&cx, &facts).next(input).unwrap_err().kind, FailureKind::Misuse);
}

#[test]
fn tok_05_a_wide_scope_stands_for_the_narrow_ones_that_were_asked_for_and_for_no_others() {
    let spec = spec("[scopes]\ncovers = { notes = [\"openid\"] }");
    let asked = |names: &[&'static str]| -> Vec<ScopeName> {
        names.iter().map(|name| ScopeName::from_static(name)).collect()
    };
    for (granted, wanted, missing, settled) in [
        ("notes", &["notes", "openid"] as &[_], &[] as &[_], &["notes", "openid"] as &[_]),
        ("notes", &["notes"], &[], &["notes"]),
        ("openid", &["notes", "openid"], &["notes"], &["openid"]),
    ] {
        let text =
            format!(r#"{{"access_token":"fake-a","token_type":"Bearer","scope":"{granted}"}}"#);
        let mut grant = read_with(spec.clone(), json(200, &text)).unwrap();
        grant.complete_scopes(&spec.scopes, &asked(wanted));
        let comparison = grant.compare_scopes(&asked(wanted));
        assert_eq!(comparison.missing, asked(missing), "{granted}");
        assert!(comparison.unasked.is_empty(), "{granted}");
        assert_eq!(grant.credentials[0].scopes, Some(asked(settled)), "{granted}");
    }
}

#[test]
fn tok_05_where_the_application_decides_over_scopes_an_answer_says_nothing_of_them() {
    let spec = spec("[scopes]\nfixed = true");
    let text = r#"{"access_token":"fake-a","token_type":"Bearer","scope":""}"#;
    let grant = read_with(spec.clone(), json(200, text)).unwrap();
    assert_eq!(grant.credentials[0].scopes, None);
    assert!(spec.scopes.sent(&[ScopeName::from_static("notes")]).is_empty());
}

#[test]
fn debug_shows_no_name_of_a_person_and_no_scope_that_was_not_compared() {
    let spec = crate::support::spec("[token]\naccount_member = \"id\"").with_errors(&[]);
    let answer =
        r#"{"access_token":"fake-1","token_type":"Bearer","id":"fake-2","scope":"fake-3"}"#;
    let mut grant = read_with(spec, json(200, answer)).unwrap();
    grant.display = Some("fake-4".into());
    grant.api = "https://fake-5.example.test".parse().ok();
    let facts = grant.facts(&[]);
    let printed = format!("{grant:?} {facts:?}");
    assert!(!printed.contains("fake"), "{printed}");

    let body = r#"{"active":true,"scope":"fake-1"}"#;
    let (spec, registration) = (crate::support::spec(""), registration("example"));
    let cx = context(&spec, &registration);
    let mut step = Generic::new(spec.clone()).introspect(&cx).unwrap();
    let (_, found) = drive(&mut *step, vec![json(200, body)]);
    let printed = format!("{:?}", found.unwrap());
    assert!(printed.contains("Some(1)") && !printed.contains("fake"), "{printed}");
}
