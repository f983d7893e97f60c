use bailee_core::{Timestamp, WithdrawalReason, event::RequestKind};
use bailee_providers::{
    Provider,
    instagram::Instagram,
    signal::{Reading, Reply, What},
};
use base64::{
    Engine,
    prelude::{BASE64_URL_SAFE, BASE64_URL_SAFE_NO_PAD},
};
use http::Method;
use ring::hmac;

use crate::delivery::{Sent, told};

const SECRET: &str = "test-app-secret";
const VECTOR: &str = "xY9XZrJCzn50HgG-JzoyZoY-sgJpaZHqQKIf99PpQIY.eyJ1c2VyX2lkIjoiMTc4NDE0MDAwMDAwMDAwMDEiLCJhbGdvcml0aG0iOiJITUFDLVNIQTI1NiIsImlzc3VlZF9hdCI6MTcwMDAwMDAwMH0"; // an example
const DEAUTHORIZE: &str = "deauthorize";
const DATA_DELETION: &str = "data-deletion";

fn sent(topic: &'static str, signed_request: &str) -> Sent {
    let mut body = url::form_urlencoded::Serializer::new(String::new());
    let body = body.append_pair("signed_request", signed_request).finish();
    let media = ("content-type", "application/x-www-form-urlencoded");
    Sent { topic: Some(topic), ..Sent::new(&[media], &body) }
}

fn signed(payload: &str, padded: bool) -> String {
    let encode = |bytes: &[u8]| {
        if padded { BASE64_URL_SAFE.encode(bytes) } else { BASE64_URL_SAFE_NO_PAD.encode(bytes) }
    };
    let payload = encode(payload.as_bytes());
    let key = hmac::Key::new(hmac::HMAC_SHA256, SECRET.as_bytes());
    format!("{}.{payload}", encode(hmac::sign(&key, payload.as_bytes()).as_ref()))
}

fn take(sent: &Sent) -> Result<Reading, &'static str> {
    sent.taken_by(&Instagram::new(), SECRET)
}

fn under_both(id: &str, what: &What) -> Vec<(String, What)> {
    ["user_id", "app_scoped_id"].map(|kind| (format!("{kind}={id}"), what.clone())).to_vec()
}

#[test]
fn hook_01_a_signed_request_is_proved_as_its_vector_says_and_means_the_account_by_either_id() {
    let gone = What::withdrawn(WithdrawalReason::AccessRemoved);
    let reading = take(&sent(DEAUTHORIZE, VECTOR)).unwrap();
    assert_eq!(told(&reading), under_both("17841400000000001", &gone));
    assert_eq!(reading.reply, Reply::Status(http::StatusCode::OK));
    let at = Some(Timestamp::from_seconds(1_700_000_000));
    assert!(reading.signals.iter().all(|signal| signal.at == at));
    let late = Sent { now: 1_800_000_000, ..sent(DEAUTHORIZE, VECTOR) };
    assert!(take(&late).is_ok(), "what comes late is not refused");
}

#[test]
fn a_deletion_ends_the_grant_and_is_a_request_and_its_answer_says_where_to_look() {
    let reading = take(&sent(DATA_DELETION, VECTOR)).unwrap();
    let erase = What::request(RequestKind::Erasure, None);
    let mut expected = under_both("17841400000000001", &erase);
    let gone = What::withdrawn(WithdrawalReason::AccessRemoved);
    expected.extend(under_both("17841400000000001", &gone));
    assert_eq!(told(&reading), expected);
    assert_eq!(reading.reply, Reply::Confirmation { url: "url", code: "confirmation_code" });
    assert_ne!(reading.id, take(&sent(DEAUTHORIZE, VECTOR)).unwrap().id);
    assert_eq!(reading.id, take(&sent(DATA_DELETION, VECTOR)).unwrap().id);
}

