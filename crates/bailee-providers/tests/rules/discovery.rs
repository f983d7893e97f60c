use bailee_core::{ErrorKind, ScopeName, State, Verifier};
use bailee_providers::{
    AuthorizeAsk, Endpoint, Failure, FailureKind, Generic, Metadata, Provider, Spec, discovery,
    spec::{ClientAuthentication, RevokeStyle},
};
use serde_json::{Value, json};

use crate::support::{address, answer, context, drive, json as reply, registration};

const FILE: &str = include_str!("../../specs/example-oidc.toml");
const DOCUMENT: &str = include_str!("../fixtures/metadata.json");

fn fetch(document: &str) -> Result<Metadata, Failure> {
    let spec = Spec::parse(FILE).unwrap();
    drive(&mut *discovery(&spec), vec![reply(200, document)]).1
}

fn changed(name: &str, value: Value) -> Result<Metadata, Failure> {
    let mut document: Value = serde_json::from_str(DOCUMENT).unwrap();
    match value {
        Value::Null => drop(document.as_object_mut().unwrap().remove(name)),
        value => document[name] = value,
    }
    fetch(&document.to_string())
}

#[test]
fn metadata_is_looked_for_in_three_places_in_order() {
    let spec = Spec::parse(FILE).unwrap();
    let (requests, outcome) = drive(
        &mut *discovery(&spec),
        vec![reply(404, ""), reply(404, "<html>"), reply(200, DOCUMENT)],
    );
    assert!(outcome.is_ok());
    let places: Vec<&str> = requests.iter().map(address).collect();
    assert_eq!(
        places,
        [
            "https://login.example.test/tenant1/.well-known/openid-configuration",
            "https://login.example.test/.well-known/oauth-authorization-server/tenant1",
            "https://login.example.test/.well-known/openid-configuration/tenant1",
        ]
    );
    assert!(requests.iter().all(|request| request.endpoint == Endpoint::Discovery));
    // Without a path the last is the first, and is not asked twice.
    let spec = Spec::parse(&FILE.replace("/tenant1", "")).unwrap();
    let (requests, outcome) = drive(&mut *discovery(&spec), vec![reply(404, ""), reply(404, "")]);
    assert_eq!(requests.len(), 2);
    assert_eq!(outcome.unwrap_err().kind, FailureKind::Unsupported);
}

#[test]
fn a_server_that_is_down_ends_the_search() {
    let spec = Spec::parse(FILE).unwrap();
    let (requests, outcome) = drive(&mut *discovery(&spec), vec![reply(503, "")]);
    assert_eq!(requests.len(), 1);
    assert_eq!(outcome.unwrap_err().kind, FailureKind::Unavailable);
}

#[test]
fn flow_09_the_issuer_is_the_configured_one_byte_for_byte() {
    for other in [
        "https://login.example.test/tenant1/",
        "https://login.example.test/Tenant1",
        "https://login.example.test:443/tenant1",
        "https://login.example.test/tenant%31",
        "https://login.example.test",
        "http://login.example.test/tenant1",
        "https://evil.example.test/tenant1",
        "",
    ] {
        let failure = changed("issuer", json!(other)).unwrap_err();
        assert_eq!(failure.kind, FailureKind::Malformed, "{other}");
    }
    assert!(changed("issuer", Value::Null).is_err());
}

#[test]
fn flow_09_endpoints_are_https_on_named_hosts() {
    for name in [
        "authorization_endpoint",
        "token_endpoint",
        "jwks_uri",
        "userinfo_endpoint",
        "revocation_endpoint",
        "introspection_endpoint",
    ] {
        for bad in [
            "http://login.example.test/x",
            "https://127.0.0.1/x",
            "https://[::1]/x",
            "https://localhost/x",
            "https://login.example.test:8443/x",
            "https://user@login.example.test/x",
            "https://login.example.test/x#y",
            "https://2130706433/x",
            "javascript:alert(1)",
            "/x",
            "",
        ] {
            assert!(changed(name, json!(bad)).is_err(), "{name} {bad}");
        }
    }
    assert!(changed("token_endpoint", json!("https://login.example.test/t?x=1")).is_err());
    let kept = changed("authorization_endpoint", json!("https://login.example.test/a?x=1"));
    assert_eq!(kept.unwrap().authorization.unwrap().query(), Some("x=1"));
}

#[test]
fn flow_09_hosts_are_pinned() {
    let spec = Spec::parse(FILE).unwrap();
    let metadata = fetch(DOCUMENT).unwrap();
    assert!(spec.resolve(&metadata).is_ok());
    let moved = changed("token_endpoint", json!("https://other.example.test/token")).unwrap();
    let error = spec.resolve(&moved).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Configuration);

    // A spec without hosts takes those that are found, and holds the next ones to them.
    let open = FILE.replace("hosts = [\"login.example.test\", \"api.example.test\"]\n", "");
    let open = Spec::parse(&open).unwrap();
    assert_eq!(open.hosts_for(Endpoint::Discovery), ["login.example.test"]);
    assert!(open.hosts_for(Endpoint::Token).is_empty());
    let first = open.resolve(&metadata).unwrap();
    assert_eq!(first.hosts, ["login.example.test", "api.example.test"]);
    let pinned = open.pin(&first.hosts).unwrap();
    assert!(pinned.resolve(&metadata).is_ok());
    assert!(pinned.resolve(&moved).is_err());
    assert!(open.pin(&["127.0.0.1".into()]).is_err());
}

