//! Webhook events (<https://docs.discord.com/developers/events/webhook-events>).

use ring::signature::{Ed25519KeyPair, KeyPair as _};
use serde_json::{Value, json};

use super::{Discord, snowflake};
use crate::Misuse;
use crate::announcement::{Announcement, News, object};
use crate::clock::iso;
use crate::desk::Desk;
use crate::mint::{hex, sha256};

/// The application's public key in hexadecimal, as its page in the developer portal shows it. The
/// private one comes of the emulated client's `signal_secret`.
#[must_use]
pub fn public_key(signal_secret: &str) -> String {
    pair(signal_secret).map(|pair| hex(pair.public_key().as_ref())).unwrap_or_default()
}

fn pair(secret: &str) -> Option<Ed25519KeyPair> {
    Ed25519KeyPair::from_seed_unchecked(&sha256(secret.as_bytes())).ok()
}

/// `APPLICATION_AUTHORIZED` and `APPLICATION_DEAUTHORIZED`, and the trial at set-up, `PING`.
pub(super) fn announce(
    play: &Discord,
    desk: &mut Desk,
    news: &News<'_>,
) -> Result<Announcement, Misuse> {
    let pair = pair(news.signal_secret()?).ok_or(Misuse::Announcement("no key can be made"))?;
    let application = news.client.id.as_str();
    let head = [("version", json!(1)), ("application_id", json!(application))];
    let rest = match news.event {
        "PING" => vec![("type", json!(0))],
        "APPLICATION_AUTHORIZED" | "APPLICATION_DEAUTHORIZED" => {
            let account = news.account()?;
            let user = json!({
                "id": snowflake(account),
                "username": account.username,
                "global_name": account.display_name,
                "discriminator": "0",
                "avatar": null,
                "public_flags": 0,
            });
            let mut data = json!({ "user": user });
            if news.event == "APPLICATION_DEAUTHORIZED" {
                desk.ledger.end_all(&account.id, application);
            } else {
                data["integration_type"] = json!(1);
                data["scopes"] = json!(["identify"]);
            }
            // The page's example has neither an offset nor a Z.
            let offset = if play.event_offsets { "+00:00" } else { "" };
            let timestamp = format!("{}.064834{offset}", iso(news.now).trim_end_matches('Z'));
            let event = json!({"type": news.event, "timestamp": timestamp, "data": data});
            vec![("type", json!(1)), ("event", event)]
        }
        _ => return Err(news.unknown()),
    };
    let members: Vec<(&str, Value)> = head.into_iter().chain(rest).collect();
    let body = object(members);
    let signed = format!("{}{body}", news.now);
    let mut signature = pair.sign(signed.as_bytes()).as_ref().to_vec();
    if let Some(byte) = signature.first_mut().filter(|_| play.tries_bad_signature) {
        *byte ^= 1;
    }
    Ok(news
        .post("application/json", body)
        .with("X-Signature-Ed25519", hex(&signature))
        .with("X-Signature-Timestamp", news.now.to_string()))
}
