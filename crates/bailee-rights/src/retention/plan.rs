//! What would be erased, without erasing it.

use bailee_core::{Result, TenantId, Timestamp};

use super::{Gap, Retention, Untimed};

/// What retention would do in a tenant at this moment. Nothing is changed by looking.
#[derive(Debug)]
#[non_exhaustive]
pub struct Plan {
    /// The tables whose rows go by their age.
    pub tables: Vec<PlannedTable>,
    /// What is kept until something else happens, and has no time.
    pub untimed: Vec<Untimed>,
    /// What is declared to end and does not, or not in time.
    pub gaps: Vec<Gap>,
}

/// What retention would do to a table.
#[derive(Debug)]
#[non_exhaustive]
pub struct PlannedTable {
    /// The source.
    pub source: String,
    /// The table.
    pub table: String,
    /// The set of the declaration.
    pub data_set: String,
    /// Before which moment a row is too old.
    pub before: Timestamp,
    /// How many rows are. A source that could not look says why by kind.
    pub rows: Result<u64>,
    /// How many people's rows would stay, for a hold or a restriction.
    pub left_out: u64,
}

impl Retention {
    /// Says what retention would do in a tenant now.
    ///
    /// # Errors
    ///
    /// What the store and the vault say. A fault of a source is in its table's line.
    pub async fn plan(&self, tenant: &TenantId) -> Result<Plan> {
        let now = self.vault().clock().now();
        let rules = self.rules(tenant).await?;
        let mut tables = Vec::with_capacity(rules.tables.len());
        for timed in &rules.tables {
            let Some(source) = self.sources().source(&timed.source) else { continue };
            let except = self.left_out(tenant, source.facts()).await?;
            let before = timed.cut_off(now);
            tables.push(PlannedTable {
                source: timed.source.clone(),
                table: timed.table.clone(),
                data_set: timed.data_set.clone(),
                before,
                rows: source.count_older(tenant, &timed.table, before, &except).await,
                left_out: except.len() as u64,
            });
        }
        let gaps = rules.gaps.into_iter().collect();
        Ok(Plan { tables, untimed: rules.untimed, gaps })
    }

    /// What is declared to end in a tenant and does not, or not in time: for whoever starts a service,
    /// and for its operators. An empty answer is a good one.
    ///
    /// # Errors
    ///
    /// What whoever knows the declarations says.
    pub async fn gaps(&self, tenant: &TenantId) -> Result<Vec<Gap>> {
        Ok(self.rules(tenant).await?.gaps.into_iter().collect())
    }
}
