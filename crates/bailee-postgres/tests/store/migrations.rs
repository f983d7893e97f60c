//! How roles and schema come to be.

use bailee_core::ErrorKind;
use bailee_postgres::{MIGRATIONS, migrations_sql, testing::Cluster};

use crate::{accepted, database, refused};

#[tokio::test]
async fn connecting_never_migrates() {
    let database = Cluster::shared().unwrap().empty_database().await.unwrap();
    // The roles are there as soon as one database of the cluster has been migrated.
    crate::database().await;
    let why = refused(&database).await;
    assert!(why.contains("run the migrations"), "{why}");
    let superuser = database.superuser().await.unwrap();
    let schemas = "SELECT FROM pg_namespace WHERE nspname = 'bailee'";
    assert!(superuser.query(schemas, &[]).await.unwrap().is_empty());
}

#[tokio::test]
async fn migrating_again_does_nothing() {
    let database = Cluster::shared().unwrap().empty_database().await.unwrap();
    let all = u32::try_from(MIGRATIONS.len()).unwrap();
    assert_eq!(database.as_superuser().migrate().await.unwrap(), all);
    assert_eq!(database.as_superuser().migrate().await.unwrap(), 0);
    accepted(&database).await;
}

#[tokio::test]
async fn programs_that_migrate_at_once_take_turns() {
    let database = Cluster::shared().unwrap().empty_database().await.unwrap();
    let (one, other) =
        tokio::join!(database.as_superuser().migrate(), database.as_superuser().migrate());
    let all = u32::try_from(MIGRATIONS.len()).unwrap();
    assert_eq!(one.unwrap() + other.unwrap(), all);
    accepted(&database).await;
}

#[tokio::test]
async fn the_script_makes_what_the_program_makes() {
    let database = Cluster::shared().unwrap().empty_database().await.unwrap();
    let superuser = database.superuser().await.unwrap();
    superuser.batch_execute(&migrations_sql()).await.unwrap();
    accepted(&database).await;
    assert_eq!(database.as_superuser().migrate().await.unwrap(), 0);
}

#[tokio::test]
async fn an_administrator_need_not_be_a_superuser() {
    let database = Cluster::shared().unwrap().empty_database().await.unwrap();
    crate::database().await;
    let superuser = database.superuser().await.unwrap();
    let give = [
        "CREATE ROLE plain_admin LOGIN; GRANT bailee_owner TO plain_admin; GRANT CREATE ON DATABASE ",
        database.name(),
        " TO plain_admin",
    ];
    superuser.batch_execute(&give.concat()).await.unwrap();
    database.builder("plain_admin").migrate().await.unwrap();
    accepted(&database).await;
}

#[tokio::test]
async fn whoever_may_not_migrate_changes_nothing() {
    let database = Cluster::shared().unwrap().empty_database().await.unwrap();
    crate::database().await;
    let error = database.builder("bailee_app").migrate().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Configuration);
    refused(&database).await;
}

#[tokio::test]
async fn a_database_behind_the_program_is_refused() {
    let database = database().await;
    let superuser = database.superuser().await.unwrap();
    superuser.batch_execute("DELETE FROM bailee.migration").await.unwrap();
    let why = refused(&database).await;
    assert!(why.contains("migrations have not run"), "{why}");
}

#[tokio::test]
async fn a_database_ahead_is_followed_as_far_as_it_says() {
    let database = database().await;
    let superuser = database.superuser().await.unwrap();
    let newer = "INSERT INTO bailee.migration (number, needs) VALUES (1000, 1)";
    superuser.batch_execute(newer).await.unwrap();
    accepted(&database).await;
    let error = database.as_superuser().migrate().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Configuration);
    superuser.batch_execute("UPDATE bailee.migration SET needs = 1000").await.unwrap();
    let why = refused(&database).await;
    assert!(why.contains("run the newer release"), "{why}");
}
