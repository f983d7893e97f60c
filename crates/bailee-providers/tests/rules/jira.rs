use std::time::Duration;

use bailee_core::{Effect, Remedy, ScopeName, State};
use bailee_providers::{
    Account, AccountFacts, AccountId, Alive, Authorization, AuthorizeAsk, Context, CredentialFacts,
    Download, ExchangeAsk, Failure, FailureKind, Grant, GrantFacts, Json, Operation, Paged,
    Payload, Place, Provider, Request, RevokePlan, SecretRef, Value,
    jira::{
        CountIssues, DownloadAttachment, GetIssue, Jira, ListAttachments, ListFields, ListSites,
        SearchIssues,
    },
    spec::{LimitScope, RefreshClass, RevokeStyle},
};

use crate::support::{NOW, address, answer, context, drive, json, registration};

const REDIRECT: &str = "https://app.example.test/cb";
const ONE: &str = "11111111-2222-3333-4444-555555555555";
const TWO: &str = "99999999-2222-3333-4444-555555555555";

const TOKEN: &str = r#"{"access_token":"eyJ.fake-access","refresh_token":"eyJ.fake-refresh",
    "expires_in":3600,"token_type":"Bearer","scope":"read:jira-work offline_access"}"#;

/// Two Jira sites, one of Confluence between, in no order.
fn sites() -> String {
    format!(
        r#"[
        {{"id":"{TWO}","name":"Second","url":"https://second.atlassian.net",
          "scopes":["read:jira-work"],"avatarUrl":"https://x"}},
        {{"id":"55555555-0000-0000-0000-000000000000","name":"Wiki",
          "url":"https://wiki.atlassian.net","scopes":["read:confluence-content.all"]}},
        {{"id":"{ONE}","name":"First","url":"https://first.atlassian.net",
          "scopes":["read:issue:jira"]}}]"#
    )
}

fn exchange(status: u16, body: &str) -> (Vec<Request>, Result<Grant, Failure>) {
    let provider = Jira::new();
    let registration = registration("jira");
    let cx = context(provider.spec(), &registration);
    let ask = ExchangeAsk { redirect_uri: REDIRECT, pkce: false };
    drive(&mut *provider.exchange(&cx, &ask), vec![json(status, body)])
}

fn refresh(status: u16, body: &str) -> (Vec<Request>, Result<Grant, Failure>) {
    let provider = Jira::new();
    let registration = registration("jira");
    let cx = context(provider.spec(), &registration);
    let facts = CredentialFacts::new(provider.spec().token.credential.clone(), Vec::new())
        .with_refresh(None);
    drive(&mut *provider.refresh(&cx, &facts), vec![json(status, body)])
}

fn identify(scopes: &[&'static str], bodies: &[&str]) -> (Vec<Request>, Result<Account, Failure>) {
    let provider = Jira::new();
    let registration = registration("jira");
    let cx = context(provider.spec(), &registration);
    let grant = GrantFacts::new(scopes.iter().map(|scope| ScopeName::from_static(scope)).collect());
    let answers = bodies.iter().map(|body| json(200, body)).collect();
    drive(&mut *provider.identity(&cx, &grant, None, None), answers)
}

fn account(sites: &[&str]) -> AccountFacts {
    let places = sites.iter().map(|id| Place::new(*id, "Example").unwrap()).collect();
    Account::new(AccountId::new("cloud_id", "x").unwrap()).with_places(places).facts()
}

/// Calls an operation with an account that has these sites.
fn call_at<O: Operation>(
    sites: &[&str],
    operation: &O,
    body: &str,
) -> (Vec<Request>, Result<O::Output, Failure>) {
    let provider = Jira::new();
    let registration = registration("jira");
    let account = account(sites);
    let cx = context(provider.spec(), &registration).with_account(Some(&account));
    drive(&mut *operation.start(&cx), vec![json(200, body)])
}

fn call<O: Operation>(operation: &O, body: &str) -> (Vec<Request>, Result<O::Output, Failure>) {
    call_at(&[ONE], operation, body)
}

/// A member of a JSON body.
fn member(request: &Request, name: &str) -> Option<Json> {
    let Payload::Json(Json::Object(members)) = &request.payload else { panic!("no JSON") };
    members.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone())
}

