//! From TOML to an overlay: every problem, each at its place.

use std::collections::{BTreeMap, BTreeSet};

use bailee_core::{DataCategory, ProviderId, PurposeId, RecipientId, ScopeName};
use toml::de::DeTable;

use crate::{
    Declaration, LegalBasis, Problems, Retention,
    problem::Report,
    read::{Named, Section, Text, quoted, read_text, read_texts},
};

use super::{super::Length, Overlay};

/// Reads limits, and checks them where there is a declaration to check them against.
pub(super) fn overlay(text: &str, declaration: Option<&Declaration>) -> Result<Overlay, Problems> {
    let mut report = Report::on(text);
    let (table, errors) = DeTable::parse_recoverable(text);
    for error in errors {
        let what = format!("this is not TOML: {}", error.message().replace('\n', ", "));
        report.add(&error.span().unwrap_or(0..0), what, "mend the syntax");
    }
    if !report.is_empty() {
        return report.finish(None);
    }
    let mut root = Section::root_of(&table, "the overlay");
    let mut reader = Reader { report, declaration, overlay: Overlay::default() };
    reader.forbid(&mut root);
    reader.retention(&mut root);
    reader.age(&mut root);
    reader.consent(&mut root);
    root.finish(&mut reader.report);
    let Reader { report, mut overlay, .. } = reader;
    text.clone_into(&mut overlay.source);
    report.finish(Some(overlay))
}

struct Reader<'d> {
    report: Report,
    declaration: Option<&'d Declaration>,
    overlay: Overlay,
}

