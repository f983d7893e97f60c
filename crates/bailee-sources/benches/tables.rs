//! A person's rows in eight tables, among those of others: collected and erased by a source, and by
//! bare statements of the driver; and the memory that a collection takes.
//!
//! Arguments: numbers of rows, one more than a multiple of seven; `memory` collects alone.

#![expect(clippy::print_stdout, reason = "a measurement prints its figures")]

mod bare;

use std::{hint::black_box, sync::Arc, time::Duration};

use async_trait::async_trait;
use bailee_core::{HostId, Id, Result, SubjectId, TenantId};
use bailee_postgres::testing::Cluster;
use bailee_rights::source::{DataSource, RowSink, SourceRow, TableFacts, Whose};
use bailee_sources::{
    Job, Mapping, PostgresClient, PostgresClients, PostgresSource, PseudonymKey, SqliteSource,
};
use rusqlite::Connection;
use tokio::sync::{Mutex, OwnedMutexGuard};
use tokio_postgres::Client;

use bare::{
    ERASES, SELECTS, Times, bare_collect_postgres, bare_erase_postgres, connect, fill_postgres,
    fill_sqlite, now, peak,
};

const ROUNDS: usize = 5;
const MAPPING: &str = include_str!("tables.toml");

fn main() {
    // Whoever runs all targets as tests measures nothing.
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    let said: Vec<u64> = std::env::args().filter_map(|said| said.parse().ok()).collect();
    let sizes = if said.is_empty() { vec![70_001] } else { said };
    let memory = std::env::args().any(|argument| argument == "memory");
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime");
    runtime.block_on(async {
        for rows in sizes {
            on_postgres(rows, memory).await;
            on_sqlite(rows, memory).await;
        }
    });
}

#[derive(Default)]
struct Counting(u64);

#[async_trait]
impl RowSink for Counting {
    async fn take(&mut self, _: &TableFacts, rows: Vec<SourceRow>) -> Result<()> {
        self.0 += rows.len() as u64;
        black_box(rows);
        Ok(())
    }
}

fn whose(person: &str) -> Whose {
    let subject = SubjectId::from_id(Id::derive(&[person.as_bytes()]));
    Whose::new(TenantId::new("acme").expect("a tenant"), HostId::text(person), subject)
}

async fn collect(source: &dyn DataSource, person: &str, rows: u64) -> Duration {
    let began = now();
    let mut sink = Counting::default();
    source.collect(&whose(person), &mut sink).await.expect("rows");
    assert_eq!(sink.0, rows);
    began.elapsed()
}

async fn erase(source: &dyn DataSource, person: &str) -> Duration {
    let (began, whose) = (now(), whose(person));
    while source.erase(&whose).await.expect("a step").more {}
    let left = source.remaining(&whose).await.expect("a look").left();
    assert_eq!(left, 0);
    began.elapsed()
}

/// One connection for all.
struct One(Arc<Mutex<Client>>);

struct Lent(OwnedMutexGuard<Client>);

impl std::ops::Deref for Lent {
    type Target = Client;
    fn deref(&self) -> &Client {
        &self.0
    }
}

impl std::ops::DerefMut for Lent {
    fn deref_mut(&mut self) -> &mut Client {
        &mut self.0
    }
}

#[async_trait]
impl PostgresClients for One {
    async fn client(&self) -> Result<Box<dyn PostgresClient>> {
        Ok(Box::new(Lent(Arc::clone(&self.0).lock_owned().await)))
    }
}

