//! The direction of the crates, what may stand in their trees, and what each of them has.

#![expect(clippy::unwrap_used, reason = "what the tests share fails the test that uses it")]

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::Value;

/// Whom each crate of ours may name in its own dependencies, optional ones included. A crate that
/// is not here has no place yet.
const DIRECTION: &[(&str, &[&str])] = &[
    ("bailee-core", &[]),
    ("bailee-store", &["core"]),
    ("bailee-audit", &["core"]),
    ("bailee-providers", &["core"]),
    ("bailee-http", &["core"]),
    ("bailee-sqlite", &["core", "store"]),
    ("bailee-postgres", &["core", "store"]),
    ("bailee-vault", &["core", "store"]),
    ("bailee-registry", &["audit", "core", "store", "vault"]),
    ("bailee-connect", &["core", "http", "providers", "registry", "store", "vault"]),
    ("bailee-rights", &["audit", "core", "registry", "store", "vault"]),
    ("bailee-sources", &["core", "registry", "rights"]),
    (
        "bailee",
        &[
            "audit",
            "connect",
            "core",
            "http",
            "postgres",
            "providers",
            "registry",
            "rights",
            "sqlite",
            "store",
            "vault",
        ],
    ),
    // It shares no type with what it tests.
    ("bailee-emulator", &[]),
    ("bailee-testkit", &["", "emulator", "http", "postgres", "store"]),
];

/// What speaks to a network, a database, a disk or a runtime.
const INPUT_AND_OUTPUT: &[&str] = &[
    "async-std",
    "curl",
    "h2",
    "hyper",
    "hyper-util",
    "lettre",
    "mio",
    "postgres",
    "reqwest",
    "rusqlite",
    "rustls",
    "smol",
    "socket2",
    "sqlx",
    "tokio",
    "tokio-postgres",
    "tokio-rustls",
    "ureq",
];

/// What enciphers or draws keys.
const CIPHERS: &[&str] = &[
    "aes",
    "aes-gcm",
    "aws-lc-rs",
    "chacha20poly1305",
    "ed25519-dalek",
    "hkdf",
    "hmac",
    "jsonwebtoken",
    "openssl",
    "p256",
    "ring",
    "rsa",
];

