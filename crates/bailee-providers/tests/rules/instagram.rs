use std::time::Duration;

use bailee_core::{CredentialName, Remedy, ScopeName, State};
use bailee_providers::{
    Account, AccountFacts, AccountId, Alive, Authorization, AuthorizeAsk, CallbackRefusal,
    CredentialFacts, Endpoint, ExchangeAsk, Failure, FailureKind, Grant, GrantFacts, Operation,
    Outcome, Payload, Provider, Publish, Request, RevokePlan, SecretRef, Value,
    instagram::{
        Instagram, PostKind, PublishCarousel, PublishPhoto, PublishReel, PublishingLimit, ReadPost,
    },
    spec::{Pkce, RefreshClass, RevokeStyle},
};

use crate::support::{address, answer, context, drive, json, registration};

const SHORT: &str = r#"{"access_token":"IGfake-short","user_id":"17841400000000001",
    "permissions":"instagram_business_basic,instagram_business_content_publish"}"#;
const LONG: &str = r#"{"access_token":"IGfake-long","token_type":"bearer","expires_in":5183944}"#;
const ME: &str = r#"{"id":"26000000000000001","user_id":"17841400000000001",
    "username":"ada.makes","account_type":"BUSINESS"}"#;

fn scopes() -> [ScopeName; 2] {
    ["instagram_business_basic", "instagram_business_content_publish"].map(ScopeName::from_static)
}

fn exchange(bodies: &[&str]) -> (Vec<Request>, Result<Grant, Failure>) {
    let provider = Instagram::new();
    let registration = registration("instagram");
    let cx = context(provider.spec(), &registration);
    let ask = ExchangeAsk { redirect_uri: "https://app.example.test/cb", pkce: false };
    let answers = bodies.iter().map(|body| json(200, body)).collect();
    drive(&mut *provider.exchange(&cx, &ask), answers)
}

fn refresh(status: u16, body: &str) -> (Vec<Request>, Result<Grant, Failure>) {
    let provider = Instagram::new();
    let registration = registration("instagram");
    let cx = context(provider.spec(), &registration);
    let facts = CredentialFacts::new(CredentialName::from_static("user"), Vec::new());
    drive(&mut *provider.refresh(&cx, &facts), vec![json(status, body)])
}

fn identify(known: Option<&str>, body: &str) -> (Vec<Request>, Result<Account, Failure>) {
    let provider = Instagram::new();
    let registration = registration("instagram");
    let cx = context(provider.spec(), &registration);
    let mut grant = GrantFacts::new(scopes().to_vec());
    grant.account_id = known.and_then(|id| AccountId::new("user_id", id));
    drive(&mut *provider.identity(&cx, &grant, None, None), vec![json(200, body)])
}

fn error(code: &str) -> String {
    let (code, subcode) = code.split_once('/').unwrap_or((code, "null"));
    format!(
        r#"{{"error":{{"message":"fake","type":"OAuthException","code":{code},"error_subcode":{subcode},"fbtrace_id":"x"}}}}"#
    )
}

#[test]
fn the_facts_are_those_of_the_pages() {
    let provider = Instagram::new();
    let spec = provider.spec();
    let url = |url: &Option<url::Url>| url.as_ref().unwrap().as_str().to_owned();
    let ends = &spec.endpoints;
    assert_eq!(url(&ends.authorization), "https://www.instagram.com/oauth/authorize");
    assert_eq!(url(&ends.token), "https://api.instagram.com/oauth/access_token");
    assert_eq!(url(&ends.long_lived), "https://graph.instagram.com/access_token");
    assert_eq!(url(&ends.refresh), "https://graph.instagram.com/refresh_access_token");
    assert_eq!(url(&ends.userinfo), "https://graph.instagram.com/v26.0/me");
    assert_eq!(ends.revocation, None);
    assert_eq!(spec.revoke.style, RevokeStyle::None);
    assert_eq!(url(&spec.api), "https://graph.instagram.com/v26.0");
    assert_eq!(spec.pkce.web, Pkce::None);
    assert!(spec.client.secrets_in_query);
    assert_eq!(spec.eligibility.account_types, ["BUSINESS", "MEDIA_CREATOR"]);
    assert_eq!(spec.withdrawal.steps.len(), 3);
    let values = [("version".to_owned(), "v25.0".to_owned())].into();
    let older = spec.with_variables(&values).unwrap();
    assert_eq!(url(&older.api), "https://graph.instagram.com/v25.0");
}

