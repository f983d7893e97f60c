//! A whole old row put back: nothing binds a row to the present (a backup is made of such rows), so
//! it opens. These tests say what follows, and where it shows.

use bailee::{
    ConnectionState, ErrorKind, ReconnectReason,
    core::Actor,
    registry::{Choice, Ledger},
    store::{Key, Kind},
    vault::Holder,
};
use bailee_testkit::emulator::{Endpoint, Fault};
use bailee_tests::NOTES;

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn an_old_credential_put_back_works_no_longer_than_the_provider_takes_it() {
    let place = memory().await;
    let w = &place.w;
    notes(w).change_issuer(|issuer| issuer.ends_old_access = true);
    let ada = w.visitor("ada");
    let connection = w.connect(&ada, "notes", &[NOTES]).await.unwrap();
    let acting = w.bailee.acting(&ada, &NOTES);
    let old = place.store.row(&ACME, &credential_key(&connection)).await.unwrap();
    notes(w).fault(Endpoint::Api, Fault::Status(401));
    acting.call(&connection, &WriteNote("x")).await.unwrap();

    // Here it is not noticed: it is a row that was good once.
    place.store.overwrite(&ACME, old).await;
    w.bailee.connections().status(&ada, &connection).await.unwrap();
    // The provider sees a token that was replaced, and says that the grant is over.
    let error = acting.call(&connection, &WriteNote("x")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NeedsReconnect);
    assert_eq!(notes(w).reuse_alarms().len(), 1);
    let status = w.bailee.connections().status(&ada, &connection).await.unwrap();
    assert_eq!(status.state, ConnectionState::NeedsReconnect(ReconnectReason::Revoked));
    // The log still tells that there was a newer one.
    assert!(w.audited("acme").await.contains(&"credential.refreshed".to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_old_standing_put_back_brings_a_consent_back_and_the_ledger_contradicts_it() {
    let place = memory().await;
    let w = &place.w;
    let ada = w.visitor("ada");
    let connection = w.connect(&ada, "notes", &[NOTES]).await.unwrap();
    let person = connection.owner().subject().unwrap();
    let key = Key::new(Kind::from_static("subject"), person.id());
    let old = place.store.row(&ACME, &key).await.unwrap();
    let provider = ProviderId::from_static("notes");
    // As where something else carries the connection, so that it stays.
    let vault = w.bailee.vault();
    let view = vault.read(&ACME, Holder::Subject(person), &[]).await.unwrap();
    let by = Actor::Subject { subject: person };
    let ledger = Ledger::new(vault.clone());
    let change = ledger.withdraw(&ACME, &view, &NOTES, Some(&provider), &by).await.unwrap();
    vault.commit(&ACME, change.add_to(vault.batch().unwrap())).await.unwrap();
    let acting = w.bailee.acting(&ada, &NOTES);
    let error = acting.call(&connection, &WriteNote("x")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConsentMissing);

    place.store.overwrite(&ACME, old).await;
    acting.call(&connection, &WriteNote("x")).await.unwrap();
    // The ledger and the log are rows of their own and say what the person said last.
    let history = ledger.history(&ACME, person).await.unwrap();
    assert!(matches!(history.last().unwrap().choice, Choice::ConsentWithdrawn { .. }));
    assert!(w.audited("acme").await.contains(&"consent.withdrawn".to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_of_a_disconnected_connection_put_back_hold_dead_tokens() {
    let place = memory().await;
    let w = &place.w;
    let ada = w.visitor("ada");
    let connection = w.connect(&ada, "notes", &[NOTES]).await.unwrap();
    let kept: Vec<_> = place
        .store
        .dump()
        .await
        .records
        .into_iter()
        .filter(|((_, key), _)| ["connection", "credential"].contains(&key.kind.as_str()))
        .collect();
    let receipt = w.bailee.connections().disconnect(&ada, &connection).await.unwrap();
    assert!(receipt.confirmed);
    for ((tenant, _), record) in kept {
        place.store.overwrite(&tenant, record).await;
    }
    // The provider was told, so nothing that comes back is good for anything.
    let error = w.bailee.acting(&ada, &NOTES).call(&connection, &WriteNote("x")).await.unwrap_err();
    assert!(
        matches!(error.kind(), ErrorKind::NeedsReconnect | ErrorKind::ConsentMissing),
        "{error:?}"
    );
    assert!(notes(w).notes().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_of_a_tenants_disconnected_connection_put_back_do_not_open() {
    let place = memory().await;
    let w = &place.w;
    let ada = w.visitor("ada");
    let mut options = bailee::BeginOptions::default();
    options.for_tenant = true;
    let allow = bailee_testkit::emulator::Decision::Allow;
    let completed = w.connect_as(&ada, "notes", &[NOTES], options, allow, "ada").await.unwrap();
    let connection = completed.unwrap().connection;
    let kept: Vec<_> = place
        .store
        .dump()
        .await
        .records
        .into_iter()
        .filter(|((_, key), _)| ["connection", "credential"].contains(&key.kind.as_str()))
        .collect();
    assert_eq!(kept.len(), 2);
    // Even where the provider does not answer: the connection's key is gone.
    notes(w).fault(Endpoint::Revoke, Fault::Status(503).always());
    let receipt = w.bailee.connections().disconnect(&ada, &connection).await.unwrap();
    assert!(!receipt.confirmed);
    for ((tenant, _), record) in kept {
        place.store.overwrite(&tenant, record).await;
    }
    let error = w.bailee.acting(&ada, &NOTES).call(&connection, &WriteNote("x")).await.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::NotFound | ErrorKind::KeyMissing), "{error:?}");
    assert!(notes(w).notes().is_empty());
}
