//! The statements that change rows.

use bailee_core::Result;

use super::{Asked, Bound, Class, Dialect, Reach, Statement, Statements, sql::Sql};
use crate::{
    ids::tenant_in,
    mapping::{Action, Field, Table},
};

impl Statements<'_> {
    /// Erases up to so many rows; none where they are kept or held, or where a reach makes no difference.
    pub(crate) fn erase(&self, at: usize, limit: u64, reach: Reach) -> Result<Option<Statement>> {
        let table = &self.mapping.tables[at];
        let bundled = self.mapping.is_bundled(at);
        if self.spares(at)
            || matches!(table.action, Action::Keep)
            || (reach != Reach::All && !bundled)
        {
            return Ok(None);
        }
        let statement = self.change(
            at,
            limit,
            matches!(table.action, Action::Delete),
            |sql| self.erasing(sql, table),
            |sql| {
                self.rows_in(sql, at, reach)?;
                self.due(sql, at);
                Ok(())
            },
        )?;
        Ok(Some(statement))
    }

    /// The condition that a row is meant, and in reach. Of rows that others hang on, only some are
    /// in reach, and only those on which nothing hangs any more.
    fn rows_in(&self, sql: &mut Sql<'_>, at: usize, reach: Reach) -> Result<()> {
        let Reach::Some(most) = reach else { return self.rows(sql, at, 0, reach) };
        let table = &self.mapping.tables[at];
        if self.begins(at) {
            let several = table.key.len() > 1;
            sql.push(if several { "(" } else { "" }).list(&table.key, "t0");
            sql.push(if several { ")" } else { "" });
            let end = self.among(sql, !several);
            sql.push("SELECT ")
                .list(&table.key, "t1")
                .push(" FROM ")
                .table_at(table, 1)
                .push(" WHERE ");
            self.rows(sql, at, 1, reach)?;
            sql.push(" LIMIT ").bind(Bound::Integer(i64::try_from(most).unwrap_or(i64::MAX)));
            sql.push(end);
        } else {
            self.rows(sql, at, 0, reach)?;
        }
        for (child, column, key) in self.mapping.children(at) {
            sql.push(" AND NOT EXISTS (SELECT 1 FROM ").table(child).push(" AS below WHERE ");
            sql.column("below", column).push(" = ").column("t0", key).push(")");
        }
        Ok(())
    }

    /// What is done to a row, up to the condition.
    fn erasing(&self, sql: &mut Sql<'_>, table: &Table) {
        match &table.action {
            // Nobody asks what is done to rows that are kept.
            Action::Delete | Action::Keep => {
                sql.push("DELETE FROM ").table(table);
            }
            Action::Unlink => {
                sql.push("UPDATE ").table(table).push(" SET ").name(table.link_column());
                sql.push(" = NULL");
            }
            Action::Null(fields) => {
                sql.push("UPDATE ").table(table).push(" SET ");
                self.remove(sql, table, fields);
            }
            Action::Pseudonymise { fields, constant } => {
                sql.push("UPDATE ").table(table).push(" SET ");
                for (n, at) in fields.iter().enumerate() {
                    let column = &table.fields[*at].column;
                    sql.push(if n > 0 { ", " } else { "" }).name(column).push(" = CASE WHEN ");
                    sql.column_of(table, column).push(" IS NULL THEN NULL ELSE ");
                    sql.bind_into(table, column, self.pseudonym(constant.as_ref())).push(" END");
                }
            }
        }
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
        let words = match self.dialect {
            Dialect::Postgres(layout) if layout.class(table, column) == Class::Bool => {
                ["false", "true"]
            }
            _ => ["0", "1"],
        };
        let [no, to] = [words[0], words[usize::from(restricted)]];
        let statement = self.change(
            at,
            limit,
            false,
            |sql| {
                sql.push("UPDATE ").table(table).push(" SET ").name(column).push(" = ").push(to);
            },
            |sql| {
                self.rows(sql, at, 0, Reach::All)?;
                // A row without a mark is not restricted.
                sql.push(" AND coalesce(").column("t0", column).push(", ").push(no);
                sql.push(") <> ").push(to);
                Ok(())
            },
        )?;
        Ok(Some(statement))
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
        self.change(
            at,
            1,
            false,
            |sql| {
                sql.push("UPDATE ").table(table).push(" SET ").name(&field.column).push(" = ");
                if field.path.is_empty() {
                    sql.bind_into(table, &field.column, value);
                } else {
                    self.put_part(sql, table, field, value);
                }
            },
            |sql| {
                self.rows(sql, at, 0, Reach::All)?;
                for (column, value) in table.key.iter().zip(key) {
                    sql.push(" AND ").column("t0", column).push(" = ");
                    sql.bind_into(table, column, value);
                }
                if matches!(self.dialect, Dialect::Postgres(_)) {
                    // A part is not put into what is no object: the row has no such field.
                    for depth in 0..field.path.len() {
                        sql.push(" AND coalesce(jsonb_typeof(");
                        sql.document(table, Some("t0"), &field.column);
                        if depth > 0 {
                            sql.push(" #> ").path_of(&field.path[..depth]);
                        }
                        sql.push("), 'object') = 'object'");
                    }
                }
                Ok(())
            },
        )
    }

    /// A statement that changes up to so many rows for which a condition holds.
    fn change(
        &self,
        at: usize,
        limit: u64,
        deletes: bool,
        head: impl FnOnce(&mut Sql<'_>),
        condition: impl FnOnce(&mut Sql<'_>) -> Result<()>,
    ) -> Result<Statement> {
        let table = &self.mapping.tables[at];
        let limit = Bound::Integer(i64::try_from(limit).unwrap_or(i64::MAX));
        let mut sql = self.sql();
        if matches!(self.dialect, Dialect::Sqlite) {
            head(&mut sql);
            sql.push(" WHERE ");
            self.tenant_outside(&mut sql, table)?;
            let several = table.key.len() > 1;
            sql.push(if several { "(" } else { "" });
            for (n, column) in table.key.iter().enumerate() {
                sql.push(if n > 0 { ", " } else { "" }).column_of(table, column);
            }
            sql.push(if several { ") IN (SELECT " } else { " IN (SELECT " });
            sql.list(&table.key, "t0").push(" FROM ").table_at(table, 0).push(" WHERE ");
            condition(&mut sql)?;
            sql.push(" LIMIT ").bind(limit).push(")");
            return Ok(sql.finish());
        }
        // The rows are chosen and locked once, before any of them is changed: as a subquery the
        // choice may be made anew for each row, and go beyond its limit.
        sql.push("WITH due (");
        for n in 0..table.key.len() {
            sql.push(if n > 0 { ", k" } else { "k" }).push(&n.to_string());
        }
        sql.push(") AS MATERIALIZED (SELECT ").list(&table.key, "t0");
        sql.push(" FROM ").table_at(table, 0).push(" WHERE ");
        condition(&mut sql)?;
        sql.push(" LIMIT ").bind(limit).push(" FOR UPDATE OF t0) ");
        head(&mut sql);
        sql.push(if deletes { " USING due WHERE " } else { " FROM due WHERE " });
        self.tenant_outside(&mut sql, table)?;
        for (n, column) in table.key.iter().enumerate() {
            sql.push(if n > 0 { " AND " } else { "" }).column_of(table, column);
            sql.push(" = due.k").push(&n.to_string());
        }
        Ok(sql.finish())
    }

    /// Also outside, so that a key that is unique within a tenant reaches nobody else's row.
    fn tenant_outside(&self, sql: &mut Sql<'_>, table: &Table) -> Result<()> {
        if let Some(tenant) = &table.tenant {
            sql.column_of(table, &tenant.name).exactly().push(" = ");
            sql.id(table, &tenant.name, tenant_in(self.tenant(), tenant.form)?).push(" AND ");
        }
        Ok(())
    }

    /// Adds the condition that an erasure has something to do to a row. `false` where it never has.
    pub(super) fn due(&self, sql: &mut Sql<'_>, at: usize) -> bool {
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
                        sql.column("t0", &field.column);
                    } else if matches!(self.dialect, Dialect::Sqlite) {
                        // A document that is none fails here, and is not taken for an empty one.
                        sql.push("json_type(").column("t0", &field.column).push(", ");
                        sql.path(field).push(")");
                    } else {
                        sql.document(table, Some("t0"), &field.column).push(" #> ").path(field);
                    }
                    sql.push(" IS NOT NULL");
                }
                sql.push(")");
            }
            Action::Pseudonymise { fields, constant } => {
                sql.push(" AND (");
                for (n, at) in fields.iter().enumerate() {
                    // Nothing is neither equal nor unequal, and has nothing to hide.
                    let column = &table.fields[*at].column;
                    sql.push(if n > 0 { " OR " } else { "" });
                    sql.column("t0", column).push(" <> ");
                    sql.bind_into(table, column, self.pseudonym(constant.as_ref()));
                }
                sql.push(")");
            }
        }
        true
    }

    /// What stands in a field afterwards. Rows of many people at once get a constant, which the
    /// mapping was asked for.
    fn pseudonym(&self, constant: Option<&String>) -> Bound {
        let own = match self.asked {
            Asked::Older { .. } => "erased",
            Asked::Person { pseudonym, .. } => pseudonym,
        };
        Bound::Text(constant.map_or(own, String::as_str).to_owned())
    }

    /// `column = NULL`, or the column's document without some parts, once for each column.
    fn remove(&self, sql: &mut Sql<'_>, table: &Table, fields: &[usize]) {
        let fields: Vec<&Field> = fields.iter().map(|at| &table.fields[*at]).collect();
        let mut done: Vec<&str> = Vec::new();
        for field in &fields {
            let column = field.column.as_str();
            if done.contains(&column) {
                continue;
            }
            sql.push(if done.is_empty() { "" } else { ", " }).name(column).push(" = ");
            done.push(column);
            let parts: Vec<_> = fields.iter().filter(|part| part.column == field.column).collect();
            if parts.iter().any(|part| part.path.is_empty()) {
                sql.push("NULL");
                continue;
            }
            let Dialect::Postgres(layout) = self.dialect else {
                sql.push("json_remove(").name(column);
                for part in parts {
                    sql.push(", ").path(part);
                }
                sql.push(")");
                continue;
            };
            sql.push("(").document(table, None, column);
            for part in parts {
                // A path that leads through a list is an error, and leads to nothing.
                sql.push(" #- CASE WHEN ").document(table, None, column).push(" #> ").path(part);
                sql.push(" IS NULL THEN '{}'::text[] ELSE ").path(part).push(" END");
            }
            sql.push(")::").push(layout.cast(table, column));
        }
    }

    /// A column's document with a part put into it, and what has to be around that part.
    fn put_part(&self, sql: &mut Sql<'_>, table: &Table, field: &Field, value: Bound) {
        let column = &field.column;
        let Dialect::Postgres(layout) = self.dialect else {
            sql.push("json_set(coalesce(").name(column).push(", '{}'), ");
            sql.path(field).push(", json(").bind(value).push("))");
            return;
        };
        sql.push("(");
        field.path.iter().for_each(|_| {
            sql.push("jsonb_set(");
        });
        sql.push("coalesce(").document(table, None, column).push(", '{}'::jsonb)");
        for depth in 1..field.path.len() {
            let around = &field.path[..depth];
            sql.push(", ").path_of(around).push(", coalesce(").document(table, None, column);
            sql.push(" #> ").path_of(around).push(", '{}'::jsonb))");
        }
        sql.push(", ").path(field).push(", ").bind(value).push("::jsonb))::");
        sql.push(layout.cast(table, column));
    }
}