#[test]
fn ref_01_the_token_renews_itself_from_the_age_of_a_day_on() {
    let provider = Instagram::new();
    let refresh = &provider.spec().refresh;
    assert_eq!(refresh.class, RefreshClass::SelfExtending);
    assert_eq!(refresh.not_before, Some(Duration::from_secs(86_400)));
    assert_eq!(refresh.idle_limit, Some(Duration::from_secs(60 * 86_400)));
    assert!(refresh.page.as_deref().unwrap().contains("business-login"));
}

#[test]
fn d5_comments_messages_and_insights_can_be_neither_declared_nor_asked_for() {
    let provider = Instagram::new();
    let names: Vec<&str> =
        provider.spec().scopes.catalogue.iter().map(|entry| entry.name.as_str()).collect();
    assert_eq!(names, ["instagram_business_basic", "instagram_business_content_publish"]);
    let registration = registration("instagram");
    let cx = context(provider.spec(), &registration);
    let state = State::copy_from(b"fake-state");
    for left_out in [
        "instagram_business_manage_comments",
        "instagram_business_manage_insights",
        "instagram_business_manage_messages",
        "business_basic",
    ] {
        let scopes = [ScopeName::from_static(left_out)];
        let ask = AuthorizeAsk::new(&scopes, "https://app.example.test/cb", &state);
        assert!(provider.authorize(&cx, &ask).is_err(), "{left_out}");
    }
    // No operation goes anywhere else, and none can be talked into it.
    let paths = [
        Publish::facts(&PublishPhoto::new("https://m.example/p.jpg")).path,
        Publish::facts(&PublishReel::new("https://m.example/v.mp4")).path,
        Publish::facts(&PublishCarousel::new([])).path,
        Operation::facts(&PublishingLimit).path,
        Operation::facts(&ReadPost::new("1")).path,
    ];
    assert_eq!(paths[..3], ["/{ig_id}/media"; 3]);
    assert_eq!(paths[3..], ["/{ig_id}/content_publishing_limit", "/{media_id}"]);
    for id in ["1/comments", "1?fields=comments", "me", "", "..", "1%2Finsights"] {
        let (requests, post) = drive(&mut *ReadPost::new(id).start(&cx), Vec::new());
        assert!(requests.is_empty());
        assert_eq!(post.unwrap_err().kind, FailureKind::InvalidInput, "{id}");
    }
}

#[test]
fn the_flow_asks_for_scopes_between_commas() {
    let provider = Instagram::new();
    let registration = registration("instagram");
    let cx = context(provider.spec(), &registration);
    let (scopes, state) = (scopes(), State::copy_from(b"fake-state"));
    let ask = AuthorizeAsk::new(&scopes, "https://app.example.test/cb", &state);
    let url = provider.authorize(&cx, &ask).unwrap().into_url();
    let pairs: Vec<(String, String)> = url.query_pairs().into_owned().collect();
    let scope = "instagram_business_basic,instagram_business_content_publish";
    assert!(pairs.contains(&("scope".into(), scope.into())));
    assert!(!pairs.iter().any(|(name, _)| name.starts_with("code_challenge")));
}

