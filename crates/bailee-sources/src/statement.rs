//! The statements that a mapping comes to. Names are quoted, values are bound, and each statement
//! names the tenant wherever its table has one.

use std::fmt::Write as _;

use bailee_core::{Error, ErrorKind, HostId, Result, TenantId};
use bailee_rights::source::Whose;

use crate::mapping::{Action, Checked, Field, Form, Link, Table};

/// How ids are compared: byte by byte, whatever the column was declared to do. Where it makes no
/// difference between capitals, `Ada` and `ada` would be one person.
const EXACTLY: &str = " COLLATE BINARY";

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

/// Builds the statements of one person.
#[derive(Clone, Copy)]
pub(crate) struct Statements<'a> {
    pub(crate) mapping: &'a Checked,
    pub(crate) whose: &'a Whose,
    pub(crate) pseudonym: &'a str,
}

impl Statements<'_> {
    /// Refuses a person whose tenant or ids the mapping cannot look for.
    ///
    /// # Errors
    ///
    /// `InvalidInput`: the database is another tenant's, an id does not fit its column, or an
    /// identifier was not given.
    pub(crate) fn check(&self) -> Result<()> {
        let only = self.mapping.only_tenant.as_deref();
        if only.is_some_and(|only| only != self.whose.tenant().as_str()) {
            return Err(Error::new(ErrorKind::InvalidInput)
                .with_detail("the source's database is another tenant's"));
        }
        (0..self.mapping.tables.len()).try_for_each(|at| self.count(at).map(drop))
    }

    /// Counts the person's rows.
    pub(crate) fn count(&self, at: usize) -> Result<Statement> {
        let mut sql = Sql::default();
        sql.push("SELECT count(*) FROM ").table(&self.mapping.tables[at], 0).push(" WHERE ");
        self.mine(&mut sql, at, 0)?;
        Ok(sql.finish())
    }

    /// Counts the rows to which an erasure has something to do; none where they are kept.
    pub(crate) fn left(&self, at: usize) -> Result<Option<Statement>> {
        let mut sql = Sql::default();
        sql.push("SELECT count(*) FROM ").table(&self.mapping.tables[at], 0).push(" WHERE ");
        self.mine(&mut sql, at, 0)?;
        Ok(self.due(&mut sql, at).then(|| sql.finish()))
    }

    /// Reads the person's rows: the key's columns, then the fields.
    pub(crate) fn collect(&self, at: usize) -> Result<Statement> {
        let table = &self.mapping.tables[at];
        let mut sql = Sql::default();
        sql.push("SELECT ");
        sql.list(&table.key, "t0");
        for field in &table.fields {
            sql.push(", ");
            if field.masked {
                // What is another's is not even read.
                sql.push("CASE WHEN ")
                    .column("t0", &field.column)
                    .push(" IS NULL THEN 0 ELSE 1 END");
            } else if field.path.is_empty() {
                sql.column("t0", &field.column);
            } else {
                sql.column("t0", &field.column).push(" -> ").bind(Bound::Text(path(field)));
            }
        }
        sql.push(" FROM ").table(table, 0).push(" WHERE ");
        self.mine(&mut sql, at, 0)?;
        Ok(sql.finish())
    }

    /// Erases up to so many rows; none where they are kept.
    pub(crate) fn erase(&self, at: usize, limit: u64) -> Result<Option<Statement>> {
        let table = &self.mapping.tables[at];
        let mut sql = Sql::default();
        match &table.action {
            Action::Keep => return Ok(None),
            Action::Delete => {
                sql.push("DELETE FROM ").name(&table.sql);
            }
            Action::Unlink => {
                sql.push("UPDATE ").name(&table.sql).push(" SET ").name(table.link_column());
                sql.push(" = NULL");
            }
            Action::Null(fields) => {
                sql.push("UPDATE ").name(&table.sql).push(" SET ");
                remove(&mut sql, table, fields);
            }
            Action::Pseudonymise { fields, constant } => {
                sql.push("UPDATE ").name(&table.sql).push(" SET ");
                for (n, at) in fields.iter().enumerate() {
                    let column = &table.fields[*at].column;
                    sql.push(if n > 0 { ", " } else { "" }).name(column).push(" = CASE WHEN ");
                    sql.name(column).push(" IS NULL THEN NULL ELSE ");
                    sql.bind(self.pseudonym(constant.as_ref())).push(" END");
                }
            }
        }
        self.limited(&mut sql, at, limit, |statements, sql| {
            statements.due(sql, at);
        })?;
        Ok(Some(sql.finish()))
    }

    /// Marks up to so many rows as restricted, or takes the marks away; none where there are none.
    pub(crate) fn restrict(
        &self,
        at: usize,
        restricted: bool,
        limit: u64,
    ) -> Result<Option<Statement>> {
        let table = &self.mapping.tables[at];
        let Some(column) = &table.restriction else { return Ok(None) };
        let mut sql = Sql::default();
        sql.push("UPDATE ").name(&table.sql).push(" SET ").name(column).push(" = ");
        sql.bind(Bound::Integer(i64::from(restricted)));
        self.limited(&mut sql, at, limit, |_, sql| {
            // A row without a mark is not restricted.
            sql.push(" AND coalesce(").column("t0", column).push(", 0) <> ");
            sql.bind(Bound::Integer(i64::from(restricted)));
        })?;
        Ok(Some(sql.finish()))
    }

    /// Puts a value into a field of one row, if the row is the person's.
    pub(crate) fn correct(
        &self,
        at: usize,
        key: Vec<Bound>,
        field: &Field,
        value: Bound,
    ) -> Result<Statement> {
        let table = &self.mapping.tables[at];
        let mut sql = Sql::default();
        sql.push("UPDATE ").name(&table.sql).push(" SET ").name(&field.column).push(" = ");
        if field.path.is_empty() {
            sql.bind(value);
        } else {
            sql.push("json_set(coalesce(").name(&field.column).push(", '{}'), ");
            sql.bind(Bound::Text(path(field))).push(", json(").bind(value).push("))");
        }
        self.limited(&mut sql, at, 1, |_, sql| {
            for (column, value) in table.key.iter().zip(key) {
                sql.push(" AND ").column("t0", column).push(" = ").bind(value);
            }
        })?;
        Ok(sql.finish())
    }

    /// The end of a statement that changes rows: those of the person for which something more holds,
    /// up to so many.
    fn limited(
        &self,
        sql: &mut Sql,
        at: usize,
        limit: u64,
        more: impl FnOnce(&Self, &mut Sql),
    ) -> Result<()> {
        let table = &self.mapping.tables[at];
        sql.push(" WHERE ");
        // Also outside, so that a key that is unique within a tenant reaches nobody else's row.
        if let Some(tenant) = &table.tenant {
            sql.column_of(table, &tenant.name).push(EXACTLY).push(" = ");
            sql.bind(tenant_in(self.whose.tenant(), tenant.form)?).push(" AND ");
        }
        let several = table.key.len() > 1;
        sql.push(if several { "(" } else { "" });
        for (n, column) in table.key.iter().enumerate() {
            sql.push(if n > 0 { ", " } else { "" }).column_of(table, column);
        }
        sql.push(if several { ") IN (SELECT " } else { " IN (SELECT " });
        sql.list(&table.key, "t0");
        sql.push(" FROM ").table(table, 0).push(" WHERE ");
        self.mine(sql, at, 0)?;
        more(self, sql);
        sql.push(" LIMIT ").bind(Bound::Integer(i64::try_from(limit).unwrap_or(i64::MAX)));
        sql.push(")");
        Ok(())
    }

    /// The condition that a row is the person's.
    fn mine(&self, sql: &mut Sql, at: usize, depth: usize) -> Result<()> {
        let table = &self.mapping.tables[at];
        let alias = format!("t{depth}");
        if let Some(tenant) = &table.tenant {
            sql.column(&alias, &tenant.name).push(EXACTLY).push(" = ");
            sql.bind(tenant_in(self.whose.tenant(), tenant.form)?).push(" AND ");
        }
        match &table.link {
            Link::Subject { column, identifier: None } => {
                sql.column(&alias, &column.name).push(EXACTLY).push(" = ");
                sql.bind(person_in(self.whose.person(), column.form)?);
            }
            Link::Subject { column, identifier: Some(identifier) } => {
                let values = self.whose.identifier(identifier).ok_or_else(|| {
                    let detail = format!("the source has to be told the person's `{identifier}`");
                    Error::new(ErrorKind::InvalidInput).with_detail(detail)
                })?;
                sql.column(&alias, &column.name).push(EXACTLY).push(" IN (");
                for (n, value) in values.iter().enumerate() {
                    sql.push(if n > 0 { ", " } else { "" }).bind(person_in(value, column.form)?);
                }
                sql.push(")");
            }
            Link::Parent { table: parent, column, key } => {
                let above = format!("t{}", depth + 1);
                sql.column(&alias, column).push(EXACTLY).push(" IN (SELECT ").column(&above, key);
                sql.push(" FROM ").table(&self.mapping.tables[*parent], depth + 1).push(" WHERE ");
                self.mine(sql, *parent, depth + 1)?;
                sql.push(")");
            }
        }
        Ok(())
    }

    /// Adds the condition that an erasure has something to do to a row. `false` where it never has.
    fn due(&self, sql: &mut Sql, at: usize) -> bool {
        let table = &self.mapping.tables[at];
        match &table.action {
            Action::Keep => return false,
            Action::Delete | Action::Unlink => {}
            Action::Null(fields) => {
                sql.push(" AND (");
                for (n, at) in fields.iter().enumerate() {
                    let field = &table.fields[*at];
                    sql.push(if n > 0 { " OR " } else { "" });
                    if field.path.is_empty() {
                        sql.column("t0", &field.column).push(" IS NOT NULL");
                    } else {
                        // A document that is none fails here, and is not taken for an empty one.
                        sql.push("json_type(").column("t0", &field.column).push(", ");
                        sql.bind(Bound::Text(path(field))).push(") IS NOT NULL");
                    }
                }
                sql.push(")");
            }
            Action::Pseudonymise { fields, constant } => {
                sql.push(" AND (");
                for (n, at) in fields.iter().enumerate() {
                    // Nothing is neither equal nor unequal, and has nothing to hide.
                    sql.push(if n > 0 { " OR " } else { "" });
                    sql.column("t0", &table.fields[*at].column).push(" <> ");
                    sql.bind(self.pseudonym(constant.as_ref()));
                }
                sql.push(")");
            }
        }
        true
    }

    fn pseudonym(&self, constant: Option<&String>) -> Bound {
        Bound::Text(constant.map_or(self.pseudonym, String::as_str).to_owned())
    }
}

