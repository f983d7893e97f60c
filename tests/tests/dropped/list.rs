//! Every public function that waits has a test that drops it at every poll, or a reason why its end
//! does not matter.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

/// The crates whose functions a host calls, or that call what a host gives them.
const CRATES: [&str; 8] = [
    "bailee",
    "bailee-connect",
    "bailee-http",
    "bailee-postgres",
    "bailee-registry",
    "bailee-rights",
    "bailee-sqlite",
    "bailee-vault",
];

/// What is for tests alone.
const FOR_TESTS: [&str; 7] = [
    "conformance",
    "conformance.rs",
    "fuzzing.rs",
    "scripted.rs",
    "source/memory.rs",
    "testing",
    "testing.rs",
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// The text of each source of a crate, without the tests at its foot.
fn sources(name: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut folders = vec![root().join("crates").join(name).join("src")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if FOR_TESTS.iter().any(|name| path.ends_with(name)) {
                continue;
            }
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = fs::read_to_string(&path).unwrap();
                found.push(text.split("#[cfg(test)]\nmod ").next().unwrap().to_owned());
            }
        }
    }
    found
}

/// The name behind a word of a line that begins with it.
fn named<'l>(line: &'l str, word: &str) -> Option<&'l str> {
    let name = line.strip_prefix(word)?;
    let end = name.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(name.len());
    Some(&name[..end])
}

/// What a block is of: `Type`, `Trait for Type`, `trait Trait`; without generics and paths.
fn block_of(line: &str) -> Option<String> {
    if let Some(name) = named(line, "pub trait ") {
        return Some(format!("trait {name}"));
    }
    let head = line.strip_prefix("impl")?;
    let head = match head.strip_prefix('<') {
        Some(generics) => {
            let mut open = 1;
            let end = generics.find(|c| {
                open += i32::from(c == '<') - i32::from(c == '>');
                open == 0
            });
            &generics[end? + 1..]
        }
        None => head,
    };
    let plain = |text: &str| {
        let text = text.trim();
        let text = text.split(['<', ' ', '{']).next().unwrap_or_default();
        text.rsplit("::").next().unwrap_or_default().to_owned()
    };
    Some(match head.split_once(" for ") {
        Some((of, ty)) => format!("{} for {}", plain(of), plain(ty)),
        None => plain(head),
    })
}

/// The public functions of a crate that wait.
fn waiting(name: &str, public: &BTreeSet<String>) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for text in sources(name) {
        let mut block = String::new();
        for line in text.lines() {
            if let Some(of) = block_of(line) {
                block = of;
            } else if line == "}" {
                block.clear();
            }
            let of_public = match block.split_once(" for ") {
                Some((of, ty)) => public.contains(of) && public.contains(ty),
                None => block.starts_with("trait "),
            };
            let inner = line.trim_start();
            let function = named(inner, "pub async fn ")
                .or_else(|| named(inner, "async fn ").filter(|_| of_public));
            if let Some(function) = function {
                found.insert(match block.as_str() {
                    "" => function.to_owned(),
                    block => format!("{block}::{function}"),
                });
            }
            let future = inner.starts_with("pub fn") && inner.contains("impl Future");
            assert!(!future, "{name}: a function that waits is an async one: {line}");
        }
    }
    found
}

/// The names of everything public in these crates.
fn public() -> BTreeSet<String> {
    let all = CRATES.iter().chain(&["bailee-store"]);
    let words = ["pub struct ", "pub enum ", "pub trait "];
    let mut found = BTreeSet::new();
    for text in all.flat_map(|name| sources(name)) {
        let names = text.lines().filter_map(|line| words.iter().find_map(|word| named(line, word)));
        found.extend(names.map(ToOwned::to_owned));
    }
    found
}

fn table() -> BTreeMap<String, BTreeMap<String, String>> {
    toml::from_str(include_str!("../../dropped.toml")).unwrap()
}

#[test]
fn every_public_function_that_waits_is_in_the_table_and_nothing_else_is() {
    let (table, public) = (table(), public());
    assert!(table.keys().map(String::as_str).eq(CRATES), "a table for each crate");
    for name in CRATES {
        let found = waiting(name, &public);
        let known: BTreeSet<String> = table[name].keys().cloned().collect();
        let missing: Vec<_> = found.difference(&known).collect();
        assert!(missing.is_empty(), "{name}: what happens when these are dropped? {missing:#?}");
        let gone: Vec<_> = known.difference(&found).collect();
        assert!(gone.is_empty(), "{name}: these are gone: {gone:#?}");
        assert!(!found.is_empty(), "{name} has something that waits");
    }
}

#[test]
fn what_the_table_names_is_a_test_that_leaves_or_a_reason() {
    let mut tests = 0;
    for (function, said) in table().into_values().flatten() {
        let Some((file, name)) = said.split_once(".rs::") else {
            assert!(said.ends_with('.') && said.len() > 30, "{function}: {said}");
            continue;
        };
        tests += 1;
        let text = fs::read_to_string(root().join(format!("{file}.rs")));
        let text = text.unwrap_or_else(|_| panic!("{function}: {file}.rs is gone"));
        let at = text.find(&format!("fn {name}("));
        let at = at.unwrap_or_else(|| panic!("{function}: there is no {name} in {file}.rs"));
        let before = &text[..at];
        let attributes = &before[before.rfind("}\n").map_or(0, |end| end + 2)..];
        assert!(attributes.contains("test]"), "{function}: {name} is no test");
        let body = &text[at..];
        let body = &body[..body.find("\n}\n").unwrap_or(body.len())];
        let leaves = [".leave(", "leave_at_every_poll(", "polled(", "publications("];
        assert!(leaves.iter().any(|call| body.contains(call)), "{function}: {name} leaves nothing");
        let short = function.rsplit("::").next().unwrap();
        // What calls another one with its defaults is tested by the name of either.
        let name = short.strip_suffix("_with").unwrap_or(short);
        assert!(text.contains(name), "{function}: {file}.rs does not name it");
    }
    assert!(tests > 60);
}
