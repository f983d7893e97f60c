//! What providers tell whose signals are facts alone: Discord, Linear, Shopify, Stripe.

use std::{sync::Arc, time::Duration};

use bailee_core::{WithdrawalReason, event::RequestKind};
use bailee_providers::{
    Environment, Provider, compiled_in,
    signal::{About, Reading, Reply, Signal, SignalRefusal, What},
    spec::TextEncoding,
};
use http::{Method, StatusCode};
use ring::signature::{Ed25519KeyPair, KeyPair};
use serde_json::{Value, json};

use crate::delivered::{Sent, hmac_tag};

const NOW: i64 = 1_700_000_000;

fn adapter(id: &str) -> Arc<dyn Provider> {
    compiled_in().into_iter().find(|adapter| adapter.spec().id.as_str() == id).unwrap()
}

fn hex(bytes: &[u8]) -> String {
    TextEncoding::Hexadecimal.encode(bytes)
}

fn account(signal: &Signal) -> (&str, &str) {
    match &signal.about {
        About::Account { id, issuer: None } => (id.kind(), id.value()),
        other => panic!("{other:?}"),
    }
}

fn removed() -> What {
    What::withdrawn(WithdrawalReason::AccessRemoved)
}

/// The one thing that a delivery says.
fn one(reading: Result<Reading, SignalRefusal>) -> Signal {
    let mut signals = reading.unwrap().signals;
    assert_eq!(signals.len(), 1);
    signals.remove(0)
}

/// What no provider's delivery may be: each change of a good one is refused, or proves nothing.
fn refuses_what_was_changed(
    provider: &dyn Provider,
    good: impl Fn() -> Sent<'static>,
    header: &'static str,
    secret: &[u8],
) {
    assert!(good().is_proved(provider, secret));
    assert!(!good().is_proved(provider, &provider_of_other_key(provider, secret)));
    let tag = good().headers.iter().find(|(name, _)| *name == header).unwrap().1.clone();
    let mut changed = vec![
        ("no header", good().without(header)),
        ("an empty header", good().without(header).with(header, "")),
        ("two headers", good().with(header, tag.clone())),
        ("a shorter tag", good().without(header).with(header, &tag[..tag.len() - 4])),
        ("a longer tag", good().without(header).with(header, format!("{tag}AAAA"))),
        ("a tag in quotes", good().without(header).with(header, format!("\"{tag}\""))),
    ];
    for (what, body) in [
        ("another body", b"{}".to_vec()),
        ("no body", Vec::new()),
        ("a body with a line more", [good().body.as_slice(), b"\n"].concat()),
        ("a body written anew", good().body.iter().copied().filter(|b| *b != b' ').collect()),
    ] {
        let mut sent = good();
        sent.body = body;
        changed.push((what, sent));
    }
    for method in [Method::GET, Method::PUT, Method::HEAD, Method::OPTIONS] {
        let mut sent = good();
        sent.method = method;
        assert_eq!(sent.open(provider).unwrap_err(), SignalRefusal::Method);
    }
    for (what, sent) in changed {
        assert!(!sent.is_proved(provider, secret), "{what}");
    }
    // The name of a header is the same in any case.
    let shouted: &'static str = Box::leak(header.to_uppercase().into_boxed_str());
    assert!(good().without(header).with(shouted, tag).is_proved(provider, secret));
}

/// A secret of the same form that made nothing.
fn provider_of_other_key(provider: &dyn Provider, secret: &[u8]) -> Vec<u8> {
    if provider.spec().id.as_str() == "discord" {
        // RFC 8032 §7.1, the key of the third test.
        return b"fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025".to_vec();
    }
    [secret, b"x"].concat()
}

mod discord {
    use super::*;

    /// RFC 8032 §7.1, the key of the second test.
    const SEED: &str = "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb";
    const KEY: &str = "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c";

