//! The evidence of what was erased because it was too old.

use std::collections::BTreeMap;

use bailee_core::{Id, Result, TenantId, Timestamp};
use bailee_store::{Key, Query};
use bailee_vault::Holder;

use super::{
    Retention,
    body::{SweepBody, decode},
    kind,
};

/// What was erased of one table because it was too old: numbers and times, and nobody's name.
///
/// Counts are of the host's source, before and after; `changed` is what its steps said of themselves. Where a
/// process died between a step and its note, `changed` may say less than `found` and `left` show.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Sweep {
    /// Its id, which the log's entries name.
    pub id: Id,
    /// The source.
    pub source: String,
    /// The table.
    pub table: String,
    /// The set of the declaration.
    pub data_set: String,
    /// Before which moment a row was too old.
    pub before: Timestamp,
    /// When it began.
    pub began: Timestamp,
    /// When it ended; `None` while it is under way.
    pub ended: Option<Timestamp>,
    /// How many rows were too old.
    pub found: u64,
    /// How many rows of which table were changed: the table itself, and what hung on its rows.
    pub changed: BTreeMap<String, u64>,
    /// How many people's rows stayed, for a hold or a restriction.
    pub left_out: u64,
    /// How many rows were too old after it; `None` where nobody could look.
    pub left: Option<u64>,
    /// Whether a process died in it.
    pub interrupted: bool,
    /// Whether it failed: something too old is left, or nobody knows.
    pub failed: bool,
}

impl Retention {
    /// The sweeps of a tenant, a page of them: in no order of time, after the last id of the page
    /// before.
    ///
    /// # Errors
    ///
    /// What the store and the vault say.
    pub async fn sweeps(
        &self,
        tenant: &TenantId,
        after: Option<Id>,
        limit: u32,
    ) -> Result<Vec<Sweep>> {
        let mut query = Query::of_kind(kind::SWEEP).limit(limit);
        if let Some(after) = after {
            query = query.after(Key::new(kind::SWEEP, after));
        }
        let page = self.vault().store().find(tenant, &query).await?;
        let mut sweeps = Vec::with_capacity(page.records.len());
        for record in &page.records {
            let facts = self.vault().open(tenant, Holder::Tenant, record).await?.facts()?;
            let body: SweepBody = decode(&facts)?;
            sweeps.push(Sweep {
                id: record.key.id,
                source: body.source,
                table: body.table,
                data_set: body.data_set,
                before: body.before,
                began: body.began,
                ended: body.ended,
                found: body.found,
                changed: body.changed,
                left_out: body.left_out,
                left: body.left,
                interrupted: body.interrupted,
                failed: record.facet == kind::FAILED,
            });
        }
        Ok(sweeps)
    }
}
