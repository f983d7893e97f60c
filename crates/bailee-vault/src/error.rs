//! What can be wrong with sealed bytes, and how it is told outside.

use bailee_core::{Error, ErrorKind};

/// Why sealed bytes were not opened.
///
/// A wrong context, a wrong commitment and a wrong tag are one fault without detail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Fault {
    #[error("the bytes are no sealed body")]
    Malformed,
    #[error("the sealed body was refused")]
    Refused,
    #[error("no such key belongs to this holder")]
    UnknownKey,
    #[error("the sealed body names a suite that this release does not know")]
    UnknownSuite,
    #[error("the sealed body names a version that this release does not know")]
    UnknownVersion,
}

impl From<Fault> for Error {
    fn from(fault: Fault) -> Self {
        let kind = match fault {
            Fault::Malformed | Fault::Refused => return Self::new(ErrorKind::Unopenable),
            Fault::UnknownKey => ErrorKind::KeyMissing,
            Fault::UnknownSuite | Fault::UnknownVersion => ErrorKind::UnknownSchema,
        };
        Self::new(kind).with_source(fault)
    }
}

pub(crate) fn invalid(detail: &'static str) -> Error {
    Error::new(ErrorKind::InvalidInput).with_detail(detail)
}

pub(crate) fn configuration(detail: &'static str) -> Error {
    Error::new(ErrorKind::Configuration).with_detail(detail)
}

/// A key or a view that is used beyond its time.
pub(crate) fn too_old() -> Error {
    Error::new(ErrorKind::Conflict).with_detail("what was read is too old; read again")
}
