//! Keys that come and go: destruction, and what a cache may still open.

#![allow(clippy::unwrap_used, reason = "tests")]

mod common;

use std::{sync::Arc, time::Duration};

use bailee_core::{ConnectionId, ErrorKind, Id, SubjectId};
use bailee_store::{Key, Query, Record, Store};
use bailee_vault::{CacheLimits, Field, Holder, Vault, kind};
use common::*;

async fn read(vault: &Vault, holder: Holder) -> Result<String, ErrorKind> {
    let view = vault.read(&ACME, holder, &[credential(1)]).await.map_err(|error| error.kind())?;
    view.part(0, "access").map(|part| text(&part)).map_err(|error| error.kind())
}

#[tokio::test]
async fn an_erased_subject_is_shredded_here_and_in_other_processes() {
    for room in Room::both() {
        let (vault, other) = (room.vault().await, room.vault().await);
        let subject = subject(&vault, &ACME).await;
        let holder = Holder::Subject(subject);
        let record = write_credential(&room, &vault, &ACME, credential(1), holder, "a").await;
        assert!(read(&other, holder).await.is_ok());

        let view = vault.read(&ACME, holder, &[]).await.unwrap();
        mark_erased(&vault, &ACME, view.standing_record().unwrap()).await;
        // Where the mark was made nothing serves on out of the cache.
        assert_eq!(kind_of(vault.fields(&ACME, subject).await), ErrorKind::Shredded);
        assert_eq!(kind_of(vault.open(&ACME, holder, &record).await), ErrorKind::Shredded);
        // The mark alone stops all use, with the key still there.
        for vault in [&vault, &other, &room.vault().await] {
            assert_eq!(read(vault, holder).await, Err(ErrorKind::Shredded));
        }
        destroy_key(&vault, &ACME, holder).await;
        assert!(room.key_store().record(&ACME, key_of(subject)).await.is_none());
        for vault in [&vault, &other] {
            assert_eq!(read(vault, holder).await, Err(ErrorKind::Shredded));
        }
        assert_eq!(kind_of(vault.open(&ACME, holder, &record).await), ErrorKind::Shredded);
        assert_eq!(kind_of(vault.fields(&ACME, subject).await), ErrorKind::Shredded);
        assert_eq!(kind_of(vault.person(&ACME, subject).await), ErrorKind::Shredded);
        let outcome = vault.put(&ACME, draft(credential(2), holder, "b"), None).await;
        assert_eq!(kind_of(outcome), ErrorKind::Shredded);

        // The tombstone opens under the tenant's own key.
        let view = vault.read(&ACME, Holder::Tenant, &[holder.standing()]).await.unwrap();
        assert_eq!(view.facts(0).unwrap().unwrap().bytes(), b"{}");
        // Again, at will.
        assert!(vault.destroy_key(&ACME, holder).await.unwrap().is_empty());
    }
}

fn key_of(subject: SubjectId) -> Key {
    Key::new(kind::SUBJECT_KEY, subject.id())
}

#[tokio::test]
async fn a_missing_key_of_a_living_subject_is_an_alarm_and_no_erasure() {
    for room in Room::both() {
        let vault = room.vault().await;
        let subject = subject(&vault, &ACME).await;
        let holder = Holder::Subject(subject);
        write_credential(&room, &vault, &ACME, credential(1), holder, "a").await;
        room.key_store().remove(&ACME, key_of(subject)).await;
        let fresh = room.vault().await;
        assert_eq!(read(&fresh, holder).await, Err(ErrorKind::KeyMissing));
        assert_eq!(kind_of(fresh.fields(&ACME, subject).await), ErrorKind::KeyMissing);
        if room.keys.is_none() {
            // The row comes along with each read, so a cached key does not hide it.
            assert_eq!(read(&vault, holder).await, Err(ErrorKind::KeyMissing));
        }
        let nobody = Holder::Subject(SubjectId::from_id(Id::from_bytes([9; 16])));
        assert_eq!(read(&fresh, nobody).await, Err(ErrorKind::NotFound));
    }
}

