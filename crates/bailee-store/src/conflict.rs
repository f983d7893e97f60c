//! What a conflict names.

use bailee_core::{Error, ErrorKind};

use crate::{Control, Key};

/// Why a batch did not happen: something that it expected was not so.
///
/// Stores keep it as the source of an error of kind [`ErrorKind::Conflict`], so that a caller can
/// tell which of its keys to read again.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{key} is not as the batch expected")]
pub struct Conflict {
    key: Key,
}

impl Conflict {
    /// A conflict at a record or at a piece of work.
    pub fn at(key: Key) -> Self {
        Self { key }
    }

    /// A conflict at the control row, named [`Control::KEY`].
    pub fn at_control() -> Self {
        Self { key: Control::KEY }
    }

    /// The key that an error names, if it is a conflict of a batch.
    pub fn of(error: &Error) -> Option<&Key> {
        let source = std::error::Error::source(error)?;
        source.downcast_ref::<Self>().map(|conflict| &conflict.key)
    }

    /// What was not as expected.
    pub fn key(&self) -> &Key {
        &self.key
    }
}

impl From<Conflict> for Error {
    fn from(conflict: Conflict) -> Self {
        Self::new(ErrorKind::Conflict).with_source(conflict)
    }
}

#[cfg(test)]
mod tests {
    use bailee_core::Id;

    use super::*;
    use crate::Kind;

    #[test]
    fn an_error_tells_which_key_was_not_as_expected() {
        let key = Key::new(Kind::from_static("subject"), Id::from_bytes([7; 16]));
        let error = Error::from(Conflict::at(key.clone()));
        assert_eq!(error.kind(), ErrorKind::Conflict);
        assert_eq!(Conflict::of(&error), Some(&key));
        assert_eq!(Conflict::of(&Error::new(ErrorKind::Conflict)), None);
    }
}