#[test]
fn the_two_characters_behind_a_callback_are_no_part_of_code_or_state() {
    let provider = Instagram::new();
    let registration = registration("instagram");
    let cx = context(provider.spec(), &registration);
    for query in [
        "code=fake-code&state=s",
        "code=fake-code&state=s#_",
        "code=fake-code%23_&state=s",
        "state=s&code=fake-code#_",
        "state=s&code=fake-code%23_",
    ] {
        let callback = provider.callback(&cx, query).unwrap();
        assert!(callback.state.expose(|state| state == b"s"), "{query}");
        let Outcome::Code { code, .. } = callback.outcome else { panic!("{query}") };
        assert!(code.expose(|code| code == b"fake-code"), "{query}");
    }
    for (query, refusal) in [
        ("code=%23_&state=s", CallbackRefusal::Neither),
        ("code=#_&state=s", CallbackRefusal::Neither),
        ("code=a&code=b&state=s#_", CallbackRefusal::Duplicate),
    ] {
        assert_eq!(provider.callback(&cx, query).unwrap_err(), refusal, "{query}");
    }
    let denied = "error=access_denied&error_reason=user_denied&error_description=x&state=s#_";
    let Outcome::Refused { failure, .. } = provider.callback(&cx, denied).unwrap().outcome else {
        panic!("no refusal")
    };
    assert_eq!(failure.kind, FailureKind::PersonRefused);
}

#[test]
fn a_code_gives_a_token_that_is_exchanged_at_once() {
    let (requests, grant) = exchange(&[SHORT, LONG]);
    let Payload::Form(fields) = &requests[0].payload else { panic!("no form") };
    let names: Vec<&str> = fields.iter().map(|(name, _)| name.as_ref()).collect();
    assert_eq!(names, ["grant_type", "code", "redirect_uri", "client_id", "client_secret"]);
    assert!(requests[0].query.is_empty());
    assert_eq!(address(&requests[1]), "https://graph.instagram.com/access_token");
    assert_eq!(requests[1].method, http::Method::GET);
    let grant = grant.unwrap();
    assert_eq!(grant.account_id.as_ref().unwrap().value(), "17841400000000001");
    let credential = &grant.credentials[0];
    assert!(credential.access.expose(|token| token == b"IGfake-long"));
    assert!(credential.refresh.is_none());
    assert_eq!(credential.expires_in, Some(Duration::from_secs(5_183_944)));
    assert_eq!(*credential.scopes.as_ref().unwrap(), scopes());
}

