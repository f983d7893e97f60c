//! Processes that die at any of their commits, and two that work at once.

use std::{sync::Arc, time::Duration};

use bailee_core::{ManualClock, SystemClock};
use bailee_sqlite::SqliteStore;
use bailee_store::{MemoryStore, Store};

use crate::world::{EFFECTIVE, OPERATOR, TENANTS, World, change};

/// A process dies at its n-th commit. Another one goes on when its claims are over. Says whether the
/// first one died at all.
async fn killed_at(commit: i64, happens: bool) -> bool {
    let clock = ManualClock::default();
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new(Arc::new(clock.clone())));
    let world = World::over(store, clock, 3).await;
    let first = world.mortal(commit, happens).await;
    let announced = first.notices.announce(OPERATOR, &change(), EFFECTIVE).await;
    first.settle().await;
    let died = first.step(1).await.is_err();
    let next = world.process().await;
    if announced.is_err() {
        // Whoever announced it does not know whether it is, and does it again.
        next.notices.announce(OPERATOR, &change(), EFFECTIVE).await.unwrap();
    }
    next.settle().await;
    world.clock.advance(Duration::from_secs(100));
    next.settle().await;
    assert_eq!(world.reached(), world.concerned(), "{commit} {happens}");
    let id = bailee_core::Id::derive(&[
        b"announcement",
        &change().before().version(),
        &change().after().version(),
    ]);
    for tenant in &TENANTS {
        let progress = next.notices.progress(tenant, id).await.unwrap();
        assert!(progress.done, "{commit} {happens}");
        let counted = (progress.told, progress.others, progress.sent, progress.waiting);
        assert_eq!(counted, (2, 1, 2, 0), "{commit} {happens}: {progress:?}");
    }
    died
}

#[tokio::test]
async fn g5_a_process_may_die_at_any_commit_and_all_are_told_once() {
    for happens in [false, true] {
        let mut commit = 1;
        while killed_at(commit, happens).await {
            commit += 1;
        }
        // The announcement, the three tenants and their page, what carried it to them, six messages.
        assert_eq!(commit - 1, 1 + 3 + 1 + 3 + 6);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn g5_two_processes_over_one_file_tell_everybody_once() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("vault.db");
    // The file's clock is the machine's: the world's own stands still beside it.
    let store: Arc<dyn Store> = Arc::new(SqliteStore::open(&path).await.unwrap());
    let now = bailee_core::Clock::now(&SystemClock);
    let mut world = World::over(store, ManualClock::at(now), 30).await;
    let first = world.process().await;
    world.store = Arc::new(SqliteStore::open(&path).await.unwrap());
    let second = world.process().await;
    let announced = first.notices.announce(OPERATOR, &change(), EFFECTIVE).await.unwrap();
    let until_done = async |process: &crate::world::Process| {
        loop {
            process.step(4).await.unwrap();
            let mut left = 0;
            for tenant in &TENANTS {
                let progress = process.notices.progress(tenant, announced.id).await.unwrap();
                left += progress.waiting + u64::from(!progress.done);
            }
            if left == 0 {
                break;
            }
            tokio::task::yield_now().await;
        }
    };
    tokio::join!(until_done(&first), until_done(&second));
    assert_eq!(world.reached(), world.concerned());
    assert_eq!(world.mailbox.asked(), 45, "each once, by one of them");
}
