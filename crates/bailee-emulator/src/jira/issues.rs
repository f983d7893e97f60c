use serde_json::{Map, Value, json};

use super::{Jira, colleague, said};
use crate::message::{Answer, Incoming};
use crate::oauth::Problem;

/// The project of all issues.
pub(super) const PROJECT: &str = "DEMO";

/// All fields of an issue, with people in every place where there can be some.
fn all_fields(number: usize) -> Map<String, Value> {
    let picked = colleague("picked");
    let fields = json!({
        "summary": format!("Issue number {number}"),
        "status": {"name": if number.is_multiple_of(2) { "Done" } else { "To Do" }, "id": "1"},
        "issuetype": {"name": "Bug", "avatarId": 10303},
        "priority": {"name": "High"},
        "project": {
            "id": "10000", "key": PROJECT, "name": "Demo", "lead": colleague("lead"),
            "avatarUrls": {"48x48": "https://canary.example/project"},
        },
        "labels": ["demo"],
        "created": "2026-01-02T03:04:05.000+0000",
        "updated": format!("2026-01-{:02}T03:04:05.000+0000", number % 28 + 1),
        "duedate": null,
        "description": {"type": "doc", "version": 1, "content": [{"type": "paragraph", "content": [
            {"type": "text", "text": "Please ask "},
            {"type": "mention", "attrs": {"id": "557058:canary-mention", "text": "@Grace Canary"}},
            {"type": "text", "text": " about it"},
        ]}]},
        "assignee": colleague("assignee"),
        "reporter": colleague("reporter"),
        "creator": colleague("creator"),
        "watches": {"self": "https://canary.example", "watchCount": 1, "isWatching": false},
        "votes": {"self": "https://canary.example", "votes": 0, "hasVoted": false},
        "comment": {"total": 1, "comments": [{
            "self": "https://canary.example", "id": "20001", "author": colleague("author"),
            "updateAuthor": colleague("editor"), "created": "2026-01-02T03:04:05.000+0000",
            "body": {"type": "doc", "version": 1, "content": []},
        }]},
        "worklog": {"worklogs": [{"id": "1", "author": colleague("worker"), "timeSpent": "1h"}]},
        "attachment": [super::attachments::metadata(number)],
        "customfield_10001": picked,
        "customfield_10002": [colleague("picked-2"), colleague("picked-3")],
        "customfield_10003": {"value": "a choice"},
    });
    match fields {
        Value::Object(fields) => fields,
        _ => Map::new(),
    }
}

/// An issue with some of its fields: names, `*all`, `*navigable`, or those but `-name`.
pub(super) fn issue(number: usize, fields: &[String], history: bool) -> Result<Value, Problem> {
    let mut all = all_fields(number);
    let everything = fields.iter().any(|field| field.starts_with('*') || field.starts_with('-'));
    let unknown = |field: &&String| {
        let name = field.trim_start_matches('-');
        !name.starts_with('*') && !all.contains_key(name)
    };
    if let Some(field) = fields.iter().find(unknown) {
        return Err(said(400, &format!("The field {field} does not exist.")));
    }
    all.retain(|name, _| {
        let named = fields.iter().any(|field| field == name);
        let left_out = fields.iter().any(|field| field.strip_prefix('-') == Some(name));
        (named || everything) && !left_out
    });
    let mut issue = json!({
        "id": (10_000 + number).to_string(),
        "key": format!("{PROJECT}-{number}"),
        "self": "https://canary.example/issue",
        "fields": all,
    });
    if history {
        issue["changelog"] = json!({"histories": [{
            "id": "1", "author": colleague("changer"), "created": "2026-01-02T03:04:05.000+0000",
            "items": [
                {"field": "status", "fieldtype": "jira", "fromString": "To Do", "toString": "Done"},
                {"field": "assignee", "fieldtype": "jira", "from": null, "fromString": null,
                 "to": "557058:canary-to", "toString": "Grace Canary"},
            ],
        }]});
    }
    Ok(issue)
}

/// `GET /issue/{idOrKey}`, which gives all fields where none are named.
pub(super) fn one(jira: &Jira, request: &Incoming, name: &str) -> Result<Answer, Problem> {
    let number = match name.strip_prefix("DEMO-") {
        Some(number) => number.parse().ok(),
        None => name.parse::<usize>().ok().and_then(|id| id.checked_sub(10_000)),
    };
    let number = number.filter(|number| (1..=jira.issues).contains(number));
    let number = number.ok_or(Problem::NotFound)?;
    let query = request.query();
    let fields: Vec<String> = match query.one("fields") {
        Some(fields) => fields.split(',').map(str::to_owned).collect(),
        None => vec!["*all".to_owned()],
    };
    let history = query.one("expand").is_some_and(|expand| expand.contains("changelog"));
    issue(number, &fields, history).map(|issue| Answer::json(200, &issue))
}

/// `GET /field`.
pub(super) fn fields() -> Answer {
    let fields: Vec<Value> = all_fields(1)
        .keys()
        .map(|id| {
            let custom = id.starts_with("customfield");
            json!({"id": id, "key": id, "name": id, "custom": custom, "schema": {"type": "string"}})
        })
        .collect();
    Answer::json(200, &json!(fields))
}
