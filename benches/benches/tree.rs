//! The log's tree: growing it in memory, numbering and signing entries in a file, and proving single
//! ones.

#![expect(clippy::print_stdout, reason = "a measurement prints its figures")]
#![expect(clippy::disallowed_methods, reason = "a measurement reads the clock")]

use std::{sync::Arc, time::Instant};

use bailee::{
    RootKeys, SqliteStore, TenantId,
    audit::{LogName, tree},
    core::{SystemClock, audit::Entry},
    registry::{AuditLog, EntryPlace},
    store::{Log as _, Store},
    vault::Vault,
};
use bailee_benches::{median, wanted};

const LEAVES: usize = 1_000_000;
const PROOFS: u64 = 501;

fn main() {
    if !wanted() {
        return;
    }
    in_memory();
    let runtime = tokio::runtime::Builder::new_multi_thread().build().expect("a runtime");
    runtime.block_on(in_a_file());
}

fn in_memory() {
    let leaves: Vec<[u8; 32]> =
        (0..LEAVES as u64).map(|n| tree::leaf_hash(&n.to_be_bytes())).collect();
    let mut rounds = Vec::new();
    for _ in 0..5 {
        let begun = Instant::now();
        let root = tree::root(&leaves);
        rounds.push(begun.elapsed().as_secs_f64());
        assert_ne!(root, tree::empty_root());
    }
    let seconds = median(rounds);
    println!("growing a tree of {LEAVES}: {:.0} leaves a second", LEAVES as f64 / seconds);
}

async fn in_a_file() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("log").join("vault.db");
    let store = Arc::new(SqliteStore::open(&file).await.expect("a store"));
    let keys = RootKeys::base64("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=").expect("a key");
    let shared: Arc<dyn Store> = store.clone();
    let vault = Vault::builder(shared, keys).open().await.expect("a vault");
    let log = AuditLog::open(vault.clone(), LogName::new("bench/log").expect("a name"));
    let log = log.await.expect("a log");
    let tenant = TenantId::from_static("bench");
    let clock = SystemClock;
    let begun = Instant::now();
    for _ in 0..LEAVES / 1000 {
        let mut batch = vault.batch().expect("a batch");
        for _ in 0..1000 {
            batch = batch.audit(Entry::new("work.finished", bailee::core::Clock::now(&clock)));
        }
        vault.commit(&tenant, batch).await.expect("committed");
    }
    let wrote = begun.elapsed().as_secs_f64();

    let begun = Instant::now();
    let mut size;
    loop {
        let numbered = log.number(10_000).await.expect("numbered");
        size = numbered.size;
        if !numbered.more {
            break;
        }
    }
    let numbered = begun.elapsed().as_secs_f64();

    let begun = Instant::now();
    let mut checkpoints = 0;
    while log.checkpoint().await.expect("signed").more {
        checkpoints += 1;
    }
    let signed = begun.elapsed().as_secs_f64();
    let rate = |seconds: f64| size as f64 / seconds;
    println!("{size} entries in a file: {:.0} written a second", rate(wrote));
    println!("numbered: {:.0} a second", rate(numbered));
    println!("signed, in {} checkpoints: {:.0} a second", checkpoints + 1, rate(signed));

    let mut proofs = Vec::new();
    let mut checks = Vec::new();
    for n in 0..PROOFS {
        let number = n * (size / PROOFS);
        let (_, leaf) = store.numbered(number, 1).await.expect("read").remove(0);
        let place = EntryPlace { tenant: leaf.tenant, at: leaf.at, batch: leaf.batch, n: leaf.n };
        let begun = Instant::now();
        let proven = log.prove(&place).await.expect("a log").expect("in the tree");
        proofs.push(begun.elapsed().as_secs_f64());
        let begun = Instant::now();
        proven.proof.verify(&proven.entry, &proven.checkpoint.root).expect("proven");
        checks.push(begun.elapsed().as_secs_f64());
    }
    println!("a proof: {:.0} µs, checked in {:.1} µs", median(proofs) * 1e6, median(checks) * 1e6);

    let begun = Instant::now();
    let verified = log.verify(0..size / 10).await.expect("verified");
    assert!(verified.findings.is_empty());
    let seconds = begun.elapsed().as_secs_f64();
    println!("verified: {:.0} entries a second", (size / 10) as f64 / seconds);
}
