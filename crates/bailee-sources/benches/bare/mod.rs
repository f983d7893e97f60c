//! The bare thing under a source: people's rows in eight tables, read and erased by statements of the
//! driver alone.

use std::{
    fs,
    hint::black_box,
    path::Path,
    time::{Duration, Instant},
};

use bailee_postgres::testing::Database;
use futures_util::TryStreamExt as _;
use rusqlite::Connection;
use tokio_postgres::{Client, NoTls};

/// Times of a source and of bare statements, in turn.
#[derive(Default)]
pub(crate) struct Times {
    pub(crate) ours: Vec<Duration>,
    pub(crate) bare: Vec<Duration>,
}

impl Times {
    pub(crate) fn print(mut self, what: &str) {
        self.ours.sort();
        self.bare.sort();
        let middle = |all: &[Duration]| all[all.len() / 2].as_secs_f64();
        let (ours, bare) = (middle(&self.ours), middle(&self.bare));
        println!("  {what}: bare {bare:.3} s, ours {ours:.3} s: {:.2} x", ours / bare);
    }
}

#[expect(clippy::disallowed_methods, reason = "a measurement reads the clock")]
pub(crate) fn now() -> Instant {
    Instant::now()
}

/// The most that was resident so far, in KiB.
pub(crate) fn peak() -> u64 {
    let status = fs::read_to_string("/proc/self/status").expect("this is Linux");
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("a line");
    line.trim().trim_end_matches(" kB").parse().expect("a number")
}

pub(crate) async fn connect(database: &Database<'_>) -> Client {
    let (client, connection) =
        database.socket("postgres").connect(NoTls).await.expect("a connection");
    tokio::spawn(connection);
    client
}

pub(crate) async fn fill_postgres(client: &Client, person: &str, rows: u64) {
    let each = (rows - 1) / 7;
    assert_eq!(rows, each * 7 + 1, "a row of the account, and as many in each other table");
    let fill = include_str!("../fill_postgres.sql");
    let fill = fill.replace("{person}", person).replace("{each}", &each.to_string());
    client.batch_execute(&fill).await.expect("rows");
}

pub(crate) async fn bare_collect_postgres(
    client: &mut Client,
    person: &str,
    rows: u64,
) -> Duration {
    let began = now();
    let transaction = client
        .build_transaction()
        .isolation_level(tokio_postgres::IsolationLevel::RepeatableRead)
        .read_only(true)
        .start()
        .await
        .expect("a transaction");
    let mut found = 0;
    for sql in SELECTS {
        let statement = transaction.prepare(sql).await.expect("a statement");
        let portal = transaction.bind(&statement, &[&"acme", &person]).await.expect("a portal");
        loop {
            let rows = transaction.query_portal_raw(&portal, 2000).await.expect("rows");
            let rows: Vec<_> = rows.try_collect().await.expect("rows");
            for row in &rows {
                for column in 0..row.len() {
                    black_box(row.try_get::<_, Option<String>>(column).expect("a text"));
                }
            }
            found += rows.len() as u64;
            if rows.len() < 2000 {
                break;
            }
        }
    }
    assert_eq!(found, rows);
    transaction.commit().await.expect("an end");
    began.elapsed()
}

pub(crate) async fn bare_erase_postgres(client: &mut Client, person: &str) -> Duration {
    let began = now();
    let transaction = client.transaction().await.expect("a transaction");
    for sql in ERASES {
        transaction.execute(&sql.replace('?', "$"), &[&"acme", &person]).await.expect("a change");
    }
    transaction.commit().await.expect("an end");
    for sql in SELECTS {
        let sql = format!("SELECT count(*) FROM ({sql}) AS found");
        black_box(client.query_one(&sql, &[&"acme", &person]).await.expect("a count"));
    }
    began.elapsed()
}

pub(crate) fn fill_sqlite(path: &Path, person: &str, rows: u64) {
    let each = (rows - 1) / 7;
    let fill = include_str!("../fill_sqlite.sql");
    let fill = fill.replace("{person}", person).replace("{each}", &each.to_string());
    Connection::open(path).expect("a database").execute_batch(&fill).expect("rows");
}

pub(crate) const SELECTS: [&str; 8] = [
    "SELECT id::text, post_id::text, name FROM files \
     WHERE post_id IN (SELECT id FROM posts WHERE tenant_id = $1 AND author_id = $2)",
    "SELECT id::text, title, body FROM posts WHERE tenant_id = $1 AND author_id = $2",
    "SELECT id::text, body FROM comments WHERE tenant_id = $1 AND author_id = $2",
    "SELECT id::text, body FROM messages WHERE tenant_id = $1 AND sender_id = $2",
    "SELECT id::text, document::text FROM settings WHERE tenant_id = $1 AND account_id = $2",
    "SELECT id::text, actor, action FROM audit WHERE tenant_id = $1 AND account_id = $2",
    "SELECT id::text, address FROM invoices WHERE tenant_id = $1 AND account_id = $2",
    "SELECT id::text, email, name FROM accounts WHERE tenant_id = $1 AND id = $2",
];

pub(crate) const ERASES: [&str; 7] = [
    "DELETE FROM files \
     WHERE post_id IN (SELECT id FROM posts WHERE tenant_id = ?1 AND author_id = ?2)",
    "DELETE FROM posts WHERE tenant_id = ?1 AND author_id = ?2",
    "UPDATE comments SET body = NULL WHERE tenant_id = ?1 AND author_id = ?2",
    "UPDATE messages SET sender_id = NULL WHERE tenant_id = ?1 AND sender_id = ?2",
    "UPDATE settings SET document = document - 'note' WHERE tenant_id = ?1 AND account_id = ?2",
    "UPDATE audit SET actor = 'erased' WHERE tenant_id = ?1 AND account_id = ?2",
    "DELETE FROM accounts WHERE tenant_id = ?1 AND id = ?2",
];
