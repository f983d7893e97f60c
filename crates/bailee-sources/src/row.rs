//! Rows, keys and corrections between the seam and a database.

use bailee_core::{Error, ErrorKind};
use bailee_rights::source::{Correction, SourceRow, Step, Touched, Value};

use crate::{
    fault::{Fault, Result},
    mapping::{Action, Checked, Field, Table},
    statement::{Bound, Statement, Statements},
};

/// How many rows are handed over at once.
pub(crate) const HANDED: usize = 2000;

/// Reads a row whose columns are the key's and then the fields', in the few types that statements
/// ask for.
pub(crate) fn read(
    table: &Table,
    mut value: impl FnMut(usize) -> Result<Value>,
) -> Result<SourceRow> {
    let keys = (0..table.key.len()).map(|at| match value(at)? {
        Value::Integer(number) => Ok(serde_json::Value::from(number)),
        Value::Text(text) => Ok(serde_json::Value::from(text)),
        Value::Bytes(bytes) => Ok(serde_json::json!({ "bytes": bytes })),
        _ => Err(Fault::Key(table.sql.clone())),
    });
    let key = serde_json::Value::Array(keys.collect::<Result<_>>()?).to_string();
    let mut values = Vec::with_capacity(table.fields.len());
    for (at, field) in table.fields.iter().enumerate() {
        values.push(match value(table.key.len() + at)? {
            Value::Integer(0) if field.masked => Value::Null,
            Value::Integer(_) if field.masked => Value::Masked,
            Value::Text(text) if !field.path.is_empty() => part(&text)?,
            other => other,
        });
    }
    Ok(SourceRow { key, values })
}

/// The part of a document, in the form that it has there.
fn part(text: &str) -> Result<Value> {
    let part: serde_json::Value = serde_json::from_str(text).map_err(|_| Fault::Value)?;
    Ok(match part {
        serde_json::Value::Null => Value::Null,
        serde_json::Value::Bool(bit) => Value::Bool(bit),
        serde_json::Value::String(text) => Value::Text(text),
        serde_json::Value::Number(number) => match number.as_i64() {
            Some(number) => Value::Integer(number),
            None => number.as_f64().map_or(Value::Null, Value::Real),
        },
        other => Value::Json(other.to_string()),
    })
}

/// Adds to a step that rows of a table were changed.
pub(crate) fn touch(step: &mut Step, table: &Table, rows: u64) {
    if rows == 0 {
        return;
    }
    match step.touched.iter_mut().find(|touched| touched.table == table.name) {
        Some(touched) => touched.rows += rows,
        None => step.touched.push(Touched { table: table.name.clone(), rows }),
    }
}

/// A correction that the mapping takes.
#[derive(Debug)]
pub(crate) struct Correcting {
    table: usize,
    field: usize,
    key: Vec<Bound>,
    value: Bound,
}

impl Correcting {
    /// Holds a correction against the mapping.
    ///
    /// # Errors
    ///
    /// `NotFound` for what is not mapped, `Unsupported` for what is not corrected here,
    /// `InvalidInput` for a value that no such field takes.
    pub(crate) fn of(mapping: &Checked, correction: &Correction) -> bailee_core::Result<Self> {
        let Correction { table, key, field, value } = correction;
        let at = mapping.facts.tables.iter().position(|facts| facts.name == *table);
        let at = at.ok_or(ErrorKind::NotFound)?;
        let place = mapping.facts.tables[at].fields.iter().position(|facts| facts.name == *field);
        let place = place.ok_or(ErrorKind::NotFound)?;
        let mapped = &mapping.tables[at];
        let field = &mapped.fields[place];
        let tied = |column: &str| {
            mapped.key.iter().any(|key| key == column)
                || mapped.tenant.as_ref().is_some_and(|tenant| tenant.name == column)
                || mapped.link_column() == column
        };
        // What a law keeps is evidence, and what ties a row to somebody is not a fact about them.
        if field.masked || tied(&field.column) || matches!(mapped.action, Action::Keep) {
            return Err(ErrorKind::Unsupported.into());
        }
        // A key that is none of ours names no row.
        let key = keys(key).filter(|key| key.len() == mapped.key.len());
        let key = key.ok_or(ErrorKind::NotFound)?;
        Ok(Self { table: at, field: place, key, value: bound(field, value)? })
    }

    /// The statement that does it.
    pub(crate) fn statement(self, statements: &Statements<'_>) -> bailee_core::Result<Statement> {
        let field = &statements.mapping.tables[self.table].fields[self.field];
        statements.correct(self.table, self.key, field, self.value)
    }
}

/// The values of a row's key, as a collection wrote them.
fn keys(key: &str) -> Option<Vec<Bound>> {
    let keys: Vec<serde_json::Value> = serde_json::from_str(key).ok()?;
    let bound = |key: serde_json::Value| {
        Some(match key {
            serde_json::Value::Number(number) => Bound::Integer(number.as_i64()?),
            serde_json::Value::String(text) => Bound::Text(text),
            serde_json::Value::Object(mut bytes) => {
                Bound::Bytes(serde_json::from_value(bytes.remove("bytes")?).ok()?)
            }
            _ => return None,
        })
    };
    keys.into_iter().map(bound).collect()
}

/// A value as its field takes it: a part of a document is bound as JSON.
fn bound(field: &Field, value: &Value) -> bailee_core::Result<Bound> {
    let unfit = || Error::new(ErrorKind::InvalidInput).with_detail("the field takes no such value");
    let in_document = !field.path.is_empty();
    let json = |value: serde_json::Value| Ok(Bound::Text(value.to_string()));
    match value {
        Value::Bool(bit) if in_document => json((*bit).into()),
        Value::Integer(number) if in_document => json((*number).into()),
        Value::Null if in_document => json(serde_json::Value::Null),
        Value::Real(number) if in_document => json((*number).into()),
        Value::Text(text) if in_document => json(text.as_str().into()),
        Value::Json(text) => {
            let value: serde_json::Value = serde_json::from_str(text).map_err(|_| unfit())?;
            json(value)
        }
        Value::Bool(bit) => Ok(Bound::Integer(i64::from(*bit))),
        Value::Bytes(bytes) if !in_document => Ok(Bound::Bytes(bytes.clone())),
        Value::Integer(number) => Ok(Bound::Integer(*number)),
        Value::Null => Ok(Bound::Null),
        Value::Real(number) => Ok(Bound::Real(*number)),
        Value::Text(text) => Ok(Bound::Text(text.clone())),
        _ => Err(unfit()),
    }
}
