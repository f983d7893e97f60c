//! A file of SQLite, copied before the erasure and put in its place again.

use std::{path::Path, sync::Arc};

use bailee::{SqliteStore, core::Clock};
use bailee_testkit::Storage;
use bailee_tests::world;

use crate::Service;

async fn open(path: &Path, clock: &bailee::core::ManualClock) -> Arc<SqliteStore> {
    let clock: Arc<dyn Clock> = Arc::new(clock.clone());
    Arc::new(SqliteStore::builder(path).clock(clock).open().await.unwrap())
}

/// Copies a database in which nobody writes, with what lies beside it.
fn copy(from: &Path, to: &Path) {
    for beside in ["", "-wal"] {
        let name = |path: &Path| {
            let mut name = path.as_os_str().to_owned();
            name.push(beside);
            std::path::PathBuf::from(name)
        };
        if name(from).exists() {
            std::fs::copy(name(from), name(to)).unwrap();
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn r3_a_file_that_was_copied_before_an_erasure_brings_nobody_back() {
    let folder = tempfile::tempdir().unwrap();
    let builder = world();
    let clock = builder.clock().clone();
    let path = folder.path().join("vault.db");
    let store = open(&path, &clock).await;
    let w = builder.storage(Storage::Given(store.clone())).build().await.unwrap();
    let service = Service::begin(w, folder.path()).await;
    let bailee = service.process(service.w.store().clone()).build().await.unwrap();
    let backup = folder.path().join("backup.db");
    // From here on nothing is moved from the log into the file.
    assert!(store.checkpoint().await.unwrap());
    copy(&path, &backup);
    let ada = service.erase_ada(&bailee).await;
    service.is_put_back(open(&backup, &clock).await, ada).await;
}
