//! The disclosure: what a person is shown before they are sent to a provider.

use std::collections::BTreeMap;

use bailee_core::{
    DataCategory, Effect, Error, ErrorKind, Locale, ProviderId, PurposeId, Remedy, Result,
    ScopeEntry, ScopeName, sha256,
};
use serde::Serialize;

use crate::{Catalogue, Declaration, ProhibitedUse, Retention, hex};

/// What a person is shown before they are sent to a provider: in plain words, what is asked for
/// and why, what is kept and how long, who receives it, and how to take it back.
///
/// It is made of the declaration and of the provider's catalogue. Everything that a person is told
/// stands in its text, so that the hash of the text proves what was shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Disclosure {
    /// The language that the text is in: the reader's, or English where there is no text in it.
    pub locale: Locale,
    /// The version of the declaration that it was made of.
    #[serde(serialize_with = "hex::serialize")]
    pub declaration: [u8; 32],
    /// Who asks.
    pub controller: String,
    /// Their postal address.
    pub address: Option<String>,
    /// Where questions go.
    pub contact: String,
    /// The provider.
    pub provider: ProviderId,
    /// The provider's name for people.
    pub provider_title: String,
    /// The purposes, in the order in which they were asked for.
    pub purposes: Vec<DisclosedPurpose>,
    /// The least scopes that the purposes need.
    pub scopes: Vec<DisclosedScope>,
    /// What is kept for these purposes.
    pub data: Vec<DisclosedData>,
    /// Categories that are read and not kept, in plain words.
    pub read_only: Vec<String>,
    /// Who the provider is.
    pub recipient: DisclosedRecipient,
    /// Scopes that are never asked for.
    pub never_scopes: Vec<ScopeName>,
    /// Categories that are never accessed, in plain words.
    pub never_categories: Vec<String>,
    /// The steps that withdraw access at the provider.
    pub withdrawal: Vec<String>,
    /// Terms of the provider that apply.
    pub terms: Vec<Terms>,
    /// What the person should know of the provider beforehand, as sentences.
    pub notes: Vec<String>,
    /// Whether the provider can be asked to revoke what it granted.
    pub revocable: bool,
    /// Whether access is by a key that somebody enters, instead of by a visit to the provider.
    pub entered_key: bool,
    /// Whose account it is, where it is not the person's own.
    pub shared: Option<SharedBy>,
    /// The sentences that the text is made of.
    #[serde(skip)]
    words: Catalogue,
}

/// Whose account it is that a person uses without owning it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum SharedBy {
    /// The service's own, entered by an operator.
    Instance,
    /// The tenant's, connected by one of its people.
    Tenant,
}

/// Terms of a provider that a person is shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Terms {
    /// What they are called.
    pub title: String,
    /// Where they are.
    pub url: String,
    /// When they apply, as a clause ("whenever you post"); always where it is missing.
    pub when: Option<String>,
}

/// A purpose, in plain words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct DisclosedPurpose {
    /// The purpose.
    pub id: PurposeId,
    /// Its name for people.
    pub title: String,
    /// What is done.
    pub plain: String,
    /// What makes it lawful, in plain words.
    pub basis: String,
    /// The article that says so.
    pub article: &'static str,
    /// Whether the person is asked to agree to it.
    pub asks_consent: bool,
}

/// A scope, in plain words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct DisclosedScope {
    /// The scope, as the provider writes it.
    pub name: ScopeName,
    /// What it lets the application do, as a clause that continues "This application may …".
    pub plain: String,
    /// The category of data that it opens.
    pub category: DataCategory,
    /// That category, in plain words.
    pub category_plain: String,
    /// Whether it reads, writes or does both.
    pub effect: Effect,
    /// Which of the purposes need it.
    pub purposes: Vec<PurposeId>,
}

/// Something that is kept, in plain words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct DisclosedData {
    /// What it is.
    pub name: String,
    /// Its category.
    pub category: DataCategory,
    /// Its category, in plain words.
    pub category_plain: String,
    /// What it is kept for.
    pub purpose: PurposeId,
    /// How long.
    pub retention: Retention,
    /// How long, in plain words.
    pub retention_plain: String,
}

