//! A database that is not the one that was mapped is an error and never an answer.

use bailee_core::{Error, ErrorKind};
use bailee_rights::source::{DataSource, Gathered};
use bailee_sources::PostgresSource;

use crate::application::{Application, Driver, MAPPING, full, open, whose};

/// What each question is answered with.
async fn errors(source: &PostgresSource) -> Vec<Error> {
    let ada = whose("acme", "ada");
    let age = bailee_core::Timestamp::from_seconds(1_700_000_000);
    vec![
        source.count(&ada).await.map(drop).unwrap_err(),
        source.collect(&ada, &mut Gathered::default()).await.unwrap_err(),
        source.erase(&ada).await.map(drop).unwrap_err(),
        source.restrict(&ada, true).await.map(drop).unwrap_err(),
        source.remaining(&ada).await.map(drop).unwrap_err(),
        source.count_older(ada.tenant(), "posts", age, &[]).await.map(drop).unwrap_err(),
        source.erase_older(ada.tenant(), "posts", age, &[]).await.map(drop).unwrap_err(),
    ]
}

/// What is said after each change of the database, which is then undone.
async fn refused_after(application: &Application, change: &str, back: &str) -> String {
    let source = open(&application.database, MAPPING).await.unwrap();
    application.run(change).await;
    let before = application.stored_where_there().await;
    let mut errors = errors(&source).await;
    errors.push(open(&application.database, MAPPING).await.map(drop).unwrap_err());
    let all = errors.iter().all(|error| error.kind() == ErrorKind::Configuration);
    assert!(all, "{change}: {errors:?}");
    assert_eq!(application.stored_where_there().await, before, "nothing was changed");
    application.run(back).await;
    // What is as it was is taken again.
    source.remaining(&whose("acme", "ada")).await.unwrap();
    errors[0].to_string()
}

