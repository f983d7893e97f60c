//! Deleting what is expired and counting what is there: one round trip each.

use tokio_postgres::Row;

use bailee_core::{Result, TenantId};
use bailee_store::{Count, Facet, Kind};

use crate::{
    PostgresStore,
    failure::Failure,
    statement::{Statement, get},
    store::{enter, work},
};

impl PostgresStore {
    pub(crate) async fn sweep_expired(&self, limit: u32) -> Result<u64> {
        // The worker may delete expired records and may not lock them (that takes the right to
        // change them), so sweeps take turns instead of passing by each other's rows. The policy
        // lets it delete by the real time, whatever clock is bound.
        let turn = Statement::new("SELECT pg_catalog.pg_advisory_xact_lock($1)").number(SWEEPING);
        let delete = Statement::new(
            "WITH present AS MATERIALIZED (SELECT coalesce($1, clock_timestamp()) AS now),
             over AS (
               SELECT tenant, kind, id FROM bailee.record
               WHERE expires <= (SELECT now FROM present) ORDER BY expires LIMIT $2
             )
             DELETE FROM bailee.record r USING over o
             WHERE r.tenant = o.tenant AND r.kind = o.kind AND r.id = o.id
               AND r.expires <= (SELECT now FROM present)",
        )
        .time(self.now())
        .number(i64::from(limit));
        let answers = self.pool.session().await?.transact(vec![work(), turn, delete]).await?;
        Ok(answers.last().map_or(0, |answer| answer.count))
    }

    pub(crate) async fn count_records(
        &self,
        tenant: Option<&TenantId>,
        kind: &Kind,
    ) -> Result<Vec<Count>> {
        let statements = match tenant {
            Some(tenant) => {
                let count = Statement::new(
                    "SELECT facet, count(*) FROM bailee.record
                     WHERE tenant = $1 AND kind = $2
                       AND (expires IS NULL OR expires > coalesce($3, clock_timestamp()))
                     GROUP BY facet ORDER BY facet",
                )
                .text(tenant.as_str());
                vec![enter(tenant), count.text(kind.as_str()).time(self.now())]
            }
            None => {
                let count = Statement::new(
                    "SELECT facet, count(*) FROM bailee.record
                     WHERE kind = $1
                       AND (expires IS NULL OR expires > coalesce($2, clock_timestamp()))
                     GROUP BY facet ORDER BY facet",
                );
                vec![work(), count.text(kind.as_str()).time(self.now())]
            }
        };
        let answers = self.pool.session().await?.transact(statements).await?;
        let rows = answers.last().map_or(&[][..], |answer| &answer.rows);
        Ok(rows.iter().map(counted).collect::<Result<_, _>>()?)
    }
}

fn counted(row: &Row) -> Result<Count, Failure> {
    let records = u64::try_from(get::<i64>(row, 1)?).map_err(|_| Failure::StrangeRow)?;
    Ok(Count { facet: Facet(get(row, 0)?), records })
}

/// The advisory lock of sweeps in this database: `bailee` and a number.
const SWEEPING: i64 = 0x6261_696c_6565_0001;
