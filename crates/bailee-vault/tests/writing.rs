//! Drafts, replacing, keeping parts, the control row, commits.

#![allow(clippy::unwrap_used, reason = "tests")]

mod common;

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use bailee_core::{ErrorKind, Id, Plaintext, TenantId, Timestamp};
use bailee_store::{Committed, Expect, Facet, Key, Op, Query, Record, Sealed, Store, Version};
use bailee_vault::{Draft, Holder, kind};
use common::*;

#[tokio::test]
async fn a_record_carries_its_columns_and_replaces_its_version() {
    let room = Room::new();
    let vault = room.vault().await;
    let subject = subject(&vault, &ACME).await;
    let holder = Holder::Subject(subject);
    let until = room.clock_now().plus(Duration::from_secs(60));
    let first = draft(credential(1), holder, "a").facet(Facet(3)).expires(until);
    let op = vault.put(&ACME, first, None).await.unwrap();
    let Op::Put { record, expect, lookups } = op.clone() else { panic!("a put") };
    assert_eq!((expect, lookups), (Expect::Absent, None));
    assert_eq!(record.version, Version::first(room.clock_now()));
    assert_eq!((record.subject, record.facet), (Some(subject), Facet(3)));
    assert_eq!(record.expires, Some(until));
    write(&vault, &ACME, vec![op]).await.unwrap();

    let second = draft(credential(1), holder, "b").about(None);
    let hash = Id::from_bytes([9; 16]);
    let op = vault.put_with_lookups(&ACME, second, Some(&record), vec![hash]).await.unwrap();
    let Op::Put { record: next, expect, .. } = op.clone() else { panic!("a put") };
    assert_eq!(expect, Expect::Version(record.version));
    assert_eq!((next.version, next.subject), (record.version.next(), None));
    write(&vault, &ACME, vec![op]).await.unwrap();
    let found = room.store.find(&ACME, &Query::of_kind(CREDENTIAL).lookup(hash)).await.unwrap();
    assert_eq!(found.records, [next]);
}

#[tokio::test]
async fn kept_parts_keep_their_bytes_and_their_seq_over_many_versions() {
    let room = Room::new();
    let vault = room.vault().await;
    let holder = Holder::Subject(subject(&vault, &ACME).await);
    let first = write_credential(&room, &vault, &ACME, credential(1), holder, "a").await;
    let refresh = split(&first.body)[2].clone();
    let mut record = first;
    for n in 0..3 {
        let draft = Draft::new(credential(1), holder)
            .facts(1, "{}")
            .part("access", plaintext(&format!("fake-access-{n}")))
            .keep("refresh");
        let op = vault.put(&ACME, draft, Some(&record)).await.unwrap();
        write(&vault, &ACME, vec![op]).await.unwrap();
        record = room.store.record(&ACME, credential(1)).await.unwrap();
        assert_eq!(split(&record.body)[2], refresh);
        let view = vault.read(&ACME, holder, &[credential(1)]).await.unwrap();
        assert_eq!(text(&view.part(0, "refresh").unwrap()), "fake-refresh-a");
        assert_eq!(text(&view.part(0, "access").unwrap()), format!("fake-access-{n}"));
    }
}

#[tokio::test]
async fn a_view_seals_for_no_store_and_asks_none() {
    let room = Room::new();
    let vault = room.vault().await;
    let mine = subject(&vault, &ACME).await;
    let holder = Holder::Subject(mine);
    let view = vault.read(&ACME, holder, &[]).await.unwrap();
    room.store.calls();
    let record = view.seal(draft(credential(7), holder, "a")).unwrap();
    let others = view.seal(draft(credential(7), Holder::Tenant, "a"));
    assert_eq!(kind_of(others), ErrorKind::InvalidInput);
    assert_eq!(room.store.calls(), (0, 0, 0));

    // Another process opens it, at its place and nowhere else.
    let vault = room.vault().await;
    let opened = vault.open(&ACME, holder, &record).await.unwrap();
    assert_eq!(text(&opened.part("access").unwrap()), "fake-access-a");
    let moved = Record { key: credential(8), ..record.clone() };
    let opened = vault.open(&ACME, holder, &moved).await.unwrap();
    assert_eq!(kind_of(opened.part("access")), ErrorKind::Unopenable);

    // Its keys age as those in the cache do.
    room.clock.advance(Duration::from_secs(61));
    assert_eq!(kind_of(view.seal(draft(credential(7), holder, "a"))), ErrorKind::Conflict);
}

