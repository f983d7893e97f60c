//! The bodies that Jira takes and gives, as far as they are used.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// An entry of accessible-resources.
#[derive(Deserialize)]
pub(super) struct Resource {
    pub(super) id: String,
    #[serde(default)]
    pub(super) name: String,
    pub(super) url: Option<String>,
    #[serde(default)]
    pub(super) scopes: Vec<String>,
}

#[derive(Deserialize)]
pub(super) struct Me {
    pub(super) account_id: String,
    pub(super) name: Option<String>,
}

#[derive(Serialize)]
pub(super) struct ReportBody<'a> {
    pub(super) accounts: Vec<Reported<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Reported<'a> {
    pub(super) account_id: &'a str,
    pub(super) updated_at: String,
}

#[derive(Deserialize)]
pub(super) struct ReportAnswer {
    pub(super) accounts: Vec<AccountStatus>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct AccountStatus {
    pub(super) account_id: String,
    #[serde(default)]
    pub(super) status: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct SearchBody<'a> {
    pub(super) jql: &'a str,
    pub(super) max_results: u16,
    pub(super) fields: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) next_page_token: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) expand: Option<&'static str>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Found {
    // An answer without the list is no empty one.
    pub(super) issues: Vec<IssueData>,
    pub(super) next_page_token: Option<String>,
    #[serde(default)]
    pub(super) is_last: bool,
}

#[derive(Deserialize)]
pub(super) struct IssueData {
    pub(super) id: String,
    #[serde(default)]
    pub(super) key: String,
    #[serde(default)]
    pub(super) fields: Map<String, Value>,
    pub(super) changelog: Option<Value>,
}

#[derive(Serialize)]
pub(super) struct CountBody<'a> {
    pub(super) jql: &'a str,
}

#[derive(Deserialize)]
pub(super) struct Count {
    pub(super) count: u64,
}

#[derive(Deserialize)]
pub(super) struct FieldData {
    pub(super) id: String,
    #[serde(default)]
    pub(super) name: String,
    #[serde(default)]
    pub(super) custom: bool,
    pub(super) schema: Option<FieldSchema>,
}

#[derive(Deserialize)]
pub(super) struct FieldSchema {
    #[serde(rename = "type")]
    pub(super) kind: Option<String>,
}

#[derive(Deserialize)]
pub(super) struct AttachedFields {
    pub(super) fields: Attached,
}

#[derive(Deserialize)]
pub(super) struct Attached {
    #[serde(default)]
    pub(super) attachment: Vec<AttachmentData>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct AttachmentData {
    pub(super) id: NumberOrText,
    #[serde(default)]
    pub(super) filename: String,
    pub(super) mime_type: Option<String>,
    pub(super) size: Option<u64>,
    pub(super) created: Option<String>,
}

/// Ids of attachments are numbers in one place and strings in another.
#[derive(Deserialize)]
#[serde(untagged)]
pub(super) enum NumberOrText {
    Number(u64),
    Text(String),
}

impl NumberOrText {
    /// The id as digits; none where it is anything else.
    pub(super) fn digits(&self) -> Option<String> {
        match self {
            Self::Number(number) => Some(number.to_string()),
            Self::Text(text) => super::operations::is_number(text).then(|| text.clone()),
        }
    }
}
