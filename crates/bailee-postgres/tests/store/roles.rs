//! Who may log in. Roles belong to the whole cluster, so each test has roles of its own names.

use std::{sync::Arc, time::Duration};

use bailee_core::{Clock, ErrorKind, ManualClock};
use bailee_postgres::testing::{Cluster, Database};
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

/// What a refusal says is run as an administrator, with the role's name in its place, and then the
/// role is accepted.
async fn mends(database: &Database<'_>, role: &str, harm: &str) {
    let superuser = database.superuser().await.unwrap();
    superuser.batch_execute(harm).await.unwrap_or_else(|error| panic!("{harm}: {error}"));
    let mut why = refused_to(database, role).await;
    let mut accepted = false;
    // One harm may be two faults.
    for _ in 0..2 {
        let (_, mend) = why.split_once(": ").unwrap();
        let mend = mend.split("; the ").next().unwrap().replace("the_login_role", role);
        superuser.batch_execute(&mend).await.unwrap_or_else(|error| panic!("{mend}: {error}"));
        match database.builder(role).connect().await {
            Ok(_) => {
                accepted = true;
                break;
            }
            Err(error) => why = crate::why(error),
        }
    }
    assert!(accepted, "{harm}, and still {why}");
}

#[tokio::test]
async fn sto_03_the_sql_of_a_refusal_makes_a_role_of_the_hosts_acceptable() {
    let database = database().await;
    let superuser = database.superuser().await.unwrap();
    superuser
        .batch_execute("CREATE ROLE own_login LOGIN INHERIT; GRANT bailee_app TO own_login")
        .await
        .unwrap();
    let on_database = ["GRANT CREATE ON DATABASE ", database.name(), " TO own_login"].concat();
    for harm in [
        "GRANT bailee_owner TO own_login",
        "GRANT bailee_worker TO own_login",
        "REVOKE bailee_app FROM own_login",
        "ALTER ROLE own_login NOINHERIT",
        "GRANT pg_read_all_data TO own_login",
        "GRANT pg_execute_server_program TO own_login",
        "GRANT CREATE ON SCHEMA bailee TO own_login",
        "GRANT CREATE ON SCHEMA public TO PUBLIC",
        "CREATE SCHEMA beside; GRANT CREATE ON SCHEMA beside TO own_login",
        &on_database,
        "CREATE TABLE bailee.own (); ALTER TABLE bailee.own OWNER TO own_login",
        "CREATE FUNCTION bailee.own() RETURNS int LANGUAGE sql AS 'SELECT 1';
         ALTER FUNCTION bailee.own OWNER TO own_login",
        "ALTER TABLE bailee.record OWNER TO own_login",
        "ALTER ROLE own_login SET bailee.tenant = 'acme'",
        "ALTER ROLE own_login SET synchronous_commit = off",
    ] {
        mends(&database, "own_login", harm).await;
    }
}

/// In a cluster of its own, because these roles are everybody's in the shared one.
#[tokio::test]
async fn sto_03_the_sql_of_a_refusal_makes_the_three_roles_what_they_were() {
    let cluster = Cluster::start(&[]).unwrap();
    let database = cluster.database().await.unwrap();
    let mut harms = Vec::new();
    for might in ["SUPERUSER", "BYPASSRLS", "CREATEROLE", "REPLICATION"] {
        harms.push(format!("ALTER ROLE bailee_app {might}"));
        harms.push(format!("ALTER ROLE bailee_worker {might}"));
    }
    harms.extend(
        [
            "ALTER ROLE bailee_app INHERIT",
            "ALTER ROLE bailee_worker LOGIN",
            "ALTER ROLE bailee_owner LOGIN",
            "ALTER ROLE bailee_owner SUPERUSER",
            "ALTER ROLE bailee_owner BYPASSRLS",
            "GRANT bailee_owner TO bailee_app",
            "GRANT bailee_owner TO bailee_worker",
            "REVOKE bailee_worker FROM bailee_app",
            "GRANT pg_read_all_data TO bailee_app",
            "GRANT pg_read_all_data TO bailee_worker",
            "GRANT pg_write_all_data TO bailee_worker",
            "GRANT pg_read_server_files TO bailee_app",
            "GRANT CREATE ON SCHEMA public TO bailee_app",
            "ALTER TABLE bailee.record OWNER TO postgres",
            "ALTER FUNCTION bailee.find OWNER TO postgres",
            "ALTER DOMAIN bailee.tenant OWNER TO postgres",
            "ALTER SCHEMA bailee OWNER TO postgres",
            "ALTER ROLE bailee_app SET bailee.tenant = 'acme'",
            "ALTER ROLE ALL SET bailee.tenant = 'acme'",
        ]
        .map(str::to_owned),
    );
    harms.push(format!("ALTER DATABASE {} SET bailee.tenant = 'acme'", database.name()));
    harms.push(format!(
        "ALTER ROLE bailee_app IN DATABASE {} SET bailee.tenant = 'acme'",
        database.name()
    ));
    for harm in harms {
        match harm.as_str() {
            // Its way back is the role that it belongs to.
            "GRANT bailee_owner TO bailee_worker" => {
                let superuser = database.superuser().await.unwrap();
                superuser.batch_execute(&harm).await.unwrap();
                let why = refused_to(&database, "bailee_app").await;
                assert!(why.contains("REVOKE bailee_owner FROM"), "{why}");
                let back = "REVOKE bailee_owner FROM bailee_worker";
                superuser.batch_execute(back).await.unwrap();
            }
            _ => mends(&database, "bailee_app", &harm).await,
        }
    }
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
