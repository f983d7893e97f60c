use std::time::Duration;

use bailee_core::{
    CredentialName, Effect, ErrorKind, Remedy, ScopeName, State, Timestamp, Verifier,
};
use bailee_providers::{
    AccountId, Alive, Authorization, AuthorizeAsk, CredentialFacts, Download, ExchangeAsk, Failure,
    FailureKind, GrantFacts, Operation, OperationFacts, Outcome, Paged, Payload, Provider, Publish,
    Request, RevokePlan, TokenKind, Value,
    google::{
        Attachment, DownloadFile, EventStatus, EventTime, ExportDocument, ExportFormat, Google,
        ListEvents, ListFiles, Mailbox, MessageId, SendMail, UploadFile,
    },
    spec::{LimitScope, Pkce, RefreshClass, RevokeEnds, RevokeStyle},
};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use http::Method;

use crate::support::{NOW, address, answer, context, drive, json, registration};

const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const SEND: &str = "https://www.googleapis.com/auth/gmail.send";
const EVENTS: &str = "https://www.googleapis.com/auth/calendar.events.readonly";
const FILES: &str = "https://www.googleapis.com/auth/drive.file";

const TOKEN: &str = r#"{"access_token":"ya29.fake-access","expires_in":3599,
    "refresh_token":"1//fake-refresh","token_type":"Bearer","id_token":"fake.id.token",
    "scope":"openid https://www.googleapis.com/auth/gmail.send https://www.googleapis.com/auth/userinfo.email"}"#;

fn query(request: &Request, name: &str) -> Option<String> {
    request.query.iter().find(|(known, _)| known == name).map(|(_, value)| match value {
        Value::Text(text) => text.clone(),
        _ => panic!("a secret in an address"),
    })
}

#[test]
fn the_facts_are_those_of_the_documentation() {
    let google = Google::new();
    let spec = google.spec();
    let url = |url: &Option<url::Url>| url.as_ref().unwrap().to_string();
    assert_eq!(url(&spec.endpoints.authorization), "https://accounts.google.com/o/oauth2/v2/auth");
    assert_eq!(url(&spec.endpoints.token), "https://oauth2.googleapis.com/token");
    assert_eq!(url(&spec.endpoints.revocation), "https://oauth2.googleapis.com/revoke");
    assert_eq!(url(&spec.endpoints.userinfo), "https://openidconnect.googleapis.com/v1/userinfo");
    assert_eq!(url(&spec.endpoints.jwks), "https://www.googleapis.com/oauth2/v3/certs");
    assert_eq!(spec.endpoints.introspection, None);
    assert_eq!(spec.issuer.as_deref(), Some("https://accounts.google.com"));
    assert_eq!(spec.identity.issuers, ["https://accounts.google.com", "accounts.google.com"]);
    assert_eq!(spec.identity.id, ["/sub"]);
    assert!(!spec.discover && !spec.iss_in_callback);
    // The page that people see is for their browser alone.
    let called = spec.hosts_for(bailee_providers::Endpoint::Api);
    assert!(!called.contains(&"accounts.google.com".to_owned()));
    assert!(called.contains(&"gmail.googleapis.com".to_owned()));
    // Beside the document that names the keys of events.
    let fetched = spec.hosts_for(bailee_providers::Endpoint::Discovery);
    assert!(fetched.contains(&"accounts.google.com".to_owned()));
    assert_eq!(spec.upload_hosts, ["www.googleapis.com"]);
    assert_eq!(spec.refresh.class, RefreshClass::Stable);
    assert_eq!(spec.refresh.idle_limit, Some(Duration::from_secs(180 * 86_400)));
    assert_eq!(spec.revoke.style, RevokeStyle::Rfc7009);
    assert_eq!(spec.revoke.ends, RevokeEnds::Account);
    assert!(!spec.revoke.authenticated && !spec.revoke.hinted);
    assert_eq!(spec.pkce.web, Pkce::S256);
    let names: Vec<&str> = spec.scopes.catalogue.iter().map(|entry| entry.name.as_str()).collect();
    assert_eq!(names.len(), 23);
    for (scope, effect) in [
        ("openid", Effect::Read),
        ("email", Effect::Read),
        ("profile", Effect::Read),
        (SEND, Effect::Effect),
        (EVENTS, Effect::Read),
        (FILES, Effect::Effect),
        ("https://mail.google.com/", Effect::Effect),
    ] {
        let entry = spec.scopes.catalogue.iter().find(|entry| entry.name.as_str() == scope);
        assert_eq!(entry.unwrap().effect, effect, "{scope}");
    }
}

