//! From TOML to a declaration, as a whole: every problem, each at its place.

mod category;
mod data;
mod data_set;
mod endpoint;
mod integration;
mod party;
mod purpose;
mod recipient;

use std::collections::{BTreeMap, BTreeSet};

use bailee_core::{DataCategory, PurposeId};
use toml::de::DeTable;

use crate::{
    AgeLimits, Category, Country, Never, Policy, Problems, ProhibitedUse, Retention, RetentionRule,
    Role, Use,
    declaration::{Content, Places},
    problem::Report,
    read::{Section, Text, quoted, read_number},
};

use self::category::category_name;

/// What the sections after it refer to.
pub(crate) struct Names {
    categories: BTreeMap<DataCategory, Category>,
    /// Every purpose that is named, also those with problems of their own: a reference to one of
    /// them is not a second problem.
    purposes: BTreeSet<PurposeId>,
    retention: BTreeMap<String, Option<RetentionRule>>,
    never: Never,
}

/// Reads a declaration.
pub(crate) fn declaration(text: &str) -> Result<(Content, Places), Problems> {
    let mut report = Report::on(text);
    let (table, errors) = DeTable::parse_recoverable(text);
    for error in errors {
        let span = error.span().unwrap_or(0..0);
        let what = format!("this is not TOML: {}", error.message().replace('\n', ", "));
        report.add(&span, what, "mend the syntax");
    }
    if !report.is_empty() {
        // What was recovered would give problems that are not there.
        return report.finish(None);
    }
    let content = read(&mut report, &mut Section::root(&table));
    report.finish(content)
}

fn read(report: &mut Report, root: &mut Section<'_>) -> Option<(Content, Places)> {
    let role = role(report, root);
    let controller = party::controller(report, root);
    let joint_controllers = party::joint_controllers(report, root, role);
    let authorities = party::authorities(report, root);
    let categories = category::categories(report, root);
    let never = never(report, root);
    let (purposes, named) = purpose::purposes(report, root, &never);
    let retention = retention(report, root);
    let mut names = Names { categories, purposes: named, retention, never };
    let (recipients, known_recipients) = recipient::recipients(report, root, &names);
    let (integrations, places) =
        integration::integrations(report, root, &names, &purposes, &known_recipients, &recipients);
    let data_sets = data_set::data_sets(report, root, &names, &purposes);
    let age = age(report, root);
    let measures = measures(report, root);
    let policy = policy(report, root);
    let section = std::mem::replace(root, Section::empty());
    section.finish(report);
    let retention = std::mem::take(&mut names.retention);
    let content = Content {
        controller: controller?,
        role: role?,
        categories: names.categories,
        purposes,
        recipients,
        retention: retention.into_iter().filter_map(|(name, rule)| Some((name, rule?))).collect(),
        integrations,
        never: names.never,
        joint_controllers,
        data_sets,
        age,
        authorities,
        measures,
        policy,
    };
    Some((content, places))
}

fn measures(report: &mut Report, root: &mut Section<'_>) -> Vec<String> {
    let Some(mut section) = root.section(report, "security") else { return Vec::new() };
    let mend = "list what protects the data, each as a sentence (Art. 32 GDPR)";
    let measures = section.texts(report, "measures", mend).unwrap_or_default();
    section.finish(report);
    measures.into_iter().map(|measure| measure.text).collect()
}

fn policy(report: &mut Report, root: &mut Section<'_>) -> Option<Policy> {
    let mut section = root.section(report, "policy")?;
    let url = section.text(report, "url", "write the https address where people read the policy");
    let url = url.filter(|url| party::is_web(report, &section, url));
    let mend = "write the day from which this version holds, as in effective = 2026-01-31";
    let effective = section.maybe_date(report, "effective", mend);
    if effective.is_none() && !section.has("effective") {
        section.missing(report, "effective", mend);
    }
    section.finish(report);
    Some(Policy { url: url?.text, effective: effective? })
}