#[tokio::test]
async fn the_key_of_a_connection_dies_with_it() {
    for room in Room::both() {
        let vault = room.vault().await;
        vault.ensure_owner(&ACME).await.unwrap();
        let connection = ConnectionId::from_id(Id::from_bytes([5; 16]));
        let holder = Holder::Connection(connection);
        let mut ops = vault.create_key(&ACME, holder).await.unwrap();
        assert_eq!(ops.is_empty(), room.keys.is_some());
        ops.push(vault.put(&ACME, draft(credential(1), holder, "a"), None).await.unwrap());
        write(&vault, &ACME, ops).await.unwrap();

        let other = room.vault().await;
        let view = other.read(&ACME, holder, &[credential(1)]).await.unwrap();
        assert_eq!(text(&view.part(0, "access").unwrap()), "fake-access-a");
        assert_eq!(view.standing().unwrap().bytes(), b"{}");
        assert_eq!(view.standing_record().unwrap().key.kind, kind::OWNER);
        let fence = view.fence().unwrap();

        let mut ops = vault.destroy_key(&ACME, holder).await.unwrap();
        ops.push(fence);
        write(&vault, &ACME, ops).await.unwrap();
        // A record that somebody forgot, or that a backup brings back, opens no more.
        assert_eq!(read(&vault, holder).await, Err(ErrorKind::KeyMissing));
        assert_eq!(read(&room.vault().await, holder).await, Err(ErrorKind::KeyMissing));
        if room.keys.is_none() {
            assert_eq!(read(&other, holder).await, Err(ErrorKind::KeyMissing));
        }
    }
}

#[tokio::test]
async fn a_key_whose_batch_failed_seals_nothing_more() {
    let room = Room::new();
    let vault = room.vault().await;
    let holder = Holder::Connection(ConnectionId::from_id(Id::from_bytes([5; 16])));
    let mut ops = vault.create_key(&ACME, holder).await.unwrap();
    ops.push(bailee_store::Op::Check { key: credential(7), expect: bailee_store::Expect::Present });
    assert_eq!(kind_of(write(&vault, &ACME, ops).await), ErrorKind::Conflict);
    let outcome = vault.put(&ACME, draft(credential(1), holder, "a"), None).await;
    assert_eq!(kind_of(outcome), ErrorKind::KeyMissing);
}

#[tokio::test]
async fn a_key_that_is_still_to_be_committed_seals_after_a_read_that_did_not_find_its_row() {
    for room in Room::both() {
        let vault = room.vault().await;
        vault.ensure_owner(&ACME).await.unwrap();
        let holder = Holder::Connection(ConnectionId::from_id(Id::from_bytes([5; 16])));
        let mut ops = vault.create_key(&ACME, holder).await.unwrap();
        let view = vault.read(&ACME, holder, &[credential(1)]).await.unwrap();
        ops.push(vault.put(&ACME, draft(credential(1), holder, "a"), None).await.unwrap());
        ops.push(view.fence().unwrap());
        write(&vault, &ACME, ops).await.unwrap();
        assert_eq!(read(&vault, holder).await.unwrap(), "fake-access-a");
        // From now on a missing row is a destroyed key.
        room.key_store().remove(&ACME, key_row(holder)).await;
        if room.keys.is_none() {
            assert_eq!(read(&vault, holder).await, Err(ErrorKind::KeyMissing));
            let outcome = vault.put(&ACME, draft(credential(2), holder, "b"), None).await;
            assert_eq!(kind_of(outcome), ErrorKind::KeyMissing);
        }
    }
}

fn key_row(holder: Holder) -> Key {
    let Holder::Connection(connection) = holder else { panic!("a connection") };
    Key::new(kind::CONNECTION_KEY, connection.id())
}

#[tokio::test]
async fn apart_a_key_that_an_earlier_try_left_is_taken() {
    let room = Room::apart();
    let vault = room.vault().await;
    let holder = Holder::Connection(ConnectionId::from_id(Id::from_bytes([5; 16])));
    for _ in 0..2 {
        assert!(vault.create_key(&ACME, holder).await.unwrap().is_empty());
    }
    let keys = room.key_store().all(&ACME, kind::CONNECTION_KEY).await;
    assert_eq!(keys.len(), 1);
    assert!(room.store.all(&ACME, kind::CONNECTION_KEY).await.is_empty());
    let events = room.key_store().events(&ACME).await;
    assert_eq!(events.iter().filter(|event| *event == "connection_key.created").count(), 1);
}

#[tokio::test]
async fn the_tenants_own_key_is_not_made_or_destroyed_alone() {
    let room = Room::new();
    let vault = room.vault().await;
    let error = kind_of(vault.create_key(&ACME, Holder::Tenant).await);
    assert_eq!(error, ErrorKind::InvalidInput);
    let error = kind_of(vault.destroy_key(&ACME, Holder::Tenant).await);
    assert_eq!(error, ErrorKind::InvalidInput);
}

#[tokio::test]
async fn apart_no_key_lies_in_the_data_store() {
    let room = Room::apart();
    let vault = room.vault().await;
    let holder = Holder::Subject(subject(&vault, &ACME).await);
    write_credential(&room, &vault, &ACME, credential(1), holder, "a").await;
    let kinds = [
        kind::TENANT_KEY,
        kind::SUBJECT_KEY,
        kind::INDEX_KEY,
        kind::CONNECTION_KEY,
        kind::ROOT_KEY,
        kind::TENANT,
    ];
    for tenant in [ACME.clone(), bailee_core::TenantId::SYSTEM] {
        for kind in kinds.clone() {
            assert!(room.store.all(&tenant, kind).await.is_empty());
        }
    }
    assert_eq!(room.key_store().all(&ACME, kind::SUBJECT_KEY).await.len(), 2);
    assert!(room.key_store().all(&ACME, CREDENTIAL).await.is_empty());
}

