//! Webhooks (<https://docs.x.com/x-api/webhooks/introduction>).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;
use url::form_urlencoded::Serializer;

use super::user::id;
use crate::Misuse;
use crate::announcement::{Announcement, News, hmac_sha256, object};
use crate::clock::iso;
use crate::desk::Desk;
use crate::mint::{hex, random, sha256};

/// `oauth.revoke` of the Activity API, `user_event.revoke` of the Account Activity API, and the
/// hourly question, `crc`. The secret is the application's consumer secret.
pub(super) fn announce(desk: &mut Desk, news: &News<'_>) -> Result<Announcement, Misuse> {
    if news.event == "crc" {
        let query = Serializer::new(String::new())
            .append_pair("crc_token", &STANDARD.encode(random::<36>()))
            .append_pair("nonce", &STANDARD.encode(random::<18>()))
            .finish();
        let joint = if news.to.contains('?') { '&' } else { '?' };
        return Ok(Announcement {
            method: "GET".to_owned(),
            url: format!("{}{joint}{query}", news.to),
            headers: Vec::new(),
            body: Vec::new(),
        });
    }
    let secret = news.signal_secret()?;
    let account = news.account()?;
    let digest = sha256(format!("x application {}", news.client.id).as_bytes());
    let application = u32::from_be_bytes([digest[0], digest[1], digest[2], digest[3]]).to_string();
    let body = match news.event {
        "oauth.revoke" => {
            let payload = json!({
                "date_time": iso(news.now).replace('Z', ".000Z"),
                "user_id": id(account),
                "app_id": application,
            });
            let data = json!({
                "event_uuid": hex(&sha256(random::<16>().as_bytes())[..16]),
                "event_type": "oauth.revoke",
                "filter": {"user_id": id(account)},
                "payload": payload,
            });
            object([("data", data)])
        }
        "user_event.revoke" => {
            let revoke = json!({
                "date_time": iso(news.now).replace('Z', "+00:00"),
                "target": {"app_id": application},
                "source": {"user_id": id(account)},
            });
            object([("user_event", json!({ "revoke": revoke }))])
        }
        _ => return Err(news.unknown()),
    };
    desk.ledger.end_all(&account.id, &news.client.id);
    let signature = STANDARD.encode(hmac_sha256(secret, body.as_bytes()));
    Ok(news
        .post("application/json", body)
        .with("x-twitter-webhooks-signature", format!("sha256={signature}")))
}
