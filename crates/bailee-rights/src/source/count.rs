//! The dry run: what an erasure would touch.

use serde::Serialize;

use super::Strategy;

/// What an erasure of a person's data would do now. Nothing was changed to find it out.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Count {
    /// A line for each table, in the order of the erasure. A table without rows has a line too.
    pub tables: Vec<TableCount>,
}

/// What an erasure would do to one table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TableCount {
    /// The table.
    pub table: String,
    /// How many rows are the person's, those that are kept and those that were emptied before
    /// included.
    pub rows: u64,
    /// What would be done to them.
    #[serde(flatten)]
    pub strategy: Strategy,
    /// The statement of it, with places in the stead of values; empty where nothing is done.
    pub statement: String,
}

impl Count {
    /// How many rows are the person's in all tables.
    pub fn rows(&self) -> u64 {
        self.tables.iter().map(|table| table.rows).sum()
    }
}
