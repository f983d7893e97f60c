//! Art. 20 GDPR: what a person can take with them, and nothing else.

use bailee_registry::DataOrigin;
use bailee_rights::{
    request::Right,
    source::{MemorySource, SourceFacts, Strategy, TableFacts},
};

use crate::{
    archive::Archive,
    world::{self, World, field, row, text},
};

#[tokio::test]
async fn r4_only_what_was_given_or_observed_for_consent_or_contract_is_in_it() {
    let world = World::new().await;
    let order = world.order(Right::Portability);
    let segment = world.collect(&order, &world::source(&world.ada)).await;
    // An inferred score, somebody else's name, and visits that legitimate interests rest on.
    assert_eq!(segment.not_in_scope, 3);
    assert_eq!(segment.rows, 4, "what was looked at is counted");
    let stored = world.close(&order, &[segment]).await;
    let archive = Archive::read(&world.bytes(&stored).await);
    let posts = archive.lines("data/acme/main/posts.jsonl");
    let fields: Vec<_> = posts[0].as_object().unwrap().keys().collect();
    assert_eq!(fields, ["body", "extra", "picture", "title"]);
    assert_eq!(
        archive.lines("data/acme/main/messages.jsonl"),
        [serde_json::json!({"text": "hello"})]
    );
    assert!(!archive.names.iter().any(|name| name.contains("visits")), "{:?}", archive.names);
    let manifest = archive.manifest();
    let visits = &manifest["sources"][0]["tables"][2];
    assert_eq!(visits["table"], "visits");
    assert_eq!(visits["jsonl"], serde_json::Value::Null);
    assert_eq!(visits["fields"][0]["why_not"], "not_in_scope");
    let page = archive.text("index.html");
    assert!(page.contains("Art. 20(1) GDPR") && page.contains("score"), "{page}");
}

#[tokio::test]
async fn every_origin_but_provided_and_observed_stays() {
    let world = World::new().await;
    let obtained = DataOrigin::Obtained { from: "a broker".into() };
    let origins = [
        ("derived", DataOrigin::Derived),
        ("inferred", DataOrigin::Inferred),
        ("observed", DataOrigin::Observed),
        ("obtained", obtained),
        ("provided", DataOrigin::Provided),
    ];
    let mut table = TableFacts::new("all", "content", Strategy::Delete);
    for (name, origin) in &origins {
        table = table.with_field(field(name, "content", origin.clone()));
    }
    let source = MemorySource::new(SourceFacts::new("main", vec![table]), 1);
    source.insert(
        &world.ada,
        "all",
        row("k", origins.iter().map(|(name, _)| text(*name)).collect()),
    );
    let stored = world.package_of(Right::Portability, &source).await;
    let archive = Archive::read(&world.bytes(&stored).await);
    let expected = serde_json::json!({"observed": "observed", "provided": "provided"});
    assert_eq!(archive.lines("data/acme/main/all.jsonl"), [expected]);
    let stored = world.package_of(Right::Access, &source).await;
    let archive = Archive::read(&world.bytes(&stored).await);
    assert_eq!(archive.lines("data/acme/main/all.jsonl")[0].as_object().unwrap().len(), 5);
}