/// Who the provider is, in plain words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct DisclosedRecipient {
    /// The organisation.
    pub name: String,
    /// Its country's name.
    pub country: String,
    /// What protects the data there, in plain words, where that is outside the EEA.
    pub safeguard: Option<String>,
    /// Where that can be read.
    pub reference: Option<String>,
}

/// A part of the text: a heading with its lines.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Passage {
    /// The heading.
    pub heading: String,
    /// The lines, a sentence or more each.
    pub lines: Vec<String>,
}

impl Disclosure {
    /// Makes the disclosure for purposes at a provider.
    ///
    /// `words` are the sentences of the reader's language; `catalogue`, `withdrawal` and `terms` are the provider's own facts: its scopes in plain
    /// words, the steps that withdraw access there, the terms to show.
    ///
    /// # Errors
    ///
    /// As [`Declaration::least_scopes`]; [`ErrorKind::Configuration`] for a scope that the
    /// catalogue does not describe or whose category the declaration does not.
    #[expect(clippy::too_many_arguments, reason = "each is one fact of the text, none optional")]
    pub fn build(
        declaration: &Declaration,
        provider: &ProviderId,
        provider_title: &str,
        purposes: &[PurposeId],
        catalogue: &[ScopeEntry],
        withdrawal: &[String],
        terms: &[Terms],
        words: &Catalogue,
    ) -> Result<Self> {
        let scopes = declaration.disclosed_scopes(provider, purposes, catalogue)?;
        let mut unique: Vec<PurposeId> = Vec::with_capacity(purposes.len());
        for id in purposes {
            if !unique.contains(id) {
                unique.push(id.clone());
            }
        }
        let purposes = unique.as_slice();
        let integration = declaration.declared(provider)?;
        let unmade = |detail: String| unmade(provider, detail);
        let category_plain = |category: &DataCategory| declaration.plain_of(provider, category);
        let mut disclosed_purposes: Vec<DisclosedPurpose> = Vec::with_capacity(purposes.len());
        for id in purposes {
            let purpose = declaration
                .purpose(id)
                .ok_or_else(|| unmade(format!("purpose `{id}` is not declared")))?;
            disclosed_purposes.push(DisclosedPurpose {
                id: id.clone(),
                title: purpose.title.clone(),
                plain: purpose.plain.clone(),
                basis: words.basis(&purpose.basis),
                article: purpose.basis.article(),
                asks_consent: purpose.basis == crate::LegalBasis::Consent,
            });
        }
        let mut data = Vec::new();
        for item in integration.data.iter().filter(|item| purposes.contains(&item.purpose)) {
            data.push(DisclosedData {
                name: item.name.clone(),
                category: item.category.clone(),
                category_plain: category_plain(&item.category)?,
                purpose: item.purpose.clone(),
                retention: item.retention,
                retention_plain: words.retention(item.retention, provider_title),
            });
        }
        let recipient = declaration.recipient(&integration.recipient).ok_or_else(|| {
            unmade(format!("recipient `{}` is not declared", integration.recipient))
        })?;
        let never_categories = integration.never_categories.iter().map(|category| {
            declaration
                .category(category)
                .map_or_else(|| category.as_str().replace(['_', '-'], " "), ToOwned::to_owned)
        });
        Ok(Self {
            locale: words.locale().clone(),
            declaration: declaration.version(),
            controller: declaration.controller().name.clone(),
            address: declaration.controller().address.clone(),
            contact: declaration.controller().contact.clone(),
            provider: provider.clone(),
            provider_title: provider_title.to_owned(),
            purposes: disclosed_purposes,
            scopes,
            data,
            read_only: integration.reads.iter().map(category_plain).collect::<Result<_>>()?,
            recipient: DisclosedRecipient {
                name: recipient.name.clone(),
                country: words.country(recipient.country),
                safeguard: recipient
                    .safeguard
                    .filter(|_| !recipient.country.is_in_eea())
                    .map(|safeguard| words.safeguard(safeguard)),
                reference: recipient.reference.clone(),
            },
            never_scopes: integration.never_scopes.iter().cloned().collect(),
            never_categories: never_categories.collect(),
            withdrawal: withdrawal.to_vec(),
            terms: terms.to_vec(),
            notes: Vec::new(),
            revocable: true,
            entered_key: false,
            shared: None,
            words: words.clone(),
        })
    }

