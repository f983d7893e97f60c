use std::time::Duration;

use bailee_core::{ProviderId, RegistrationId, Timestamp, WithdrawalReason, event::RequestKind};
use bailee_providers::{
    Answer, Context, Failure, FailureKind, GrantFacts, Payload, Provider, Request, SecretRef,
    Target, Value,
    hubspot::HubSpot,
    signal::{About, Delivery, Opening, Polled, Reading, Reply, Signal, SignalRefusal, What},
};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use ring::hmac;

use crate::support::{NOW, address, answer, context, drive, json, registration};

const SECRET: &[u8] = b"client-secret";
const ADDRESS: &str = "https://app.example/hooks/hubspot?a=b";
const SENT: i64 = 1_700_000_000_000;
const VECTOR: &str = "QAK9tVYs99uUhGhdRYCfmhHVN9bICl6fBPlsjPx0uG0="; // an example

const BATCH: &str = r#"[
    {"eventId":1,"subscriptionId":5,"portalId":7,"appId":1,"occurredAt":1700000000001,
     "subscriptionType":"contact.privacyDeletion","attemptNumber":0,"objectId":501,
     "changeSource":"CRM_UI"},
    {"eventId":2,"subscriptionId":6,"portalId":7,"appId":1,"occurredAt":1700000000001,
     "subscriptionType":"contact.deletion","attemptNumber":0,"objectId":501},
    {"eventId":3,"subscriptionId":7,"portalId":8,"appId":1,"occurredAt":1700000000002,
     "subscriptionType":"conversation.privacyDeletion","attemptNumber":0,"objectId":9},
    {"eventId":4,"subscriptionId":8,"portalId":8,"appId":1,"occurredAt":1700000000003,
     "subscriptionType":"contact.creation","attemptNumber":0,"objectId":502}
]"#;

struct Sent {
    headers: HeaderMap,
    method: Method,
    address: String,
    body: String,
}

impl Sent {
    /// A delivery that is signed in version 3, over this text of the address.
    fn signed(address: &str, over: &str, body: &str) -> Self {
        let key = hmac::Key::new(hmac::HMAC_SHA256, SECRET);
        let tag = hmac::sign(&key, format!("POST{over}{body}{SENT}").as_bytes());
        let tag = bailee_providers::spec::TextEncoding::Base64.encode(tag.as_ref());
        Self::with(address, body, &[(SIGNATURE, &tag), (TIME, &SENT.to_string())])
    }

