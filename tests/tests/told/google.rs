//! Google: Cross-Account Protection.

use std::time::Duration;

use bailee::{
    ConnectionState, ErrorKind, Happened, ReconnectReason, RequestKind, WithdrawalReason,
};
use bailee_testkit::emulator::{Endpoint, google::Google, oidc::IdTokenFlaw};

use crate::{
    ignored, kept, refused,
    scene::Scene,
    table::{GOOGLE, Teller},
};

fn switch(scene: &Scene, change: impl FnOnce(&mut Google)) {
    assert!(scene.site().switches(change));
}

/// Ada has connected Google, an hour ago.
async fn connected(teller: Teller) -> (Scene, bailee::Visitor, bailee::ConnectionRef) {
    let scene = Scene::of(teller).await;
    let ada = scene.world.visitor("ada");
    let hers = scene.connect(&ada, "ada").await;
    scene.world.settle().await;
    scene.world.advance(Duration::from_secs(3000));
    scene.world.settle().await;
    (scene, ada, hers)
}

#[tokio::test]
async fn a_token_that_is_not_google_s_or_not_for_us_is_refused_in_the_words_of_rfc_8935() {
    let (scene, ada, hers) = connected(GOOGLE).await;
    for (flaw, word, code) in [
        (IdTokenFlaw::AlgNone, "malformed", "invalid_request"),
        (IdTokenFlaw::BadSignature, "forged", "invalid_key"),
        (IdTokenFlaw::ForeignAudience, "foreign", "invalid_audience"),
        (IdTokenFlaw::Hs256, "malformed", "invalid_request"),
        (IdTokenFlaw::UnknownKid, "forged", "invalid_key"),
        (IdTokenFlaw::WrongIssuer, "issuer", "invalid_issuer"),
    ] {
        switch(&scene, |google| google.risc_flaw = Some(flaw));
        let taken = scene.told("sessions-revoked", "ada").await;
        let (said, status, body) = refused(&taken);
        assert_eq!((said, status), (word, 400), "{flaw:?}");
        assert_eq!(taken.answer.headers()["content-type"], "application/json");
        assert_eq!(taken.answer.headers()["content-language"], "en");
        let body: serde_json::Value = serde_json::from_str(body).unwrap();
        assert_eq!(body["err"], code, "{flaw:?}");
    }
    assert_eq!(scene.happened(&hers), [Happened::Connected]);
    assert_eq!(scene.state(&ada, &hers).await, Some(ConnectionState::Active));
}

#[tokio::test]
async fn whoever_makes_up_keys_does_not_make_us_ask_google_for_them_each_time() {
    let (scene, ..) = connected(GOOGLE).await;
    switch(&scene, |google| google.risc_flaw = Some(IdTokenFlaw::UnknownKid));
    let before = scene.site().count(Endpoint::Jwks);
    for _ in 0..5 {
        refused(&scene.told("sessions-revoked", "ada").await);
    }
    assert_eq!(scene.site().count(Endpoint::Jwks), before + 1);
    scene.world.advance(Duration::from_secs(61));
    refused(&scene.told("sessions-revoked", "ada").await);
    assert_eq!(scene.site().count(Endpoint::Jwks), before + 2);
    switch(&scene, |google| google.risc_flaw = None);
    kept(&scene.told("sessions-revoked", "ada").await);
    assert_eq!(scene.site().count(Endpoint::Jwks), before + 2);
}

#[tokio::test]
async fn what_google_cannot_show_keys_for_now_is_to_come_again() {
    let (scene, ada, hers) = connected(GOOGLE).await;
    let sent = scene.news();
    for endpoint in [Endpoint::Discovery, Endpoint::Jwks] {
        scene.site().fault(endpoint, bailee_testkit::emulator::Fault::Status(503).times(3));
        let taken = scene.deliver(&sent).await;
        assert_eq!(taken.answer.status().as_u16(), 503, "{:?}", taken.outcome);
        scene.site().clear_faults();
        assert_eq!(scene.state(&ada, &hers).await, Some(ConnectionState::Active));
        scene.world.advance(Duration::from_secs(120));
    }
    kept(&scene.deliver(&sent).await);
    assert_eq!(scene.state(&ada, &hers).await, None);
}

#[tokio::test]
async fn the_trial_says_nothing_of_anybody() {
    let (scene, ..) = connected(GOOGLE).await;
    let before = scene.seen().await;
    assert_eq!(ignored(&scene.told("verification", "").await), (202, ""));
    assert_eq!(scene.seen().await, before);
}

#[tokio::test]
async fn ended_sessions_are_told_and_change_nothing_here() {
    let (scene, ada, hers) = connected(GOOGLE).await;
    let sent = scene.announce("sessions-revoked", "ada");
    assert_eq!(kept(&scene.deliver(&sent).await), (202, ""));
    assert_eq!(scene.happened(&hers), [Happened::Connected, Happened::SessionsEnded]);
    assert_eq!(scene.state(&ada, &hers).await, Some(ConnectionState::Active));
    let changed = scene.words("acme", "connection.state_changed", "reason").await;
    assert_eq!(changed, ["sessions_ended"]);
    scene.deliver(&sent).await;
    assert_eq!(scene.happened(&hers).len(), 2);
    scene.assert_clean().await;
}

