//! Tables, policies, grants, and what else lies on them.

use std::collections::BTreeSet;

use bailee_core::Result;

use super::{
    Faults, MIGRATE, constraints,
    expected::{APP, FUNCTIONS, GRANTS, POLICIES, TABLES, WORKER},
};
use crate::{
    failure::Failure,
    pool::Session,
    statement::{Statement, get},
};

pub(super) async fn is_there(session: &mut Session) -> Result<bool> {
    let statement = Statement::new("SELECT FROM pg_namespace WHERE nspname = 'bailee'");
    Ok(session.ask(&statement).await?.rows.len() == 1)
}

pub(super) async fn look(session: &mut Session, faults: &mut Faults) -> Result<()> {
    tables(session, faults).await?;
    constraints::look(session, faults).await?;
    policies(session, faults).await?;
    grants(session, faults).await?;
    functions(session, faults).await?;
    strangers(session, faults).await
}

async fn tables(session: &mut Session, faults: &mut Faults) -> Result<()> {
    let statement = Statement::new(
        "SELECT c.relname::text, c.relrowsecurity, c.relforcerowsecurity
         FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
         WHERE n.nspname = 'bailee' AND c.relkind = 'r'",
    );
    let answer = session.ask(&statement).await?;
    let mut seen = BTreeSet::new();
    for row in &answer.rows {
        let name: &str = get(row, 0)?;
        let Some(table) = TABLES.iter().find(|table| **table == name) else {
            // A newer release's table, which that release looks at; or somebody's, which has no
            // business here but shows nothing of ours.
            continue;
        };
        seen.insert(*table);
        for (column, word) in [(1, "ENABLE"), (2, "FORCE")] {
            if !get::<bool>(row, column)? {
                faults.add(
                    &format!("row security is not in force on bailee.{table}"),
                    &format!("ALTER TABLE bailee.{table} {word} ROW LEVEL SECURITY"),
                );
            }
        }
    }
    for table in TABLES.iter().filter(|table| !seen.contains(*table)) {
        faults.add(&format!("the table bailee.{table} is missing"), MIGRATE);
    }
    Ok(())
}

async fn policies(session: &mut Session, faults: &mut Faults) -> Result<()> {
    let statement = Statement::new(
        "SELECT c.relname::text, p.polname::text, p.polcmd::text, p.polpermissive,
           ARRAY(SELECT coalesce(r.rolname::text, 'public')
                 FROM unnest(p.polroles) AS o(oid) LEFT JOIN pg_roles r ON r.oid = o.oid),
           pg_get_expr(p.polqual, p.polrelid), pg_get_expr(p.polwithcheck, p.polrelid)
         FROM pg_policy p JOIN pg_class c ON c.oid = p.polrelid
         JOIN pg_namespace n ON n.oid = c.relnamespace
         WHERE n.nspname = 'bailee' AND c.relname = ANY ($1)",
    )
    .texts(TABLES.to_vec());
    let answer = session.ask(&statement).await?;
    let mut seen = vec![false; POLICIES.len()];
    for row in &answer.rows {
        let (table, name) = (get::<&str>(row, 0)?, get::<&str>(row, 1)?);
        let known = POLICIES.iter().position(|p| p.table == table && p.name == name);
        let Some((index, policy)) = known.map(|index| (index, &POLICIES[index])) else {
            faults.add(
                "there is a policy that the migrations did not make",
                "drop it; SELECT polrelid::regclass, polname FROM pg_policy lists them",
            );
            continue;
        };
        seen[index] = get::<&str>(row, 2)? == policy.command.code()
            && get::<bool>(row, 3)?
            && get::<Vec<&str>>(row, 4)? == [policy.role]
            && get::<Option<&str>>(row, 5)?.map(plain) == policy.using.map(plain)
            && get::<Option<&str>>(row, 6)?.map(plain) == policy.check.map(plain);
    }
    for (policy, seen) in POLICIES.iter().zip(seen) {
        if !seen {
            let fault = format!(
                "the policy {} on bailee.{} is missing or is another one",
                policy.name, policy.table
            );
            faults.add(&fault, &policy.mend());
        }
    }
    Ok(())
}

/// An expression without what differs between releases: casts to text, brackets, spaces, case.
pub(super) fn plain(expression: &str) -> String {
    expression.replace("::text", "").to_lowercase().replace(['(', ')', ' '], "")
}

