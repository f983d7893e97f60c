//! After an erasure nothing of the person is anywhere but in kept rows, and nobody else's row moved.

use std::{
    future::Future,
    pin::pin,
    task::{Context, Waker},
};

use bailee_core::ErrorKind;
use bailee_rights::source::{DataSource, conformance::Fixture};
use proptest::prelude::*;
use rusqlite::types::Value;

use crate::application::{Application, Stored, full, open, whose};

/// Whether some value of a row is or holds a text.
fn holds((_, row): &Stored, text: &str) -> bool {
    row.iter().any(|value| match value {
        Value::Text(found) => found.contains(text),
        Value::Blob(found) => found.windows(text.len()).any(|part| part == text.as_bytes()),
        _ => false,
    })
}

/// Whether a row is Ada's, or hers too.
fn is_adas(stored: &Stored) -> bool {
    holds(stored, "acme") && (holds(stored, "canary-ada") || is_named(stored))
        || stored.0 == "files" && holds(stored, "canary-ada acme")
}

fn is_named((_, row): &Stored) -> bool {
    row.iter().any(|value| *value == Value::Text("ada".into()))
}

async fn erase(application: &Application) {
    let ada = whose("acme", "ada");
    // A process each, as if the one before had been killed.
    while application.source().await.erase(&ada).await.unwrap().more {}
}

#[tokio::test]
async fn r3_what_was_erased_is_not_in_the_file_either() {
    let application = full(50, 20);
    // The namesake's and Ben's rows go first, so that every canary of the name is Ada's.
    for (tenant, person) in [("other", "ada"), ("acme", "ben")] {
        let source = application.source().await;
        while source.erase(&whose(tenant, person)).await.unwrap().more {}
    }
    let found = |application: &Application| {
        let bytes = std::fs::read(application.path()).unwrap();
        bytes.windows(10).any(|part| part == b"canary-ada")
    };
    assert!(found(&application));
    erase(&application).await;
    assert!(!found(&application));
}

#[tokio::test]
async fn r3_pseudonyms_keep_rows_together_and_name_nobody() {
    let application = full(3, 4);
    erase(&application).await;
    let stored = application.stored();
    let emails: Vec<_> = stored
        .iter()
        .filter(|(table, row)| *table == "audit" && row[1] == Value::Text("acme".into()))
        .map(|(_, row)| row[2].clone())
        .collect();
    let erased = |value: &&Value| matches!(value, Value::Text(text) if text.starts_with("erased-"));
    let pseudonyms: Vec<_> = emails.iter().filter(erased).collect();
    assert_eq!((emails.len(), pseudonyms.len()), (8, 4));
    assert!(pseudonyms.iter().all(|pseudonym| *pseudonym == pseudonyms[0]));
}

