//! Whether a database is the one that the mapping describes.

use std::collections::{BTreeMap, BTreeSet};

use rusqlite::Connection;

use crate::{
    fault::{Fault, Result},
    mapping::{Checked, Form, Table},
    schema::{Cascade, cascades, emptied, ids, named},
};

/// Refuses a database in which a mapped table or column is missing, in which a statement could reach
/// a row that is not meant, or in which a deletion would take rows along that nobody counted.
pub(super) fn check(connection: &Connection, mapping: &Checked) -> Result<()> {
    for (at, table) in mapping.tables.iter().enumerate() {
        let columns = columns(connection, &table.sql)?;
        for column in named(mapping, at) {
            if !columns.contains_key(&folded(column)) {
                let (table, column) = (table.sql.clone(), column.to_owned());
                return Err(Fault::NoColumn { table, column });
            }
        }
        for column in ids(table) {
            let takes = columns.get(&folded(&column.name)).map(|found| &found.declared);
            if takes.is_some_and(|declared| turns(declared, column.form)) {
                let (table, column) = (table.sql.clone(), column.name.clone());
                return Err(Fault::Turned { table, column });
            }
        }
        for column in emptied(table) {
            if columns.get(&folded(column)).is_some_and(|found| found.not_null) {
                let (table, column) = (table.sql.clone(), column.to_owned());
                return Err(Fault::NotNull { table, column });
            }
        }
        if !is_unique(connection, table)? {
            return Err(Fault::NotUnique(table.sql.clone()));
        }
    }
    cascading(connection, mapping)
}

/// Everything that the database says of its schema, as it was declared.
pub(super) fn text(connection: &Connection) -> Result<String> {
    let mut statement =
        connection.prepare("SELECT type, name, tbl_name, sql FROM sqlite_schema ORDER BY rowid")?;
    let mut rows = statement.query([])?;
    let mut text = String::new();
    while let Some(row) = rows.next()? {
        for at in 0..4 {
            // Indexes that a constraint makes have no text of their own.
            text.push_str(&row.get::<_, Option<String>>(at)?.unwrap_or_default());
            text.push('\0');
        }
    }
    Ok(text)
}

/// A column as a database has it.
struct Found {
    declared: String,
    not_null: bool,
}

/// The columns of a table.
fn columns(connection: &Connection, table: &str) -> Result<BTreeMap<String, Found>> {
    let mut known = connection.prepare_cached(
        "SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = ?1 COLLATE NOCASE",
    )?;
    if !known.exists([table])? {
        return Err(Fault::NoTable(table.to_owned()));
    }
    let mut statement =
        connection.prepare_cached("SELECT name, type, \"notnull\" FROM pragma_table_xinfo(?1)")?;
    let rows = statement.query_map([table], |row| {
        let found = Found { declared: row.get(1)?, not_null: row.get(2)? };
        Ok((row.get::<_, String>(0)?, found))
    })?;
    rows.map(|row| row.map(|(name, found)| (folded(&name), found)).map_err(Fault::from)).collect()
}

/// Whether a column of a declared type turns ids of a form into something else before they are
/// compared: one of numbers takes `007` and `7` for one person. The rules are those of section 3.1 of
/// <https://sqlite.org/datatype3.html>.
fn turns(declared: &str, form: Form) -> bool {
    let declared = declared.to_ascii_uppercase();
    let has = |words: &[&str]| words.iter().any(|word| declared.contains(word));
    let integer = has(&["INT"]);
    let text = !integer && has(&["CHAR", "CLOB", "TEXT"]);
    let none = !integer && !text && (declared.is_empty() || has(&["BLOB"]));
    match form {
        Form::Bytes => false,
        Form::Integer => text,
        Form::Text => !text && !none,
        // Nobody takes one for a number.
        Form::Uuid => integer,
    }
}

/// Whether the key names one row: it, with the tenant where there is one, holds all columns of some
/// unique index or of the primary key.
fn is_unique(connection: &Connection, table: &Table) -> Result<bool> {
    let tenant = table.tenant.iter().map(|tenant| &tenant.name);
    let key: BTreeSet<String> = table.key.iter().chain(tenant).map(|name| folded(name)).collect();
    let mut primary =
        connection.prepare_cached("SELECT name FROM pragma_table_info(?1) WHERE pk > 0")?;
    let primary: Vec<String> =
        primary.query_map([&table.sql], |row| row.get(0))?.collect::<Result<_, _>>()?;
    if !primary.is_empty() && primary.iter().all(|name| key.contains(&folded(name))) {
        return Ok(true);
    }
    let mut indexes = connection.prepare_cached(
        "SELECT name FROM pragma_index_list(?1) WHERE \"unique\" = 1 AND partial = 0",
    )?;
    let indexes: Vec<String> =
        indexes.query_map([&table.sql], |row| row.get(0))?.collect::<Result<_, _>>()?;
    for index in indexes {
        let mut columns = connection.prepare_cached("SELECT name FROM pragma_index_info(?1)")?;
        let columns: Vec<Option<String>> =
            columns.query_map([&index], |row| row.get(0))?.collect::<Result<_, _>>()?;
        // An expression has no name, and is not looked into.
        let covered =
            |name: &Option<String>| name.as_ref().is_some_and(|name| key.contains(&folded(name)));
        if !columns.is_empty() && columns.iter().all(covered) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Refuses a foreign key that deletes rows along with those of a mapped table, unless the mapping
/// finds these rows by that very key: then they are counted, and gone before.
fn cascading(connection: &Connection, mapping: &Checked) -> Result<()> {
    let mut parts = connection.prepare_cached(
        "SELECT tables.name, keys.id, keys.\"table\", keys.\"from\" \
         FROM sqlite_schema AS tables, pragma_foreign_key_list(tables.name) AS keys \
         WHERE tables.type = 'table' AND keys.on_delete = 'CASCADE'",
    )?;
    let parts = parts.query_map([], |row| {
        Ok(((row.get(0)?, row.get(1)?, row.get(2)?), row.get::<_, String>(3)?))
    })?;
    // A key of several columns comes in parts.
    let mut keys: BTreeMap<(String, i64, String), BTreeSet<String>> = BTreeMap::new();
    for part in parts {
        let (key, column) = part?;
        keys.entry(key).or_default().insert(folded(&column));
    }
    let keys =
        keys.into_iter().map(|((child, _, parent), columns)| Cascade { child, parent, columns });
    cascades(mapping, keys, folded)
}

/// A name as SQLite compares it.
fn folded(name: &str) -> String {
    name.to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_column_of_numbers_holds_no_texts() {
        for declared in ["TEXT", "varchar(40)", "", "BLOB", "CLOB"] {
            assert!(!turns(declared, Form::Text), "{declared}");
        }
        // "STRING" is none of the words that make a column one of texts.
        for declared in ["INTEGER", "STRING", "UUID", "NUMERIC", "REAL", "CHARINT"] {
            assert!(turns(declared, Form::Text), "{declared}");
        }
        assert!(turns("TEXT", Form::Integer) && !turns("bigint", Form::Integer));
        assert!(turns("INTEGER", Form::Uuid) && !turns("UUID", Form::Uuid));
        assert!(!turns("BLOB", Form::Bytes));
    }
}
