//! Access tokens that the provider takes no more, whatever was thought of them.

use bailee::{ConnectionState, ErrorKind, ReconnectReason};
use bailee_tests::{
    declaration,
    drill::{Parking, client, notes_world_where, state},
    world,
};

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn ref_12_a_401_with_a_token_believed_valid_forces_one_renewal() {
    for provider in ["tiktok", "notes"] {
        let w = world().build().await.unwrap();
        let ada = w.visitor("ada");
        let site = w.site(if provider == "tiktok" { "tiktok" } else { ISSUER });
        let purpose = if provider == "tiktok" { PUBLISH } else { NOTES };
        site.fault(Endpoint::Exchange, Fault::ExpiresIn("999999".into()));
        let connection = w.connect(&ada, provider, &[purpose]).await.unwrap();
        w.advance(hours(3));
        call(&w.bailee, &ada, &connection, provider).await.unwrap();
        assert_eq!(site.count(Endpoint::Refresh), 1, "{provider}");
        assert_eq!(site.count(Endpoint::Api), 2, "{provider}: refused once, then taken");
        call(&w.bailee, &ada, &connection, provider).await.unwrap();
        assert_eq!(site.count(Endpoint::Refresh), 1, "{provider}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn ref_12_a_token_that_another_process_replaced_is_read_again_without_a_renewal() {
    // GitHub and Atlassian end the old access token at a refresh.
    let w = notes_world_where(STRICT_CLASS, STRICT, |issuer| issuer.ends_old_access = true)
        .build()
        .await
        .unwrap();
    let site = w.site(ISSUER);
    let late = Parking::at("/notes", client(&w));
    let process =
        w.process(declaration(), w.store().clone()).unwrap().http(late.clone()).build().await;
    let process = process.unwrap();
    let ada = w.visitor("ada");
    site.fault(Endpoint::Exchange, Fault::ExpiresIn("999999".into()));
    let notes = w.connect(&ada, "notes", &[NOTES]).await.unwrap();
    w.advance(hours(2));
    late.close();
    let waiting = spawn_call(&process, &ada, &notes);
    late.until_arrived(1).await;
    call(&w.bailee, &ada, &notes, "notes").await.unwrap();
    assert_eq!(site.count(Endpoint::Refresh), 1);
    late.open();
    waiting.await.unwrap().unwrap();
    assert_eq!(site.count(Endpoint::Refresh), 1, "what the other one committed was enough");
    assert_eq!(site.notes().len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn ref_12_a_401_that_stays_ends_after_one_forced_renewal() {
    let (w, ada, tiktok) = at_tiktok(world()).await;
    let site = w.site("tiktok");
    site.fault(Endpoint::Api, Fault::Status(401).always());
    let error = call(&w.bailee, &ada, &tiktok, "tiktok").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NeedsReconnect);
    assert_eq!((site.count(Endpoint::Refresh), site.count(Endpoint::Api)), (1, 2));
    // The provider was wrong, not the grant.
    site.clear_faults();
    call(&w.bailee, &ada, &tiktok, "tiktok").await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn ref_12_a_grant_that_the_person_ended_at_the_provider_is_found_out_at_the_next_call() {
    let (w, ada, tiktok) = at_tiktok(world()).await;
    w.site("tiktok").withdraw("ada", "fake-client-1");
    let error = call(&w.bailee, &ada, &tiktok, "tiktok").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NeedsReconnect);
    let reason = ReconnectReason::Revoked;
    assert_eq!(state(&w, &ada, &tiktok).await, ConnectionState::NeedsReconnect(reason));
}
