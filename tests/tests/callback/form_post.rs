//! Providers that post their answer (COOK-05): what comes is kept for a minute, and the GET that
//! follows is a callback like any other.

use std::{sync::Arc, time::Duration};

use bailee::{
    CallbackRequest, ClientSecret, CookiePolicy, ErrorKind, Refusal, RefusalReason, Registration,
    core::Clock, providers::Environment,
};
use bailee_testkit::{
    World,
    emulator::{Client, Decision, Endpoint},
};
use bailee_tests::{
    NOTES, PUBLISH, Trip, cookies, declaration, location, mount, on_sqlite, posting_world,
    rejected, settled, watched_over,
};
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use tokio::{sync::Barrier, task::JoinSet};

const SITE: &str = "id.example.test";
const CALLBACK: &str = "/connect/notes/callback";

async fn begin(w: &World) -> Trip {
    Trip::begin(w, &w.visitor("ada"), "notes", &[NOTES]).await
}

fn exchanges(w: &World) -> u64 {
    w.emulator.sites().iter().map(|site| site.count(Endpoint::Exchange)).sum()
}

async fn count(w: &World, event: &str) -> usize {
    w.audited("~").await.iter().filter(|name| *name == event).count()
}

/// The query under which the form of a flow is fetched.
fn mark(trip: &Trip) -> String {
    let digest = bailee::core::sha256(trip.parameter("state").as_bytes());
    format!("bailee_posted={}", bailee::core::Id::from_digest(&digest))
}

fn with_cookie(value: &str) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert(header::COOKIE, HeaderValue::from_str(value).unwrap());
    headers
}

#[tokio::test]
async fn cook_05_the_cookie_of_a_flow_that_is_posted_crosses_sites_and_no_other_does() {
    let w = posting_world().build().await.unwrap();
    let ada = w.visitor("ada");
    let trip = begin(&w).await;
    let asked = location(trip.begun.answer());
    let modes: Vec<_> = asked.query_pairs().filter(|(name, _)| name == "response_mode").collect();
    assert_eq!(modes.len(), 1);
    assert_eq!(modes[0].1, "form_post");
    let set = cookies(trip.begun.answer());
    let mut attributes: Vec<_> = set[0].split("; ").skip(1).collect();
    attributes.sort_unstable();
    let path = format!("Path={CALLBACK}");
    assert_eq!(attributes, ["HttpOnly", "Max-Age=600", &path, "SameSite=None", "Secure"]);

    w.advance(Duration::from_secs(1));
    let other = Trip::begin(&w, &ada, "tiktok", &[PUBLISH]).await;
    assert!(!location(other.begun.answer()).as_str().contains("response_mode"));
    assert!(cookies(other.begun.answer())[0].contains("; SameSite=Lax"));
    assert!(other.browser.crossing_headers("/connect/tiktok/callback").is_empty());

    // The sixth flow pushes the first out, whose cookie goes as it came.
    for _ in 0..3 {
        begin(&w).await;
    }
    let sixth = begin(&w).await;
    let dropped = &cookies(sixth.begun.answer())[1];
    assert!(dropped.starts_with(&format!("{}=;", trip.cookie().0)), "{dropped}");
    assert!(dropped.contains("; SameSite=None"), "{dropped}");
}

