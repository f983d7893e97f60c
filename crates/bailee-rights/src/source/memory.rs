//! A source in memory, for the tests of whoever uses sources. It can misbehave on demand.

use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use bailee_core::{Error, ErrorKind, HostId, Result, TenantId, Timestamp};

use super::{
    Correction, Count, DataSource, Remaining, RowSink, SourceFacts, SourceRow, Step, Strategy,
    TableCount, TableFacts, TableRemaining, Touched, Value, Whose,
};

/// A source whose rows lie in memory.
#[derive(Debug)]
pub struct MemorySource {
    facts: SourceFacts,
    batch: usize,
    state: Mutex<State>,
}

/// How a [`MemorySource`] behaves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Manner {
    /// Its second look leaves a table out.
    Forgetful,
    /// Somebody adds a row of the person before each of the next so many steps.
    Growing(u32),
    /// It does what it should.
    #[default]
    Honest,
    /// Its erasure does nothing and says that it is done.
    Idle,
    /// It never answers.
    Silent,
    /// It cannot be reached.
    Unreachable,
}

#[derive(Debug, Default)]
struct State {
    rows: Vec<Held>,
    manner: Manner,
    added: u64,
}

#[derive(Debug)]
struct Held {
    table: String,
    tenant: TenantId,
    person: Option<HostId>,
    restricted: bool,
    since: Option<Timestamp>,
    row: SourceRow,
}

impl MemorySource {
    /// An empty source. A step changes at most `batch` rows, and at least one.
    pub fn new(facts: SourceFacts, batch: usize) -> Self {
        Self { facts, batch: batch.max(1), state: Mutex::default() }
    }

    /// Adds a row of a person, of which nobody knows how old it is. Its values are those of the
    /// table's fields, in their order.
    pub fn insert(&self, whose: &Whose, table: &str, row: SourceRow) {
        let held = Held::new(whose, table, row);
        self.state().rows.push(held);
    }

    /// Adds a row of a person that is as old as that.
    pub fn insert_at(&self, since: Timestamp, whose: &Whose, table: &str, row: SourceRow) {
        let held = Held { since: Some(since), ..Held::new(whose, table, row) };
        self.state().rows.push(held);
    }

    /// Changes how it behaves from now on.
    pub fn behave(&self, manner: Manner) {
        self.state().manner = manner;
    }

    /// How many of a person's rows are marked as restricted.
    pub fn restricted(&self, whose: &Whose) -> usize {
        let state = self.state();
        state.rows.iter().filter(|held| held.restricted && held.is_of(whose)).count()
    }

    /// What everybody's rows hold, unlinked ones included, to look for what should be gone.
    pub fn contents(&self) -> Vec<SourceRow> {
        self.state().rows.iter().map(|held| held.row.clone()).collect()
    }

    // Nothing panics while it holds the lock.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Answers as it behaves; whoever is answered may look.
    async fn answer(&self) -> Result<()> {
        let manner = self.state().manner;
        match manner {
            Manner::Silent => std::future::pending().await,
            Manner::Unreachable => Err(ErrorKind::HostFailed.into()),
            _ => Ok(()),
        }
    }

    /// A table that knows how old its rows are.
    fn aged(&self, name: &str) -> Result<&TableFacts> {
        let aged = self.facts.table(name).filter(|table| table.aged);
        aged.ok_or_else(|| ErrorKind::Unsupported.into())
    }

    fn grow(&self, whose: &Whose) {
        let Some(table) = self.facts.tables.first() else { return };
        let mut state = self.state();
        if let Manner::Growing(left @ 1..) = state.manner {
            state.manner = Manner::Growing(left - 1);
            state.added += 1;
            let key = format!("added-{}", state.added);
            let values = vec![Value::Text("canary-added".into()); table.fields.len()];
            state.rows.push(Held::new(whose, &table.name, SourceRow { key, values }));
        }
    }
}

impl Held {
    fn new(whose: &Whose, table: &str, row: SourceRow) -> Self {
        Self {
            table: table.into(),
            tenant: whose.tenant().clone(),
            person: Some(whose.person().clone()),
            restricted: false,
            since: None,
            row,
        }
    }

