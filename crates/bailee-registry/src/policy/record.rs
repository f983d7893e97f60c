//! The record of processing activities (Art. 30(1) GDPR).

use std::collections::BTreeSet;

use bailee_core::DataCategory;

use crate::{DataItem, Purpose};

use super::{Document, Line, Texts};

impl Texts {
    /// The record of processing activities that a controller keeps (Art. 30(1) GDPR): an activity for
    /// each purpose.
    pub fn record_of_processing(&self) -> Document {
        let mut document = self.document("policy.record_title", "policy.record_intro");
        self.who(&mut document);
        for purpose in self.declaration.purposes() {
            self.activity(&mut document, purpose);
        }
        document.heading(self.say("record.measures"));
        let measures = self.declaration.measures();
        if measures.is_empty() {
            document.say(self.say("record.none"));
        }
        document.list(measures.iter().map(Line::text).collect());
        document
    }

    fn activity(&self, document: &mut Document, purpose: &Purpose) {
        document.heading(&purpose.title);
        let mut items: Vec<(&DataItem, String)> = Vec::new();
        let mut categories: BTreeSet<&DataCategory> = BTreeSet::new();
        for integration in self.declaration.integrations() {
            let title = self.title_of(&integration.provider);
            for item in integration.data.iter().filter(|item| item.purpose == purpose.id) {
                items.push((item, title.clone()));
            }
        }
        for set in self.declaration.data_sets() {
            items.extend(
                set.data
                    .iter()
                    .filter(|item| item.purpose == purpose.id)
                    .map(|item| (item, String::new())),
            );
        }
        categories.extend(items.iter().map(|(item, _)| &item.category));
        let recipients: Vec<_> = self
            .declaration
            .recipients()
            .filter(|one| one.purposes.contains(&purpose.id))
            .collect();
        if items.is_empty() {
            // Nothing is kept for it; what is passed on says what it is about.
            categories.extend(recipients.iter().flat_map(|recipient| &recipient.categories));
        }

        let or_none = |text: String| if text.is_empty() { self.say("record.none") } else { text };
        let words: Vec<String> = categories.into_iter().map(|one| self.category(one)).collect();
        let names: Vec<String> = recipients
            .iter()
            .map(|one| format!("{} ({})", one.name, self.catalogue.country(one.country)))
            .collect();
        let kept: BTreeSet<String> = items
            .iter()
            .map(|(item, provider)| format!("{}: {}", item.name, self.kept(item, provider)))
            .collect();
        let kept: Vec<String> = kept.into_iter().collect();
        let mut rows = vec![
            vec![Line::text(self.say("record.purpose")), Line::text(&purpose.plain)],
            vec![Line::text(self.say("record.basis")), self.basis(purpose)],
            vec![Line::text(self.say("record.subjects")), Line::text(self.say("record.users"))],
            vec![Line::text(self.say("record.categories")), Line::text(or_none(words.join("; ")))],
            vec![Line::text(self.say("record.recipients")), Line::text(or_none(names.join("; ")))],
        ];
        let outside: Vec<_> =
            recipients.iter().filter(|recipient| !recipient.country.is_in_eea()).collect();
        if outside.is_empty() {
            let none = Line::text(self.say("record.none"));
            rows.push(vec![Line::text(self.say("record.transfers")), none]);
        }
        for recipient in outside {
            let country = self.catalogue.country(recipient.country);
            let mut line = Line::text(format!("{}, {country}: ", recipient.name));
            line.0.extend(self.safeguard(recipient).0);
            rows.push(vec![Line::text(self.say("record.transfers")), line]);
        }
        rows.push(vec![
            Line::text(self.say("record.erasure")),
            Line::text(or_none(kept.join("; "))),
        ]);
        document.table(vec![self.say("record.activity"), purpose.title.clone()], rows);
    }
}
