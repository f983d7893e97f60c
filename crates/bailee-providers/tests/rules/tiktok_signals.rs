use bailee_core::{Timestamp, WithdrawalReason, event::RequestKind};
use bailee_providers::{
    signal::{Reading, What},
    tiktok::TikTok,
};

use crate::delivery::{Sent, hmac_hex, refuses_what_is_not_signed, told};

const SECRET: &str = "test-client-secret";
const REMOVED: &str = r#"{"client_key":"ck_test","event":"authorization.removed","create_time":1700000000,"user_openid":"act.test","content":"{\"reason\":1}"}"#;

fn signed(body: &str) -> Sent {
    let signature = hmac_hex(SECRET, &format!("1700000000.{body}"));
    let header = format!("t=1700000000,s={signature}");
    Sent { client: "ck_test", ..Sent::new(&[("TikTok-Signature", &header)], body) }
}

fn read(body: &str) -> Result<Reading, &'static str> {
    signed(body).taken_by(&TikTok::new(), SECRET)
}

#[test]
fn hook_01_a_removed_authorization_is_proved_as_its_vector_says() {
    let header = "t=1700000000,s=48dedfc42b7d06f64ffe577e74c1f3d806e959b1876ec0a97dbd53f47f8bd987";
    let sent = Sent { client: "ck_test", ..Sent::new(&[("Tiktok-Signature", header)], REMOVED) };
    let reading = sent.taken_by(&TikTok::new(), SECRET).unwrap();
    let gone = What::withdrawn(WithdrawalReason::AccessRemoved);
    assert_eq!(told(&reading), [("open_id=act.test".to_owned(), gone)]);
    assert_eq!(reading.signals[0].at, Some(Timestamp::from_seconds(1_700_000_000)));
    refuses_what_is_not_signed(&TikTok::new(), SECRET, &sent, "tiktok-signature");
}

#[test]
fn each_reason_means_what_the_page_says() {
    let ended = |reason| vec![What::withdrawn(reason)];
    let closed = vec![
        What::request(RequestKind::Erasure, None),
        What::withdrawn(WithdrawalReason::AccountClosed),
    ];
    for (content, expected) in [
        (r#"{\"reason\":0}"#, ended(WithdrawalReason::AccessRemoved)),
        (r#"{\"reason\":1}"#, ended(WithdrawalReason::AccessRemoved)),
        (r#"{\"reason\":2}"#, closed.clone()),
        (r#"{\"reason\":\"2\"}"#, closed),
        (r#"{\"reason\":3}"#, ended(WithdrawalReason::Barred)),
        (r#"{\"reason\":4}"#, ended(WithdrawalReason::Barred)),
        (r#"{\"reason\":5}"#, ended(WithdrawalReason::TokensRevoked)),
        // Removed it is in any case.
        (r#"{\"reason\":6}"#, ended(WithdrawalReason::AccessRemoved)),
        (r#"{}"#, ended(WithdrawalReason::AccessRemoved)),
        (r#"{\"reason\":"#, ended(WithdrawalReason::AccessRemoved)),
        ("", ended(WithdrawalReason::AccessRemoved)),
    ] {
        let reading = read(&REMOVED.replace(r#"{\"reason\":1}"#, content)).unwrap();
        let said: Vec<What> = told(&reading).into_iter().map(|(_, what)| what).collect();
        assert_eq!(said, expected, "{content}");
        assert!(reading.signals.iter().all(|signal| signal.at.is_some()), "{content}");
    }
    let bare = REMOVED.replace(r#","content":"{\"reason\":1}""#, "");
    let said = told(&read(&bare).unwrap());
    assert_eq!(said[0].1, What::withdrawn(WithdrawalReason::AccessRemoved));
}

#[test]
fn other_events_say_nothing_and_are_accepted() {
    for event in ["post.publish.complete", "portability.download.ready", "something.new"] {
        let reading = read(&REMOVED.replace("authorization.removed", event)).unwrap();
        assert_eq!(reading.signals, [], "{event}");
        assert!(reading.id.is_some());
    }
}

#[test]
fn what_is_for_another_client_or_no_document_is_refused() {
    assert_eq!(read(&REMOVED.replace("ck_test", "ck_other")).unwrap_err(), "foreign");
    assert_eq!(read(&REMOVED.replace("client_key", "client")).unwrap_err(), "foreign");
    let nobody = REMOVED.replace("user_openid", "user");
    for body in ["", "[]", "null", "{}{}", &nobody] {
        assert!(["malformed", "foreign"].contains(&read(body).unwrap_err()), "{body}");
    }
    let twice = REMOVED.replace("\"content\"", "\"event\":\"x\",\"content\"");
    assert_eq!(read(&twice).unwrap_err(), "malformed");
}

#[test]
fn hook_02_a_repetition_is_fresh_and_known_by_what_it_says() {
    let at = |now| Sent { now, ..signed(REMOVED) }.taken_by(&TikTok::new(), SECRET);
    let first = at(1_700_000_000).unwrap().id;
    assert_eq!(at(1_700_000_000 + 300).unwrap().id, first);
    assert_eq!(at(1_700_000_000 + 301).unwrap_err(), "stale");
    assert!(at(1_700_000_000 - 300).is_ok());
    assert_eq!(at(1_700_000_000 - 301).unwrap_err(), "stale");
    let others = ["act.tess", "1700000001", r#"{\"reason\":2}"#];
    for (known, other) in ["act.test", "1700000000", r#"{\"reason\":1}"#].iter().zip(others) {
        assert_ne!(read(&REMOVED.replace(known, other)).unwrap().id, first, "{other}");
    }
}