    fn sent(body: &Value) -> Sent<'static> {
        let seed = TextEncoding::Hexadecimal.decode(SEED).unwrap();
        let pair = Ed25519KeyPair::from_seed_unchecked(&seed).unwrap();
        assert_eq!(hex(pair.public_key().as_ref()), KEY);
        let body = serde_json::to_string_pretty(body).unwrap();
        let tag = pair.sign(format!("{NOW}{body}").as_bytes());
        Sent::post(NOW, body)
            .with("X-Signature-Ed25519", hex(tag.as_ref()))
            .with("X-Signature-Timestamp", NOW.to_string())
    }

    fn event(kind: &str) -> Value {
        json!({
            "version": 1, "application_id": "1234560123453231555", "type": 1,
            "event": {
                "type": kind,
                "timestamp": "2023-11-14T22:13:20.064834",
                "data": {"user": {"id": "80351110224678912", "username": "fake-name"}},
            },
        })
    }

    #[test]
    fn a_person_who_takes_the_application_away_is_told_of() {
        let discord = adapter("discord");
        let reading = sent(&event("APPLICATION_DEAUTHORIZED")).read(&*discord).unwrap();
        assert_eq!(reading.reply, Reply::Status(StatusCode::NO_CONTENT));
        let signal = one(Ok(reading));
        assert_eq!(account(&signal), ("snowflake", "80351110224678912"));
        assert_eq!(signal.what, removed());
        // Its times have no offset.
        assert_eq!(signal.at.unwrap().as_micros(), 1_700_000_000_064_834);
        let with_offset = serde_json::to_string(&event("APPLICATION_DEAUTHORIZED")).unwrap();
        let with_offset = with_offset.replace(".064834", ".064834+00:00");
        let signal = one(Sent::post(NOW, with_offset).read(&*discord));
        assert_eq!(signal.at.unwrap().as_micros(), 1_700_000_000_064_834);
    }

    #[test]
    fn the_trial_and_other_events_say_nothing_and_are_accepted() {
        let discord = adapter("discord");
        let ping = json!({"version": 1, "application_id": "1234560123453231555", "type": 0});
        for body in [ping, event("APPLICATION_AUTHORIZED"), event("ENTITLEMENT_CREATE")] {
            let sent = sent(&body);
            assert!(sent.is_proved(&*discord, KEY.as_bytes()));
            let reading = sent.read(&*discord).unwrap();
            assert_eq!(reading, Reading::answering(Reply::Status(StatusCode::NO_CONTENT)));
        }
        let push = discord.spec().signals.push.as_ref().unwrap();
        assert_eq!(push.refused, StatusCode::UNAUTHORIZED, "Discord tries a bad signature");
    }

    #[test]
    fn hook_01_discords_key_signs_the_time_and_the_body() {
        let discord = adapter("discord");
        let good = || sent(&event("APPLICATION_DEAUTHORIZED"));
        refuses_what_was_changed(&*discord, good, "X-Signature-Ed25519", KEY.as_bytes());
        let time = "X-Signature-Timestamp";
        for other in [NOW + 1, NOW - 1] {
            let sent = good().without(time).with(time, other.to_string());
            assert!(!sent.is_proved(&*discord, KEY.as_bytes()));
        }
        for (sent, refusal) in [
            (good().without(time), SignalRefusal::Unsigned),
            (good().with(time, NOW.to_string()), SignalRefusal::Malformed),
            (good().without(time).with(time, ""), SignalRefusal::Malformed),
        ] {
            assert_eq!(sent.open(&*discord).unwrap_err(), refusal);
        }
        for (apart, fresh) in [(300, true), (-300, true), (301, false), (-301, false)] {
            let mut sent = good();
            sent.now = NOW + apart;
            assert_eq!(sent.open(&*discord).is_ok(), fresh, "{apart}");
        }
    }
}

mod linear {
    use super::*;

    const SECRET: &[u8] = b"lin_wh_fake";

