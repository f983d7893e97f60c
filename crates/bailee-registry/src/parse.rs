//! From TOML to a declaration, as a whole: every problem, each at its place.

mod endpoint;
mod integration;
mod recipient;

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Range,
};

use bailee_core::{DataCategory, PurposeId};
use toml::de::DeTable;

use crate::{
    Controller, Country, LegalBasis, Never, Problems, ProhibitedUse, Purpose, Retention,
    RetentionRule, Role, Use,
    declaration::{Content, Places},
    problem::Report,
    read::{Named, Section, Text, quoted, read_text},
};

/// What the sections after it refer to.
pub(crate) struct Names {
    categories: BTreeMap<DataCategory, String>,
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
    let controller = controller(report, root);
    let categories = categories(report, root);
    let never = never(report, root);
    let (purposes, named) = purposes(report, root, &never);
    let retention = retention(report, root);
    let mut names = Names { categories, purposes: named, retention, never };
    let (recipients, known_recipients) = recipient::recipients(report, root, &names);
    let (integrations, places) =
        integration::integrations(report, root, &names, &known_recipients, &recipients);
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
    };
    Some((content, places))
}

fn role(report: &mut Report, root: &mut Section<'_>) -> Option<Role> {
    let mend = format!("write role = {}", one_of(Role::ALL.map(|(word, _)| word)));
    let text = root.text(report, "role", &mend)?;
    word(report, &text, "a role", &Role::ALL)
}

fn controller(report: &mut Report, root: &mut Section<'_>) -> Option<Controller> {
    let mut section = root.required_section(
        report,
        "controller",
        "say who answers for the service: [controller] with name and contact",
    )?;
    let name = section.text(report, "name", "write the controller's name (Art. 13(1)(a) GDPR)");
    let mend = "write where privacy requests go: an e-mail address or an https address";
    let contact = section.text(report, "contact", mend).filter(|contact| {
        let good = is_contact(&contact.text);
        if !good {
            let what = "`contact` of [controller] is neither an e-mail nor an https address";
            report.add(&contact.span, what, mend);
        }
        good
    });
    let address =
        section.maybe_text(report, "address", "write the postal address, or leave it out");
    let country =
        section.maybe_text(report, "country", COUNTRY).and_then(|text| country(report, &text));
    section.finish(report);
    Some(Controller {
        name: name?.text,
        contact: contact?.text,
        address: address.map(|address| address.text),
        country,
    })
}

fn is_contact(text: &str) -> bool {
    let plain = !text.contains(char::is_whitespace);
    let mail = text.split_once('@').is_some_and(|(name, host)| {
        !name.is_empty() && host.contains('.') && !host.contains('@') && !host.ends_with('.')
    });
    plain && (mail || text.strip_prefix("https://").is_some_and(|rest| !rest.is_empty()))
}

fn categories(report: &mut Report, root: &mut Section<'_>) -> BTreeMap<DataCategory, String> {
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
        let mend = "write what it is in words that a person understands";
        let what = format!("category {}", quoted(named.key));
        let plain = read_text(report, &what, named.value, mend);
        if let Some(category) = category_name(report, named.key, &named.span) {
            categories.insert(category, plain.map(|plain| plain.text).unwrap_or_default());
        }
    }
    categories
}

fn category_name(report: &mut Report, text: &str, span: &Range<usize>) -> Option<DataCategory> {
    let valid = (1..=48).contains(&text.len())
        && text.starts_with(|c: char| c.is_ascii_lowercase())
        && text.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_'));
    if !valid {
        let what = format!("{} is not the name of a category", quoted(text));
        report.add(span, what, format!("use {SLUG}"));
    }
    valid.then(|| DataCategory::new(text))
}

