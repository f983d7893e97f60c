//! The statements that a mapping comes to. Names are quoted, values are bound, and each statement
//! names the tenant wherever its table has one.

mod change;
mod rows;
mod sql;

use bailee_core::{Error, ErrorKind, HostId, Result, TenantId, Timestamp};
use bailee_rights::source::Whose;

#[cfg(not(any(feature = "postgres", feature = "sqlx")))]
use self::sql::Class;
use self::sql::Sql;
pub(crate) use self::sql::{Bound, Dialect, Statement};
#[cfg(any(feature = "postgres", feature = "sqlx"))]
pub(crate) use self::sql::{Class, Kind, Layout};
use crate::mapping::{Action, Checked, Table};

/// Builds the statements of one question to a source.
#[derive(Clone, Copy)]
pub(crate) struct Statements<'a> {
    pub(crate) mapping: &'a Checked,
    pub(crate) dialect: Dialect<'a>,
    pub(crate) asked: Asked<'a>,
}

/// Whose rows are meant.
#[derive(Clone, Copy)]
pub(crate) enum Asked<'a> {
    /// What is older than a time in one table, of whomever but some people.
    Older { at: usize, tenant: &'a TenantId, before: Timestamp, except: &'a [HostId] },
    /// One person's, with the pseudonym that an erasure leaves.
    Person { whose: &'a Whose, pseudonym: &'a str },
}

/// How much of a table is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reach {
    /// All that is meant.
    All,
    /// Some rows that others hang on, with those others; so many of the first.
    Some(u64),
}

impl<'a> Statements<'a> {
    pub(crate) fn tenant(&self) -> &'a TenantId {
        match self.asked {
            Asked::Older { tenant, .. } => tenant,
            Asked::Person { whose, .. } => whose.tenant(),
        }
    }

    /// Refuses a person whose tenant or ids the mapping cannot look for.
    ///
    /// # Errors
    ///
    /// `InvalidInput`: the database is another tenant's, an id does not fit its column, or an
    /// identifier was not given. `Unsupported` where whose rows are old cannot be held against the
    /// people that are excepted.
    pub(crate) fn check(&self) -> Result<()> {
        let only = self.mapping.only_tenant.as_deref();
        if only.is_some_and(|only| only != self.tenant().as_str()) {
            return Err(Error::new(ErrorKind::InvalidInput)
                .with_detail("the source's database is another tenant's"));
        }
        match self.asked {
            Asked::Older { at, .. } => self.count(at).map(drop),
            Asked::Person { .. } => {
                (0..self.mapping.tables.len()).try_for_each(|at| self.count(at).map(drop))
            }
        }
    }

    /// The tables that a change goes through, children first.
    pub(crate) fn tables(&self) -> impl Iterator<Item = (usize, &'a Table)> {
        let asked = self.asked;
        let mapping = self.mapping;
        mapping.tables.iter().enumerate().filter(move |(table, _)| match asked {
            Asked::Person { .. } => true,
            // What stays is what others hang on.
            Asked::Older { at, .. } => match mapping.tables[at].action {
                Action::Delete | Action::Unlink => mapping.hangs_on(*table, at),
                _ => *table == at,
            },
        })
    }

    /// Counts the rows that are meant.
    pub(crate) fn count(&self, at: usize) -> Result<Statement> {
        let mut sql = self.counting(at);
        self.rows(&mut sql, at, 0, Reach::All)?;
        Ok(sql.finish())
    }

    /// Whether an erasure leaves a table as it is, because something of the person is held.
    pub(crate) fn spares(&self, at: usize) -> bool {
        match self.asked {
            Asked::Older { .. } => false,
            Asked::Person { whose, .. } => {
                whose.spares_some() && self.mapping.spared(whose).get(at).copied().unwrap_or(true)
            }
        }
    }

    /// Counts the rows to which an erasure has something to do, or would have if nothing were held;
    /// none where they are kept.
    pub(crate) fn left(&self, at: usize) -> Result<Option<Statement>> {
        let mut sql = self.counting(at);
        self.rows(&mut sql, at, 0, Reach::All)?;
        Ok(self.due(&mut sql, at).then(|| sql.finish()))
    }

    /// Reads the rows: the key's columns, then the fields.
    pub(crate) fn collect(&self, at: usize) -> Result<Statement> {
        let table = &self.mapping.tables[at];
        let mut sql = self.sql();
        sql.push("SELECT ");
        for (n, column) in table.key.iter().enumerate() {
            sql.push(if n > 0 { ", " } else { "" });
            self.shown(&mut sql, table, column);
        }
        for field in &table.fields {
            sql.push(", ");
            if field.masked {
                // What is another's is not even read.
                sql.push("CASE WHEN ")
                    .column("t0", &field.column)
                    .push(" IS NULL THEN 0 ELSE 1 END");
                if matches!(self.dialect, Dialect::Postgres(_)) {
                    sql.push("::int8");
                }
            } else if field.path.is_empty() {
                self.shown(&mut sql, table, &field.column);
            } else if matches!(self.dialect, Dialect::Sqlite) {
                sql.column("t0", &field.column).push(" -> ").path(field);
            } else {
                sql.push("(").document(table, Some("t0"), &field.column).push(" #> ").path(field);
                sql.push(")::text");
            }
        }
        sql.push(" FROM ").table_at(table, 0).push(" WHERE ");
        self.rows(&mut sql, at, 0, Reach::All)?;
        Ok(sql.finish())
    }

    /// A column in one of the few types that are read.
    fn shown(&self, sql: &mut Sql<'_>, table: &Table, column: &str) {
        let Dialect::Postgres(layout) = self.dialect else {
            sql.column("t0", column);
            return;
        };
        match layout.class(table, column) {
            Class::Bool | Class::Bytes => sql.column("t0", column),
            Class::Integer => sql.column("t0", column).push("::int8"),
            Class::Real => sql.column("t0", column).push("::float8"),
            Class::List => sql.push("to_json(").column("t0", column).push(")::text"),
            Class::Moment => sql.push("to_json(").column("t0", column).push(") #>> '{}'"),
            Class::Json | Class::Jsonb | Class::Other | Class::Text | Class::Uuid => {
                sql.column("t0", column).push("::text")
            }
        };
    }

    fn sql(&self) -> Sql<'a> {
        Sql::new(self.dialect, self.mapping)
    }

    fn counting(&self, at: usize) -> Sql<'a> {
        let mut sql = self.sql();
        sql.push("SELECT count(*) FROM ").table_at(&self.mapping.tables[at], 0).push(" WHERE ");
        sql
    }
}

impl Table {
    /// The column that ties a row to a person.
    pub(crate) fn link_column(&self) -> &str {
        match &self.link {
            crate::mapping::Link::Parent { column, .. } => column,
            crate::mapping::Link::Subject { column, .. } => &column.name,
        }
    }
}
