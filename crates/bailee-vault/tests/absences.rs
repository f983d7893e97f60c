//! What must not be possible: held by the compiler, and by a look into the source.

#![allow(clippy::unwrap_used, reason = "tests")]

use std::{fs, path::Path};

#[test]
fn sec_01_secret_and_key_types_have_no_clone_display_serialize_or_comparison() {
    trybuild::TestCases::new().compile_fail("tests/compile_fail/*.rs");
}

fn sources() -> Vec<(String, String)> {
    fn collect(folder: &Path, into: &mut Vec<(String, String)>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                collect(&path, into);
            } else {
                into.push((path.display().to_string(), fs::read_to_string(&path).unwrap()));
            }
        }
    }
    let mut all = Vec::new();
    collect(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut all);
    assert!(all.len() > 15);
    all
}

#[test]
fn sec_02_the_cipher_library_is_called_in_one_file_by_four_functions() {
    for (path, source) in sources() {
        let uses = ["use ring", " ring::", "(ring::", "<ring::"];
        let uses = uses.iter().any(|word| source.contains(word));
        assert_eq!(uses, path.ends_with("src/cipher.rs"), "{path}");
        if uses {
            let functions: Vec<_> = source
                .lines()
                .filter_map(|line| line.strip_prefix("pub(crate) fn "))
                .filter_map(|rest| rest.split('(').next())
                .collect();
            assert_eq!(functions, ["expand", "sha256", "seal", "open"]);
            assert!(!source.contains("static ") && !source.contains("struct Key"));
        }
    }
}

#[test]
fn sec_09_nothing_secret_is_compared_but_in_constant_time() {
    // The commitment is the one secret that is compared.
    let comparing: Vec<_> = sources()
        .into_iter()
        .filter(|(_, source)| source.contains("ct_eq"))
        .map(|(path, _)| path)
        .collect();
    assert_eq!(comparing.len(), 1);
    assert!(comparing[0].ends_with("src/envelope.rs"));
}

#[test]
fn nothing_spawns_sleeps_prints_or_reads_a_clock() {
    let banned = ["tokio::", "thread::", "println!", "dbg!", "Instant::", "SystemTime::"];
    for (path, source) in sources() {
        for word in banned {
            assert!(!source.contains(word), "{path}: {word}");
        }
        let reads = source.contains("std::env::");
        // A test may be told how long to run.
        if !path.ends_with("/tests.rs") {
            assert_eq!(reads, path.ends_with("src/root_keys.rs"), "{path}");
        }
    }
}
