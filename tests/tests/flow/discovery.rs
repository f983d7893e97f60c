//! Metadata that cannot be believed begins no flow (FLOW-09).

use bailee::ErrorKind;
use bailee_testkit::{
    World,
    emulator::{Endpoint, Fault},
};
use bailee_tests::{NOTES, Trip, location, world};

use crate::begin::open_flows;

async fn nothing_began(w: &World, what: &str) {
    let ada = w.visitor("ada");
    let error = w.bailee.connections().begin(&ada, "notes", &[NOTES]).await.expect_err(what);
    let kinds = [
        ErrorKind::Configuration,
        ErrorKind::ProviderRefused,
        ErrorKind::ProviderUnavailable,
        ErrorKind::TooLarge,
        ErrorKind::Unsupported,
    ];
    assert!(kinds.contains(&error.kind()), "{what}: {error:?}");
    assert!(!format!("{error} {error:?}").contains("evil"), "{what}: {error:?}");
    assert_eq!(open_flows(w, &ada).await, 0, "{what}");
    for request in w.emulator.requests() {
        assert_eq!(request.endpoint, Endpoint::Discovery, "{what}");
        assert_eq!(request.host, "id.example.test", "{what}");
    }
}

async fn now_it_begins(w: &World) {
    let ada = w.visitor("ada");
    Trip::begin(w, &ada, "notes", &[NOTES]).await.complete(w, &ada).await.unwrap();
}

#[tokio::test]
async fn flow_09_an_issuer_that_is_not_the_configured_one_byte_for_byte_is_refused() {
    let w = world().build().await.unwrap();
    let site = w.site("id.example.test");
    for issuer in [
        "https://id.example.test/",
        "https://ID.example.test",
        "https://id.example.test:443",
        "https://id%2eexample.test",
        "http://id.example.test",
        "https://evil.test",
        "https://id.example.test.evil.test",
        "",
    ] {
        let raw = format!("{issuer:?}");
        site.change_issuer(|switches| {
            switches.metadata.insert("issuer".into(), Some(raw));
        });
        nothing_began(&w, issuer).await;
    }
    site.change_issuer(|switches| {
        switches.metadata.insert("issuer".into(), None);
    });
    nothing_began(&w, "no issuer").await;
    site.change_issuer(|switches| switches.metadata.clear());
    now_it_begins(&w).await;
}

#[tokio::test]
async fn flow_09_endpoints_that_are_not_https_on_a_listed_host_are_refused() {
    let w = world().build().await.unwrap();
    let site = w.site("id.example.test");
    for endpoint in [
        "authorization_endpoint",
        "token_endpoint",
        "userinfo_endpoint",
        "revocation_endpoint",
        "jwks_uri",
    ] {
        for address in [
            "http://id.example.test/evil",
            "https://evil.test/x",
            "https://id.example.test.evil.test/x",
            "https://evil.id.example.test/x",
            "https://id.example.test@evil.test/x",
            "https://evil@id.example.test/x",
            "https://id.example.test:8443/evil",
            "https://127.0.0.1/evil",
            "https://[::1]/evil",
            "https://2130706433/evil",
            "https://id.example.test/evil#fragment",
            "https:///id.example.test/evil",
            "javascript:evil()",
            "data:text/html,evil",
            "file:///etc/evil",
            "/evil",
            "",
        ] {
            let raw = format!("{address:?}");
            site.change_issuer(|switches| {
                switches.metadata.clear();
                switches.metadata.insert(endpoint.into(), Some(raw));
            });
            nothing_began(&w, &format!("{endpoint} {address}")).await;
        }
    }
    site.change_issuer(|switches| switches.metadata.clear());
    now_it_begins(&w).await;
}

#[tokio::test]
async fn flow_09_metadata_that_redirects_or_is_no_metadata_is_refused() {
    let w = world().build().await.unwrap();
    let site = w.site("id.example.test");
    let mut faults = vec![Fault::Html, Fault::WrongContentType, Fault::Malformed, Fault::Oversize];
    for status in [301, 302, 303, 307, 308] {
        let location = "https://evil.test/.well-known/openid-configuration".to_owned();
        faults.push(Fault::Redirect { status, location });
        // Not even to itself.
        let location = "https://id.example.test/.well-known/openid-configuration".to_owned();
        faults.push(Fault::Redirect { status, location });
    }
    for fault in faults {
        let what = format!("{fault:?}");
        site.fault(Endpoint::Discovery, fault.always());
        nothing_began(&w, &what).await;
        site.clear_faults();
        // The brake that repeated failures put on is another rule's.
        w.advance(std::time::Duration::from_secs(60));
    }
    now_it_begins(&w).await;
}

#[tokio::test]
async fn flow_09_what_is_missing_for_a_whole_flow_is_refused() {
    let w = world().build().await.unwrap();
    let site = w.site("id.example.test");
    for field in
        ["authorization_endpoint", "token_endpoint", "jwks_uri", "response_types_supported"]
    {
        site.change_issuer(|switches| {
            switches.metadata.clear();
            switches.metadata.insert(field.into(), None);
        });
        nothing_began(&w, field).await;
    }
    for (field, raw) in [
        ("response_types_supported", "[\"token\", \"id_token\"]"),
        ("id_token_signing_alg_values_supported", "[\"none\", \"HS256\"]"),
        ("token_endpoint_auth_methods_supported", "[\"client_secret_jwt\", \"tls_client_auth\"]"),
        // Implemented, but the registration has a secret and no key.
        ("token_endpoint_auth_methods_supported", "[\"private_key_jwt\"]"),
        ("require_pushed_authorization_requests", "true"),
    ] {
        site.change_issuer(|switches| {
            switches.metadata.clear();
            switches.metadata.insert(field.into(), Some(raw.into()));
        });
        nothing_began(&w, field).await;
    }
    site.change_issuer(|switches| switches.metadata.clear());
    now_it_begins(&w).await;
}

#[tokio::test]
async fn flow_09_the_endpoints_are_those_of_the_metadata_and_nothing_of_a_callback_changes_them() {
    let w = world().build().await.unwrap();
    let ada = w.visitor("ada");
    let trip = Trip::begin(&w, &ada, "notes", &[NOTES]).await;
    let url = location(trip.begun.answer());
    assert_eq!((url.host_str(), url.path()), (Some("id.example.test"), "/authorize"));
    let query = format!(
        "{}&token_endpoint=https%3A%2F%2Fevil.test&redirect_uri=https%3A%2F%2Fevil.test",
        trip.query()
    );
    w.bailee.connections().complete(&ada, trip.asking(&query)).await.unwrap();
    assert_eq!(w.site("id.example.test").count(Endpoint::Exchange), 1);
}
