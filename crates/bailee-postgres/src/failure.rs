//! What a driver's error becomes. Its text stays behind: the server's messages and details repeat
//! values and identifiers, and a driver's source may hold an address with a password in it.

use std::fmt;

use bailee_core::{Error, ErrorKind};

/// The source of an error of this store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Failure {
    #[error("the connection was lost")]
    Lost,
    #[error("the connection could not be opened")]
    Unreachable,
    #[error("the runtime of the connections has ended")]
    RuntimeGone,
    #[error("the server refused the statement with SQLSTATE {0}")]
    Server(State),
    #[error("a row holds what this store never writes")]
    StrangeRow,
}

/// A SQLSTATE: five digits and capital letters.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct State([u8; 5]);

impl State {
    fn parse(code: &str) -> Self {
        let plain = code.bytes().all(|b| b.is_ascii_digit() || b.is_ascii_uppercase());
        match code.as_bytes().try_into() {
            Ok(bytes) if plain => Self(bytes),
            _ => Self(*b"XX000"),
        }
    }

    fn as_str(&self) -> &str {
        // Five ASCII characters, by construction.
        std::str::from_utf8(&self.0).unwrap_or("XX000")
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Failure {
    /// What a statement's failure was.
    pub(crate) fn of(error: &tokio_postgres::Error) -> Self {
        error.code().map_or(Self::Lost, |state| Self::Server(State::parse(state.code())))
    }

    /// What a failure to connect was.
    pub(crate) fn of_connecting(error: &tokio_postgres::Error) -> Self {
        error.code().map_or(Self::Unreachable, |state| Self::Server(State::parse(state.code())))
    }

    /// Whether a prepared statement is not there, is there already, or is not what it was: the
    /// server process is not the one that it was prepared on, or somebody dropped it there. With
    /// 08P01 another program's statement has the name there, and takes other parameters.
    pub(crate) fn is_of_a_name(self) -> bool {
        match self {
            Self::Server(state) => matches!(state.as_str(), "08P01" | "0A000" | "26000" | "42P05"),
            _ => false,
        }
    }

    /// Whether a COMMIT that failed like this certainly did nothing.
    ///
    /// Only what the server decides before it writes the commit record: failed constraints and
    /// serialization. After a shutdown or a lost connection nobody knows.
    pub(crate) fn undid_the_commit(self) -> bool {
        match self {
            Self::Server(state) => match state.as_str() {
                "40003" => false,
                state => state.starts_with("40") || state.starts_with("23"),
            },
            _ => false,
        }
    }
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        let (kind, detail) = match failure {
            Failure::Server(state) => of_state(state.as_str()),
            _ => (ErrorKind::StoreUnavailable, None),
        };
        let error = Self::new(kind).with_source(failure);
        match detail {
            Some(detail) => error.with_detail(detail),
            None => error,
        }
    }
}

fn of_state(state: &str) -> (ErrorKind, Option<&'static str>) {
    match state {
        // A deadlock, a failed serialization, a lock that was not to be had in time.
        "40001" | "40P01" | "55P03" => (ErrorKind::Conflict, None),
        "3F000" | "42703" | "42883" | "42P01" => {
            (ErrorKind::Configuration, Some("the schema is not the one of the migrations"))
        }
        "42501" => (ErrorKind::Configuration, Some("the database role lacks a grant")),
        "28000" | "28P01" => {
            (ErrorKind::Configuration, Some("the database refused the role or its password"))
        }
        "3D000" => (ErrorKind::Configuration, Some("there is no such database")),
        state if state.starts_with("22") || state.starts_with("23") => {
            (ErrorKind::InvalidInput, Some("the database refused a value"))
        }
        _ => (ErrorKind::StoreUnavailable, None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_decided_commit_is_undone() {
        let server = |code| Failure::Server(State::parse(code));
        assert!(server("40001").undid_the_commit());
        assert!(server("23505").undid_the_commit());
        for open in [server("40003"), server("57P01"), server("08006"), Failure::Lost] {
            assert!(!open.undid_the_commit(), "{open}");
        }
    }

    #[test]
    fn a_state_that_is_none_leaves_no_text() {
        assert_eq!(State::parse("canary").to_string(), "XX000");
        assert_eq!(State::parse("40p01").to_string(), "XX000");
        assert_eq!(State::parse("40P01").to_string(), "40P01");
    }
}
