//! One of the processes: it calls over and over, its worker works, and it does what it is told.

use std::{
    io::{BufRead, Write},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use bailee::{
    Bailee, ErrorKind, HostId, PostgresStore, Remedy, SqliteStore, TenantId, Visitor,
    core::SystemClock, store::Store,
};
use bailee_tests::drill::call;

use super::*;

/// How long a caller rests between two calls.
const REST: Duration = Duration::from_millis(20);
/// The same where a provider allows few calls.
const LONG_REST: Duration = Duration::from_millis(700);

/// Does what the parent says until it says no more.
pub(crate) fn child(orders: &Orders) {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let bailee = runtime.block_on(async {
        let store = open(&orders.store).await;
        let builder = orders.kin.builder(store, &orders.kin.clock()).unwrap();
        let journal = orders.journals.join(std::process::id().to_string()).join("renewals");
        builder.clock(SystemClock).journal(journal).build().await.unwrap()
    });
    let seen: Vec<_> = orders.uses.iter().map(|_| Arc::new(Mutex::new(Seen::default()))).collect();
    for (used, seen) in orders.uses.iter().zip(&seen) {
        runtime.spawn(call_over_and_over(bailee.clone(), used.clone(), seen.clone()));
    }
    let worker = bailee.worker();
    runtime.spawn(async move { worker.run().await });
    say(&Said::Here);
    for line in std::io::stdin().lock().lines() {
        let done = match serde_json::from_str(&line.unwrap()).unwrap() {
            Word::Freeze(what) => runtime.block_on(bailee.freeze(what)),
            Word::Thaw(what) => runtime.block_on(bailee.thaw(&what)),
            Word::Report => {
                say(&Said::Seen(seen.iter().map(|seen| lock(seen).clone()).collect()));
                continue;
            }
        };
        done.unwrap();
        say(&Said::Done(now()));
    }
}

/// Opens the one store.
async fn open(place: &Place) -> Arc<dyn Store> {
    match place {
        Place::Sqlite(file) => Arc::new(SqliteStore::open(file).await.unwrap()),
        Place::Postgres(address) => {
            let builder = PostgresStore::builder(address).unwrap();
            Arc::new(builder.connections(4).connect().await.unwrap())
        }
    }
}

async fn call_over_and_over(bailee: Bailee, used: Use, seen: Arc<Mutex<Seen>>) {
    let tenant = TenantId::new(&*used.tenant).unwrap();
    let who = Visitor::new(tenant, HostId::text(&*used.person), "a session");
    let connection = used.connection.parse().unwrap();
    let rest = if used.provider == "tiktok" { LONG_REST } else { REST };
    loop {
        let began = now();
        let called = call(&bailee, &who, &connection, &used.provider).await;
        {
            let mut seen = lock(&seen);
            match called.map_err(|error| (error.kind(), error.remedy())) {
                Ok(()) => seen.through = began,
                Err((ErrorKind::Frozen, _)) => seen.frozen = began,
                Err((kind, remedy)) => {
                    let waits = matches!(remedy, Remedy::Wait(_));
                    seen.failed.push((began, format!("{kind:?}"), waits));
                }
            }
        }
        // Real time is what is under test: how soon processes that are in use see what another wrote.
        // The rest is the pace of the use.
        tokio::time::sleep(rest).await;
    }
}

fn lock(seen: &Mutex<Seen>) -> MutexGuard<'_, Seen> {
    seen.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Says something to the parent. A line is whole or not there.
fn say(what: &Said) {
    let mut out = std::io::stdout().lock();
    let text = serde_json::to_string(what).unwrap();
    out.write_all(format!("\n{MARK}{text}\n").as_bytes()).unwrap();
    out.flush().unwrap();
}
