//! One tenant neither sees, changes, blocks nor notices what another has.

use bailee_core::TenantId;

use super::{
    Harness,
    desk::{ACME, Desk, GLOBEX, MINUTE, NOTE, REFRESH, id, key, next, subject},
};
use crate::{Due, Expect, Facet, Query, Record, Sealed, Window};

/// The same key in two tenants is two records.
pub async fn the_same_key_in_two_tenants_is_two_records(harness: &dyn Harness) {
    let desk = Desk::new(harness).await;
    let theirs = Record { body: Sealed::new(vec![2]), ..desk.note(&key(NOTE, 1)) };
    let ours = Record { body: Sealed::new(vec![1]), ..desk.note(&key(NOTE, 1)) };
    desk.put(&ACME, ours.clone()).await;
    desk.put(&GLOBEX, theirs.clone()).await;
    assert_eq!(desk.get(&ACME, &ours.key).await.as_ref(), Some(&ours));
    assert_eq!(desk.get(&GLOBEX, &ours.key).await.as_ref(), Some(&theirs));
    let (changed, expect) = next(&ours, b"changed");
    desk.applied(&ACME, desk.batch().put(changed, expect)).await;
    assert_eq!(desk.get(&GLOBEX, &ours.key).await.as_ref(), Some(&theirs));
    desk.applied(&ACME, desk.batch().delete(ours.key.clone(), Expect::Present)).await;
    assert_eq!(desk.get(&GLOBEX, &ours.key).await, Some(theirs));
}

/// A foreign key and an unknown one are the same `None`, the system's tenant's included.
pub async fn sto_08_a_foreign_record_is_none(harness: &dyn Harness) {
    let desk = Desk::new(harness).await;
    let lookalikes = ["acme", "acm", "acme2", "ACME", "acme.", "%", "_cme", "'", "~"];
    for (number, tenant) in (0..).zip(lookalikes) {
        desk.put(&TenantId::from_static(tenant), desk.note(&key(NOTE, number))).await;
    }
    for (asking, tenant) in lookalikes.iter().enumerate() {
        let keys: Vec<_> = (0..20).map(|number| key(NOTE, number)).collect();
        let seen = desk.store.read(&TenantId::from_static(tenant), &keys).await.unwrap().records;
        for (number, record) in seen.iter().enumerate() {
            assert_eq!(record.is_some(), number == asking, "{tenant} sees {number}");
        }
    }
}

/// What another tenant has is not found, by kind, subject, facet or lookup.
pub async fn sto_08_foreign_records_are_not_found(harness: &dyn Harness) {
    let desk = Desk::new(harness).await;
    let record = Record { subject: Some(subject(1)), ..desk.note(&key(NOTE, 1)) };
    desk.put_under(&GLOBEX, record.clone(), &[id(50)]).await;
    let questions = [
        Query::of_kind(NOTE),
        Query::of_subject(subject(1)),
        Query::of_kind(NOTE).facet(Facet(0)),
        Query::of_kind(NOTE).lookup(id(50)),
    ];
    for query in &questions {
        assert!(desk.found(&ACME, query).await.is_empty(), "{query:?}");
    }
    // The same record here, without the lookup: theirs does not lead to ours.
    desk.put(&ACME, record).await;
    assert!(desk.found(&ACME, &Query::of_kind(NOTE).lookup(id(50))).await.is_empty());
    assert_eq!(desk.found(&GLOBEX, &Query::of_kind(NOTE).lookup(id(50))).await.len(), 1);
}

/// No batch can change, delete or check what another tenant has.
pub async fn sto_08_foreign_records_cannot_be_changed(harness: &dyn Harness) {
    let desk = Desk::new(harness).await;
    let theirs = desk.note(&key(NOTE, 1));
    desk.put_under(&GLOBEX, theirs.clone(), &[id(50)]).await;
    let (written, expect) = next(&theirs, b"ours now");
    let at = &theirs.key;
    desk.conflicts(&ACME, desk.batch().put(written, expect), at).await;
    desk.conflicts(&ACME, desk.batch().delete(at.clone(), Expect::Present), at).await;
    desk.conflicts(&ACME, desk.batch().delete(at.clone(), expect), at).await;
    desk.conflicts(&ACME, desk.batch().check(at.clone(), Expect::Present), at).await;
    assert_eq!(desk.get(&GLOBEX, at).await, Some(theirs.clone()));
    let found = desk.found(&GLOBEX, &Query::of_kind(NOTE).lookup(id(50))).await;
    assert_eq!(found, std::slice::from_ref(at));
}

