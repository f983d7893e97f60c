//! `[categories]`.

use std::{collections::BTreeMap, ops::Range};

use bailee_core::DataCategory;

use crate::{
    Category, DataTerm,
    problem::Report,
    read::{Named, Section, quoted, read_text},
};

use super::SLUG;

pub(super) fn categories(
    report: &mut Report,
    root: &mut Section<'_>,
) -> BTreeMap<DataCategory, Category> {
    let Some(section) = root.required_section(
        report,
        "categories",
        "name the categories of data with words for people, as in profile = \"your name\"",
    ) else {
        return BTreeMap::new();
    };
    let mut categories = BTreeMap::new();
    if section.is_empty() {
        section.missing(report, "<category>", "name at least one category of data");
    }
    for named in section.entries() {
        let read = category(report, &named);
        if let Some(category) = category_name(report, named.key, &named.span) {
            categories.insert(category, read);
        }
    }
    categories
}

/// Its words alone, or a table with its words and its terms.
fn category(report: &mut Report, named: &Named<'_>) -> Category {
    let mend = "write what it is in words that a person understands";
    if !named.value.get_ref().is_table() {
        let what = format!("category {}", quoted(named.key));
        let plain = read_text(report, &what, named.value, mend);
        let plain = plain.map(|plain| plain.text).unwrap_or_default();
        return Category { plain, terms: Vec::new() };
    }
    let name = format!("[categories.{}]", quoted(named.key).trim_matches('`'));
    let mut section = Section::new(report, name, named.span.clone(), named.value);
    let plain = section.text(report, "plain", mend);
    let mend = "name terms of https://w3id.org/dpv/pd, such as \"EmailAddress\"";
    let mut terms = Vec::new();
    for text in section.texts(report, "dpv", mend).unwrap_or_default() {
        match DataTerm::find(&text.text) {
            Some(term) => terms.push(term),
            None => {
                let what = format!("{} is no term for personal data", quoted(&text.text));
                report.add(&text.span, what, mend);
            }
        }
    }
    terms.sort();
    terms.dedup();
    section.finish(report);
    Category { plain: plain.map(|plain| plain.text).unwrap_or_default(), terms }
}

pub(super) fn category_name(
    report: &mut Report,
    text: &str,
    span: &Range<usize>,
) -> Option<DataCategory> {
    let valid = (1..=48).contains(&text.len())
        && text.starts_with(|c: char| c.is_ascii_lowercase())
        && text.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_'));
    if !valid {
        let what = format!("{} is not the name of a category", quoted(text));
        report.add(span, what, format!("use {SLUG}"));
    }
    valid.then(|| DataCategory::new(text))
}
