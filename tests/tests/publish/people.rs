//! What people do while something is published: they take consent back, freeze, disconnect.

use bailee::{
    ConnectionState, ErrorKind, Freeze, Happened, ReconnectReason, Withdrawal,
    core::{Actor, ProviderId},
    registry::Ledger,
    vault::Holder,
};
use bailee_testkit::emulator::{Endpoint, Fault, Gate};
use bailee_tests::drill::{hours, state, told};

use super::*;

/// Takes the person's consent back and leaves the connection, as where something else carries it.
async fn withdraw_consent(w: &World, ada: &Visitor) {
    let (vault, provider) = (w.bailee.vault(), ProviderId::from_static("tiktok"));
    let subject = vault.subject(ada.tenant(), ada.person()).await.unwrap().unwrap();
    let view = vault.read(ada.tenant(), Holder::Subject(subject), &[]).await.unwrap();
    let (ledger, by) = (Ledger::new(vault.clone()), Actor::Subject { subject });
    let change = ledger.withdraw(ada.tenant(), &view, &PUBLISH, Some(&provider), &by).await;
    let batch = change.unwrap().add_to(vault.batch().unwrap());
    vault.commit(ada.tenant(), batch).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_withdrawal_that_ends_the_connection_stops_what_is_being_published() {
    let (w, ada, tiktok) = connected(studio()).await;
    publish(&w.bailee, &ada, &tiktok).await.unwrap();
    let ended = w.bailee.choices().withdraw(&ada, &Withdrawal::Purpose(PUBLISH)).await.unwrap();
    assert_eq!(ended.ended.len(), 1);
    let before = site(&w).count(Endpoint::Api);
    follow(&w, hours(48)).await;
    assert_eq!(site(&w).count(Endpoint::Api), before, "the provider was asked nothing more");
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_asked_or_sent_after_the_person_took_their_consent_back() {
    let (w, ada, tiktok) = connected(studio()).await;
    publish(&w.bailee, &ada, &tiktok).await.unwrap();
    withdraw_consent(&w, &ada).await;
    let before = site(&w).count(Endpoint::Api);
    follow(&w, hours(24)).await;
    assert_eq!(found(&w, &ada, &tiktok).await.state, PublicationState::Processing);
    follow(&w, hours(48)).await;
    assert_eq!(site(&w).count(Endpoint::Api), before, "the provider was asked nothing more");
    // It ends all the same, with the truth: nobody asked.
    let over = found(&w, &ada, &tiktok).await;
    assert_eq!(over.state, PublicationState::Unknown);
    let publication = over.id;
    let unknown = Happened::PublicationUnknown { publication };
    assert_eq!(told(&w, &tiktok), [Happened::Connected, unknown]);
    let acting = w.bailee.acting(&ada, &PUBLISH);
    let refused = acting.publish(&tiktok, &key("post-2"), video("A caption")).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::ConsentMissing);
    assert_eq!(inits(&w), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_consent_taken_back_during_an_upload_stops_it() {
    let (w, ada, tiktok) = connected(studio()).await;
    let gate = Gate::new();
    site(&w).fault(Endpoint::Upload, Fault::Held(gate.clone()));
    let bytes = film(16 * MIB);
    let uploading = {
        let (bailee, ada, tiktok) = (w.bailee.clone(), ada.clone(), tiktok.clone());
        tokio::spawn(
            async move { upload(&bailee, &ada, &tiktok, file(&bytes), media(&bytes)).await },
        )
    };
    gate.until_arrived(1).await;
    withdraw_consent(&w, &ada).await;
    // A pass is good for a second.
    w.advance(seconds(2));
    gate.open();
    assert_eq!(uploading.await.unwrap().unwrap_err().kind(), ErrorKind::ConsentMissing);
    assert_eq!(site(&w).count(Endpoint::Upload), 1);
    assert_eq!(out(&w), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_freeze_between_beginning_and_end_is_waited_out() {
    let (w, ada, tiktok) = connected(studio()).await;
    publish(&w.bailee, &ada, &tiktok).await.unwrap();
    w.bailee.freeze(Freeze::All).await.unwrap();
    let before = w.emulator.requests().len();
    follow(&w, hours(5)).await;
    assert_eq!(w.emulator.requests().len(), before);
    let refused = publish(&w.bailee, &ada, &tiktok).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Frozen);
    w.bailee.thaw(&Freeze::All).await.unwrap();
    follow(&w, hours(2)).await;
    assert_eq!(found(&w, &ada, &tiktok).await.state, PublicationState::Published);
    assert_eq!((inits(&w), out(&w)), (1, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disconnect_while_it_is_processed_leaves_the_truth() {
    let (w, ada, tiktok) = connected(studio()).await;
    let begun = publish(&w.bailee, &ada, &tiktok).await.unwrap();
    w.bailee.connections().disconnect(&ada, &tiktok).await.unwrap();
    let before = w.emulator.requests().len();
    follow(&w, hours(2)).await;
    assert_eq!(w.emulator.requests().len(), before);
    let publication = begun.id;
    let events = told(&w, &tiktok);
    assert!(events.contains(&Happened::PublicationUnknown { publication }), "{events:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_grant_that_ends_while_it_is_processed_is_told_of_both() {
    let (w, ada, tiktok) = connected(studio()).await;
    publish(&w.bailee, &ada, &tiktok).await.unwrap();
    site(&w).withdraw("ada", "fake-client-1");
    follow(&w, hours(1)).await;
    let revoked = ReconnectReason::Revoked;
    assert_eq!(state(&w, &ada, &tiktok).await, ConnectionState::NeedsReconnect(revoked));
    // The person connects again within the time for which it is followed.
    let again = w.connect(&ada, "tiktok", &[PUBLISH]).await.unwrap();
    assert_eq!(again, tiktok);
    follow(&w, hours(3)).await;
    let over = found(&w, &ada, &tiktok).await;
    assert!(over.state.is_final(), "{over:?}");
    assert_eq!(inits(&w), 1);
}