    fn sent(mut body: Value) -> Sent<'static> {
        body["webhookTimestamp"] = json!(NOW * 1000);
        let body = serde_json::to_string_pretty(&body).unwrap();
        let tag = hex(&hmac_tag(SECRET, body.as_bytes()));
        Sent::post(NOW, body)
            .with("Linear-Signature", tag)
            .with("Linear-Delivery", "234d1a4e-b617-4388-90fe-adc3633d6b72")
            .with("Linear-Event", "OAuthApp")
    }

    fn revoked() -> Value {
        json!({
            "type": "OAuthApp", "action": "revoked", "createdAt": "2023-11-14T22:13:19.000Z",
            "oauthClientId": "fake-oauth-client", "organizationId": "fake-organization",
            "webhookId": "fake-webhook",
        })
    }

    fn authorization(action: &str, active: Value) -> Value {
        json!({
            "type": "OAuthAuthorization", "action": action, "activeTokensForUser": active,
            "createdAt": "2023-11-14T22:13:19.000Z", "oauthClientId": "fake-oauth-client",
            "organizationId": "fake-organization", "userId": "fake-user",
            "user": {"id": "fake-user", "name": "Ada", "email": "ada@example.test"},
            "webhookId": "fake-webhook",
        })
    }

    #[test]
    fn an_organization_and_a_person_who_take_the_application_away_are_told_of() {
        let linear = adapter("linear");
        let reading = sent(revoked()).read(&*linear).unwrap();
        assert_eq!(reading.id.as_deref(), Some("234d1a4e-b617-4388-90fe-adc3633d6b72\n"));
        assert_eq!(reading.reply, Reply::Status(StatusCode::OK));
        let signal = one(Ok(reading));
        assert_eq!(account(&signal), ("organization", "fake-organization"));
        assert_eq!(signal.what, removed());
        assert_eq!(signal.at.unwrap().as_seconds(), NOW - 1);

        let reading = sent(authorization("revoked", json!(0))).read(&*linear).unwrap();
        let said: Vec<_> = reading.signals.iter().map(|signal| signal.what.clone()).collect();
        assert_eq!(said, [removed(), What::Check]);
        for signal in &reading.signals {
            assert_eq!(account(signal), ("organization_user", "fake-organization:fake-user"));
        }
        // Tokens are left: whether ours is among them is not said.
        let signal = one(sent(authorization("revoked", json!(1))).read(&*linear));
        assert_eq!(signal.what, What::Check);
        let created = sent(authorization("created", json!(1))).read(&*linear).unwrap();
        assert!(created.signals.is_empty());
        let issue = json!({"type": "Issue", "action": "remove", "organizationId": "o", "data": {}});
        assert!(sent(issue).read(&*linear).unwrap().signals.is_empty());
    }

    #[test]
    fn the_organization_is_an_id_of_each_account_in_it() {
        let linear = adapter("linear");
        let also = &linear.spec().identity.also;
        assert_eq!(*also, [("organization".to_owned(), "/data/organization/id".to_owned())]);
    }

    #[test]
    fn hook_01_linears_secret_signs_the_body() {
        refuses_what_was_changed(
            &*adapter("linear"),
            || sent(revoked()),
            "Linear-Signature",
            SECRET,
        );
    }

    #[test]
    fn hook_02_linears_time_stands_in_the_body_and_is_a_minute_away_at_most() {
        let linear = adapter("linear");
        for (apart, fresh) in [(60, true), (-60, true), (61, false), (-61, false)] {
            let mut sent = sent(revoked());
            sent.now = NOW + apart;
            let read = sent.read(&*linear);
            assert_eq!(read.is_ok(), fresh, "{apart}");
            assert!(fresh || read.unwrap_err() == SignalRefusal::Stale);
        }
        for time in [json!(null), json!("soon"), json!(-1), json!(1.5e12)] {
            let mut body = revoked();
            body["webhookTimestamp"] = time.clone();
            let sent = Sent::post(NOW, body.to_string()).with("Linear-Delivery", "fake-delivery");
            assert_eq!(sent.read(&*linear).unwrap_err(), SignalRefusal::Malformed, "{time}");
        }
    }
}

mod shopify {
    use super::*;

    const SECRET: &[u8] = b"shpss_fake";
    const MONTH: Duration = Duration::from_secs(30 * 86_400);

