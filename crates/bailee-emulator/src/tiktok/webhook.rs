//! Webhooks (`webhooks-overview`, `webhooks-events`, `webhooks-verification`).

use serde_json::json;

use super::TikTokDesk;
use super::user::open_id;
use crate::Misuse;
use crate::announcement::{Announcement, News, hmac_hex, object};
use crate::desk::Desk;

impl TikTokDesk {
    /// The envelope is the same for all events; what is particular to one stands in `content`, a
    /// text that holds JSON.
    pub(super) fn webhook(
        &mut self,
        desk: &mut Desk,
        news: &News<'_>,
    ) -> Result<Announcement, Misuse> {
        let account = news.account()?;
        let content = match news.event {
            "authorization.removed" => {
                desk.ledger.end_all(&account.id, &news.client.id);
                object([("reason", json!(self.switches.removal_reason))])
            }
            "post.publish.complete" => object([
                ("publish_id", json!("v_pub_url~v2.123456789")),
                ("publish_type", json!("DIRECT_PUBLISH")),
            ]),
            "post.publish.failed" => object([
                ("publish_id", json!("v_pub_url~v2.123456789")),
                ("reason", json!("file_format_check_failed")),
            ]),
            "video.publish.completed" | "video.upload.failed" => {
                object([("share_id", json!("video.6974245311675353080.VDCxrcMJ"))])
            }
            _ => return Err(news.unknown()),
        };
        let body = object([
            ("client_key", json!(news.client.id)),
            ("event", json!(news.event)),
            ("create_time", json!(news.now)),
            ("user_openid", json!(open_id(&news.client.id, &account.id))),
            ("content", json!(content)),
        ]);
        let signed = hmac_hex(news.secret()?, format!("{}.{body}", news.now).as_bytes());
        Ok(news
            .post("application/json", body)
            .with("TikTok-Signature", format!("t={},s={signed}", news.now)))
    }
}
