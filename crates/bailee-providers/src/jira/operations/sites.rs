//! The sites of a connection, as they are now.

use std::fmt;

use bailee_core::Effect;
use http::Method;
use url::Url;

use super::{PROVIDER, USER};
use crate::{
    context::Context,
    jira::{errors, oauth, wire::Resource},
    json_call::JsonCall,
    operation::{Operation, OperationFacts},
    step::Step,
};

static LIST_SITES: OperationFacts = OperationFacts {
    name: "jira.list_sites",
    provider: PROVIDER,
    scopes: &[],
    effect: Effect::Read,
    method: Method::GET,
    path: "/oauth/token/accessible-resources",
    sends: &[],
    reads: &["organisation"],
    credential: USER,
};

/// Lists the Jira sites that the person allowed, in the order of their ids. Sites that came after the
/// connection was made can be used once the person has connected again.
#[derive(Clone, Copy, Debug, Default)]
pub struct ListSites;

impl Operation for ListSites {
    type Output = Vec<Site>;

    fn facts(&self) -> &OperationFacts {
        &LIST_SITES
    }

    fn start(&self, cx: &Context<'_>) -> Box<dyn Step<Vec<Site>>> {
        JsonCall::new(cx, &LIST_SITES).classify(errors::classify).read(|all: Vec<Resource>| {
            let sites = oauth::jira_sites(all)?.into_iter();
            Ok(sites.map(Site::of).collect())
        })
    }
}

/// A site. `Debug` shows nothing of it.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Site {
    /// The id by which operations name it.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Its address, to be shown and linked. No token goes there.
    pub address: Option<Url>,
}

impl Site {
    fn of(resource: Resource) -> Self {
        let address = resource.url.and_then(|url| Url::parse(&url).ok());
        Self {
            id: resource.id,
            name: resource.name,
            address: address.filter(|url| url.scheme() == "https"),
        }
    }
}

impl fmt::Debug for Site {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Site([redacted])")
    }
}