impl Table {
    /// The column that ties a row to a person.
    pub(crate) fn link_column(&self) -> &str {
        match &self.link {
            Link::Parent { column, .. } => column,
            Link::Subject { column, .. } => &column.name,
        }
    }
}

/// `column = NULL`, or the column's document without some parts, once for each column.
fn remove(sql: &mut Sql, table: &Table, fields: &[usize]) {
    let fields: Vec<&Field> = fields.iter().map(|at| &table.fields[*at]).collect();
    let mut done: Vec<&str> = Vec::new();
    for field in &fields {
        if done.contains(&field.column.as_str()) {
            continue;
        }
        sql.push(if done.is_empty() { "" } else { ", " }).name(&field.column).push(" = ");
        done.push(&field.column);
        let parts: Vec<_> = fields.iter().filter(|part| part.column == field.column).collect();
        if parts.iter().any(|part| part.path.is_empty()) {
            sql.push("NULL");
            continue;
        }
        sql.push("json_remove(").name(&field.column);
        for part in parts {
            sql.push(", ").bind(Bound::Text(path(part)));
        }
        sql.push(")");
    }
}

/// A path as SQLite has it. Its keys have neither quotes nor backslashes.
fn path(field: &Field) -> String {
    field.path.iter().fold(String::from("$"), |mut path, key| {
        let _ = write!(path, ".\"{key}\"");
        path
    })
}

