//! Claiming work: one round trip.

use tokio_postgres::Row;

use bailee_core::{Result, SubjectId, TenantId, Timestamp};
use bailee_store::{Claim, Fence, Key, Kind, Lease};

use crate::{
    PostgresStore,
    failure::Failure,
    statement::{Statement, get},
    store::{enter, work},
    value::{Time, Uuid},
};

impl PostgresStore {
    pub(crate) async fn claim_work(&self, claim: Claim<'_>) -> Result<Vec<Lease>> {
        claim.check()?;
        let statements = match claim {
            Claim::One { tenant, task, lease } => {
                let statement = Statement::new(ONE)
                    .text(tenant.as_str())
                    .text(task.kind.as_str())
                    .id(task.id)
                    .number(lease.as_micros() as i64)
                    .time(self.now());
                vec![enter(tenant), statement]
            }
            Claim::Due { tasks, lease, limit } => {
                let statement = Statement::new(DUE)
                    .texts(tasks.iter().map(Kind::as_str).collect())
                    .number(i64::from(limit))
                    .number(lease.as_micros() as i64)
                    .time(self.now());
                vec![work(), statement]
            }
        };
        let mut answers = self.pool.session().await?.transact(statements).await?;
        let rows = answers.pop().map(|answer| answer.rows).unwrap_or_default();
        let mut claimed = rows.iter().map(claimed).collect::<Result<Vec<_>, _>>()?;
        claimed.sort_by(|(due, one), (than, other)| {
            (due, &one.tenant, &one.task).cmp(&(than, &other.tenant, &other.task))
        });
        Ok(claimed.into_iter().map(|(_, lease)| lease).collect())
    }
}

/// A lease, and when its work was due.
fn claimed(row: &Row) -> Result<(Timestamp, Lease), Failure> {
    let strange = |_| Failure::StrangeRow;
    let tries = u32::try_from(get::<i32>(row, 5)?).map_err(|_| Failure::StrangeRow)?;
    let lease = Lease {
        tenant: TenantId::new(get::<String>(row, 0)?).map_err(|_| Failure::StrangeRow)?,
        task: Key::new(Kind::new(get::<String>(row, 1)?).map_err(strange)?, get::<Uuid>(row, 2)?.0),
        subject: get::<Option<Uuid>>(row, 3)?.map(|id| SubjectId::from_id(id.0)),
        fence: Fence(get(row, 4)?),
        tries,
        since: get::<Time>(row, 6)?.0,
        now: get::<Time>(row, 7)?.0,
        until: get::<Time>(row, 8)?.0,
    };
    Ok((get::<Time>(row, 9)?.0, lease))
}

/// Turn by turn the longest due of each lane. Rows that another claim holds locked are passed by;
/// those that a lane offers beyond its turn stay locked for this one statement and unchanged.
const DUE: &str = "
WITH present AS MATERIALIZED (SELECT coalesce($4, clock_timestamp()) AS now),
offered AS (
  SELECT o.tenant, o.task, o.id, o.due,
    row_number() OVER (PARTITION BY o.task ORDER BY o.due, o.tenant, o.id) AS turn
  FROM (SELECT DISTINCT t.task FROM unnest($1) AS t(task)) lane
  CROSS JOIN LATERAL (
    SELECT w.tenant, w.task, w.id, w.due FROM bailee.work w
    WHERE w.task = lane.task
      AND w.due <= (SELECT now FROM present) AND w.leased <= (SELECT now FROM present)
    ORDER BY w.due LIMIT $2 FOR UPDATE SKIP LOCKED
  ) o
),
chosen AS (
  SELECT tenant, task, id, due FROM offered ORDER BY turn, due, tenant, task, id LIMIT $2
)
UPDATE bailee.work w SET
  due = p.now + $3 * interval '1 microsecond',
  leased = p.now + $3 * interval '1 microsecond',
  fence = w.fence + 1,
  tries = least(w.tries, 2147483646) + 1,
  since = coalesce(w.since, p.now)
FROM chosen c CROSS JOIN present p
WHERE w.tenant = c.tenant AND w.task = c.task AND w.id = c.id
RETURNING w.tenant::pg_catalog.text, w.task::pg_catalog.text, w.id, w.subject, w.fence, w.tries,
  w.since, p.now, w.leased, c.due";

/// One piece of work in its own tenant's context, due or not.
const ONE: &str = "
WITH present AS MATERIALIZED (SELECT coalesce($5, clock_timestamp()) AS now)
UPDATE bailee.work w SET
  due = p.now + $4 * interval '1 microsecond',
  leased = p.now + $4 * interval '1 microsecond',
  fence = w.fence + 1,
  tries = least(w.tries, 2147483646) + 1,
  since = coalesce(w.since, p.now)
FROM present p
WHERE w.tenant = $1 AND w.task = $2 AND w.id = $3 AND w.leased <= p.now
RETURNING w.tenant::pg_catalog.text, w.task::pg_catalog.text, w.id, w.subject, w.fence, w.tries,
  w.since, p.now, w.leased, p.now";
