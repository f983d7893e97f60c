//! What X asks and tells.

use bailee_core::WithdrawalReason;
use bailee_providers::{
    signal::{About, Opening, Reply, SignalRefusal, SignalSecret, What},
    spec::TextEncoding,
    x::X,
};
use http::{Method, StatusCode};
use serde_json::{Value, json};

use crate::delivered::{Sent, hmac_tag};

const SECRET: &[u8] = b"test-consumer-secret";
const HEADER: &str = "x-twitter-webhooks-signature";

fn asked(query: &str) -> Result<Opening, SignalRefusal> {
    let mut sent = Sent::post(0, "");
    sent.method = Method::GET;
    sent.query = query;
    sent.open(&X::new())
}

fn sent(body: &Value) -> Sent<'static> {
    let body = body.to_string();
    let tag = TextEncoding::Base64.encode(&hmac_tag(SECRET, body.as_bytes()));
    Sent::post(0, body).with(HEADER, format!("sha256={tag}"))
}

#[test]
fn the_hourly_question_is_answered_with_a_signature() {
    let opening = asked("crc_token=crc-token-123&nonce=abc").unwrap();
    let Opening::Answer(Reply::Signed { secret, message, encoding, before, after }) = opening
    else {
        panic!("not signed")
    };
    assert_eq!(secret, SignalSecret::Own, "not the secret of the OAuth client");
    let tag = encoding.encode(&hmac_tag(SECRET, &message));
    let answer = format!("{before}{tag}{after}");
    let answer: Value = serde_json::from_str(&answer).unwrap();
    let known = "sha256=m3yscIcSwL62BbDuWy/k/ml4+4Yfj3c0hep3IWko1Ws="; // an example
    assert_eq!(answer, json!({"response_token": known}));
    // Base64 comes percent-encoded, and is signed as it was before.
    let encoded = asked("crc_token=a%2Bb%2Fc%3D%3D").unwrap();
    let Opening::Answer(Reply::Signed { message, .. }) = encoded else { panic!("not signed") };
    assert_eq!(message, b"a+b/c==");
}

#[test]
fn hook_01_nothing_is_signed_that_could_be_a_delivery() {
    let long = format!("crc_token={}", "a".repeat(257));
    for query in [
        "",
        "crc_token",
        "crc_token=",
        "crc_token=a&crc_token=b",
        "CRC_TOKEN=a",
        "crc_token=%7B%22data%22%3A%7B%22event_type%22%3A%22oauth.revoke%22%7D%7D",
        "crc_token={}",
        "crc_token=[]",
        "crc_token=a%22",
        "crc_token=a%0A",
        "crc_token=a%20b",
        "crc_token=a+b",
        "crc_token=%C3%A9",
        "crc_token=%FF",
        "crc_token=a%00",
        long.as_str(),
    ] {
        assert_eq!(asked(query).unwrap_err(), SignalRefusal::Malformed, "{query}");
    }
    // What can be signed is no delivery, though the same key makes the signature.
    for token in ["1", "true", "null", "crc-token-123"] {
        let tag = TextEncoding::Base64.encode(&hmac_tag(SECRET, token.as_bytes()));
        let forged = Sent::post(0, token).with(HEADER, format!("sha256={tag}"));
        assert!(forged.is_proved(&X::new(), SECRET));
        assert_eq!(forged.read(&X::new()).unwrap_err(), SignalRefusal::Malformed, "{token}");
    }
    for method in [Method::HEAD, Method::PUT, Method::DELETE] {
        let mut sent = Sent::post(0, "");
        sent.method = method;
        sent.query = "crc_token=a";
        assert_eq!(sent.open(&X::new()).unwrap_err(), SignalRefusal::Method);
    }
}

#[test]
fn a_person_who_takes_the_application_away_is_told_of_in_both_ways() {
    let activity = json!({"data": {
        "event_uuid": "fake-uuid", "event_type": "oauth.revoke",
        "filter": {"user_id": "2244994945"}, "tag": "fake",
        "payload": {
            "date_time": "2025-05-14T10:00:00.000Z", "user_id": "2244994945", "app_id": "13090192",
        },
    }});
    let account = json!({"user_event": {"revoke": {
        "date_time": "2025-05-14T10:00:00+00:00",
        "target": {"app_id": "13090192"}, "source": {"user_id": "2244994945"},
    }}});
    for body in [activity, account] {
        let reading = sent(&body).read(&X::new()).unwrap();
        assert_eq!(reading.reply, Reply::Status(StatusCode::OK));
        assert_eq!(reading.signals.len(), 1);
        let signal = &reading.signals[0];
        assert_eq!(signal.what, What::withdrawn(WithdrawalReason::AccessRemoved));
        assert_eq!(signal.at.unwrap().as_seconds(), 1_747_216_800);
        let About::Account { id, .. } = &signal.about else { panic!("no account") };
        assert_eq!((id.kind(), id.value()), ("user_id", "2244994945"));
    }
    for other in [
        json!({"data": {"event_type": "profile.update.bio", "payload": {"user_id": "1"}}}),
        json!({"for_user_id": "2244994945", "tweet_create_events": [{"id": 1}]}),
        json!({"user_event": {"revoke": null}}),
    ] {
        assert!(sent(&other).read(&X::new()).unwrap().signals.is_empty(), "{other}");
    }
    let torn = json!({"data": {"event_type": "oauth.revoke", "payload": {}}});
    assert_eq!(sent(&torn).read(&X::new()).unwrap_err(), SignalRefusal::Malformed);
}

#[test]
fn hook_01_the_consumer_secret_signs_the_body() {
    let known = || {
        Sent::post(0, r#"{"data":{"event_type":"oauth.revoke"}}"#)
            .with(HEADER, "sha256=th05AESlfiVQtLyO3EuaGx3UmK7YKbvyB7P57uK5DVQ=") // an example
    };
    let x = X::new();
    assert!(known().is_proved(&x, SECRET));
    assert!(!known().is_proved(&x, b"another-consumer-secret"));
    let body = known().body;
    let tag = TextEncoding::Base64.encode(&hmac_tag(SECRET, &body));
    let hexadecimal = TextEncoding::Hexadecimal.encode(&hmac_tag(SECRET, &body));
    for value in [
        tag.clone(),
        format!("sha1={tag}"),
        format!("SHA256={tag}"),
        format!("sha256={hexadecimal}"),
        format!("sha256={}", tag.trim_end_matches('=')),
        format!("sha256={}", tag.replace('+', "-").replace('/', "_").replace('=', "")),
        "sha256=".to_owned(),
        String::new(),
    ] {
        let sent = known().without(HEADER).with(HEADER, value.clone());
        assert!(!sent.is_proved(&x, SECRET), "{value}");
    }
    assert_eq!(known().without(HEADER).open(&x).unwrap_err(), SignalRefusal::Unsigned);
    let twice = known().with(HEADER, format!("sha256={tag}"));
    assert_eq!(twice.open(&x).unwrap_err(), SignalRefusal::Malformed);
}
