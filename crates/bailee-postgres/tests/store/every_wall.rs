//! Each wall that the catalogue knows, taken down by itself or made wider.

use bailee_postgres::{PostgresStore, testing::Database};
use tokio_postgres::Client;

use crate::{accepted, database, why};

async fn texts(superuser: &Client, sql: &str) -> Vec<String> {
    superuser.query(sql, &[]).await.unwrap().iter().map(|row| row.get(0)).collect()
}

/// Statements that each harm a wall are noticed, and undone by what the refusal says.
async fn all_are_mended(database: &Database<'_>, harms: &[String]) {
    let superuser = database.superuser().await.unwrap();
    let store = accepted(database).await;
    for harm in harms {
        superuser.batch_execute(harm).await.unwrap_or_else(|error| panic!("{harm}: {error}"));
        // A key takes others with it: its remedy brings back one after the other.
        let mut told = None;
        for _ in 0..3 {
            let Err(error) = store.inspect().await else { break };
            let fault = why(error);
            let (_, mend) = fault.split_once(": ").unwrap();
            let mend = mend.split("; a key of").next().unwrap();
            superuser.batch_execute(mend).await.unwrap_or_else(|error| panic!("{mend}: {error}"));
            told = Some(fault);
        }
        assert!(told.is_some(), "nobody noticed {harm}");
        is_whole(&store, harm).await;
    }
}

/// Statements that each give something are noticed; what takes it back is said here.
async fn all_are_refused(database: &Database<'_>, harms: &[(String, String)]) {
    let superuser = database.superuser().await.unwrap();
    let store = accepted(database).await;
    for (harm, back) in harms {
        superuser.batch_execute(harm).await.unwrap_or_else(|error| panic!("{harm}: {error}"));
        let Err(error) = store.inspect().await else { panic!("nobody noticed {harm}") };
        assert!(why(error).contains(": "));
        superuser.batch_execute(back).await.unwrap_or_else(|error| panic!("{back}: {error}"));
    }
    is_whole(&store, "all of it").await;
}

async fn is_whole(store: &PostgresStore, after: &str) {
    store.inspect().await.unwrap_or_else(|error| panic!("after {after}: {error}"));
}

#[tokio::test]
async fn sto_02_each_policy_that_is_made_wider_is_refused() {
    let database = database().await;
    let superuser = database.superuser().await.unwrap();
    let harms = texts(
        &superuser,
        "SELECT format('ALTER POLICY %I ON bailee.%I %s', policyname, tablename, wider)
         FROM pg_policies CROSS JOIN LATERAL (
           SELECT 'USING (true)' AS wider WHERE qual <> 'true'
           UNION ALL SELECT 'WITH CHECK (true)' WHERE with_check <> 'true'
           UNION ALL SELECT 'USING (tenant IS NOT NULL)' WHERE qual ~ '^.tenant'
           UNION ALL SELECT 'TO PUBLIC'
           UNION ALL SELECT 'TO ' || role FROM unnest(ARRAY['bailee_app', 'bailee_worker',
             'bailee_owner', 'CURRENT_USER']) role WHERE role <> ALL (roles)
           UNION ALL SELECT 'RENAME TO renamed'
         ) w WHERE schemaname = 'bailee' ORDER BY 1",
    )
    .await;
    assert!(harms.len() > 19 * 5, "{}", harms.len());
    // A renamed one is one too many and one missing; the rest have one fault each.
    let (renamed, wider): (Vec<_>, Vec<_>) =
        harms.into_iter().partition(|harm| harm.ends_with("renamed"));
    all_are_mended(&database, &wider).await;
    let renamed: Vec<_> = renamed
        .into_iter()
        .map(|harm| {
            let name = harm.split(' ').nth(2).unwrap();
            let back = harm.replace(&format!("POLICY {name} "), "POLICY renamed ");
            let back = back.replace("TO renamed", &format!("TO {name}"));
            (harm, back)
        })
        .collect();
    all_are_refused(&database, &renamed).await;
}

/// Every grant on a table or a column: role, privilege, table, and the columns in brackets.
const GRANTS: &str = "
  SELECT a.grantee, a.privilege_type AS privilege, c.oid AS of, c.relname, '' AS columns
  FROM pg_class c CROSS JOIN aclexplode(c.relacl) a
  WHERE c.relnamespace = 'bailee'::regnamespace AND c.relkind = 'r' AND a.grantee <> c.relowner
  UNION ALL
  SELECT a.grantee, a.privilege_type, c.oid, c.relname, format('(%I)', t.attname)
  FROM pg_class c JOIN pg_attribute t ON t.attrelid = c.oid CROSS JOIN aclexplode(t.attacl) a
  WHERE c.relnamespace = 'bailee'::regnamespace";

