//! Rows of what is kept, of an integration and of the host's own sets.

use std::collections::{BTreeMap, BTreeSet};

use bailee_core::{DataCategory, PurposeId};

use crate::{
    DataItem, Purpose,
    problem::Report,
    read::{Section, Text, quoted},
};

use super::{Names, RETENTION, period};

/// The rows below `data`: at least one.
pub(super) fn rows(
    report: &mut Report,
    section: &mut Section<'_>,
    names: &Names,
    purposes: &BTreeMap<PurposeId, Purpose>,
    never: &BTreeSet<DataCategory>,
    mend: &str,
) -> Vec<DataItem> {
    let rows = section.tables(report, "data");
    if rows.is_empty() {
        section.missing(report, "data", mend);
    }
    let mut data: Vec<DataItem> = Vec::new();
    for row in rows {
        let span = row.span.clone();
        let Some(item) = row_of(report, row, names, never) else { continue };
        if data.iter().any(|known| known.name == item.name && known.purpose == item.purpose) {
            let what = format!("{} has two rows for one name and purpose", section.name);
            report.add(&span, what, "make one of the two");
        }
        let special = names.categories.get(&item.category).is_some_and(|known| known.is_special());
        let purpose = purposes.get(&item.purpose);
        if special && purpose.is_some_and(|purpose| purpose.condition.is_none()) {
            let what = format!(
                "{} keeps a special category of data for the purpose `{}`, which has no `condition`",
                section.name, item.purpose
            );
            report.add(&span, what, "write which one lets it (Art. 9(2) GDPR), or do not keep it");
        }
        data.push(item);
    }
    data.sort();
    data
}

fn row_of(
    report: &mut Report,
    mut row: Section<'_>,
    names: &Names,
    never: &BTreeSet<DataCategory>,
) -> Option<DataItem> {
    let whose = row.name.clone();
    let name = row.text(report, "name", "write what it is, in a person's words");
    let category = row
        .text(report, "category", "name a category of [categories]")
        .and_then(|text| allowed_category(report, names, (&whose, "keeps"), &text, never));
    let purpose = row
        .text(report, "purpose", "name the purpose that it is kept for")
        .and_then(|text| names.purpose(report, &whose, &text));
    let mend = format!("{RETENTION}, or name a rule of [retention]");
    let retention = row.text(report, "retention", &mend).and_then(|text| {
        match names.retention.get(&text.text) {
            Some(rule) => rule.as_ref().map(|rule| (rule.keep, Some(text.text.clone()))),
            None => period(report, &text, "`retention`", &mend).map(|retention| (retention, None)),
        }
    });
    row.finish(report);
    let (retention, rule) = retention?;
    Some(DataItem { name: name?.text, category: category?, purpose: purpose?, retention, rule })
}

/// A category that is described and not excluded.
pub(super) fn allowed_category(
    report: &mut Report,
    names: &Names,
    (whose, does): (&str, &str),
    text: &Text,
    never: &BTreeSet<DataCategory>,
) -> Option<DataCategory> {
    let category = names.category(report, whose, text)?;
    let place = if never.contains(&category) {
        "its `never`"
    } else if names.never.categories.contains(&category) {
        "[never]"
    } else {
        return Some(category);
    };
    let name = quoted(category.as_str());
    let what = format!("{whose} {does} the category {name}, which {place} excludes");
    report.add(&text.span, what, "remove it here, or the category there");
    None
}
