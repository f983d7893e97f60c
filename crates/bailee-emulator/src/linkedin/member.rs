use serde_json::json;

use super::LinkedIn;
use crate::message::Answer;
use crate::mint::{base64url, sha256};
use crate::oauth::{Caller, Problem};
use crate::registration::Account;

/// Who the member is (`GET /v2/userinfo`).
pub(super) fn info(linkedin: &LinkedIn, caller: &Caller) -> Result<Answer, Problem> {
    caller.needs("openid")?;
    let account = &caller.account;
    let mut info = json!({"sub": id(account, &caller.client)});
    if caller.may("profile") {
        info["name"] = json!(account.display_name);
        info["given_name"] = json!(account.display_name);
        info["family_name"] = json!("");
        info["picture"] = json!("https://media.licdn.com/dms/image/1/profile?e=1&v=beta&t=a");
        info["locale"] = if linkedin.locale_object {
            json!({"country": "US", "language": "en"})
        } else {
            json!("en-US")
        };
    }
    if caller.may("email") {
        info["email"] = json!(account.email);
        info["email_verified"] = json!(true);
    }
    Ok(Answer::json(200, &info))
}

/// The profile of applications without OpenID Connect (`GET /v2/me`).
pub(super) fn me(caller: &Caller) -> Result<Answer, Problem> {
    let account = &caller.account;
    let mut me = json!({
        "id": id(account, &caller.client),
        "localizedFirstName": account.display_name,
        "localizedLastName": "",
    });
    if caller.may("r_basicprofile") {
        me["localizedHeadline"] = json!("Tester");
        me["vanityName"] = json!(account.id);
    } else {
        caller.needs("r_liteprofile")?;
    }
    Ok(Answer::json(200, &me))
}

/// The member's id, another one for each application.
pub(super) fn id(account: &Account, client: &str) -> String {
    let digest = sha256(format!("member {} of {client}", account.id).as_bytes());
    base64url(&digest[..8])
}
