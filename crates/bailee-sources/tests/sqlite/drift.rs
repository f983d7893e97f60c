//! A database that is not the one that was mapped is an error and never an answer.

use std::sync::Arc;

use bailee_core::ErrorKind;
use bailee_rights::source::{Gathered, conformance::Fixture};
use bailee_sources::{Job, Mapping, PseudonymKey, SqliteSource};

use crate::application::{MAPPING, full, open, whose};

async fn refused_after(change: &str) -> String {
    let application = full(7, 2);
    let (source, ada) = (application.source().await, whose("acme", "ada"));
    let connection = application.connect();
    connection.pragma_update(None, "foreign_keys", false).unwrap();
    connection.execute_batch(change).unwrap();
    let before: Vec<String> = dump(&connection);
    let errors = [
        source.count(&ada).await.map(drop).unwrap_err(),
        source.collect(&ada, &mut Gathered::default()).await.unwrap_err(),
        source.erase(&ada).await.map(drop).unwrap_err(),
        source.restrict(&ada, true).await.map(drop).unwrap_err(),
        source.remaining(&ada).await.map(drop).unwrap_err(),
        open(&application.path(), MAPPING).await.map(drop).unwrap_err(),
    ];
    assert!(errors.iter().all(|error| error.kind() == ErrorKind::Configuration), "{errors:?}");
    assert_eq!(dump(&connection), before, "nothing was changed");
    errors[0].to_string()
}

/// How many rows each table has.
fn dump(connection: &rusqlite::Connection) -> Vec<String> {
    let mut tables =
        connection.prepare("SELECT name FROM sqlite_schema WHERE type = 'table'").unwrap();
    let tables = tables.query_map([], |row| row.get::<_, String>(0)).unwrap();
    let count = |table: String| {
        let count = format!("SELECT count(*) FROM \"{table}\"");
        let count: i64 = connection.query_row(&count, [], |row| row.get(0)).unwrap();
        format!("{table} {count}")
    };
    tables.map(|table| count(table.unwrap())).collect()
}

#[tokio::test]
async fn r3_a_table_or_a_column_that_is_missing_is_named() {
    let said = refused_after("ALTER TABLE posts RENAME TO articles").await;
    assert!(said.contains("the table `posts` is not there"), "{said}");
    let said = refused_after("ALTER TABLE comments RENAME COLUMN body TO text").await;
    assert!(said.contains("`comments` has no column `body`"), "{said}");
    // A view is no table, even where it shows the same.
    let said =
        refused_after("ALTER TABLE audit RENAME TO log; CREATE VIEW audit AS SELECT * FROM log")
            .await;
    assert!(said.contains("the table `audit` is not there"), "{said}");
}

#[tokio::test]
async fn r3_a_foreign_key_that_would_take_more_along_is_refused() {
    let said = refused_after(
        "CREATE TABLE likes (post_id INTEGER REFERENCES posts (id) ON DELETE CASCADE, who TEXT)",
    )
    .await;
    assert!(said.contains("rows of `likes`"), "{said}");
}

#[tokio::test]
async fn r3_a_column_that_an_erasure_empties_may_be_empty() {
    let said = refused_after(
        "DROP TABLE messages; CREATE TABLE messages (id INTEGER PRIMARY KEY, tenant_id TEXT, \
         sender_id TEXT NOT NULL, recipient_id TEXT, body TEXT, sent_at TEXT)",
    )
    .await;
    assert!(said.contains("`messages.sender_id` cannot be empty"), "{said}");
}

#[tokio::test]
async fn r3_a_key_that_names_several_rows_is_refused() {
    let said = refused_after(
        "DROP TABLE audit; CREATE TABLE audit (id INTEGER, tenant_id TEXT, actor_email TEXT, \
         action TEXT); CREATE UNIQUE INDEX some ON audit (id) WHERE action = 'paid'",
    )
    .await;
    assert!(said.contains("the key of `audit` is not unique"), "{said}");
}

#[tokio::test]
async fn r3_a_column_that_takes_two_ids_for_one_is_refused() {
    let said = refused_after(
        "DROP TABLE audit; CREATE TABLE audit (id INTEGER PRIMARY KEY, tenant_id TEXT, \
         actor_email STRING, action TEXT)",
    )
    .await;
    assert!(said.contains("`audit.actor_email` is declared with a type"), "{said}");
}

#[tokio::test]
async fn r3_a_database_that_is_not_there_is_not_made() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("none.db");
    assert_eq!(open(&path, MAPPING).await.unwrap_err().kind(), ErrorKind::Configuration);
    assert!(!path.exists());
}

#[tokio::test]
async fn a_job_that_is_never_run_is_an_error() {
    let application = full(7, 1);
    let mapping = Mapping::parse(MAPPING).unwrap();
    let dropping = Arc::new(|job: Job| drop(job));
    let opened =
        SqliteSource::open(application.path(), mapping, PseudonymKey::new(&[1; 32]), dropping);
    assert_eq!(opened.await.unwrap_err().kind(), ErrorKind::HostFailed);
}
