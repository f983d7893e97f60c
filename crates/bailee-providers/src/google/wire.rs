//! The answers of the APIs, as far as they are used. What a body names beyond that is not asked for.

use serde::{Deserialize, Serialize};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct SendBody<'a> {
    pub(super) raw: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) thread_id: Option<&'a str>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct SentBody {
    pub(super) id: String,
    pub(super) thread_id: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct EventsBody {
    #[serde(default)]
    pub(super) items: Vec<EventBody>,
    pub(super) next_page_token: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct EventBody {
    pub(super) id: String,
    pub(super) status: Option<String>,
    pub(super) summary: Option<String>,
    pub(super) description: Option<String>,
    pub(super) location: Option<String>,
    pub(super) start: Option<TimeBody>,
    pub(super) end: Option<TimeBody>,
    pub(super) recurring_event_id: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct TimeBody {
    pub(super) date: Option<String>,
    pub(super) date_time: Option<String>,
    pub(super) time_zone: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct FilesBody {
    #[serde(default)]
    pub(super) files: Vec<FileBody>,
    pub(super) next_page_token: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct FileBody {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) mime_type: String,
    /// A number in a string; documents of Google's own have none.
    pub(super) size: Option<String>,
    pub(super) modified_time: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct CreateBody<'a> {
    pub(super) name: &'a str,
    pub(super) mime_type: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) parents: Option<[&'a str; 1]>,
}

#[derive(Deserialize)]
pub(super) struct CreatedBody {
    pub(super) id: String,
}
