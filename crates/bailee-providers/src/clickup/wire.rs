//! The bodies that ClickUp takes and gives, as far as they are used.

use serde::{Deserialize, Serialize};

#[derive(Serialize)]
pub(super) struct TaskBody<'a> {
    pub(super) name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) description: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) markdown_content: Option<&'a str>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    pub(super) assignees: &'a [u64],
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    pub(super) tags: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) status: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) priority: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) due_date: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) due_date_time: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) parent: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) notify_all: Option<bool>,
}

/// The creator and the assignees stand beside these, with their e-mail addresses.
#[derive(Deserialize)]
pub(super) struct TaskWire {
    pub(super) id: String,
    pub(super) name: Option<String>,
    pub(super) status: Option<StatusWire>,
    /// Milliseconds, as a text.
    pub(super) date_created: Option<String>,
    pub(super) url: Option<String>,
}

#[derive(Deserialize)]
pub(super) struct StatusWire {
    pub(super) status: Option<String>,
}

/// The members of a workspace stand beside these; they are other people.
#[derive(Deserialize)]
pub(super) struct TeamsWire {
    pub(super) teams: Vec<NamedWire>,
}

#[derive(Deserialize)]
pub(super) struct SpacesWire {
    pub(super) spaces: Vec<NamedWire>,
}

#[derive(Deserialize)]
pub(super) struct ListsWire {
    pub(super) lists: Vec<NamedWire>,
}

#[derive(Deserialize)]
pub(super) struct NamedWire {
    pub(super) id: String,
    pub(super) name: String,
}
