//! The schema, in numbered steps that are only ever added.

use tokio_postgres::Client;

use bailee_core::{Error, ErrorKind, Result};

use crate::failure::Failure;

/// One step of the schema.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Migration {
    /// Its number, from 1 on without a gap.
    pub number: u32,
    /// Its statements. The last one records the number.
    pub sql: &'static str,
}

/// All steps, in their order.
pub const MIGRATIONS: &[Migration] =
    &[Migration { number: 1, sql: include_str!("migrations/0001_records_work_log.sql") }];

/// Roles and schema, before the first step and before each later run. It changes nothing the
/// second time. It takes a transaction, and leaves it in the role of the schema's owner.
pub const ROLES: &str = include_str!("migrations/roles.sql");

/// The whole set-up of an empty database as one script, for an administrator to read and to run.
pub fn migrations_sql() -> String {
    let mut script = String::from("BEGIN;\n\n");
    script.push_str(ROLES);
    for migration in MIGRATIONS {
        script.push('\n');
        script.push_str(migration.sql);
    }
    script.push_str("\nCOMMIT;\n");
    script
}

/// The newest step that this program knows.
pub(crate) const NEWEST: i32 = MIGRATIONS.len() as i32;

/// Runs the steps that the database lacks, in one transaction, and says how many.
pub(crate) async fn run(client: &Client) -> Result<u32> {
    let failed = |error| Error::from(Failure::of(&error));
    client.batch_execute("BEGIN").await.map_err(failed)?;
    client.batch_execute(TAKE_TURNS).await.map_err(failed)?;
    client.batch_execute(ROLES).await.map_err(failed)?;
    let rows = client.query_typed(IS_THERE, &[]).await.map_err(failed)?;
    let done = match rows.first().map(|row| row.try_get(0)) {
        Some(Ok(true)) => {
            let rows = client.query_typed(DONE, &[]).await.map_err(failed)?;
            rows.first().and_then(|row| row.try_get(0).ok()).ok_or(Failure::StrangeRow)?
        }
        Some(Ok(false)) => 0,
        _ => return Err(Failure::StrangeRow.into()),
    };
    if done > NEWEST {
        return Err(Error::new(ErrorKind::Configuration)
            .with_detail("the database was migrated by a newer release"));
    }
    let mut run = 0;
    for migration in MIGRATIONS.iter().skip(usize::try_from(done).unwrap_or(0)) {
        client.batch_execute(migration.sql).await.map_err(failed)?;
        run += 1;
    }
    client.batch_execute("COMMIT").await.map_err(failed)?;
    Ok(run)
}

/// Two programs that start at the same moment migrate one after the other. The key is `bailee`
/// and a number, as for the store's other advisory lock.
const TAKE_TURNS: &str = "SELECT pg_catalog.pg_advisory_xact_lock(x'6261696c65650002'::bigint)";

const IS_THERE: &str = "SELECT pg_catalog.to_regclass('bailee.migration') IS NOT NULL";

const DONE: &str = "SELECT coalesce(max(number), 0) FROM bailee.migration";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn migrations_are_numbered_without_a_gap_and_record_themselves() {
        for (number, migration) in (1..).zip(MIGRATIONS) {
            assert_eq!(migration.number, number);
            let record = format!("INSERT INTO bailee.migration (number, needs) VALUES ({number}, ");
            assert!(migration.sql.contains(&record), "{number}");
        }
    }
}
