//! What only a real browser shows: which cookies it sends where, and what it carries over.
//!
//! Chromium, without a window, goes through the flow between a host application, another one under
//! the same domain, and a provider, each under its name over TLS. What it sent is seen there.

mod chromium;
mod site;

use bailee::CookiePolicy;
use bailee_testkit::WorldBuilder;
use bailee_tests::{posting_world_at, world};
use http::{Method, StatusCode, header};

use chromium::Chromium;
use site::{APP, Back, CALLBACK, Course, ISSUER, POSTED, Seen, Site};

const LAX: Course = Course { session: "Lax", planted: false, back: Back::Redirect };
/// What the names of the flow's cookies begin with.
const SCOPED: &str = "__Secure-bailee-oc-";
const HOST_ONLY: &str = "__Host-bailee-oc-";

async fn go(world: WorldBuilder, course: Course) -> (Site, Chromium) {
    let site = Site::start(world.build().await.expect("a world"), course).await;
    let browser = Chromium::goes_to(&format!("https://{APP}/"), site.address);
    (site, browser)
}

fn host_only() -> WorldBuilder {
    world().change(|builder| {
        builder.cookies(CookiePolicy::scoped_to_callback("bailee").expect("a name").host_only())
    })
}

fn at<'a>(seen: &'a [Seen], path: &str) -> &'a Seen {
    seen.iter().find(|seen| seen.path == path).expect("the browser came there")
}

async fn connected(site: &Site) -> usize {
    let ada = site.world.visitor("ada");
    site.world.bailee.connections().of_visitor(&ada).await.expect("a list").len()
}

