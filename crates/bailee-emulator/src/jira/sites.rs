use serde_json::{Value, json};

use crate::message::Answer;
use crate::mint::{hex, sha256};
use crate::oauth::Caller;
use crate::registration::Account;

/// A site that an account may use.
pub(super) struct Site {
    pub(super) id: String,
    name: String,
}

/// The Jira sites of an account.
pub(super) fn of(account: &Account) -> Vec<Site> {
    match account.facts.get("sites").and_then(Value::as_array) {
        Some(sites) => sites
            .iter()
            .map(|site| {
                let text = |name: &str| site[name].as_str().unwrap_or_default().to_owned();
                Site { id: text("id"), name: text("name") }
            })
            .collect(),
        None => vec![Site { id: uuid(&account.id), name: format!("site-of-{}", account.id) }],
    }
}

/// `GET /oauth/token/accessible-resources`: Jira's sites, and one of Confluence beside them.
pub(super) fn resources(caller: &Caller) -> Answer {
    let sites = of(&caller.account);
    let entry = |id: &str, name: &str, scopes: &[String]| {
        json!({
            "id": id,
            "name": name,
            "url": format!("https://{name}.atlassian.net"),
            "scopes": scopes,
            "avatarUrl": "https://site-admin-avatar-cdn.prod.public.atl-paas.net/x.png",
        })
    };
    let scopes: Vec<String> =
        caller.scopes.iter().filter(|scope| scope.contains("jira")).cloned().collect();
    let mut all: Vec<Value> =
        sites.iter().map(|site| entry(&site.id, &site.name, &scopes)).collect();
    if !sites.is_empty() {
        let wiki = ["read:confluence-content.summary".to_owned()];
        all.insert(0, entry(&uuid(&format!("wiki of {}", caller.account.id)), "wiki", &wiki));
    }
    Answer::json(200, &json!(all))
}

/// The account's id, whatever the site.
pub(super) fn account_id(account: &Account) -> String {
    let known = account.facts.get("account_id").and_then(Value::as_str).map(str::to_owned);
    known.unwrap_or_else(|| format!("557058:{}", uuid(&format!("me {}", account.id))))
}

/// `GET /me`.
pub(super) fn me(caller: &Caller) -> Answer {
    let account = &caller.account;
    let id = account_id(account);
    Answer::json(
        200,
        &json!({
            "account_type": "atlassian",
            "account_id": id,
            "email": account.email,
            "email_verified": true,
            "name": account.display_name,
            "nickname": account.username,
            "picture": "https://avatar-management.services.atlassian.com/x",
            "account_status": "active",
            "zoneinfo": "Europe/Berlin",
            "locale": "en-US",
            "last_updated": "2026-01-02T03:04:05.000Z",
        }),
    )
}

/// A UUID that is always the same for a text.
fn uuid(text: &str) -> String {
    let digits = hex(&sha256(format!("jira {text}").as_bytes())[..16]);
    let (a, b, c, d, e) =
        (&digits[..8], &digits[8..12], &digits[12..16], &digits[16..20], &digits[20..]);
    format!("{a}-{b}-{c}-{d}-{e}")
}
