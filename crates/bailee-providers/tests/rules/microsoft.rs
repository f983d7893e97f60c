use std::time::Duration;

use bailee_core::{CredentialName, Effect, ScopeName, Timestamp};
use bailee_providers::{
    Account, AccountId, Alive, Answer, Authorization, Context, CredentialFacts, Endpoint,
    ExchangeAsk, Failure, FailureKind, Grant, Json, Operation, Paged, Payload, Provider,
    Registration, Request, RevokePlan, Spec, Value,
    microsoft::{ListEvents, Microsoft, SMALL_FILE, SendMail, UploadFile},
    spec::{RefreshClass, RevokeStyle},
};

use crate::support::{NOW, address, answer, context, drive, json, registration};

const PERSONAL: &str = "9188040d-6c67-4c5b-b112-36a304b66dad";
const HOUR: Duration = Duration::from_secs(3600);

const TOKEN: &str = r#"{"token_type":"Bearer","scope":"https://graph.microsoft.com/mail.send Calendars.Read profile",
    "expires_in":3599,"ext_expires_in":3599,"access_token":"EwB.fake-access",
    "refresh_token":"M.fake-refresh","id_token":"fake.id.token"}"#;

fn of_tenant(registration: &Registration) -> Spec {
    Microsoft::new().spec().with_variables(&registration.variables).unwrap()
}

#[test]
fn the_facts_are_those_of_the_documentation() {
    let microsoft = Microsoft::new();
    let spec = microsoft.spec();
    let url = |url: &Option<url::Url>| url.as_ref().unwrap().to_string();
    let login = "https://login.microsoftonline.com/common";
    let endpoints = &spec.endpoints;
    assert_eq!(url(&endpoints.authorization), format!("{login}/oauth2/v2.0/authorize"));
    assert_eq!(url(&endpoints.token), format!("{login}/oauth2/v2.0/token"));
    assert_eq!(url(&endpoints.jwks), format!("{login}/discovery/v2.0/keys"));
    assert_eq!(url(&endpoints.userinfo), "https://graph.microsoft.com/oidc/userinfo");
    assert_eq!(endpoints.revocation, None);
    assert_eq!(spec.api.as_ref().unwrap().as_str(), "https://graph.microsoft.com/v1.0");
    assert_eq!(spec.refresh.class, RefreshClass::Overlapping);
    assert_eq!(spec.refresh.idle_limit, Some(Duration::from_secs(90 * 86_400)));
    assert_eq!(spec.revoke.style, RevokeStyle::None);
    assert_eq!(spec.identity.id, ["/tid", "/oid"]);
    assert_eq!(spec.identity.issuers, ["https://login.microsoftonline.com/{tid}/v2.0"]);
    let hosts = spec.hosts_for(Endpoint::Api);
    assert_eq!(hosts, ["graph.microsoft.com", "login.microsoftonline.com"]);
    let registration = registration("microsoft").variable("tenant", "contoso.example.com");
    let own = of_tenant(&registration);
    assert_eq!(
        url(&own.endpoints.token),
        "https://login.microsoftonline.com/contoso.example.com/oauth2/v2.0/token"
    );
    for facts in [
        SendMail::new("", "").facts(),
        ListEvents::between(NOW, NOW).facts(),
        UploadFile::new("a", "b/c", [0].as_slice()).facts(),
    ] {
        facts.check(spec).unwrap();
    }
}

fn exchange(reply: Answer) -> Result<Grant, Failure> {
    let microsoft = Microsoft::new();
    let registration = registration("microsoft");
    let cx = context(microsoft.spec(), &registration);
    let ask = ExchangeAsk { redirect_uri: "https://app.example.test/cb", pkce: true };
    drive(&mut *microsoft.exchange(&cx, &ask), vec![reply]).1
}

