//! `sweep`: what is over goes.

use bailee_core::Timestamp;
use rusqlite::{Connection, params};

use crate::{
    commit::delete_lookups,
    fault::Result,
    writer::{Change, Done},
};

/// Deletes at most so many expired records.
pub(crate) struct Sweep(pub(crate) u32);

impl Change for Sweep {
    type Output = u64;

    fn apply(&self, connection: &Connection, now: Timestamp) -> Result<Done<u64>> {
        let mut statement = connection.prepare_cached(
            "DELETE FROM bailee_record WHERE rowid IN (SELECT rowid FROM bailee_record \
             WHERE expires <= ?1 ORDER BY expires LIMIT ?2) RETURNING tenant, kind, id",
        )?;
        let mut rows = statement.query(params![now.as_micros(), self.0])?;
        let mut swept = Vec::new();
        while let Some(row) = rows.next()? {
            let id: [u8; 16] = crate::row::array(row, 2)?;
            swept.push((row.get::<_, String>(0)?, row.get::<_, String>(1)?, id));
        }
        for (tenant, kind, id) in &swept {
            delete_lookups(connection, tenant, kind, id)?;
        }
        Ok(Done { output: swept.len() as u64, freed: !swept.is_empty() })
    }
}
