//! What holds for the adapters as a whole: where a provider may be named, and what files are called.

#![expect(clippy::unwrap_used, reason = "a file of the project that cannot be read fails the test")]

use std::{
    fs,
    path::{Path, PathBuf},
};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// Every file below a folder.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.push(path);
        }
    }
    found
}

fn ids() -> Vec<String> {
    let adapters = bailee::providers::compiled_in();
    adapters.iter().map(|adapter| adapter.spec().id.as_str().to_owned()).collect()
}

/// The folder of an adapter: two kinds of client at one provider share it.
fn folder(id: &str) -> &str {
    id.split('-').next().unwrap_or(id)
}

/// The program text of a file: without comments, and without the tests at its end.
fn program(path: &Path) -> String {
    let text = fs::read_to_string(path).unwrap();
    let text = text.split("#[cfg(test)]").next().unwrap_or_default();
    text.lines()
        .map(|line| line.split("//").next().unwrap_or_default())
        .collect::<Vec<_>>()
        .join("\n")
}

#[test]
fn nothing_outside_its_adapter_knows_a_provider_by_name() {
    let own = root().join("crates/bailee-providers/src");
    let mut found = Vec::new();
    for krate in ["bailee", "bailee-connect", "bailee-core", "bailee-http", "bailee-providers"]
        .into_iter()
        .chain(["bailee-registry", "bailee-store", "bailee-vault", "bailee-audit"])
    {
        for path in files(&root().join("crates").join(krate).join("src")) {
            // A file of tests is no program text.
            let tests = path.file_name().is_some_and(|name| name == "tests.rs");
            if tests || path.extension().is_none_or(|extension| extension != "rs") {
                continue;
            }
            let text = program(&path);
            for id in ids() {
                // Its own folder, and the list of features.
                if path.starts_with(own.join(folder(&id))) {
                    continue;
                }
                let named = text
                    .lines()
                    .filter(|line| !line.contains("feature ="))
                    // A letter that is repeated to a length is no name.
                    .map(|line| line.replace(&format!("\"{id}\".repeat("), ""))
                    .any(|line| line.contains(&format!("\"{id}\"")));
                if named {
                    found.push(format!("{} names {id}", path.display()));
                }
            }
        }
    }
    assert!(found.is_empty(), "{found:#?}");
}

#[test]
fn the_files_of_an_adapter_have_the_same_names_everywhere() {
    // `app.toml`: the facts of a second kind of client at the same provider.
    const NAMES: [&str; 7] =
        ["app.toml", "errors.rs", "mod.rs", "oauth.rs", "operations.rs", "spec.toml", "wire.rs"];
    let own = root().join("crates/bailee-providers/src");
    for id in ids() {
        let folder = own.join(folder(&id));
        if !folder.is_dir() {
            // A provider that its facts describe wholly.
            assert!(root().join(format!("crates/bailee-providers/specs/{id}.toml")).is_file());
            continue;
        }
        for needed in ["mod.rs", "spec.toml"] {
            assert!(folder.join(needed).is_file(), "{id} has no {needed}");
        }
        let adapter = fs::read_to_string(folder.join("mod.rs")).unwrap();
        assert!(adapter.starts_with("//! "), "{id} does not say where it differs");
        for entry in fs::read_dir(&folder).unwrap() {
            let entry = entry.unwrap();
            let name = entry.file_name().into_string().unwrap();
            let word = name.trim_end_matches(".rs");
            // An adapter that publishes, or whose operations fill a folder, has a file for each,
            // and so has one that reads signals in a way of its own.
            let known = NAMES.contains(&name.as_str())
                || ["identity", "operations", "publication", "signals"].contains(&word);
            assert!(known, "{id} has a file {name}");
        }
    }
}

#[test]
fn a_provider_that_follows_the_rfcs_costs_a_file_of_under_sixty_lines() {
    let text = fs::read_to_string(root().join("crates/bailee-providers/specs/example-oidc.toml"));
    let text = text.unwrap();
    assert!(text.lines().count() < 60, "{} lines", text.lines().count());
    bailee::providers::Spec::parse(&text).unwrap();
}