    fn sent(topic: &str, body: &Value) -> Sent<'static> {
        let body = serde_json::to_string_pretty(body).unwrap();
        let tag = TextEncoding::Base64.encode(&hmac_tag(SECRET, body.as_bytes()));
        Sent::post(NOW, body)
            .with("X-Shopify-Topic", topic)
            .with("X-Shopify-Hmac-Sha256", tag)
            .with("X-Shopify-Shop-Domain", "demo.myshopify.com")
            .with("X-Shopify-Webhook-Id", "b54557e4-bdd9-4b37-8a5f-bf7d70bcd043")
    }

    fn asked() -> Value {
        json!({
            "shop_id": 954889, "shop_domain": "demo.myshopify.com",
            "orders_requested": [299938, 280263],
            "customer": {"id": 191167, "email": "john@example.com", "phone": "555-625-1199"},
            "data_request": {"id": 9999},
        })
    }

    fn customer() -> Value {
        json!({
            "shop_id": 954889, "shop_domain": "demo.myshopify.com",
            "customer": {"id": 191167, "email": "john@example.com", "phone": "555-625-1199"},
            "orders_to_redact": [299938],
        })
    }

    fn shop() -> Value {
        json!({"shop_id": 954889, "shop_domain": "demo.myshopify.com"})
    }

    fn uninstalled() -> Value {
        json!({
            "id": 954889, "name": "Demo", "email": "owner@example.com",
            "domain": "demo.example", "myshopify_domain": "demo.myshopify.com",
        })
    }

    fn request(kind: RequestKind, details: &[(&str, &str)]) -> What {
        let mut what = What::request(kind, Some(MONTH));
        if let What::Request { details: known, .. } = &mut what {
            known.extend(details.iter().map(|(name, id)| ((*name).to_owned(), (*id).to_owned())));
        }
        what
    }

    #[test]
    fn the_privacy_topics_become_requests_with_ids_and_without_addresses() {
        let shopify = adapter("shopify");
        for (topic, body, what) in [
            (
                "customers/data_request",
                asked(),
                request(
                    RequestKind::OthersAccess,
                    &[
                        ("customer", "191167"),
                        ("data_request", "9999"),
                        ("order", "299938"),
                        ("order", "280263"),
                    ],
                ),
            ),
            (
                "customers/redact",
                customer(),
                request(RequestKind::OthersErasure, &[("customer", "191167"), ("order", "299938")]),
            ),
            ("shop/redact", shop(), request(RequestKind::Erasure, &[])),
            ("app/uninstalled", uninstalled(), removed()),
        ] {
            let sent = sent(topic, &body);
            assert!(sent.is_proved(&*shopify, SECRET));
            let reading = sent.read(&*shopify).unwrap();
            assert_eq!(reading.id.as_deref(), Some("b54557e4-bdd9-4b37-8a5f-bf7d70bcd043\n"));
            assert_eq!(reading.reply, Reply::Status(StatusCode::OK));
            let signal = one(Ok(reading));
            // The id that GraphQL gives, under which the shop was connected.
            assert_eq!(account(&signal), ("shop", "gid://shopify/Shop/954889"), "{topic}");
            assert_eq!(signal.what, what);
            let kept = serde_json::to_string(&signal).unwrap();
            for personal in ["john", "555-625", "owner@", "Demo"] {
                assert!(!kept.contains(personal), "{topic}: {kept}");
            }
        }
        let push = shopify.spec().signals.push.as_ref().unwrap();
        assert_eq!(push.refused, StatusCode::UNAUTHORIZED);
        assert!(push.remembers > Duration::from_secs(48 * 3600), "two days, and then some");
    }

    #[test]
    fn hook_01_a_notice_under_the_topic_of_another_says_nothing() {
        // The topic is not signed: whoever has one good notice could send it under any of them.
        let shopify = adapter("shopify");
        let bodies = [
            ("customers/data_request", asked()),
            ("customers/redact", customer()),
            ("shop/redact", shop()),
            ("app/uninstalled", uninstalled()),
        ];
        for (topic, body) in &bodies {
            for (other, _) in bodies.iter().filter(|(other, _)| other != topic) {
                // A shop's erasure says no more than the shop, and the removal of the application
                // says the shop in other words.
                let reading = sent(other, body).read(&*shopify);
                let said = reading.map(|reading| reading.signals.len());
                assert!(matches!(said, Ok(0) | Err(_)), "{topic} as {other}: {said:?}");
            }
        }
        for topic in ["products/update", "", "SHOP/REDACT"] {
            assert!(sent(topic, &shop()).read(&*shopify).unwrap().signals.is_empty());
        }
        let twice = sent("shop/redact", &shop()).with("X-Shopify-Topic", "app/uninstalled");
        assert_eq!(twice.read(&*shopify).unwrap_err(), SignalRefusal::Malformed);
        let unnamed = sent("shop/redact", &shop()).without("X-Shopify-Webhook-Id");
        assert_eq!(unnamed.read(&*shopify).unwrap_err(), SignalRefusal::Malformed);
    }

    #[test]
    fn hook_01_the_clients_secret_signs_the_body() {
        let shopify = adapter("shopify");
        let good = || sent("shop/redact", &shop());
        refuses_what_was_changed(&*shopify, good, "X-Shopify-Hmac-Sha256", SECRET);
        // In hexadecimal it is another scheme.
        let hexadecimal = hex(&hmac_tag(SECRET, &good().body));
        let header = "X-Shopify-Hmac-Sha256";
        assert!(!good().without(header).with(header, hexadecimal).is_proved(&*shopify, SECRET));
        let known = Sent::post(NOW, r#"{"shop_id":1}"#)
            .with(header, "7HfRllbIdSUCw1ceI8lULvRDK2c9O82RO8NS84/9tEo="); // an example
        assert!(known.is_proved(&*shopify, b"shpss_secret"));
    }
}