fn person_in(id: &HostId, form: Form) -> Result<Bound> {
    Ok(match (id, form) {
        (HostId::Int(number), Form::Integer) => Bound::Integer(*number),
        (HostId::Text(text), Form::Text) => Bound::Text(text.clone()),
        (HostId::Uuid(bytes), Form::Bytes) => Bound::Bytes(bytes.to_vec()),
        (HostId::Uuid(bytes), Form::Uuid) => Bound::Text(hyphenated(bytes)),
        _ => {
            return Err(Error::new(ErrorKind::InvalidInput)
                .with_detail("an id of the person does not have the form of its column"));
        }
    })
}

fn tenant_in(tenant: &TenantId, form: Form) -> Result<Bound> {
    let text = tenant.as_str();
    let found = match form {
        Form::Text => Some(Bound::Text(text.to_owned())),
        Form::Integer => text
            .parse::<i64>()
            .ok()
            // One number has one text, or two tenants would share rows.
            .filter(|number| number.to_string() == text)
            .map(Bound::Integer),
        Form::Bytes => uuid(text).map(|bytes| Bound::Bytes(bytes.to_vec())),
        Form::Uuid => uuid(text).map(|bytes| Bound::Text(hyphenated(&bytes))),
    };
    found.ok_or_else(|| {
        Error::new(ErrorKind::InvalidInput)
            .with_detail("the tenant's id does not have the form of its column")
    })
}

