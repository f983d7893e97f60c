//! The log of audit entries.

use tokio_postgres::{Row, types::Type};

use bailee_core::{BatchId, ErrorKind, Result, SubjectId, TenantId, audit::Entry};
use bailee_store::{Head, Leaf, LoggedEntry, Window};

use crate::{
    PostgresStore,
    failure::Failure,
    statement::{Answer, Statement, get},
    store::{enter, work},
    value::{Time, Uuid},
};

impl PostgresStore {
    /// One round trip.
    pub(crate) async fn log_entries(
        &self,
        tenant: &TenantId,
        window: Window,
    ) -> Result<Vec<LoggedEntry>> {
        let statement = Statement::new(match window.subject {
            Some(_) => {
                "SELECT batch, n, at, event::pg_catalog.text, subject, payload, hash, leaf
                 FROM bailee.audit
                 WHERE tenant = $1 AND subject = $8 AND at >= $2 AND at < $3
                   AND ($4 IS NULL OR (at, batch, n) > ($4, $5, $6))
                 ORDER BY at, batch, n LIMIT $7"
            }
            None => {
                "SELECT batch, n, at, event::pg_catalog.text, subject, payload, hash, leaf
                 FROM bailee.audit
                 WHERE tenant = $1 AND at >= $2 AND at < $3
                   AND ($4 IS NULL OR (at, batch, n) > ($4, $5, $6))
                 ORDER BY at, batch, n LIMIT $7"
            }
        })
        .text(tenant.as_str())
        .time(window.from)
        .time(window.until)
        .time(window.after.map(|(at, ..)| at))
        .id(window.after.map(|(_, batch, _)| batch.id()))
        .small(window.after.map(|(_, _, n)| place(n)))
        .number(i64::from(window.limit.clamp(1, 1000)));
        let statement = match window.subject {
            Some(subject) => statement.id(subject.id()),
            None => statement,
        };
        let answers = self.pool.session().await?.transact(vec![enter(tenant), statement]).await?;
        let rows = answers.last().map_or(&[][..], |answer| &answer.rows);
        Ok(rows.iter().map(|row| logged(tenant, row)).collect::<Result<_, _>>()?)
    }

    /// One round trip, and head and leaves of one moment.
    pub(crate) async fn log_open(&self, limit: u32) -> Result<(Head, Vec<Leaf>)> {
        let statement = Statement::new(
            "SELECT h.size, a.tenant::pg_catalog.text, a.batch, a.n, a.at, a.hash
             FROM bailee.head h LEFT JOIN LATERAL (
               SELECT tenant, batch, n, at, hash FROM bailee.audit
               WHERE leaf IS NULL ORDER BY at, tenant, batch, n LIMIT $1
             ) a ON true
             ORDER BY a.at, a.tenant, a.batch, a.n",
        )
        .number(i64::from(limit));
        let answers = self.pool.session().await?.transact(vec![work(), statement]).await?;
        let rows = answers.last().map_or(&[][..], |answer| &answer.rows);
        let first = rows.first().ok_or(Failure::StrangeRow)?;
        let head = Head { size: number(get(first, 0)?)? };
        // Without an open entry there is one row that holds the head alone.
        let leaves = rows.iter().map(open).filter_map(Result::transpose);
        Ok((head, leaves.collect::<Result<_, _>>()?))
    }

    /// One round trip.
    pub(crate) async fn log_numbered(&self, from: u64, limit: u32) -> Result<Vec<(u64, Leaf)>> {
        // No number is larger than the column holds.
        let Ok(from) = i64::try_from(from) else { return Ok(Vec::new()) };
        let statement = Statement::new(
            "SELECT leaf, tenant::pg_catalog.text, batch, n, at, hash FROM bailee.audit
             WHERE leaf >= $1 ORDER BY leaf LIMIT $2",
        )
        .number(from)
        .number(i64::from(limit));
        let answers = self.pool.session().await?.transact(vec![work(), statement]).await?;
        let rows = answers.last().map_or(&[][..], |answer| &answer.rows);
        let numbered = rows.iter().map(|row| {
            let leaf = open(row)?.ok_or(Failure::StrangeRow)?;
            Ok((number(get(row, 0)?)?, leaf))
        });
        Ok(numbered.collect::<Result<_, Failure>>()?)
    }

