use serde_json::{Map, Value, json};

use super::{hierarchy, user};
use crate::call::Call;
use crate::desk::Desk;
use crate::message::Answer;
use crate::oauth::{Caller, Problem};

/// Creates a task (`POST /list/{id}/task`).
pub(super) fn create(
    desk: &mut Desk,
    call: &Call<'_>,
    caller: &Caller,
    list: &str,
) -> Result<Answer, Problem> {
    let (space, workspace) = hierarchy::above(list).ok_or(Problem::Value("list"))?;
    user::needs(caller, workspace)?;
    let Some(Value::Object(asked)) = call.request.json() else { return Err(Problem::BodyType) };
    let name = asked.get("name").and_then(Value::as_str).unwrap_or_default().trim();
    if name.is_empty() {
        return Err(Problem::Value("name"));
    }
    check(&asked)?;
    let id = format!("86fake{}", desk.written.len());
    let text = ["description", "markdown_content"].iter().find_map(|member| asked.get(*member));
    let priority = asked.get("priority").and_then(Value::as_u64);
    let names = ["urgent", "high", "normal", "low"];
    let named = priority.and_then(|at| Some((at, names.get(usize::try_from(at).ok()? - 1)?)));
    let task = json!({
        "id": id,
        "custom_id": null,
        "name": name,
        "text_content": text.cloned().unwrap_or(json!("")),
        "status": {
            "status": asked.get("status").cloned().unwrap_or(json!("to do")),
            "color": "#d3d3d3",
            "type": "open",
            "orderindex": 0,
        },
        "date_created": (call.now * 1000).to_string(),
        "creator": user::user(&caller.account),
        "assignees": asked.get("assignees").cloned().unwrap_or(json!([])),
        "tags": asked.get("tags").cloned().unwrap_or(json!([])),
        "parent": asked.get("parent").cloned().unwrap_or(Value::Null),
        "priority": named.map(|(at, name)| json!({"id": at.to_string(), "priority": name})),
        // Times come in as numbers and go out as texts.
        "due_date": asked.get("due_date").and_then(Value::as_i64).map(|at| at.to_string()),
        "list": {"id": list, "name": "List"},
        "folder": {"id": "0", "name": "hidden", "hidden": true},
        "space": {"id": space},
        "url": format!("https://app.clickup.com/t/{id}"),
    });
    desk.write(caller, "task", task.clone());
    Ok(Answer::json(200, &task))
}

/// What the members must be. Members that are not known have no effect.
fn check(asked: &Map<String, Value>) -> Result<(), Problem> {
    let is_all = |value: &Value, of: fn(&Value) -> bool| {
        value.as_array().is_some_and(|values| values.iter().all(of))
    };
    for (name, value) in asked {
        let (name, fits): (&'static str, bool) = match name.as_str() {
            "assignees" => ("assignees", is_all(value, Value::is_u64)),
            "description" => ("description", value.is_string()),
            "markdown_content" => ("markdown_content", value.is_string()),
            "tags" => ("tags", is_all(value, Value::is_string)),
            "status" => ("status", value.is_string()),
            "priority" => {
                let one_of_four = value.as_u64().is_some_and(|at| (1..=4).contains(&at));
                ("priority", value.is_null() || one_of_four)
            }
            "due_date" => ("due_date", value.is_i64()),
            "start_date" => ("start_date", value.is_i64()),
            "due_date_time" => ("due_date_time", value.is_boolean()),
            "start_date_time" => ("start_date_time", value.is_boolean()),
            "time_estimate" => ("time_estimate", value.is_i64()),
            "notify_all" => ("notify_all", value.is_boolean()),
            "parent" => ("parent", value.is_null() || value.is_string()),
            _ => continue,
        };
        if !fits {
            return Err(Problem::Value(name));
        }
    }
    Ok(())
}
