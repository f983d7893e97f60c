//! The shape of a callback (CALL-01, CALL-02), its issuer (CALL-07), hostile text (CALL-08), and
//! what a refusal shows (CALL-09, CALL-11, CALL-13).

use std::sync::{Arc, Mutex};

use bailee::{CallbackRequest, ErrorKind, Refusal, RefusalReason, core::Clock, store::Store};
use bailee_testkit::{
    Storage, World,
    emulator::{Decision, Endpoint, Fault, oidc::IssParameter},
};
use bailee_tests::{
    Halt, NOTES, PUBLISH, Stopping, Trip, cookies, declaration, rejected, settled, world,
};
use http::{HeaderValue, Method, StatusCode, header};
use tracing_subscriber::util::SubscriberInitExt;

fn exchanges(w: &World) -> u64 {
    w.emulator.sites().iter().map(|site| site.count(Endpoint::Exchange)).sum()
}

#[tokio::test]
async fn call_01_only_a_get_that_is_no_look_ahead_is_read() {
    let w = world().build().await.unwrap();
    let ada = w.visitor("ada");
    let connections = w.bailee.connections();
    let trip = Trip::begin(&w, &ada, "notes", &[NOTES]).await;
    for method in ["HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH", "get", "BREW"] {
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        let request = CallbackRequest::new("notes", method, trip.query(), &trip.headers());
        let outcome = connections.complete(&ada, request).await;
        rejected(&w, outcome, RefusalReason::MethodNotAllowed).await;
    }
    for purpose in ["prefetch", "prefetch;prerender", "Prefetch", "prefetch;anonymous-client-ip"] {
        for again in [false, true] {
            let mut headers = trip.headers();
            if again {
                headers.append("sec-purpose", HeaderValue::from_static("none"));
            }
            headers.append("sec-purpose", HeaderValue::from_static(purpose));
            let outcome = connections.complete(&ada, trip.at(trip.query(), &headers)).await;
            let refusal = rejected(&w, outcome, RefusalReason::Prefetch).await;
            assert!(cookies(refusal.answer()).is_empty(), "the person has not come yet");
        }
    }
    assert_eq!(exchanges(&w), 0);
    trip.complete(&w, &ada).await.unwrap();
}

#[tokio::test]
async fn call_02_a_query_of_a_wrong_shape_is_refused_before_anything_is_consumed() {
    let w = world().build().await.unwrap();
    let ada = w.visitor("ada");
    let connections = w.bailee.connections();
    for (registration, purpose) in [("notes", NOTES), ("tiktok", PUBLISH)] {
        let trip = Trip::begin(&w, &ada, registration, &[purpose]).await;
        let good = trip.query().to_owned();
        let mut wrong = vec![
            String::new(),
            "&".into(),
            format!("{good}&code=again"),
            format!("code=first&{good}"),
            format!("{good}&state=again"),
            format!("{good}&c%6fde=again"),
            format!("{good}&st%61te="),
            format!("{good}&error=access_denied"),
            format!("{good}&error="),
            format!("{good}&iss=https%3A%2F%2Fid.example.test&iss=x"),
            format!("{good}&error_description=a&error_description=b"),
            format!("{good}&error_uri=a&error_uri=b"),
            trip.without("code"),
            trip.without("state"),
            trip.with("code", ""),
            trip.with("state", ""),
            format!("{good}&x={}", "a".repeat(8 * 1024)),
        ];
        if registration == "tiktok" {
            wrong.push(format!("{good}&scopes=again"));
        }
        for query in &wrong {
            let outcome = connections.complete(&ada, trip.asking(query)).await;
            rejected(&w, outcome, RefusalReason::Shape).await;
        }
        assert_eq!(exchanges(&w), u64::from(registration == "tiktok"));
        // What is not known is not looked at, even twice.
        let query = format!("{good}&utm=1&utm=2&Code=x&STATE=y");
        connections.complete(&ada, trip.asking(&query)).await.unwrap();
    }
}

#[tokio::test]
async fn call_02_a_query_of_just_8_kib_is_read() {
    let w = world().build().await.unwrap();
    let ada = w.visitor("ada");
    let trip = Trip::begin(&w, &ada, "notes", &[NOTES]).await;
    let padding = 8 * 1024 - trip.query().len() - "&x=".len();
    let longest = format!("{}&x={}", trip.query(), "a".repeat(padding));
    let outcome = w.bailee.connections().complete(&ada, trip.asking(&format!("{longest}a"))).await;
    rejected(&w, outcome, RefusalReason::Shape).await;
    w.bailee.connections().complete(&ada, trip.asking(&longest)).await.unwrap();
}

