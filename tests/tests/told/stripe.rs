//! Stripe: events of connected accounts, and endpoints whose secret is being rolled.

use bailee::ConnectionState;
use bailee_testkit::emulator::stripe::Stripe;

use crate::{
    ignored, kept,
    scene::{Scene, Secrets},
    table::STRIPE,
};

#[tokio::test]
async fn other_events_of_an_account_are_taken_and_change_nothing() {
    let scene = Scene::of(STRIPE).await;
    let ada = scene.world.visitor("ada");
    let hers = scene.connect(&ada, "ada").await;
    scene.world.settle().await;
    let before = scene.seen().await;
    assert_eq!(ignored(&scene.told("customer.deleted", "ada").await), (200, ""));
    assert_eq!(scene.seen().await, before);
    assert_eq!(scene.state(&ada, &hers).await, Some(ConnectionState::Active));
}

#[tokio::test]
async fn one_good_signature_of_several_is_enough_and_those_of_an_old_scheme_are_none() {
    for live in [true, false] {
        let scene = Scene::playing(STRIPE, |site| {
            assert!(site.switches(|stripe: &mut Stripe| {
                stripe.livemode = live;
                stripe.rolled_secret = Some(Secrets::named("first").signing[0].clone());
            }));
        });
        let scene = scene.await;
        let ada = scene.world.visitor("ada");
        let hers = scene.connect(&ada, "ada").await;
        scene.world.settle().await;
        // The endpoint was given a new secret, which is not in the registration yet.
        scene.knows(&Secrets::named("rolled"));
        let sent = scene.news();
        assert_eq!(sent.header("Stripe-Signature").unwrap().matches(",v1=").count(), 2);
        let mut old = sent.clone();
        for (_, value) in &mut old.headers {
            *value = value.replace(",v1=", ",v0=");
        }
        assert_eq!(crate::refused(&scene.deliver(&old).await), ("unsigned", 400, ""));
        assert_eq!(kept(&scene.deliver(&sent).await), (200, ""));
        assert_eq!(scene.state(&ada, &hers).await, None, "{live}");
    }
}
