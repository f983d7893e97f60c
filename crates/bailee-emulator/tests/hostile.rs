//! Bytes that no client would send: the connection may end, the emulator does not.
#![allow(clippy::unwrap_used, reason = "a failure here is a failure of the test")]

mod support;

use std::sync::Arc;

use bailee_emulator::oidc::Issuer;
use bailee_emulator::tiktok::TikTok;
use bailee_emulator::{Emulator, Endpoint};
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore, crypto};
use support::*;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

async fn emulator() -> Emulator {
    let issuer = Issuer::new("https://id.example.test/tenant1");
    let emulator = Emulator::builder().issuer(issuer).tiktok(TikTok::new()).start().await.unwrap();
    for site in emulator.sites() {
        furnish(site);
    }
    emulator
}

/// Sends bytes over TLS and returns what came back before the connection ended.
async fn send(emulator: &Emulator, host: &str, bytes: &[u8]) -> Vec<u8> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from(emulator.root_der().to_vec())).unwrap();
    let config = ClientConfig::builder_with_provider(Arc::new(crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let stream = TcpStream::connect(emulator.address()).await.unwrap();
    let name = ServerName::try_from(host.to_owned()).unwrap();
    let mut stream = TlsConnector::from(Arc::new(config)).connect(name, stream).await.unwrap();
    stream.write_all(bytes).await.unwrap();
    // A half-closed connection is answered or dropped; either is fine.
    let _ = stream.shutdown().await;
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer).await;
    answer
}

async fn still_answers(emulator: &Emulator) {
    let jwks = http(emulator).get("https://id.example.test/tenant1/jwks");
    assert_eq!(jwks.send().await.unwrap().status(), 200);
}

#[tokio::test]
async fn bytes_that_are_no_tls_end_their_connection_only() {
    let emulator = emulator().await;
    for bytes in [&b"GET / HTTP/1.1\r\n\r\n"[..], &[0; 100], &[22, 3, 1, 255, 255, 1], b""] {
        let mut stream = TcpStream::connect(emulator.address()).await.unwrap();
        stream.write_all(bytes).await.unwrap();
        let _ = stream.shutdown().await;
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer).await;
    }
    still_answers(&emulator).await;
}

#[tokio::test]
async fn bytes_that_are_no_http_end_their_connection_only() {
    let emulator = emulator().await;
    let host = "open.tiktokapis.com";
    for bytes in [
        &b"\0\0\0\0"[..],
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET / HTTP/1.1\r\nhost: \xff\xfe\r\n\r\n",
        b"GET / HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.0\r\nhost: open.tiktokapis.com:99999999\r\n\r\n",
        b"POST /v2/oauth/token/ HTTP/1.1\r\nhost: open.tiktokapis.com\r\ncontent-length: 9999\r\n\r\nx",
        b"POST /v2/oauth/token/ HTTP/1.1\r\nhost: open.tiktokapis.com\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n",
        b"GET https://www.tiktok.com/ HTTP/1.1\r\nhost: open.tiktokapis.com\r\n\r\n",
    ] {
        let answer = send(&emulator, host, bytes).await;
        assert!(!answer.starts_with(b"HTTP/1.1 2"), "{}", String::from_utf8_lossy(bytes));
    }
    still_answers(&emulator).await;
}

#[tokio::test]
async fn odd_requests_are_answered_with_errors_and_never_with_a_crash() {
    let emulator = emulator().await;
    let http = http(&emulator);
    let odd = [
        "",
        "?",
        "?client_key=app-1&client_key=app-1",
        "?client_key=%00&state=%ff",
        "?client_id=app-1&redirect_uri=%F0%9F%98%80",
        "?fields=,,,",
        "?upload_id=&upload_token=",
        "?=&&&=",
    ];
    let addresses = [
        "https://www.tiktok.com/v2/auth/authorize/",
        "https://www.tiktok.com/v2/auth/authorize/decision",
        "https://open.tiktokapis.com/v2/oauth/token/",
        "https://open.tiktokapis.com/v2/oauth/revoke/",
        "https://open.tiktokapis.com/v2/user/info/",
        "https://open.tiktokapis.com/v2/post/publish/",
        "https://open.tiktokapis.com/v2/post/publish//",
        "https://open.tiktokapis.com/%2e%2e/%00",
        "https://open-upload.tiktokapis.com/video/",
        "https://id.example.test/",
        "https://id.example.test/tenant1",
        "https://id.example.test/tenant1x/token",
        "https://id.example.test/tenant1/authorize",
        "https://id.example.test/tenant1/authorize/decision",
        "https://id.example.test/tenant1/token",
        "https://id.example.test/tenant1/revoke",
        "https://id.example.test/tenant1/introspect",
        "https://id.example.test/tenant1/userinfo",
        "https://id.example.test/tenant1/api/notes",
    ];
    let bodies =
        ["", "=", "grant_type=refresh_token", "ticket=&scope=&account=", "a=%zz&a=%", "{}"];
    for address in addresses {
        for query in odd {
            for method in [reqwest::Method::GET, reqwest::Method::POST, reqwest::Method::PUT] {
                for body in bodies {
                    let answer = http
                        .request(method.clone(), format!("{address}{query}"))
                        .header("authorization", "Basic \u{e9}")
                        .header("content-type", "application/x-www-form-urlencoded")
                        .header("content-range", "bytes 0-18446744073709551615/1")
                        .body(body)
                        .send()
                        .await
                        .unwrap();
                    let status = answer.status().as_u16();
                    assert!((400..500).contains(&status), "{method} {address}{query}: {status}");
                }
            }
        }
    }
    for site in emulator.sites() {
        assert!(site.live_tokens().is_empty());
        assert!(site.count(Endpoint::Unknown) > 0);
    }
}