async fn grants(session: &mut Session, faults: &mut Faults) -> Result<()> {
    let statement = Statement::new(
        "SELECT coalesce(r.rolname::text, 'public'), g.privilege, c.relname::text, g.of::text,
           g.is_grantable
         FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
         CROSS JOIN LATERAL (
           SELECT a.grantee, a.privilege_type AS privilege, NULL::name AS of,
             a.is_grantable
           FROM aclexplode(coalesce(c.relacl, acldefault('r', c.relowner))) a
           UNION ALL
           SELECT a.grantee, a.privilege_type, t.attname, a.is_grantable
           FROM pg_attribute t CROSS JOIN LATERAL aclexplode(t.attacl) a
           WHERE t.attrelid = c.oid AND NOT t.attisdropped
         ) g LEFT JOIN pg_roles r ON r.oid = g.grantee
         WHERE n.nspname = 'bailee' AND c.relname = ANY ($1) AND g.grantee <> c.relowner",
    )
    .texts(TABLES.to_vec());
    let answer = session.ask(&statement).await?;
    let mut seen = BTreeSet::new();
    for row in &answer.rows {
        let of: Option<&str> = get(row, 3)?;
        let at = (get::<&str>(row, 0)?, get::<&str>(row, 1)?, get::<&str>(row, 2)?);
        let known = GRANTS.iter().any(|grant| {
            (grant.role, grant.privilege, grant.table) == at
                && match of {
                    Some(column) => grant.columns.contains(&column),
                    None => grant.columns.is_empty(),
                }
        });
        if get(row, 4)? {
            faults.add("a role may hand its grants on", KEEP_GRANTS);
        }
        if !known {
            faults.add(
                "there is a grant that the migrations did not make",
                "revoke it; SELECT grantee, privilege_type, table_name FROM \
                 information_schema.table_privileges WHERE table_schema = 'bailee', and the same \
                 of information_schema.column_privileges, list them",
            );
        }
        seen.insert((at, of));
    }
    for grant in GRANTS {
        let at = (grant.role, grant.privilege, grant.table);
        let is_whole = if grant.columns.is_empty() {
            seen.contains(&(at, None))
        } else {
            grant.columns.iter().all(|column| seen.contains(&(at, Some(*column))))
        };
        if !is_whole {
            faults.add(&format!("a grant of {} is missing", grant.role), &grant.mend());
        }
    }
    Ok(())
}

/// One statement takes the option from all columns that it names too.
const KEEP_GRANTS: &str = "DO $$ DECLARE o text; BEGIN FOR o IN \
    SELECT format('GRANT OPTION FOR %s ON bailee.%I FROM %s', privilege_type, table_name, \
      CASE grantee WHEN 'PUBLIC' THEN 'PUBLIC' ELSE quote_ident(grantee) END) \
    FROM information_schema.table_privileges WHERE table_schema = 'bailee' \
      AND is_grantable = 'YES' AND grantee <> 'bailee_owner' UNION ALL \
    SELECT format('GRANT OPTION FOR %s (%I) ON bailee.%I FROM %s', privilege_type, column_name, \
      table_name, quote_ident(grantee)) \
    FROM information_schema.column_privileges WHERE table_schema = 'bailee' \
      AND is_grantable = 'YES' AND grantee <> 'bailee_owner' \
    LOOP EXECUTE 'REVOKE ' || o || ' CASCADE'; END LOOP; END $$";

