//! The bodies that Instagram takes and gives, as far as they are used.

use serde::{Deserialize, Serialize};

/// The body that makes a container.
#[derive(Serialize)]
pub(super) struct ContainerBody<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) media_type: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) image_url: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) video_url: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) is_carousel_item: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) children: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) caption: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) alt_text: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) cover_url: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) thumb_offset: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) share_to_feed: Option<bool>,
}

/// The body that publishes a container.
#[derive(Serialize)]
pub(super) struct PublishBody<'a> {
    pub(super) creation_id: &'a str,
}

/// A container, or a post.
#[derive(Deserialize)]
pub(super) struct Made {
    pub(super) id: Digits,
}

/// How far a container is.
#[derive(Deserialize)]
pub(super) struct ContainerStatus {
    pub(super) status_code: String,
    /// Where it failed, a text with the subcode in it.
    #[serde(default)]
    pub(super) status: Option<String>,
}

/// `{ "data": [ … ] }`.
#[derive(Deserialize)]
pub(super) struct List<T> {
    pub(super) data: Vec<T>,
}

#[derive(Deserialize)]
pub(super) struct LimitData {
    pub(super) quota_usage: u32,
    #[serde(default)]
    pub(super) config: Option<LimitConfig>,
}

#[derive(Deserialize)]
pub(super) struct LimitConfig {
    pub(super) quota_total: Option<u32>,
    pub(super) quota_duration: Option<u32>,
}

#[derive(Deserialize)]
pub(super) struct PostData {
    pub(super) id: Digits,
    #[serde(default)]
    pub(super) permalink: Option<String>,
    #[serde(default)]
    pub(super) media_type: Option<String>,
}

/// An id: digits, as a string or as a number.
#[derive(Deserialize)]
#[serde(untagged)]
pub(super) enum Digits {
    Number(u64),
    Text(String),
}

impl Digits {
    /// The digits; none where it is anything else.
    pub(super) fn get(&self) -> Option<String> {
        match self {
            Self::Number(number) => Some(number.to_string()),
            Self::Text(text) => is_id(text).then(|| text.clone()),
        }
    }
}

/// Whether a text is an id: 1 to 32 digits.
pub(super) fn is_id(text: &str) -> bool {
    (1..=32).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit())
}
