//! Texts that people read, rendered from the declaration that code enforces: the privacy policy, the
//! data policy, the information of Art. 13 and 14 GDPR, the record of Art. 30.

mod document;
mod just_in_time;
mod parts;
mod record;

use std::collections::BTreeMap;

use bailee_core::{DataCategory, Locale, ProviderId, ScopeEntry};

use crate::{Catalogue, Category, Declaration, Terms, hex};

pub use self::document::{Block, Document, Line, Span};

/// What a provider's own facts say, beside what is declared of it.
#[derive(Clone, Debug, Default)]
pub struct ProviderFacts {
    /// Its name in the world.
    pub title: String,
    /// Its scopes, in plain words.
    pub scopes: Vec<ScopeEntry>,
    /// How a person takes access back at the provider, step by step.
    pub steps: Vec<String>,
    /// Whether it revokes tokens when it is asked to. Nothing is said of it where that is not known,
    /// and of keys that only their owner can end.
    pub revokes: Option<bool>,
    /// Terms of its own that apply.
    pub terms: Vec<Terms>,
}

/// Renders the texts of a declaration.
///
/// The same declaration, catalogue and facts give the same texts, byte for byte: no time and no chance
/// is in them.
#[derive(Clone, Debug)]
pub struct Texts {
    declaration: Declaration,
    catalogue: Catalogue,
    providers: BTreeMap<ProviderId, ProviderFacts>,
}

impl Texts {
    /// The texts of a declaration, in the language of a catalogue.
    pub fn new(declaration: Declaration, catalogue: Catalogue) -> Self {
        Self { declaration, catalogue, providers: BTreeMap::new() }
    }

    /// Says what a provider's facts are. Without them it is called by its recipient's name, and its
    /// scopes by their own.
    #[must_use]
    pub fn provider(mut self, provider: ProviderId, facts: ProviderFacts) -> Self {
        self.providers.insert(provider, facts);
        self
    }

    /// The privacy policy: everything that people are to know (Art. 12 to 14 GDPR).
    pub fn privacy_policy(&self) -> Document {
        let mut document = self.document("policy.title", "policy.intro");
        self.who(&mut document);
        self.why(&mut document);
        self.own_data(&mut document);
        self.connected(&mut document);
        self.recipients(&mut document);
        self.transfers(&mut document);
        self.security(&mut document);
        self.rights(&mut document);
        self.automated(&mut document);
        self.children(&mut document);
        self.never(&mut document);
        document.heading(self.say("changes.heading"));
        document.say(self.say("changes.text"));
        document
    }

    /// The data policy: which data is kept, for what and how long, by account and by set; permissions,
    /// recipients, and how access is taken back.
    pub fn data_policy(&self) -> Document {
        let mut document = self.document("policy.data_title", "policy.data_intro");
        self.connected(&mut document);
        self.own_data(&mut document);
        self.recipients(&mut document);
        self.never(&mut document);
        document
    }

    /// The information that a controller gives when data is collected (Art. 13 and 14 GDPR), point by
    /// point.
    pub fn information(&self) -> Document {
        let mut document = self.document("policy.information_title", "policy.information_intro");
        self.who(&mut document);
        self.why(&mut document);
        self.recipients(&mut document);
        self.transfers(&mut document);
        self.own_data(&mut document);
        self.connected(&mut document);
        self.rights(&mut document);
        self.automated(&mut document);
        document
    }

    fn document(&self, title: &str, intro: &str) -> Document {
        let mut document = Document::new(self.say(title), self.catalogue.locale().clone());
        let controller = self.declaration.controller().name.as_str();
        if let Some(policy) = self.declaration.policy() {
            let day = self.day(policy.effective);
            document.say(self.fill("policy.effective", &[("date", &day)]));
        }
        document.say(self.fill(intro, &[("controller", controller)]));
        let version = hex::text(&self.declaration.version());
        let places = [("version", &version[..16]), ("controller", controller)];
        document.say(self.fill("policy.version", &places));
        document
    }

    fn say(&self, key: &str) -> String {
        self.catalogue.say(key)
    }

    fn fill(&self, key: &str, places: &[(&str, &str)]) -> String {
        self.catalogue.fill(key, places)
    }

    fn day(&self, date: time::Date) -> String {
        self.catalogue.date(date)
    }

    /// The declaration that they are of.
    pub(crate) fn declaration(&self) -> &Declaration {
        &self.declaration
    }

    /// The language that they are in.
    pub(crate) fn locale(&self) -> &Locale {
        self.catalogue.locale()
    }

    /// A category as it is declared.
    pub(crate) fn declared_category(&self, name: &DataCategory) -> Option<&Category> {
        self.declaration.declared_categories().find(|(known, _)| *known == name).map(|(_, one)| one)
    }

    /// What a provider is called.
    pub(crate) fn title_of(&self, provider: &ProviderId) -> String {
        if let Some(facts) = self.providers.get(provider).filter(|facts| !facts.title.is_empty()) {
            return facts.title.clone();
        }
        let integration = self.declaration.integration(provider);
        let recipient = integration.and_then(|it| self.declaration.recipient(&it.recipient));
        recipient.map_or_else(|| provider.to_string(), |recipient| recipient.name.clone())
    }
}