fn age(report: &mut Report, root: &mut Section<'_>) -> Option<AgeLimits> {
    const AGES: &str = "write the age of Art. 8(1) GDPR: 13 to 16";
    let mut section = root.section(report, "age")?;
    let minimum = section.maybe_number(
        report,
        "minimum",
        0..=99,
        "write from which age people use the service",
    );
    if minimum.is_none() && !section.has("minimum") {
        section.missing(report, "minimum", "write from which age people use the service");
    }
    let consent = section.maybe_number(report, "consent", 13..=16, AGES);
    let mut countries = BTreeMap::new();
    for named in section.section(report, "countries").iter().flat_map(Section::entries) {
        let key = Text { text: named.key.to_owned(), span: named.span.clone() };
        let country = country(report, &key);
        let what = format!("the age for {}", quoted(named.key));
        let age = read_number(report, &what, named.value, 13..=16, AGES);
        countries.extend(country.zip(age.and_then(|age| u8::try_from(age).ok())));
    }
    section.finish(report);
    let small = |number: u16| u8::try_from(number).ok();
    Some(AgeLimits {
        minimum: minimum.and_then(small)?,
        consent: consent.and_then(small).unwrap_or(16),
        countries,
        unknown_is_young: false,
    })
}

fn role(report: &mut Report, root: &mut Section<'_>) -> Option<Role> {
    let mend = format!("write role = {}", one_of(Role::ALL.map(|(word, _)| word)));
    let text = root.text(report, "role", &mend)?;
    word(report, &text, "a role", &Role::ALL)
}

fn never(report: &mut Report, root: &mut Section<'_>) -> Never {
    let Some(mut section) = root.section(report, "never") else { return Never::default() };
    let mend = format!("use {}", one_of(Use::ALL.map(|(word, _)| word)));
    let uses = section.texts(report, "uses", &mend).unwrap_or_default();
    let uses = uses
        .iter()
        // Those that nobody can allow may be named for the reader.
        .filter(|text| ProhibitedUse::recognise(&text.text).is_none())
        .filter_map(|text| word(report, text, "a use", &Use::ALL))
        .collect();
    let categories = never_categories(report, &mut section);
    section.finish(report);
    Never { uses, categories }
}

fn never_categories(report: &mut Report, section: &mut Section<'_>) -> BTreeSet<DataCategory> {
    let texts = section.texts(report, "categories", "list names of categories").unwrap_or_default();
    texts.iter().filter_map(|text| category_name(report, &text.text, &text.span)).collect()
}

fn retention(
    report: &mut Report,
    root: &mut Section<'_>,
) -> BTreeMap<String, Option<RetentionRule>> {
    let mut rules = BTreeMap::new();
    let Some(section) = root.section(report, "retention") else { return rules };
    for named in section.entries() {
        if Retention::parse(named.key).is_some() {
            let what = format!("{} already has a meaning of its own", quoted(named.key));
            report.add(&named.span, what, "give the rule another name");
            continue;
        }
        let name = format!("[retention.{}]", quoted(named.key).trim_matches('`'));
        let mut section = Section::new(report, name, named.span, named.value);
        let keep = section
            .text(report, "keep", RETENTION)
            .and_then(|text| period(report, &text, "`keep`", RETENTION));
        let reason = section.text(
            report,
            "reason",
            "write why it is kept so long: the law or the criterion (Art. 13(2)(a) GDPR)",
        );
        section.finish(report);
        let rule =
            keep.zip(reason).map(|(keep, reason)| RetentionRule { keep, reason: reason.text });
        rules.insert(named.key.to_owned(), rule);
    }
    rules
}

fn period(report: &mut Report, text: &Text, what: &str, mend: &str) -> Option<Retention> {
    let retention = Retention::parse(&text.text);
    if retention.is_none() {
        let what = format!("{what} is {}, which is no retention", quoted_text(&text.text));
        report.add(&text.span, what, mend);
    }
    retention
}

