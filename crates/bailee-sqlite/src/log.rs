//! The log: entries of a tenant, entries without a number, and their numbers.

use bailee_core::{TenantId, Timestamp, audit::Entry};
use bailee_store::{Head, Leaf, LoggedEntry, Window};
use rusqlite::{Connection, params};

use crate::{
    fault::{Fault, Result},
    row::{self, bytes},
    writer::{Change, Done},
};

pub(crate) fn entries(
    connection: &Connection,
    tenant: &TenantId,
    window: Window,
) -> Result<Vec<LoggedEntry>> {
    // Nothing comes before the first time, so without a place to go on from it is the place.
    let (at, batch, n) = match window.after {
        Some((at, batch, n)) => (at.as_micros(), *batch.id().as_bytes(), i64::from(n)),
        None => (i64::MIN, [0; 16], -1),
    };
    let (from, until) = (window.from.as_micros().max(at), window.until.as_micros());
    let (tenant_text, limit) = (tenant.as_str(), window.limit.clamp(1, 1000));
    let mut statement;
    let mut rows = match window.subject {
        Some(subject) => {
            statement = connection.prepare_cached(ENTRIES_OF_SUBJECT)?;
            let subject = subject.id();
            let subject = bytes(&subject);
            statement.query(params![tenant_text, from, until, at, batch, n, limit, subject])?
        }
        None => {
            statement = connection.prepare_cached(ENTRIES)?;
            statement.query(params![tenant_text, from, until, at, batch, n, limit])?
        }
    };
    let mut entries = Vec::new();
    while let Some(row) = rows.next()? {
        let payload = row.get_ref(5)?.as_blob().map_err(|_| Fault::Row)?;
        let subject = row::subject(row, 4)?;
        let entry = Entry::from_columns(row::time(row, 0)?, row.get(3)?, subject, payload)
            .map_err(|_| Fault::Row)?;
        entries.push(LoggedEntry {
            tenant: tenant.clone(),
            batch: row::batch(row, 1)?,
            n: row.get(2)?,
            entry,
            hash: row::array(row, 6)?,
            leaf: row.get::<_, Option<i64>>(7)?.map(i64::unsigned_abs),
        });
    }
    Ok(entries)
}

const ENTRIES: &str = "\
SELECT at, batch, n, event, subject, payload, hash, leaf FROM bailee_audit \
WHERE tenant = ?1 AND at >= ?2 AND at < ?3 AND (at, batch, n) > (?4, ?5, ?6) \
ORDER BY at, batch, n LIMIT ?7";

// Without numbers of rows SQLite takes the index by time, and walks past everybody.
const ENTRIES_OF_SUBJECT: &str = "\
SELECT at, batch, n, event, subject, payload, hash, leaf FROM bailee_audit \
INDEXED BY bailee_audit_subject \
WHERE tenant = ?1 AND subject = ?8 AND at >= ?2 AND at < ?3 AND (at, batch, n) > (?4, ?5, ?6) \
ORDER BY at, batch, n LIMIT ?7";

pub(crate) fn open(connection: &Connection, limit: u32) -> Result<(Head, Vec<Leaf>)> {
    let transaction = connection.unchecked_transaction()?;
    let head = head(&transaction)?;
    let mut leaves = Vec::new();
    {
        // Of one moment, what was committed first comes first.
        let mut statement = transaction.prepare_cached(
            "SELECT tenant, batch, n, at, hash FROM bailee_audit WHERE leaf IS NULL \
             ORDER BY at, rowid LIMIT ?1",
        )?;
        let mut rows = statement.query(params![limit])?;
        while let Some(row) = rows.next()? {
            leaves.push(leaf(row)?);
        }
    }
    transaction.commit()?;
    Ok((head, leaves))
}

pub(crate) fn numbered(connection: &Connection, from: u64, limit: u32) -> Result<Vec<(u64, Leaf)>> {
    // No number is larger than the column holds.
    let Ok(from) = i64::try_from(from) else { return Ok(Vec::new()) };
    let mut statement = connection.prepare_cached(
        "SELECT tenant, batch, n, at, hash, leaf FROM bailee_audit WHERE leaf >= ?1 \
         ORDER BY leaf LIMIT ?2",
    )?;
    let mut rows = statement.query(params![from, limit])?;
    let mut leaves = Vec::new();
    while let Some(row) = rows.next()? {
        leaves.push((row.get::<_, i64>(5)?.unsigned_abs(), leaf(row)?));
    }
    Ok(leaves)
}

/// A row that begins with tenant, batch, place, time and hash.
fn leaf(row: &rusqlite::Row<'_>) -> Result<Leaf> {
    Ok(Leaf {
        tenant: row::tenant(row, 0)?,
        batch: row::batch(row, 1)?,
        n: row.get(2)?,
        at: row::time(row, 3)?,
        hash: row::array(row, 4)?,
    })
}

/// Numbers leaves from a head on.
pub(crate) struct Fold {
    pub(crate) head: Head,
    pub(crate) leaves: Vec<Leaf>,
}

impl Change for Fold {
    type Output = Head;

    fn apply(&self, connection: &Connection, _: Timestamp) -> Result<Done<Head>> {
        if head(connection)? != self.head {
            return Err(Fault::LogMoved);
        }
        let mut statement = connection.prepare_cached(
            "UPDATE bailee_audit SET leaf = ?5 \
             WHERE tenant = ?1 AND batch = ?2 AND n = ?3 AND hash = ?4 AND leaf IS NULL",
        )?;
        let mut size = self.head.size;
        for leaf in &self.leaves {
            let number = i64::try_from(size).map_err(|_| Fault::LogMoved)?;
            let numbered = statement.execute(params![
                leaf.tenant.as_str(),
                bytes(&leaf.batch.id()),
                leaf.n,
                leaf.hash,
                number,
            ])?;
            if numbered != 1 {
                return Err(Fault::LogMoved);
            }
            size += 1;
        }
        Ok(Done { output: Head { size }, freed: false })
    }
}

fn head(connection: &Connection) -> Result<Head> {
    let size: i64 = connection
        .prepare_cached(
            "SELECT coalesce(max(leaf) + 1, 0) FROM bailee_audit WHERE leaf IS NOT NULL",
        )?
        .query_row([], |row| row.get(0))?;
    Ok(Head { size: size.unsigned_abs() })
}
