//! The tree: signed heads, proofs, growth.

use bailee_audit::{Keyring, tree};
use bailee_core::{BatchId, ErrorKind, Id};
use bailee_registry::EntryPlace;
use bailee_store::Log as _;

use super::desk::{ACME, Desk, GLOBEX, name};

fn place(leaf: &bailee_store::Leaf) -> EntryPlace {
    EntryPlace { tenant: leaf.tenant.clone(), at: leaf.at, batch: leaf.batch, n: leaf.n }
}

#[tokio::test]
async fn aud_02_a_checkpoint_is_the_signed_head_of_all_numbered_entries() {
    let desk = Desk::new().await;
    desk.advance(60);
    let made = desk.log.checkpoint().await.unwrap();
    assert!(made.new);
    let key = desk.log.keys().await.unwrap().remove(0).key;
    let checkpoint = made.signed.verify(&name(), &Keyring::from(key)).unwrap();
    assert_eq!(checkpoint, made.checkpoint);
    let hashes: Vec<_> = desk.leaves().await.iter().map(|leaf| leaf.hash).collect();
    assert_eq!((checkpoint.size, checkpoint.root), (hashes.len() as u64, tree::root(&hashes)));
}

#[tokio::test]
async fn nothing_is_signed_where_nothing_but_the_last_checkpoint_came_to_the_log() {
    let desk = Desk::new().await;
    let first = desk.log.checkpoint().await.unwrap();
    for _ in 0..3 {
        desk.number_all().await;
        let again = desk.log.checkpoint().await.unwrap();
        assert!(!again.new);
        assert_eq!(again.signed, first.signed);
    }
    desk.write(&ACME, 1).await;
    assert!(!desk.log.checkpoint().await.unwrap().new, "it has no number yet");
    desk.number_all().await;
    let second = desk.log.checkpoint().await.unwrap();
    assert!(second.new);
    assert_eq!(second.checkpoint.size, first.checkpoint.size + 2);
}

#[tokio::test]
async fn each_signed_entry_is_proven_however_the_tree_grew() {
    let desk = Desk::new().await;
    for step in [1, 200, 60, 700, 1000, 90] {
        desk.write(&if step % 3 == 0 { ACME } else { GLOBEX }, step).await;
        desk.number_all().await;
        desk.log.checkpoint().await.unwrap();
    }
    let leaves = desk.leaves().await;
    let size = desk.log.checkpoint().await.unwrap().checkpoint.size;
    assert!(size > 2048, "{size}");
    for n in (0..size).step_by(97).chain([255, 256, 257, 511, 512, size - 1]) {
        let leaf = &leaves[n as usize];
        let proven = desk.log.prove(&place(leaf)).await.unwrap().unwrap();
        assert_eq!((proven.proof.leaf, proven.proof.size), (n, size));
        assert_eq!(proven.entry, leaf.hash);
        proven.proof.verify(&leaf.hash, &proven.checkpoint.root).unwrap();
    }
}

#[tokio::test]
async fn an_entry_is_proven_only_when_it_is_signed_and_to_its_tenant_alone() {
    let desk = Desk::new().await;
    desk.log.checkpoint().await.unwrap();
    desk.write(&ACME, 1).await;
    let open = desk.store.open(10).await.unwrap().1;
    let leaf = open.iter().find(|leaf| leaf.tenant == ACME).unwrap();
    assert_eq!(desk.log.prove(&place(leaf)).await.unwrap(), None);
    desk.number_all().await;
    assert_eq!(desk.log.prove(&place(leaf)).await.unwrap(), None);
    desk.log.checkpoint().await.unwrap();
    assert!(desk.log.prove(&place(leaf)).await.unwrap().is_some());
    for foreign in [
        EntryPlace { tenant: GLOBEX, ..place(leaf) },
        EntryPlace { n: 9, ..place(leaf) },
        EntryPlace { batch: BatchId::from_id(Id::ZERO), ..place(leaf) },
    ] {
        assert_eq!(desk.log.prove(&foreign).await.unwrap_err().kind(), ErrorKind::NotFound);
    }
}

#[tokio::test]
async fn aud_02_a_log_follows_every_checkpoint_that_it_signed() {
    let desk = Desk::new().await;
    let mut kept = Vec::new();
    for count in [1, 250, 3, 900, 17] {
        desk.write(&ACME, count).await;
        desk.number_all().await;
        kept.push(desk.log.checkpoint().await.unwrap());
    }
    let last = kept.last().unwrap().checkpoint.clone();
    for one in &kept {
        let proof = desk.another().await.follows(&one.signed).await.unwrap();
        assert_eq!((proof.old, proof.new), (one.checkpoint.size, last.size));
        proof.verify(&one.checkpoint.root, &last.root).unwrap();
    }
}

#[tokio::test]
async fn a_large_log_is_signed_in_pieces() {
    let desk = Desk::new().await;
    for _ in 0..20 {
        desk.write(&ACME, 1000).await;
    }
    let size = desk.number_all().await;
    let first = desk.log.checkpoint().await.unwrap();
    assert_eq!((first.checkpoint.size, first.more), (16 * 1024, true));
    let second = desk.log.checkpoint().await.unwrap();
    assert_eq!((second.checkpoint.size, second.more), (size, false));
    assert_eq!(desk.log.verify(16_000..17_000).await.unwrap().findings, []);
}