#[tokio::test]
async fn what_is_not_there_cannot_be_kept() {
    let room = Room::new();
    let vault = room.vault().await;
    let holder = Holder::Subject(subject(&vault, &ACME).await);
    let record = write_credential(&room, &vault, &ACME, credential(1), holder, "a").await;
    let keep = |name| Draft::new(credential(1), holder).facts(1, "{}").keep(name);
    let outcome = vault.put(&ACME, keep("candidate"), Some(&record)).await;
    assert_eq!(kind_of(outcome), ErrorKind::NotFound);
    let outcome = vault.put(&ACME, keep("refresh"), None).await;
    assert_eq!(kind_of(outcome), ErrorKind::InvalidInput);
}

#[tokio::test]
async fn drafts_that_cannot_be_are_refused() {
    let room = Room::new();
    let vault = room.vault().await;
    let record = {
        let holder = Holder::Subject(subject(&vault, &ACME).await);
        write_credential(&room, &vault, &ACME, credential(1), holder, "a").await
    };
    let new = || Draft::new(credential(2), Holder::Tenant).facts(1, "{}");
    for name in ["facts", "body", "", "ä"] {
        let outcome = vault.put(&ACME, new().part(name, plaintext("fake")), None).await;
        assert_eq!(kind_of(outcome), ErrorKind::InvalidInput, "{name}");
    }
    let twice = new().part("access", plaintext("fake")).part("access", plaintext("fake"));
    assert_eq!(kind_of(vault.put(&ACME, twice, None).await), ErrorKind::InvalidInput);
    let outcome = vault.put(&ACME, new(), Some(&record)).await;
    assert_eq!(kind_of(outcome), ErrorKind::InvalidInput);
    let large = new().part("access", Plaintext::copy_from(&[7; 65537]));
    assert_eq!(kind_of(vault.put(&ACME, large, None).await), ErrorKind::TooLarge);
}

#[tokio::test]
async fn a_newer_schema_is_read_and_not_written_over() {
    let room = Room::new();
    let vault = room.vault().await;
    let holder = Holder::Subject(subject(&vault, &ACME).await);
    let newer = Draft::new(credential(1), holder).facts(2, "{}");
    let op = vault.put(&ACME, newer, None).await.unwrap();
    write(&vault, &ACME, vec![op]).await.unwrap();
    let record = room.store.record(&ACME, credential(1)).await.unwrap();
    let older = || Draft::new(credential(1), holder).facts(1, "{}");
    let outcome = vault.put(&ACME, older(), Some(&record)).await;
    assert_eq!(kind_of(outcome), ErrorKind::UnknownSchema);
    let same = Draft::new(credential(1), holder).facts(2, "{}");
    assert!(vault.put(&ACME, same, Some(&record)).await.is_ok());
}

#[tokio::test]
async fn a_body_of_another_format_or_suite_is_an_error_of_its_own() {
    let room = Room::new();
    let vault = room.vault().await;
    let holder = Holder::Subject(subject(&vault, &ACME).await);
    let record = write_credential(&room, &vault, &ACME, credential(1), holder, "a").await;
    let mut parts = split(&record.body);
    parts[0].1[1] = 2;
    for body in [join(&parts), Sealed::new([vec![3], vec![0; 200]].concat())] {
        let record = Record { body, ..record.clone() };
        let opened = vault.open(&ACME, holder, &record).await.unwrap();
        assert_eq!(kind_of(opened.facts()), ErrorKind::UnknownSchema);
        let draft = Draft::new(credential(1), holder).facts(9, "{}").keep("refresh");
        let outcome = vault.put(&ACME, draft, Some(&record)).await;
        assert!(outcome.is_err());
    }
}

