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
    // Within one kind the order is that of the ids.
    let after = match (&query.kind, &query.after) {
        (Some(kind), Some(after)) if after.kind > *kind => return Ok(Page::default()),
        (Some(kind), Some(after)) if after.kind < *kind => None,
        (_, after) => after.as_ref(),
    };
    let limit = query.limit.clamp(1, 1000) as usize;
    let question = Question::new(tenant, query, after, now, limit + 1);
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
    fn new(
        tenant: &TenantId,
        query: &Query,
        after: Option<&Key>,
        now: Timestamp,
        limit: usize,
    ) -> Self {
        let mut question = Self { sql: String::from(COLUMNS), values: Vec::new() };
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
        // The pluses keep the planner from leaving the way that a lookup leads.
        let led = query.lookup.is_some();
        if let Some(subject) = subject_bytes(query.subject) {
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
                question.and(if led { "+id > ?" } else { "id > ?" }, *after.id.as_bytes());
            }
        }
        question.and("(expires IS NULL OR expires > ?)", now.as_micros());
        question.then(" ORDER BY kind, id LIMIT ?", limit as i64);
        question
    }

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

#[cfg(test)]
mod tests {
    use bailee_core::{Id, ManualClock, SubjectId};

    use super::*;

    /// The steps by which SQLite answers a question.
    fn plan(query: &Query) -> Vec<String> {
        let mut connection = Connection::open_in_memory().unwrap();
        crate::migration::run(&mut connection, &ManualClock::default()).unwrap();
        let now = Timestamp::from_micros(0);
        let tenant = TenantId::from_static("acme");
        let question = Question::new(&tenant, query, query.after.as_ref(), now, 10);
        let sql = format!("EXPLAIN QUERY PLAN {}", question.sql);
        let mut statement = connection.prepare(&sql).unwrap();
        let values = rusqlite::params_from_iter(&question.values);
        statement.query_map(values, |row| row.get(3)).unwrap().map(Result::unwrap).collect()
    }

    #[test]
    fn every_question_is_answered_by_an_index_in_its_order() {
        const KEY: &str = "sqlite_autoindex_bailee_record_1 (tenant=? AND kind=?";
        let kind = || Kind::from_static("note");
        let subject = SubjectId::from_id(Id::ZERO);
        let after = || Key::new(kind(), Id::ZERO);
        let of_subject = || Query::of_subject(subject);
        let by_subject = "bailee_record_subject (tenant=? AND subject=?";
        let questions = [
            (Query::of_kind(kind()), format!("{KEY})")),
            (Query::of_kind(kind()).facet(Facet(1)), format!("{KEY})")),
            (Query::of_kind(kind()).after(after()), format!("{KEY} AND id>?)")),
            (of_subject(), format!("{by_subject})")),
            (of_subject().after(after()), format!("{by_subject} AND (kind,id)>(?,?))")),
            (Query::of_kind(kind()).subject(subject), format!("{by_subject} AND kind=?)")),
            (Query::of_kind(kind()).lookup(Id::ZERO), format!("{KEY} AND id=?)")),
            (
                Query::of_kind(kind()).lookup(Id::ZERO).subject(subject).after(after()),
                format!("{KEY} AND id=?)"),
            ),
        ];
        for (query, index) in questions {
            let plan = plan(&query);
            assert_eq!(plan[0], format!("SEARCH bailee_record USING INDEX {index}"), "{query:?}");
            if query.lookup.is_some() {
                let lookups = "bailee_lookup USING PRIMARY KEY (tenant=? AND kind=? AND hash=?)";
                assert!(plan.iter().any(|step| step.ends_with(lookups)), "{plan:?}");
            }
            assert!(plan.iter().all(|step| !step.contains("TEMP B-TREE")), "{plan:?}");
        }
    }
}
