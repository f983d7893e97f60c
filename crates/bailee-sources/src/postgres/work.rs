//! What is done in a transaction.

use std::{sync::Arc, time::Duration};

use bailee_core::{Error, ErrorKind};
use bailee_rights::source::{
    Count, Remaining, RowSink, SourceRow, Step, Strategy, TableCount, TableRemaining, Value,
};

use super::{
    layout,
    session::{Begin, Connections, Session},
};
use crate::{
    fault::{Fault, Result},
    mapping::{Action, Checked, Table},
    row::{self, Correcting},
    statement::{Asked, Bound, Class, Dialect, Layout, Reach, Statement, Statements},
};

/// How many rows the first fetch of a table asks for, before anybody knows how large they are.
const FIRST: usize = 16;
/// How much of a table is fetched at once, by what the rows before it came to.
const BYTES: usize = 4 * 1024 * 1024;

/// How long a source waits.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    pub(super) lock: Duration,
    pub(super) statement: Duration,
}

/// A transaction in which the database was looked at, and the types of its columns.
pub(super) struct Ready {
    session: Box<dyn Session>,
    layout: Arc<Layout>,
}

impl Ready {
    /// Begins a transaction, sets what holds in it alone, and looks whether the database is the one
    /// that is mapped.
    pub(super) async fn begin(
        connections: &dyn Connections,
        begin: Begin,
        mapping: &Checked,
        looked: &layout::Looked,
        tenant: &str,
        limits: Limits,
    ) -> Result<Self> {
        let mut session = connections.begin(begin).await?;
        session.query(&settings(mapping, tenant, limits)).await?;
        let mut state = layout::tables(&mut *session, mapping).await?;
        if matches!(begin, Begin::Changing) {
            // From here to the commit nobody changes the tables, or what hangs on them by a key.
            for sql in locks(mapping) {
                session.execute(&Statement { sql, values: Vec::new() }).await?;
            }
            state = layout::tables(&mut *session, mapping).await?;
        }
        let layout = looked.layout(&mut *session, mapping, state).await?;
        Ok(Self { session, layout })
    }

    pub(super) async fn commit(self) -> Result<()> {
        self.session.commit().await
    }

    pub(super) async fn count(&mut self, mapping: &Checked, asked: Asked<'_>) -> Result<Count> {
        let Self { session, layout } = self;
        let statements = statements(mapping, layout, asked)?;
        let mut count = Count::default();
        for (at, table) in mapping.facts.tables.iter().enumerate() {
            let erase = statements.erase(at, mapping.batch.into(), Reach::All)?;
            count.tables.push(TableCount {
                table: table.name.clone(),
                rows: number(&mut **session, statements.count(at)?).await?,
                strategy: table.strategy.clone(),
                statement: erase.map(|erase| erase.sql).unwrap_or_default(),
            });
        }
        Ok(count)
    }

    pub(super) async fn remaining(
        &mut self,
        mapping: &Checked,
        asked: Asked<'_>,
    ) -> Result<Remaining> {
        let Self { session, layout } = self;
        let statements = statements(mapping, layout, asked)?;
        let mut remaining = Remaining::default();
        for (at, table) in mapping.facts.tables.iter().enumerate() {
            let left = match statements.left(at)? {
                Some(left) => number(&mut **session, left).await?,
                None => 0,
            };
            let (kept, why) = match &table.strategy {
                Strategy::Keep(why) => {
                    (number(&mut **session, statements.count(at)?).await?, Some(why.clone()))
                }
                _ => (0, None),
            };
            let (left, kept) = if statements.spares(at) { (0, kept + left) } else { (left, kept) };
            remaining.tables.push(TableRemaining { table: table.name.clone(), left, kept, why });
        }
        Ok(remaining)
    }

    pub(super) async fn count_older(
        &mut self,
        mapping: &Checked,
        asked: Asked<'_>,
        at: usize,
    ) -> Result<u64> {
        let Self { session, layout } = self;
        match statements(mapping, layout, asked)?.left(at)? {
            Some(left) => number(&mut **session, left).await,
            None => Ok(0),
        }
    }