/// TLS and cipher libraries beside the one.
const OTHER_CRYPTO: &[&str] = &[
    "aws-lc-rs",
    "aws-lc-sys",
    "boring",
    "boring-sys",
    "botan",
    "graviola",
    "mbedtls",
    "native-tls",
    "openssl",
    "openssl-sys",
    "rustls-graviola",
    "rustls-openssl",
    "rustls-rustcrypto",
    "s2n-tls",
    "wolfssl",
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn cargo(arguments: &[&str]) -> String {
    let output = Command::new(env!("CARGO")).args(arguments).current_dir(root()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// The packages of the workspace as cargo sees them.
fn packages() -> Vec<Value> {
    let text = cargo(&["metadata", "--format-version=1", "--no-deps", "--offline"]);
    let metadata: Value = serde_json::from_str(&text).unwrap();
    metadata["packages"].as_array().unwrap().clone()
}

/// Those of them that are published.
fn crates() -> Vec<Value> {
    let published = |package: &Value| package["publish"] != serde_json::json!([]);
    packages().into_iter().filter(published).collect()
}

fn name(package: &Value) -> &str {
    package["name"].as_str().unwrap()
}

/// The dependencies of a package of one kind (`None`: the normal ones), as (name, requirement).
fn dependencies<'a>(
    package: &'a Value,
    kind: Option<&'a str>,
) -> impl Iterator<Item = (&'a str, &'a str)> {
    let all = package["dependencies"].as_array().unwrap().iter();
    all.filter(move |dependency| dependency["kind"].as_str() == kind)
        .map(|dependency| (name(dependency), dependency["req"].as_str().unwrap()))
}

/// The names in the tree of normal dependencies of a crate alone, without what other crates of the
/// workspace turn on.
fn tree(package: &str, features: &[&str]) -> BTreeSet<String> {
    let mut arguments =
        vec!["tree", "-p", package, "-e", "normal", "--prefix", "none", "--format", "{p}"];
    arguments.extend(["--offline"]);
    arguments.extend(features);
    let text = cargo(&arguments);
    text.lines().filter_map(|line| line.split(' ').next()).map(ToOwned::to_owned).collect()
}

#[test]
fn every_crate_depends_in_the_direction_of_the_architecture() {
    let allowed: BTreeMap<&str, BTreeSet<String>> = DIRECTION
        .iter()
        .map(|(from, to)| {
            let full = |short: &&str| match *short {
                "" => "bailee".to_owned(),
                short => format!("bailee-{short}"),
            };
            (*from, to.iter().map(full).collect())
        })
        .collect();
    let mut seen = BTreeSet::new();
    for package in crates() {
        let from = name(&package).to_owned();
        let allowed = allowed.get(from.as_str());
        let allowed = allowed.unwrap_or_else(|| panic!("{from} has no place in the direction"));
        for kind in [None, Some("build")] {
            for (to, requirement) in dependencies(&package, kind) {
                if !to.starts_with("bailee") {
                    continue;
                }
                assert!(allowed.contains(to), "{from} must not depend on {to}");
                assert_eq!(requirement, "=0.1.0", "{from} -> {to}: one version for all");
            }
        }
        seen.insert(from);
    }
    let placed: BTreeSet<String> = allowed.keys().map(|name| (*name).to_owned()).collect();
    assert_eq!(seen, placed, "the table names what there is");
}

#[test]
fn no_arrow_runs_back() {
    // The direction itself has no circle: each crate comes after all that it names.
    let mut placed = BTreeSet::new();
    for (from, to) in DIRECTION {
        for short in *to {
            let full = if short.is_empty() { "bailee".into() } else { format!("bailee-{short}") };
            assert!(placed.contains(&full), "{from} -> {full}");
        }
        placed.insert((*from).to_owned());
    }
}

#[test]
fn the_emulator_shares_nothing_with_what_it_tests() {
    let all = crates();
    let emulator = all.iter().find(|package| name(package) == "bailee-emulator").unwrap();
    for kind in [None, Some("dev"), Some("build")] {
        let ours: Vec<_> =
            dependencies(emulator, kind).filter(|(name, _)| name.starts_with("bailee")).collect();
        assert!(ours.is_empty(), "{ours:?}");
    }
    // And only tests use it.
    for package in &all {
        let uses = dependencies(package, None).any(|(name, _)| name == "bailee-emulator");
        assert_eq!(uses, name(package) == "bailee-testkit", "{}", name(package));
    }
}

#[test]
fn what_is_pure_reaches_no_network_no_database_and_no_runtime() {
    for package in [
        "bailee-core",
        "bailee-store",
        "bailee-audit",
        "bailee-vault",
        "bailee-registry",
        "bailee-rights",
    ] {
        let tree = tree(package, &[]);
        assert!(tree.contains(package), "{tree:?}");
        for forbidden in INPUT_AND_OUTPUT {
            assert!(!tree.contains(*forbidden), "{package} reaches {forbidden}");
        }
    }
    // The facade and the life cycle choose nothing for a host either.
    for package in ["bailee-connect", "bailee", "bailee-http"] {
        let tree = tree(package, &[]);
        for forbidden in INPUT_AND_OUTPUT {
            assert!(!tree.contains(*forbidden), "{package} without features reaches {forbidden}");
        }
    }
}

#[test]
fn providers_reach_no_input_no_output_and_no_cipher_with_every_feature_on() {
    let tree = tree("bailee-providers", &["--all-features"]);
    assert!(tree.contains("oauth2") && tree.contains("url"), "{tree:?}");
    for forbidden in INPUT_AND_OUTPUT.iter().chain(CIPHERS) {
        assert!(!tree.contains(*forbidden), "bailee-providers reaches {forbidden}");
    }
    assert!(!tree.contains("bailee-store") && !tree.contains("bailee-vault"));
}

#[test]
fn out_01_one_crate_alone_speaks_http_and_one_each_a_database() {
    let owners = [
        ("reqwest", &["bailee-http"][..]),
        ("hyper", &["bailee-emulator", "bailee-http"]),
        ("rusqlite", &["bailee-sources", "bailee-sqlite"]),
        ("lettre", &["bailee"]),
        ("object_store", &["bailee-sources"]),
        ("sqlx", &["bailee-sources"]),
        ("tokio-postgres", &["bailee-postgres", "bailee-sources"]),
        ("oauth2", &["bailee-providers"]),
        (
            "ring",
            &[
                "bailee-audit",
                "bailee-connect",
                "bailee-emulator",
                "bailee-rights",
                "bailee-sources",
                "bailee-vault",
            ],
        ),
    ];
    for (library, owners) in owners {
        for package in crates() {
            let uses = dependencies(&package, None).any(|(name, _)| name == library);
            let may = owners.contains(&name(&package));
            assert!(!uses || may, "{} must not use {library}", name(&package));
        }
    }
}

#[test]
fn no_crate_has_a_default_feature() {
    for package in packages() {
        let features = package["features"].as_object().unwrap();
        let default = features.get("default").and_then(Value::as_array);
        assert!(default.is_none_or(Vec::is_empty), "{}: {default:?}", name(&package));
    }
    // Nor does one of ours turn another one's features on where nobody asked.
    for package in crates() {
        if name(&package) == "bailee-testkit" {
            continue;
        }
        for dependency in package["dependencies"].as_array().unwrap() {
            if name(dependency).starts_with("bailee") && dependency["kind"].is_null() {
                let features = dependency["features"].as_array().unwrap();
                assert!(features.is_empty(), "{} -> {dependency}", name(&package));
            }
        }
    }
}

#[test]
fn out_10_there_is_one_tls_crypto_provider_in_the_whole_lock() {
    let lock: toml::Table =
        toml::from_str(&fs::read_to_string(root().join("Cargo.lock")).unwrap()).unwrap();
    let names: Vec<&str> = lock["package"]
        .as_array()
        .unwrap()
        .iter()
        .map(|package| package["name"].as_str().unwrap())
        .collect();
    assert!(names.len() > 100, "the lock was read");
    for library in ["ring", "rustls"] {
        let versions = names.iter().filter(|name| **name == library).count();
        assert_eq!(versions, 1, "{library}");
    }
    for forbidden in OTHER_CRYPTO {
        assert!(!names.contains(forbidden), "{forbidden} is in the lock");
    }
    // With every feature of the workspace on, rustls has ring and nothing beside it.
    let text = cargo(&["metadata", "--format-version=1", "--all-features", "--offline"]);
    let metadata: Value = serde_json::from_str(&text).unwrap();
    let nodes = metadata["resolve"]["nodes"].as_array().unwrap();
    let is_rustls = |node: &&Value| {
        let id = node["id"].as_str().unwrap();
        id.contains("#rustls@") || id.contains("rustls 0.")
    };
    let rustls: Vec<_> = nodes.iter().filter(is_rustls).collect();
    assert_eq!(rustls.len(), 1);
    let features: Vec<&str> =
        rustls[0]["features"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
    assert!(features.contains(&"ring"), "{features:?}");
    for forbidden in ["aws_lc_rs", "aws-lc-rs", "fips", "prefer-post-quantum", "custom-provider"] {
        assert!(!features.contains(&forbidden), "{features:?}");
    }
}

#[test]
fn every_crate_takes_the_lints_of_the_workspace_and_forbids_unsafe_code() {
    let manifest = |path: &Path| -> toml::Table {
        toml::from_str(&fs::read_to_string(path).unwrap()).unwrap()
    };
    let workspace = manifest(&root().join("Cargo.toml"));
    let lints = &workspace["workspace"]["lints"];
    assert_eq!(lints["rust"]["unsafe_code"].as_str(), Some("forbid"));
    for lint in ["missing_docs", "missing_debug_implementations", "unreachable_pub"] {
        assert_eq!(lints["rust"][lint].as_str(), Some("warn"), "{lint}");
    }
    for lint in ["unwrap_used", "print_stdout", "dbg_macro", "await_holding_lock"] {
        assert_eq!(lints["clippy"][lint].as_str(), Some("warn"), "{lint}");
    }
    for package in packages() {
        let path = PathBuf::from(package["manifest_path"].as_str().unwrap());
        let own = manifest(&path);
        assert_eq!(own["lints"]["workspace"].as_bool(), Some(true), "{}", name(&package));
        for key in ["version", "edition", "license", "rust-version"] {
            let inherited = own["package"][key].get("workspace").and_then(toml::Value::as_bool);
            assert_eq!(inherited, Some(true), "{}: {key}", name(&package));
        }
    }
}

#[test]
fn every_crate_has_a_readme_that_is_its_front_page() {
    for package in crates() {
        let folder = PathBuf::from(package["manifest_path"].as_str().unwrap());
        let folder = folder.parent().unwrap();
        let readme = fs::read_to_string(folder.join("README.md"))
            .unwrap_or_else(|_| panic!("{} has no README.md", name(&package)));
        assert!(readme.starts_with("# "), "{}", name(&package));
        let library = fs::read_to_string(folder.join("src/lib.rs")).unwrap();
        let front = "#![doc = include_str!(\"../README.md\")]";
        assert!(library.starts_with(front), "{} has another front page", name(&package));
        let description = package["description"].as_str().unwrap_or_default();
        assert!(!description.is_empty(), "{} has no description", name(&package));
    }
}
