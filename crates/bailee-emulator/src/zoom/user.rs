use serde_json::json;

use crate::message::Answer;
use crate::mint::{base64url, sha256};
use crate::oauth::{Caller, Problem};
use crate::registration::Account;

/// Who the account is (`GET /users/me`).
pub(super) fn profile(caller: &Caller) -> Result<Answer, Problem> {
    if !caller.may("user:read") {
        caller.needs("user:read:user")?;
    }
    let account = &caller.account;
    let licensed = account.facts.get("licensed").and_then(|fact| fact.as_bool()).unwrap_or(false);
    Ok(Answer::json(
        200,
        &json!({
            "id": id(account),
            "account_id": account_id(account),
            "first_name": account.display_name,
            "last_name": "",
            "display_name": account.display_name,
            "email": account.email,
            "verified": 1,
            "type": if licensed { 2 } else { 1 },
            "role_name": "Owner",
            "pmi": 5_550_100_200_u64,
            "personal_meeting_url": "https://zoom.us/j/5550100200",
            "host_key": "533895",
            "timezone": "Europe/Berlin",
            "status": "active",
            "created_at": "2024-05-01T09:30:00Z",
        }),
    ))
}

/// The person's id, opaque and the same for all clients.
pub(super) fn id(account: &Account) -> String {
    base64url(&sha256(format!("zoom user {}", account.id).as_bytes())[..16])
}

/// The id of the Zoom account that the person belongs to.
pub(super) fn account_id(account: &Account) -> String {
    let fact = account.facts.get("account_id").and_then(|fact| fact.as_str());
    fact.map_or_else(|| format!("account-of-{}", account.id), str::to_owned)
}
