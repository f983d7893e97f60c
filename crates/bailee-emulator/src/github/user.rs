use serde_json::json;

use crate::message::Answer;
use crate::mint::sha256;
use crate::oauth::Caller;
use crate::registration::Account;

/// The person (`GET /user`).
pub(super) fn profile(caller: &Caller) -> Answer {
    let account = &caller.account;
    Answer::json(
        200,
        &json!({
            "login": account.username,
            "id": id(account),
            "node_id": format!("fake-node-{}", account.id),
            "avatar_url": format!("https://avatars.example/{}", account.id),
            "html_url": format!("https://github.com/{}", account.username),
            "type": "User",
            "site_admin": false,
            "name": account.display_name,
            "email": null,
        }),
    )
}

/// A number that stays when the login changes.
pub(super) fn id(account: &Account) -> u64 {
    let digest = sha256(account.id.as_bytes());
    digest.iter().take(4).fold(0, |number, byte| number * 256 + u64::from(*byte))
}