    /// The same with what the person should know of the provider beforehand: which accounts it
    /// works with, and how far its access goes whatever is asked for.
    #[must_use]
    pub fn with_notes(mut self, notes: &[String]) -> Self {
        self.notes = notes.to_vec();
        self
    }

    /// The same for a provider that offers no revocation: only the person can end the access there.
    #[must_use]
    pub fn without_revocation(mut self) -> Self {
        self.revocable = false;
        self
    }

    /// The same for a key that is entered here: what the key itself could do, and that only a
    /// person can end it at the provider.
    #[must_use]
    pub fn for_entered_key(mut self) -> Self {
        self.entered_key = true;
        self
    }

    /// The same for the use of an account that is not the person's own: whose it is, and that what
    /// they can take back is their agreement alone. They have no steps to take at the provider.
    #[must_use]
    pub fn for_shared_use(mut self, by: SharedBy) -> Self {
        self.shared = Some(by);
        self.withdrawal.clear();
        let words = &self.words;
        for item in &mut self.data {
            if item.retention == Retention::UntilDisconnected {
                item.retention_plain = words.say("kept.until_shared_disconnected");
            }
        }
        self
    }

    /// The SHA-256 of [`Disclosure::to_text`]: what a consent record keeps of what was shown.
    pub fn hash(&self) -> [u8; 32] {
        sha256(self.to_text().as_bytes())
    }

    /// The title of the text.
    pub fn title(&self) -> String {
        let phrase = self.phrase("disclosure.title", "disclosure.title", "disclosure.shared_title");
        self.words.fill(phrase, &[("provider", &self.provider_title)])
    }

    /// The text in parts, for pages with markup of their own. A page shows the title and all of
    /// them, or the hash does not prove what was shown.
    pub fn passages(&self) -> Vec<Passage> {
        let words = &self.words;
        let provider = ("provider", self.provider_title.as_str());
        let request = self.phrase(
            "disclosure.request",
            "disclosure.key_request",
            "disclosure.shared_request",
        );
        let heading = words.fill(request, &self.who());
        let mut passages = vec![Passage { heading, lines: self.who_lines() }];
        passages.extend(self.shared.map(|by| self.shared_passage(by)));
        passages.push(Passage {
            heading: words.say("disclosure.purposes_heading"),
            lines: self.purposes.iter().map(|purpose| purpose.line(words)).collect(),
        });
        if !self.scopes.is_empty() {
            passages.push(Passage {
                heading: words.fill("disclosure.may_heading", &[provider]),
                lines: self.scopes.iter().map(|scope| self.scope_line(scope)).collect(),
            });
        }
        if !self.notes.is_empty() {
            passages.push(Passage {
                heading: words.fill("disclosure.notes_heading", &[provider]),
                lines: self.notes.iter().map(|note| with_stop(note)).collect(),
            });
        }
        // Whoever uses somebody else's key has none in their hands.
        if self.entered_key && self.shared.is_none() {
            let heading = words.say("disclosure.key_heading");
            passages.push(Passage {
                heading,
                lines: vec![words.fill("disclosure.key_can", &[provider])],
            });
        }
        let mut data: Vec<_> = self.data.iter().map(|item| self.data_line(item)).collect();
        if data.is_empty() {
            data.push(words.say("disclosure.nothing_kept"));
        }
        if !self.read_only.is_empty() {
            let categories = self.read_only.join("; ");
            data.push(words.fill("disclosure.read_not_kept", &[("categories", &categories)]));
        }
        passages.push(Passage { heading: words.say("disclosure.data_heading"), lines: data });
        passages.push(Passage {
            heading: words.say("disclosure.recipient_heading"),
            lines: self.recipient.lines(words),
        });
        passages.push(Passage {
            heading: words.say("disclosure.never_heading"),
            lines: self.never_lines(),
        });
        let own = if self.revocable {
            "disclosure.withdraw_here"
        } else {
            "disclosure.withdraw_here_alone"
        };
        let phrase =
            self.phrase(own, "disclosure.withdraw_key_here", "disclosure.withdraw_shared_here");
        let here = std::iter::once(words.fill(phrase, &[provider]));
        let there = self.withdrawal.iter().zip(1_usize..).map(|(step, n)| {
            let places = [provider, ("n", &n.to_string()), ("step", &with_stop(step))];
            words.fill("disclosure.withdraw_there", &places)
        });
        passages.push(Passage {
            heading: words.say("disclosure.withdraw_heading"),
            lines: here.chain(there).collect(),
        });
        if !self.terms.is_empty() {
            let line = |terms: &Terms| {
                let phrase =
                    if terms.when.is_some() { "disclosure.term_when" } else { "disclosure.term" };
                let when = terms.when.as_deref().unwrap_or_default();
                words.fill(phrase, &[("title", &terms.title), ("url", &terms.url), ("when", when)])
            };
            passages.push(Passage {
                heading: words.fill("disclosure.terms_heading", &[provider]),
                lines: self.terms.iter().map(line).collect(),
            });
        }
        let version = hex::text(&self.declaration);
        let places = [("locale", self.locale.as_str()), ("version", &version)];
        passages.push(Passage {
            heading: words.say("disclosure.questions_heading"),
            lines: vec![
                words.fill("disclosure.questions", &[("contact", &self.contact)]),
                words.fill("disclosure.version", &places),
            ],
        });
        passages
    }

