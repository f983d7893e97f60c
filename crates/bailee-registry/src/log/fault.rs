//! What must not be so in a log.

use bailee_core::{Error, ErrorKind};

/// What is wrong with the log or with what is remembered of it. Each is an alarm: somebody wrote to the
/// database who is not this program, or a copy of it was put in its place.
///
/// It is the source of an error of the kind [`ErrorKind::Unopenable`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LogFault {
    /// An entry that has a number is not there any more.
    #[error("the log has no entry of the number {0}")]
    Missing(u64),
    /// A checkpoint that was kept elsewhere is of a tree that this one did not grow out of.
    #[error("the log did not grow out of the checkpoint that was kept elsewhere")]
    OtherPast,
    /// The tree is smaller than one that was signed before: an old copy was put in its place.
    #[error("the log is smaller than it was before")]
    RolledBack,
    /// What is remembered of the tree does not fit together.
    #[error("what is remembered of the log's tree does not fit together")]
    Tree,
}

impl From<LogFault> for Error {
    fn from(fault: LogFault) -> Self {
        Self::new(ErrorKind::Unopenable)
            .with_detail("the audit log is not what it was")
            .with_source(fault)
    }
}
