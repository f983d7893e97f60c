//! The source itself.

use std::{fmt, path::PathBuf, sync::Arc};

use async_trait::async_trait;
use bailee_core::{Error, ErrorKind, Result};
use bailee_rights::source::{
    Correction, Count, DataSource, Remaining, RowSink, SourceFacts, SourceRow, Step, Value, Whose,
};

use super::{
    blocking::Blocking,
    fault::{self, Fault},
    session,
};
use crate::{
    Mapping, PseudonymKey,
    handoff::channel,
    mapping::{Action, Field},
    statement::{Bound, Statements},
};

/// A host's tables in an SQLite database, as a source of data.
///
/// It begins no thread and no task. Each call is one job for the host's [`Blocking`], which opens a
/// connection of its own, looks whether the database is still the one that is mapped, and does its
/// work in one transaction. A collection keeps its job, and its view of the database, until the last
/// row was taken; while it does, SQLite's write-ahead log is not emptied.
///
/// A call that is dropped leaves a collection that ends at its next batch, or a step that is done
/// whole or not at all.
#[derive(Clone)]
pub struct SqliteSource(Arc<Inner>);

struct Inner {
    path: PathBuf,
    mapping: Mapping,
    key: PseudonymKey,
    blocking: Arc<dyn Blocking>,
}

/// What a collection sends.
enum Handed {
    Ended(fault::Result<()>),
    Rows(usize, Vec<SourceRow>),
}

impl SqliteSource {
    /// Opens a database that is there, with a mapping of its tables.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Configuration`] where the database cannot be opened, a mapped table or column is
    /// missing, a key is not unique, a column that an erasure empties has to hold something, or a
    /// foreign key deletes rows that the mapping does not find.
    pub async fn open(
        path: impl Into<PathBuf>,
        mapping: Mapping,
        key: PseudonymKey,
        blocking: Arc<dyn Blocking>,
    ) -> Result<Self> {
        let source = Self(Arc::new(Inner { path: path.into(), mapping, key, blocking }));
        source.run(|inner| session::check(&inner.path, &inner.mapping.0)).await?;
        Ok(source)
    }

    /// Has something done where it may block, and waits for it.
    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Inner) -> fault::Result<T> + Send + 'static,
    ) -> Result<T> {
        let inner = Arc::clone(&self.0);
        let (giver, mut taker) = channel(1);
        self.0.blocking.run(Box::new(move || {
            // Nobody waiting any more is no fault of the work.
            let _ = giver.give(work(&inner));
        }));
        Ok(taker.take().await.ok_or(Fault::Ended).flatten()?)
    }

    /// The same with the statements of a person.
    async fn ask<T: Send + 'static>(
        &self,
        whose: &Whose,
        work: impl FnOnce(&Inner, Statements<'_>) -> fault::Result<T> + Send + 'static,
    ) -> Result<T> {
        let whose = whose.clone();
        self.run(move |inner| {
            let pseudonym = inner.key.pseudonym(&whose);
            let mapping = &*inner.mapping.0;
            work(inner, Statements { mapping, whose: &whose, pseudonym: &pseudonym })
        })
        .await
    }
}

#[async_trait]
impl DataSource for SqliteSource {
    fn facts(&self) -> &SourceFacts {
        self.0.mapping.facts()
    }

    async fn count(&self, whose: &Whose) -> Result<Count> {
        self.ask(whose, |inner, statements| session::count(&inner.path, statements)).await
    }

    async fn collect(&self, whose: &Whose, sink: &mut dyn RowSink) -> Result<()> {
        let (giver, mut taker) = channel(1);
        let (inner, whose) = (Arc::clone(&self.0), whose.clone());
        self.0.blocking.run(Box::new(move || {
            let mapping = &*inner.mapping.0;
            let statements = Statements { mapping, whose: &whose, pseudonym: "" };
            let ended = session::collect(&inner.path, statements, |at, rows| {
                giver.give(Handed::Rows(at, rows)).map_err(|_| Fault::Gone)
            });
            let _ = giver.give(Handed::Ended(ended));
        }));
        loop {
            match taker.take().await {
                Some(Handed::Rows(at, rows)) => {
                    sink.take(&self.facts().tables[at], rows).await?;
                }
                Some(Handed::Ended(ended)) => return Ok(ended?),
                None => return Err(Fault::Ended.into()),
            }
        }
    }