    fn is_of(&self, whose: &Whose) -> bool {
        self.tenant == *whose.tenant() && self.person.as_ref() == Some(whose.person())
    }

    /// Whether it is somebody's row in the tenant, older than a time, and nobody's who is excepted.
    fn is_old(&self, tenant: &TenantId, before: Timestamp, except: &[HostId]) -> bool {
        self.tenant == *tenant
            && self.since.is_some_and(|since| since < before)
            && !self.person.as_ref().is_some_and(|person| except.contains(person))
    }

    /// Does to it what an erasure does, and says whether it stays.
    fn erase(&mut self, table: &TableFacts) -> bool {
        match &table.strategy {
            Strategy::Delete => return false,
            Strategy::Keep(_) => {}
            Strategy::Null { fields } => self.put(table, fields, &Value::Null),
            Strategy::Pseudonymise { fields } => self.put(table, fields, &pseudonym()),
            Strategy::Unlink => self.person = None,
        }
        true
    }

    /// Whether an erasure still has to do something.
    fn is_left(&self, table: &TableFacts) -> bool {
        match &table.strategy {
            Strategy::Delete => true,
            Strategy::Keep(_) => false,
            Strategy::Unlink => self.person.is_some(),
            Strategy::Null { fields } => self.holds(table, fields, &Value::Null),
            Strategy::Pseudonymise { fields } => self.holds(table, fields, &pseudonym()),
        }
    }

    /// Whether a field holds something else than what an erasure leaves in it.
    fn holds(&self, table: &TableFacts, fields: &[String], goal: &Value) -> bool {
        places(table, fields).any(|at| {
            self.row.values.get(at).is_some_and(|value| value != goal && *value != Value::Null)
        })
    }

    fn put(&mut self, table: &TableFacts, fields: &[String], goal: &Value) {
        for at in places(table, fields) {
            if let Some(value) = self.row.values.get_mut(at).filter(|value| **value != Value::Null)
            {
                value.clone_from(goal);
            }
        }
    }
}

fn places<'a>(table: &'a TableFacts, fields: &'a [String]) -> impl Iterator<Item = usize> + 'a {
    let named = |(_, field): &(usize, &super::FieldFacts)| fields.contains(&field.name);
    table.fields.iter().enumerate().filter(named).map(|(at, _)| at)
}

fn pseudonym() -> Value {
    Value::Text("erased".into())
}

#[async_trait]
impl DataSource for MemorySource {
    fn facts(&self) -> &SourceFacts {
        &self.facts
    }

    async fn count(&self, whose: &Whose) -> Result<Count> {
        self.answer().await?;
        let state = self.state();
        let count = |table: &TableFacts| {
            let mine = |held: &&Held| held.table == table.name && held.is_of(whose);
            TableCount {
                table: table.name.clone(),
                rows: state.rows.iter().filter(mine).count() as u64,
                strategy: table.strategy.clone(),
                statement: String::new(),
            }
        };
        Ok(Count { tables: self.facts.tables.iter().map(count).collect() })
    }

    async fn collect(&self, whose: &Whose, sink: &mut dyn RowSink) -> Result<()> {
        self.answer().await?;
        for table in &self.facts.tables {
            let rows: Vec<SourceRow> = {
                let state = self.state();
                let mine = |held: &&Held| held.table == table.name && held.is_of(whose);
                state.rows.iter().filter(mine).map(|held| held.row.clone()).collect()
            };
            for batch in rows.chunks(self.batch) {
                let mut batch = batch.to_vec();
                for row in &mut batch {
                    for (value, field) in row.values.iter_mut().zip(&table.fields) {
                        if field.masked && *value != Value::Null {
                            *value = Value::Masked;
                        }
                    }
                }
                sink.take(table, batch).await?;
            }
        }
        Ok(())
    }