#[tokio::test]
async fn r3_a_database_that_is_another_one_is_refused_and_what_differs_is_named() {
    let application = full(Driver::TokioPostgres, 7, 2).await;
    for (change, back, said) in [
        (
            "ALTER TABLE posts RENAME TO articles",
            "ALTER TABLE articles RENAME TO posts",
            "the table `posts` is not there",
        ),
        (
            "ALTER TABLE comments RENAME COLUMN body TO words",
            "ALTER TABLE comments RENAME COLUMN words TO body",
            "`comments` has no column `body`",
        ),
        (
            "ALTER TABLE audit RENAME TO log; CREATE VIEW audit AS SELECT * FROM log;
             GRANT ALL ON audit TO host_app",
            "DROP VIEW audit; ALTER TABLE log RENAME TO audit",
            "the table `audit` is not there, or is none",
        ),
        (
            "CREATE TABLE likes (post_id bigint REFERENCES posts (id) ON DELETE CASCADE)",
            "DROP TABLE likes",
            "rows of `likes`",
        ),
        (
            "CREATE SCHEMA other; CREATE TABLE other.files (id uuid,
             post_id bigint REFERENCES posts (id) ON DELETE CASCADE)",
            "DROP SCHEMA other CASCADE",
            "rows of `other.files`",
        ),
        (
            "ALTER TABLE messages ALTER COLUMN sender_id SET NOT NULL",
            "ALTER TABLE messages ALTER COLUMN sender_id DROP NOT NULL",
            "`messages.sender_id` cannot be empty",
        ),
        (
            "ALTER TABLE audit DROP CONSTRAINT audit_pkey;
             CREATE UNIQUE INDEX paid ON audit (id) WHERE action = 'paid'",
            "DROP INDEX paid; ALTER TABLE audit ADD PRIMARY KEY (id)",
            "the key of `audit` is not unique",
        ),
        (
            "ALTER TABLE audit DROP CONSTRAINT audit_pkey, ADD UNIQUE (id);
             ALTER TABLE audit ALTER id DROP IDENTITY, ALTER id DROP NOT NULL",
            "ALTER TABLE audit DROP CONSTRAINT audit_id_key, ADD PRIMARY KEY (id);
             ALTER TABLE audit ALTER id ADD GENERATED ALWAYS AS IDENTITY (START 1000)",
            "the key of `audit` is not unique",
        ),
        (
            "ALTER TABLE messages ALTER sender_id TYPE char(40)",
            "ALTER TABLE messages ALTER sender_id TYPE text",
            "`messages.sender_id` is declared with a type that turns ids",
        ),
        (
            "CREATE COLLATION loose (provider = icu, locale = 'und-u-ks-level2',
             deterministic = false);
             ALTER TABLE messages ALTER sender_id TYPE text COLLATE loose",
            "ALTER TABLE messages ALTER sender_id TYPE text COLLATE \"default\"",
            "`messages.sender_id` is declared with a type that turns ids",
        ),
        (
            "ALTER TABLE audit ALTER actor_email TYPE varchar(38)",
            "ALTER TABLE audit ALTER actor_email TYPE text",
            "`audit.actor_email` is declared with a type that does not take",
        ),
        (
            "CREATE DOMAIN sender AS text; ALTER TABLE messages ALTER sender_id TYPE sender;
             ALTER DOMAIN sender SET NOT NULL",
            "ALTER TABLE messages ALTER sender_id TYPE text; DROP DOMAIN sender",
            "`messages.sender_id` cannot be empty",
        ),
        (
            "CREATE TABLE more_invoices () INHERITS (invoices)",
            "DROP TABLE more_invoices",
            "`invoices` is a part of another table, or has parts",
        ),
        (
            "REVOKE SELECT ON invoices FROM host_app",
            "GRANT SELECT ON invoices TO host_app",
            "the database's role lacks a right",
        ),
    ] {
        if said.contains("lacks a right") {
            // The catalogue shows tables to everybody; reading them shows it.
            let source = open(&application.database, MAPPING).await.unwrap();
            application.run(change).await;
            let ada = whose("acme", "ada");
            for error in [
                source.count(&ada).await.map(drop).unwrap_err(),
                source.collect(&ada, &mut Gathered::default()).await.unwrap_err(),
                source.remaining(&ada).await.map(drop).unwrap_err(),
            ] {
                assert_eq!(error.kind(), ErrorKind::Configuration);
                assert!(error.to_string().contains(said), "{error}");
            }
            application.run(back).await;
            continue;
        }
        let answer = refused_after(&application, change, back).await;
        assert!(answer.contains(said), "{answer}");
    }
    // And as it was, it is taken again.
    open(&application.database, MAPPING).await.unwrap();
}

#[tokio::test]
async fn r3_a_type_that_changes_under_its_column_is_seen() {
    let application = full(Driver::TokioPostgres, 7, 2).await;
    application
        .run("CREATE DOMAIN sender AS text; ALTER TABLE messages ALTER sender_id TYPE sender")
        .await;
    let said = refused_after(
        &application,
        "ALTER DOMAIN sender SET NOT NULL",
        "ALTER DOMAIN sender DROP NOT NULL",
    );
    assert!(said.await.contains("`messages.sender_id` cannot be empty"));
}

const SECURED: &str = "
    ALTER TABLE posts ENABLE ROW LEVEL SECURITY;
    CREATE POLICY own ON posts TO host_app
        USING (tenant_id = current_setting('app.tenant', true));";

#[tokio::test]
async fn r3_rows_that_row_security_hides_are_not_taken_for_none() {
    let application = full(Driver::TokioPostgres, 7, 2).await;
    let said =
        refused_after(&application, SECURED, "ALTER TABLE posts DISABLE ROW LEVEL SECURITY").await;
    assert!(said.contains("row security may hide rows of `posts`"), "{said}");
    assert!(said.contains("tenant_setting"), "{said}");
}