#[test]
fn tok_05_scopes_have_one_name_however_an_answer_writes_them() {
    let grant = exchange(json(200, TOKEN)).unwrap();
    let asked = ["openid", "offline_access", "profile", "Mail.Send", "Calendars.Read", "Mail.Read"];
    let comparison = grant.compare_scopes(&asked.map(ScopeName::from_static));
    assert_eq!(comparison.missing, [ScopeName::from_static("Mail.Read")]);
    assert!(comparison.unasked.is_empty());
    // Without a refresh token there is no lasting access, whatever was asked for.
    let short = TOKEN.replace(r#""refresh_token":"M.fake-refresh","#, "");
    let comparison = exchange(json(200, &short)).unwrap();
    let comparison = comparison.compare_scopes(&asked.map(ScopeName::from_static));
    assert!(comparison.missing.contains(&ScopeName::from_static("offline_access")));
}

#[test]
fn ref_10_numbers_say_what_a_refusal_means() {
    let microsoft = Microsoft::new();
    let registration = registration("microsoft");
    let cx = context(microsoft.spec(), &registration);
    let facts =
        CredentialFacts::new(CredentialName::from_static("user"), Vec::new()).with_refresh(None);
    let refresh = |status: u16, error: &str, number: u32| {
        let body = format!(
            r#"{{"error":"{error}","error_description":"AADSTS{number}: fake","error_codes":[{number}],"suberror":"x"}}"#
        );
        drive(&mut *microsoft.refresh(&cx, &facts), vec![json(status, &body)]).1.unwrap_err()
    };
    for (status, error, number, kind) in [
        (400, "invalid_grant", 50_173, FailureKind::GrantOver),
        (400, "invalid_grant", 700_082, FailureKind::GrantOver),
        (400, "invalid_grant", 65_001, FailureKind::GrantOver),
        (400, "invalid_grant", 70_000, FailureKind::GrantOver),
        (400, "invalid_grant", 70_008, FailureKind::GrantOver),
        (400, "interaction_required", 50_076, FailureKind::GrantOver),
        (400, "interaction_required", 50_079, FailureKind::GrantOver),
        (401, "invalid_client", 7_000_215, FailureKind::ClientConfiguration),
        (401, "invalid_client", 7_000_222, FailureKind::ClientConfiguration),
    ] {
        let failure = refresh(status, error, number);
        assert_eq!(failure.kind, kind, "{number}");
        assert_eq!(failure.code.unwrap().as_str(), format!("AADSTS{number}"));
    }
    // Numbers that are not in the table leave the code to decide.
    for (status, error, kind) in [
        (400, "invalid_grant", FailureKind::GrantOver),
        (400, "consent_required", FailureKind::GrantOver),
        (400, "invalid_resource", FailureKind::ClientConfiguration),
        (400, "unauthorized_client", FailureKind::ClientConfiguration),
        (400, "temporarily_unavailable", FailureKind::Unavailable),
        (400, "fake_canary", FailureKind::Malformed),
        (429, "invalid_grant", FailureKind::RateLimited),
        (503, "invalid_grant", FailureKind::Unavailable),
    ] {
        let failure = refresh(status, error, 1);
        assert_eq!(failure.kind, kind, "{error}");
        assert!(!format!("{failure:?}").contains("fake"));
    }
    // A fault of the provider's own says nothing of a grant.
    assert_eq!(refresh(500, "server_error", 50_173).kind, FailureKind::Unavailable);
    let success = TOKEN.replacen('{', r#"{"error_codes":[50173],"#, 1);
    assert!(exchange(json(200, &success)).is_ok());
}

#[test]
fn a_registration_takes_accounts_of_its_own_directory() {
    let microsoft = Microsoft::new();
    let work = "72f988bf-86f1-41af-91ab-2d7cd011db47";
    let takes = |tenant: Option<&str>, directory: &str| {
        let mut registration = registration("microsoft");
        if let Some(tenant) = tenant {
            registration = registration.variable("tenant", tenant);
        }
        let spec = of_tenant(&registration);
        let cx = Context::new(&spec, &registration, NOW);
        let id = AccountId::new("tid_oid", format!("{directory}:fake-object")).unwrap();
        microsoft.eligibility(&cx, &Account::new(id)).map_err(|failure| failure.kind)
    };
    for directory in [work, PERSONAL] {
        assert_eq!(takes(None, directory), Ok(()));
        assert_eq!(takes(Some("common"), directory), Ok(()));
        assert_eq!(takes(Some("contoso.example.com"), directory), Ok(()));
    }
    assert_eq!(takes(Some("organizations"), work), Ok(()));
    assert_eq!(takes(Some("organizations"), PERSONAL), Err(FailureKind::Blocked));
    assert_eq!(takes(Some("consumers"), PERSONAL), Ok(()));
    assert_eq!(takes(Some("consumers"), work), Err(FailureKind::Blocked));
    assert_eq!(takes(Some(work), work), Ok(()));
    assert_eq!(takes(Some(work), PERSONAL), Err(FailureKind::Blocked));
}

#[test]
fn a_disconnect_cannot_revoke_and_says_what_the_person_can_do() {
    let microsoft = Microsoft::new();
    let registration = registration("microsoft");
    let cx = context(microsoft.spec(), &registration);
    let facts = CredentialFacts::new(CredentialName::from_static("user"), Vec::new());
    assert_eq!(microsoft.revoke_plan(&cx, &facts), RevokePlan::Impossible);
    assert_eq!(microsoft.spec().withdrawal.steps.len(), 3);
    let alive = |status: u16| drive(&mut *microsoft.liveness(&cx), vec![json(status, "{}")]).1;
    assert_eq!((alive(200), alive(401)), (Ok(Alive::Yes), Ok(Alive::No)));
}

#[test]
fn codes_of_graph_are_what_the_table_says() {
    use FailureKind::*;
    let microsoft = Microsoft::new();
    let registration = registration("microsoft");
    let cx = context(microsoft.spec(), &registration);
    for (status, code, kind) in [
        (401, "InvalidAuthenticationToken", AccessRejected),
        (403, "Authorization_RequestDenied", Blocked),
        (403, "ErrorAccessDenied", Blocked),
        (404, "itemNotFound", InvalidInput),
        (409, "nameAlreadyExists", InvalidInput),
        (410, "resyncRequired", InvalidInput),
        (412, "fake", InvalidInput),
        (429, "TooManyRequests", RateLimited),
        (503, "serviceNotAvailable", Unavailable),
        (507, "quotaLimitReached", Unavailable),
        (200, "fake", Malformed),
    ] {
        let body = format!(r#"{{"error":{{"code":"{code}","message":"fake","innerError":{{}}}}}}"#);
        let failure = microsoft.classify(&cx, &json(status, &body)).unwrap();
        assert_eq!(failure.kind, kind, "{status} {code}");
        assert!(!format!("{failure:?}").contains("fake"));
    }
    for body in ["", "{}", r#"{"error":null}"#, r#"{"value":[]}"#] {
        assert_eq!(microsoft.classify(&cx, &json(200, body)), None, "{body}");
    }
    let challenge = r#"Bearer realm="", error="insufficient_claims", claims="fake""#;
    let headers = [("content-type", "application/json"), ("www-authenticate", challenge)];
    let body = br#"{"error":{"code":"InvalidAuthenticationToken"}}"#;
    let failure = microsoft.classify(&cx, &answer(401, &headers, body)).unwrap();
    assert_eq!(failure.kind, GrantOver, "a refresh alone does not help");
}

fn call<O: Operation>(
    operation: &O,
    replies: Vec<Answer>,
) -> (Vec<Request>, Result<O::Output, Failure>) {
    let microsoft = Microsoft::new();
    let registration = registration("microsoft");
    let cx = context(microsoft.spec(), &registration);
    drive(&mut *operation.start(&cx), replies)
}

fn query(request: &Request, name: &str) -> Option<Value> {
    request.query.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone())
}

#[test]
fn mail_is_taken_with_202_and_no_body() {
    let mail = SendMail::new("Hello", "text").to("grace@example.test");
    let (requests, outcome) = call(&mail, vec![answer(202, &[], b"")]);
    assert_eq!(outcome, Ok(()));
    assert_eq!(address(&requests[0]), "https://graph.microsoft.com/v1.0/me/sendMail");
    assert_eq!(requests[0].effect, Effect::Effect);
    assert_eq!(requests[0].authorization, Authorization::Bearer);
    let Payload::Json(Json::Object(members)) = &requests[0].payload else { panic!("no JSON") };
    assert_eq!(members.len(), 2);
    assert!(!format!("{mail:?}").contains("grace"));
    for wrong in [
        SendMail::new("nobody", "t"),
        SendMail::new("a\r\nb", "t").to("a@b.test"),
        SendMail::new("s", "t").to("a@b"),
        SendMail::new("s", "t").to("a@b.test, c@d.test"),
        SendMail::new("s", "t").to("A <a@b.test>"),
        SendMail::new("s", "x".repeat(4 * 1024 * 1024)).to("a@b.test"),
    ] {
        let (requests, outcome) = call(&wrong, Vec::new());
        assert!(requests.is_empty());
        assert_eq!(outcome.unwrap_err().kind, FailureKind::InvalidInput);
    }
}

fn page(next: &str) -> String {
    format!(
        r#"{{"@odata.context":"x","value":[{{"id":"1","subject":"Lunch","isAllDay":false,
        "location":{{"displayName":"Canteen"}},
        "start":{{"dateTime":"2025-06-01T10:00:00.0000000","timeZone":"UTC"}},
        "end":{{"dateTime":"2025-06-01T11:00:00.0000000","timeZone":"UTC"}}}}]{next}}}"#
    )
}

