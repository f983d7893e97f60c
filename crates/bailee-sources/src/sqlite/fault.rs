//! What SQLite's errors come to: a code, and never a message, which may hold values.

use bailee_core::ErrorKind;
use rusqlite::{ErrorCode, ffi};

use crate::fault::Fault;

impl From<rusqlite::Error> for Fault {
    fn from(error: rusqlite::Error) -> Self {
        let code = match error {
            rusqlite::Error::SqliteFailure(failure, _) => failure.extended_code,
            rusqlite::Error::SqlInputError { error, .. } => error.extended_code,
            _ => return Self::Value,
        };
        let kind = match ffi::Error::new(code).code {
            ErrorCode::CannotOpen
            | ErrorCode::NotADatabase
            | ErrorCode::PermissionDenied
            | ErrorCode::ReadOnly => ErrorKind::Configuration,
            _ => ErrorKind::HostFailed,
        };
        Self::Sqlite(kind, code)
    }
}
