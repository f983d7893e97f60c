//! Integrations: a provider as it is declared.

use std::collections::{BTreeMap, BTreeSet};

use bailee_core::{DataCategory, ProviderId, PurposeId, RecipientId, ScopeName};
use serde::Serialize;

use crate::{Endpoint, Retention};

/// A provider as declared: what may be asked of it, read from it and kept of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Integration {
    /// The provider.
    pub provider: ProviderId,
    /// The recipient that the provider is.
    pub recipient: RecipientId,
    /// Every scope that may be asked for, with the purposes that need it.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub scopes: BTreeMap<ScopeName, BTreeSet<PurposeId>>,
    /// Every operation that may be called, with the purposes that it may serve.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub operations: BTreeMap<String, BTreeSet<PurposeId>>,
    /// Every endpoint that may be called without an adapter, in the order of their names.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub endpoints: Vec<Endpoint>,
    /// What is kept.
    pub data: Vec<DataItem>,
    /// Categories that are read and not kept.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub reads: BTreeSet<DataCategory>,
    /// Scopes that are never asked for.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub never_scopes: BTreeSet<ScopeName>,
    /// Categories that are never read: its own and those that the declaration excludes everywhere.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub never_categories: BTreeSet<DataCategory>,
}

/// One row of the table of data, purpose and retention.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[non_exhaustive]
pub struct DataItem {
    /// What a person reads as its name ("display name").
    pub name: String,
    /// Its category.
    pub category: DataCategory,
    /// What it is kept for.
    pub purpose: PurposeId,
    /// How long.
    pub retention: Retention,
    /// The named rule that the time comes from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rule: Option<String>,
}

impl Integration {
    /// Every purpose that some scope, operation, endpoint or data of it serves.
    pub fn purposes(&self) -> BTreeSet<&PurposeId> {
        let scopes = self.scopes.values().flatten();
        let operations = self.operations.values().flatten();
        let endpoints = self.endpoints.iter().flat_map(|endpoint| &endpoint.purposes);
        scopes
            .chain(operations)
            .chain(endpoints)
            .chain(self.data.iter().map(|item| &item.purpose))
            .collect()
    }

    /// Whether data of a category may be read: it is kept, or declared as read and not kept.
    pub fn reads(&self, category: &DataCategory) -> bool {
        self.reads.contains(category) || self.data.iter().any(|item| item.category == *category)
    }
}
