use std::time::Duration;

use bailee_core::{CredentialName, ErrorKind, Remedy, ScopeName, State, Timestamp, Verifier};
use bailee_providers::{
    Account, Alive, Authorization, AuthorizeAsk, BasicEncoding, CredentialFacts, Endpoint,
    ExchangeAsk, Failure, FailureKind, Grant, GrantFacts, Operation, Paged, Payload, Provider,
    Request, RevokePlan, SecretRef, Value,
    spec::{LimitScope, Pkce, RefreshClass, RevokeEnds, RevokeStyle},
    zoom::{CreateMeeting, ListMeetings, MeetingStart, Zoom},
};

use crate::support::{NOW, address, answer, context, drive, json, registration};

const TOKEN: &str = r#"{"access_token":"fake-eyJ","token_type":"bearer",
    "refresh_token":"fake-refresh","expires_in":3599,"scope":"user:read:user meeting:write:meeting",
    "api_url":"https://api-eu.zoom.us"}"#;
const USER: &str = r#"{"id":"fake-Id_1","account_id":"a","display_name":"Ada L",
    "first_name":"Ada","email":"ada@person.example","verified":1,"type":1,"host_key":"fake-key"}"#;
const MEETING: &str = r#"{"id":85000000001,"uuid":"fake==","topic":"Review","type":2,
    "start_time":"2026-12-01T09:30:00Z","duration":30,"timezone":"UTC",
    "join_url":"https://zoom.us/j/85000000001","start_url":"https://zoom.us/s/1?zak=fake-canary",
    "host_email":"ada@person.example"}"#;

