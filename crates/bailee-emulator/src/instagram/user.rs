use serde_json::{Map, Value, json};

use super::{BASIC, Instagram};
use crate::message::{Answer, Incoming};
use crate::mint::sha256;
use crate::oauth::{Caller, Problem};

/// Who the account is (`GET /me`): the fields that were asked for, and always `id`.
pub(super) fn profile(
    play: &Instagram,
    request: &Incoming,
    caller: &Caller,
) -> Result<Answer, Problem> {
    caller.needs(BASIC)?;
    let account = &caller.account;
    let kind = account.facts.get("account_type").and_then(Value::as_str).unwrap_or("BUSINESS");
    let kind = match (play.written_types, kind) {
        (true, "BUSINESS") => "Business",
        (true, "MEDIA_CREATOR") => "Media_Creator",
        _ => kind,
    };
    let query = request.query();
    let mut profile = Map::new();
    for field in query.one("fields").unwrap_or("id").split(',').chain(["id"]) {
        let value = match field {
            "account_type" if !play.names_types => continue,
            "account_type" => json!(kind),
            "followers_count" | "follows_count" | "media_count" => json!(3),
            "id" => json!(app_scoped(&account.id, &caller.client).to_string()),
            "name" => json!(account.display_name),
            "profile_picture_url" => json!("https://scontent.cdninstagram.com/v/fake.jpg"),
            "user_id" => json!(professional(&account.id).to_string()),
            "username" => json!(account.username),
            _ => return Err(Problem::Value("fields")),
        };
        profile.insert(field.to_owned(), value);
    }
    let profile = Value::Object(profile);
    let body = if play.wrapped_me { json!({"data": [profile]}) } else { profile };
    Ok(Answer::json(200, &body))
}

/// Whether a path names the caller's own account.
pub(super) fn is(caller: &Caller, who: &str) -> bool {
    who == "me" || who == professional(&caller.account.id).to_string()
}

/// The professional account's id: more than a double can count.
pub(super) fn professional(account: &str) -> u64 {
    17_841_400_000_000_000 + digits(&format!("instagram {account}")) % 1_000_000_000
}

/// The account's id within an application.
pub(super) fn app_scoped(account: &str, client: &str) -> u64 {
    26_000_000_000_000_000 + digits(&format!("instagram {client} {account}")) % 1_000_000_000
}

fn digits(text: &str) -> u64 {
    sha256(text.as_bytes()).iter().take(7).fold(0, |number, byte| number << 8 | u64::from(*byte))
}
