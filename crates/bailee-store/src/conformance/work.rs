//! Work as batches plan and finish it.

use std::time::Duration;

use super::{
    Harness,
    desk::{ACME, Desk, MINUTE, NOTE, REFRESH, key, subject},
};
use crate::{Due, Expect, Fence};

/// Work is due at its time and not before, whether that was said as a time or as a delay.
pub async fn work_is_due_at_its_time(harness: &dyn Harness) {
    let desk = Desk::new(harness).await;
    let at = Due::At(desk.now().plus(MINUTE));
    desk.schedule(&ACME, &key(REFRESH, 1), at).await;
    desk.schedule(&ACME, &key(REFRESH, 2), Due::After(MINUTE)).await;
    desk.advance(MINUTE - Duration::from_micros(1));
    assert!(desk.claim_due(&[REFRESH], 10).await.is_empty());
    desk.advance(Duration::from_micros(1));
    assert_eq!(desk.claim_due(&[REFRESH], 10).await.len(), 2);
}

/// Scheduling again moves the due time, both ways, and says anew about whom it is.
pub async fn scheduling_again_moves_the_due_time(harness: &dyn Harness) {
    let desk = Desk::new(harness).await;
    let task = key(REFRESH, 1);
    desk.schedule(&ACME, &task, Due::At(desk.now())).await;
    desk.schedule(&ACME, &task, Due::After(MINUTE)).await;
    assert!(desk.claim_due(&[REFRESH], 10).await.is_empty());
    let now = Due::At(desk.now());
    desk.applied(&ACME, desk.batch().schedule(task.clone(), Some(subject(1)), now)).await;
    let leases = desk.claim_due(&[REFRESH], 10).await;
    assert_eq!(leases.len(), 1);
    assert_eq!(leases[0].subject, Some(subject(1)));
}

/// `Never` removes work, and is no fault where there is none.
pub async fn never_removes_work(harness: &dyn Harness) {
    let desk = Desk::new(harness).await;
    let task = key(REFRESH, 1);
    desk.schedule(&ACME, &task, Due::Never).await;
    desk.schedule(&ACME, &task, Due::At(desk.now())).await;
    desk.schedule(&ACME, &task, Due::Never).await;
    assert_eq!(desk.claim(&ACME, &task).await, None);
    assert!(desk.claim_due(&[REFRESH], 10).await.is_empty());
}

/// Scheduling does not shorten a lease, and the holder can still finish.
pub async fn scheduling_never_shortens_a_lease(harness: &dyn Harness) {
    let desk = Desk::new(harness).await;
    let task = key(REFRESH, 1);
    desk.schedule(&ACME, &task, Due::At(desk.now())).await;
    let lease = desk.claim(&ACME, &task).await.unwrap();
    desk.schedule(&ACME, &task, Due::At(desk.now())).await;
    assert_eq!(desk.claim(&ACME, &task).await, None);
    assert!(desk.claim_due(&[REFRESH], 10).await.is_empty());
    let finish = desk.batch().finish(task.clone(), lease.fence, Due::After(MINUTE));
    desk.applied(&ACME, finish).await;
    assert!(desk.claim_due(&[REFRESH], 10).await.is_empty(), "finished, due in a minute");
}

/// `Never` does not remove what somebody holds.
pub async fn never_removes_only_what_nobody_holds(harness: &dyn Harness) {
    let desk = Desk::new(harness).await;
    let task = key(REFRESH, 1);
    desk.schedule(&ACME, &task, Due::At(desk.now())).await;
    let lease = desk.claim(&ACME, &task).await.unwrap();
    desk.schedule(&ACME, &task, Due::Never).await;
    desk.applied(&ACME, desk.batch().finish(task.clone(), lease.fence, Due::After(MINUTE))).await;
    desk.advance(MINUTE);
    assert_eq!(desk.claim_due(&[REFRESH], 10).await.len(), 1);
    desk.advance(MINUTE);
    desk.schedule(&ACME, &task, Due::Never).await;
    assert_eq!(desk.claim(&ACME, &task).await, None, "its lease was over");
}

/// Scheduling does not reset tries or `since` of what was not finished.
pub async fn scheduling_never_resets_tries(harness: &dyn Harness) {
    let desk = Desk::new(harness).await;
    let task = key(REFRESH, 1);
    desk.schedule(&ACME, &task, Due::At(desk.now())).await;
    let first = desk.claim(&ACME, &task).await.unwrap();
    desk.advance(2 * MINUTE);
    desk.schedule(&ACME, &task, Due::At(desk.now())).await;
    let second = desk.claim(&ACME, &task).await.unwrap();
    assert_eq!((second.tries, second.since), (2, first.since));
}

