use serde_json::{Value, json};

use crate::desk::Desk;
use crate::message::Answer;
use crate::mint::sha256;
use crate::oauth::{Caller, Problem};
use crate::registration::Account;

/// Who the person is (`GET /user`).
pub(super) fn profile(caller: &Caller) -> Answer {
    Answer::json(200, &json!({"user": user(&caller.account)}))
}

/// The workspaces that the token covers (`GET /team`), with everybody who is in them.
pub(super) fn teams(desk: &Desk, caller: &Caller) -> Answer {
    let teams: Vec<Value> = covered(caller)
        .into_iter()
        .map(|id| {
            let inside = desk.accounts.iter().filter(|account| workspaces(account).contains(&id));
            let members: Vec<Value> =
                inside.map(|account| json!({"user": user(account), "invited_by": null})).collect();
            json!({
                "id": id,
                "name": format!("Workspace {id}"),
                "color": "#40BC86",
                "avatar": null,
                "members": members,
            })
        })
        .collect();
    Answer::json(200, &json!({"teams": teams}))
}

/// A person as others see them.
pub(super) fn user(account: &Account) -> Value {
    json!({
        "id": id(account),
        "username": account.display_name,
        "email": account.email,
        "color": "#7b68ee",
        "profilePicture": null,
        "initials": "AB",
        "week_start_day": null,
        "global_font_support": null,
        "timezone": "Europe/Berlin",
    })
}

/// A number of up to 32 bits.
pub(super) fn id(account: &Account) -> u64 {
    let fact = account.facts.get("user_id").and_then(Value::as_u64);
    fact.unwrap_or_else(|| number(&format!("clickup user {}", account.id)))
}

/// The workspaces that the person is in: one of their own where nothing else is said.
pub(super) fn workspaces(account: &Account) -> Vec<String> {
    match account.facts.get("workspaces").and_then(Value::as_array) {
        Some(all) => all.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        None => vec![number(&format!("clickup workspace of {}", account.id)).to_string()],
    }
}

/// Of these, the ones that were ticked. A personal token covers all.
pub(super) fn covered(caller: &Caller) -> Vec<String> {
    let mut all = workspaces(&caller.account);
    if !caller.client.is_empty() {
        all.retain(|workspace| caller.may(workspace));
    }
    all
}

/// Demands that a workspace exists for the person and was ticked.
pub(super) fn needs(caller: &Caller, workspace: &str) -> Result<(), Problem> {
    if covered(caller).iter().any(|covered| covered == workspace) {
        Ok(())
    } else {
        Err(Problem::Uncovered(workspace.to_owned()))
    }
}

fn number(text: &str) -> u64 {
    let digest = sha256(text.as_bytes());
    1_000_000 + digest.iter().take(4).fold(0, |number, byte| number << 8 | u64::from(*byte))
}