    /// Two round trips: the head's row is the lock, and the counts are looked at before COMMIT.
    pub(crate) async fn log_fold(&self, head: Head, leaves: &[Leaf]) -> Result<Head> {
        let size = i64::try_from(head.size).map_err(|_| ErrorKind::Conflict)?;
        let hashes: Vec<&[u8]> = leaves.iter().map(|leaf| leaf.hash.as_slice()).collect();
        let numbers: Vec<i16> = leaves.iter().map(|leaf| place(leaf.n)).collect();
        // From a head that moved nothing is numbered, so that no number is tried twice.
        let fold = Statement::new(
            "WITH advanced AS (
               UPDATE bailee.head SET size = $1 + $2 WHERE size = $1 RETURNING size
             ),
             numbered AS (
               UPDATE bailee.audit a SET leaf = $1 + l.nth - 1
               FROM advanced,
                 unnest($3, $4, $5, $6) WITH ORDINALITY AS l(tenant, batch, n, hash, nth)
               WHERE a.tenant = l.tenant AND a.batch = l.batch AND a.n = l.n AND a.hash = l.hash
                 AND a.leaf IS NULL
               RETURNING a.leaf
             )
             SELECT (SELECT count(*) FROM advanced) = 1
                AND (SELECT count(*) FROM numbered) = $2",
        )
        .number(size)
        .number(leaves.len() as i64)
        .texts(leaves.iter().map(|leaf| leaf.tenant.as_str()).collect())
        .ids(leaves.iter().map(|leaf| leaf.batch.id()))
        .with(numbers, Type::INT2_ARRAY)
        .with(hashes, Type::BYTEA_ARRAY);

        let mut session = self.pool.session().await?;
        let answers = session.begin(vec![work(), fold]).await?;
        if let Err(error) = all_numbered(answers) {
            session.roll_back().await;
            return Err(error);
        }
        session.commit().await?;
        Ok(Head { size: head.size + leaves.len() as u64 })
    }
}

fn all_numbered(answers: Vec<Result<Answer, Failure>>) -> Result<()> {
    let mut last = None;
    for answer in answers {
        last = Some(answer?);
    }
    let row = last.as_ref().and_then(|answer| answer.rows.first()).ok_or(Failure::StrangeRow)?;
    if get(row, 0)? { Ok(()) } else { Err(ErrorKind::Conflict.into()) }
}

fn logged(tenant: &TenantId, row: &Row) -> Result<LoggedEntry, Failure> {
    let subject = get::<Option<Uuid>>(row, 4)?.map(|id| SubjectId::from_id(id.0));
    let payload: &[u8] = get(row, 5)?;
    let entry = Entry::from_columns(get::<Time>(row, 2)?.0, get(row, 3)?, subject, payload);
    Ok(LoggedEntry {
        tenant: tenant.clone(),
        batch: BatchId::from_id(get::<Uuid>(row, 0)?.0),
        n: u16::try_from(get::<i16>(row, 1)?).map_err(|_| Failure::StrangeRow)?,
        entry: entry.map_err(|_| Failure::StrangeRow)?,
        hash: hash(get(row, 6)?)?,
        leaf: get::<Option<i64>>(row, 7)?.map(number).transpose()?,
    })
}

fn open(row: &Row) -> Result<Option<Leaf>, Failure> {
    let Some(tenant) = get::<Option<String>>(row, 1)? else {
        return Ok(None);
    };
    Ok(Some(Leaf {
        tenant: TenantId::new(tenant).map_err(|_| Failure::StrangeRow)?,
        batch: BatchId::from_id(get::<Uuid>(row, 2)?.0),
        n: u16::try_from(get::<i16>(row, 3)?).map_err(|_| Failure::StrangeRow)?,
        at: get::<Time>(row, 4)?.0,
        hash: hash(get(row, 5)?)?,
    }))
}

fn hash(bytes: &[u8]) -> Result<[u8; 32], Failure> {
    bytes.try_into().map_err(|_| Failure::StrangeRow)
}

fn number(number: i64) -> Result<u64, Failure> {
    u64::try_from(number).map_err(|_| Failure::StrangeRow)
}

/// A place in a batch. Batches are shorter than the column is wide; a place beyond it is none.
fn place(n: u16) -> i16 {
    i16::try_from(n).unwrap_or(i16::MAX)
}
