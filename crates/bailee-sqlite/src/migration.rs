//! Numbered migrations, only ever added, noted in a table of our own name.
//!
//! The file may be the host's: `user_version` and `application_id` are not touched, and every name
//! begins with `bailee_`.

use bailee_core::Clock;
use rusqlite::{Connection, TransactionBehavior, params};

use crate::fault::{Fault, Result};

/// The first is number 1.
const MIGRATIONS: &[&str] = &[include_str!("../migrations/0001_begin.sql")];

/// Brings the schema to what this release knows.
pub(crate) fn run(connection: &mut Connection, clock: &dyn Clock) -> Result<()> {
    let known = MIGRATIONS.len() as i64;
    if level(connection)? == known {
        return Ok(());
    }
    // Another process may be here at the same time: look again under the lock.
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let found = level(&transaction)?;
    if found > known {
        return Err(Fault::NewerSchema { found, known });
    }
    transaction.execute_batch(
        "CREATE TABLE IF NOT EXISTS bailee_migration (
             number  INTEGER NOT NULL PRIMARY KEY,
             applied INTEGER NOT NULL
         ) STRICT",
    )?;
    for (number, sql) in (1..).zip(MIGRATIONS).filter(|(number, _)| *number > found) {
        transaction.execute_batch(sql)?;
        transaction.execute(
            "INSERT INTO bailee_migration (number, applied) VALUES (?1, ?2)",
            params![number, clock.now().as_micros()],
        )?;
    }
    transaction.commit()?;
    Ok(())
}

/// The number of the last migration that was run; 0 before the first.
fn level(connection: &Connection) -> Result<i64> {
    let noted: bool = connection.query_row(
        "SELECT EXISTS (SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?1)",
        params!["bailee_migration"],
        |row| row.get(0),
    )?;
    if !noted {
        return Ok(0);
    }
    let sql = "SELECT coalesce(max(number), 0) FROM bailee_migration";
    Ok(connection.query_row(sql, [], |row| row.get(0))?)
}
