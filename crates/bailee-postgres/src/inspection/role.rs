//! Server and role.

use tokio_postgres::Row;

use bailee_core::Result;

use super::{Faults, expected::TABLES};
use crate::{
    failure::Failure,
    pool::Session,
    statement::{Statement, get},
};

pub(super) async fn look(session: &mut Session, faults: &mut Faults) -> Result<()> {
    let answer = session.ask(&Statement::new(SERVER)).await?;
    for row in &answer.rows {
        let version: i32 = get(row, 0)?;
        if !is_patched(version) {
            faults.add(
                "the server lets row security be passed by (CVE-2024-10976, CVE-2025-8713)",
                "update it to 13.22, 14.19, 15.14, 16.10, 17.6, 18.0 or later",
            );
        }
        if get(row, 1)? {
            faults.add("the server is a standby", "connect to the primary");
        }
        if get(row, 2)? {
            faults.add(
                "a commit is not durable when it is answered",
                "ALTER ROLE the_login_role SET synchronous_commit = on",
            );
        }
        if get(row, 3)? {
            faults.add("a session begins in a tenant", NO_TENANT_AT_FIRST);
        }
    }
    let answer = session.ask(&Statement::new(ROLE).texts(TABLES.to_vec())).await?;
    let Some(row) = answer.rows.first() else {
        faults.add("the roles are missing", super::MIGRATE);
        return Ok(());
    };
    // The mends of roles are put together by the query, out of its own words.
    if let Some(mend) = get::<Option<&str>>(row, 8)? {
        faults.add("bailee_owner can log in or passes row security by", mend);
    }
    if get(row, 9)? {
        faults.add("bailee_worker can log in", "ALTER ROLE bailee_worker NOLOGIN");
    }
    if get(row, 0)? {
        // A superuser is everything below too.
        let fault = "the login role is, or may become, a superuser or a role with BYPASSRLS, \
                     CREATEROLE or REPLICATION";
        faults.add(
            fault,
            get::<Option<&str>>(row, 10)?.unwrap_or(
                "log in as bailee_app, or as a member of it that may become nothing else; ALTER \
                 ROLE bailee_app LOGIN PASSWORD '..' lets it in",
            ),
        );
        return Ok(());
    }
    if get(row, 1)? {
        faults.add(
            "the login role may become the owner of the schema",
            "REVOKE bailee_owner FROM the_login_role",
        );
    }
    if get(row, 7)? {
        faults.add(
            "the login role owns the schema or something in it, or one of these objects is not \
             bailee_owner's",
            GIVE_TO_THE_OWNER,
        );
    }
    if get(row, 2)? {
        let mend = match (get(row, 11)?, is_since_16(&answer.rows)?) {
            (true, false) => "ALTER ROLE bailee_app NOINHERIT",
            (true, true) => "GRANT bailee_worker TO bailee_app WITH INHERIT FALSE, SET TRUE",
            (false, _) => "REVOKE bailee_worker FROM the_login_role",
        };
        faults.add("the login role inherits bailee_worker and so sees every tenant's rows", mend);
    }
    if !get::<bool>(row, 3)? {
        faults.add("bailee_app cannot enter bailee_worker", "GRANT bailee_worker TO bailee_app");
    }
    if !get::<bool>(row, 4)? {
        let mend = if is_since_16(&answer.rows)? {
            "GRANT bailee_app TO the_login_role WITH INHERIT TRUE"
        } else {
            "GRANT bailee_app TO the_login_role; ALTER ROLE the_login_role INHERIT"
        };
        faults.add("the login role is not bailee_app and does not inherit it", mend);
    }
    // Who may become the owner can create what the owner can.
    if get(row, 5)? && !get::<bool>(row, 1)? {
        faults.add("the login role can create objects", CREATE_NOTHING);
    }
    if get(row, 6)? {
        faults.add(
            "the login role may become a role of the server's own that reads or writes everything",
            READ_NOT_ALL,
        );
    }
    Ok(())
}

fn is_since_16(rows: &[Row]) -> Result<bool, Failure> {
    rows.first().map_or(Ok(false), |row| Ok(get::<i32>(row, 12)? >= 160_000))
}

/// The first releases in which a plan, a role's change and statistics no longer pass by row
/// security.
fn is_patched(version: i32) -> bool {
    match version / 10_000 {
        13 => version >= 130_022,
        14 => version >= 140_019,
        15 => version >= 150_014,
        16 => version >= 160_010,
        17 => version >= 170_006,
        major => major >= 18,
    }
}

/// In every mend `the_login_role` stands for the role of the address: what a catalogue says is no
/// text of an error.
const NO_TENANT_AT_FIRST: &str = "ALTER ROLE the_login_role RESET bailee.tenant; ALTER ROLE ALL \
    RESET bailee.tenant; DO $$ BEGIN EXECUTE format('ALTER DATABASE %I RESET bailee.tenant', \
    current_database()); EXECUTE format('ALTER ROLE the_login_role IN DATABASE %I RESET \
    bailee.tenant', current_database()); END $$";

const GIVE_TO_THE_OWNER: &str = "DO $$ DECLARE o text; BEGIN FOR o IN SELECT 'TABLE ' || \
    c.oid::regclass FROM pg_class c WHERE c.relnamespace = 'bailee'::regnamespace AND c.relkind \
    IN ('r', 'p', 'v', 'm', 'f') UNION ALL SELECT 'ROUTINE ' || p.oid::regprocedure FROM pg_proc p \
    WHERE p.pronamespace = 'bailee'::regnamespace UNION ALL SELECT 'DOMAIN ' || t.oid::regtype \
    FROM pg_type t WHERE t.typnamespace = 'bailee'::regnamespace AND t.typtype = 'd' UNION ALL \
    SELECT 'SCHEMA bailee' LOOP EXECUTE 'ALTER ' || o || ' OWNER TO bailee_owner'; END LOOP; END $$";

