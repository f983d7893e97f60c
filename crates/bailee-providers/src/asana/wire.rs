//! The bodies that Asana takes and gives, as far as they are used. Each lies under `data`.

use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize)]
pub(super) struct Data<T> {
    pub(super) data: T,
}

#[derive(Serialize)]
pub(super) struct TaskBody<'a> {
    pub(super) name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) workspace: Option<&'a str>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    pub(super) projects: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) parent: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) assignee: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) notes: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) html_notes: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) due_on: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) due_at: Option<&'a str>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    pub(super) followers: &'a [String],
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    pub(super) tags: &'a [String],
}

#[derive(Deserialize)]
pub(super) struct TaskWire {
    pub(super) gid: String,
    pub(super) name: Option<String>,
    pub(super) completed: Option<bool>,
    pub(super) created_at: Option<String>,
    pub(super) permalink_url: Option<String>,
}

#[derive(Deserialize)]
pub(super) struct PageWire {
    pub(super) data: Vec<NamedWire>,
    pub(super) next_page: Option<NextWire>,
}

#[derive(Deserialize)]
pub(super) struct NamedWire {
    pub(super) gid: String,
    pub(super) name: String,
}

/// An address of the next page stands beside the token; it is not followed.
#[derive(Deserialize)]
pub(super) struct NextWire {
    pub(super) offset: String,
}