#[tokio::test]
async fn r3_a_mapping_that_names_the_setting_is_let_through_its_own_tenants_rows() {
    let application = full(Driver::TokioPostgres, 7, 2).await;
    application.run(SECURED).await;
    let setting = "batch = 7\npostgres = { tenant_setting = \"app.tenant\" }";
    let mapping = MAPPING.replace("batch = 7", setting);
    let source = open(&application.database, &mapping).await.unwrap();
    let ada = whose("acme", "ada");
    let count = source.count(&ada).await.unwrap();
    let posts = count.tables.iter().find(|line| line.table == "posts").unwrap();
    assert_eq!(posts.rows, 2);
    while source.erase(&ada).await.unwrap().more {}
    assert_eq!(source.remaining(&ada).await.unwrap().left(), 0);
    let count = source.count(&whose("other", "ada")).await.unwrap();
    assert_eq!(count.tables.iter().find(|line| line.table == "posts").unwrap().rows, 2);
}

#[tokio::test]
async fn r3_a_partitioned_table_is_one_table_and_a_partition_is_none() {
    let application = Application::new(Driver::TokioPostgres, 7).await;
    application
        .run(
            "CREATE TABLE events (id bigint, tenant_id text, who text, at timestamptz,
                PRIMARY KEY (id, at)) PARTITION BY RANGE (at);
             CREATE TABLE events_old PARTITION OF events FOR VALUES FROM (MINVALUE) TO ('2024-01-01');
             CREATE TABLE events_new PARTITION OF events FOR VALUES FROM ('2024-01-01') TO (MAXVALUE);
             INSERT INTO events SELECT n, 'acme', CASE n % 3 WHEN 0 THEN 'ben' ELSE 'ada' END,
                timestamptz '2023-01-01' + n * interval '1 month' FROM generate_series(1, 24) AS n;
             GRANT ALL ON events, events_old, events_new TO host_app",
        )
        .await;
    let mapping = |table: &str, key: &str| {
        format!(
            "name = \"app\"\nbatch = 5\n[[tables]]\ntable = \"{table}\"\ndata_set = \"content\"\n\
             origin = \"observed\"\nkey = {key}\ntenant = \"tenant_id\"\nage_column = \"at\"\n\
             age_unit = \"timestamp\"\nsubject = {{ column = \"who\", type = \"text\" }}\n\
             strategy = \"delete\"\nfields = [{{ column = \"at\", category = \"content\" }}]"
        )
    };
    let part = mapping("events_old", "[\"id\", \"at\"]");
    let error = open(&application.database, &part).await.map(drop).unwrap_err();
    assert!(error.to_string().contains("`events_old` is a part"), "{error}");
    let error = open(&application.database, &mapping("events", "[\"id\"]")).await.unwrap_err();
    assert!(error.to_string().contains("the key of `events` is not unique"), "{error}");

    let source = open(&application.database, &mapping("events", "[\"id\", \"at\"]")).await.unwrap();
    let (ada, ben) = (whose("acme", "ada"), whose("acme", "ben"));
    let mut rows = Gathered::default();
    source.collect(&ada, &mut rows).await.unwrap();
    let first = &rows.table("events")[0];
    assert_eq!(
        first.values[0],
        bailee_rights::source::Value::Text("2023-02-01T00:00:00+00:00".into())
    );
    // By age first, where Ben is excepted; then by person.
    let age = bailee_core::Timestamp::from_seconds(1_704_067_200);
    let except = [ben.person().clone()];
    let mut erased = 0;
    loop {
        let step = source.erase_older(ada.tenant(), "events", age, &except).await.unwrap();
        erased += step.rows();
        if !step.more {
            break;
        }
    }
    assert_eq!(erased, 8, "the months of 2023 without Ben's three");
    while source.erase(&ada).await.unwrap().more {}
    assert_eq!(source.remaining(&ada).await.unwrap().left(), 0);
    assert_eq!(source.count(&ben).await.unwrap().rows(), 8);
}