/// Every spelling that some normalisation would take for the issuer, and none that is it.
const OTHER_ISSUERS: [&str; 10] = [
    "",
    "https://id.example.test/",
    "https://ID.example.test",
    "HTTPS://id.example.test",
    "https://id.example.test:443",
    "https://id%2eexample.test",
    "https://id.example.test%2f",
    " https://id.example.test",
    "http://id.example.test",
    "https://another-issuer.invalid",
];

#[tokio::test]
async fn call_07_another_issuer_is_refused_in_successes_and_in_errors() {
    let w = world().build().await.unwrap();
    let ada = w.visitor("ada");
    for issuer in OTHER_ISSUERS {
        for error in [false, true] {
            let trip = Trip::begin(&w, &ada, "notes", &[NOTES]).await;
            let mut query = trip.with("iss", issuer);
            if error {
                let code = format!("code={}&", trip.parameter("code"));
                query = query.replace(&code, "error=access_denied&");
                assert!(query.contains("error="), "{query}");
            }
            let outcome = w.bailee.connections().complete(&ada, trip.asking(&query)).await;
            rejected(&w, outcome, RefusalReason::IssuerMismatch).await;
        }
    }
    assert_eq!(exchanges(&w), 0);
}

#[tokio::test]
async fn call_07_an_issuer_that_is_promised_must_come_and_one_that_comes_must_be_right() {
    let w = world().build().await.unwrap();
    let ada = w.visitor("ada");
    let site = w.site("id.example.test");
    for said in [IssParameter::Absent, IssParameter::Wrong] {
        for decision in [Decision::Allow, Decision::Deny] {
            site.change_issuer(|issuer| issuer.iss = said);
            let trip =
                Trip::choose(&w, &ada, "notes", &[NOTES], Default::default(), decision, "ada")
                    .await;
            let outcome = trip.complete(&w, &ada).await;
            rejected(&w, outcome, RefusalReason::IssuerMismatch).await;
        }
    }
    assert_eq!(exchanges(&w), 0);
    // A provider that has no issuer has none to name.
    let trip = Trip::begin(&w, &ada, "tiktok", &[PUBLISH]).await;
    let query = format!("{}&iss=https%3A%2F%2Fwww.tiktok.com", trip.query());
    let outcome = w.bailee.connections().complete(&ada, trip.asking(&query)).await;
    rejected(&w, outcome, RefusalReason::IssuerMismatch).await;
    assert_eq!(exchanges(&w), 0);
}

#[tokio::test]
async fn call_07_a_provider_that_promises_no_issuer_may_leave_it_out() {
    let w = world().build().await.unwrap();
    let ada = w.visitor("ada");
    w.site("id.example.test").change_issuer(|issuer| {
        issuer.advertises_iss = false;
        issuer.iss = IssParameter::Absent;
    });
    Trip::begin(&w, &ada, "notes", &[NOTES]).await.complete(&w, &ada).await.unwrap();
    w.site("id.example.test").change_issuer(|issuer| issuer.iss = IssParameter::Wrong);
    let outcome = Trip::begin(&w, &ada, "notes", &[NOTES]).await.complete(&w, &ada).await;
    rejected(&w, outcome, RefusalReason::IssuerMismatch).await;
}

#[tokio::test]
async fn call_07_a_process_that_never_saw_the_metadata_keeps_the_promise_too() {
    let w = world().build().await.unwrap();
    let ada = w.visitor("ada");
    let trip = Trip::begin(&w, &ada, "notes", &[NOTES]).await;
    let second = w.another_process(declaration()).await.unwrap();
    let query = trip.without("iss");
    let outcome = second.connections().complete(&ada, trip.asking(&query)).await;
    rejected(&w, outcome, RefusalReason::IssuerMismatch).await;
    assert_eq!(exchanges(&w), 0);
    // With it, any process may end what another began.
    let trip = Trip::begin(&w, &ada, "notes", &[NOTES]).await;
    second.connections().complete(&ada, trip.request()).await.unwrap();
}