    fn with(address: &str, body: &str, headers: &[(&'static str, &str)]) -> Self {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(HeaderName::from_static(name), HeaderValue::from_str(value).unwrap());
        }
        let (address, body) = (address.to_owned(), body.to_owned());
        Self { headers: map, method: Method::POST, address, body }
    }

    fn open_at(&self, now: i64) -> Result<Opening, SignalRefusal> {
        self.ask(now, |provider, cx, delivery| provider.open_signal(cx, delivery))
    }

    fn read(&self) -> Result<Reading, SignalRefusal> {
        self.ask(SENT / 1000, |provider, cx, delivery| provider.read_signal(cx, delivery))
    }

    fn is_proved(&self) -> bool {
        let Opening::Check(proof) = self.open_at(SENT / 1000).unwrap() else { panic!("no proof") };
        let key = hmac::Key::new(hmac::HMAC_SHA256, SECRET);
        proof.tags.iter().any(|tag| hmac::verify(&key, &proof.message, tag).is_ok())
    }

    fn ask<T>(&self, now: i64, ask: impl FnOnce(&HubSpot, &Context<'_>, &Delivery<'_>) -> T) -> T {
        let provider = HubSpot::new();
        let registration = registration("hubspot");
        let cx = Context::new(provider.spec(), &registration, Timestamp::from_seconds(now));
        let delivery =
            Delivery::new(&self.method, &self.address, &self.headers, self.body.as_bytes());
        ask(&provider, &cx, &delivery)
    }
}

const SIGNATURE: &str = "x-hubspot-signature-v3";
const TIME: &str = "x-hubspot-request-timestamp";

fn portal(id: &str) -> About {
    let id = bailee_providers::AccountId::new("portal", id).unwrap();
    About::Account { id, issuer: None }
}

fn others_erasure(details: &[(&str, &str)]) -> What {
    let details = details.iter().map(|(name, id)| ((*name).to_owned(), (*id).to_owned())).collect();
    let mut what = What::request(RequestKind::OthersErasure, None);
    if let What::Request { details: kept, .. } = &mut what {
        *kept = details;
    }
    what
}

#[test]
fn hook_01_a_delivery_is_proved_over_method_address_body_and_time() {
    let headers = [(SIGNATURE, VECTOR), (TIME, "1700000000000")];
    assert!(Sent::with(ADDRESS, "[]", &headers).is_proved());
    assert_eq!(Sent::signed(ADDRESS, ADDRESS, "[]").headers[SIGNATURE], VECTOR);
    // Another method, address, body or time is another text.
    let mut put = Sent::with(ADDRESS, "[]", &headers);
    assert!(!Sent::with("https://app.example/hooks/hubspot?a=c", "[]", &headers).is_proved());
    assert!(!Sent::with("https://app.example/hooks/hubspot", "[]", &headers).is_proved());
    assert!(!Sent::with(ADDRESS, "[ ]", &headers).is_proved());
    let later = [(SIGNATURE, VECTOR), (TIME, "1700000000001")];
    assert!(!Sent::with(ADDRESS, "[]", &later).is_proved());
    put.method = Method::PUT;
    assert_eq!(put.open_at(SENT / 1000).unwrap_err(), SignalRefusal::Method);
}

#[test]
fn hook_01_an_older_signature_counts_for_nothing() {
    let v1 = "245b6eab5a043e278c190a784f522fded8b2d0fa8201be6d3a4c7477312e3796";
    let v2 = "f74e2b4ddd60494071aef0fe42e24c8200af5b1718f9e18f412aea8f6ad96459";
    for older in [v1, v2] {
        let old = [("x-hubspot-signature", older), (TIME, "1700000000000")];
        let refused = Sent::with(ADDRESS, "[]", &old).open_at(SENT / 1000);
        assert_eq!(refused.unwrap_err(), SignalRefusal::Unsigned);
        let moved = Sent::with(ADDRESS, "[]", &[(SIGNATURE, older), (TIME, "1700000000000")]);
        let opened = moved.open_at(SENT / 1000);
        assert!(opened.is_err() || !moved.is_proved());
    }
    let twice = [(SIGNATURE, VECTOR), (SIGNATURE, VECTOR), (TIME, "1700000000000")];
    let refused = Sent::with(ADDRESS, "[]", &twice).open_at(SENT / 1000);
    assert_eq!(refused.unwrap_err(), SignalRefusal::Malformed);
    let untimed = Sent::with(ADDRESS, "[]", &[(SIGNATURE, VECTOR)]).open_at(SENT / 1000);
    assert_eq!(untimed.unwrap_err(), SignalRefusal::Unsigned);
}

#[test]
fn hook_02_a_delivery_is_five_minutes_old_at_most() {
    let sent = Sent::with(ADDRESS, "[]", &[(SIGNATURE, VECTOR), (TIME, "1700000000000")]);
    let at = SENT / 1000;
    for now in [at - 300, at, at + 300] {
        assert!(sent.open_at(now).is_ok());
    }
    for now in [at - 301, at + 301, at + 360] {
        assert_eq!(sent.open_at(now).unwrap_err(), SignalRefusal::Stale);
    }
}

#[test]
fn hook_01_a_query_is_signed_as_hubspot_decodes_it() {
    let address = "https://app.example/s?to=https%3A%2F%2Fx.example%2Fa%20b%3B";
    let decoded = "https://app.example/s?to=https://x.example/a%20b;";
    assert!(Sent::signed(address, decoded, "[]").is_proved());
    assert!(!Sent::signed(address, address, "[]").is_proved());
    assert!(
        !Sent::signed(address, "https://app.example/s?to=https://x.example/a b;", "[]").is_proved()
    );
}

#[test]
fn erasure_of_a_contact_is_a_request_of_its_portal() {
    let reading = Sent::signed(ADDRESS, ADDRESS, BATCH).read().unwrap();
    assert_eq!(reading.reply, Reply::Status(StatusCode::OK));
    let at = |millis: i64| Some(Timestamp::from_micros(millis * 1000));
    // `contact.deletion` of the same contact makes no second one.
    let expected = [
        Signal::new(portal("7"), others_erasure(&[("contact", "501")])).at(at(SENT + 1)),
        Signal::new(portal("8"), others_erasure(&[("conversation", "9")])).at(at(SENT + 2)),
    ];
    assert_eq!(reading.signals, expected);
    let unknown = Sent::signed(ADDRESS, ADDRESS, r#"[{"subscriptionType":"deal.creation"}]"#);
    assert_eq!(unknown.read().unwrap().signals, []);
    assert_eq!(Sent::signed(ADDRESS, ADDRESS, "[]").read().unwrap().signals, []);
    assert!(Sent::signed(ADDRESS, ADDRESS, "{").read().is_err());
}

#[test]
fn hook_02_a_repetition_is_told_by_its_events() {
    let id = |body: &str| Sent::signed(ADDRESS, ADDRESS, body).read().unwrap().id;
    let first = id(BATCH);
    assert!(first.is_some());
    assert_eq!(id(&BATCH.replace("\"attemptNumber\":0", "\"attemptNumber\":3")), first);
    assert_ne!(id(&BATCH.replace("\"objectId\":501", "\"objectId\":503")), first);
    assert_eq!(id(&BATCH.replace("\"eventId\":1,", "")), None, "then its bytes tell it");
    // What stands there twice is one request.
    let event = r#"{"eventId":1,"portalId":7,"occurredAt":1700000000001,"objectId":501,
        "subscriptionType":"contact.privacyDeletion"}"#;
    let twice = Sent::signed(ADDRESS, ADDRESS, &format!("[{event},{event}]"));
    assert_eq!(twice.read().unwrap().signals.len(), 1);
}

#[test]
fn an_account_is_known_by_its_portal_too() {
    let provider = HubSpot::new();
    let registration = registration("hubspot");
    let cx = context(provider.spec(), &registration);
    let mut step = provider.identity(&cx, &GrantFacts::new(Vec::new()), None, None);
    let body = r#"{"active":true,"token":"fake","hub_id":7,"user_id":9,"hub_domain":"a.example"}"#;
    let account = drive(&mut *step, vec![json(200, body)]).1.unwrap();
    assert_eq!(account.id.value(), "7:9");
    let also: Vec<_> = account.also.iter().map(|id| (id.kind(), id.value())).collect();
    assert_eq!(also, [("portal", "7")]);
}

const TOKEN: &str = r#"{"access_token":"fake-own","token_type":"bearer","expires_in":1800}"#;
const FILE: &str = "https://bucket.s3.amazonaws.com/journal/1?X-Amz-Signature=fake";
const FIRST: &str = "550e8400-e29b-41d4-a716-446655440000";
const SECOND: &str = "550e8400-e29b-41d4-a716-446655440001";

fn entry(offset: &str, url: &str) -> Answer {
    let body = format!(
        r#"{{"url":"{url}","expiresAt":"2026-11-21T10:00:00Z","currentOffset":"{offset}"}}"#
    );
    json(200, &body)
}

fn none() -> Answer {
    answer(204, &[], b"")
}

fn poll(
    provider: &HubSpot,
    progress: Option<&str>,
    answers: Vec<Answer>,
) -> (Vec<Request>, Result<Polled, Failure>) {
    let registration = registration("hubspot");
    let cx = context(provider.spec(), &registration);
    drive(&mut *provider.poll(&cx, progress).unwrap(), answers)
}

fn paths(requests: &[Request]) -> Vec<&str> {
    requests.iter().map(|request| address(request).trim_start_matches(JOURNAL)).collect()
}

const JOURNAL: &str = "https://api.hubapi.com/webhooks-journal/journal/2026-03/";
const OAUTH: &str = "https://api.hubapi.com/oauth/2026-03/token";
/// What an address that is a secret is written as.
const HIDDEN: &str = "(progress)";

#[test]
fn the_journal_is_read_with_a_token_of_the_apps_own_and_files_without_any() {
    let file = r#"{"offset":"x","publishedAt":"2026-11-21T09:00:00Z","journalEvents":[
        {"type":"app_lifecycle_event","action":"APP_UNINSTALL","portalId":7,
         "occurredAt":"2023-11-14T22:13:20Z"},
        {"type":"app_lifecycle_event","action":"APP_INSTALL","portalId":9},
        {"type":"crm_object","action":"UPDATE","objectTypeId":"0-1","objectId":5,"portalId":7},
        {"type":"gdpr_privacy_deletion","action":"GDPR_DELETE","objectTypeId":"0-1",
         "objectId":501,"portalId":7,"occurredAt":"2023-11-14T22:13:20.001Z"}]}"#;
    let provider = HubSpot::new().reading_journal();
    let answers = vec![json(200, TOKEN), entry(FIRST, FILE), json(200, file), none()];
    let (requests, polled) = poll(&provider, None, answers);
    let next = format!("offset/{FIRST}/next");
    assert_eq!(paths(&requests), [OAUTH, "earliest", HIDDEN, next.as_str()]);

    let Payload::Form(fields) = &requests[0].payload else { panic!("no form") };
    for field in [
        ("grant_type".into(), Value::text("client_credentials")),
        ("scope".into(), Value::text("developer.webhooks_journal.read")),
        ("client_secret".into(), Value::Secret(SecretRef::ClientSecret)),
    ] {
        assert!(fields.contains(&field));
    }
    let held = |request: &Request| {
        let value = request.headers.iter().find(|(name, _)| *name == header::AUTHORIZATION);
        value.map(|(_, value)| match value {
            Value::Issued(issued) => issued.expose(|bytes| bytes == b"Bearer fake-own"),
            _ => false,
        })
    };
    assert_eq!(held(&requests[1]), Some(true));
    assert_eq!(held(&requests[3]), Some(true));
    assert_eq!(held(&requests[2]), None, "nothing goes along to the storage");
    assert_eq!(requests[2].authorization, bailee_providers::Authorization::None);
    assert_eq!(requests[2].method, Method::GET);
    let Target::Issued(at) = &requests[2].target else { panic!("no secret address") };
    assert!(at.expose(|bytes| bytes == FILE.as_bytes()));
    assert!(!format!("{:?}", requests[2].target).contains("fake"));

    let polled = polled.unwrap();
    let at = |millis: i64| Some(Timestamp::from_micros(millis * 1000));
    let removed = What::withdrawn(WithdrawalReason::AccessRemoved);
    let expected = [
        Signal::new(portal("7"), removed).at(at(SENT)),
        Signal::new(portal("7"), others_erasure(&[("contact", "501")])).at(at(SENT + 1)),
    ];
    assert_eq!(polled.signals, expected);
    assert_eq!(polled.progress.as_deref(), Some(FIRST));
    assert_eq!(polled.again, Duration::from_secs(300));
}

