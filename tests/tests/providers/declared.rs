//! The declarations of three whole services, against the adapters that would serve them.

use std::path::Path;

use bailee::{Catalogue, Declaration, Texts, core::DataCategory, provider_facts};

use super::held::adapter;

fn read(name: &str) -> Declaration {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates/bailee-registry/examples");
    Declaration::load(folder.join(name).with_extension("toml")).expect("it is whole")
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

fn texts(name: &str) -> Texts {
    let declaration = read(name);
    let mut texts = Texts::new(declaration.clone(), Catalogue::english());
    for integration in declaration.integrations() {
        let facts = provider_facts(adapter(integration.provider.as_str()).spec());
        texts = texts.provider(integration.provider.clone(), facts);
    }
    texts
}

/// Sees that a text says all of these, one after the other.
fn says(text: &str, all: &[&str]) {
    let mut rest = text;
    for one in all {
        let Some((_, after)) = rest.split_once(one) else { panic!("{one:?} does not follow") };
        rest = after;
    }
}

#[test]
fn every_table_of_what_the_publisher_promises_stands_in_its_policies() {
    let texts = texts("publisher");
    for document in [texts.privacy_policy(), texts.data_policy()] {
        let text = document.to_markdown();
        says(
            &text,
            &[
                "### Instagram",
                "| access token, encrypted |",
                "until you disconnect Instagram |",
                "| account type (Business or Creator) |",
                "| user id |",
                "| username |",
                "(instagram\\_business\\_basic)",
                "(instagram\\_business\\_content\\_publish)",
                "Never accessed:",
                "your messages and comments",
                "who follows you",
                "insights",
                "How to take it back",
                "no way for us to revoke them: take the steps there as well",
                "At Instagram:",
                "1. In Instagram, open Settings",
                "Apps and websites",
                "### TikTok",
                "| access token, encrypted |",
                "| display name |",
                "| open id |",
                "| refresh token, encrypted |",
                "(user.info.basic)",
                "(video.publish)",
                "Never asked for: user.info.stats, video.list.",
                "the tokens are deleted, and TikTok is asked to revoke them",
                "Remove access",
            ],
        );
        says(
            &text,
            &[
                "| Anthropic PBC | captions: facts about your content, no personal data;",
                "Only these fields: description, project\\_name, tags, title, type.",
                "| Cloudflare, Inc. | storage of uploaded media;",
                "| Plausible Insights OÜ | counting of page views, anonymised;",
                "| Resend | delivery of e-mail: recipients' addresses and what is written;",
                "| Supabase Inc. | database and authentication: all data of users and their content;",
                "| Vercel Inc. | hosting: request logs and processing on servers;",
                "30 days before we add or replace",
                "We do not sell personal data.",
                "We do not train public models with personal data.",
            ],
        );
    }
    let policy = texts.privacy_policy().to_markdown();
    says(
        &policy,
        &[
            "In force from 1 January 2026.",
            "[privacy@publisher.example](mailto:privacy@publisher.example)",
            "Art. 6(1)(a) GDPR",
            "## Data outside the European Economic Area",
            "standard contract clauses of the European Commission (Art. 46(2)(c) GDPR)",
            "AES-256-GCM",
            "## Your rights",
            "(Art. 15 GDPR)",
            "(Art. 20 GDPR)",
            "(Art. 7(3) GDPR)",
            "Data Protection Commission",
            "not for anybody under 13",
        ],
    );
    assert!(!policy.contains("Art. 21(2)"), "there is no marketing to object to");
}

#[test]
fn what_the_exporter_and_the_assistant_promise_stands_in_their_policies() {
    let exporter = texts("exporter").privacy_policy().to_markdown();
    says(
        &exporter,
        &[
            "cloud id and address of the site",
            "exported issues, their metadata and attachments",
            "Never accessed: profiles and account ids of people at Atlassian",
            "Open https://id.atlassian.com/manage-profile/apps",
            "Passwords and hand-made API tokens are not accepted",
        ],
    );
    let assistant = texts("assistant").privacy_policy().to_markdown();
    says(
        &assistant,
        &[
            "Representative in the Union (Art. 27 GDPR)",
            "device, browser, IP address, access times, pages, referrers, diagnostic logs",
            "chats, files, documents, images",
            "we store no full card number",
            "Marketing: object to it",
        ],
    );
    for provider in ["Google", "GitHub", "Slack", "Zoom", "Airtable", "ClickUp", "Asana", "HubSpot"]
    {
        assert!(assistant.contains(&format!("### {provider}\n")), "{provider}");
    }
}

#[test]
fn texts_are_the_same_each_time_and_change_with_what_is_declared() {
    let render = |texts: &Texts| {
        let all = [
            texts.privacy_policy(),
            texts.data_policy(),
            texts.information(),
            texts.record_of_processing(),
        ];
        all.map(|document| (document.hash(), document.to_html()))
    };
    assert_eq!(render(&texts("publisher")), render(&texts("publisher")));
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates/bailee-registry/examples");
    let text = std::fs::read_to_string(folder.join("publisher.toml")).unwrap();
    let changed = text.replace("keep = \"12 months\"", "keep = \"6 months\"");
    assert_ne!(text, changed);
    let changed = Declaration::parse(&changed).unwrap();
    let changed = Texts::new(changed, Catalogue::english());
    assert_ne!(changed.privacy_policy().hash(), texts("publisher").privacy_policy().hash());
}

/// Writes the three policies as pages into a folder, for whoever wants to look at them.
#[test]
#[expect(clippy::disallowed_methods, reason = "somebody says where they want the pages")]
fn the_policies_are_pages_that_need_nothing_from_elsewhere() {
    let folder = std::env::var_os("BAILEE_PAGES").map(std::path::PathBuf::from);
    for name in ["publisher", "exporter", "assistant"] {
        let texts = texts(name);
        for (kind, document) in [
            ("privacy", texts.privacy_policy()),
            ("data", texts.data_policy()),
            ("information", texts.information()),
            ("record", texts.record_of_processing()),
        ] {
            let page = document.to_html();
            assert!(page.starts_with("<!doctype html>\n<html lang=\"en\">"));
            for loaded in ["<script", "<img", "<link", "url(", "@import", "src="] {
                assert!(!page.contains(loaded), "{name} {kind}: {loaded}");
            }
            assert_eq!(page.matches("<table>").count(), page.matches("</table>").count());
            if let Some(folder) = &folder {
                std::fs::create_dir_all(folder).unwrap();
                std::fs::write(folder.join(format!("{name}-{kind}.html")), page).unwrap();
            }
        }
    }
}
