//! The declaration: what is declared, and the hash that is its version.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt, fs,
    path::Path,
    sync::Arc,
};

use bailee_core::{
    DataCategory, Error, ErrorKind, ProviderId, PurposeId, RecipientId, Result, ScopeName, Sha256,
};
use serde::Serialize;

use crate::{
    AgeLimits, Category, Controller, DataSet, Integration, Party, Position, Problems,
    ProhibitedUse, Purpose, Recipient, RetentionRule, Use, parse,
};

/// The declaration: purposes, legal bases, integrations with their scopes and data, recipients,
/// retention, and what is never done. What it does not say is refused.
///
/// It cannot exist in a bad state, does not change, and is cheap to clone.
#[derive(Clone)]
pub struct Declaration(Arc<Inner>);

#[derive(Clone)]
struct Inner {
    content: Content,
    version: [u8; 32],
    places: Places,
    source: String,
}

/// What is declared, in the order of its canonical form. A field that is added later must be left
/// out of the form while it is empty, or every version changes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Content {
    pub(crate) controller: Controller,
    pub(crate) role: Role,
    pub(crate) categories: BTreeMap<DataCategory, Category>,
    pub(crate) purposes: BTreeMap<PurposeId, Purpose>,
    pub(crate) recipients: BTreeMap<RecipientId, Recipient>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) retention: BTreeMap<String, RetentionRule>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) integrations: BTreeMap<ProviderId, Integration>,
    #[serde(skip_serializing_if = "Never::is_empty")]
    pub(crate) never: Never,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) joint_controllers: Vec<Party>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) data_sets: BTreeMap<String, DataSet>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) age: Option<AgeLimits>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) authorities: Vec<Party>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) measures: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) policy: Option<Policy>,
}

/// The published policy (Art. 12(1) GDPR).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Policy {
    /// Where people read it: an `https` address.
    pub url: String,
    /// From when this version holds.
    #[serde(serialize_with = "crate::read::iso_date")]
    pub effective: time::Date,
}

/// Where the things stand that are checked only later, against a provider's catalogue.
#[derive(Clone, Debug, Default)]
pub(crate) struct Places {
    pub(crate) scopes: BTreeMap<(ProviderId, ScopeName), Position>,
    pub(crate) integrations: BTreeMap<ProviderId, Position>,
}

/// What the service is to the data that it processes (Art. 4(7), 4(8), 26 GDPR).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Role {
    /// It decides why and how.
    Controller,
    /// It decides together with others.
    JointController,
    /// It acts on its customers' instructions.
    Processor,
}

/// What is never done, in any integration.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Never {
    /// Uses that no purpose may be. [`ProhibitedUse::ALL`] comes on top, whatever is declared.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub uses: BTreeSet<Use>,
    /// Categories of data that are never read.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub categories: BTreeSet<DataCategory>,
}

impl Role {
    pub(crate) const ALL: [(&'static str, Self); 3] = [
        ("controller", Self::Controller),
        ("joint_controller", Self::JointController),
        ("processor", Self::Processor),
    ];
}

impl Never {
    fn is_empty(&self) -> bool {
        self.uses.is_empty() && self.categories.is_empty()
    }

    /// Uses that can never be a purpose, here and in every declaration.
    pub fn prohibited(&self) -> [ProhibitedUse; 2] {
        ProhibitedUse::ALL
    }
}

impl Declaration {
    /// Reads and checks a declaration.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Configuration`] with everything that is wrong, each with its line, what is
    /// missing and how to mend it. The error's source is a [`Problems`].
    pub fn parse(text: &str) -> Result<Self> {
        Ok(Self::check(text)?)
    }

    /// Reads and checks a declaration, for tools that show each problem at its place.
    ///
    /// # Errors
    ///
    /// Everything that is wrong.
    pub fn check(text: &str) -> Result<Self, Problems> {
        let (content, places) = parse::declaration(text)?;
        let version = version(&content);
        Ok(Self(Arc::new(Inner { content, version, places, source: text.to_owned() })))
    }

    /// Reads and checks the declaration in a file, at most 1 MiB of UTF-8.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Configuration`] for a file that cannot be read, and as [`Declaration::parse`].
    pub fn load(path: impl AsRef<Path>) -> Result<Self> {
        const LIMIT: u64 = 1024 * 1024;
        let unreadable = |error: std::io::Error| {
            Error::new(ErrorKind::Configuration)
                .with_detail("the declaration's file cannot be read")
                .with_source(error)
        };
        if fs::metadata(&path).map_err(unreadable)?.len() > LIMIT {
            return Err(Error::new(ErrorKind::Configuration)
                .with_detail("the declaration's file is larger than 1 MiB"));
        }
        Self::parse(&fs::read_to_string(&path).map_err(unreadable)?)
    }

