//! That a receipt is tied to the log, and checked without the service.

use bailee_audit::{Json, ReceiptFault, verify_receipt};
use bailee_core::{PurposeId, audit::Entry};
use bailee_registry::{Declaration, ReceiptForm};

use super::desk::{ACME, Desk, source, texts};

const PUBLISH: PurposeId = PurposeId::from_static("publish.content");

async fn given(desk: &Desk) -> bailee_core::Id {
    let version = Declaration::parse(&source()).unwrap().version();
    desk.give(&desk.given(&PUBLISH, version)).await
}

#[tokio::test]
async fn aud_02_a_receipt_is_proven_to_be_in_the_log_once_it_is() {
    let desk = Desk::new().await;
    let record = given(&desk).await;
    let early = desk.verified(record, ReceiptForm::Kantara).await;
    assert_eq!(early.place, None);
    let hash = early.statement.entry.unwrap();
    let logged = desk.vault.store().entries(&ACME, Default::default()).await.unwrap();
    let entry = logged.iter().find(|logged| logged.hash == hash).unwrap();
    assert_eq!(entry.entry.event(), "consent.given");

    desk.log.number(1000).await.unwrap();
    desk.log.checkpoint().await.unwrap();
    let late = desk.verified(record, ReceiptForm::Kantara).await;
    assert_eq!(late.statement.entry, Some(hash));
    let (leaf, checkpoint) = late.place.unwrap();
    assert!(leaf < checkpoint.size);
    assert_eq!(checkpoint.origin.as_str(), "publisher.example/log");
}

#[tokio::test]
async fn aud_02_every_changed_byte_of_a_receipt_is_found() {
    let desk = Desk::new().await;
    let record = given(&desk).await;
    desk.log.number(1000).await.unwrap();
    desk.log.checkpoint().await.unwrap();
    let receipt = desk.receipt(record, &texts(&source()), ReceiptForm::Kantara).await.unwrap();
    let (bytes, keys) = (receipt.to_bytes().unwrap(), desk.keys().await);
    verify_receipt(&bytes, &keys).unwrap();
    for n in 0..bytes.len() {
        let mut changed = bytes.clone();
        changed[n] ^= 1;
        assert!(verify_receipt(&changed, &keys).is_err(), "{n}");
    }
    let strangers = Desk::new().await;
    strangers.log.turn_key().await.unwrap();
    let turned = strangers.log.keys().await.unwrap().remove(1).key;
    assert_eq!(verify_receipt(&bytes, &turned.into()).unwrap_err(), ReceiptFault::UnknownKey);
}

#[tokio::test]
async fn a_host_signs_receipts_of_its_own() {
    let desk = Desk::new().await;
    let entry = Entry::new("connection.disconnected", bailee_core::Clock::now(&desk.clock))
        .with("connection", bailee_core::Id::from_bytes([7; 16]));
    let batch = desk.vault.batch().unwrap().audit(entry);
    desk.vault.commit(&ACME, batch).await.unwrap();
    let logged = desk.vault.store().entries(&ACME, Default::default()).await.unwrap();
    let place = logged.last().unwrap().into();
    let content = Json::object([("revoked", Json::from(true))]);
    let receipt = desk.log.receipt("disconnected", content.clone(), Some(&place)).await.unwrap();
    let bytes = receipt.to_bytes().unwrap();
    let verified = verify_receipt(&bytes, &desk.keys().await).unwrap();
    assert_eq!(verified.statement.content, content);
    assert_eq!(verified.statement.entry, Some(logged.last().unwrap().hash));
    let number = Json::object([("n", Json::Integer(i64::MAX))]);
    assert!(desk.log.receipt("number", number, None).await.is_err());
}
