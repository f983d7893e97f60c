//! What came about while a renewal was under way: a later one, a reconnect, a disconnect.

use std::sync::Arc;

use bailee::ErrorKind;
use bailee_testkit::emulator::oidc::Revocation;
use bailee_tests::{
    declaration,
    drill::{Tasks, notes_world_where, presented, seconds},
};
use tokio::sync::Barrier;

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn ref_05_a_holder_paused_beyond_its_lease_does_not_write_over_a_later_one() {
    // The second renewal ends the tokens of the first: written over, the connection is lost.
    let style = RefreshStyle::UntilReplacementUsed;
    let (w, ada, notes) = due(notes_world("class = \"until_replacement_used\"", style)).await;
    let site = w.site(ISSUER);
    let (gate, paused) = held(&w, &w.bailee, &notes).await;

    w.advance(seconds(120));
    let other = w.another_process(declaration()).await.unwrap();
    other.worker().settle().await.unwrap();
    assert_eq!(site.count(Endpoint::Refresh), 2, "the lease was over, so another one renewed");

    gate.open();
    paused.await.unwrap().unwrap();
    call(&w.bailee, &ada, &notes, "notes").await.unwrap();
    call(&other, &ada, &notes, "notes").await.unwrap();
    assert_eq!(site.count(Endpoint::Refresh), 2, "the tokens of the later one are in place");
    assert!(site.reuse_alarms().is_empty());
    let audited = w.audited("acme").await;
    assert_eq!(audited.iter().filter(|event| *event == "credential.refreshed").count(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn ref_05_a_reconnect_while_a_renewal_is_under_way_keeps_the_new_grant() {
    let (w, ada, notes) = due(strict()).await;
    let site = w.site(ISSUER);
    let (gate, waiting) = held(&w, &w.bailee, &notes).await;

    let again = w.connect(&ada, "notes", &[NOTES]).await.unwrap();
    assert_eq!(again, notes, "the same account is the same connection");
    gate.open();
    waiting.await.unwrap().unwrap();

    // The tokens in place are those of the new grant, whatever becomes of the old one.
    w.advance(hours(2));
    call(&w.bailee, &ada, &notes, "notes").await.unwrap();
    let tokens = presented(site);
    assert_eq!(tokens.len(), 2);
    let form = |token: &str| token.replace('%', "");
    assert_ne!(form(&tokens[0]), form(&tokens[1]));
    assert!(site.reuse_alarms().is_empty());
    let receipt = w.bailee.connections().disconnect(&ada, &notes).await.unwrap();
    assert!(receipt.confirmed);
}

/// A world in which the provider of notes has a revocation endpoint; whether a token takes the rest
/// of its grant with it is the switch.
pub(super) fn revoking(style: RefreshStyle, cascades: bool) -> WorldBuilder {
    notes_world_where(STRICT_CLASS, style, |issuer| {
        issuer.revocation = Revocation::Rfc7009 { cascades };
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn ref_06_tokens_of_a_connection_that_is_gone_are_revoked() {
    // The revocation of the tokens that are stored does not reach those that are on their way.
    for (style, cascades) in [(LENIENT, false), (STRICT, true), (RefreshStyle::Overlapping, false)]
    {
        let tasks = Tasks::default();
        let runtime = tasks.clone();
        let builder = revoking(style, cascades);
        let builder = builder.change(move |builder| builder.runtime(runtime.clone()));
        let (w, ada, notes) = due(builder).await;
        let site = w.site(ISSUER);
        let (gate, waiting) = held(&w, &w.bailee, &notes).await;

        w.bailee.connections().disconnect(&ada, &notes).await.unwrap();
        gate.open();
        assert_eq!(waiting.await.unwrap().unwrap_err().kind(), ErrorKind::NotFound);
        tasks.idle().await;
        w.settle().await;
        assert!(site.live_tokens().is_empty(), "{style:?}: {:?}", site.live_tokens().len());
        assert!(w.bailee.connections().of_visitor(&ada).await.unwrap().is_empty());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn ref_06_unwanted_tokens_are_revoked_later_when_the_provider_is_down_now() {
    let (w, ada, notes) = due(revoking(LENIENT, false)).await;
    let site = w.site(ISSUER);
    let (gate, waiting) = held(&w, &w.bailee, &notes).await;
    site.fault(Endpoint::Revoke, Fault::Status(503).times(3));
    assert!(!w.bailee.connections().disconnect(&ada, &notes).await.unwrap().confirmed);
    gate.open();
    assert!(waiting.await.unwrap().is_err());
    assert!(!site.live_tokens().is_empty(), "the provider was down");

    for _ in 0..5 {
        w.advance(seconds(300));
        w.settle().await;
    }
    let fresh: Vec<_> =
        site.live_tokens().into_iter().filter(|token| token.expires_at.is_some()).collect();
    assert!(fresh.is_empty(), "no access token lives on");
    let presented_last = presented(site).len();
    assert_eq!(presented_last, 1, "and none was renewed for that");
}

#[tokio::test(flavor = "multi_thread")]
async fn ref_06_a_disconnect_and_a_renewal_in_the_same_moment_leave_no_live_token() {
    for round in 0..16 {
        let (w, ada, notes) = due(notes_world(STRICT_CLASS, LENIENT)).await;
        let barrier = Arc::new(Barrier::new(2));
        let caller = {
            let (bailee, ada, notes) = (w.bailee.clone(), ada.clone(), notes.clone());
            let barrier = barrier.clone();
            tokio::spawn(async move {
                barrier.wait().await;
                call(&bailee, &ada, &notes, "notes").await
            })
        };
        barrier.wait().await;
        for _ in 0..round {
            tokio::task::yield_now().await;
        }
        w.bailee.connections().disconnect(&ada, &notes).await.unwrap();
        let _ = caller.await.unwrap();
        w.advance(seconds(300));
        w.settle().await;
        assert!(w.site(ISSUER).live_tokens().is_empty(), "round {round}");
    }
}
