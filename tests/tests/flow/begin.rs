//! Who begins a flow, what its address asks for and what is kept of it (FLOW-01 to FLOW-07).

use std::{collections::BTreeSet, fs};

use bailee::{
    BeginOptions, ClientSecret, ErrorKind, HostId, Owner, Registration, TenantId, Visitor,
    core::{Clock, Id, sha256},
    providers::Environment,
    store::{Key, Kind, Query},
};
use bailee_testkit::{
    World,
    emulator::{Client, Endpoint},
};
use bailee_tests::{NOTES, PUBLISH, Trip, location, mount, sqlite_world, world};
use http::{HeaderValue, header};
use url::{Url, form_urlencoded};

pub(crate) const FLOW: Kind = Kind::from_static("flow");

/// The open flows of a person.
pub(crate) async fn open_flows(w: &World, visitor: &Visitor) -> usize {
    let subject = w.bailee.vault().subject(visitor.tenant(), visitor.person()).await.unwrap();
    let Some(subject) = subject else { return 0 };
    let query = Query::of_kind(FLOW).subject(subject).limit(1000);
    w.store().find(&TenantId::SYSTEM, &query).await.unwrap().records.len()
}

/// A parameter of an address that stands there once.
pub(crate) fn once(url: &Url, name: &str) -> Option<String> {
    let found: Vec<_> =
        url.query_pairs().filter(|(known, _)| known == name).map(|(_, value)| value).collect();
    assert!(found.len() <= 1, "{name} stands twice");
    found.first().map(ToString::to_string)
}

/// The fields of the last exchange at a site.
pub(crate) fn exchanged(w: &World, site: &str) -> Vec<(String, String)> {
    let requests = w.site(site).requests();
    let exchange = requests.iter().rfind(|request| request.endpoint == Endpoint::Exchange);
    form_urlencoded::parse(&exchange.unwrap().body).into_owned().collect()
}

pub(crate) fn field<'a>(form: &'a [(String, String)], name: &str) -> Option<&'a str> {
    form.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
}

/// 32 bytes in base64url without padding.
pub(crate) fn is_token(text: &str) -> bool {
    // The last of 43 characters carries four bits only.
    text.len() == 43
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b))
        && text.ends_with(|c| "AEIMQUYcgkosw048".contains(c))
}

#[tokio::test]
async fn flow_01_only_whom_the_host_lets_connect_begins_a_flow() {
    let w = world().build().await.unwrap();
    let connections = w.bailee.connections();
    let removed = w.visitor("removed");
    w.access.remove(removed.person(), removed.tenant());
    let error = connections.begin(&removed, "notes", &[NOTES]).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Denied);
    let nobody = Visitor::new(TenantId::SYSTEM, HostId::text("ada"), "a session");
    let error = connections.begin(&nobody, "notes", &[NOTES]).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Denied);
    w.access.break_down(true);
    let error = connections.begin(&w.visitor("ada"), "notes", &[NOTES]).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::HostFailed);
    for visitor in [&removed, &w.visitor("ada")] {
        assert_eq!(open_flows(&w, visitor).await, 0);
    }
}

#[tokio::test]
async fn flow_01_only_a_post_from_the_services_own_origin_may_begin_a_flow() {
    use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};

    let w = world().build().await.unwrap();
    let connections = w.bailee.connections();
    let headers = |pairs: &[(&'static str, &'static str)]| {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            let name = HeaderName::from_static(name);
            headers.append(name, HeaderValue::from_static(value));
        }
        headers
    };
    let own = ("origin", "https://app.example.test");
    for good in [vec![own], vec![("sec-fetch-site", "same-origin")]] {
        connections.admit_start(&Method::POST, &headers(&good)).unwrap();
    }
    for method in [Method::GET, Method::HEAD, Method::PUT, Method::OPTIONS] {
        let refusal = connections.admit_start(&method, &headers(&[own])).unwrap_err();
        assert_eq!(refusal.answer().status(), StatusCode::METHOD_NOT_ALLOWED, "{method}");
        assert_eq!(refusal.answer().headers()["allow"], "POST");
    }
    for foreign in [
        vec![],
        vec![("origin", "https://evil.example")],
        vec![("origin", "null")],
        vec![("origin", "https://app.example.test.evil.example")],
        vec![("origin", "https://app.example.test:8443")],
        vec![("origin", "http://app.example.test")],
        vec![own, ("origin", "https://evil.example")],
        vec![("origin", "https://evil.example"), ("sec-fetch-site", "same-origin")],
        vec![("sec-fetch-site", "cross-site")],
        vec![("sec-fetch-site", "same-site")],
        vec![("sec-fetch-site", "none")],
        vec![("sec-fetch-site", "same-origin"), ("sec-fetch-site", "cross-site")],
    ] {
        let refusal = connections.admit_start(&Method::POST, &headers(&foreign)).unwrap_err();
        assert_eq!(refusal.answer().status(), StatusCode::FORBIDDEN, "{foreign:?}");
        assert_eq!(refusal.reason(), bailee::RefusalReason::ForeignOrigin);
    }
}

