//! The host's own data: what it keeps beside the integrations.

use serde::Serialize;

use crate::DataItem;

/// A set of data that the host keeps itself: accounts, content, logs, bills.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct DataSet {
    /// Its name in the declaration.
    pub id: String,
    /// What a person reads as its name ("Your account").
    pub title: String,
    /// How it came about.
    #[serde(flatten)]
    pub origin: DataOrigin,
    /// What is in it, for what, and for how long.
    pub data: Vec<DataItem>,
}

/// How data came about. What a person provided and what was observed of them is portable, what was
/// made of that is not (Art. 20(1) GDPR).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "origin", rename_all = "snake_case")]
#[non_exhaustive]
pub enum DataOrigin {
    /// Computed from other data.
    Derived,
    /// Concluded about the person.
    Inferred,
    /// Seen while the person used the service.
    Observed,
    /// Given by somebody else (Art. 14(2)(f) GDPR).
    Obtained {
        /// By whom.
        from: String,
    },
    /// Given by the person.
    Provided,
}

impl DataOrigin {
    /// Whether the person can take it with them (Art. 20(1) GDPR).
    pub fn is_portable(&self) -> bool {
        matches!(self, Self::Observed | Self::Provided)
    }

    /// The words that a declaration may use.
    pub(crate) const WORDS: [&'static str; 5] =
        ["derived", "inferred", "observed", "obtained", "provided"];
}
