//! Webhooks: the privacy topics of every public application, and the end of one
//! (<https://shopify.dev/docs/apps/build/compliance/privacy-law-compliance>).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

use super::{Shopify, number};
use crate::Misuse;
use crate::announcement::{Announcement, News, hmac_sha256, object};
use crate::clock::iso;
use crate::desk::Desk;
use crate::mint::{hex, random, sha256};

/// The event is the topic.
pub(super) fn announce(
    play: &Shopify,
    desk: &mut Desk,
    news: &News<'_>,
) -> Result<Announcement, Misuse> {
    let secret = news.secret()?;
    let account = news.account()?;
    let domain = format!("{}.myshopify.com", play.shop_of(account));
    let shop = [("shop_id", json!(number(account))), ("shop_domain", json!(domain))];
    let customer = json!({"id": 191_167, "email": "john@person.example", "phone": "555-625-1199"});
    let more = match news.event {
        "customers/data_request" => vec![
            ("orders_requested", json!([299_938, 280_263, 220_458])),
            ("customer", customer),
            ("data_request", json!({"id": 9999})),
        ],
        "customers/redact" => {
            vec![("customer", customer), ("orders_to_redact", json!([299_938, 280_263, 220_458]))]
        }
        "shop/redact" => Vec::new(),
        "app/uninstalled" => {
            desk.ledger.end_all(&account.id, &news.client.id);
            Vec::new()
        }
        _ => return Err(news.unknown()),
    };
    let body = if news.event == "app/uninstalled" {
        object([
            ("id", json!(number(account))),
            ("name", json!(account.display_name)),
            ("email", json!(account.email)),
            ("domain", json!(domain)),
            ("country", json!("CA")),
            ("shop_owner", json!(account.display_name)),
            ("myshopify_domain", json!(domain)),
        ])
    } else {
        object(shop.into_iter().chain(more))
    };
    let signature = STANDARD.encode(hmac_sha256(secret, body.as_bytes()));
    let id = || {
        let hex = hex(&sha256(random::<16>().as_bytes())[..16]);
        format!("{}-{}-4{}-8{}-{}", &hex[..8], &hex[8..12], &hex[13..16], &hex[17..20], &hex[20..])
    };
    Ok(news
        .post("application/json", body)
        .with("X-Shopify-Topic", news.event)
        .with("X-Shopify-Hmac-Sha256", signature)
        .with("X-Shopify-Shop-Domain", domain)
        .with("X-Shopify-API-Version", "2026-10")
        .with("X-Shopify-Webhook-Id", id())
        .with("X-Shopify-Triggered-At", iso(news.now))
        .with("X-Shopify-Event-Id", id()))
}