#[tokio::test]
async fn flow_01_what_is_not_declared_or_registered_begins_nothing() {
    let w = world().build().await.unwrap();
    let ada = w.visitor("ada");
    let connections = w.bailee.connections();
    let undeclared = bailee::PurposeId::from_static("sell.data");
    for (registration, purposes) in [
        ("nobody", vec![PUBLISH]),
        ("tiktok", vec![undeclared]),
        ("tiktok", vec![NOTES]),
        ("notes", vec![NOTES, PUBLISH]),
        ("tiktok", vec![]),
    ] {
        let begun = connections.begin(&ada, registration, &purposes).await;
        assert!(begun.is_err(), "{registration} {purposes:?}");
    }
    assert_eq!(open_flows(&w, &ada).await, 0);
}

#[tokio::test]
async fn flow_02_each_flow_has_a_state_and_a_nonce_of_32_random_bytes() {
    let w = world().build().await.unwrap();
    let ada = w.visitor("ada");
    let mut seen = BTreeSet::new();
    for _ in 0..25 {
        let begun = w.bailee.connections().begin(&ada, "notes", &[NOTES]).await.unwrap();
        let url = location(begun.answer());
        for name in ["state", "nonce"] {
            let value = once(&url, name).unwrap();
            assert!(is_token(&value), "{name}");
            assert!(seen.insert(value), "{name} is repeated");
        }
    }
}

#[tokio::test]
async fn flow_03_each_flow_proves_itself_with_a_verifier_of_its_own() {
    let w = world().build().await.unwrap();
    let ada = w.visitor("ada");
    let mut seen = BTreeSet::new();
    for _ in 0..5 {
        let trip = Trip::begin(&w, &ada, "notes", &[NOTES]).await;
        let url = location(trip.begun.answer());
        assert_eq!(once(&url, "code_challenge_method").as_deref(), Some("S256"));
        let challenge = once(&url, "code_challenge").unwrap();
        trip.complete(&w, &ada).await.unwrap();
        let form = exchanged(&w, "id.example.test");
        let verifier = field(&form, "code_verifier").unwrap().to_owned();
        assert!((43..=128).contains(&verifier.len()));
        assert_ne!(verifier, challenge);
        assert!(!url.as_str().contains(&verifier));
        assert!(seen.insert(verifier), "a verifier is repeated");
    }
    // The emulator demands S256 and compares; TikTok's web flow takes none.
    let trip = Trip::begin(&w, &ada, "tiktok", &[PUBLISH]).await;
    let url = location(trip.begun.answer());
    assert_eq!((once(&url, "code_challenge"), once(&url, "code_challenge_method")), (None, None));
    trip.complete(&w, &ada).await.unwrap();
    assert_eq!(field(&exchanged(&w, "tiktok"), "code_verifier"), None);
}

#[tokio::test]
async fn flow_04_a_flow_lies_under_the_hash_of_its_state_for_ten_minutes() {
    let w = world().build().await.unwrap();
    let ada = w.visitor("ada");
    let trip = Trip::begin(&w, &ada, "notes", &[NOTES]).await;
    let state = trip.parameter("state");
    let key = Key::new(FLOW, Id::from_digest(&sha256(state.as_bytes())));
    let snapshot = w.store().read(&TenantId::SYSTEM, &[key]).await.unwrap();
    let record = snapshot.records[0].as_ref().expect("the flow is found by its state alone");
    let ends = w.clock.now().plus(std::time::Duration::from_secs(600));
    assert_eq!(record.expires, Some(ends));
    assert_eq!(record.facet.0, 0);
}

#[tokio::test]
async fn flow_04_a_dump_of_the_store_shows_nothing_of_a_flow() {
    let (w, folder) = sqlite_world().await.unwrap();
    let ada = w.visitor("ada");
    let trip = Trip::begin(&w, &ada, "notes", &[NOTES]).await;
    let mut dump = Vec::new();
    for file in fs::read_dir(folder.path().join("vault")).unwrap() {
        dump.extend(fs::read(file.unwrap().path()).unwrap());
    }
    let url = location(trip.begun.answer());
    let (state, nonce) = (once(&url, "state").unwrap(), once(&url, "nonce").unwrap());
    let secret = trip.cookie().1;
    trip.complete(&w, &ada).await.unwrap();
    let form = exchanged(&w, "id.example.test");
    let verifier = field(&form, "code_verifier").unwrap();
    for (what, text) in [
        ("the state", state.as_str()),
        ("the nonce", nonce.as_str()),
        ("the verifier", verifier),
        ("the browser's secret", secret.as_str()),
        ("the person", "session of ada"),
        ("the redirect", "connect/notes/callback"),
        ("the scopes", "notes.write"),
    ] {
        let found = dump.windows(text.len()).any(|window| window == text.as_bytes());
        assert!(!found, "{what} can be read in the files");
    }
    // The same search finds what is in the clear.
    assert!(dump.windows(10).any(|window| window == b"flow.begun"));
}

