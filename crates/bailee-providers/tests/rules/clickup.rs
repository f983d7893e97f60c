use std::time::Duration;

use bailee_core::{CredentialName, ErrorKind, Remedy, ScopeName, State, Timestamp};
use bailee_providers::{
    Account, AccountFacts, Alive, Authorization, AuthorizeAsk, CredentialFacts, Endpoint,
    ExchangeAsk, Failure, FailureKind, Grant, GrantFacts, Json, Operation, Payload, Provider,
    Request, RevokePlan, SecretRef, Value,
    clickup::{
        ClickUp, CreateTask, Description, ListLists, ListSpaces, ListWorkspaces, NAME_LIMIT,
        Priority,
    },
    spec::{LimitScope, Pkce, RefreshClass, RevokeStyle},
};

use crate::support::{NOW, address, answer, context, drive, json, registration};

const USER: &str = r##"{"user":{"id":4503599627370497,"username":"Ada L","color":"#fff",
    "email":"ada@person.example","profilePicture":null,"initials":"AL","timezone":"UTC"}}"##;
const TEAMS: &str = r#"{"teams":[{"id":"9001","name":"Analytical\u0007 Engine","color":"x",
    "members":[{"user":{"id":7,"username":"Grace H","email":"grace@person.example"}}]},
    {"id":"9002","name":"Home","members":[]}]}"#;
const TASK: &str = r#"{"id":"86abc1","custom_id":null,"name":"Review","text_content":"",
    "status":{"status":"to do","color":"x","type":"open","orderindex":0},
    "date_created":"1748779200999","creator":{"id":1,"username":"Ada","email":"ada@person.example"},
    "assignees":[],"priority":null,"list":{"id":"1","name":"L"},"space":{"id":"2"},
    "url":"https://app.clickup.com/t/86abc1"}"#;

