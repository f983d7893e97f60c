use bailee_core::{ProviderId, RegistrationId, Timestamp};
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use ring::hmac;

use super::*;
use crate::{context::Registration, spec::Spec, *};

const SPEC: &str = r#"
id = "somewhere"
title = "Somewhere"
checked = "2026-11"
pages = []
hosts = ["somewhere.example"]
[endpoints]
authorization = "https://somewhere.example/authorize"
token = "https://somewhere.example/token"
userinfo = "https://somewhere.example/me"
[identity]
source = "endpoint"
id_kind = "user"
id = "/id"
[signals.push]
page = "https://somewhere.example/webhooks"
checked = "2026-11"
"#;

fn spec(signature: &str) -> Spec {
    Spec::parse(&format!("{SPEC}{signature}")).unwrap()
}

fn headers(pairs: &[(&str, &str)]) -> HeaderMap {
    pairs
        .iter()
        .map(|(name, value)| {
            let name = HeaderName::from_bytes(name.as_bytes()).unwrap();
            (name, HeaderValue::from_str(value).unwrap())
        })
        .collect()
}

fn opened(
    spec: &Spec,
    now: i64,
    sent: &[(&str, &str)],
    body: &str,
) -> Result<Opening, SignalRefusal> {
    let id = RegistrationId::from_static("somewhere");
    let registration = Registration::new(id, ProviderId::from_static("somewhere"), "client");
    let cx = Context::new(spec, &registration, Timestamp::from_seconds(now));
    let headers = headers(sent);
    let address = "https://app.example/connect/somewhere/signal";
    let delivery = Delivery::new(&Method::POST, address, &headers, body.as_bytes());
    open(&cx, &delivery)
}

/// Whether a secret makes the signature, as the caller finds it out.
fn is_proved(opening: &Opening, secret: &[u8]) -> bool {
    let Opening::Check(proof) = opening else { panic!("there is nothing to check") };
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret);
    proof.tags.iter().any(|tag| hmac::verify(&key, &proof.message, tag).is_ok())
}

#[test]
fn hook_01_signatures_of_each_form_are_made_over_the_raw_bytes() {
    // The secrets, texts and results are those that the sheets of the schemes were computed with.
    let stripe = spec(
        r#"[signals.push.signature]
        kind = "hmac_sha256"
        header = "stripe-signature"
        pairs = { time = "t", signature = "v1" }
        time_unit = "seconds"
        message = "{time}.{body}""#,
    );
    let good = "35495024f4ef3f94e5a93e22221544c4b75e9a42300cd965ab81cb85cd994e91";
    let other = "00".repeat(32);
    for header in
        [format!("t=1700000000,v1={good}"), format!("t=1700000000,v1={other},v1={good},v0={other}")]
    {
        let opening = opened(&stripe, 1_700_000_000, &[("stripe-signature", &header)], "{}");
        assert!(is_proved(&opening.unwrap(), b"whsec_test"), "{header}");
    }
    let only_older = format!("t=1700000000,v0={good}");
    let refused = opened(&stripe, 1_700_000_000, &[("stripe-signature", &only_older)], "{}");
    assert_eq!(refused.unwrap_err(), SignalRefusal::Unsigned, "there is no older scheme");

    let linear = spec(
        r#"[signals.push.signature]
        kind = "hmac_sha256"
        header = "linear-signature"
        message = "{body}""#,
    );
    let tag = "466730f57be287e87eed2dde08defa4620dfc5107b7f311cc5a1965155a88c80";
    let opening = opened(&linear, 0, &[("linear-signature", tag)], "{}").unwrap();
    assert!(is_proved(&opening, b"lin_secret"));
    assert!(!is_proved(&opening, b"lin_secreu"));

    let notion = spec(
        r#"[signals.push.signature]
        kind = "hmac_sha256"
        header = "x-notion-signature"
        prefix = "sha256="
        message = "{body}""#,
    );
    let tag = "sha256=bc2b90132a94b92363bfea217dd92013a6ab12b83b216b5e106de46f9a4a8a6b";
    assert!(is_proved(
        &opened(&notion, 0, &[("x-notion-signature", tag)], "{}").unwrap(),
        b"secret_tok"
    ));

    let shop = spec(
        r#"[signals.push.signature]
        kind = "hmac_sha256"
        header = "x-shopify-hmac-sha256"
        encoding = "base64"
        message = "{body}""#,
    );
    let tag = "7HfRllbIdSUCw1ceI8lULvRDK2c9O82RO8NS84/9tEo="; // an example
    let opening = opened(&shop, 0, &[("x-shopify-hmac-sha256", tag)], "{\"shop_id\":1}").unwrap();
    assert!(is_proved(&opening, b"shpss_secret"));

    let standard = spec(
        r#"[signals.push.signature]
        kind = "standard_webhooks"
        header = "webhook-signature"
        list = true
        prefix = "v1,"
        encoding = "base64"
        time_header = "webhook-timestamp"
        time_unit = "seconds"
        id_header = "webhook-id"
        message = "{id}.{time}.{body}""#,
    );
    let sent = [
        ("webhook-signature", "v1a,AAAA v1,2c4VI0bO4Wd5svqP2unEA9pCk0dTAXr/elrHCJ+/efk="), // an example
        ("webhook-timestamp", "1700000000"),
        ("webhook-id", "msg_1"),
    ];
    let opening = opened(&standard, 1_700_000_000, &sent, "{}").unwrap();
    let Opening::Check(proof) = &opening else { panic!("there is nothing to check") };
    assert_eq!(proof.kind, ProofKind::StandardWebhooks);
    // The key is what stands behind `whsec_`, decoded.
    assert!(is_proved(&opening, b"0123456789abcdef0123456789abcdef"));
}

