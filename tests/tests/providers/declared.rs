//! The declarations of three whole services, against the adapters that would serve them.

use std::path::Path;

use bailee::{Declaration, core::DataCategory};

use super::held::adapter;

fn read(name: &str) -> Declaration {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates/bailee-registry/examples");
    Declaration::load(folder.join(name).with_extension("toml")).unwrap()
}

#[test]
fn what_three_services_declare_is_what_their_providers_have() {
    let mut integrations = 0;
    for name in ["publisher", "exporter", "assistant"] {
        let declaration = read(name);
        for integration in declaration.integrations() {
            let adapter = adapter(integration.provider.as_str());
            let spec = adapter.spec();
            declaration
                .check_scopes(&integration.provider, &spec.scopes.catalogue)
                .unwrap_or_else(|error| panic!("{name}: {:?}", std::error::Error::source(&error)));
            integrations += 1;
        }
    }
    assert_eq!(integrations, 14);
}

#[test]
fn followers_messages_insights_and_comments_have_no_scope_at_the_publisher() {
    let declaration = read("publisher");
    for integration in declaration.integrations() {
        for never in ["communications", "followers", "statistics"] {
            let never = DataCategory::new(never);
            assert!(!integration.reads(&never));
            assert!(integration.never_categories.contains(&never));
            let adapter = adapter(integration.provider.as_str());
            let catalogue = &adapter.spec().scopes.catalogue;
            let asked =
                catalogue.iter().filter(|scope| integration.scopes.contains_key(&scope.name));
            assert!(asked.into_iter().all(|scope| scope.category != never));
        }
    }
}