#[tokio::test]
async fn cook_05_what_is_posted_is_sealed_and_fetched_by_a_get_without_a_code() {
    let builder = posting_world();
    let clock: Arc<dyn Clock> = Arc::new(builder.clock().clone());
    let store = Arc::new(bailee::store::MemoryStore::new(clock));
    let (w, watched) = watched_over(builder, store).await;
    let ada = w.visitor("ada");
    let trip = begin(&w).await;
    let posted = trip.posting(trip.query());
    assert!(!format!("{posted:?}").contains("code"));
    // Who is logged in has no say yet: the session would not have come.
    let refusal = w.bailee.connections().complete(None, posted).await.unwrap_err();
    assert_eq!(refusal.reason(), RefusalReason::ComesBack);
    assert!(refusal.goes_on());
    let answer = refusal.answer();
    assert_eq!(answer.status(), StatusCode::SEE_OTHER);
    settled(answer);
    assert!(cookies(answer).is_empty(), "the flow goes on");
    let next = location(answer);
    assert_eq!(next.as_str(), format!("https://app.example.test{CALLBACK}?{}#", mark(&trip)));
    for name in ["code", "state"] {
        let secret = trip.parameter(name);
        assert!(!next.as_str().contains(&secret) && !shown(&refusal).contains(&secret), "{name}");
    }
    let [(_, flow)] = &watched.of_kind("flow").await[..] else { panic!("there is one flow") };
    let row = String::from_utf8_lossy(flow.body.as_bytes());
    assert!(row.contains("posted"), "the names of parts are clear");
    for name in ["code", "state"] {
        assert!(!row.contains(&trip.parameter(name)), "{name} lies in the store");
    }
    assert_eq!(flow.expires, Some(w.clock.now().plus(Duration::from_secs(60))));
    assert_eq!((exchanges(&w), count(&w, "flow.posted").await), (0, 1));
    assert_eq!((count(&w, "flow.consumed").await, count(&w, "flow.rejected").await), (0, 0));

    // Any process may end it.
    let second = w.another_process(declaration()).await.unwrap();
    let completed = second.connections().complete(&ada, trip.browser.follow(answer)).await.unwrap();
    assert_eq!(completed.answer.status(), StatusCode::SEE_OTHER);
    settled(&completed.answer);
    let cleared = cookies(&completed.answer);
    assert!(cleared[0].starts_with(&format!("{}=;", trip.cookie().0)));
    assert!(cleared[0].contains("; SameSite=None"));
    assert_eq!((exchanges(&w), count(&w, "flow.consumed").await), (1, 1));
    w.assert_clean_audit(&["acme", "~"]).await;
}

fn shown(refusal: &Refusal) -> String {
    format!("{refusal} {refusal:?} {:?} {:?}", refusal.error(), refusal.answer())
}

#[tokio::test]
async fn call_04_a_host_whose_session_is_strict_reloads_once_without_the_code() {
    let w = posting_world().build().await.unwrap();
    let (ada, connections) = (w.visitor("ada"), w.bailee.connections());
    for twice in [false, true] {
        let trip = begin(&w).await;
        let first = connections.complete(None, trip.post(&w).await).await.unwrap_err();
        assert_eq!(first.reason(), RefusalReason::NoVisitor);
        assert!(first.goes_on());
        assert_eq!(first.answer().status(), StatusCode::OK);
        settled(first.answer());
        let refresh = first.answer().headers()[header::REFRESH].to_str().unwrap();
        assert_eq!(refresh, format!("0; url=?{}&bailee_again=1", mark(&trip)));
        let again = trip.asking(refresh.strip_prefix("0; url=?").unwrap());
        if twice {
            let refusal =
                rejected(&w, connections.complete(None, again).await, RefusalReason::NoVisitor);
            assert_eq!(cookies(refusal.await.answer()).len(), 1);
        } else {
            connections.complete(&ada, again).await.unwrap();
        }
    }
    assert_eq!(exchanges(&w), 1);
}

#[tokio::test]
async fn call_01_a_posting_callback_takes_a_form_and_the_get_that_follows_alone() {
    let w = posting_world().build().await.unwrap();
    let (ada, connections) = (w.visitor("ada"), w.bailee.connections());
    let trip = begin(&w).await;
    for method in ["HEAD", "PUT", "DELETE", "OPTIONS", "PATCH", "get", "post", "BREW"] {
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        let request = CallbackRequest::new("notes", method, trip.query(), &trip.headers());
        let outcome = connections.complete(&ada, request).await;
        let refusal = rejected(&w, outcome, RefusalReason::MethodNotAllowed).await;
        assert_eq!(refusal.answer().headers()[header::ALLOW], "GET, POST");
    }
    // A code in the address did not come of a POST, whatever stands beside it.
    let posted = mark(&trip);
    for query in [
        trip.query().to_owned(),
        format!("{}&{posted}", trip.query()),
        format!("{}&bailee_again=1", trip.query()),
        String::new(),
        "bailee_again=1".into(),
        posted.to_uppercase(),
    ] {
        let outcome = connections.complete(&ada, trip.asking(&query)).await;
        let refusal = rejected(&w, outcome, RefusalReason::MethodNotAllowed).await;
        assert_eq!(refusal.answer().headers()[header::ALLOW], "POST");
        assert!(cookies(refusal.answer()).is_empty(), "{query}");
    }
    let ahead = |mut headers: HeaderMap| {
        headers.insert("sec-purpose", HeaderValue::from_static("prefetch"));
        headers
    };
    let crossing = trip.browser.crossing_headers(CALLBACK);
    let looking = trip.posting_with(trip.query(), ahead(crossing));
    rejected(&w, connections.complete(None, looking).await, RefusalReason::Prefetch).await;
    let next = trip.post(&w).await;
    let looking = trip.at(&posted, &ahead(trip.headers()));
    rejected(&w, connections.complete(&ada, looking).await, RefusalReason::Prefetch).await;
    assert_eq!((exchanges(&w), count(&w, "flow.consumed").await), (0, 0));
    connections.complete(&ada, next).await.unwrap();
}

