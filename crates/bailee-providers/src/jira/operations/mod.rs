//! The calls that a declaration may allow: the sites, search, count, fields, an issue, attachments.

mod attachments;
mod issues;
mod jql;
mod people;
mod sites;

use bailee_core::{CredentialName, Effect, ProviderId, ScopeName};
use http::Method;

pub use attachments::{Attachment, DownloadAttachment, ListAttachments};
pub use issues::{
    CountIssues, FieldName, GetIssue, Issue, JQL_LIMIT, ListFields, PAGE_LIMIT, SearchIssues,
};
pub use people::without_people;
pub use sites::{ListSites, Site};

use crate::{context::Context, json_call::JsonCall, operation::OperationFacts};

const PROVIDER: ProviderId = ProviderId::from_static("jira");
const USER: CredentialName = CredentialName::from_static("user");
const WORK: &[ScopeName] = &[ScopeName::from_static("read:jira-work")];

const fn reading(
    name: &'static str,
    method: Method,
    path: &'static str,
    reads: &'static [&'static str],
) -> OperationFacts {
    OperationFacts {
        name,
        provider: PROVIDER,
        scopes: WORK,
        effect: Effect::Read,
        method,
        path,
        sends: &[],
        reads,
        credential: USER,
    }
}

/// A call at a site: the one that is named, which has to be one of the connection's, or the only one
/// that it has. Anything else is refused before it leaves.
fn at_site(cx: &Context<'_>, facts: &OperationFacts, site: Option<&str>) -> JsonCall {
    let places = cx.account.map(|account| account.places.as_slice()).unwrap_or_default();
    let chosen = match (site, places) {
        (None, [only]) => Some(only),
        (None, _) => None,
        (Some(id), places) => places.iter().find(|place| place.id == id),
    };
    let call = JsonCall::new(cx, facts).classify(super::errors::classify);
    match chosen {
        Some(place) => call.part("cloud", &place.id),
        None => call.demand(false),
    }
}

/// The digits of an id.
pub(super) fn is_number(id: &str) -> bool {
    (1..=20).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_digit())
}

/// The id of an issue, or its key: `DEMO-17`.
fn is_issue(name: &str) -> bool {
    let key = |(project, number): (&str, &str)| {
        let word = project.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
        (1..=255).contains(&project.len())
            && project.starts_with(|c: char| c.is_ascii_alphabetic())
            && word
            && is_number(number)
    };
    is_number(name) || name.rsplit_once('-').is_some_and(key)
}
