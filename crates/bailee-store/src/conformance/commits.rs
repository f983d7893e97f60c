//! `commit`: preconditions, versions, all or nothing, once.

use bailee_core::{ErrorKind, Id, TenantId, audit::Entry};

use super::{
    Harness,
    desk::{
        ACME, Desk, GLOBEX, MINUTE, NOTE, OTHER, REFRESH, assert_conflict, assert_kind, id, key,
        new_batch, next,
    },
};
use crate::{
    Batch, Committed, Control, Due, Expect, Facet, Fence, Key, MAX_BODY, Op, Query, Record, Sealed,
    Version,
};

/// A put that expects `Absent` writes where there is nothing, with the version that it carries.
pub async fn a_put_of_an_absent_record_gives_it_the_version_that_it_carries(harness: &dyn Harness) {
    let desk = Desk::new(harness).await;
    let record = Record { version: Version(77), ..desk.note(&key(NOTE, 1)) };
    desk.put(&ACME, record).await;
    assert_eq!(desk.get(&ACME, &key(NOTE, 1)).await.unwrap().version, Version(77));
}

/// A put that expects `Absent` is refused where there is a record.
pub async fn a_put_that_expects_absent_is_refused_where_there_is_a_record(harness: &dyn Harness) {
    let desk = Desk::new(harness).await;
    let record = desk.note(&key(NOTE, 1));
    desk.put(&ACME, record.clone()).await;
    let other = Record { body: Sealed::new(vec![9]), ..record.clone() };
    desk.conflicts(&ACME, desk.batch().put(other, Expect::Absent), &record.key).await;
    assert_eq!(desk.get(&ACME, &record.key).await, Some(record));
}

/// A put over a version replaces every column and counts one on.
pub async fn a_put_over_its_version_replaces_the_record(harness: &dyn Harness) {
    let desk = Desk::new(harness).await;
    let record = desk.note(&key(NOTE, 1));
    desk.put(&ACME, record.clone()).await;
    let written = Record {
        subject: Some(super::desk::subject(1)),
        facet: Facet(3),
        expires: Some(desk.now().plus(MINUTE)),
        version: record.version.next(),
        body: Sealed::new(b"another".to_vec()),
        key: record.key.clone(),
    };
    let expect = Expect::Version(record.version);
    desk.applied(&ACME, desk.batch().put(written.clone(), expect)).await;
    assert_eq!(desk.get(&ACME, &record.key).await, Some(written));
}

/// A put over another version, older or newer, or over nothing is refused.
pub async fn a_put_over_another_version_is_refused(harness: &dyn Harness) {
    let desk = Desk::new(harness).await;
    let first = desk.note(&key(NOTE, 1));
    desk.put(&ACME, first.clone()).await;
    let (second, expect) = next(&first, b"second");
    desk.applied(&ACME, desk.batch().put(second.clone(), expect)).await;
    let newer = Record { version: second.version.next(), ..second.clone() };
    for stale in [&first, &newer, &desk.note(&key(NOTE, 2))] {
        let (written, expect) = next(stale, b"stale");
        desk.conflicts(&ACME, desk.batch().put(written, expect), &stale.key).await;
    }
    assert_eq!(desk.get(&ACME, &first.key).await, Some(second));
    assert_eq!(desk.get(&ACME, &key(NOTE, 2)).await, None);
}

/// A delete happens where the record is present, or has the version that it expects.
pub async fn a_delete_removes_what_is_as_it_expects(harness: &dyn Harness) {
    let desk = Desk::new(harness).await;
    for (number, present) in [(1, true), (2, false)] {
        let record = desk.note(&key(NOTE, number));
        let version = desk.put(&ACME, record.clone()).await;
        let expect = if present { Expect::Present } else { Expect::Version(version) };
        desk.applied(&ACME, desk.batch().delete(record.key.clone(), expect)).await;
        assert_eq!(desk.get(&ACME, &record.key).await, None);
    }
}