#[tokio::test]
async fn json_facts_lie_in_a_buffer_of_their_size_and_come_back() {
    #[derive(Debug, PartialEq, serde::Serialize, serde::Deserialize)]
    struct Shown {
        name: String,
    }
    let room = Room::new();
    let vault = room.vault().await;
    let shown = Shown { name: "A\u{e4}\n\"x\"".into() };
    let draft = Draft::new(credential(1), Holder::Tenant).json(7, &shown).unwrap();
    let told = format!("{draft:?}");
    assert!(!told.contains("name") && !told.contains('\u{e4}'), "{told}");
    let op = vault.put(&ACME, draft, None).await.unwrap();
    write(&vault, &ACME, vec![op]).await.unwrap();
    let view = vault.read(&ACME, Holder::Tenant, &[credential(1)]).await.unwrap();
    let facts = view.facts(0).unwrap().unwrap();
    assert_eq!(facts.json::<Shown>().unwrap(), shown);
    assert_eq!(facts.schema(), 7);
}

#[tokio::test]
async fn a_commit_whose_outcome_is_open_is_tried_again_under_its_id() {
    let room = Room::new();
    let vault = room.vault().await;
    vault.ensure_owner(&ACME).await.unwrap();
    let put = |n| vault.put(&ACME, Draft::new(credential(n), Holder::Tenant), None);
    let op = put(1).await.unwrap();
    room.store.calls();
    room.store.ambiguous.store(3, Ordering::SeqCst);
    assert_eq!(write(&vault, &ACME, vec![op]).await.unwrap(), Committed::AlreadyApplied);
    assert_eq!(room.store.calls().2, 4);
    let op = put(2).await.unwrap();
    room.store.ambiguous.store(9, Ordering::SeqCst);
    let outcome = write(&vault, &ACME, vec![op]).await;
    assert_eq!(kind_of(outcome), ErrorKind::Ambiguous);
    assert_eq!(room.store.calls().2, 4);
}

#[tokio::test]
async fn a_seal_that_races_with_an_erasure_does_not_commit() {
    for room in Room::both() {
        let vault = room.vault().await;
        let subject = subject(&vault, &ACME).await;
        let holder = Holder::Subject(subject);
        let view = vault.read(&ACME, holder, &[]).await.unwrap();
        let op = vault.put(&ACME, draft(credential(1), holder, "a"), None).await.unwrap();

        // Another process erases the subject between the seal and the commit.
        let other = room.vault().await;
        let seen = other.read(&ACME, holder, &[]).await.unwrap();
        mark_erased(&other, &ACME, seen.standing_record().unwrap()).await;
        destroy_key(&other, &ACME, holder).await;

        let outcome = write(&vault, &ACME, vec![view.fence().unwrap(), op]).await;
        assert_eq!(kind_of(outcome), ErrorKind::Conflict);
        assert!(room.store.record(&ACME, credential(1)).await.is_none());
    }
}

