//! The end of a hold, and whoever waits for it.

use bailee_core::{ErrorKind, Id, audit::Entry};
use bailee_rights::hold::{Covers, Ended, Passed};

use crate::world::{ACME, DAY, REQUEST, REVIEWER, World};

/// Makes a request wait for a hold.
async fn wait(w: &World, hold: Id, request: Id) {
    let ops = w.holds.wait_for(&ACME, hold, request).await.unwrap().unwrap();
    let entry = Entry::new("request.due", w.vault.clock().now()).with("request", request);
    let batch = w.vault.batch().unwrap().ops(ops).audit(entry);
    w.vault.commit(&ACME, batch).await.unwrap();
}

#[tokio::test]
async fn r3_a_hold_warns_then_ends_and_what_waited_for_it_goes_on() {
    let w = World::new().await;
    let hold = w.holds.place(&ACME, w.ada, &w.placing(Covers::All, 100)).await.unwrap();
    wait(&w, hold.id, REQUEST).await;
    wait(&w, hold.id, REQUEST).await;
    assert!(w.settle().await.is_empty());
    w.clock.advance(DAY * 70);
    let passed = w.settle().await;
    assert!(matches!(&passed[..], [Passed::ReviewDue(due)] if due.due && due.id == hold.id));
    assert!(w.settle().await.is_empty(), "once");
    assert!(w.holds.standing(&ACME).await.unwrap()[0].due);
    assert!(w.parts_due().await.is_empty());
    w.clock.advance(DAY * 30);
    let passed = w.settle().await;
    let [Passed::Ended(ended)] = &passed[..] else { panic!("{passed:?}") };
    assert_eq!(ended.ended.map(|(_, how)| how), Some(Ended::Over));
    assert_eq!(w.parts_due().await, [REQUEST]);
    assert!(w.holds.standing(&ACME).await.unwrap().is_empty());
    assert!(w.holds.wait_for(&ACME, hold.id, REQUEST).await.unwrap().is_none());
    let error = w.holds.renew(&ACME, hold.id, REVIEWER, w.days(9)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound, "what is over does not begin again");
    // It can be shown for three years, and then nobody keeps it.
    w.clock.advance(DAY * 3 * 365);
    assert_eq!(w.holds.of_subject(&ACME, w.ada).await.unwrap().len(), 1);
    w.clock.advance(DAY * 4);
    assert!(w.holds.of_subject(&ACME, w.ada).await.unwrap().is_empty());
}

#[tokio::test]
async fn r3_a_hold_that_was_lifted_lets_go_at_once() {
    let w = World::new().await;
    let hold = w.holds.place(&ACME, w.ada, &w.placing(Covers::All, 100)).await.unwrap();
    let other = Id::from_bytes([5; 16]);
    wait(&w, hold.id, REQUEST).await;
    wait(&w, hold.id, other).await;
    let lifted = w.holds.lift(&ACME, hold.id, REVIEWER).await.unwrap();
    assert_eq!(lifted.ended.map(|(_, how)| how), Some(Ended::Lifted));
    let now = w.days(0);
    assert!(w.holds.covering(&ACME, w.ada, "account", now).await.unwrap().is_empty());
    assert_eq!(w.parts_due().await, [REQUEST, other]);
    w.clock.advance(DAY * 200);
    assert!(w.settle().await.is_empty());
    assert!(w.holds.lift(&ACME, hold.id, REVIEWER).await.is_err());
}

#[tokio::test]
async fn a_hold_that_was_renewed_goes_on_to_its_new_end_and_warns_again() {
    let w = World::new().await;
    let hold = w.holds.place(&ACME, w.ada, &w.placing(Covers::All, 100)).await.unwrap();
    w.clock.advance(DAY * 71);
    assert_eq!(w.settle().await.len(), 1);
    let renewed = w.holds.renew(&ACME, hold.id, REVIEWER, w.days(300)).await.unwrap();
    assert!(!renewed.due);
    assert!(w.holds.renew(&ACME, hold.id, REVIEWER, w.days(4_000)).await.is_err());
    w.clock.advance(DAY * 100);
    assert!(w.settle().await.is_empty());
    w.clock.advance(DAY * 170);
    assert!(matches!(&w.settle().await[..], [Passed::ReviewDue(_)]));
    w.clock.advance(DAY * 30);
    assert!(matches!(&w.settle().await[..], [Passed::Ended(_)]));
}

#[tokio::test]
async fn of_a_short_hold_the_second_half_is_warning_enough() {
    let w = World::new().await;
    w.holds.place(&ACME, w.ada, &w.placing(Covers::All, 10)).await.unwrap();
    w.clock.advance(DAY * 4);
    assert!(w.settle().await.is_empty());
    w.clock.advance(DAY);
    assert!(matches!(&w.settle().await[..], [Passed::ReviewDue(_)]));
}

#[tokio::test]
async fn r3_a_request_never_waits_for_a_hold_that_ended_meanwhile() {
    let w = World::new().await;
    let hold = w.holds.place(&ACME, w.ada, &w.placing(Covers::All, 100)).await.unwrap();
    for again in [false, true] {
        if again {
            wait(&w, hold.id, REQUEST).await;
        }
        let ops = w.holds.wait_for(&ACME, hold.id, REQUEST).await.unwrap().unwrap();
        // Somebody looks at the hold in between.
        w.holds.renew(&ACME, hold.id, REVIEWER, w.days(50)).await.unwrap();
        let entry = Entry::new("request.due", w.vault.clock().now()).with("request", REQUEST);
        let batch = w.vault.batch().unwrap().ops(ops).audit(entry);
        let error = w.vault.commit(&ACME, batch).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Conflict);
    }
}

#[tokio::test]
async fn a_stale_claim_ends_nothing() {
    let w = World::new().await;
    let hold = w.holds.place(&ACME, w.ada, &w.placing(Covers::All, 100)).await.unwrap();
    w.clock.advance(DAY * 70);
    let stale = w.claim(&bailee_rights::hold::Holds::tasks()).await.remove(0);
    w.clock.advance(DAY);
    assert_eq!(w.settle().await.len(), 1);
    assert_eq!(w.holds.do_due(&stale).await.unwrap_err().kind(), ErrorKind::Conflict);
    assert!(w.holds.of_subject(&ACME, w.ada).await.unwrap()[0].stands(w.days(0)));
    assert_eq!(w.holds.of_subject(&ACME, w.ada).await.unwrap()[0].id, hold.id);
}
