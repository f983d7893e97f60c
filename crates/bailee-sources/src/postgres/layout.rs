//! Whether a database is the one that the mapping describes, and the types of its columns.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, PoisonError},
};

use bailee_rights::source::Value;

use super::session::Session;
use crate::{
    fault::{Fault, Result},
    mapping::{Action, Checked, Form, Table, Unit},
    schema::{Cascade, cascades, emptied, ids, named},
    statement::{Bound, Class, Kind, Layout, Statement},
};

/// How many characters a pseudonym has.
const PSEUDONYM: usize = 39;

/// What the catalogue said of a database that was found to be the one that is mapped.
///
/// Planning the questions of [`look`] takes the server longer than all that a person with few rows
/// has. So it is asked for the versions of the catalogue's rows first: while they are the same, so is
/// all that the questions would find.
#[derive(Debug, Default)]
pub(super) struct Looked(Mutex<Option<(State, Arc<Layout>)>>);

/// A word for each mapped table that is another one as soon as somebody changes the table, its
/// columns, their types, its indexes or the keys that lead to it.
pub(super) type State = BTreeMap<String, String>;

impl Looked {
    /// The types of the columns, as long as the tables are in this state; looked at anew where they
    /// are not.
    pub(super) async fn layout(
        &self,
        session: &mut dyn Session,
        mapping: &Checked,
        state: State,
    ) -> Result<Arc<Layout>> {
        // Nothing panics while it holds the lock.
        let looked = || self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((of, layout)) = &*looked()
            && *of == state
        {
            return Ok(Arc::clone(layout));
        }
        let layout = Arc::new(look(session, mapping).await?);
        *looked() = Some((state, Arc::clone(&layout)));
        Ok(layout)
    }
}

/// In which state the catalogue has the mapped tables.
///
/// Refuses a database in which one is missing, is a view, a part of another table or has parts of
/// its own that no key covers, or in which row security may hide rows that nobody chose to hide.
pub(super) async fn tables(session: &mut dyn Session, mapping: &Checked) -> Result<State> {
    let rows = session.query(&asking(TABLES, mapping)).await?;
    let (mut found, mut state) = (BTreeMap::new(), State::new());
    for row in rows {
        let [name, kind, part, has_parts, hidden, word] =
            row.try_into().map_err(|_| Fault::Value)?;
        let name = text(name)?;
        state.insert(name.clone(), text(word)?);
        found.insert(name, (text(kind)?, bit(part)?, bit(has_parts)?, bit(hidden)?));
    }
    for table in &mapping.tables {
        match found.get(&table.sql) {
            Some((_, _, _, true)) if mapping.tenant_setting.is_none() => {
                return Err(Fault::RowSecurity(table.sql.clone()));
            }
            Some((kind, false, has_parts, _)) if kind == "p" || (kind == "r" && !has_parts) => {}
            Some((kind, ..)) if kind == "p" || kind == "r" => {
                return Err(Fault::Part(table.sql.clone()));
            }
            _ => return Err(Fault::NoTable(table.sql.clone())),
        }
    }
    Ok(state)
}

/// Refuses a database in which a mapped column is missing, in which a statement could reach a row
/// that is not meant, or in which a deletion would take rows along that nobody counted.
async fn look(session: &mut dyn Session, mapping: &Checked) -> Result<Layout> {
    let mut layout = Layout::default();
    let mut columns = BTreeMap::new();
    for row in session.query(&asking(COLUMNS, mapping)).await? {
        let [table, name, filled, typed, form, cast, exact, length] =
            row.try_into().map_err(|_| Fault::Value)?;
        let (table, name) = (text(table)?, text(name)?);
        let class = class(&text(typed)?, &text(form)?, bit(exact)?);
        let Value::Integer(length) = length else { return Err(Fault::Value) };
        layout.insert(&table, &name, Kind { class, cast: text(cast)? });
        columns.insert((table, name), Column { class, filled: bit(filled)?, length });
    }
    let mut keys: BTreeMap<(String, i64), BTreeSet<String>> = BTreeMap::new();
    for row in session.query(&asking(KEYS, mapping)).await? {
        let [table, index, column] = row.try_into().map_err(|_| Fault::Value)?;
        let Value::Integer(index) = index else { return Err(Fault::Value) };
        keys.entry((text(table)?, index)).or_default().insert(text(column)?);
    }
    for (at, table) in mapping.tables.iter().enumerate() {
        for column in named(mapping, at) {
            if !columns.contains_key(&(table.sql.clone(), column.to_owned())) {
                let (table, column) = (table.sql.clone(), column.to_owned());
                return Err(Fault::NoColumn { table, column });
            }
        }
        fits(table, &columns)?;
        let tenant = table.tenant.iter().map(|tenant| &tenant.name);
        let key: BTreeSet<String> = table.key.iter().chain(tenant).cloned().collect();
        let covers = |((name, _), of): (&(String, i64), &BTreeSet<String>)| {
            *name == table.sql && of.is_subset(&key)
        };
        // Two rows without a key are two rows, whatever is unique.
        let filled = |name: &String| {
            columns.get(&(table.sql.clone(), name.clone())).is_some_and(|column| column.filled)
        };
        if !keys.iter().any(covers) || !table.key.iter().all(filled) {
            return Err(Fault::NotUnique(table.sql.clone()));
        }
    }
    let mut found: BTreeMap<i64, Cascade> = BTreeMap::new();
    for row in session.query(&asking(CASCADES, mapping)).await? {
        let [key, child, parent, column] = row.try_into().map_err(|_| Fault::Value)?;
        let Value::Integer(key) = key else { return Err(Fault::Value) };
        let (child, parent) = (text(child)?, text(parent)?);
        let cascade =
            found.entry(key).or_insert(Cascade { child, parent, columns: BTreeSet::new() });
        cascade.columns.insert(text(column)?);
    }
    cascades(mapping, found.into_values(), str::to_owned)?;
    Ok(layout)
}