    /// The SHA-256 of what is declared. White space, comments and the order of tables, keys and
    /// lists do not change it.
    pub fn version(&self) -> [u8; 32] {
        self.0.version
    }

    /// The text that it was read from. Kept somewhere and read again with [`Declaration::parse`], it
    /// is the same declaration with the same version.
    pub fn source(&self) -> &str {
        &self.0.source
    }

    /// Who answers for the service.
    pub fn controller(&self) -> &Controller {
        &self.0.content.controller
    }

    /// What the service is to the data.
    pub fn role(&self) -> Role {
        self.0.content.role
    }

    /// The purposes, in the order of their ids.
    pub fn purposes(&self) -> impl Iterator<Item = &Purpose> {
        self.0.content.purposes.values()
    }

    /// A purpose.
    pub fn purpose(&self, id: &PurposeId) -> Option<&Purpose> {
        self.0.content.purposes.get(id)
    }

    /// The integrations, in the order of their providers.
    pub fn integrations(&self) -> impl Iterator<Item = &Integration> {
        self.0.content.integrations.values()
    }

    /// An integration.
    pub fn integration(&self, provider: &ProviderId) -> Option<&Integration> {
        self.0.content.integrations.get(provider)
    }

    /// The recipients, in the order of their ids.
    pub fn recipients(&self) -> impl Iterator<Item = &Recipient> {
        self.0.content.recipients.values()
    }

    /// A recipient.
    pub fn recipient(&self, id: &RecipientId) -> Option<&Recipient> {
        self.0.content.recipients.get(id)
    }

    /// The categories of data, each with its words for people.
    pub fn categories(&self) -> impl Iterator<Item = (&DataCategory, &str)> {
        self.declared_categories().map(|(name, category)| (name, category.plain.as_str()))
    }

    /// The words for a category.
    pub fn category(&self, category: &DataCategory) -> Option<&str> {
        self.0.content.categories.get(category).map(|category| category.plain.as_str())
    }

    /// The categories of data, with their words and what the Data Privacy Vocabulary calls them.
    pub fn declared_categories(&self) -> impl Iterator<Item = (&DataCategory, &Category)> {
        self.0.content.categories.iter()
    }

    /// The named retention rules.
    pub fn retention(&self) -> impl Iterator<Item = (&str, &RetentionRule)> {
        self.0.content.retention.iter().map(|(name, rule)| (name.as_str(), rule))
    }

    /// The others who decide with the controller (Art. 26 GDPR).
    pub fn joint_controllers(&self) -> &[Party] {
        &self.0.content.joint_controllers
    }

    /// The host's own sets of data, in the order of their names.
    pub fn data_sets(&self) -> impl Iterator<Item = &DataSet> {
        self.0.content.data_sets.values()
    }

    /// A set of the host's own data.
    pub fn data_set(&self, id: &str) -> Option<&DataSet> {
        self.0.content.data_sets.get(id)
    }

    /// From which age people use the service and consent alone, where that is declared.
    pub fn age(&self) -> Option<&AgeLimits> {
        self.0.content.age.as_ref()
    }

    /// The supervisory authorities to which people can complain (Art. 77 GDPR), in the order of the
    /// declaration.
    pub fn authorities(&self) -> &[Party] {
        &self.0.content.authorities
    }

    /// What protects the data, in plain words (Art. 30(1)(g), 32 GDPR).
    pub fn measures(&self) -> &[String] {
        &self.0.content.measures
    }

    /// Where the policy is published and from when it holds.
    pub fn policy(&self) -> Option<&Policy> {
        self.0.content.policy.as_ref()
    }

    /// What is never done.
    pub fn never(&self) -> &Never {
        &self.0.content.never
    }

    pub(crate) fn places(&self) -> &Places {
        &self.0.places
    }

    pub(crate) fn content(&self) -> &Content {
        &self.0.content
    }

    /// The same declaration, of which only a part is left. It keeps its version and its text: what
    /// people are shown and agree to is still this declaration.
    pub(crate) fn cut_down_to(&self, content: Content) -> Self {
        Self(Arc::new(Inner { content, ..(*self.0).clone() }))
    }
}

impl fmt::Debug for Declaration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Declaration").field("content", &self.0.content).finish_non_exhaustive()
    }
}

impl PartialEq for Declaration {
    fn eq(&self, other: &Self) -> bool {
        self.0.version == other.0.version
    }
}

impl Eq for Declaration {}

/// SHA-256 over the words `bailee declaration 1`, a line break, and the content as JSON with its
/// maps and sets sorted.
fn version(content: &Content) -> [u8; 32] {
    let mut hash = Sha256::default();
    hash.update(b"bailee declaration 1\n");
    let form = serde_json::to_vec(content);
    hash.update(&form.expect("derived structs and maps with text keys always serialise"));
    hash.finish()
}
