//! Whole requests over a person's rows in eight tables, beside bare statements of the driver: a copy
//! until it lies sealed in a directory, an erasure until the person's key is gone, many small requests
//! at one time, and the memory that a copy takes.
//!
//! Arguments: numbers of rows, one more than a multiple of seven, for times; `small` for small requests,
//! with `postgres` or `sqlite` for one of the two; `memory` with numbers of rows for the memory, each in a process of its own, and with the path of an
//! `.svg` file for a picture of it.

#![expect(clippy::print_stdout, reason = "a measurement prints its figures")]

mod bare;
mod desk;
mod picture;

use std::{path::Path, process::Command, sync::Arc, time::Duration};

use bailee_postgres::testing::Cluster;
use bailee_rights::{
    request::{Ask, Export, Outcome},
    source::DataSource,
};
use bailee_sources::{Job, Mapping, PostgresSource, PseudonymKey, SqliteSource};
use bailee_sqlite::SqliteStore;
use bailee_store::Store;
use futures_util::future::join_all;
use rusqlite::Connection;
use tokio_postgres::Client;

use bare::{
    Times, bare_collect_postgres, bare_erase_postgres, connect, fill_postgres, fill_sqlite, now,
    peak,
};
use desk::{Desk, Pool};
use picture::Point;

const ROUNDS: usize = 5;
/// Small requests at one time: as many copies as erasures.
const SMALL: usize = 100;
/// Rows of a person with few: three in each of seven tables and the account.
const FEW: u64 = 22;
/// Connections of the store, and of the source.
const CONNECTIONS: (usize, usize) = (16, 8);

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let is_said = |word: &str| arguments.iter().any(|argument| argument == word);
    // Whoever runs all targets as tests measures nothing.
    if !is_said("--bench") {
        return;
    }
    let sizes: Vec<u64> = arguments.iter().filter_map(|said| said.parse().ok()).collect();
    if is_said("memory") {
        let picture = arguments.iter().find(|said| said.ends_with(".svg"));
        return memory(&sizes, picture.map(Path::new));
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime");
    runtime.block_on(async {
        if is_said("alone") {
            for rows in sizes {
                alone(rows).await;
            }
            return;
        }
        if is_said("small") {
            if !is_said("sqlite") {
                small_on_postgres().await;
            }
            if !is_said("postgres") {
                small_on_sqlite().await;
            }
            return;
        }
        for rows in if sizes.is_empty() { vec![70_001] } else { sizes } {
            large(rows).await;
        }
    });
}

/// A desk whose store and source are two databases of a server that waits for the disk.
struct Server {
    bare: Client,
    desk: Desk,
    _folder: tempfile::TempDir,
}

fn cluster() -> Cluster {
    let settings = [("fsync", "on"), ("full_page_writes", "on"), ("max_wal_size", "4GB")];
    Cluster::start(&settings).expect("a private PostgreSQL")
}

impl Server {
    async fn open(cluster: &Cluster) -> Self {
        let tables = cluster.empty_database().await.expect("a database");
        let bare = connect(&tables).await;
        bare.batch_execute(include_str!("tables_postgres.sql")).await.expect("tables");
        let (kept, lent) = CONNECTIONS;
        let clients = Arc::new(Pool::of(&tables, lent).await);
        let source = PostgresSource::open(clients, mapping(), PseudonymKey::new(&[7; 32]));
        let source: Arc<dyn DataSource> = Arc::new(source.await.expect("a source"));
        let own = cluster.database().await.expect("a database");
        let store = own.builder("bailee_app").connections(kept).connect().await.expect("a store");
        let folder = tempfile::tempdir().expect("a folder");
        let desk = Desk::open(Arc::new(store), source, folder.path()).await;
        Self { bare, desk, _folder: folder }
    }

    async fn fill(&self, person: &str, rows: u64) {
        fill_postgres(&self.bare, person, rows).await;
    }

    /// Statistics, and nothing left to write.
    async fn rest(&self) {
        self.bare.batch_execute("VACUUM ANALYZE").await.expect("statistics");
        self.bare.batch_execute("CHECKPOINT").await.expect("a checkpoint");
    }
}

fn mapping() -> Mapping {
    Mapping::parse(include_str!("tables.toml")).expect("a mapping")
}

/// One request from its receipt until it is closed.
async fn whole(desk: &Desk, person: &str, ask: Ask, outcome: Outcome, rows: u64) -> Duration {
    let copies = matches!(ask, Ask::Access(_));
    let began = now();
    let id = desk.ask(person, ask).await;
    desk.settle().await;
    let took = began.elapsed();
    desk.check(id, outcome, rows).await;
    if copies {
        assert!(desk.package(person, id).await > 0);
    }
    took
}

async fn copy(desk: &Desk, person: &str, rows: u64, csv: bool) -> Duration {
    let export = if csv { Export::new().with_csv() } else { Export::new() };
    whole(desk, person, Ask::Access(export), Outcome::Done, rows).await
}

/// The invoices are kept, and that is said.
async fn erase(desk: &Desk, person: &str, rows: u64) -> Duration {
    whole(desk, person, Ask::Erasure, Outcome::Partial, rows - (rows - 1) / 7).await
}

