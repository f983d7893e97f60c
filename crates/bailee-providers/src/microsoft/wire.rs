//! The bodies of Graph, as far as they are used.

use serde::{Deserialize, Serialize};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct SendBody<'a> {
    pub(super) message: Message<'a>,
    pub(super) save_to_sent_items: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Message<'a> {
    pub(super) subject: &'a str,
    pub(super) body: Content<'a>,
    pub(super) to_recipients: Vec<Recipient<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Content<'a> {
    pub(super) content_type: &'static str,
    pub(super) content: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Recipient<'a> {
    pub(super) email_address: Address<'a>,
}

#[derive(Serialize)]
pub(super) struct Address<'a> {
    pub(super) address: &'a str,
}

#[derive(Deserialize)]
pub(super) struct EventsBody {
    pub(super) value: Vec<EventBody>,
    #[serde(rename = "@odata.nextLink")]
    pub(super) next: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct EventBody {
    pub(super) id: String,
    pub(super) subject: Option<String>,
    pub(super) location: Option<PlaceBody>,
    pub(super) start: TimeBody,
    pub(super) end: TimeBody,
    #[serde(default)]
    pub(super) is_all_day: bool,
    #[serde(default)]
    pub(super) is_cancelled: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct PlaceBody {
    pub(super) display_name: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct TimeBody {
    /// Without an offset; the zone was asked to be UTC.
    pub(super) date_time: String,
    pub(super) time_zone: String,
}

#[derive(Deserialize)]
pub(super) struct FileBody {
    pub(super) id: String,
    pub(super) name: String,
}
