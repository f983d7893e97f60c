//! The table of promises: complete, true to the sources, and each kept promise with its tests.

#![expect(clippy::unwrap_used, reason = "what the tests share fails the test that uses it")]

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

/// A row of the table.
#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    promise: String,
    #[serde(default)]
    enforced: Vec<String>,
    #[serde(default)]
    tests: Vec<String>,
    #[serde(default)]
    open: Option<String>,
    #[serde(default)]
    planned: bool,
}

/// Custody, connections, data, rights, governance: how many promises each family has.
const FAMILIES: [(char, usize); 5] = [('T', 11), ('C', 15), ('D', 9), ('R', 11), ('G', 8)];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn table() -> BTreeMap<String, Row> {
    toml::from_str(include_str!("../promises.toml")).unwrap()
}

/// The text of the file that a `file::name` points into, and the name.
fn pointed(at: &str) -> (String, &str) {
    let (file, name) = at.split_once("::").unwrap_or_else(|| panic!("{at} names nothing"));
    let text = fs::read_to_string(root().join(file)).unwrap_or_else(|_| panic!("{file} is gone"));
    (text, name)
}

#[test]
fn every_promise_is_in_the_table_and_nothing_else_is() {
    let mut expected: Vec<String> = FAMILIES
        .into_iter()
        .flat_map(|(family, count)| (1..=count).map(move |n| format!("{family}{n}")))
        .collect();
    expected.sort();
    let found: Vec<String> = table().into_keys().collect();
    assert_eq!(found, expected);
}

#[test]
fn a_promise_is_kept_by_something_with_tests_or_it_is_planned() {
    for (id, row) in table() {
        assert!(row.promise.ends_with('.') && row.promise.len() > 20, "{id} says what it is");
        if row.planned {
            let nothing = row.tests.is_empty() && row.enforced.is_empty() && row.open.is_none();
            assert!(nothing, "{id} is planned, and so nothing keeps it yet");
        } else {
            assert!(!row.enforced.is_empty(), "{id} is kept by nothing");
            assert!(!row.tests.is_empty(), "{id} has no test");
        }
        if let Some(open) = row.open {
            assert!(open.ends_with('.'), "{id} says what is open in a sentence");
        }
    }
}

#[test]
fn what_keeps_a_promise_is_in_the_sources() {
    for (id, row) in table() {
        for item in &row.enforced {
            let (text, name) = pointed(item);
            assert!(item.starts_with("crates/"), "{id}: {item} is a library's");
            let code = text.split("#[cfg(test)]\nmod ").next().unwrap();
            let declared = ["fn", "struct", "enum", "trait", "const"].into_iter().any(|word| {
                [" ", "<", "(", "{", ";", ":"]
                    .iter()
                    .any(|end| code.contains(&format!("{word} {name}{end}")))
            });
            // A step of a flow may be named by the call that makes it.
            let called = code.contains(&format!(".{name}("));
            assert!(declared || called, "{id}: there is no {item}");
        }
    }
}

#[test]
fn each_test_of_a_promise_exists_and_is_a_test() {
    for (id, row) in table() {
        for test in &row.tests {
            let (text, name) = pointed(test);
            let at = [format!("fn {name}("), format!("fn {name}<")]
                .iter()
                .find_map(|head| text.find(head.as_str()))
                .unwrap_or_else(|| panic!("{id}: there is no {test}"));
            // The attributes stand between the end of the item before it and its name.
            let before = &text[..at];
            let from = before.rfind("}\n").map_or(0, |end| end + 2);
            let attributes = &before[from..];
            assert!(attributes.contains("test]") || attributes.contains("test("), "{id}: {test}");
            assert!(!attributes.contains("#[ignore"), "{id}: {test} does not run");
        }
    }
}
