//! The bodies that TikTok takes and gives, as far as they are used.

use serde::{Deserialize, Serialize};

/// `{ "data": …, "error": … }`. The error was looked at before.
#[derive(Deserialize)]
pub(super) struct Envelope<T> {
    pub(super) data: T,
}

#[derive(Deserialize)]
pub(super) struct CreatorData {
    pub(super) creator_avatar_url: Option<String>,
    pub(super) creator_username: Option<String>,
    pub(super) creator_nickname: Option<String>,
    #[serde(default)]
    pub(super) privacy_level_options: Vec<String>,
    #[serde(default)]
    pub(super) comment_disabled: bool,
    #[serde(default)]
    pub(super) duet_disabled: bool,
    #[serde(default)]
    pub(super) stitch_disabled: bool,
    pub(super) max_video_post_duration_sec: Option<u32>,
}

#[derive(Serialize)]
pub(super) struct InitBody<'a> {
    pub(super) post_info: PostInfo<'a>,
    pub(super) source_info: SourceInfo<'a>,
}

#[derive(Serialize)]
pub(super) struct PostInfo<'a> {
    pub(super) title: &'a str,
    pub(super) privacy_level: &'static str,
    pub(super) disable_comment: bool,
    pub(super) disable_duet: bool,
    pub(super) disable_stitch: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) video_cover_timestamp_ms: Option<u32>,
    pub(super) brand_content_toggle: bool,
    pub(super) brand_organic_toggle: bool,
    pub(super) is_aigc: bool,
}

#[derive(Serialize)]
#[serde(tag = "source")]
pub(super) enum SourceInfo<'a> {
    #[serde(rename = "FILE_UPLOAD")]
    File { video_size: u64, chunk_size: u64, total_chunk_count: u64 },
    #[serde(rename = "PULL_FROM_URL")]
    Url { video_url: &'a str },
}

#[derive(Serialize)]
pub(super) struct StatusBody<'a> {
    pub(super) publish_id: &'a str,
}

#[derive(Deserialize)]
pub(super) struct StatusData {
    pub(super) status: String,
    pub(super) fail_reason: Option<String>,
    // Spelt as the API spells it.
    #[serde(default, rename = "publicaly_available_post_id")]
    pub(super) post_ids: Vec<PostId>,
    pub(super) uploaded_bytes: Option<u64>,
}

/// The page says numbers; numbers of that size are strings in many languages.
#[derive(Deserialize)]
#[serde(untagged)]
pub(super) enum PostId {
    Number(u64),
    Text(String),
}

impl PostId {
    /// The id as digits; none where it is anything else.
    pub(super) fn digits(&self) -> Option<String> {
        match self {
            Self::Number(number) => Some(number.to_string()),
            Self::Text(text) => {
                let good =
                    (1..=32).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
                good.then(|| text.clone())
            }
        }
    }
}
