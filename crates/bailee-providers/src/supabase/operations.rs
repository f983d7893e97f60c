//! The calls that a declaration may allow: list organisations, list projects.

use std::fmt;

use bailee_core::{CredentialName, Effect, ProviderId, ScopeName};
use http::Method;

use super::{
    errors,
    wire::{OrganizationData, ProjectData},
};
use crate::{
    context::Context,
    json_call::JsonCall,
    operation::{Operation, OperationFacts},
    rfc::malformed,
    step::Step,
};

const PROVIDER: ProviderId = ProviderId::from_static("supabase");
const USER: CredentialName = CredentialName::from_static("user");

static ORGANIZATIONS: OperationFacts = OperationFacts {
    name: "supabase.list_organizations",
    provider: PROVIDER,
    scopes: &[ScopeName::from_static("organizations:read")],
    effect: Effect::Read,
    method: Method::GET,
    path: "/organizations",
    sends: &[],
    reads: &["identity"],
    credential: USER,
};

static PROJECTS: OperationFacts = OperationFacts {
    name: "supabase.list_projects",
    provider: PROVIDER,
    scopes: &[ScopeName::from_static("projects:read")],
    effect: Effect::Read,
    method: Method::GET,
    path: "/projects",
    sends: &[],
    reads: &["infrastructure"],
    credential: USER,
};

/// Lists the organisations that the grant reaches.
#[derive(Clone, Copy, Debug, Default)]
pub struct ListOrganizations;

impl Operation for ListOrganizations {
    type Output = Vec<Organization>;

    fn facts(&self) -> &OperationFacts {
        &ORGANIZATIONS
    }

    fn start(&self, cx: &Context<'_>) -> Box<dyn Step<Vec<Organization>>> {
        JsonCall::new(cx, &ORGANIZATIONS).classify(errors::classify).read(
            |data: Vec<OrganizationData>| {
                let all = data.into_iter();
                Ok(all.map(|one| Organization { slug: one.slug, name: one.name }).collect())
            },
        )
    }
}

/// An organisation. `Debug` shows nothing of it.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Organization {
    /// Its id.
    pub slug: String,
    /// Its name.
    pub name: String,
}

impl fmt::Debug for Organization {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Organization([redacted])")
    }
}

/// Lists the projects of all organisations that the grant reaches. They come at once.
#[derive(Clone, Copy, Debug, Default)]
pub struct ListProjects;

impl Operation for ListProjects {
    type Output = Vec<Project>;

    fn facts(&self) -> &OperationFacts {
        &PROJECTS
    }

    fn start(&self, cx: &Context<'_>) -> Box<dyn Step<Vec<Project>>> {
        JsonCall::new(cx, &PROJECTS).classify(errors::classify).read(|data: Vec<ProjectData>| {
            data.into_iter()
                .map(|one| {
                    let reference = one.reference.or(one.id);
                    Ok(Project {
                        reference: reference.filter(|text| is_ref(text)).ok_or_else(malformed)?,
                        organization: one.organization_slug,
                        name: one.name,
                        region: one.region,
                        status: one.status,
                    })
                })
                .collect()
        })
    }
}

/// A project. `Debug` shows its state alone.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Project {
    /// Its id, of twenty lower-case letters.
    pub reference: String,
    /// The slug of its organisation, where the answer has it.
    pub organization: Option<String>,
    /// Its name.
    pub name: String,
    /// Where it runs.
    pub region: String,
    /// Supabase's word for its state (`ACTIVE_HEALTHY`, `INACTIVE`). There may be further ones.
    pub status: String,
}

impl fmt::Debug for Project {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Project").field("status", &self.status).finish_non_exhaustive()
    }
}

/// It stands in host names and paths, so it is what it is said to be or nothing.
fn is_ref(text: &str) -> bool {
    text.len() == 20 && text.bytes().all(|b| b.is_ascii_lowercase())
}
