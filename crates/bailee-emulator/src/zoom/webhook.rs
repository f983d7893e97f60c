//! Webhooks (<https://developers.zoom.us/docs/api/webhooks/>).

use serde_json::{Map, Value, json};

use super::{Zoom, user};
use crate::Misuse;
use crate::announcement::{Announcement, News, hmac_hex, object};
use crate::clock::iso;
use crate::desk::Desk;
use crate::mint::{hex, random, sha256};

/// `app_deauthorized`, when a person or an administrator removes the application, and
/// `endpoint.url_validation`, which comes every few days. All are signed with the secret token of
/// the application, the question for a signature too.
pub(super) fn announce(
    play: &Zoom,
    desk: &mut Desk,
    news: &News<'_>,
) -> Result<Announcement, Misuse> {
    let secret = news.signal_secret()?;
    let payload = match news.event {
        "app_deauthorized" => {
            let account = news.account()?;
            desk.ledger.end_all(&account.id, &news.client.id);
            let mut payload = Map::new();
            payload.insert("account_id".into(), json!(user::account_id(account)));
            payload.insert("user_id".into(), json!(user::id(account)));
            // The verification token of old, which proves nothing any more.
            payload.insert("signature".into(), json!(hex(&sha256(news.client.id.as_bytes()))));
            payload.insert("deauthorization_time".into(), json!(iso(news.now)));
            payload.insert("client_id".into(), json!(news.client.id));
            if let Some(retention) = play.user_data_retention {
                payload.insert("user_data_retention".into(), json!(retention));
            }
            Value::Object(payload)
        }
        "endpoint.url_validation" => json!({ "plainToken": random::<16>() }),
        _ => return Err(news.unknown()),
    };
    let body = object([
        ("event", json!(news.event)),
        ("payload", payload),
        ("event_ts", json!(news.now * 1000)),
    ]);
    let signed = hmac_hex(secret, format!("v0:{}:{body}", news.now).as_bytes());
    Ok(news
        .post("application/json; charset=utf-8", body)
        .with("x-zm-request-timestamp", news.now.to_string())
        .with("x-zm-signature", format!("v0={signed}")))
}
