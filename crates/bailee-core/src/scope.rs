//! What a scope means to a person.

use serde::{Deserialize, Serialize};

use crate::ScopeName;

/// A scope in plain words, as a person is shown it before the redirect.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScopeEntry {
    /// The scope as the provider writes it.
    pub name: ScopeName,
    /// What it lets the application do, as a clause that continues "This application may …".
    pub plain: String,
    /// The kind of personal data that it opens.
    pub category: DataCategory,
    /// Whether it reads, writes or does both.
    pub effect: Effect,
    /// Whether it comes with every grant though the provider has no scope for it: it is shown and
    /// agreed to like the others, and never sent.
    #[serde(default)]
    pub implied: bool,
}

/// A category of personal data, in the words of the declaration (`profile`, `content`).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct DataCategory(String);

impl DataCategory {
    /// Names a category. Which exist is for the declaration to say.
    pub fn new(name: impl Into<String>) -> Self {
        Self(name.into())
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<&str> for DataCategory {
    fn from(name: &str) -> Self {
        Self::new(name)
    }
}

impl From<&DataCategory> for DataCategory {
    fn from(category: &DataCategory) -> Self {
        category.clone()
    }
}

/// What a scope or an operation does at the provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Effect {
    /// It only reads.
    Read,
    /// It changes something, and doing it twice is the same as doing it once.
    Idempotent,
    /// It changes something, and doing it twice does it twice.
    Effect,
}