#[tokio::test]
async fn call_01_a_form_at_a_callback_with_a_query_is_refused_and_consumes_nothing() {
    let w = posting_world().build().await.unwrap();
    let ada = w.visitor("ada");
    let trip = Trip::begin(&w, &ada, "tiktok", &[PUBLISH]).await;
    let outcome = w.bailee.connections().complete(&ada, trip.posting(trip.query())).await;
    let refusal = rejected(&w, outcome, RefusalReason::MethodNotAllowed).await;
    assert_eq!(refusal.answer().headers()[header::ALLOW], "GET");
    let outcome = w.bailee.connections().complete(&ada, trip.asking(&mark(&trip))).await;
    rejected(&w, outcome, RefusalReason::Shape).await;
    trip.complete(&w, &ada).await.unwrap();
}

#[tokio::test]
async fn call_02_a_form_of_a_wrong_shape_is_refused_before_anything_is_kept() {
    let w = posting_world().build().await.unwrap();
    let (ada, connections) = (w.visitor("ada"), w.bailee.connections());
    let trip = begin(&w).await;
    let good = trip.query().to_owned();
    let longest = format!("{good}&x={}", "a".repeat(8 * 1024 - good.len() - "&x=".len()));
    for body in [
        String::new(),
        format!("{good}&code=again"),
        format!("code=first&{good}"),
        format!("{good}&st%61te="),
        format!("{good}&error=access_denied"),
        format!("{good}&iss=x"),
        trip.without("code"),
        trip.without("state"),
        trip.with("code", ""),
        format!("{longest}a"),
        format!("{good}&x={}", "a".repeat(1 << 20)),
    ] {
        let outcome = connections.complete(None, trip.posting(&body)).await;
        rejected(&w, outcome, RefusalReason::Shape).await;
    }
    let crossing = || trip.browser.crossing_headers(CALLBACK);
    let sent = |query: &str, types: &[&str], body: &[u8]| {
        let mut headers = crossing();
        for value in types {
            headers.append(header::CONTENT_TYPE, HeaderValue::from_str(value).unwrap());
        }
        CallbackRequest::new("notes", Method::POST, query, &headers).body(body)
    };
    let form = "application/x-www-form-urlencoded";
    let not_utf_8 = [good.as_bytes(), b"&x=\xff"].concat();
    for request in [
        sent("", &[], good.as_bytes()),
        sent("", &["text/plain"], good.as_bytes()),
        sent("", &["multipart/form-data; boundary=x"], good.as_bytes()),
        sent("", &["application/json"], good.as_bytes()),
        sent("", &[form, form], good.as_bytes()),
        sent("", &["application/x-www-form-urlencoded-not"], good.as_bytes()),
        sent("", &[form], &not_utf_8),
        sent("x=1", &[form], good.as_bytes()),
        sent(&good, &[form], b""),
        sent(&good, &[form], good.as_bytes()),
    ] {
        let outcome = connections.complete(None, request).await;
        rejected(&w, outcome, RefusalReason::Shape).await;
    }
    assert_eq!((exchanges(&w), count(&w, "flow.posted").await), (0, 0));

    let typed = "Application/X-WWW-Form-URLencoded ;charset=UTF-8";
    let outcome = connections.complete(None, sent("", &[typed], longest.as_bytes())).await;
    let kept = outcome.unwrap_err();
    assert_eq!(kept.reason(), RefusalReason::ComesBack);
    connections.complete(&ada, trip.browser.follow(kept.answer())).await.unwrap();
}

