//! What the crates write into the audit log, and what the catalogue knows.

use std::collections::BTreeSet;

use bailee::audit::Catalogue;

use crate::sources::{code_of, literals};

/// The crates that write entries.
const WRITERS: [&str; 4] = ["bailee-connect", "bailee-registry", "bailee-rights", "bailee-vault"];

/// Names with a dot that are no events: kinds of record, files, words of recognition.
const OTHERS: &[&str] = &[
    "bailee.package",
    "index.html",
    "information.html",
    "information.md",
    "key.connection",
    "key.index",
    "key.root",
    "key.subject",
    "key.tenant",
    "log.key",
    "log.tile",
    "log.tree",
    "manifest.json",
    "notice.send",
    "publish.video",
    "refresh.answer",
    "refresh.journal",
    "request.code",
    "rights.asked",
    "rights.attestation",
    "rights.clock",
    "rights.code",
    "rights.codes",
    "rights.erased",
    "rights.hold",
    "rights.known",
    "rights.child",
    "rights.link",
    "rights.message",
    "rights.open",
    "rights.package",
    "rights.part",
    "rights.provider",
    "rights.reach",
    "rights.request",
    "rights.retention",
    "rights.statement",
    "rights.sweep",
    "route.token",
    "sales_data.show",
    "sell.profiles",
    "training.llm",
    "zip.age",
];

fn written() -> BTreeSet<String> {
    let is_event = |literal: &String| {
        literal.split_once('.').is_some_and(|(subject, verb)| {
            [subject, verb].into_iter().all(|part| {
                !part.is_empty() && part.bytes().all(|b| b.is_ascii_lowercase() || b == b'_')
            })
        })
    };
    WRITERS
        .iter()
        .flat_map(|name| code_of(name))
        .filter(|(path, code)| {
            // Sentences and hosts have names of the same shape.
            let texts =
                ["policy", "outbound", "words", "catalogue.rs", "disclosure.rs", "words.rs"]
                    .iter()
                    .any(|name| path.components().any(|part| part.as_os_str() == *name));
            assert!(!texts || !code.contains("Entry::new"), "{} writes entries", path.display());
            !texts
        })
        .flat_map(|(_, code)| literals(&code))
        .filter(is_event)
        .collect()
}

#[test]
fn aud_03_every_event_that_a_crate_writes_is_in_the_catalogue() {
    let written = written();
    assert!(written.len() > 40, "{written:?}");
    let unknown: Vec<_> = written
        .iter()
        .filter(|name| !OTHERS.contains(&name.as_str()))
        .filter(|name| Catalogue::CURRENT.event(name).is_none())
        .collect();
    assert!(unknown.is_empty(), "{unknown:?}");
}

#[test]
fn aud_03_the_catalogue_knows_no_event_that_nobody_writes() {
    // Named in the catalogue for what the rotation of other keys will write.
    let reserved = ["tenant_keys.rewrapped"];
    let written = written();
    let idle: Vec<_> = Catalogue::CURRENT
        .events()
        .iter()
        .map(|shape| shape.event)
        .filter(|event| !written.contains(*event) && !reserved.contains(event))
        .collect();
    assert!(idle.is_empty(), "{idle:?}");
}
