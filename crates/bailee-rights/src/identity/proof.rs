//! What established an identity.

use bailee_core::{Id, Timestamp, audit::Entry};
use serde::{Deserialize, Serialize};

use super::Seen;

/// How it was established that a request is the person's own. It names nobody but an operator and may
/// stand in the request's record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "by")]
#[non_exhaustive]
pub enum Proof {
    /// An operator looked.
    Attested {
        /// Who.
        operator: Id,
        /// At what.
        seen: Seen,
        /// When.
        at: Timestamp,
    },
    /// The person entered a code that was sent to an address of theirs.
    Code {
        /// When.
        at: Timestamp,
    },
    /// The person was signed in.
    Session {
        /// Since when: the last time that they showed their password or passkey.
        authenticated_at: Timestamp,
    },
}

impl Proof {
    /// How, as a word.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Attested { .. } => "attested",
            Self::Code { .. } => "code",
            Self::Session { .. } => "session",
        }
    }

    /// Says in an entry of the log how identity was established.
    #[must_use]
    pub fn note(&self, entry: Entry) -> Entry {
        entry.with("method", self.as_str())
    }
}