impl Names {
    /// Reads a list of declared purposes. An empty one is a problem.
    fn purposes(&self, report: &mut Report, whose: &str, texts: &[Text]) -> BTreeSet<PurposeId> {
        texts.iter().filter_map(|text| self.purpose(report, whose, text)).collect()
    }

    fn purpose(&self, report: &mut Report, whose: &str, text: &Text) -> Option<PurposeId> {
        let known = self.purposes.get(text.text.as_str()).cloned();
        // Where none is declared, that is the problem, and each reference is not another.
        if known.is_none() && !self.purposes.is_empty() {
            let name = quoted(&text.text);
            let what = format!("{whose} names the purpose {name}, which is not declared");
            let mend =
                format!("declare it under [purposes], or name one of {}", self.all_purposes());
            report.add(&text.span, what, mend);
        }
        known
    }

    fn all_purposes(&self) -> String {
        one_of(self.purposes.iter().map(PurposeId::as_str))
    }

    fn category(&self, report: &mut Report, whose: &str, text: &Text) -> Option<DataCategory> {
        let category = DataCategory::new(text.text.clone());
        if self.categories.is_empty() || self.categories.contains_key(&category) {
            return Some(category);
        }
        let what =
            format!("{whose} names the category {}, which is not declared", quoted(&text.text));
        let known = one_of(self.categories.keys().map(DataCategory::as_str));
        report.add(
            &text.span,
            what,
            format!("describe it under [categories], or name one of {known}"),
        );
        None
    }
}

/// Finds a word in a closed list.
fn word<T: Copy>(report: &mut Report, text: &Text, kind: &str, all: &[(&str, T)]) -> Option<T> {
    let found = all.iter().find(|(word, _)| *word == text.text).map(|(_, value)| *value);
    if found.is_none() {
        let mend = format!("use {}", one_of(all.iter().map(|(word, _)| *word)));
        report.add(&text.span, format!("{} is not {kind}", quoted_text(&text.text)), mend);
    }
    found
}

fn country(report: &mut Report, text: &Text) -> Option<Country> {
    let mend = match text.text.as_str() {
        "UK" => "write GB for the United Kingdom",
        "EL" => "write GR for Greece",
        "EU" => "write the country, such as IE",
        _ => {
            let country = Country::parse(&text.text);
            if country.is_none() {
                let what = format!("{} is not a country", quoted_text(&text.text));
                report.add(&text.span, what, COUNTRY);
            }
            return country;
        }
    };
    report.add(&text.span, format!("`{}` is not a country of ISO 3166-1", text.text), mend);
    None
}

/// `"a", "b" or "c"`.
fn one_of<'a>(words: impl IntoIterator<Item = &'a str>) -> String {
    let words: Vec<String> = words.into_iter().map(|word| format!("\"{word}\"")).collect();
    match words.as_slice() {
        [] => String::from("none"),
        [only] => only.clone(),
        [most @ .., last] => format!("{} or {last}", most.join(", ")),
    }
}

/// Names a value in a message if it is short and plain; values may be anything.
fn quoted_text(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, ' ' | '_' | '-' | '.');
    if text.len() <= 40 && text.chars().all(plain) {
        format!("`{text}`")
    } else {
        String::from("this")
    }
}

const SLUG: &str = "lower-case letters, digits, - and _, beginning with a letter, at most 48";
const COUNTRY: &str = "write the two capital letters of ISO 3166-1, such as \"IE\"";
const LAW: &str = "write which law (Art. 6(3) GDPR)";
const ASSESSMENT: &str = "write which interests are pursued and why the person's do not override them (Art. 6(1)(f) GDPR)";
const RETENTION: &str = "write \"until_disconnected\", \"until_account_deleted\", or a time such as \"30 days\", \"6 months\" or \"10 years\"";
