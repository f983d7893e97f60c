//! A gated read of one live credential on PostgreSQL by one task and by sixteen, beside a bare
//! SELECT of the same row on as many connections of the driver; and how often the server is
//! asked.

#![expect(clippy::print_stdout, reason = "a measurement prints its figures")]

use std::{hint::black_box, sync::Arc, time::Duration};

use bailee::{
    core::{Clock, CredentialName, ManualClock, SystemClock},
    store::Store,
};
use bailee_benches::{Look, Meter, PUBLISH, Round, Service, Uuid, bare, median, wanted};
use bailee_postgres::testing::{Cluster, Database, Link};
use tokio::task::JoinSet;
use tokio_postgres::{Client, types::Type};

const CONNECTIONS: usize = 10_000;
/// So many tasks, and so many calls of each in a round.
const BY: [(usize, usize); 2] = [(1, 6_000), (16, 1_500)];
const ROUNDS: usize = 11;

fn main() {
    if !wanted() {
        return;
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime");
    runtime.block_on(measure());
}

async fn measure() {
    let cluster = Cluster::start(&[]).expect("a private PostgreSQL");
    let database = cluster.database().await.expect("a database");
    let store = database
        .builder("bailee_app")
        .clock(Arc::new(SystemClock))
        .connections(16)
        .connect()
        .await
        .expect("a store");
    let store: Arc<dyn Store> = Arc::new(store);
    let mut service = Service::over(store).await.expect("a service");
    service.connect(CONNECTIONS).await;
    let service = Arc::new(service);
    // The first use of each plans its renewal; that is not what is measured.
    calls(&service, 0, 16, CONNECTIONS.div_ceil(16)).await;
    let clients = bare(&database, 16).await;

    println!("PostgreSQL, {CONNECTIONS} connections in random order:");
    let mut at = CONNECTIONS;
    for (tasks, each) in BY {
        let (mut selects, mut gates) = (Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            selects.push(select(&service, &clients[..tasks], at, each).await);
            gates.push(calls(&service, at, tasks, each).await);
            at += tasks * each;
        }
        let of = |rounds: &[Round], figure: fn(&Round, usize) -> f64| {
            median(rounds.iter().map(|round| figure(round, tasks * each)).collect())
        };
        let (select, gate) = (of(&selects, Round::micros), of(&gates, Round::micros));
        println!(
            "  by {tasks:2}, by the clock   bare SELECT {select:6.1} us, gate {gate:6.1} us: {:4.2} x",
            gate / select
        );
        let select = of(&selects, Round::processor_micros);
        let gate = of(&gates, Round::processor_micros);
        println!(
            "  by {tasks:2}, our processor  bare SELECT {select:6.1} us, gate {gate:6.1} us: {:4.2} x",
            gate / select
        );
    }
    count(&database, &service).await;
}

async fn calls(service: &Arc<Service>, at: usize, tasks: usize, calls: usize) -> Round {
    let meter = Meter::start();
    let mut set = JoinSet::new();
    for task in 0..tasks {
        let service = service.clone();
        set.spawn(async move {
            for n in 0..calls {
                look(&service, at + task * calls + n).await;
            }
        });
    }
    set.join_all().await;
    meter.stop()
}

async fn look(service: &Service, n: usize) {
    let (visitor, connection) = service.at_random(n);
    let acting = service.bailee.acting(visitor, &PUBLISH);
    acting.call(connection, &Look).await.expect("a call");
}

async fn select(service: &Arc<Service>, clients: &[Arc<Client>], at: usize, calls: usize) -> Round {
    let meter = Meter::start();
    let mut tasks = JoinSet::new();
    for (task, client) in clients.iter().enumerate() {
        let (service, client) = (service.clone(), client.clone());
        tasks.spawn(async move {
            let user = CredentialName::from_static("user");
            let statement = client
                .prepare_typed(
                    "SELECT body FROM bailee.record WHERE tenant = $1 AND kind = $2 AND id = $3",
                    &[Type::TEXT, Type::TEXT, Type::UUID],
                )
                .await
                .expect("a statement");
            for n in 0..calls {
                let (_, connection) = service.at_random(at + task * calls + n);
                let id = Uuid(*connection.credential(&user).as_bytes());
                let tenant = connection.tenant().as_str();
                let row = client
                    .query_one(&statement, &[&tenant, &"credential", &id])
                    .await
                    .expect("the row");
                black_box(row.get::<_, Vec<u8>>(0));
            }
        });
    }
    tasks.join_all().await;
    meter.stop()
}

/// Counts at the wire, in a process of its own as far as the libraries can tell.
async fn count(database: &Database<'_>, service: &Service) {
    const CALLS: usize = 200;
    let clock = ManualClock::at(SystemClock.now());
    let link = Link::to(database).await.expect("a link");
    let store = link.builder().clock(Arc::new(clock.clone())).connections(1).connect().await;
    let store: Arc<dyn Store> = Arc::new(store.expect("a store"));
    let bailee = Service::at(store, clock.clone()).await.expect("a service").bailee;
    let service = Service { bailee, connections: service.connections.clone() };
    let superuser = database.superuser().await.expect("a connection");
    let planned = async || {
        let sql = "SELECT count(*) FROM bailee.audit WHERE event = 'credential.refresh_planned'";
        superuser.query_one(sql, &[]).await.expect("a count").get::<_, i64>(0)
    };
    let before = planned().await;
    for n in 0..CALLS {
        look(&service, n).await;
    }
    // The first use plans a renewal, in a task of its own.
    while planned().await < before + CALLS as i64 {
        tokio::task::yield_now().await;
    }
    link.turns();
    for n in 0..CALLS {
        look(&service, n).await;
    }
    let turns = link.turns();
    println!("  {turns} round trips for {CALLS} gated reads");
    assert_eq!(turns as usize, CALLS, "a gated read is one round trip");
    // What is remembered for a minute is forgotten: who a person is, and unwrapped keys.
    clock.advance(Duration::from_secs(61));
    for n in 0..CALLS {
        look(&service, n).await;
    }
    let turns = link.turns();
    println!("  {turns} where nobody was seen for a minute, {CALLS} people of 100 tenants");
}
