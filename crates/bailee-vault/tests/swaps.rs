//! What somebody who can write to the database tries: bodies and parts in other places.

#![allow(clippy::unwrap_used, reason = "tests")]

mod common;

use bailee_core::{ConnectionId, ErrorKind, HostId, Id};
use bailee_store::{Key, Kind, Record, Version};
use bailee_vault::{Holder, Vault, kind};
use common::*;

/// What opening gives, facts first and then the access part.
async fn open(
    vault: &Vault,
    tenant: &bailee_core::TenantId,
    holder: Holder,
    key: Key,
) -> Result<(String, String), ErrorKind> {
    let view = vault.read(tenant, holder, &[key]).await.map_err(|error| error.kind())?;
    let facts = view.facts(0).map_err(|error| error.kind())?.ok_or(ErrorKind::NotFound)?;
    let access = view.part(0, "access").map_err(|error| error.kind())?;
    Ok((String::from_utf8(facts.bytes().to_vec()).unwrap(), text(&access)))
}

struct Scene {
    room: Room,
    vault: Vault,
    holder: Holder,
    record: Record,
}

async fn scene() -> Scene {
    let room = Room::new();
    let vault = room.vault().await;
    let holder = Holder::Subject(subject(&vault, &ACME).await);
    let record = write_credential(&room, &vault, &ACME, credential(1), holder, "a").await;
    Scene { room, vault, holder, record }
}

#[tokio::test]
async fn what_was_sealed_opens() {
    let scene = scene().await;
    let opened = open(&scene.vault, &ACME, scene.holder, credential(1)).await.unwrap();
    assert_eq!(opened, ("{\"n\":\"a\"}".to_owned(), "fake-access-a".to_owned()));
}

#[tokio::test]
async fn key_02_a_body_under_another_id_or_kind_is_refused() {
    let Scene { room, vault, holder, record } = scene().await;
    for key in [credential(2), Key::new(Kind::from_static("connection"), record.key.id)] {
        room.store.tamper(&ACME, Record { key: key.clone(), ..record.clone() }).await;
        assert_eq!(open(&vault, &ACME, holder, key).await, Err(ErrorKind::Unopenable));
    }
}

#[tokio::test]
async fn key_02_a_body_in_another_tenant_is_refused_even_with_the_keys_moved_along() {
    let Scene { room, vault, holder, record } = scene().await;
    vault.ensure_owner(&OTHER).await.unwrap();
    room.store.tamper(&OTHER, record.clone()).await;
    assert_eq!(open(&vault, &OTHER, holder, credential(1)).await, Err(ErrorKind::NotFound));
    for kind in [kind::SUBJECT, kind::SUBJECT_KEY, kind::TENANT_KEY] {
        for row in room.store.all(&ACME, kind.clone()).await {
            if row.key.id != Id::ZERO {
                room.store.tamper(&OTHER, row).await;
            }
        }
    }
    let fresh = room.vault().await;
    assert_eq!(open(&fresh, &OTHER, holder, credential(1)).await, Err(ErrorKind::Unopenable));
}

#[tokio::test]
async fn key_02_a_body_of_another_holder_is_refused() {
    let Scene { room, vault, record, .. } = scene().await;
    let bob = vault.ensure_subject(&ACME, &HostId::Int(2)).await.unwrap();
    room.store.tamper(&ACME, Record { subject: Some(bob), ..record }).await;
    let opened = open(&vault, &ACME, Holder::Subject(bob), credential(1)).await;
    // Its own error: the key is not among this holder's, and no other one is tried.
    assert_eq!(opened, Err(ErrorKind::KeyMissing));
    let opened = open(&vault, &ACME, Holder::Tenant, credential(1)).await;
    assert_eq!(opened, Err(ErrorKind::KeyMissing));
}

#[tokio::test]
async fn key_02_a_wrapped_key_of_another_subject_is_refused() {
    let Scene { room, vault, holder, .. } = scene().await;
    let bob = vault.ensure_subject(&ACME, &HostId::Int(2)).await.unwrap();
    let bobs = Key::new(kind::SUBJECT_KEY, bob.id());
    let bobs = room.store.record(&ACME, bobs).await.unwrap();
    let adas = holder.subject().unwrap();
    room.store.tamper(&ACME, Record { key: Key::new(kind::SUBJECT_KEY, adas.id()), ..bobs }).await;
    let fresh = room.vault().await;
    assert_eq!(open(&fresh, &ACME, holder, credential(1)).await, Err(ErrorKind::Unopenable));
}

