//! Host fields.

#![allow(clippy::unwrap_used, reason = "tests")]

mod common;

use bailee_core::{ErrorKind, HostId};
use bailee_vault::Field;
use common::*;

const FIELD: Field<'static> = Field { table: "users", row: b"42", column: "email", version: 3 };

#[tokio::test]
async fn fields_are_sealed_and_opened_many_at_once() {
    let room = Room::new();
    let vault = room.vault().await;
    let subject = subject(&vault, &ACME).await;
    let fields = vault.fields(&ACME, subject).await.unwrap();
    let rows: Vec<[u8; 2]> = (0..300_u16).map(u16::to_be_bytes).collect();
    let places: Vec<_> = rows.iter().map(|row| Field { row, ..FIELD }).collect();
    let values: Vec<_> = rows.iter().map(|row| plaintext(&format!("{row:?}"))).collect();
    let sealed = fields.seal(&places, &values).unwrap();
    assert!(
        sealed.iter().zip(&rows).all(|(sealed, row)| sealed.len() == 90 + format!("{row:?}").len())
    );
    room.store.calls();
    let opened = room.vault().await.fields(&ACME, subject).await.unwrap();
    assert_eq!(room.store.calls().0, 2, "the subject with its key, and the tenant key");
    let opened = opened.open(&places, &sealed).unwrap();
    assert!(opened.iter().zip(&values).all(|(one, other)| text(one) == text(other)));
}

#[tokio::test]
async fn key_02_a_value_in_another_field_is_refused() {
    let room = Room::new();
    let vault = room.vault().await;
    let subject = subject(&vault, &ACME).await;
    let fields = vault.fields(&ACME, subject).await.unwrap();
    let sealed = fields.seal(&[FIELD], &[plaintext("ada@example.test")]).unwrap();
    assert!(fields.open(&[FIELD], &sealed).is_ok());
    for other in [
        Field { table: "user", ..FIELD },
        Field { row: b"43", ..FIELD },
        Field { column: "phone", ..FIELD },
        Field { version: 4, ..FIELD },
        Field { version: 0, ..FIELD },
        Field { table: "users4", row: b"2", ..FIELD },
    ] {
        assert_eq!(kind_of(fields.open(&[other], &sealed)), ErrorKind::Unopenable, "{other:?}");
    }
    let bob = vault.ensure_subject(&ACME, &HostId::Int(2)).await.unwrap();
    let bobs = vault.fields(&ACME, bob).await.unwrap();
    assert_eq!(kind_of(bobs.open(&[FIELD], &sealed)), ErrorKind::KeyMissing);
}

#[tokio::test]
async fn names_without_form_and_other_numbers_are_refused() {
    let room = Room::new();
    let vault = room.vault().await;
    let fields = vault.fields(&ACME, subject(&vault, &ACME).await).await.unwrap();
    let long = "x".repeat(256);
    for bad in [
        Field { row: b"", ..FIELD },
        Field { column: "", ..FIELD },
        Field { table: &long, ..FIELD },
        Field { row: long.as_bytes(), ..FIELD },
        Field { column: &long, ..FIELD },
    ] {
        assert_eq!(kind_of(fields.seal(&[bad], &[plaintext("x")])), ErrorKind::InvalidInput);
    }
    assert_eq!(kind_of(fields.seal(&[FIELD], &[])), ErrorKind::InvalidInput);
    assert_eq!(kind_of(fields.open(&[], &[vec![0_u8; 100]])), ErrorKind::InvalidInput);
}