async fn large(rows: u64) {
    let cluster = cluster();
    let mut server = Server::open(&cluster).await;
    server.fill("others", rows).await;
    server.fill("first", FEW).await;
    copy(&server.desk, "first", FEW, false).await;
    let (mut copying, mut copying_csv, mut erasing) =
        (Times::default(), Times::default(), Times::default());
    for round in 0..ROUNDS {
        let (ada, ben) = (format!("ada{round}"), format!("ben{round}"));
        server.fill(&ada, rows).await;
        server.fill(&ben, rows).await;
        server.rest().await;
        let floor = bare_collect_postgres(&mut server.bare, &ben, rows).await;
        copying.bare.push(floor);
        copying_csv.bare.push(floor);
        copying.ours.push(copy(&server.desk, &ada, rows, false).await);
        copying_csv.ours.push(copy(&server.desk, &ada, rows, true).await);
        server.rest().await;
        erasing.bare.push(bare_erase_postgres(&mut server.bare, &ben).await);
        server.rest().await;
        erasing.ours.push(erase(&server.desk, &ada, rows).await);
    }
    println!("PostgreSQL, {rows} rows of a person in eight tables, a request whole:");
    copying.print("copy");
    copying_csv.print("copy with CSV");
    erasing.print("erasure");
}

/// One copy in a process that did only a small one before.
async fn alone(rows: u64) {
    let cluster = cluster();
    let mut server = Server::open(&cluster).await;
    server.fill("first", FEW).await;
    copy(&server.desk, "first", FEW, false).await;
    server.fill("ada", rows).await;
    server.rest().await;
    let before = peak();
    let took = copy(&server.desk, "ada", rows, false).await;
    let more = peak() - before;
    let floor = bare_collect_postgres(&mut server.bare, "ada", rows).await;
    println!("alone {rows} {before} {more} {} {}", took.as_secs_f64(), floor.as_secs_f64());
}

/// The memory and the time of copies, each in a process of its own.
fn memory(sizes: &[u64], picture: Option<&Path>) {
    let program = std::env::current_exe().expect("a program");
    let mut points = Vec::new();
    for rows in sizes {
        let ran = Command::new(&program).args(["--bench", "alone", &rows.to_string()]).output();
        let said = String::from_utf8(ran.expect("it runs").stdout).expect("a text");
        let line = said.lines().find_map(|line| line.strip_prefix("alone ")).expect("its figures");
        let figures: Vec<f64> =
            line.split(' ').map(|figure| figure.parse().expect("a number")).collect();
        let [rows, before, more, seconds, bare] = figures[..] else { panic!("five figures") };
        println!(
            "{rows} rows: {before} KiB before, {more} KiB more at most; {seconds:.3} s, bare {bare:.3} s"
        );
        points.push(Point { rows, mebibytes: more / 1024.0, seconds, bare });
    }
    if let Some(path) = picture {
        std::fs::write(path, picture::draw(&points)).expect("a picture");
    }
}

/// Fifty copies and fifty erasures, asked for and done; how many of each second.
async fn small(desk: &Desk, round: usize) -> (f64, f64) {
    let people: Vec<String> = (0..SMALL).map(|n| small_person(round, n)).collect();
    let began = now();
    let asked = people.iter().enumerate().map(|(n, person)| {
        let ask = if n % 2 == 0 { Ask::Access(Export::new()) } else { Ask::Erasure };
        desk.ask(person, ask)
    });
    let ids = join_all(asked).await;
    let taken = began.elapsed();
    desk.settle().await;
    let done = began.elapsed();
    for (n, id) in ids.into_iter().enumerate() {
        if n % 2 == 0 {
            desk.check(id, Outcome::Done, FEW).await;
        } else {
            desk.check(id, Outcome::Partial, FEW - (FEW - 1) / 7).await;
        }
    }
    let each_second = |time: Duration| SMALL as f64 / time.as_secs_f64();
    (each_second(done), each_second(done - taken))
}

fn small_person(round: usize, n: usize) -> String {
    format!("small{round}-{n}")
}

fn print_small(what: &str, rounds: &[(f64, f64)]) {
    let middle = |mut all: Vec<f64>| {
        all.sort_by(f64::total_cmp);
        all[all.len() / 2]
    };
    let whole = middle(rounds.iter().map(|round| round.0).collect());
    let worker = middle(rounds.iter().map(|round| round.1).collect());
    println!("{what}: {whole:.1} requests a second, {worker:.1} by the worker alone");
}

async fn small_on_postgres() {
    let cluster = cluster();
    let server = Server::open(&cluster).await;
    server.fill("others", 70_001).await;
    let mut rounds = Vec::new();
    for round in 0..=ROUNDS {
        for n in 0..SMALL {
            server.fill(&small_person(round, n), FEW).await;
        }
        server.rest().await;
        rounds.push(small(&server.desk, round).await);
    }
    // The first finds nothing prepared.
    print_small("PostgreSQL", &rounds[1..]);
}

async fn small_on_sqlite() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("app.db");
    let bare = Connection::open(&path).expect("a database");
    bare.execute_batch(include_str!("tables_sqlite.sql")).expect("tables");
    let blocking = Arc::new(|job: Job| {
        tokio::task::spawn_blocking(job);
    });
    let source = SqliteSource::open(&path, mapping(), PseudonymKey::new(&[7; 32]), blocking);
    let source: Arc<dyn DataSource> = Arc::new(source.await.expect("a source"));
    let vault = folder.path().join("vault");
    std::fs::create_dir(&vault).expect("a folder");
    let store = SqliteStore::builder(vault.join("vault.db")).open().await.expect("a store");
    let store: Arc<dyn Store> = Arc::new(store);
    let desk = Desk::open(store, source, folder.path()).await;
    fill_sqlite(&path, "others", 70_001);
    let mut rounds = Vec::new();
    for round in 0..=ROUNDS {
        for n in 0..SMALL {
            fill_sqlite(&path, &small_person(round, n), FEW);
        }
        rounds.push(small(&desk, round).await);
    }
    print_small("SQLite", &rounds[1..]);
}