fn clickup<T>(act: impl FnOnce(&ClickUp, &bailee_providers::Context<'_>) -> T) -> T {
    let (provider, registration) = (ClickUp::new(), registration("clickup"));
    let cx = context(provider.spec(), &registration);
    act(&provider, &cx)
}

#[test]
fn the_facts_are_those_of_the_pages() {
    clickup(|clickup, _| {
        let spec = clickup.spec();
        let url = |url: &Option<url::Url>| url.as_ref().unwrap().as_str().to_owned();
        assert_eq!(url(&spec.endpoints.authorization), "https://app.clickup.com/api");
        assert_eq!(url(&spec.endpoints.token), "https://api.clickup.com/api/v2/oauth/token");
        assert_eq!(url(&spec.endpoints.userinfo), "https://api.clickup.com/api/v2/user");
        assert_eq!(spec.endpoints.revocation, None);
        assert_eq!(spec.hosts_for(Endpoint::Api), ["api.clickup.com"]);
        assert_eq!(spec.refresh.class, RefreshClass::Static);
        assert_eq!(spec.revoke.style, RevokeStyle::None);
        assert_eq!(spec.pkce.web, Pkce::None);
        assert_eq!(spec.rate_limit.scope, LimitScope::Account);
        assert!(spec.scopes.catalogue.iter().all(|entry| entry.implied));
        assert!(spec.eligibility.plain[0].contains("everything that you yourself can do"));
    });
}

#[test]
fn no_scope_is_sent_and_each_is_known() {
    clickup(|clickup, cx| {
        let scopes = ["workspaces", "tasks.write"].map(ScopeName::from_static);
        let state = State::copy_from(b"fake-state");
        let ask = AuthorizeAsk::new(&scopes, "https://app.example.test/cb", &state);
        let url = clickup.authorize(cx, &ask).unwrap().into_url();
        let names: Vec<String> = url.query_pairs().map(|(name, _)| name.into_owned()).collect();
        assert_eq!(names, ["response_type", "client_id", "state", "redirect_uri"]);
        let foreign = [ScopeName::from_static("task:write")];
        let ask = AuthorizeAsk::new(&foreign, "https://app.example.test/cb", &state);
        assert_eq!(clickup.authorize(cx, &ask).unwrap_err().kind(), ErrorKind::InvalidInput);
    });
}

fn exchange(status: u16, body: &str) -> (Vec<Request>, Result<Grant, Failure>) {
    clickup(|clickup, cx| {
        let ask = ExchangeAsk { redirect_uri: "https://app.example.test/cb", pkce: false };
        drive(&mut *clickup.exchange(cx, &ask), vec![json(status, body)])
    })
}

#[test]
fn tok_01_code_id_and_secret_are_all_that_is_sent_and_a_token_all_that_comes() {
    let (requests, grant) = exchange(200, r#"{"access_token":"fake-access"}"#);
    assert_eq!(requests[0].authorization, Authorization::None);
    assert!(requests[0].query.is_empty());
    let Payload::Form(fields) = &requests[0].payload else { panic!("no form") };
    let names: Vec<&str> = fields.iter().map(|(name, _)| name.as_ref()).collect();
    assert_eq!(names, ["code", "client_id", "client_secret"]);
    assert_eq!(fields[2].1, Value::Secret(SecretRef::ClientSecret));
    let credential = grant.unwrap().credentials.remove(0);
    assert_eq!((credential.expires_in, credential.refresh.is_none()), (None, true));
    assert_eq!(credential.scopes, None);
    let typed = r#"{"access_token":"fake-access","token_type":"Bearer","expires_in":60,
        "refresh_token":"fake-refresh"}"#;
    let credential = exchange(200, typed).1.unwrap().credentials.remove(0);
    // Should tokens begin to run out, that counts.
    assert_eq!(credential.expires_in, Some(Duration::from_secs(60)));
    assert!(credential.refresh.is_some());
}

#[test]
fn ref_10_codes_at_the_token_endpoint_say_what_happened() {
    use FailureKind::{ClientConfiguration, GrantOver, Malformed, RateLimited, Unavailable};
    for (status, code, kind) in [
        (400, "OAUTH_007", ClientConfiguration),
        (401, "OAUTH_010", ClientConfiguration),
        (400, "OAUTH_014", GrantOver),
        (401, "OAUTH_014", GrantOver),
        (400, "OAUTH_017", ClientConfiguration),
        (200, "OAUTH_014", GrantOver),
        (400, "OAUTH_999", Malformed),
        (401, "OAUTH_999", ClientConfiguration),
        (429, "APP_002", RateLimited),
        (503, "OAUTH_014", Unavailable),
    ] {
        let body = format!(r#"{{"err":"fake-canary","ECODE":"{code}"}}"#);
        let failure = exchange(status, &body).1.unwrap_err();
        assert_eq!(failure.kind, kind, "{status} {code}");
        assert!(!format!("{failure:?}").contains("canary"));
    }
}

fn identify(answers: &[(u16, &str)]) -> (Vec<Request>, Result<Account, Failure>) {
    clickup(|clickup, cx| {
        let answers = answers.iter().map(|(status, body)| json(*status, body)).collect();
        let step = &mut *clickup.identity(cx, &GrantFacts::new(Vec::new()), None, None);
        drive(step, answers)
    })
}

#[test]
fn tok_06_the_account_has_its_number_a_name_and_the_workspaces_that_were_ticked() {
    let (requests, account) = identify(&[(200, USER), (200, TEAMS)]);
    assert_eq!(address(&requests[0]), "https://api.clickup.com/api/v2/user");
    assert_eq!(address(&requests[1]), "https://api.clickup.com/api/v2/team");
    assert!(requests.iter().all(|request| request.authorization == Authorization::Bearer));
    let account = account.unwrap();
    assert_eq!((account.id.kind(), account.id.value()), ("user_id", "4503599627370497"));
    assert_eq!(account.display.as_deref(), Some("Ada L"));
    let places: Vec<(&str, &str)> =
        account.places.iter().map(|place| (place.id.as_str(), place.name.as_str())).collect();
    assert_eq!(places, [("9001", "Analytical Engine"), ("9002", "Home")]);
}

#[test]
fn an_account_without_its_workspaces_is_none() {
    for (status, body, kind) in [
        (401, r#"{"err":"Token invalid","ECODE":"OAUTH_025"}"#, FailureKind::GrantOver),
        (500, "{}", FailureKind::Unavailable),
        (200, r#"{"teams":[{"id":9001}]}"#, FailureKind::Malformed),
        (200, r#"{"err":"no","ECODE":"OAUTH_027"}"#, FailureKind::ScopeMissing),
    ] {
        let outcome = identify(&[(200, USER), (status, body)]).1;
        assert_eq!(outcome.unwrap_err().kind, kind, "{status} {body}");
    }
    assert!(identify(&[(200, USER), (200, r#"{"teams":[]}"#)]).1.unwrap().places.is_empty());
}

#[test]
fn a_workspace_that_was_not_ticked_is_no_dead_token() {
    use FailureKind::{
        AccessRejected, Blocked, GrantOver, InvalidInput, ScopeMissing, Unavailable,
    };
    for (status, code, kind) in [
        (401, "OAUTH_019", GrantOver),
        (401, "OAUTH_021", GrantOver),
        (401, "OAUTH_025", GrantOver),
        (401, "OAUTH_077", GrantOver),
        (401, "OAUTH_023", ScopeMissing),
        (403, "OAUTH_027", ScopeMissing),
        (401, "OAUTH_045", ScopeMissing),
        // The list grows: the status tells the rest.
        (401, "OAUTH_046", AccessRejected),
        (400, "INPUT_005", InvalidInput),
        (404, "ITEM_015", InvalidInput),
        (403, "ACCESS_015", Blocked),
        (200, "TASK_001", Blocked),
        (502, "OAUTH_025", Unavailable),
    ] {
        let body = format!(r#"{{"err":"fake-canary","ECODE":"{code}"}}"#);
        let failure = clickup(|clickup, cx| clickup.classify(cx, &json(status, &body))).unwrap();
        assert_eq!(failure.kind, kind, "{status} {code}");
    }
    assert_eq!(Failure::new(ScopeMissing).remedy(), Remedy::Reconnect);
    assert_eq!(clickup(|clickup, cx| clickup.classify(cx, &json(200, TASK))), None);
}

#[test]
fn out_08_a_limit_lasts_until_its_reset() {
    let wait = |headers: &[(&'static str, &str)]| {
        let limited = answer(429, headers, b"{}");
        clickup(|clickup, cx| clickup.classify(cx, &limited)).unwrap().remedy()
    };
    let reset = (NOW.as_seconds() + 41).to_string();
    let headers = [("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", reset.as_str())];
    assert_eq!(wait(&headers), Remedy::Wait(Duration::from_secs(41)));
    assert_eq!(wait(&[]), Remedy::Wait(Duration::from_secs(60)));
}

#[test]
fn nothing_is_revoked_and_liveness_is_the_profile() {
    clickup(|clickup, cx| {
        let facts = CredentialFacts::new(CredentialName::from_static("user"), Vec::new());
        assert_eq!(clickup.revoke_plan(cx, &facts), RevokePlan::Impossible);
        let (_, alive) = drive(&mut *clickup.liveness(cx), vec![json(200, USER)]);
        assert_eq!(alive, Ok(Alive::Yes));
        let dead = json(401, r#"{"err":"Token invalid","ECODE":"OAUTH_025"}"#);
        let (_, over) = drive(&mut *clickup.liveness(cx), vec![dead]);
        assert_eq!(over.unwrap_err().kind, FailureKind::GrantOver);
    });
}

#[test]
fn a_task_is_created_with_times_in_milliseconds() {
    let due = Timestamp::from_seconds(1_796_117_400);
    let create = CreateTask::new("901", "Review")
        .description(Description::Markdown("**all** of it".into()))
        .assign(4_503_599_627_370_497)
        .tag("quarter")
        .status("to do")
        .priority(Priority::High)
        .due_at(due)
        .parent("86abc0")
        .notify_all(false);
    let (requests, task) = clickup(|_, cx| drive(&mut *create.start(cx), vec![json(200, TASK)]));
    assert_eq!(address(&requests[0]), "https://api.clickup.com/api/v2/list/901/task");
    let body = serde_json::json!({
        "name": "Review",
        "markdown_content": "**all** of it",
        "assignees": [4_503_599_627_370_497_u64],
        "tags": ["quarter"],
        "status": "to do",
        "priority": 2,
        "due_date": 1_796_117_400_000_i64,
        "due_date_time": true,
        "parent": "86abc0",
        "notify_all": false,
    });
    assert_eq!(requests[0].payload, Payload::Json(Json::of(&body).unwrap()));
    let task = task.unwrap();
    assert_eq!((task.id.as_str(), task.status.as_deref()), ("86abc1", Some("to do")));
    assert_eq!(task.created, Some(Timestamp::from_seconds(1_748_779_200)));
    for printed in [format!("{task:?}"), format!("{create:?}")] {
        assert!(!printed.contains("Review") && !printed.contains("86abc"), "{printed}");
    }
}

#[test]
fn a_task_that_cannot_be_is_refused_before_anything_leaves() {
    let new = || CreateTask::new("901", "Review");
    for wrong in [
        CreateTask::new("", "Review"),
        CreateTask::new("901/../../team", "Review"),
        CreateTask::new("901", " "),
        CreateTask::new("901", "x".repeat(NAME_LIMIT + 1)),
        new().description(Description::Plain("x".repeat(100_001))),
        new().tag(""),
        new().status(" "),
        new().parent("a b"),
        new().due_on(Timestamp::from_seconds(i64::MAX)),
        (0..101).fold(new(), |task, user| task.assign(user)),
    ] {
        assert_eq!(wrong.check().unwrap_err().kind(), ErrorKind::InvalidInput);
        let (requests, outcome) = clickup(|_, cx| drive(&mut *wrong.start(cx), Vec::new()));
        assert!(requests.is_empty());
        assert_eq!(outcome.unwrap_err().kind, FailureKind::InvalidInput);
    }
    CreateTask::new("901", "ü".repeat(NAME_LIMIT)).check().unwrap();
}

#[test]
fn the_members_of_a_workspace_are_not_read() {
    let (requests, found) =
        clickup(|_, cx| drive(&mut *ListWorkspaces.start(cx), vec![json(200, TEAMS)]));
    assert_eq!(requests[0].query, []);
    let found = found.unwrap();
    assert_eq!((found.len(), found[1].name.as_str()), (2, "Home"));
    assert!(!format!("{found:?}").contains("Home"));
}

#[test]
fn spaces_are_asked_for_in_a_workspace_of_the_account_alone() {
    clickup(|clickup, cx| {
        let account = identify(&[(200, USER), (200, TEAMS)]).1.unwrap().facts();
        let cx = cx.with_account(Some(&account));
        let spaces = r#"{"spaces":[{"id":"1","name":"Work","private":false,"statuses":[]}]}"#;
        let (requests, found) =
            drive(&mut *ListSpaces::new("9001").start(&cx), vec![json(200, spaces)]);
        let address_asked = "https://api.clickup.com/api/v2/team/9001/space";
        assert_eq!(address(&requests[0]), address_asked);
        assert_eq!(found.unwrap()[0].name, "Work");
        for (asked, account) in [("9003", account.clone()), ("9001", AccountFacts::new("1"))] {
            let there = cx.with_account(Some(&account));
            let (requests, refused) = drive(&mut *ListSpaces::new(asked).start(&there), Vec::new());
            assert!(requests.is_empty());
            assert_eq!(refused.unwrap_err().kind, FailureKind::InvalidInput);
        }
        let lists = r#"{"lists":[{"id":"901","name":"Inbox","task_count":2}]}"#;
        let (requests, found) = drive(&mut *ListLists::new("1").start(&cx), vec![json(200, lists)]);
        assert_eq!(address(&requests[0]), "https://api.clickup.com/api/v2/space/1/list");
        assert_eq!(found.unwrap()[0].id, "901");
        for facts in [
            CreateTask::new("1", "x").facts(),
            ListLists::new("1").facts(),
            ListSpaces::new("1").facts(),
            ListWorkspaces.facts(),
        ] {
            facts.check(clickup.spec()).unwrap();
        }
    });
}

#[cfg(feature = "conformance")]
#[test]
fn clickup_conforms() {
    let provider = ClickUp::new();
    let mut samples = bailee_providers::conformance::Samples::of(provider.spec());
    samples.identity_then.push(TEAMS.to_owned());
    let registration = registration("clickup");
    bailee_providers::conformance::check_with(&provider, &registration, &samples);
}
