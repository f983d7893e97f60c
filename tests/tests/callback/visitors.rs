//! Who may end a flow (CALL-04), in which browser (CALL-05) and where (CALL-06).

use bailee::{
    CallbackRequest, ClientSecret, CookiePolicy, ErrorKind, HostId, RefusalReason, Registration,
    Remedy, TenantId, Visitor, providers::Environment,
};
use bailee_testkit::{
    Browser, World,
    emulator::{Client, Endpoint},
};
use bailee_tests::{NOTES, PUBLISH, Trip, callback, cookies, mount, rejected, settled, world};
use http::{Method, StatusCode, header};
use url::Url;

fn exchanges(w: &World) -> u64 {
    w.emulator.sites().iter().map(|site| site.count(Endpoint::Exchange)).sum()
}

#[tokio::test]
async fn call_04_only_who_began_a_flow_ends_it_in_the_same_session_and_tenant() {
    let w = world().build().await.unwrap();
    let ada = w.visitor("ada");
    let acme = TenantId::from_static("acme");
    for other in [
        w.visitor("grace"),
        w.visitor_in("globex", "ada"),
        // The same person, logged in again, and ids that only look the same.
        Visitor::new(acme.clone(), HostId::text("ada"), "another session"),
        Visitor::new(acme.clone(), HostId::text("Ada"), "session of ada"),
        Visitor::new(acme, HostId::text("ada "), "session of ada"),
    ] {
        let trip = Trip::begin(&w, &ada, "notes", &[NOTES]).await;
        let outcome = w.bailee.connections().complete(&other, trip.request()).await;
        let refusal = rejected(&w, outcome, RefusalReason::VisitorMismatch).await;
        assert_eq!(refusal.error().kind(), ErrorKind::Rejected);
        assert!(w.bailee.connections().of_visitor(&other).await.unwrap().is_empty());
    }
    assert_eq!(exchanges(&w), 0);
    assert!(w.bailee.connections().of_visitor(&ada).await.unwrap().is_empty());
}

#[tokio::test]
async fn call_04_a_planted_flow_does_not_connect_the_attackers_account() {
    // The attacker begins, approves with an account of their own, and lures the victim to the
    // address of the callback, with the attacker's cookie planted by a sibling host.
    let w = world().build().await.unwrap();
    let (attacker, victim) = (w.visitor("mallory"), w.visitor("ada"));
    let trip = Trip::begin(&w, &attacker, "tiktok", &[PUBLISH]).await;
    let outcome = w.bailee.connections().complete(&victim, trip.request()).await;
    rejected(&w, outcome, RefusalReason::VisitorMismatch).await;
    assert_eq!(exchanges(&w), 0);
    assert!(w.bailee.connections().of_visitor(&victim).await.unwrap().is_empty());
}

#[tokio::test]
async fn call_04_who_was_removed_meanwhile_connects_nothing() {
    let w = world().build().await.unwrap();
    let ada = w.visitor("ada");
    let trip = Trip::begin(&w, &ada, "notes", &[NOTES]).await;
    w.access.remove(ada.person(), ada.tenant());
    let outcome = trip.complete(&w, &ada).await;
    let refusal = rejected(&w, outcome, RefusalReason::NotAllowed).await;
    assert_eq!(refusal.error().kind(), ErrorKind::Denied);
    assert_eq!(exchanges(&w), 0);
}

#[tokio::test]
async fn call_04_a_host_that_cannot_answer_allows_nothing() {
    let w = world().build().await.unwrap();
    let ada = w.visitor("ada");
    let trip = Trip::begin(&w, &ada, "notes", &[NOTES]).await;
    w.access.break_down(true);
    let outcome = trip.complete(&w, &ada).await;
    let refusal = rejected(&w, outcome, RefusalReason::NotAllowed).await;
    assert_eq!(refusal.error().kind(), ErrorKind::HostFailed);
    assert_eq!(exchanges(&w), 0);
}

