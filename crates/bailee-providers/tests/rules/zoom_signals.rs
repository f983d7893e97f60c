use std::time::Duration;

use bailee_core::{ProviderId, RegistrationId, Timestamp, WithdrawalReason, event::RequestKind};
use bailee_providers::{
    Answer, Authorization, Context, Input, Next, Provider, Registration, Target,
    signal::{Reading, Reply, SignalSecret, What},
    spec::TextEncoding,
    zoom::Zoom,
};

use http::{HeaderMap, StatusCode};

use crate::delivery::{Sent, hmac_hex, refuses_what_is_not_signed, told};

const SECRET: &str = "fake-secret-token";
const SIGNATURE: &str = "x-zm-signature";
const REMOVED: &str = r#"{"event":"app_deauthorized","event_ts":1700000000123,"payload":{"account_id":"acc","user_id":"fake-Id_1","signature":"827edc34","deauthorization_time":"2023-11-14T22:13:20.123Z","client_id":"fake-client"}}"#;

fn signed(body: &str) -> Sent {
    let signature = format!("v0={}", hmac_hex(SECRET, &format!("v0:1700000000:{body}")));
    Sent::new(&[(SIGNATURE, &signature), ("x-zm-request-timestamp", "1700000000")], body)
}

fn read(body: &str) -> Result<Reading, &'static str> {
    signed(body).taken_by(&Zoom::new(), SECRET)
}

fn gone() -> What {
    What::withdrawn(WithdrawalReason::AccessRemoved)
}

