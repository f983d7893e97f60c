//! Webhooks (<https://linear.app/developers/webhooks>).

use serde_json::json;

use super::{Linear, id};
use crate::Misuse;
use crate::announcement::{Announcement, News, hmac_hex, object};
use crate::clock::iso;
use crate::desk::Desk;
use crate::mint::{hex, random, sha256};

/// `OAuthApp`, when an organization takes the application away from everybody in it, and
/// `OAuthAuthorization`, when one person does.
pub(super) fn announce(
    play: &Linear,
    desk: &mut Desk,
    news: &News<'_>,
) -> Result<Announcement, Misuse> {
    let secret = news.signal_secret()?;
    let account = news.account()?;
    let organization = id("organization", account);
    let client = news.client.id.as_str();
    let mut members = vec![
        ("type", json!(news.event)),
        ("action", json!("revoked")),
        ("createdAt", json!(iso(news.now).replace('Z', ".000Z"))),
        ("oauthClientId", json!(uuid(&format!("client {client}")))),
        ("organizationId", json!(organization)),
    ];
    match news.event {
        "OAuthApp" => {
            let whole =
                desk.accounts.iter().filter(|other| id("organization", other) == organization);
            for member in whole {
                desk.ledger.end_all(&member.id, client);
            }
        }
        "OAuthAuthorization" => {
            let left = play.active_tokens_left;
            if left == 0 {
                desk.ledger.end_all(&account.id, client);
            }
            let user = json!({
                "id": id("user", account), "name": account.display_name, "email": account.email,
            });
            members.push(("userId", user["id"].clone()));
            members.push(("user", user));
            members.push(("activeTokensForUser", json!(left)));
            let name = &news.client.name;
            members.push((
                "oauthClient",
                json!({"id": uuid(&format!("client {client}")), "name": name}),
            ));
        }
        _ => return Err(news.unknown()),
    }
    members.push(("webhookTimestamp", json!(news.now * 1000)));
    members.push(("webhookId", json!(uuid(&format!("webhook {client}")))));
    let body = object(members);
    let signature = hmac_hex(secret, body.as_bytes());
    Ok(news
        .post("application/json; charset=utf-8", body)
        .with("Linear-Delivery", uuid(&random::<16>()))
        .with("Linear-Event", news.event)
        .with("Linear-Signature", signature)
        .with("Linear-Timestamp", (news.now * 1000).to_string()))
}

/// An id in the form of a UUID.
fn uuid(of: &str) -> String {
    let hex = hex(&sha256(format!("linear {of}").as_bytes())[..16]);
    format!("{}-{}-4{}-8{}-{}", &hex[..8], &hex[8..12], &hex[13..16], &hex[17..20], &hex[20..])
}
