//! `claim`: exclusive leases, fences that only rise, lanes that do not starve each other.

use std::time::Duration;

use bailee_core::ErrorKind;

use super::{
    Harness,
    desk::{ACME, BREACH, Desk, GLOBEX, MINUTE, REFRESH, assert_kind, key},
};
use crate::{Claim, Due, Kind, MAX_LEASE};

/// A claim names the work, its times by the store's clock, and its fence.
pub async fn a_claim_says_what_it_holds_and_until_when(harness: &dyn Harness) {
    let desk = Desk::new(harness).await;
    let task = key(REFRESH, 1);
    desk.schedule(&ACME, &task, Due::At(desk.now())).await;
    let lease = desk.claim(&ACME, &task).await.unwrap();
    assert_eq!((lease.tenant, lease.task, lease.subject), (ACME, task, None));
    assert_eq!((lease.tries, lease.since), (1, desk.now()));
    assert_eq!((lease.now, lease.until), (desk.now(), desk.now().plus(MINUTE)));
}

/// One piece of work is claimed whether it is due or not.
pub async fn one_piece_of_work_is_claimed_before_it_is_due(harness: &dyn Harness) {
    let desk = Desk::new(harness).await;
    let task = key(REFRESH, 1);
    desk.schedule(&ACME, &task, Due::After(100 * MINUTE)).await;
    assert!(desk.claim(&ACME, &task).await.is_some());
}

/// A claim of one piece that is not there, or that somebody holds, answers nothing.
pub async fn a_claim_of_what_is_absent_or_held_answers_nothing(harness: &dyn Harness) {
    let desk = Desk::new(harness).await;
    let task = key(REFRESH, 1);
    assert_eq!(desk.claim(&ACME, &task).await, None);
    desk.schedule(&ACME, &task, Due::At(desk.now())).await;
    assert!(desk.claim(&ACME, &task).await.is_some());
    assert_eq!(desk.claim(&ACME, &task).await, None);
    assert!(desk.claim_due(&[REFRESH], 10).await.is_empty());
}

/// A lease ends by the store's clock, at its time and not before.
pub async fn ref_14_a_lease_ends_by_the_stores_clock(harness: &dyn Harness) {
    let desk = Desk::new(harness).await;
    let task = key(REFRESH, 1);
    desk.schedule(&ACME, &task, Due::At(desk.now())).await;
    desk.claim(&ACME, &task).await.unwrap();
    desk.advance(MINUTE - Duration::from_micros(1));
    assert_eq!(desk.claim(&ACME, &task).await, None);
    assert!(desk.claim_due(&[REFRESH], 10).await.is_empty());
    desk.advance(Duration::from_micros(1));
    assert_eq!(desk.claim_due(&[REFRESH], 10).await.len(), 1);
}

/// Work that was claimed before it was due and not finished is due when the lease ends.
pub async fn unfinished_work_is_due_when_its_lease_ends(harness: &dyn Harness) {
    let desk = Desk::new(harness).await;
    let task = key(REFRESH, 1);
    desk.schedule(&ACME, &task, Due::After(100 * MINUTE)).await;
    desk.claim(&ACME, &task).await.unwrap();
    desk.advance(MINUTE);
    let leases = desk.claim_due(&[REFRESH], 10).await;
    assert_eq!(leases.len(), 1);
    assert_eq!(leases[0].tries, 2);
}

/// Each claim of a piece of work has a higher fence and one try more; `since` stays that of the
/// first claim that was not finished.
pub async fn ref_03_fences_and_tries_rise_and_since_stays(harness: &dyn Harness) {
    let desk = Desk::new(harness).await;
    let task = key(REFRESH, 1);
    desk.schedule(&ACME, &task, Due::At(desk.now())).await;
    let first = desk.claim(&ACME, &task).await.unwrap();
    let mut fence = first.fence;
    for tries in 2..6 {
        desk.advance(MINUTE);
        let lease = desk.claim(&ACME, &task).await.unwrap();
        assert!(lease.fence > fence);
        assert_eq!((lease.tries, lease.since), (tries, first.now));
        assert!(lease.since < lease.now);
        fence = lease.fence;
    }
}

/// The longest due comes first, over tenants too, and no more than the limit.
pub async fn the_longest_due_comes_first(harness: &dyn Harness) {
    let desk = Desk::new(harness).await;
    let start = desk.now();
    for (number, tenant) in [(3, ACME), (1, GLOBEX), (4, GLOBEX), (2, ACME), (5, ACME)] {
        let due = Due::At(start.plus(MINUTE * number));
        desk.schedule(&tenant, &key(REFRESH, number.into()), due).await;
    }
    desk.advance(MINUTE * 4);
    let order = async |limit| -> Vec<_> {
        let leases = desk.claim_due(&[REFRESH], limit).await;
        leases.into_iter().map(|lease| lease.task).collect()
    };
    assert!(order(0).await.is_empty());
    assert_eq!(order(3).await, [1, 2, 3].map(|number| key(REFRESH, number)));
    assert_eq!(order(3).await, [key(REFRESH, 4)]);
}

/// Only the lanes that were asked for are looked in, and one named twice is one lane.
pub async fn only_the_named_lanes_are_claimed(harness: &dyn Harness) {
    let desk = Desk::new(harness).await;
    for kind in [REFRESH, BREACH, Kind::from_static("refresh.x")] {
        desk.schedule(&ACME, &key(kind, 1), Due::At(desk.now())).await;
    }
    assert!(desk.claim_due(&[], 10).await.is_empty());
    let leases = desk.claim_due(&[REFRESH, REFRESH], 10).await;
    assert_eq!(leases.into_iter().map(|lease| lease.task).collect::<Vec<_>>(), [key(REFRESH, 1)]);
}

/// A backlog in one lane does not starve another: each gets its share of the limit.
pub async fn a_backlog_in_one_lane_does_not_starve_another(harness: &dyn Harness) {
    let desk = Desk::new(harness).await;
    let start = desk.now();
    desk.advance(100 * MINUTE);
    for number in 0..40 {
        desk.schedule(&ACME, &key(REFRESH, number), Due::At(start)).await;
    }
    for number in 0..7 {
        desk.schedule(&GLOBEX, &key(BREACH, number), Due::At(desk.now())).await;
    }
    let mut counts = Vec::new();
    for _ in 0..3 {
        let leases = desk.claim_due(&[REFRESH, BREACH], 10).await;
        assert_eq!(leases.len(), 10);
        counts.push(leases.iter().filter(|lease| lease.task.kind == BREACH).count());
        let order: Vec<_> = leases.iter().map(|lease| lease.task.kind == BREACH).collect();
        assert!(order.is_sorted(), "in the order of the due times");
    }
    assert_eq!(counts, [5, 2, 0]);
}

/// A lease of nothing, or longer than the longest, is refused.
pub async fn an_impossible_lease_is_refused(harness: &dyn Harness) {
    let desk = Desk::new(harness).await;
    let task = key(REFRESH, 1);
    desk.schedule(&ACME, &task, Due::At(desk.now())).await;
    for lease in [Duration::ZERO, MAX_LEASE + Duration::from_micros(1)] {
        let one = Claim::One { tenant: &ACME, task: &task, lease };
        assert_kind(desk.store.claim(one).await, ErrorKind::InvalidInput);
        let due = Claim::Due { tasks: &[REFRESH], lease, limit: 1 };
        assert_kind(desk.store.claim(due).await, ErrorKind::InvalidInput);
    }
    let longest = Claim::One { tenant: &ACME, task: &task, lease: MAX_LEASE };
    assert_eq!(desk.store.claim(longest).await.unwrap().len(), 1);
}
