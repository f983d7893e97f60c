//! Rows on their way out, in batches.

use std::{collections::BTreeMap, fmt};

use async_trait::async_trait;
use bailee_core::Result;

use super::TableFacts;

/// A row of a person's data.
#[derive(Clone, Debug, PartialEq)]
pub struct SourceRow {
    /// What names the row within its table, the same at every collection. Two rows never share it.
    pub key: String,
    /// The values, in the order of the table's fields.
    pub values: Vec<Value>,
}

/// A value of a row. It is personal data: `Debug` shows its form alone.
#[derive(Clone, PartialEq)]
#[non_exhaustive]
pub enum Value {
    /// Yes or no.
    Bool(bool),
    /// Bytes.
    Bytes(Vec<u8>),
    /// A whole number.
    Integer(i64),
    /// A document or a part of one, as JSON.
    Json(String),
    /// There is something, and it is another person's (Art. 15(4) GDPR).
    Masked,
    /// Nothing.
    Null,
    /// A number.
    Real(f64),
    /// A text.
    Text(String),
}

impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Bool(_) => "Bool([redacted])",
            Self::Bytes(_) => "Bytes([redacted])",
            Self::Integer(_) => "Integer([redacted])",
            Self::Json(_) => "Json([redacted])",
            Self::Masked => "Masked",
            Self::Null => "Null",
            Self::Real(_) => "Real([redacted])",
            Self::Text(_) => "Text([redacted])",
        })
    }
}

/// Takes rows as they come. A source waits for it, so that no more than a batch is in memory.
#[async_trait]
pub trait RowSink: Send {
    /// Takes a batch of one table. Never empty.
    ///
    /// # Errors
    ///
    /// Whatever keeps it from taking more: the source stops and gives it on.
    async fn take(&mut self, table: &TableFacts, rows: Vec<SourceRow>) -> Result<()>;
}

/// A sink that keeps everything in memory, for tests and for people with little data.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Gathered(BTreeMap<String, Vec<SourceRow>>);

impl Gathered {
    /// The rows of a table; none where nothing came.
    pub fn table(&self, name: &str) -> &[SourceRow] {
        self.0.get(name).map_or(&[], Vec::as_slice)
    }

    /// The tables of which rows came, with their rows.
    pub fn tables(&self) -> impl Iterator<Item = (&str, &[SourceRow])> {
        self.0.iter().map(|(name, rows)| (name.as_str(), rows.as_slice()))
    }
}

#[async_trait]
impl RowSink for Gathered {
    async fn take(&mut self, table: &TableFacts, rows: Vec<SourceRow>) -> Result<()> {
        self.0.entry(table.name.clone()).or_default().extend(rows);
        Ok(())
    }
}
