//! `[integrations]`.

use std::collections::{BTreeMap, BTreeSet};

use bailee_core::{DataCategory, ProviderId, PurposeId, RecipientId, ScopeName};

use crate::{
    Integration, Purpose, Recipient,
    declaration::Places,
    problem::Report,
    read::{Section, Text, quoted, read_texts},
};

use super::{
    Names, SLUG,
    data::{allowed_category, rows},
    endpoint::{Around, endpoints},
    never_categories,
};

/// The integrations, and where they and their scopes stand.
pub(super) fn integrations(
    report: &mut Report,
    root: &mut Section<'_>,
    names: &Names,
    purposes: &BTreeMap<PurposeId, Purpose>,
    known_recipients: &BTreeSet<RecipientId>,
    recipients: &BTreeMap<RecipientId, Recipient>,
) -> (BTreeMap<ProviderId, Integration>, Places) {
    let mut integrations = BTreeMap::new();
    let mut places = Places::default();
    let Some(section) = root.section(report, "integrations") else {
        return (integrations, places);
    };
    for named in section.entries() {
        let Ok(provider) = ProviderId::new(named.key) else {
            let what = format!("{} is not the id of a provider", quoted(named.key));
            report.add(&named.span, what, format!("use {SLUG}"));
            continue;
        };
        places.integrations.insert(provider.clone(), report.position(named.span.start));
        let name = format!("[integrations.{provider}]");
        let section = Section::new(report, name, named.span, named.value);
        let mut reader = Reader { report, names, purposes, places: &mut places };
        if let Some(integration) =
            reader.integration(provider.clone(), section, known_recipients, recipients)
        {
            integrations.insert(provider, integration);
        }
    }
    (integrations, places)
}

pub(super) struct Reader<'r> {
    pub(super) report: &'r mut Report,
    pub(super) names: &'r Names,
    purposes: &'r BTreeMap<PurposeId, Purpose>,
    places: &'r mut Places,
}