#[test]
fn a_document_that_is_not_one_or_cannot_serve_is_refused() {
    for bad in ["", "[]", "{", "null", "{\"issuer\":1}"] {
        assert_eq!(fetch(bad).unwrap_err().kind, FailureKind::Malformed, "{bad}");
    }
    let twice = DOCUMENT.replacen('{', "{\"issuer\":\"https://evil.example.test\",", 1);
    assert!(fetch(&twice).is_err());
    for (name, value) in [
        ("response_types_supported", json!(["token"])),
        ("response_types_supported", Value::Null),
        ("response_modes_supported", json!(["form_post"])),
        ("grant_types_supported", json!(["implicit"])),
        ("require_pushed_authorization_requests", json!(true)),
        ("id_token_signing_alg_values_supported", json!(["HS256", "none"])),
    ] {
        let failure = changed(name, value.clone()).unwrap_err();
        assert_eq!(failure.kind, FailureKind::Unsupported, "{name} {value}");
    }
    let spec = Spec::parse(FILE).unwrap();
    let page = answer(200, &[("content-type", "text/html")], DOCUMENT.as_bytes());
    assert!(drive(&mut *discovery(&spec), vec![page]).1.is_err());
}

#[test]
fn cook_05_a_server_has_to_answer_in_the_way_that_the_spec_asks_for() {
    let posting = format!("{FILE}\n[authorization]\nresponse_mode = \"form_post\"\n");
    let posting = Spec::parse(&posting).unwrap();
    let listing = |spec: &Spec, modes: Value| {
        let mut document: Value = serde_json::from_str(DOCUMENT).unwrap();
        document["response_modes_supported"] = modes;
        drive(&mut *discovery(spec), vec![reply(200, &document.to_string())]).1
    };
    for modes in [json!(["form_post"]), json!(["query", "form_post"]), Value::Null] {
        assert!(listing(&posting, modes.clone()).is_ok(), "{modes}");
    }
    for modes in [json!(["query"]), json!(["query", "fragment"]), json!([])] {
        let failure = listing(&posting, modes.clone()).unwrap_err();
        assert_eq!(failure.kind, FailureKind::Unsupported, "{modes}");
    }
    let asking = Spec::parse(FILE).unwrap();
    assert!(listing(&asking, json!(["query", "form_post"])).is_ok());
}

#[test]
fn what_the_spec_leaves_open_comes_from_the_metadata() {
    let spec = Spec::parse(FILE).unwrap();
    assert!(spec.needs_discovery());
    let resolved = spec.resolve(&fetch(DOCUMENT).unwrap()).unwrap();
    assert!(!resolved.needs_discovery());
    assert!(resolved.iss_in_callback);
    assert_eq!(resolved.client.authentication, Some(ClientAuthentication::Basic));
    assert_eq!(resolved.revoke.style, RevokeStyle::Rfc7009);
    let post = changed("token_endpoint_auth_methods_supported", json!(["client_secret_post"]));
    let resolved = spec.resolve(&post.unwrap()).unwrap();
    assert_eq!(resolved.client.authentication, Some(ClientAuthentication::Post));
    let jwt = changed("token_endpoint_auth_methods_supported", json!(["private_key_jwt"]));
    let resolved = spec.resolve(&jwt.unwrap()).unwrap();
    assert_eq!(resolved.client.authentication, Some(ClientAuthentication::PrivateKeyJwt));
    let other = changed("token_endpoint_auth_methods_supported", json!(["tls_client_auth"]));
    assert!(spec.resolve(&other.unwrap()).is_err());
    let silent = changed("revocation_endpoint", Value::Null).unwrap();
    assert_eq!(spec.resolve(&silent).unwrap().revoke.style, RevokeStyle::None);
    for name in ["authorization_endpoint", "token_endpoint", "jwks_uri"] {
        assert!(spec.resolve(&changed(name, Value::Null).unwrap()).is_err(), "{name}");
    }
    let written = format!("{FILE}\n[endpoints]\ntoken = \"https://api.example.test/token\"\n");
    let resolved = Spec::parse(&written).unwrap().resolve(&fetch(DOCUMENT).unwrap()).unwrap();
    assert_eq!(resolved.endpoints.token.as_ref().unwrap().host_str(), Some("api.example.test"));
}

#[test]
fn flow_03_a_public_client_needs_a_server_that_lists_s256() {
    let spec = Spec::parse(FILE).unwrap();
    let begin = |metadata: Metadata, public: bool| {
        let spec = spec.resolve(&metadata).unwrap();
        let mut registration = registration("example");
        registration.public = public;
        let scopes = [ScopeName::from_static("openid")];
        let state = State::copy_from(b"fake-state");
        let verifier = Verifier::copy_from(&[b'v'; 43]);
        let mut ask = AuthorizeAsk::new(&scopes, "https://app.example.test/cb", &state);
        ask.verifier = Some(&verifier);
        Generic::new(spec.clone()).authorize(&context(&spec, &registration), &ask)
    };
    let silent = || changed("code_challenge_methods_supported", Value::Null).unwrap();
    let plain = || changed("code_challenge_methods_supported", json!(["plain"])).unwrap();
    assert!(begin(fetch(DOCUMENT).unwrap(), true).is_ok());
    for metadata in [silent(), plain()] {
        let error = begin(metadata, true).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Configuration);
    }
    // A confidential client sends it all the same.
    let url = begin(silent(), false).unwrap();
    assert!(url.as_str().contains("code_challenge_method=S256"));
}
