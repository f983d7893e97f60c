//! Connections and what is set on each of them.

use std::{path::Path, thread, time::Duration};

use rusqlite::{Connection, OpenFlags};

use crate::fault::{Fault, Result};

/// How long a statement waits for another process's lock: longer than a busy disk takes for a sync,
/// for which whoever holds the lock waits. Processes that want it take no turns.
pub(crate) const BUSY: Duration = Duration::from_secs(15);

/// How often a file is tried to be brought into write-ahead mode, for which SQLite does not wait.
const MODE_TRIES: u32 = 200;
/// How long it rests before something is tried again.
const PAUSE: Duration = Duration::from_millis(10);

/// Does something that takes a lock, so many times. SQLite waits for another process's lock itself, but
/// not where the two could wait for each other, as when a new file gets its write-ahead log.
///
/// For the store's own threads: nobody else is kept waiting.
#[expect(
    clippy::disallowed_methods,
    reason = "the store's own thread waits, as SQLite itself does"
)]
pub(crate) fn patiently<T>(tries: u32, mut step: impl FnMut() -> Result<T>) -> Result<T> {
    for _ in 1..tries {
        match step() {
            Err(fault) if fault.is_busy() => thread::sleep(PAUSE),
            done => return done,
        }
    }
    step()
}

/// Opens the connection that writes.
pub(crate) fn writer(path: &Path) -> Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = open(path, flags, BUSY)?;
    let mode: String = patiently(MODE_TRIES, || {
        Ok(connection.query_row("PRAGMA journal_mode = WAL", [], |row| row.get(0))?)
    })?;
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

/// How much of the file a connection that reads has at hand, in bytes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Held {
    pub(crate) cached: usize,
    pub(crate) mapped: u64,
}

impl Default for Held {
    fn default() -> Self {
        Self { cached: 16 << 20, mapped: 0 }
    }
}

/// Opens a connection that only reads. `busy` is zero where nobody may be kept waiting.
pub(crate) fn reader(path: &Path, busy: Duration, held: Held) -> Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = open(path, flags, busy)?;
    // Less than nothing is a size in KiB and not a number of pages.
    let cached = i64::try_from(held.cached >> 10).unwrap_or(i64::MAX);
    connection.pragma_update(None, "cache_size", -cached.clamp(1, i64::from(i32::MAX)))?;
    // Said also where it is nothing: the library may be built with another default. It answers a
    // row, but for builds that cannot map.
    let mapped = i64::try_from(held.mapped).unwrap_or(i64::MAX);
    connection.pragma_update_and_check(None, "mmap_size", mapped, |_| Ok(())).or_else(|error| {
        match error {
            rusqlite::Error::QueryReturnedNoRows => Ok(()),
            error => Err(error),
        }
    })?;
    Ok(connection)
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
        let held = Held { mapped: 1 << 20, ..Held::default() };
        let reader = reader(&path, BUSY, held).unwrap();
        assert_eq!(number(&reader, "PRAGMA cache_size"), -16 * 1024, "KiB");
        assert_eq!(number(&reader, "PRAGMA mmap_size"), 1 << 20);
        assert_eq!(number(&reader, "SELECT count(*) FROM thing"), 0);
        assert_eq!(number(&reader, "PRAGMA temp_store"), 2, "memory");
        assert!(reader.execute("INSERT INTO thing VALUES (1)", []).is_err());
    }

    #[test]
    fn nothing_is_mapped_unless_it_is_asked_for() {
        let folder = tempfile::tempdir().unwrap();
        let path = crate::file::prepare(&folder.path().join("vault.db")).unwrap();
        writer(&path).unwrap().execute_batch("CREATE TABLE thing (a)").unwrap();
        let reader = reader(&path, BUSY, Held::default()).unwrap();
        assert_eq!(number(&reader, "PRAGMA mmap_size"), 0);
    }
}