#[tokio::test]
async fn sto_02_each_grant_that_is_missing_or_may_be_handed_on_is_refused() {
    let database = database().await;
    let superuser = database.superuser().await.unwrap();
    for what in ["", "GRANT OPTION"] {
        let harms = format!(
            "SELECT CASE '{what}' WHEN '' THEN
               format('REVOKE %s %s ON bailee.%I FROM %s', privilege, columns, relname,
                 grantee::regrole)
             ELSE
               format('GRANT %s %s ON bailee.%I TO %s WITH GRANT OPTION', privilege, columns,
                 relname, grantee::regrole)
             END FROM ({GRANTS}) g"
        );
        let harms = texts(&superuser, &harms).await;
        assert_eq!(harms.len(), 46);
        all_are_mended(&database, &harms).await;
    }
    let others = [
        "REVOKE USAGE ON SCHEMA bailee FROM bailee_app",
        "REVOKE USAGE ON SCHEMA bailee FROM bailee_worker",
        "GRANT USAGE ON SCHEMA bailee TO PUBLIC",
        "GRANT USAGE ON SCHEMA bailee TO bailee_app WITH GRANT OPTION",
        "GRANT CREATE ON SCHEMA bailee TO bailee_worker",
        "GRANT EXECUTE ON FUNCTION bailee.fetch TO PUBLIC",
        "GRANT EXECUTE ON FUNCTION bailee.find TO bailee_worker",
        "GRANT EXECUTE ON FUNCTION bailee.find TO bailee_app WITH GRANT OPTION",
    ];
    all_are_mended(&database, &others.map(str::to_owned)).await;
}

#[tokio::test]
async fn sto_02_each_grant_that_is_not_there_is_refused_when_it_is() {
    let database = database().await;
    let superuser = database.superuser().await.unwrap();
    let give = format!(
        "WITH there AS ({GRANTS}),
         could AS (
           SELECT r.oid AS grantee, r.name, p AS privilege, c.oid AS of, c.relname, '' AS columns
           FROM pg_class c CROSS JOIN unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE',
             'TRUNCATE', 'REFERENCES', 'TRIGGER']) p
           CROSS JOIN (VALUES ('bailee_app'::regrole::oid, 'bailee_app'),
             ('bailee_worker'::regrole, 'bailee_worker'), (0::oid, 'PUBLIC')) r (oid, name)
           WHERE c.relnamespace = 'bailee'::regnamespace AND c.relkind = 'r'
           UNION ALL
           SELECT r.oid, r.name, p, c.oid, c.relname, format('(%I)', t.attname)
           FROM pg_class c JOIN pg_attribute t ON t.attrelid = c.oid
           CROSS JOIN unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'REFERENCES']) p
           CROSS JOIN (VALUES ('bailee_app'::regrole::oid, 'bailee_app'),
             ('bailee_worker'::regrole, 'bailee_worker'), (0::oid, 'PUBLIC')) r (oid, name)
           WHERE c.relnamespace = 'bailee'::regnamespace AND c.relkind = 'r' AND t.attnum > 0
         ),
         -- A revocation from a table takes those from its columns with it.
         lost AS (
           SELECT grantee, privilege, of, string_agg(format('; GRANT %s %s ON bailee.%I TO %s',
             privilege, columns, relname, grantee::regrole), '') AS again
           FROM there WHERE columns <> '' GROUP BY 1, 2, 3
         )
         SELECT format('GRANT %s %s ON bailee.%I TO %s', privilege, columns, relname, name),
           format('REVOKE %s %s ON bailee.%I FROM %s', privilege, columns, relname, name)
             || CASE columns WHEN '' THEN coalesce(again, '') ELSE '' END
         FROM could LEFT JOIN lost USING (grantee, privilege, of)
         WHERE (grantee, privilege, of, columns)
           NOT IN (SELECT grantee, privilege, of, columns FROM there)
         ORDER BY 1"
    );
    let rows = superuser.query(&give, &[]).await.unwrap();
    let harms: Vec<(String, String)> = rows.iter().map(|row| (row.get(0), row.get(1))).collect();
    assert!(harms.len() > 500, "{}", harms.len());
    all_are_refused(&database, &harms).await;
}

#[tokio::test]
async fn sto_02_each_key_condition_and_required_column_that_is_missing_is_refused() {
    let database = database().await;
    let superuser = database.superuser().await.unwrap();
    let harms = texts(
        &superuser,
        "SELECT CASE WHEN k.contypid = 0
           THEN format('ALTER TABLE %s DROP CONSTRAINT %I CASCADE', k.conrelid::regclass, k.conname)
           ELSE format('ALTER DOMAIN %s DROP CONSTRAINT %I', k.contypid::regtype, k.conname) END
         FROM pg_constraint k WHERE k.connamespace = 'bailee'::regnamespace
         UNION ALL
         SELECT format('ALTER TABLE %s ALTER %I DROP NOT NULL', c.oid::regclass, a.attname)
         FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
         WHERE c.relnamespace = 'bailee'::regnamespace AND c.relkind = 'r' AND a.attnum > 0
           AND a.attnotnull AND NOT EXISTS (SELECT FROM pg_constraint k
             WHERE k.conrelid = c.oid AND k.contype = 'p' AND a.attnum = ANY (k.conkey))
         UNION ALL
         SELECT format('DROP INDEX %s', i.indexrelid::regclass)
         FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid
         WHERE c.relnamespace = 'bailee'::regnamespace AND i.indisunique AND NOT i.indisprimary
         UNION ALL
         SELECT format('ALTER TABLE %s DISABLE TRIGGER ALL', tgrelid::regclass)
         FROM pg_trigger GROUP BY tgrelid
         ORDER BY 1",
    )
    .await;
    assert_eq!(harms.len(), 16 + 15 + 1 + 2, "{harms:#?}");
    all_are_mended(&database, &harms).await;
}
