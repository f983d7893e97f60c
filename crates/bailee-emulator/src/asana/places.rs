use serde_json::{Value, json};

use super::{chosen, needs, user};
use crate::call::Call;
use crate::message::Answer;
use crate::oauth::{Caller, Problem};
use crate::registration::Account;

/// The person's workspaces (`GET /workspaces`).
pub(super) fn workspaces(call: &Call<'_>, caller: &Caller) -> Result<Answer, Problem> {
    needs(caller, "workspaces:read")?;
    let all = of(&caller.account).iter().map(|gid| workspace(gid)).collect();
    page(call, "workspaces", all)
}

/// The projects of a workspace (`GET /projects`).
pub(super) fn projects(call: &Call<'_>, caller: &Caller) -> Result<Answer, Problem> {
    needs(caller, "projects:read")?;
    let query = call.request.query();
    let place = query.one("workspace").ok_or(Problem::Missing("workspace"))?;
    if !of(&caller.account).iter().any(|gid| gid == place) {
        return Err(Problem::NotFound);
    }
    let all = PROJECTS.map(|project| {
        let gid = format!("{place}{project}");
        json!({"gid": gid, "name": format!("Project {project}"), "resource_type": "project"})
    });
    page(call, "projects", all.to_vec())
}

/// The workspaces that the person is in: one of their own where nothing else is said.
pub(super) fn of(account: &Account) -> Vec<String> {
    match account.facts.get("workspaces").and_then(Value::as_array) {
        Some(all) => all.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        None => vec![user::number(&format!("asana workspace of {}", account.id))],
    }
}

pub(super) fn workspace(gid: &str) -> Value {
    json!({"gid": gid, "name": format!("Workspace {gid}"), "resource_type": "workspace"})
}

/// The workspace of a project, as far as its gid is one.
pub(super) fn above(project: &str) -> Option<&str> {
    PROJECTS.iter().find_map(|last| project.strip_suffix(last))
}

/// A page of a list. Without a limit there are no pages.
fn page(call: &Call<'_>, path: &str, all: Vec<Value>) -> Result<Answer, Problem> {
    let query = call.request.query();
    let limit = query.one("limit").map_or(Some(all.len().max(1)), |limit| {
        limit.parse().ok().filter(|limit| (1..=100).contains(limit))
    });
    let limit = limit.ok_or(Problem::Value("limit"))?;
    let offset = query.one("offset").map_or(Some(0), |offset| {
        offset.strip_prefix(OFFSET)?.parse().ok().filter(|at| *at <= all.len())
    });
    let start: usize = offset.ok_or(Problem::Value("offset"))?;
    let items: Vec<Value> = all
        .iter()
        .skip(start)
        .take(limit)
        .map(|item| chosen(call, &["name"], item.clone()))
        .collect();
    let next = start + items.len();
    let next_page = (next < all.len()).then(|| {
        let offset = format!("{OFFSET}{next}");
        let path = format!("/{path}?limit={limit}&offset={offset}");
        let uri = format!("https://app.asana.com/api/1.0{path}");
        json!({"offset": offset, "path": path, "uri": uri})
    });
    Ok(Answer::json(200, &json!({"data": items, "next_page": next_page})))
}

const PROJECTS: [&str; 3] = ["1", "2", "3"];
const OFFSET: &str = "eyJ0";