/// A column as a database has it.
struct Column {
    class: Class,
    filled: bool,
    /// The most characters, with four more; negative where there is no such limit.
    length: i64,
}

/// Whether the columns of a table take what is done with them.
fn fits(table: &Table, columns: &BTreeMap<(String, String), Column>) -> Result<()> {
    let column = |name: &str| columns.get(&(table.sql.clone(), name.to_owned()));
    let class = |name: &str| column(name).map_or(Class::Other, |column| column.class);
    let named = |name: &str| (table.sql.clone(), name.to_owned());
    for id in ids(table) {
        let takes = match id.form {
            Form::Bytes => class(&id.name) == Class::Bytes,
            Form::Integer => class(&id.name) == Class::Integer,
            Form::Text => class(&id.name) == Class::Text,
            Form::Uuid => matches!(class(&id.name), Class::Text | Class::Uuid),
        };
        if !takes {
            let (table, column) = named(&id.name);
            return Err(Fault::Turned { table, column });
        }
    }
    for empty in emptied(table) {
        if column(empty).is_some_and(|column| column.filled) {
            let (table, column) = named(empty);
            return Err(Fault::NotNull { table, column });
        }
    }
    let unfit = |name: &str| {
        let (table, column) = named(name);
        Err(Fault::Unfit { table, column })
    };
    if let Action::Pseudonymise { fields, constant } = &table.action {
        let longest = constant.as_ref().map_or(PSEUDONYM, |word| word.chars().count());
        for field in fields.iter().map(|at| &table.fields[*at].column) {
            let room = column(field).and_then(|column| usize::try_from(column.length - 4).ok());
            if class(field) != Class::Text || room.is_some_and(|room| room < longest) {
                return unfit(field);
            }
        }
    }
    for field in table.fields.iter().filter(|field| !field.path.is_empty()) {
        if !matches!(class(&field.column), Class::Json | Class::Jsonb | Class::Text) {
            return unfit(&field.column);
        }
    }
    if let Some(name) = &table.restriction
        && !matches!(class(name), Class::Bool | Class::Integer)
    {
        return unfit(name);
    }
    if let Some(age) = &table.age {
        let takes = match age.unit {
            Unit::Millis | Unit::Seconds => {
                matches!(class(&age.column), Class::Integer | Class::Real)
            }
            Unit::Text => class(&age.column) == Class::Text,
            Unit::Timestamp => class(&age.column) == Class::Moment,
        };
        if !takes {
            return unfit(&age.column);
        }
    }
    Ok(())
}

/// The class of a type by its name in the catalogue, its kind, and whether its texts are compared
/// byte by byte.
fn class(name: &str, form: &str, exact: bool) -> Class {
    match name {
        "bool" => Class::Bool,
        "bytea" => Class::Bytes,
        "int2" | "int4" | "int8" => Class::Integer,
        "float4" | "float8" => Class::Real,
        "json" => Class::Json,
        "jsonb" => Class::Jsonb,
        "uuid" => Class::Uuid,
        "date" | "timestamp" | "timestamptz" => Class::Moment,
        "text" | "varchar" if exact => Class::Text,
        _ if matches!(form, "array" | "c") => Class::List,
        _ => Class::Other,
    }
}

/// A question about the mapped tables, whose names it finds in two values.
fn asking(sql: &str, mapping: &Checked) -> Statement {
    let names: BTreeSet<&str> = mapping.tables.iter().map(|table| table.sql.as_str()).collect();
    let names = serde_json::Value::from(Vec::from_iter(names)).to_string();
    let values = vec![Bound::Text(mapping.schema.clone()), Bound::Text(names)];
    Statement { sql: sql.to_owned(), values }
}

fn text(value: Value) -> Result<String> {
    match value {
        Value::Text(text) => Ok(text),
        _ => Err(Fault::Value),
    }
}