#[tokio::test]
async fn call_04_without_a_session_the_address_is_loaded_again_once_and_then_works() {
    let w = world().build().await.unwrap();
    let ada = w.visitor("ada");
    let connections = w.bailee.connections();
    let trip = Trip::begin(&w, &ada, "notes", &[NOTES]).await;
    let before = w.audited("~").await.len();
    let refusal = connections.complete(None, trip.request()).await.unwrap_err();
    assert_eq!(refusal.reason(), RefusalReason::NoVisitor);
    let answer = refusal.answer();
    assert_eq!(answer.status(), StatusCode::OK);
    settled(answer);
    assert!(cookies(answer).is_empty(), "the flow goes on");
    assert_eq!(w.audited("~").await.len(), before, "nothing was refused yet");
    // The page loads the same address, as its own navigation.
    let refresh = answer.headers()[header::REFRESH].to_str().unwrap();
    let again = refresh.strip_prefix("0; url=").unwrap();
    assert!(again.starts_with('?'), "it stays on this address");
    let again = trip.back.join(again).unwrap();
    assert_eq!(again.path(), trip.back.path());
    assert_eq!(exchanges(&w), 0);

    let request = trip.browser.callback(again.as_str());
    connections.complete(&ada, request).await.unwrap();
    assert_eq!(exchanges(&w), 1);
}

#[tokio::test]
async fn call_04_who_is_still_nobody_the_second_time_is_refused() {
    let w = world().build().await.unwrap();
    let ada = w.visitor("ada");
    let connections = w.bailee.connections();
    for registration in ["notes", "tiktok"] {
        let purpose = if registration == "notes" { NOTES } else { PUBLISH };
        let trip = Trip::begin(&w, &ada, registration, &[purpose]).await;
        let first = connections.complete(None, trip.request()).await.unwrap_err();
        let refresh = first.answer().headers()[header::REFRESH].to_str().unwrap();
        let again = trip.back.join(refresh.strip_prefix("0; url=").unwrap()).unwrap();
        let outcome = connections.complete(None, trip.browser.callback(again.as_str())).await;
        let refusal = rejected(&w, outcome, RefusalReason::NoVisitor).await;
        assert!(refusal.answer().headers().get(header::REFRESH).is_none());
        assert_eq!(cookies(refusal.answer()).len(), 1, "the cookie goes");
        trip.browser.take(refusal.answer());
        assert_eq!(trip.browser.cookies(), 0);
    }
    assert_eq!(exchanges(&w), 0);
}

#[tokio::test]
async fn call_04_a_query_cannot_turn_the_reload_page_elsewhere() {
    let w = world().build().await.unwrap();
    let ada = w.visitor("ada");
    let trip = Trip::begin(&w, &ada, "notes", &[NOTES]).await;
    for tail in ["&url=https://evil.example", "&x=;url=//evil.example", "&x='\"><script>", "&//"] {
        let query = format!("{}{tail}", trip.query());
        let outcome = w.bailee.connections().complete(None, trip.asking(&query)).await;
        let refusal = outcome.unwrap_err();
        let refresh = refusal.answer().headers()[header::REFRESH].to_str().unwrap();
        let again = trip.back.join(refresh.strip_prefix("0; url=").unwrap()).unwrap();
        assert_eq!((again.origin(), again.path()), (trip.back.origin(), trip.back.path()));
        assert!(!refusal.answer().body().contains("evil"));
    }
}

#[tokio::test]
async fn call_05_the_browser_that_began_is_the_one_that_ends() {
    let w = world().build().await.unwrap();
    let ada = w.visitor("ada");
    let connections = w.bailee.connections();
    let other = Trip::begin(&w, &ada, "notes", &[NOTES]).await;
    let (other_name, other_value) = other.cookie();

    // No cookie at all: the flow is not touched, and the right browser still ends it.
    let trip = Trip::begin(&w, &ada, "notes", &[NOTES]).await;
    let (name, value) = trip.cookie();
    for request in [
        Browser::new().callback(trip.back.as_str()),
        callback("notes", trip.query(), &format!("{other_name}={other_value}")),
        callback("notes", trip.query(), &format!("{}={value}", name.to_uppercase())),
    ] {
        let outcome = connections.complete(&ada, request).await;
        rejected(&w, outcome, RefusalReason::CookieMissing).await;
    }
    trip.complete(&w, &ada).await.unwrap();

    // The secret of another flow under this flow's name.
    let trip = Trip::begin(&w, &ada, "notes", &[NOTES]).await;
    let swapped = format!("{}={other_value}", trip.cookie().0);
    let outcome = connections.complete(&ada, callback("notes", trip.query(), &swapped)).await;
    rejected(&w, outcome, RefusalReason::BrowserMismatch).await;
    for wrong in ["", "=", "A", &"A".repeat(42), &"A".repeat(44), &"%41".repeat(43)] {
        let trip = Trip::begin(&w, &ada, "notes", &[NOTES]).await;
        let cookie = format!("{}={wrong}", trip.cookie().0);
        let outcome = connections.complete(&ada, callback("notes", trip.query(), &cookie)).await;
        rejected(&w, outcome, RefusalReason::CookieMalformed).await;
    }
    assert_eq!(exchanges(&w), 1);
    // And the flow whose secret was borrowed still ends in its own browser.
    w.advance(std::time::Duration::from_secs(1));
    assert_eq!(other.browser.cookies(), 1);
}