fn hyphenated(bytes: &[u8; 16]) -> String {
    bytes.iter().enumerate().fold(String::with_capacity(36), |mut text, (n, byte)| {
        let hyphen = if matches!(n, 4 | 6 | 8 | 10) { "-" } else { "" };
        let _ = write!(text, "{hyphen}{byte:02x}");
        text
    })
}

/// The bytes of a UUID that is written as [`hyphenated`] writes it.
fn uuid(text: &str) -> Option<[u8; 16]> {
    let digits: Vec<u8> = text
        .bytes()
        .filter(|byte| *byte != b'-')
        .map(|byte| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok()))
        .collect::<Option<_>>()?;
    let mut bytes = [0; 16];
    if digits.len() != 32 {
        return None;
    }
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        *byte = pair[0] << 4 | pair[1];
    }
    (hyphenated(&bytes) == text).then_some(bytes)
}

/// A statement while it is written.
#[derive(Default)]
struct Sql {
    text: String,
    values: Vec<Bound>,
}

impl Sql {
    fn push(&mut self, text: &str) -> &mut Self {
        self.text.push_str(text);
        self
    }

    /// A name between quotes. A checked mapping has none with quotes in it; should one come, it is
    /// doubled.
    fn name(&mut self, name: &str) -> &mut Self {
        let _ = write!(self.text, "\"{}\"", name.replace('"', "\"\""));
        self
    }

    fn column(&mut self, alias: &str, column: &str) -> &mut Self {
        self.push(alias).push(".").name(column)
    }

    fn column_of(&mut self, table: &Table, column: &str) -> &mut Self {
        self.name(&table.sql).push(".").name(column)
    }

    fn list(&mut self, columns: &[String], alias: &str) -> &mut Self {
        for (n, column) in columns.iter().enumerate() {
            self.push(if n > 0 { ", " } else { "" }).column(alias, column);
        }
        self
    }

    fn table(&mut self, table: &Table, depth: usize) -> &mut Self {
        let _ = write!(self.name(&table.sql).text, " AS t{depth}");
        self
    }

    fn bind(&mut self, value: Bound) -> &mut Self {
        self.values.push(value);
        let _ = write!(self.text, "?{}", self.values.len());
        self
    }

    fn finish(self) -> Statement {
        Statement { sql: self.text, values: self.values }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_quoted_whatever_they_hold() {
        let mut sql = Sql::default();
        sql.name("a\"; DROP TABLE b; --");
        assert_eq!(sql.finish().sql, "\"a\"\"; DROP TABLE b; --\"");
    }

    #[test]
    fn an_id_has_one_text() {
        let text = "01234567-89ab-cdef-0123-456789abcdef";
        assert_eq!(hyphenated(&uuid(text).unwrap()), text);
        for other in [
            "0123456789abcdef0123456789abcdef",
            "01234567-89AB-cdef-0123-456789abcdef",
            "01234567-89ab-cdef-0123-456789abcde",
            "0-1234567-89ab-cdef-0123-456789abcdef",
            "",
        ] {
            assert_eq!(uuid(other), None, "{other}");
        }
        let tenant = |text: &str| tenant_in(&TenantId::new(text).unwrap(), Form::Integer);
        assert!(tenant("7").is_ok() && tenant("07").is_err() && tenant("seven").is_err());
    }

    #[test]
    fn an_id_of_another_form_is_refused_and_not_turned_into_one_that_fits() {
        for (id, form) in [
            (HostId::Int(1), Form::Text),
            (HostId::text("1"), Form::Integer),
            (HostId::text("01234567-89ab-cdef-0123-456789abcdef"), Form::Uuid),
            (HostId::Uuid([1; 16]), Form::Text),
        ] {
            let error = person_in(&id, form).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidInput);
        }
    }
}
