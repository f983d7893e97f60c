use std::time::Duration;

use bailee_core::{CredentialName, ErrorKind, Remedy, ScopeName, State, Timestamp, Verifier};
use bailee_providers::{
    Alive, Answer, Authorization, AuthorizeAsk, BasicEncoding, CredentialFacts, Endpoint,
    ExchangeAsk, Failure, FailureKind, Grant, GrantFacts, Json, Operation, Paged, Payload,
    Provider, Registration, Request, RevokePlan, SecretRef, TokenKind, Value,
    github::{Access, Affiliation, CreateIssue, GitHub, ListRepositories},
    spec::{RefreshClass, RevokeEnds, RevokeStyle},
};
use http::Method;

use crate::support::{NOW, address, answer, context, drive, json, registration};

const ISSUE: &str = include_str!("../fixtures/github-issue.json");
const REPOSITORIES: &str = include_str!("../fixtures/github-repositories.json");
const USER: &str = include_str!("../fixtures/github-user.json");
const VERIFIER: &[u8] = b"dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";

fn exchange(provider: &GitHub, answer: Answer) -> (Vec<Request>, Result<Grant, Failure>) {
    exchange_of("fake-client", provider, answer)
}

/// The same for a client of this id: those of GitHub Apps begin with `Iv`.
fn exchange_of(
    client: &str,
    provider: &GitHub,
    answer: Answer,
) -> (Vec<Request>, Result<Grant, Failure>) {
    let mut registration = registration("github");
    registration.client_id = client.into();
    let cx = context(provider.spec(), &registration);
    let ask = ExchangeAsk { redirect_uri: "https://app.example.test/cb", pkce: true };
    drive(&mut *provider.exchange(&cx, &ask), vec![answer])
}

fn scopes(names: &[&'static str]) -> Vec<ScopeName> {
    names.iter().map(|name| ScopeName::from_static(name)).collect()
}

fn authorize(
    provider: &GitHub,
    registration: &Registration,
    asked: &[&'static str],
) -> bailee_core::Result<url::Url> {
    let (scopes, state) = (scopes(asked), State::copy_from(b"fake-state"));
    let verifier = Verifier::copy_from(VERIFIER);
    let mut ask = AuthorizeAsk::new(&scopes, "https://app.example.test/cb", &state);
    ask.verifier = Some(&verifier);
    let cx = context(provider.spec(), registration);
    provider.authorize(&cx, &ask).map(bailee_providers::AuthorizationUrl::into_url)
}

#[test]
fn the_facts_are_those_of_the_pages() {
    let provider = GitHub::new();
    let spec = provider.spec();
    assert_eq!(spec.id.as_str(), "github");
    let url = |url: &Option<url::Url>| url.as_ref().unwrap().to_string();
    let endpoints = &spec.endpoints;
    assert_eq!(url(&endpoints.authorization), "https://github.com/login/oauth/authorize");
    assert_eq!(url(&endpoints.token), "https://github.com/login/oauth/access_token");
    assert_eq!(url(&endpoints.userinfo), "https://api.github.com/user");
    assert_eq!(spec.refresh.class, RefreshClass::Strict);
    assert_eq!(spec.revoke.style, RevokeStyle::AccessToken);
    assert_eq!(spec.revoke.ends, RevokeEnds::Account);
    assert!(!spec.revoke.also_ends.is_empty());
    assert_eq!(spec.identity.id, ["/id"]);
    let header = |name: &str| {
        spec.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    };
    assert_eq!(header("X-GitHub-Api-Version"), Some("2022-11-28"));
    assert!(header("User-Agent").is_some_and(|name| !name.is_empty()));
}

#[test]
fn an_oauth_app_asks_with_spaces_and_is_answered_with_commas() {
    let provider = GitHub::new();
    let url =
        authorize(&provider, &registration("github"), &["public_repo", "user:email"]).unwrap();
    let scope = url.query_pairs().find(|(name, _)| name == "scope").unwrap().1.into_owned();
    assert_eq!(scope, "public_repo user:email");
    let body =
        r#"{"access_token":"gho_fake","scope":"public_repo,user:email","token_type":"bearer"}"#;
    let (requests, grant) = exchange(&provider, json(200, body));
    let asks_for_json = (http::header::ACCEPT, Value::text("application/json"));
    assert!(requests[0].headers.contains(&asks_for_json));
    let Payload::Form(fields) = &requests[0].payload else { panic!("no form") };
    let names: Vec<&str> = fields.iter().map(|(name, _)| name.as_ref()).collect();
    let expected =
        ["grant_type", "code", "redirect_uri", "code_verifier", "client_id", "client_secret"];
    assert_eq!(names, expected);
    let credential = &grant.unwrap().credentials[0];
    assert_eq!(credential.scopes, Some(scopes(&["public_repo", "user:email"])));
    assert!(credential.refresh.is_none() && credential.expires_in.is_none());
}

#[test]
fn a_github_app_asks_for_no_scope_and_has_the_permissions_that_were_told() {
    let provider = GitHub::new();
    let url = authorize(&provider, &registration("github"), &["issues:write"]).unwrap();
    assert!(!url.query_pairs().any(|(name, _)| name == "scope"), "{url}");
    let body = r#"{"access_token":"ghu_fake","expires_in":28800,"refresh_token":"ghr_fake",
        "refresh_token_expires_in":15897600,"scope":"","token_type":"bearer"}"#;
    let grant = exchange_of("Iv1.fake", &provider, json(200, body)).1.unwrap();
    assert!(grant.compare_scopes(&scopes(&["issues:write"])).missing.is_empty());
    let credential = &grant.credentials[0];
    assert_eq!(credential.expires_in, Some(Duration::from_secs(28_800)));
    assert_eq!(credential.refresh_expires_in, Some(Duration::from_secs(15_897_600)));
    assert!(credential.refresh.is_some());
}

#[test]
fn the_answer_says_whether_a_token_runs_out_and_not_the_kind_of_application() {
    let expiring = r#"{"access_token":"gho_fake","expires_in":28800,"refresh_token":"ghr_fake",
        "refresh_token_expires_in":15897600,"scope":"repo","token_type":"bearer"}"#;
    let grant = exchange(&GitHub::new(), json(200, expiring)).1.unwrap();
    assert!(grant.credentials[0].refresh.is_some());
    let lasting = r#"{"access_token":"ghu_fake","scope":"","token_type":"bearer"}"#;
    let grant = exchange(&GitHub::new(), json(200, lasting)).1.unwrap();
    assert!(grant.credentials[0].refresh.is_none() && grant.credentials[0].expires_in.is_none());
}