#[tokio::test]
async fn a_destroyed_tenant_stays_shredded_and_does_not_begin_anew() {
    for room in Room::both() {
        let vault = room.vault().await;
        let holder = Holder::Subject(subject(&vault, &ACME).await);
        write_credential(&room, &vault, &ACME, credential(1), holder, "a").await;
        subject(&vault, &OTHER).await;
        vault.destroy_tenant(&ACME).await.unwrap();
        for vault in [vault, room.vault().await] {
            assert_eq!(read(&vault, holder).await, Err(ErrorKind::Shredded));
            let index = vault.index(&ACME, "route", &[b"x"]).await;
            assert_eq!(kind_of(index), ErrorKind::Shredded);
            let outcome = vault.ensure_subject(&ACME, &ada()).await;
            assert_eq!(kind_of(outcome), ErrorKind::Shredded);
            assert_eq!(kind_of(vault.subject(&ACME, &ada()).await), ErrorKind::Shredded);
            assert!(vault.subject(&OTHER, &ada()).await.unwrap().is_some());
        }
        assert!(room.key_store().all(&ACME, kind::TENANT_KEY).await.is_empty());
    }
    let room = Room::new();
    let vault = room.vault().await;
    let error = kind_of(vault.destroy_tenant(&bailee_core::TenantId::SYSTEM).await);
    assert_eq!(error, ErrorKind::InvalidInput);
    assert_eq!(kind_of(vault.destroy_tenant(&ACME).await), ErrorKind::NotFound);
}

#[tokio::test]
async fn a_warm_read_is_one_round_trip_and_nothing_else() {
    for room in Room::both() {
        let vault = room.vault().await;
        let holder = Holder::Subject(subject(&vault, &ACME).await);
        write_credential(&room, &vault, &ACME, credential(1), holder, "a").await;
        vault.ensure_owner(&ACME).await.unwrap();
        let connection = Holder::Connection(ConnectionId::from_id(Id::from_bytes([5; 16])));
        let mut ops = vault.create_key(&ACME, connection).await.unwrap();
        ops.push(vault.put(&ACME, draft(credential(2), connection, "c"), None).await.unwrap());
        write(&vault, &ACME, ops).await.unwrap();
        for holder in [holder, connection, Holder::Tenant] {
            let keys = [credential(1), credential(2)];
            vault.read(&ACME, holder, &keys[..0]).await.unwrap();
            room.store.calls();
            room.key_store().calls();
            let key = if holder == connection { credential(2) } else { credential(1) };
            let keys = if holder == Holder::Tenant { &[][..] } else { &[key][..] };
            let view = vault.read(&ACME, holder, keys).await.unwrap();
            if !keys.is_empty() {
                view.part(0, "access").unwrap();
            }
            view.control();
            assert_eq!(room.store.calls(), (1, 0, 0), "{holder:?}");
            if room.keys.is_some() {
                assert_eq!(room.key_store().calls(), (0, 0, 0), "{holder:?}");
            }
        }
        // Found records open without any.
        let found = room.store.find(&ACME, &Query::of_kind(CREDENTIAL)).await.unwrap();
        room.store.calls();
        vault.open(&ACME, holder, &found.records[0]).await.unwrap().facts().unwrap();
        assert_eq!(room.store.calls(), (0, 0, 0));
    }
}

#[tokio::test]
async fn cached_keys_serve_for_their_age_by_the_monotonic_clock_alone() {
    let room = Room::apart();
    let vault = room.vault().await;
    let holder = Holder::Subject(subject(&vault, &ACME).await);
    write_credential(&room, &vault, &ACME, credential(1), holder, "a").await;
    let key_reads = async || {
        room.key_store().calls();
        read(&vault, holder).await.unwrap();
        room.key_store().calls().0
    };
    assert_eq!(key_reads().await, 0);
    room.clock.jump_to(bailee_core::Timestamp::from_seconds(4_000_000_000));
    assert_eq!(key_reads().await, 0);
    room.clock.advance(Duration::from_secs(60));
    // The subject's key anew; the tenant key still serves.
    assert_eq!(key_reads().await, 1);
    assert_eq!(key_reads().await, 0);
    room.clock.advance(Duration::from_secs(15 * 60));
    assert_eq!(key_reads().await, 2);
}

