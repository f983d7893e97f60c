//! Resident memory over a million gated reads.

#![expect(clippy::print_stdout, reason = "a measurement prints its figures")]

use std::{fs, sync::Arc};

use bailee::{SqliteStore, providers::tiktok::CreatorInfo, store::Store};
use bailee_benches::{Meter, PUBLISH, Service, wanted};

const CONNECTIONS: usize = 10_000;
const CALLS: usize = 1_000_000;

fn main() {
    if !wanted() {
        return;
    }
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
    let folder = tempfile::tempdir().expect("a place for files");
    runtime.block_on(async {
        let store = SqliteStore::open(folder.path().join("vault").join("vault.db"));
        let store: Arc<dyn Store> = Arc::new(store.await.expect("a store on a file"));
        let mut service = Service::over(store).await.expect("a service");
        service.connect(CONNECTIONS).await;
        // Every connection once, so that each cache is as full as it gets.
        calls(&service, 0, CONNECTIONS).await;
        let begin = resident();
        println!("{CONNECTIONS} connections used once: {begin} KiB");
        let meter = Meter::start();
        let tenth = CALLS / 10;
        for n in 1..=10 {
            calls(&service, n * tenth, tenth).await;
            println!("after {:9} gated reads: {} KiB", n * tenth, resident());
        }
        let end = resident();
        let took = meter.stop();
        let grown = end.saturating_sub(begin);
        println!("grown by {grown} KiB in {:.0} s", took.elapsed.as_secs_f64());
    });
}

/// Calls, and what a worker does now and then: it writes what went to whom.
async fn calls(service: &Service, at: usize, calls: usize) {
    for n in at..at + calls {
        let (visitor, connection) = service.at_random(n);
        let acting = service.bailee.acting(visitor, &PUBLISH);
        acting.call(connection, &CreatorInfo).await.expect("a call");
    }
    service.bailee.worker().settle().await.expect("work is done");
}

/// The second field of proc_pid_statm(5), in pages of 4 KiB.
fn resident() -> u64 {
    let statm = fs::read_to_string("/proc/self/statm").expect("this is Linux");
    let pages = statm.split_whitespace().nth(1).and_then(|pages| pages.parse::<u64>().ok());
    pages.expect("a number of pages") * 4
}