    /// Erases up to so many rows, from the children up.
    ///
    /// A table is come to only when nothing is left below it in this very transaction, so that a row
    /// is never deleted before those that are found through it. Before that, rows that others hang
    /// on go in bundles, each with what hangs on them: else each step would walk past all that the
    /// steps before it have emptied.
    pub(super) async fn erase(&mut self, mapping: &Checked, asked: Asked<'_>) -> Result<Step> {
        let Self { session, layout } = self;
        let statements = statements(mapping, layout, asked)?;
        let mut room = u64::from(mapping.batch);
        let mut step = Step::default();
        for reach in [Reach::Some(room), Reach::All] {
            for (at, table) in statements.tables() {
                if let Some(statement) = statements.erase(at, room, reach)? {
                    change(&mut **session, &mut step, &mut room, table, &statement).await?;
                }
            }
        }
        Ok(step)
    }

    /// Marks up to so many rows, or takes the marks away.
    pub(super) async fn restrict(
        &mut self,
        mapping: &Checked,
        asked: Asked<'_>,
        restricted: bool,
    ) -> Result<Step> {
        let Self { session, layout } = self;
        let statements = statements(mapping, layout, asked)?;
        let mut room = u64::from(mapping.batch);
        let mut step = Step::default();
        for (at, table) in statements.tables() {
            if let Some(statement) = statements.restrict(at, restricted, room)? {
                change(&mut **session, &mut step, &mut room, table, &statement).await?;
            }
        }
        Ok(step)
    }

    pub(super) async fn correct(
        &mut self,
        mapping: &Checked,
        asked: Asked<'_>,
        correcting: Correcting,
    ) -> Result<()> {
        let Self { session, layout } = self;
        let statement = correcting.statement(&statements(mapping, layout, asked)?)?;
        match session.execute(&statement).await {
            Ok(0) => Err(Fault::Asked(ErrorKind::NotFound.into())),
            Ok(_) => Ok(()),
            // What the table does not take is the caller's to mend.
            Err(Fault::Postgres(state)) if state.is_of_a_value() => Err(Fault::Asked(
                Error::new(ErrorKind::InvalidInput)
                    .with_detail("the table does not take this value"),
            )),
            Err(error) => Err(error),
        }
    }

    /// Hands all rows of all tables to a sink, by one cursor for a table.
    pub(super) async fn collect(
        &mut self,
        mapping: &Checked,
        asked: Asked<'_>,
        sink: &mut dyn RowSink,
    ) -> Result<()> {
        let Self { session, layout } = self;
        let statements = statements(mapping, layout, asked)?;
        for (at, table) in mapping.tables.iter().enumerate() {
            let Statement { sql, values } = statements.collect(at)?;
            let sql = format!("DECLARE bailee_rows NO SCROLL CURSOR FOR {sql}");
            session.execute(&Statement { sql, values }).await?;
            let mut most = FIRST;
            loop {
                let sql = format!("FETCH {most} FROM bailee_rows");
                let rows = session.query(&Statement { sql, values: Vec::new() }).await?;
                let last = rows.len() < most;
                let size: usize = rows.iter().flatten().map(size).sum();
                let each = size.div_ceil(rows.len().max(1)).max(1);
                most = (BYTES / each).clamp(1, row::HANDED).min(most * 8);
                let rows = rows.into_iter().map(|row| read(table, layout, row));
                let rows: Vec<SourceRow> = rows.collect::<Result<_>>()?;
                if !rows.is_empty() {
                    sink.take(&mapping.facts.tables[at], rows).await?;
                }
                if last {
                    break;
                }
            }
            session.execute(&Statement { sql: CLOSE.to_owned(), values: Vec::new() }).await?;
        }
        Ok(())
    }
}

fn statements<'a>(
    mapping: &'a Checked,
    layout: &'a Layout,
    asked: Asked<'a>,
) -> Result<Statements<'a>> {
    let statements = Statements { mapping, dialect: Dialect::Postgres(layout), asked };
    statements.check()?;
    Ok(statements)
}