#[tokio::test]
async fn flow_05_only_a_code_is_asked_for() {
    let w = world().build().await.unwrap();
    let ada = w.visitor("ada");
    for (registration, purpose) in [("notes", NOTES), ("tiktok", PUBLISH)] {
        let begun = w.bailee.connections().begin(&ada, registration, &[purpose]).await.unwrap();
        let url = location(begun.answer());
        assert_eq!(once(&url, "response_type").as_deref(), Some("code"));
        for name in ["response_mode", "grant_type", "client_secret", "request", "request_uri"] {
            assert_eq!(once(&url, name), None, "{name}");
        }
    }
}

#[tokio::test]
async fn flow_06_no_header_of_a_request_changes_an_address() {
    let w = world().build().await.unwrap();
    let ada = w.visitor("ada");
    let trip = Trip::begin(&w, &ada, "notes", &[NOTES]).await;
    let wanted = format!("{}/notes/callback", mount());
    let asked = once(&location(trip.begun.answer()), "redirect_uri");
    assert_eq!(asked.as_deref(), Some(wanted.as_str()));
    let mut headers = trip.headers();
    for name in ["host", "x-forwarded-host", "x-forwarded-proto", "forwarded", "x-original-url"] {
        headers.append(name, HeaderValue::from_static("evil.example"));
    }
    let request = trip.at(trip.query(), &headers);
    let completed = w.bailee.connections().complete(&ada, request).await.unwrap();
    assert_eq!(completed.answer.headers()[header::LOCATION], "/#");
    let form = exchanged(&w, "id.example.test");
    assert_eq!(field(&form, "redirect_uri"), Some(wanted.as_str()));
}

fn second(owner: Option<&'static str>) -> Registration {
    let secret = ClientSecret::copy_from(b"fake-client-secret-two");
    let second = Registration::new("notes", "fake-client-2", secret).unwrap();
    let second = second.id("notes-two").unwrap().environment(Environment::Emulator);
    match owner {
        Some(owner) => second.owned_by(TenantId::from_static(owner)),
        None => second,
    }
}

fn add_second_client(w: &World) {
    let client = Client::new("fake-client-2")
        .secret("fake-client-secret-two")
        .redirect(format!("{}/notes-two/callback", mount()));
    w.site("id.example.test").add_client(client).unwrap();
}

#[tokio::test]
async fn flow_07_two_registrations_of_one_provider_share_no_path_and_no_connection() {
    let w = world().change(|builder| builder.registration(second(None))).build().await.unwrap();
    add_second_client(&w);
    let ada = w.visitor("ada");
    let first = Trip::begin(&w, &ada, "notes", &[NOTES]).await;
    let other = Trip::begin(&w, &ada, "notes-two", &[NOTES]).await;
    assert_ne!(first.back.path(), other.back.path());
    let other_client = once(&location(other.begun.answer()), "client_id");
    assert_eq!(other_client.as_deref(), Some("fake-client-2"));
    let first = first.complete(&w, &ada).await.unwrap();
    let other = other.complete(&w, &ada).await.unwrap();
    assert!(!other.reconnected);
    assert_ne!(first.connection, other.connection);
}

#[tokio::test]
async fn flow_07_one_id_cannot_be_registered_twice() {
    let twice = world()
        .change(|builder| builder.registration(second(None)).registration(second(None)))
        .build()
        .await;
    assert_eq!(twice.unwrap_err().kind(), ErrorKind::Configuration);
}

#[tokio::test]
async fn flow_07_another_tenants_registration_is_as_unknown_as_none() {
    let w =
        world().change(|builder| builder.registration(second(Some("acme")))).build().await.unwrap();
    add_second_client(&w);
    let connections = w.bailee.connections();
    let stranger = w.visitor_in("globex", "ada");
    let foreign = connections.begin(&stranger, "notes-two", &[NOTES]).await.unwrap_err();
    let unknown = connections.begin(&stranger, "notes-six", &[NOTES]).await.unwrap_err();
    assert_eq!((foreign.kind(), foreign.remedy()), (unknown.kind(), unknown.remedy()));
    assert_eq!(foreign.to_string().replace("two", "six"), unknown.to_string());
    assert_eq!(open_flows(&w, &stranger).await, 0);
    let ada = w.visitor("ada");
    let own = Trip::begin(&w, &ada, "notes-two", &[NOTES]).await.complete(&w, &ada).await;
    let own = own.unwrap().connection;
    assert_eq!(own.tenant(), ada.tenant());
    // Nor can it be used by name for a connection of the tenant.
    let mut options = BeginOptions::default();
    options.for_tenant = true;
    let begun = connections.begin_with(&stranger, "notes-two", &[NOTES], options).await;
    assert_eq!(begun.unwrap_err().kind(), ErrorKind::Configuration);
    assert!(matches!(own.owner(), Owner::Subject(_)));
}