impl Reader<'_> {
    fn forbid(&mut self, root: &mut Section<'_>) {
        let Some(mut section) = root.section(&mut self.report, "forbid") else { return };
        let mend = "list purposes of the declaration";
        for text in section.texts(&mut self.report, "purposes", mend).unwrap_or_default() {
            let purpose = self.purpose(&text);
            self.overlay.purposes.extend(purpose);
        }
        let mend = "list integrations of the declaration";
        for text in section.texts(&mut self.report, "integrations", mend).unwrap_or_default() {
            let provider = self.provider(&text);
            self.overlay.integrations.extend(provider);
        }
        let mend = "list recipients of the declaration";
        for text in section.texts(&mut self.report, "recipients", mend).unwrap_or_default() {
            let id = RecipientId::new(text.text.as_str()).ok();
            let known = |declaration: &Declaration| {
                id.as_ref().is_some_and(|id| declaration.recipient(id).is_some())
            };
            let id = self.known(&text, "recipient", id.clone(), known);
            self.overlay.recipients.extend(id);
        }
        let mend = "list categories of the declaration";
        for text in section.texts(&mut self.report, "categories", mend).unwrap_or_default() {
            let category = self.category(&text);
            self.overlay.categories.extend(category);
        }
        let scopes = section.section(&mut self.report, "scopes");
        for named in scopes.iter().flat_map(Section::entries) {
            let Some(provider) = self.provider(&key(&named)) else { continue };
            let what = format!("scopes of {}", quoted(named.key));
            let mut scopes = BTreeSet::new();
            for text in read_texts(&mut self.report, &what, named.value, "list scopes") {
                let scope = ScopeName::new(text.text.as_str()).ok();
                let known = |declaration: &Declaration| {
                    let integration = declaration.integration(&provider);
                    let scopes = integration.map(|integration| &integration.scopes);
                    let scope = scope.as_ref();
                    scopes.zip(scope).is_some_and(|(scopes, scope)| scopes.contains_key(scope))
                };
                scopes.extend(self.known(&text, "scope of that integration", scope.clone(), known));
            }
            self.overlay.scopes.insert(provider, scopes);
        }
        let operations = section.section(&mut self.report, "operations");
        for named in operations.iter().flat_map(Section::entries) {
            let Some(provider) = self.provider(&key(&named)) else { continue };
            let what = format!("operations of {}", quoted(named.key));
            let mut operations = BTreeSet::new();
            for text in read_texts(&mut self.report, &what, named.value, "list operations") {
                let known = |declaration: &Declaration| {
                    declaration.integration(&provider).is_some_and(|integration| {
                        let mut endpoints = integration.endpoints.iter();
                        integration.operations.contains_key(&text.text)
                            || endpoints.any(|endpoint| endpoint.name == text.text)
                    })
                };
                let name = Some(text.text.clone());
                operations.extend(self.known(&text, "operation of that integration", name, known));
            }
            self.overlay.operations.insert(provider, operations);
        }
        section.finish(&mut self.report);
    }

    fn retention(&mut self, root: &mut Section<'_>) {
        const MEND: &str = "write \"until_disconnected\" or a time such as \"30 days\"";
        let Some(section) = root.section(&mut self.report, "retention") else { return };
        let mut limits = BTreeMap::new();
        for named in section.entries() {
            let category = self.category(&key(&named));
            let what = format!("the time for {}", quoted(named.key));
            let Some(text) = read_text(&mut self.report, &what, named.value, MEND) else {
                continue;
            };
            let Some(most) = Retention::parse(&text.text) else {
                self.report.add(&text.span, format!("{what} is no retention"), MEND);
                continue;
            };
            let Some(category) = category else { continue };
            self.is_shorter(&text, &category, most);
            limits.insert(category, most);
        }
        self.overlay.retention = limits;
    }

    /// Sees that a time makes something that is kept shorter.
    fn is_shorter(&mut self, text: &Text, category: &DataCategory, most: Retention) {
        let Some(declaration) = self.declaration else { return };
        let integrations = declaration.integrations().flat_map(|one| &one.data);
        let rows = integrations.chain(declaration.data_sets().flat_map(|set| &set.data));
        let kept: BTreeSet<Retention> =
            rows.filter(|row| row.category == *category).map(|row| row.retention).collect();
        let name = quoted(category.as_str());
        if kept.is_empty() {
            let what = format!("nothing of the category {name} is kept");
            self.report.add(&text.span, what, "remove it");
            return;
        }
        let narrows = |declared: &Retention| {
            matches!(Length::of(*declared, most), Length::Other | Length::Shorter)
        };
        if !kept.iter().any(narrows) {
            let kept: Vec<String> = kept.iter().map(|kept| format!("`{kept}`")).collect();
            let what = format!(
                "the category {name} would be kept for `{most}`, and is declared to be kept for {}",
                kept.join(", ")
            );
            self.report.add(&text.span, what, "write a shorter time: an overlay only narrows");
        }
    }

    fn age(&mut self, root: &mut Section<'_>) {
        const MEND: &str = "write from which age people use the service, no lower than declared";
        let Some(mut section) = root.section(&mut self.report, "age") else { return };
        let place = section.entries().into_iter().find(|named| named.key == "minimum");
        let place = place.map_or(section.span.clone(), |named| named.value.span());
        let minimum = section.maybe_number(&mut self.report, "minimum", 0..=99, MEND);
        let declared = self.declaration.and_then(Declaration::age).map(|age| age.minimum);
        let minimum = minimum.and_then(|minimum| u8::try_from(minimum).ok());
        if let Some((minimum, declared)) = minimum.zip(declared)
            && minimum < declared
        {
            let what =
                format!("the minimum age {minimum} is lower than {declared}, which is declared");
            self.report.add(&place, what, "write a higher one: an overlay only narrows");
        }
        self.overlay.minimum_age = minimum;
        section.finish(&mut self.report);
    }

    fn consent(&mut self, root: &mut Section<'_>) {
        let Some(mut section) = root.section(&mut self.report, "consent") else { return };
        let mend = "list purposes of the declaration";
        for text in section.texts(&mut self.report, "purposes", mend).unwrap_or_default() {
            let Some(purpose) = self.purpose(&text) else { continue };
            let declared = self.declaration.and_then(|declaration| declaration.purpose(&purpose));
            let asks_nobody = declared.is_some_and(|declared| {
                matches!(
                    declared.basis,
                    LegalBasis::LegalObligation { .. }
                        | LegalBasis::PublicTask { .. }
                        | LegalBasis::VitalInterests
                )
            });
            if asks_nobody {
                let what = format!("the purpose `{purpose}` is a duty or saves lives");
                let mend = "remove it: where nobody can say no, nobody is asked";
                self.report.add(&text.span, what, mend);
            }
            self.overlay.consent.insert(purpose);
        }
        section.finish(&mut self.report);
    }

    fn purpose(&mut self, text: &Text) -> Option<PurposeId> {
        let id = PurposeId::new(text.text.as_str()).ok();
        let known = |declaration: &Declaration| {
            id.as_ref().is_some_and(|id| declaration.purpose(id).is_some())
        };
        self.known(text, "purpose", id.clone(), known)
    }

    fn provider(&mut self, text: &Text) -> Option<ProviderId> {
        let id = ProviderId::new(text.text.as_str()).ok();
        let known = |declaration: &Declaration| {
            id.as_ref().is_some_and(|id| declaration.integration(id).is_some())
        };
        self.known(text, "integration", id.clone(), known)
    }

    fn category(&mut self, text: &Text) -> Option<DataCategory> {
        let category = DataCategory::new(text.text.as_str());
        let known = |declaration: &Declaration| declaration.category(&category).is_some();
        self.known(text, "category", Some(category.clone()), known)
    }

    /// Sees that a name is one, and that it is declared where there is a declaration.
    fn known<T>(
        &mut self,
        text: &Text,
        what: &str,
        named: Option<T>,
        is_declared: impl Fn(&Declaration) -> bool,
    ) -> Option<T> {
        let declared = self.declaration.is_none_or(is_declared);
        if named.is_none() || !declared {
            let problem = format!("{} is no declared {what}", quoted(&text.text));
            self.report.add(&text.span, problem, "remove it, or write it as the declaration does");
        }
        named
    }
}

fn key(named: &Named<'_>) -> Text {
    Text { text: named.key.to_owned(), span: named.span.clone() }
}
