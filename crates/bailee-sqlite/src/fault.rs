//! What can go wrong inside, and what of it a caller is told.

use std::io;

use bailee_core::{Error, ErrorKind};
use bailee_store::Conflict;
use rusqlite::{ErrorCode, ffi};

pub(crate) type Result<T, E = Fault> = std::result::Result<T, E>;

/// Causes, as codes: SQLite's messages stay inside.
#[derive(Clone, Debug, thiserror::Error)]
pub(crate) enum Fault {
    #[error("a batch was refused")]
    Conflict(#[from] Conflict),
    #[error("the database is open for changes in a folder that others can write to")]
    FolderOpen,
    #[error("the database was written by a newer release (schema {found}, known {known})")]
    NewerSchema { found: i64, known: i64 },
    #[error("the database cannot be kept in write-ahead mode here")]
    NoWriteAhead,
    #[error("the path of the database names no file")]
    NotAFile,
    #[error("a file or folder of the database could not be prepared ({0})")]
    File(io::ErrorKind),
    #[error("a row is not one that this release writes")]
    Row,
    #[error("sqlite failed with code {0}")]
    Sqlite(i32),
    #[error("the log has moved on")]
    LogMoved,
    #[error("the store's thread has ended")]
    Ended,
}

impl Fault {
    /// Whether another process's lock was in the way.
    pub(crate) fn is_busy(&self) -> bool {
        matches!(self, Self::Sqlite(code) if code & 0xff == ffi::SQLITE_BUSY)
    }

    /// Whether a failure of a `COMMIT` leaves open what a restart would find.
    ///
    /// When the sync of the write-ahead log fails, its frames are written though nobody reads them:
    /// if the machine stops before they are overwritten, the recovery may take them for committed.
    /// With every other failure the frame that ends the transaction is not in the file.
    pub(crate) fn leaves_commit_open(&self) -> bool {
        matches!(self, Self::Sqlite(ffi::SQLITE_IOERR_FSYNC | ffi::SQLITE_IOERR_DIR_FSYNC))
    }
}

impl From<rusqlite::Error> for Fault {
    fn from(error: rusqlite::Error) -> Self {
        match error {
            rusqlite::Error::SqliteFailure(failure, _) => Self::Sqlite(failure.extended_code),
            rusqlite::Error::SqlInputError { error, .. } => Self::Sqlite(error.extended_code),
            _ => Self::Row,
        }
    }
}

impl From<io::Error> for Fault {
    fn from(error: io::Error) -> Self {
        Self::File(error.kind())
    }
}

impl From<Fault> for Error {
    fn from(fault: Fault) -> Self {
        let kind = match &fault {
            Fault::Conflict(_) | Fault::LogMoved => ErrorKind::Conflict,
            Fault::FolderOpen | Fault::NoWriteAhead | Fault::NotAFile => ErrorKind::Configuration,
            Fault::File(io::ErrorKind::PermissionDenied | io::ErrorKind::NotADirectory) => {
                ErrorKind::Configuration
            }
            Fault::NewerSchema { .. } => ErrorKind::UnknownSchema,
            Fault::Sqlite(code) => match ffi::Error::new(*code).code {
                ErrorCode::CannotOpen
                | ErrorCode::NotADatabase
                | ErrorCode::PermissionDenied
                | ErrorCode::ReadOnly => ErrorKind::Configuration,
                _ => ErrorKind::StoreUnavailable,
            },
            Fault::Row | Fault::File(_) | Fault::Ended => ErrorKind::StoreUnavailable,
        };
        match fault {
            Fault::Conflict(conflict) => conflict.into(),
            fault => Self::new(kind).with_source(fault),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_sync_alone_leaves_a_commit_open() {
        assert!(Fault::Sqlite(ffi::SQLITE_IOERR_FSYNC).leaves_commit_open());
        for code in [ffi::SQLITE_FULL, ffi::SQLITE_BUSY, ffi::SQLITE_IOERR_WRITE] {
            assert!(!Fault::Sqlite(code).leaves_commit_open(), "{code}");
        }
    }

    #[test]
    fn a_full_disk_is_an_unavailable_store() {
        for code in [ffi::SQLITE_FULL, ffi::SQLITE_IOERR_WRITE, ffi::SQLITE_BUSY] {
            assert_eq!(Error::from(Fault::Sqlite(code)).kind(), ErrorKind::StoreUnavailable);
        }
    }
}
