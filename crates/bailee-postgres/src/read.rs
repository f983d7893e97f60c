//! Reading and finding, each in one statement that enters the tenant first.
//!
//! A read of few keys is a prepared statement of its own, one for each number of keys: it is
//! planned once for each connection and needs no function around it. Behind a pooler, and for more
//! keys, the function `fetch` does the same.

use std::{fmt::Write, sync::LazyLock};

use tokio_postgres::Row;

use bailee_core::{Error, ErrorKind, Id, Result, SubjectId, TenantId};
use bailee_store::{
    Control, Facet, Key, Kind, MAX_KEYS, Page, Query, Record, Sealed, Snapshot, Version,
};

use crate::{
    PostgresStore,
    failure::Failure,
    statement::{Answer, Statement, get},
    value::{Time, Uuid},
};

/// The most keys that are read directly.
pub(crate) const MOST_KEYS: usize = 8;

/// The direct reads: row 0 is the control row with the store's clock, row n the nth key's record,
/// if there is a live one.
///
/// `e` sets the tenant, and everything else is asked for with what that answers: `OFFSET 0` keeps
/// the two apart, so that the planner can only go from the one to the other. Were a plan ever to
/// look before the tenant is set, row security would show nothing.
static DIRECT: LazyLock<[String; MOST_KEYS + 1]> = LazyLock::new(|| {
    std::array::from_fn(|keys| {
        let mut sql = String::from(
            "SELECT r.n, r.subject, r.facet, r.moment, r.version, r.body
             FROM (
               SELECT pg_catalog.set_config('bailee.tenant', $1, true) AS tenant,
                 coalesce($2, pg_catalog.clock_timestamp()) AS now OFFSET 0
             ) e
             CROSS JOIN LATERAL (
               SELECT 0::bigint AS n, NULL::pg_catalog.uuid AS subject, NULL::smallint AS facet,
                 e.now AS moment, c.version, c.body
               FROM bailee.control c",
        );
        for key in 1..=keys {
            let before = if key == 1 { KEYS } else { ", " };
            // Writing to a string does not fail.
            let _ = write!(sql, "{before}({key}::bigint, ${}, ${})", 2 * key + 1, 2 * key + 2);
        }
        if keys > 0 {
            sql.push_str(RECORDS);
        }
        sql.push_str(
            "
               OFFSET 0
             ) r",
        );
        sql
    })
});

impl PostgresStore {
    pub(crate) async fn read_keys(&self, tenant: &TenantId, keys: &[Key]) -> Result<Snapshot> {
        if keys.len() > MAX_KEYS {
            return Err(Error::new(ErrorKind::InvalidInput).with_detail("too many keys in a read"));
        }
        let mut session = self.pool.session().await?;
        if keys.len() <= MOST_KEYS && self.pool.prepares() {
            let mut statement =
                Statement::new(&DIRECT[keys.len()]).text(tenant.as_str()).time(self.now());
            for key in keys {
                statement = statement.text(key.kind.as_str()).id(key.id);
            }
            match session.ask_directly(keys.len(), &statement).await {
                // It did nothing; the function below needs no name.
                Err(failure) if failure.is_of_a_name() => self.pool.stop_preparing(),
                answer => return Ok(snapshot(keys, answer?)?),
            }
        }
        let statement = Statement::new(
            "SELECT n, subject, facet, moment, version, body
             FROM bailee.fetch($1, $2, $3, $4)",
        )
        .text(tenant.as_str())
        .texts(keys.iter().map(|key| key.kind.as_str()).collect())
        .ids(keys.iter().map(|key| key.id))
        .time(self.now());
        let answer = session.ask(&statement).await?;
        Ok(snapshot(keys, answer)?)
    }

    pub(crate) async fn find_page(&self, tenant: &TenantId, query: &Query) -> Result<Page> {
        query.check()?;
        let limit = query.limit.clamp(1, 1000) as usize;
        let after = query.after.as_ref();
        // Every kind is longer than the empty one: without a key to begin after, all come.
        let statement = Statement::new(
            "SELECT kind, id, subject, facet, expires, version, body
             FROM bailee.find($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        )
        .text(tenant.as_str())
        .text(query.kind.as_ref().map(Kind::as_str))
        .id(query.subject.map(SubjectId::id))
        .id(query.lookup)
        .small(query.facet.map(|facet| facet.0))
        .text(after.map_or("", |key| key.kind.as_str()))
        .id(after.map_or(Id::ZERO, |key| key.id))
        .number(limit as i64 + 1)
        .time(self.now());
        let answer = self.pool.session().await?.ask(&statement).await?;
        let mut records = answer.rows.iter().map(found).collect::<Result<Vec<_>, _>>()?;
        let more = records.len() > limit;
        records.truncate(limit);
        let next = if more { records.last().map(|record| record.key.clone()) } else { None };
        Ok(Page { records, next })
    }
}

/// The keys are a list that one look-up goes through: to begin a plan costs the server more than to
/// run it, and by so much the more the more look-ups stand in it.
const KEYS: &str = "
               UNION ALL
               SELECT k.n, r.subject, r.facet, r.expires, r.version, r.body
               FROM (VALUES ";

const RECORDS: &str = ") k (n, kind, id)
               CROSS JOIN LATERAL (
                 SELECT r.subject, r.facet, r.expires, r.version, r.body
                 FROM bailee.record r
                 WHERE r.tenant = e.tenant AND r.kind = k.kind AND r.id = k.id
                   AND (r.expires IS NULL OR r.expires > e.now)
                 OFFSET 0
               ) r";

fn snapshot(keys: &[Key], answer: Answer) -> Result<Snapshot, Failure> {
    let mut records: Vec<Option<Record>> = vec![None; keys.len()];
    let mut first = None;
    for row in &answer.rows {
        let n = usize::try_from(get::<i64>(row, 0)?).map_err(|_| Failure::StrangeRow)?;
        let version = Version(get(row, 4)?);
        let body = Sealed::new(get(row, 5)?);
        let Some(index) = n.checked_sub(1) else {
            first = Some((get::<Time>(row, 3)?.0, Control { version, body }));
            continue;
        };
        let (Some(key), Some(place)) = (keys.get(index), records.get_mut(index)) else {
            return Err(Failure::StrangeRow);
        };
        *place = Some(Record {
            key: key.clone(),
            subject: get::<Option<Uuid>>(row, 1)?.map(|id| SubjectId::from_id(id.0)),
            facet: Facet(get(row, 2)?),
            expires: get::<Option<Time>>(row, 3)?.map(|time| time.0),
            version,
            body,
        });
    }
    let (now, control) = first.ok_or(Failure::StrangeRow)?;
    Ok(Snapshot { now, control, records })
}

fn found(row: &Row) -> Result<Record, Failure> {
    let kind = Kind::new(get::<String>(row, 0)?).map_err(|_| Failure::StrangeRow)?;
    Ok(Record {
        key: Key::new(kind, get::<Uuid>(row, 1)?.0),
        subject: get::<Option<Uuid>>(row, 2)?.map(|id| SubjectId::from_id(id.0)),
        facet: Facet(get(row, 3)?),
        expires: get::<Option<Time>>(row, 4)?.map(|time| time.0),
        version: Version(get(row, 5)?),
        body: Sealed::new(get(row, 6)?),
    })
}
