use serde_json::{Value, json};

use super::{Jira, issues, said};
use crate::message::{Answer, Incoming};
use crate::mint::base64url;
use crate::oauth::Problem;

/// What a search asks for, in the query or in JSON.
struct Asked {
    jql: String,
    fields: Vec<String>,
    expand: String,
    most: Option<String>,
    token: Option<String>,
}

fn asked(request: &Incoming) -> Result<Asked, Problem> {
    if request.is("GET") {
        let query = request.query();
        let text = |name: &str| query.one(name).map(str::to_owned);
        return Ok(Asked {
            jql: text("jql").unwrap_or_default(),
            fields: text("fields")
                .map_or_else(Vec::new, |f| f.split(',').map(str::to_owned).collect()),
            expand: text("expand").unwrap_or_default(),
            most: text("maxResults"),
            token: text("nextPageToken"),
        });
    }
    let Some(Value::Object(body)) = request.json() else {
        return Err(said(400, "Invalid request payload."));
    };
    const KNOWN: [&str; 9] = [
        "expand",
        "fields",
        "fieldsByKeys",
        "jql",
        "maxResults",
        "nextPageToken",
        "properties",
        "reconcileIssues",
        "failFast",
    ];
    if let Some(name) = body.keys().find(|name| !KNOWN.contains(&name.as_str())) {
        return Err(said(400, &format!("Unrecognized field {name}")));
    }
    let text = |name: &str| body.get(name).and_then(Value::as_str).map(str::to_owned);
    let fields = body.get("fields").and_then(Value::as_array).cloned().unwrap_or_default();
    Ok(Asked {
        jql: text("jql").unwrap_or_default(),
        fields: fields.iter().filter_map(|field| field.as_str().map(str::to_owned)).collect(),
        expand: text("expand").unwrap_or_default(),
        most: body.get("maxResults").map(Value::to_string),
        token: text("nextPageToken"),
    })
}

/// The numbers of the issues that an expression finds. It is matched loosely: a project, keys, or
/// anything else, which finds all. One without a restriction is refused.
fn found(jira: &Jira, jql: &str) -> Result<Vec<usize>, Problem> {
    let lower = jql.trim().to_lowercase();
    let restriction = lower.split("order by").next().unwrap_or_default().trim();
    if restriction.is_empty() {
        let text = "Unbounded JQL queries are not allowed here. Please add a search restriction.";
        return Err(said(400, text));
    }
    if restriction.starts_with('=') || restriction.ends_with('=') {
        return Err(said(400, "Error in the JQL Query."));
    }
    let all = 1..=jira.issues;
    if let Some((_, keys)) = restriction.split_once("key in (") {
        let keys: Vec<&str> = keys.trim_end_matches(')').split(',').map(str::trim).collect();
        return Ok(all.filter(|n| keys.contains(&format!("demo-{n}").as_str())).collect());
    }
    let elsewhere = restriction.contains("project =") && !restriction.contains("demo");
    Ok(if elsewhere { Vec::new() } else { all.collect() })
}

/// `/search/jql`: pages by an opaque token, and no total.
pub(super) fn page(jira: &Jira, request: &Incoming) -> Result<Answer, Problem> {
    let asked = asked(request)?;
    let numbers = found(jira, &asked.jql)?;
    let most = asked.most.map_or(Some(50), |most| most.parse().ok());
    let most: usize = most
        .filter(|most| (1..=5000).contains(most))
        .ok_or_else(|| said(400, "maxResults must be 1 to 5000."))?;
    // A token belongs to its own search.
    let token = |start: usize| {
        base64url(format!("{start} {} {}", asked.jql, asked.fields.join(",")).as_bytes())
    };
    let start = match &asked.token {
        None => 0,
        Some(given) => (0..=numbers.len())
            .find(|start| token(*start) == *given)
            .ok_or_else(|| said(400, "The provided next page token is invalid."))?,
    };
    let end = start.saturating_add(most).min(numbers.len());
    let history = asked.expand.contains("changelog");
    let found: Result<Vec<Value>, Problem> = numbers[start..end]
        .iter()
        .map(|number| issues::issue(*number, &asked.fields, history))
        .collect();
    let mut body = json!({"issues": found?, "isLast": end == numbers.len()});
    if end < numbers.len() {
        body["nextPageToken"] = json!(token(end));
    }
    Ok(Answer::json(200, &body))
}

/// `/search/approximate-count`.
pub(super) fn count(jira: &Jira, request: &Incoming) -> Result<Answer, Problem> {
    let count = found(jira, &asked(request)?.jql)?.len();
    Ok(Answer::json(200, &json!({"count": count})))
}