#[tokio::test]
async fn key_02_a_wrapped_key_is_no_record_and_a_record_no_wrapped_key() {
    let Scene { room, vault, holder, record } = scene().await;
    let subject = holder.subject().unwrap();
    let place = Key::new(kind::SUBJECT_KEY, subject.id());
    let row = room.store.record(&ACME, place.clone()).await.unwrap();
    // As a list, and its one sealed body alone.
    let alone = bailee_store::Sealed::new(split(&row.body)[0].1.clone());
    for body in [row.body.clone(), alone] {
        room.store.tamper(&ACME, Record { body, ..record.clone() }).await;
        assert!(open(&vault, &ACME, holder, credential(1)).await.is_err());
    }
    let access = split(&record.body)[1].1.clone();
    let name = split(&row.body)[0].0.clone();
    for body in [record.body.clone(), join(&[(name, access)])] {
        room.store.tamper(&ACME, Record { body, version: Version(1), ..row.clone() }).await;
        let fresh = room.vault().await;
        assert!(open(&fresh, &ACME, holder, credential(1)).await.is_err());
    }
}

#[tokio::test]
async fn key_02_a_part_of_an_older_version_mixed_in_is_refused() {
    let Scene { room, vault, holder, record: old } = scene().await;
    let new = write_credential(&room, &vault, &ACME, credential(1), holder, "b").await;
    for n in 0..3 {
        let mut parts = split(&new.body);
        parts[n] = split(&old.body)[n].clone();
        room.store.tamper(&ACME, Record { body: join(&parts), ..new.clone() }).await;
        let view = vault.read(&ACME, holder, &[credential(1)]).await.unwrap();
        let outcomes = [
            view.facts(0).map(|_| ()),
            view.part(0, "access").map(|_| ()),
            view.part(0, "refresh").map(|_| ()),
        ];
        let refused: Vec<_> = outcomes.iter().map(Result::is_err).collect();
        // Without its facts no part opens.
        assert_eq!(refused, [n == 0, n <= 1, n == 0 || n == 2], "{n}");
    }
}

#[tokio::test]
async fn key_02_a_part_of_an_older_version_is_not_laundered_by_keeping_it() {
    let Scene { room, vault, holder, record: old } = scene().await;
    let new = write_credential(&room, &vault, &ACME, credential(1), holder, "b").await;
    let mut parts = split(&new.body);
    parts[2] = split(&old.body)[2].clone();
    let mixed = Record { body: join(&parts), ..new };
    let draft = bailee_vault::Draft::new(credential(1), holder).facts(1, "{}").keep("refresh");
    let outcome = vault.put(&ACME, draft, Some(&mixed)).await;
    assert_eq!(kind_of(outcome), ErrorKind::Unopenable);
}

#[tokio::test]
async fn key_02_swapped_renamed_dropped_doubled_and_added_parts_are_refused() {
    let Scene { room, vault, holder, record } = scene().await;
    let parts = split(&record.body);
    let [facts, access, refresh] = <[_; 3]>::try_from(parts).unwrap();
    let renamed = |part: &(Vec<u8>, Vec<u8>), name: &str| (name.into(), part.1.clone());
    let bad = [
        vec![facts.clone(), refresh.clone(), access.clone()],
        vec![facts.clone(), renamed(&refresh, "access"), renamed(&access, "refresh")],
        vec![facts.clone(), access.clone()],
        vec![facts.clone()],
        vec![access.clone(), facts.clone(), refresh.clone()],
        vec![facts.clone(), access.clone(), refresh.clone(), renamed(&refresh, "candidate")],
        vec![facts.clone(), access.clone(), refresh.clone(), refresh.clone()],
        vec![renamed(&access, "facts"), renamed(&facts, "access"), refresh.clone()],
        vec![],
    ];
    for (n, parts) in bad.iter().enumerate() {
        room.store.tamper(&ACME, Record { body: join(parts), ..record.clone() }).await;
        let opened = open(&vault, &ACME, holder, credential(1)).await;
        assert_eq!(opened, Err(ErrorKind::Unopenable), "{n}");
    }
    // The facts alone, as if there were no parts.
    let body = bailee_store::Sealed::new(facts.1);
    room.store.tamper(&ACME, Record { body, ..record.clone() }).await;
    assert_eq!(open(&vault, &ACME, holder, credential(1)).await, Err(ErrorKind::Unopenable));
}

