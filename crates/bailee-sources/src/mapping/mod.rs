//! The mapping: which tables hold whose data, and what becomes of it.

mod check;
mod order;
mod written;

use std::{fs, path::Path, sync::Arc};

use bailee_core::{Error, ErrorKind, Result};
use bailee_rights::source::{FieldFacts, SourceFacts, Strategy, TableFacts, Whose};

use crate::Problems;

/// A checked mapping of a host's tables. It cannot exist in a bad state and is cheap to clone.
///
/// Whether the tables are there is seen when a database is opened with it, and again before
/// each use.
#[derive(Clone, Debug)]
pub struct Mapping(pub(crate) Arc<Checked>);

/// What was checked. Children stand before the tables that they belong to.
#[derive(Debug)]
pub(crate) struct Checked {
    pub(crate) facts: SourceFacts,
    /// The one tenant whose the whole database is, where it is one's alone.
    pub(crate) only_tenant: Option<String>,
    /// The most rows that a step changes.
    pub(crate) batch: u32,
    /// Where the tables lie in a PostgreSQL database.
    pub(crate) schema: String,
    /// What a PostgreSQL database's own row security asks for the tenant.
    #[cfg_attr(
        all(feature = "sqlite", not(any(feature = "postgres", feature = "sqlx"))),
        expect(dead_code, reason = "PostgreSQL alone asks for it")
    )]
    pub(crate) tenant_setting: Option<String>,
    /// In the order of an erasure and of the facts.
    pub(crate) tables: Vec<Table>,
}

#[derive(Debug)]
pub(crate) struct Table {
    pub(crate) name: String,
    /// The table's name in the database; several mapped tables may share it.
    pub(crate) sql: String,
    pub(crate) key: Vec<String>,
    pub(crate) tenant: Option<Column>,
    pub(crate) link: Link,
    pub(crate) restriction: Option<String>,
    pub(crate) age: Option<Age>,
    /// Whether rows of other mapped tables point at its rows without hanging on them.
    pub(crate) referred: bool,
    /// The tables that its rows point at, the one that they hang on among them.
    pub(crate) refers_to: Vec<usize>,
    pub(crate) fields: Vec<Field>,
    pub(crate) action: Action,
}

/// The column that says since when a row has been there.
#[derive(Debug)]
pub(crate) struct Age {
    pub(crate) column: String,
    pub(crate) unit: Unit,
}

/// How a time lies in a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Unit {
    /// Milliseconds since 1970.
    Millis,
    /// Seconds since 1970.
    Seconds,
    /// A text that begins with an ISO 8601 date, in UTC where it names no zone.
    Text,
    /// The database's own type for it.
    Timestamp,
}

/// What ties a row to a person.
#[derive(Debug)]
pub(crate) enum Link {
    /// A row of another mapped table.
    Parent { table: usize, column: String, key: String },
    /// A column with the host's id of the person, or with an identifier of theirs.
    Subject { column: Column, identifier: Option<String> },
}

#[derive(Debug)]
pub(crate) struct Column {
    pub(crate) name: String,
    pub(crate) form: Form,
}

/// How an id lies in a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Form {
    /// The sixteen bytes of a UUID.
    Bytes,
    Integer,
    Text,
    /// A UUID as 36 lower-case characters.
    Uuid,
}

#[derive(Debug)]
pub(crate) struct Field {
    pub(crate) column: String,
    /// The keys down to a part of a JSON document; empty for the whole column.
    pub(crate) path: Vec<String>,
    /// Another person's, shown masked.
    pub(crate) masked: bool,
}

/// What an erasure does, by places of fields.
#[derive(Debug)]
pub(crate) enum Action {
    Delete,
    Keep,
    Null(Vec<usize>),
    Pseudonymise { fields: Vec<usize>, constant: Option<String> },
    Unlink,
}

