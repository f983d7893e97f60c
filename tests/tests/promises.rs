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

/// The table as people read it, in the documentation of the facade.
fn rendered() -> String {
    let mut out = String::from(
        "What an application built on these libraries can promise its users, what keeps each promise, \
         and what is missing where one is not or not wholly kept. Made from `tests/promises.toml`, \
         which also names the tests that try to break each of them; a test holds that they exist.\n",
    );
    for (family, title) in FAMILIES.iter().map(|(family, _)| *family).zip([
        "Custody of tokens",
        "Connecting and disconnecting",
        "Using data",
        "Rights of the data subject",
        "Governance",
    ]) {
        out.push_str(&format!(
            "\n# {title}\n\n| | promise | kept by | tests | not yet |\n|---|---|---|---|---|\n"
        ));
        let mut rows: Vec<(String, Row)> =
            table().into_iter().filter(|(id, _)| id.starts_with(family)).collect();
        rows.sort_by_key(|(id, _)| id[1..].parse::<u8>().unwrap());
        for (id, row) in rows {
            let items: Vec<String> = row
                .enforced
                .iter()
                .map(|item| {
                    let (file, name) = item.split_once("::").unwrap();
                    let within = file.strip_prefix("crates/").unwrap().split('/').next().unwrap();
                    format!("`{within}`: `{name}`")
                })
                .collect();
            let open = match (row.planned, row.open) {
                (true, _) => "nothing keeps it yet".to_owned(),
                (false, open) => open.unwrap_or_default(),
            };
            let count =
                if row.tests.is_empty() { String::new() } else { row.tests.len().to_string() };
            out.push_str(&format!(
                "| {id} | {} | {} | {count} | {} |\n",
                row.promise.replace('|', "\\|"),
                items.join(", "),
                open.replace('|', "\\|"),
            ));
        }
    }
    out
}

#[test]
#[expect(clippy::disallowed_methods, reason = "a variable writes the table anew")]
fn the_documentation_has_the_table_as_it_is() {
    let path = root().join("crates/bailee/PROMISES.md");
    let found = rendered();
    if std::env::var_os("BAILEE_REFRESH").is_some() {
        fs::write(&path, &found).unwrap();
    }
    let written = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        found == written,
        "{} is older than the table (BAILEE_REFRESH=1 writes it)",
        path.display()
    );
}
