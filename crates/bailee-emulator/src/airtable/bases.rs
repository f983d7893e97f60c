use serde_json::{Value, json};

use crate::call::Call;
use crate::message::Answer;
use crate::mint::{base64url, sha256};
use crate::oauth::{Caller, Problem};

/// Whose token it is and what it may (`GET /v0/meta/whoami`). There is no name.
pub(super) fn whoami(caller: &Caller) -> Answer {
    let account = &caller.account;
    let digest = base64url(&sha256(format!("airtable user {}", account.id).as_bytes()));
    let id: String = digest.chars().filter(char::is_ascii_alphanumeric).take(14).collect();
    let mut body = json!({"id": format!("usr{id}"), "scopes": caller.scopes});
    if caller.may("user.email:read") {
        body["email"] = json!(account.email);
    }
    Answer::json(200, &body)
}

/// The bases that the person picked (`GET /v0/meta/bases`), two on a page so that there is a second
/// one.
pub(super) fn list(call: &Call<'_>, caller: &Caller) -> Result<Answer, Problem> {
    caller.needs("schema.bases:read")?;
    let query = call.request.query();
    let start = match query.one("offset") {
        None => 0,
        Some(offset) => {
            let place = offset.strip_prefix("itr").and_then(|place| place.parse().ok());
            place.ok_or(Problem::Value("offset"))?
        }
    };
    let all = picked(caller);
    let bases: Vec<Value> = all
        .iter()
        .skip(start)
        .take(2)
        .map(|base| json!({"id": base["id"], "name": base["name"], "permissionLevel": "create"}))
        .collect();
    let next = start + bases.len();
    let mut body = json!({"bases": bases});
    if next < all.len() {
        body["offset"] = json!(format!("itr{next}"));
    }
    Ok(Answer::json(200, &body))
}

/// The bases that the person picked.
pub(super) fn picked(caller: &Caller) -> Vec<Value> {
    let bases = caller.account.facts.get("bases").and_then(Value::as_array);
    bases.cloned().unwrap_or_default()
}
