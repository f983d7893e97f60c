//! `find` and `tally`: questions about the columns in the clear.

use bailee_core::{TenantId, Timestamp};
use bailee_store::{Count, Facet, Key, Kind, Page, Query, Record};
use rusqlite::{Connection, ToSql};

use crate::{
    fault::Result,
    row::{self, subject_bytes},
};

/// Answers a question that [`Query::check`] let through.
pub(crate) fn find(
    connection: &Connection,
    tenant: &TenantId,
    query: &Query,
    now: Timestamp,
) -> Result<Page> {
    let limit = query.limit.clamp(1, 1000) as usize;
    // Within one kind the order is that of the ids.
    let after = match (&query.kind, &query.after) {
        (Some(kind), Some(after)) if after.kind > *kind => return Ok(Page::default()),
        (Some(kind), Some(after)) if after.kind < *kind => None,
        (_, after) => after.as_ref(),
    };

    let mut question = Question { sql: String::from(COLUMNS), values: Vec::new() };
    question.and("tenant = ?", tenant.as_str().to_owned());
    if let Some(kind) = &query.kind {
        question.and("kind = ?", kind.as_str().to_owned());
        if let Some(hash) = &query.lookup {
            question.and(
                "id IN (SELECT id FROM bailee_lookup WHERE tenant = ?",
                tenant.as_str().to_owned(),
            );
            question.and("kind = ?", kind.as_str().to_owned());
            question.and("hash = ?)", *hash.as_bytes());
        }
    }
    if let Some(subject) = subject_bytes(query.subject) {
        // The plus keeps the planner from taking the subject's index where a lookup leads.
        let led = query.lookup.is_some();
        question.and(if led { "+subject = ?" } else { "subject = ?" }, subject);
    }
    if let Some(Facet(facet)) = query.facet {
        question.and("facet = ?", facet);
    }
    if let Some(after) = after {
        if query.kind.is_none() {
            question.and("(kind, id) > (?", after.kind.as_str().to_owned());
            question.then(", ?)", *after.id.as_bytes());
        } else {
            question.and("id > ?", *after.id.as_bytes());
        }
    }
    question.and("(expires IS NULL OR expires > ?)", now.as_micros());
    question.then(" ORDER BY kind, id LIMIT ?", limit as i64 + 1);

    let mut statement = connection.prepare_cached(&question.sql)?;
    let mut rows = statement.query(rusqlite::params_from_iter(&question.values))?;
    let mut records: Vec<Record> = Vec::new();
    let mut more = false;
    while let Some(row) = rows.next()? {
        if records.len() == limit {
            more = true;
            break;
        }
        let key = Key::new(row::kind(row, 0)?, row::id(row, 1)?);
        records.push(row::record(key, row, 2)?);
    }
    let next = if more { records.last().map(|record| record.key.clone()) } else { None };
    Ok(Page { records, next })
}

/// Counts live records of a kind by facet.
pub(crate) fn tally(
    connection: &Connection,
    tenant: Option<&TenantId>,
    kind: &Kind,
    now: Timestamp,
) -> Result<Vec<Count>> {
    let mut statement = connection.prepare_cached(if tenant.is_some() {
        "SELECT facet, count(*) FROM bailee_record \
         WHERE tenant = ?3 AND kind = ?1 AND (expires IS NULL OR expires > ?2) \
         GROUP BY facet ORDER BY facet"
    } else {
        "SELECT facet, count(*) FROM bailee_record \
         WHERE kind = ?1 AND (expires IS NULL OR expires > ?2) \
         GROUP BY facet ORDER BY facet"
    })?;
    statement.raw_bind_parameter(1, kind.as_str())?;
    statement.raw_bind_parameter(2, now.as_micros())?;
    if let Some(tenant) = tenant {
        statement.raw_bind_parameter(3, tenant.as_str())?;
    }
    let mut rows = statement.raw_query();
    let mut counts = Vec::new();
    while let Some(row) = rows.next()? {
        // A count is never negative.
        let records = row.get::<_, i64>(1)?.unsigned_abs();
        counts.push(Count { facet: Facet(row.get(0)?), records });
    }
    Ok(counts)
}

/// A statement out of fixed pieces, and what is bound to its places.
struct Question {
    sql: String,
    values: Vec<Box<dyn ToSql>>,
}

impl Question {
    fn and(&mut self, condition: &str, value: impl ToSql + 'static) {
        self.sql.push_str(if self.values.is_empty() { " WHERE " } else { " AND " });
        self.then(condition, value);
    }

    fn then(&mut self, piece: &str, value: impl ToSql + 'static) {
        self.sql.push_str(piece);
        self.values.push(Box::new(value));
    }
}

const COLUMNS: &str = "SELECT kind, id, subject, facet, expires, version, body FROM bailee_record";
