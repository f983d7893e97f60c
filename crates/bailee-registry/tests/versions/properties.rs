//! No difference is missed: texts are changed at random places, and two declarations differ exactly
//! when their versions do.

use std::cell::Cell;

use bailee_registry::{Declaration, versions::Diff};
use proptest::prelude::*;

use crate::desk::{ASSISTANT, EXPORTER, PRIVACY, PUBLISHER, WHOLE, parse};

/// The small ones more often: the others take longer to read.
const TEXTS: [&str; 8] = [WHOLE, WHOLE, WHOLE, WHOLE, EXPORTER, PRIVACY, PUBLISHER, ASSISTANT];

/// One change of a text: at which line, of what kind, and with what else of the text.
#[derive(Clone, Debug)]
pub(crate) struct Mutation {
    line: prop::sample::Index,
    other: prop::sample::Index,
    kind: u8,
}

pub(crate) fn mutation() -> impl Strategy<Value = Mutation> {
    (any::<prop::sample::Index>(), any::<prop::sample::Index>(), 0..9_u8)
        .prop_map(|(line, other, kind)| Mutation { line, other, kind })
}

/// What is written between quotes in a line, each with its place.
fn quoted(line: &str) -> Vec<(usize, usize)> {
    let marks: Vec<usize> = line.match_indices('"').map(|(at, _)| at).collect();
    marks.chunks_exact(2).map(|pair| (pair[0] + 1, pair[1])).collect()
}

fn mutated(text: &str, mutation: &Mutation) -> String {
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    let at = mutation.line.index(lines.len());
    let line = lines[at].clone();
    let strings = quoted(&line);
    let some = strings.get(mutation.other.index(strings.len().max(1))).copied();
    let all: Vec<String> = lines
        .iter()
        .flat_map(|line| quoted(line).into_iter().map(|(a, b)| line[a..b].to_owned()))
        .collect();
    let another = all[mutation.other.index(all.len())].clone();
    match (mutation.kind, some) {
        // A whole table goes, or a line.
        (0, _) if line.starts_with('[') => {
            let rest = lines[at + 1..].iter().position(|line| line.starts_with('['));
            let end = rest.map_or(lines.len(), |rest| at + 1 + rest);
            lines.drain(at..end);
        }
        (0, _) => drop(lines.remove(at)),
        // Everything of one name goes: an integration with all that stands in it.
        (8, _) if line.starts_with('[') => {
            let name = |line: &str| {
                let line = line.trim_start_matches('[').trim_end_matches(']');
                line.split('.').take(2).map(str::to_owned).collect::<Vec<_>>()
            };
            let gone = name(&line);
            let mut within = false;
            lines.retain(|line| {
                if line.starts_with('[') {
                    within = name(line) == gone;
                }
                !within
            });
        }
        // A text says something else, a letter more, or is one of the others.
        (1 | 2, Some((_, b))) => lines[at].insert(b, if mutation.kind == 1 { 'x' } else { 's' }),
        (3 | 4, Some((a, b))) => lines[at].replace_range(a..b, &another),
        // A list has one more, one less, or another order.
        (5, Some((a, _))) if line.contains('[') => {
            lines[at].insert_str(a - 1, &format!("\"{another}\", "));
        }
        (6, Some((a, b))) if a > 3 && line.contains("\", \"") => {
            let (from, to) =
                if line[b..].starts_with("\", ") { (a - 1, b + 3) } else { (a - 3, b + 1) };
            lines[at].replace_range(from..to, "");
        }
        (7, Some(_)) if strings.len() > 1 => {
            let (first, last) = (strings[0], strings[strings.len() - 1]);
            let (one, two) = (line[first.0..first.1].to_owned(), line[last.0..last.1].to_owned());
            lines[at].replace_range(last.0..last.1, &one);
            lines[at].replace_range(first.0..first.1, &two);
        }
        // A number or a day is another one.
        _ => {
            let digit = line.rfind(|c: char| c.is_ascii_digit());
            if let Some(digit) = digit.filter(|_| !line.contains('"') || mutation.kind == 1) {
                let other = (line.as_bytes()[digit] - b'0' + 1) % 10;
                lines[at].replace_range(digit..=digit, &other.to_string());
            }
        }
    }
    lines.join("\n")
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 384,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn two_declarations_differ_exactly_when_their_versions_do(
        which in 0..TEXTS.len(),
        one in prop::collection::vec(mutation(), 0..10),
        two in prop::collection::vec(mutation(), 0..10),
    ) {
        let text = TEXTS[which];
        let (old, new) = (changed(text, &one), changed(text, &two));
        let diff = Diff::between(&old, &new);
        prop_assert_eq!(diff.is_empty(), old.version() == new.version());
        let back = Diff::between(&new, &old);
        prop_assert_eq!(back.is_empty(), diff.is_empty());
        for difference in diff.differences().iter().chain(back.differences()) {
            let asks = !difference.asked.is_empty();
            let tells = !difference.told.is_empty();
            let expected = (asks, tells || asks);
            prop_assert_eq!(expected, (asks, tells), "who is asked is told");
        }
        // What is asked anew rests on consent.
        for (_, purpose) in diff.asks_anew() {
            let basis = &new.purpose(purpose).unwrap().basis;
            prop_assert_eq!(basis, &bailee_registry::LegalBasis::Consent);
        }
        prop_assert!(parse(new.source()) == new);
    }
}

/// A declaration after those changes that leave it one.
pub(crate) fn changed(text: &str, mutations: &[Mutation]) -> Declaration {
    let mut declaration = parse(text);
    for mutation in mutations {
        let text = mutated(declaration.source(), mutation);
        if let Ok(changed) = Declaration::parse(&text) {
            declaration = changed;
        }
    }
    declaration
}

/// That the changes do reach everything that a declaration can say: without this the agreement above
/// would mean little.
#[test]
fn the_changes_reach_every_kind_of_difference() {
    let kinds = Cell::new(std::collections::BTreeSet::new());
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let strategy = (0..5_usize, prop::collection::vec(mutation(), 1..12));
    for _ in 0..300 {
        let tree = strategy.new_tree(&mut runner).unwrap();
        let (which, mutations) = proptest::strategy::ValueTree::current(&tree);
        let text = TEXTS[which];
        let (old, new) = (parse(text), changed(text, &mutations));
        let mut known = kinds.take();
        for pair in [Diff::between(&old, &new), Diff::between(&new, &old)] {
            known.extend(pair.differences().iter().map(|one| {
                let words = format!("{:?}", one.changed);
                words.split([' ', '(']).next().unwrap_or_default().to_owned()
            }));
        }
        kinds.set(known);
    }
    let kinds = kinds.take();
    for kind in [
        "AgeMinimum",
        "AgeOfConsent",
        "Authorities",
        "Category",
        "Controller",
        "Data",
        "DataSet",
        "Endpoint",
        "Integration",
        "Measures",
        "NeverCategory",
        "NeverScope",
        "NeverUse",
        "Operation",
        "PolicyDate",
        "PolicyUrl",
        "Purpose",
        "Read",
        "Recipient",
        "RetentionRule",
        "Scope",
    ] {
        assert!(kinds.contains(kind), "{kind} is not among {kinds:?}");
    }
}