#[test]
fn entries_in_the_words_of_the_webhooks_are_read_and_unknown_ones_pass() {
    let file = r#"[
        {"eventId":1,"subscriptionType":"APP_LIFECYCLE_EVENT","eventTypeId":"4-1916193",
         "portalId":"7","occurredAt":1700000000000},
        {"eventId":1,"subscriptionType":"APP_LIFECYCLE_EVENT","eventTypeId":"4-1916193",
         "portalId":"7","occurredAt":1700000000000},
        {"eventId":2,"subscriptionType":"APP_LIFECYCLE_EVENT","eventTypeId":"4-1909196","portalId":7},
        {"subscriptionType":"GDPR_PRIVACY_DELETION","objectTypeId":"0-2","objectId":"12",
         "portalId":8},
        {"subscriptionType":"GDPR_PRIVACY_DELETION","objectId":"ada@example.test","portalId":8},
        {"subscriptionType":"GDPR_PRIVACY_DELETION","objectId":1},
        {"portalId":{"a":1},"action":["APP_UNINSTALL"]}, null, 7, "text", []]"#;
    let provider = HubSpot::new().reading_journal();
    let answers =
        vec![json(200, TOKEN), entry(SECOND, FILE), answer(200, &[], file.as_bytes()), none()];
    let (requests, polled) = poll(&provider, Some(FIRST), answers);
    assert_eq!(paths(&requests)[1], format!("offset/{FIRST}/next"));
    let polled = polled.unwrap();
    let at = Some(Timestamp::from_micros(SENT * 1000));
    let removed = What::withdrawn(WithdrawalReason::AccessRemoved);
    let expected = [
        Signal::new(portal("7"), removed).at(at),
        Signal::new(portal("8"), others_erasure(&[("object 0-2", "12")])),
        // An address in the place of an id is not kept.
        Signal::new(portal("8"), others_erasure(&[])),
    ];
    assert_eq!(polled.signals, expected);
    assert_eq!(polled.progress.as_deref(), Some(SECOND));
}

