//! Renewals of due connections by a worker, from the claim to the commit, with a network that
//! answers at once: on SQLite and on PostgreSQL, beside bare commits of a record, its work and an
//! entry on the same store; and on PostgreSQL by one process and by two.
//!
//! A number among the arguments says how many connections: `-- 10000`.

#![expect(clippy::print_stdout, reason = "a measurement prints its figures")]

use std::{
    collections::BTreeMap,
    io::{BufRead, BufReader, Lines, Write},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    sync::Arc,
    time::Duration,
};

use bailee::{
    PostgresStore, SqliteStore, TenantId,
    core::{
        BatchId, Clock, CredentialName, Id, ManualClock, SystemRandom, Timestamp, audit::Entry,
    },
    store::{Batch, Due, Expect, Facet, Key, Kind, Record, Sealed, Store, Version},
};
use bailee_benches::{Meter, Service, median, share, sizes, wanted};
use bailee_postgres::testing::{Cluster, Database, Link};
use tokio::runtime::Runtime;

const REFRESH: Kind = Kind::from_static("refresh");
const DAY: Duration = Duration::from_secs(86_400);
const ROUNDS: usize = 5;
/// As many as a worker has in its hands at once.
const TASKS: usize = 32;
const POOL: usize = 16;

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime");
    if let Some(at) = arguments.iter().position(|argument| argument == "worker") {
        return work(&runtime, &arguments[at + 1], &arguments[at + 2]);
    }
    if !wanted() {
        return;
    }
    for connections in sizes(&[1_000]) {
        runtime.block_on(on_sqlite(connections));
        on_postgres(&runtime, connections);
    }
}

async fn on_sqlite(connections: usize) {
    let folder = tempfile::tempdir().expect("a place for files");
    let clock = ManualClock::default();
    let builder = SqliteStore::builder(folder.path().join("vault").join("vault.db"));
    let store: Arc<dyn Store> =
        Arc::new(builder.clock(Arc::new(clock.clone())).open().await.expect("a store on a file"));
    let service = connected(store.clone(), &clock, connections).await;
    let (mut commits, mut renewals) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        commits.push(bare(&store, &clock, connections).await);
        make_due(&store, &service, &clock).await;
        let meter = Meter::start();
        let done = service.bailee.worker().settle().await.expect("work is done");
        renewals.push(1e6 / meter.stop().micros(connections));
        assert_eq!(done, connections as u64);
    }
    let (commits, renewals) = (median(commits), median(renewals));
    println!("SQLite, synchronous = FULL, {connections} connections:");
    println!("  bare commits by {TASKS}  {commits:6.0} a second");
    println!("  renewals             {renewals:6.0} a second: {:4.2} x", commits / renewals);
}

fn on_postgres(runtime: &Runtime, connections: usize) {
    // As it is run, not as it is tested: a commit waits for the disk.
    let cluster = Cluster::start(&[("fsync", "on"), ("full_page_writes", "on")]).expect("a server");
    let database = runtime.block_on(cluster.database()).expect("a database");
    let clock = ManualClock::default();
    let address = format!(
        "host={} port={} user=bailee_app dbname={}",
        cluster.folder().display(),
        cluster.port(),
        database.name()
    );
    let store = runtime.block_on(opened(&address, &clock));
    let service = runtime.block_on(connected(store.clone(), &clock, connections));
    let mut workers = [Process::begin(&address, &clock), Process::begin(&address, &clock)];

    let mut commits = Vec::new();
    let mut renewals = [const { Vec::new() }; 2];
    let mut shares = Vec::new();
    for _ in 0..ROUNDS {
        commits.push(runtime.block_on(bare(&store, &clock, connections)));
        for (more, renewals) in renewals.iter_mut().enumerate() {
            runtime.block_on(make_due(&store, &service, &clock));
            for worker in &mut workers {
                worker.tell(&format!("time {}", clock.now().as_micros()));
                assert_eq!(worker.hear(), "ready");
            }
            let workers = &mut workers[..=more];
            let meter = Meter::start();
            for worker in workers.iter_mut() {
                worker.tell("go");
            }
            let done: Vec<u64> = workers.iter_mut().map(|worker| worker.count()).collect();
            renewals.push(1e6 / meter.stop().micros(connections));
            assert_eq!(done.iter().sum::<u64>(), connections as u64);
            if let [one, other] = done[..] {
                shares.push(one.min(other) as f64 / connections as f64);
            }
        }
    }
    drop(workers);
    let [one, two] = renewals.map(median);
    let commits = median(commits);
    println!("PostgreSQL, fsync = on, {connections} connections:");
    println!("  bare commits by {TASKS}    {commits:6.0} a second");
    println!("  renewals, 1 process    {one:6.0} a second: {:4.2} x", commits / one);
    println!(
        "  renewals, 2 processes  {two:6.0} a second: {:4.2} x of one process, the smaller share {:2.0} %",
        two / one,
        median(shares) * 100.0
    );
    runtime.block_on(count(&database, &clock, &service));
}