mod stripe {
    use super::*;

    const SECRET: &[u8] = b"whsec_fake";

    fn event(live: bool) -> Value {
        json!({
            "id": "evt_1fake", "object": "event", "api_version": "2026-09-30.endive",
            "account": "acct_1fake", "created": NOW - 5, "livemode": live,
            "type": "account.application.deauthorized", "pending_webhooks": 1,
            "data": {"object": {"id": "ca_fake", "object": "application", "name": "Fake"}},
        })
    }

    fn sent(body: &Value) -> Sent<'static> {
        let body = serde_json::to_string_pretty(body).unwrap();
        let tag = hex(&hmac_tag(SECRET, format!("{NOW}.{body}").as_bytes()));
        Sent::post(NOW, body).with("Stripe-Signature", format!("t={NOW},v1={tag}"))
    }

    #[test]
    fn an_account_that_takes_the_application_away_is_told_of() {
        let stripe = adapter("stripe");
        let reading = sent(&event(true)).read(&*stripe).unwrap();
        assert_eq!(reading.id.as_deref(), Some("evt_1fake\n"));
        assert_eq!(reading.reply, Reply::Status(StatusCode::OK));
        let signal = one(Ok(reading));
        assert_eq!(account(&signal), ("account", "acct_1fake"));
        assert_eq!(signal.what, removed());
        assert_eq!(signal.at.unwrap().as_seconds(), NOW - 5);
        for kind in ["account.application.authorized", "customer.deleted", "account.updated"] {
            let mut other = event(true);
            other["type"] = json!(kind);
            assert!(sent(&other).read(&*stripe).unwrap().signals.is_empty(), "{kind}");
        }
        // An event without an account is the platform's own.
        let mut own = event(true);
        own["type"] = json!("customer.deleted");
        own.as_object_mut().unwrap().remove("account");
        assert!(sent(&own).read(&*stripe).unwrap().signals.is_empty());
    }

    #[test]
    fn trials_and_peoples_accounts_are_kept_apart() {
        let stripe = adapter("stripe");
        for (environment, live, counts) in [
            (Environment::Live, true, true),
            (Environment::Live, false, false),
            (Environment::Sandbox, true, false),
            (Environment::Sandbox, false, true),
            (Environment::Emulator, true, true),
            (Environment::Emulator, false, true),
        ] {
            let mut sent = sent(&event(live));
            sent.environment = environment;
            let said = sent.read(&*stripe).unwrap().signals.len();
            assert_eq!(said, usize::from(counts), "{environment:?} {live}");
        }
        let mut unclear = event(true);
        unclear["livemode"] = json!("yes");
        assert_eq!(sent(&unclear).read(&*stripe).unwrap_err(), SignalRefusal::Malformed);
    }

    #[test]
    fn hook_01_the_endpoints_secret_signs_time_and_body() {
        let stripe = adapter("stripe");
        let good = || sent(&event(true));
        refuses_what_was_changed(&*stripe, good, "Stripe-Signature", SECRET);
        let header = "Stripe-Signature";
        let tag = good().headers[0].1.split_once("v1=").unwrap().1.to_owned();
        let other = "00".repeat(32);
        for (value, proved) in [
            (format!("t={NOW},v1={other},v1={tag}"), true),
            (format!("t={NOW},v1={tag},v0={other}"), true),
            (format!("t={NOW},v0={tag}"), false),
            (format!("t={NOW},v1={}", tag.to_uppercase()), false),
            (format!("t={},v1={tag}", NOW + 1), false),
            (format!("v1={tag}"), false),
            (format!("t={NOW},t={NOW},v1={tag}"), false),
            (format!("t={NOW}"), false),
            (format!("t={NOW},v1={tag}{}", format!(",v1={other}").repeat(8)), false),
        ] {
            let sent = good().without(header).with(header, value.clone());
            assert_eq!(sent.is_proved(&*stripe, SECRET), proved, "{value}");
        }
        for (apart, fresh) in [(300, true), (-300, true), (301, false), (-301, false)] {
            let mut sent = good();
            sent.now = NOW + apart;
            assert_eq!(sent.open(&*stripe).is_ok(), fresh, "{apart}");
        }
        let good = "35495024f4ef3f94e5a93e22221544c4b75e9a42300cd965ab81cb85cd994e91";
        let known = Sent::post(NOW, "{}").with(header, format!("t=1700000000,v1={good}"));
        assert!(known.is_proved(&*stripe, b"whsec_test"));
    }
}
