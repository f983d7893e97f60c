//! `[recipients]`.

use std::collections::{BTreeMap, BTreeSet};

use bailee_core::RecipientId;

use crate::{
    Recipient, RecipientRole, Safeguard,
    problem::Report,
    read::{Section, quoted},
};

use super::{COUNTRY, Names, SLUG, country, one_of, word};

/// The recipients, and every name among them, also those with problems of their own.
pub(super) fn recipients(
    report: &mut Report,
    root: &mut Section<'_>,
    names: &Names,
) -> (BTreeMap<RecipientId, Recipient>, BTreeSet<RecipientId>) {
    let mut recipients = BTreeMap::new();
    let mut named_recipients = BTreeSet::new();
    let Some(section) = root.section(report, "recipients") else {
        return (recipients, named_recipients);
    };
    for named in section.entries() {
        let Ok(id) = RecipientId::new(named.key) else {
            let what = format!("{} is not the id of a recipient", quoted(named.key));
            report.add(&named.span, what, format!("use {SLUG}"));
            continue;
        };
        named_recipients.insert(id.clone());
        let name = format!("[recipients.{id}]");
        let section = Section::new(report, name, named.span, named.value);
        if let Some(recipient) = recipient(report, id.clone(), section, names) {
            recipients.insert(id, recipient);
        }
    }
    (recipients, named_recipients)
}

fn recipient(
    report: &mut Report,
    id: RecipientId,
    mut section: Section<'_>,
    names: &Names,
) -> Option<Recipient> {
    let whose = section.name.clone();
    let name = section.text(report, "name", "write the name of the organisation");
    let country = section.text(report, "country", COUNTRY).and_then(|text| country(report, &text));
    let roles = one_of(RecipientRole::ALL.map(|(word, _)| word));
    let role = section
        .text(report, "role", &format!("write role = {roles}"))
        .and_then(|text| word(report, &text, "the role of a recipient", &RecipientRole::ALL));
    let mend = "list the purposes for which it receives data";
    let purposes = section.texts(report, "purposes", mend);
    if purposes.as_ref().is_none_or(Vec::is_empty) {
        section.missing(report, "purposes", mend);
    }
    let purposes = names.purposes(report, &whose, &purposes.unwrap_or_default());
    let mend = "list the categories of data that it receives";
    let categories = section.texts(report, "categories", mend);
    if categories.as_ref().is_none_or(Vec::is_empty) {
        section.missing(report, "categories", mend);
    }
    let categories = categories
        .unwrap_or_default()
        .iter()
        .filter_map(|text| {
            let category = names.category(report, &whose, text)?;
            if names.never.categories.contains(&category) {
                let what = format!(
                    "{whose} receives the category {}, which [never] excludes",
                    quoted(category.as_str())
                );
                report.add(&text.span, what, "remove it here or under [never]");
            }
            Some(category)
        })
        .collect();
    let safeguards = one_of(Safeguard::ALL.map(|(word, _)| word));
    let mend = format!("write safeguard = {safeguards} (Art. 45 and 46 GDPR)");
    let given = section.maybe_text(report, "safeguard", &mend);
    let safeguard =
        given.as_ref().and_then(|text| word(report, text, "a safeguard", &Safeguard::ALL));
    let reference =
        section.maybe_text(report, "reference", "write where the safeguard can be read");
    if let Some(country) = country
        && !country.is_in_eea()
        && given.is_none()
    {
        let what = format!(
            "{whose} is outside the European Economic Area ({}) and has no `safeguard`",
            country.as_str()
        );
        report.add(&section.span, what, mend);
    }
    let service = section.maybe_text(
        report,
        "service",
        "write what it does for the service, such as \"e-mail delivery\"",
    );
    let mend = "write which contract and of when (Art. 28(3) GDPR)";
    let contract = section.maybe_text(report, "contract", mend);
    if role == Some(RecipientRole::Processor) && contract.is_none() && !section.has("contract") {
        section.missing(report, "contract", mend);
    }
    let since = section.maybe_date(report, "since", "write the day, as in since = 2026-01-31");
    let mend = "write how many days before that people are told (Art. 28(2) GDPR)";
    let notice_days = section.maybe_number(report, "notice_days", 0..=365, mend);
    let mend = "write what protects the data beyond the safeguard, or leave it out";
    let supplementary = section.maybe_text(report, "supplementary", mend);
    let review = section.maybe_date(report, "review", "write the day, as in review = 2027-01-31");
    let fields = fields(report, &mut section);
    section.finish(report);
    Some(Recipient {
        id,
        name: name?.text,
        country: country?,
        role: role?,
        purposes,
        categories,
        safeguard,
        reference: reference.map(|reference| reference.text),
        service: service.map(|service| service.text),
        contract: contract.map(|contract| contract.text),
        since,
        notice_days,
        supplementary: supplementary.map(|measures| measures.text),
        review,
        fields,
    })
}

/// The only fields that it may be sent by name.
fn fields(report: &mut Report, section: &mut Section<'_>) -> BTreeSet<String> {
    let mend = "list the names of the fields that it may be sent, and no others";
    let texts = section.texts(report, "fields", mend).unwrap_or_default();
    let mut fields = BTreeSet::new();
    for text in texts {
        let plain = |b: u8| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'_');
        if text.text.len() > 64 || !text.text.bytes().all(plain) {
            let what = format!("{} is not the name of a field", quoted(&text.text));
            report.add(&text.span, what, "use lower-case letters, digits and _, at most 64");
            continue;
        }
        fields.insert(text.text);
    }
    fields
}