#[test]
fn nothing_newer_leaves_the_progress_as_it_is() {
    let provider = HubSpot::new().reading_journal();
    for nothing in [none(), answer(200, &[], b""), entry(FIRST, FILE), json(200, "{}")] {
        let (requests, polled) = poll(&provider, Some(FIRST), vec![json(200, TOKEN), nothing]);
        let polled = polled.unwrap();
        assert_eq!((requests.len(), polled.signals.len()), (2, 0));
        assert_eq!(polled.progress.as_deref(), Some(FIRST));
    }
    let (_, polled) = poll(&provider, None, vec![json(200, TOKEN), answer(404, &[], b"")]);
    assert_eq!(polled.unwrap().progress, None);
}

#[test]
fn an_offset_that_the_journal_has_forgotten_begins_anew_and_the_last_one_does_not() {
    let provider = HubSpot::new().reading_journal();
    let gone = || answer(404, &[], b"");
    let answers = vec![json(200, TOKEN), gone(), entry(FIRST, FILE)];
    let (requests, polled) = poll(&provider, Some(FIRST), answers);
    assert_eq!(paths(&requests)[2], "latest");
    assert_eq!(polled.unwrap().progress.as_deref(), Some(FIRST), "it was the last one");

    let answers = vec![
        json(200, TOKEN),
        gone(),
        entry("c3", FILE),
        entry(SECOND, FILE),
        json(200, r#"{"journalEvents":[]}"#),
        none(),
    ];
    let (requests, polled) = poll(&provider, Some(FIRST), answers);
    assert_eq!(paths(&requests)[2..4], ["latest", "earliest"]);
    assert_eq!(polled.unwrap().progress.as_deref(), Some(SECOND));

    let answers = vec![json(200, TOKEN), gone(), none()];
    assert_eq!(poll(&provider, Some(FIRST), answers).1.unwrap().progress.as_deref(), Some(FIRST));
}

#[test]
fn out_05_a_file_is_fetched_from_the_journals_hosts_alone() {
    let provider = HubSpot::new().reading_journal();
    for elsewhere in [
        "http://bucket.s3.amazonaws.com/journal/1",
        "https://user:pass@bucket.s3.amazonaws.com/journal/1",
        "https://s3.amazonaws.com@169.254.169.254/latest",
        "https://169.254.169.254/latest/meta-data",
        "https://127.0.0.1/journal",
        "https://[::1]/journal",
        "https://localhost/journal",
        "https://api.hubapi.com/crm/v3/owners",
        "https://s3.amazonaws.com.evil.test/journal",
        "https://evils3.amazonaws.com/journal",
        "https://s3.amazonaws.com:8443/journal",
        "https://s3.amazonaws.com/journal#x",
        "ftp://s3.amazonaws.com/journal",
        "",
    ] {
        let answers = vec![json(200, TOKEN), entry(FIRST, elsewhere)];
        let (requests, polled) = poll(&provider, None, answers);
        let failure = polled.unwrap_err();
        assert_eq!((requests.len(), failure.kind), (2, FailureKind::Malformed), "{elsewhere}");
        assert_eq!(failure.code.unwrap().as_str(), "journal_host");
    }
    let own = provider.journal_hosts(vec!["*.files.example.test".into()]).unwrap();
    let file = "https://eu.files.example.test/1";
    let answers = vec![json(200, TOKEN), entry(FIRST, file), json(200, "[]"), none()];
    assert_eq!(poll(&own, None, answers).1.unwrap().progress.as_deref(), Some(FIRST));
    assert!(poll(&own, None, vec![json(200, TOKEN), entry(FIRST, FILE)]).1.is_err());
    for bad in ["*", "https://a.example.test", "10.0.0.1", "*.test"] {
        assert!(HubSpot::new().journal_hosts(vec![bad.into()]).is_err(), "{bad}");
    }
}

#[test]
fn what_was_read_is_kept_where_the_rest_cannot_be() {
    let provider = HubSpot::new().reading_journal();
    let uninstall = r#"[{"eventTypeId":"4-1916193","portalId":7}]"#;
    for broken in
        [json(500, "{}"), json(429, "{}"), entry(SECOND, "https://evil.test/"), json(200, "[]")]
    {
        let answers = vec![json(200, TOKEN), entry(FIRST, FILE), json(200, uninstall), broken];
        let polled = poll(&provider, None, answers).1.unwrap();
        assert_eq!((polled.signals.len(), polled.progress.as_deref()), (1, Some(FIRST)));
        assert!(polled.again >= Duration::from_secs(1));
    }
    // Nothing was read: the failure is told, and it is not the people's.
    for (answers, kind) in [
        (vec![json(400, r#"{"error":"invalid_scope"}"#)], FailureKind::ClientConfiguration),
        (vec![json(400, r#"{"error":"invalid_grant"}"#)], FailureKind::ClientConfiguration),
        (vec![json(401, "{}")], FailureKind::ClientConfiguration),
        (vec![json(503, "{}")], FailureKind::Unavailable),
        (vec![json(200, "{}")], FailureKind::Malformed),
        (vec![json(200, TOKEN), json(401, "{}")], FailureKind::ClientConfiguration),
        (vec![json(200, TOKEN), json(403, "{}")], FailureKind::ClientConfiguration),
        (vec![json(200, TOKEN), json(429, "{}")], FailureKind::RateLimited),
        (vec![json(200, TOKEN), json(502, "{}")], FailureKind::Unavailable),
        (vec![json(200, TOKEN), entry("../x", FILE)], FailureKind::Malformed),
        (vec![json(200, TOKEN), entry(FIRST, FILE), json(403, "{}")], FailureKind::Unavailable),
        (vec![json(200, TOKEN), entry(FIRST, FILE), json(200, "7")], FailureKind::Malformed),
        (vec![json(200, TOKEN), entry(FIRST, FILE), json(200, "<html>")], FailureKind::Malformed),
    ] {
        assert_eq!(poll(&provider, None, answers).1.unwrap_err().kind, kind);
    }
}

#[test]
fn a_long_journal_is_read_in_parts() {
    let provider = HubSpot::new().reading_journal();
    let mut answers = vec![json(200, TOKEN)];
    for n in 0..10 {
        answers.extend([entry(&format!("o-{n}"), FILE), json(200, "[]")]);
    }
    let (requests, polled) = poll(&provider, None, answers);
    let polled = polled.unwrap();
    assert_eq!((requests.len(), polled.progress.as_deref()), (21, Some("o-9")));
    assert_eq!(polled.again, Duration::from_secs(1));
}

#[test]
fn the_journal_is_read_where_the_host_says_so_and_the_client_has_a_secret() {
    let id = RegistrationId::from_static("test");
    let registration =
        bailee_providers::Registration::new(id, ProviderId::from_static("hubspot"), "fake-client")
            .variable("journal_version", "2026-09");
    let provider = HubSpot::new();
    let cx = Context::new(provider.spec(), &registration, NOW);
    assert!(provider.poll(&cx, None).is_none());
    let provider = HubSpot::new().reading_journal_with("webhooks-journal-data-access");
    let mut step = provider.poll(&cx, None).unwrap();
    let (requests, _) = drive(&mut *step, vec![json(200, TOKEN), none()]);
    let at = "https://api.hubapi.com/webhooks-journal/journal/2026-09/earliest";
    assert_eq!(address(&requests[1]), at);
    let Payload::Form(fields) = &requests[0].payload else { panic!("no form") };
    assert!(fields.contains(&("scope".into(), Value::text("webhooks-journal-data-access"))));
    let public = registration.public();
    assert!(provider.poll(&Context::new(provider.spec(), &public, NOW), None).is_none());
}
