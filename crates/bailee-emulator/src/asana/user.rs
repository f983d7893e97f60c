use serde_json::{Value, json};

use super::{chosen, needs, places};
use crate::call::Call;
use crate::message::Answer;
use crate::mint::sha256;
use crate::oauth::{Caller, Problem};
use crate::registration::Account;

/// Who the person is (`GET /users/me`).
pub(super) fn me(call: &Call<'_>, caller: &Caller) -> Result<Answer, Problem> {
    needs(caller, "users:read")?;
    let workspaces: Vec<Value> =
        places::of(&caller.account).iter().map(|gid| places::workspace(gid)).collect();
    let user = json!({
        "gid": gid(&caller.account),
        "name": caller.account.display_name,
        "email": caller.account.email,
        "photo": null,
        "workspaces": workspaces,
        "resource_type": "user",
    });
    Ok(Answer::json(200, &json!({"data": chosen(call, &[], user)})))
}

/// Nineteen digits, which are more than a floating-point number keeps.
pub(super) fn gid(account: &Account) -> String {
    let fact = account.facts.get("gid").and_then(Value::as_str).map(str::to_owned);
    fact.unwrap_or_else(|| number(&format!("asana user {}", account.id)))
}

pub(super) fn number(text: &str) -> String {
    let digest = sha256(text.as_bytes());
    let low = digest.iter().take(6).fold(0_u64, |number, byte| number << 8 | u64::from(*byte));
    // An odd number of nineteen digits, so that a loss of precision shows.
    (1_200_000_000_000_000_000 + (low | 1)).to_string()
}