#[test]
fn both_forms_of_the_answer_to_a_code_are_read_and_an_id_keeps_every_digit() {
    let array = SHORT.replace(
        "\"instagram_business_basic,instagram_business_content_publish\"",
        "[\"instagram_business_basic\",\"instagram_business_content_publish\"]",
    );
    // More than a double can count.
    let number = SHORT.replace("\"17841400000000001\"", "90071992547409931234");
    for body in [SHORT.to_owned(), array, number] {
        let id = if body.contains("90071") { "90071992547409931234" } else { "17841400000000001" };
        for body in [body.clone(), format!(r#"{{"data":[{body}]}}"#)] {
            let grant = exchange(&[&body, LONG]).1.unwrap();
            assert_eq!(grant.account_id.unwrap().value(), id);
            assert_eq!(*grant.credentials[0].scopes.as_ref().unwrap(), scopes());
        }
    }
    // What the person unticked is missing.
    let fewer = SHORT.replace(",instagram_business_content_publish", "");
    let grant = exchange(&[&fewer, LONG]).1.unwrap();
    let missing = grant.compare_scopes(&scopes()).missing;
    assert_eq!(missing, [ScopeName::from_static("instagram_business_content_publish")]);
}

#[test]
fn hostile_answers_to_a_code_are_not_read() {
    let two = format!(r#"{{"data":[{SHORT},{SHORT}]}}"#);
    let twice = SHORT.replacen('{', r#"{"access_token":"fake-other","#, 1);
    let float = SHORT.replace("\"17841400000000001\"", "1.7e16");
    let object = SHORT.replace("\"17841400000000001\"", "{}");
    for body in ["{}", r#"{"data":[]}"#, r#"{"data":{}}"#, "[]", &two, &twice, &float, &object] {
        let (requests, grant) = exchange(&[body]);
        assert_eq!(requests.len(), 1, "{body}");
        assert_eq!(grant.unwrap_err().kind, FailureKind::Malformed, "{body}");
    }
}

#[test]
fn sec_07_secrets_stand_in_the_query_at_two_addresses_and_are_not_printed() {
    let (requests, _) = exchange(&[SHORT, LONG]);
    let query = &requests[1].query;
    assert_eq!(query[0], ("grant_type".into(), Value::text("ig_exchange_token")));
    assert_eq!(query[1], ("client_secret".into(), Value::Secret(SecretRef::ClientSecret)));
    assert_eq!(query[2].0, "access_token");
    let Value::Issued(issued) = &query[2].1 else { panic!("not the token that was issued") };
    assert!(issued.expose(|token| token == b"IGfake-short"));
    assert_eq!(requests[1].authorization, Authorization::None);
    let (renewals, _) = refresh(200, LONG);
    let secret = Value::Secret(SecretRef::AccessToken);
    assert_eq!(renewals[0].query[1], ("access_token".into(), secret));
    assert_eq!(renewals[0].query.len(), 2);
    for request in requests.iter().chain(&renewals) {
        assert_eq!(request.endpoint, Endpoint::Token);
        let printed = format!("{request:?} {:?} {:?}", request.target, request.query);
        assert!(!printed.contains("IGfake"), "{printed}");
        // The address has no query of its own: a secret is joined to it where it is sent.
        assert!(!address(request).contains('?'));
    }
}

#[test]
fn sec_07_no_other_request_has_a_secret_in_its_address() {
    let provider = Instagram::new();
    let registration = registration("instagram");
    let account = AccountFacts::new("17841400000000001");
    let cx = context(provider.spec(), &registration).with_account(Some(&account));
    let (who, _) = identify(None, ME);
    let (alive, _) = drive(&mut *provider.liveness(&cx), vec![json(200, ME)]);
    let limit = r#"{"data":[{"quota_usage":0}]}"#;
    let (limits, _) = drive(&mut *PublishingLimit.start(&cx), vec![json(200, limit)]);
    let (post, _) = drive(&mut *ReadPost::new("18").start(&cx), vec![json(200, r#"{"id":"18"}"#)]);
    for request in who.iter().chain(&alive).chain(&limits).chain(&post) {
        assert_eq!(request.authorization, Authorization::Bearer);
        assert!(request.query.iter().all(|(_, value)| matches!(value, Value::Text(_))));
    }
}

#[test]
fn a_renewal_presents_the_access_token_itself() {
    let (requests, grant) = refresh(200, LONG);
    assert_eq!(address(&requests[0]), "https://graph.instagram.com/refresh_access_token");
    assert_eq!(requests[0].query[0], ("grant_type".into(), Value::text("ig_refresh_token")));
    let grant = grant.unwrap();
    assert!(grant.credentials[0].refresh.is_none());
    assert_eq!(grant.credentials[0].expires_in, Some(Duration::from_secs(5_183_944)));
    assert_eq!(grant.credentials[0].scopes, None);
    // An answer that does not say how long: the documented sixty days.
    let grant = refresh(200, r#"{"access_token":"IGfake-long"}"#).1.unwrap();
    assert_eq!(grant.credentials[0].expires_in, Some(Duration::from_secs(5_184_000)));
    let granted = LONG.replacen('{', r#"{"permissions":["instagram_business_basic"],"#, 1);
    let grant = refresh(200, &granted).1.unwrap();
    assert_eq!(grant.credentials[0].scopes.as_ref().unwrap().len(), 1);
}

#[test]
fn refusals_of_the_token_endpoints_are_told_apart() {
    use FailureKind::*;
    let flat = r#"{"error_type":"OAuthException","code":400,"error_message":"fake"}"#;
    for (status, body, kind) in [
        (400, flat.to_owned(), GrantOver),
        (200, flat.to_owned(), GrantOver),
        (401, flat.to_owned(), ClientConfiguration),
        (400, error("190"), GrantOver),
        (400, error("190/463"), GrantOver),
        (400, error("10"), GrantOver),
        (400, error("100"), ClientConfiguration),
        (400, error("4"), RateLimited),
        (400, error("2"), Unavailable),
        (500, error("190"), Unavailable),
        (429, error("190"), RateLimited),
        (400, error("987654"), Malformed),
        (400, "<html>".into(), Malformed),
    ] {
        let failure = refresh(status, &body).1.unwrap_err();
        assert_eq!(failure.kind, kind, "{status} {body}");
        assert!(!format!("{failure:?}").contains("fake"));
    }
}

#[test]
fn tok_06_an_account_has_two_ids_and_the_answer_to_a_code_names_either() {
    let (requests, account) = identify(Some("17841400000000001"), ME);
    let fields = ("fields".into(), Value::text("id,user_id,username,account_type"));
    assert_eq!(requests[0].query, [fields]);
    let account = account.unwrap();
    assert_eq!((account.id.kind(), account.id.value()), ("user_id", "17841400000000001"));
    let [other] = account.also.as_slice() else { panic!("no other id") };
    assert_eq!((other.kind(), other.value()), ("app_scoped_id", "26000000000000001"));
    assert_eq!(account.display.as_deref(), Some("ada.makes"));
    assert_eq!(identify(Some("26000000000000001"), ME).1.unwrap().id, account.id);
    assert_eq!(identify(Some("3"), ME).1.unwrap_err().kind, FailureKind::Malformed);
    let wrapped = format!(r#"{{"data":[{ME}]}}"#);
    assert_eq!(identify(None, &wrapped).1.unwrap(), account);
    let number = ME.replace("\"17841400000000001\"", "17841400000000001");
    assert_eq!(identify(None, &number).1.unwrap().id, account.id);
    let nameless = ME.replace("user_id", "user");
    assert_eq!(identify(None, &nameless).1.unwrap_err().kind, FailureKind::Malformed);
}

#[test]
fn c6_only_business_and_creator_accounts_can_be_connected() {
    let provider = Instagram::new();
    let registration = registration("instagram");
    let cx = context(provider.spec(), &registration);
    for (word, eligible) in [
        ("BUSINESS", true),
        ("Business", true),
        ("MEDIA_CREATOR", true),
        ("Media_Creator", true),
        ("PERSONAL", false),
        ("CREATOR_OF_WORLDS", false),
        ("", false),
    ] {
        let body = ME.replace("BUSINESS", word);
        let account = identify(None, &body).1.unwrap();
        let outcome = provider.eligibility(&cx, &account);
        assert_eq!(outcome.is_ok(), eligible, "{word}");
        assert!(outcome.err().is_none_or(|failure| failure.kind == FailureKind::Blocked));
    }
    let typeless = ME.replace("account_type", "kind");
    let account = identify(None, &typeless).1.unwrap();
    assert!(provider.eligibility(&cx, &account).is_err());
}

#[test]
fn numbers_of_the_graph_api_are_what_the_table_says() {
    let provider = Instagram::new();
    let registration = registration("instagram");
    let cx = context(provider.spec(), &registration);
    use FailureKind::*;
    for (status, code, kind) in [
        (400, "190", AccessRejected),
        (401, "190", AccessRejected),
        (400, "102", AccessRejected),
        (400, "190/458", GrantOver),
        (400, "190/459", GrantOver),
        (400, "190/460", GrantOver),
        (400, "190/463", AccessRejected),
        (400, "190/464", GrantOver),
        (400, "190/467", AccessRejected),
        (400, "190/492", AccessRejected),
        (400, "190/999", AccessRejected),
        (403, "10", ScopeMissing),
        (403, "200", ScopeMissing),
        (403, "299", ScopeMissing),
        (403, "3", ClientConfiguration),
        (400, "1", Unavailable),
        (500, "2", Unavailable),
        (400, "4", RateLimited),
        (403, "17", RateLimited),
        (400, "32", RateLimited),
        (400, "341", RateLimited),
        (400, "368", RateLimited),
        (400, "613", RateLimited),
        (400, "100", InvalidInput),
        (400, "506", InvalidInput),
        (400, "36000/2207004", InvalidInput),
        (400, "36003", InvalidInput),
        (400, "-1/2207001", Unavailable),
        (400, "9/2207042", RateLimited),
        (400, "-9/2207042", RateLimited),
        (400, "4/2207051", Blocked),
        (400, "9007/2207027", Unavailable),
        (400, "100/2207050", Blocked),
        (400, "\"190\"", AccessRejected),
        (403, "987654", Blocked),
        (200, "190", AccessRejected),
        (200, "987654", Malformed),
    ] {
        let failure = provider.classify(&cx, &json(status, &error(code))).unwrap();
        assert_eq!(failure.kind, kind, "{status} {code}");
        assert!(!format!("{failure:?}").contains("fake"), "{status} {code}");
    }
    let transient = error("100").replacen("\"code\"", "\"is_transient\":true,\"code\"", 1);
    assert_eq!(provider.classify(&cx, &json(400, &transient)).unwrap().kind, Unavailable);
    let text = answer(400, &[("content-type", "text/javascript")], error("190").as_bytes());
    assert_eq!(provider.classify(&cx, &text).unwrap().kind, AccessRejected);
    assert_eq!(provider.classify(&cx, &json(200, "{}")), None);
    assert_eq!(provider.classify(&cx, &json(200, "<html>")).unwrap().kind, Malformed);
}

#[test]
fn throttling_says_how_long_it_lasts() {
    let provider = Instagram::new();
    let registration = registration("instagram");
    let cx = context(provider.spec(), &registration);
    let wait = |code: &str, headers: &[(&'static str, &str)]| {
        let mut all = vec![("content-type", "application/json")];
        all.extend(headers);
        let failure = provider.classify(&cx, &answer(400, &all, error(code).as_bytes())).unwrap();
        let Remedy::Wait(wait) = failure.remedy() else { panic!("no wait") };
        wait.as_secs()
    };
    let usage = "x-app-usage";
    assert_eq!(wait("4", &[(usage, r#"{"call_count":100}"#)]), 300);
    let business = "x-business-use-case-usage";
    let regained = r#"{"17":[{"type":"x","call_count":100,"estimated_time_to_regain_access":7}]}"#;
    assert_eq!(wait("4", &[(business, regained)]), 420);
    assert_eq!(wait("4", &[(business, "not json")]), 300);
    assert_eq!(wait("4", &[("retry-after", "5")]), 5);
    assert_eq!(wait("9/2207042", &[]), 3600);
}

#[test]
fn liveness_asks_for_the_id_alone() {
    let provider = Instagram::new();
    let registration = registration("instagram");
    let cx = context(provider.spec(), &registration);
    for (status, body, alive) in
        [(200, ME.to_owned(), Ok(Alive::Yes)), (400, error("190"), Ok(Alive::No))]
    {
        let (requests, found) = drive(&mut *provider.liveness(&cx), vec![json(status, &body)]);
        assert_eq!(requests[0].query, [("fields".into(), Value::text("id"))]);
        assert_eq!(found, alive);
    }
    for (code, kind) in [("190/458", FailureKind::GrantOver), ("4", FailureKind::RateLimited)] {
        let (_, found) = drive(&mut *provider.liveness(&cx), vec![json(400, &error(code))]);
        assert_eq!(found.unwrap_err().kind, kind);
    }
}

#[test]
fn there_is_nothing_to_revoke_with() {
    let provider = Instagram::new();
    let registration = registration("instagram");
    let cx = context(provider.spec(), &registration);
    let facts = CredentialFacts::new(CredentialName::from_static("user"), Vec::new());
    assert_eq!(provider.revoke_plan(&cx, &facts), RevokePlan::Impossible);
}

#[test]
fn the_limit_and_a_post_are_read() {
    let provider = Instagram::new();
    let registration = registration("instagram");
    let account = AccountFacts::new("17841400000000001");
    let cx = context(provider.spec(), &registration).with_account(Some(&account));
    let limit = |body: &str| drive(&mut *PublishingLimit.start(&cx), vec![json(200, body)]);
    let (requests, allowance) = limit(
        r#"{"data":[{"quota_usage":3,"config":{"quota_total":100,"quota_duration":86400}}]}"#,
    );
    let path = "https://graph.instagram.com/v26.0/17841400000000001/content_publishing_limit";
    assert_eq!(address(&requests[0]), path);
    assert_eq!(requests[0].query, [("fields".into(), Value::text("quota_usage,config"))]);
    let allowance = allowance.unwrap();
    assert_eq!((allowance.used, allowance.total), (3, Some(100)));
    assert!(!allowance.is_used_up());
    let bare = limit(r#"{"data":[{"quota_usage":100}]}"#).1.unwrap();
    assert_eq!((bare.total, bare.window), (None, Duration::from_secs(86_400)));
    assert_eq!(limit(r#"{"data":[]}"#).1.unwrap_err().kind, FailureKind::Malformed);

    let post = |body: &str| drive(&mut *ReadPost::new("180001").start(&cx), vec![json(200, body)]);
    let (requests, read) = post(
        r#"{"id":"180001","permalink":"https://www.instagram.com/p/fake/","media_type":"IMAGE"}"#,
    );
    assert_eq!(address(&requests[0]), "https://graph.instagram.com/v26.0/180001");
    let read = read.unwrap();
    assert_eq!(read.permalink.as_deref(), Some("https://www.instagram.com/p/fake/"));
    assert_eq!(read.kind, Some(PostKind::Image));
    assert!(!format!("{read:?}").contains("fake"));
    // A link is shown to people, so it leads to Instagram or nowhere.
    for link in [
        "https://www.instagram.com.evil.example/p/",
        "javascript:alert(1)",
        "http://www.instagram.com/p/",
        "https://x@www.instagram.com/p/",
    ] {
        let body = format!(r#"{{"id":180001,"permalink":"{link}"}}"#);
        assert_eq!(post(&body).1.unwrap().permalink, None, "{link}");
    }
}

#[test]
fn every_operation_fits_the_spec() {
    let provider = Instagram::new();
    for facts in [
        Publish::facts(&PublishPhoto::new("x")),
        Publish::facts(&PublishReel::new("x")),
        Publish::facts(&PublishCarousel::new([])),
        Operation::facts(&PublishingLimit),
        Operation::facts(&ReadPost::new("1")),
    ] {
        facts.check(provider.spec()).unwrap();
        let publishes = facts.effect == bailee_core::Effect::Effect;
        assert_eq!(provider.follow(facts.name).is_some(), publishes);
    }
    assert!(provider.follow("instagram.media_publish").is_none());
}

#[test]
fn out_03_no_request_of_ours_goes_to_the_host_of_the_consent_page() {
    let provider = Instagram::new();
    let hosts = provider.spec().hosts_for(Endpoint::Token);
    assert_eq!(hosts, ["api.instagram.com", "graph.instagram.com"]);
    assert!(provider.spec().hosts_for(Endpoint::Upload).is_empty());
}
