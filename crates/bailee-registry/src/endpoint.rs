//! Endpoints: parts of a provider's API that are called without an adapter.

use std::collections::BTreeSet;

use bailee_core::{CredentialName, DataCategory, Effect, PurposeId, ScopeName};
use serde::Serialize;

/// An endpoint of a provider's API as declared: what `service(connection)` may call, and nothing
/// else.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Endpoint {
    /// Its name, behind the provider's id and a dot (`notes.read_one`).
    pub name: String,
    /// The method.
    pub method: String,
    /// The path behind the provider's `api` address, with `{part}` for a segment that is filled in.
    pub path: String,
    /// The scopes that it needs, all of them, sorted.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub scopes: Vec<ScopeName>,
    /// What it does at the provider.
    pub effect: Effect,
    /// The categories of personal data that it sends, sorted.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub sends: Vec<DataCategory>,
    /// The categories of personal data that it reads, sorted.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub reads: Vec<DataCategory>,
    /// The purposes that it may serve.
    pub purposes: BTreeSet<PurposeId>,
    /// The credential that it is called with, where it is not the usual one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub credential: Option<CredentialName>,
}

impl Endpoint {
    /// The segments of the path, each a literal or the name of a part.
    pub fn segments(&self) -> impl Iterator<Item = Segment<'_>> {
        segments(&self.path)
    }
}

/// A segment of an endpoint's path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Segment<'a> {
    /// Text that stands there as it is.
    Literal(&'a str),
    /// A part that is filled in with one segment.
    Part(&'a str),
}

pub(crate) fn segments(path: &str) -> impl Iterator<Item = Segment<'_>> {
    path.trim_start_matches('/').split('/').map(|segment| {
        match segment.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')) {
            Some(name) => Segment::Part(name),
            None => Segment::Literal(segment),
        }
    })
}