fn purposes(
    report: &mut Report,
    root: &mut Section<'_>,
    never: &Never,
) -> (BTreeMap<PurposeId, Purpose>, BTreeSet<PurposeId>) {
    let mut purposes = BTreeMap::new();
    let mut named_purposes = BTreeSet::new();
    let Some(section) = root.required_section(
        report,
        "purposes",
        "declare each reason to process data as [purposes.<id>]",
    ) else {
        return (purposes, named_purposes);
    };
    if section.is_empty() {
        section.missing(report, "<id>", "declare at least one purpose");
    }
    for named in section.entries() {
        let Ok(id) = PurposeId::new(named.key) else {
            let what = format!("{} is not the id of a purpose", quoted(named.key));
            report.add(&named.span, what, format!("use {SLUG}; dots may stand between such words"));
            continue;
        };
        if let Some(prohibited) = ProhibitedUse::recognise(named.key) {
            let what = format!("purpose `{id}` is prohibited: {}", prohibited.plain());
            report.add(&named.span, what, "remove it; no declaration can allow it");
        }
        if let Some(below) = below_without_quotes(&named) {
            for key in below {
                let what = format!("[purposes.{id}] has no fields, only a table below it");
                let mend = format!(
                    "an id with a dot needs quotes: [purposes.\"{id}.{}\"]",
                    quoted(key).trim_matches('`')
                );
                report.add(&named.span, what, mend);
                named_purposes.extend(PurposeId::new(format!("{id}.{key}")));
            }
            continue;
        }
        let name = if named.key.contains('.') {
            format!("[purposes.\"{id}\"]")
        } else {
            format!("[purposes.{id}]")
        };
        let section = Section::new(report, name, named.span, named.value);
        named_purposes.insert(id.clone());
        if let Some(purpose) = purpose(report, id.clone(), section, never) {
            purposes.insert(id, purpose);
        }
    }
    (purposes, named_purposes)
}

/// The keys of a table that holds nothing but tables: `[purposes.publish.video]`.
fn below_without_quotes<'a>(named: &Named<'a>) -> Option<Vec<&'a str>> {
    let table = named.value.get_ref().as_table()?;
    let only_tables = !table.is_empty() && table.values().all(|value| value.get_ref().is_table());
    only_tables.then(|| table.keys().map(|key| key.get_ref().as_ref()).collect())
}

fn purpose(
    report: &mut Report,
    id: PurposeId,
    mut section: Section<'_>,
    never: &Never,
) -> Option<Purpose> {
    let title = section.text(report, "title", "write a short name that a person reads");
    let plain = section.text(report, "plain", "write what is done, as a sentence for the person");
    let usage = usage(report, &mut section, never);
    let basis = basis(report, &mut section);
    section.finish(report);
    Some(Purpose { id, title: title?.text, plain: plain?.text, basis: basis?, usage: usage? })
}

fn usage(report: &mut Report, section: &mut Section<'_>, never: &Never) -> Option<Use> {
    let words = Use::ALL.map(|(word, _)| word);
    let mend = format!("write use = {}", one_of(words));
    let text = section.text(report, "use", &mend)?;
    if let Some(prohibited) = ProhibitedUse::recognise(&text.text) {
        let what = format!("the use in {} is prohibited: {}", section.name, prohibited.plain());
        report.add(&text.span, what, "remove the purpose; no declaration can allow it");
        return None;
    }
    let usage = word(report, &text, "a use", &Use::ALL)?;
    if never.uses.contains(&usage) {
        let what =
            format!("{} is of the use `{}`, which [never] excludes", section.name, usage.word());
        report.add(&text.span, what, "remove the purpose, or the use from [never]");
    }
    Some(usage)
}

fn basis(report: &mut Report, section: &mut Section<'_>) -> Option<LegalBasis> {
    let mend = format!("write basis = {} (Art. 6(1) GDPR)", one_of(LegalBasis::WORDS));
    let basis = section.text(report, "basis", &mend);
    let assessment = section.maybe_text(report, "assessment", ASSESSMENT);
    let law = section.maybe_text(report, "law", LAW);
    let basis = basis?;
    let wants_law = matches!(basis.text.as_str(), "legal_obligation" | "public_task");
    let wants_assessment = basis.text == "legitimate_interests";
    for (given, wanted, key) in
        [(&assessment, wants_assessment, "assessment"), (&law, wants_law, "law")]
    {
        if let (Some(text), false) = (given, wanted) {
            let what = format!("{} has an `{key}` that its basis has no place for", section.name)
                .replace("an `law`", "a `law`");
            report.add(&text.span, what, "remove it, or correct the basis");
        }
    }
    if wants_law && law.is_none() {
        section.missing(report, "law", LAW);
    }
    if wants_assessment && assessment.is_none() {
        section.missing(report, "assessment", ASSESSMENT);
    }
    Some(match basis.text.as_str() {
        "consent" => LegalBasis::Consent,
        "contract" => LegalBasis::Contract,
        "legal_obligation" => LegalBasis::LegalObligation { law: law?.text },
        "legitimate_interests" => LegalBasis::LegitimateInterests { assessment: assessment?.text },
        "public_task" => LegalBasis::PublicTask { law: law?.text },
        "vital_interests" => LegalBasis::VitalInterests,
        _ => {
            let what = format!("{} is not a legal basis", quoted(&basis.text));
            report.add(&basis.span, what, mend);
            return None;
        }
    })
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