#[test]
fn hook_02_a_time_is_five_minutes_away_at_most_either_way() {
    let slack = spec(
        r#"[signals.push.signature]
        kind = "hmac_sha256"
        header = "x-slack-signature"
        prefix = "v0="
        time_header = "x-slack-request-timestamp"
        time_unit = "seconds"
        message = "v0:{time}:{body}""#,
    );
    let tag = format!("v0={}", "00".repeat(32));
    let sent = [("x-slack-signature", tag.as_str()), ("x-slack-request-timestamp", "1000000")];
    for now in [1_000_000 - 300, 1_000_000, 1_000_000 + 300] {
        assert!(opened(&slack, now, &sent, "{}").is_ok(), "{now}");
    }
    for now in [1_000_000 - 301, 1_000_000 + 301] {
        assert_eq!(opened(&slack, now, &sent, "{}").unwrap_err(), SignalRefusal::Stale, "{now}");
    }
    for time in ["", "-1", "1e9", "999999999999999999999", " 1000000"] {
        let sent = [("x-slack-signature", tag.as_str()), ("x-slack-request-timestamp", time)];
        assert_eq!(opened(&slack, 1_000_000, &sent, "{}").unwrap_err(), SignalRefusal::Malformed);
    }
}

#[test]
fn what_lacks_a_member_of_its_id_is_known_by_its_bytes_and_without_its_header_it_is_refused() {
    let spec = spec(
        r#"delivery_id = ["/id", "header:x-part"]
        [signals.push.signature]
        kind = "hmac_sha256"
        header = "signature"
        message = "{body}""#,
    );
    let id = RegistrationId::from_static("somewhere");
    let registration = Registration::new(id, ProviderId::from_static("somewhere"), "client");
    let cx = Context::new(&spec, &registration, Timestamp::from_seconds(0));
    let known = |sent: &[(&str, &str)], body: &str| {
        let headers = headers(sent);
        let address = "https://app.example/connect/somewhere/signal";
        let delivery = Delivery::new(&Method::POST, address, &headers, body.as_bytes());
        read(&cx, &delivery).map(|reading| reading.id)
    };
    let part = [("x-part", "2")];
    let whole = known(&part, r#"{"id":1}"#).unwrap();
    assert!(whole.is_some());
    assert_ne!(known(&[("x-part", "3")], r#"{"id":1}"#).unwrap(), whole);
    assert_ne!(known(&[("x-part", "12")], r#"{"id":""}"#).unwrap(), whole);
    assert_eq!(known(&part, r#"{"other":1}"#), Ok(None));
    assert_eq!(known(&[], r#"{"id":1}"#), Err(SignalRefusal::Malformed));
}

#[test]
fn a_question_of_letters_digits_and_a_few_signs_is_never_a_delivery() {
    assert!(is_challenge("3eZbrw1aBm2rZgRNFdxV-_=+/.")); // an example
    let long = "a".repeat(257);
    for bad in ["", "{}", "v0:1:{}", "a=1&b=2", "a b", "\u{e9}", "a\n", long.as_str()] {
        assert!(!is_challenge(bad), "{bad}");
    }
}

#[test]
fn hook_01_what_is_not_signed_once_and_strictly_is_not_read() {
    let hub = spec(
        r#"[signals.push.signature]
        kind = "hmac_sha256"
        header = "x-hub-signature-256"
        prefix = "sha256="
        message = "{body}""#,
    );
    let good = format!("sha256={}", "ab".repeat(32));
    let upper = good.to_uppercase();
    let bare = "ab".repeat(32);
    let twice = [("x-hub-signature-256", good.as_str()), ("x-hub-signature-256", good.as_str())];
    assert!(opened(&hub, 0, &twice[..1], "{}").is_ok());
    assert_eq!(opened(&hub, 0, &[], "{}").unwrap_err(), SignalRefusal::Unsigned);
    let mut both = headers(&twice[..1]);
    both.append("x-hub-signature-256", HeaderValue::from_str(&good).unwrap());
    let registration = Registration::new(
        RegistrationId::from_static("somewhere"),
        ProviderId::from_static("somewhere"),
        "client",
    );
    let cx = Context::new(&hub, &registration, Timestamp::from_seconds(0));
    let delivery = Delivery::new(&Method::POST, "https://a.example/s", &both, b"{}");
    assert_eq!(open(&cx, &delivery).unwrap_err(), SignalRefusal::Malformed);
    for bad in [upper.as_str(), bare.as_str(), "sha256=", "sha256=zz", "sha256=abc"] {
        let refused = opened(&hub, 0, &[("x-hub-signature-256", bad)], "{}");
        assert!(refused.is_err() || !is_proved(&refused.unwrap(), b"any"), "{bad}");
    }
    let get = Delivery::new(&Method::GET, "https://a.example/s", &both, b"{}");
    assert_eq!(open(&cx, &get).unwrap_err(), SignalRefusal::Method);
    let elsewhere = Delivery::new(&Method::POST, "https://a.example/s/x", &both, b"{}");
    let refused = open(&cx, &elsewhere.with_topic(Some("x"))).unwrap_err();
    assert_eq!(refused, SignalRefusal::Unknown);
}

#[test]
fn a_file_that_leaves_a_time_unsigned_or_signs_no_body_is_refused() {
    for (signature, why) in [
        ("kind = \"hmac_sha256\"\nheader = \"a\"\nmessage = \"{time}\"\n", "{body}"),
        (
            "kind = \"hmac_sha256\"\nheader = \"a\"\ntime_header = \"b\"\ntime_unit = \"seconds\"\nmessage = \"{body}\"\n",
            "not signed",
        ),
        ("kind = \"hmac_sha256\"\nheader = \"a b\"\nmessage = \"{body}\"\n", "header"),
        ("kind = \"hmac_sha256\"\nheader = \"a\"\nmessage = \"{host}{body}\"\n", "{body}"),
    ] {
        let refused = Spec::parse(&format!("{SPEC}[signals.push.signature]\n{signature}"));
        let text = refused.unwrap_err().to_string();
        assert!(text.contains("line ") && text.contains(why), "{text}");
    }
}

#[test]
fn a_time_without_an_offset_is_read_only_where_the_file_says_that_it_may_be() {
    use crate::spec::TimeUnit::{Rfc3339, Utc};
    let at = |unit: crate::spec::TimeUnit, text: &str| unit.read(text).map(Timestamp::as_seconds);
    for text in ["2023-11-14T22:13:20Z", "2023-11-14T23:13:20.5+01:00"] {
        assert_eq!(at(Utc, text), Some(1_700_000_000));
        assert_eq!(at(Rfc3339, text), Some(1_700_000_000));
    }
    assert_eq!(at(Utc, "2023-11-14T22:13:20.064834"), Some(1_700_000_000));
    assert_eq!(at(Rfc3339, "2023-11-14T22:13:20.064834"), None);
    for text in ["", "2023-11-14", "22:13:20", "1700000000", "2023-13-14T22:13:20"] {
        assert_eq!(at(Utc, text), None, "{text}");
    }
}

#[test]
fn a_file_says_where_accounts_and_trials_are_told_apart_with_a_pointer() {
    let signature = "[signals.push.signature]\nkind = \"hmac_sha256\"\nheader = \"a\"\n";
    let file = |live: &str| format!("{SPEC}live = \"{live}\"\n{signature}message = \"{{body}}\"\n");
    let spec = Spec::parse(&file("/livemode")).unwrap();
    assert_eq!(spec.signals.push.as_ref().unwrap().live.as_deref(), Some("/livemode"));
    let text = Spec::parse(&file("livemode")).unwrap_err().to_string();
    assert!(text.contains("line ") && text.contains("`live`"), "{text}");
}
