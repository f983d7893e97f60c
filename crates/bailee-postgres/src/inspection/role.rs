//! Server and role.

use bailee_core::Result;

use super::Faults;
use crate::{
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
                "ALTER ROLE CURRENT_USER SET synchronous_commit = on",
            );
        }
    }
    let answer = session.ask(&Statement::new(ROLE)).await?;
    let Some(row) = answer.rows.first() else {
        faults.add("the roles are missing", super::MIGRATE);
        return Ok(());
    };
    if get(row, 0)? {
        // A superuser is everything below too.
        faults.add(
            "the login role is, or may become, a superuser or a role with BYPASSRLS, CREATEROLE \
             or REPLICATION",
            "log in as bailee_app, or as a member of it that may become nothing else",
        );
        return Ok(());
    }
    if get(row, 1)? {
        faults.add(
            "the login role owns the schema or something in it, or may become its owner",
            "as an administrator: REVOKE bailee_owner FROM the login role, and \
             REASSIGN OWNED BY the login role TO bailee_owner",
        );
    }
    if get(row, 2)? {
        faults.add(
            "the login role inherits bailee_worker and so sees every tenant's rows",
            "ALTER ROLE bailee_app NOINHERIT; REVOKE bailee_worker FROM the login role; \
             from PostgreSQL 16 on GRANT bailee_worker TO bailee_app WITH INHERIT FALSE, SET TRUE",
        );
    }
    if !get::<bool>(row, 3)? {
        faults
            .add("the login role cannot enter bailee_worker", "GRANT bailee_worker TO bailee_app");
    }
    if !get::<bool>(row, 4)? {
        faults.add("the login role is not bailee_app", "GRANT bailee_app TO the login role");
    }
    if get(row, 5)? {
        faults.add(
            "the login role can create objects",
            "REVOKE CREATE ON the database and ON every SCHEMA FROM PUBLIC, bailee_app and the \
             login role; SELECT nspname FROM pg_namespace WHERE \
             has_schema_privilege('bailee_app', oid, 'CREATE') names the schemas",
        );
    }
    Ok(())
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

const SERVER: &str = "
SELECT current_setting('server_version_num')::int, pg_is_in_recovery(),
  current_setting('synchronous_commit') = 'off'";

/// One row, or none when a role is missing. The role that logged in counts: it can always return
/// to itself.
const ROLE: &str = "
SELECT
  (SELECT bool_or(r.rolsuper OR r.rolbypassrls OR r.rolcreaterole OR r.rolreplication)
   FROM pg_roles r WHERE pg_has_role(session_user, r.oid, 'MEMBER')),
  pg_has_role(session_user, owner.oid, 'MEMBER')
  OR EXISTS (SELECT FROM pg_namespace n
             WHERE n.nspname = 'bailee' AND pg_has_role(session_user, n.nspowner, 'MEMBER'))
  OR EXISTS (SELECT FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
             WHERE n.nspname = 'bailee' AND pg_has_role(session_user, c.relowner, 'MEMBER'))
  OR EXISTS (SELECT FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
             WHERE n.nspname = 'bailee' AND pg_has_role(session_user, p.proowner, 'MEMBER')),
  pg_has_role(session_user, worker.oid, 'USAGE') OR pg_has_role(worker.oid, 'USAGE'),
  pg_has_role(session_user, worker.oid, 'MEMBER'),
  pg_has_role(session_user, app.oid, 'USAGE') AND pg_has_role(app.oid, 'USAGE'),
  has_database_privilege(session_user, current_database(), 'CREATE')
  OR EXISTS (SELECT FROM pg_namespace n
             WHERE n.nspname !~ '^pg_(toast_)?temp_'
               AND has_schema_privilege(session_user, n.oid, 'CREATE'))
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
