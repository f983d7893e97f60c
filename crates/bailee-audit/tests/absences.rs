//! What must not be in the source.

#![allow(clippy::unwrap_used, reason = "tests")]

use std::{fs, path::Path};

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
    assert!(all.len() > 12);
    all
}

#[test]
fn sec_02_the_cipher_library_is_called_in_one_file_by_three_functions() {
    for (path, source) in sources() {
        let uses = ["use ring", " ring::", "(ring::", "<ring::"];
        let uses = uses.iter().any(|word| source.contains(word));
        assert_eq!(uses, path.ends_with("src/ed25519.rs"), "{path}");
        if uses {
            let functions: Vec<_> = source
                .lines()
                .filter_map(|line| line.strip_prefix("pub(crate) fn "))
                .filter_map(|rest| rest.split('(').next())
                .collect();
            assert_eq!(functions, ["public_key", "sign", "verify"]);
            assert!(!source.contains("static "));
        }
    }
}

#[test]
fn nothing_waits_spawns_prints_or_reads_a_clock() {
    let banned =
        ["async fn", "thread::", "println!", "dbg!", "Instant::", "SystemTime", "std::env"];
    for (path, source) in sources() {
        for word in banned {
            assert!(!source.contains(word), "{path}: {word}");
        }
    }
}

#[test]
fn sec_01_a_signing_key_has_no_clone_no_serialize_and_no_comparison() {
    let (_, source) = sources().into_iter().find(|(path, _)| path.ends_with("src/key.rs")).unwrap();
    let before = source.split("pub struct SigningKey").next().unwrap();
    let above = before.rsplit("\n\n").next().unwrap();
    assert!(!above.contains("derive"), "{above}");
    for banned in ["Clone for SigningKey", "Serialize for SigningKey", "PartialEq for SigningKey"] {
        assert!(!source.contains(banned));
    }
}