#[tokio::test]
async fn call_08_what_a_provider_writes_in_an_error_is_shown_nowhere() {
    let w = world().build().await.unwrap();
    let ada = w.visitor("ada");
    for text in [
        "<script>alert('hostile-text')</script>",
        "hostile-text\r\nSet-Cookie: a=b",
        "\u{202e}hostile-text\u{0}\"\\",
        &"hostile-text ".repeat(500),
    ] {
        for code in ["server_error", "hostile-text", "<b>hostile-text</b>"] {
            let trip = Trip::begin(&w, &ada, "notes", &[NOTES]).await;
            let mut url = trip.back.clone();
            url.set_query(Some(&trip.without("code")));
            url.query_pairs_mut()
                .append_pair("error", code)
                .append_pair("error_description", text)
                .append_pair("error_uri", "https://evil.example/hostile-text");
            let request = trip.asking(url.query().unwrap());
            let outcome = w.bailee.connections().complete(&ada, request).await;
            let refusal = rejected(&w, outcome, RefusalReason::ProviderError).await;
            assert!(!shown(&refusal).contains("hostile"), "{}", shown(&refusal));
        }
    }
    // One megabyte is not even read.
    let trip = Trip::begin(&w, &ada, "notes", &[NOTES]).await;
    let query = trip.with("error_description", &"hostile-text".repeat(90_000));
    let outcome = w.bailee.connections().complete(&ada, trip.asking(&query)).await;
    let refusal = rejected(&w, outcome, RefusalReason::Shape).await;
    assert!(!shown(&refusal).contains("hostile"));
    for logged in w.audit("~").await {
        assert!(!String::from_utf8_lossy(&logged.entry.payload()).contains("hostile"));
    }
    assert_eq!(exchanges(&w), 0);
    w.assert_clean_audit(&["acme", "~"]).await;
}

/// Everything of a refusal that could be seen by somebody.
fn shown(refusal: &Refusal) -> String {
    let mut text = format!("{refusal} {refusal:?} {:?}", refusal.answer());
    let mut error: Option<&dyn std::error::Error> = Some(refusal);
    while let Some(next) = error {
        text += &format!(" {next} {next:?}");
        error = next.source();
    }
    for (name, value) in refusal.answer().headers() {
        if name != header::SET_COOKIE {
            text += &format!(" {name}: {}", String::from_utf8_lossy(value.as_bytes()));
        }
    }
    text + refusal.answer().body()
}

#[tokio::test]
async fn call_09_a_person_who_refuses_is_told_so_and_nothing_is_exchanged() {
    let w = world().build().await.unwrap();
    let ada = w.visitor("ada");
    for (registration, purpose) in [("notes", NOTES), ("tiktok", PUBLISH)] {
        let trip = Trip::choose(
            &w,
            &ada,
            registration,
            &[purpose],
            Default::default(),
            Decision::Deny,
            "ada",
        )
        .await;
        let outcome = trip.complete(&w, &ada).await;
        let refusal = rejected(&w, outcome, RefusalReason::PersonRefused).await;
        assert_eq!(refusal.error().remedy(), bailee::Remedy::None);
        assert_eq!(refusal.error().code().map(|code| code.as_str()), Some("access_denied"));
    }
    assert_eq!(exchanges(&w), 0);
}

#[tokio::test]
async fn call_09_a_flow_is_over_after_ten_minutes() {
    let w = world().build().await.unwrap();
    let ada = w.visitor("ada");
    let trip = Trip::begin(&w, &ada, "tiktok", &[PUBLISH]).await;
    w.advance(std::time::Duration::from_secs(600));
    let outcome = trip.complete(&w, &ada).await;
    rejected(&w, outcome, RefusalReason::FlowUnknown).await;
    assert_eq!(exchanges(&w), 0);
}

#[tokio::test]
async fn call_09_an_account_of_a_type_that_cannot_be_used_is_refused_and_its_tokens_end() {
    let spec = bailee_tests::NOTES_SPEC
        .replace("source = \"openid\"", "source = \"openid\"\naccount_type = \"/email\"")
        + "\n[eligibility]\nplain = [\"Only business accounts can be used.\"]\n\
           account_types = [\"business\"]\n";
    let w = World::builder(declaration())
        .issuer(bailee_tests::notes_issuer(), spec)
        .build()
        .await
        .unwrap();
    let ada = w.visitor("ada");
    let outcome = Trip::begin(&w, &ada, "notes", &[NOTES]).await.complete(&w, &ada).await;
    rejected(&w, outcome, RefusalReason::Ineligible).await;
    assert!(w.site("id.example.test").live_tokens().is_empty());
    assert!(w.bailee.connections().of_visitor(&ada).await.unwrap().is_empty());
}

