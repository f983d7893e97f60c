//! The bodies that Supabase gives, as far as they are used.

use serde::Deserialize;

#[derive(Deserialize)]
pub(super) struct OrganizationData {
    pub(super) slug: String,
    pub(super) name: String,
}

#[derive(Deserialize)]
pub(super) struct ProjectData {
    #[serde(rename = "ref")]
    pub(super) reference: Option<String>,
    /// What `ref` was called.
    pub(super) id: Option<String>,
    pub(super) organization_slug: Option<String>,
    pub(super) name: String,
    pub(super) region: String,
    pub(super) status: String,
}
