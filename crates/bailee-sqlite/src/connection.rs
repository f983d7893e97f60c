//! Connections and what is set on each of them.

use std::{path::Path, time::Duration};

use rusqlite::{Connection, OpenFlags};

use crate::fault::{Fault, Result};

/// How long a statement waits for another process's lock.
pub(crate) const BUSY: Duration = Duration::from_secs(5);

/// Opens the connection that writes.
pub(crate) fn writer(path: &Path) -> Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = open(path, flags, BUSY)?;
    let mode: String = connection.query_row("PRAGMA journal_mode = WAL", [], |row| row.get(0))?;
    if mode != "wal" {
        return Err(Fault::NoWriteAhead);
    }
    // An acknowledged commit is on the disk; on macOS that takes a call of its own.
    connection.execute_batch(
        "PRAGMA synchronous = FULL; PRAGMA fullfsync = ON; PRAGMA checkpoint_fullfsync = ON;",
    )?;
    // The pragma answers a row.
    connection.query_row("PRAGMA secure_delete = ON", [], |_| Ok(()))?;
    Ok(connection)
}

/// Opens a connection that only reads. `busy` is zero where nobody may be kept waiting.
pub(crate) fn reader(path: &Path, busy: Duration) -> Result<Connection> {
    open(path, OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX, busy)
}

fn open(path: &Path, flags: OpenFlags, busy: Duration) -> Result<Connection> {
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(busy)?;
    // More than there are statements.
    connection.set_prepared_statement_cache_capacity(64);
    // What SQLite would put aside in files of its own stays in memory: those files would be neither
    // in our folder nor overwritten. Functions in somebody else's schema are not trusted.
    connection.execute_batch("PRAGMA temp_store = MEMORY; PRAGMA trusted_schema = OFF;")?;
    Ok(connection)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(connection: &Connection, pragma: &str) -> i64 {
        connection.query_row(pragma, [], |row| row.get(0)).unwrap()
    }

    #[test]
    fn sto_09_the_writer_is_set_to_be_durable_and_to_overwrite() {
        let folder = tempfile::tempdir().unwrap();
        let path = crate::file::prepare(&folder.path().join("vault.db")).unwrap();
        let writer = writer(&path).unwrap();
        let mode: String = writer.query_row("PRAGMA journal_mode", [], |row| row.get(0)).unwrap();
        assert_eq!(mode, "wal");
        assert_eq!(number(&writer, "PRAGMA synchronous"), 2, "full");
        assert_eq!(number(&writer, "PRAGMA secure_delete"), 1);
        assert_eq!(number(&writer, "PRAGMA fullfsync"), 1);
        assert_eq!(number(&writer, "PRAGMA checkpoint_fullfsync"), 1);
        assert_eq!(number(&writer, "PRAGMA temp_store"), 2, "memory");
        assert_eq!(number(&writer, "PRAGMA trusted_schema"), 0);
    }

    #[test]
    fn a_reader_cannot_write() {
        let folder = tempfile::tempdir().unwrap();
        let path = crate::file::prepare(&folder.path().join("vault.db")).unwrap();
        let writer = writer(&path).unwrap();
        writer.execute_batch("CREATE TABLE thing (a)").unwrap();
        let reader = reader(&path, BUSY).unwrap();
        assert_eq!(number(&reader, "SELECT count(*) FROM thing"), 0);
        assert_eq!(number(&reader, "PRAGMA temp_store"), 2, "memory");
        assert!(reader.execute("INSERT INTO thing VALUES (1)", []).is_err());
    }
}
