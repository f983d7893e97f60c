//! Subjects, the directory, owners.

#![allow(clippy::unwrap_used, reason = "tests")]

mod common;

use std::sync::{Arc, atomic::Ordering};

use bailee_core::{ErrorKind, HostId};
use bailee_store::{Query, Store};
use bailee_vault::{Holder, Vault, kind};
use common::*;

#[tokio::test]
async fn a_person_gets_one_pseudonym_and_is_found_again_by_another_process() {
    for room in Room::both() {
        let vault = room.vault().await;
        assert_eq!(vault.subject(&ACME, &ada()).await.unwrap(), None);
        let subject = vault.ensure_subject(&ACME, &ada()).await.unwrap();
        assert_eq!(vault.ensure_subject(&ACME, &ada()).await.unwrap(), subject);
        let other = room.vault().await;
        assert_eq!(other.subject(&ACME, &ada()).await.unwrap(), Some(subject));
        assert_eq!(other.person(&ACME, subject).await.unwrap(), ada());
        assert_ne!(other.ensure_subject(&OTHER, &ada()).await.unwrap(), subject);
        let events = room.store.events(&ACME).await;
        assert_eq!(events.iter().filter(|event| *event == "subject.created").count(), 1);
    }
}

#[tokio::test]
async fn asking_for_a_person_makes_no_keys_and_writes_nothing() {
    let room = Room::new();
    let vault = room.vault().await;
    assert_eq!(vault.subject(&ACME, &ada()).await.unwrap(), None);
    assert_eq!(room.store.calls().2, 0);
}

#[tokio::test]
async fn the_standing_of_a_new_subject_is_schema_one_and_an_empty_object() {
    let room = Room::new();
    let vault = room.vault().await;
    let subject = subject(&vault, &ACME).await;
    let view = vault.read(&ACME, Holder::Subject(subject), &[]).await.unwrap();
    let standing = view.standing().unwrap();
    assert_eq!((standing.schema(), standing.bytes()), (1, b"{}".as_slice()));
    let record = view.standing_record().unwrap();
    assert_eq!((record.subject, record.facet), (Some(subject), kind::SUBJECT_LIVE));
    assert_eq!(record.key.id, subject.id());
}

#[tokio::test]
async fn the_rows_say_nothing_of_the_person() {
    let room = Room::new();
    let vault = room.vault().await;
    let subject = subject(&vault, &ACME).await;
    let rows = room.store.find(&ACME, &Query::of_subject(subject)).await.unwrap().records;
    let mut kinds: Vec<_> = rows.iter().map(|row| row.key.kind.as_str()).collect();
    kinds.sort();
    assert_eq!(kinds, ["directory", "key.subject", "subject"]);
    for row in rows {
        let body = row.body.as_bytes();
        assert!(!body.windows(3).any(|window| window == b"ada"), "{}", row.key);
        let id = subject.id();
        assert!(!body.windows(16).any(|window| window == id.as_bytes()), "{}", row.key);
    }
}

#[tokio::test]
async fn an_entry_that_is_read_along_says_who_a_person_is_without_another_read() {
    for room in Room::both() {
        let subject = room.vault().await.ensure_subject(&ACME, &ada()).await.unwrap();
        let other = room.vault().await;
        let mut asked = Vec::new();
        for person in [ada(), HostId::Int(7)] {
            asked.push(other.directory_key(&ACME, &person).await.unwrap().unwrap());
        }
        let holder = Holder::Subject(subject);
        other.read(&ACME, holder, &asked).await.unwrap();
        room.store.calls();
        room.key_store().calls();
        let view = other.read(&ACME, holder, &asked).await.unwrap();
        let entry = view.record(0).unwrap();
        assert_eq!(other.subject_in(&ACME, entry).await.unwrap(), subject);
        assert!(view.record(1).is_none(), "nobody has that name");
        assert_eq!(room.store.calls(), (1, 0, 0));
        if room.keys.is_some() {
            assert_eq!(room.key_store().calls(), (0, 0, 0));
        }
        assert_eq!(other.directory_key(&OTHER, &ada()).await.unwrap(), None, "nobody is there");
    }
}