const CREATE_NOTHING: &str = "DO $$ DECLARE o text; BEGIN FOR o IN SELECT format('SCHEMA %I', \
    nspname) FROM pg_namespace WHERE nspname !~ '^pg_' UNION ALL SELECT format('DATABASE %I', \
    current_database()) LOOP EXECUTE 'REVOKE CREATE ON ' || o || ' FROM PUBLIC, bailee_app, \
    bailee_worker, the_login_role'; END LOOP; END $$";

const READ_NOT_ALL: &str = "DO $$ DECLARE r name; BEGIN FOR r IN SELECT rolname FROM pg_roles \
    WHERE rolname IN ('pg_read_all_data', 'pg_write_all_data', 'pg_read_server_files', \
    'pg_write_server_files', 'pg_execute_server_program', 'pg_maintain', \
    'pg_create_subscription') LOOP EXECUTE format('REVOKE %I FROM bailee_app, bailee_worker, \
    the_login_role', r); END LOOP; END $$";

const SERVER: &str = "
SELECT current_setting('server_version_num')::int, pg_is_in_recovery(),
  current_setting('synchronous_commit') = 'off',
  coalesce(current_setting('bailee.tenant', true), '') <> ''";

/// One row, or none when a role is missing. The role that logged in counts: it can always return
/// to itself.
const ROLE: &str = "
SELECT
  (SELECT bool_or(r.rolsuper OR r.rolbypassrls OR r.rolcreaterole OR r.rolreplication)
   FROM pg_roles r WHERE pg_has_role(session_user, r.oid, 'MEMBER')),
  pg_has_role(session_user, owner.oid, 'MEMBER'),
  pg_has_role(session_user, worker.oid, 'USAGE') OR pg_has_role(worker.oid, 'USAGE'),
  pg_has_role(app.oid, worker.oid, 'MEMBER'),
  pg_has_role(session_user, app.oid, 'USAGE') AND pg_has_role(app.oid, 'USAGE'),
  has_database_privilege(session_user, current_database(), 'CREATE')
  OR EXISTS (SELECT FROM pg_namespace n
             WHERE n.nspname !~ '^pg_(toast_)?temp_'
               AND has_schema_privilege(session_user, n.oid, 'CREATE')),
  EXISTS (SELECT FROM pg_roles r
          WHERE r.rolname IN ('pg_read_all_data', 'pg_write_all_data', 'pg_read_server_files',
              'pg_write_server_files', 'pg_execute_server_program', 'pg_maintain',
              'pg_create_subscription')
            AND pg_has_role(session_user, r.oid, 'MEMBER')),
  EXISTS (
    SELECT FROM (
      SELECT n.nspowner AS owner, true AS ours FROM pg_namespace n WHERE n.nspname = 'bailee'
      UNION ALL
      SELECT c.relowner, c.relname = ANY ($1)
      FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
      WHERE n.nspname = 'bailee' AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
      UNION ALL
      SELECT p.proowner, p.proname IN ('fetch', 'find')
      FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace WHERE n.nspname = 'bailee'
      UNION ALL
      SELECT t.typowner, true
      FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace
      WHERE n.nspname = 'bailee' AND t.typtype = 'd'
    ) o
    WHERE (o.ours AND o.owner <> owner.oid)
      OR (o.owner <> owner.oid AND pg_has_role(session_user, o.owner, 'MEMBER'))
  ),
  'ALTER ROLE bailee_owner' || nullif(concat(
    CASE WHEN owner.rolcanlogin THEN ' NOLOGIN' END,
    CASE WHEN owner.rolsuper THEN ' NOSUPERUSER' END,
    CASE WHEN owner.rolbypassrls THEN ' NOBYPASSRLS' END), ''),
  worker.rolcanlogin,
  -- Without what is not there: only a superuser may say NOSUPERUSER.
  (SELECT string_agg('ALTER ROLE ' || r.rolname || concat(
     CASE WHEN r.rolsuper THEN ' NOSUPERUSER' END,
     CASE WHEN r.rolbypassrls THEN ' NOBYPASSRLS' END,
     CASE WHEN r.rolcreaterole THEN ' NOCREATEROLE' END,
     CASE WHEN r.rolreplication THEN ' NOREPLICATION' END), '; ')
   FROM pg_roles r WHERE r.rolname IN ('bailee_app', 'bailee_worker')
     AND (r.rolsuper OR r.rolbypassrls OR r.rolcreaterole OR r.rolreplication)),
  pg_has_role(app.oid, worker.oid, 'USAGE'),
  current_setting('server_version_num')::int
FROM pg_roles owner, pg_roles worker, pg_roles app
WHERE owner.rolname = 'bailee_owner' AND worker.rolname = 'bailee_worker'
  AND app.rolname = 'bailee_app'";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sto_03_releases_below_the_patched_ones_are_refused() {
        for version in [90_624, 120_022, 130_021, 140_018, 150_013, 160_009, 170_005] {
            assert!(!is_patched(version), "{version}");
        }
        for version in [130_022, 140_019, 150_014, 150_018, 160_010, 170_006, 180_000, 190_001] {
            assert!(is_patched(version), "{version}");
        }
    }
}
