use std::time::Duration;

use bailee_core::{CredentialName, ErrorKind, Remedy, ScopeName, State, Timestamp, Verifier};
use bailee_providers::{
    Account, Alive, Authorization, AuthorizeAsk, CredentialFacts, ExchangeAsk, Failure,
    FailureKind, Grant, GrantFacts, Json, Operation, Paged, Payload, Provider, Request, RevokePlan,
    SecretRef, TokenKind, Value,
    asana::{Asana, Assignee, Container, CreateTask, Due, ListProjects, ListWorkspaces, Notes},
    spec::{LimitScope, Pkce, RefreshClass, RevokeEnds, RevokeStyle},
};

use crate::support::{address, answer, context, drive, json, registration};

const TOKEN: &str = r#"{"access_token":"fake-access","token_type":"bearer","expires_in":3600,
    "refresh_token":"fake-refresh","data":{"id":"1209876543210987654",
    "gid":"1209876543210987654","name":"Ada L","email":"ada@person.example"}}"#;
const REFRESHED: &str = r#"{"access_token":"fake-second","token_type":"bearer","expires_in":3600}"#;
const ME: &str = r#"{"data":{"gid":"1209876543210987654","name":"Ada L","photo":null,
    "email":"ada@person.example","workspaces":[],"resource_type":"user"}}"#;
const TASK: &str = r#"{"data":{"gid":"1209000000000000001","resource_type":"task","name":"Review",
    "completed":false,"created_at":"2026-11-21T12:00:00.000Z",
    "permalink_url":"https://app.asana.com/0/0/1209000000000000001"}}"#;