#[test]
fn operations_say_what_they_need_and_do() {
    let google = Google::new();
    let (list, download) = (ListEvents::between(NOW, NOW.plus(HOUR)), DownloadFile::new("f"));
    let (mail, files, upload) =
        (SendMail::new("s", "t"), ListFiles::new(), UploadFile::new("a", 1, "text/plain"));
    let export = ExportDocument::new("f", ExportFormat::Pdf);
    let all: [(&OperationFacts, &str, &str, Effect); 6] = [
        (mail.facts(), "google.send_mail", SEND, Effect::Effect),
        (list.facts(), "google.list_events", EVENTS, Effect::Read),
        (files.facts(), "google.list_files", FILES, Effect::Read),
        (download.facts(), "google.download_file", FILES, Effect::Read),
        (export.facts(), "google.export_document", FILES, Effect::Read),
        (upload.facts(), "google.upload_file", FILES, Effect::Effect),
    ];
    for (facts, name, scope, effect) in all {
        facts.check(google.spec()).unwrap();
        assert_eq!(facts.name, name);
        assert_eq!(facts.scopes, [ScopeName::from_static(scope)], "{name}");
        assert_eq!(facts.effect, effect, "{name}");
        let writes = effect == Effect::Effect;
        assert_eq!(facts.sends.is_empty(), !writes, "{name}");
        assert_eq!(facts.reads.is_empty(), writes, "{name}");
    }
}

const HOUR: Duration = Duration::from_secs(3600);

fn authorize(ask_anew: bool) -> url::Url {
    let google = Google::new();
    let registration = registration("google");
    let cx = context(google.spec(), &registration);
    let scopes = ["openid", "email", SEND].map(ScopeName::from_static);
    let state = State::copy_from(b"fake-state");
    let verifier = Verifier::copy_from(VERIFIER.as_bytes());
    let mut ask = AuthorizeAsk::new(&scopes, "https://app.example.test/cb", &state);
    ask.verifier = Some(&verifier);
    ask.nonce = Some("fake-nonce");
    ask.ask_anew = ask_anew;
    google.authorize(&cx, &ask).unwrap().into_url()
}

#[test]
fn a_flow_asks_for_offline_access_and_for_what_was_granted_before() {
    let url = authorize(false);
    let one = |name: &str| {
        let found: Vec<_> = url.query_pairs().filter(|(key, _)| key == name).collect();
        assert!(found.len() <= 1, "{name}");
        found.first().map(|(_, value)| value.to_string())
    };
    assert_eq!(one("access_type").as_deref(), Some("offline"));
    assert_eq!(one("include_granted_scopes").as_deref(), Some("true"));
    assert_eq!(one("scope").unwrap(), format!("openid email {SEND}"));
    assert_eq!(one("nonce").as_deref(), Some("fake-nonce"));
    assert_eq!(one("code_challenge_method").as_deref(), Some("S256"));
    assert_eq!(one("prompt"), None);
    assert!(authorize(true).as_str().contains("prompt=consent"));
}

fn exchange(body: &str) -> (Vec<Request>, Result<bailee_providers::Grant, Failure>) {
    let google = Google::new();
    let registration = registration("google");
    let cx = context(google.spec(), &registration);
    let ask = ExchangeAsk { redirect_uri: "https://app.example.test/cb", pkce: true };
    drive(&mut *google.exchange(&cx, &ask), vec![json(200, body)])
}

#[test]
fn tok_05_what_a_person_unticked_is_missing_and_other_names_are_no_difference() {
    let (requests, grant) = exchange(TOKEN);
    assert_eq!(requests[0].authorization, Authorization::None);
    let Payload::Form(fields) = &requests[0].payload else { panic!("no form") };
    let names: Vec<&str> = fields.iter().map(|(name, _)| name.as_ref()).collect();
    assert_eq!(
        names,
        ["grant_type", "code", "redirect_uri", "code_verifier", "client_id", "client_secret"]
    );
    let grant = grant.unwrap();
    let asked = ["openid", "email", SEND, EVENTS].map(ScopeName::from_static);
    let comparison = grant.compare_scopes(&asked);
    assert_eq!(comparison.missing, [ScopeName::from_static(EVENTS)]);
    assert!(comparison.unasked.is_empty());
    // What was granted earlier comes along.
    let earlier = TOKEN.replace(SEND, &format!("{SEND} {EVENTS} {FILES}"));
    let comparison = exchange(&earlier).1.unwrap().compare_scopes(&asked);
    assert!(comparison.missing.is_empty());
    assert_eq!(comparison.unasked, [ScopeName::from_static(FILES)]);
}

