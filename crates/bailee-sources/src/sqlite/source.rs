//! The source itself.

use std::{fmt, path::PathBuf, sync::Arc};

use async_trait::async_trait;
use bailee_core::{HostId, Result, TenantId, Timestamp};
use bailee_rights::source::{
    Correction, Count, DataSource, Remaining, RowSink, SourceFacts, SourceRow, Step, Whose,
};

use super::{
    blocking::Blocking,
    session::{self, Place},
};
use crate::{
    Mapping, PseudonymKey,
    fault::{self, Fault},
    handoff::channel,
    row::Correcting,
    statement::{Asked, Dialect, Statements},
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
    place: Place,
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
    /// [`ErrorKind::Configuration`](bailee_core::ErrorKind::Configuration) where the database cannot be opened, a mapped table or column is
    /// missing, a key is not unique, a column that an erasure empties has to hold something, or a
    /// foreign key deletes rows that the mapping does not find.
    pub async fn open(
        path: impl Into<PathBuf>,
        mapping: Mapping,
        key: PseudonymKey,
        blocking: Arc<dyn Blocking>,
    ) -> Result<Self> {
        let source =
            Self(Arc::new(Inner { place: Place::at(path.into()), mapping, key, blocking }));
        source.run(|inner| session::check(&inner.place, &inner.mapping.0)).await?;
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
            let asked = Asked::Person { whose: &whose, pseudonym: &pseudonym };
            work(inner, inner.statements(asked))
        })
        .await
    }

    /// The same with the statements of what is older than a time.
    async fn ask_older<T: Send + 'static>(
        &self,
        tenant: &TenantId,
        table: &str,
        before: Timestamp,
        except: &[HostId],
        work: impl FnOnce(&Inner, Statements<'_>, usize) -> fault::Result<T> + Send + 'static,
    ) -> Result<T> {
        let at = self.0.mapping.0.aged(table)?;
        let (tenant, except) = (tenant.clone(), except.to_vec());
        self.run(move |inner| {
            let asked = Asked::Older { at, tenant: &tenant, before, except: &except };
            work(inner, inner.statements(asked), at)
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
        self.ask(whose, |inner, statements| session::count(&inner.place, statements)).await
    }

    async fn collect(&self, whose: &Whose, sink: &mut dyn RowSink) -> Result<()> {
        let (giver, mut taker) = channel(1);
        let (inner, whose) = (Arc::clone(&self.0), whose.clone());
        self.0.blocking.run(Box::new(move || {
            let statements = inner.statements(Asked::Person { whose: &whose, pseudonym: "" });
            let ended = session::collect(&inner.place, statements, |at, rows| {
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
        self.ask(whose, |inner, statements| session::erase(&inner.place, statements)).await
    }

    async fn correct(&self, whose: &Whose, correction: &Correction) -> Result<()> {
        let correcting = Correcting::of(&self.0.mapping.0, correction)?;
        self.ask(whose, move |inner, statements| {
            session::correct(&inner.place, statements, |statements| {
                correcting.statement(statements)
            })
        })
        .await
    }

    async fn restrict(&self, whose: &Whose, restricted: bool) -> Result<Step> {
        self.ask(whose, move |inner, statements| {
            session::restrict(&inner.place, statements, restricted)
        })
        .await
    }

    async fn remaining(&self, whose: &Whose) -> Result<Remaining> {
        self.ask(whose, |inner, statements| session::remaining(&inner.place, statements)).await
    }

    async fn count_older(
        &self,
        tenant: &TenantId,
        table: &str,
        before: Timestamp,
        except: &[HostId],
    ) -> Result<u64> {
        let count = |inner: &Inner, statements: Statements<'_>, at| {
            session::count_older(&inner.place, statements, at)
        };
        self.ask_older(tenant, table, before, except, count).await
    }

    async fn erase_older(
        &self,
        tenant: &TenantId,
        table: &str,
        before: Timestamp,
        except: &[HostId],
    ) -> Result<Step> {
        let erase =
            |inner: &Inner, statements: Statements<'_>, _| session::erase(&inner.place, statements);
        self.ask_older(tenant, table, before, except, erase).await
    }
}

impl Inner {
    fn statements<'a>(&'a self, asked: Asked<'a>) -> Statements<'a> {
        Statements { mapping: &self.mapping.0, dialect: Dialect::Sqlite, asked }
    }
}

impl fmt::Debug for SqliteSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteSource").field("name", &self.facts().name).finish_non_exhaustive()
    }
}
