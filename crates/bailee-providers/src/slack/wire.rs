//! The bodies that Slack takes and gives, as far as they are used.

use serde::{Deserialize, Serialize};

#[derive(Serialize)]
pub(super) struct MessageBody<'a> {
    pub(super) channel: &'a str,
    pub(super) text: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) thread_ts: Option<&'a str>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(super) reply_broadcast: bool,
    pub(super) mrkdwn: bool,
    pub(super) unfurl_links: bool,
    pub(super) unfurl_media: bool,
}

#[derive(Deserialize)]
pub(super) struct Posted {
    pub(super) channel: String,
    pub(super) ts: String,
}

#[derive(Deserialize)]
pub(super) struct Channels {
    pub(super) channels: Vec<ChannelData>,
    #[serde(default)]
    pub(super) response_metadata: Metadata,
}

#[derive(Default, Deserialize)]
pub(super) struct Metadata {
    pub(super) next_cursor: Option<String>,
}

#[derive(Deserialize)]
pub(super) struct ChannelData {
    pub(super) id: String,
    #[serde(default)]
    pub(super) name: String,
    #[serde(default)]
    pub(super) is_private: bool,
    #[serde(default)]
    pub(super) is_archived: bool,
    #[serde(default)]
    pub(super) is_member: bool,
}