#[test]
fn the_facts_are_those_of_the_documentation() {
    let provider = Jira::new();
    let spec = provider.spec();
    let text = |url: &Option<url::Url>| url.as_ref().unwrap().to_string();
    assert_eq!(text(&spec.endpoints.authorization), "https://auth.atlassian.com/authorize");
    assert_eq!(text(&spec.endpoints.token), "https://auth.atlassian.com/oauth/token");
    assert_eq!(spec.hosts, ["auth.atlassian.com", "api.atlassian.com"]);
    assert_eq!(spec.refresh.class, RefreshClass::Grace(Duration::from_secs(600)));
    assert_eq!(spec.refresh.idle_limit, Some(Duration::from_secs(90 * 86_400)));
    assert_eq!(spec.revoke.style, RevokeStyle::None);
    assert_eq!(spec.scopes.catalogue.len(), 20);
    assert_eq!(spec.withdrawal.steps.len(), 3);
}

#[test]
fn the_flow_names_its_audience_and_asks_for_the_page() {
    let provider = Jira::new();
    let registration = registration("jira");
    let cx = context(provider.spec(), &registration);
    let scopes = ["read:jira-work", "offline_access"].map(ScopeName::from_static);
    let state = State::copy_from(b"fake-state");
    let url = provider.authorize(&cx, &AuthorizeAsk::new(&scopes, REDIRECT, &state)).unwrap();
    let url = url.into_url();
    let parameter = |name: &str| {
        url.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
    };
    assert_eq!(parameter("audience").as_deref(), Some("api.atlassian.com"));
    assert_eq!(parameter("prompt").as_deref(), Some("consent"));
    assert_eq!(parameter("scope").as_deref(), Some("read:jira-work offline_access"));
    assert_eq!(parameter("code_challenge"), None);
}

#[test]
fn token_requests_are_json_with_the_secret_among_the_members() {
    for (requests, token) in [exchange(200, TOKEN), refresh(200, TOKEN)] {
        let request = &requests[0];
        assert_eq!(address(request), "https://auth.atlassian.com/oauth/token");
        assert_eq!(request.authorization, Authorization::None);
        assert_eq!(member(request, "client_id"), Some(Json::Text("fake-client".into())));
        assert_eq!(member(request, "client_secret"), Some(Json::Secret(SecretRef::ClientSecret)));
        let issued = &token.unwrap().credentials[0];
        assert_eq!(issued.expires_in, Some(Duration::from_secs(3600)));
        assert!(issued.refresh.is_some());
    }
    let code = member(&exchange(200, TOKEN).0[0], "code");
    assert_eq!(code, Some(Json::Secret(SecretRef::Code)));
}