#[tokio::test]
async fn revoked_tokens_end_the_sign_in_and_the_connection_whatever_the_subject_is_called() {
    for (subject, audiences) in [("iss-sub", false), ("iss_sub", true), ("id_token_claims", false)]
    {
        let (scene, ada, hers) = connected(GOOGLE).await;
        switch(&scene, |google| {
            google.risc_subject = subject;
            google.risc_audiences = audiences;
        });
        kept(&scene.told("tokens-revoked", "ada").await);
        let reason = WithdrawalReason::TokensRevoked;
        let told = [Happened::Connected, Happened::SessionsEnded, Happened::Withdrawn { reason }];
        assert_eq!(scene.happened(&hers), told, "{subject}");
        assert_eq!(scene.state(&ada, &hers).await, None);
        scene.assert_clean().await;
    }
}

#[tokio::test]
async fn a_refresh_token_that_is_named_by_its_hash_ends_the_connection_that_has_it() {
    for identifier in ["hash_base64_sha512_sha512", "prefix"] {
        let scene = Scene::of(GOOGLE).await;
        switch(&scene, |google| google.risc_token_identifier = identifier);
        let ada = scene.world.visitor("ada");
        let there = scene.world.visitor_in("other", "ada");
        let hers = scene.connect(&ada, "ada").await;
        let others = scene.connect(&there, "ada").await;
        scene.world.settle().await;
        scene.world.advance(Duration::from_secs(600));
        let living = scene.site().live_tokens().len();
        let sent = scene.announce("token-revoked", "ada");
        kept(&scene.deliver(&sent).await);
        let gone = [
            scene.state(&ada, &hers).await.is_none(),
            scene.state(&there, &others).await.is_none(),
        ];
        // Each of them has a refresh token of its own.
        assert_eq!(gone.iter().filter(|gone| **gone).count(), 1, "{identifier}: {gone:?}");
        assert!(scene.site().live_tokens().len() < living);
        let again = scene.deliver(&sent).await;
        assert!(matches!(again.outcome, bailee::SignalOutcome::Repeated));
        scene.assert_clean().await;
    }
}

#[tokio::test]
async fn a_disabled_account_is_left_alone_until_it_is_enabled() {
    for reason in [Some("hijacking"), Some("bulk-account"), None] {
        let (scene, ada, hers) = connected(GOOGLE).await;
        switch(&scene, |google| google.disabled_reason = reason);
        kept(&scene.told("account-disabled", "ada").await);
        assert_eq!(scene.state(&ada, &hers).await, Some(ConnectionState::Frozen), "{reason:?}");
        let mut told = vec![Happened::Connected, Happened::SessionsEnded, Happened::Suspended];
        if reason != Some("hijacking") {
            told.remove(1);
        }
        assert_eq!(scene.happened(&hers), told, "{reason:?}");
        // Nothing is sent meanwhile, by a renewal neither.
        let asked = scene.site().requests().len();
        scene.world.advance(Duration::from_secs(30 * 86_400));
        scene.world.settle().await;
        let sent: Vec<_> =
            scene.site().requests()[asked..].iter().map(|one| one.endpoint).collect();
        assert!(sent.is_empty(), "{sent:?}");
        let checked = scene.world.bailee.connections().check(&ada, &hers).await.unwrap();
        assert_eq!(checked, ConnectionState::Frozen);

        let early = scene.announce("account-enabled", "ada");
        scene.world.advance(Duration::from_secs(60));
        kept(&scene.told("account-disabled", "ada").await);
        kept(&scene.deliver(&early).await);
        // It is older than the word that was heard last.
        assert_eq!(scene.state(&ada, &hers).await, Some(ConnectionState::Frozen));
        scene.world.advance(Duration::from_secs(60));
        kept(&scene.told("account-enabled", "ada").await);
        assert_eq!(scene.state(&ada, &hers).await, Some(ConnectionState::Active));
        assert_eq!(scene.happened(&hers).last(), Some(&Happened::Resumed));
        let connections = scene.world.bailee.connections();
        assert_eq!(connections.check(&ada, &hers).await.unwrap(), ConnectionState::Active);
        scene.assert_clean().await;
    }
}

#[tokio::test]
async fn a_changed_credential_is_a_reason_to_ask_whether_the_grant_lives() {
    let (scene, ada, hers) = connected(GOOGLE).await;
    kept(&scene.told("account-credential-change-required", "ada").await);
    assert_eq!(scene.state(&ada, &hers).await, Some(ConnectionState::Active));
    assert_eq!(scene.site().withdraw("ada", GOOGLE.client), 1);
    kept(&scene.told("account-credential-change-required", "ada").await);
    let over = ConnectionState::NeedsReconnect(ReconnectReason::Revoked);
    assert_eq!(scene.state(&ada, &hers).await, Some(over));
    scene.assert_clean().await;
}

#[tokio::test]
async fn an_account_that_is_purged_is_to_be_erased_and_its_connection_ends() {
    let (scene, ada, hers) = connected(GOOGLE).await;
    kept(&scene.told("account-purged", "ada").await);
    assert_eq!(scene.state(&ada, &hers).await, None);
    let [request] = scene.requests().await.try_into().unwrap();
    assert_eq!((request.kind, &request.connection), (RequestKind::Erasure, &hers));
    assert_eq!(request.subject, hers.owner().subject());
    let reason = WithdrawalReason::AccountClosed;
    assert_eq!(scene.happened(&hers).last(), Some(&Happened::Withdrawn { reason }));
    let gone = scene.world.bailee.connections().check(&ada, &hers).await.unwrap_err();
    assert_eq!(gone.kind(), ErrorKind::NotFound);
    scene.assert_clean().await;
}
