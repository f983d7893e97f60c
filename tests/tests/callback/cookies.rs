//! The state cookie (COOK-01 to COOK-06), as far as no browser is needed to see it.

use bailee::{Answer, CallbackRequest, CookiePolicy, RefusalReason};
use bailee_testkit::World;
use bailee_tests::{NOTES, PUBLISH, Trip, callback, cookies, rejected, world};
use http::{HeaderMap, HeaderValue, Method, header};

async fn host_only() -> World {
    let policy = || CookiePolicy::scoped_to_callback("app").unwrap().host_only();
    world().change(move |builder| builder.cookies(policy())).build().await.unwrap()
}

/// The attributes of a cookie, without its name and value.
fn attributes(cookie: &str) -> Vec<&str> {
    let mut attributes: Vec<_> = cookie.split("; ").skip(1).collect();
    attributes.sort_unstable();
    attributes
}

fn assert_cleared(answer: &Answer, name: &str, path: &str) {
    let set = cookies(answer);
    assert_eq!(set.len(), 1, "{set:?}");
    assert!(set[0].starts_with(&format!("{name}=;")), "{set:?}");
    let path = format!("Path={path}");
    let wanted = ["HttpOnly", "Max-Age=0", &path, "SameSite=Lax", "Secure"];
    assert_eq!(attributes(&set[0]), wanted);
}

#[tokio::test]
async fn cook_01_the_cookie_holds_one_random_secret_and_every_attribute() {
    let w = world().build().await.unwrap();
    let ada = w.visitor("ada");
    let mut values = Vec::new();
    for _ in 0..3 {
        let trip = Trip::begin(&w, &ada, "tiktok", &[PUBLISH]).await;
        let set = cookies(trip.begun.answer());
        assert_eq!(set.len(), 1);
        let wanted =
            ["HttpOnly", "Max-Age=600", "Path=/connect/tiktok/callback", "SameSite=Lax", "Secure"];
        assert_eq!(attributes(&set[0]), wanted);
        let (name, value) = trip.cookie();
        // 32 bytes as base64url, and nothing that the address of the provider holds.
        assert_eq!(value.len(), 43);
        assert!(value.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b)));
        assert!(!bailee_tests::location(trip.begun.answer()).as_str().contains(&value));
        assert!(name.starts_with("__Secure-bailee-oc-"), "{name}");
        values.push(value);
    }
    values.sort();
    values.dedup();
    assert_eq!(values.len(), 3, "each flow has a secret of its own");
}

#[tokio::test]
async fn cook_02_by_one_call_the_cookie_is_a_host_cookie_and_the_flow_works_with_it() {
    let w = host_only().await;
    let ada = w.visitor("ada");
    let trip = Trip::begin(&w, &ada, "tiktok", &[PUBLISH]).await;
    let set = cookies(trip.begun.answer());
    let wanted = ["HttpOnly", "Max-Age=600", "Path=/", "SameSite=Lax", "Secure"];
    assert_eq!(attributes(&set[0]), wanted);
    let (name, _) = trip.cookie();
    assert!(name.starts_with("__Host-app-oc-"), "{name}");
    let completed = trip.complete(&w, &ada).await.unwrap();
    assert_cleared(&completed.answer, &name, "/");
}

#[tokio::test]
async fn cook_02_a_cookie_goes_to_the_callback_of_its_registration_alone() {
    let w = world().build().await.unwrap();
    let ada = w.visitor("ada");
    let trip = Trip::begin(&w, &ada, "tiktok", &[PUBLISH]).await;
    assert!(!trip.browser.headers("/connect/tiktok/callback").is_empty());
    for path in ["/", "/connect", "/connect/notes/callback", "/connect/tiktok", "/settings"] {
        assert!(trip.browser.headers(path).is_empty(), "{path}");
    }
}

#[tokio::test]
async fn cook_03_a_cookie_that_comes_twice_is_refused_in_whatever_form() {
    let w = world().build().await.unwrap();
    let ada = w.visitor("ada");
    let connections = w.bailee.connections();
    let foreign = "A".repeat(43);
    for planted_first in [true, false] {
        for one_header in [true, false] {
            let trip = Trip::begin(&w, &ada, "tiktok", &[PUBLISH]).await;
            let (name, value) = trip.cookie();
            let mut pairs = [format!("{name}={value}"), format!("{name}={foreign}")];
            if planted_first {
                pairs.reverse();
            }
            let mut headers = HeaderMap::new();
            if one_header {
                let line = HeaderValue::from_str(&pairs.join("; ")).unwrap();
                headers.insert(header::COOKIE, line);
            } else {
                for pair in &pairs {
                    headers.append(header::COOKIE, HeaderValue::from_str(pair).unwrap());
                }
            }
            let outcome = connections.complete(&ada, trip.at(trip.query(), &headers)).await;
            let refusal = rejected(&w, outcome, RefusalReason::CookieTwice).await;
            assert_cleared(refusal.answer(), &name, "/connect/tiktok/callback");
        }
    }
    assert_eq!(w.site("tiktok").count(bailee_testkit::emulator::Endpoint::Exchange), 0);
}

