//! What a connection takes on the disk: tables and indexes on SQLite and on PostgreSQL, after so
//! many people connected an account each through the whole flow.
//!
//! Numbers among the arguments say how many: `-- 10000 100000`.

#![expect(clippy::print_stdout, reason = "a measurement prints its figures")]

use std::{fs, path::Path, sync::Arc};

use bailee::{SqliteStore, core::SystemClock, store::Store};
use bailee_benches::{Service, sizes, wanted};
use bailee_postgres::testing::{Cluster, Database};
use rusqlite::{Connection, OpenFlags};

fn main() {
    if !wanted() {
        return;
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime");
    runtime.block_on(async {
        for connections in sizes(&[10_000]) {
            on_sqlite(connections).await;
            on_postgres(connections).await;
        }
    });
}

async fn on_sqlite(connections: usize) {
    let folder = tempfile::tempdir().expect("a place for files");
    let path = folder.path().join("vault").join("vault.db");
    let store: Arc<dyn Store> =
        Arc::new(SqliteStore::open(&path).await.expect("a store on a file"));
    let mut service = Service::over(store).await.expect("a service");
    let empty = size(&path);
    service.connect(connections).await;
    service.bailee.worker().settle().await.expect("work is done");
    let full = size(&path);
    let each = (full - empty) as f64 / connections as f64;
    println!("SQLite, {connections} connections: {full} bytes, {each:.0} bytes a connection");
}

/// The file's size, with everything in it and nothing in the log beside it.
fn size(path: &Path) -> u64 {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags).expect("the same file");
    let busy: bool = connection
        .query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0))
        .expect("a checkpoint");
    assert!(!busy, "somebody reads");
    fs::metadata(path).expect("a file").len()
}

async fn on_postgres(connections: usize) {
    let cluster = Cluster::start(&[]).expect("a private PostgreSQL");
    let database = cluster.database().await.expect("a database");
    let builder = database.builder("bailee_app").clock(Arc::new(SystemClock)).connections(16);
    let store: Arc<dyn Store> = Arc::new(builder.connect().await.expect("a store"));
    let mut service = Service::over(store).await.expect("a service");
    let empty: i64 = tables(&database).await.iter().map(Table::all).sum();
    service.connect(connections).await;
    service.bailee.worker().settle().await.expect("work is done");
    let tables = tables(&database).await;
    let full: i64 = tables.iter().map(Table::all).sum();
    let each = |number: i64| number as f64 / connections as f64;
    println!(
        "PostgreSQL, {connections} connections: {full} bytes, {:.0} bytes a connection",
        each(full - empty)
    );
    for table in tables.iter().filter(|table| table.rows > 0) {
        println!(
            "  {:9} {:5.2} rows, {:5.0} in the table, {:5.0} in indexes, {:4.0} beside them",
            table.name,
            each(table.rows),
            each(table.heap),
            each(table.indexes),
            each(table.rest)
        );
    }
}

/// A table and what it takes, in bytes.
struct Table {
    name: String,
    rows: i64,
    heap: i64,
    indexes: i64,
    /// Long values, and the maps of free and of visible places.
    rest: i64,
}

impl Table {
    fn all(&self) -> i64 {
        self.heap + self.indexes + self.rest
    }
}

async fn tables(database: &Database<'_>) -> Vec<Table> {
    let superuser = database.superuser().await.expect("a connection");
    let sql = "
        SELECT relname::text, pg_relation_size(oid), pg_indexes_size(oid),
          pg_total_relation_size(oid) - pg_relation_size(oid) - pg_indexes_size(oid)
        FROM pg_class WHERE relnamespace = 'bailee'::regnamespace AND relkind = 'r'
        ORDER BY relname";
    let mut tables = Vec::new();
    for row in superuser.query(sql, &[]).await.expect("the tables") {
        let name: String = row.get(0);
        let count = format!("SELECT count(*) FROM bailee.{name}");
        let rows = superuser.query_one(&count, &[]).await.expect("a count").get(0);
        tables.push(Table { name, rows, heap: row.get(1), indexes: row.get(2), rest: row.get(3) });
    }
    tables
}