#[tokio::test]
async fn call_06_a_flow_ends_at_the_callback_of_its_own_registration() {
    // The cookie reaches every path here, so that nothing but the comparison stands in between.
    let w = world()
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
    w.site("id.example.test").add_client(client).unwrap();
    let ada = w.visitor("ada");
    let all = [("tiktok", PUBLISH), ("notes", NOTES), ("notes-two", NOTES)];
    for (begun, purpose) in &all {
        for (ended, _) in &all {
            let trip = Trip::begin(&w, &ada, begun, std::slice::from_ref(purpose)).await;
            let path = format!("/connect/{ended}/callback");
            let headers = trip.browser.headers(&path);
            let request = CallbackRequest::new(*ended, Method::GET, trip.query(), &headers);
            let before = exchanges(&w);
            let outcome = w.bailee.connections().complete(&ada, request).await;
            if begun == ended {
                outcome.unwrap();
                assert_eq!(exchanges(&w), before + 1);
            } else {
                rejected(&w, outcome, RefusalReason::RegistrationMismatch).await;
                assert_eq!(exchanges(&w), before, "{begun} at {ended}");
            }
        }
    }
}

#[tokio::test]
async fn call_06_a_path_that_names_no_registration_is_refused() {
    let w = world().build().await.unwrap();
    let ada = w.visitor("ada");
    let trip = Trip::begin(&w, &ada, "notes", &[NOTES]).await;
    for name in ["", "Notes", "notes ", "nobody", "../notes", "notes/callback", "~", "\u{0}"] {
        let request = CallbackRequest::new(name, Method::GET, trip.query(), &trip.headers());
        let outcome = w.bailee.connections().complete(&ada, request).await;
        let refusal = rejected(&w, outcome, RefusalReason::RegistrationMismatch).await;
        assert_eq!(refusal.error().remedy(), Remedy::Reconnect);
        let log = w.audit("~").await.into_iter().map(|logged| logged.entry);
        let mut refused = log.filter(|entry| entry.event() == "flow.rejected");
        assert!(refused.all(|entry| entry.field("registration").is_none()), "nothing from outside");
    }
    trip.complete(&w, &ada).await.unwrap();
}

#[tokio::test]
async fn call_10_a_flow_ends_with_303_at_a_named_page_and_without_a_fragment() {
    let w = world().build().await.unwrap();
    let ada = w.visitor("ada");
    let trip = Trip::begin(&w, &ada, "tiktok", &[PUBLISH]).await;
    let completed = trip.complete(&w, &ada).await.unwrap();
    assert_eq!(completed.answer.status(), StatusCode::SEE_OTHER);
    settled(&completed.answer);
    let home = completed.answer.headers()[header::LOCATION].to_str().unwrap();
    assert_eq!(home, "/#");
    let landed = Url::parse("https://app.example.test/connect/tiktok/callback#_=_").unwrap();
    assert_eq!(landed.join(home).unwrap().as_str(), "https://app.example.test/#");

    let options = |name: &str| {
        let mut options = bailee::BeginOptions::default();
        options.return_to = Some(name.to_owned());
        options
    };
    let allow = bailee_testkit::emulator::Decision::Allow;
    let trip = Trip::choose(&w, &ada, "notes", &[NOTES], options("settings"), allow, "ada").await;
    let completed = trip.complete(&w, &ada).await.unwrap();
    let page = bailee_tests::location(&completed.answer);
    assert_eq!(page.as_str(), "https://app.example.test/settings#");
    for name in ["", "Settings", "/settings", "https://evil.example", "//evil.example"] {
        let begun = w.bailee.connections().begin_with(&ada, "notes", &[NOTES], options(name)).await;
        assert_eq!(begun.unwrap_err().kind(), ErrorKind::InvalidInput, "{name}");
    }
}
