//! The second look: what is left after an erasure.

use bailee_core::{Error, ErrorKind, Result};
use serde::Serialize;

use super::{Kept, SourceFacts, Whose};

/// What a source has left of a person.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Remaining {
    /// A line for each table.
    pub tables: Vec<TableRemaining>,
}

/// What a table has left of a person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TableRemaining {
    /// The table.
    pub table: String,
    /// How many rows still have something that should be gone.
    pub left: u64,
    /// How many rows are kept, by a law or because they are held.
    pub kept: u64,
    /// Why they are kept, where the table keeps rows.
    pub why: Option<Kept>,
}

/// What every source answered to a second look.
#[derive(Debug)]
pub struct SecondLook {
    sources: Vec<SourceAnswer>,
}

/// What one source answered.
#[derive(Debug)]
#[non_exhaustive]
pub struct SourceAnswer {
    /// The source.
    pub source: String,
    /// What it found. An answer that leaves a table out is an error here.
    pub found: Result<Remaining>,
}

impl Remaining {
    /// How many rows still have something that should be gone.
    pub fn left(&self) -> u64 {
        self.tables.iter().map(|table| table.left).sum()
    }

    /// How many rows are kept, by a law or because they are held.
    pub fn kept(&self) -> u64 {
        self.tables.iter().map(|table| table.kept).sum()
    }
}

impl SecondLook {
    pub(super) fn new(sources: Vec<SourceAnswer>) -> Self {
        Self { sources }
    }

    /// The answers, in the order of the sources. A certificate lists them with their counts.
    pub fn sources(&self) -> &[SourceAnswer] {
        &self.sources
    }

    /// Whether every source answered for every table, and nothing is left but what a law keeps. Only
    /// then may a request be closed.
    pub fn is_clear(&self) -> bool {
        let clear = |found: &Result<Remaining>| matches!(found, Ok(found) if found.left() == 0);
        self.sources.iter().all(|answer| clear(&answer.found))
    }

    /// The sources that gave no whole answer or have something left.
    pub fn open(&self) -> impl Iterator<Item = &SourceAnswer> {
        self.sources
            .iter()
            .filter(|answer| answer.found.as_ref().map_or(true, |found| found.left() > 0))
    }
}

/// Takes an answer for whole only where it has exactly one line for each table, and where rows are
/// called kept only in tables that may keep them, or because something of the person is held.
pub(crate) fn whole(facts: &SourceFacts, whose: &Whose, found: Remaining) -> Result<Remaining> {
    let mut named: Vec<&str> = found.tables.iter().map(|table| table.table.as_str()).collect();
    let mut known: Vec<&str> = facts.tables.iter().map(|table| table.name.as_str()).collect();
    named.sort_unstable();
    known.sort_unstable();
    if named != known {
        return Err(Error::new(ErrorKind::HostFailed)
            .with_detail("a source did not answer for each of its tables"));
    }
    let keeps = |table: &TableRemaining| {
        let strategy = facts.table(&table.table).map(|table| &table.strategy);
        matches!(strategy, Some(super::Strategy::Keep(_)))
    };
    let held = whose.spares_some();
    if found.tables.iter().any(|table| table.kept > 0 && !keeps(table) && !held) {
        return Err(Error::new(ErrorKind::HostFailed)
            .with_detail("a source keeps rows of a table that no law keeps"));
    }
    Ok(found)
}
