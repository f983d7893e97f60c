//! `find`: by kind, subject, lookup and facet, page by page.

use bailee_core::ErrorKind;

use super::{
    Harness,
    desk::{ACME, Desk, MINUTE, NOTE, OTHER, assert_kind, id, key, next, subject},
};
use crate::{Expect, Facet, Key, Kind, Op, Query, Record};

/// A question for a kind answers all of it and nothing else, in the order of the keys.
pub async fn a_kind_is_found_in_the_order_of_its_keys(harness: &dyn Harness) {
    let desk = Desk::new(harness).await;
    for number in [300, 2, 1, 255, 256] {
        desk.put(&ACME, desk.note(&key(NOTE, number))).await;
    }
    for near in ["not", "note.", "note.a", "notf"] {
        desk.put(&ACME, desk.note(&key(Kind::from_static(near), 1))).await;
    }
    let found = desk.found(&ACME, &Query::of_kind(NOTE)).await;
    assert_eq!(found, [1, 2, 255, 256, 300].map(|number| key(NOTE, number)));
}

/// A question for a subject answers its records of every kind, in the order of the keys.
pub async fn a_subject_is_found_over_all_kinds(harness: &dyn Harness) {
    let desk = Desk::new(harness).await;
    for (kind, number, whose) in
        [(OTHER, 1, Some(1)), (NOTE, 2, Some(1)), (NOTE, 1, Some(2)), (NOTE, 3, None)]
    {
        let subject = whose.map(subject);
        desk.put(&ACME, Record { subject, ..desk.note(&key(kind, number)) }).await;
    }
    let found = desk.found(&ACME, &Query::of_subject(subject(1))).await;
    assert_eq!(found, [key(NOTE, 2), key(OTHER, 1)]);
}

/// Kind, subject, facet and lookup narrow each other.
pub async fn conditions_narrow_each_other(harness: &dyn Harness) {
    let desk = Desk::new(harness).await;
    for number in 0..16 {
        let record = Record {
            subject: Some(subject(number & 1)),
            facet: Facet((number >> 1 & 1) as i16),
            ..desk.note(&key(if number & 4 == 0 { NOTE } else { OTHER }, number))
        };
        desk.put_under(&ACME, record, &[id(100 + (number >> 3))]).await;
    }
    let all = || Query::of_kind(OTHER).subject(subject(1)).facet(Facet(1)).lookup(id(101));
    assert_eq!(desk.found(&ACME, &all()).await, [key(OTHER, 15)]);
    let query = Query::of_kind(OTHER).subject(subject(1)).facet(Facet(1));
    assert_eq!(desk.found(&ACME, &query).await, [key(OTHER, 7), key(OTHER, 15)]);
    let query = Query::of_subject(subject(1)).facet(Facet(1));
    let found = [key(NOTE, 3), key(NOTE, 11), key(OTHER, 7), key(OTHER, 15)];
    assert_eq!(desk.found(&ACME, &query).await, found);
    let query = Query::of_kind(NOTE).facet(Facet(0)).lookup(id(100));
    assert_eq!(desk.found(&ACME, &query).await, [key(NOTE, 0), key(NOTE, 1)]);
}

/// An expired record is not found, in no way.
pub async fn an_expired_record_is_not_found(harness: &dyn Harness) {
    let desk = Desk::new(harness).await;
    let record = Record {
        subject: Some(subject(1)),
        expires: Some(desk.now().plus(MINUTE)),
        ..desk.note(&key(NOTE, 1))
    };
    desk.put_under(&ACME, record, &[id(50)]).await;
    let questions = [
        Query::of_kind(NOTE),
        Query::of_subject(subject(1)),
        Query::of_kind(NOTE).lookup(id(50)),
        Query::of_kind(NOTE).facet(Facet(0)),
    ];
    for query in &questions {
        assert_eq!(desk.found(&ACME, query).await.len(), 1);
    }
    desk.advance(MINUTE);
    for query in &questions {
        assert!(desk.found(&ACME, query).await.is_empty(), "{query:?}");
    }
}

/// Page by page every record comes once, and the last page says that it is the last.
pub async fn pages_show_every_record_once(harness: &dyn Harness) {
    let desk = Desk::new(harness).await;
    let mut all = Vec::new();
    for (kind, number) in (0..23).map(|n| (if n % 3 == 0 { OTHER } else { NOTE }, n)) {
        let record = Record { subject: Some(subject(1)), ..desk.note(&key(kind, number)) };
        all.push(record.key.clone());
        desk.put_under(&ACME, record, &[id(50)]).await;
    }
    all.sort();
    let of_kind =
        |kind: Kind| -> Vec<Key> { all.iter().filter(|key| key.kind == kind).cloned().collect() };
    let questions = [
        (Query::of_subject(subject(1)), all.clone()),
        (Query::of_kind(NOTE), of_kind(NOTE)),
        (Query::of_kind(OTHER).lookup(id(50)), of_kind(OTHER)),
    ];
    for (query, expected) in questions {
        for limit in [1, 5, 8, 23, 100] {
            let mut seen = Vec::new();
            let mut query = query.clone().limit(limit);
            loop {
                let page = desk.store.find(&ACME, &query).await.unwrap();
                assert!(page.records.len() <= limit as usize);
                seen.extend(page.records.iter().map(|record| record.key.clone()));
                assert!(seen.len() <= expected.len(), "a record came twice");
                let Some(next) = page.next else { break };
                assert_eq!(Some(&next), seen.last());
                query = query.after(next);
            }
            assert_eq!(seen, expected, "limit {limit}");
        }
    }
}

