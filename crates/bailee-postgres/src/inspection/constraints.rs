//! Keys, conditions, and columns that are never empty.

use std::collections::BTreeSet;

use bailee_core::Result;

use super::{
    Faults,
    expected::{CHECKS, CONSTRAINTS, REQUIRED, TABLES},
    schema::plain,
};
use crate::{
    pool::Session,
    statement::{Statement, get},
};

pub(super) async fn look(session: &mut Session, faults: &mut Faults) -> Result<()> {
    keys(session, faults).await?;
    checks(session, faults).await?;
    required(session, faults).await?;
    leaves(session, faults).await
}

async fn keys(session: &mut Session, faults: &mut Faults) -> Result<()> {
    let statement = Statement::new(
        "SELECT c.relname::text, k.contype = 'p',
           ARRAY(SELECT a.attname::text FROM unnest(k.conkey) WITH ORDINALITY AS o(number, nth)
                 JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = o.number
                 ORDER BY o.nth)
         FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid
         JOIN pg_namespace n ON n.oid = c.relnamespace
         WHERE n.nspname = 'bailee' AND (k.contype = 'p'
           OR (k.contype = 'f' AND k.convalidated AND k.confdeltype = 'c'))",
    );
    let answer = session.ask(&statement).await?;
    let mut seen = BTreeSet::new();
    for row in &answer.rows {
        seen.insert((get::<&str>(row, 0)?, get::<bool>(row, 1)?, get::<Vec<&str>>(row, 2)?));
    }
    for constraint in CONSTRAINTS {
        let at = (constraint.table, constraint.is_primary, constraint.columns.to_vec());
        if !seen.contains(&at) {
            let fault = format!("a key of bailee.{} is missing", constraint.table);
            faults.add(&fault, &constraint.mend());
        }
    }
    Ok(())
}

async fn checks(session: &mut Session, faults: &mut Faults) -> Result<()> {
    let statement = Statement::new(
        "SELECT coalesce(c.relname, t.typname)::text, c.oid IS NULL, pg_get_expr(k.conbin, k.conrelid)
         FROM pg_constraint k
         LEFT JOIN pg_class c ON c.oid = k.conrelid LEFT JOIN pg_type t ON t.oid = k.contypid
         JOIN pg_namespace n ON n.oid = coalesce(c.relnamespace, t.typnamespace)
         WHERE n.nspname = 'bailee' AND k.contype = 'c' AND k.convalidated",
    );
    let answer = session.ask(&statement).await?;
    let mut seen = BTreeSet::new();
    for row in &answer.rows {
        seen.insert((get::<&str>(row, 0)?, get::<bool>(row, 1)?, plain(get(row, 2)?)));
    }
    for check in CHECKS {
        if !seen.contains(&(check.on, check.is_domain, plain(check.condition))) {
            faults.add(&format!("a condition on bailee.{} is missing", check.on), &check.mend());
        }
    }
    Ok(())
}

async fn required(session: &mut Session, faults: &mut Faults) -> Result<()> {
    let statement = Statement::new(
        "SELECT c.relname::text, a.attname::text
         FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
         JOIN pg_namespace n ON n.oid = c.relnamespace
         WHERE n.nspname = 'bailee' AND c.relname = ANY ($1) AND a.attnum > 0
           AND NOT a.attisdropped AND a.attnotnull",
    )
    .texts(TABLES.to_vec());
    let answer = session.ask(&statement).await?;
    let mut seen = BTreeSet::new();
    for row in &answer.rows {
        seen.insert((get::<&str>(row, 0)?, get::<&str>(row, 1)?));
    }
    for (table, columns) in REQUIRED {
        for column in columns.iter().filter(|column| !seen.contains(&(*table, **column))) {
            faults.add(
                &format!("bailee.{table} may have rows without {column}"),
                &format!("ALTER TABLE bailee.{table} ALTER {column} SET NOT NULL"),
            );
        }
    }
    Ok(())
}

/// No two entries of the log have one number.
async fn leaves(session: &mut Session, faults: &mut Faults) -> Result<()> {
    let statement = Statement::new(
        "SELECT FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0]
         JOIN pg_class c ON c.oid = i.indrelid JOIN pg_namespace n ON n.oid = c.relnamespace
         WHERE n.nspname = 'bailee' AND c.relname = 'audit' AND a.attname = 'leaf'
           AND i.indisunique AND i.indisvalid AND i.indnatts = 1
           AND pg_get_expr(i.indpred, i.indrelid) = '(leaf IS NOT NULL)'",
    );
    if session.ask(&statement).await?.rows.is_empty() {
        faults.add(
            "two entries of the log may have one number",
            "DROP INDEX IF EXISTS bailee.audit_leaf; CREATE UNIQUE INDEX audit_leaf ON \
             bailee.audit (leaf) WHERE leaf IS NOT NULL",
        );
    }
    Ok(())
}
