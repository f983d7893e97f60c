//! A connection for the length of one job, and the jobs.

use std::{
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
    time::Duration,
};

use bailee_core::{Error, ErrorKind};
use bailee_rights::source::{
    Count, Remaining, SourceRow, Step, Strategy, TableCount, TableRemaining, Value,
};
use rusqlite::{
    Connection, OpenFlags, ToSql, Transaction, TransactionBehavior, params_from_iter,
    types::{ToSqlOutput, ValueRef},
};

use super::schema;
use crate::{
    fault::{Fault, Result},
    mapping::{Checked, Table},
    row,
    statement::{Bound, Reach, Statement, Statements},
};

/// How long a statement waits for another connection's lock.
const BUSY: Duration = Duration::from_secs(15);

/// Opens a database that is there.
fn open(path: &Path, writes: bool) -> Result<Connection> {
    let mode =
        if writes { OpenFlags::SQLITE_OPEN_READ_WRITE } else { OpenFlags::SQLITE_OPEN_READ_ONLY };
    let connection = Connection::open_with_flags(path, mode | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    connection.busy_timeout(BUSY)?;
    // What SQLite would put aside in files of its own stays in memory.
    connection.execute_batch("PRAGMA temp_store = MEMORY; PRAGMA foreign_keys = ON;")?;
    if writes {
        // What is deleted is overwritten and not only forgotten. The pragma answers a row.
        connection.query_row("PRAGMA secure_delete = ON", [], |_| Ok(()))?;
    }
    Ok(connection)
}

/// Where a database lies, and the schema that it had when it was found to be the one that is mapped.
#[derive(Debug)]
pub(super) struct Place {
    path: PathBuf,
    looked: Mutex<Option<String>>,
    /// Held by whoever changes something. SQLite lets one write at a time, and whoever finds it taken
    /// sleeps and asks again, longer each time; here they take turns.
    changing: Mutex<()>,
}

impl Place {
    pub(super) fn at(path: PathBuf) -> Self {
        Self { path, looked: Mutex::new(None), changing: Mutex::new(()) }
    }

    /// Looks whether the database is the one that is mapped. A schema that was looked at is not
    /// looked at again: it is the same, word by word, whichever file it is in.
    fn look(&self, connection: &Connection, mapping: &Checked) -> Result<()> {
        let found = schema::text(connection)?;
        // Nothing panics while it holds the lock.
        let looked = || self.looked.lock().unwrap_or_else(PoisonError::into_inner);
        if looked().as_ref() == Some(&found) {
            return Ok(());
        }
        schema::check(connection, mapping)?;
        *looked() = Some(found);
        Ok(())
    }
}

/// Looks whether the database is the one that is mapped.
pub(super) fn check(place: &Place, mapping: &Checked) -> Result<()> {
    let mut connection = open(&place.path, false)?;
    let transaction = connection.transaction()?;
    place.look(&transaction, mapping)
}

/// Reads under one view of the database, which was checked in it.
fn reading<T>(
    place: &Place,
    statements: Statements<'_>,
    read: impl FnOnce(&Connection) -> Result<T>,
) -> Result<T> {
    let mut connection = open(&place.path, false)?;
    let transaction = connection.transaction()?;
    place.look(&transaction, statements.mapping)?;
    statements.check()?;
    read(&transaction)
}

/// Changes in one transaction, in whose view the database was checked.
fn changing<T>(
    place: &Place,
    statements: Statements<'_>,
    change: impl FnOnce(&Transaction<'_>) -> Result<T>,
) -> Result<T> {
    let mut connection = open(&place.path, true)?;
    let _alone = place.changing.lock().unwrap_or_else(PoisonError::into_inner);
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    place.look(&transaction, statements.mapping)?;
    statements.check()?;
    let changed = change(&transaction)?;
    transaction.commit()?;
    Ok(changed)
}

pub(super) fn count(place: &Place, statements: Statements<'_>) -> Result<Count> {
    reading(place, statements, |connection| {
        let mut count = Count::default();
        for (at, table) in statements.mapping.facts.tables.iter().enumerate() {
            let erase = statements.erase(at, statements.mapping.batch.into(), Reach::All)?;
            count.tables.push(TableCount {
                table: table.name.clone(),
                rows: number(connection, statements.count(at)?)?,
                strategy: table.strategy.clone(),
                statement: erase.map(|erase| erase.sql).unwrap_or_default(),
            });
        }
        Ok(count)
    })
}

pub(super) fn remaining(place: &Place, statements: Statements<'_>) -> Result<Remaining> {
    reading(place, statements, |connection| {
        let mut remaining = Remaining::default();
        for (at, table) in statements.mapping.facts.tables.iter().enumerate() {
            let left = statements.left(at)?.map_or(Ok(0), |left| number(connection, left))?;
            let (kept, why) = match &table.strategy {
                Strategy::Keep(why) => {
                    (number(connection, statements.count(at)?)?, Some(why.clone()))
                }
                _ => (0, None),
            };
            let (left, kept) = if statements.spares(at) { (0, kept + left) } else { (left, kept) };
            remaining.tables.push(TableRemaining { table: table.name.clone(), left, kept, why });
        }
        Ok(remaining)
    })
}

/// Counts what is older and would be erased.
pub(super) fn count_older(place: &Place, statements: Statements<'_>, at: usize) -> Result<u64> {
    reading(place, statements, |connection| {
        statements.left(at)?.map_or(Ok(0), |left| number(connection, left))
    })
}

/// Erases up to so many rows, from the children up.
///
/// A table is come to only when nothing is left below it in this very transaction, so that a row is
/// never deleted before those that are found through it. Before that, rows that others hang on go
/// in bundles, each with what hangs on them: else each step would walk past all that the steps
/// before it have emptied.
pub(super) fn erase(place: &Place, statements: Statements<'_>) -> Result<Step> {
    changing(place, statements, |transaction| {
        let mut change = Change::of(transaction, statements.mapping);
        for reach in [Reach::Some(change.room), Reach::All] {
            for (at, table) in statements.tables() {
                if let Some(statement) = statements.erase(at, change.room, reach)? {
                    change.make(table, &statement)?;
                }
            }
        }
        Ok(change.step)
    })
}

/// Marks up to so many rows, or takes the marks away.
pub(super) fn restrict(
    place: &Place,
    statements: Statements<'_>,
    restricted: bool,
) -> Result<Step> {
    changing(place, statements, |transaction| {
        let mut change = Change::of(transaction, statements.mapping);
        for (at, table) in statements.tables() {
            if let Some(statement) = statements.restrict(at, restricted, change.room)? {
                change.make(table, &statement)?;
            }
        }
        Ok(change.step)
    })
}

/// A step while it is made.
struct Change<'t, 'c> {
    transaction: &'t Transaction<'c>,
    room: u64,
    step: Step,
}

impl<'t, 'c> Change<'t, 'c> {
    fn of(transaction: &'t Transaction<'c>, mapping: &Checked) -> Self {
        Self { transaction, room: mapping.batch.into(), step: Step::default() }
    }

    /// Makes one change, unless the step is full.
    fn make(&mut self, table: &Table, statement: &Statement) -> Result<()> {
        if self.room == 0 {
            return Ok(());
        }
        let mut prepared = self.transaction.prepare_cached(&statement.sql)?;
        let rows = prepared.execute(params_from_iter(&statement.values))? as u64;
        row::touch(&mut self.step, table, rows);
        self.room = self.room.saturating_sub(rows);
        self.step.more = self.room == 0;
        Ok(())
    }
}

pub(super) fn correct(
    place: &Place,
    statements: Statements<'_>,
    statement: impl FnOnce(&Statements<'_>) -> bailee_core::Result<Statement>,
) -> Result<()> {
    changing(place, statements, |transaction| {
        let statement = statement(&statements)?;
        let mut prepared = transaction.prepare(&statement.sql)?;
        match prepared.execute(params_from_iter(&statement.values)) {
            Ok(0) => Err(Fault::Asked(ErrorKind::NotFound.into())),
            Ok(_) => Ok(()),
            // What the table does not take is the caller's to mend.
            Err(rusqlite::Error::SqliteFailure(failure, _))
                if matches!(
                    failure.code,
                    rusqlite::ErrorCode::ConstraintViolation | rusqlite::ErrorCode::TypeMismatch
                ) =>
            {
                Err(Fault::Asked(
                    Error::new(ErrorKind::InvalidInput)
                        .with_detail("the table does not take this value"),
                ))
            }
            Err(error) => Err(error.into()),
        }
    })
}

/// Reads all rows of all tables and gives them on in batches, with the place of their table. Whoever
/// takes them may take their time; nobody taking any more ends it.
pub(super) fn collect(
    place: &Place,
    statements: Statements<'_>,
    mut give: impl FnMut(usize, Vec<SourceRow>) -> Result<()>,
) -> Result<()> {
    reading(place, statements, |connection| {
        for (at, table) in statements.mapping.tables.iter().enumerate() {
            let statement = statements.collect(at)?;
            let mut prepared = connection.prepare(&statement.sql)?;
            let mut rows = prepared.query(params_from_iter(&statement.values))?;
            let mut batch = Vec::new();
            while let Some(row) = rows.next()? {
                batch.push(read_row(table, row)?);
                if batch.len() == row::HANDED {
                    give(at, std::mem::take(&mut batch))?;
                }
            }
            if !batch.is_empty() {
                give(at, batch)?;
            }
        }
        Ok(())
    })
}

fn number(connection: &Connection, statement: Statement) -> Result<u64> {
    let mut prepared = connection.prepare(&statement.sql)?;
    let number: i64 = prepared.query_row(params_from_iter(&statement.values), |row| row.get(0))?;
    u64::try_from(number).map_err(|_| Fault::Value)
}

fn read_row(table: &Table, row: &rusqlite::Row<'_>) -> Result<SourceRow> {
    row::read(table, |at| {
        Ok(match row.get_ref(at)? {
            ValueRef::Null => Value::Null,
            ValueRef::Integer(number) => Value::Integer(number),
            ValueRef::Real(number) => Value::Real(number),
            // What is no UTF-8 is the person's data all the same.
            ValueRef::Text(text) => str::from_utf8(text)
                .map_or_else(|_| Value::Bytes(text.to_vec()), |text| Value::Text(text.to_owned())),
            ValueRef::Blob(bytes) => Value::Bytes(bytes.to_vec()),
        })
    })
}

impl ToSql for Bound {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
            Self::Bytes(bytes) => ValueRef::Blob(bytes),
            Self::Integer(number) => ValueRef::Integer(*number),
            Self::Null => ValueRef::Null,
            Self::Real(number) => ValueRef::Real(*number),
            Self::Text(text) => ValueRef::Text(text.as_bytes()),
        }))
    }
}
