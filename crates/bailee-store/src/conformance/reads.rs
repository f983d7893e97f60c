//! `read`: many keys, one moment.

use std::sync::Arc;

use bailee_core::{ErrorKind, TenantId};

use super::{
    Harness,
    desk::{ACME, Desk, MINUTE, NOTE, OTHER, assert_kind, key, next, subject},
};
use crate::{Control, Expect, Facet, Key, MAX_BODY, MAX_KEYS, Op, Record, Sealed, Version};

/// A record comes back as it was written, in every column.
pub async fn a_record_is_read_as_it_was_written(harness: &dyn Harness) {
    let desk = Desk::new(harness).await;
    let record = Record {
        key: key(NOTE, 1),
        subject: Some(subject(1)),
        facet: Facet(-7),
        expires: Some(desk.now().plus(MINUTE)),
        version: Version::first(desk.now()),
        body: Sealed::new((0..=255).collect()),
    };
    desk.put(&ACME, record.clone()).await;
    assert_eq!(desk.get(&ACME, &record.key).await, Some(record));
}

/// Answers come in the order of the keys, `None` for an absent one, each key as often as asked.
pub async fn answers_come_in_the_order_of_the_keys(harness: &dyn Harness) {
    let desk = Desk::new(harness).await;
    for number in [1, 2, 3] {
        desk.put(&ACME, desk.note(&key(NOTE, number))).await;
    }
    desk.put(&ACME, desk.note(&key(OTHER, 2))).await;
    let asked = [
        key(NOTE, 3),
        key(OTHER, 1),
        key(NOTE, 1),
        key(OTHER, 2),
        key(NOTE, 3),
        key(NOTE, 9),
        key(NOTE, 2),
    ];
    let there = [true, false, true, true, true, false, true];
    let snapshot = desk.store.read(&ACME, &asked).await.unwrap();
    assert_eq!(snapshot.records.len(), asked.len());
    for ((key, there), answer) in asked.iter().zip(there).zip(snapshot.records) {
        assert_eq!(answer.map(|record| record.key), there.then(|| key.clone()));
    }
}

/// A read may ask for no key: it answers the control row and the time.
pub async fn a_read_of_no_key_answers_the_time_and_the_control_row(harness: &dyn Harness) {
    let desk = Desk::new(harness).await;
    let snapshot = desk.store.read(&ACME, &[]).await.unwrap();
    assert!(snapshot.records.is_empty());
    assert_eq!(snapshot.now, desk.now());
    assert_eq!(snapshot.control.version, Version(0));
}

/// The time of a snapshot is that of the store's clock.
pub async fn a_snapshot_has_the_time_of_the_stores_clock(harness: &dyn Harness) {
    let desk = Desk::new(harness).await;
    let before = desk.store.read(&ACME, &[]).await.unwrap().now;
    desk.advance(MINUTE);
    let after = desk.store.read(&ACME, &[]).await.unwrap().now;
    assert_eq!(after.since(before), MINUTE);
}

/// A record is absent from the moment of its expiry on, and not before.
pub async fn an_expired_record_is_absent(harness: &dyn Harness) {
    let desk = Desk::new(harness).await;
    let record = Record { expires: Some(desk.now().plus(MINUTE)), ..desk.note(&key(NOTE, 1)) };
    desk.put(&ACME, record.clone()).await;
    desk.advance(MINUTE - std::time::Duration::from_micros(1));
    assert!(desk.get(&ACME, &record.key).await.is_some());
    desk.advance(std::time::Duration::from_micros(1));
    assert!(desk.get(&ACME, &record.key).await.is_none());
}

/// A thousand keys are one read.
pub async fn a_thousand_keys_are_one_read(harness: &dyn Harness) {
    let desk = Desk::new(harness).await;
    let keys: Vec<Key> = (0..MAX_KEYS as u64).map(|number| key(NOTE, number)).collect();
    let notes = keys.iter().step_by(2).map(|key| desk.note(key));
    let puts = notes.map(|record| Op::Put { record, expect: Expect::Absent, lookups: None });
    desk.applied(&ACME, desk.batch().ops(puts)).await;
    let snapshot = desk.store.read(&ACME, &keys).await.unwrap();
    assert_eq!(snapshot.records.len(), MAX_KEYS);
    for (number, (key, answer)) in keys.iter().zip(snapshot.records).enumerate() {
        assert_eq!(answer, (number % 2 == 0).then(|| desk.note(key)));
    }
}

