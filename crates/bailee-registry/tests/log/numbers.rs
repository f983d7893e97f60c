//! Numbering: each entry once, in one order, by whoever is first.

use std::{sync::Arc, time::Duration};

use bailee_core::ErrorKind;
use bailee_store::Log as _;
use tokio::sync::Barrier;

use super::desk::{ACME, Desk, GLOBEX};

#[tokio::test]
async fn entries_of_every_tenant_are_numbered_oldest_first_and_no_more_than_asked_for() {
    let desk = Desk::new().await;
    let before = desk.number_all().await;
    for tenant in [&GLOBEX, &ACME, &GLOBEX] {
        desk.advance(1);
        desk.write(tenant, 2).await;
    }
    desk.advance(1);
    let numbered = desk.log.number(4).await.unwrap();
    assert_eq!((numbered.count, numbered.size, numbered.more), (4, before + 4, true));
    assert_eq!(numbered.waited, Duration::from_secs(3));
    let numbered = desk.log.number(4).await.unwrap();
    assert_eq!((numbered.count, numbered.size, numbered.more), (2, before + 6, false));
    assert_eq!(numbered.waited, Duration::from_secs(1));
    let numbered = desk.log.number(4).await.unwrap();
    assert_eq!((numbered.count, numbered.size, numbered.more), (0, before + 6, false));
    let tenants: Vec<_> =
        desk.leaves().await.into_iter().skip(before as usize).map(|leaf| leaf.tenant).collect();
    assert_eq!(tenants, [GLOBEX, GLOBEX, ACME, ACME, GLOBEX, GLOBEX]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn aud_02_many_processes_number_and_sign_at_once_and_each_entry_has_one_number() {
    let desk = Arc::new(Desk::new().await);
    let barrier = Arc::new(Barrier::new(8));
    let mut tasks = Vec::new();
    for n in 0..8 {
        let (log, desk, barrier) = (desk.another().await, Arc::clone(&desk), Arc::clone(&barrier));
        tasks.push(tokio::spawn(async move {
            barrier.wait().await;
            for _ in 0..20 {
                desk.write(&if n % 2 == 0 { ACME } else { GLOBEX }, 5).await;
                // Others may be faster, again and again; nothing else may happen.
                let mut results = vec![log.number(50).await.map(|_| ())];
                results.push(log.checkpoint().await.map(|_| ()));
                for error in results.into_iter().filter_map(Result::err) {
                    assert_eq!(error.kind(), ErrorKind::Conflict, "{error:?}");
                }
            }
        }));
    }
    for task in tasks {
        task.await.unwrap();
    }
    let size = desk.number_all().await;
    let leaves = desk.leaves().await;
    assert_eq!(leaves.len() as u64, size);
    let mut places: Vec<_> =
        leaves.iter().map(|leaf| (leaf.tenant.clone(), leaf.batch, leaf.n)).collect();
    places.sort();
    places.dedup();
    assert_eq!(places.len(), leaves.len());
    assert!(leaves.len() >= 800);
    assert!(desk.store.open(10).await.unwrap().1.is_empty());
    let checkpoint = desk.log.checkpoint().await.unwrap().checkpoint;
    let hashes: Vec<_> = leaves.iter().map(|leaf| leaf.hash).collect();
    assert_eq!(checkpoint.root, bailee_audit::tree::root(&hashes[..checkpoint.size as usize]));
    let verified = desk.log.verify(0..checkpoint.size).await.unwrap();
    assert_eq!(verified.findings, []);
}

#[tokio::test]
async fn a_numbering_that_failed_has_numbered_nothing_and_is_done_by_the_next() {
    let desk = Desk::new().await;
    let before = desk.number_all().await;
    desk.write(&ACME, 3).await;
    desk.store.fail_folds(1);
    let error = desk.log.number(10).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::StoreUnavailable);
    assert_eq!(desk.leaves().await.len() as u64, before);
    assert_eq!(desk.another().await.number(10).await.unwrap().count, 3);
}

#[tokio::test]
async fn aud_02_what_was_numbered_by_a_process_that_ended_is_signed_by_the_next() {
    let desk = Desk::new().await;
    desk.log.checkpoint().await.unwrap();
    desk.write(&ACME, 300).await;
    desk.number_all().await;
    // Whoever numbered them ended here.
    let other = desk.another().await;
    let checkpointed = other.checkpoint().await.unwrap();
    assert!(checkpointed.new && !checkpointed.more);
    assert_eq!(checkpointed.checkpoint.size, desk.leaves().await.len() as u64);
    assert_eq!(desk.log.last_checkpoint().await.unwrap(), checkpointed.signed);
}
