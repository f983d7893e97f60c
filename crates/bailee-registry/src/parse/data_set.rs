//! `[data_sets]`: the host's own data.

use std::collections::{BTreeMap, BTreeSet};

use bailee_core::PurposeId;

use crate::{
    DataItem, DataOrigin, DataSet, Purpose,
    problem::Report,
    read::{Section, quoted},
};

use super::{Names, SLUG, data::rows, one_of};

pub(super) fn data_sets(
    report: &mut Report,
    root: &mut Section<'_>,
    names: &Names,
    purposes: &BTreeMap<PurposeId, Purpose>,
) -> BTreeMap<String, DataSet> {
    let mut sets = BTreeMap::new();
    let Some(section) = root.section(report, "data_sets") else { return sets };
    for named in section.entries() {
        let plain = |b: u8| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_');
        if !(1..=48).contains(&named.key.len())
            || !named.key.starts_with(|c: char| c.is_ascii_lowercase())
            || !named.key.bytes().all(plain)
        {
            let what = format!("{} is not the name of a set of data", quoted(named.key));
            report.add(&named.span, what, format!("use {SLUG}"));
            continue;
        }
        let name = format!("[data_sets.{}]", named.key);
        let mut section = Section::new(report, name, named.span, named.value);
        let title = section.text(report, "title", "write what a person calls it");
        let origin = origin(report, &mut section);
        let mend = "write a row for everything that is kept: [[data_sets.<name>.data]] with name, \
                    category, purpose and retention";
        let data: Vec<DataItem> =
            rows(report, &mut section, names, purposes, &BTreeSet::new(), mend);
        section.finish(report);
        if let (Some(title), Some(origin)) = (title, origin) {
            let id = named.key.to_owned();
            sets.insert(id.clone(), DataSet { id, title: title.text, origin, data });
        }
    }
    sets
}

fn origin(report: &mut Report, section: &mut Section<'_>) -> Option<DataOrigin> {
    let words = one_of(DataOrigin::WORDS);
    let mend = format!("write origin = {words} (Art. 14(2)(f), 20(1) GDPR)");
    let text = section.text(report, "origin", &mend);
    let mend_from = "write who gave it (Art. 14(2)(f) GDPR)";
    let from = section.maybe_text(report, "from", mend_from);
    let obtained = text.as_ref().is_some_and(|text| text.text == "obtained");
    if let Some(from) = from.as_ref().filter(|_| !obtained) {
        let what = format!("{} has a `from`, and nobody else gave it", section.name);
        report.add(&from.span, what, "remove it, or write origin = \"obtained\"");
    }
    let text = text?;
    Some(match text.text.as_str() {
        "derived" => DataOrigin::Derived,
        "inferred" => DataOrigin::Inferred,
        "observed" => DataOrigin::Observed,
        "provided" => DataOrigin::Provided,
        "obtained" => {
            if from.is_none() {
                section.missing(report, "from", mend_from);
            }
            DataOrigin::Obtained { from: from?.text }
        }
        _ => {
            let what = format!("{} is not an origin of data", quoted(&text.text));
            report.add(&text.span, what, mend);
            return None;
        }
    })
}