#[test]
fn hook_01_who_removes_the_application_has_their_data_erased_within_ten_days() {
    let reading = read(REMOVED).unwrap();
    let erase = What::request(RequestKind::Erasure, Some(Duration::from_secs(864_000)));
    let whom = "user_id=fake-Id_1".to_owned();
    let expected = [(whom.clone(), erase), (whom, gone())];
    assert_eq!(told(&reading), expected);
    let at = Some(Timestamp::from_micros(1_700_000_000_123_000));
    assert!(reading.signals.iter().all(|signal| signal.at == at));
    refuses_what_is_not_signed(&Zoom::new(), SECRET, &signed(REMOVED), SIGNATURE);

    let says = |retention: &str| {
        let body = REMOVED.replace(
            r#","client_id""#,
            &format!(r#","user_data_retention":{retention},"client_id""#),
        );
        told(&read(&body).unwrap())
    };
    for delete in [r#""false""#, "false", "null", r#""maybe""#] {
        assert_eq!(says(delete), expected, "{delete}");
    }
    for keep in [r#""true""#, "true"] {
        assert_eq!(says(keep), expected[1..], "{keep}");
    }
}

#[test]
fn a_removal_in_the_older_form_has_its_time_and_is_known_by_its_bytes() {
    let older = REMOVED.replace(r#""event_ts":1700000000123,"#, "");
    let reading = read(&older).unwrap();
    assert_eq!(reading.signals, read(REMOVED).unwrap().signals);
    assert_eq!(reading.id, None);
}

#[test]
fn a_removal_from_the_client_for_trials_is_not_for_this_one() {
    let other = REMOVED.replace("fake-client", "fake-trial-client");
    assert_eq!(read(&other).unwrap_err(), "foreign");
    let nobody = REMOVED.replace("user_id", "user");
    assert_eq!(read(&nobody).unwrap_err(), "malformed");
}

#[test]
fn the_question_for_a_signature_is_answered_after_its_proof_and_signs_no_delivery() {
    let asks = |token: &str| {
        format!(
            r#"{{"event":"endpoint.url_validation","payload":{{"plainToken":"{token}"}},"event_ts":1700000000123}}"#
        )
    };
    let token = "qgg8vlvZRS6UYooatFL8Aw";
    let reading = read(&asks(token)).unwrap();
    assert_eq!(reading.signals, []);
    let Reply::Signed { secret, message, encoding, before, after } = reading.reply else {
        panic!("nothing is signed");
    };
    assert_eq!((secret, encoding), (SignalSecret::Own, TextEncoding::Hexadecimal));
    assert_eq!(message, token.as_bytes());
    let signature = hmac_hex(SECRET, token);
    let answer: serde_json::Value =
        serde_json::from_str(&format!("{before}{signature}{after}")).unwrap();
    let expected = serde_json::json!({"plainToken": token, "encryptedToken": signature});
    assert_eq!(answer, expected);

    let forged = signed(&asks(token)).taken_by(&Zoom::new(), "another").unwrap_err();
    assert_eq!(forged, "forged", "nobody else has anything signed");
    // What could be signed as a delivery, or break out of the answer.
    let delivery = format!("v0:1700000000:{}", REMOVED.replace('"', "\\\""));
    let long = "a".repeat(257);
    for bad in ["", "v0:1700000000:", "a b", "a\\\"b", "{}", "a:b", &delivery, &long] {
        assert_eq!(read(&asks(bad)).unwrap_err(), "malformed", "{bad}");
    }
    let without = r#"{"event":"endpoint.url_validation","payload":{}}"#;
    assert_eq!(read(without).unwrap_err(), "malformed");
}

#[test]
fn other_events_say_nothing_and_are_accepted() {
    let body = r#"{"event":"meeting.started","event_ts":1,"payload":{"account_id":"acc","object":{"id":"1"}}}"#;
    let reading = read(body).unwrap();
    assert_eq!(reading.signals, []);
    assert_eq!(reading.id, None, "it is known by its bytes");
}

#[test]
fn hook_02_a_repetition_is_fresh_and_known_by_event_time_and_person() {
    let at = |now| Sent { now, ..signed(REMOVED) }.taken_by(&Zoom::new(), SECRET);
    let first = at(1_700_000_000).unwrap().id;
    assert!(first.is_some());
    assert_eq!(at(1_700_000_000 + 300).unwrap().id, first);
    assert_eq!(at(1_700_000_000 + 301).unwrap_err(), "stale");
    assert_eq!(at(1_700_000_000 - 301).unwrap_err(), "stale");
    for (known, other) in [("fake-Id_1", "fake-Id_2"), ("1700000000123", "1700000000124")] {
        assert_ne!(read(&REMOVED.replace(known, other)).unwrap().id, first, "{other}");
    }
}

#[test]
fn what_a_removal_said_is_given_back_when_the_data_is_gone_where_a_client_reports_that() {
    let zoom = Zoom::new().reporting_compliance();
    let reading = signed(REMOVED).taken_by(&zoom, SECRET).unwrap();
    let details = reading.signals.iter().find_map(|signal| match &signal.what {
        What::Request { details, .. } => Some(details.clone()),
        _ => None,
    });
    let details = details.unwrap();
    assert!(details.contains(&("payload.user_id".into(), "fake-Id_1".into())), "{details:?}");

    let registration = Registration::new(
        RegistrationId::from_static("zoom"),
        ProviderId::from_static("zoom"),
        "client-1",
    );
    let cx = Context::new(zoom.spec(), &registration, Timestamp::from_seconds(1_700_000_000));
    let mut step = zoom.request_closed(&cx, &details).unwrap();
    let Next::Send(request) = step.next(Input::Start).unwrap() else { panic!("it sends") };
    let Target::Url(url) = &request.target else { panic!("to an address") };
    assert_eq!(url.as_str(), "https://api.zoom.us/oauth/data/compliance");
    assert!(matches!(request.authorization, Authorization::ClientBasic(_)));
    for (status, done) in [(200, true), (404, true), (410, true), (503, false), (429, false)] {
        let mut step = zoom.request_closed(&cx, &details).unwrap();
        step.next(Input::Start).unwrap();
        let status = StatusCode::from_u16(status).unwrap();
        let answer = Answer::new(status, HeaderMap::new(), b"{}".to_vec().into(), cx.now);
        assert_eq!(step.next(Input::Answer(answer)).is_ok(), done, "{status}");
    }
    assert!(zoom.request_closed(&cx, &[]).is_none(), "of another request nothing is told");
    assert!(Zoom::new().request_closed(&cx, &details).is_none(), "unless it was switched on");
    let plain = signed(REMOVED).taken_by(&Zoom::new(), SECRET).unwrap();
    assert!(plain.signals.iter().all(|signal| match &signal.what {
        What::Request { details, .. } => details.is_empty(),
        _ => true,
    }));
}
