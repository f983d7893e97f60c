//! A statement while it is written, for one of the two databases.

use std::{collections::BTreeMap, fmt::Write as _};

use crate::mapping::{Checked, Field, Table};

/// A statement with its values.
#[derive(Debug)]
pub(crate) struct Statement {
    pub(crate) sql: String,
    pub(crate) values: Vec<Bound>,
}

/// A value that is bound to a place of a statement.
#[derive(Clone)]
pub(crate) enum Bound {
    Bytes(Vec<u8>),
    Integer(i64),
    Null,
    Real(f64),
    Text(String),
}

impl std::fmt::Debug for Bound {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("[redacted]")
    }
}

/// Whose words a statement is written in.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Dialect<'a> {
    /// With the types of the columns, which a database was asked for.
    #[cfg_attr(
        not(any(feature = "postgres", feature = "sqlx")),
        expect(dead_code, reason = "PostgreSQL alone asks for it")
    )]
    Postgres(&'a Layout),
    #[cfg_attr(not(feature = "sqlite"), expect(dead_code, reason = "nobody speaks to SQLite"))]
    Sqlite,
}

/// The types of the columns of mapped tables in a PostgreSQL database.
#[derive(Debug, Default)]
pub(crate) struct Layout(BTreeMap<String, BTreeMap<String, Kind>>);

/// The type of a column.
#[derive(Clone, Debug)]
pub(crate) struct Kind {
    pub(crate) class: Class,
    /// As a cast names it, without a length: one would cut off what does not fit.
    pub(crate) cast: String,
}

/// What may be done with a column, as far as it matters here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(
    not(any(feature = "postgres", feature = "sqlx")),
    expect(dead_code, reason = "PostgreSQL alone asks for it")
)]
pub(crate) enum Class {
    Bool,
    Bytes,
    Integer,
    Json,
    Jsonb,
    /// Arrays and rows, which are shown as JSON.
    List,
    /// Dates and times, which are shown as ISO 8601 has them.
    Moment,
    Other,
    Real,
    /// Texts of which no two are taken for one.
    Text,
    Uuid,
}

impl Layout {
    #[cfg_attr(
        not(any(feature = "postgres", feature = "sqlx")),
        expect(dead_code, reason = "PostgreSQL alone asks for it")
    )]
    pub(crate) fn insert(&mut self, table: &str, column: &str, kind: Kind) {
        self.0.entry(table.to_owned()).or_default().insert(column.to_owned(), kind);
    }

    pub(crate) fn kind(&self, table: &str, column: &str) -> Option<&Kind> {
        self.0.get(table)?.get(column)
    }

    pub(crate) fn class(&self, table: &Table, column: &str) -> Class {
        self.kind(&table.sql, column).map_or(Class::Other, |kind| kind.class)
    }

    /// The type for a cast. A column that was not looked at is compared as a text.
    pub(crate) fn cast(&self, table: &Table, column: &str) -> &str {
        self.kind(&table.sql, column).map_or("text", |kind| &kind.cast)
    }
}

/// How ids are compared in SQLite: byte by byte, whatever the column was declared to do. Where it
/// makes no difference between capitals, `Ada` and `ada` would be one person. In PostgreSQL such
/// columns are refused, since another collation would not find the column's index.
const EXACTLY: &str = " COLLATE BINARY";

pub(crate) struct Sql<'a> {
    dialect: Dialect<'a>,
    schema: &'a str,
    text: String,
    values: Vec<Bound>,
}

impl<'a> Sql<'a> {
    pub(crate) fn new(dialect: Dialect<'a>, mapping: &'a Checked) -> Self {
        Self { dialect, schema: &mapping.schema, text: String::new(), values: Vec::new() }
    }

    pub(crate) fn push(&mut self, text: &str) -> &mut Self {
        self.text.push_str(text);
        self
    }

    /// A name between quotes. A checked mapping has none with quotes in it; should one come, it is
    /// doubled.
    pub(crate) fn name(&mut self, name: &str) -> &mut Self {
        let _ = write!(self.text, "\"{}\"", name.replace('"', "\"\""));
        self
    }

    pub(crate) fn column(&mut self, alias: &str, column: &str) -> &mut Self {
        self.push(alias).push(".").name(column)
    }

    pub(crate) fn column_of(&mut self, table: &Table, column: &str) -> &mut Self {
        self.name(&table.sql).push(".").name(column)
    }

    pub(crate) fn list(&mut self, columns: &[String], alias: &str) -> &mut Self {
        for (n, column) in columns.iter().enumerate() {
            self.push(if n > 0 { ", " } else { "" }).column(alias, column);
        }
        self
    }

