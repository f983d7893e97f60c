//! `read`: records by their keys, and the control row.

use std::{fmt::Write, sync::LazyLock};

use bailee_core::{TenantId, Timestamp};
use bailee_store::{Control, Key, Record, Snapshot, Version};
use rusqlite::Connection;

use crate::{
    fault::{Fault, Result},
    row,
};

/// The most keys that one statement reads.
pub(crate) const KEYS_IN_STATEMENT: usize = 8;

/// One statement for each number of keys; a statement is a moment.
static STATEMENTS: LazyLock<[String; KEYS_IN_STATEMENT + 1]> = LazyLock::new(|| {
    std::array::from_fn(|keys| {
        let mut sql = String::from(
            "SELECT 0, NULL, 0, NULL, version, body FROM bailee_control WHERE one = 1",
        );
        for key in 1..=keys {
            // Writing to a string does not fail.
            let _ = write!(
                sql,
                " UNION ALL SELECT {key}, subject, facet, expires, version, body \
                 FROM bailee_record WHERE tenant = ?1 AND kind = ?{} AND id = ?{}",
                2 * key,
                2 * key + 1
            );
        }
        sql
    })
});

/// Reads at most [`KEYS_IN_STATEMENT`] keys in one statement.
pub(crate) fn few(
    connection: &Connection,
    tenant: &TenantId,
    keys: &[Key],
    now: Timestamp,
) -> Result<Snapshot> {
    let mut snapshot = Answer { control: None, records: Vec::with_capacity(keys.len()) };
    snapshot.add(connection, tenant, keys, now)?;
    snapshot.end(now)
}

/// Reads any number of keys in one transaction.
pub(crate) fn many(
    connection: &Connection,
    tenant: &TenantId,
    keys: &[Key],
    now: Timestamp,
) -> Result<Snapshot> {
    if keys.len() <= KEYS_IN_STATEMENT {
        return few(connection, tenant, keys, now);
    }
    let transaction = connection.unchecked_transaction()?;
    let mut snapshot = Answer { control: None, records: Vec::with_capacity(keys.len()) };
    for keys in keys.chunks(KEYS_IN_STATEMENT) {
        snapshot.add(&transaction, tenant, keys, now)?;
    }
    transaction.commit()?;
    snapshot.end(now)
}

struct Answer {
    control: Option<Control>,
    records: Vec<Option<Record>>,
}

impl Answer {
    fn add(
        &mut self,
        connection: &Connection,
        tenant: &TenantId,
        keys: &[Key],
        now: Timestamp,
    ) -> Result<()> {
        let begin = self.records.len();
        self.records.resize(begin + keys.len(), None);
        let mut statement = connection.prepare_cached(&STATEMENTS[keys.len()])?;
        if !keys.is_empty() {
            statement.raw_bind_parameter(1, tenant.as_str())?;
        }
        for (number, key) in (1..).zip(keys) {
            statement.raw_bind_parameter(2 * number, key.kind.as_str())?;
            statement.raw_bind_parameter(2 * number + 1, row::bytes(&key.id))?;
        }
        let mut rows = statement.raw_query();
        while let Some(row) = rows.next()? {
            match usize::from(row.get::<_, u8>(0)?) {
                0 => {
                    let version = Version(row.get(4)?);
                    self.control = Some(Control { version, body: row::body(row, 5)? });
                }
                number => {
                    let key = keys.get(number - 1).ok_or(Fault::Row)?;
                    let record = row::record(key.clone(), row, 1)?;
                    if record.expires.is_none_or(|expires| expires > now) {
                        self.records[begin + number - 1] = Some(record);
                    }
                }
            }
        }
        Ok(())
    }

    fn end(self, now: Timestamp) -> Result<Snapshot> {
        let control = self.control.ok_or(Fault::Row)?;
        Ok(Snapshot { now, control, records: self.records })
    }
}
