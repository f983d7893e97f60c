//! The keys of the log: one for all processes, turned without a gap, destroyed at the end.

use bailee_audit::{Keyring, LogName};
use bailee_core::ErrorKind;
use bailee_registry::AuditLog;
use bailee_store::{Log as _, Window};

use super::desk::{ACME, Desk, name};

#[tokio::test]
async fn every_process_has_the_same_key_and_the_log_keeps_its_name() {
    let desk = Desk::new().await;
    let keys = desk.log.keys().await.unwrap();
    assert_eq!(keys.len(), 1);
    assert_eq!(desk.another().await.keys().await.unwrap(), keys);
    let other = LogName::new("app.example/other").unwrap();
    let error = AuditLog::open(desk.vault.clone(), other).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Configuration);
}

#[tokio::test]
async fn a_turned_key_cuts_nobody_off() {
    let desk = Desk::new().await;
    let old = desk.log.keys().await.unwrap().remove(0).key;
    let first = desk.log.checkpoint().await.unwrap();
    let new = desk.log.turn_key().await.unwrap();
    let error = desk.another().await.turn_key().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::AlreadyExists);

    let next = async || {
        desk.write(&ACME, 1).await;
        desk.number_all().await;
        desk.another().await.checkpoint().await.unwrap().signed
    };
    let only = |key: &bailee_audit::VerifyingKey| Keyring::from(key.clone());
    let both = next().await;
    assert!(both.verify(&name(), &only(&old)).is_ok());
    assert!(both.verify(&name(), &only(&new)).is_ok());

    desk.advance(3600);
    desk.log.end_turn().await.unwrap();
    let after = next().await;
    assert!(after.verify(&name(), &only(&old)).is_err());
    assert!(after.verify(&name(), &only(&new)).is_ok());
    // What the old key signed is still good.
    let keys = desk.log.keys().await.unwrap();
    assert_eq!(keys.iter().map(|key| &key.key).collect::<Vec<_>>(), [&old, &new]);
    assert!(keys[0].destroyed.is_some() && keys[1].destroyed.is_none());
    assert!(desk.log.follows(&first.signed).await.is_ok());
    assert_eq!(desk.log.end_turn().await.unwrap_err().kind(), ErrorKind::NotFound);
}

#[tokio::test]
async fn each_change_of_the_key_stands_in_the_log() {
    let desk = Desk::new().await;
    desk.log.turn_key().await.unwrap();
    desk.log.end_turn().await.unwrap();
    let system = bailee_core::TenantId::SYSTEM;
    let entries = desk.store.entries(&system, Window::default()).await.unwrap();
    let of_key =
        |event: &str| entries.iter().filter(|logged| logged.entry.event() == event).count();
    assert_eq!(["key.created", "key.rotated", "key.destroyed"].map(of_key), [1, 1, 1]);
    for logged in &entries {
        bailee_audit::check(&logged.entry).unwrap();
    }
}