/// Makes one change, unless the step is full.
async fn change(
    session: &mut dyn Session,
    step: &mut Step,
    room: &mut u64,
    table: &Table,
    statement: &Statement,
) -> Result<()> {
    if *room == 0 {
        return Ok(());
    }
    let rows = session.execute(statement).await?;
    row::touch(step, table, rows);
    *room = room.saturating_sub(rows);
    step.more = *room == 0;
    Ok(())
}

async fn number(session: &mut dyn Session, statement: Statement) -> Result<u64> {
    let rows = session.query(&statement).await?;
    match rows.first().map(Vec::as_slice) {
        Some([Value::Integer(number)]) => u64::try_from(*number).map_err(|_| Fault::Value),
        _ => Err(Fault::Value),
    }
}

fn read(table: &Table, layout: &Layout, mut values: Vec<Value>) -> Result<SourceRow> {
    let mut row = row::read(table, |at| {
        values.get_mut(at).map(|value| std::mem::replace(value, Value::Null)).ok_or(Fault::Value)
    })?;
    for (field, value) in table.fields.iter().zip(&mut row.values) {
        let documents =
            matches!(layout.class(table, &field.column), Class::Json | Class::Jsonb | Class::List);
        if documents
            && field.path.is_empty()
            && let Value::Text(text) = value
        {
            *value = Value::Json(std::mem::take(text));
        }
    }
    Ok(row)
}

fn size(value: &Value) -> usize {
    match value {
        Value::Bytes(bytes) => bytes.len(),
        Value::Json(text) | Value::Text(text) => text.len(),
        _ => 0,
    }
}

/// What holds in one transaction alone. Without a tenant's setting, a policy that would hide rows is
/// an error of the statement.
fn settings(mapping: &Checked, tenant: &str, limits: Limits) -> Statement {
    let millis = |limit: Duration| limit.as_millis().clamp(1, 86_400_000).to_string();
    let security = if mapping.tenant_setting.is_some() { "on" } else { "off" };
    let mut all = vec![
        ("lock_timeout", millis(limits.lock)),
        ("statement_timeout", millis(limits.statement)),
        ("row_security", security.to_owned()),
        ("TimeZone", "UTC".to_owned()),
        ("DateStyle", "ISO, YMD".to_owned()),
        // All rows of a cursor are read.
        ("cursor_tuple_fraction", "1".to_owned()),
    ];
    if let Some(setting) = &mapping.tenant_setting {
        all.push((setting, tenant.to_owned()));
    }
    let mut sql = String::from("SELECT ");
    let mut values = Vec::new();
    for (name, value) in all {
        let at = values.len();
        sql.push_str(if at > 0 { ", " } else { "" });
        sql.push_str(&format!("set_config(${}::text, ${}::text, true)", at + 1, at + 2));
        values.extend([Bound::Text(name.to_owned()), Bound::Text(value)]);
    }
    Statement { sql, values }
}

/// Takes the locks that the changes will take anyway, before the tables are looked at. Tables that
/// are kept are not changed.
fn locks(mapping: &Checked) -> impl Iterator<Item = String> {
    let quoted = |name: &str| format!("\"{}\"", name.replace('"', "\"\""));
    let changed =
        |table: &&Table| !matches!(table.action, Action::Keep) || table.restriction.is_some();
    let names: std::collections::BTreeSet<&str> =
        mapping.tables.iter().filter(changed).map(|table| table.sql.as_str()).collect();
    let schema = quoted(&mapping.schema);
    let names: Vec<String> =
        names.into_iter().map(|name| format!("{schema}.{}", quoted(name))).collect();
    let locked = (!names.is_empty()).then(|| names.join(", "));
    locked.into_iter().map(|names| format!("LOCK TABLE {names} IN ROW EXCLUSIVE MODE"))
}

const CLOSE: &str = "CLOSE bailee_rows";