fn bit(value: Value) -> Result<bool> {
    match value {
        Value::Bool(bit) => Ok(bit),
        _ => Err(Fault::Value),
    }
}

// A row of the catalogue that is written anew has another `xmin`. The flags of an index are named,
// which a server may change in place.
const TABLES: &str = "\
SELECT c.relname::text, c.relkind::text, c.relispartition,
    EXISTS (SELECT 1 FROM pg_catalog.pg_inherits AS i WHERE i.inhparent = c.oid),
    pg_catalog.row_security_active(c.oid),
    pg_catalog.concat_ws(' ', c.oid, c.xmin,
        (SELECT pg_catalog.string_agg(
                pg_catalog.concat_ws('.', a.attnum, a.xmin, t.oid, t.xmin), ',' ORDER BY a.attnum)
            FROM pg_catalog.pg_attribute AS a
                LEFT JOIN pg_catalog.pg_type AS t ON t.oid = a.atttypid
            WHERE a.attrelid = c.oid AND a.attnum > 0), '/',
        (SELECT pg_catalog.string_agg(
                pg_catalog.concat_ws('.', i.indexrelid, i.xmin, i.indisunique, i.indisvalid,
                    i.indimmediate), ',' ORDER BY i.indexrelid)
            FROM pg_catalog.pg_index AS i WHERE i.indrelid = c.oid), '/',
        k.keys)
FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
    LEFT JOIN (
        SELECT k.confrelid,
            pg_catalog.string_agg(pg_catalog.concat_ws('.', k.oid, k.xmin), ',' ORDER BY k.oid)
        FROM pg_catalog.pg_constraint AS k WHERE k.contype = 'f' GROUP BY k.confrelid
    ) AS k (table_oid, keys) ON k.table_oid = c.oid
WHERE n.nspname = $1::text
    AND c.relname IN (SELECT pg_catalog.json_array_elements_text($2::text::json))";

const COLUMNS: &str = "\
SELECT c.relname::text, a.attname::text, a.attnotnull OR t.typnotnull, b.typname::text,
    CASE WHEN b.typcategory = 'A' THEN 'array' ELSE b.typtype::text END,
    pg_catalog.format_type(b.oid, -1), coalesce(l.collisdeterministic, true),
    CASE WHEN t.typtype = 'd' THEN t.typtypmod ELSE a.atttypmod END::int8
FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
    JOIN pg_catalog.pg_attribute AS a ON a.attrelid = c.oid
    JOIN pg_catalog.pg_type AS t ON t.oid = a.atttypid
    JOIN pg_catalog.pg_type AS b
        ON b.oid = CASE WHEN t.typtype = 'd' THEN t.typbasetype ELSE t.oid END
    LEFT JOIN pg_catalog.pg_collation AS l ON l.oid = a.attcollation
WHERE n.nspname = $1::text AND a.attnum > 0 AND NOT a.attisdropped
    AND c.relname IN (SELECT pg_catalog.json_array_elements_text($2::text::json))";

// Unique at once and for every row: neither deferred nor of some rows or expressions.
const KEYS: &str = "\
SELECT c.relname::text, i.indexrelid::int8, a.attname::text
FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
    JOIN pg_catalog.pg_index AS i ON i.indrelid = c.oid
    CROSS JOIN LATERAL pg_catalog.generate_series(0, i.indnkeyatts - 1) AS at (place)
    JOIN pg_catalog.pg_attribute AS a ON a.attrelid = c.oid AND a.attnum = i.indkey[at.place]
WHERE n.nspname = $1::text AND i.indisunique AND i.indisvalid AND i.indimmediate
    AND i.indpred IS NULL AND i.indexprs IS NULL
    AND c.relname IN (SELECT pg_catalog.json_array_elements_text($2::text::json))";

const CASCADES: &str = "\
SELECT k.oid::int8,
    CASE WHEN m.nspname = $1::text THEN c.relname::text ELSE m.nspname || '.' || c.relname END,
    p.relname::text, a.attname::text
FROM pg_catalog.pg_constraint AS k
    JOIN pg_catalog.pg_class AS p ON p.oid = k.confrelid
    JOIN pg_catalog.pg_namespace AS n ON n.oid = p.relnamespace
    JOIN pg_catalog.pg_class AS c ON c.oid = k.conrelid
    JOIN pg_catalog.pg_namespace AS m ON m.oid = c.relnamespace
    CROSS JOIN LATERAL pg_catalog.unnest(k.conkey) AS at (place)
    JOIN pg_catalog.pg_attribute AS a ON a.attrelid = c.oid AND a.attnum = at.place
WHERE k.contype = 'f' AND k.confdeltype = 'c' AND k.conparentid = 0 AND n.nspname = $1::text
    AND p.relname IN (SELECT pg_catalog.json_array_elements_text($2::text::json))";
