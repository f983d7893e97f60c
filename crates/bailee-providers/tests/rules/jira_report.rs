use std::time::Duration;

use bailee_core::{ScopeName, Timestamp, WithdrawalReason, event::RequestKind};
use bailee_providers::{
    AccountId, Alive, Answer, Authorization, Failure, FailureKind, Json, Payload, Provider,
    Request,
    jira::Jira,
    signal::{WatchFacts, Watched, What},
};
use http::Method;

use crate::support::{address, answer, context, drive, json, registration};

const SITES: &str = r#"[{"id":"11111111-2222-3333-4444-555555555555","name":"First",
    "url":"https://first.atlassian.net","scopes":["read:jira-work"]}]"#;
const CLOSED: &str = "5be24ba3f91c106033269289";
const OPEN: &str = "5be24ad8b1653240376955d2";
const REPORT: &str = "report:personal-data";
const DAY: Duration = Duration::from_secs(86_400);

fn watch(
    ids: &[(&'static str, &str)],
    scopes: &[&'static str],
    answers: Vec<Answer>,
) -> (Vec<Request>, Result<Watched, Failure>) {
    let provider = Jira::new();
    let registration = registration("jira");
    let cx = context(provider.spec(), &registration);
    let ids = ids.iter().map(|(kind, id)| AccountId::new(*kind, *id).unwrap()).collect();
    let scopes = scopes.iter().map(|scope| ScopeName::from_static(scope)).collect();
    let facts = WatchFacts::new(ids, Timestamp::from_seconds(1_700_000_000), scopes);
    drive(&mut *provider.watch(&cx, &facts), answers)
}

fn reported(status: u16, headers: &[(&'static str, &str)], body: &str) -> Result<Watched, Failure> {
    let mut all = headers.to_vec();
    all.push(("content-type", "application/json"));
    let answers = vec![json(200, SITES), answer(status, &all, body.as_bytes())];
    watch(&[("account_id", OPEN)], &[REPORT], answers).1
}

#[test]
fn an_account_is_reported_with_when_it_was_last_got() {
    let ids = [("account_id", OPEN), ("cloud_id", "x"), ("account_id", OPEN)];
    let answers = vec![json(200, SITES), answer(204, &[], b"")];
    let (requests, watched) = watch(&ids, &["read:me", REPORT], answers);
    let request = &requests[1];
    assert_eq!(request.method, Method::POST);
    assert_eq!(address(request), "https://api.atlassian.com/app/report-accounts/");
    assert_eq!(request.authorization, Authorization::Bearer);
    let account = Json::Object(vec![
        ("accountId".into(), Json::Text(OPEN.into())),
        ("updatedAt".into(), Json::Text("2023-11-14T22:13:20Z".into())),
    ]);
    let body = Json::Object(vec![("accounts".into(), Json::Array(vec![account]))]);
    assert!(request.payload == Payload::Json(body));
    let watched = watched.unwrap();
    assert_eq!((watched.alive, watched.said.len()), (Alive::Yes, 0));
    assert_eq!(watched.again, Some(7 * DAY));
}

#[test]
fn without_the_scope_or_an_account_id_nothing_is_reported() {
    for (ids, scopes) in [
        (vec![("account_id", OPEN)], vec!["read:me"]),
        (vec![("cloud_id", "x")], vec![REPORT]),
        (vec![("account_id", "unknown")], vec![REPORT]),
        (vec![], vec![REPORT]),
    ] {
        let (requests, watched) = watch(&ids, &scopes, vec![json(200, SITES)]);
        let watched = watched.unwrap();
        assert_eq!((requests.len(), watched.alive, watched.again), (1, Alive::Yes, None));
    }
}

#[test]
fn ninety_accounts_are_reported_at_most() {
    let names: Vec<String> = (0..120).map(|n| format!("account-{n:03}")).collect();
    let ids: Vec<(&'static str, &str)> =
        names.iter().map(|name| ("account_id", name.as_str())).collect();
    let (requests, _) = watch(&ids, &[REPORT], vec![json(200, SITES), answer(204, &[], b"")]);
    let Payload::Json(Json::Object(members)) = &requests[1].payload else { panic!("no JSON") };
    let (_, Json::Array(accounts)) = &members[0] else { panic!("no accounts") };
    assert_eq!(accounts.len(), 90);
}

#[test]
fn a_grant_that_is_over_reports_nothing() {
    let (requests, watched) = watch(&[("account_id", OPEN)], &[REPORT], vec![json(401, "{}")]);
    assert_eq!((requests.len(), watched.unwrap().alive), (1, Alive::No));
    let (requests, watched) = watch(&[("account_id", OPEN)], &[REPORT], vec![json(200, "[]")]);
    assert_eq!((requests.len(), watched.unwrap_err().kind), (1, FailureKind::GrantOver));
    let (_, watched) = watch(&[("account_id", OPEN)], &[REPORT], vec![json(503, "{}")]);
    assert_eq!(watched.unwrap_err().kind, FailureKind::Unavailable);
}

#[test]
fn a_closed_account_ends_and_is_erased_and_a_changed_one_is_asked_for() {
    let said = |id: &str, status: &str| {
        let body = format!(r#"{{"accounts":[{{"accountId":"{id}","status":"{status}"}}]}}"#);
        reported(200, &[], &body).unwrap().said
    };
    assert_eq!(
        said(OPEN, "closed"),
        [
            What::request(RequestKind::Erasure, None),
            What::withdrawn(WithdrawalReason::AccountClosed)
        ]
    );
    assert_eq!(said(OPEN, "updated"), [What::Updated]);
    assert_eq!(said(OPEN, "something else"), []);
    assert_eq!(said(CLOSED, "closed"), [], "nobody asked about it");
    assert_eq!(reported(200, &[], r#"{"accounts":[]}"#).unwrap().said, []);
}

#[test]
fn the_cycle_is_atlassians_and_fifteen_days_at_most() {
    for (header, days) in [
        (Some("3"), 3),
        (Some("P7D"), 7),
        (Some(" P1W "), 7),
        (Some("PT72H"), 3),
        (Some("30"), 15),
        (Some("P90D"), 15),
        (Some("PT1H"), 1),
        (Some("0"), 7),
        (Some("often"), 7),
        (None, 7),
    ] {
        let headers: Vec<_> = header.iter().map(|value| ("cycle-period", *value)).collect();
        for (status, body) in [(204, ""), (200, r#"{"accounts":[]}"#)] {
            let watched = reported(status, &headers, body).unwrap();
            assert_eq!(watched.again, Some(days * DAY), "{header:?}");
        }
    }
}

#[test]
fn a_report_that_is_refused_says_nothing_of_the_grant_and_waits_for_the_next_cycle() {
    let scope = r#"{"code":401,"message":"Unauthorized; scope does not match"}"#;
    for (status, body) in [(400, "{}"), (401, "{}"), (401, scope), (403, "{}"), (404, "{}")] {
        let watched = reported(status, &[], body).unwrap();
        assert_eq!((watched.alive, watched.said.len()), (Alive::Yes, 0), "{status}");
        assert_eq!(watched.again, Some(7 * DAY));
    }
    for (status, wait, kind) in
        [(429, "120", FailureKind::RateLimited), (503, "9", FailureKind::Unavailable)]
    {
        let failure = reported(status, &[("retry-after", wait)], "{}").unwrap_err();
        assert_eq!(failure.kind, kind);
        assert_eq!(failure.retry_after, Some(Duration::from_secs(wait.parse().unwrap())));
    }
    for body in ["<html>", "{}"] {
        assert_eq!(reported(200, &[], body).unwrap_err().kind, FailureKind::Malformed);
    }
}
