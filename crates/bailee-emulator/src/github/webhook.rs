//! Webhooks of GitHub Apps (<https://docs.github.com/en/webhooks/webhook-events-and-payloads>).

use ring::hmac;
use serde_json::{Value, json};
use url::form_urlencoded;

use super::{GitHub, is_app, user};
use crate::Misuse;
use crate::announcement::{Announcement, News, hmac_hex, object};
use crate::desk::Desk;
use crate::mint::{hex, random, sha256};
use crate::registration::Account;

/// `github_app_authorization.revoked`, `installation.` with `created`, `deleted`, `suspend` and
/// `unsuspend`, and `ping`: an event and, behind a full stop, its action. An OAuth App has no
/// webhook.
pub(super) fn announce(
    play: &GitHub,
    desk: &mut Desk,
    news: &News<'_>,
) -> Result<Announcement, Misuse> {
    if !is_app(&news.client.id) {
        return Err(news.unknown());
    }
    let (event, action) = news.event.split_once('.').unwrap_or((news.event, ""));
    let payload = match (event, action) {
        ("github_app_authorization", "revoked") => {
            let account = news.account()?;
            desk.ledger.end_all(&account.id, &news.client.id);
            object([("action", json!(action)), ("sender", profile(account))])
        }
        // It is not the person's authorization, whose tokens live on.
        ("installation", "created" | "deleted" | "suspend" | "unsuspend") => {
            let account = news.account()?;
            let installation = json!({
                "id": 2_000_000 + user::id(account) % 1_000_000,
                "account": profile(account),
                "app_id": APP_ID,
                "permissions": {"issues": "write", "metadata": "read"},
                "repository_selection": "all",
            });
            object([
                ("action", json!(action)),
                ("installation", installation),
                ("repositories", json!([])),
                ("sender", profile(account)),
            ])
        }
        ("ping", "") => {
            object([("zen", json!("Keep it logically awesome.")), ("hook_id", json!(HOOK_ID))])
        }
        _ => return Err(news.unknown()),
    };
    let (media, body) = if play.webhook_form {
        let mut form = form_urlencoded::Serializer::new(String::new());
        form.append_pair("payload", &payload);
        ("application/x-www-form-urlencoded", form.finish())
    } else {
        ("application/json", payload)
    };
    let secret = news.signal_secret()?;
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, secret.as_bytes());
    let old = format!("sha1={}", hex(hmac::sign(&key, body.as_bytes()).as_ref()));
    let signed = format!("sha256={}", hmac_hex(secret, body.as_bytes()));
    Ok(news
        .post(media, body)
        .with("User-Agent", "GitHub-Hookshot/044aadd")
        .with("X-GitHub-Event", event)
        .with("X-GitHub-Delivery", uuid())
        .with("X-GitHub-Hook-ID", HOOK_ID.to_string())
        .with("X-GitHub-Hook-Installation-Target-Type", "integration")
        .with("X-GitHub-Hook-Installation-Target-ID", APP_ID.to_string())
        .with("X-Hub-Signature", old)
        .with("X-Hub-Signature-256", signed))
}

fn profile(account: &Account) -> Value {
    json!({
        "login": account.username,
        "id": user::id(account),
        "node_id": format!("fake-node-{}", account.id),
        "avatar_url": format!("https://avatars.example/{}", account.id),
        "html_url": format!("https://github.com/{}", account.username),
        "type": "User",
        "site_admin": false,
    })
}

/// A new one in the form of RFC 9562.
fn uuid() -> String {
    let digits = hex(&sha256(random::<16>().as_bytes())[..16]);
    let [a, b, c, d, e] =
        [&digits[..8], &digits[8..12], &digits[13..16], &digits[17..20], &digits[20..]];
    format!("{a}-{b}-4{c}-8{d}-{e}")
}

const APP_ID: u64 = 370_001;
const HOOK_ID: u64 = 292_430_182;