async fn on_postgres(rows: u64, memory: bool) {
    let settings = [("fsync", "on"), ("full_page_writes", "on"), ("max_wal_size", "4GB")];
    let cluster = Cluster::start(&settings).expect("a private PostgreSQL");
    let database = cluster.empty_database().await.expect("a database");
    let mut bare = connect(&database).await;
    bare.batch_execute(include_str!("tables_postgres.sql")).await.expect("tables");
    let clients = Arc::new(One(Arc::new(Mutex::new(connect(&database).await))));
    let mapping = Mapping::parse(MAPPING).expect("a mapping");
    let key = PseudonymKey::new(&[7; 32]);
    let source = PostgresSource::open(clients, mapping, key).await.expect("a source");
    let (mut collecting, mut erasing) = (Times::default(), Times::default());
    if memory {
        fill_postgres(&bare, "ada", rows).await;
        let before = peak();
        let took = collect(&source, "ada", rows).await;
        println!("PostgreSQL, {rows} rows: {before} KiB before, {} KiB at most, {took:?}", peak());
        return;
    }
    fill_postgres(&bare, "others", rows).await;
    for round in 0..ROUNDS {
        let (ada, ben) = (format!("ada{round}"), format!("ben{round}"));
        fill_postgres(&bare, &ada, rows).await;
        fill_postgres(&bare, &ben, rows).await;
        bare.batch_execute("VACUUM ANALYZE").await.expect("statistics");
        bare.batch_execute("CHECKPOINT").await.expect("a checkpoint");
        collecting.bare.push(bare_collect_postgres(&mut bare, &ben, rows).await);
        collecting.ours.push(collect(&source, &ada, rows).await);
        erasing.bare.push(bare_erase_postgres(&mut bare, &ben).await);
        bare.batch_execute("CHECKPOINT").await.expect("a checkpoint");
        erasing.ours.push(erase(&source, &ada).await);
    }
    println!("PostgreSQL, {rows} rows of a person in eight tables:");
    collecting.print("collect");
    erasing.print("erase and look again");
}

async fn on_sqlite(rows: u64, memory: bool) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("app.db");
    let bare = Connection::open(&path).expect("a database");
    bare.execute_batch(include_str!("tables_sqlite.sql")).expect("tables");
    bare.pragma_update(None, "secure_delete", true).expect("a setting");
    let mapping = Mapping::parse(MAPPING).expect("a mapping");
    let blocking = Arc::new(|job: Job| {
        tokio::task::spawn_blocking(job);
    });
    let key = PseudonymKey::new(&[7; 32]);
    let source = SqliteSource::open(&path, mapping, key, blocking).await.expect("a source");
    if memory {
        fill_sqlite(&path, "ada", rows);
        let before = peak();
        let took = collect(&source, "ada", rows).await;
        println!("SQLite, {rows} rows: {before} KiB before, {} KiB at most, {took:?}", peak());
        return;
    }
    let (mut collecting, mut erasing) = (Times::default(), Times::default());
    fill_sqlite(&path, "others", rows);
    for round in 0..ROUNDS {
        let (ada, ben) = (format!("ada{round}"), format!("ben{round}"));
        fill_sqlite(&path, &ada, rows);
        fill_sqlite(&path, &ben, rows);
        collecting.bare.push(bare_collect_sqlite(&bare, &ben, rows));
        collecting.ours.push(collect(&source, &ada, rows).await);
        erasing.bare.push(bare_erase_sqlite(&bare, &ben));
        erasing.ours.push(erase(&source, &ada).await);
    }
    println!("SQLite, {rows} rows of a person in eight tables:");
    collecting.print("collect");
    erasing.print("erase and look again");
}

fn bare_collect_sqlite(connection: &Connection, person: &str, rows: u64) -> Duration {
    let began = now();
    let mut found = 0;
    for sql in SELECTS {
        let sql = sql.replace('$', "?").replace("::text", "");
        let mut statement = connection.prepare(&sql).expect("a statement");
        let columns = statement.column_count();
        let mut rows = statement.query(["acme", person]).expect("rows");
        while let Some(row) = rows.next().expect("a row") {
            for column in 0..columns {
                black_box(row.get::<_, rusqlite::types::Value>(column).expect("a value"));
            }
            found += 1;
        }
    }
    assert_eq!(found, rows);
    began.elapsed()
}

fn bare_erase_sqlite(connection: &Connection, person: &str) -> Duration {
    let began = now();
    connection.execute_batch("BEGIN IMMEDIATE").expect("a transaction");
    for sql in ERASES {
        let sql = sql.replace("document - 'note'", "json_remove(document, '$.note')");
        connection.execute(&sql, ["acme", person]).expect("a change");
    }
    connection.execute_batch("COMMIT").expect("an end");
    for sql in SELECTS {
        let sql = sql.replace('$', "?").replace("::text", "");
        let sql = format!("SELECT count(*) FROM ({sql}) AS found");
        let count = connection.query_row(&sql, ["acme", person], |row| row.get::<_, i64>(0));
        black_box(count.expect("a count"));
    }
    began.elapsed()
}
