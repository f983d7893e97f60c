use serde_json::{Map, Value, json};

use super::{TikTokDesk, api_error, api_success};
use crate::desk::Desk;
use crate::message::{Answer, Incoming};
use crate::mint::{base64url, sha256};
use crate::registration::Account;

impl TikTokDesk {
    /// Who the account is (`tiktok-api-v2-get-user-info`): `fields` is mandatory and each field
    /// needs its scope.
    pub(super) fn user_info(&mut self, desk: &mut Desk, request: &Incoming, now: i64) -> Answer {
        let caller = match Self::caller(desk, request, now) {
            Ok(caller) => caller,
            Err(refused) => return refused,
        };
        if let Some(limited) = self.limit(&caller, "user", now) {
            return limited;
        }
        let query = request.query();
        let Some(fields) = query.one("fields") else {
            return api_error(400, "invalid_params", "fields is required");
        };
        let Some(account) = desk.account(&caller.account) else {
            return api_error(500, "internal_error", "the account is gone");
        };
        let mut user = Map::new();
        for field in fields.split(',').map(str::trim) {
            let Some((value, scope)) = fact(field, account, &caller.client) else {
                return api_error(400, "invalid_params", "a field does not exist");
            };
            if !caller.may(scope) {
                let text = "The user did not authorize the scope required for a field.";
                return api_error(401, "scope_not_authorized", text);
            }
            user.insert(field.to_owned(), value);
        }
        api_success(&json!({"user": user}))
    }
}

/// The account's id for one client: stable, and different for another client.
pub(super) fn open_id(client: &str, account: &str) -> String {
    format!("-000{}", base64url(&sha256(format!("open_id:{client}:{account}").as_bytes())))
}

/// A field of the account and the scope that it needs.
fn fact(field: &str, account: &Account, client: &str) -> Option<(Value, &'static str)> {
    let id = &account.id;
    let value = match field {
        "open_id" => json!(open_id(client, id)),
        "union_id" => json!(base64url(&sha256(format!("union_id:{id}").as_bytes()))),
        "avatar_url" | "avatar_url_100" | "avatar_large_url" => {
            json!(format!("https://p16-sign.tiktokcdn.example/{id}/{field}.jpeg?x-expires=1"))
        }
        "display_name" => json!(account.display_name),
        "username" => json!(account.username),
        "bio_description" => json!(format!("The biography of {id}")),
        "profile_deep_link" => json!(format!("https://vm.tiktok.com/{id}/")),
        "is_verified" => json!(false),
        "follower_count" => json!(1021),
        "following_count" => json!(34),
        "likes_count" => json!(56_789),
        "video_count" => json!(12),
        _ => return None,
    };
    let scope = match field {
        "username" | "bio_description" | "profile_deep_link" | "is_verified" => "user.info.profile",
        "follower_count" | "following_count" | "likes_count" | "video_count" => "user.info.stats",
        _ => "user.info.basic",
    };
    Some((value, scope))
}
