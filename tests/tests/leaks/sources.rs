//! The sources: what must not stand in them.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// The names of our crates.
fn crates() -> Vec<String> {
    let entries = fs::read_dir(root().join("crates")).unwrap();
    entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

/// Every source file of a crate without its tests and its comments.
pub(crate) fn code_of(name: &str) -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    let mut folders = vec![root().join("crates").join(name).join("src")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = fs::read_to_string(&path).unwrap();
                let code = text.split("#[cfg(test)]\nmod ").next().unwrap();
                let lines = code.lines().filter(|line| !line.trim_start().starts_with("//"));
                found.push((path, lines.collect::<Vec<_>>().join("\n")));
            }
        }
    }
    assert!(!found.is_empty(), "{name}");
    found
}

/// The string literals of a piece of code.
pub(crate) fn literals(code: &str) -> Vec<String> {
    let mut all = Vec::new();
    let mut rest = code;
    while let Some(at) = rest.find('"') {
        // A character literal is no beginning.
        if rest[..at].ends_with('\'') && rest[at + 1..].starts_with('\'') {
            rest = &rest[at + 1..];
            continue;
        }
        let body = &rest[at + 1..];
        let mut escaped = false;
        let end = body.bytes().position(|byte| {
            let closes = byte == b'"' && !escaped;
            escaped = byte == b'\\' && !escaped;
            closes
        });
        let Some(end) = end else { break };
        all.push(body[..end].to_owned());
        rest = &body[end + 1..];
    }
    all
}

/// The lines of a file that hold one of some words.
fn lines_with<'a>(code: &'a str, words: &'a [&str]) -> impl Iterator<Item = &'a str> {
    code.lines().filter(move |line| words.iter().any(|word| line.contains(word)))
}

#[test]
fn sec_06_nothing_is_instrumented_with_its_arguments() {
    for name in crates() {
        for (path, code) in code_of(&name) {
            for line in lines_with(&code, &["#[instrument", "tracing::instrument"]) {
                assert!(line.contains("skip_all"), "{}: {line}", path.display());
            }
            // Threads are named by constants.
            let named = lines_with(&code, &[".name(format!", ".thread_name(format!"]).next();
            assert_eq!(named, None, "{}", path.display());
        }
    }
}

#[test]
fn sec_06_what_is_logged_is_a_kind_a_word_or_a_number() {
    let mut seen = 0;
    for name in crates().into_iter().filter(|name| name != "bailee-emulator") {
        for (path, code) in code_of(&name) {
            for macro_name in ["trace!(", "debug!(", "info!(", "warn!(", "error!("] {
                let macro_name = format!("tracing::{macro_name}");
                for (at, _) in code.match_indices(&macro_name) {
                    seen += 1;
                    let end = code[at..].find(");").unwrap() + at;
                    let said = code[at + macro_name.len()..end].replace('\n', " ");
                    // Fields before the message, which is one literal without a hole in it.
                    let (fields, message) = said.split_once('"').unwrap();
                    assert!(!message.contains('{'), "{}: {said}", path.display());
                    for field in fields.split(',').map(str::trim).filter(|field| !field.is_empty())
                    {
                        let (name, value) = field.split_once('=').unwrap_or((field, ""));
                        let fits = match name.trim() {
                            "kind" => value.trim() == "?error.kind()" || value.contains(".kind()"),
                            "task" => value.contains("as_str()"),
                            "count" | "attempt" | "code" | "rows" | "tries" => true,
                            _ => false,
                        };
                        assert!(fits, "{}: {said}", path.display());
                    }
                }
            }
        }
    }
    assert!(seen > 10, "the log lines were read: {seen}");
}

