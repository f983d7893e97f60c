//! Declarations in the Data Privacy Vocabulary: whole documents, and no term that it does not have.

#![expect(clippy::unwrap_used, reason = "what fails in a helper fails the test")]

use std::{collections::BTreeSet, fs, path::Path};

use bailee_audit::Json;
use bailee_registry::{Catalogue, Declaration, Texts};

const EXAMPLES: [(&str, &str); 4] = [
    ("assistant", include_str!("../../examples/assistant.toml")),
    ("exporter", include_str!("../../examples/exporter.toml")),
    ("privacy", include_str!("../../examples/privacy.toml")),
    ("publisher", include_str!("../../examples/publisher.toml")),
];

fn texts(declaration: &str) -> Texts {
    Texts::new(Declaration::parse(declaration).unwrap(), Catalogue::english())
}

#[expect(clippy::disallowed_methods, reason = "a variable of the tests alone")]
fn assert_golden(name: &str, found: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/dpv").join(name);
    if std::env::var_os("BAILEE_REFRESH").is_some() {
        fs::write(&path, found).unwrap();
    }
    let expected = fs::read_to_string(&path).unwrap();
    assert_eq!(found, expected, "{} (BAILEE_REFRESH=1 rewrites it)", path.display());
}

/// Every name with a prefix: of members, of kinds, and of what is pointed to.
fn terms(json: &Json, into: &mut BTreeSet<String>) {
    let mut add = |text: &str| {
        if text.split_once(':').is_some_and(|(_, rest)| !rest.starts_with("//")) {
            into.insert(text.to_owned());
        }
    };
    match json {
        Json::Array(values) => values.iter().for_each(|value| terms(value, into)),
        Json::Object(members) => {
            for (name, value) in members {
                match (name.as_str(), value) {
                    ("@context", _) => {}
                    ("@id", Json::Text(text)) => {
                        if !text.starts_with("urn:") && !text.starts_with('#') {
                            add(text);
                        }
                    }
                    ("@type", Json::Text(text)) => add(text),
                    ("@type", Json::Array(kinds)) => {
                        kinds.iter().filter_map(Json::as_str).for_each(&mut add);
                    }
                    (name, _) if name.starts_with('@') => {}
                    (name, _) => add(name),
                }
            }
            for (name, value) in members {
                if !name.starts_with('@') {
                    terms(value, into);
                }
            }
        }
        _ => {}
    }
}

#[test]
fn a_declaration_is_one_document_in_the_vocabulary() {
    for (name, declaration) in EXAMPLES {
        let found = texts(declaration).json_ld().indented().unwrap();
        assert_golden(&format!("{name}.jsonld"), &found);
        assert_eq!(found, texts(declaration).json_ld().indented().unwrap());
    }
}

#[test]
fn no_document_uses_a_term_that_the_vocabulary_does_not_have() {
    let known: BTreeSet<&str> =
        include_str!("terms.txt").lines().filter(|line| !line.starts_with('#')).collect();
    let declared = include_str!("../../src/category.rs");
    let mut used = BTreeSet::new();
    for (_, declaration) in EXAMPLES {
        terms(&texts(declaration).json_ld(), &mut used);
    }
    {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/receipts");
        for file in fs::read_dir(folder).unwrap() {
            let path = file.unwrap().path();
            if path.extension().is_some_and(|extension| extension == "jsonld") {
                let json = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
                terms(&json, &mut used);
            }
        }
    }
    assert!(used.len() > 80, "{used:?}");
    let unknown: Vec<&String> = used
        .iter()
        .filter(|term| match term.split_once(':') {
            Some(("pd", name)) => !declared.contains(&format!("\"{name}\"")),
            Some(("loc", code)) => {
                code.len() != 2 || !code.bytes().all(|byte| byte.is_ascii_uppercase())
            }
            _ => !known.contains(term.as_str()),
        })
        .collect();
    assert!(unknown.is_empty(), "{unknown:?}");
}

#[test]
fn everything_that_is_declared_is_in_the_document() {
    for (name, source) in EXAMPLES {
        let declaration = Declaration::parse(source).unwrap();
        let text = texts(source).json_ld().canonical().unwrap();
        let says = |words: &str| {
            let quoted = Json::from(words).canonical().unwrap();
            assert!(text.contains(quoted.trim_matches('"')), "{name}: {words}");
        };
        says(&declaration.controller().name);
        for purpose in declaration.purposes() {
            says(&purpose.title);
            says(&purpose.plain);
        }
        for recipient in declaration.recipients() {
            says(&recipient.name);
            says(&format!("loc:{}", recipient.country.as_str()));
        }
        let items = declaration.integrations().flat_map(|one| &one.data);
        for item in items.chain(declaration.data_sets().flat_map(|set| &set.data)) {
            says(&item.name);
            says(declaration.category(&item.category).unwrap());
        }
        declaration.measures().iter().for_each(|measure| says(measure));
        if let Some(policy) = declaration.policy() {
            says(&policy.url);
        }
        assert_eq!(texts(source).json_ld().get("dct:language"), Some(&Json::from("en")));
    }
}

#[test]
fn a_safeguard_and_a_law_stand_where_the_data_goes() {
    let source = include_str!("../../examples/privacy.toml");
    let text = texts(source).json_ld().canonical().unwrap();
    assert!(text.contains("\"@type\":\"dpv:CrossBorderTransfer\""));
    assert!(text.contains("\"dpv:hasLegalBasis\":{\"@id\":\"g:A46-2-c\"}"));
    assert!(text.contains("https://notes.example/dpa"));
    assert!(text.contains("dpv:SellDataToThirdParties"));
    let other = source.replace("\"standard_contractual_clauses\"", "\"adequacy\"");
    assert!(texts(&other).json_ld().canonical().unwrap().contains("{\"@id\":\"g:A45-3\"}"));
}
