use std::time::Duration;

use bailee_core::{
    CredentialName, ErrorKind, ProviderId, RegistrationId, Remedy, ScopeName, State, Timestamp,
    Verifier,
};
use bailee_providers::{
    Answer, AuthorizeAsk, CredentialFacts, ExchangeAsk, Failure, FailureKind, Grant, GrantFacts,
    Json, Operation, Paged, Payload, Provider, Registration, Request, RevokePlan, Revoked,
    SecretRef, Value,
    hubspot::{CreateContact, CreatedContact, HubSpot, ListOwners},
    spec::{Pkce, RefreshClass, RevokeEnds, RevokeStyle},
};

use crate::support::{NOW, address, answer, context, drive, json, registration};

const TOKEN: &str = r#"{"access_token":"fake-a","refresh_token":"fake-r","expires_in":1800,
    "token_type":"bearer","hub_id":7,"user_id":9,"token_use":"access_token",
    "scopes":["oauth","crm.objects.contacts.write"]}"#;
const WRITE: &str = "crm.objects.contacts.write";
const OWNERS: &str = "crm.objects.owners.read";

fn scopes(names: &[&'static str]) -> Vec<ScopeName> {
    names.iter().map(|name| ScopeName::from_static(name)).collect()
}

#[test]
fn the_facts_are_those_of_the_pages() {
    let provider = HubSpot::new();
    let spec = provider.spec();
    let url = |url: &Option<url::Url>| url.as_ref().unwrap().to_string();
    let endpoints = &spec.endpoints;
    assert_eq!(url(&endpoints.authorization), "https://app.hubspot.com/oauth/authorize");
    assert_eq!(url(&endpoints.token), "https://api.hubapi.com/oauth/2026-03/token");
    assert_eq!(url(&endpoints.revocation), "https://api.hubapi.com/oauth/2026-03/token/revoke");
    let introspection = "https://api.hubapi.com/oauth/2026-03/token/introspect";
    assert_eq!(url(&endpoints.introspection), introspection);
    assert_eq!(spec.hosts_for(bailee_providers::Endpoint::Token), ["api.hubapi.com"]);
    assert_eq!(spec.refresh.class, RefreshClass::Strict);
    let revoke = &spec.revoke;
    assert_eq!((revoke.style, revoke.ends), (RevokeStyle::RefreshToken, RevokeEnds::Account));
    assert!(revoke.leaves.iter().any(|sentence| sentence.contains("30 minutes")));
    assert!(revoke.leaves.iter().any(|sentence| sentence.contains("uninstall")));
}

/// A registration for another version, and the spec with it.
fn newer() -> (HubSpot, Registration) {
    let registration = Registration::new(
        RegistrationId::from_static("test"),
        ProviderId::from_static("hubspot"),
        "fake-client",
    );
    let registration =
        registration.variable("oauth_version", "2026-09").variable("crm_version", "2026-09");
    (HubSpot::new(), registration)
}

#[test]
fn the_dated_version_is_a_matter_of_the_registration() {
    let (provider, registration) = newer();
    let spec = provider.spec().with_variables(&registration.variables).unwrap();
    let cx = context(&spec, &registration);
    let ask = ExchangeAsk { redirect_uri: "https://app.example.test/cb", pkce: false };
    let (requests, _) = drive(&mut *provider.exchange(&cx, &ask), vec![json(200, TOKEN)]);
    assert_eq!(address(&requests[0]), "https://api.hubapi.com/oauth/2026-09/token");
    let contact = CreateContact::new("grace@people.example");
    let (requests, _) = drive(&mut *contact.start(&cx), vec![json(201, r#"{"id":"5"}"#)]);
    assert_eq!(address(&requests[0]), "https://api.hubapi.com/crm/objects/2026-09/contacts");
    // What could leave the path is no version.
    let mut values = registration.variables.clone();
    values.insert("oauth_version".into(), "../v1".into());
    assert!(provider.spec().with_variables(&values).is_err());
}

fn authorize(
    provider: &HubSpot,
    registration: &Registration,
    asked: &[&'static str],
) -> bailee_core::Result<Vec<(String, String)>> {
    let (scopes, state) = (scopes(asked), State::copy_from(b"fake-state"));
    let verifier = Verifier::copy_from(b"dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk");
    let mut ask = AuthorizeAsk::new(&scopes, "https://app.example.test/cb", &state);
    ask.verifier = Some(&verifier);
    let cx = context(provider.spec(), registration);
    let url = provider.authorize(&cx, &ask)?.into_url();
    Ok(url.query_pairs().into_owned().collect())
}

#[test]
fn a_scope_that_may_be_ruled_out_is_asked_for_apart() {
    let registration = registration("hubspot");
    let value = |pairs: &[(String, String)], name: &str| {
        pairs.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone())
    };
    let strict = authorize(&HubSpot::new(), &registration, &["oauth", WRITE, OWNERS]).unwrap();
    assert_eq!(value(&strict, "scope").unwrap(), format!("oauth {WRITE} {OWNERS}"));
    assert_eq!(value(&strict, "optional_scope"), None);
    assert!(value(&strict, "code_challenge").is_some());
    let lenient = HubSpot::new().optional(scopes(&[OWNERS, "tickets"]));
    let pairs = authorize(&lenient, &registration, &["oauth", WRITE, OWNERS]).unwrap();
    assert_eq!(value(&pairs, "scope").unwrap(), format!("oauth {WRITE}"));
    assert_eq!(value(&pairs, "optional_scope").as_deref(), Some(OWNERS));
    let unknown = HubSpot::new().optional(scopes(&["fake.scope"]));
    assert!(authorize(&unknown, &registration, &["oauth", "fake.scope"]).is_err());
    let plain = registration.pkce(Pkce::None);
    let pairs = authorize(&HubSpot::new(), &plain, &["oauth"]).unwrap();
    assert_eq!(value(&pairs, "code_challenge"), None);
}

fn exchange(answer: Answer) -> Result<Grant, Failure> {
    let provider = HubSpot::new();
    let registration = registration("hubspot");
    let cx = context(provider.spec(), &registration);
    let ask = ExchangeAsk { redirect_uri: "https://app.example.test/cb", pkce: true };
    drive(&mut *provider.exchange(&cx, &ask), vec![answer]).1
}

#[test]
fn tok_05_scopes_come_as_an_array_and_one_that_was_ruled_out_is_missing() {
    let grant = exchange(json(200, TOKEN)).unwrap();
    assert_eq!(grant.credentials[0].scopes, Some(scopes(&["oauth", WRITE])));
    assert_eq!(grant.credentials[0].expires_in, Some(Duration::from_secs(1800)));
    let comparison = grant.compare_scopes(&scopes(&["oauth", WRITE, OWNERS]));
    assert_eq!(comparison.missing, scopes(&[OWNERS]));
    assert!(comparison.unasked.is_empty());
}

#[test]
fn the_status_of_an_oauth_error_says_more_than_its_error() {
    use FailureKind::*;
    for (status, word, kind) in [
        (400, "BAD_REFRESH_TOKEN", GrantOver),
        (400, "BAD_AUTH_CODE", GrantOver),
        (400, "EXPIRED_AUTH_CODE", GrantOver),
        (400, "BAD_CLIENT_ID", ClientConfiguration),
        (401, "BAD_CLIENT_SECRET", ClientConfiguration),
        (400, "MISMATCH_REDIRECT_URI_AUTH_CODE", ClientConfiguration),
        // An unknown word leaves it to the error.
        (400, "FAKE_WORD", GrantOver),
        (500, "BAD_REFRESH_TOKEN", Unavailable),
        (429, "BAD_REFRESH_TOKEN", RateLimited),
    ] {
        let body = format!(
            r#"{{"error":"invalid_grant","error_description":"fake","status":"{word}","message":"fake"}}"#
        );
        let failure = exchange(json(status, &body)).unwrap_err();
        assert_eq!(failure.kind, kind, "{status} {word}");
        assert!(!format!("{failure:?}").to_lowercase().contains("fake"), "{word}");
    }
    let bare = exchange(json(400, r#"{"status":"BAD_REFRESH_TOKEN"}"#)).unwrap_err();
    assert_eq!(bare.kind, GrantOver);
    assert_eq!(exchange(json(400, "{}")).unwrap_err().kind, Malformed);
}

#[test]
fn tok_06_an_account_is_portal_and_person_and_the_token_is_not_read() {
    let provider = HubSpot::new();
    let registration = registration("hubspot");
    let cx = context(provider.spec(), &registration);
    let identify = |body: &str| {
        let grant = GrantFacts::new(Vec::new());
        drive(&mut *provider.identity(&cx, &grant, None, None), vec![json(200, body)])
    };
    let body = r#"{"active":true,"token":"fake-canary-token","hub_id":7,"hub_domain":"portal.example",
        "user_id":9,"user":"fake@person.example","scopes":["oauth"],"expires_in":1700}"#;
    let (requests, account) = identify(body);
    let expected = "https://api.hubapi.com/oauth/2026-03/token/introspect";
    assert_eq!(address(&requests[0]), expected);
    let Payload::Form(fields) = &requests[0].payload else { panic!("no form") };
    assert_eq!(fields[0], ("token".into(), Value::Secret(SecretRef::AccessToken)));
    assert_eq!(fields[1], ("token_type_hint".into(), Value::text("access_token")));
    let account = account.unwrap();
    assert_eq!((account.id.kind(), account.id.value()), ("hub_user", "7:9"));
    assert_eq!(account.display.as_deref(), Some("portal.example"));
    assert!(!format!("{account:?}").contains("portal"));
    let kind = |body: &str| identify(body).1.unwrap_err().kind;
    assert_eq!(kind(r#"{"active":false}"#), FailureKind::AccessRejected);
    for hostile in [r#"{"active":true,"hub_id":7}"#, r#"{"hub_id":7,"user_id":"a b"}"#, "[]"] {
        assert_eq!(kind(hostile), FailureKind::Malformed, "{hostile}");
    }
}

fn revoke(answer: Answer) -> (Vec<Request>, Result<Revoked, Failure>) {
    let provider = HubSpot::new();
    let registration = registration("hubspot");
    let cx = context(provider.spec(), &registration);
    let facts = CredentialFacts::new(CredentialName::from_static("user"), Vec::new());
    drive(&mut *provider.revoke(&cx, &facts.with_refresh(None)), vec![answer])
}

#[test]
fn a_revocation_presents_the_refresh_token_alone() {
    let (requests, revoked) = revoke(answer(204, &[], b""));
    assert!(revoked.unwrap().confirmed);
    assert_eq!(requests.len(), 1);
    let expected = "https://api.hubapi.com/oauth/2026-03/token/revoke";
    assert_eq!(address(&requests[0]), expected);
    let Payload::Form(fields) = &requests[0].payload else { panic!("no form") };
    let names: Vec<&str> = fields.iter().map(|(name, _)| name.as_ref()).collect();
    assert_eq!(names, ["token", "token_type_hint", "client_id", "client_secret"]);
    assert_eq!(fields[0].1, Value::Secret(SecretRef::RefreshToken));
    assert_eq!(fields[1].1, Value::text("refresh_token"));
    for dead in [json(404, "{}"), json(400, r#"{"status":"BAD_REFRESH_TOKEN"}"#)] {
        assert!(revoke(dead).1.unwrap().confirmed);
    }
    assert!(!revoke(json(400, "{}")).1.unwrap().confirmed);
    let failed = |answer| revoke(answer).1.unwrap_err().kind;
    assert_eq!(
        failed(json(400, r#"{"status":"BAD_CLIENT_SECRET"}"#)),
        FailureKind::ClientConfiguration
    );
    assert_eq!(failed(json(503, "{}")), FailureKind::Unavailable);
    let provider = HubSpot::new();
    let registration = registration("hubspot");
    let cx = context(provider.spec(), &registration);
    let facts = CredentialFacts::new(CredentialName::from_static("user"), Vec::new())
        .expiring(Timestamp::from_seconds(NOW.as_seconds() - 1));
    assert_eq!(provider.revoke_plan(&cx, &facts), RevokePlan::Impossible);
    assert_eq!(provider.revoke_plan(&cx, &facts.with_refresh(None)), RevokePlan::Ready);
}

#[test]
fn answers_of_the_api_are_what_the_table_says() {
    use FailureKind::*;
    let provider = HubSpot::new();
    let registration = registration("hubspot");
    let cx = context(provider.spec(), &registration);
    for (status, category, kind) in [
        (400, "VALIDATION_ERROR", InvalidInput),
        (401, "EXPIRED_AUTHENTICATION", AccessRejected),
        (401, "INVALID_AUTHENTICATION", AccessRejected),
        (401, "MISSING_SCOPES", AccessRejected),
        (403, "MISSING_SCOPES", ScopeMissing),
        (403, "BANNED", Blocked),
        (403, "FAKE", Blocked),
        (404, "OBJECT_NOT_FOUND", InvalidInput),
        (409, "CONFLICT", InvalidInput),
        (414, "FAKE", InvalidInput),
        (521, "FAKE", Unavailable),
    ] {
        let body = format!(r#"{{"status":"error","message":"fake","category":"{category}"}}"#);
        let failure = provider.classify(&cx, &json(status, &body)).unwrap();
        assert_eq!(failure.kind, kind, "{status} {category}");
        assert!(!format!("{failure:?}").to_lowercase().contains("fake"), "{category}");
    }
    // Every member may be missing.
    assert_eq!(provider.classify(&cx, &json(401, "{}")).unwrap().kind, AccessRejected);
    assert_eq!(provider.classify(&cx, &json(200, "{}")), None);
}

#[test]
fn out_08_what_passes_says_how_long_it_takes() {
    use FailureKind::*;
    let provider = HubSpot::new();
    let registration = registration("hubspot");
    let cx = context(provider.spec(), &registration);
    for (status, wait, policy, kind, seconds) in [
        (423, None, "", Unavailable, 2),
        (423, Some("1"), "", Unavailable, 2),
        (423, Some("30"), "", Unavailable, 30),
        (429, None, "SECONDLY", RateLimited, 1),
        (429, None, "TEN_SECONDLY_ROLLING", RateLimited, 10),
        (429, None, "", RateLimited, 10),
        (429, None, "DAILY", RateLimited, 3600),
        (429, Some("4"), "DAILY", RateLimited, 4),
        (477, Some("90"), "", Unavailable, 90),
        // A day is more than anybody is told to wait.
        (477, Some("86400"), "", Unavailable, 3600),
        (477, None, "", Unavailable, 3600),
    ] {
        let mut headers = vec![("content-type", "application/json")];
        headers.extend(wait.map(|wait| ("retry-after", wait)));
        let body = format!(r#"{{"policyName":"{policy}"}}"#);
        let failure = provider.classify(&cx, &answer(status, &headers, body.as_bytes())).unwrap();
        assert_eq!(failure.kind, kind, "{status}");
        let expected = Remedy::Wait(Duration::from_secs(seconds));
        assert_eq!(failure.remedy(), expected, "{status} {wait:?} {policy}");
    }
}

fn create(
    contact: &CreateContact,
    answer: Answer,
) -> (Vec<Request>, Result<CreatedContact, Failure>) {
    let provider = HubSpot::new();
    let registration = registration("hubspot");
    let cx = context(provider.spec(), &registration);
    drive(&mut *contact.start(&cx), vec![answer])
}

#[test]
fn a_contact_is_created_or_the_one_that_is_there_is_named() {
    let contact = CreateContact::new("grace@people.example").first_name("Grace").company("Navy");
    let (requests, created) = create(&contact, json(201, r#"{"id":"512","archived":false}"#));
    let expected = serde_json::json!({"properties": {
        "email": "grace@people.example", "firstname": "Grace", "company": "Navy",
    }});
    assert!(requests[0].payload == Payload::Json(Json::of(&expected).unwrap()));
    assert_eq!(created.unwrap(), CreatedContact::Created { id: "512".into() });
    let conflict = |message: &str| {
        let body = format!(r#"{{"status":"error","category":"CONFLICT","message":"{message}"}}"#);
        create(&contact, json(409, &body)).1
    };
    let known = conflict("Contact already exists. Existing ID: 77").unwrap();
    assert_eq!(known, CreatedContact::Existing { id: "77".into() });
    assert!(!format!("{known:?}{contact:?}").contains("77"));
    for message in ["Contact already exists.", "Existing ID: fake", "Existing ID: "] {
        let failure = conflict(message).unwrap_err();
        assert_eq!(failure.kind, FailureKind::InvalidInput, "{message}");
        assert_eq!(failure.code.unwrap().as_str(), "CONFLICT");
    }
    for hostile in [r#"{"id":"../x"}"#, r#"{"id":12}"#, "[]"] {
        let failure = create(&contact, json(201, hostile)).1.unwrap_err();
        assert_eq!(failure.kind, FailureKind::Malformed, "{hostile}");
    }
}

#[test]
fn a_contact_of_whom_nothing_is_known_is_refused_before_anything_leaves() {
    let provider = HubSpot::new();
    let registration = registration("hubspot");
    let cx = context(provider.spec(), &registration);
    for contact in [
        CreateContact::without_email(),
        CreateContact::new(""),
        CreateContact::new("nobody"),
        CreateContact::new("@people.example"),
        CreateContact::new("a@b\r\nx: y"),
        CreateContact::new("grace@people.example").phone(" "),
        CreateContact::without_email().last_name("x".repeat(1001)),
    ] {
        assert_eq!(contact.check().unwrap_err().kind(), ErrorKind::InvalidInput);
        let (requests, outcome) = drive(&mut *contact.start(&cx), Vec::new());
        assert!(requests.is_empty());
        assert_eq!(outcome.unwrap_err().kind, FailureKind::InvalidInput);
    }
    assert!(CreateContact::without_email().phone("+353 1 000 0000").check().is_ok());
}

#[test]
fn owners_come_page_by_page() {
    let provider = HubSpot::new();
    let registration = registration("hubspot");
    let cx = context(provider.spec(), &registration);
    let page = |operation: &ListOwners, body: &str| {
        drive(&mut *operation.start(&cx), vec![json(200, body)])
    };
    let body = r#"{"results":[{"id":"1","email":"fake@people.example","firstName":"Fake"}],
        "paging":{"next":{"after":"42","link":"https://evil.example/x"}}}"#;
    let (requests, first) = page(&ListOwners::new(), body);
    assert_eq!(address(&requests[0]), "https://api.hubapi.com/crm/v3/owners");
    let first = first.unwrap();
    assert_eq!(first.items[0].email.as_deref(), Some("fake@people.example"));
    assert!(!format!("{:?}", first.items).contains("fake"));
    let next = ListOwners::new().after(first.next.unwrap());
    let (requests, last) = page(&next, r#"{"results":[]}"#);
    assert_eq!(address(&requests[0]), "https://api.hubapi.com/crm/v3/owners");
    assert!(requests[0].query.contains(&("after".into(), Value::text("42"))));
    assert!(last.unwrap().next.is_none());
}

#[test]
fn every_operation_fits_the_spec() {
    let provider = HubSpot::new();
    CreateContact::new("a@b").facts().check(provider.spec()).unwrap();
    ListOwners::new().facts().check(provider.spec()).unwrap();
}

#[cfg(feature = "conformance")]
#[test]
fn hubspot_conforms() {
    use bailee_providers::conformance::check;
    check(&HubSpot::new(), &registration("hubspot"));
    check(&HubSpot::new().optional(scopes(&[OWNERS])), &registration("hubspot").pkce(Pkce::None));
}
