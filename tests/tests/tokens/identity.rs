//! Whose account it is: ID tokens (TOK-07) and user info; and that a flow whose account cannot be
//! told leaves no token alive (TOK-09).

use bailee::{Completed, Refusal, RefusalReason, Visitor};
use bailee_testkit::{
    World,
    emulator::{
        Endpoint, Fault,
        oidc::{IdTokenFlaw, Issuer, SigningAlgorithm},
    },
};
use bailee_tests::{NOTES, PUBLISH, Trip, rejected, world};

async fn connect(w: &World, visitor: &Visitor, registration: &str) -> Result<Completed, Refusal> {
    let purpose = if registration == "tiktok" { PUBLISH } else { NOTES };
    Trip::begin(w, visitor, registration, &[purpose]).await.complete(w, visitor).await
}

/// The flow is refused after the exchange: nothing of it is left on either side.
async fn refused_without_a_trace(w: &World, visitor: &Visitor, registration: &str, site: &str) {
    let outcome = connect(w, visitor, registration).await;
    let refusal = rejected(w, outcome, RefusalReason::ExchangeFailed).await;
    let text = format!("{refusal:?} {:?}", refusal.error());
    w.assert_no_canary("an error", text.as_bytes());
    assert!(w.bailee.connections().of_visitor(visitor).await.unwrap().is_empty());
    assert!(w.site(site).live_tokens().is_empty(), "what was issued is revoked");
    assert_eq!(crate::deaths::held(w.store()).await, 0);
}

#[tokio::test]
async fn tok_07_an_id_token_with_any_flaw_connects_nothing_and_its_tokens_end() {
    let w = world().build().await.unwrap();
    let ada = w.visitor("ada");
    let site = w.site("id.example.test");
    for algorithm in [SigningAlgorithm::Es256, SigningAlgorithm::EdDsa, SigningAlgorithm::Rs256] {
        for flaw in [
            IdTokenFlaw::AlgNone,
            IdTokenFlaw::BadSignature,
            IdTokenFlaw::Expired,
            IdTokenFlaw::ForeignAudience,
            IdTokenFlaw::Hs256,
            IdTokenFlaw::MissingNonce,
            IdTokenFlaw::UnknownKid,
            IdTokenFlaw::WrongIssuer,
            IdTokenFlaw::WrongNonce,
        ] {
            site.change_issuer(|issuer: &mut Issuer| {
                issuer.signing = algorithm;
                issuer.id_token_flaw = Some(flaw);
            });
            let asked = site.count(Endpoint::Identity);
            refused_without_a_trace(&w, &ada, "notes", "id.example.test").await;
            let now = site.count(Endpoint::Identity);
            assert_eq!(now, asked, "{flaw:?}: nothing is asked under a claim that is not proved");
        }
        site.change_issuer(|issuer| issuer.id_token_flaw = None);
        let grace = w.visitor("grace");
        connect(&w, &grace, "notes").await.unwrap();
        let own = w.bailee.connections().of_visitor(&grace).await.unwrap().remove(0).connection;
        w.bailee.connections().disconnect(&grace, &own).await.unwrap();
    }
}

#[tokio::test]
async fn tok_07_keys_may_be_rotated_between_flows() {
    let w = world().build().await.unwrap();
    let ada = w.visitor("ada");
    for _ in 0..3 {
        connect(&w, &ada, "notes").await.unwrap();
        assert!(w.site("id.example.test").rotate_keys());
    }
    assert_eq!(w.bailee.connections().of_visitor(&ada).await.unwrap().len(), 1);
}

#[tokio::test]
async fn tok_07_user_info_of_another_subject_connects_nothing() {
    let w = world().build().await.unwrap();
    let ada = w.visitor("ada");
    let site = w.site("id.example.test");
    site.change_issuer(|issuer| issuer.userinfo_wrong_sub = true);
    refused_without_a_trace(&w, &ada, "notes", "id.example.test").await;
    site.change_issuer(|issuer| issuer.userinfo_wrong_sub = false);
    connect(&w, &ada, "notes").await.unwrap();
}

#[tokio::test]
async fn tok_09_an_account_that_cannot_be_told_leaves_nothing_on_either_side() {
    for (registration, site, endpoints) in [
        ("notes", "id.example.test", vec![Endpoint::Identity, Endpoint::Jwks]),
        ("tiktok", "tiktok", vec![Endpoint::Identity]),
    ] {
        for endpoint in endpoints {
            for fault in [
                Fault::Html,
                Fault::Malformed,
                Fault::Oversize,
                Fault::CutOff,
                Fault::EchoSecrets,
                Fault::Status(401),
                Fault::Status(404),
                Fault::Redirect { status: 302, location: "https://id.example.test/x".into() },
            ] {
                let w = world().build().await.unwrap();
                let ada = w.visitor("ada");
                // A read is tried again, so the fault has to stay.
                w.site(site).fault(endpoint, fault.always());
                refused_without_a_trace(&w, &ada, registration, site).await;
                w.site(site).clear_faults();
                w.advance(std::time::Duration::from_secs(60));
                connect(&w, &ada, registration).await.unwrap();
            }
        }
    }
}

#[tokio::test]
async fn tok_09_tokens_whose_revocation_failed_are_revoked_by_the_worker() {
    for (registration, site) in [("notes", "id.example.test"), ("tiktok", "tiktok")] {
        let w = world().build().await.unwrap();
        let ada = w.visitor("ada");
        w.site(site).fault(Endpoint::Identity, Fault::Html.always());
        w.site(site).fault(Endpoint::Revoke, Fault::DropBeforeEffect);
        let outcome = connect(&w, &ada, registration).await;
        rejected(&w, outcome, RefusalReason::ExchangeFailed).await;
        assert_eq!(w.site(site).live_tokens().len(), 2, "they live on");
        assert_eq!(crate::deaths::held(w.store()).await, 1, "and are remembered, sealed");
        // Not before its time, and then until nothing lives.
        w.settle().await;
        assert_eq!(w.site(site).live_tokens().len(), 2);
        w.advance(std::time::Duration::from_secs(121));
        w.settle().await;
        assert!(w.site(site).live_tokens().is_empty());
        assert_eq!(crate::deaths::held(w.store()).await, 0);
        assert!(w.bailee.connections().of_visitor(&ada).await.unwrap().is_empty());
        w.assert_clean_audit(&["acme", "~"]).await;
    }
}

#[tokio::test]
async fn tok_09_a_revocation_that_never_succeeds_ends_with_the_tokens_deleted_here() {
    let w = world().build().await.unwrap();
    let ada = w.visitor("ada");
    let site = w.site("id.example.test");
    site.fault(Endpoint::Identity, Fault::Html.always());
    site.fault(Endpoint::Revoke, Fault::Status(503).always());
    let outcome = connect(&w, &ada, "notes").await;
    rejected(&w, outcome, RefusalReason::ExchangeFailed).await;
    for _ in 0..40 {
        w.advance(std::time::Duration::from_secs(3600));
        w.settle().await;
    }
    assert_eq!(crate::deaths::held(w.store()).await, 0, "no token is kept for ever");
    let log = w.audit("~").await.into_iter().map(|logged| logged.entry);
    let dropped: Vec<_> = log
        .filter(|entry| entry.event() == "grant.dropped")
        .map(|entry| entry.field("outcome").unwrap().to_string())
        .collect();
    assert_eq!(dropped, ["unconfirmed"], "and the log says that nobody confirmed");
}
