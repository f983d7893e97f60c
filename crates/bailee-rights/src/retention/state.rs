//! How retention stands in a tenant.

use bailee_core::{ErrorKind, Id, Result, TenantId, Timestamp};
use bailee_store::Key;
use bailee_vault::Holder;
use serde::{Deserialize, Serialize};

use super::{
    Retention,
    body::{LookBody, decode},
    kind,
};

/// How retention stands in a tenant.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RetentionState {
    /// When the last look at its tables began.
    pub began: Timestamp,
    /// When it ended; `None` while it is under way.
    pub ended: Option<Timestamp>,
    /// When the last one ended in which nothing failed. Where that is long ago, data is kept longer
    /// than declared.
    pub whole: Option<Timestamp>,
    /// How many rows it erased.
    pub rows: u64,
    /// What fails. It is asked again within the hour.
    pub failing: Vec<Failure>,
}

/// A table that could not be looked at, or from which what is too old does not go.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Failure {
    /// The source.
    pub source: String,
    /// The table.
    pub table: String,
    /// Since when.
    pub since: Timestamp,
    /// How often since then.
    pub times: u32,
}

impl Retention {
    /// How retention stands in a tenant; `None` where it was never looked at.
    ///
    /// # Errors
    ///
    /// What the store and the vault say.
    pub async fn state(&self, tenant: &TenantId) -> Result<Option<RetentionState>> {
        let body = match self.look(tenant).await {
            Err(error) if error.kind() == ErrorKind::Shredded => None,
            found => found?.1,
        };
        Ok(body.map(|body| RetentionState {
            began: body.began,
            ended: body.ended,
            whole: body.whole,
            rows: body.rows,
            failing: body.failing,
        }))
    }

    pub(super) async fn look(
        &self,
        tenant: &TenantId,
    ) -> Result<(bailee_vault::View, Option<LookBody>)> {
        let view = self.vault().read(tenant, Holder::Tenant, &[place()]).await?;
        let body = view.facts(0)?.map(|facts| decode(&facts)).transpose()?;
        Ok((view, body))
    }
}

impl LookBody {
    /// Notes that a table failed.
    pub(super) fn fails(&mut self, source: &str, table: &str, now: Timestamp) {
        let is = |failure: &&mut Failure| failure.source == source && failure.table == table;
        match self.failing.iter_mut().find(is) {
            Some(failure) => failure.times = failure.times.saturating_add(1),
            None => self.failing.push(Failure {
                source: source.to_owned(),
                table: table.to_owned(),
                since: now,
                times: 1,
            }),
        }
    }

    /// Notes that a table has nothing too old any more.
    pub(super) fn is_well(&mut self, source: &str, table: &str) {
        self.failing.retain(|failure| failure.source != source || failure.table != table);
    }
}

/// The place of the record and of the work, in every tenant.
pub(super) fn place() -> Key {
    Key::new(kind::RETENTION, Id::ZERO)
}
