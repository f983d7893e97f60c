//! What somebody does who can write to the database, and who finds it.

use bailee_core::{ErrorKind, Id};
use bailee_registry::{EntryPlace, Finding, LogFault, kind};
use bailee_store::Key;

use super::desk::{ACME, Desk, GLOBEX, fault};

async fn signed() -> Desk {
    let desk = Desk::new().await;
    desk.write(&ACME, 300).await;
    desk.advance(1);
    desk.write(&GLOBEX, 300).await;
    desk.number_all().await;
    desk.log.checkpoint().await.unwrap();
    desk
}

#[tokio::test]
async fn aud_02_an_untouched_log_is_as_it_was_signed() {
    let desk = signed().await;
    let verified = desk.another().await.verify(0..u64::MAX).await.unwrap();
    assert_eq!(verified.findings, []);
    assert_eq!(verified.leaves, 0..verified.size);
    assert_eq!(verified.size, desk.leaves().await.len() as u64);
    assert_eq!(desk.log.verify(250..270).await.unwrap().leaves, 250..270);
    assert_eq!(desk.log.verify(9..9).await.unwrap().leaves, 9..9);
}

#[tokio::test]
async fn aud_02_deleted_changed_and_replaced_entries_are_found_by_their_numbers() {
    let desk = signed().await;
    let leaves = desk.leaves().await;
    desk.store.delete(leaves[40].hash);
    desk.store.change(leaves[100].hash, false);
    desk.store.change(leaves[400].hash, true);
    let last = leaves.len() - 1;
    desk.store.delete(leaves[last].hash);
    let verified = desk.log.verify(0..u64::MAX).await.unwrap();
    assert_eq!(
        verified.findings,
        [
            Finding::Missing { leaf: 40 },
            Finding::Changed { leaf: 100, tenant: ACME },
            Finding::Replaced { leaf: 400, tenant: GLOBEX },
            Finding::Missing { leaf: last as u64 },
        ]
    );
    let place = |n: usize| EntryPlace {
        tenant: leaves[n].tenant.clone(),
        at: leaves[n].at,
        batch: leaves[n].batch,
        n: leaves[n].n,
    };
    for n in [100, 400] {
        assert_eq!(fault(desk.log.prove(&place(n)).await), LogFault::Tree);
    }
    let gone = desk.log.prove(&place(40)).await.unwrap_err();
    assert_eq!(gone.kind(), ErrorKind::NotFound);
}

#[tokio::test]
async fn aud_02_nothing_is_signed_over_a_numbered_entry_that_is_gone() {
    let desk = signed().await;
    let before = desk.log.last_checkpoint().await.unwrap();
    desk.write(&ACME, 10).await;
    let size = desk.number_all().await;
    let leaves = desk.leaves().await;
    for n in [size - 4, size - 1] {
        desk.store.delete(leaves[n as usize].hash);
        let fault = fault(desk.log.checkpoint().await);
        assert_eq!(fault, LogFault::Missing(size - 4));
    }
    assert_eq!(desk.log.last_checkpoint().await.unwrap(), before);
}

#[tokio::test]
async fn aud_02_an_old_tree_in_the_place_of_the_new_one_is_found() {
    let desk = signed().await;
    let keys = [Key::new(kind::LOG_TREE, Id::ZERO)];
    let old = desk.store.copy(&keys).await;
    desk.write(&ACME, 10).await;
    desk.number_all().await;
    let kept = desk.log.checkpoint().await.unwrap().signed;
    assert!(desk.log.follows(&kept).await.is_ok());

    desk.store.put_back(old);
    // The process that signed the new one remembers it.
    assert_eq!(fault(desk.log.checkpoint().await), LogFault::RolledBack);
    assert_eq!(fault(desk.log.verify(0..10).await), LogFault::RolledBack);
    // Another one needs what was kept elsewhere.
    let other = desk.another().await;
    assert_eq!(fault(other.follows(&kept).await), LogFault::RolledBack);
    // With no tree at all it is the same.
    desk.store.put_back(keys.into_iter().map(|key| (key, None)).collect());
    assert_eq!(fault(desk.log.checkpoint().await), LogFault::RolledBack);
    assert_eq!(fault(desk.another().await.follows(&kept).await), LogFault::RolledBack);
}

#[tokio::test]
async fn a_text_that_is_no_checkpoint_of_this_log_is_no_anchor() {
    let (desk, other) = (signed().await, signed().await);
    let foreign = other.log.last_checkpoint().await.unwrap();
    let error = desk.log.follows(&foreign).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
}