/// Counts at the wire what one process asks for each renewal, its claims among it.
async fn count(database: &Database<'_>, clock: &ManualClock, service: &Service) {
    let link = Link::to(database).await.expect("a link");
    let builder = link.builder().clock(Arc::new(clock.clone())).connections(POOL);
    let store: Arc<dyn Store> = Arc::new(builder.connect().await.expect("a store"));
    let bailee = Service::at(store.clone(), clock.clone()).await.expect("a service").bailee;
    let counted = Service { bailee, connections: service.connections.clone() };
    // Once unmeasured: tenants' keys are read and reads are prepared.
    for measured in [false, true] {
        make_due(&store, service, clock).await;
        link.turns();
        let done = counted.bailee.worker().settle().await.expect("work is done");
        if measured {
            let each = f64::from(link.turns()) / done as f64;
            println!("  {each:.2} round trips for each renewal, claims included");
        }
    }
}

async fn opened(address: &str, clock: &ManualClock) -> Arc<dyn Store> {
    let builder = PostgresStore::builder(address).expect("an address");
    let builder = builder.clock(Arc::new(clock.clone())).connections(POOL);
    Arc::new(builder.connect().await.expect("a store"))
}

async fn connected(store: Arc<dyn Store>, clock: &ManualClock, connections: usize) -> Service {
    let mut service = Service::at(store, clock.clone()).await.expect("a service");
    service.connect(connections).await;
    service.bailee.worker().settle().await.expect("work is done");
    service
}

/// Plans the renewal of each connection for now, and lets a day pass, after which the tokens of
/// all have run out.
async fn make_due(store: &Arc<dyn Store>, service: &Service, clock: &ManualClock) {
    let user = CredentialName::from_static("user");
    let mut tenants: BTreeMap<&TenantId, Vec<_>> = BTreeMap::new();
    for (_, connection) in &service.connections {
        tenants.entry(connection.tenant()).or_default().push(connection);
    }
    for (tenant, connections) in tenants {
        for some in connections.chunks(50) {
            let id = BatchId::generate(&SystemRandom).expect("random bytes");
            let mut batch =
                Batch::builder(id).audit(Entry::new("credential.refresh_planned", clock.now()));
            for connection in some {
                let task = Key::new(REFRESH, connection.credential(&user));
                batch = batch.schedule(task, connection.owner().subject(), Due::At(clock.now()));
            }
            store.commit(tenant, &batch.build().expect("a batch")).await.expect("a commit");
        }
    }
    clock.advance(DAY);
}

/// Commits of a record as long as a credential, its work and an entry, a second.
async fn bare(store: &Arc<dyn Store>, clock: &ManualClock, commits: usize) -> f64 {
    let (bare, clock) = (store.clone(), clock.clone());
    let round = BatchId::generate(&SystemRandom).expect("random bytes");
    let meter = Meter::start();
    share(commits, TASKS, move |n| {
        let (store, now) = (bare.clone(), clock.now());
        async move {
            let id = Id::derive(&[round.id().as_bytes(), &n.to_be_bytes()]);
            let record = Record {
                key: Key::new(Kind::from_static("bare"), id),
                subject: None,
                facet: Facet(0),
                expires: None,
                version: Version(1),
                body: Sealed::new(vec![7; 1024]),
            };
            let entry = Entry::new("credential.refreshed", now).with("credential", id);
            let batch = Batch::builder(BatchId::generate(&SystemRandom).expect("random bytes"))
                .put(record, Expect::Absent)
                .schedule(Key::new(Kind::from_static("bare"), id), None, Due::After(DAY * 365))
                .audit(entry)
                .build()
                .expect("a batch");
            store.commit(&TenantId::SYSTEM, &batch).await.expect("a commit");
        }
    })
    .await;
    1e6 / meter.stop().micros(commits)
}

/// A process with a worker, which does what it is told.
fn work(runtime: &Runtime, address: &str, now: &str) {
    let clock = ManualClock::at(time(now));
    let service = runtime.block_on(async {
        Service::at(opened(address, &clock).await, clock.clone()).await.expect("a service")
    });
    println!("here");
    for line in std::io::stdin().lock().lines() {
        let line = line.expect("a line");
        match line.strip_prefix("time ") {
            Some(now) => {
                clock.advance(time(now).since(clock.now()));
                println!("ready");
            }
            None => {
                let done = runtime.block_on(service.bailee.worker().settle());
                println!("{}", done.expect("work is done"));
            }
        }
    }
}

fn time(micros: &str) -> Timestamp {
    Timestamp::from_micros(micros.parse().expect("microseconds"))
}

/// Another process of this program.
struct Process {
    process: Child,
    told: ChildStdin,
    said: Lines<BufReader<ChildStdout>>,
}

impl Process {
    fn begin(address: &str, clock: &ManualClock) -> Self {
        let program = std::env::current_exe().expect("a path");
        let mut process = Command::new(program)
            .args(["worker", address, &clock.now().as_micros().to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("a process");
        let told = process.stdin.take().expect("a pipe");
        let said = BufReader::new(process.stdout.take().expect("a pipe")).lines();
        let mut begun = Self { process, told, said };
        assert_eq!(begun.hear(), "here");
        begun
    }

    fn tell(&mut self, what: &str) {
        writeln!(self.told, "{what}").expect("it listens");
    }

    fn hear(&mut self) -> String {
        self.said.next().expect("it lives").expect("a line")
    }

    fn count(&mut self) -> u64 {
        self.hear().parse().expect("a number")
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