async fn functions(session: &mut Session, faults: &mut Faults) -> Result<()> {
    let statement = Statement::new(
        "SELECT has_schema_privilege($1, n.oid, 'USAGE'), has_schema_privilege($2, n.oid, 'USAGE'),
           ARRAY(SELECT 'bailee.' || p.proname || '(' || oidvectortypes(p.proargtypes) || ')'
                 FROM pg_proc p
                 WHERE p.pronamespace = n.oid AND NOT p.prosecdef
                   AND has_function_privilege($1, p.oid, 'EXECUTE')),
           EXISTS (SELECT FROM aclexplode(coalesce(n.nspacl, acldefault('n', n.nspowner))) a
                   WHERE a.grantee <> n.nspowner AND (a.privilege_type <> 'USAGE' OR a.is_grantable
                     OR a.grantee NOT IN (SELECT oid FROM pg_roles WHERE rolname IN ($1, $2)))),
           EXISTS (SELECT FROM pg_proc p
                   CROSS JOIN aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) a
                   WHERE p.pronamespace = n.oid AND p.proname IN ('fetch', 'find')
                     AND a.grantee <> p.proowner AND (a.is_grantable
                     OR a.grantee NOT IN (SELECT oid FROM pg_roles WHERE rolname = $1)))
         FROM pg_namespace n WHERE n.nspname = 'bailee'",
    )
    .text(APP)
    .text(WORKER);
    let answer = session.ask(&statement).await?;
    let row = answer.rows.first().ok_or(Failure::StrangeRow)?;
    for (column, role) in [(0, APP), (1, WORKER)] {
        if !get::<bool>(row, column)? {
            faults.add(
                &format!("{role} may not use the schema"),
                &format!("GRANT USAGE ON SCHEMA bailee TO {role}"),
            );
        }
    }
    if get(row, 3)? {
        faults.add("the schema is open to somebody else", CLOSE_THE_SCHEMA);
    }
    if get(row, 4)? {
        faults.add("a function may be called by somebody else", CLOSE_THE_FUNCTIONS);
    }
    let there: Vec<&str> = get(row, 2)?;
    for function in FUNCTIONS.iter().filter(|function| !there.contains(function)) {
        faults.add(
            &format!("the function {function} is missing or {APP} may not call it"),
            &format!("run the migrations, or GRANT EXECUTE ON FUNCTION {function} TO {APP}"),
        );
    }
    Ok(())
}

const CLOSE_THE_SCHEMA: &str = "DO $$ DECLARE o text; BEGIN FOR o IN SELECT DISTINCT \
    CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(a.grantee)) END \
    FROM pg_namespace n CROSS JOIN aclexplode(n.nspacl) a \
    WHERE n.nspname = 'bailee' AND a.grantee <> n.nspowner \
    LOOP EXECUTE 'REVOKE ALL ON SCHEMA bailee FROM ' || o || ' CASCADE'; END LOOP; END $$; \
    GRANT USAGE ON SCHEMA bailee TO bailee_app, bailee_worker";

const CLOSE_THE_FUNCTIONS: &str = "DO $$ DECLARE o text; BEGIN FOR o IN SELECT DISTINCT \
    p.oid::regprocedure || ' FROM ' || \
    CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(a.grantee)) END \
    FROM pg_proc p CROSS JOIN aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) a \
    WHERE p.pronamespace = 'bailee'::regnamespace AND a.grantee <> p.proowner \
    LOOP EXECUTE 'REVOKE ALL ON FUNCTION ' || o || ' CASCADE'; END LOOP; END $$; \
    GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA bailee TO bailee_app";

async fn strangers(session: &mut Session, faults: &mut Faults) -> Result<()> {
    let answer = session.ask(&Statement::new(STRANGERS).texts(TABLES.to_vec())).await?;
    for row in &answer.rows {
        let (fault, mend) = match get::<&str>(row, 0)? {
            "definer" => (
                "there is a SECURITY DEFINER function over the tables, which passes row security \
                 by",
                "make it SECURITY INVOKER or drop it; SELECT oid::regprocedure FROM pg_proc WHERE \
                 prosecdef AND prosrc ~ 'bailee' lists such functions",
            ),
            "key" => (
                "there is a foreign key that does not begin with the tenant, or from another \
                 schema: its checks pass row security by",
                "drop it; SELECT conrelid::regclass, conname FROM pg_constraint WHERE contype = \
                 'f' AND confrelid = 'bailee.record'::regclass lists them",
            ),
            "kin" => (
                "a table inherits from one of these, or one of these from another",
                "ALTER TABLE .. NO INHERIT; SELECT inhrelid::regclass, inhparent::regclass FROM \
                 pg_inherits lists them",
            ),
            "tenant" => (
                "a tenant is not of the domain bailee.tenant",
                "drop the policies of its table, ALTER TABLE .. ALTER tenant TYPE bailee.tenant, \
                 and connect again for the SQL of the policies",
            ),
            "asleep" => (
                "the triggers that hold a foreign key are switched off",
                "ALTER TABLE bailee.lookup ENABLE TRIGGER ALL; \
                 ALTER TABLE bailee.record ENABLE TRIGGER ALL",
            ),
            "trigger" => (
                "there is a trigger or a rule that the migrations did not make",
                "drop it; SELECT tgrelid::regclass, tgname FROM pg_trigger WHERE NOT tgisinternal \
                 and SELECT ev_class::regclass, rulename FROM pg_rewrite list them",
            ),
            "unique" => (
                "there is a unique key that does not begin with the tenant: its checks answer \
                 about other tenants",
                "drop it; SELECT indrelid::regclass, indexrelid::regclass FROM pg_index WHERE \
                 indisunique lists them",
            ),
            _ => (
                "there is a view over the tables, which passes row security by",
                "drop it or make it one WITH (security_invoker); SELECT DISTINCT \
                 w.ev_class::regclass FROM pg_rewrite w JOIN pg_depend d ON d.objid = w.oid JOIN \
                 pg_class c ON c.oid = d.refobjid WHERE c.relnamespace = 'bailee'::regnamespace \
                 lists them",
            ),
        };
        faults.add(fault, mend);
    }
    Ok(())
}

