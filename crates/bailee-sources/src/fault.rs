//! What can go wrong inside, and what of it a caller is told.

use bailee_core::{Error, ErrorKind};

pub(crate) type Result<T, E = Fault> = std::result::Result<T, E>;

/// Causes, as codes and names of the mapping: what databases say may hold values and stays inside.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Fault {
    #[error("{0}")]
    Asked(Error),
    #[error(
        "rows of `{child}`, which the mapping does not find by `{parent}`, would be deleted along with its rows"
    )]
    Cascade { child: String, parent: String },
    #[cfg(feature = "sqlite")]
    #[error("sqlite failed with code {1}")]
    Sqlite(ErrorKind, i32),
    #[cfg(feature = "sqlite")]
    #[error("the job was not run to its end")]
    Ended,
    #[cfg(feature = "sqlite")]
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
    #[cfg(any(feature = "postgres", feature = "sqlx"))]
    #[error("`{0}` is a part of another table, or has parts that its key does not cover")]
    Part(String),
    #[cfg(any(feature = "postgres", feature = "sqlx"))]
    #[error("{0}")]
    Postgres(crate::postgres::State),
    #[cfg(any(feature = "postgres", feature = "sqlx"))]
    #[error(
        "row security may hide rows of `{0}` from this role, and the mapping names no `tenant_setting`"
    )]
    RowSecurity(String),
    #[error("`{table}.{column}` is declared with a type that turns ids into others")]
    Turned { table: String, column: String },
    #[cfg(any(feature = "postgres", feature = "sqlx"))]
    #[error("`{table}.{column}` is declared with a type that does not take what is put there")]
    Unfit { table: String, column: String },
    #[error("a value is not one that this release reads")]
    Value,
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
            #[cfg(feature = "sqlite")]
            Fault::Sqlite(kind, _) => *kind,
            #[cfg(any(feature = "postgres", feature = "sqlx"))]
            Fault::Postgres(state) => state.kind(),
            Fault::Key(_) | Fault::Value => ErrorKind::HostFailed,
            #[cfg(feature = "sqlite")]
            Fault::Ended | Fault::Gone => ErrorKind::HostFailed,
            // The database is not the one that is mapped.
            _ => ErrorKind::Configuration,
        };
        match fault {
            Fault::Asked(error) => error,
            fault => Self::new(kind).with_detail(fault.to_string()),
        }
    }
}
