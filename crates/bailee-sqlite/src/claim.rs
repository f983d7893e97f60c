//! `claim`: leases on work.

use std::time::Duration;

use bailee_core::{TenantId, Timestamp};
use bailee_store::{Claim, Fence, Key, Kind, Lease};
use rusqlite::{Connection, Row, params};

use crate::{
    fault::Result,
    row::{self, bytes},
    writer::{Change, Done},
};

/// A claim on its way to the writer.
pub(crate) enum Wanted {
    Due { tasks: Vec<Kind>, lease: Duration, limit: u32 },
    One { tenant: TenantId, task: Key, lease: Duration },
}

impl From<Claim<'_>> for Wanted {
    fn from(claim: Claim<'_>) -> Self {
        match claim {
            Claim::Due { tasks, lease, limit } => {
                let mut tasks = tasks.to_vec();
                tasks.sort();
                tasks.dedup();
                Self::Due { tasks, lease, limit }
            }
            Claim::One { tenant, task, lease } => {
                Self::One { tenant: tenant.clone(), task: task.clone(), lease }
            }
        }
    }
}

impl Change for Wanted {
    type Output = Vec<Lease>;

    fn apply(&self, connection: &Connection, now: Timestamp) -> Result<Done<Vec<Lease>>> {
        let output = match self {
            Self::Due { tasks, lease, limit } => {
                let until = now.plus(*lease);
                let mut leases = Vec::new();
                for work in due(connection, tasks, *limit, now)? {
                    leases.extend(take_row(connection, work, now, until)?);
                }
                leases
            }
            Self::One { tenant, task, lease } => {
                let until = now.plus(*lease);
                take_one(connection, tenant, task, now, until)?.into_iter().collect()
            }
        };
        Ok(Done { output, freed: false })
    }
}

/// Which rows are due: turn by turn the longest due of each lane, until the limit; then in the
/// order of their times.
fn due(connection: &Connection, tasks: &[Kind], limit: u32, now: Timestamp) -> Result<Vec<i64>> {
    let mut turns = Vec::new();
    let mut statement = connection.prepare_cached(
        "SELECT due, rowid FROM bailee_work \
         WHERE task = ?1 AND due <= ?2 AND (leased IS NULL OR leased <= ?2) \
         ORDER BY due LIMIT ?3",
    )?;
    for task in tasks {
        let mut rows = statement.query(params![task.as_str(), now.as_micros(), limit])?;
        let mut turn = 0_u32;
        while let Some(row) = rows.next()? {
            turns.push((turn, row.get::<_, i64>(0)?, row.get::<_, i64>(1)?));
            turn += 1;
        }
    }
    turns.sort_unstable();
    turns.truncate(limit as usize);
    turns.sort_unstable_by_key(|(_, due, work)| (*due, *work));
    Ok(turns.into_iter().map(|(_, _, work)| work).collect())
}

fn take_row(
    connection: &Connection,
    work: i64,
    now: Timestamp,
    until: Timestamp,
) -> Result<Option<Lease>> {
    let mut statement = connection.prepare_cached(
        "UPDATE bailee_work SET due = ?3, leased = ?3, fence = fence + 1, tries = tries + 1, \
         since = coalesce(since, ?2) WHERE rowid = ?1 \
         RETURNING tenant, task, id, subject, fence, tries, since",
    )?;
    let mut rows = statement.query(params![work, now.as_micros(), until.as_micros()])?;
    rows.next()?.map(|row| lease(row, now, until)).transpose()
}

fn take_one(
    connection: &Connection,
    tenant: &TenantId,
    task: &Key,
    now: Timestamp,
    until: Timestamp,
) -> Result<Option<Lease>> {
    let mut statement = connection.prepare_cached(
        "UPDATE bailee_work SET due = ?5, leased = ?5, fence = fence + 1, tries = tries + 1, \
         since = coalesce(since, ?4) WHERE tenant = ?1 AND task = ?2 AND id = ?3 \
         AND (leased IS NULL OR leased <= ?4) \
         RETURNING tenant, task, id, subject, fence, tries, since",
    )?;
    let mut rows = statement.query(params![
        tenant.as_str(),
        task.kind.as_str(),
        bytes(&task.id),
        now.as_micros(),
        until.as_micros()
    ])?;
    rows.next()?.map(|row| lease(row, now, until)).transpose()
}

fn lease(row: &Row<'_>, now: Timestamp, until: Timestamp) -> Result<Lease> {
    Ok(Lease {
        tenant: row::tenant(row, 0)?,
        task: Key::new(row::kind(row, 1)?, row::id(row, 2)?),
        subject: row::subject(row, 3)?,
        fence: Fence(row.get(4)?),
        tries: row.get(5)?,
        since: row::time(row, 6)?,
        now,
        until,
    })
}