#[test]
fn ref_10_at_the_token_endpoint_a_code_means_what_its_place_says() {
    use FailureKind::*;
    let error = |code: &str| format!(r#"{{"error":"{code}","error_description":"fake canary"}}"#);
    for (status, code, at_exchange, at_refresh) in [
        (403, "invalid_grant", GrantOver, GrantOver),
        (403, "unauthorized_client", ClientConfiguration, GrantOver),
        // A wrong secret, never the person.
        (401, "access_denied", ClientConfiguration, ClientConfiguration),
        (400, "invalid_request", GrantOver, ClientConfiguration),
        (500, "invalid_grant", Unavailable, Unavailable),
        (403, "fake_code", Malformed, Malformed),
    ] {
        let body = error(code);
        for (outcome, kind) in
            [(exchange(status, &body).1, at_exchange), (refresh(status, &body).1, at_refresh)]
        {
            let failure = outcome.unwrap_err();
            assert_eq!(failure.kind, kind, "{status} {code}");
            assert!(!format!("{failure:?}").contains("canary"));
        }
    }
}

#[test]
fn tok_06_without_an_account_id_the_sites_say_whose_it_is() {
    let (requests, account) = identify(&["read:jira-work"], &[&sites()]);
    assert_eq!(requests.len(), 1, "nobody is asked who the person is");
    assert_eq!(address(&requests[0]), "https://api.atlassian.com/oauth/token/accessible-resources");
    let account = account.unwrap();
    assert_eq!((account.id.kind(), account.id.value()), ("cloud_id", ONE));
    assert_eq!(account.display.as_deref(), Some("First, Second"));
    let ids: Vec<&str> = account.places.iter().map(|place| place.id.as_str()).collect();
    assert_eq!(ids, [ONE, TWO], "Confluence has another list");
}

#[test]
fn tok_06_with_read_me_the_account_is_asked_for_and_nothing_else_is_kept() {
    let me = r#"{"account_id":"5be24ad8b1653240376955d2","name":"Ada","email":"fake@x.test"}"#;
    let (requests, account) = identify(&["read:jira-work", "read:me"], &[&sites(), me]);
    assert_eq!(address(&requests[1]), "https://api.atlassian.com/me");
    let account = account.unwrap();
    assert_eq!((account.id.kind(), account.id.value()), ("account_id", "5be24ad8b1653240376955d2"));
    assert_eq!(account.display.as_deref(), Some("Ada"));
    assert_eq!(account.places.len(), 2);
    let unknown = identify(&["read:me"], &[&sites(), r#"{"account_id":"unknown"}"#]).1;
    assert_eq!(unknown.unwrap_err().kind, FailureKind::Malformed);
}

#[test]
fn an_account_without_a_jira_site_has_nothing_to_connect() {
    let wiki = r#"[{"id":"5","name":"Wiki","scopes":["read:confluence-content.all"]}]"#;
    for none in ["[]", wiki] {
        assert_eq!(identify(&[], &[none]).1.unwrap_err().kind, FailureKind::Blocked);
    }
    for hostile in [
        r#"[{"id":"../admin","name":"x","scopes":["read:jira-work"]}]"#,
        r#"[{"id":"a.evil.example","name":"x","scopes":["read:jira-work"]}]"#,
        r#"{"id":"x"}"#,
        r#"[{"name":"x","scopes":[]}]"#,
    ] {
        assert_eq!(identify(&[], &[hostile]).1.unwrap_err().kind, FailureKind::Malformed);
    }
}

#[test]
fn liveness_is_a_look_at_the_sites() {
    let provider = Jira::new();
    let registration = registration("jira");
    let cx = context(provider.spec(), &registration);
    let ask = |status, body: &str| drive(&mut *provider.liveness(&cx), vec![json(status, body)]).1;
    assert_eq!(ask(200, &sites()), Ok(Alive::Yes));
    assert_eq!(ask(200, "[]").unwrap_err().kind, FailureKind::GrantOver);
    assert_eq!(ask(401, r#"{"code":401,"message":"Unauthorized"}"#), Ok(Alive::No));
    assert_eq!(ask(503, "").unwrap_err().kind, FailureKind::Unavailable);
}

#[test]
fn there_is_no_revocation_and_the_person_is_told_what_to_do() {
    let provider = Jira::new();
    let registration = registration("jira");
    let cx = context(provider.spec(), &registration);
    let facts = CredentialFacts::new(provider.spec().token.credential.clone(), Vec::new());
    assert_eq!(provider.revoke_plan(&cx, &facts.with_refresh(None)), RevokePlan::Impossible);
    let page = provider.spec().withdrawal.page.as_deref();
    assert_eq!(page, Some("https://id.atlassian.com/manage-profile/apps"));
}

#[test]
fn answers_of_the_api_are_what_their_status_says() {
    let provider = Jira::new();
    let registration = registration("jira");
    let cx = context(provider.spec(), &registration);
    use FailureKind::*;
    for (status, body, kind) in [
        (401, r#"{"code":401,"message":"Unauthorized; scope does not match"}"#, ScopeMissing),
        (401, r#"{"code":401,"message":"Unauthorized"}"#, AccessRejected),
        (401, "", AccessRejected),
        (403, r#"{"errorMessages":["fake canary"],"errors":{}}"#, Blocked),
        (404, r#"{"errorMessages":["fake canary"],"errors":{}}"#, InvalidInput),
        (400, r#"{"errorMessages":["fake canary"],"errors":{}}"#, InvalidInput),
        (410, "", Unsupported),
        (500, "", Unavailable),
    ] {
        let failure = provider.classify(&cx, &json(status, body)).unwrap();
        assert_eq!(failure.kind, kind, "{status} {body}");
        assert!(!format!("{failure:?}").contains("canary"));
    }
    assert_eq!(provider.classify(&cx, &json(200, "{}")), None);
}

#[test]
fn out_08_a_limit_says_whose_it_is_and_until_when() {
    let provider = Jira::new();
    let registration = registration("jira");
    let cx = context(provider.spec(), &registration);
    let limited = |headers: &[(&'static str, &str)]| {
        provider.classify(&cx, &answer(429, headers, b"")).unwrap()
    };
    let failure = limited(&[("retry-after", "7"), ("ratelimit-reason", "jira-burst-based")]);
    assert_eq!(failure.remedy(), Remedy::Wait(Duration::from_secs(7)));
    assert_eq!(failure.scope, Some(LimitScope::Account));
    let failure = limited(&[
        // Thirty seconds from now.
        ("x-ratelimit-reset", "2025-06-01T12:00:30Z"),
        ("ratelimit-reason", "jira-quota-global-based"),
    ]);
    assert_eq!(NOW.as_seconds(), 1_748_779_200);
    assert_eq!(failure.remedy(), Remedy::Wait(Duration::from_secs(30)));
    assert_eq!(failure.scope, None, "the registration's, which is what the spec says");
    // To the minute, as the page has it: within that minute.
    let failure = limited(&[("x-ratelimit-reset", "2025-06-01T12:00Z")]);
    assert_eq!(failure.remedy(), Remedy::Wait(Duration::from_secs(60)));
    let failure = limited(&[("ratelimit-reason", "fake-canary")]);
    assert_eq!(failure.remedy(), Remedy::Wait(Duration::from_secs(60)));
    assert!(!format!("{failure:?}").contains("canary"));
    let busy = provider.classify(&cx, &answer(503, &[("retry-after", "9")], b"")).unwrap();
    assert_eq!(busy.remedy(), Remedy::Wait(Duration::from_secs(9)));
}

#[test]
fn out_03_an_operation_goes_to_a_site_of_the_connection_and_to_no_other() {
    let search = SearchIssues::new("project = DEMO");
    let good = r#"{"issues":[],"isLast":true}"#;
    let path = |site| format!("https://api.atlassian.com/ex/jira/{site}/rest/api/3/search/jql");
    let (requests, found) = call_at(&[ONE], &search, good);
    assert_eq!(address(&requests[0]), path(ONE));
    assert!(found.is_ok());
    let (requests, _) = call_at(&[ONE, TWO], &search.clone().at(TWO), good);
    assert_eq!(address(&requests[0]), path(TWO));
    for (sites, at) in [
        // Which of two?
        (&[ONE, TWO][..], None),
        (&[], None),
        (&[ONE], Some(TWO)),
        (&[ONE], Some("../../../oauth")),
        (&[ONE], Some("")),
    ] {
        let mut search = search.clone();
        if let Some(at) = at {
            search = search.at(at);
        }
        let (requests, found) = call_at(sites, &search, good);
        assert!(requests.is_empty(), "{sites:?} {at:?}");
        assert_eq!(found.unwrap_err().kind, FailureKind::InvalidInput);
    }
    // Nor without an account.
    let provider = Jira::new();
    let registration = registration("jira");
    let cx: Context<'_> = context(provider.spec(), &registration);
    assert!(drive(&mut *search.at(ONE).start(&cx), Vec::new()).1.is_err());
}

#[test]
fn a_search_is_checked_before_it_leaves() {
    for search in [
        SearchIssues::new("order by created"),
        SearchIssues::new(""),
        SearchIssues::new("project = DEMO").limit(0),
        SearchIssues::new("project = DEMO").limit(5001),
        SearchIssues::new("project = DEMO").fields(["summary,status"]),
        SearchIssues::new("project = DEMO").fields([""]),
        SearchIssues::new(format!("project = {}", "x".repeat(20_000))),
    ] {
        assert!(search.check().is_err(), "{search:?}");
        assert!(call(&search, "{}").0.is_empty(), "{search:?}");
    }
    let fields = ["*all", "-description", "customfield_10001"];
    assert!(SearchIssues::new("project = DEMO").fields(fields).check().is_ok());
    assert!(call(&CountIssues::new("order by key"), "{}").0.is_empty());
    assert!(!format!("{:?}", SearchIssues::new("assignee = canary")).contains("canary"));
}

#[test]
fn issues_come_page_by_page_and_without_people() {
    let search = SearchIssues::new("project = DEMO").fields(["summary", "assignee"]).limit(2);
    let page = r#"{"issues":[{"id":"1","key":"DEMO-1","self":"https://x?accountId=canary",
        "fields":{"summary":"Kept","assignee":{"accountId":"canary","displayName":"Canary"}},
        "changelog":{"histories":[{"id":"9","author":{"accountId":"canary"}}]}}],
        "isLast":false,"nextPageToken":"fake-token"}"#;
    let (requests, page) = call(&search, page);
    assert_eq!(requests[0].effect, Effect::Read);
    assert_eq!(member(&requests[0], "maxResults"), Some(Json::Integer(2)));
    assert_eq!(member(&requests[0], "nextPageToken"), None);
    let page = page.unwrap();
    let issue = &page.items[0];
    assert_eq!((issue.id.as_str(), issue.key.as_str()), ("1", "DEMO-1"));
    assert_eq!(serde_json::json!(issue.fields), serde_json::json!({"summary": "Kept"}));
    let history = serde_json::json!({"histories": [{"id": "9"}]});
    assert_eq!(issue.changelog, Some(history));
    assert!(!format!("{page:?} {issue:?}").to_lowercase().contains("canary"));
    let next = search.after(page.next.unwrap());
    for last in [
        r#"{"issues":[],"isLast":true,"nextPageToken":"ignored"}"#,
        r#"{"issues":[],"nextPageToken":null,"isLast":true}"#,
        r#"{"issues":[]}"#,
    ] {
        let (requests, page) = call(&next, last);
        let token = Json::Text("fake-token".into());
        assert_eq!(member(&requests[0], "nextPageToken"), Some(token));
        assert_eq!(member(&requests[0], "jql"), Some(Json::Text("project = DEMO".into())));
        assert_eq!(page.unwrap().next, None);
    }
}

#[test]
fn an_issue_is_read_by_its_key_or_its_id() {
    let body = r#"{"id":"10001","key":"DEMO-1","fields":{"summary":"Kept","reporter":{"x":1}}}"#;
    for name in ["DEMO-1", "10001", "A_B2-7"] {
        let (requests, issue) = call(&GetIssue::new(name).fields(["summary"]), body);
        let path = format!("/issue/{name}");
        assert!(address(&requests[0]).ends_with(&path), "{}", address(&requests[0]));
        assert_eq!(requests[0].query, [("fields".into(), Value::text("summary"))]);
        assert_eq!(issue.unwrap().fields.len(), 1);
    }
    for name in ["", "DEMO", "DEMO-", "-1", "DEMO-1/comment", "../1", "DEMO-1?x=1", "1DEMO-1"] {
        assert!(call(&GetIssue::new(name), body).0.is_empty(), "{name}");
        assert!(call(&ListAttachments::new(name), body).0.is_empty(), "{name}");
    }
    let (requests, _) = call(&GetIssue::new("DEMO-1").with_changelog(), body);
    assert_eq!(requests[0].query, [("expand".into(), Value::text("changelog"))]);
}

#[test]
fn attachments_are_listed_and_read_from_the_gateway() {
    let body = r#"{"id":"1","fields":{"attachment":[
        {"id":"10","filename":"a.pdf","mimeType":"application/pdf","size":5,
         "author":{"accountId":"canary"},"content":"https://evil.example/canary"},
        {"id":11,"filename":"b.png"},{"id":"../12","filename":"c"}]}}"#;
    let (requests, listed) = call(&ListAttachments::new("DEMO-1"), body);
    assert_eq!(requests[0].query, [("fields".into(), Value::text("attachment"))]);
    let listed = listed.unwrap();
    let ids: Vec<&str> = listed.iter().map(|attachment| attachment.id.as_str()).collect();
    assert_eq!(ids, ["10", "11"]);
    assert!(!format!("{listed:?}").contains("pdf"));

    let provider = Jira::new();
    let registration = registration("jira");
    let account = account(&[ONE]);
    let cx = context(provider.spec(), &registration).with_account(Some(&account));
    let download = DownloadAttachment::of(&listed[0]);
    let (_, transfer) = drive(&mut *download.start(&cx), Vec::new());
    let transfer = transfer.unwrap();
    assert_eq!(
        address(&transfer.request),
        format!("https://api.atlassian.com/ex/jira/{ONE}/rest/api/3/attachment/content/10")
    );
    assert_eq!(transfer.request.query, [("redirect".into(), Value::text("false"))]);
    assert!(transfer.ranges);
    assert_eq!((transfer.file.name.as_deref(), transfer.file.size), (Some("a.pdf"), Some(5)));
    for id in ["", "x", "../1", "1/2"] {
        assert!(drive(&mut *DownloadAttachment::new(id).start(&cx), Vec::new()).1.is_err());
    }
    // A redirect to the media host is not followed.
    let away = answer(303, &[("location", "https://api.media.atlassian.com/x")], b"");
    assert_eq!(download.classify(provider.spec(), &away).unwrap().kind, FailureKind::Malformed);
}

#[test]
fn counts_fields_and_sites_are_read() {
    let (requests, count) = call(&CountIssues::new("project = DEMO"), r#"{"count":153}"#);
    assert!(address(&requests[0]).ends_with("/search/approximate-count"));
    assert_eq!(count, Ok(153));
    let fields = r#"[{"id":"summary","name":"Summary","custom":false,"schema":{"type":"string"}},
        {"id":"customfield_1","name":"Approver","custom":true},{"id":"a b","name":"odd"}]"#;
    let fields = call(&ListFields::new(), fields).1.unwrap();
    assert_eq!(fields.len(), 2);
    assert_eq!(fields[0].kind.as_deref(), Some("string"));
    assert!(fields[1].custom);
    let (requests, found) = call_at(&[], &ListSites, &sites());
    assert_eq!(requests[0].authorization, Authorization::Bearer);
    let found = found.unwrap();
    assert_eq!((found.len(), found[0].name.as_str()), (2, "First"));
    assert_eq!(found[0].address.as_ref().unwrap().as_str(), "https://first.atlassian.net/");
}

#[test]
fn every_operation_fits_the_spec() {
    let provider = Jira::new();
    let (search, download) = (SearchIssues::new("x = 1"), DownloadAttachment::new("1"));
    for facts in [
        search.facts(),
        CountIssues::new("x = 1").facts(),
        ListFields::new().facts(),
        GetIssue::new("A-1").facts(),
        ListAttachments::new("A-1").facts(),
        ListSites.facts(),
        download.facts(),
    ] {
        facts.check(provider.spec()).unwrap();
        assert_eq!(facts.effect, Effect::Read);
    }
}

#[cfg(feature = "conformance")]
#[test]
fn the_adapter_conforms() {
    use bailee_providers::conformance::{Samples, check_with};

    let provider = Jira::new();
    let mut samples = Samples::of(provider.spec());
    samples.exchange = TOKEN
        .replace("eyJ.fake-access", "fake-access-token")
        .replace("eyJ.fake-refresh", "fake-refresh-token");
    samples.identity =
        r#"[{"id":"fake-account-1","name":"Example","scopes":["read:jira-work"]}]"#.into();
    check_with(&provider, &registration("jira"), &samples);
}
