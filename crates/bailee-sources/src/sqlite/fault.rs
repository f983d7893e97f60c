//! What can go wrong inside, and what of it a caller is told.

use bailee_core::{Error, ErrorKind};
use rusqlite::{ErrorCode, ffi};

pub(super) type Result<T, E = Fault> = std::result::Result<T, E>;

/// Causes, as codes and names of the mapping: SQLite's messages may hold values and stay inside.
#[derive(Debug, thiserror::Error)]
pub(super) enum Fault {
    #[error("{0}")]
    Asked(Error),
    #[error(
        "rows of `{child}`, which the mapping does not find by `{parent}`, would be deleted along with its rows"
    )]
    Cascade { child: String, parent: String },
    #[error("the job was not run to its end")]
    Ended,
    #[error("nobody takes the rows any more")]
    Gone,
    #[error("a row of `{0}` has a key that no statement finds again")]
    Key(String),
    #[error("`{table}` has no column `{column}`")]
    NoColumn { table: String, column: String },
    #[error("the table `{0}` is not there, or is none")]
    NoTable(String),
    #[error("`{table}.{column}` cannot be empty, and an erasure empties it")]
    NotNull { table: String, column: String },
    #[error("the key of `{0}` is not unique")]
    NotUnique(String),
    #[error("sqlite failed with code {0}")]
    Sqlite(i32),
    #[error("`{table}.{column}` is declared with a type that turns ids into others")]
    Turned { table: String, column: String },
    #[error("a value is not one that this release reads")]
    Value,
}

impl From<rusqlite::Error> for Fault {
    fn from(error: rusqlite::Error) -> Self {
        match error {
            rusqlite::Error::SqliteFailure(failure, _) => Self::Sqlite(failure.extended_code),
            rusqlite::Error::SqlInputError { error, .. } => Self::Sqlite(error.extended_code),
            _ => Self::Value,
        }
    }
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        Self::Asked(error)
    }
}

impl From<Fault> for Error {
    fn from(fault: Fault) -> Self {
        let kind = match &fault {
            Fault::Asked(_) => ErrorKind::InvalidInput,
            Fault::Cascade { .. }
            | Fault::NoColumn { .. }
            | Fault::NoTable(_)
            | Fault::NotNull { .. }
            | Fault::NotUnique(_)
            | Fault::Turned { .. } => ErrorKind::Configuration,
            Fault::Sqlite(code) => match ffi::Error::new(*code).code {
                ErrorCode::CannotOpen
                | ErrorCode::NotADatabase
                | ErrorCode::PermissionDenied
                | ErrorCode::ReadOnly => ErrorKind::Configuration,
                _ => ErrorKind::HostFailed,
            },
            Fault::Ended | Fault::Gone | Fault::Key(_) | Fault::Value => ErrorKind::HostFailed,
        };
        match fault {
            Fault::Asked(error) => error,
            fault => Self::new(kind).with_detail(fault.to_string()),
        }
    }
}