#[test]
fn permissions_are_not_sent_and_to_a_github_app_nothing_is() {
    let sent = |client: &str, asked: &[&'static str]| {
        let mut registration = registration("github");
        registration.client_id = client.into();
        let url = authorize(&GitHub::new(), &registration, asked).unwrap();
        url.query_pairs().find(|(name, _)| name == "scope").map(|(_, value)| value.into_owned())
    };
    for client in ["Iv1.fake", "Iv23fake"] {
        assert_eq!(sent(client, &["repo", "issues:write"]), None);
    }
    assert_eq!(sent("Ov23fake", &["issues:write", "repo:status"]).as_deref(), Some("repo:status"));
    let mut app = registration("github");
    app.client_id = "Iv1.fake".into();
    assert!(authorize(&GitHub::new(), &app, &["fake:scope"]).is_err());
}

#[test]
fn an_empty_list_of_scopes_is_one_where_scopes_were_asked_for() {
    let empty = |client: &str| {
        let body = r#"{"access_token":"fake-token","scope":"","token_type":"bearer"}"#;
        let grant = exchange_of(client, &GitHub::new(), json(200, body)).1.unwrap();
        grant.compare_scopes(&scopes(&["repo"]))
    };
    assert_eq!(empty("Ov23fake").missing, scopes(&["repo"]));
    assert!(empty("Iv1.fake").missing.is_empty());
}

fn form(body: &str) -> Answer {
    answer(200, &[("content-type", "application/x-www-form-urlencoded")], body.as_bytes())
}