#[tokio::test]
async fn keys_of_a_tenant_that_aged_come_back_together_for_a_name() {
    for room in Room::both() {
        let vault = room.vault().await;
        let subject = vault.ensure_subject(&ACME, &ada()).await.unwrap();
        room.clock.advance(std::time::Duration::from_secs(61));
        room.store.calls();
        room.key_store().calls();
        assert_eq!(vault.subject(&ACME, &ada()).await.unwrap(), Some(subject));
        let together = if room.keys.is_some() { (1, 1) } else { (2, 0) };
        let asked = room.store.calls().0;
        let keys = room.keys.as_ref().map_or(0, |keys| keys.calls().0);
        assert_eq!((asked, keys), together, "both keys, and the entry");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn racing_callers_get_one_subject() {
    for room in Room::both() {
        // Each is a process of its own, with nothing cached.
        let mut vaults = Vec::new();
        for _ in 0..8 {
            vaults.push(room.vault().await);
        }
        let barrier = Arc::new(tokio::sync::Barrier::new(vaults.len()));
        let tasks: Vec<_> = vaults
            .into_iter()
            .map(|vault: Vault| {
                let barrier = barrier.clone();
                tokio::spawn(async move {
                    barrier.wait().await;
                    vault.ensure_subject(&ACME, &ada()).await.unwrap()
                })
            })
            .collect();
        let mut subjects = Vec::new();
        for task in tasks {
            subjects.push(task.await.unwrap());
        }
        subjects.dedup();
        assert_eq!(subjects.len(), 1);
        assert_eq!(room.store.all(&ACME, kind::SUBJECT).await.len(), 1);
        assert_eq!(room.store.all(&ACME, kind::DIRECTORY).await.len(), 1);
        // The tenant's own key and one subject key: no orphan of a lost race.
        assert_eq!(room.key_store().all(&ACME, kind::SUBJECT_KEY).await.len(), 2);
        assert_eq!(room.key_store().all(&ACME, kind::TENANT_KEY).await.len(), 1);
    }
}

#[tokio::test]
async fn key_02_a_directory_entry_that_points_elsewhere_is_refused() {
    let room = Room::new();
    let vault = room.vault().await;
    vault.ensure_subject(&ACME, &ada()).await.unwrap();
    vault.ensure_subject(&ACME, &HostId::Int(7)).await.unwrap();
    let [mut first, second] =
        <[_; 2]>::try_from(room.store.all(&ACME, kind::DIRECTORY).await).unwrap();
    first.body = second.body;
    first.version = second.version;
    first.subject = second.subject;
    room.store.tamper(&ACME, first).await;
    let found = [
        vault.subject(&ACME, &ada()).await.map(|_| ()),
        vault.subject(&ACME, &HostId::Int(7)).await.map(|_| ()),
    ];
    let refused = found.into_iter().filter_map(Result::err).map(|error| error.kind());
    assert_eq!(refused.collect::<Vec<_>>(), [ErrorKind::Unopenable]);
}

#[tokio::test]
async fn host_ids_of_every_form_come_back() {
    let room = Room::new();
    let vault = room.vault().await;
    let people =
        [HostId::Int(1), HostId::text("1"), HostId::Uuid([1; 16]), HostId::text(""), ada()];
    let mut subjects = Vec::new();
    for person in &people {
        let subject = vault.ensure_subject(&ACME, person).await.unwrap();
        assert!(!subjects.contains(&subject));
        assert_eq!(vault.person(&ACME, subject).await.unwrap(), *person);
        subjects.push(subject);
    }
}

#[tokio::test]
async fn an_owner_is_made_once_and_is_the_fence_of_what_nobody_owns() {
    let room = Room::new();
    let vault = room.vault().await;
    let before = vault.read(&ACME, Holder::Tenant, &[]).await.unwrap();
    assert_eq!(kind_of(before.fence()), ErrorKind::NotFound);
    assert_eq!(kind_of(before.standing()), ErrorKind::NotFound);
    vault.ensure_owner(&ACME).await.unwrap();
    let commits = room.store.calls().2;
    assert!(commits > 0);
    vault.ensure_owner(&ACME).await.unwrap();
    assert_eq!(room.store.calls().2, 0);
    let view = vault.read(&ACME, Holder::Tenant, &[]).await.unwrap();
    assert_eq!(view.standing().unwrap().bytes(), b"{}");
    assert!(view.fence().is_ok());
}

#[tokio::test]
async fn key_01_without_randomness_nobody_is_created_and_nothing_written() {
    for room in Room::both() {
        let vault = room.vault().await;
        room.random.broken.store(true, Ordering::SeqCst);
        for _ in 0..2 {
            let error = kind_of(vault.ensure_subject(&ACME, &ada()).await);
            assert_eq!(error, ErrorKind::RandomnessFailed);
            assert_eq!(kind_of(vault.ensure_owner(&ACME).await), ErrorKind::RandomnessFailed);
        }
        assert_eq!((room.store.calls().2, room.key_store().calls().2), (0, 0));
        // With keys there, but no randomness for new ones.
        room.random.broken.store(false, Ordering::SeqCst);
        subject(&vault, &ACME).await;
        room.store.calls();
        room.key_store().calls();
        room.random.broken.store(true, Ordering::SeqCst);
        let error = kind_of(vault.ensure_subject(&ACME, &HostId::Int(1)).await);
        assert_eq!(error, ErrorKind::RandomnessFailed);
        assert_eq!((room.store.calls().2, room.key_store().calls().2), (0, 0));
    }
}