    async fn erase(&self, whose: &Whose) -> Result<Step> {
        self.answer().await?;
        self.grow(whose);
        let mut state = self.state();
        let mut step = Step::default();
        if state.manner == Manner::Idle {
            return Ok(step);
        }
        let mut room = self.batch;
        for table in self.facts.tables.iter().filter(|table| !whose.spares(&table.data_set)) {
            let mut rows = 0;
            state.rows.retain_mut(|held| {
                let due = held.table == table.name && held.is_of(whose) && held.is_left(table);
                if !due || room == 0 {
                    return true;
                }
                room -= 1;
                rows += 1;
                held.erase(table)
            });
            if rows > 0 {
                step.touched.push(Touched { table: table.name.clone(), rows });
            }
        }
        step.more = room == 0;
        Ok(step)
    }

    async fn correct(&self, whose: &Whose, correction: &Correction) -> Result<()> {
        self.answer().await?;
        let table = self.facts.table(&correction.table).ok_or(ErrorKind::NotFound)?;
        let at = table.fields.iter().position(|field| field.name == correction.field);
        let at = at.ok_or(ErrorKind::NotFound)?;
        if table.fields[at].masked {
            return Err(ErrorKind::Unsupported.into());
        }
        let mut state = self.state();
        let row = state.rows.iter_mut().find(|held| {
            held.table == table.name && held.row.key == correction.key && held.is_of(whose)
        });
        let value = row.and_then(|held| held.row.values.get_mut(at));
        value.ok_or(Error::new(ErrorKind::NotFound))?.clone_from(&correction.value);
        Ok(())
    }

    async fn restrict(&self, whose: &Whose, restricted: bool) -> Result<Step> {
        self.answer().await?;
        let mut state = self.state();
        let mut step = Step::default();
        let mut room = self.batch;
        for table in self.facts.tables.iter().filter(|table| table.restricts) {
            let due = |held: &&mut Held| {
                held.table == table.name && held.is_of(whose) && held.restricted != restricted
            };
            let mut rows = 0;
            for held in state.rows.iter_mut().filter(due).take(room) {
                held.restricted = restricted;
                rows += 1;
            }
            room -= rows;
            if rows > 0 {
                step.touched.push(Touched { table: table.name.clone(), rows: rows as u64 });
            }
        }
        step.more = room == 0;
        Ok(step)
    }

    async fn remaining(&self, whose: &Whose) -> Result<Remaining> {
        self.answer().await?;
        let state = self.state();
        let forgotten = usize::from(state.manner == Manner::Forgetful);
        let look = |table: &TableFacts| {
            let mine =
                || state.rows.iter().filter(|held| held.table == table.name && held.is_of(whose));
            let why = match &table.strategy {
                Strategy::Keep(why) => Some(why.clone()),
                _ => None,
            };
            let left = mine().filter(|held| held.is_left(table)).count() as u64;
            let (left, held) = if whose.spares(&table.data_set) { (0, left) } else { (left, 0) };
            let kept = if why.is_some() { mine().count() as u64 } else { held };
            TableRemaining { table: table.name.clone(), left, kept, why }
        };
        Ok(Remaining { tables: self.facts.tables.iter().skip(forgotten).map(look).collect() })
    }

    async fn count_older(
        &self,
        tenant: &TenantId,
        table: &str,
        before: Timestamp,
        except: &[HostId],
    ) -> Result<u64> {
        self.answer().await?;
        let table = self.aged(table)?;
        let old = |held: &&Held| {
            held.table == table.name && held.is_old(tenant, before, except) && held.is_left(table)
        };
        Ok(self.state().rows.iter().filter(old).count() as u64)
    }

    async fn erase_older(
        &self,
        tenant: &TenantId,
        table: &str,
        before: Timestamp,
        except: &[HostId],
    ) -> Result<Step> {
        self.answer().await?;
        let table = self.aged(table)?;
        let mut state = self.state();
        let mut step = Step::default();
        if state.manner == Manner::Idle {
            return Ok(step);
        }
        let mut room = self.batch;
        state.rows.retain_mut(|held| {
            let due = held.table == table.name
                && held.is_old(tenant, before, except)
                && held.is_left(table);
            if !due || room == 0 {
                return true;
            }
            room -= 1;
            held.erase(table)
        });
        let rows = (self.batch - room) as u64;
        if rows > 0 {
            step.touched.push(Touched { table: table.name.clone(), rows });
        }
        step.more = room == 0;
        Ok(step)
    }
}