#[tokio::test]
async fn r3_a_part_of_a_document_goes_and_the_rest_stays() {
    let application = full(9, 1);
    erase(&application).await;
    let document: String = application
        .connect()
        .query_row(
            "SELECT document FROM settings WHERE tenant_id = 'acme' AND account_id = 'ada'",
            [],
            |row| row.get(0),
        )
        .unwrap();
    assert_eq!(document, r#"{"contact":{"hours":"9-5"},"theme":"dark"}"#);
}

#[tokio::test]
async fn r3_a_document_that_cannot_be_read_is_an_error_and_not_done() {
    let application = full(1000, 1);
    let spoil = "UPDATE settings SET document = '{\"note\": \"canary-ada' WHERE account_id = 'ada'";
    application.connect().execute_batch(spoil).unwrap();
    let (source, ada) = (application.source().await, whose("acme", "ada"));
    let before = application.stored();
    assert_eq!(source.erase(&ada).await.unwrap_err().kind(), ErrorKind::HostFailed);
    assert_eq!(source.remaining(&ada).await.unwrap_err().kind(), ErrorKind::HostFailed);
    assert_eq!(application.stored(), before, "a step is whole or not at all");
}

#[tokio::test]
async fn r3_a_person_whose_identifiers_nobody_named_is_not_erased_in_part() {
    let application = full(7, 2);
    let (source, before) = (application.source().await, application.stored());
    let ada = bailee_rights::source::Whose::new(
        whose("acme", "ada").tenant().clone(),
        whose("acme", "ada").person().clone(),
        whose("acme", "ada").subject(),
    );
    assert_eq!(source.erase(&ada).await.unwrap_err().kind(), ErrorKind::InvalidInput);
    assert_eq!(source.remaining(&ada).await.unwrap_err().kind(), ErrorKind::InvalidInput);
    assert_eq!(application.stored(), before);
    // That there is none is an answer.
    assert!(source.remaining(&ada.without("email")).await.is_ok());
}

#[tokio::test]
async fn r3_people_whose_ids_differ_in_capitals_are_two() {
    let application = full(7, 1);
    application
        .connect()
        .execute_batch(
            "DROP TABLE invoices; DROP TABLE audit; DROP TABLE messages; \
             CREATE TABLE invoices (id INTEGER PRIMARY KEY, tenant_id TEXT COLLATE NOCASE, \
             account_id TEXT COLLATE NOCASE, address TEXT); \
             CREATE TABLE audit (id INTEGER PRIMARY KEY, tenant_id TEXT COLLATE NOCASE, \
             actor_email TEXT COLLATE NOCASE, action TEXT); \
             CREATE TABLE messages (id INTEGER PRIMARY KEY, tenant_id TEXT COLLATE NOCASE, \
             sender_id TEXT COLLATE NOCASE, recipient_id TEXT COLLATE NOCASE, body TEXT, \
             sent_at TEXT); \
             INSERT INTO invoices VALUES (1, 'acme', 'ADA', 'theirs'), (2, 'ACME', 'ada', 'theirs'); \
             INSERT INTO audit VALUES (1, 'acme', 'ADA@canary-ada.acme.test', 'theirs'); \
             INSERT INTO messages VALUES (1, 'acme', 'Ada', 'aDA', 'theirs', NULL);",
        )
        .unwrap();
    let (source, ada) = (application.source().await, whose("acme", "ada"));
    let theirs = |application: &Application| -> Vec<Stored> {
        application.stored().into_iter().filter(|stored| holds(stored, "theirs")).collect()
    };
    let before = theirs(&application);
    erase(&application).await;
    assert_eq!(before.len(), 4);
    assert_eq!(theirs(&application), before);
    assert_eq!(source.remaining(&ada).await.unwrap().kept(), 0);
}

#[tokio::test]
async fn r1_a_dry_run_shows_statements_with_places_for_values() {
    let application = full(7, 2);
    let count = application.source().await.count(&whose("acme", "ada")).await.unwrap();
    let statement = |table: &str| {
        let line = count.tables.iter().find(|line| line.table == table).unwrap();
        line.statement.as_str()
    };
    assert_eq!(
        statement("posts"),
        "DELETE FROM \"posts\" WHERE \"posts\".\"tenant_id\" COLLATE BINARY = ?1 AND \
         \"posts\".\"id\" IN (SELECT t0.\"id\" FROM \"posts\" AS t0 WHERE t0.\"tenant_id\" COLLATE \
         BINARY = ?2 AND t0.\"author_id\" COLLATE BINARY = ?3 LIMIT ?4)"
    );
    assert_eq!(
        statement("files"),
        "DELETE FROM \"files\" WHERE \"files\".\"id\" IN (SELECT t0.\"id\" FROM \"files\" AS t0 \
         WHERE t0.\"post_id\" COLLATE BINARY IN (SELECT t1.\"id\" FROM \"posts\" AS t1 WHERE \
         t1.\"tenant_id\" COLLATE BINARY = ?1 AND t1.\"author_id\" COLLATE BINARY = ?2) LIMIT ?3)"
    );
    assert_eq!(statement("invoices"), "");
    let shown = format!("{count:?}");
    assert!(!shown.contains("ada") && !shown.contains("canary"), "{shown}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn r3_an_erasure_takes_all_of_one_person_and_nothing_of_another(
        batch in 1..40u32,
        mine in 0..12u32,
        theirs in 0..12u32,
        abandoned in 0..4usize,
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let application = Application::new(batch);
            for (tenant, person) in [("acme", "ada"), ("acme", "ben"), ("other", "ada")] {
                application.settle(tenant, person);
            }
            application.write("acme", "ada", "ben", mine);
            application.write("acme", "ben", "ada", theirs);
            application.write("other", "ada", "ben", theirs);
            let before = application.stored();
            let ada = whose("acme", "ada");
            for _ in 0..abandoned {
                // Whoever asked goes away; the step is done whole or not at all.
                let source = open(&application.path(), &application.mapping()).await.unwrap();
                let step = pin!(source.erase(&ada));
                let _ = step.poll(&mut Context::from_waker(Waker::noop()));
            }
            erase(&application).await;
            let after = application.stored();
            let found = application.source().await.remaining(&ada).await.unwrap();
            assert_eq!((found.left(), found.kept()), (0, u64::from(mine)));
            for stored in &after {
                let hers = is_named(stored) && holds(stored, "acme");
                // Settings stay without what was personal in them.
                let kept = matches!(stored.0, "invoices" | "settings");
                assert!(!hers || kept, "{stored:?}");
                assert!(!(holds(stored, "acme") && holds(stored, "canary-ada")), "{stored:?}");
            }
            // Files have no tenant; those of the namesake alone are left.
            let files = |all: &[Stored]| {
                all.iter().filter(|stored| stored.0 == "files" && holds(stored, "ada")).count()
            };
            assert_eq!(files(&before), files(&after) + mine as usize);
            let others = |stored: &&Stored| stored.0 != "files" && !is_adas(stored);
            for stored in before.iter().filter(others) {
                assert!(after.contains(stored), "{stored:?}");
            }
        });
    }
}