#[tokio::test]
async fn call_05_a_form_is_kept_for_the_browser_that_began_and_fetched_by_it_alone() {
    let w = posting_world().build().await.unwrap();
    let (ada, connections) = (w.visitor("ada"), w.bailee.connections());
    let other = begin(&w).await;
    let trip = begin(&w).await;
    let ((name, value), (_, foreign)) = (trip.cookie(), other.cookie());
    let twice = format!("{name}={value}; {name}={foreign}");
    for (cookie, reason) in [
        (format!("{}={value}", other.cookie().0), RefusalReason::CookieMissing),
        (twice, RefusalReason::CookieTwice),
        (format!("{name}=short"), RefusalReason::CookieMalformed),
        (format!("{name}={foreign}"), RefusalReason::BrowserMismatch),
    ] {
        let posted = trip.posting_with(trip.query(), with_cookie(&cookie));
        let refusal = rejected(&w, connections.complete(None, posted).await, reason).await;
        assert!(cookies(refusal.answer())[0].contains("; SameSite=None"), "the cookie goes");
    }
    assert_eq!((count(&w, "flow.posted").await, count(&w, "flow.consumed").await), (0, 0));

    let next = trip.post(&w).await;
    for (cookie, reason) in [
        (format!("{}={value}", other.cookie().0), RefusalReason::CookieMissing),
        (format!("{name}=short"), RefusalReason::CookieMalformed),
    ] {
        let fetched = trip.at(&mark(&trip), &with_cookie(&cookie));
        rejected(&w, connections.complete(&ada, fetched).await, reason).await;
    }
    connections.complete(&ada, next).await.unwrap();

    // A foreign secret under this flow's name ends it, as at any callback.
    other.post(&w).await;
    let swapped = with_cookie(&format!("{}={value}", other.cookie().0));
    let outcome = connections.complete(&ada, other.at(&mark(&other), &swapped)).await;
    rejected(&w, outcome, RefusalReason::BrowserMismatch).await;
    assert_eq!(exchanges(&w), 1);
}

#[tokio::test]
async fn cook_05_the_first_form_stays_whatever_is_posted_after_it() {
    let w = posting_world().build().await.unwrap();
    let (ada, connections) = (w.visitor("ada"), w.bailee.connections());
    let trip = begin(&w).await;
    let next = trip.post(&w).await;
    for body in [
        trip.query().to_owned(),
        trip.with("code", "code-that-was-never-issued"),
        trip.without("code") + "&error=access_denied",
    ] {
        let outcome = connections.complete(None, trip.posting(&body)).await;
        let refusal = rejected(&w, outcome, RefusalReason::AlreadyPosted).await;
        assert!(cookies(refusal.answer()).is_empty(), "the first form needs it");
    }
    assert_eq!(count(&w, "flow.posted").await, 1);
    connections.complete(&ada, next).await.unwrap();
    let outcome = connections.complete(None, trip.posting_with(trip.query(), all(&trip))).await;
    rejected(&w, outcome, RefusalReason::FlowUnknown).await;
}

/// The cookie that the browser no longer has.
fn all(trip: &Trip) -> HeaderMap {
    let (name, value) = trip.cookie();
    with_cookie(&format!("{name}={value}"))
}

