use serde_json::json;

use super::WINDOW;
use crate::call::Call;
use crate::desk::Desk;
use crate::message::Answer;
use crate::mint::sha256;
use crate::oauth::{Caller, Problem};
use crate::registration::Account;

/// Whose token it is (`GET /2/users/me`): id and names always, other fields as they are asked for.
pub(super) fn me(desk: &mut Desk, call: &Call<'_>, caller: &Caller) -> Result<Answer, Problem> {
    caller.needs("tweet.read")?;
    caller.needs("users.read")?;
    let account = &caller.account;
    let who = format!("questions of {}", account.id);
    desk.limits.hit(who, 75, WINDOW, call.now).map_err(Problem::TooMany)?;
    let is = |name: &str| account.facts.get(name).and_then(|fact| fact.as_bool()).unwrap_or(false);
    let username = account.facts.get("username").and_then(|fact| fact.as_str());
    let mut data = json!({
        "id": id(account),
        "name": account.display_name,
        "username": username.unwrap_or(&account.id),
    });
    let mut problems = Vec::new();
    let query = call.request.query();
    for field in query.one("user.fields").unwrap_or_default().split(',') {
        data[field] = match field {
            "" => {
                continue;
            }
            "created_at" => json!("2012-03-21T20:50:14.000Z"),
            "description" | "location" => json!(""),
            "id" | "name" | "username" => continue,
            "profile_image_url" => json!("https://pbs.twimg.com/profile_images/1/a.jpg"),
            "protected" => json!(is("protected")),
            "verified" => json!(is("premium")),
            "verified_type" => json!(if is("premium") { "blue" } else { "none" }),
            "confirmed_email" if caller.may("users.email") => json!(account.email),
            "confirmed_email" => {
                problems.push(json!({
                    "title": "Field Authorization Error",
                    "detail": "Sorry, you are not authorized to access 'confirmed_email'.",
                    "type": "https://api.x.com/2/problems/not-authorized-for-field",
                }));
                continue;
            }
            _ => return Err(Problem::Value("user.fields")),
        };
    }
    let mut body = json!({"data": data});
    if !problems.is_empty() {
        body["errors"] = json!(problems);
    }
    Ok(Answer::json(200, &body))
}

/// The person's id: a number of 63 bits, as text, and the same for all clients.
pub(super) fn id(account: &Account) -> String {
    let digest = sha256(format!("x user {}", account.id).as_bytes());
    let mut bytes = [0; 8];
    bytes.copy_from_slice(&digest[..8]);
    (u64::from_be_bytes(bytes) >> 1).to_string()
}
