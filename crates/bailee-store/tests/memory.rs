//! The memory store passes the suite, and the suite has a test of each of its sentences.

use std::{collections::BTreeSet, sync::Arc};

use async_trait::async_trait;
use bailee_core::ManualClock;
use bailee_store::{
    MemoryStore, Store,
    conformance::{Harness, SENTENCES},
};

#[derive(Default)]
struct Memory(ManualClock);

#[async_trait]
impl Harness for Memory {
    fn clock(&self) -> &ManualClock {
        &self.0
    }

    async fn store(&self) -> Arc<dyn Store> {
        Arc::new(MemoryStore::new(Arc::new(self.0.clone())))
    }

    async fn reopen(&self, store: Arc<dyn Store>) -> Arc<dyn Store> {
        store
    }
}

mod each {
    use super::Memory;

    bailee_store::conformance_tests!(Memory::default());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_suite_runs_as_a_whole() {
    bailee_store::conformance::run_all(&Memory::default()).await;
}

#[test]
fn sto_01_no_sentence_is_left_out_of_the_suite() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/conformance");
    let mut written = BTreeSet::new();
    for file in std::fs::read_dir(folder).unwrap() {
        let path = file.unwrap().path();
        let module = path.file_stem().unwrap().to_str().unwrap().to_owned();
        for line in std::fs::read_to_string(&path).unwrap().lines() {
            if let Some(rest) = line.strip_prefix("pub async fn ")
                && module != "mod"
            {
                written.insert(format!("{module}::{}", rest.split('(').next().unwrap()));
            }
        }
    }
    let listed: BTreeSet<String> = SENTENCES.iter().map(|&name| name.to_owned()).collect();
    assert_eq!(listed.len(), SENTENCES.len());
    assert_eq!(listed, written);
    assert!(listed.len() > 70, "{}", listed.len());
}
