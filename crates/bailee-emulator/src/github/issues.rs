use serde_json::{Value, json};

use super::repositories::REPOSITORIES;
use super::{GitHub, is_app, may, scoped, user};
use crate::call::Call;
use crate::clock::iso;
use crate::desk::Desk;
use crate::message::Answer;
use crate::oauth::{Caller, Dialect as _, Problem, decode};

/// Opens an issue (`POST /repos/{owner}/{repo}/issues`).
pub(super) fn create(
    github: &GitHub,
    desk: &mut Desk,
    call: &Call<'_>,
    caller: &Caller,
    (owner, name): (&str, &str),
) -> Result<Answer, Problem> {
    let (owner, name) = (decode(owner), decode(name));
    let person = desk.accounts.iter().find(|account| account.username == owner).cloned();
    let repository = REPOSITORIES.iter().find(|repository| repository.name == name);
    let (Some(person), Some(repository)) = (person, repository) else {
        return Err(Problem::NotFound);
    };
    let own = person.id == caller.account.id;
    if is_app(&caller.client) {
        let permitted = desk.clients.get(&caller.client).map(|client| &client.scopes);
        let permitted = permitted
            .is_some_and(|all| all.is_empty() || all.iter().any(|one| one == "issues:write"));
        if !permitted {
            return Err(Problem::Uncovered("issues:write".into()));
        }
    } else {
        // What may not be seen is not there.
        let needed: &[&str] = if repository.private { &["repo"] } else { &["public_repo", "repo"] };
        if !needed.iter().any(|scope| may(caller, scope)) {
            let answer = github.error(call, 404, "", "Not Found");
            let answer = answer.with("x-accepted-oauth-scopes", &needed.join(", "));
            return Err(Problem::Said(scoped(answer, caller)));
        }
    }
    if repository.private && !own {
        return Err(Problem::NotFound);
    }
    if github.single_sign_on.contains(&owner) {
        let text = "Resource protected by organization SAML enforcement.";
        let url =
            format!("required; url=https://github.com/orgs/{owner}/sso?authorization_request=A");
        let answer = github.error(call, 403, "", text).with("x-github-sso", &url);
        return Err(Problem::Said(answer));
    }
    if github.issues_off {
        let text = "Issues are disabled for this repo";
        return Err(Problem::Said(github.error(call, 410, "", text)));
    }
    let Some(Value::Object(asked)) = call.request.json() else { return Err(Problem::BodyType) };
    let title = match asked.get("title") {
        Some(Value::String(title)) if !title.is_empty() => title.clone(),
        Some(Value::Number(title)) => title.to_string(),
        _ => return Err(Problem::Value("title")),
    };
    let body = asked.get("body").and_then(Value::as_str);
    if title.chars().count() > 256 || body.is_some_and(|body| body.chars().count() > 65_536) {
        return Err(Problem::Value("title or body"));
    }
    // Dropped without a word where the person cannot push.
    let kept = |name: &str| match asked.get(name).and_then(Value::as_array) {
        Some(list) if own => list.clone(),
        _ => Vec::new(),
    };
    let number = desk.written.len() as u64 + 1;
    let issue = json!({
        "id": 3_000_000_000_u64 + number,
        "node_id": format!("fake-issue-{number}"),
        "number": number,
        "html_url": format!("https://github.com/{owner}/{name}/issues/{number}"),
        "state": "open",
        "title": title,
        "body": body,
        "user": {"login": caller.account.username, "id": user::id(&caller.account)},
        "labels": kept("labels").iter().map(|name| json!({"name": name})).collect::<Vec<_>>(),
        "assignees": kept("assignees").iter().map(|login| json!({"login": login})).collect::<Vec<_>>(),
        "created_at": iso(call.now),
    });
    desk.write(caller, "issue", issue.clone());
    let location = format!("https://api.github.com/repos/{owner}/{name}/issues/{number}");
    Ok(Answer::json(201, &issue).with("location", &location))
}
