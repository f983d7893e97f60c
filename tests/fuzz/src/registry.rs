//! Declarations and standings.

use bailee_core::{DataCategory, Effect, Locale, PurposeId, ScopeEntry};
use bailee_registry::{Catalogue, Declaration, Disclosure, Integration, Standing};

use crate::{quiet, quiet_error};

/// A `privacy.toml`. It is the host's own text, so problems may quote it, in moderation.
pub(crate) fn declaration(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let lines = text.split('\n').count();
    match Declaration::check(text) {
        Err(problems) => {
            let list = problems.list();
            assert!(!list.is_empty() && list.is_sorted(), "problems come in the order of the text");
            for problem in list {
                let at = problem.position;
                assert!(at.line >= 1 && at.column >= 1 && at.line <= lines + 1, "{problem}");
                assert!(problem.what.len() + problem.mend.len() < 4096 + 2 * data.len());
            }
            let all = problems.to_string().len();
            assert!(all < 4096 + 4096 * list.len(), "{all} bytes for {} problems", list.len());
            assert!(list.len() <= 64 + data.len(), "{} problems", list.len());
            assert!(Declaration::parse(text).is_err());
        }
        Ok(declaration) => {
            let again = Declaration::parse(text).expect("what was taken is taken again");
            assert_eq!(declaration.version(), again.version());
            for integration in declaration.integrations() {
                disclosure(&declaration, integration);
            }
        }
    }
}

/// The text for people that follows from what was declared.
fn disclosure(declaration: &Declaration, integration: &Integration) {
    let purposes: Vec<PurposeId> = integration.purposes().into_iter().cloned().collect();
    let catalogue: Vec<ScopeEntry> = integration
        .scopes
        .keys()
        .map(|name| ScopeEntry {
            name: name.clone(),
            plain: "read it".into(),
            category: declaration
                .categories()
                .next()
                .map_or(DataCategory::new("profile"), |(category, _)| category.clone()),
            effect: Effect::Read,
            implied: false,
        })
        .collect();
    let provider = &integration.provider;
    let german = "[disclosure]\ntitle = \"{provider} verbinden\"\n";
    let german = Catalogue::parse(Locale::new("de").expect("a tag"), german).expect("a catalogue");
    for words in [Catalogue::english(), german] {
        let made = Disclosure::build(
            declaration,
            provider,
            "Provider",
            &purposes,
            &catalogue,
            &[],
            &[],
            &words,
        );
        match made {
            Ok(disclosure) => {
                let text = disclosure.to_text();
                assert!(!text.is_empty() && disclosure.hash() == disclosure.hash());
                assert!(!text.chars().any(|c| c.is_control() && c != '\n'), "{text:?}");
            }
            Err(error) => assert!(error.to_string().len() < 64 * 1024, "a long error"),
        }
    }
}

/// Two bytes of schema, then the JSON of a `subject` record.
pub(crate) fn standing(data: &[u8]) {
    let Some((schema, json)) = data.split_first_chunk::<2>() else { return };
    let schema = u16::from_be_bytes(*schema);
    let standing = match Standing::from_json(schema, json) {
        Ok(standing) => standing,
        Err(error) => return quiet_error("standing", &error),
    };
    for (purpose, provider, _) in standing.consents() {
        let decision = standing.consent(purpose, provider);
        quiet("decision", &decision.is_some());
    }
    match standing.to_json() {
        Ok(written) => {
            let again =
                Standing::from_json(Standing::SCHEMA, &written).expect("what is written is read");
            assert_eq!(again.to_json().ok(), Some(written));
        }
        Err(error) => {
            assert!(schema > Standing::SCHEMA);
            quiet_error("standing", &error);
        }
    }
}