/// Which sorts of foreign objects lie on the tables.
///
/// A definer function whose body is a text leaves no dependency; it is found when it lies in the
/// schema or names it.
const STRANGERS: &str = "
WITH RECURSIVE ours AS (
  SELECT c.oid, c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
  WHERE n.nspname = 'bailee' AND c.relname = ANY ($1)
),
-- Views over the tables, and views over those.
over AS (
  SELECT oid FROM ours
  UNION
  SELECT w.ev_class FROM over o
  JOIN pg_depend d ON d.refclassid = 'pg_class'::regclass AND d.refobjid = o.oid
    AND d.classid = 'pg_rewrite'::regclass
  JOIN pg_rewrite w ON w.oid = d.objid
)
SELECT DISTINCT s.sort FROM (
  SELECT 'view' AS sort FROM over o JOIN pg_class v ON v.oid = o.oid
  WHERE v.relkind = 'm' OR (v.relkind = 'v' AND NOT EXISTS (
    SELECT FROM pg_options_to_table(v.reloptions) p
    WHERE p.option_name = 'security_invoker' AND p.option_value::bool))
  UNION ALL
  SELECT 'definer' FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
  WHERE p.prosecdef AND (
    n.nspname = 'bailee' OR p.prosrc ~* '\\ybailee\\y'
    OR EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid
               AND d.refclassid = 'pg_class'::regclass AND d.refobjid IN (SELECT oid FROM over)))
  UNION ALL
  SELECT 'trigger' FROM pg_trigger t
  WHERE t.tgrelid IN (SELECT oid FROM ours) AND NOT t.tgisinternal
  UNION ALL
  SELECT 'asleep' FROM pg_trigger t
  WHERE t.tgrelid IN (SELECT oid FROM ours) AND t.tgisinternal AND t.tgenabled <> 'O'
  UNION ALL
  SELECT 'trigger' FROM pg_rewrite w WHERE w.ev_class IN (SELECT oid FROM ours)
  UNION ALL
  SELECT 'tenant' FROM ours
  WHERE ours.relname IN ('record', 'lookup', 'work', 'audit') AND NOT EXISTS (
    SELECT FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid
    WHERE a.attrelid = ours.oid AND a.attname = 'tenant' AND t.typname = 'tenant')
  UNION ALL
  SELECT 'kin' FROM pg_inherits i
  WHERE i.inhrelid IN (SELECT oid FROM ours) OR i.inhparent IN (SELECT oid FROM ours)
  UNION ALL
  SELECT 'unique' FROM pg_index i JOIN ours ON ours.oid = i.indrelid
  JOIN pg_class c ON c.oid = i.indexrelid
  LEFT JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0]
  WHERE i.indisunique AND ours.relname IN ('record', 'lookup', 'work', 'audit')
    AND a.attname IS DISTINCT FROM 'tenant' AND c.relname <> 'audit_leaf'
  UNION ALL
  SELECT 'key' FROM pg_constraint k
  LEFT JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = k.conkey[1]
  LEFT JOIN pg_attribute b ON b.attrelid = k.confrelid AND b.attnum = k.confkey[1]
  WHERE k.contype = 'f' AND k.confrelid IN (SELECT oid FROM ours)
    AND (k.conrelid NOT IN (SELECT oid FROM ours)
      OR a.attname <> 'tenant' OR b.attname <> 'tenant')
) s";
