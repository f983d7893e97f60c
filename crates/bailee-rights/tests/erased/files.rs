//! SQLite files that are copied and put back, as backups are.

use std::{path::Path, sync::Arc};

use bailee_core::ErrorKind;
use bailee_rights::erased::Checked;
use bailee_sqlite::SqliteStore;
use bailee_store::Store;
use bailee_vault::{Holder, RootKeys, Vault};

use crate::world::{ACME, BACKUPS, Eraser, Process, World, copy, person};

/// A process over a file.
pub(crate) async fn on_file(w: &World, path: &Path) -> Process {
    let file = Arc::new(SqliteStore::open(path).await.unwrap());
    Process { file: Some(file.clone()), ..w.process(file).await }
}

/// Closes a database, so that its file can be copied.
pub(crate) async fn close(process: Process) {
    let Process { store, vault, erasures, file } = process;
    drop((store, vault, erasures));
    let file = Arc::into_inner(file.unwrap()).expect("nobody else has it open");
    file.close().await;
}

#[tokio::test]
async fn r3_a_database_that_was_copied_before_an_erasure_and_put_back_keeps_nobody() {
    let w = World::new();
    let (path, backup) = (w.folder.path().join("vault.db"), w.folder.path().join("backup.db"));
    let process = on_file(&w, &path).await;
    process.erasures.check().await.unwrap();
    let ada = process.vault.ensure_subject(&ACME, &person("ada")).await.unwrap();
    process.vault.ensure_subject(&ACME, &person("bob")).await.unwrap();
    close(process).await;
    copy(&path, &backup);

    let process = on_file(&w, &path).await;
    assert_eq!(process.erasures.check().await.unwrap(), Checked::Whole);
    process.erase(&ACME, "ada").await;
    process.settle().await;
    assert!(!process.lives(&ACME, ada).await);
    close(process).await;

    // The disk is lost and the backup is put back.
    copy(&backup, &path);
    let process = on_file(&w, &path).await;
    assert!(process.lives(&ACME, ada).await, "the backup brought her back");
    assert_eq!(process.erasures.check().await.unwrap(), Checked::Behind(1));
    assert!(process.erasures.is_behind());
    let replayed = process.erasures.replay(&Eraser::of(&process)).await.unwrap();
    assert_eq!((replayed.done, replayed.erased, replayed.left), (1, 1, 0));
    assert!(!process.lives(&ACME, ada).await);
    close(process).await;

    // She stays erased, and it holds when the process starts again.
    let process = on_file(&w, &path).await;
    assert_eq!(process.erasures.check().await.unwrap(), Checked::Whole);
    assert!(!process.lives(&ACME, ada).await);
    let erased = process.erasures.was_erased(&ACME, &[person("ada"), person("bob")]).await;
    assert_eq!(erased.unwrap(), [person("ada")]);
    // And once more, from the same old backup.
    close(process).await;
    copy(&backup, &path);
    let process = on_file(&w, &path).await;
    assert_eq!(process.erasures.check().await.unwrap(), Checked::Behind(1));
}

#[tokio::test]
async fn r3_keys_that_were_not_put_back_with_the_data_stay_destroyed() {
    let w = World::new();
    let (data, backup) = (w.folder.path().join("data.db"), w.folder.path().join("backup.db"));
    let keys = SqliteStore::open(w.folder.path().join("keys.db")).await.unwrap();
    let keys: Arc<dyn Store> = Arc::new(keys);
    let root = RootKeys::generate(&bailee_core::SystemRandom).unwrap();
    let root = root.expose(|text| String::from_utf8(text.to_vec()).unwrap());
    let process = async || {
        let file = Arc::new(SqliteStore::open(&data).await.unwrap());
        let store: Arc<dyn Store> = file.clone();
        let vault = Vault::builder(store.clone(), RootKeys::base64(&root).unwrap())
            .clock(Arc::new(w.clock.clone()))
            .keys_in(keys.clone())
            .open()
            .await
            .unwrap();
        let erasures = bailee_rights::erased::Erasures::builder(vault.clone(), BACKUPS)
            .anchor(w.anchor())
            .build();
        Process { store, vault, erasures, file: Some(file) }
    };
    let first = process().await;
    first.erasures.check().await.unwrap();
    let ada = first.vault.ensure_subject(&ACME, &person("ada")).await.unwrap();
    close(first).await;
    copy(&data, &backup);
    let second = process().await;
    second.erasures.check().await.unwrap();
    second.erase(&ACME, "ada").await;
    second.settle().await;
    close(second).await;
    copy(&backup, &data);

    let third = process().await;
    let read = third.vault.read(&ACME, Holder::Subject(ada), &[]).await;
    assert_eq!(read.unwrap_err().kind(), ErrorKind::KeyMissing);
    assert_eq!(third.erasures.check().await.unwrap(), Checked::Behind(1));
    let replayed = third.erasures.replay(&Eraser::of(&third)).await.unwrap();
    assert_eq!((replayed.erased, replayed.left), (1, 0));
    assert!(!third.lives(&ACME, ada).await);
    assert_eq!(third.erasures.check().await.unwrap(), Checked::Whole);
}
