use serde_json::{Map, Value, json};

use super::{chosen, needs, places, user};
use crate::call::Call;
use crate::clock::iso;
use crate::desk::{Desk, Written};
use crate::message::Answer;
use crate::oauth::{Caller, Problem};

/// Creates a task (`POST /tasks`).
pub(super) fn create(desk: &mut Desk, call: &Call<'_>, caller: &Caller) -> Result<Answer, Problem> {
    needs(caller, "tasks:write")?;
    let Some(Value::Object(body)) = call.request.json() else { return Err(Problem::BodyType) };
    // Every body lies under `data`.
    let Some(Value::Object(asked)) = body.get("data") else { return Err(Problem::Missing("data")) };
    if let Some(name) = asked.keys().find(|name| !KNOWN.contains(&name.as_str())) {
        let text = format!("Cannot write this property: {name}");
        return Err(Problem::Said(Answer::json(
            400,
            &json!({"errors": [{"message": text, "help": ""}]}),
        )));
    }
    let workspace = workspace(desk, caller, asked)?;
    let assignee = match asked.get("assignee") {
        None | Some(Value::Null) => Value::Null,
        Some(Value::String(text)) if text == "me" => json!({"gid": user::gid(&caller.account)}),
        Some(Value::String(text)) if is_gid(text) => json!({"gid": text}),
        Some(_) => return Err(Problem::Value("assignee")),
    };
    for name in ["name", "notes", "html_notes"] {
        if asked.get(name).is_some_and(|value| !value.is_string()) {
            return Err(Problem::Value("a text"));
        }
    }
    if asked.contains_key("due_on") && asked.contains_key("due_at") {
        return Err(Problem::Value("due_at"));
    }
    for name in ["followers", "tags"] {
        let fits = |value: &Value| gids(value).is_some();
        if !asked.get(name).is_none_or(fits) {
            return Err(Problem::Value("followers or tags"));
        }
    }
    let gid = user::number(&format!("asana task {}", desk.written.len()));
    let task = json!({
        "gid": gid,
        "resource_type": "task",
        "name": asked.get("name").cloned().unwrap_or(json!("")),
        "notes": asked.get("notes").cloned().unwrap_or(json!("")),
        "assignee": assignee,
        "completed": asked.get("completed").cloned().unwrap_or(json!(false)),
        "created_at": iso(call.now),
        "due_on": asked.get("due_on").cloned().unwrap_or(Value::Null),
        "due_at": asked.get("due_at").cloned().unwrap_or(Value::Null),
        "projects": asked.get("projects").cloned().unwrap_or(json!([])),
        "workspace": places::workspace(&workspace),
        "permalink_url": format!("https://app.asana.com/0/0/{gid}"),
    });
    desk.write(caller, "task", task.clone());
    Ok(Answer::json(201, &json!({"data": chosen(call, &[], task)})))
}

/// The workspace that the task is made in: named, or that of its projects or its parent.
fn workspace(desk: &Desk, caller: &Caller, asked: &Map<String, Value>) -> Result<String, Problem> {
    let mut found = None;
    if let Some(value) = asked.get("workspace") {
        found = Some(value.as_str().ok_or(Problem::Value("workspace"))?.to_owned());
    }
    if let Some(value) = asked.get("projects") {
        for project in gids(value).ok_or(Problem::Value("projects"))? {
            let above = places::above(project).ok_or(Problem::NotFound)?.to_owned();
            if found.get_or_insert_with(|| above.clone()) != &above {
                return Err(Problem::Value("projects"));
            }
        }
    }
    if let Some(value) = asked.get("parent") {
        let parent = value.as_str().ok_or(Problem::Value("parent"))?;
        let is_it = |written: &&Written| {
            written.account == caller.account.id && written.value["gid"] == parent
        };
        let parent = desk.written.iter().find(is_it).ok_or(Problem::NotFound)?;
        let above = parent.value["workspace"]["gid"].as_str().unwrap_or_default();
        found.get_or_insert_with(|| above.to_owned());
    }
    let found = found.ok_or(Problem::Missing("workspace"))?;
    if places::of(&caller.account).contains(&found) { Ok(found) } else { Err(Problem::NotFound) }
}

fn gids(value: &Value) -> Option<Vec<&str>> {
    let texts: Option<Vec<&str>> = value.as_array()?.iter().map(Value::as_str).collect();
    texts.filter(|texts| texts.iter().all(|text| is_gid(text)))
}

fn is_gid(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// What can be written; anything else is refused.
const KNOWN: &[&str] = &[
    "assignee",
    "completed",
    "custom_fields",
    "due_at",
    "due_on",
    "followers",
    "html_notes",
    "name",
    "notes",
    "parent",
    "projects",
    "start_at",
    "start_on",
    "tags",
    "workspace",
];
