//! Entries reach the anchor, and nobody else's do.

use std::sync::{Arc, atomic::AtomicBool, atomic::Ordering};

use bailee_core::ErrorKind;
use bailee_rights::erased::{Checked, ErasureAnchor, FileAnchor, conformance};

use crate::world::{ACME, Away, BACKUPS, DAY, GLOBEX, World, person};

#[tokio::test]
async fn the_anchor_in_a_file_passes_the_suite() {
    let w = World::new();
    let open = || FileAnchor::open(w.anchor_file()).unwrap();
    conformance::check(open(), open).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_who_write_at_once_lose_nothing() {
    let w = World::new();
    let (path, barrier) = (w.anchor_file(), Arc::new(tokio::sync::Barrier::new(8)));
    let writers: Vec<_> = (0..8_u8)
        .map(|writer| {
            let (path, barrier) = (path.clone(), Arc::clone(&barrier));
            tokio::spawn(async move {
                let anchor = FileAnchor::open(path).unwrap();
                barrier.wait().await;
                for n in 0..20 {
                    anchor.append(&[writer, n]).await.unwrap();
                    if n == 10 && writer == 0 {
                        anchor.forget(&[]).await.unwrap();
                    }
                }
            })
        })
        .collect();
    for writer in writers {
        writer.await.unwrap();
    }
    let mut found: Vec<_> = w.anchor().entries(0, 1000).await.unwrap();
    assert!(found.iter().map(|one| one.place).eq(1..=160));
    found.sort_by(|a, b| a.entry.cmp(&b.entry));
    found.dedup_by(|a, b| a.entry == b.entry);
    assert_eq!(found.len(), 160);
}

#[tokio::test]
async fn r3_an_erasure_is_in_the_anchor_soon_after_it_and_names_nobody_there() {
    let w = World::new();
    let process = w.process(w.memory()).await;
    let anchor = Arc::new(Away { inner: w.anchor(), away: AtomicBool::new(true) });
    let other = w.process_with(process.store.clone(), anchor.clone()).await;
    process.vault.ensure_subject(&ACME, &person("ada")).await.unwrap();
    let ada = process.erase(&ACME, "ada").await;
    // The anchor is away: the entry waits and is not lost.
    other.settle().await;
    assert_eq!(process.erasures.unanchored(&ACME).await.unwrap(), 1);
    w.clock.advance(DAY);
    anchor.away.store(false, Ordering::SeqCst);
    other.settle().await;
    assert_eq!(process.erasures.unanchored(&ACME).await.unwrap(), 0);
    let text = std::fs::read_to_string(w.anchor_file()).unwrap();
    assert_eq!(text.lines().count(), 2);
    assert!(!text.contains("canary") && text.contains(&ada.to_string()));
    assert_eq!(process.erasures.check().await.unwrap(), Checked::Whole);
    for logged in process.entries(&ACME).await {
        assert!(bailee_audit::check(&logged.entry).is_ok(), "{:?}", logged.entry);
        assert!(!format!("{:?}", logged.entry).contains("canary"));
    }
}

#[tokio::test]
async fn a_ledger_that_gets_its_anchor_later_takes_everything_there() {
    let w = World::new();
    let store = w.memory();
    let vault = w.vault(store.clone()).await;
    let erasures = bailee_rights::erased::Erasures::builder(vault.clone(), BACKUPS).build();
    assert_eq!(erasures.check().await.unwrap(), Checked::NoAnchor);
    assert!(!erasures.is_behind());
    let bare = crate::world::Process { store: store.clone(), vault, erasures, file: None };
    for name in ["ada", "bob"] {
        bare.vault.ensure_subject(&ACME, &person(name)).await.unwrap();
        bare.erase(&ACME, name).await;
    }
    let process = w.process(store).await;
    assert!(process.erasures.is_behind(), "nobody looked yet");
    process.settle().await;
    assert_eq!(process.erasures.unanchored(&ACME).await.unwrap(), 2);
    assert_eq!(process.erasures.anchor_open(&ACME).await.unwrap(), 2);
    process.settle().await;
    assert_eq!(process.erasures.unanchored(&ACME).await.unwrap(), 0);
    assert_eq!(w.anchor().entries(0, 10).await.unwrap().len(), 2);
    assert_eq!(process.erasures.check().await.unwrap(), Checked::Whole);
    assert!(!process.erasures.is_behind());
}

#[tokio::test]
async fn an_entry_that_these_keys_did_not_write_is_believed_by_nobody() {
    let w = World::new();
    let process = w.process(w.memory()).await;
    process.vault.ensure_subject(&ACME, &person("ada")).await.unwrap();
    process.erase(&ACME, "ada").await;
    process.settle().await;
    let good = w.anchor().entries(0, 1).await.unwrap().remove(0).entry;
    for at in 0..good.len() {
        let mut changed = good.clone();
        changed[at] ^= 1;
        let file = w.folder.path().join(format!("changed-{at}"));
        let anchor = Arc::new(FileAnchor::open(file).unwrap());
        anchor.append(&changed).await.unwrap();
        let other = w.process_with(process.store.clone(), anchor).await;
        let error = other.erasures.check().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unopenable, "{at}");
        assert!(other.erasures.is_behind(), "nothing is served");
    }
    // Another deployment's anchor.
    let stranger = World::new();
    let other = stranger.process_with(stranger.memory(), w.anchor()).await;
    assert_eq!(other.erasures.check().await.unwrap_err().kind(), ErrorKind::Unopenable);
    assert!(other.erasures.is_behind());
}

#[tokio::test]
async fn an_anchor_that_is_away_says_nothing_and_nothing_is_served() {
    let w = World::new();
    let anchor = Arc::new(Away { inner: w.anchor(), away: AtomicBool::new(true) });
    let process = w.process_with(w.memory(), anchor.clone()).await;
    let error = process.erasures.check().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::HostFailed);
    assert!(!format!("{error:?}").contains("canary"));
    assert!(process.erasures.is_behind());
    anchor.away.store(false, Ordering::SeqCst);
    assert_eq!(process.erasures.check().await.unwrap(), Checked::Whole);
    assert!(!process.erasures.is_behind());
}

#[tokio::test]
async fn r3_an_erasure_is_remembered_as_long_as_backups_live_and_no_longer() {
    let w = World::new();
    let process = w.process(w.memory()).await;
    for (tenant, name) in [(ACME, "ada"), (GLOBEX, "bob")] {
        process.vault.ensure_subject(&tenant, &person(name)).await.unwrap();
        process.erase(&tenant, name).await;
        process.settle().await;
        w.clock.advance(DAY * 60);
    }
    process.erasures.check().await.unwrap();
    let known = async |tenant, name| {
        process.erasures.known(&tenant, &[person(name)]).await.unwrap().remove(0).is_some()
    };
    assert!(!known(ACME, "ada").await && known(GLOBEX, "bob").await);
    assert_eq!(process.erasures.tidy().await.unwrap(), 1);
    assert_eq!(w.anchor().entries(0, 10).await.unwrap().len(), 1);
    // What is over in the anchor asks for nothing.
    let empty = w.process(process.store.clone()).await;
    w.clock.advance(DAY * 60);
    assert_eq!(empty.erasures.check().await.unwrap(), Checked::Whole);
    assert_eq!(process.store.sweep(100).await.unwrap(), 2);
}
