//! The log: entries as they were committed, numbered once.

use bailee_core::{ErrorKind, Id, Timestamp, audit::Entry};

use super::{
    Harness,
    desk::{ACME, Desk, GLOBEX, MINUTE, NOTE, assert_kind, key, new_batch, subject},
};
use crate::{Batch, Expect, Head, Leaf, LoggedEntry, Window};

/// An entry comes back as it was written, with the hash that it has by itself and no number yet.
pub async fn aud_02_an_entry_is_read_as_it_was_written(harness: &dyn Harness) {
    let desk = Desk::new(harness).await;
    let entry = Entry::new("suite.written", Timestamp::from_micros(5))
        .about(subject(1))
        .with("word", "a-word")
        .with("number", -3_i64)
        .with("time", Timestamp::from_micros(-9))
        .with("id", Id::from_bytes([7; 16]))
        .with("digest", [9; 32])
        .with_sealed((0..=255).collect());
    let batch = Batch::builder(new_batch())
        .check(key(NOTE, 1), Expect::Absent)
        .audit(Entry::new("suite.plain", Timestamp::from_micros(5)))
        .audit(entry.clone())
        .build()
        .unwrap();
    desk.store.commit(&ACME, &batch).await.unwrap();
    let logged = desk.store.entries(&ACME, Window::default()).await.unwrap();
    let expected = LoggedEntry {
        tenant: ACME,
        batch: batch.id(),
        n: 1,
        hash: entry.hash(&ACME, batch.id().id(), 1),
        entry,
        leaf: None,
    };
    assert_eq!(logged.len(), 2);
    assert_eq!(logged[1], expected);
    assert_eq!(logged[0].hash, batch.audit()[0].hash(&ACME, batch.id().id(), 0));
}

/// A window of entries begins at its first moment, ends before its last, oldest first.
pub async fn entries_are_read_by_time_oldest_first(harness: &dyn Harness) {
    let desk = Desk::new(harness).await;
    for at in [5, -5, 3, 9, 3] {
        write(&desk, &[at]).await;
    }
    let times = async |from: i64, until: i64| -> Vec<i64> {
        let (from, until) = (Timestamp::from_micros(from), Timestamp::from_micros(until));
        let window = Window { from, until, ..Window::default() };
        let entries = desk.store.entries(&ACME, window).await.unwrap();
        entries.iter().map(|logged| logged.entry.at().as_micros()).collect()
    };
    assert_eq!(times(i64::MIN, i64::MAX).await, [-5, 3, 3, 5, 9]);
    assert_eq!(times(3, 9).await, [3, 3, 5]);
    assert!(times(6, 9).await.is_empty());
}

/// Page by page every entry comes once, though many have the same time.
pub async fn pages_of_entries_show_each_once(harness: &dyn Harness) {
    let desk = Desk::new(harness).await;
    for at in [1, 2, 2, 2, 3] {
        write(&desk, &[at; 5]).await;
    }
    for limit in [1, 4, 25, 1000] {
        let mut seen = Vec::new();
        let mut window = Window { limit, ..Window::default() };
        loop {
            let page = desk.store.entries(&ACME, window).await.unwrap();
            assert!(page.len() <= limit as usize);
            let Some(last) = page.last() else { break };
            window.after = Some((last.entry.at(), last.batch, last.n));
            seen.extend(page.iter().map(|logged| (logged.entry.at(), logged.batch, logged.n)));
            assert!(seen.len() <= 25, "an entry came twice");
        }
        assert_eq!(seen.len(), 25);
        assert!(seen.is_sorted());
    }
}