/// More than a thousand keys are refused.
pub async fn more_than_a_thousand_keys_are_refused(harness: &dyn Harness) {
    let desk = Desk::new(harness).await;
    let keys: Vec<Key> = (0..=MAX_KEYS as u64).map(|number| key(NOTE, number)).collect();
    assert_kind(desk.store.read(&ACME, &keys).await, ErrorKind::InvalidInput);
}

/// A body of the largest size, and one of none, come back whole.
pub async fn bodies_at_the_limit_come_back_whole(harness: &dyn Harness) {
    let desk = Desk::new(harness).await;
    let large: Vec<u8> = (0..MAX_BODY).map(|at| (at * 31 % 251) as u8).collect();
    for (number, body) in [(1, large), (2, Vec::new())] {
        let record = Record { body: Sealed::new(body), ..desk.note(&key(NOTE, number)) };
        desk.put(&ACME, record.clone()).await;
        assert_eq!(desk.get(&ACME, &record.key).await, Some(record));
    }
}

/// The control row is version 0 and empty at first, and every tenant reads the same one.
pub async fn the_control_row_is_seen_by_every_read(harness: &dyn Harness) {
    let desk = Desk::new(harness).await;
    let first = desk.store.read(&ACME, &[]).await.unwrap().control;
    assert_eq!(first, Control { version: Version(0), body: Sealed::new(Vec::new()) });
    let body = Sealed::new(b"frozen".to_vec());
    let write = Op::Control { body: body.clone(), expect: Version(0) };
    desk.applied(&TenantId::SYSTEM, desk.batch().op(write)).await;
    for tenant in [ACME, TenantId::SYSTEM] {
        let control = desk.store.read(&tenant, &[key(NOTE, 1)]).await.unwrap().control;
        assert_eq!(control, Control { version: Version(1), body: body.clone() });
    }
}

/// What a commit acknowledged is read at once, by every handle on the same data.
pub async fn a_read_sees_the_latest_acknowledged_commit(harness: &dyn Harness) {
    let desk = Desk::new(harness).await;
    let other = harness.reopen(Arc::clone(&desk.store)).await;
    let mut record = desk.note(&key(NOTE, 1));
    desk.put(&ACME, record.clone()).await;
    for round in 0..50_u32 {
        let (written, expect) = next(&record, &round.to_be_bytes());
        desk.applied(&ACME, desk.batch().put(written.clone(), expect)).await;
        for store in [&desk.store, &other] {
            let seen = store.read(&ACME, &[key(NOTE, 1)]).await.unwrap();
            assert_eq!(seen.records, [Some(written.clone())]);
        }
        record = written;
    }
}

/// What was acknowledged is there when the store is opened again.
pub async fn what_was_acknowledged_is_there_when_opened_again(harness: &dyn Harness) {
    let mut desk = Desk::new(harness).await;
    let record = desk.note(&key(NOTE, 1));
    let write = Op::Control { body: Sealed::new(vec![1]), expect: Version(0) };
    desk.put_under(&ACME, record.clone(), &[super::desk::id(5)]).await;
    desk.schedule(&ACME, &record.key, crate::Due::At(desk.now())).await;
    desk.applied(&TenantId::SYSTEM, desk.batch().op(write)).await;
    desk.store = harness.reopen(desk.store).await;
    assert_eq!(desk.get(&ACME, &record.key).await, Some(record.clone()));
    let query = crate::Query::of_kind(NOTE).lookup(super::desk::id(5));
    assert_eq!(desk.found(&ACME, &query).await, std::slice::from_ref(&record.key));
    assert_eq!(desk.claim_due(&[NOTE], 10).await.len(), 1);
    assert_eq!(desk.entries(&ACME).await, 2);
    let snapshot = desk.store.read(&ACME, &[]).await.unwrap();
    assert_eq!(snapshot.control.version, Version(1));
}