#[tokio::test]
async fn key_02_an_old_body_under_a_new_version_is_refused() {
    let Scene { room, vault, holder, record: old } = scene().await;
    let new = write_credential(&room, &vault, &ACME, credential(1), holder, "b").await;
    room.store.tamper(&ACME, Record { version: new.version, ..old.clone() }).await;
    let opened = open(&vault, &ACME, holder, credential(1)).await;
    assert_eq!(opened, Err(ErrorKind::Unopenable));
    // A whole old row is not seen: the format says so, and it is not its task.
    room.store.tamper(&ACME, old).await;
    assert!(open(&vault, &ACME, holder, credential(1)).await.is_ok());
}

#[tokio::test]
async fn key_02_a_row_without_parts_is_bound_in_the_same_way() {
    let room = Room::new();
    let vault = room.vault().await;
    let key = |n| Key::new(Kind::from_static("flow"), Id::from_bytes([n; 16]));
    let draft = bailee_vault::Draft::new(key(1), Holder::Tenant).facts(4, "one");
    let op = vault.put(&ACME, draft, None).await.unwrap();
    write(&vault, &ACME, vec![op]).await.unwrap();
    let row = room.store.record(&ACME, key(1)).await.unwrap();
    assert_eq!(row.body.as_bytes()[0], 1);
    let good = vault.open(&ACME, Holder::Tenant, &row).await.unwrap();
    let facts = good.facts().unwrap();
    assert_eq!((facts.schema(), facts.bytes()), (4, b"one".as_slice()));
    assert_eq!(kind_of(good.part("access")), ErrorKind::NotFound);
    for bad in [
        Record { key: key(2), ..row.clone() },
        Record { version: row.version.next(), ..row.clone() },
    ] {
        let bad = vault.open(&ACME, Holder::Tenant, &bad).await.unwrap();
        assert_eq!(kind_of(bad.facts()), ErrorKind::Unopenable);
    }
}

#[tokio::test]
async fn key_03_every_flipped_bit_of_a_row_is_refused() {
    let Scene { vault, holder, record, .. } = scene().await;
    let body = record.body.as_bytes();
    for bit in 0..body.len() * 8 {
        let mut changed = body.to_vec();
        changed[bit / 8] ^= 1 << (bit % 8);
        let changed = Record { body: bailee_store::Sealed::new(changed), ..record.clone() };
        let opened = vault.open(&ACME, holder, &changed).await.unwrap();
        let all_good = opened.facts().is_ok()
            && opened.part("access").is_ok()
            && opened.part("refresh").is_ok();
        assert!(!all_good, "bit {bit}");
    }
}

#[tokio::test]
async fn key_02_keys_of_connections_are_bound_to_their_connection() {
    let room = Room::new();
    let vault = room.vault().await;
    let connection = |n| ConnectionId::from_id(Id::from_bytes([n; 16]));
    let holder = |n| Holder::Connection(connection(n));
    for n in [1, 2] {
        let mut ops = vault.create_key(&ACME, holder(n)).await.unwrap();
        ops.push(vault.put(&ACME, draft(credential(n), holder(n), "c"), None).await.unwrap());
        write(&vault, &ACME, ops).await.unwrap();
    }
    assert!(open(&vault, &ACME, holder(1), credential(1)).await.is_ok());
    assert_eq!(open(&vault, &ACME, holder(2), credential(1)).await, Err(ErrorKind::KeyMissing));
    let row = |n| Key::new(kind::CONNECTION_KEY, connection(n).id());
    let first = room.store.record(&ACME, row(1)).await.unwrap();
    room.store.tamper(&ACME, Record { key: row(2), ..first }).await;
    let fresh = room.vault().await;
    assert_eq!(open(&fresh, &ACME, holder(2), credential(1)).await, Err(ErrorKind::Unopenable));
}
