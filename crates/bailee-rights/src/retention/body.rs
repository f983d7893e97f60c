//! What the records of retention say, as JSON behind a schema number.

use std::collections::BTreeMap;

use bailee_core::{Error, ErrorKind, Id, Result, Timestamp};
use bailee_vault::Facts;
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::Failure;

/// The schema that this release writes.
pub(super) const SCHEMA: u16 = 1;

/// `rights.retention` in the system's tenant: how far the work was taken to the tenants.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct SpreadBody {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) after: Option<Id>,
}

/// `rights.retention` in a tenant: how far the look at its tables came.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct LookBody {
    /// When this look began. Its cut-offs count from here.
    pub(super) began: Timestamp,
    /// The table behind which it goes on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) after: Option<(String, String)>,
    /// The sweep that is under way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) sweep: Option<Id>,
    /// When it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) ended: Option<Timestamp>,
    /// When the last one ended in which nothing failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) whole: Option<Timestamp>,
    /// How many rows it erased so far.
    pub(super) rows: u64,
    /// What fails, since when.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) failing: Vec<Failure>,
}

/// `rights.sweep`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct SweepBody {
    pub(super) source: String,
    pub(super) table: String,
    pub(super) data_set: String,
    pub(super) before: Timestamp,
    pub(super) began: Timestamp,
    /// How many rows were too old before anything was done.
    pub(super) found: u64,
    /// How many rows of which table the steps said that they changed.
    pub(super) changed: BTreeMap<String, u64>,
    /// How many people's rows stayed.
    pub(super) left_out: u64,
    /// Whether a process died in it, so that it may have changed more than it could note.
    #[serde(default)]
    pub(super) interrupted: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) ended: Option<Timestamp>,
    /// How many were still there at the end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) left: Option<u64>,
}

impl LookBody {
    pub(super) fn begin(now: Timestamp, former: Option<&Self>) -> Self {
        Self {
            began: now,
            after: None,
            sweep: None,
            ended: None,
            whole: former.and_then(|former| former.whole),
            rows: 0,
            failing: former.map(|former| former.failing.clone()).unwrap_or_default(),
        }
    }
}

/// Reads facts that this release or one before it wrote.
pub(super) fn decode<T: DeserializeOwned>(facts: &Facts) -> Result<T> {
    if facts.schema() > SCHEMA {
        return Err(Error::new(ErrorKind::UnknownSchema));
    }
    facts.json()
}