#[tokio::test]
async fn cook_05_a_mark_is_good_once_for_a_minute_and_only_for_what_was_posted() {
    let w = posting_world().build().await.unwrap();
    let (ada, connections) = (w.visitor("ada"), w.bailee.connections());
    let fetch = |trip: &Trip| trip.at(&mark(trip), &all(trip));

    // Nothing was posted: nothing is consumed, and the form may still come.
    let trip = begin(&w).await;
    let outcome = connections.complete(&ada, fetch(&trip)).await;
    let refusal = rejected(&w, outcome, RefusalReason::NotPosted).await;
    assert!(cookies(refusal.answer()).is_empty());
    for wrong in ["", "0", "x", &"g".repeat(32), &"0".repeat(33), &format!("{}&x=1", mark(&trip))] {
        let query = format!("bailee_posted={wrong}");
        let outcome = connections.complete(&ada, trip.asking(&query)).await;
        rejected(&w, outcome, RefusalReason::Shape).await;
    }
    trip.complete(&w, &ada).await.unwrap();
    let outcome = connections.complete(&ada, fetch(&trip)).await;
    rejected(&w, outcome, RefusalReason::FlowUnknown).await;

    let trip = begin(&w).await;
    trip.post(&w).await;
    w.advance(Duration::from_secs(59));
    connections.complete(&ada, fetch(&trip)).await.unwrap();

    let trip = begin(&w).await;
    trip.post(&w).await;
    w.advance(Duration::from_secs(60));
    let outcome = connections.complete(&ada, fetch(&trip)).await;
    rejected(&w, outcome, RefusalReason::FlowUnknown).await;
    let outcome = connections.complete(None, trip.posting_with(trip.query(), all(&trip))).await;
    rejected(&w, outcome, RefusalReason::FlowUnknown).await;

    // A form that comes late does not make the flow longer.
    let trip = begin(&w).await;
    w.advance(Duration::from_secs(590));
    trip.post(&w).await;
    w.advance(Duration::from_secs(10));
    let outcome = connections.complete(&ada, fetch(&trip)).await;
    rejected(&w, outcome, RefusalReason::FlowUnknown).await;
    assert_eq!(exchanges(&w), 2);
}

#[tokio::test]
async fn call_04_of_two_people_each_ends_their_own_flow() {
    let w = posting_world().build().await.unwrap();
    let (ada, grace, connections) = (w.visitor("ada"), w.visitor("grace"), w.bailee.connections());
    let hers = Trip::begin(&w, &grace, "notes", &[NOTES]).await;
    let mine = begin(&w).await;
    // The form of one in the browser of the other, and the address that comes of it.
    let crossed = hers.browser.crossing_headers(CALLBACK);
    let outcome = connections.complete(None, mine.posting_with(mine.query(), crossed)).await;
    rejected(&w, outcome, RefusalReason::CookieMissing).await;
    let next = mine.post(&w).await;
    let lured = hers.asking(&mark(&mine));
    rejected(&w, connections.complete(&grace, lured).await, RefusalReason::CookieMissing).await;
    // With the cookie and all, another session still is another session.
    let outcome = connections.complete(&grace, next).await;
    rejected(&w, outcome, RefusalReason::VisitorMismatch).await;
    let outcome = connections.complete(&ada, mine.at(&mark(&mine), &all(&mine))).await;
    rejected(&w, outcome, RefusalReason::FlowUnknown).await;
    assert_eq!(exchanges(&w), 0);
    hers.complete(&w, &grace).await.unwrap();
    assert!(connections.of_visitor(&ada).await.unwrap().is_empty());
    assert_eq!(connections.of_visitor(&grace).await.unwrap().len(), 1);
}

#[tokio::test]
async fn call_06_a_form_is_kept_at_the_callback_of_its_own_registration_alone() {
    // The cookie reaches every path here, so that nothing but the comparison stands in between.
    let w = posting_world()
        .change(|builder| {
            let secret = ClientSecret::copy_from(b"fake-client-secret-two");
            let second = Registration::new("notes", "fake-client-2", secret).unwrap();
            builder
                .cookies(CookiePolicy::scoped_to_callback("app").unwrap().host_only())
                .registration(second.id("notes-two").unwrap().environment(Environment::Emulator))
        })
        .build()
        .await
        .unwrap();
    let client = Client::new("fake-client-2")
        .secret("fake-client-secret-two")
        .redirect(format!("{}/notes-two/callback", mount()));
    w.site(SITE).add_client(client).unwrap();
    let (ada, connections) = (w.visitor("ada"), w.bailee.connections());
    let trip = begin(&w).await;
    let mut headers = all(&trip);
    let form = HeaderValue::from_static("application/x-www-form-urlencoded");
    headers.insert(header::CONTENT_TYPE, form);
    let posted = CallbackRequest::new("notes-two", Method::POST, "", &headers);
    let outcome = connections.complete(None, posted.body(trip.query().as_bytes())).await;
    rejected(&w, outcome, RefusalReason::RegistrationMismatch).await;
    assert_eq!(count(&w, "flow.posted").await, 0);

    trip.post(&w).await;
    let fetched = CallbackRequest::new("notes-two", Method::GET, &mark(&trip), &all(&trip));
    let outcome = connections.complete(&ada, fetched).await;
    rejected(&w, outcome, RefusalReason::RegistrationMismatch).await;
    assert_eq!(exchanges(&w), 0);
    Trip::begin(&w, &ada, "notes-two", &[NOTES]).await.complete(&w, &ada).await.unwrap();
}