#[test]
fn wider_scopes_contain_what_operations_need() {
    let google = Google::new();
    let scopes = &google.spec().scopes;
    for (wide, narrow) in [
        ("https://mail.google.com/", SEND),
        ("https://www.googleapis.com/auth/gmail.compose", SEND),
        ("https://www.googleapis.com/auth/calendar", EVENTS),
        ("https://www.googleapis.com/auth/calendar.readonly", EVENTS),
        ("https://www.googleapis.com/auth/drive", FILES),
    ] {
        assert!(scopes.cover(&[ScopeName::from_static(wide)], &ScopeName::from_static(narrow)));
    }
    for (other, narrow) in [
        ("https://www.googleapis.com/auth/gmail.readonly", SEND),
        ("https://www.googleapis.com/auth/drive.readonly", FILES),
        ("https://www.googleapis.com/auth/calendar.freebusy", EVENTS),
    ] {
        assert!(!scopes.cover(&[ScopeName::from_static(other)], &ScopeName::from_static(narrow)));
    }
}

#[test]
fn ref_09_answers_without_a_refresh_token_and_with_a_life_of_one_are_read() {
    let grant = exchange(TOKEN).1.unwrap();
    let credential = &grant.credentials[0];
    assert!(credential.refresh.is_some());
    assert_eq!(credential.expires_in, Some(Duration::from_secs(3599)));
    assert_eq!(credential.refresh_expires_in, None);
    let later = TOKEN.replace(r#""refresh_token":"1//fake-refresh","#, "");
    assert!(exchange(&later).1.unwrap().credentials[0].refresh.is_none());
    let limited = TOKEN.replacen('{', r#"{"refresh_token_expires_in":604799,"#, 1);
    let grant = exchange(&limited).1.unwrap();
    assert_eq!(grant.credentials[0].refresh_expires_in, Some(Duration::from_secs(604_799)));
}

#[test]
fn ref_10_a_dead_refresh_token_and_a_broken_registration_are_told_apart() {
    let google = Google::new();
    let registration = registration("google");
    let cx = context(google.spec(), &registration);
    let facts =
        CredentialFacts::new(CredentialName::from_static("user"), Vec::new()).with_refresh(None);
    let refresh = |status: u16, body: &str| {
        drive(&mut *google.refresh(&cx, &facts), vec![json(status, body)]).1
    };
    for (status, body, kind) in [
        (
            400,
            r#"{"error":"invalid_grant","error_description":"Token has been expired or revoked."}"#,
            FailureKind::GrantOver,
        ),
        (
            400,
            r#"{"error":"invalid_grant","error_description":"reauth","error_subtype":"invalid_rapt"}"#,
            FailureKind::GrantOver,
        ),
        (401, r#"{"error":"invalid_client"}"#, FailureKind::ClientConfiguration),
        (401, r#"{"error":"deleted_client"}"#, FailureKind::ClientConfiguration),
        (400, r#"{"error":"redirect_uri_mismatch"}"#, FailureKind::ClientConfiguration),
        (400, r#"{"error":"unauthorized_client"}"#, FailureKind::ClientConfiguration),
        (400, r#"{"error":"admin_policy_enforced"}"#, FailureKind::Blocked),
        (429, "{}", FailureKind::RateLimited),
        (503, r#"{"error":"invalid_grant"}"#, FailureKind::Unavailable),
        (400, r#"{"error":"fake-canary"}"#, FailureKind::Malformed),
    ] {
        let failure = refresh(status, body).unwrap_err();
        assert_eq!(failure.kind, kind, "{body}");
        assert!(!format!("{failure:?}").contains("fake"));
    }
    let stays = refresh(200, &TOKEN.replace(r#""refresh_token":"1//fake-refresh","#, ""));
    assert!(stays.unwrap().credentials[0].refresh.is_none());
}

#[test]
fn an_administrator_who_blocks_the_application_is_no_person_who_refuses() {
    let google = Google::new();
    let registration = registration("google");
    let cx = context(google.spec(), &registration);
    for (error, kind) in [
        ("access_denied", FailureKind::PersonRefused),
        ("admin_policy_enforced", FailureKind::Blocked),
        ("org_internal", FailureKind::Blocked),
    ] {
        let callback = google.callback(&cx, &format!("error={error}&state=s")).unwrap();
        let Outcome::Refused { failure, .. } = callback.outcome else { panic!("no refusal") };
        assert_eq!(failure.kind, kind, "{error}");
    }
}

#[test]
fn a_token_that_is_dead_already_is_revoked() {
    let google = Google::new();
    let registration = registration("google");
    let cx = context(google.spec(), &registration);
    let facts = CredentialFacts::new(CredentialName::from_static("user"), Vec::new())
        .with_refresh(None)
        .expiring(NOW);
    assert_eq!(google.revoke_plan(&cx, &facts), RevokePlan::Ready);
    let dead = || json(400, r#"{"error":"invalid_token","error_description":"fake"}"#);
    let (requests, revoked) =
        drive(&mut *google.revoke(&cx, &facts), vec![json(200, "{}"), dead()]);
    assert!(revoked.unwrap().confirmed);
    for request in &requests {
        assert_eq!(address(request), "https://oauth2.googleapis.com/revoke");
        assert_eq!(request.authorization, Authorization::None);
        let Payload::Form(fields) = &request.payload else { panic!("no form") };
        assert_eq!(fields.len(), 1, "the token and nothing else");
    }
    let (_, revoked) = drive(&mut *google.revoke(&cx, &facts), vec![dead(), dead()]);
    assert!(revoked.unwrap().confirmed);
    let refused = || json(400, r#"{"error":"invalid_request"}"#);
    let (_, outcome) = drive(&mut *google.revoke(&cx, &facts), vec![refused()]);
    assert_eq!(outcome.unwrap_err().kind, FailureKind::ClientConfiguration);
    let (_, outcome) =
        drive(&mut *google.revoke(&cx, &facts), vec![json(404, "{}"), json(404, "{}")]);
    assert_eq!(outcome.unwrap().remaining, [TokenKind::Refresh, TokenKind::Access]);
}

#[test]
fn liveness_is_a_question_for_the_account() {
    let google = Google::new();
    let registration = registration("google");
    let cx = context(google.spec(), &registration);
    let alive = |status: u16| drive(&mut *google.liveness(&cx), vec![json(status, "{}")]);
    let (requests, outcome) = alive(200);
    assert_eq!(outcome, Ok(Alive::Yes));
    assert_eq!(address(&requests[0]), "https://openidconnect.googleapis.com/v1/userinfo");
    assert_eq!(alive(401).1, Ok(Alive::No));
    assert_eq!(alive(500).1.unwrap_err().kind, FailureKind::Unavailable);
}

fn api_error(status: u16, body: &str) -> Option<Failure> {
    let google = Google::new();
    let registration = registration("google");
    let cx = context(google.spec(), &registration);
    google.classify(&cx, &json(status, body))
}

#[test]
fn reasons_of_the_apis_are_what_the_table_says() {
    use FailureKind::*;
    for (status, reason, kind) in [
        (401, "authError", AccessRejected),
        (403, "insufficientPermissions", ScopeMissing),
        (403, "accessNotConfigured", ClientConfiguration),
        (403, "domainPolicy", Blocked),
        (403, "forbiddenForNonOrganizer", Blocked),
        (403, "appNotAuthorizedToFile", Blocked),
        (403, "rateLimitExceeded", RateLimited),
        (403, "userRateLimitExceeded", RateLimited),
        (403, "quotaExceeded", RateLimited),
        (403, "dailyLimitExceeded", RateLimited),
        (403, "storageQuotaExceeded", Blocked),
        (404, "notFound", InvalidInput),
        (409, "duplicate", InvalidInput),
        (410, "fullSyncRequired", InvalidInput),
        (410, "updatedMinTooLongAgo", InvalidInput),
        (412, "conditionNotMet", InvalidInput),
        (403, "fake-reason", Blocked),
        (401, "fake-reason", AccessRejected),
        (400, "fake-reason", InvalidInput),
        // What is about a registration elsewhere is about the call here.
        (400, "invalid_request", InvalidInput),
        (403, "invalid_grant", Blocked),
        // A server that is broken says nothing of a grant.
        (500, "authError", Unavailable),
    ] {
        let body = format!(
            r#"{{"error":{{"code":{status},"message":"fake","errors":[{{"domain":"global","reason":"{reason}","message":"fake"}}]}}}}"#
        );
        let failure = api_error(status, &body).unwrap();
        assert_eq!(failure.kind, kind, "{status} {reason}");
        assert!(!format!("{failure:?}").contains("fake"), "{status} {reason}");
        assert!(api_error(200, &body).is_some(), "an error is one whatever its status");
    }
    for body in ["{}", r#"{"error":null}"#, r#"{"items":[]}"#, "", "text"] {
        assert_eq!(api_error(200, body), None, "{body}");
    }
    assert_eq!(api_error(200, r#"{"error":"fake"}"#).unwrap().kind, Malformed);
    let newer = |status: u16, word: &str, reason: &str| {
        let body = format!(
            r#"{{"error":{{"code":{status},"message":"fake","status":"{word}","details":[{{"@type":"x"}},{{"reason":"{reason}","domain":"googleapis.com"}}]}}}}"#
        );
        api_error(status, &body).unwrap().kind
    };
    let denied = "PERMISSION_DENIED";
    assert_eq!(newer(403, denied, "ACCESS_TOKEN_SCOPE_INSUFFICIENT"), ScopeMissing);
    assert_eq!(newer(403, denied, "SERVICE_DISABLED"), ClientConfiguration);
    assert_eq!(newer(403, denied, "RATE_LIMIT_EXCEEDED"), RateLimited);
    assert_eq!(newer(403, denied, "fake"), Blocked);
    assert_eq!(newer(401, "UNAUTHENTICATED", "fake"), AccessRejected);
    assert_eq!(newer(429, "RESOURCE_EXHAUSTED", "fake"), RateLimited);
    for body in ["", "<html>", "[]", r#"{"error":"fake"}"#, r#"{"error":{"errors":"x"}}"#] {
        assert_eq!(api_error(403, body).unwrap().kind, Blocked, "{body}");
    }
    let google = Google::new();
    let registration = registration("google");
    let cx = context(google.spec(), &registration);
    let challenge = [("www-authenticate", r#"Bearer realm="x", error="insufficient_scope""#)];
    let failure = google.classify(&cx, &answer(403, &challenge, b""));
    assert_eq!(failure.unwrap().kind, ScopeMissing);
}

#[test]
fn out_08_limits_that_come_as_403_are_waited_for() {
    let of = |reason: &str| {
        let body = format!(r#"{{"error":{{"errors":[{{"reason":"{reason}"}}]}}}}"#);
        api_error(403, &body).unwrap()
    };
    assert_eq!(of("rateLimitExceeded").remedy(), Remedy::Wait(Duration::from_secs(60)));
    assert_eq!(of("rateLimitExceeded").scope, None);
    assert_eq!(of("userRateLimitExceeded").scope, Some(LimitScope::Account));
    assert_eq!(of("dailyLimitExceeded").remedy(), Remedy::Wait(HOUR));
    let google = Google::new();
    let registration = registration("google");
    let cx = context(google.spec(), &registration);
    let body = br#"{"error":{"errors":[{"reason":"rateLimitExceeded"}]}}"#;
    let headers = [("content-type", "application/json"), ("retry-after", "7")];
    let failure = google.classify(&cx, &answer(403, &headers, body)).unwrap();
    assert_eq!(failure.remedy(), Remedy::Wait(Duration::from_secs(7)));
}

fn call<O: Operation>(
    operation: &O,
    replies: Vec<bailee_providers::Answer>,
) -> (Vec<Request>, Result<O::Output, Failure>) {
    let google = Google::new();
    let registration = registration("google");
    let cx = context(google.spec(), &registration);
    drive(&mut *operation.start(&cx), replies)
}

fn mail() -> SendMail {
    SendMail::new("Hello", "text")
        .to(Mailbox::new("grace@example.test").unwrap())
        .id(MessageId::new("fake-1@app.example.test").unwrap())
}

#[test]
fn a_message_leaves_as_base64url_and_its_id_comes_back() {
    let sent = r#"{"id":"fake-message","threadId":"fake-thread","labelIds":["SENT"]}"#;
    let (requests, outcome) = call(&mail(), vec![json(200, sent)]);
    assert_eq!(
        address(&requests[0]),
        "https://gmail.googleapis.com/gmail/v1/users/me/messages/send"
    );
    assert_eq!(requests[0].effect, Effect::Effect);
    assert_eq!(requests[0].authorization, Authorization::Bearer);
    let Payload::Json(bailee_providers::Json::Object(members)) = &requests[0].payload else {
        panic!("no JSON")
    };
    assert_eq!(members.len(), 1);
    let bailee_providers::Json::Text(raw) = &members[0].1 else { panic!("no text") };
    let message = String::from_utf8(BASE64_URL_SAFE_NO_PAD.decode(raw).unwrap()).unwrap();
    assert!(
        message.starts_with("To: grace@example.test\r\nSubject: Hello\r\nMessage-ID: <fake-1@")
    );
    let outcome = outcome.unwrap();
    assert_eq!((outcome.id.as_str(), outcome.thread.as_str()), ("fake-message", "fake-thread"));
    let printed = format!("{outcome:?} {:?}", mail());
    assert!(!printed.contains("fake") && !printed.contains("grace"), "{printed}");
    let answering = mail().answering("18c2abc", MessageId::new("<a@b>").unwrap());
    let (requests, _) = call(&answering, vec![json(200, sent)]);
    let Payload::Json(bailee_providers::Json::Object(members)) = &requests[0].payload else {
        panic!("no JSON")
    };
    assert_eq!(members[1].0, "threadId");
}

#[test]
fn a_message_that_cannot_be_sent_does_not_leave() {
    let id = || MessageId::new("a@b").unwrap();
    let large = Attachment::new("a", "text/plain", vec![0; 5_000_000]).unwrap();
    let crowd = (0..101).fold(SendMail::new("s", "t"), |mail, n| {
        mail.to(Mailbox::new(format!("p{n}@example.test")).unwrap())
    });
    for message in [
        SendMail::new("nobody", "t"),
        SendMail::new("a\r\nBcc: x@y.test", "t").to(Mailbox::new("a@b.test").unwrap()),
        mail().answering("thread/..", id()),
        mail().answering("", id()),
        mail().attach(large),
        crowd,
    ] {
        assert_eq!(message.check().unwrap_err().kind(), ErrorKind::InvalidInput);
        let (requests, outcome) = call(&message, Vec::new());
        assert!(requests.is_empty());
        assert_eq!(outcome.unwrap_err().kind, FailureKind::InvalidInput);
    }
}

const EVENT_PAGE: &str = r#"{"kind":"calendar#events","timeZone":"Europe/Vienna","items":[
    {"id":"fake-1","status":"confirmed","summary":"Lunch","start":{"dateTime":"2025-06-01T12:00:00+02:00","timeZone":"Europe/Vienna"},"end":{"dateTime":"2025-06-01T13:00:00+02:00"},"recurringEventId":"fake-series"},
    {"id":"fake-2","status":"tentative","start":{"date":"2025-06-02"},"end":{"date":"2025-06-03"}},
    {"id":"fake-3","status":"of another world"}],
    "nextPageToken":"fake page&2"}"#;

#[test]
fn events_come_page_by_page_without_those_who_take_part() {
    let list = ListEvents::between(NOW, NOW.plus(24 * HOUR)).page_size(3);
    let (requests, page) = call(&list, vec![json(200, EVENT_PAGE)]);
    assert_eq!(
        address(&requests[0]),
        "https://www.googleapis.com/calendar/v3/calendars/primary/events"
    );
    assert_eq!(query(&requests[0], "singleEvents").as_deref(), Some("true"));
    assert_eq!(query(&requests[0], "orderBy").as_deref(), Some("startTime"));
    assert_eq!(query(&requests[0], "timeMin").as_deref(), Some("2025-06-01T12:00:00Z"));
    assert_eq!(query(&requests[0], "timeMax").as_deref(), Some("2025-06-02T12:00:00Z"));
    assert_eq!(query(&requests[0], "maxResults").as_deref(), Some("3"));
    assert!(!query(&requests[0], "fields").unwrap().contains("attendees"));
    assert_eq!(query(&requests[0], "pageToken"), None);
    let page = page.unwrap();
    let first = &page.items[0];
    assert_eq!(first.title.as_deref(), Some("Lunch"));
    assert_eq!(first.status, EventStatus::Confirmed);
    assert_eq!(first.series.as_deref(), Some("fake-series"));
    assert_eq!(
        first.starts,
        Some(EventTime::Moment {
            at: Timestamp::from_seconds(1_748_772_000),
            zone: Some("Europe/Vienna".into()),
        })
    );
    assert_eq!(page.items[1].starts, Some(EventTime::Day("2025-06-02".into())));
    assert_eq!(page.items[1].status, EventStatus::Tentative);
    assert_eq!((page.items[2].status, &page.items[2].starts), (EventStatus::Unknown, &None));
    assert!(!format!("{page:?} {first:?}").contains("Lunch"));
    let next = list.after(page.next.unwrap());
    let (requests, last) = call(&next, vec![json(200, r#"{"items":[],"nextSyncToken":"x"}"#)]);
    assert_eq!(query(&requests[0], "pageToken").as_deref(), Some("fake page&2"));
    assert_eq!(query(&requests[0], "maxResults").as_deref(), Some("3"));
    assert_eq!(last.unwrap().next, None);
}

#[test]
fn calendars_of_any_name_stay_one_segment_and_wrong_times_do_not_leave() {
    let of = |calendar: &str| {
        let list = ListEvents::between(NOW, NOW.plus(HOUR)).of_calendar(calendar);
        call(&list, vec![json(200, r#"{"items":[]}"#)])
    };
    assert_eq!(
        address(&of("a/../b@group.calendar.google.com").0[0]),
        "https://www.googleapis.com/calendar/v3/calendars/\
         a%2F%2E%2E%2Fb%40group%2Ecalendar%2Egoogle%2Ecom/events"
    );
    for wrong in [
        ListEvents::between(NOW, NOW),
        ListEvents::between(NOW, NOW.plus(HOUR)).page_size(0),
        ListEvents::between(NOW, NOW.plus(HOUR)).page_size(2501),
        ListEvents::between(NOW, NOW.plus(HOUR)).of_calendar(".."),
        ListEvents::between(NOW, NOW.plus(HOUR)).of_calendar(""),
    ] {
        let (requests, outcome) = call(&wrong, Vec::new());
        assert!(requests.is_empty());
        assert_eq!(outcome.unwrap_err().kind, FailureKind::InvalidInput);
    }
    let list = ListEvents::between(NOW, NOW.plus(HOUR));
    for body in [
        r#"{"items":[{"id":"1","start":{"dateTime":"tomorrow"}}]}"#,
        r#"{"items":[{"id":"1","start":{}}]}"#,
        r#"{"items":[{"id":"1","start":{"date":"2025-6-1"}}]}"#,
        r#"{"items":[{}]}"#,
        "[]",
        "",
    ] {
        let failure = call(&list, vec![json(200, body)]).1.unwrap_err();
        assert_eq!(failure.kind, FailureKind::Malformed, "{body}");
    }
}

#[test]
fn files_are_looked_for_in_drives_language_and_nothing_escapes_from_it() {
    let page = r#"{"files":[
        {"id":"f1","name":"../a.txt","mimeType":"text/plain","size":"12","modifiedTime":"2025-06-01T10:00:00.000Z"},
        {"id":"f2","name":"Doc","mimeType":"application/vnd.google-apps.document"}],"nextPageToken":"n"}"#;
    let list = ListFiles::new().in_folder("folder-1").named("it's \\ here");
    let (requests, found) = call(&list, vec![json(200, page)]);
    assert_eq!(address(&requests[0]), "https://www.googleapis.com/drive/v3/files");
    assert_eq!(
        query(&requests[0], "q").unwrap(),
        "trashed = false and 'folder-1' in parents and name = 'it\\'s \\\\ here'"
    );
    assert_eq!(query(&requests[0], "pageSize").as_deref(), Some("100"));
    let found = found.unwrap();
    assert_eq!(found.items[0].size, Some(12));
    assert_eq!(found.items[0].modified, Some(Timestamp::from_seconds(1_748_772_000)));
    assert!(!found.items[0].is_document() && found.items[1].is_document());
    let (requests, _) = call(&list.after(found.next.unwrap()), vec![json(200, "{}")]);
    assert_eq!(query(&requests[0], "pageToken").as_deref(), Some("n"));
    assert!(query(&requests[0], "q").unwrap().contains("folder-1"));
    for wrong in [
        ListFiles::new().in_folder("a' or '1' = '1"),
        ListFiles::new().in_folder(""),
        ListFiles::new().named(""),
        ListFiles::new().named("a\nb"),
        ListFiles::new().page_size(0),
        ListFiles::new().page_size(1001),
    ] {
        let (requests, outcome) = call(&wrong, Vec::new());
        assert!(requests.is_empty());
        assert_eq!(outcome.unwrap_err().kind, FailureKind::InvalidInput);
    }
}

fn download(
    operation: &dyn Download,
    replies: Vec<bailee_providers::Answer>,
) -> (Vec<Request>, Result<bailee_providers::Transfer, Failure>) {
    let google = Google::new();
    let registration = registration("google");
    let cx = context(google.spec(), &registration);
    drive(&mut *operation.start(&cx), replies)
}

#[test]
fn a_download_asks_for_name_and_size_first() {
    let facts = r#"{"id":"f1","name":"..\\..\\con.txt","mimeType":"text/plain","size":"12"}"#;
    let (requests, transfer) = download(&DownloadFile::new("f-1_A"), vec![json(200, facts)]);
    assert_eq!(address(&requests[0]), "https://www.googleapis.com/drive/v3/files/f-1_A");
    let transfer = transfer.unwrap();
    assert_eq!(address(&transfer.request), "https://www.googleapis.com/drive/v3/files/f-1_A");
    assert_eq!(query(&transfer.request, "alt").as_deref(), Some("media"));
    assert_eq!(transfer.request.authorization, Authorization::Bearer);
    assert!(transfer.ranges);
    assert_eq!(transfer.file.size, Some(12));
    assert_eq!(transfer.file.name.as_deref(), Some("..\\..\\con.txt"));
    assert!(!format!("{transfer:?}").contains("con"));
    // Documents of Google's own have no bytes.
    let document = r#"{"id":"f1","name":"a","mimeType":"application/vnd.google-apps.document"}"#;
    let (_, outcome) = download(&DownloadFile::new("f1"), vec![json(200, document)]);
    assert_eq!(outcome.unwrap_err().kind, FailureKind::InvalidInput);
    for id in ["", "..", "a/b", "a?alt=media", "a b"] {
        for operation in
            [&DownloadFile::new(id) as &dyn Download, &ExportDocument::new(id, ExportFormat::Pdf)]
        {
            let (requests, outcome) = download(operation, Vec::new());
            assert!(requests.is_empty());
            assert_eq!(outcome.unwrap_err().kind, FailureKind::InvalidInput, "{id}");
        }
    }
}

#[test]
fn a_document_is_exported_in_another_form() {
    let (requests, transfer) = download(&ExportDocument::new("d1", ExportFormat::Pdf), Vec::new());
    assert!(requests.is_empty());
    let transfer = transfer.unwrap();
    assert_eq!(transfer.request.method, Method::GET);
    assert_eq!(address(&transfer.request), "https://www.googleapis.com/drive/v3/files/d1/export");
    assert_eq!(query(&transfer.request, "mimeType").as_deref(), Some("application/pdf"));
    assert!(!transfer.ranges);
    let google = Google::new();
    let limit = json(403, r#"{"error":{"errors":[{"reason":"userRateLimitExceeded"}]}}"#);
    let failure = Download::classify(&DownloadFile::new("a"), google.spec(), &limit);
    assert_eq!(failure.unwrap().kind, FailureKind::RateLimited);
}

#[test]
fn an_account_prints_nothing() {
    let id = AccountId::new("sub", "10769150350006150715113082367").unwrap();
    let facts = GrantFacts::new(vec![ScopeName::from_static("openid")]);
    assert!(!format!("{id:?} {facts:?}").contains("1076"));
}

#[cfg(feature = "conformance")]
#[test]
fn the_adapter_conforms() {
    use bailee_providers::{Platform, conformance::check};

    let registration = registration("google");
    check(&Google::new(), &registration);
    check(&Google::new(), &registration.platform(Platform::Desktop));
}