/// A delete of nothing, or of another version, is refused.
pub async fn a_delete_of_what_is_not_as_it_expects_is_refused(harness: &dyn Harness) {
    let desk = Desk::new(harness).await;
    let record = desk.note(&key(NOTE, 1));
    let version = desk.put(&ACME, record.clone()).await;
    let refused = [
        (key(NOTE, 1), Expect::Version(version.next())),
        (key(NOTE, 1), Expect::Version(Version(0))),
        (key(NOTE, 2), Expect::Present),
        (key(NOTE, 2), Expect::Version(version)),
    ];
    for (key, expect) in refused {
        desk.conflicts(&ACME, desk.batch().delete(key.clone(), expect), &key).await;
    }
    assert_eq!(desk.get(&ACME, &record.key).await, Some(record));
}

/// A check lets a batch happen only when what it expects is so, and changes nothing itself.
pub async fn a_check_holds_a_batch_to_what_it_expects(harness: &dyn Harness) {
    let desk = Desk::new(harness).await;
    let there = desk.note(&key(NOTE, 1));
    let version = desk.put(&ACME, there.clone()).await;
    let absent = key(NOTE, 2);
    let cases = [
        (&there.key, Expect::Present, true),
        (&there.key, Expect::Version(version), true),
        (&there.key, Expect::Version(version.next()), false),
        (&there.key, Expect::Absent, false),
        (&absent, Expect::Absent, true),
        (&absent, Expect::Present, false),
        (&absent, Expect::Version(version), false),
    ];
    for (number, (checked, expect, so)) in (0..).zip(cases) {
        let put = desk.note(&key(OTHER, number));
        let batch = desk.batch().put(put.clone(), Expect::Absent).check(checked.clone(), expect);
        if so {
            desk.applied(&ACME, batch).await;
        } else {
            desk.conflicts(&ACME, batch, checked).await;
        }
        assert_eq!(desk.get(&ACME, &put.key).await.is_some(), so, "{expect:?} of {checked}");
    }
    assert_eq!(desk.get(&ACME, &there.key).await, Some(there));
    assert_eq!(desk.get(&ACME, &absent).await, None);
}

/// To every precondition an expired record is none.
pub async fn an_expired_record_is_absent_to_every_precondition(harness: &dyn Harness) {
    let desk = Desk::new(harness).await;
    let record = Record { expires: Some(desk.now().plus(MINUTE)), ..desk.note(&key(NOTE, 1)) };
    let version = desk.put(&ACME, record.clone()).await;
    desk.advance(MINUTE);
    let (over, _) = next(&record, b"late");
    let at = &record.key;
    for expect in [Expect::Present, Expect::Version(version)] {
        desk.conflicts(&ACME, desk.batch().delete(at.clone(), expect), at).await;
        desk.conflicts(&ACME, desk.batch().check(at.clone(), expect), at).await;
    }
    desk.conflicts(&ACME, desk.batch().put(over, Expect::Version(version)), at).await;
    desk.applied(&ACME, desk.batch().check(at.clone(), Expect::Absent)).await;
}

/// A put over an expired record is one over none, and inherits nothing from it.
pub async fn a_put_over_an_expired_record_is_one_over_none(harness: &dyn Harness) {
    let desk = Desk::new(harness).await;
    let old = Record {
        expires: Some(desk.now().plus(MINUTE)),
        subject: Some(super::desk::subject(1)),
        ..desk.note(&key(NOTE, 1))
    };
    desk.put_under(&ACME, old.clone(), &[id(50)]).await;
    desk.advance(MINUTE);
    let new = desk.note(&old.key);
    assert!(new.version > old.version);
    desk.put(&ACME, new.clone()).await;
    assert_eq!(desk.get(&ACME, &old.key).await, Some(new));
    assert!(desk.found(&ACME, &Query::of_kind(NOTE).lookup(id(50))).await.is_empty());
    assert!(desk.found(&ACME, &Query::of_subject(super::desk::subject(1))).await.is_empty());
}