#[tokio::test]
async fn call_07_errors_and_issuers_of_a_form_are_judged_when_it_is_fetched() {
    let w = posting_world().build().await.unwrap();
    let (ada, connections) = (w.visitor("ada"), w.bailee.connections());
    let trip =
        Trip::choose(&w, &ada, "notes", &[NOTES], Default::default(), Decision::Deny, "ada").await;
    assert!(trip.query().contains("error=access_denied"));
    let outcome = trip.complete(&w, &ada).await;
    rejected(&w, outcome, RefusalReason::PersonRefused).await;

    let trip = begin(&w).await;
    let posted = trip.posting(&trip.with("iss", "https://id.example.test/"));
    let kept = connections.complete(None, posted).await.unwrap_err();
    let outcome = connections.complete(&ada, trip.browser.follow(kept.answer())).await;
    rejected(&w, outcome, RefusalReason::IssuerMismatch).await;
    assert_eq!(exchanges(&w), 0);
}

#[tokio::test]
async fn cook_05_a_loopback_listener_takes_no_forms_and_the_engine_says_so_at_once() {
    let w = posting_world().build().await.unwrap();
    let builder = w.process(declaration(), w.store().clone()).unwrap();
    let desktop = Registration::public("notes", "fake-desktop").unwrap().desktop();
    let error = builder.registration(desktop.id("notes-desktop").unwrap()).build().await;
    assert_eq!(error.unwrap_err().kind(), ErrorKind::Configuration);
}

#[tokio::test(flavor = "multi_thread")]
async fn call_03_of_16_forms_and_16_fetches_one_exchanges_in_memory() {
    one_of_16(&posting_world().build().await.unwrap()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn call_03_of_16_forms_and_16_fetches_one_exchanges_on_sqlite() {
    let (w, _folder) = on_sqlite(posting_world()).await.unwrap();
    one_of_16(&w).await;
}

async fn one_of_16(w: &World) {
    let trip = begin(w).await;
    // Fetches that come among the forms, and again when all forms are through.
    let mixed = race(w, &trip, 16).await;
    let later = race(w, &trip, 0).await;
    let tell =
        |reason| mixed.iter().chain(&later).filter(|outcome| **outcome == Some(reason)).count();
    assert_eq!(tell(RefusalReason::ComesBack), 1);
    let connected = mixed.iter().chain(&later).filter(|outcome| outcome.is_none()).count();
    assert_eq!(connected, 1);
    let (before, after) = (tell(RefusalReason::NotPosted), tell(RefusalReason::FlowUnknown));
    assert_eq!(tell(RefusalReason::AlreadyPosted) + before + after + 2, 48);
    assert_eq!((exchanges(w), w.site(SITE).code_replays()), (1, 0));
    assert_eq!((count(w, "flow.posted").await, count(w, "flow.consumed").await), (1, 1));
    assert_eq!(w.bailee.connections().of_visitor(&w.visitor("ada")).await.unwrap().len(), 1);
    w.assert_clean_audit(&["acme", "~"]).await;
}

/// So many forms and 16 fetches at once, and why each was refused.
async fn race(w: &World, trip: &Trip, forms: usize) -> Vec<Option<RefusalReason>> {
    let barrier = Arc::new(Barrier::new(forms + 16));
    let mut requests = JoinSet::new();
    for n in 0..forms + 16 {
        let (connections, ada) = (w.bailee.connections(), w.visitor("ada"));
        let request = if n < forms {
            trip.posting(trip.query())
        } else {
            trip.at(&mark(trip), &trip.headers())
        };
        let barrier = barrier.clone();
        requests.spawn(async move {
            barrier.wait().await;
            connections.complete(&ada, request).await.err().map(|refusal| refusal.reason())
        });
    }
    requests.join_all().await
}
