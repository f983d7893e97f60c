//! Reading and finding, each one call of a function that enters the tenant first.

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

impl PostgresStore {
    pub(crate) async fn read_keys(&self, tenant: &TenantId, keys: &[Key]) -> Result<Snapshot> {
        if keys.len() > MAX_KEYS {
            return Err(Error::new(ErrorKind::InvalidInput).with_detail("too many keys in a read"));
        }
        let statement = Statement::new(
            "SELECT n, subject, facet, moment, version, body
             FROM bailee.fetch($1, $2, $3, $4)",
        )
        .text(tenant.as_str())
        .texts(keys.iter().map(|key| key.kind.as_str()).collect())
        .ids(keys.iter().map(|key| key.id))
        .time(self.now());
        let answer = self.pool.session().await?.ask(&statement).await?;
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