/// Entries about one subject are read without those about others and about nobody, page by page.
pub async fn entries_of_a_subject_are_read_without_others(harness: &dyn Harness) {
    let desk = Desk::new(harness).await;
    for at in 0..6 {
        let mut batch = Batch::builder(new_batch()).check(key(NOTE, 1), Expect::Absent);
        for about in [Some(subject(1)), None, Some(subject(2)), Some(subject(1))] {
            let entry = Entry::new("suite.timed", Timestamp::from_micros(at));
            batch = batch.audit(entry.about(about));
        }
        desk.applied(&ACME, batch).await;
    }
    for (from, until, limit, count) in [(0, 6, 5, 12), (0, 6, 1000, 12), (1, 3, 1, 4)] {
        let mut window = Window {
            from: Timestamp::from_micros(from),
            until: Timestamp::from_micros(until),
            subject: Some(subject(1)),
            limit,
            ..Window::default()
        };
        let mut seen = Vec::new();
        loop {
            let page = desk.store.entries(&ACME, window).await.unwrap();
            let Some(last) = page.last() else { break };
            window.after = Some((last.entry.at(), last.batch, last.n));
            assert!(page.iter().all(|logged| logged.entry.subject() == Some(subject(1))));
            seen.extend(page.iter().map(|logged| (logged.entry.at(), logged.batch, logged.n)));
        }
        assert_eq!(seen.len(), count);
        assert!(seen.is_sorted() && seen.windows(2).all(|pair| pair[0] != pair[1]));
    }
    let window = Window { subject: Some(subject(3)), ..Window::default() };
    assert!(desk.store.entries(&ACME, window).await.unwrap().is_empty());
    let window = Window { subject: Some(subject(1)), ..Window::default() };
    assert!(desk.store.entries(&GLOBEX, window).await.unwrap().is_empty());
}

/// Open entries are those of every tenant without a number, oldest first, no more than the limit.
pub async fn open_entries_are_those_without_a_number(harness: &dyn Harness) {
    let desk = Desk::new(harness).await;
    desk.put(&ACME, desk.note(&key(NOTE, 1))).await;
    desk.advance(MINUTE);
    desk.put(&GLOBEX, desk.note(&key(NOTE, 1))).await;
    let (head, leaves) = desk.store.open(10).await.unwrap();
    assert_eq!(head, Head { size: 0 });
    for (leaf, tenant) in leaves.iter().zip([ACME, GLOBEX]) {
        let logged = desk.store.entries(&tenant, Window::default()).await.unwrap().remove(0);
        let LoggedEntry { tenant, batch, n, entry, hash, leaf: _ } = logged;
        assert_eq!(*leaf, Leaf { tenant, batch, n, at: entry.at(), hash });
    }
    assert_eq!(leaves.len(), 2);
    assert_eq!(desk.store.open(1).await.unwrap().1, leaves[..1]);
    desk.store.fold(head, &leaves[..1]).await.unwrap();
    assert_eq!(desk.store.open(10).await.unwrap(), (Head { size: 1 }, leaves[1..].to_vec()));
}

/// A fold numbers the leaves in the order in which they are given, from the head on.
pub async fn aud_02_a_fold_numbers_leaves_in_their_order(harness: &dyn Harness) {
    let desk = Desk::new(harness).await;
    write(&desk, &[1, 2, 3, 4, 5]).await;
    let (head, mut leaves) = desk.store.open(10).await.unwrap();
    leaves.swap(0, 2);
    let head = desk.store.fold(head, &leaves[..3]).await.unwrap();
    assert_eq!(head, Head { size: 3 });
    assert_eq!(desk.store.fold(head, &leaves[3..]).await.unwrap(), Head { size: 5 });
    assert_eq!(numbers(&desk).await, [Some(2), Some(1), Some(0), Some(3), Some(4)]);
    assert_eq!(desk.store.open(10).await.unwrap(), (Head { size: 5 }, Vec::new()));
}

/// A fold that does not continue the head is refused as a whole.
pub async fn aud_02_a_fold_from_another_head_is_refused(harness: &dyn Harness) {
    let desk = Desk::new(harness).await;
    write(&desk, &[1, 2, 3]).await;
    let (head, leaves) = desk.store.open(10).await.unwrap();
    desk.store.fold(head, &leaves[..1]).await.unwrap();
    for size in [0, 2, 1000] {
        let refused = desk.store.fold(Head { size }, &leaves[1..]).await;
        assert_kind(refused, ErrorKind::Conflict);
        assert_kind(desk.store.fold(Head { size }, &[]).await, ErrorKind::Conflict);
    }
    assert_eq!(numbers(&desk).await, [Some(0), None, None]);
    assert_eq!(desk.store.fold(Head { size: 1 }, &[]).await.unwrap(), Head { size: 1 });
}

