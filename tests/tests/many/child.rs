//! One of the processes that want a token in the same moment.

use std::{
    io::{BufRead, Write},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use bailee::{
    Bailee, ClientSecret, ConnectionRef, ErrorKind, HostId, PostgresStore, Registration, RootKeys,
    SqliteStore, TenantId, Visitor,
    core::{Clock, ManualClock, Timestamp},
    http::{HttpSend, Reqwest, Tls},
    providers::{Environment, Generic, Spec},
    store::Store,
};
use bailee_testkit::{Events, Memberships};
use bailee_tests::{NOTES, NOTES_SPEC, declaration, drill::call};
use tokio::{sync::Barrier, task::JoinSet};

use super::{
    window::{See, Window, until_sent},
    *,
};

/// Nobody waits so long, on whatever machine: longer than a lease and a request.
const AT_MOST: Duration = Duration::from_secs(120);
/// How often a caller asks again when the store is not there.
const AGAIN: usize = 3;

/// Does what the parent says until it says no more.
pub(crate) fn child(orders: &Orders) {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let clock = ManualClock::at(Timestamp::from_micros(orders.now));
    let window = Window::before(way_out(orders));
    let bailee = runtime.block_on(engine(orders, &clock, window.clone()));
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
                let writes = line == "go and write";
                assert!(writes || line == "go");
                let together = together(&bailee, &connection, orders.callers, writes);
                let round = runtime.block_on(together);
                let round = Round { shown: window.shown(), ..round };
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

fn way_out(orders: &Orders) -> Arc<dyn HttpSend> {
    let tls = Tls::roots(orders.root.as_bytes()).unwrap();
    Arc::new(Reqwest::danger_fixed_address(tls, orders.address).unwrap())
}

async fn engine(orders: &Orders, clock: &ManualClock, http: Window) -> Bailee {
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

/// All callers of this process at once. Each needs the token; one of them may have the provider do
/// something with it, which refuses one that is over.
async fn together(
    bailee: &Bailee,
    connection: &ConnectionRef,
    callers: usize,
    writes: bool,
) -> Round {
    let barrier = Arc::new(Barrier::new(callers));
    let put_off = Arc::new(AtomicUsize::new(0));
    let mut tasks = JoinSet::new();
    for caller in 0..callers {
        let (bailee, connection, barrier) = (bailee.clone(), connection.clone(), barrier.clone());
        let put_off = put_off.clone();
        tasks.spawn(async move {
            barrier.wait().await;
            let used = use_once(&bailee, &connection, writes && caller == 0, &put_off);
            match tokio::time::timeout(AT_MOST, used).await {
                Ok(Ok(waited)) => Ok(u64::try_from(waited.as_micros()).unwrap()),
                Ok(Err(error)) => Err(format!("{error:?}")),
                Err(_) => Err("it waits for ever".to_owned()),
            }
        });
    }
    let mut round = Round::default();
    for outcome in tasks.join_all().await {
        match outcome {
            Ok(waited) => round.waits.push(waited),
            Err(error) => round.errors.push(error),
        }
    }
    round.put_off = put_off.load(Ordering::Relaxed);
    round
}

/// Says how long it took until a request left with the token.
async fn use_once(
    bailee: &Bailee,
    connection: &ConnectionRef,
    writes: bool,
    put_off: &AtomicUsize,
) -> bailee::Result<Duration> {
    let ada = ada();
    let acting = bailee.acting(&ada, &NOTES);
    // A disk may stall for longer than a writer waits for a file's lock. A host asks again then.
    let asked = async {
        for _ in 0..AGAIN {
            match acting.call(connection, &See).await {
                Err(error) if error.kind() == ErrorKind::StoreUnavailable => {
                    put_off.fetch_add(1, Ordering::Relaxed);
                }
                done => return done,
            }
        }
        acting.call(connection, &See).await
    };
    let waited = until_sent(asked).await?;
    if writes {
        call(bailee, &ada, connection, "notes").await?;
    }
    Ok(waited)
}

fn ada() -> Visitor {
    Visitor::new(TenantId::from_static("acme"), HostId::text("ada"), "session of ada")
}
