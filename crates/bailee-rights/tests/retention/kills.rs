//! Processes that die at any of their commits.

use crate::world::{ACME, DAY, GLOBEX, World};

/// A process dies at its n-th commit. Another one goes on when its claims are over. Says whether the
/// first one died at all.
async fn killed_at(commit: i64, happens: bool) -> bool {
    let w = World::new().await;
    for tenant in [&ACME, &GLOBEX] {
        for days in [31, 32, 33] {
            w.row(tenant, "ada", "visits", days);
        }
        w.row(tenant, "ada", "visits", 5);
        w.row(tenant, "bob", "drafts", 200);
    }
    let first = w.mortal(commit, happens).await;
    let begun = first.retention.begin().await;
    first.settle().await;
    let died = first.step().await.is_err();
    let next = w.process().await;
    if begun.is_err() {
        next.retention.begin().await.unwrap();
    }
    next.settle().await;
    w.clock.advance(DAY / 100);
    next.settle().await;
    let at = format!("{commit} {happens}");
    assert_eq!(w.left(), ["acme/ada/visits/5", "globex/ada/visits/5"], "{at}");
    for tenant in [&ACME, &GLOBEX] {
        let state = next.retention.state(tenant).await.unwrap().unwrap();
        assert!(state.ended.is_some() && state.whole.is_some(), "{at}: {state:?}");
        let sweeps = next.retention.sweeps(tenant, None, 10).await.unwrap();
        assert_eq!(sweeps.len(), 2, "{at}");
        for sweep in sweeps {
            let expected = if sweep.table == "visits" { 3 } else { 1 };
            assert_eq!((sweep.found, sweep.left), (expected, Some(0)), "{at}");
            let changed: u64 = sweep.changed.values().sum();
            assert!(changed == expected || sweep.interrupted, "{at}: {sweep:?}");
            assert!(changed <= expected && !sweep.failed, "{at}: {sweep:?}");
        }
    }
    died
}

#[tokio::test]
async fn r11_a_process_may_die_at_any_commit_and_the_evidence_is_true() {
    for happens in [false, true] {
        let mut commit = 1;
        while killed_at(commit, happens).await {
            commit += 1;
        }
        // The beginning, two tenants and the round over them; in each: two tables that are begun, one
        // step of one and two of the other, and the end of the look.
        assert_eq!(commit - 1, 1 + 2 + 1 + 2 * (2 + 1 + 2 + 1));
    }
}