#[tokio::test]
async fn call_09_a_store_that_fails_ends_the_callback_with_the_same_answer() {
    let builder = world();
    let clock: Arc<dyn Clock> = Arc::new(builder.clock().clone());
    let stopping = Stopping::before(Arc::new(bailee::store::MemoryStore::new(clock)));
    let store: Arc<dyn Store> = Arc::new(stopping.clone());
    let w = builder.storage(Storage::Given(store)).build().await.unwrap();
    let ada = w.visitor("ada");
    let trip = Trip::begin(&w, &ada, "notes", &[NOTES]).await;
    stopping.arm(0, Halt::Fails);
    let outcome = trip.complete(&w, &ada).await;
    let refusal = rejected(&w, outcome, RefusalReason::Unavailable).await;
    assert_eq!(refusal.error().kind(), ErrorKind::StoreUnavailable);
    assert_eq!(exchanges(&w), 0, "what was not consumed is not exchanged");
}

#[tokio::test]
async fn call_11_every_answer_forbids_caches_referrers_frames_and_foreign_content() {
    let w = world().build().await.unwrap();
    let ada = w.visitor("ada");
    let trip = Trip::begin(&w, &ada, "notes", &[NOTES]).await;
    settled(trip.begun.answer());
    assert_eq!(trip.begun.answer().status(), StatusCode::SEE_OTHER);
    let page = w.bailee.connections().complete(None, trip.request()).await.unwrap_err();
    settled(page.answer());
    let completed = trip.complete(&w, &ada).await.unwrap();
    settled(&completed.answer);
    let outcome = trip.complete(&w, &ada).await;
    let refusal = rejected(&w, outcome, RefusalReason::FlowUnknown).await;
    for answer in [page.into_answer(), refusal.into_answer()] {
        let response: http::Response<String> = answer.into_http();
        assert_eq!(response.headers()[header::CONTENT_TYPE], "text/html; charset=utf-8");
        for word in ["src=", "href=", "<script", "<style", "<img", "<form", "//"] {
            assert!(!response.body().contains(word), "{word} in {}", response.body());
        }
    }
}

/// Collects what is written to the log.
#[derive(Clone, Default)]
struct Written(Arc<Mutex<Vec<u8>>>);

impl std::io::Write for Written {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

// One thread, so that every task of the libraries writes to this subscriber.
#[tokio::test]
async fn call_13_neither_query_nor_cookie_is_printed_or_logged() {
    let written = Written::default();
    let sink = written.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing_subscriber::filter::LevelFilter::TRACE)
        .with_writer(move || sink.clone())
        .finish();
    let w = world().build().await.unwrap();
    let _guard = subscriber.set_default();
    let ada = w.visitor("ada");
    let site = w.site("id.example.test");
    let mut printed = String::new();
    let mut secrets = Vec::new();
    for fault in [None, Some(Fault::EchoSecrets), Some(Fault::Malformed), Some(Fault::CutOff)] {
        w.advance(std::time::Duration::from_secs(1));
        if let Some(fault) = fault {
            site.fault(Endpoint::Exchange, fault);
        }
        let trip = Trip::begin(&w, &ada, "notes", &[NOTES]).await;
        let request = trip.request();
        printed += &format!("{:?} {request:?} {:?}", trip.begun, trip.begun.answer());
        secrets.extend([trip.parameter("code"), trip.parameter("state"), trip.cookie().1]);
        match w.bailee.connections().complete(&ada, request).await {
            Ok(completed) => printed += &format!("{completed:?}"),
            Err(refusal) => printed += &shown(&refusal),
        }
    }
    w.advance(std::time::Duration::from_secs(1));
    // The last one leaves tokens behind that cannot be revoked at once, which is logged.
    site.fault(Endpoint::Identity, Fault::Html);
    site.fault(Endpoint::Revoke, Fault::Status(503).always());
    let outcome = Trip::begin(&w, &ada, "notes", &[NOTES]).await.complete(&w, &ada).await;
    printed += &shown(&rejected(&w, outcome, RefusalReason::ExchangeFailed).await);
    let log = written.0.lock().unwrap().clone();
    assert!(String::from_utf8_lossy(&log).contains("wait for their revocation"));
    for (what, text) in [("the log", log.as_slice()), ("what is printed", printed.as_bytes())] {
        w.assert_no_canary(what, text);
        for secret in &secrets {
            assert!(!String::from_utf8_lossy(text).contains(secret), "{what}");
        }
    }
    assert_eq!(exchanges(&w), 5);
}