/// A finish ends the claim: the work is due as said, with no tries and a new `since`.
pub async fn a_finish_begins_anew(harness: &dyn Harness) {
    let desk = Desk::new(harness).await;
    let task = key(REFRESH, 1);
    desk.schedule(&ACME, &task, Due::At(desk.now())).await;
    desk.claim(&ACME, &task).await.unwrap();
    desk.advance(MINUTE);
    let lease = desk.claim(&ACME, &task).await.unwrap();
    assert_eq!(lease.tries, 2);
    desk.applied(&ACME, desk.batch().finish(task.clone(), lease.fence, Due::After(MINUTE))).await;
    assert!(desk.claim_due(&[REFRESH], 10).await.is_empty());
    desk.advance(MINUTE);
    let again = desk.claim_due(&[REFRESH], 10).await.remove(0);
    assert_eq!((again.tries, again.since), (1, desk.now()));
    assert!(again.fence > lease.fence);
}

/// A finish with `Never` removes the work.
pub async fn a_finish_with_never_removes_the_work(harness: &dyn Harness) {
    let desk = Desk::new(harness).await;
    let task = key(REFRESH, 1);
    desk.schedule(&ACME, &task, Due::At(desk.now())).await;
    let lease = desk.claim(&ACME, &task).await.unwrap();
    desk.applied(&ACME, desk.batch().finish(task.clone(), lease.fence, Due::Never)).await;
    desk.advance(2 * MINUTE);
    assert_eq!(desk.claim(&ACME, &task).await, None);
    assert!(desk.claim_due(&[REFRESH], 10).await.is_empty());
}

/// A finish is refused unless this very claim stands: not before one, not under another fence, not
/// after the lease, not after somebody else's claim, not twice.
pub async fn ref_05_a_finish_is_refused_unless_the_claim_stands(harness: &dyn Harness) {
    let desk = Desk::new(harness).await;
    let task = key(REFRESH, 1);
    let finish = |fence| {
        let put = desk.note(&key(NOTE, 1));
        desk.batch().put(put, Expect::Absent).finish(task.clone(), fence, Due::Never)
    };
    desk.conflicts(&ACME, finish(Fence(0)), &task).await;
    desk.schedule(&ACME, &task, Due::At(desk.now())).await;
    desk.conflicts(&ACME, finish(Fence::first(desk.now())), &task).await;
    let first = desk.claim(&ACME, &task).await.unwrap();
    desk.conflicts(&ACME, finish(first.fence.next()), &task).await;
    desk.conflicts(&ACME, finish(Fence(first.fence.0 - 1)), &task).await;
    desk.advance(MINUTE);
    desk.conflicts(&ACME, finish(first.fence), &task).await;
    let second = desk.claim(&ACME, &task).await.unwrap();
    desk.conflicts(&ACME, finish(first.fence), &task).await;
    assert_eq!(desk.get(&ACME, &key(NOTE, 1)).await, None);
    desk.advance(MINUTE - Duration::from_micros(1));
    let put = desk.note(&key(NOTE, 1));
    let good = desk.batch().put(put, Expect::Absent).finish(
        task.clone(),
        second.fence,
        Due::At(desk.now()),
    );
    desk.applied(&ACME, good).await;
    let twice = desk.batch().finish(task.clone(), second.fence, Due::Never);
    desk.conflicts(&ACME, twice, &task).await;
    assert!(desk.get(&ACME, &key(NOTE, 1)).await.is_some());
}

/// Work survives the record of the same name, and needs none.
pub async fn work_survives_its_record(harness: &dyn Harness) {
    let desk = Desk::new(harness).await;
    let record = desk.note(&key(NOTE, 1));
    desk.put(&ACME, record.clone()).await;
    desk.schedule(&ACME, &record.key, Due::At(desk.now())).await;
    desk.applied(&ACME, desk.batch().delete(record.key.clone(), Expect::Present)).await;
    assert!(desk.claim(&ACME, &record.key).await.is_some());
}

/// Work removed and planned anew does not match who held the old one.
pub async fn work_planned_anew_never_matches_a_stale_holder(harness: &dyn Harness) {
    let desk = Desk::new(harness).await;
    let task = key(REFRESH, 1);
    desk.schedule(&ACME, &task, Due::At(desk.now())).await;
    let stale = desk.claim(&ACME, &task).await.unwrap();
    desk.advance(MINUTE);
    desk.schedule(&ACME, &task, Due::Never).await;
    desk.schedule(&ACME, &task, Due::At(desk.now())).await;
    let fresh = desk.claim(&ACME, &task).await.unwrap();
    assert!(fresh.fence > stale.fence);
    assert_eq!((fresh.tries, fresh.since), (1, desk.now()));
    let finish = desk.batch().finish(task.clone(), stale.fence, Due::Never);
    desk.conflicts(&ACME, finish, &task).await;
}
