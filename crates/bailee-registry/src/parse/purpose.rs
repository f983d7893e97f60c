//! `[purposes]`.

use std::collections::{BTreeMap, BTreeSet};

use bailee_core::PurposeId;

use crate::{
    LegalBasis, Necessity, Never, ProhibitedUse, Purpose, SpecialCondition, Use,
    problem::Report,
    read::{Named, Section, quoted},
};

use super::{ASSESSMENT, LAW, SLUG, one_of, word};

pub(super) fn purposes(
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
    let condition = condition(report, &mut section);
    let necessity = necessity(report, &mut section);
    let mend = "write the logic and what it means for the person (Art. 13(2)(f) GDPR), or leave it out \
                where people decide";
    let automated = section.maybe_text(report, "automated", mend);
    section.finish(report);
    Some(Purpose {
        id,
        title: title?.text,
        plain: plain?.text,
        basis: basis?,
        usage: usage?,
        condition,
        necessity,
        automated: automated.map(|automated| automated.text),
    })
}

fn condition(report: &mut Report, section: &mut Section<'_>) -> Option<SpecialCondition> {
    let all = one_of(SpecialCondition::ALL.map(|(word, _)| word));
    let mend = format!("write condition = {all} (Art. 9(2) GDPR)");
    let text = section.maybe_text(report, "condition", &mend)?;
    word(report, &text, "a condition of Art. 9(2) GDPR", &SpecialCondition::ALL)
}

fn necessity(report: &mut Report, section: &mut Section<'_>) -> Option<Necessity> {
    let mend = "write necessity = \"required\" or \"optional\" (Art. 13(2)(e) GDPR)";
    let text = section.maybe_text(report, "necessity", mend);
    let mend_consequence = "write what happens where the person does not provide it";
    let consequence = section.maybe_text(report, "consequence", mend_consequence);
    let required = text.as_ref().is_some_and(|text| text.text == "required");
    if let Some(consequence) = consequence.as_ref().filter(|_| !required) {
        let what = format!("{} has a `consequence` and is not required", section.name);
        report.add(&consequence.span, what, "remove it, or write necessity = \"required\"");
    }
    let text = text?;
    match text.text.as_str() {
        "optional" => Some(Necessity::Optional),
        "required" => {
            if consequence.is_none() {
                section.missing(report, "consequence", mend_consequence);
            }
            Some(Necessity::Required { consequence: consequence?.text })
        }
        _ => {
            let what = format!("{} is neither required nor optional", quoted(&text.text));
            report.add(&text.span, what, mend);
            None
        }
    }
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
