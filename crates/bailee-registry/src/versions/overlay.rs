//! A tenant's own limits: what narrows a declaration, and nothing that widens it.

mod parse;

use std::collections::{BTreeMap, BTreeSet};

use bailee_core::{DataCategory, Error, ProviderId, PurposeId, RecipientId, Result, ScopeName};

use crate::{Declaration, Problems, Retention};

/// A tenant's own limits, from TOML. They forbid, shorten, raise and ask for consent; there is no key
/// that could allow something.
///
/// ```toml
/// [forbid]
/// purposes = ["captions.suggest"]
/// integrations = ["instagram"]
/// recipients = ["anthropic"]      # and the integrations whose provider it is
/// categories = ["profile"]        # neither read nor kept nor passed on
///
/// [forbid.scopes]
/// tiktok = ["video.publish"]
///
/// [forbid.operations]             # endpoints too
/// tiktok = ["tiktok.publish_video"]
///
/// [retention]                     # of a category, at most
/// requests = "7 days"
///
/// [age]
/// minimum = 18
///
/// [consent]                       # asked for, where another basis is declared
/// purposes = ["measure"]
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Overlay {
    pub(super) purposes: BTreeSet<PurposeId>,
    pub(super) integrations: BTreeSet<ProviderId>,
    pub(super) recipients: BTreeSet<RecipientId>,
    pub(super) categories: BTreeSet<DataCategory>,
    pub(super) scopes: BTreeMap<ProviderId, BTreeSet<ScopeName>>,
    pub(super) operations: BTreeMap<ProviderId, BTreeSet<String>>,
    pub(super) retention: BTreeMap<DataCategory, Retention>,
    pub(super) minimum_age: Option<u8>,
    pub(super) consent: BTreeSet<PurposeId>,
    pub(super) source: String,
}

impl Overlay {
    /// Reads a tenant's limits and checks them against the declaration that they narrow: what they
    /// name is declared, and what they say is no wider.
    ///
    /// # Errors
    ///
    /// [`bailee_core::ErrorKind::Configuration`] with everything that is wrong, each with its line,
    /// and how to mend it. The error's source is a [`Problems`].
    pub fn parse(text: &str, declaration: &Declaration) -> Result<Self> {
        Self::check(text, declaration).map_err(error)
    }

    /// The same, for tools that show each problem at its place.
    ///
    /// # Errors
    ///
    /// Everything that is wrong.
    pub fn check(text: &str, declaration: &Declaration) -> Result<Self, Problems> {
        parse::overlay(text, Some(declaration))
    }

    /// Reads limits that were checked when they were set, perhaps against another version of the
    /// declaration. What they name and no declaration has any more forbids nothing.
    ///
    /// # Errors
    ///
    /// [`bailee_core::ErrorKind::Configuration`] for what are no limits at all, or are of a newer
    /// release: they are not passed over, because they may forbid something.
    pub fn read(text: &str) -> Result<Self> {
        parse::overlay(text, None).map_err(error)
    }

    /// The text that it was read from.
    pub fn source(&self) -> &str {
        &self.source
    }
}

fn error(problems: Problems) -> Error {
    problems.of("the overlay")
}