/// A record created anew does not match who held the old one.
pub async fn a_record_created_anew_never_matches_a_stale_holder(harness: &dyn Harness) {
    let desk = Desk::new(harness).await;
    let old = desk.note(&key(NOTE, 1));
    let version = desk.put(&ACME, old.clone()).await;
    desk.applied(&ACME, desk.batch().delete(old.key.clone(), Expect::Present)).await;
    desk.advance(MINUTE);
    desk.put(&ACME, desk.note(&old.key)).await;
    let (stale, expect) = next(&old, b"stale");
    desk.conflicts(&ACME, desk.batch().put(stale, expect), &old.key).await;
    let delete = desk.batch().delete(old.key.clone(), Expect::Version(version));
    desk.conflicts(&ACME, delete, &old.key).await;
}

/// Whichever operation of a batch fails, nothing of it happens, its audit entries included.
pub async fn a_batch_that_fails_leaves_nothing(harness: &dyn Harness) {
    let desk = Desk::new(harness).await;
    let kept = desk.note(&key(NOTE, 1));
    let doomed = desk.note(&key(NOTE, 2));
    let task = key(REFRESH, 1);
    for record in [&kept, &doomed] {
        desk.put_under(&TenantId::SYSTEM, record.clone(), &[id(50)]).await;
    }
    let entries = desk.entries(&TenantId::SYSTEM).await;
    let absent = key(OTHER, 9);
    let stale = Record { version: Version(2), ..desk.note(&absent) };
    let failing = [
        (Op::Check { key: absent.clone(), expect: Expect::Present }, absent.clone()),
        (Op::Delete { key: absent.clone(), expect: Expect::Present }, absent.clone()),
        (
            Op::Put { record: stale, expect: Expect::Version(Version(1)), lookups: None },
            absent.clone(),
        ),
        (Op::Finish { task: key(REFRESH, 9), fence: Fence(1), due: Due::Never }, key(REFRESH, 9)),
        (Op::Control { body: Sealed::new(vec![1]), expect: Version(9) }, Control::KEY),
    ];
    let (written, expect) = next(&kept, b"never");
    let good = [
        Op::Put { record: written, expect, lookups: Some(vec![id(51)]) },
        Op::Delete { key: doomed.key.clone(), expect: Expect::Present },
        Op::Put {
            record: desk.note(&key(NOTE, 3)),
            expect: Expect::Absent,
            lookups: Some(vec![id(52)]),
        },
        Op::Schedule { task: task.clone(), subject: None, due: Due::At(desk.now()) },
    ];
    for (bad, named) in failing {
        for first in [true, false] {
            let mut ops = good.to_vec();
            ops.insert(if first { 0 } else { ops.len() }, bad.clone());
            desk.conflicts(&TenantId::SYSTEM, desk.batch().ops(ops), &named).await;
            let all = desk.found(&TenantId::SYSTEM, &Query::of_kind(NOTE)).await;
            assert_eq!(all, [kept.key.clone(), doomed.key.clone()]);
            assert_eq!(desk.get(&TenantId::SYSTEM, &kept.key).await.as_ref(), Some(&kept));
            let under = Query::of_kind(NOTE).lookup(id(50));
            assert_eq!(desk.found(&TenantId::SYSTEM, &under).await.len(), 2);
            for hash in [id(51), id(52)] {
                let under = Query::of_kind(NOTE).lookup(hash);
                assert!(desk.found(&TenantId::SYSTEM, &under).await.is_empty());
            }
            assert_eq!(desk.claim(&TenantId::SYSTEM, &task).await, None);
            assert_eq!(desk.entries(&TenantId::SYSTEM).await, entries);
            let control = desk.store.read(&ACME, &[]).await.unwrap().control;
            assert_eq!(control.version, Version(0));
        }
    }
}

/// A batch that was refused may be sent again under its id, and happens then.
pub async fn a_refused_batch_may_be_sent_again(harness: &dyn Harness) {
    let desk = Desk::new(harness).await;
    let needed = key(OTHER, 1);
    let batch = desk
        .batch()
        .check(needed.clone(), Expect::Present)
        .put(desk.note(&key(NOTE, 1)), Expect::Absent)
        .build()
        .unwrap();
    assert_conflict(desk.store.commit(&ACME, &batch).await, &needed);
    desk.put(&ACME, desk.note(&needed)).await;
    assert_eq!(desk.store.commit(&ACME, &batch).await.unwrap(), Committed::Applied);
}

