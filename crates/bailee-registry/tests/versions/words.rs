//! A diff and a simulation in words: compared with texts that people read, and whole for every
//! difference that there can be.

use std::{fs, path::Path};

use bailee_registry::{
    Catalogue, Declaration,
    versions::{Diff, Simulation},
};
use proptest::prelude::*;
use time::macros::date;

use crate::{
    desk::{PUBLISHER, WHOLE, parse, replaced},
    properties::{changed, mutation},
};

const PUBLISHED: time::Date = date!(2026 - 03 - 01);

/// The publisher's next version: a new recipient, a wider scope, a shorter log, another officer.
fn next() -> Declaration {
    let mut text = PUBLISHER.to_owned();
    for (from, to) in [
        ("effective = 2026-01-01", "effective = 2026-03-15"),
        ("contact = \"dpo@", "contact = \"officer@"),
        (
            "\"video.publish\" = [\"publish.content\"]",
            "\"video.publish\" = [\"publish.content\"]\n\"video.upload\" = [\"publish.content\"]",
        ),
        ("retention = \"30 days\"", "retention = \"14 days\""),
        ("\"project_name\"]", "\"project_name\", \"author\"]"),
        ("title = \"Write to you\"", "title = \"Write e-mail to you\""),
        (
            "[recipients.plausible]",
            "[recipients.bucket]\nname = \"Bucket B.V.\"\nservice = \"backups\"\ncountry = \"NL\"\n\
             role = \"processor\"\npurposes = [\"hosting\"]\ncategories = [\"content\"]\n\
             contract = \"Agreement of 2026\"\nnotice_days = 30\n\n[recipients.plausible]",
        ),
    ] {
        text = replaced(&text, from, to);
    }
    parse(&text)
}

#[expect(clippy::disallowed_methods, reason = "a variable refreshes the expected texts")]
fn compare(name: &str, found: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/versions").join(name);
    if std::env::var_os("BAILEE_REFRESH").is_some() {
        fs::write(&path, found).unwrap();
    }
    let expected = fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(found, expected, "{} (BAILEE_REFRESH=1 rewrites it)", path.display());
}

#[test]
fn a_diff_says_what_changes_who_is_told_and_from_when() {
    let diff = Diff::between(&parse(PUBLISHER), &next());
    let document = diff.words(&Catalogue::english(), PUBLISHED);
    let text = document.to_markdown();
    compare("publisher.md", &text);
    assert!(text.contains("In force from 31 March 2026."), "the notice of thirty days is longer");
    assert!(document.to_html().contains("What we ask you again"));
}

#[test]
fn a_simulation_says_how_many() {
    let diff = Diff::between(&parse(PUBLISHER), &next());
    let mut simulation = Simulation::default();
    simulation.people = 1200;
    simulation.told = 1200;
    simulation.by_message = 1100;
    simulation.asked = 310;
    for (through, purpose) in diff.asks_anew() {
        simulation.consents.insert((through.cloned(), purpose.clone()), 155);
    }
    compare("simulation.md", &simulation.words(&diff, &Catalogue::english()).to_markdown());
}

#[test]
fn where_nothing_changes_that_is_said() {
    let diff = Diff::between(&parse(PUBLISHER), &parse(PUBLISHER));
    let text = diff.words(&Catalogue::english(), PUBLISHED).to_markdown();
    assert!(text.ends_with("\nNothing changes.\n"), "{text}");
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 256,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    /// A sentence that is missing from the catalogue, or a place that nothing fills, leaves a hole.
    #[test]
    fn every_difference_has_a_whole_sentence(
        mutations in prop::collection::vec(mutation(), 1..10),
    ) {
        let (old, new) = (parse(WHOLE), changed(WHOLE, &mutations));
        for diff in [Diff::between(&old, &new), Diff::between(&new, &old)] {
            let text = diff.words(&Catalogue::english(), PUBLISHED).to_markdown();
            for line in text.lines() {
                prop_assert!(line.trim() != "-" && !line.contains("|  |"), "{text}");
                prop_assert!(!line.contains("  ") && !line.contains("“”"), "{text}");
            }
        }
    }
}