fn asana<T>(act: impl FnOnce(&Asana, &bailee_providers::Context<'_>) -> T) -> T {
    let (provider, mut registration) = (Asana::new(), registration("asana"));
    registration.redirect_uri = Some("https://app.example.test/cb".into());
    let cx = context(provider.spec(), &registration);
    act(&provider, &cx)
}

#[test]
fn the_facts_are_those_of_the_pages() {
    asana(|asana, _| {
        let spec = asana.spec();
        let url = |url: &Option<url::Url>| url.as_ref().unwrap().as_str().to_owned();
        let endpoints = &spec.endpoints;
        assert_eq!(url(&endpoints.authorization), "https://app.asana.com/-/oauth_authorize");
        assert_eq!(url(&endpoints.token), "https://app.asana.com/-/oauth_token");
        assert_eq!(url(&endpoints.revocation), "https://app.asana.com/-/oauth_revoke");
        assert_eq!(url(&endpoints.userinfo), "https://app.asana.com/api/1.0/users/me");
        assert_eq!(spec.hosts, ["app.asana.com"]);
        assert_eq!(spec.refresh.class, RefreshClass::Stable);
        assert_eq!(spec.revoke.style, RevokeStyle::RefreshToken);
        assert_eq!(spec.revoke.ends, RevokeEnds::Grant);
        assert_eq!(spec.pkce.web, Pkce::S256);
        assert_eq!(spec.rate_limit.scope, LimitScope::Account);
        assert_eq!(spec.scope(&ScopeName::from_static("default")), None);
    });
}

fn authorize(provider: &Asana) -> url::Url {
    let registration = registration("asana");
    let cx = context(provider.spec(), &registration);
    let scopes = ["workspaces:read", "tasks:write"].map(ScopeName::from_static);
    let state = State::copy_from(b"fake-state");
    let verifier = Verifier::copy_from(b"dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk");
    let mut ask = AuthorizeAsk::new(&scopes, "https://app.example.test/cb", &state);
    ask.verifier = Some(&verifier);
    provider.authorize(&cx, &ask).unwrap().into_url()
}

#[test]
fn flow_03_the_challenge_is_that_of_the_rfc() {
    let url = authorize(&Asana::new());
    let one = |name: &str| {
        url.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
    };
    let challenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
    assert_eq!(one("code_challenge").as_deref(), Some(challenge));
    assert_eq!(one("code_challenge_method").as_deref(), Some("S256"));
    assert_eq!(one("scope").as_deref(), Some("workspaces:read tasks:write"));
}

#[test]
fn an_application_with_full_permissions_asks_for_none_and_says_what_that_means() {
    let full = Asana::new().with_full_permissions();
    assert!(!authorize(&full).query_pairs().any(|(key, _)| key == "scope"));
    let plain = full.spec().eligibility.plain.join(" ");
    assert!(plain.contains("everything that you yourself can do"), "{plain}");
    assert!(!Asana::new().spec().eligibility.plain.join(" ").contains("everything"));
}

fn exchange(status: u16, body: &str) -> (Vec<Request>, Result<Grant, Failure>) {
    asana(|asana, cx| {
        let ask = ExchangeAsk { redirect_uri: "https://app.example.test/cb", pkce: true };
        drive(&mut *asana.exchange(cx, &ask), vec![json(status, body)])
    })
}

fn names(request: &Request) -> Vec<&str> {
    let Payload::Form(fields) = &request.payload else { panic!("no form") };
    fields.iter().map(|(name, _)| name.as_ref()).collect()
}

#[test]
fn tok_01_the_client_proves_itself_in_the_form() {
    let (requests, grant) = exchange(200, TOKEN);
    assert_eq!(requests[0].authorization, Authorization::None);
    let expected =
        ["grant_type", "code", "redirect_uri", "code_verifier", "client_id", "client_secret"];
    assert_eq!(names(&requests[0]), expected);
    let credential = grant.unwrap().credentials.remove(0);
    assert_eq!(credential.expires_in, Some(Duration::from_secs(3600)));
    assert_eq!(credential.scopes, None);
}

#[test]
fn tok_06_the_person_stands_in_the_token_answer_with_all_digits() {
    let account = |body: &str| {
        let grant = exchange(200, body).1.unwrap().facts(&[]);
        asana(|asana, cx| drive(&mut *asana.identity(cx, &grant, None, None), Vec::new()))
    };
    let (requests, found) = account(TOKEN);
    assert!(requests.is_empty());
    let found = found.unwrap();
    assert_eq!((found.id.kind(), found.id.value()), ("gid", "1209876543210987654"));
    assert_eq!(found.display.as_deref(), Some("Ada L"));
    // Older answers: a number, under another name.
    let old = TOKEN
        .replace(r#""gid":"1209876543210987654","#, "")
        .replace(r#""id":"1209876543210987654""#, r#""id":1209876543210987654"#);
    assert_eq!(account(&old).1.unwrap().id.value(), "1209876543210987654");
    for hostile in [
        TOKEN.replace(r#""gid":"1209876543210987654""#, r#""gid":"1 2""#),
        TOKEN.replace(r#""data":{"#, r#""data":[{"#).replace("}}", "}]}"),
        TOKEN.replace(r#""gid":"#, r#""gid":"2","gid":"#),
    ] {
        assert_eq!(exchange(200, &hostile).1.unwrap_err().kind, FailureKind::Malformed);
    }
}

fn identify(status: u16, body: &str) -> (Vec<Request>, Result<Account, Failure>) {
    asana(|asana, cx| {
        let step = &mut *asana.identity(cx, &GrantFacts::new(Vec::new()), None, None);
        drive(step, vec![json(status, body)])
    })
}

#[test]
fn where_the_token_answer_names_nobody_the_person_is_asked_for() {
    let (requests, account) = identify(200, ME);
    assert_eq!(address(&requests[0]), "https://app.asana.com/api/1.0/users/me");
    let account = account.unwrap();
    assert_eq!(account.id.value(), "1209876543210987654");
    assert_eq!(account.display.as_deref(), Some("Ada L"));
    let refused = r#"{"errors":[{"message":"Forbidden","help":"fake-canary"}]}"#;
    assert_eq!(identify(403, refused).1.unwrap_err().kind, FailureKind::Blocked);
    assert_eq!(identify(200, refused).1.unwrap_err().kind, FailureKind::Malformed);
}

#[test]
fn a_refresh_names_the_redirect_uri_and_keeps_the_refresh_token() {
    let (requests, grant) = asana(|asana, cx| {
        let facts = CredentialFacts::new(CredentialName::from_static("user"), Vec::new());
        let step = &mut *asana.refresh(cx, &facts.with_refresh(None));
        drive(step, vec![json(200, REFRESHED)])
    });
    let expected = ["grant_type", "refresh_token", "redirect_uri", "client_id", "client_secret"];
    assert_eq!(names(&requests[0]), expected);
    assert!(grant.unwrap().credentials[0].refresh.is_none());
}

#[test]
fn ref_10_codes_of_the_oauth_endpoints() {
    use FailureKind::{ClientConfiguration, GrantOver, Unavailable};
    for (status, code, kind) in [
        (400, "invalid_grant", GrantOver),
        (401, "invalid_client", ClientConfiguration),
        (400, "invalid_scope", ClientConfiguration),
        (400, "forbidden_scopes", ClientConfiguration),
        (502, "invalid_grant", Unavailable),
    ] {
        let body = format!(r#"{{"error":"{code}","error_description":"fake-canary"}}"#);
        assert_eq!(exchange(status, &body).1.unwrap_err().kind, kind, "{status} {code}");
    }
}

#[test]
fn the_status_tells_what_an_answer_of_the_api_means() {
    use FailureKind::{AccessRejected, Blocked, InvalidInput, RateLimited, Unavailable};
    for (status, kind) in [
        (400, InvalidInput),
        (401, AccessRejected),
        (402, Blocked),
        (403, Blocked),
        (404, InvalidInput),
        (412, InvalidInput),
        (424, Unavailable),
        (429, RateLimited),
        (451, Blocked),
        (500, Unavailable),
        (504, Unavailable),
    ] {
        let body = r#"{"errors":[{"message":"fake-canary","phrase":"6 sad squid"}]}"#;
        let failure = asana(|asana, cx| asana.classify(cx, &json(status, body))).unwrap();
        assert_eq!(failure.kind, kind, "{status}");
        assert!(!format!("{failure:?}").contains("canary"));
    }
    assert_eq!(asana(|asana, cx| asana.classify(cx, &json(201, TASK))), None);
}

#[test]
fn out_08_a_limit_says_its_seconds() {
    let wait = |headers: &[(&'static str, &str)]| {
        let limited = answer(429, headers, b"{}");
        asana(|asana, cx| asana.classify(cx, &limited)).unwrap().remedy()
    };
    assert_eq!(wait(&[("retry-after", "17")]), Remedy::Wait(Duration::from_secs(17)));
    assert_eq!(wait(&[]), Remedy::Wait(Duration::from_secs(60)));
}

#[test]
fn revocation_takes_the_refresh_token_and_nothing_beside_the_client() {
    asana(|asana, cx| {
        let facts = CredentialFacts::new(CredentialName::from_static("user"), Vec::new());
        assert_eq!(asana.revoke_plan(cx, &facts), RevokePlan::Impossible);
        let facts = facts.with_refresh(None).expiring(Timestamp::from_seconds(0));
        assert_eq!(asana.revoke_plan(cx, &facts), RevokePlan::Ready);
        let (requests, revoked) =
            drive(&mut *asana.revoke(cx, &facts), vec![answer(200, &[], b"")]);
        assert!(revoked.unwrap().confirmed);
        assert_eq!(names(&requests[0]), ["token", "client_id", "client_secret"]);
        let Payload::Form(fields) = &requests[0].payload else { panic!("no form") };
        assert_eq!(fields[0].1, Value::Secret(SecretRef::RefreshToken));
        let refused = json(400, r#"{"error":"invalid_request"}"#);
        let outcome = drive(&mut *asana.revoke(cx, &facts), vec![refused]).1;
        assert_eq!(outcome.unwrap_err().kind, FailureKind::ClientConfiguration);
        let odd = drive(&mut *asana.revoke(cx, &facts), vec![json(400, "{}")]).1.unwrap();
        assert_eq!((odd.confirmed, odd.remaining), (false, vec![TokenKind::Refresh]));
    });
}

#[test]
fn a_token_that_may_not_ask_for_the_person_lives() {
    asana(|asana, cx| {
        let alive = |status, body: &str| {
            drive(&mut *asana.liveness(cx), vec![json(status, body)]).1.map_err(|f| f.kind)
        };
        let errors = r#"{"errors":[{"message":"no"}]}"#;
        assert_eq!(alive(200, ME), Ok(Alive::Yes));
        assert_eq!(alive(403, errors), Ok(Alive::Yes));
        assert_eq!(alive(401, errors), Ok(Alive::No));
        assert_eq!(alive(503, errors), Err(FailureKind::Unavailable));
    });
}

#[test]
fn a_task_is_created_under_data_and_little_of_it_comes_back() {
    let place = Container::Projects(vec!["1209000000000000002".into()]);
    let create = CreateTask::new(place, "Review")
        .assign(Assignee::Me)
        .notes(Notes::Plain("all of it".into()))
        .due(Due::On("2026-12-01".into()))
        .follower("1209000000000000003")
        .tag("1209000000000000004");
    let (requests, task) = asana(|_, cx| drive(&mut *create.start(cx), vec![json(201, TASK)]));
    assert_eq!(address(&requests[0]), "https://app.asana.com/api/1.0/tasks");
    let fields = Value::text("name,completed,created_at,permalink_url");
    assert_eq!(requests[0].query, [("opt_fields".into(), fields)]);
    let body = serde_json::json!({"data": {
        "name": "Review",
        "projects": ["1209000000000000002"],
        "assignee": "me",
        "notes": "all of it",
        "due_on": "2026-12-01",
        "followers": ["1209000000000000003"],
        "tags": ["1209000000000000004"],
    }});
    assert_eq!(requests[0].payload, Payload::Json(Json::of(&body).unwrap()));
    let task = task.unwrap();
    assert_eq!((task.gid.as_str(), task.completed), ("1209000000000000001", false));
    for printed in [format!("{task:?}"), format!("{create:?}")] {
        assert!(!printed.contains("Review") && !printed.contains("1209"), "{printed}");
    }
    let at = CreateTask::new(Container::Workspace("1".into()), "x")
        .assign(Assignee::User("2".into()))
        .notes(Notes::Html("<body>x</body>".into()))
        .due(Due::At(Timestamp::from_seconds(1_796_117_400)));
    let (requests, _) = asana(|_, cx| drive(&mut *at.start(cx), vec![json(201, TASK)]));
    let body = serde_json::json!({"data": {"name": "x", "workspace": "1", "assignee": "2",
        "html_notes": "<body>x</body>", "due_at": "2026-12-01T09:30:00Z"}});
    assert_eq!(requests[0].payload, Payload::Json(Json::of(&body).unwrap()));
}

#[test]
fn a_task_that_cannot_be_is_refused_before_anything_leaves() {
    let place = || Container::Workspace("1".into());
    let new = || CreateTask::new(place(), "Review");
    for wrong in [
        CreateTask::new(Container::Workspace("me".into()), "x"),
        CreateTask::new(Container::Parent(String::new()), "x"),
        CreateTask::new(Container::Projects(Vec::new()), "x"),
        CreateTask::new(Container::Projects(vec!["1".into(); 51]), "x"),
        CreateTask::new(place(), " "),
        CreateTask::new(place(), "x".repeat(1001)),
        new().notes(Notes::Plain("x".repeat(65_536))),
        new().assign(Assignee::User("ada@person.example".into())),
        new().due(Due::On("2026-02-30".into())),
        new().due(Due::On("tomorrow".into())),
        new().due(Due::At(Timestamp::from_seconds(i64::MAX / 1_000_000))),
        new().follower("1,2"),
        new().tag(""),
    ] {
        assert_eq!(wrong.check().unwrap_err().kind(), ErrorKind::InvalidInput, "{wrong:?}");
        let (requests, outcome) = asana(|_, cx| drive(&mut *wrong.start(cx), Vec::new()));
        assert!(requests.is_empty());
        assert_eq!(outcome.unwrap_err().kind, FailureKind::InvalidInput);
    }
}

#[test]
fn lists_come_page_by_page_by_their_offset_and_what_was_asked_for_stays() {
    let page = r#"{"data":[{"gid":"1","name":"Work","resource_type":"workspace"}],
        "next_page":{"offset":"fake-next","path":"/workspaces?offset=fake-next",
        "uri":"https://evil.example/workspaces"}}"#;
    let last = r#"{"data":[],"next_page":null}"#;
    let list = ListWorkspaces::new().page_size(1);
    let (_, first) = asana(|_, cx| drive(&mut *list.start(cx), vec![json(200, page)]));
    let first = first.unwrap();
    assert_eq!(first.items[0].name, "Work");
    let rest = list.after(first.next.unwrap());
    let (requests, end) = asana(|_, cx| drive(&mut *rest.start(cx), vec![json(200, last)]));
    let text = |name: &'static str, value: &str| (name.into(), Value::text(value));
    let expected = [text("opt_fields", "name"), text("limit", "1"), text("offset", "fake-next")];
    assert_eq!(requests[0].query, expected);
    assert_eq!(address(&requests[0]), "https://app.asana.com/api/1.0/workspaces");
    assert_eq!(end.unwrap().next, None);
    let projects = ListProjects::new("1");
    let (requests, found) = asana(|_, cx| drive(&mut *projects.start(cx), vec![json(200, page)]));
    let expected = [
        text("workspace", "1"),
        text("archived", "false"),
        text("opt_fields", "name"),
        text("limit", "100"),
    ];
    assert_eq!(requests[0].query, expected);
    assert!(found.unwrap().next.is_some());
    for (requests, refused) in [
        asana(|_, cx| drive(&mut *ListProjects::new("x").start(cx), Vec::new())),
        asana(|_, cx| drive(&mut *ListProjects::new("1").page_size(0).start(cx), Vec::new())),
        asana(|_, cx| drive(&mut *ListProjects::new("1").page_size(101).start(cx), Vec::new())),
    ] {
        assert!(requests.is_empty());
        assert_eq!(refused.unwrap_err().kind, FailureKind::InvalidInput);
    }
    asana(|asana, _| {
        ListWorkspaces::new().facts().check(asana.spec()).unwrap();
        ListProjects::new("1").facts().check(asana.spec()).unwrap();
        CreateTask::new(Container::Workspace("1".into()), "x").facts().check(asana.spec()).unwrap();
    });
}

#[cfg(feature = "conformance")]
#[test]
fn asana_conforms() {
    let secret = registration("asana");
    for provider in [Asana::new(), Asana::new().with_full_permissions()] {
        bailee_providers::conformance::check(&provider, &secret);
        bailee_providers::conformance::check(&provider, &secret.clone().public());
    }
}
