//! Webhooks (request validation, version 3).

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};

use super::{HubSpot, hub, number};
use crate::Misuse;
use crate::announcement::{Announcement, News, hmac_sha256};
use crate::desk::Desk;
use crate::mint::{hex, sha256};

/// `contact.privacyDeletion`, with the `contact.deletion` that comes beside it, and
/// `conversation.privacyDeletion`. They are about the contact that was made last in the portal, and
/// about 501 where none was.
pub(super) fn announce(
    hubspot: &HubSpot,
    desk: &mut Desk,
    news: &News<'_>,
) -> Result<Announcement, Misuse> {
    let secret = news.secret()?;
    let portal = hub(news.account()?);
    let made = desk.written.iter().rev().filter(|written| written.kind == "contact");
    let made = made.map(|written| &written.value).find(|contact| contact["hub"] == portal);
    let contact = made.and_then(|contact| contact["id"].as_str()?.parse().ok()).unwrap_or(501);
    let event = |kind: &str, object: u64| -> Value {
        json!({
            "eventId": number(&format!("{kind} {object} {}", news.now)),
            "subscriptionId": number(kind),
            "portalId": portal,
            "appId": 1,
            "occurredAt": news.now * 1000,
            "subscriptionType": kind,
            "attemptNumber": hubspot.attempt,
            "objectId": object,
            "changeSource": "CRM_UI",
        })
    };
    let mut batch = match news.event {
        "contact.privacyDeletion" => {
            vec![event(news.event, contact), event("contact.deletion", contact)]
        }
        "contact.deletion" => vec![event(news.event, contact)],
        "conversation.privacyDeletion" => vec![event(news.event, 77)],
        _ => return Err(news.unknown()),
    };
    if hubspot.deletion_first {
        batch.reverse();
    }
    let body = Value::from(batch).to_string();
    let time = (news.now * 1000).to_string();
    let announcement = news.post("application/json", body.clone());
    let signed = format!("POST{}{body}{time}", decoded(&announcement.url));
    let tag = BASE64_STANDARD.encode(hmac_sha256(secret, signed.as_bytes()));
    // The signature of the first version is sent as well.
    let old = hex(&sha256(format!("{secret}{body}").as_bytes()));
    Ok(announcement
        .with("X-HubSpot-Signature", old)
        .with("X-HubSpot-Signature-Version", "v1")
        .with("X-HubSpot-Request-Timestamp", time)
        .with("X-HubSpot-Signature-v3", tag))
}

/// An address as it is signed: a few of its escapes are decoded.
fn decoded(address: &str) -> String {
    let pairs = [
        ("%3A", ":"),
        ("%2F", "/"),
        ("%3F", "?"),
        ("%40", "@"),
        ("%21", "!"),
        ("%24", "$"),
        ("%27", "'"),
        ("%28", "("),
        ("%29", ")"),
        ("%2A", "*"),
        ("%2C", ","),
        ("%3B", ";"),
    ];
    pairs.iter().fold(address.to_owned(), |text, (escape, plain)| text.replace(escape, plain))
}