impl Reader<'_> {
    fn integration(
        &mut self,
        provider: ProviderId,
        mut section: Section<'_>,
        known_recipients: &BTreeSet<RecipientId>,
        recipients: &BTreeMap<RecipientId, Recipient>,
    ) -> Option<Integration> {
        let never = section.section(self.report, "never");
        let (never_scopes, mut never_categories) = never.map(|s| self.never(s)).unwrap_or_default();
        let own_never_categories = never_categories.clone();
        never_categories.extend(self.names.never.categories.iter().cloned());
        let scopes = section.section(self.report, "scopes");
        let scopes =
            scopes.map(|scopes| self.scopes(&provider, scopes, &never_scopes)).unwrap_or_default();
        let operations = section.section(self.report, "operations");
        let operations = operations.map(|section| self.operations(section)).unwrap_or_default();
        let mend = "write a row for everything that is kept: [[integrations.<provider>.data]] with \
                    name, category, purpose and retention";
        let never = &own_never_categories;
        let data = rows(self.report, &mut section, self.names, self.purposes, never, mend);
        let mend = "list the categories that are read and not kept";
        let reads = section.texts(self.report, "reads", mend).unwrap_or_default();
        let reads = reads
            .iter()
            .filter_map(|text| self.category(&section.name, "reads", text, &own_never_categories))
            .collect();
        let recipient = self.recipient(&provider, &mut section, known_recipients);
        let mut read: BTreeSet<DataCategory> = reads;
        let reads = read.clone();
        read.extend(data.iter().map(|item| item.category.clone()));
        let around = Around {
            provider: &provider,
            scopes: &scopes,
            operations: &operations,
            reads: &read,
            never: &own_never_categories,
            recipient: recipient.as_ref().and_then(|recipient| recipients.get(recipient)),
        };
        let endpoints = endpoints(self, &mut section, &around);
        let integration = recipient.map(|recipient| Integration {
            provider,
            recipient,
            scopes,
            operations,
            endpoints,
            data,
            reads,
            never_scopes,
            never_categories,
        });
        if let Some(integration) = &integration
            && let Some(recipient) = recipients.get(&integration.recipient)
        {
            for purpose in integration.purposes() {
                if !recipient.purposes.is_empty() && !recipient.purposes.contains(purpose) {
                    let what = format!(
                        "{} serves the purpose `{purpose}`, for which its recipient `{}` is not \
                         declared",
                        section.name, recipient.id
                    );
                    let mend = format!("add the purpose to [recipients.{}]", recipient.id);
                    self.report.add(&section.span, what, mend);
                }
            }
        }
        section.finish(self.report);
        integration
    }

    fn recipient(
        &mut self,
        provider: &ProviderId,
        section: &mut Section<'_>,
        known: &BTreeSet<RecipientId>,
    ) -> Option<RecipientId> {
        let text = section.maybe_text(self.report, "recipient", "name a declared recipient");
        let (name, span) = match &text {
            Some(text) => (text.text.as_str(), &text.span),
            None => (provider.as_str(), &section.span),
        };
        if let Some(recipient) = known.get(name) {
            return Some(recipient.clone());
        }
        let what = format!("the recipient {} of {} is not declared", quoted(name), section.name);
        let mend = format!(
            "a provider receives data too: declare it as [recipients.{}], with name, country, \
             role, purposes and categories",
            RecipientId::new(name).as_ref().map_or("<id>", RecipientId::as_str)
        );
        self.report.add(span, what, mend);
        None
    }

    fn never(&mut self, mut section: Section<'_>) -> (BTreeSet<ScopeName>, BTreeSet<DataCategory>) {
        let texts = section.texts(self.report, "scopes", "list scopes").unwrap_or_default();
        let scopes = texts.iter().filter_map(|text| self.scope_name(&text.text, text)).collect();
        let categories = never_categories(self.report, &mut section);
        section.finish(self.report);
        (scopes, categories)
    }

    fn scope_name(&mut self, name: &str, place: &Text) -> Option<ScopeName> {
        let scope = ScopeName::new(name).ok();
        if scope.is_none() {
            let what = format!("{} is not a scope (RFC 6749 §3.3)", quoted(name));
            self.report.add(&place.span, what, "write one scope as the provider does");
        }
        scope
    }

    fn scopes(
        &mut self,
        provider: &ProviderId,
        section: Section<'_>,
        never: &BTreeSet<ScopeName>,
    ) -> BTreeMap<ScopeName, BTreeSet<PurposeId>> {
        let mut scopes = BTreeMap::new();
        for named in section.entries() {
            let place = Text { text: String::new(), span: named.span.clone() };
            let what = format!("scope {} of {}", quoted(named.key), section.name);
            let purposes = self.served(&what, &place, named.value);
            let Some(scope) = self.scope_name(named.key, &place) else { continue };
            if never.contains(&scope) {
                self.report.add(
                    &named.span,
                    format!("{what} is also declared as never asked for"),
                    "remove it here or under `never`",
                );
            }
            let position = self.report.position(named.span.start);
            self.places.scopes.insert((provider.clone(), scope.clone()), position);
            scopes.insert(scope, purposes);
        }
        scopes
    }

    fn operations(&mut self, section: Section<'_>) -> BTreeMap<String, BTreeSet<PurposeId>> {
        let mut operations = BTreeMap::new();
        for named in section.entries() {
            let what = format!("operation {} of {}", quoted(named.key), section.name);
            let place = Text { text: String::new(), span: named.span.clone() };
            let purposes = self.served(&what, &place, named.value);
            let plain = |b: u8| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.');
            if !(1..=96).contains(&named.key.len()) || !named.key.bytes().all(plain) {
                let what = format!("{} is not the name of an operation", quoted(named.key));
                self.report.add(
                    &named.span,
                    what,
                    "use lower-case letters, digits, -, _ and dots, at most 96",
                );
                continue;
            }
            operations.insert(named.key.to_owned(), purposes);
        }
        operations
    }

    /// The purposes that something serves: at least one.
    fn served(
        &mut self,
        what: &str,
        place: &Text,
        value: &toml::Spanned<toml::de::DeValue<'_>>,
    ) -> BTreeSet<PurposeId> {
        let mend = "list the purposes that need it";
        let texts = read_texts(self.report, what, value, mend);
        if texts.is_empty() && value.get_ref().as_array().is_some_and(|array| array.is_empty()) {
            self.report.add(&place.span, format!("{what} serves no purpose"), mend);
        }
        self.names.purposes(self.report, what, &texts)
    }

    /// A category that is described and not excluded.
    pub(super) fn category(
        &mut self,
        whose: &str,
        does: &str,
        text: &Text,
        never: &BTreeSet<DataCategory>,
    ) -> Option<DataCategory> {
        allowed_category(self.report, self.names, (whose, does), text, never)
    }
}
