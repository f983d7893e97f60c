//! What the record of a hold says, as JSON behind a schema number.

use std::collections::BTreeSet;

use bailee_core::{Error, ErrorKind, Id, Result, SubjectId, Timestamp};
use bailee_store::Facet;
use bailee_vault::Facts;
use serde::{Deserialize, Serialize};

use super::{Ended, kind};
use crate::request::Reason;

/// The schema that this release writes.
pub(super) const SCHEMA: u16 = 1;

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct HoldBody {
    pub(super) subject: SubjectId,
    /// The sets that it keeps; none: all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) sets: Option<BTreeSet<String>>,
    pub(super) reason: Reason,
    pub(super) sentence: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) reference: Option<String>,
    pub(super) placed_at: Timestamp,
    pub(super) reviewer: Id,
    pub(super) reviewed_at: Timestamp,
    pub(super) until: Timestamp,
    /// Whether somebody was told that it ends soon.
    #[serde(default)]
    pub(super) warned: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) ended: Option<(Timestamp, Ended)>,
    /// The requests that go on when it ends.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub(super) waiting: BTreeSet<Id>,
}

impl HoldBody {
    pub(super) fn facet(&self) -> Facet {
        match self {
            Self { ended: Some(_), .. } => kind::ENDED,
            Self { warned: true, .. } => kind::DUE,
            Self { .. } => kind::STANDS,
        }
    }
}

/// Reads facts that this release or one before it wrote.
pub(super) fn decode(facts: &Facts) -> Result<HoldBody> {
    if facts.schema() > SCHEMA {
        return Err(Error::new(ErrorKind::UnknownSchema));
    }
    facts.json()
}
