//! `sweep` and `tally`.

use bailee_core::TenantId;

use super::{
    Harness,
    desk::{ACME, Desk, GLOBEX, MINUTE, NOTE, OTHER, REFRESH, id, key},
};
use crate::{Count, Due, Facet, Query, Record};

/// A sweep deletes what is over in every tenant and says how many.
pub async fn a_sweep_deletes_expired_records_alone(harness: &dyn Harness) {
    let desk = Desk::new(harness).await;
    let (soon, later) = (Some(desk.now().plus(MINUTE)), Some(desk.now().plus(2 * MINUTE)));
    for tenant in [ACME, GLOBEX, TenantId::SYSTEM] {
        for (number, expires) in [(1, soon), (2, later), (3, None)] {
            let record = Record { expires, ..desk.note(&key(NOTE, number)) };
            desk.put_under(&tenant, record, &[id(50)]).await;
        }
    }
    assert_eq!(desk.store.sweep(100).await.unwrap(), 0);
    desk.advance(MINUTE);
    assert_eq!(desk.store.sweep(100).await.unwrap(), 3);
    assert_eq!(desk.store.sweep(100).await.unwrap(), 0);
    for tenant in [ACME, GLOBEX, TenantId::SYSTEM] {
        for query in [Query::of_kind(NOTE), Query::of_kind(NOTE).lookup(id(50))] {
            assert_eq!(desk.found(&tenant, &query).await, [key(NOTE, 2), key(NOTE, 3)]);
        }
    }
    desk.advance(MINUTE);
    assert_eq!(desk.store.sweep(100).await.unwrap(), 3);
    assert_eq!(desk.found(&ACME, &Query::of_kind(NOTE)).await, [key(NOTE, 3)]);
}

/// A sweep deletes no more than its limit.
pub async fn a_sweep_keeps_to_its_limit(harness: &dyn Harness) {
    let desk = Desk::new(harness).await;
    for number in 0..10 {
        let expires = Some(desk.now().plus(MINUTE));
        desk.put(&ACME, Record { expires, ..desk.note(&key(NOTE, number)) }).await;
    }
    desk.advance(MINUTE);
    for swept in [0_u32, 4, 4, 2, 0] {
        let limit = if swept == 0 { 0 } else { 4 };
        assert_eq!(desk.store.sweep(limit).await.unwrap(), u64::from(swept));
    }
}

/// A swept record has left nothing: no lookup leads to one created anew.
pub async fn a_sweep_deletes_lookups_with_their_record(harness: &dyn Harness) {
    let desk = Desk::new(harness).await;
    let expires = Some(desk.now().plus(MINUTE));
    let record = Record { expires, ..desk.note(&key(NOTE, 1)) };
    desk.put_under(&ACME, record.clone(), &[id(50)]).await;
    desk.advance(MINUTE);
    assert_eq!(desk.store.sweep(10).await.unwrap(), 1);
    desk.put(&ACME, Record { expires: None, ..record }).await;
    assert!(desk.found(&ACME, &Query::of_kind(NOTE).lookup(id(50))).await.is_empty());
}

/// A sweep touches neither work nor the log.
pub async fn a_sweep_touches_neither_work_nor_the_log(harness: &dyn Harness) {
    let desk = Desk::new(harness).await;
    let expires = Some(desk.now().plus(MINUTE));
    desk.put(&ACME, Record { expires, ..desk.note(&key(REFRESH, 1)) }).await;
    desk.schedule(&ACME, &key(REFRESH, 1), Due::At(desk.now())).await;
    desk.advance(MINUTE);
    assert_eq!(desk.store.sweep(10).await.unwrap(), 1);
    assert_eq!(desk.entries(&ACME).await, 2);
    assert!(desk.claim(&ACME, &key(REFRESH, 1)).await.is_some());
}

/// A tally counts the live records of a kind by facet, in one tenant or over all.
pub async fn a_tally_counts_live_records_by_facet(harness: &dyn Harness) {
    let desk = Desk::new(harness).await;
    let expires = Some(desk.now().plus(MINUTE));
    let rows = [
        (ACME, NOTE, 1, 2, None),
        (ACME, NOTE, 2, 2, None),
        (ACME, NOTE, 3, -1, None),
        (ACME, NOTE, 4, 7, expires),
        (ACME, OTHER, 1, 2, None),
        (GLOBEX, NOTE, 1, 2, None),
        (GLOBEX, NOTE, 2, 3, expires),
    ];
    for (tenant, kind, number, facet, expires) in rows {
        let record = Record { facet: Facet(facet), expires, ..desk.note(&key(kind, number)) };
        desk.put(&tenant, record).await;
    }
    desk.advance(MINUTE);
    let tally = async |tenant: Option<&TenantId>| -> Vec<_> {
        let counts = desk.store.tally(tenant, &NOTE).await.unwrap();
        counts.into_iter().map(|Count { facet, records }| (facet.0, records)).collect()
    };
    assert_eq!(tally(Some(&ACME)).await, [(-1, 1), (2, 2)]);
    assert_eq!(tally(Some(&GLOBEX)).await, [(2, 1)]);
    assert_eq!(tally(Some(&TenantId::SYSTEM)).await, []);
    assert_eq!(tally(None).await, [(-1, 1), (2, 3)]);
}