fn zoom<T>(act: impl FnOnce(&Zoom, &bailee_providers::Context<'_>) -> T) -> T {
    let (provider, registration) = (Zoom::new(), registration("zoom"));
    let cx = context(provider.spec(), &registration);
    act(&provider, &cx)
}

#[test]
fn the_facts_are_those_of_the_pages() {
    zoom(|zoom, _| {
        let spec = zoom.spec();
        let url = |url: &Option<url::Url>| url.as_ref().unwrap().as_str().to_owned();
        assert_eq!(url(&spec.endpoints.authorization), "https://zoom.us/oauth/authorize");
        assert_eq!(url(&spec.endpoints.token), "https://zoom.us/oauth/token");
        assert_eq!(url(&spec.endpoints.revocation), "https://zoom.us/oauth/revoke");
        assert_eq!(url(&spec.endpoints.userinfo), "https://api.zoom.us/v2/users/me");
        assert_eq!(spec.hosts.len(), 10);
        assert_eq!(spec.refresh.class, RefreshClass::Strict);
        assert_eq!(spec.refresh.idle_limit, Some(Duration::from_secs(90 * 86_400)));
        assert_eq!(spec.revoke.style, RevokeStyle::AccessToken);
        assert_eq!(spec.revoke.ends, RevokeEnds::Account);
        assert_eq!(spec.pkce.web, Pkce::S256);
        assert_eq!(spec.rate_limit.scope, LimitScope::Account);
        // What it gives is a credential.
        assert_eq!(spec.scope(&ScopeName::from_static("user:read:token")), None);
        let sweeping = |name: &str| name.ends_with(":admin") || name.ends_with(":master");
        assert!(!spec.scopes.catalogue.iter().any(|entry| sweeping(entry.name.as_str())));
    });
}

fn authorize(provider: &Zoom) -> url::Url {
    let registration = registration("zoom");
    let cx = context(provider.spec(), &registration);
    let scopes = ["user:read:user", "meeting:write:meeting"].map(ScopeName::from_static);
    let state = State::copy_from(b"fake-state");
    let verifier = Verifier::copy_from(b"dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk");
    let mut ask = AuthorizeAsk::new(&scopes, "https://app.example.test/cb", &state);
    ask.verifier = Some(&verifier);
    provider.authorize(&cx, &ask).unwrap().into_url()
}

#[test]
fn flow_03_the_method_of_pkce_is_always_named() {
    let url = authorize(&Zoom::new());
    let all = |name: &str| -> Vec<String> {
        url.query_pairs().filter(|(key, _)| key == name).map(|(_, value)| value.into()).collect()
    };
    assert_eq!(all("code_challenge_method"), ["S256"]);
    assert_eq!(all("scope"), ["user:read:user meeting:write:meeting"]);
}

#[test]
fn an_application_with_classic_scopes_is_asked_for_none_by_name() {
    let url = authorize(&Zoom::new().with_the_app_s_scopes());
    assert!(!url.query_pairs().any(|(key, _)| key == "scope"), "{url}");
    let classic = TOKEN.replace("user:read:user meeting:write:meeting", "user:read meeting:write");
    let granted = exchange(&classic).1.unwrap().credentials.remove(0).scopes.unwrap();
    assert_eq!(granted, ["user:read:user", "meeting:write:meeting"].map(ScopeName::from_static));
}

fn exchange(body: &str) -> (Vec<Request>, Result<Grant, Failure>) {
    zoom(|zoom, cx| {
        let ask = ExchangeAsk { redirect_uri: "https://app.example.test/cb", pkce: true };
        let status = if body.contains("access_token") { 200 } else { 400 };
        drive(&mut *zoom.exchange(cx, &ask), vec![json(status, body)])
    })
}

#[test]
fn tok_01_the_client_proves_itself_with_basic_and_a_form() {
    let (requests, grant) = exchange(TOKEN);
    assert_eq!(requests[0].authorization, Authorization::ClientBasic(BasicEncoding::Rfc6749));
    let Payload::Form(fields) = &requests[0].payload else { panic!("no form") };
    let names: Vec<&str> = fields.iter().map(|(name, _)| name.as_ref()).collect();
    assert_eq!(names, ["grant_type", "code", "redirect_uri", "code_verifier"]);
    let grant = grant.unwrap();
    assert_eq!(grant.credentials[0].expires_in, Some(Duration::from_secs(3599)));
}

#[test]
fn out_04_the_region_is_one_of_the_hosts_and_may_be_missing() {
    let api = |body: &str| exchange(body).1.map(|grant| grant.api.map(|url| url.to_string()));
    assert_eq!(api(TOKEN).unwrap().unwrap(), "https://api-eu.zoom.us/");
    assert_eq!(api(&TOKEN.replace("api_url", "api_uri")), Ok(None));
    for hostile in [
        "https://api-eu.zoom.us.evil.example",
        "https://evil.zoom.us",
        "https://api-eu.zoom.us@evil.example",
        "http://api-eu.zoom.us",
        "https://api-eu.zoom.us:8443",
        "https://api-eu.zoom.us?a=b",
    ] {
        let refused = api(&TOKEN.replace("https://api-eu.zoom.us", hostile));
        assert_eq!(refused.unwrap_err().kind, FailureKind::Malformed, "{hostile}");
    }
}

#[test]
fn calls_go_to_the_region_of_the_account() {
    let grant = exchange(TOKEN).1.unwrap().facts(&[]);
    zoom(|zoom, cx| {
        let step = &mut *zoom.identity(cx, &grant, None, None);
        let (requests, account) = drive(step, vec![json(200, USER)]);
        assert_eq!(address(&requests[0]), "https://api.zoom.us/v2/users/me");
        let facts = account.unwrap().facts();
        let there = cx.with_account(Some(&facts));
        let (requests, _) = drive(&mut *ListMeetings::new().start(&there), vec![json(200, "{}")]);
        assert_eq!(address(&requests[0]), "https://api-eu.zoom.us/v2/users/me/meetings");
    });
}

fn refresh(status: u16, body: &str) -> Failure {
    zoom(|zoom, cx| {
        let facts = CredentialFacts::new(CredentialName::from_static("user"), Vec::new());
        let step = &mut *zoom.refresh(cx, &facts.with_refresh(None));
        drive(step, vec![json(status, body)]).1.unwrap_err()
    })
}

#[test]
fn ref_10_numbers_in_the_reason_say_what_happened() {
    use FailureKind::{ClientConfiguration, GrantOver, Malformed, RateLimited, Unavailable};
    for (status, error, reason, kind) in [
        (400, "invalid_grant", "Invalid Token!", GrantOver),
        (401, "invalid_request", "Invalid Token!", GrantOver),
        (400, "invalid_request", "The token has been revoked (4741)", GrantOver),
        (400, "invalid_request", "4735: owner not found", GrantOver),
        (400, "invalid_request", "something else", ClientConfiguration),
        (401, "invalid_client", "Invalid client_id or client_secret (4702)", ClientConfiguration),
        (400, "invalid_grant", "The application has been disabled (4717)", ClientConfiguration),
        (400, "invalid_request", "(4732)", Unavailable),
        (400, "invalid_grant", "no such number: 9999", GrantOver),
        (400, "invalid_something", "47410", Malformed),
        // A provider that is broken or busy says nothing about a grant.
        (500, "invalid_grant", "(4741)", Unavailable),
        (429, "invalid_grant", "(4741)", RateLimited),
        (200, "invalid_grant", "(4741)", GrantOver),
    ] {
        let failure = refresh(status, &format!(r#"{{"reason":"{reason}","error":"{error}"}}"#));
        assert_eq!(failure.kind, kind, "{status} {error} {reason}");
    }
    let exchanged =
        exchange(r#"{"reason":"Redirect URI mismatch (4709)","error":"invalid_grant"}"#);
    assert_eq!(exchanged.1.unwrap_err().kind, ClientConfiguration);
}

fn identify(status: u16, body: &str) -> Result<Account, Failure> {
    zoom(|zoom, cx| {
        let step = &mut *zoom.identity(cx, &GrantFacts::new(Vec::new()), None, None);
        drive(step, vec![json(status, body)]).1
    })
}

#[test]
fn tok_06_the_id_counts_and_a_name_is_shown() {
    let account = identify(200, USER).unwrap();
    assert_eq!((account.id.kind(), account.id.value()), ("user_id", "fake-Id_1"));
    assert_eq!(account.display.as_deref(), Some("Ada L"));
    let nameless = identify(200, &USER.replace("display_name", "other_name")).unwrap();
    assert_eq!(nameless.display.as_deref(), Some("Ada"));
    let uncovered = r#"{"code":4711,"message":"does not contain scopes:[user:read:user]."}"#;
    assert_eq!(identify(400, uncovered).unwrap_err().kind, FailureKind::ScopeMissing);
}

#[test]
fn an_answer_of_the_api_is_judged_by_its_status_before_its_number() {
    use FailureKind::{
        AccessRejected, Blocked, InvalidInput, Malformed, ScopeMissing, Unavailable,
    };
    for (status, body, kind) in [
        (200, r#"{"id":1,"topic":"code"}"#, None),
        (200, r#"{"code":200,"message":"no"}"#, Some(Malformed)),
        (401, r#"{"code":124,"message":"Invalid access token."}"#, Some(AccessRejected)),
        (401, r#"{"code":4700,"message":"scopes:[a]"}"#, Some(ScopeMissing)),
        (401, r#"{"code":"4711","message":"scopes:[a]"}"#, Some(ScopeMissing)),
        (400, r#"{"code":124,"message":"validation"}"#, Some(InvalidInput)),
        (400, r#"{"code":300,"message":"validation","errors":[]}"#, Some(InvalidInput)),
        (403, r#"{"code":3001,"message":"no"}"#, Some(Blocked)),
        (404, r#"{"code":4700,"message":"no"}"#, Some(InvalidInput)),
        (409, "{}", Some(InvalidInput)),
        (503, r#"{"code":4700,"message":"no"}"#, Some(Unavailable)),
        (401, "<html>", Some(AccessRejected)),
    ] {
        let found = zoom(|zoom, cx| zoom.classify(cx, &json(status, body)));
        assert_eq!(found.map(|failure| failure.kind), kind, "{status} {body}");
    }
}

#[test]
fn out_08_a_wait_is_told_in_three_ways() {
    let wait = |headers: &[(&'static str, &str)]| {
        let limited = answer(429, headers, b"{}");
        zoom(|zoom, cx| zoom.classify(cx, &limited)).unwrap().remedy()
    };
    let seconds = |seconds| Remedy::Wait(Duration::from_secs(seconds));
    // NOW is 2025-06-01T12:00:00Z.
    let reset = (NOW.as_seconds() + 2).to_string();
    assert_eq!(wait(&[("x-ratelimit-type", "QPS"), ("x-ratelimit-reset", &reset)]), seconds(2));
    assert_eq!(wait(&[("retry-after", "2025-06-01T12:00:30Z")]), seconds(30));
    // A day's limit is asked about again after an hour.
    assert_eq!(wait(&[("retry-after", "2025-06-02T00:00:00Z")]), seconds(3600));
    assert_eq!(wait(&[]), seconds(5));
}

#[test]
fn revocation_takes_a_living_access_token_alone() {
    zoom(|zoom, cx| {
        let facts = CredentialFacts::new(CredentialName::from_static("user"), Vec::new())
            .with_refresh(None)
            .expiring(Timestamp::from_seconds(NOW.as_seconds() + 60));
        assert_eq!(zoom.revoke_plan(cx, &facts), RevokePlan::Ready);
        assert_eq!(zoom.revoke_plan(cx, &facts.clone().expiring(NOW)), RevokePlan::RefreshFirst);
        let done = json(200, r#"{"status":"success"}"#);
        let (requests, revoked) = drive(&mut *zoom.revoke(cx, &facts), vec![done]);
        assert!(revoked.unwrap().confirmed);
        let fields = vec![("token".into(), Value::Secret(SecretRef::AccessToken))];
        assert_eq!(requests[0].payload, Payload::Form(fields));
        assert!(matches!(requests[0].authorization, Authorization::ClientBasic(_)));
    });
}

#[test]
fn liveness_is_the_profile() {
    zoom(|zoom, cx| {
        let (_, alive) = drive(&mut *zoom.liveness(cx), vec![json(200, USER)]);
        assert_eq!(alive, Ok(Alive::Yes));
        let dead = json(401, r#"{"code":124,"message":"Invalid access token."}"#);
        assert_eq!(drive(&mut *zoom.liveness(cx), vec![dead]).1, Ok(Alive::No));
    });
}

#[test]
fn a_meeting_is_created_without_the_address_that_makes_its_reader_the_host() {
    let start = MeetingStart::Utc(Timestamp::from_seconds(1_796_117_400));
    let create = CreateMeeting::new("Review", start).minutes(30).waiting_room(true);
    let (requests, meeting) = zoom(|_, cx| drive(&mut *create.start(cx), vec![json(201, MEETING)]));
    assert_eq!(address(&requests[0]), "https://api.zoom.us/v2/users/me/meetings");
    assert_eq!(requests[0].endpoint, Endpoint::Api);
    let body = serde_json::json!({
        "topic": "Review",
        "type": 2,
        "start_time": "2026-12-01T09:30:00Z",
        "duration": 30,
        "settings": {"waiting_room": true},
    });
    assert_eq!(requests[0].payload, Payload::Json(bailee_providers::Json::of(&body).unwrap()));
    let meeting = meeting.unwrap();
    assert_eq!((meeting.id, meeting.minutes), (85_000_000_001, Some(30)));
    assert_eq!(meeting.join_url.as_deref(), Some("https://zoom.us/j/85000000001"));
    for printed in [format!("{meeting:?}"), format!("{create:?}")] {
        assert!(!printed.contains("Review") && !printed.contains("zoom.us"), "{printed}");
    }
}

#[test]
fn a_meeting_that_cannot_be_is_refused_before_anything_leaves() {
    let local = |date_time: &str, timezone: &str| MeetingStart::Local {
        date_time: date_time.into(),
        timezone: timezone.into(),
    };
    let new = |topic: &str| CreateMeeting::new(topic, MeetingStart::Now);
    for wrong in [
        new(""),
        new(&"x".repeat(201)),
        new("x").agenda("x".repeat(2001)),
        new("x").minutes(0),
        CreateMeeting::new("x", local("2026-12-01 09:30", "Europe/Berlin")),
        CreateMeeting::new("x", local("2026-13-01T09:30:00", "Europe/Berlin")),
        CreateMeeting::new("x", local("2026-12-01T09:30:00", "Europe Berlin")),
        CreateMeeting::new("x", MeetingStart::Utc(Timestamp::from_seconds(i64::MAX / 1_000_000))),
    ] {
        assert_eq!(wrong.check().unwrap_err().kind(), ErrorKind::InvalidInput);
        let (requests, outcome) = zoom(|_, cx| drive(&mut *wrong.start(cx), Vec::new()));
        assert!(requests.is_empty());
        assert_eq!(outcome.unwrap_err().kind, FailureKind::InvalidInput);
    }
    new(&"ü".repeat(200)).check().unwrap();
    CreateMeeting::new("x", local("2026-12-01T09:30:00", "Etc/GMT+1")).check().unwrap();
}

#[test]
fn meetings_come_page_by_page_and_what_was_asked_for_stays() {
    let first = ListMeetings::new().upcoming().page_size(1);
    let body = format!(r#"{{"page_size":1,"next_page_token":"fake-next","meetings":[{MEETING}]}}"#);
    let (_, page) = zoom(|_, cx| drive(&mut *first.start(cx), vec![json(200, &body)]));
    let page = page.unwrap();
    assert_eq!(page.items[0].topic.as_deref(), Some("Review"));
    let second = first.after(page.next.unwrap());
    let last = body.replace("fake-next", "");
    let (requests, page) = zoom(|_, cx| drive(&mut *second.start(cx), vec![json(200, &last)]));
    let text = |name: &'static str, value: &str| (name.into(), Value::text(value));
    assert_eq!(
        requests[0].query,
        [text("type", "upcoming"), text("page_size", "1"), text("next_page_token", "fake-next")]
    );
    assert_eq!(page.unwrap().next, None);
    for size in [0, 301] {
        let list = ListMeetings::new().page_size(size);
        let (_, outcome) = zoom(|_, cx| drive(&mut *list.start(cx), Vec::new()));
        assert_eq!(outcome.unwrap_err().kind, FailureKind::InvalidInput, "{size}");
    }
    let (_, outcome) = zoom(|_, cx| drive(&mut *first.start(cx), vec![json(200, "{}")]));
    assert_eq!(outcome.unwrap_err().kind, FailureKind::Malformed);
}

#[test]
fn operations_fit_the_spec() {
    zoom(|zoom, _| {
        CreateMeeting::new("x", MeetingStart::Now).facts().check(zoom.spec()).unwrap();
        ListMeetings::new().facts().check(zoom.spec()).unwrap();
    });
}

#[cfg(feature = "conformance")]
#[test]
fn zoom_conforms() {
    let secret = registration("zoom");
    bailee_providers::conformance::check(&Zoom::new(), &secret);
    bailee_providers::conformance::check(&Zoom::new(), &secret.public());
}
