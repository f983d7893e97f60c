//! Who may log in. Roles belong to the whole cluster, so each test has roles of its own names.

use std::{sync::Arc, time::Duration};

use bailee_core::{Clock, ErrorKind, ManualClock};
use bailee_store::{Claim, Due, Expect, Store};

use crate::{ACME, NOTE, batch, database, key, note, refused_to};

#[tokio::test]
async fn sto_03_a_mighty_role_is_refused() {
    let database = database().await;
    let superuser = database.superuser().await.unwrap();
    for (role, make) in [
        ("might_superuser", "CREATE ROLE might_superuser LOGIN SUPERUSER"),
        ("might_bypass", "CREATE ROLE might_bypass LOGIN BYPASSRLS"),
        ("might_create", "CREATE ROLE might_create LOGIN CREATEROLE"),
        ("might_replicate", "CREATE ROLE might_replicate LOGIN REPLICATION"),
        (
            "might_become",
            "CREATE ROLE might_become LOGIN NOINHERIT; CREATE ROLE might_hidden BYPASSRLS;
             GRANT might_hidden TO might_become",
        ),
    ] {
        superuser.batch_execute(make).await.unwrap();
        let grant = ["GRANT bailee_app TO ", role].concat();
        superuser.batch_execute(&grant).await.unwrap();
        let why = refused_to(&database, role).await;
        assert!(why.contains("log in as bailee_app"), "{role}: {why}");
    }
    let why = refused_to(&database, "postgres").await;
    assert!(why.contains("log in as bailee_app"), "{why}");
}

#[tokio::test]
async fn sto_03_a_role_that_owns_something_or_may_become_the_owner_is_refused() {
    let database = database().await;
    let superuser = database.superuser().await.unwrap();
    superuser
        .batch_execute(
            "CREATE ROLE owns_member LOGIN NOINHERIT;
             GRANT bailee_app, bailee_owner TO owns_member",
        )
        .await
        .unwrap();
    let why = refused_to(&database, "owns_member").await;
    assert!(why.contains("REVOKE bailee_owner FROM the login role"), "{why}");

    superuser
        .batch_execute(
            "CREATE ROLE owns_table LOGIN INHERIT; GRANT bailee_app TO owns_table;
             CREATE TABLE bailee.own (); ALTER TABLE bailee.own OWNER TO owns_table",
        )
        .await
        .unwrap();
    let why = refused_to(&database, "owns_table").await;
    assert!(why.contains("REASSIGN OWNED BY the login role TO bailee_owner"), "{why}");
}

#[tokio::test]
async fn sto_03_a_role_that_can_create_objects_is_refused() {
    let database = database().await;
    let superuser = database.superuser().await.unwrap();
    superuser
        .batch_execute("CREATE ROLE creates LOGIN INHERIT; GRANT bailee_app TO creates")
        .await
        .unwrap();
    for (give, back) in [
        ("GRANT CREATE ON SCHEMA bailee TO creates", "REVOKE CREATE ON SCHEMA bailee FROM creates"),
        ("GRANT CREATE ON SCHEMA public TO PUBLIC", "REVOKE CREATE ON SCHEMA public FROM PUBLIC"),
    ] {
        superuser.batch_execute(give).await.unwrap();
        let why = refused_to(&database, "creates").await;
        assert!(why.contains("REVOKE CREATE"), "{why}");
        superuser.batch_execute(back).await.unwrap();
        database.builder("creates").connect().await.unwrap();
    }
    let on_database = ["GRANT CREATE ON DATABASE ", database.name(), " TO creates"].concat();
    superuser.batch_execute(&on_database).await.unwrap();
    refused_to(&database, "creates").await;
}

#[tokio::test]
async fn sto_07_a_role_that_inherits_the_worker_is_refused() {
    let database = database().await;
    let superuser = database.superuser().await.unwrap();
    superuser
        .batch_execute("CREATE ROLE inherits LOGIN INHERIT; GRANT bailee_app TO inherits")
        .await
        .unwrap();
    // Through bailee_app, which does not inherit, the worker is reached by SET ROLE alone.
    database.builder("inherits").connect().await.unwrap();
    superuser.batch_execute("GRANT bailee_worker TO inherits").await.unwrap();
    let why = refused_to(&database, "inherits").await;
    assert!(why.contains("ALTER ROLE bailee_app NOINHERIT"), "{why}");
}

#[tokio::test]
async fn sto_07_a_role_that_cannot_enter_the_worker_is_refused() {
    let database = database().await;
    let superuser = database.superuser().await.unwrap();
    superuser.batch_execute("CREATE ROLE stranger LOGIN").await.unwrap();
    let why = refused_to(&database, "stranger").await;
    assert!(why.contains("GRANT bailee_worker TO bailee_app"), "{why}");
    assert!(why.contains("GRANT bailee_app TO the login role"), "{why}");
}

#[tokio::test]
async fn a_host_may_log_in_as_a_role_of_its_own_in_bailee_app() {
    let database = database().await;
    let superuser = database.superuser().await.unwrap();
    superuser
        .batch_execute("CREATE ROLE of_the_host LOGIN INHERIT; GRANT bailee_app TO of_the_host")
        .await
        .unwrap();
    let clock = ManualClock::default();
    let store =
        database.builder("of_the_host").clock(Arc::new(clock.clone())).connect().await.unwrap();
    let put = batch(&clock).put(note(key(1), &clock), Expect::Absent).schedule(
        key(1),
        None,
        Due::At(clock.now()),
    );
    store.commit(&ACME, &put.build().unwrap()).await.unwrap();
    assert!(store.read(&ACME, &[key(1)]).await.unwrap().records[0].is_some());
    let lease = Duration::from_secs(60);
    let claimed = store.claim(Claim::Due { tasks: &[NOTE], lease, limit: 9 }).await.unwrap();
    assert_eq!(claimed.len(), 1);
    assert_eq!(store.sweep(9).await.unwrap(), 0);
}

#[tokio::test]
async fn an_unknown_role_or_database_is_a_fault_of_the_configuration() {
    let database = database().await;
    let error = database.builder("nobody_here").connect().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Configuration);
    let mut config = database.loopback("bailee_app");
    config.password("canary");
    let error = bailee_postgres::Builder::new(config).connect().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Configuration);
    assert!(!format!("{error:?}").contains("canary"));
}