#[test]
fn padding_and_numbers_are_read_as_they_come() {
    for payload in [
        r#"{"user_id":"26000000000000001","algorithm":"HMAC-SHA256","issued_at":1700000000}"#,
        r#"{"algorithm":"HMAC-SHA256","expires":1700003600,"issued_at":1700000000,"user_id":26000000000000001}"#,
        r#"{"user_id":26000000000000001,"algorithm":"hmac-sha256"} "#,
        r#"{"user_id":26000000000000001,"algorithm":"HMAC-SHA256"}  "#,
    ] {
        for padded in [false, true] {
            let reading = take(&sent(DEAUTHORIZE, &signed(payload, padded))).unwrap();
            let whom = told(&reading);
            // More than a double can count.
            assert_eq!(whom[0].0, "user_id=26000000000000001", "{payload}");
        }
    }
    assert!(signed(r#"{"a":1}"#, true).contains('='), "the signature itself is padded");
}

#[test]
fn hook_01_what_is_not_signed_or_in_another_way_is_refused() {
    let refused = |text: &str| take(&sent(DEAUTHORIZE, text)).unwrap_err();
    let (tag, payload) = VECTOR.split_once('.').unwrap();
    let forged = sent(DEAUTHORIZE, VECTOR).taken_by(&Instagram::new(), "another");
    assert_eq!(forged.unwrap_err(), "forged");
    // The text is signed as it was received, so with its padding it is another one.
    assert_eq!(refused(&format!("{tag}.{payload}=")), "forged");
    assert_eq!(refused(&format!("{tag}.{payload}A")), "forged");
    assert_eq!(refused(&format!("{tag}.")), "forged");
    assert_eq!(refused(&format!(".{payload}")), "unsigned");
    for bad in [
        "",
        ".",
        payload,
        &format!("AAAA.{payload}"),
        &format!("{tag}==.{payload}"),
        &format!("{tag}A.{payload}"),
        &format!("+{}.{payload}", &tag[1..]),
    ] {
        let why = refused(bad);
        assert!(["malformed", "unsigned"].contains(&why), "{bad}: {why}");
    }
    let head = r#"{"user_id":"1","issued_at":1700000000"#;
    for bad in [
        format!("{head}}}"),
        format!(r#"{head},"algorithm":"HMAC-SHA1"}}"#),
        format!(r#"{head},"algorithm":"none"}}"#),
        format!(r#"{head},"algorithm":"HMAC-SHA256","algorithm":"none"}}"#),
        r#"{"algorithm":"HMAC-SHA256"}"#.to_owned(),
        r#"{"user_id":1.5,"algorithm":"HMAC-SHA256"}"#.to_owned(),
        "[]".to_owned(),
        "not a document".to_owned(),
    ] {
        assert_eq!(refused(&signed(&bad, false)), "malformed", "{bad}");
    }
}

#[test]
fn there_are_two_addresses_and_one_field_by_post() {
    let topics = &Instagram::new().spec().signals.push.as_ref().unwrap().topics.clone();
    assert_eq!(topics, &[DEAUTHORIZE, DATA_DELETION]);
    let good = sent(DEAUTHORIZE, VECTOR);
    for topic in [None, Some("other"), Some("")] {
        let refused = take(&Sent { topic, ..good.clone() }).unwrap_err();
        assert_eq!(refused, "unknown_address");
    }
    let get = take(&Sent { method: Method::GET, ..good.clone() }).unwrap_err();
    assert_eq!(get, "method");
    let body = String::from_utf8(good.body.clone()).unwrap();
    let twice = Sent { body: format!("{body}&{body}").into_bytes(), ..good.clone() };
    assert_eq!(take(&twice).unwrap_err(), "malformed");
    for body in ["", "other=1", VECTOR] {
        let none = Sent { body: body.as_bytes().to_vec(), ..good.clone() };
        assert_eq!(take(&none).unwrap_err(), "unsigned", "{body}");
    }
    let long = Sent { body: vec![b'a'; 300 * 1024], ..good };
    assert_eq!(take(&long).unwrap_err(), "malformed");
}