#[tokio::test]
async fn cook_05_a_post_on_a_callback_with_a_query_is_refused_and_consumes_nothing() {
    let w = world().build().await.unwrap();
    let ada = w.visitor("ada");
    let trip = Trip::begin(&w, &ada, "notes", &[NOTES]).await;
    let posted = CallbackRequest::new("notes", Method::POST, trip.query(), &trip.headers());
    let outcome = w.bailee.connections().complete(&ada, posted).await;
    let refusal = rejected(&w, outcome, RefusalReason::MethodNotAllowed).await;
    assert_eq!(refusal.answer().headers()[header::ALLOW], "GET");
    trip.complete(&w, &ada).await.unwrap();
}

#[tokio::test]
async fn cook_06_the_cookie_is_gone_after_success_and_after_every_error_of_its_flow() {
    let w = world().build().await.unwrap();
    let (ada, grace) = (w.visitor("ada"), w.visitor("grace"));
    let connections = w.bailee.connections();
    let path = "/connect/notes/callback";

    let trip = Trip::begin(&w, &ada, "notes", &[NOTES]).await;
    let completed = trip.complete(&w, &ada).await.unwrap();
    assert_cleared(&completed.answer, &trip.cookie().0, path);
    trip.browser.take(&completed.answer);
    assert_eq!(trip.browser.cookies(), 0);
    let outcome = connections.complete(&ada, callback_of(&trip)).await;
    let refusal = rejected(&w, outcome, RefusalReason::FlowUnknown).await;
    assert_cleared(refusal.answer(), &trip.cookie().0, path);

    // Another person, a wrong secret, a wrong issuer, a wrong form, an error of the provider.
    let trip = Trip::begin(&w, &ada, "notes", &[NOTES]).await;
    let outcome = connections.complete(&grace, trip.request()).await;
    let refusal = rejected(&w, outcome, RefusalReason::VisitorMismatch).await;
    assert_cleared(refusal.answer(), &trip.cookie().0, path);

    let trip = Trip::begin(&w, &ada, "notes", &[NOTES]).await;
    let cookie = format!("{}={}", trip.cookie().0, "A".repeat(43));
    let outcome = connections.complete(&ada, callback("notes", trip.query(), &cookie)).await;
    let refusal = rejected(&w, outcome, RefusalReason::BrowserMismatch).await;
    assert_cleared(refusal.answer(), &trip.cookie().0, path);

    let trip = Trip::begin(&w, &ada, "notes", &[NOTES]).await;
    let query = trip.with("iss", "https://id.example.test/");
    let outcome = connections.complete(&ada, trip.asking(&query)).await;
    let refusal = rejected(&w, outcome, RefusalReason::IssuerMismatch).await;
    assert_cleared(refusal.answer(), &trip.cookie().0, path);

    let trip = Trip::begin(&w, &ada, "notes", &[NOTES]).await;
    let cookie = format!("{}=short", trip.cookie().0);
    let outcome = connections.complete(&ada, callback("notes", trip.query(), &cookie)).await;
    let refusal = rejected(&w, outcome, RefusalReason::CookieMalformed).await;
    assert_cleared(refusal.answer(), &trip.cookie().0, path);

    let trip = Trip::begin(&w, &ada, "notes", &[NOTES]).await;
    let query = trip.with("code", "code-that-was-never-issued");
    let outcome = connections.complete(&ada, trip.asking(&query)).await;
    let refusal = rejected(&w, outcome, RefusalReason::ExchangeFailed).await;
    assert_cleared(refusal.answer(), &trip.cookie().0, path);
}

/// The callback again with the cookie that the browser no longer has.
fn callback_of(trip: &Trip) -> CallbackRequest {
    let (name, value) = trip.cookie();
    callback(trip.registration(), trip.query(), &format!("{name}={value}"))
}
