//! Events of connected accounts (<https://docs.stripe.com/webhooks>).

use serde_json::{Value, json};

use super::{Stripe, id};
use crate::Misuse;
use crate::announcement::{Announcement, News, hmac_hex};
use crate::desk::Desk;
use crate::mint::{hex, random, sha256};

/// `account.application.deauthorized`, and of the many others `customer.deleted`.
pub(super) fn announce(
    play: &Stripe,
    desk: &mut Desk,
    news: &News<'_>,
) -> Result<Announcement, Misuse> {
    let secret = news.signal_secret()?;
    let account = news.account()?;
    let object: Value = match news.event {
        "account.application.deauthorized" => {
            desk.ledger.end_all(&account.id, &news.client.id);
            json!({"id": news.client.id, "object": "application", "name": news.client.name})
        }
        "customer.deleted" => {
            json!({"id": "cus_fake", "object": "customer", "livemode": play.livemode})
        }
        _ => return Err(news.unknown()),
    };
    let body = json!({
        "id": format!("evt_1{}", &hex(&sha256(random::<16>().as_bytes()))[..23]),
        "object": "event",
        "account": id(account),
        "api_version": "2026-09-30.endive",
        "created": news.now,
        "data": {"object": object},
        "livemode": play.livemode,
        "pending_webhooks": 1,
        "request": {"id": null, "idempotency_key": null},
        "type": news.event,
    });
    // Stripe's bodies have line breaks.
    let body = format!("{body:#}");
    let signed = format!("{}.{body}", news.now);
    let mut signature = format!("t={}", news.now);
    if let Some(former) = &play.rolled_secret {
        signature += &format!(",v1={}", hmac_hex(former, signed.as_bytes()));
    }
    signature += &format!(",v1={}", hmac_hex(secret, signed.as_bytes()));
    if !play.livemode {
        // A scheme that trials carry so that nobody takes it for good.
        signature += &format!(",v0={}", hmac_hex("fake", signed.as_bytes()));
    }
    Ok(news
        .post("application/json; charset=utf-8", body)
        .with("User-Agent", "Stripe/1.0 (+https://stripe.com/docs/webhooks)")
        .with("Stripe-Signature", signature))
}