/// A batch sent again under its id is acknowledged and changes nothing, whatever it holds now.
pub async fn aud_01_a_batch_sent_again_changes_nothing(harness: &dyn Harness) {
    let desk = Desk::new(harness).await;
    let first = desk.note(&key(NOTE, 1));
    let batch = desk.batch().put(first.clone(), Expect::Absent).build().unwrap();
    assert_eq!(desk.store.commit(&ACME, &batch).await.unwrap(), Committed::Applied);
    let entries = desk.entries(&ACME).await;
    let other = Batch::builder(batch.id())
        .put(desk.note(&key(NOTE, 2)), Expect::Absent)
        .delete(first.key.clone(), Expect::Present)
        .check(key(NOTE, 3), Expect::Present)
        .schedule(key(REFRESH, 1), None, Due::At(desk.now()))
        .audit(Entry::new("suite.other", desk.now()))
        .audit(Entry::new("suite.other", desk.now()))
        .build()
        .unwrap();
    for batch in [&batch, &other] {
        let again = desk.store.commit(&ACME, batch).await.unwrap();
        assert_eq!(again, Committed::AlreadyApplied);
    }
    assert_eq!(desk.found(&ACME, &Query::of_kind(NOTE)).await, [first.key]);
    assert_eq!(desk.entries(&ACME).await, entries);
    assert_eq!(desk.claim(&ACME, &key(REFRESH, 1)).await, None);
}

/// The same id in another tenant is another batch.
pub async fn the_same_batch_id_in_another_tenant_is_another_batch(harness: &dyn Harness) {
    let desk = Desk::new(harness).await;
    let batch = desk.batch().put(desk.note(&key(NOTE, 1)), Expect::Absent).build().unwrap();
    for tenant in [ACME, GLOBEX] {
        assert_eq!(desk.store.commit(&tenant, &batch).await.unwrap(), Committed::Applied);
        assert!(desk.get(&tenant, &key(NOTE, 1)).await.is_some());
    }
}

/// A commit's audit entries are in the log with it, in their order.
pub async fn aud_01_a_commit_and_its_entries_come_together(harness: &dyn Harness) {
    let desk = Desk::new(harness).await;
    let batch = Batch::builder(new_batch())
        .put(desk.note(&key(NOTE, 1)), Expect::Absent)
        .audit(Entry::new("suite.first", desk.now()))
        .audit(Entry::new("suite.second", desk.now()).with("count", 2_i64))
        .build()
        .unwrap();
    desk.store.commit(&ACME, &batch).await.unwrap();
    let logged = desk.store.entries(&ACME, crate::Window::default()).await.unwrap();
    let entries: Vec<Entry> = logged.iter().map(|logged| logged.entry.clone()).collect();
    assert_eq!(entries, batch.audit());
    assert!(logged.iter().all(|logged| logged.batch == batch.id() && logged.tenant == ACME));
    assert_eq!(logged.iter().map(|logged| logged.n).collect::<Vec<_>>(), [0, 1]);
}

/// A batch without operations commits its audit entries, once.
pub async fn a_batch_of_entries_alone_is_committed_once(harness: &dyn Harness) {
    let desk = Desk::new(harness).await;
    let batch = desk.batch().build().unwrap();
    for committed in [Committed::Applied, Committed::AlreadyApplied] {
        assert_eq!(desk.store.commit(&ACME, &batch).await.unwrap(), committed);
        assert_eq!(desk.entries(&ACME).await, 1);
    }
}