/// Whether a batch conflicts never depends on another tenant's rows.
pub async fn conflicts_never_depend_on_another_tenants_rows(harness: &dyn Harness) {
    let desk = Desk::new(harness).await;
    let note = desk.note(&key(NOTE, 1));
    desk.put_under(&GLOBEX, note.clone(), &[id(50)]).await;
    desk.schedule(&GLOBEX, &key(REFRESH, 1), Due::At(desk.now())).await;
    assert!(desk.claim(&GLOBEX, &key(REFRESH, 1)).await.is_some());
    desk.applied(&ACME, desk.batch().check(note.key.clone(), Expect::Absent)).await;
    desk.put_under(&ACME, note.clone(), &[id(50)]).await;
    desk.applied(&ACME, desk.batch().delete(note.key.clone(), Expect::Present)).await;
    desk.schedule(&ACME, &key(REFRESH, 1), Due::At(desk.now())).await;
    assert!(desk.claim(&ACME, &key(REFRESH, 1)).await.is_some(), "held there, not here");
    assert_eq!(desk.get(&GLOBEX, &note.key).await, Some(note));
}

/// The same task in two tenants is two pieces of work; a foreign one is neither claimed, finished
/// nor removed.
pub async fn sto_08_foreign_work_cannot_be_claimed_or_finished(harness: &dyn Harness) {
    let desk = Desk::new(harness).await;
    let task = key(REFRESH, 1);
    desk.schedule(&GLOBEX, &task, Due::At(desk.now())).await;
    assert_eq!(desk.claim(&ACME, &task).await, None);
    let lease = desk.claim(&GLOBEX, &task).await.unwrap();
    let finish = desk.batch().finish(task.clone(), lease.fence, Due::Never);
    desk.conflicts(&ACME, finish, &task).await;
    desk.advance(MINUTE);
    desk.applied(&ACME, desk.batch().schedule(task.clone(), None, Due::Never)).await;
    assert!(desk.claim(&GLOBEX, &task).await.is_some(), "it is still there");
}

/// A claim over all tenants says whose each piece of work is.
pub async fn a_claim_says_whose_the_work_is(harness: &dyn Harness) {
    let desk = Desk::new(harness).await;
    for (tenant, whose) in [(ACME, 1), (GLOBEX, 2), (TenantId::SYSTEM, 3)] {
        let due = Due::At(desk.now());
        let batch = desk.batch().schedule(key(REFRESH, 1), Some(subject(whose)), due);
        desk.applied(&tenant, batch).await;
    }
    let mut claimed: Vec<_> = desk
        .claim_due(&[REFRESH], 10)
        .await
        .into_iter()
        .map(|lease| (lease.tenant, lease.subject))
        .collect();
    claimed.sort();
    let expected = [
        (ACME, Some(subject(1))),
        (GLOBEX, Some(subject(2))),
        (TenantId::SYSTEM, Some(subject(3))),
    ];
    assert_eq!(claimed, expected);
}

/// The entries of another tenant are not in one's log.
pub async fn sto_08_foreign_entries_are_not_read(harness: &dyn Harness) {
    let desk = Desk::new(harness).await;
    desk.put(&GLOBEX, desk.note(&key(NOTE, 1))).await;
    desk.put(&TenantId::SYSTEM, desk.note(&key(NOTE, 1))).await;
    assert!(desk.store.entries(&ACME, Window::default()).await.unwrap().is_empty());
    let theirs = desk.store.entries(&GLOBEX, Window::default()).await.unwrap();
    assert_eq!(theirs.len(), 1);
    assert_eq!(theirs[0].tenant, GLOBEX);
}
