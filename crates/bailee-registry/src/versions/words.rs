//! What differs, in words: who is told, what is asked again, from when.

mod sentence;
mod simulated;

use std::collections::BTreeSet;

use bailee_core::{ProviderId, PurposeId};
use time::Date;

use crate::{Catalogue, Document, Line, hex};

use super::{
    Audience, Changed, Diff, Difference, IntegrationChange, PurposeChange, Significance, Way,
};

impl Diff {
    /// What differs, in plain words, with who is told how and why, what is asked again, and from when
    /// it holds if it is published on a day.
    ///
    /// The same declarations, catalogue and day give the same text, byte for byte.
    pub fn words(&self, catalogue: &Catalogue, published: Date) -> Document {
        Writer { diff: self, catalogue }.document(published)
    }

    /// What people are told of it: a sentence for each difference that is more than editorial, in the
    /// order of what is declared.
    pub fn told_sentences(&self, catalogue: &Catalogue) -> Vec<String> {
        let writer = Writer { diff: self, catalogue };
        let told = |one: &&Difference| one.significance != Significance::Editorial;
        let told = self.differences().iter().filter(told);
        told.map(|one| writer.sentence(&one.changed)).collect()
    }
}

/// Writes about a diff in the language of a catalogue.
struct Writer<'a> {
    diff: &'a Diff,
    catalogue: &'a Catalogue,
}

impl Writer<'_> {
    fn document(&self, published: Date) -> Document {
        let locale = self.catalogue.locale().clone();
        let mut document = Document::new(self.say("title"), locale);
        let (before, after) = (self.diff.before(), self.diff.after());
        let day = self.catalogue.date(self.diff.effective(published));
        document.say(self.fill("effective", &[("date", &day)]));
        let (was, is) = (hex::text(&before.version()), hex::text(&after.version()));
        let controller = after.controller().name.as_str();
        let places = [("was", &was[..16]), ("is", &is[..16]), ("controller", controller)];
        document.say(self.fill("version", &places));
        if self.diff.is_empty() {
            document.say(self.say("nothing"));
            return document;
        }
        let (new, known): (Vec<&Difference>, Vec<&Difference>) =
            self.diff.differences().iter().partition(|difference| is_new(difference));
        let (noted, told): (Vec<&Difference>, Vec<&Difference>) =
            known.into_iter().partition(|one| one.significance == Significance::Editorial);
        self.asked(&mut document, &told);
        self.told(&mut document, &told);
        self.list(&mut document, ("new_heading", "new_intro"), &new);
        self.list(&mut document, ("noted_heading", "noted_intro"), &noted);
        document
    }

    fn asked(&self, document: &mut Document, differences: &[&Difference]) {
        let asked: BTreeSet<_> = differences.iter().flat_map(|one| &one.asked).collect();
        if asked.is_empty() {
            return;
        }
        document.heading(self.say("asked_heading"));
        document.say(self.say("asked_intro"));
        let lines = asked.into_iter().map(|(through, purpose)| {
            let (purpose, through) = (self.purpose(purpose), self.through(through.as_ref()));
            Line::text(self.fill("asked", &[("purpose", &purpose), ("through", &through)]))
        });
        document.list(lines.collect());
    }

    fn told(&self, document: &mut Document, differences: &[&Difference]) {
        if differences.is_empty() {
            return;
        }
        document.heading(self.say("told_heading"));
        let columns = ["what", "who", "how", "why"].map(|key| self.say(key));
        let rows = differences.iter().map(|difference| {
            let who: Vec<String> = difference.told.iter().map(|one| self.audience(one)).collect();
            let way = match difference.way {
                Way::InApplication => self.say("in_application"),
                Way::ByMessage => self.say("by_message"),
            };
            vec![
                Line::text(self.sentence(&difference.changed)),
                Line::text(who.join("; ")),
                Line::text(way),
                Line::text(self.why(difference)),
            ]
        });
        document.table(columns.into(), rows.collect());
    }

    fn list(&self, document: &mut Document, keys: (&str, &str), differences: &[&Difference]) {
        if differences.is_empty() {
            return;
        }
        document.heading(self.say(keys.0));
        document.say(self.say(keys.1));
        let lines = differences.iter().map(|one| Line::text(self.sentence(&one.changed)));
        document.list(lines.collect());
    }

    fn audience(&self, audience: &Audience) -> String {
        match audience {
            Audience::Everybody => self.say("everybody"),
            Audience::Account(provider) => {
                self.fill("account", &[("provider", &self.provider(provider))])
            }
            Audience::Agreed(through, purpose) => {
                let (purpose, through) = (self.purpose(purpose), self.through(through.as_ref()));
                self.fill("agreed", &[("purpose", &purpose), ("through", &through)])
            }
        }
    }

    fn why(&self, difference: &Difference) -> String {
        let reason = self.say(&format!("because_{}", difference.reason.as_str()));
        match difference.reason.article() {
            Some(article) => self.fill("article", &[("reason", &reason), ("article", article)]),
            None => reason,
        }
    }

    fn through(&self, integration: Option<&ProviderId>) -> String {
        match integration {
            Some(provider) => self.fill("through", &[("provider", &self.provider(provider))]),
            None => self.say("own"),
        }
    }

    /// What a provider is called: by its recipient's name.
    fn provider(&self, provider: &ProviderId) -> String {
        let name = [self.diff.after(), self.diff.before()].into_iter().find_map(|declaration| {
            let integration = declaration.integration(provider)?;
            Some(declaration.recipient(&integration.recipient)?.name.clone())
        });
        name.unwrap_or_else(|| provider.to_string())
    }

    /// What a purpose is called.
    fn purpose(&self, purpose: &PurposeId) -> String {
        let declarations = [self.diff.after(), self.diff.before()];
        let known = declarations.into_iter().find_map(|declaration| declaration.purpose(purpose));
        known.map_or_else(|| purpose.to_string(), |purpose| purpose.title.clone())
    }

    /// Several purposes by their titles.
    fn purposes<'p>(&self, purposes: impl IntoIterator<Item = &'p PurposeId>) -> String {
        let titles: Vec<String> =
            purposes.into_iter().map(|purpose| format!("“{}”", self.purpose(purpose))).collect();
        match titles.as_slice() {
            [] => self.say("none"),
            [most @ .., last] if !most.is_empty() => {
                format!("{}{}{last}", most.join(", "), self.say("and"))
            }
            titles => titles.concat(),
        }
    }

    fn say(&self, key: &str) -> String {
        self.catalogue.say(&format!("diff.{key}"))
    }

    fn fill(&self, key: &str, places: &[(&str, &str)]) -> String {
        self.catalogue.fill(&format!("diff.{key}"), places)
    }
}

/// Whether it is a purpose or an integration that is asked for when it is used for the first time.
fn is_new(difference: &Difference) -> bool {
    match &difference.changed {
        Changed::Integration { what: IntegrationChange::Added, .. } => true,
        Changed::Purpose { what: PurposeChange::Added, .. } => {
            difference.significance == Significance::AskAnew
        }
        _ => false,
    }
}