/// The control row is written only from the system's tenant.
pub async fn the_control_row_is_written_only_from_the_systems_tenant(harness: &dyn Harness) {
    let desk = Desk::new(harness).await;
    let write = || Op::Control { body: Sealed::new(vec![1]), expect: Version(0) };
    let refused = desk.commit(&ACME, desk.batch().op(write())).await;
    assert_kind(refused, ErrorKind::InvalidInput);
    assert_eq!(desk.store.read(&ACME, &[]).await.unwrap().control.version, Version(0));
    assert_eq!(desk.entries(&ACME).await, 0);
    desk.applied(&TenantId::SYSTEM, desk.batch().op(write())).await;
    assert_eq!(desk.store.read(&ACME, &[]).await.unwrap().control.version, Version(1));
}

/// The control row is written over its version alone.
pub async fn the_control_row_is_written_over_its_version_alone(harness: &dyn Harness) {
    let desk = Desk::new(harness).await;
    let write =
        |byte, version| Op::Control { body: Sealed::new(vec![byte]), expect: Version(version) };
    desk.applied(&TenantId::SYSTEM, desk.batch().op(write(1, 0))).await;
    for stale in [0, 2] {
        let batch = desk.batch().op(write(9, stale));
        desk.conflicts(&TenantId::SYSTEM, batch, &Control::KEY).await;
    }
    desk.applied(&TenantId::SYSTEM, desk.batch().op(write(2, 1))).await;
    let control = desk.store.read(&ACME, &[]).await.unwrap().control;
    assert_eq!(control, Control { version: Version(2), body: Sealed::new(vec![2]) });
}

/// A body over the limit never reaches a store.
pub async fn a_body_over_the_limit_is_refused(harness: &dyn Harness) {
    let desk = Desk::new(harness).await;
    let large = || Sealed::new(vec![1; MAX_BODY + 1]);
    let record = Record { body: large(), ..desk.note(&key(NOTE, 1)) };
    assert_kind(desk.batch().put(record, Expect::Absent).build(), ErrorKind::TooLarge);
    let control = Op::Control { body: large(), expect: Version(0) };
    assert_kind(desk.batch().op(control).build(), ErrorKind::TooLarge);
}

/// A batch of a thousand operations is one change.
pub async fn a_batch_of_a_thousand_operations_is_one_change(harness: &dyn Harness) {
    let desk = Desk::new(harness).await;
    let keys: Vec<Key> = (0..crate::MAX_OPS as u64).map(|number| key(NOTE, number)).collect();
    let puts = |keys: &[Key]| -> Vec<Op> {
        let notes = keys.iter().map(|key| desk.note(key));
        notes.map(|record| Op::Put { record, expect: Expect::Absent, lookups: None }).collect()
    };
    desk.put(&ACME, desk.note(&keys[999])).await;
    desk.conflicts(&ACME, desk.batch().ops(puts(&keys)), &keys[999]).await;
    assert_eq!(desk.found(&ACME, &Query::of_kind(NOTE)).await, [keys[999].clone()]);
    desk.applied(&ACME, desk.batch().delete(keys[999].clone(), Expect::Present)).await;
    desk.applied(&ACME, desk.batch().ops(puts(&keys))).await;
    let page = desk.store.find(&ACME, &Query::of_kind(NOTE).limit(1000)).await.unwrap();
    assert_eq!(page.records.len(), 1000);
}

/// Ids of every byte pattern are told apart, and kinds that begin alike too.
pub async fn sto_08_lookalike_keys_are_told_apart(harness: &dyn Harness) {
    let desk = Desk::new(harness).await;
    let kinds = ["key", "key.", "key.a", "key.b", "key-a", "key_a", "kex", "keyz"];
    let ids = [
        Id::ZERO,
        id(1),
        id(256),
        Id::from_bytes([0xff; 16]),
        Id::from_bytes(*b"%_%_%_%_%_%_%_%_"),
    ];
    let mut keys = Vec::new();
    for kind in kinds {
        for id in ids {
            keys.push(Key::new(crate::Kind::from_static(kind), id));
        }
    }
    for key in keys.iter().step_by(2) {
        desk.put(&ACME, desk.note(key)).await;
    }
    for (number, key) in keys.iter().enumerate() {
        let seen = desk.get(&ACME, key).await.map(|record| record.key);
        assert_eq!(seen, (number % 2 == 0).then(|| key.clone()));
    }
}
