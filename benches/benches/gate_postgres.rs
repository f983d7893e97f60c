//! A gated read of one live credential on PostgreSQL by sixteen tasks, beside a bare SELECT of the
//! same row on as many connections of the driver.

#![expect(clippy::print_stdout, reason = "a measurement prints its figures")]

use std::{error::Error, hint::black_box, sync::Arc};

use bailee::{
    core::{CredentialName, SystemClock},
    store::Store,
};
use bailee_benches::{Look, Meter, PUBLISH, Round, Service, median, wanted};
use bailee_postgres::testing::{Cluster, Database};
use bytes::BytesMut;
use tokio::task::JoinSet;
use tokio_postgres::{
    Client, NoTls,
    types::{IsNull, ToSql, Type, to_sql_checked},
};

const CONNECTIONS: usize = 10_000;
const TASKS: usize = 16;
/// For each task in each round.
const CALLS: usize = 1_500;
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
        .connections(TASKS)
        .connect()
        .await
        .expect("a store");
    let store: Arc<dyn Store> = Arc::new(store);
    let mut service = Service::over(store).await.expect("a service");
    service.connect(CONNECTIONS).await;
    let service = Arc::new(service);
    // The first use of each plans its renewal; that is not what is measured.
    calls(&service, 0, CONNECTIONS.div_ceil(TASKS)).await;
    let clients = bare(&database).await;

    let (mut selects, mut gates) = (Vec::new(), Vec::new());
    let mut at = CONNECTIONS;
    for _ in 0..ROUNDS {
        selects.push(select(&service, &clients, at).await);
        gates.push(calls(&service, at, CALLS).await);
        at += TASKS * CALLS;
    }
    let all = TASKS * CALLS;
    let of = |rounds: &[Round], figure: fn(&Round, usize) -> f64| {
        median(rounds.iter().map(|round| figure(round, all)).collect())
    };
    println!("PostgreSQL, {CONNECTIONS} connections in random order, {TASKS} tasks:");
    let (select, gate) = (of(&selects, Round::micros), of(&gates, Round::micros));
    println!(
        "  by the clock   bare SELECT {select:6.1} us, gate {gate:6.1} us: {:4.2} x",
        gate / select
    );
    let select = of(&selects, Round::processor_micros);
    let gate = of(&gates, Round::processor_micros);
    println!(
        "  our processor  bare SELECT {select:6.1} us, gate {gate:6.1} us: {:4.2} x",
        gate / select
    );
}

async fn calls(service: &Arc<Service>, at: usize, calls: usize) -> Round {
    let meter = Meter::start();
    let mut tasks = JoinSet::new();
    for task in 0..TASKS {
        let service = service.clone();
        tasks.spawn(async move {
            for n in 0..calls {
                let (visitor, connection) = service.at_random(at + task * calls + n);
                let acting = service.bailee.acting(visitor, &PUBLISH);
                acting.call(connection, &Look).await.expect("a call");
            }
        });
    }
    tasks.join_all().await;
    meter.stop()
}

async fn select(service: &Arc<Service>, clients: &[Arc<Client>], at: usize) -> Round {
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
            for n in 0..CALLS {
                let (_, connection) = service.at_random(at + task * CALLS + n);
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

/// Sixteen bytes as the server takes them.
#[derive(Debug)]
struct Uuid([u8; 16]);

impl ToSql for Uuid {
    fn to_sql(&self, _: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        out.extend_from_slice(&self.0);
        Ok(IsNull::No)
    }

    fn accepts(of: &Type) -> bool {
        *of == Type::UUID
    }

    to_sql_checked!();
}

/// Connections of the driver in the superuser's role, for which there is no row security.
async fn bare(database: &Database<'_>) -> Vec<Arc<Client>> {
    let mut clients = Vec::with_capacity(TASKS);
    for _ in 0..TASKS {
        let (client, driving) =
            database.socket("postgres").connect(NoTls).await.expect("a connection");
        tokio::spawn(driving);
        clients.push(Arc::new(client));
    }
    clients
}
