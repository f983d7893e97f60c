//! One of the processes that want a token in the same moment.

use std::{
    io::{BufRead, Write},
    sync::Arc,
    time::{Duration, Instant},
};

use bailee::{
    Bailee, ClientSecret, ConnectionRef, HostId, PostgresStore, Registration, RootKeys,
    SqliteStore, TenantId, Visitor,
    core::{Clock, ManualClock, Timestamp},
    http::{Reqwest, Tls},
    providers::{Environment, Generic, Spec},
    store::Store,
};
use bailee_testkit::{Events, Memberships};
use bailee_tests::{NOTES_SPEC, declaration, drill::call};
use tokio::{sync::Barrier, task::JoinSet};

use super::*;

/// Nobody waits so long, on whatever machine: longer than a lease and a request.
const AT_MOST: Duration = Duration::from_secs(120);

/// Does what the parent says until it says no more.
pub(crate) fn child(orders: &Orders) {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let clock = ManualClock::at(Timestamp::from_micros(orders.now));
    let bailee = runtime.block_on(engine(orders, &clock));
    let connection: ConnectionRef = orders.connection.parse().unwrap();
    say("here");
    for line in std::io::stdin().lock().lines() {
        let line = line.unwrap();
        match line.split_once(' ') {
            Some(("time", micros)) => {
                let now = Timestamp::from_micros(micros.parse().unwrap());
                // Both of its clocks move, as time does.
                clock.advance(now.since(clock.now()));
                say("ready");
            }
            _ => {
                assert_eq!(line, "go");
                let round = runtime.block_on(together(&bailee, &connection));
                say(&serde_json::to_string(&round).unwrap());
            }
        }
    }
}

/// Says something to the parent. A line is whole or not there.
fn say(what: &str) {
    let mut out = std::io::stdout().lock();
    out.write_all(format!("\n{MARK}{what}\n").as_bytes()).unwrap();
    out.flush().unwrap();
}

async fn engine(orders: &Orders, clock: &ManualClock) -> Bailee {
    let tls = Tls::roots(orders.root.as_bytes()).unwrap();
    let http = Reqwest::danger_fixed_address(tls, orders.address).unwrap();
    let client = |provider: &str| {
        let secret = ClientSecret::copy_from(b"fake-client-secret-canary");
        let client = Registration::new(provider, "fake-client-1", secret).unwrap();
        client.environment(Environment::Emulator)
    };
    Bailee::builder(declaration())
        .shared_store(open(&orders.store, clock).await)
        .keys(RootKeys::base64("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=").unwrap())
        .http(http)
        .runtime(bailee::Tokio)
        .access(Memberships::default())
        .events(Events::default())
        .instance("test")
        .mount("https://app.example.test/connect")
        .clock(clock.clone())
        .registration(client("tiktok"))
        .provider(Generic::new(Spec::parse(NOTES_SPEC).unwrap()))
        .registration(client("notes"))
        .build()
        .await
        .unwrap()
}

/// Opens the one store.
pub(crate) async fn open(place: &Place, clock: &ManualClock) -> Arc<dyn Store> {
    let clock: Arc<dyn Clock> = Arc::new(clock.clone());
    match place {
        Place::Sqlite(file) => {
            Arc::new(SqliteStore::builder(file).clock(clock).open().await.unwrap())
        }
        Place::Postgres(address) => {
            // Fewer connections than callers: they have to be given back.
            let builder = PostgresStore::builder(address).unwrap();
            Arc::new(builder.connections(4).clock(clock).connect().await.unwrap())
        }
    }
}

/// All callers of this process at once.
async fn together(bailee: &Bailee, connection: &ConnectionRef) -> Round {
    let barrier = Arc::new(Barrier::new(CALLERS));
    let mut tasks = JoinSet::new();
    for _ in 0..CALLERS {
        let (bailee, connection, barrier) = (bailee.clone(), connection.clone(), barrier.clone());
        tasks.spawn(async move {
            let ada = ada();
            barrier.wait().await;
            #[expect(clippy::disallowed_methods, reason = "how long a caller waits is measured")]
            let began = Instant::now();
            let called = call(&bailee, &ada, &connection, "notes");
            let outcome = tokio::time::timeout(AT_MOST, called).await;
            let waited = u64::try_from(began.elapsed().as_micros()).unwrap();
            match outcome {
                Ok(Ok(())) => Ok(waited),
                Ok(Err(error)) => Err(format!("{error:?}")),
                Err(_) => Err("it waits for ever".to_owned()),
            }
        });
    }
    let mut round = Round { waits: Vec::new(), errors: Vec::new() };
    for outcome in tasks.join_all().await {
        match outcome {
            Ok(waited) => round.waits.push(waited),
            Err(error) => round.errors.push(error),
        }
    }
    round
}

fn ada() -> Visitor {
    Visitor::new(TenantId::from_static("acme"), HostId::text("ada"), "session of ada")
}
