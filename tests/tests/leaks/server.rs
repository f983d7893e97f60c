//! The log of the database server, which writes down what it is given.

use std::sync::Arc;

use bailee::core::Clock;
use bailee_postgres::testing::Cluster;
use bailee_testkit::Storage;
use bailee_tests::{PUBLISH, world};

use crate::{
    forms::Needles,
    scenario::{ACCOUNT, CONTENT, DISPLAY, PERSON, live, secrets},
};

#[tokio::test(flavor = "multi_thread")]
async fn sec_08_the_servers_log_of_every_statement_and_every_failure_holds_no_secret() {
    // A server that logs every statement with its parameters, the failed ones too.
    let cluster = Cluster::start(&[
        ("log_statement", "all"),
        ("log_min_messages", "debug1"),
        ("log_parameter_max_length", "-1"),
        ("log_parameter_max_length_on_error", "-1"),
    ])
    .unwrap();
    let database = cluster.database().await.unwrap();
    let builder = world();
    let clock: Arc<dyn Clock> = Arc::new(builder.clock().clone());
    let store = database.store(clock).await.unwrap();
    let w = builder.storage(Storage::Given(Arc::new(store))).build().await.unwrap();

    // First everything fails at the moment of the commit that holds the tokens.
    let superuser = database.superuser().await.unwrap();
    let constraint = "ALTER TABLE bailee.record ADD CONSTRAINT leaks CHECK (kind <> 'credential')";
    superuser.batch_execute(constraint).await.unwrap();
    let error = w.connect(&w.visitor(PERSON), "tiktok", &[PUBLISH]).await.unwrap_err();
    let said = format!("{error} {error:?} {:?}", std::error::Error::source(&error));
    superuser.batch_execute("ALTER TABLE bailee.record DROP CONSTRAINT leaks").await.unwrap();
    let words = live(&w, false).await;
    assert!(words.errors > 60, "much went wrong: {}", words.errors);

    let log = cluster.log();
    assert!(log.contains("violates check constraint \"leaks\""), "the failure is logged");
    assert!(log.contains("INSERT INTO"), "statements are logged");
    assert!(log.contains("$1 = '"), "with their parameters");
    let secrets = secrets(&w);
    let needles = Needles::new(secrets.iter().map(String::as_str));
    needles.none_in("the server's log", log.as_bytes());
    needles.none_in("the error of the failed commit", said.as_bytes());
    needles.none_in("the errors", words.text.as_bytes());
    let people = Needles::new([PERSON, DISPLAY, ACCOUNT, CONTENT, "canary-mail-0d1f"]);
    people.none_in("the server's log", log.as_bytes());
    assert!(!said.contains("leaks"), "SQL does not cross into errors: {said}");
}
