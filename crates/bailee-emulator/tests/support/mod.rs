//! A client that resolves the emulated hosts to the emulator and trusts its root only.
#![allow(clippy::unwrap_used, reason = "a failure here is a failure of the test")]
#![allow(dead_code, reason = "each test program uses a part of it")]

use std::net::SocketAddr;
use std::sync::Arc;

use bailee_emulator::{Account, Announcement, Client, Decision, Emulator, Site};
use reqwest::redirect::Policy;
use ring::hmac;
use rustls::pki_types::CertificateDer;
use rustls::{ClientConfig, RootCertStore, crypto};
use serde_json::Value;
use url::Url;

pub(crate) fn http(emulator: &Emulator) -> reqwest::Client {
    http_at(emulator, emulator.address(), &emulator.host_names())
}

pub(crate) fn http_at(
    emulator: &Emulator,
    address: SocketAddr,
    hosts: &[String],
) -> reqwest::Client {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from(emulator.root_der().to_vec())).unwrap();
    let config = ClientConfig::builder_with_provider(Arc::new(crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let mut builder = reqwest::Client::builder()
        .tls_backend_preconfigured(config)
        .redirect(Policy::none())
        .no_proxy()
        .https_only(true);
    for host in hosts {
        builder = builder.resolve(host, address);
    }
    builder.build().unwrap()
}

/// A parameter of the address that the browser was sent back to.
pub(crate) fn parameter(url: &str, name: &str) -> Option<String> {
    let url = Url::parse(url).unwrap();
    url.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
}

pub(crate) fn url(base: &str, pairs: &[(&str, &str)]) -> String {
    Url::parse_with_params(base, pairs).unwrap().into()
}

/// The body of a form.
pub(crate) fn form(pairs: &[(&str, &str)]) -> String {
    let mut form = url::form_urlencoded::Serializer::new(String::new());
    form.extend_pairs(pairs);
    form.finish()
}

pub(crate) async fn post_form(
    http: &reqwest::Client,
    url: &str,
    pairs: &[(&str, &str)],
) -> reqwest::Result<(u16, String)> {
    let response = http
        .post(url)
        .header("content-type", "application/x-www-form-urlencoded")
        .body(form(pairs))
        .send()
        .await?;
    let status = response.status().as_u16();
    Ok((status, response.text().await?))
}

/// A form whose answer is JSON.
pub(crate) async fn post(
    http: &reqwest::Client,
    url: &str,
    pairs: &[(&str, &str)],
) -> (u16, Value) {
    let (status, text) = post_form(http, url, pairs).await.unwrap();
    (status, json(&text))
}

pub(crate) fn json(text: &str) -> Value {
    if text.is_empty() { Value::Null } else { serde_json::from_str(text).unwrap() }
}

pub(crate) fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name].as_str().unwrap_or_else(|| panic!("no {name} in {value}"))
}

/// HMAC-SHA256 in lower-case hexadecimal.
pub(crate) fn hmac_hex(secret: &str, message: &str) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
    let tag = hmac::sign(&key, message.as_bytes());
    tag.as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The body of an announcement.
pub(crate) fn said(sent: &Announcement) -> Value {
    serde_json::from_slice(&sent.body).unwrap()
}

/// One web client and two people.
pub(crate) fn furnish(site: &Site) {
    site.add_account(Account::new("ada"));
    site.add_account(Account::new("grace"));
    site.add_client(Client::new(ID).secret(SECRET).redirect(REDIRECT)).unwrap();
}

pub(crate) async fn allow(emulator: &Emulator, authorize: &str) -> String {
    emulator.consent(authorize, Decision::Allow, "ada").await.unwrap()
}

/// Where announcements go.
pub(crate) const HOOK: &str = "https://app.example/hooks";
pub(crate) const SIGNAL_SECRET: &str = "fake-signal-secret";
pub(crate) const ID: &str = "app-1";
pub(crate) const SECRET: &str = "fake secret+1";
pub(crate) const REDIRECT: &str = "https://app.example/cb";
pub(crate) const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
pub(crate) const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
pub(crate) const HEX_CHALLENGE: &str =
    "13d31e961a1ad8ec2f16b10c4c982e0876a878ad6df144566ee1894acb70f9c3";
