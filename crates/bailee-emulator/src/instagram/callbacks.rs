//! The deauthorize callback and the data deletion request.

use serde_json::json;
use url::form_urlencoded;

use super::{Instagram, UserId, user};
use crate::Misuse;
use crate::announcement::{Announcement, News, hmac_sha256, object};
use crate::desk::Desk;
use crate::mint::base64url;

/// `deauthorize`, when somebody removes the application, and `data_deletion`, when they want it to
/// delete their data. Each has an address of its own.
pub(super) fn announce(
    play: &Instagram,
    desk: &mut Desk,
    news: &News<'_>,
) -> Result<Announcement, Misuse> {
    if !matches!(news.event, "deauthorize" | "data_deletion") {
        return Err(news.unknown());
    }
    let account = news.account()?;
    let secret = if play.signs_with_meta { news.signal_secret()? } else { news.secret()? };
    desk.ledger.end_all(&account.id, &news.client.id);
    let id = match play.callback_user {
        UserId::AppScoped => user::app_scoped(&account.id, &news.client.id),
        UserId::Professional => user::professional(&account.id),
    };
    let id = if play.callback_user_is_number { json!(id) } else { json!(id.to_string()) };
    let payload = object([
        ("user_id", id),
        ("algorithm", json!("HMAC-SHA256")),
        ("issued_at", json!(news.now)),
    ]);
    let encode = |bytes: &[u8]| {
        let mut text = base64url(bytes);
        while play.pads_callbacks && !text.len().is_multiple_of(4) {
            text.push('=');
        }
        text
    };
    let payload = encode(payload.as_bytes());
    // What is signed is the encoded text.
    let signature = encode(&hmac_sha256(secret, payload.as_bytes()));
    let mut form = form_urlencoded::Serializer::new(String::new());
    form.append_pair("signed_request", &format!("{signature}.{payload}"));
    Ok(news.post("application/x-www-form-urlencoded", form.finish()))
}
