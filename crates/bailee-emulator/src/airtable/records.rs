use serde_json::{Map, Value, json};

use super::Airtable;
use super::bases;
use crate::call::Call;
use crate::clock::iso;
use crate::desk::{Desk, Written};
use crate::message::Answer;
use crate::mint::{base64url, sha256};
use crate::oauth::{Caller, Problem, decode};

/// Lists the records of a table (`GET /v0/{base}/{table}`).
pub(super) fn list(
    airtable: &Airtable,
    desk: &Desk,
    call: &Call<'_>,
    caller: &Caller,
    base: &str,
    table: &str,
) -> Result<Answer, Problem> {
    caller.needs("data.records:read")?;
    let (table, columns) = find(caller, base, table)?;
    let query = call.request.query();
    let known = |name: &str| {
        ["fields[]", "filterByFormula", "offset", "pageSize", "view"].contains(&name)
            || (name.starts_with("sort[")
                && (name.ends_with("[field]") || name.ends_with("[direction]")))
    };
    if query.pairs().iter().any(|(name, _)| !known(name)) {
        return Err(Problem::Value("query"));
    }
    let size = query.one("pageSize").map_or(Some(100), |size| size.parse().ok());
    let size = size.filter(|size| (1..=100).contains(size)).ok_or(Problem::Value("pageSize"))?;
    let start = match query.one("offset") {
        None => 0,
        Some(offset) => place(airtable, call, offset)?,
    };
    let mut found: Vec<Value> = desk
        .written
        .iter()
        .filter(|written| is_of(written, base, &table))
        .map(|written| written.value["record"].clone())
        .collect();
    if let Some(formula) = query.one("filterByFormula") {
        let (field, value) = equality(formula).ok_or_else(|| {
            said(422, "INVALID_FILTER_BY_FORMULA", "The formula for filtering records is invalid")
        })?;
        found.retain(|record| record["fields"][field] == value);
    }
    for n in (0..4).rev() {
        let Some(field) = query.one(&format!("sort[{n}][field]")) else { continue };
        column(&columns, field)?;
        let key = |record: &Value| record["fields"][field].as_f64().unwrap_or(f64::MIN);
        let text = |record: &Value| record["fields"][field].as_str().unwrap_or_default().to_owned();
        found.sort_by(|a, b| key(a).total_cmp(&key(b)).then_with(|| text(a).cmp(&text(b))));
        if query.one(&format!("sort[{n}][direction]")) == Some("desc") {
            found.reverse();
        }
    }
    let wanted = query.all("fields[]");
    for field in &wanted {
        column(&columns, field)?;
    }
    let mut records: Vec<Value> = found.iter().skip(start).take(size).cloned().collect();
    let next = start + records.len();
    for fields in records.iter_mut().filter_map(|record| record["fields"].as_object_mut()) {
        fields.retain(|name, _| wanted.is_empty() || wanted.contains(&name.as_str()));
    }
    let mut body = json!({"records": records});
    if next < found.len() {
        body["offset"] = json!(format!("itr{next}/{}", call.now));
    }
    Ok(Answer::json(200, &body))
}

/// Creates up to ten records (`POST /v0/{base}/{table}`), all or none.
pub(super) fn create(
    desk: &mut Desk,
    call: &Call<'_>,
    caller: &Caller,
    base: &str,
    table: &str,
) -> Result<Answer, Problem> {
    caller.needs("data.records:write")?;
    let (table, columns) = find(caller, base, table)?;
    let Some(Value::Object(asked)) = call.request.json() else { return Err(Problem::BodyType) };
    let members = ["records", "returnFieldsByFieldId", "typecast"];
    if asked.keys().any(|name| !members.contains(&name.as_str())) {
        return Err(Problem::BodyType);
    }
    let typecast = asked.get("typecast").and_then(Value::as_bool).unwrap_or(false);
    let rows = asked.get("records").and_then(Value::as_array).ok_or(Problem::BodyType)?;
    if !(1..=10).contains(&rows.len()) {
        return Err(Problem::Value("records"));
    }
    let mut records = Vec::new();
    for row in rows {
        let fields = row.get("fields").and_then(Value::as_object).ok_or(Problem::BodyType)?;
        let mut kept = Map::new();
        for (name, value) in fields {
            let value = fit(column(&columns, name)?, value, typecast).ok_or_else(|| {
                let text = format!("Field \"{name}\" cannot accept the provided value");
                said(422, "INVALID_VALUE_FOR_COLUMN", &text)
            })?;
            kept.insert(name.clone(), value);
        }
        let number = desk.written.len() + records.len();
        let digest = base64url(&sha256(format!("record {number}").as_bytes()));
        let id: String = digest.chars().filter(char::is_ascii_alphanumeric).take(14).collect();
        records.push(json!({
            "id": format!("rec{id}"), "createdTime": iso(call.now), "fields": kept,
        }));
    }
    for record in &records {
        let kept = json!({"base": base, "table": table, "record": record});
        desk.write(caller, "record", kept);
    }
    Ok(Answer::json(200, &json!({"records": records})))
}

/// A table of a base that the person picked, by its name.
fn find(caller: &Caller, base: &str, table: &str) -> Result<(String, Value), Problem> {
    let table = decode(&table.replace('+', "%2B"));
    let bases = bases::picked(caller);
    let base = bases.iter().find(|picked| picked["id"] == base);
    let columns = base.and_then(|base| base["tables"].get(&table)).cloned();
    // What was not picked and what there is not are told alike.
    let columns = columns.ok_or_else(|| Problem::Uncovered("data.records:read".into()))?;
    Ok((table, columns))
}

fn is_of(written: &Written, base: &str, table: &str) -> bool {
    written.kind == "record" && written.value["base"] == base && written.value["table"] == table
}

/// Where a list goes on, unless too much time went by.
fn place(airtable: &Airtable, call: &Call<'_>, offset: &str) -> Result<usize, Problem> {
    let parts = offset.strip_prefix("itr").and_then(|rest| rest.split_once('/'));
    let (place, since) = parts.ok_or(Problem::Value("offset"))?;
    let since: i64 = since.parse().map_err(|_| Problem::Value("offset"))?;
    if call.now - since >= airtable.iterator_lifetime {
        return Err(said(422, "LIST_RECORDS_ITERATOR_NOT_AVAILABLE", "the iterator has expired"));
    }
    place.parse().map_err(|_| Problem::Value("offset"))
}

fn column<'a>(columns: &'a Value, name: &str) -> Result<&'a str, Problem> {
    columns
        .get(name)
        .and_then(Value::as_str)
        .ok_or_else(|| said(422, "UNKNOWN_FIELD_NAME", &format!("Unknown field name: \"{name}\"")))
}

/// A value as a column keeps it.
fn fit(kind: &str, value: &Value, typecast: bool) -> Option<Value> {
    match (kind, value) {
        ("number", Value::Number(_)) | ("text", Value::String(_)) => Some(value.clone()),
        ("number", Value::String(text)) if typecast => Some(json!(text.parse::<f64>().ok()?)),
        ("text", Value::Number(number)) if typecast => Some(json!(number.to_string())),
        _ => None,
    }
}

/// The only formula that is understood here: `{Field}='value'`.
fn equality(formula: &str) -> Option<(&str, &str)> {
    let (field, value) = formula.strip_prefix('{')?.split_once("}='")?;
    let value = value.strip_suffix('\'')?;
    (!value.contains('\'')).then_some((field, value))
}

fn said(status: u16, code: &str, text: &str) -> Problem {
    Problem::Said(Answer::json(status, &json!({"error": {"type": code, "message": text}})))
}
