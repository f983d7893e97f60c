//! The suite on real files, in each way in which a store can be opened.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{
    path::PathBuf,
    sync::{Arc, Mutex},
};

use async_trait::async_trait;
use bailee_core::ManualClock;
use bailee_sqlite::SqliteStore;
use bailee_store::{Store, conformance::Harness};
use tempfile::TempDir;

struct Files {
    clock: ManualClock,
    inline: bool,
    folder: TempDir,
    /// Where each store that was made lies.
    stores: Mutex<Vec<(Arc<dyn Store>, PathBuf)>>,
}

impl Files {
    fn new(inline: bool) -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self { clock: ManualClock::default(), inline, folder, stores: Mutex::default() }
    }

    async fn open(&self, path: PathBuf) -> Arc<dyn Store> {
        let store = SqliteStore::builder(&path)
            .clock(Arc::new(self.clock.clone()))
            .inline_reads(self.inline)
            .readers(2)
            .open()
            .await
            .unwrap();
        let store: Arc<dyn Store> = Arc::new(store);
        self.stores.lock().unwrap().push((Arc::clone(&store), path));
        store
    }
}

#[async_trait]
impl Harness for Files {
    fn clock(&self) -> &ManualClock {
        &self.clock
    }

    async fn store(&self) -> Arc<dyn Store> {
        let number = self.stores.lock().unwrap().len();
        self.open(self.folder.path().join(format!("{number}.db"))).await
    }

    async fn reopen(&self, store: Arc<dyn Store>) -> Arc<dyn Store> {
        let path = {
            let stores = self.stores.lock().unwrap();
            let known = stores.iter().find(|(known, _)| Arc::ptr_eq(known, &store));
            known.map(|(_, path)| path.clone()).unwrap()
        };
        self.open(path).await
    }
}

mod inline {
    use super::Files;

    bailee_store::conformance_tests!(Files::new(true));
}

mod threads {
    use super::Files;

    bailee_store::conformance_tests!(Files::new(false));
}
