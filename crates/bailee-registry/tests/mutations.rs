//! Good declarations with one fault in them: each is refused at the line of the fault, by its name.
//!
//! `BAILEE_MUTATIONS` says how many of the seven thousand are tried.

use std::{collections::BTreeMap, ops::Range};

use bailee_registry::Declaration;
use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

const GOOD: [(&str, &str); 4] = [
    ("privacy", include_str!("../examples/privacy.toml")),
    ("publisher", include_str!("../examples/publisher.toml")),
    ("exporter", include_str!("../examples/exporter.toml")),
    ("assistant", include_str!("../examples/assistant.toml")),
];

/// A key with its value, and the tables that it lies in.
struct Entry<'a> {
    path: Vec<String>,
    key: Range<usize>,
    value: &'a Spanned<DeValue<'a>>,
}

/// A declaration with one fault.
struct Mutant {
    text: String,
    /// The line of the fault, and how many lines on it may be said: what comes twice is said at the
    /// second place. A key that is missing is looked for at its table.
    at: Option<(usize, usize)>,
    /// What the message has to name.
    names: String,
    what: String,
}

fn entries<'a>(table: &'a DeTable<'a>, path: &[String], all: &mut Vec<Entry<'a>>) {
    for (key, value) in table {
        let mut path = path.to_vec();
        path.push(key.get_ref().to_string());
        match value.get_ref() {
            DeValue::Table(inner) => entries(inner, &path, all),
            DeValue::Array(items) if items.iter().all(|item| item.get_ref().is_table()) => {
                for item in items {
                    if let DeValue::Table(inner) = item.get_ref() {
                        entries(inner, &path, all);
                    }
                }
            }
            _ => all.push(Entry { path, key: key.span(), value }),
        }
    }
}

/// Whether the keys of a table are names that the declaration chooses.
fn chooses_names(table: &[String]) -> bool {
    let table: Vec<&str> = table.iter().map(String::as_str).collect();
    matches!(
        table.as_slice(),
        ["categories"] | ["integrations", _, "scopes" | "operations"] | ["age", "countries"]
    )
}

/// What a value refers to by its name, if it does.
fn refers(entry: &Entry<'_>) -> bool {
    let path: Vec<&str> = entry.path.iter().map(String::as_str).collect();
    matches!(
        path.as_slice(),
        [.., "purpose" | "category" | "recipient"]
            | ["recipients", _, "purposes" | "categories"]
            | ["integrations", _, "reads"]
            | ["integrations", _, "scopes" | "operations", _]
            | ["integrations", _, "endpoints", "purposes" | "sends" | "reads"]
    )
}

fn replaced(text: &str, span: Range<usize>, with: &str) -> String {
    [&text[..span.start], with, &text[span.end..]].concat()
}

fn mutants(text: &str) -> Vec<Mutant> {
    let table = DeTable::parse(text).expect("a good declaration is TOML");
    let mut all = Vec::new();
    entries(table.get_ref(), &[], &mut all);
    let mut mutants = Vec::new();
    for entry in &all {
        let name = entry.path.join(".");
        let (key, last) = (entry.key.clone(), entry.path.last().expect("a key").clone());
        let parent = &entry.path[..entry.path.len() - 1];
        let line = line_of(text, key.start);
        let twice = format!("{}\n{}", &text[key.start..entry.value.span().end], &text[key.start..]);
        let twice = [&text[..key.start], &twice].concat();
        let span = entry.value.span();
        let lines = text[key.start..span.end].matches('\n').count() + 1;
        let what = format!("a key twice {name}");
        mutants.push(Mutant { text: twice, at: Some((line, lines)), names: String::new(), what });
        let mut add = |mutated: String, at: usize, names: &str, what: &str| {
            let what = format!("{what} {name}");
            let (text, at) = (mutated, line_of(text, at));
            mutants.push(Mutant { text, at: Some((at, 0)), names: names.to_owned(), what });
        };
        if !chooses_names(parent) {
            let misspelt = format!("{last}x");
            add(replaced(text, key.clone(), &misspelt), key.start, &misspelt, "misspelt key");
        }
        match entry.value.get_ref() {
            DeValue::String(_) => {
                add(replaced(text, span.clone(), "3"), span.start, &last, "a number for a text");
                add(replaced(text, span.clone(), "\"\""), span.start, "", "an empty text");
                add(replaced(text, span.clone(), "\"  \""), span.start, "", "a blank text");
                let turned = "\"a\\u202eb\"";
                add(replaced(text, span.clone(), turned), span.start, "", "a text that turns");
                add(replaced(text, span.clone(), "[\"a\"]"), span.start, "", "a list for a text");
                if refers(entry) {
                    let to = "\"zz.nowhere\"";
                    add(replaced(text, span.clone(), to), span.start, "zz.nowhere", "nothing in");
                }
            }
            DeValue::Array(items) => {
                add(replaced(text, span.clone(), "3"), span.start, &last, "a number for a list");
                for item in items {
                    let span = item.span();
                    add(replaced(text, span.clone(), "3"), span.start, "", "a number within");
                    add(replaced(text, span.clone(), "\"\""), span.start, "", "nothing within");
                    let again = format!("{0}, {0}", &text[span.clone()]);
                    add(replaced(text, span.clone(), &again), span.start, "", "twice within");
                    if refers(entry) {
                        let to = "\"zz.nowhere\"";
                        add(replaced(text, span.clone(), to), span.start, "zz.nowhere", "unknown");
                    }
                }
            }
            _ => add(replaced(text, span.clone(), "\"x\""), span.start, "", "a text for another"),
        }
    }
    mutants.extend(without_required(text, &all));
    mutants
}

