//! What more scopes would add to those that a person granted.

use std::collections::BTreeSet;

use bailee_core::{DataCategory, ProviderId, PurposeId, Result, ScopeEntry, ScopeName};
use serde::Serialize;

use crate::{Declaration, DisclosedScope};

/// What a scope would add to those that a person granted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct ScopeAddition {
    /// The scope, in plain words.
    pub scope: DisclosedScope,
    /// Whether it opens a category of data that none of the granted ones opens.
    pub opens_category: bool,
}

impl Declaration {
    /// What purposes would ask of a person beyond the scopes that they granted, in plain words: the
    /// least scopes that are missing, sorted. Nothing where the granted ones are enough.
    ///
    /// Whoever is asked for them is shown the whole [`crate::Disclosure`] all the same; this is for a
    /// page on which they choose what to switch on.
    ///
    /// # Errors
    ///
    /// As [`crate::Disclosure::build`].
    pub fn additions(
        &self,
        provider: &ProviderId,
        granted: &[ScopeName],
        purposes: &[PurposeId],
        catalogue: &[ScopeEntry],
    ) -> Result<Vec<ScopeAddition>> {
        let held = catalogue.iter().filter(|entry| granted.contains(&entry.name));
        let open: BTreeSet<&DataCategory> = held.map(|entry| &entry.category).collect();
        let scopes = self.disclosed_scopes(provider, purposes, catalogue)?;
        let missing = scopes.into_iter().filter(|scope| !granted.contains(&scope.name));
        Ok(missing
            .map(|scope| ScopeAddition { opens_category: !open.contains(&scope.category), scope })
            .collect())
    }
}
