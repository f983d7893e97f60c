//! The bodies that Zoom takes and gives, as far as they are used.

use serde::{Deserialize, Serialize};

#[derive(Serialize)]
pub(super) struct MeetingBody<'a> {
    pub(super) topic: &'a str,
    #[serde(rename = "type")]
    pub(super) kind: u8,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) start_time: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) timezone: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) duration: Option<u32>,
    #[serde(skip_serializing_if = "str::is_empty")]
    pub(super) agenda: &'a str,
    pub(super) settings: SettingsBody,
}

/// What is left out is as the person set it at Zoom.
#[derive(Clone, Copy, Default, Serialize)]
pub(super) struct SettingsBody {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) host_video: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) participant_video: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) join_before_host: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) waiting_room: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) mute_upon_entry: Option<bool>,
}

/// `start_url` stands beside these, and is nobody's but the host's.
#[derive(Deserialize)]
pub(super) struct MeetingWire {
    pub(super) id: u64,
    pub(super) uuid: Option<String>,
    pub(super) topic: Option<String>,
    pub(super) start_time: Option<String>,
    pub(super) duration: Option<u32>,
    pub(super) timezone: Option<String>,
    pub(super) join_url: Option<String>,
}

#[derive(Deserialize)]
pub(super) struct MeetingsWire {
    pub(super) meetings: Vec<MeetingWire>,
    pub(super) next_page_token: Option<String>,
}
