//! The bodies that X takes and gives, as far as they are used.

use serde::{Deserialize, Serialize};

/// `{ "data": … }`. Problems beside it were looked at before.
#[derive(Deserialize)]
pub(super) struct Envelope<T> {
    pub(super) data: T,
}

#[derive(Serialize)]
pub(super) struct PostBody<'a> {
    pub(super) text: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) reply: Option<ReplyBody<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) reply_settings: Option<&'static str>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(super) made_with_ai: bool,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(super) paid_partnership: bool,
}

#[derive(Serialize)]
pub(super) struct ReplyBody<'a> {
    pub(super) in_reply_to_tweet_id: &'a str,
}

#[derive(Deserialize)]
pub(super) struct PostData {
    pub(super) id: String,
    pub(super) text: Option<String>,
}

#[derive(Deserialize)]
pub(super) struct DeletedData {
    pub(super) deleted: bool,
}

#[derive(Deserialize)]
pub(super) struct ProfileData {
    pub(super) id: String,
    pub(super) name: Option<String>,
    pub(super) username: Option<String>,
    pub(super) protected: Option<bool>,
    pub(super) verified_type: Option<String>,
}
