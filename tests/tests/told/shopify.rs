//! Shopify: the privacy topics, and the end of an installation.

use std::time::Duration;

use bailee::{ConnectionState, Happened, ProviderRequest, RequestKind, WithdrawalReason};
use bailee_testkit::emulator::Announcement;

use crate::{ignored, kept, refused, scene::Scene, table::SHOPIFY};

fn details(request: &ProviderRequest) -> Vec<(&str, &str)> {
    let mut all: Vec<_> =
        request.details.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    all.sort_unstable();
    all
}

fn with_header(sent: &Announcement, name: &str, value: &str) -> Announcement {
    let mut changed = sent.clone();
    for (known, text) in &mut changed.headers {
        if known == name {
            value.clone_into(text);
        }
    }
    changed
}

/// Ada's shop is connected, since an hour.
async fn connected() -> (Scene, bailee::Visitor, bailee::ConnectionRef) {
    let scene = Scene::of(SHOPIFY).await;
    let ada = scene.world.visitor("ada");
    let hers = scene.connect(&ada, "ada").await;
    scene.world.settle().await;
    scene.world.advance(Duration::from_secs(3000));
    (scene, ada, hers)
}

#[tokio::test]
async fn what_a_shop_s_customer_asks_for_is_a_request_of_the_shop_that_names_ids_alone() {
    let (scene, ada, hers) = connected().await;
    let orders = [("order", "220458"), ("order", "280263"), ("order", "299938")];
    let mut access = vec![("customer", "191167"), ("data_request", "9999")];
    access.extend(orders);
    let mut erasure = vec![("customer", "191167")];
    erasure.extend(orders);
    for (n, (topic, kind, named)) in [
        ("customers/data_request", RequestKind::OthersAccess, access),
        ("customers/redact", RequestKind::OthersErasure, erasure),
    ]
    .into_iter()
    .enumerate()
    {
        let sent = scene.announce(topic, "ada");
        assert_eq!(kept(&scene.deliver(&sent).await), (200, ""), "{topic}");
        let requests = scene.requests().await;
        assert_eq!(requests.len(), n + 1);
        let request = requests.iter().find(|request| request.kind == kind).unwrap();
        assert_eq!(details(request), named);
        // It is about a customer, who is nobody that is known here.
        assert_eq!((request.subject, &request.connection), (None, &hers));
        assert_eq!(request.due_at.since(request.received_at), Duration::from_secs(30 * 86_400));
        assert_eq!(request.evidence, bailee::core::sha256(&sent.body));
        let opened = Happened::RequestOpened { request: request.id, kind, due: request.due_at };
        assert_eq!(scene.happened(&hers).last(), Some(&opened));
        let shown = format!("{request:?}");
        assert!(!shown.contains("191167") && !shown.contains("299938"), "{shown}");
        for text in ["john@person.example", "555-625"] {
            assert!(!request.details.iter().any(|(_, value)| value.contains(text)));
        }
    }
    assert_eq!(scene.state(&ada, &hers).await, Some(ConnectionState::Active));
    scene.assert_clean().await;
}

#[tokio::test]
async fn hook_02_the_same_text_under_another_number_is_the_same_request() {
    let (scene, _, hers) = connected().await;
    let sent = scene.announce("customers/redact", "ada");
    kept(&scene.deliver(&sent).await);
    let told = scene.happened(&hers);
    kept(&scene.deliver(&with_header(&sent, "X-Shopify-Webhook-Id", "another")).await);
    assert_eq!(scene.requests().await.len(), 1);
    assert_eq!(scene.happened(&hers), told);
    assert!(
        scene.words("~", "signal.applied", "outcome").await.contains(&"request_known".to_owned())
    );
}

#[tokio::test]
async fn a_customer_s_notice_under_another_topic_erases_no_shop() {
    let (scene, ada, hers) = connected().await;
    let before = scene.seen().await;
    for sent in ["customers/redact", "customers/data_request"] {
        let sent = scene.announce(sent, "ada");
        for topic in ["shop/redact", "app/uninstalled"] {
            let moved = with_header(&sent, "X-Shopify-Topic", topic);
            assert_eq!(ignored(&scene.deliver(&moved).await), (200, ""), "{topic}");
        }
    }
    let shop = scene.announce("shop/redact", "ada");
    let moved = with_header(&shop, "X-Shopify-Topic", "app/uninstalled");
    assert_eq!(ignored(&scene.deliver(&moved).await), (200, ""));
    assert_eq!(scene.seen().await, before);
    assert_eq!(scene.state(&ada, &hers).await, Some(ConnectionState::Active));
}

#[tokio::test]
async fn a_shop_that_removed_the_application_is_erased_two_days_later() {
    for (days, requests) in [(2, 1), (8, 0)] {
        let (scene, ada, hers) = connected().await;
        assert_eq!(kept(&scene.told("app/uninstalled", "ada").await), (200, ""));
        assert_eq!(scene.state(&ada, &hers).await, None);
        let reason = WithdrawalReason::AccessRemoved;
        assert_eq!(scene.happened(&hers).last(), Some(&Happened::Withdrawn { reason }));
        scene.world.advance(Duration::from_secs(days * 86_400));
        scene.world.settle().await;
        kept(&scene.told("shop/redact", "ada").await);
        let opened = scene.requests().await;
        assert_eq!(opened.len(), requests, "after {days} days");
        for request in opened {
            assert_eq!((request.kind, &request.connection), (RequestKind::Erasure, &hers));
            assert_eq!(request.subject, hers.owner().subject());
        }
        scene.assert_clean().await;
    }
}

#[tokio::test]
async fn shopify_is_told_401_of_what_it_did_not_sign() {
    let (scene, ..) = connected().await;
    for topic in ["customers/data_request", "customers/redact", "shop/redact", "app/uninstalled"] {
        let sent = scene.announce(topic, "ada");
        let forged =
            with_header(&sent, "X-Shopify-Hmac-Sha256", &"A".repeat(43).replace("AAA", "BAA"));
        assert_eq!(refused(&scene.deliver(&forged).await).1, 401, "{topic}");
        let zero = with_header(&sent, "X-Shopify-Hmac-Sha256", &format!("{}=", "A".repeat(43)));
        assert_eq!(refused(&scene.deliver(&zero).await), ("forged", 401, ""), "{topic}");
    }
}
