use std::time::Duration;

use bailee_core::{CredentialName, ScopeName, State, Verifier};
use bailee_providers::{
    Answer, Authorization, AuthorizeAsk, BasicEncoding, CredentialFacts, ExchangeAsk, Failure,
    FailureKind, Grant, GrantFacts, Json, Operation, Payload, Provider, Request, RevokePlan,
    SecretRef,
    spec::{ClientAuthentication, RefreshClass, RevokeEnds, RevokeStyle},
    supabase::{ListOrganizations, ListProjects, Supabase},
};
use http::Method;

use crate::support::{address, answer, context, drive, json, registration};

const TOKEN: &str =
    r#"{"access_token":"fake-a","refresh_token":"fake-r","expires_in":3600,"token_type":"Bearer"}"#;

#[test]
fn the_facts_are_those_of_the_pages() {
    let provider = Supabase::new();
    let spec = provider.spec();
    let url = |url: &Option<url::Url>| url.as_ref().unwrap().to_string();
    let endpoints = &spec.endpoints;
    assert_eq!(url(&endpoints.authorization), "https://api.supabase.com/v1/oauth/authorize");
    assert_eq!(url(&endpoints.token), "https://api.supabase.com/v1/oauth/token");
    assert_eq!(url(&endpoints.revocation), "https://api.supabase.com/v1/oauth/revoke");
    assert_eq!(spec.hosts, ["api.supabase.com"]);
    assert_eq!(spec.refresh.class, RefreshClass::Strict);
    assert_eq!(
        (spec.revoke.style, spec.revoke.ends),
        (RevokeStyle::RefreshToken, RevokeEnds::Account)
    );
    let ceiling = spec.rate_limit.ceiling.unwrap();
    assert_eq!((ceiling.requests, ceiling.window), (120, Duration::from_secs(60)));
    let word = ScopeName::from_static("database:write");
    assert!(spec.scope(&word).unwrap().plain.contains("everything that is stored"));
}

#[test]
fn no_scope_is_sent_and_those_that_were_told_hold() {
    let provider = Supabase::new();
    let registration = registration("supabase");
    let cx = context(provider.spec(), &registration);
    let asked = [ScopeName::from_static("projects:read")];
    let state = State::copy_from(b"fake-state");
    let verifier = Verifier::copy_from(b"dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk");
    let mut ask = AuthorizeAsk::new(&asked, "https://app.example.test/cb", &state);
    ask.verifier = Some(&verifier);
    let url = provider.authorize(&cx, &ask).unwrap().into_url();
    let mut names: Vec<_> = url.query_pairs().map(|(name, _)| name.into_owned()).collect();
    names.sort();
    let expected = [
        "client_id",
        "code_challenge",
        "code_challenge_method",
        "redirect_uri",
        "response_type",
        "state",
    ];
    assert_eq!(names, expected);
    let grant = exchange(json(201, TOKEN)).1.unwrap();
    assert!(grant.compare_scopes(&asked).missing.is_empty());
}

fn exchange(answer: Answer) -> (Vec<Request>, Result<Grant, Failure>) {
    let provider = Supabase::new();
    let registration = registration("supabase");
    let cx = context(provider.spec(), &registration);
    let ask = ExchangeAsk { redirect_uri: "https://app.example.test/cb", pkce: true };
    drive(&mut *provider.exchange(&cx, &ask), vec![answer])
}

#[test]
fn the_token_request_has_no_member_that_the_schema_does_not_name() {
    let names = |request: &Request| -> Vec<String> {
        let Payload::Form(fields) = &request.payload else { panic!("no form") };
        fields.iter().map(|(name, _)| name.clone().into_owned()).collect()
    };
    let (requests, _) = exchange(json(201, TOKEN));
    assert_eq!(names(&requests[0]), ["grant_type", "code", "redirect_uri", "code_verifier"]);
    let basic = Authorization::ClientBasic(BasicEncoding::Rfc6749);
    assert_eq!(requests[0].authorization, basic);
    // The schema's way is a setting; then nothing stands in the header.
    let provider = Supabase::new();
    let registration = registration("supabase").authentication(ClientAuthentication::Post);
    let cx = context(provider.spec(), &registration);
    let facts = credential(true);
    let (requests, _) = drive(&mut *provider.refresh(&cx, &facts), vec![json(201, TOKEN)]);
    let all = ["grant_type", "refresh_token", "client_id", "client_secret"];
    assert_eq!(names(&requests[0]), all);
    assert_eq!(requests[0].authorization, Authorization::None);
}