impl Checked {
    /// The place of a table that knows how old its rows are.
    ///
    /// # Errors
    ///
    /// `Unsupported` where there is none of that name.
    pub(crate) fn aged(&self, name: &str) -> Result<usize> {
        let aged = |table: &Table| table.name == name && table.age.is_some();
        let unsupported = || Error::new(ErrorKind::Unsupported);
        self.tables.iter().position(aged).ok_or_else(unsupported)
    }

    /// Whether a table is another one, or its rows hang on rows of it.
    pub(crate) fn hangs_on(&self, at: usize, root: usize) -> bool {
        let mut at = at;
        loop {
            match &self.tables[at].link {
                _ if at == root => return true,
                Link::Parent { table, .. } => at = *table,
                Link::Subject { .. } => return false,
            }
        }
    }

    /// Whether an erasure may take rows of this table together with what hangs on them, before it
    /// comes to other tables: it hangs on another or others on it, and nothing else points at them.
    pub(crate) fn is_bundled(&self, at: usize) -> bool {
        let mut up = at;
        loop {
            match &self.tables[up].link {
                _ if self.tables[up].referred => return false,
                Link::Parent { table, .. } => up = *table,
                Link::Subject { .. } => return up != at || self.children(at).next().is_some(),
            }
        }
    }

    /// Which tables an erasure leaves as they are: those whose sets it spares, and those without whose
    /// rows theirs could not stay.
    pub(crate) fn spared(&self, whose: &Whose) -> Vec<bool> {
        let mut spared = vec![false; self.tables.len()];
        // Whoever points at a table comes before it.
        for (at, facts) in self.facts.tables.iter().enumerate() {
            if spared[at] || whose.spares(&facts.data_set) {
                spared[at] = true;
                for to in &self.tables[at].refers_to {
                    spared[*to] = true;
                }
            }
        }
        spared
    }

    /// The tables whose rows hang on rows of this one, with the columns that tie them to it: theirs,
    /// and its own.
    pub(crate) fn children(&self, at: usize) -> impl Iterator<Item = (&Table, &str, &str)> {
        self.tables.iter().filter_map(move |child| match &child.link {
            Link::Parent { table, column, key } if *table == at => {
                Some((child, column.as_str(), key.as_str()))
            }
            _ => None,
        })
    }
}

impl Mapping {
    /// Reads and checks a mapping.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Configuration`] with what is wrong, each with its line. The error's source is a
    /// [`Problems`].
    pub fn parse(text: &str) -> Result<Self> {
        Ok(Self::check(text)?)
    }

    /// Reads and checks a mapping, for tools that show each problem at its line.
    ///
    /// # Errors
    ///
    /// Everything that is wrong. A text whose form is wrong has one problem, the first.
    pub fn check(text: &str) -> Result<Self, Problems> {
        let written = written::read(text)?;
        Ok(Self(Arc::new(check::check(text, written)?)))
    }

    /// Reads and checks the mapping in a file, at most 1 MiB of UTF-8.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Configuration`] for a file that cannot be read, and as [`Mapping::parse`].
    pub fn load(path: impl AsRef<Path>) -> Result<Self> {
        const LIMIT: u64 = 1024 * 1024;
        let unreadable = |error: std::io::Error| {
            Error::new(ErrorKind::Configuration)
                .with_detail("the mapping's file cannot be read")
                .with_source(error)
        };
        if fs::metadata(&path).map_err(unreadable)?.len() > LIMIT {
            return Err(Error::new(ErrorKind::Configuration)
                .with_detail("the mapping's file is larger than 1 MiB"));
        }
        Self::parse(&fs::read_to_string(&path).map_err(unreadable)?)
    }

    /// What the source says of itself: its tables in the order of an erasure, their fields and what
    /// becomes of them.
    pub fn facts(&self) -> &SourceFacts {
        &self.0.facts
    }
}

/// The public side of a checked table.
fn facts_of(
    name: &str,
    data_set: &str,
    strategy: Strategy,
    fields: Vec<FieldFacts>,
    restricts: bool,
    aged: bool,
) -> TableFacts {
    let mut facts = TableFacts::new(name, data_set, strategy);
    facts.fields = fields;
    facts.restricts = restricts;
    facts.aged = aged;
    facts
}
