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

/// As on a managed server, where nobody is a superuser: a role with CREATEROLE, and CREATE on the
/// database. In a cluster of its own, in which nobody has made the roles.
#[tokio::test]
async fn a_role_that_may_create_roles_and_schemas_migrates_a_new_server() {
    let cluster = Cluster::start(&[]).unwrap();
    let all = u32::try_from(MIGRATIONS.len()).unwrap();
    let databases =
        [cluster.empty_database().await.unwrap(), cluster.empty_database().await.unwrap()];
    for (admin, database) in ["managed_admin", "other_admin"].iter().zip(&databases) {
        let superuser = database.superuser().await.unwrap();
        let give = format!(
            "CREATE ROLE {admin} LOGIN CREATEROLE;
             GRANT CREATE ON DATABASE {} TO {admin}",
            database.name()
        );
        superuser.batch_execute(&give).await.unwrap();
    }
    // The first makes the roles; the second finds them, and is no member of any.
    assert_eq!(databases[0].builder("managed_admin").migrate().await.unwrap(), all);
    assert_eq!(databases[0].builder("managed_admin").migrate().await.unwrap(), 0);
    accepted(&databases[0]).await;

    let admin = crate::login(&databases[1], "other_admin").await;
    admin.batch_execute(&migrations_sql()).await.unwrap();
    accepted(&databases[1]).await;
    assert_eq!(databases[1].builder("other_admin").migrate().await.unwrap(), 0);

    // What they were given does not make the application mightier.
    let superuser = databases[0].superuser().await.unwrap();
    let members = "SELECT m.rolname::text || ' in ' || r.rolname FROM pg_auth_members a
        JOIN pg_roles r ON r.oid = a.roleid JOIN pg_roles m ON m.oid = a.member
        WHERE r.rolname ~ '^bailee_' ORDER BY 1";
    let members = superuser.query(members, &[]).await.unwrap();
    let members: Vec<&str> = members.iter().map(|row| row.get(0)).collect();
    assert_eq!(
        members,
        [
            "bailee_app in bailee_worker",
            "managed_admin in bailee_owner",
            "other_admin in bailee_owner"
        ]
    );
}

#[tokio::test]
async fn a_mend_is_run_by_a_managed_administrator_too() {
    let cluster = Cluster::start(&[]).unwrap();
    let database = cluster.empty_database().await.unwrap();
    let superuser = database.superuser().await.unwrap();
    let give = format!(
        "CREATE ROLE managed_admin LOGIN CREATEROLE;
         GRANT CREATE ON DATABASE {} TO managed_admin",
        database.name()
    );
    superuser.batch_execute(&give).await.unwrap();
    database.builder("managed_admin").migrate().await.unwrap();
    let admin = crate::login(&database, "managed_admin").await;
    for harm in [
        "DROP POLICY mine ON bailee.record",
        "ALTER TABLE bailee.work NO FORCE ROW LEVEL SECURITY",
        "REVOKE UPDATE ON bailee.work FROM bailee_app",
        "GRANT SELECT ON bailee.head TO bailee_worker WITH GRANT OPTION",
        "GRANT EXECUTE ON FUNCTION bailee.fetch TO PUBLIC",
        "GRANT USAGE ON SCHEMA bailee TO PUBLIC",
        "ALTER TABLE bailee.record ALTER body DROP NOT NULL",
        "ALTER DOMAIN bailee.kind DROP CONSTRAINT kind_check",
        "ALTER ROLE bailee_app INHERIT",
        "ALTER ROLE bailee_worker LOGIN",
        "ALTER ROLE bailee_app CREATEROLE",
        "REVOKE bailee_worker FROM bailee_app",
        "GRANT bailee_owner TO bailee_app",
    ] {
        superuser.batch_execute(harm).await.unwrap();
        let why = refused(&database).await;
        let mend = why.split_once(": ").unwrap().1.replace("the_login_role", "bailee_app");
        admin.batch_execute(&mend).await.unwrap_or_else(|error| panic!("{mend}: {error:?}"));
        accepted(&database).await;
    }
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