#[test]
fn events_come_page_by_page_and_the_next_page_stays_at_graph() {
    let list = ListEvents::between(NOW, NOW.plus(HOUR)).page_size(1);
    let link = "https://graph.microsoft.com/v1.0/me/calendarView?startDateTime=a&%24skip=1";
    let next = format!(r#","@odata.nextLink":"{link}""#);
    let (requests, first) = call(&list, vec![json(200, &page(&next))]);
    assert_eq!(address(&requests[0]), "https://graph.microsoft.com/v1.0/me/calendarView");
    assert_eq!(query(&requests[0], "startDateTime"), Some(Value::text("2025-06-01T12:00:00Z")));
    assert_eq!(query(&requests[0], "$top"), Some(Value::text("1")));
    let prefer = requests[0].headers.iter().find(|(name, _)| *name == "prefer").unwrap();
    assert_eq!(prefer.1, Value::text("outlook.timezone=\"UTC\""));
    let first = first.unwrap();
    assert_eq!(first.items[0].starts, Timestamp::from_seconds(1_748_772_000));
    assert_eq!(first.items[0].location.as_deref(), Some("Canteen"));
    assert!(!format!("{first:?} {:?}", first.items).contains("Lunch"));
    let (requests, last) = call(&list.after(first.next.unwrap()), vec![json(200, &page(""))]);
    assert_eq!(query(&requests[0], "$skip"), Some(Value::text("1")));
    assert_eq!(query(&requests[0], "startDateTime"), Some(Value::text("a")));
    assert_eq!(last.unwrap().next, None);
    for elsewhere in [
        "https://evil.example/v1.0/me/calendarView?$skip=1",
        "https://graph.microsoft.com.evil.example/v1.0/me/calendarView?$skip=1",
        "https://graph.microsoft.com/v1.0/me/messages?$skip=1",
        "http://graph.microsoft.com/v1.0/me/calendarView?$skip=1",
    ] {
        let next = format!(r#","@odata.nextLink":"{elsewhere}""#);
        let (_, outcome) = call(&list, vec![json(200, &page(&next))]);
        assert_eq!(outcome.unwrap_err().kind, FailureKind::Malformed, "{elsewhere}");
    }
    let zone = page("").replace("UTC", "Pacific Standard Time");
    assert_eq!(call(&list, vec![json(200, &zone)]).1.unwrap_err().kind, FailureKind::Malformed);
    for wrong in [ListEvents::between(NOW, NOW), list.clone().page_size(0)] {
        assert_eq!(call(&wrong, Vec::new()).1.unwrap_err().kind, FailureKind::InvalidInput);
    }
}

#[test]
fn a_small_file_does_not_take_the_place_of_another_unless_it_is_to() {
    let file = |name: &str| UploadFile::new(name, "text/plain", b"fake".as_slice());
    let reply = || vec![json(201, r#"{"id":"01FAKE","name":"a b.txt","size":4}"#)];
    let (requests, stored) = call(&file("a b.txt"), reply());
    assert_eq!(
        address(&requests[0]),
        "https://graph.microsoft.com/v1.0/me/drive/root:/a%20b%2Etxt:/content"
    );
    let conflict = "@microsoft.graph.conflictBehavior";
    assert_eq!(query(&requests[0], conflict), Some(Value::text("fail")));
    assert!(matches!(&requests[0].payload, Payload::Bytes { bytes, .. } if &**bytes == b"fake"));
    assert_eq!(stored.unwrap().id, "01FAKE");
    let (requests, _) = call(&file("a.txt").replacing(), reply());
    assert_eq!(query(&requests[0], conflict), Some(Value::text("replace")));
    for wrong in ["", "..", "../a", "a/b", "a:b", "a\u{202e}b", ".hidden", "con"] {
        let (requests, outcome) = call(&file(wrong), Vec::new());
        assert!(requests.is_empty(), "{wrong}");
        assert_eq!(outcome.unwrap_err().kind, FailureKind::InvalidInput, "{wrong}");
    }
    let large = UploadFile::new("a", "text/plain", vec![0; SMALL_FILE + 1]);
    assert_eq!(call(&large, Vec::new()).1.unwrap_err().kind, FailureKind::InvalidInput);
}

#[cfg(feature = "conformance")]
#[test]
fn the_adapter_conforms() {
    use bailee_providers::{Platform, conformance::check};

    let registration = registration("microsoft");
    check(&Microsoft::new(), &registration);
    check(&Microsoft::new(), &registration.platform(Platform::Desktop));
}