#[tokio::test(flavor = "multi_thread")]
async fn cook_04_after_the_click_lax_arrives_at_the_callback_and_strict_does_not() {
    let (site, _browser) = go(world(), LAX).await;
    let seen = site.until("/report", 1).await;
    let callback = at(&seen, CALLBACK);
    assert_eq!(callback.method, Method::GET);
    assert_eq!(callback.cookies("lax"), ["1"]);
    assert_eq!(callback.cookies("session"), ["ada"]);
    assert!(callback.cookies("strict").is_empty());
    assert_eq!(callback.cookies(SCOPED).len(), 1);
    assert_eq!(callback.status, StatusCode::SEE_OTHER);
    assert_eq!(connected(&site).await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn cook_02_the_flows_cookie_goes_to_the_callback_and_nowhere_else() {
    let (site, _browser) = go(world(), LAX).await;
    let seen = site.until("/report", 1).await;
    let with_it: Vec<_> =
        seen.iter().filter(|seen| !seen.cookies("__").is_empty()).map(|seen| &seen.path).collect();
    assert_eq!(with_it, [CALLBACK]);
}

#[tokio::test(flavor = "multi_thread")]
async fn cook_02_a_host_only_cookie_arrives_and_a_sibling_cannot_plant_one() {
    let (site, _browser) = go(host_only(), Course { planted: true, ..LAX }).await;
    let seen = site.until("/report", 1).await;
    assert!(at(&seen, "/plant").answered[header::SET_COOKIE].to_str().unwrap().starts_with("__H"));
    assert_eq!(at(&seen, CALLBACK).cookies(HOST_ONLY).len(), 1);
    assert_eq!(at(&seen, CALLBACK).status, StatusCode::SEE_OTHER);
    // It is gone afterwards.
    assert!(at(&seen, "/settings").cookies("__").is_empty());
    assert_eq!(connected(&site).await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn cook_03_a_cookie_that_a_sibling_planted_is_seen_and_refused() {
    let (site, _browser) = go(world(), Course { planted: true, ..LAX }).await;
    let seen = site.until(CALLBACK, 1).await;
    let callback = at(&seen, CALLBACK);
    assert_eq!(callback.cookies(SCOPED).len(), 2, "the browser sends both");
    assert_eq!(callback.status, StatusCode::BAD_REQUEST);
    assert_eq!(connected(&site).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn cook_05_a_post_to_a_query_callback_is_refused_and_carries_no_cookie() {
    let (site, _browser) = go(world(), Course { back: Back::Post, ..LAX }).await;
    let seen = site.until(CALLBACK, 1).await;
    let callback = at(&seen, CALLBACK);
    assert_eq!(callback.method, Method::POST);
    assert_eq!(callback.sent.get(header::COOKIE), None);
    assert_eq!(callback.status, StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(callback.answered[header::ALLOW], "GET");
    assert_eq!(connected(&site).await, 0);
}

/// What came to the callback of a provider that posts: the form first, and what the host's session
/// has to say to it.
async fn posted(session: &'static str) -> (Site, Chromium, Vec<Seen>) {
    let course = Course { back: Back::Form, session, ..LAX };
    let (site, browser) = go(posting_world_at(ISSUER), course).await;
    let seen = site.until("/report", 1).await;
    let all: Vec<_> = seen.iter().filter(|seen| seen.path == POSTED).cloned().collect();
    let first = &all[0];
    assert_eq!(first.method, Method::POST);
    assert!(first.body.contains("code=") && first.body.contains("state="));
    // The flow's own cookie is the only one that crosses.
    let crossed: Vec<_> = first.sent.get_all(header::COOKIE).iter().collect();
    assert_eq!((crossed.len(), first.cookies("").len(), first.cookies(SCOPED).len()), (1, 1, 1));
    assert_eq!(first.status, StatusCode::SEE_OTHER);
    assert!(first.answered.get(header::SET_COOKIE).is_none(), "the flow stays");
    for later in &all[1..] {
        assert_eq!(later.method, Method::GET);
        assert!(later.query.starts_with("bailee_posted="), "{}", later.query);
        assert!(!later.query.contains("code") && !later.query.contains("state"));
        assert_eq!(later.cookies(SCOPED).len(), 1);
    }
    assert_eq!(all.last().map(|last| last.status), Some(StatusCode::SEE_OTHER));
    assert_eq!(at(&seen, "/report").body, format!("https://{APP}/settings#"));
    assert!(at(&seen, "/settings").cookies("__").is_empty());
    assert_eq!(connected(&site).await, 1);
    (site, browser, all)
}

#[tokio::test(flavor = "multi_thread")]
async fn cook_05_only_the_flows_cookie_comes_with_a_form_and_a_lax_session_with_the_get() {
    let (_site, _browser, all) = posted("Lax").await;
    let [_, fetched] = &all[..] else { panic!("two, and not {}", all.len()) };
    assert_eq!(fetched.cookies("session"), ["ada"]);
    assert_eq!(fetched.cookies("lax"), ["1"]);
    assert!(fetched.cookies("strict").is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn cook_05_a_strict_session_comes_after_one_reload_of_the_hosts_own() {
    let (_site, _browser, all) = posted("Strict").await;
    let [_, fetched, again] = &all[..] else { panic!("three, and not {}", all.len()) };
    assert!(fetched.cookies("session").is_empty());
    assert_eq!(fetched.status, StatusCode::OK);
    assert_eq!(again.query, format!("{}&bailee_again=1", fetched.query));
    assert_eq!(again.cookies("session"), ["ada"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn call_10_a_fragment_of_the_provider_is_not_carried_over() {
    let (site, _browser) = go(world(), LAX).await;
    let seen = site.until("/report", 1).await;
    let decided = at(&seen, "/decide").answered[header::LOCATION].to_str().unwrap();
    assert!(decided.ends_with("#_=_"));
    assert_eq!(at(&seen, "/report").body, format!("https://{APP}/settings#"));
}

#[tokio::test(flavor = "multi_thread")]
async fn call_11_the_callback_is_neither_kept_nor_told_to_the_next_page() {
    let (site, _browser) = go(world(), LAX).await;
    let seen = site.until("/report", 1).await;
    let callback = at(&seen, CALLBACK);
    for (name, value) in [
        (header::CACHE_CONTROL, "no-store"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ] {
        assert_eq!(callback.answered[name], value);
    }
    let settings = at(&seen, "/settings");
    assert_eq!(settings.sent.get(header::REFERER), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_with_a_strict_session_gets_it_after_one_reload_of_its_own() {
    let (site, _browser) = go(world(), Course { session: "Strict", ..LAX }).await;
    let seen = site.until("/report", 1).await;
    let callbacks: Vec<_> = seen.iter().filter(|seen| seen.path == CALLBACK).collect();
    let [first, second] = callbacks[..] else { panic!("two, and not {}", callbacks.len()) };
    assert!(first.cookies("session").is_empty());
    assert_eq!(first.status, StatusCode::OK);
    assert_eq!(first.answered[header::CACHE_CONTROL], "no-store");
    assert!(first.answered.get(header::SET_COOKIE).is_none(), "the flow stays");
    assert_eq!(second.cookies("session"), ["ada"]);
    assert_eq!(second.query, format!("{}&bailee_again=1", first.query));
    assert_eq!(second.sent.get(header::REFERER), None);
    assert_eq!(second.status, StatusCode::SEE_OTHER);
    assert_eq!(at(&seen, "/report").body, format!("https://{APP}/settings#"));
    assert_eq!(connected(&site).await, 1);
}