#[test]
fn sec_08_no_value_is_written_into_sql() {
    // Words of statements that values go into; the names of objects in catalogue checks and in
    // what they advise are constants.
    const WORDS: [&str; 8] =
        ["SELECT ", "INSERT ", "UPDATE ", "DELETE ", "VALUES", "WHERE ", "SET ", "set_config"];
    for name in ["bailee-sqlite", "bailee-postgres"] {
        for (path, code) in code_of(name) {
            // A cluster for tests, and what an administrator is advised to run: names of ours.
            if path.components().any(|part| part.as_os_str() == "testing")
                || path.ends_with("inspection/expected.rs")
                || path.ends_with("inspection/constraints.rs")
            {
                continue;
            }
            for macro_name in ["format!(", "write!(", "writeln!(", "push_str(", "concat!("] {
                for (at, _) in code.match_indices(macro_name) {
                    let end = code[at..].find(';').map_or(code.len(), |end| at + end);
                    let statement = &code[at..end];
                    for literal in literals(statement) {
                        let sql = WORDS.iter().any(|word| literal.contains(word));
                        // The number of a parameter or of a key is none of the values.
                        let bare = literal
                            .replace("?{}", "?")
                            .replace("${}", "$")
                            .replace("SELECT {key},", "");
                        let hole = macro_name != "push_str(" && bare.contains('{');
                        assert!(!(sql && hole), "{}: {literal}", path.display());
                    }
                }
            }
        }
    }
}

#[test]
fn sec_09_secrets_are_compared_in_constant_time_or_not_at_all() {
    let mut constant = 0;
    for name in crates().into_iter().filter(|name| name != "bailee-emulator") {
        for (path, code) in code_of(&name) {
            constant += code.matches(".ct_eq(").count();
            // The suites that adapters and clients run are tests.
            if path.components().any(|part| part.as_os_str() == "conformance") {
                continue;
            }
            for (at, _) in code.match_indices(".expose(|") {
                // The closure, up to the end of its expression.
                let end = code[at..].find([';', '\n']).map_or(code.len(), |end| at + end);
                let closure = &code[at..end];
                for word in [" == ", " != ", ".eq(", ".cmp(", "starts_with", ".contains("] {
                    assert!(!closure.contains(word), "{}: {closure}", path.display());
                }
            }
        }
    }
    assert!(constant >= 3, "cookie, commitment and equality of secrets: {constant}");
    // The types themselves have no `==`.
    let secret = fs::read_to_string(root().join("crates/bailee-core/src/secret.rs")).unwrap();
    let derived = secret.lines().find(|line| line.contains("derive("));
    assert_eq!(derived, None, "a secret type derives something");
}

/// What may look like a secret although it carries no mark, and why.
const KNOWN: [&str; 15] = [
    // The example of TikTok's page on webhooks.
    "video.6974245311675353080.VDCxrcMJ",
    // The example of Slack's page on verifying requests.
    "xyzz0WbapA4vBCDEFasx0q6G",
    "2F96rGlfmibIGlgcZRskXaIFfN",
    // The example of RFC 7636, appendix B.
    "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk",
    "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM",
    // The example of Go's package `golang.org/x/mod/sumdb/note`: its key, its seed and its signature.
    "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
    "AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz",
    "x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2p",
    // The namespace of XML Schema, as JSON-LD names it.
    "//www.w3.org/2001/XMLSchema",
    // 32 bytes that count up, and down: the root keys of tests.
    "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8",
    "Hx4dHBsaGRgXFhUUExIREA8ODQwLCgkIBwYFBAMCAQA",
    // One byte 32 times, and a short text: what is no root key.
    "KioqKioqKioqKioqKioqKioqKioqKioqKioqKioqKio",
    "ZmFrZS1zaG9ydA",
    // The alphabets of base64.
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/",
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_",
];

/// Keys of the emulator and of signature tests, which sign nothing outside of tests.
const TEST_KEYS: [&str; 4] = [
    "crates/bailee-emulator/keys/test-only-rsa-1.pem",
    "crates/bailee-emulator/keys/test-only-rsa-2.pem",
    "crates/bailee-providers/tests/fixtures/fake-rsa-key.pk8",
    "tests/tests/tokens/fake-rsa-key.der",
];

