//! What a batch, a question and a claim refuse before any store sees them.

use std::time::Duration;

use bailee_core::{BatchId, ErrorKind, Id, Result, TenantId, Timestamp, audit::Entry};
use bailee_store::{
    Batch, BatchBuilder, Claim, Due, Expect, Facet, Fence, Key, Kind, MAX_BODY, MAX_LEASE,
    MAX_LOOKUPS, MAX_OPS, Op, Query, Record, Sealed, Version,
};

const NOW: Timestamp = Timestamp::from_seconds(1);

fn key(byte: u8) -> Key {
    Key::new(Kind::from_static("note"), Id::from_bytes([byte; 16]))
}

fn record(byte: u8) -> Record {
    Record {
        key: key(byte),
        subject: None,
        facet: Facet(0),
        expires: None,
        version: Version::first(NOW),
        body: Sealed::new(Vec::new()),
    }
}

fn begin() -> BatchBuilder {
    Batch::builder(BatchId::from_id(Id::ZERO)).audit(Entry::new("test.changed", NOW))
}

fn refused(batch: BatchBuilder) -> Option<ErrorKind> {
    batch.build().err().map(|error| error.kind())
}

#[test]
fn a_batch_of_audit_entries_alone_is_a_batch() {
    assert_eq!(refused(begin()), None);
}

#[test]
fn aud_01_a_batch_without_an_audit_entry_is_refused() {
    let batch = Batch::builder(BatchId::from_id(Id::ZERO)).check(key(1), Expect::Absent);
    assert_eq!(refused(batch.clone()), Some(ErrorKind::InvalidInput));
    assert_eq!(refused(batch.audit(Entry::new("test.changed", NOW))), None);
}

#[test]
fn a_put_that_expects_present_is_refused() {
    assert_eq!(refused(begin().put(record(1), Expect::Present)), Some(ErrorKind::InvalidInput));
}

#[test]
fn a_put_carries_the_version_that_it_makes() {
    let version = Version(7);
    for (carried, outcome) in
        [(8, None), (7, Some(ErrorKind::InvalidInput)), (9, Some(ErrorKind::InvalidInput))]
    {
        let written = Record { version: Version(carried), ..record(1) };
        assert_eq!(refused(begin().put(written, Expect::Version(version))), outcome);
    }
}

#[test]
fn a_delete_of_what_must_be_absent_is_refused() {
    assert_eq!(refused(begin().delete(key(1), Expect::Absent)), Some(ErrorKind::InvalidInput));
}

#[test]
fn a_key_named_twice_for_one_purpose_is_refused() {
    let fence = Fence::first(NOW);
    let twice = [
        begin().put(record(1), Expect::Absent).check(key(1), Expect::Absent),
        begin().delete(key(1), Expect::Present).delete(key(1), Expect::Present),
        begin().schedule(key(1), None, Due::Never).finish(key(1), fence, Due::Never),
    ];
    for batch in twice {
        assert_eq!(refused(batch), Some(ErrorKind::InvalidInput));
    }
    let record_and_work = begin().check(key(1), Expect::Absent).schedule(key(1), None, Due::Never);
    assert_eq!(refused(record_and_work), None);
    let control = || Op::Control { body: Sealed::new(Vec::new()), expect: Version(0) };
    let twice = begin().op(control()).op(control());
    assert_eq!(refused(twice), Some(ErrorKind::InvalidInput));
}

#[test]
fn a_batch_over_a_limit_is_too_large() {
    let body = |length| Record { body: Sealed::new(vec![0; length]), ..record(1) };
    let under = |count: usize| Op::Put {
        record: record(1),
        expect: Expect::Absent,
        lookups: Some(vec![Id::ZERO; count]),
    };
    let checks = |count: u32| {
        begin().ops((0..count).map(|number| {
            let mut id = [0; 16];
            id[..4].copy_from_slice(&number.to_be_bytes());
            let key = Key::new(Kind::from_static("note"), Id::from_bytes(id));
            Op::Check { key, expect: Expect::Absent }
        }))
    };
    assert_eq!(refused(begin().put(body(MAX_BODY), Expect::Absent)), None);
    assert_eq!(refused(begin().put(body(MAX_BODY + 1), Expect::Absent)), Some(ErrorKind::TooLarge));
    assert_eq!(refused(begin().op(under(MAX_LOOKUPS))), None);
    assert_eq!(refused(begin().op(under(MAX_LOOKUPS + 1))), Some(ErrorKind::TooLarge));
    assert_eq!(refused(checks(MAX_OPS as u32)), None);
    assert_eq!(refused(checks(MAX_OPS as u32 + 1)), Some(ErrorKind::TooLarge));
    let mut entries = begin().check(key(1), Expect::Absent);
    for _ in 0..MAX_OPS {
        entries = entries.audit(Entry::new("test.changed", NOW));
    }
    assert_eq!(refused(entries), Some(ErrorKind::TooLarge));
}

#[test]
fn a_control_row_is_for_the_systems_tenant() {
    let control = Op::Control { body: Sealed::new(Vec::new()), expect: Version(0) };
    let batch = begin().op(control).build().unwrap();
    assert!(batch.check_for(&TenantId::SYSTEM).is_ok());
    assert!(batch.check_for(&TenantId::from_static("acme")).is_err());
}

#[test]
fn a_lease_is_longer_than_nothing_and_no_longer_than_the_longest() {
    let check = |lease| -> Result<()> { Claim::Due { tasks: &[], lease, limit: 1 }.check() };
    assert!(check(MAX_LEASE).is_ok());
    assert!(check(Duration::from_micros(1)).is_ok());
    for lease in [Duration::ZERO, Duration::from_nanos(999), MAX_LEASE + Duration::from_nanos(1)] {
        assert!(check(lease).is_err(), "{lease:?}");
    }
}

#[test]
fn a_question_keeps_its_limit_in_range() {
    let kind = Kind::from_static("note");
    assert_eq!(Query::of_kind(kind.clone()).limit(0).limit, 1);
    assert_eq!(Query::of_kind(kind).limit(u32::MAX).limit, 1000);
}

#[test]
fn a_kind_is_a_short_lower_case_word() {
    for name in ["", "Key", "a b", "a/b", "a%", "é", &"x".repeat(65)] {
        assert!(name.parse::<Kind>().is_err(), "{name:?}");
    }
    assert!("key.subject-2_b".parse::<Kind>().is_ok());
}

#[test]
fn a_sealed_body_is_not_printed() {
    assert_eq!(format!("{:?}", Sealed::new(b"secret".to_vec())), "Sealed(6 bytes)");
}
