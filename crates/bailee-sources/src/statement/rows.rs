//! Which rows are meant.

use bailee_core::{Error, ErrorKind, HostId, Result, Timestamp};

use super::{Asked, Bound, Class, Dialect, Reach, Statements, sql::Sql};
use crate::{
    ids::{person_in, tenant_in},
    mapping::{Action, Age, Column, Link, Table, Unit},
};

/// How many people may be excepted at once: a statement has only so many places for values.
const MOST_EXCEPTED: usize = 20_000;

/// The years 1 to 9999, beyond which a sum with PostgreSQL's times may not fit.
const FIRST_MICROS: i64 = -62_135_596_800_000_000;
const LAST_MICROS: i64 = 253_402_300_800_000_000;

impl Statements<'_> {
    /// The condition that a row is meant.
    pub(super) fn rows(
        &self,
        sql: &mut Sql<'_>,
        at: usize,
        depth: usize,
        reach: Reach,
    ) -> Result<()> {
        let table = &self.mapping.tables[at];
        let alias = format!("t{depth}");
        if self.begins(at) {
            return match self.asked {
                Asked::Older { before, except, .. } => {
                    self.of_tenant(sql, at, depth)?;
                    self.older(sql, at, depth, before, except)
                }
                Asked::Person { whose, .. } => {
                    self.tenant_is(sql, table, &alias)?;
                    match &table.link {
                        Link::Subject { column, identifier: Some(identifier) } => {
                            let values = whose.identifier(identifier).ok_or_else(|| {
                                let detail = format!(
                                    "the source has to be told the person's `{identifier}`"
                                );
                                Error::new(ErrorKind::InvalidInput).with_detail(detail)
                            })?;
                            one_of(sql, table, &alias, column, values)
                        }
                        Link::Subject { column, identifier: None } => {
                            sql.column(&alias, &column.name).exactly().push(" = ");
                            let person = person_in(whose.person(), column.form)?;
                            sql.id(table, &column.name, person);
                            Ok(())
                        }
                        // A person's rows begin at a subject.
                        Link::Parent { .. } => Ok(()),
                    }
                }
            };
        }
        if let Asked::Person { .. } = self.asked {
            self.tenant_is(sql, table, &alias)?;
        }
        let Link::Parent { table: parent, column, key } = &table.link else {
            sql.push("FALSE");
            return Ok(());
        };
        let some = matches!(reach, Reach::Some(_)) && self.begins(*parent);
        sql.column(&alias, column).exactly();
        let end = self.among(sql, some);
        let above = format!("t{}", depth + 1);
        sql.push("SELECT ").column(&above, key).push(" FROM ");
        sql.table_at(&self.mapping.tables[*parent], depth + 1).push(" WHERE ");
        self.rows(sql, *parent, depth + 1, reach)?;
        if let (Reach::Some(most), true) = (reach, some) {
            sql.push(" LIMIT ").bind(Bound::Integer(i64::try_from(most).unwrap_or(i64::MAX)));
        }
        sql.push(end);
        Ok(())
    }

    /// Begins a list of values, and says how it ends. PostgreSQL makes a few ones a list at once and
    /// looks for each by an index: beside a limit it takes a join for cheap that compares every row
    /// with every value.
    pub(super) fn among(&self, sql: &mut Sql<'_>, few: bool) -> &'static str {
        match self.dialect {
            Dialect::Postgres(_) if few => {
                sql.push(" = ANY (ARRAY(");
                "))"
            }
            _ => {
                sql.push(" IN (");
                ")"
            }
        }
    }

    /// Whether rows of this table are meant for what stands in them, and not for what they hang on.
    pub(super) fn begins(&self, table: usize) -> bool {
        match self.asked {
            Asked::Older { at, .. } => at == table,
            Asked::Person { .. } => {
                matches!(self.mapping.tables[table].link, Link::Subject { .. })
            }
        }
    }

    /// `tenant = … AND `, where the table has one.
    pub(super) fn tenant_is(&self, sql: &mut Sql<'_>, table: &Table, alias: &str) -> Result<()> {
        if let Some(tenant) = &table.tenant {
            sql.column(alias, &tenant.name).exactly().push(" = ");
            sql.id(table, &tenant.name, tenant_in(self.tenant(), tenant.form)?).push(" AND ");
        }
        Ok(())
    }

    /// The condition that a row is the tenant's, by its own column or by what it hangs on. It ends
    /// with `AND`.
    fn of_tenant(&self, sql: &mut Sql<'_>, at: usize, depth: usize) -> Result<()> {
        let table = &self.mapping.tables[at];
        let alias = format!("t{depth}");
        match &table.link {
            Link::Parent { table: parent, column, key } if table.tenant.is_none() => {
                let above = format!("t{}", depth + 1);
                sql.column(&alias, column).exactly().push(" IN (SELECT ").column(&above, key);
                sql.push(" FROM ").table_at(&self.mapping.tables[*parent], depth + 1);
                sql.push(" WHERE ");
                self.of_tenant(sql, *parent, depth + 1)?;
                sql.push("TRUE) AND ");
                Ok(())
            }
            // Without a column the whole database is one tenant's, which was looked at before.
            _ => self.tenant_is(sql, table, &alias),
        }
    }

    /// The condition that a row is older than a time and nobody's who is excepted.
    fn older(
        &self,
        sql: &mut Sql<'_>,
        at: usize,
        depth: usize,
        before: Timestamp,
        except: &[HostId],
    ) -> Result<()> {
        let table = &self.mapping.tables[at];
        let alias = format!("t{depth}");
        let Some(Age { column, unit }) = &table.age else {
            return Err(ErrorKind::Unsupported.into());
        };
        let seconds = Bound::Integer(before.as_seconds());
        match (self.dialect, unit) {
            (_, Unit::Seconds) => {
                sql.column(&alias, column).push(" < ").bind(seconds);
            }
            (_, Unit::Millis) => {
                let millis = Bound::Integer(before.as_micros().div_euclid(1000));
                sql.column(&alias, column).push(" < ").bind(millis);
            }
            // What SQLite takes for no time becomes nothing here, which is not older.
            (Dialect::Sqlite, Unit::Text | Unit::Timestamp) => {
                sql.push("unixepoch(").column(&alias, column).push(") < ").bind(seconds);
            }
            (Dialect::Postgres(layout), Unit::Text | Unit::Timestamp) => {
                sql.column(&alias, column);
                if layout.class(table, column) != Class::Moment {
                    sql.push("::timestamptz");
                }
                let micros = before.as_micros().clamp(FIRST_MICROS, LAST_MICROS);
                sql.push(" < timestamptz 'epoch' + ").bind(Bound::Integer(micros));
                sql.push(" * interval '1 microsecond'");
            }
        }
        if matches!(self.dialect, Dialect::Sqlite) && matches!(unit, Unit::Seconds | Unit::Millis) {
            // Nor is a text that was put among numbers.
            sql.push(" AND typeof(").column(&alias, column).push(") IN ('integer', 'real')");
        }
        if matches!(table.action, Action::Unlink) {
            sql.push(" AND ").column(&alias, table.link_column()).push(" IS NOT NULL");
        }
        if except.len() > MOST_EXCEPTED {
            return Err(Error::new(ErrorKind::InvalidInput)
                .with_detail("more people are excepted than a statement can name"));
        }
        if !except.is_empty() {
            sql.push(" AND (");
            self.of_these(sql, at, depth, except)?;
            sql.push(") IS NOT TRUE");
        }
        Ok(())
    }

    /// The condition that a row is one of some people's.
    fn of_these(
        &self,
        sql: &mut Sql<'_>,
        at: usize,
        depth: usize,
        people: &[HostId],
    ) -> Result<()> {
        let table = &self.mapping.tables[at];
        let alias = format!("t{depth}");
        match &table.link {
            Link::Subject { identifier: Some(_), .. } => Err(Error::new(ErrorKind::Unsupported)
                .with_detail("whose rows these are is not said by the host's id")),
            Link::Subject { column, identifier: None } => {
                one_of(sql, table, &alias, column, people)
            }
            Link::Parent { table: parent, column, key } => {
                let above = format!("t{}", depth + 1);
                sql.column(&alias, column).exactly().push(" IN (SELECT ").column(&above, key);
                sql.push(" FROM ").table_at(&self.mapping.tables[*parent], depth + 1);
                sql.push(" WHERE ");
                self.tenant_is(sql, &self.mapping.tables[*parent], &above)?;
                self.of_these(sql, *parent, depth + 1, people)?;
                sql.push(")");
                Ok(())
            }
        }
    }
}

/// `column IN (…)`, also of none.
fn one_of(
    sql: &mut Sql<'_>,
    table: &Table,
    alias: &str,
    column: &Column,
    people: &[HostId],
) -> Result<()> {
    if people.is_empty() {
        sql.push("FALSE");
        return Ok(());
    }
    sql.column(alias, &column.name).exactly().push(" IN (");
    for (n, person) in people.iter().enumerate() {
        sql.push(if n > 0 { ", " } else { "" });
        sql.id(table, &column.name, person_in(person, column.form)?);
    }
    sql.push(")");
    Ok(())
}