#[test]
fn tok_02_errors_come_with_200_in_both_forms_and_are_what_the_table_says() {
    for (code, kind) in [
        ("bad_verification_code", FailureKind::GrantOver),
        ("bad_refresh_token", FailureKind::GrantOver),
        ("incorrect_client_credentials", FailureKind::ClientConfiguration),
        ("redirect_uri_mismatch", FailureKind::ClientConfiguration),
        ("application_suspended", FailureKind::ClientConfiguration),
        ("unsupported_grant_type", FailureKind::ClientConfiguration),
        ("unverified_user_email", FailureKind::Blocked),
        ("fake_code", FailureKind::Malformed),
    ] {
        let text = format!(r#"{{"error":"{code}","error_description":"fake-canary"}}"#);
        let pairs = format!("error={code}&error_description=fake-canary");
        for answer in [json(200, &text), form(&pairs)] {
            let failure = exchange(&GitHub::new(), answer).1.unwrap_err();
            assert_eq!(failure.kind, kind, "{code}");
            assert!(!format!("{failure:?}").contains("fake"), "{code}");
        }
    }
    let good = "access_token=gho_fake&scope=repo%2Cgist&token_type=bearer";
    let grant = exchange(&GitHub::new(), form(good)).1.unwrap();
    assert_eq!(grant.credentials[0].scopes, Some(scopes(&["repo", "gist"])));
    // One pair twice could be two tokens.
    let twice = "access_token=gho_fake&access_token=gho_fake&token_type=bearer";
    assert_eq!(exchange(&GitHub::new(), form(twice)).1.unwrap_err().kind, FailureKind::Malformed);
}

#[test]
fn tok_06_an_account_is_its_number_and_the_login_a_name_to_show() {
    let provider = GitHub::new();
    let registration = registration("github");
    let cx = context(provider.spec(), &registration);
    let identify = |body: &str| {
        let grant = GrantFacts::new(Vec::new());
        drive(&mut *provider.identity(&cx, &grant, None, None), vec![json(200, body)])
    };
    let (requests, account) = identify(USER);
    assert_eq!(address(&requests[0]), "https://api.github.com/user");
    assert_eq!(requests[0].authorization, Authorization::Bearer);
    let account = account.unwrap();
    assert_eq!((account.id.kind(), account.id.value()), ("user_id", "583231"));
    assert_eq!(account.display.as_deref(), Some("fake-octocat"));
    assert_eq!(account.account_type.as_deref(), Some("User"));
    assert!(!format!("{account:?}").contains("octocat"));
    for hostile in [r#"{"login":"fake"}"#, r#"{"id":null}"#, r#"{"id":1.5}"#, r#"{"id":{}}"#, "[]"]
    {
        assert_eq!(identify(hostile).1.unwrap_err().kind, FailureKind::Malformed, "{hostile}");
    }
}

fn classify(status: u16, headers: &[(&'static str, &str)], message: &str) -> Option<Failure> {
    let provider = GitHub::new();
    let registration = registration("github");
    let cx = context(provider.spec(), &registration);
    let mut all = vec![("content-type", "application/json")];
    all.extend(headers);
    let body = format!(r#"{{"message":"{message}","documentation_url":"fake"}}"#);
    provider.classify(&cx, &answer(status, &all, body.as_bytes()))
}

#[test]
fn out_08_limits_come_with_403_and_429_and_say_when_they_end() {
    let reset = (NOW.as_seconds() + 90).to_string();
    let waits = |status, headers: &[(&'static str, &str)], message: &str| {
        let failure = classify(status, headers, message).unwrap();
        assert_eq!(failure.kind, FailureKind::RateLimited, "{status} {message}");
        let Remedy::Wait(wait) = failure.remedy() else { panic!("no wait") };
        wait.as_secs()
    };
    for status in [403, 429] {
        let primary = [("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", reset.as_str())];
        assert_eq!(waits(status, &primary, "API rate limit exceeded"), 90);
        assert_eq!(waits(status, &[("retry-after", "7")], "slow"), 7);
        let secondary = "You have exceeded a secondary rate limit";
        assert_eq!(waits(status, &[("x-ratelimit-remaining", "4990")], secondary), 60);
    }
    assert_eq!(waits(429, &[], "no words"), 60);
    // A refusal with requests left is none.
    let left = [("x-ratelimit-remaining", "4990")];
    assert_eq!(classify(403, &left, "Forbidden").unwrap().kind, FailureKind::Blocked);
}

#[test]
fn what_is_missing_is_told_from_what_may_not_be_seen() {
    use FailureKind::*;
    let lacking = [("x-oauth-scopes", "public_repo, gist"), ("x-accepted-oauth-scopes", "repo")];
    let enough = [("x-oauth-scopes", "repo"), ("x-accepted-oauth-scopes", "public_repo, repo")];
    let covered = [("x-oauth-scopes", "repo"), ("x-accepted-oauth-scopes", "public_repo")];
    let none_needed = [("x-oauth-scopes", "gist"), ("x-accepted-oauth-scopes", "")];
    let of_an_app = [("x-accepted-oauth-scopes", "repo")];
    let sso = [("x-github-sso", "required; url=https://github.com/orgs/fake/sso")];
    for (status, headers, message, kind, code) in [
        (404, &lacking[..], "Not Found", ScopeMissing, Some("scope_missing")),
        (403, &lacking, "Forbidden", ScopeMissing, Some("scope_missing")),
        (404, &enough, "Not Found", InvalidInput, None),
        (404, &covered, "Not Found", InvalidInput, None),
        (404, &none_needed, "Not Found", InvalidInput, None),
        (404, &of_an_app, "Not Found", InvalidInput, None),
        (401, &[], "Bad credentials", AccessRejected, None),
        (403, &sso, "Resource protected", Blocked, Some("sso_required")),
        (
            403,
            &[],
            "Resource not accessible by integration",
            ClientConfiguration,
            Some("permission_missing"),
        ),
        (410, &[], "Issues are disabled for this repo", Blocked, Some("gone")),
        (422, &[], "Validation Failed", InvalidInput, Some("validation_failed")),
        (422, &[], "The endpoint has been spammed", Blocked, Some("spammed")),
        (503, &[], "fake", Unavailable, None),
        (400, &[], "fake", InvalidInput, None),
    ] {
        let failure = classify(status, headers, message).unwrap();
        assert_eq!(failure.kind, kind, "{status} {message} {headers:?}");
        assert_eq!(failure.code.as_ref().map(|code| code.as_str()), code, "{status} {message}");
        assert!(!format!("{failure:?}").contains("fake"), "{status} {message}");
    }
    assert_eq!(classify(200, &[], "fine"), None);
}

fn revoke(
    provider: &GitHub,
    refresh: bool,
    answer: Answer,
) -> (Request, Result<bailee_providers::Revoked, Failure>) {
    let registration = registration("github");
    let cx = context(provider.spec(), &registration);
    let mut facts = CredentialFacts::new(CredentialName::from_static("user"), Vec::new());
    if refresh {
        facts = facts.with_refresh(None);
    }
    let (mut requests, outcome) = drive(&mut *provider.revoke(&cx, &facts), vec![answer]);
    assert_eq!(requests.len(), 1);
    (requests.remove(0), outcome)
}

#[test]
fn a_disconnect_deletes_the_grant_or_by_choice_the_token_alone() {
    let gone = || answer(204, &[], b"");
    for (provider, path) in
        [(GitHub::new(), "grant"), (GitHub::new().deleting_tokens_alone(), "token")]
    {
        let (request, revoked) = revoke(&provider, false, gone());
        assert_eq!(request.method, Method::DELETE);
        let expected = format!("https://api.github.com/applications/fake-client/{path}");
        assert_eq!(address(&request), expected);
        assert_eq!(request.authorization, Authorization::ClientBasic(BasicEncoding::Raw));
        let Payload::Json(Json::Object(members)) = &request.payload else { panic!("no JSON") };
        assert_eq!(*members, [("access_token".into(), Json::Secret(SecretRef::AccessToken))]);
        assert!(revoked.unwrap().confirmed);
    }
    let alone = GitHub::new().deleting_tokens_alone();
    assert_eq!(alone.spec().revoke.ends, RevokeEnds::Token);
    assert!(alone.spec().revoke.also_ends.is_empty());
    let left = revoke(&alone, true, gone()).1.unwrap();
    assert_eq!((left.confirmed, left.remaining), (false, vec![TokenKind::Refresh]));
}

#[test]
fn a_deletion_that_was_not_one_is_told_for_what_it_was() {
    let provider = GitHub::new();
    let outcome = |refresh, answer| revoke(&provider, refresh, answer).1;
    // The access token is dead; nobody said that of the refresh token.
    assert!(outcome(false, json(404, "{}")).unwrap().confirmed);
    assert_eq!(outcome(true, json(404, "{}")).unwrap().remaining, [TokenKind::Refresh]);
    assert_eq!(outcome(true, json(422, "{}")).unwrap().remaining.len(), 2);
    let failed = |answer| outcome(false, answer).unwrap_err().kind;
    assert_eq!(failed(json(401, "{}")), FailureKind::ClientConfiguration);
    assert_eq!(failed(json(503, "{}")), FailureKind::Unavailable);
    let limited = answer(403, &[("retry-after", "5")], b"");
    assert_eq!(failed(limited), FailureKind::RateLimited);
}

#[test]
fn revocation_wants_a_living_access_token_and_the_secret_of_the_client() {
    let provider = GitHub::new();
    let registration = registration("github");
    let cx = context(provider.spec(), &registration);
    let facts = CredentialFacts::new(CredentialName::from_static("user"), Vec::new())
        .with_refresh(None)
        .expiring(Timestamp::from_seconds(NOW.as_seconds() + 60));
    assert_eq!(provider.revoke_plan(&cx, &facts), RevokePlan::Ready);
    assert_eq!(provider.revoke_plan(&cx, &facts.clone().expiring(NOW)), RevokePlan::RefreshFirst);
    let public = registration.clone().public();
    let cx = context(provider.spec(), &public);
    assert_eq!(provider.revoke_plan(&cx, &facts), RevokePlan::Impossible);
}

#[test]
fn a_check_of_the_token_says_what_it_may_do_by_now() {
    let provider = GitHub::new();
    let registration = registration("github");
    let cx = context(provider.spec(), &registration);
    let check = |status, body: &str| {
        drive(&mut *provider.introspect(&cx).unwrap(), vec![json(status, body)])
    };
    let body = r#"{"id":1,"token":"fake-canary","scopes":["repo","gist"],
        "expires_at":"2025-06-01T08:00:00Z","user":{"login":"fake-octocat","id":583231}}"#;
    let (requests, said) = check(200, body);
    assert_eq!(requests[0].method, Method::POST);
    assert_eq!(address(&requests[0]), "https://api.github.com/applications/fake-client/token");
    let said = said.unwrap();
    assert!(said.active);
    assert_eq!(said.scopes, Some(scopes(&["repo", "gist"])));
    assert_eq!(said.expires_at, Some(Timestamp::from_seconds(1_748_764_800)));
    assert!(!format!("{said:?}").contains("fake"));
    assert!(!check(404, r#"{"message":"Not Found"}"#).1.unwrap().active);
    assert_eq!(check(401, "{}").1.unwrap_err().kind, FailureKind::ClientConfiguration);
    assert_eq!(check(200, r#"{"scopes":[1]}"#).1.unwrap_err().kind, FailureKind::Malformed);
    let alive = |status| drive(&mut *provider.liveness(&cx), vec![json(status, r#"{"id":1}"#)]);
    let (requests, lives) = alive(200);
    assert_eq!(requests[0].endpoint, Endpoint::Introspect);
    assert_eq!(lives, Ok(Alive::Yes));
    assert_eq!(alive(404).1, Ok(Alive::No));
    assert_eq!(alive(401).1.unwrap_err().kind, FailureKind::ClientConfiguration);
}

#[test]
fn a_client_without_a_secret_asks_for_the_profile_instead() {
    let provider = GitHub::new();
    let registration = registration("github").public();
    let cx = context(provider.spec(), &registration);
    let alive = |status| drive(&mut *provider.liveness(&cx), vec![json(status, r#"{"id":1}"#)]);
    assert_eq!(address(&alive(200).0[0]), "https://api.github.com/user");
    assert_eq!(alive(200).1, Ok(Alive::Yes));
    assert_eq!(alive(401).1, Ok(Alive::No));
}

#[test]
fn an_issue_is_opened_with_what_was_given_and_nothing_more() {
    let provider = GitHub::new();
    let registration = registration("github");
    let cx = context(provider.spec(), &registration);
    let issue = CreateIssue::new(Access::Public, "octo-org", "hello.world", "Found a bug")
        .body("It is small.")
        .label("bug")
        .assignee("octocat");
    assert_eq!(issue.facts().name, "github.create_public_issue");
    assert_eq!(issue.facts().scopes, scopes(&["public_repo"]));
    let (requests, created) = drive(&mut *issue.start(&cx), vec![json(201, ISSUE)]);
    let path = "https://api.github.com/repos/octo-org/hello%2Eworld/issues";
    assert_eq!(address(&requests[0]), path);
    let expected = serde_json::json!({
        "title": "Found a bug", "body": "It is small.", "labels": ["bug"], "assignees": ["octocat"],
    });
    assert!(requests[0].payload == Payload::Json(Json::of(&expected).unwrap()));
    let created = created.unwrap();
    assert_eq!((created.id, created.number), (1, 1347));
    assert_eq!(created.url, "https://github.com/octo-org/hello.world/issues/1347");
    // The label was dropped, since the person may not set it.
    assert!(created.labels.is_empty());
    assert_eq!(created.assignees, ["octocat"]);
    assert!(!format!("{created:?}{issue:?}").contains("octo"));
}

#[test]
fn an_issue_that_cannot_be_is_refused_before_anything_leaves() {
    let provider = GitHub::new();
    let registration = registration("github");
    let cx = context(provider.spec(), &registration);
    let new = |owner: &str, repository: &str, title: &str| {
        CreateIssue::new(Access::All, owner, repository, title)
    };
    for issue in [
        new("", "r", "t"),
        new("a/b", "r", "t"),
        new("o", "..", "t"),
        new("o", "r/../../user", "t"),
        new("o", "r?x=1", "t"),
        new("o", "r", "  "),
        new("o", "r", &"x".repeat(257)),
        new("o", "r", "t").body("x".repeat(65_537)),
        new("o", "r", "t").label(" "),
        new("o", "r", "t").assignee("a b"),
    ] {
        assert_eq!(issue.check().unwrap_err().kind(), ErrorKind::InvalidInput);
        let (requests, outcome) = drive(&mut *issue.start(&cx), Vec::new());
        assert!(requests.is_empty());
        assert_eq!(outcome.unwrap_err().kind, FailureKind::InvalidInput);
    }
    assert!(new("o", "r", &"x".repeat(256)).check().is_ok());
}

#[test]
fn out_03_repositories_come_page_by_page_from_one_address() {
    let provider = GitHub::new();
    let registration = registration("github");
    let cx = context(provider.spec(), &registration);
    let all = ListRepositories::new(Access::All).affiliation(Affiliation::Owner).per_page(2);
    let page = |operation: &ListRepositories, link: &str| {
        let headers = [("content-type", "application/json"), ("link", link)];
        drive(&mut *operation.start(&cx), vec![answer(200, &headers, REPOSITORIES.as_bytes())])
    };
    let next = "<https://api.github.com/user/repos?affiliation=owner&per_page=2&page=2>; \
        rel=\"next\", <https://api.github.com/user/repos?page=9>; rel=\"last\"";
    let (requests, first) = page(&all, next);
    assert_eq!(address(&requests[0]), "https://api.github.com/user/repos");
    let first = first.unwrap();
    let names: Vec<_> = first.items.iter().map(|repository| &*repository.full_name).collect();
    assert_eq!(names, ["fake-octocat/hello", "octo-org/secret"]);
    assert_eq!(first.items[1].writable, Some(false));
    assert!(first.items[1].private);
    assert!(!format!("{:?}", first.items[1]).contains("secret"));
    let (requests, last) = page(&all.after(first.next.unwrap()), "");
    let query: Vec<_> = requests[0].query.iter().map(|(name, _)| name.as_ref()).collect();
    assert_eq!(query, ["affiliation", "per_page", "page"]);
    assert!(last.unwrap().next.is_none());
    for hostile in [
        "<https://evil.example/user/repos?page=2>; rel=\"next\"",
        "<https://api.github.com/user/keys?page=2>; rel=\"next\"",
        "<http://api.github.com/user/repos?page=2>; rel=\"next\"",
    ] {
        assert_eq!(page(&all, hostile).1.unwrap_err().kind, FailureKind::Malformed, "{hostile}");
    }
}

#[test]
fn every_operation_fits_the_spec() {
    let provider = GitHub::new();
    for (access, create, list) in [
        (Access::All, "github.create_issue", "github.list_repositories"),
        (Access::App, "github.create_app_issue", "github.list_app_repositories"),
        (Access::Public, "github.create_public_issue", "github.list_public_repositories"),
    ] {
        let (issue, repositories) =
            (CreateIssue::new(access, "o", "r", "t"), ListRepositories::new(access));
        issue.facts().check(provider.spec()).unwrap();
        repositories.facts().check(provider.spec()).unwrap();
        assert_eq!((issue.facts().name, repositories.facts().name), (create, list));
    }
}

#[cfg(feature = "conformance")]
#[test]
fn github_conforms() {
    use bailee_providers::conformance::check;
    check(&GitHub::new(), &registration("github"));
    let mut app = registration("github");
    app.client_id = "Iv1.fake".into();
    check(&GitHub::new(), &app);
}
