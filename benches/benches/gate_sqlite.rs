//! A gated read of one live credential on SQLite, beside a bare SELECT of the same row.

#![expect(clippy::print_stdout, reason = "a measurement prints its figures")]

use std::{hint::black_box, sync::Arc};

use bailee::{SqliteStore, core::CredentialName, providers::tiktok::CreatorInfo, store::Store};
use bailee_benches::{Look, Meter, PUBLISH, Service, median, wanted};
use rusqlite::{Connection, OpenFlags, params};

const CONNECTIONS: usize = 10_000;
const CALLS: usize = 30_000;
const ROUNDS: usize = 11;

fn main() {
    if !wanted() {
        return;
    }
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    let folder = tempfile::tempdir().expect("a place for files");
    let path = folder.path().join("vault").join("vault.db");
    // As it is by default, with the whole file in each reader's cache, or with it mapped.
    let said = |word: &str| std::env::args().any(|argument| argument == word);
    let builder = SqliteStore::builder(&path);
    let (how, builder) = if said("map") {
        ("mapped", builder.memory_map(1 << 30))
    } else if said("cache") {
        ("with 128 MiB of cache", builder.page_cache(128 << 20))
    } else {
        ("by default", builder)
    };
    let service = runtime.block_on(async {
        let store: Arc<dyn Store> = Arc::new(builder.open().await.expect("a store on a file"));
        let mut service = Service::over(store).await.expect("a service");
        service.connect(CONNECTIONS).await;
        // The first use of each plans its renewal; that is not what is measured.
        for (visitor, connection) in &service.connections {
            let acting = service.bailee.acting(visitor, &PUBLISH);
            acting.call(connection, &Look).await.expect("a call");
        }
        for _ in 0..CONNECTIONS {
            tokio::task::yield_now().await;
        }
        service
    });

    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let bare = Connection::open_with_flags(&path, flags).expect("the same file");
    let mut select = bare
        .prepare("SELECT body FROM bailee_record WHERE tenant = ?1 AND kind = ?2 AND id = ?3")
        .expect("a statement");
    let user = CredentialName::from_static("user");

    let mut at = 0;
    let (mut selects, mut gates, mut calls) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let meter = Meter::start();
        for n in at..at + CALLS {
            let (_, connection) = service.at_random(n);
            let id = connection.credential(&user);
            let place = params![connection.tenant().as_str(), "credential", id.as_bytes()];
            let body: Vec<u8> = select.query_row(place, |row| row.get(0)).expect("the row");
            black_box(body);
        }
        selects.push(meter.stop().processor_micros(CALLS));
        let meter = Meter::start();
        runtime.block_on(async {
            for n in at..at + CALLS {
                let (visitor, connection) = service.at_random(n);
                let acting = service.bailee.acting(visitor, &PUBLISH);
                acting.call(connection, &Look).await.expect("a call");
            }
        });
        gates.push(meter.stop().processor_micros(CALLS));
        let meter = Meter::start();
        runtime.block_on(async {
            for n in at..at + CALLS {
                let (visitor, connection) = service.at_random(n);
                let acting = service.bailee.acting(visitor, &PUBLISH);
                black_box(acting.call(connection, &CreatorInfo).await.expect("a call"));
            }
        });
        calls.push(meter.stop().processor_micros(CALLS));
        at += CALLS;
    }
    let (select, gate, call) = (median(selects), median(gates), median(calls));
    println!("processor time on SQLite {how}, {CONNECTIONS} connections in random order:");
    println!("  bare SELECT of the row      {select:6.1} us");
    println!("  gate                        {gate:6.1} us   {:4.1} x", gate / select);
    println!("  gate, request, answer       {call:6.1} us   {:4.1} x", call / select);
}
