//! The bodies that HubSpot takes and gives, as far as they are used.

use serde::{Deserialize, Serialize};

#[derive(Serialize)]
pub(super) struct ContactBody<'a> {
    pub(super) properties: Properties<'a>,
}

#[derive(Serialize)]
pub(super) struct Properties<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) email: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) firstname: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) lastname: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) phone: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) company: Option<&'a str>,
}

/// A contact, or the conflict with one.
#[derive(Deserialize)]
pub(super) struct ContactAnswer {
    pub(super) id: Option<String>,
    pub(super) category: Option<String>,
    pub(super) message: Option<String>,
}

#[derive(Deserialize)]
pub(super) struct OwnersData {
    pub(super) results: Vec<OwnerData>,
    pub(super) paging: Option<Paging>,
}

#[derive(Deserialize)]
pub(super) struct OwnerData {
    pub(super) id: String,
    pub(super) email: Option<String>,
    #[serde(rename = "firstName")]
    pub(super) first_name: Option<String>,
    #[serde(rename = "lastName")]
    pub(super) last_name: Option<String>,
}

#[derive(Deserialize)]
pub(super) struct Paging {
    pub(super) next: Option<After>,
}

#[derive(Deserialize)]
pub(super) struct After {
    pub(super) after: String,
}