/// The declaration without each key that every table of its kind has.
fn without_required(text: &str, all: &[Entry<'_>]) -> Vec<Mutant> {
    let required = |path: &[&str]| {
        matches!(
            path,
            ["role"]
                | ["controller", "name" | "contact"]
                | ["purposes", _, "title" | "plain" | "use" | "basis"]
                | ["recipients", _, "name" | "country" | "role" | "purposes" | "categories"]
                | ["integrations", _, "recipient"]
                | ["integrations", _, "data", "name" | "category" | "purpose" | "keep"]
                | ["data_sets", _, "data", "name" | "category" | "purpose" | "keep"]
                | ["data_sets", _, "title" | "origin"]
                | ["retention", _, "keep" | "reason"]
        )
    };
    let needed = all.iter().filter(|entry| {
        let path: Vec<&str> = entry.path.iter().map(String::as_str).collect();
        required(&path)
    });
    needed
        .map(|entry| {
            let key = entry.path.last().expect("a key");
            Mutant {
                text: replaced(text, entry.key.start..entry.value.span().end, ""),
                at: None,
                names: format!("`{key}`"),
                what: format!("without {}", entry.path.join(".")),
            }
        })
        .collect()
}

#[expect(clippy::disallowed_methods, reason = "a variable says how long the test runs")]
fn wanted() -> usize {
    std::env::var("BAILEE_MUTATIONS").map_or(1_400, |text| text.parse().expect("a number"))
}

fn line_of(text: &str, at: usize) -> usize {
    text[..at].matches('\n').count() + 1
}

#[test]
fn each_fault_in_a_good_declaration_is_refused_at_its_place_and_by_its_name() {
    let mut kinds: BTreeMap<String, usize> = BTreeMap::new();
    let mut wrong = Vec::new();
    let mut count = 0;
    let wanted = wanted();
    for (file, good) in GOOD {
        assert!(Declaration::check(good).is_ok(), "{file} is good");
        let mutants = mutants(good);
        // Evenly over all of them, so that each kind is among those of a small number.
        let step = (mutants.len() * GOOD.len()).div_ceil(wanted).max(1);
        for mutant in mutants.into_iter().step_by(step) {
            count += 1;
            let kind = mutant.what.split(' ').next().unwrap_or_default().to_owned();
            *kinds.entry(kind).or_default() += 1;
            let Err(problems) = Declaration::check(&mutant.text) else {
                wrong.push(format!("{file}: {} was taken", mutant.what));
                continue;
            };
            let said = problems.to_string();
            let named = problems.list().iter().any(|problem| {
                let line = problem.position.line;
                let near = |(first, more)| (first..=first + more).contains(&line);
                mutant.at.is_none_or(near)
                    && format!("{} {}", problem.what, problem.mend).contains(&mutant.names)
            });
            if !named {
                wrong.push(format!("{file}: {} is said so:\n{said}", mutant.what));
            }
        }
    }
    assert!(count >= 500, "{count}");
    assert!(wrong.is_empty(), "{} of {count}:\n{}", wrong.len(), wrong.join("\n"));
    assert!(kinds.len() >= 5, "{kinds:?}");
}
