use bailee_core::WithdrawalReason;
use bailee_providers::{
    github::GitHub,
    signal::{Reading, What},
};

use crate::delivery::{Sent, hmac_hex, refuses_what_is_not_signed, told};

const SECRET: &str = "It's a Secret to Everybody";
const SIGNATURE: &str = "x-hub-signature-256";
const REVOKED: &str = r#"{"action":"revoked","sender":{"login":"octocat","id":583231,"node_id":"fake-node","type":"User","site_admin":false}}"#;

fn signed(event: &str, body: &str) -> Sent {
    let signature = format!("sha256={}", hmac_hex(SECRET, body));
    Sent::new(
        &[
            (SIGNATURE, &signature),
            ("x-github-event", event),
            ("x-github-delivery", "72d3162e-cc78-11e3-81ab-4c9367dc0958"),
            ("content-type", "application/json"),
        ],
        body,
    )
}

fn read(event: &str, body: &str) -> Result<Reading, &'static str> {
    signed(event, body).taken_by(&GitHub::new(), SECRET)
}

#[test]
fn hook_01_deliveries_are_proved_as_the_published_vector_says() {
    let tag = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";
    let json = ("content-type", "application/json");
    let sent = Sent::new(&[("X-Hub-Signature-256", tag), json], "Hello, World!");
    // Proved, and no document.
    assert_eq!(sent.taken_by(&GitHub::new(), SECRET).unwrap_err(), "malformed");
    assert_eq!(sent.taken_by(&GitHub::new(), "another").unwrap_err(), "forged");
    let revoked = signed("github_app_authorization", REVOKED);
    refuses_what_is_not_signed(&GitHub::new(), SECRET, &revoked, SIGNATURE);
    // There is no older scheme to fall back to.
    let old = revoked.without(SIGNATURE).with("x-hub-signature", "sha1=00");
    assert_eq!(old.taken_by(&GitHub::new(), SECRET).unwrap_err(), "unsigned");
}

#[test]
fn a_revoked_authorization_is_the_sender_s_in_json_and_in_a_form() {
    let gone = What::withdrawn(WithdrawalReason::AccessRemoved);
    let expected = [("user_id=583231".to_owned(), gone)];
    let reading = read("github_app_authorization", REVOKED).unwrap();
    assert_eq!(told(&reading), expected);
    // It has no time, so GitHub is asked before anything is taken for over.
    assert_eq!(reading.signals[0].at, None);

    let form = |body: &str| {
        signed("github_app_authorization", body)
            .without("content-type")
            .with("content-type", "application/x-www-form-urlencoded")
            .taken_by(&GitHub::new(), SECRET)
    };
    let mut body = url::form_urlencoded::Serializer::new(String::new());
    let body = body.append_pair("payload", REVOKED).finish();
    assert_eq!(told(&form(&body).unwrap()), expected);
    assert_eq!(form(&body).unwrap().id, reading.id);
    for bad in [REVOKED, "", "payload=", &format!("{body}&{body}")] {
        assert_eq!(form(bad).unwrap_err(), "malformed", "{bad}");
    }
    let bare = signed("github_app_authorization", REVOKED).without("content-type");
    assert!(bare.taken_by(&GitHub::new(), SECRET).is_err());
}

#[test]
fn an_installation_is_nobody_s_grant_so_github_is_asked() {
    let body = |action: &str| {
        format!(
            r#"{{"action":"{action}","installation":{{"id":7,"account":{{"login":"octo-org",
            "id":42,"type":"Organization"}},"app_id":9}},"sender":{{"id":583231}}}}"#
        )
    };
    for action in ["deleted", "suspend", "unsuspend"] {
        let reading = read("installation", &body(action)).unwrap();
        assert_eq!(told(&reading), [("user_id=42".to_owned(), What::Check)], "{action}");
    }
    for action in ["created", "new_permissions_accepted"] {
        assert_eq!(read("installation", &body(action)).unwrap().signals, [], "{action}");
    }
    // The word for the event stands in the header, and there alone.
    assert_eq!(read("installation", REVOKED).unwrap().signals, []);
    assert_eq!(
        read("ping", r#"{"zen":"Keep it logically awesome.","hook_id":1}"#).unwrap().signals,
        []
    );
}

#[test]
fn a_delivery_is_known_by_its_number_since_two_revocations_are_the_same_bytes() {
    let first = read("github_app_authorization", REVOKED).unwrap();
    let other = signed("github_app_authorization", REVOKED)
        .without("x-github-delivery")
        .with("x-github-delivery", "0b989ba4-242f-11e5-81e1-c7b6966d2516");
    let second = other.taken_by(&GitHub::new(), SECRET).unwrap();
    assert_eq!(first.signals, second.signals);
    assert_ne!(first.id, second.id);
    let unnumbered = other.without("x-github-delivery");
    assert_eq!(unnumbered.taken_by(&GitHub::new(), SECRET).unwrap_err(), "malformed");
}