    /// The whole text, in plain characters, one line for each sentence or list entry.
    pub fn to_text(&self) -> String {
        let mut text = self.title();
        text.push('\n');
        for passage in self.passages() {
            text.push('\n');
            text.push_str(&passage.heading);
            text.push('\n');
            for line in passage.lines {
                text.push_str("- ");
                text.push_str(&line);
                text.push('\n');
            }
        }
        text
    }

    /// The phrase that fits: an account of one's own comes by a flow or with a key.
    fn phrase<'s>(&self, of_a_flow: &'s str, of_a_key: &'s str, shared: &'s str) -> &'s str {
        match (self.shared, self.entered_key) {
            (Some(_), _) => shared,
            (None, true) => of_a_key,
            (None, false) => of_a_flow,
        }
    }

    fn shared_passage(&self, by: SharedBy) -> Passage {
        let whose = match by {
            SharedBy::Instance => "disclosure.shared_by_instance",
            SharedBy::Tenant => "disclosure.shared_by_tenant",
        };
        let lines =
            [whose, "disclosure.shared_seen", "disclosure.shared_your", "disclosure.shared_covers"];
        Passage {
            heading: self.words.say("disclosure.shared_heading"),
            lines: lines.map(|phrase| self.words.fill(phrase, &self.who())).into(),
        }
    }

    fn who(&self) -> [(&str, &str); 2] {
        [("controller", &self.controller), ("provider", &self.provider_title)]
    }

    fn who_lines(&self) -> Vec<String> {
        let address = self.address.iter();
        let places = |address| [("controller", self.controller.as_str()), ("address", address)];
        address.map(|address| self.words.fill("disclosure.who", &places(address))).collect()
    }

    fn title_of(&self, id: &PurposeId) -> &str {
        self.purposes.iter().find(|purpose| purpose.id == *id).map_or("", |p| p.title.as_str())
    }

    fn scope_line(&self, scope: &DisclosedScope) -> String {
        let words = &self.words;
        let effect = match scope.effect {
            Effect::Read => "disclosure.read_only",
            Effect::Effect | Effect::Idempotent => "disclosure.writes",
        };
        let purposes: Vec<_> = scope.purposes.iter().map(|id| self.title_of(id)).collect();
        words.fill(
            if self.entered_key { "disclosure.key_may" } else { "disclosure.may" },
            &[
                ("plain", without_stop(&scope.plain)),
                ("category", without_stop(&scope.category_plain)),
                ("effect", &words.say(effect)),
                ("purposes", &purposes.join("”, “")),
                ("provider", &self.provider_title),
                ("scope", scope.name.as_str()),
            ],
        )
    }

    fn data_line(&self, item: &DisclosedData) -> String {
        let line = self.words.fill(
            "disclosure.data",
            &[
                ("name", &item.name),
                ("category", without_stop(&item.category_plain)),
                ("purpose", self.title_of(&item.purpose)),
                ("retention", &item.retention_plain),
            ],
        );
        capitalised(&line)
    }

    fn never_lines(&self) -> Vec<String> {
        let words = &self.words;
        let mut lines: Vec<String> =
            ProhibitedUse::ALL.map(|prohibited| words.prohibited(prohibited)).into();
        if !self.never_categories.is_empty() {
            let categories = self.never_categories.join("; ");
            lines.push(words.fill("disclosure.never_categories", &[("categories", &categories)]));
        }
        if !self.never_scopes.is_empty() {
            let scopes: Vec<_> = self.never_scopes.iter().map(ScopeName::as_str).collect();
            let places =
                [("provider", self.provider_title.as_str()), ("scopes", &scopes.join(", "))];
            lines.push(words.fill("disclosure.never_scopes", &places));
        }
        lines
    }
}

