//! The data compliance API (<https://marketplace.zoom.us/docs/guides/publishing/data-compliance>).

use serde_json::{Value, json};

use crate::call::Call;
use crate::desk::{Desk, Written};
use crate::message::Answer;
use crate::oauth::{Problem, basic};

/// Takes an application's word that the data of somebody who removed it is gone
/// (`POST /oauth/data/compliance`).
pub(super) fn report(desk: &mut Desk, call: &Call<'_>) -> Result<Answer, Problem> {
    if call.request.method != "POST" {
        return Err(Problem::NotFound);
    }
    let (id, secret) =
        call.request.header("authorization").and_then(basic).ok_or(Problem::Client)?;
    let known = desk.clients.get(&id).is_some_and(|client| client.knows_secret(Some(&secret)));
    if !known {
        return Err(Problem::Client);
    }
    let Some(Value::Object(said)) = call.request.json() else { return Err(Problem::BodyType) };
    let text =
        |name: &'static str| said.get(name).and_then(Value::as_str).ok_or(Problem::Missing(name));
    if text("client_id")? != id {
        return Err(Problem::Value("client_id"));
    }
    let (person, account) = (text("user_id")?.to_owned(), text("account_id")?.to_owned());
    if said.get("compliance_completed") != Some(&json!(true)) {
        return Err(Problem::Value("compliance_completed"));
    }
    // What the removal said, as it said it.
    let received = said
        .get("deauthorization_event_received")
        .ok_or(Problem::Missing("deauthorization_event_received"))?;
    for (name, wanted) in [("user_id", &person), ("account_id", &account), ("client_id", &id)] {
        if received.get(name).and_then(Value::as_str) != Some(wanted) {
            return Err(Problem::Value("deauthorization_event_received"));
        }
    }
    if received.get("deauthorization_time").and_then(Value::as_str).is_none() {
        return Err(Problem::Value("deauthorization_event_received"));
    }
    desk.written.push(Written {
        account: person,
        client: id,
        kind: "compliance".to_owned(),
        value: Value::Object(said),
    });
    Ok(Answer::json(200, &json!({})))
}
