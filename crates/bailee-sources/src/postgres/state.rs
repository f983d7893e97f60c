//! What a driver's error becomes. Its text stays behind: the server's messages and details repeat
//! values, and a driver's source may hold an address with a password in it.

use std::fmt;

use bailee_core::ErrorKind;

use crate::fault::Fault;

/// A SQLSTATE, or none where the connection failed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct State(Option<[u8; 5]>);

impl State {
    /// The state that a server answered. Whatever does not look like one is none.
    pub(crate) fn of(code: Option<&str>) -> Self {
        let plain = |code: &&str| {
            code.bytes().all(|byte| byte.is_ascii_digit() || byte.is_ascii_uppercase())
        };
        Self(code.filter(plain).and_then(|code| code.as_bytes().try_into().ok()))
    }

    fn as_str(&self) -> &str {
        self.0.as_ref().and_then(|code| std::str::from_utf8(code).ok()).unwrap_or_default()
    }

    pub(crate) fn kind(&self) -> ErrorKind {
        match self.as_str() {
            // A deadlock, a failed serialization, a lock that was not to be had in time.
            "40001" | "40P01" | "55P03" => ErrorKind::Conflict,
            // Another schema, a role without a right, a login that is refused.
            "25006" | "28000" | "28P01" | "3D000" | "3F000" | "42501" | "42703" | "42704"
            | "42883" | "42P01" => ErrorKind::Configuration,
            _ => ErrorKind::HostFailed,
        }
    }

    /// Whether a value does not fit its column or breaks a rule of its table.
    pub(crate) fn is_of_a_value(&self) -> bool {
        self.as_str().starts_with("22") || self.as_str().starts_with("23")
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.as_str() {
            "" => "the connection to the database failed",
            "40001" | "40P01" => "another transaction changed the same rows",
            "42501" => "the database's role lacks a right",
            "55P03" => "another transaction held a lock for too long",
            "57014" => "a statement took too long",
            _ => return write!(f, "the database answered with SQLSTATE {}", self.as_str()),
        })
    }
}

impl fmt::Debug for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl From<State> for Fault {
    fn from(state: State) -> Self {
        Self::Postgres(state)
    }
}