#[tokio::test]
async fn expired_keys_leave_when_the_vault_wakes() {
    let room = Room::new();
    let vault = room.vault().await;
    subject(&vault, &ACME).await;
    let (tenants, holders) = vault.cached_keys();
    assert!(tenants > 0 && holders > 0);
    room.clock.advance(Duration::from_secs(60));
    vault.wake();
    assert_eq!(vault.cached_keys(), (tenants, 0));
    room.clock.advance(Duration::from_secs(14 * 60));
    vault.wake();
    assert_eq!(vault.cached_keys(), (0, 0));
}

#[tokio::test]
async fn a_view_and_fields_open_nothing_after_the_age_of_their_key() {
    let room = Room::new();
    let vault = room.vault().await;
    let subject = subject(&vault, &ACME).await;
    let holder = Holder::Subject(subject);
    write_credential(&room, &vault, &ACME, credential(1), holder, "a").await;
    let fresh = room.vault().await;
    let view = fresh.read(&ACME, holder, &[credential(1)]).await.unwrap();
    let fields = fresh.fields(&ACME, subject).await.unwrap();
    let field = Field { table: "users", row: b"1", column: "email", version: 0 };
    assert!(view.part(0, "access").is_ok());
    assert!(fields.seal(&[field], &[plaintext("x")]).is_ok());
    room.clock.advance(Duration::from_secs(60));
    assert_eq!(kind_of(view.part(0, "access")), ErrorKind::Conflict);
    assert_eq!(kind_of(view.standing()), ErrorKind::Conflict);
    assert_eq!(kind_of(fields.seal(&[field], &[plaintext("x")])), ErrorKind::Conflict);
}

#[tokio::test]
async fn a_key_serves_so_many_uses_and_is_then_unwrapped_anew() {
    let mut room = Room::apart();
    room.limits.uses = 8;
    let vault = room.vault().await;
    let holder = Holder::Subject(subject(&vault, &ACME).await);
    write_credential(&room, &vault, &ACME, credential(1), holder, "a").await;
    room.key_store().calls();
    for _ in 0..40 {
        assert!(read(&vault, holder).await.is_ok());
    }
    let reads = room.key_store().calls().0;
    assert!((9..=30).contains(&reads), "{reads}");
}

#[tokio::test]
async fn the_cache_is_bounded_and_subjects_do_not_push_out_tenants() {
    let mut room = Room::new();
    room.limits.entries = 6;
    let vault = room.vault().await;
    for n in 0..20 {
        vault.ensure_subject(&ACME, &bailee_core::HostId::Int(n)).await.unwrap();
        let (tenants, holders) = vault.cached_keys();
        assert!(tenants <= 6 && holders <= 6, "{tenants} {holders}");
    }
    let (tenants, _) = vault.cached_keys();
    // Both tenants' keys, by their id and as the active one.
    assert_eq!(tenants, 4);
}

#[tokio::test]
async fn limits_wider_than_the_promise_are_refused() {
    let mut room = Room::new();
    room.limits.holder_age = Duration::from_secs(3600);
    let keys = bailee_vault::RootKeys::base64(&room.root).unwrap();
    assert_eq!(kind_of(room.vault_under(keys).await), ErrorKind::Configuration);
    room.limits = CacheLimits::default();
    room.vault().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_task_reads_a_tenant_key_for_all_that_wait() {
    let room = Room::apart();
    let maker = room.vault().await;
    let mut subjects = Vec::new();
    for n in 0..16 {
        let person = bailee_core::HostId::Int(n);
        subjects.push(maker.ensure_subject(&ACME, &person).await.unwrap());
    }
    let cold = room.vault().await;
    room.key_store().calls();
    let barrier = Arc::new(tokio::sync::Barrier::new(subjects.len()));
    let tasks: Vec<_> = subjects
        .into_iter()
        .map(|subject| {
            let (vault, barrier) = (cold.clone(), barrier.clone());
            tokio::spawn(async move {
                barrier.wait().await;
                vault.read(&ACME, Holder::Subject(subject), &[]).await.unwrap();
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    // One row for each subject and the tenant key once.
    assert_eq!(room.key_store().calls().0, 17);
}

#[tokio::test]
async fn a_key_that_another_process_turned_is_read_anew() {
    // The row of keys may have grown since it was cached; a record names the new key.
    let room = Room::apart();
    let vault = room.vault().await;
    let subject = subject(&vault, &ACME).await;
    let holder = Holder::Subject(subject);
    let record = write_credential(&room, &vault, &ACME, credential(1), holder, "a").await;
    // The key row goes back and forth: another subject's key in between makes the cached set old.
    let row = room.key_store().record(&ACME, key_of(subject)).await.unwrap();
    let newer = Record { version: row.version.next(), ..row };
    room.key_store().tamper(&ACME, newer).await;
    vault.evict(&ACME, holder);
    assert_eq!(read(&vault, holder).await.unwrap(), "fake-access-a");
    assert!(vault.open(&ACME, holder, &record).await.unwrap().facts().is_ok());
}