impl DisclosedPurpose {
    fn line(&self, words: &Catalogue) -> String {
        words.fill(
            "disclosure.purpose",
            &[
                ("title", &self.title),
                ("plain", &with_stop(&self.plain)),
                ("basis", &self.basis),
                ("article", self.article),
            ],
        )
    }
}

impl DisclosedRecipient {
    fn lines(&self, words: &Catalogue) -> Vec<String> {
        let country = ("country", self.country.as_str());
        let mut lines = vec![words.fill("disclosure.recipient", &[("name", &self.name), country])];
        if let Some(safeguard) = &self.safeguard {
            let phrase = match self.reference {
                Some(_) => "disclosure.outside_reference",
                None => "disclosure.outside",
            };
            let reference = self.reference.as_deref().unwrap_or_default();
            let places = [country, ("safeguard", safeguard.as_str()), ("reference", reference)];
            lines.push(capitalised(&words.fill(phrase, &places)));
        }
        lines
    }
}

impl Declaration {
    /// The least scopes that purposes need at a provider, in plain words.
    pub(crate) fn disclosed_scopes(
        &self,
        provider: &ProviderId,
        purposes: &[PurposeId],
        catalogue: &[ScopeEntry],
    ) -> Result<Vec<DisclosedScope>> {
        let asked = self.least_scopes(provider, purposes)?;
        let integration = self.declared(provider)?;
        let catalogue: BTreeMap<&ScopeName, &ScopeEntry> =
            catalogue.iter().map(|entry| (&entry.name, entry)).collect();
        let mut scopes = Vec::with_capacity(asked.len());
        for scope in asked {
            let entry = catalogue.get(&scope).ok_or_else(|| {
                unmade(provider, format!("scope `{scope}` is not in the provider's catalogue"))
            })?;
            let served = &integration.scopes[&scope];
            let mut needed_by: Vec<PurposeId> = Vec::new();
            for purpose in purposes.iter().filter(|purpose| served.contains(*purpose)) {
                if !needed_by.contains(purpose) {
                    needed_by.push(purpose.clone());
                }
            }
            scopes.push(DisclosedScope {
                plain: entry.plain.clone(),
                category: entry.category.clone(),
                category_plain: self.plain_of(provider, &entry.category)?,
                effect: entry.effect,
                purposes: needed_by,
                name: scope,
            });
        }
        Ok(scopes)
    }

    fn plain_of(&self, provider: &ProviderId, category: &DataCategory) -> Result<String> {
        self.category(category).map(ToOwned::to_owned).ok_or_else(|| {
            unmade(provider, format!("category `{}` is not declared", category.as_str()))
        })
    }
}

fn unmade(provider: &ProviderId, detail: String) -> Error {
    Error::new(ErrorKind::Configuration)
        .with_detail(detail)
        .with_provider(provider.clone())
        .with_remedy(Remedy::FixConfiguration)
}

fn without_stop(text: &str) -> &str {
    text.strip_suffix('.').unwrap_or(text)
}

fn with_stop(text: &str) -> String {
    if text.ends_with(['.', '!', '?']) { text.to_owned() } else { format!("{text}.") }
}

fn capitalised(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}
