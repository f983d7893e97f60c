//! Certificates and hosts.
#![allow(clippy::unwrap_used, reason = "a failure here is a failure of the test")]

mod support;

use bailee_emulator::oidc::Issuer;
use bailee_emulator::tiktok::TikTok;
use bailee_emulator::{BadTls, Emulator};
use support::*;

async fn emulator() -> Emulator {
    let builder = Emulator::builder().issuer(Issuer::new("https://id.example.test"));
    builder.tiktok(TikTok::new()).start().await.unwrap()
}

#[tokio::test]
async fn every_host_has_a_certificate_of_the_run_s_root() {
    let emulator = emulator().await;
    let hosts = emulator.host_names();
    assert_eq!(
        hosts,
        ["www.tiktok.com", "open.tiktokapis.com", "open-upload.tiktokapis.com", "id.example.test"]
    );
    let http = http(&emulator);
    for host in hosts {
        let answer = http.get(format!("https://{host}/nothing")).send().await.unwrap();
        assert_eq!(answer.status(), 404, "{host}");
    }
    assert!(emulator.root_pem().starts_with("-----BEGIN CERTIFICATE-----"));
}

#[tokio::test]
async fn the_root_of_another_run_is_not_trusted() {
    let (one, two) = (emulator().await, emulator().await);
    let http = http_at(&one, two.address(), &two.host_names());
    assert!(http.get("https://id.example.test/jwks").send().await.is_err());
}

#[tokio::test]
async fn a_host_that_is_not_played_gets_no_certificate() {
    let emulator = emulator().await;
    let http = http_at(&emulator, emulator.address(), &["other.example.test".to_owned()]);
    assert!(http.get("https://other.example.test/").send().await.is_err());
}

#[tokio::test]
async fn a_request_for_another_host_on_the_same_connection_is_misdirected() {
    let emulator = emulator().await;
    let request = http(&emulator).get("https://id.example.test/jwks");
    let answer = request.header("host", "www.tiktok.com").send().await.unwrap();
    assert_eq!(answer.status(), 421);
}

#[tokio::test]
async fn certificates_that_are_bad_on_purpose_are_refused() {
    let emulator = emulator().await;
    let host = "id.example.test".to_owned();
    for (how, reason) in [
        (BadTls::Expired, "Expired"),
        (BadTls::SelfSigned, "UnknownIssuer"),
        (BadTls::WrongHost, "NotValidForName"),
    ] {
        let address = emulator.bad_tls(&host, how).await.unwrap();
        let http = http_at(&emulator, address, std::slice::from_ref(&host));
        let refused = http.get("https://id.example.test/jwks").send().await.unwrap_err();
        assert!(format!("{refused:?}").contains(reason), "{how:?}: {refused:?}");
    }
    assert!(emulator.requests().is_empty());
}

#[tokio::test]
async fn a_dropped_emulator_listens_no_more() {
    let emulator = emulator().await;
    let http = http(&emulator);
    let jwks = "https://id.example.test/jwks";
    assert_eq!(http.get(jwks).send().await.unwrap().status(), 200);
    drop(emulator);
    assert!(http.get(jwks).send().await.is_err());
}