fn credential(refresh: bool) -> CredentialFacts {
    let facts = CredentialFacts::new(CredentialName::from_static("user"), Vec::new());
    if refresh { facts.with_refresh(None) } else { facts }
}

#[test]
fn errors_of_the_token_endpoint_are_read_in_both_shapes() {
    use FailureKind::*;
    for (status, body, kind) in [
        (400, r#"{"error":"invalid_grant"}"#, GrantOver),
        (400, r#"{"message":"Invalid refresh token"}"#, GrantOver),
        (400, r#"{"message":"Authorization code has expired: fake-canary"}"#, GrantOver),
        // A request that is not as the schema has it says nothing about the grant.
        (400, r#"{"message":["body.fake: unknown property"]}"#, Malformed),
        (400, r#"{"message":"body must have required property 'grant_type'"}"#, Malformed),
        (401, r#"{"message":"Invalid client"}"#, ClientConfiguration),
        (401, r#"{"message":"Invalid refresh token"}"#, ClientConfiguration),
        (500, r#"{"message":"Invalid refresh token"}"#, Unavailable),
        (544, r#"{"message":"timeout"}"#, Unavailable),
        (429, r#"{"message":"Too Many Requests"}"#, RateLimited),
        (201, r#"{"message":"fine"}"#, Malformed),
    ] {
        let failure = exchange(json(status, body)).1.unwrap_err();
        assert_eq!(failure.kind, kind, "{status} {body}");
        assert!(!format!("{failure:?}").contains("fake"), "{body}");
    }
}

#[test]
fn tok_06_an_account_is_its_organisation_and_the_others_are_places() {
    let provider = Supabase::new();
    let registration = registration("supabase");
    let cx = context(provider.spec(), &registration);
    let identify = |body: &str| {
        let grant = GrantFacts::new(Vec::new());
        drive(&mut *provider.identity(&cx, &grant, None, None), vec![json(200, body)]).1
    };
    let account = identify(
        r#"[{"id":"z","slug":"zebra","name":"Fake Zebra"},{"slug":"aardvark","name":"Fake Aardvark"}]"#,
    )
    .unwrap();
    assert_eq!((account.id.kind(), account.id.value()), ("organization", "aardvark"));
    assert_eq!(account.display.as_deref(), Some("Fake Aardvark"));
    let places: Vec<&str> = account.places.iter().map(|place| place.id.as_str()).collect();
    assert_eq!(places, ["aardvark", "zebra"]);
    assert!(!format!("{account:?}").contains("Fake"));
    for hostile in ["[]", "{}", r#"[{"name":"fake"}]"#, r#"[{"slug":"a b","name":"fake"}]"#, "[1]"]
    {
        assert_eq!(identify(hostile).unwrap_err().kind, FailureKind::Malformed, "{hostile}");
    }
}

#[test]
fn a_revocation_is_json_with_the_secret_in_it_and_nowhere_else() {
    let provider = Supabase::new();
    let registration = registration("supabase");
    let cx = context(provider.spec(), &registration);
    let revoke = |answer| drive(&mut *provider.revoke(&cx, &credential(true)), vec![answer]);
    let (requests, revoked) = revoke(answer(204, &[], b""));
    assert!(revoked.unwrap().confirmed);
    assert_eq!(requests[0].method, Method::POST);
    assert_eq!(address(&requests[0]), "https://api.supabase.com/v1/oauth/revoke");
    assert_eq!(requests[0].authorization, Authorization::None);
    let Payload::Json(Json::Object(members)) = &requests[0].payload else { panic!("no JSON") };
    let expected = [
        ("client_id".into(), Json::Text("fake-client".into())),
        ("client_secret".into(), Json::Secret(SecretRef::ClientSecret)),
        ("refresh_token".into(), Json::Secret(SecretRef::RefreshToken)),
    ];
    assert_eq!(*members, expected);
    assert!(revoke(json(404, "{}")).1.unwrap().confirmed, "there is no such token any more");
    assert!(!revoke(json(400, "{}")).1.unwrap().confirmed);
    let failed = |answer| revoke(answer).1.unwrap_err().kind;
    assert_eq!(failed(json(401, "{}")), FailureKind::ClientConfiguration);
    assert_eq!(failed(json(544, "{}")), FailureKind::Unavailable);
    assert_eq!(provider.revoke_plan(&cx, &credential(false)), RevokePlan::Impossible);
    assert_eq!(provider.revoke_plan(&cx, &credential(true)), RevokePlan::Ready);
}

#[test]
fn answers_of_the_api_are_what_the_table_says() {
    use FailureKind::*;
    let provider = Supabase::new();
    let registration = registration("supabase");
    let cx = context(provider.spec(), &registration);
    for (status, kind, code) in [
        (401, AccessRejected, None),
        (402, Blocked, Some("plan_limit")),
        (403, Blocked, Some("scope_or_role_missing")),
        (404, InvalidInput, None),
        (544, Unavailable, None),
    ] {
        let failure = provider.classify(&cx, &json(status, r#"{"message":"fake"}"#)).unwrap();
        assert_eq!(failure.kind, kind, "{status}");
        assert_eq!(failure.code.as_ref().map(|code| code.as_str()), code, "{status}");
    }
    // Seconds from now; what is too large for that is a clock.
    let clock = (crate::support::NOW.as_seconds() + 20).to_string();
    for (reset, wait) in [("17", 17), (clock.as_str(), 20)] {
        let limited = answer(429, &[("x-ratelimit-reset", reset)], b"");
        let failure = provider.classify(&cx, &limited).unwrap();
        assert_eq!(failure.kind, RateLimited);
        assert_eq!(failure.retry_after, Some(Duration::from_secs(wait)), "{reset}");
    }
}

#[test]
fn organisations_and_projects_are_listed() {
    let provider = Supabase::new();
    let registration = registration("supabase");
    let cx = context(provider.spec(), &registration);
    let body = r#"[{"id":"x","slug":"acme","name":"Fake Acme"}]"#;
    let (requests, all) = drive(&mut *ListOrganizations.start(&cx), vec![json(200, body)]);
    assert_eq!(address(&requests[0]), "https://api.supabase.com/v1/organizations");
    let all = all.unwrap();
    assert_eq!(all[0].slug, "acme");
    assert!(!format!("{all:?}").contains("acme"));
    let project = |reference: &str| {
        let body = format!(
            r#"[{{{reference},"organization_slug":"acme","name":"Fake","region":"eu-central-1",
                "status":"SOMETHING_NEW","database":{{"host":"db.fake.supabase.co"}}}}]"#
        );
        drive(&mut *ListProjects.start(&cx), vec![json(200, &body)])
    };
    let (requests, all) = project(r#""ref":"abcdefghijklmnopqrst""#);
    assert_eq!(address(&requests[0]), "https://api.supabase.com/v1/projects");
    let all = all.unwrap();
    assert_eq!(all[0].reference, "abcdefghijklmnopqrst");
    assert_eq!(all[0].status, "SOMETHING_NEW");
    assert!(!format!("{all:?}").contains("Fake"));
    assert_eq!(project(r#""id":"abcdefghijklmnopqrst""#).1.unwrap()[0].reference.len(), 20);
    for hostile in [r#""ref":"evil.example/x?y#abcd""#, r#""ref":"short""#, r#""x":1"#] {
        assert_eq!(project(hostile).1.unwrap_err().kind, FailureKind::Malformed, "{hostile}");
    }
}

#[test]
fn every_operation_fits_the_spec() {
    let provider = Supabase::new();
    ListOrganizations.facts().check(provider.spec()).unwrap();
    ListProjects.facts().check(provider.spec()).unwrap();
}

#[cfg(feature = "conformance")]
#[test]
fn supabase_conforms() {
    use bailee_providers::conformance::{Samples, check_with};
    let provider = Supabase::new();
    let mut samples = Samples::of(provider.spec());
    samples.identity = r#"[{"slug":"fake-account-1","name":"Somebody"}]"#.into();
    check_with(&provider, &registration("supabase"), &samples);
    let post = registration("supabase").authentication(ClientAuthentication::Post);
    check_with(&provider, &post, &samples);
}