    /// A table's name.
    pub(crate) fn table(&mut self, table: &Table) -> &mut Self {
        if matches!(self.dialect, Dialect::Postgres(_)) {
            self.name(self.schema).push(".");
        }
        self.name(&table.sql)
    }

    /// A table with an alias for its depth.
    pub(crate) fn table_at(&mut self, table: &Table, depth: usize) -> &mut Self {
        let _ = write!(self.table(table).text, " AS t{depth}");
        self
    }

    /// A place for a value.
    pub(crate) fn bind(&mut self, value: Bound) -> &mut Self {
        let number = self.values.len() + 1;
        let _ = match (self.dialect, &value) {
            (Dialect::Sqlite, _) => write!(self.text, "?{number}"),
            (Dialect::Postgres(_), Bound::Bytes(_)) => write!(self.text, "${number}::bytea"),
            (Dialect::Postgres(_), Bound::Integer(_)) => write!(self.text, "${number}::int8"),
            (Dialect::Postgres(_), Bound::Real(_)) => write!(self.text, "${number}::float8"),
            (Dialect::Postgres(_), Bound::Text(_)) => write!(self.text, "${number}::text"),
            // Nothing has no type of its own.
            (Dialect::Postgres(_), Bound::Null) => {
                self.text.push_str("NULL");
                return self;
            }
        };
        self.values.push(value);
        self
    }

    /// A place for a value that is put into a column, or held against what it holds.
    pub(crate) fn bind_into(&mut self, table: &Table, column: &str, value: Bound) -> &mut Self {
        match self.dialect {
            Dialect::Sqlite => self.bind(value),
            Dialect::Postgres(layout) => {
                let value = match value {
                    Bound::Integer(number) => Bound::Text(number.to_string()),
                    Bound::Real(number) => Bound::Text(number.to_string()),
                    other => other,
                };
                let bytes = matches!(value, Bound::Bytes(_));
                self.bind(value);
                if bytes { self } else { self.push("::").push(layout.cast(table, column)) }
            }
        }
    }

    /// `column = value` for an id, in a way in which the column's index can be used.
    pub(crate) fn id(&mut self, table: &Table, column: &str, value: Bound) -> &mut Self {
        match self.dialect {
            Dialect::Sqlite => self.bind(value),
            Dialect::Postgres(layout) => {
                self.bind(value);
                let uuid = layout.class(table, column) == Class::Uuid;
                if uuid { self.push("::uuid") } else { self }
            }
        }
    }

    /// What follows a column whose ids are compared.
    pub(crate) fn exactly(&mut self) -> &mut Self {
        let text = if matches!(self.dialect, Dialect::Sqlite) { EXACTLY } else { "" };
        self.push(text)
    }

    /// A column of documents, as a document.
    pub(crate) fn document(
        &mut self,
        table: &Table,
        alias: Option<&str>,
        column: &str,
    ) -> &mut Self {
        match alias {
            Some(alias) => self.column(alias, column),
            None => self.column_of(table, column),
        };
        match self.dialect {
            Dialect::Postgres(layout) if layout.class(table, column) != Class::Jsonb => {
                self.push("::jsonb")
            }
            _ => self,
        }
    }

    /// A path into a document.
    pub(crate) fn path(&mut self, field: &Field) -> &mut Self {
        self.path_of(&field.path)
    }

    pub(crate) fn path_of(&mut self, keys: &[String]) -> &mut Self {
        if matches!(self.dialect, Dialect::Sqlite) {
            // Its keys have neither quotes nor backslashes.
            let path = keys.iter().fold(String::from("$"), |mut path, key| {
                let _ = write!(path, ".\"{key}\"");
                path
            });
            return self.bind(Bound::Text(path));
        }
        self.push("ARRAY[");
        for (n, key) in keys.iter().enumerate() {
            self.push(if n > 0 { ", " } else { "" }).bind(Bound::Text(key.clone()));
        }
        self.push("]")
    }

    pub(crate) fn finish(self) -> Statement {
        Statement { sql: self.text, values: self.values }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Mapping;

    #[test]
    fn names_are_quoted_whatever_they_hold() {
        let mapping = Mapping::parse(
            "name = \"app\"\n[[tables]]\ntable = \"a\"\ndata_set = \"content\"\n\
             origin = \"provided\"\nkey = [\"id\"]\ntenant = \"t\"\n\
             subject = { column = \"who\", type = \"text\" }\nstrategy = \"delete\"\n\
             fields = [{ column = \"body\", category = \"content\" }]",
        )
        .unwrap();
        for dialect in [Dialect::Sqlite, Dialect::Postgres(&Layout::default())] {
            let mut sql = Sql::new(dialect, &mapping.0);
            sql.name("a\"; DROP TABLE b; --");
            assert_eq!(sql.finish().sql, "\"a\"\"; DROP TABLE b; --\"");
        }
    }
}