#[tokio::test]
async fn the_control_row_is_sealed_for_its_version_and_opened_by_every_process() {
    let room = Room::new();
    let vault = room.vault().await;
    let view = vault.read(&ACME, Holder::Tenant, &[]).await.unwrap();
    assert!(vault.open_control(view.control()).await.unwrap().is_none());
    let op = vault.seal_control(2, b"{\"epoch\":1}", view.control()).await.unwrap();
    write(&vault, &TenantId::SYSTEM, vec![op]).await.unwrap();

    let other = room.vault().await;
    let view = other.read(&ACME, Holder::Tenant, &[]).await.unwrap();
    let control = view.control().clone();
    let facts = other.open_control(&control).await.unwrap().unwrap();
    assert_eq!((facts.schema(), facts.bytes()), (2, b"{\"epoch\":1}".as_slice()));

    let mut moved = control.clone();
    moved.version = moved.version.next();
    assert_eq!(kind_of(other.open_control(&moved).await), ErrorKind::Unopenable);
    let older = other.seal_control(1, b"{}", &control).await;
    assert_eq!(kind_of(older), ErrorKind::UnknownSchema);
    let next = other.seal_control(2, b"{\"epoch\":2}", &control).await.unwrap();
    write(&other, &TenantId::SYSTEM, vec![next.clone()]).await.unwrap();
    // The row that it replaces is gone.
    assert_eq!(kind_of(write(&other, &TenantId::SYSTEM, vec![next]).await), ErrorKind::Conflict);
    // Only in the system's tenant.
    let view = other.read(&ACME, Holder::Tenant, &[]).await.unwrap();
    let op = other.seal_control(2, b"{}", view.control()).await.unwrap();
    assert_eq!(kind_of(write(&other, &ACME, vec![op]).await), ErrorKind::InvalidInput);
}

#[tokio::test]
async fn key_01_without_randomness_nothing_is_sealed() {
    let room = Room::new();
    let vault = room.vault().await;
    let holder = Holder::Subject(subject(&vault, &ACME).await);
    room.random.broken.store(true, Ordering::SeqCst);
    let outcome = vault.put(&ACME, draft(credential(1), holder, "a"), None).await;
    assert_eq!(kind_of(outcome), ErrorKind::RandomnessFailed);
    assert!(vault.batch().is_err());
}

#[tokio::test]
async fn one_missing_record_leaves_the_others_readable() {
    let room = Room::new();
    let vault = room.vault().await;
    let holder = Holder::Subject(subject(&vault, &ACME).await);
    write_credential(&room, &vault, &ACME, credential(2), holder, "b").await;
    let keys = [credential(1), credential(2)];
    let view = vault.read(&ACME, holder, &keys).await.unwrap();
    assert!(view.record(0).is_none() && view.facts(0).unwrap().is_none());
    assert_eq!(kind_of(view.part(0, "access")), ErrorKind::NotFound);
    assert_eq!(text(&view.part(1, "access").unwrap()), "fake-access-b");
    assert_eq!(kind_of(view.part(1, "candidate")), ErrorKind::NotFound);
    assert_eq!(view.now(), room.clock_now());
    assert!(view.record(2).is_none());
    // A standing asked for by its key is opened with the standing's keys.
    let owner = Key::new(kind::OWNER, Id::ZERO);
    vault.ensure_owner(&ACME).await.unwrap();
    let view = vault.read(&ACME, Holder::Tenant, &[owner]).await.unwrap();
    assert!(view.facts(0).unwrap().is_some());
}

#[tokio::test]
async fn sec_01_views_and_what_they_give_show_no_content() {
    let room = Room::new();
    let vault = room.vault().await;
    let holder = Holder::Subject(subject(&vault, &ACME).await);
    let record = write_credential(&room, &vault, &ACME, credential(1), holder, "a").await;
    let view = vault.read(&ACME, holder, &[credential(1)]).await.unwrap();
    let opened = vault.open(&ACME, holder, &record).await.unwrap();
    let shown = format!(
        "{view:?} {opened:?} {:?} {:?} {vault:?}",
        view.facts(0).unwrap(),
        view.part(0, "access").unwrap(),
    );
    assert!(!shown.contains("fake") && !shown.contains("\"n\""), "{shown}");
    assert!(!shown.contains(&room.root));
}

trait Now {
    fn clock_now(&self) -> Timestamp;
}

impl Now for Room {
    fn clock_now(&self) -> Timestamp {
        bailee_core::Clock::now(&Arc::new(self.clock.clone()))
    }
}
