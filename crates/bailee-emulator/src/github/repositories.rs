use serde_json::{Value, json};

use super::{is_app, may, user};
use crate::message::{Answer, Incoming};
use crate::oauth::{Caller, Problem};
use crate::registration::Account;

/// A repository: owner, name, and whether it is private.
pub(super) struct Repository {
    pub(super) name: &'static str,
    pub(super) private: bool,
}

/// What every account owns.
pub(super) const REPOSITORIES: [Repository; 3] = [
    Repository { name: "hello", private: false },
    Repository { name: "hello.world", private: false },
    Repository { name: "secret", private: true },
];

/// The person's repositories (`GET /user/repos`).
pub(super) fn list(request: &Incoming, caller: &Caller) -> Result<Answer, Problem> {
    let query = request.query();
    let number = |name: &'static str, usual: usize, most: usize| match query.one(name) {
        None => Ok(usual),
        Some(text) => {
            text.parse().map(|n: usize| n.clamp(1, most)).map_err(|_| Problem::Value(name))
        }
    };
    let (per_page, page) = (number("per_page", 30, 100)?, number("page", 1, 1000)?);
    let private = is_app(&caller.client) || may(caller, "repo");
    let wanted = |repository: &&Repository| match query.one("visibility") {
        Some("public") => !repository.private,
        Some("private") => repository.private && private,
        _ => !repository.private || private,
    };
    let owned = query.one("affiliation").is_none_or(|list| list.contains("owner"));
    let all: Vec<Value> = REPOSITORIES
        .iter()
        .filter(wanted)
        .filter(|_| owned)
        .map(|repository| shown(&caller.account, repository))
        .collect();
    let start = (page - 1) * per_page;
    let shown: Vec<&Value> = all.iter().skip(start).take(per_page).collect();
    let answer = Answer::json(200, &json!(shown));
    if start + per_page >= all.len() {
        return Ok(answer);
    }
    let mut next = url::form_urlencoded::Serializer::new(String::new());
    next.extend_pairs(query.pairs().iter().filter(|(name, _)| name != "page"));
    next.append_pair("page", &(page + 1).to_string());
    let link = format!("<https://api.github.com/user/repos?{}>; rel=\"next\"", next.finish());
    Ok(answer.with("link", &link))
}

fn shown(owner: &Account, repository: &Repository) -> Value {
    json!({
        "id": user::id(owner) * 10 + repository.name.len() as u64,
        "name": repository.name,
        "full_name": format!("{}/{}", owner.username, repository.name),
        "private": repository.private,
        "archived": false,
        "permissions": {"admin": true, "push": true, "pull": true},
    })
}
