//! The bodies that GitHub takes and gives, as far as they are used.

use serde::{Deserialize, Serialize};

#[derive(Serialize)]
pub(super) struct IssueBody<'a> {
    pub(super) title: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) body: Option<&'a str>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    pub(super) labels: &'a [String],
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    pub(super) assignees: &'a [String],
}

#[derive(Deserialize)]
pub(super) struct IssueData {
    pub(super) id: u64,
    pub(super) number: u64,
    pub(super) html_url: String,
    #[serde(default)]
    pub(super) labels: Vec<LabelData>,
    #[serde(default)]
    pub(super) assignees: Option<Vec<AssigneeData>>,
}

/// Labels come as objects and, at some addresses, as bare names.
#[derive(Deserialize)]
#[serde(untagged)]
pub(super) enum LabelData {
    Bare(String),
    Whole { name: Option<String> },
}

impl LabelData {
    pub(super) fn into_name(self) -> Option<String> {
        match self {
            Self::Bare(name) => Some(name),
            Self::Whole { name } => name,
        }
    }
}

#[derive(Deserialize)]
pub(super) struct AssigneeData {
    pub(super) login: String,
}

#[derive(Deserialize)]
pub(super) struct RepositoryData {
    pub(super) id: u64,
    pub(super) full_name: String,
    pub(super) private: bool,
    #[serde(default)]
    pub(super) archived: bool,
    pub(super) permissions: Option<Permissions>,
}

#[derive(Deserialize)]
pub(super) struct Permissions {
    #[serde(default)]
    pub(super) push: bool,
}
