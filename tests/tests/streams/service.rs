//! A client library's own requests, limited to the declared endpoints.

use std::time::Duration;

use bailee::{ApiService, ErrorKind, Freeze, Remedy};
use bailee_testkit::emulator::Fault;
use tower_service::Service;

use super::*;

fn get(address: &str) -> http::Request<bytes::Bytes> {
    http::Request::get(address).body(bytes::Bytes::new()).unwrap()
}

fn post(text: &str) -> http::Request<bytes::Bytes> {
    http::Request::post("/api/notes")
        .header("content-type", "application/json")
        .body(format!("{{\"text\":\"{text}\"}}").into())
        .unwrap()
}

fn json(response: &http::Response<bytes::Bytes>) -> serde_json::Value {
    serde_json::from_slice(response.body()).unwrap()
}

async fn kind(service: &ApiService, request: http::Request<bytes::Bytes>) -> ErrorKind {
    service.send(request).await.unwrap_err().kind()
}

#[tokio::test(flavor = "multi_thread")]
async fn declared_endpoints_are_called_with_the_token_attached_last() {
    let scene = Scene::with_notes(2).await;
    let disclosed = scene.disclosed().await;
    let mut service = scene.acting().service(&scene.connection);
    let response = service.call(get("/api/notes/1")).await.unwrap();
    assert_eq!(json(&response), serde_json::json!({"id": 1, "text": "note 1"}));
    let response = service.call(get("https://id.example.test/api/notes?limit=1")).await.unwrap();
    assert_eq!(json(&response)["next"], "1");
    assert!(response.headers().contains_key("link"));
    let request = http::Request::get("/api/notes").body("").unwrap();
    assert_eq!(json(&service.call(request).await.unwrap())["notes"].as_array().unwrap().len(), 2);
    let last = scene.site().requests().into_iter().next_back().unwrap();
    let bearer =
        |(name, value): &(String, String)| name == "authorization" && value.starts_with("Bearer ");
    assert_eq!(last.headers.iter().filter(|header| bearer(header)).count(), 1);
    // Statuses of all kinds are answers.
    assert_eq!(service.send(get("/api/notes/99")).await.unwrap().status(), 404);
    assert_eq!(scene.disclosed().await, disclosed + 4);
    scene.w.assert_clean_audit(&["acme", "~"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_declared_is_denied_before_anything_leaves() {
    let scene = Scene::with_notes(1).await;
    let service = scene.acting().service(&scene.connection);
    let before = scene.w.emulator.requests().len();
    for address in [
        "/api/other",
        "/api/notes/1/text",
        "/api/files/10",
        "/userinfo",
        "/api",
        "/",
        "https://evil.example/api/notes",
        "https://id.example.test:8443/api/notes",
        "https://x@id.example.test/api/notes",
        "http://id.example.test/api/notes",
        "/api/notes/../../userinfo",
        "/api/notes/%2e%2e",
        "/api/notes/..%2f..%2fuserinfo",
        "/api//notes",
        "/api/notes/",
        "/api/notes?access_token=fake",
        "/api/notes?_method=POST",
    ] {
        assert_eq!(kind(&service, get(address)).await, ErrorKind::Denied, "{address}");
    }
    for method in ["DELETE", "PUT", "PATCH", "HEAD", "OPTIONS", "CONNECT", "TRACE", "get"] {
        let request = http::Request::builder().method(method).uri("/api/notes/1");
        let request = request.body(bytes::Bytes::new()).unwrap();
        assert_eq!(kind(&service, request).await, ErrorKind::Denied, "{method}");
    }
    for name in [
        "Authorization",
        "Cookie",
        "Host",
        "Connection",
        "Transfer-Encoding",
        "Proxy-Authorization",
        "X-HTTP-Method-Override",
        "X-Forwarded-Host",
        "X-Original-URL",
    ] {
        let mut request = get("/api/notes");
        let name: http::HeaderName = name.parse().unwrap();
        request.headers_mut().insert(name.clone(), "fake".parse().unwrap());
        let error = service.send(request).await.unwrap_err();
        assert_eq!((error.kind(), error.remedy()), (ErrorKind::Denied, Remedy::FixConfiguration));
        assert!(!format!("{error:?}").contains("fake"), "{name}");
    }
    let large = service.clone().request_limit(10);
    assert_eq!(kind(&large, post("more than ten bytes")).await, ErrorKind::TooLarge);
    assert_eq!(scene.w.emulator.requests().len(), before, "nothing left");
    let small = service.answer_limit(10);
    assert_eq!(kind(&small, get("/api/notes")).await, ErrorKind::TooLarge);
}

#[tokio::test(flavor = "multi_thread")]
async fn effects_are_written_down_before_and_after_and_never_repeated_blindly() {
    let scene = Scene::with_notes(1).await;
    let service = scene.acting().service(&scene.connection);
    let intended = scene.entries("call.effect_intended").await;
    assert_eq!(intended[0].field("operation"), Some(&Field::Word("notes.add".into())));
    assert_eq!(scene.outcomes().await, ["done"]);
    let refused = http::Request::post("/api/notes").body("no json".into()).unwrap();
    assert_eq!(service.send(refused).await.unwrap().status(), 400);
    for fault in [Fault::DropAfterEffect, Fault::Status(503)] {
        scene.site().fault(Address::Api, fault.clone());
        let calls = scene.calls();
        assert_eq!(kind(&service, post("x")).await, ErrorKind::Ambiguous, "{fault:?}");
        assert_eq!(scene.calls(), calls + 1, "{fault:?}");
    }
    assert_eq!(scene.outcomes().await, ["done", "failed", "unknown", "unknown"]);
    scene.w.assert_clean_audit(&["acme", "~"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_is_not_taken_is_renewed_once_and_limits_are_honoured() {
    let scene = Scene::with_notes(1).await;
    let service = scene.acting().service(&scene.connection);
    scene.site().expire_access("ada");
    let refreshes = scene.site().count(Address::Refresh);
    assert_eq!(service.send(post("after")).await.unwrap().status(), 201);
    assert_eq!(scene.site().count(Address::Refresh), refreshes + 1);
    assert_eq!(scene.site().notes().len(), 2);
    scene.site().fault(Address::Api, Fault::Status(401).always());
    assert_eq!(kind(&service, get("/api/notes")).await, ErrorKind::NeedsReconnect);
    scene.site().clear_faults();
    scene.site().fault(Address::Api, Fault::RateLimited { retry_after: Some("60".into()) });
    assert_eq!(kind(&service, get("/api/notes")).await, ErrorKind::RateLimited);
    let calls = scene.calls();
    assert_eq!(kind(&service, get("/api/notes")).await, ErrorKind::RateLimited);
    assert_eq!(scene.calls(), calls);
    scene.w.advance(Duration::from_secs(61));
    assert_eq!(service.send(get("/api/notes")).await.unwrap().status(), 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_passes_the_gate_at_each_request_and_tells_strangers_nothing() {
    let scene = Scene::with_notes(1).await;
    let service = scene.acting().service(&scene.connection);
    service.send(get("/api/notes")).await.unwrap();
    scene.w.bailee.freeze(Freeze::Connection(scene.connection.clone())).await.unwrap();
    assert_eq!(kind(&service, get("/api/notes")).await, ErrorKind::Frozen);
    scene.w.bailee.thaw(&Freeze::Connection(scene.connection.clone())).await.unwrap();
    let calls = scene.calls();
    let eve = scene.w.visitor_in("other", "eve");
    for address in ["/api/notes", "/api/other"] {
        let acting = scene.w.bailee.acting(&eve, &NOTES);
        let foreign = acting.service(&scene.connection);
        assert_eq!(kind(&foreign, get(address)).await, ErrorKind::NotFound, "{address}");
    }
    scene.w.bailee.connections().disconnect(&scene.ada, &scene.connection).await.unwrap();
    assert_eq!(kind(&service, get("/api/notes")).await, ErrorKind::NotFound);
    assert_eq!(scene.calls(), calls);
}
