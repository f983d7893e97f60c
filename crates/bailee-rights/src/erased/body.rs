//! What the record of an erasure says, as JSON behind a schema number.

use bailee_core::{Error, ErrorKind, Id, Result, SubjectId, Timestamp};
use bailee_vault::Facts;
use serde::{Deserialize, Serialize};

/// The schema that this release writes.
pub(super) const SCHEMA: u16 = 1;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct ErasedBody {
    pub(super) subject: SubjectId,
    pub(super) request: Id,
    pub(super) at: Timestamp,
    pub(super) until: Timestamp,
}

/// Reads facts that this release or one before it wrote.
pub(super) fn decode(facts: &Facts) -> Result<ErasedBody> {
    if facts.schema() > SCHEMA {
        return Err(Error::new(ErrorKind::UnknownSchema));
    }
    facts.json()
}
