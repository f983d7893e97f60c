//! What a message tells of.

use bailee_core::Id;

use crate::message::LetterKind;

/// What a message tells of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum About {
    /// Of a change that was announced.
    Change {
        /// Which one.
        announcement: Id,
    },
    /// Of a person's request.
    Request {
        /// Which one.
        request: Id,
        /// What it says of it.
        kind: LetterKind,
    },
}

impl About {
    /// The announcement, where it tells of a change.
    pub fn announcement(&self) -> Option<Id> {
        match self {
            Self::Change { announcement } => Some(*announcement),
            Self::Request { .. } => None,
        }
    }
}