/// What tokens and keys of known services begin with.
const PREFIXES: [&str; 20] = [
    "-----BEGIN",
    "AIza",
    "AKIA",
    "ASIA",
    "EAAC",
    "IGQV",
    "act.",
    "eyJ",
    "gho_",
    "ghp_",
    "github_pat_",
    "glpat-",
    "rft.",
    "sk-ant-",
    "sk_live_",
    "sq0atp-",
    "whsec_",
    "xoxb-",
    "xoxp-",
    "ya29.",
];

fn is_token_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'_' | b'-' | b'.' | b'=')
}

/// Long, of all three classes of characters, with several digits: no word of a language.
fn looks_drawn(piece: &str) -> bool {
    let count = |is: fn(&u8) -> bool| piece.bytes().filter(is).count();
    let digits = count(|byte| byte.is_ascii_digit());
    piece.len() >= 24
        && digits >= 3
        && count(|byte| byte.is_ascii_uppercase()) >= 3
        && count(|byte| byte.is_ascii_lowercase()) >= 3
}

fn is_marked(line: &str) -> bool {
    let line = line.to_ascii_lowercase();
    ["fake", "canary", "not-a-real", "example"].iter().any(|mark| line.contains(mark))
}

fn suspects(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for line in text.lines().filter(|line| !is_marked(line)) {
        for piece in line.split(|c: char| !(c.is_ascii() && is_token_byte(c as u8))) {
            let bare = piece.trim_end_matches('=');
            let prefixed = PREFIXES
                .iter()
                .any(|prefix| piece.len() >= prefix.len() + 8 && piece.starts_with(prefix));
            let known = KNOWN.iter().any(|known| bare.contains(known) || known.contains(bare));
            if (prefixed || looks_drawn(piece)) && !known {
                found.push(piece.to_owned());
            }
        }
    }
    found
}

#[test]
fn sec_11_nothing_in_the_repository_looks_like_a_real_secret() {
    let output = Command::new("git")
        .args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"])
        .current_dir(root())
        .output()
        .unwrap();
    let list = String::from_utf8(output.stdout).unwrap();
    let (mut read, mut keys, mut all) = (0, BTreeSet::new(), Vec::new());
    // What fuzzers begin with is drawn, or is an example with bytes changed.
    let is_corpus = |file: &str| file.starts_with("tests/fuzz/corpus/");
    for file in list.split('\0').filter(|file| !file.is_empty() && *file != "Cargo.lock") {
        if is_corpus(file) {
            continue;
        }
        let Ok(bytes) = fs::read(root().join(file)) else { continue };
        if TEST_KEYS.contains(&file) {
            keys.insert(file.to_owned());
            continue;
        }
        let text = String::from_utf8(bytes).unwrap_or_else(|_| panic!("{file} is no text"));
        let found = suspects(&text);
        if !found.is_empty() {
            all.push((file, found));
        }
        read += 1;
    }
    assert!(all.is_empty(), "{all:?}");
    assert!(read > 200, "the repository was read: {read}");
    assert_eq!(keys.len(), TEST_KEYS.len(), "the exceptions are still there");
    for key in &TEST_KEYS[..2] {
        let text = fs::read_to_string(root().join(key)).unwrap();
        assert!(text.to_lowercase().contains("test"), "{key} says what it is");
    }
}

#[test]
fn sec_11_the_scan_finds_what_it_is_to_find() {
    // Put together here, so that they do not stand in this file.
    let join = |parts: &[&str]| parts.concat();
    for planted in [
        join(&["ghp", "_", "A1b2C3d4E5f6G7h8I9j0"]),
        join(&["ya", "29.", "a0AfH6SMBx7Yz9Qw3"]),
        join(&["-----", "BEGIN", " PRIVATE KEY-----"]).replace(' ', "-"),
        join(&["eyJ", "hbGciOiJSUzI1NiJ9.e30"]),
        join(&["k9Jq2mX7", "vB4nL8pR1tY6", "wZ3sD5fG0h"]),
    ] {
        assert_eq!(suspects(&format!("let x = \"{planted}\";")).len(), 1, "{planted}");
        assert!(suspects(&format!("let fake = \"{planted}\";")).is_empty());
    }
    assert!(suspects("a_sentence_as_a_name_with_3_digits_12_and_no_capitals").is_empty());
}