/// A number once given never changes: a fold with a numbered leaf is refused as a whole.
pub async fn aud_02_a_number_once_given_never_changes(harness: &dyn Harness) {
    let desk = Desk::new(harness).await;
    write(&desk, &[1, 2, 3]).await;
    let (head, leaves) = desk.store.open(10).await.unwrap();
    let head = desk.store.fold(head, &leaves[..1]).await.unwrap();
    let again = [leaves[1].clone(), leaves[0].clone()];
    assert_kind(desk.store.fold(head, &again).await, ErrorKind::Conflict);
    let twice = [leaves[1].clone(), leaves[1].clone()];
    assert_kind(desk.store.fold(head, &twice).await, ErrorKind::Conflict);
    assert_eq!(numbers(&desk).await, [Some(0), None, None]);
    assert_eq!(desk.store.open(10).await.unwrap(), (Head { size: 1 }, leaves[1..].to_vec()));
}

/// A leaf that is not in the log with this hash is refused, and the fold with it.
pub async fn aud_02_a_leaf_that_is_not_in_the_log_is_refused(harness: &dyn Harness) {
    let desk = Desk::new(harness).await;
    write(&desk, &[1, 2]).await;
    let (head, leaves) = desk.store.open(10).await.unwrap();
    let good = leaves[0].clone();
    let bad = [
        Leaf { hash: [0; 32], ..leaves[1].clone() },
        Leaf { tenant: GLOBEX, ..leaves[1].clone() },
        Leaf { n: 9, ..leaves[1].clone() },
        Leaf { batch: new_batch(), ..leaves[1].clone() },
    ];
    for bad in bad {
        assert_kind(desk.store.fold(head, &[good.clone(), bad]).await, ErrorKind::Conflict);
    }
    assert_eq!(numbers(&desk).await, [None, None]);
}

/// Numbered entries of every tenant come in the order of their numbers, from one on, no more than
/// the limit, and open ones never.
pub async fn aud_02_numbered_entries_are_read_by_their_numbers(harness: &dyn Harness) {
    let desk = Desk::new(harness).await;
    assert_eq!(desk.store.numbered(0, 10).await.unwrap(), []);
    write(&desk, &[1, 2, 3]).await;
    desk.put(&GLOBEX, desk.note(&key(NOTE, 1))).await;
    let (head, mut leaves) = desk.store.open(10).await.unwrap();
    assert_eq!(leaves.len(), 4);
    leaves.reverse();
    desk.store.fold(head, &leaves[..3]).await.unwrap();
    let numbered: Vec<(u64, Leaf)> = (0..).zip(leaves[..3].to_vec()).collect();
    assert_eq!(desk.store.numbered(0, 10).await.unwrap(), numbered);
    assert_eq!(desk.store.numbered(0, 2).await.unwrap(), numbered[..2]);
    assert_eq!(desk.store.numbered(1, 1).await.unwrap(), numbered[1..2]);
    assert_eq!(desk.store.numbered(2, 10).await.unwrap(), numbered[2..]);
    for past in [3, i64::MAX as u64, u64::MAX] {
        assert_eq!(desk.store.numbered(past, 10).await.unwrap(), []);
    }
}

/// Writes entries of these times in one batch.
async fn write(desk: &Desk, times: &[i64]) {
    let mut batch = Batch::builder(new_batch()).check(key(NOTE, 1), Expect::Absent);
    for at in times {
        batch = batch.audit(Entry::new("suite.timed", Timestamp::from_micros(*at)));
    }
    desk.applied(&ACME, batch).await;
}

async fn numbers(desk: &Desk) -> Vec<Option<u64>> {
    let entries = desk.store.entries(&ACME, Window::default()).await.unwrap();
    entries.iter().map(|logged| logged.leaf).collect()
}