    async fn erase(&self, whose: &Whose) -> Result<Step> {
        self.ask(whose, |inner, statements| {
            session::step(&inner.path, statements, |statements, at, limit| {
                statements.erase(at, limit)
            })
        })
        .await
    }

    async fn correct(&self, whose: &Whose, correction: &Correction) -> Result<()> {
        let Correction { table, key, field, value } = correction;
        let at = self.facts().tables.iter().position(|facts| facts.name == *table);
        let at = at.ok_or(ErrorKind::NotFound)?;
        let place = self.facts().tables[at].fields.iter().position(|facts| facts.name == *field);
        let place = place.ok_or(ErrorKind::NotFound)?;
        let mapped = &self.0.mapping.0.tables[at];
        let field = &mapped.fields[place];
        let tied = |column: &str| {
            mapped.key.iter().any(|key| key == column)
                || mapped.tenant.as_ref().is_some_and(|tenant| tenant.name == column)
                || mapped.link_column() == column
        };
        // What a law keeps is evidence, and what ties a row to somebody is not a fact about them.
        if field.masked || tied(&field.column) || matches!(mapped.action, Action::Keep) {
            return Err(ErrorKind::Unsupported.into());
        }
        // A key that is none of ours names no row.
        let key = keys(key).filter(|key| key.len() == mapped.key.len());
        let key = key.ok_or(ErrorKind::NotFound)?;
        let value = bound(field, value)?;
        self.ask(whose, move |inner, statements| {
            session::correct(&inner.path, statements, |statements| {
                let table = &statements.mapping.tables[at];
                statements.correct(at, key, &table.fields[place], value)
            })
        })
        .await
    }

    async fn restrict(&self, whose: &Whose, restricted: bool) -> Result<Step> {
        self.ask(whose, move |inner, statements| {
            session::step(&inner.path, statements, |statements, at, limit| {
                statements.restrict(at, restricted, limit)
            })
        })
        .await
    }

    async fn remaining(&self, whose: &Whose) -> Result<Remaining> {
        self.ask(whose, |inner, statements| session::remaining(&inner.path, statements)).await
    }
}

impl fmt::Debug for SqliteSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteSource").field("name", &self.facts().name).finish_non_exhaustive()
    }
}

/// The values of a row's key, as a collection wrote them.
fn keys(key: &str) -> Option<Vec<Bound>> {
    let keys: Vec<serde_json::Value> = serde_json::from_str(key).ok()?;
    let bound = |key: serde_json::Value| {
        Some(match key {
            serde_json::Value::Number(number) => Bound::Integer(number.as_i64()?),
            serde_json::Value::String(text) => Bound::Text(text),
            serde_json::Value::Object(mut bytes) => {
                Bound::Bytes(serde_json::from_value(bytes.remove("bytes")?).ok()?)
            }
            _ => return None,
        })
    };
    keys.into_iter().map(bound).collect()
}

/// A value as its field takes it: a part of a document is bound as JSON.
fn bound(field: &Field, value: &Value) -> Result<Bound> {
    let unfit = || Error::new(ErrorKind::InvalidInput).with_detail("the field takes no such value");
    let in_document = !field.path.is_empty();
    let json = |value: serde_json::Value| Ok(Bound::Text(value.to_string()));
    match value {
        Value::Bool(bit) if in_document => json((*bit).into()),
        Value::Integer(number) if in_document => json((*number).into()),
        Value::Null if in_document => json(serde_json::Value::Null),
        Value::Real(number) if in_document => json((*number).into()),
        Value::Text(text) if in_document => json(text.as_str().into()),
        Value::Json(text) => {
            let value: serde_json::Value = serde_json::from_str(text).map_err(|_| unfit())?;
            json(value)
        }
        Value::Bool(bit) => Ok(Bound::Integer(i64::from(*bit))),
        Value::Bytes(bytes) if !in_document => Ok(Bound::Bytes(bytes.clone())),
        Value::Integer(number) => Ok(Bound::Integer(*number)),
        Value::Null => Ok(Bound::Null),
        Value::Real(number) => Ok(Bound::Real(*number)),
        Value::Text(text) => Ok(Bound::Text(text.clone())),
        _ => Err(unfit()),
    }
}