/// A page begins after any key, of another kind too, whether there is such a record or not.
pub async fn a_page_begins_after_any_key(harness: &dyn Harness) {
    let desk = Desk::new(harness).await;
    for number in [2, 4] {
        desk.put(&ACME, desk.note(&key(NOTE, number))).await;
    }
    let after = |key| Query::of_kind(NOTE).after(key);
    assert_eq!(desk.found(&ACME, &after(key(NOTE, 3))).await, [key(NOTE, 4)]);
    assert_eq!(desk.found(&ACME, &after(key(NOTE, 2))).await, [key(NOTE, 4)]);
    assert_eq!(desk.found(&ACME, &after(key(Kind::from_static("a"), 9))).await.len(), 2);
    assert!(desk.found(&ACME, &after(key(Kind::from_static("z"), 0))).await.is_empty());
}

/// A record is found under each of its lookups and under no other, nor as another kind.
pub async fn a_record_is_found_under_each_of_its_lookups(harness: &dyn Harness) {
    let desk = Desk::new(harness).await;
    desk.put_under(&ACME, desk.note(&key(NOTE, 1)), &[id(50), id(51), id(50)]).await;
    desk.put_under(&ACME, desk.note(&key(NOTE, 2)), &[id(51)]).await;
    desk.put_under(&ACME, desk.note(&key(OTHER, 1)), &[id(50)]).await;
    // Of the same id, and only the other kind is under this one.
    desk.put(&ACME, desk.note(&key(NOTE, 3))).await;
    desk.put_under(&ACME, desk.note(&key(OTHER, 3)), &[id(52)]).await;
    let under = |hash| Query::of_kind(NOTE).lookup(id(hash));
    assert_eq!(desk.found(&ACME, &under(50)).await, [key(NOTE, 1)]);
    assert_eq!(desk.found(&ACME, &under(51)).await, [key(NOTE, 1), key(NOTE, 2)]);
    assert!(desk.found(&ACME, &under(1)).await.is_empty());
    assert!(desk.found(&ACME, &under(52)).await.is_empty());
}

/// A put without lookups leaves them, one with lookups replaces them all.
pub async fn lookups_are_left_or_replaced_by_a_put(harness: &dyn Harness) {
    let desk = Desk::new(harness).await;
    let first = desk.note(&key(NOTE, 1));
    desk.put_under(&ACME, first.clone(), &[id(50), id(51)]).await;
    let under = |hash| Query::of_kind(NOTE).lookup(id(hash));
    let (second, expect) = next(&first, b"second");
    desk.applied(&ACME, desk.batch().put(second.clone(), expect)).await;
    for hash in [50, 51] {
        assert_eq!(desk.found(&ACME, &under(hash)).await.len(), 1);
    }
    let (third, expect) = next(&second, b"third");
    let put = Op::Put { record: third.clone(), expect, lookups: Some(vec![id(51), id(52)]) };
    desk.applied(&ACME, desk.batch().op(put)).await;
    for (hash, count) in [(50, 0), (51, 1), (52, 1)] {
        assert_eq!(desk.found(&ACME, &under(hash)).await.len(), count);
    }
    let (fourth, expect) = next(&third, b"fourth");
    let put = Op::Put { record: fourth, expect, lookups: Some(Vec::new()) };
    desk.applied(&ACME, desk.batch().op(put)).await;
    for hash in [50, 51, 52] {
        assert!(desk.found(&ACME, &under(hash)).await.is_empty());
    }
}

/// Lookups are deleted with their record; one created anew does not have them.
pub async fn lookups_are_deleted_with_their_record(harness: &dyn Harness) {
    let desk = Desk::new(harness).await;
    let record = desk.note(&key(NOTE, 1));
    desk.put_under(&ACME, record.clone(), &[id(50)]).await;
    desk.applied(&ACME, desk.batch().delete(record.key.clone(), Expect::Present)).await;
    let under = Query::of_kind(NOTE).lookup(id(50));
    assert!(desk.found(&ACME, &under).await.is_empty());
    desk.put(&ACME, record).await;
    assert!(desk.found(&ACME, &under).await.is_empty());
}

/// A question that no index answers is refused.
pub async fn a_question_that_no_index_answers_is_refused(harness: &dyn Harness) {
    let desk = Desk::new(harness).await;
    let no_kind = Query::of_subject(subject(1)).lookup(id(1));
    assert_kind(desk.store.find(&ACME, &no_kind).await, ErrorKind::InvalidInput);
    let nothing = Query { subject: None, ..Query::of_subject(subject(1)) };
    assert_kind(desk.store.find(&ACME, &nothing).await, ErrorKind::InvalidInput);
}
