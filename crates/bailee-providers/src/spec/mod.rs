//! A provider's facts, as a TOML file states them and as its metadata completes them.

mod address;
mod authorization;
mod check;
mod client;
mod credential;
mod endpoints;
mod file;
mod identity;
mod metadata;
mod person;
mod pkce;
mod rate_limit;
mod refresh;
mod revoke;
mod scopes;
mod signals;
mod statements;
mod token;
mod variable;

use std::{collections::BTreeMap, ops::Deref, sync::Arc};

use bailee_core::{ProviderId, Result, ScopeEntry, ScopeName};
use url::Url;

use crate::failure::{ErrorRow, Failure, FailureKind};

pub use authorization::{AuthorizationFacts, ResponseMode};
pub use client::{AssertionAudience, ClientAuthentication, ClientFacts};
pub use credential::{CredentialKind, KeyFacts, KeyRefusal};
pub use endpoints::Endpoints;
pub use identity::{IdentityFacts, IdentitySource};
pub use metadata::Metadata;
pub(crate) use metadata::candidates as discovery_candidates;
pub use person::{Eligibility, Terms, Withdrawal};
pub use pkce::{Pkce, PkceFacts};
pub use rate_limit::{Ceiling, LimitScope, RateLimitFacts, ResetFormat};
pub use refresh::{RefreshClass, RefreshFacts};
pub use revoke::{RevokeEnds, RevokeFacts, RevokePresentation, RevokeStyle};
pub use scopes::ScopeFacts;
pub use signals::{
    EventFacts, EventTokenFacts, Means, MessagePiece, ProofFacts, PushFacts, SignalFacts,
    SignalPlace, SignatureAt, SignatureFacts, TextEncoding, TimeAt, TimeUnit, Wanted,
};
pub use statements::Statements;
pub use token::{Encoding, TokenFacts};
pub(crate) use variable::Templates;
pub use variable::{Variable, VariableSource};

/// A provider's facts. Cloning shares them.
#[derive(Clone, Debug)]
pub struct Spec(Arc<SpecFacts>);

impl Spec {
    /// Reads a spec from TOML and checks it as a whole.
    ///
    /// # Errors
    ///
    /// Fails with `Configuration`; the detail names every fault with its line.
    pub fn parse(text: &str) -> Result<Self> {
        check::parse(text).map(|facts| Self(Arc::new(facts)))
    }

    /// Puts the provider's metadata in: endpoints that the spec leaves open, the client
    /// authentication, `iss` and PKCE support. What the spec states stays.
    ///
    /// A spec without hosts takes those of the endpoints; whoever keeps them gives them back with
    /// [`pin`](Self::pin) the next time, so that a later change of hosts is noticed.
    ///
    /// # Errors
    ///
    /// Fails with `Configuration` where an endpoint is on a host that the spec does not list, or
    /// where the flow cannot work with what the metadata says.
    pub fn resolve(&self, metadata: &Metadata) -> Result<Self> {
        metadata.complete(&self.0).map(|facts| Self(Arc::new(facts)))
    }

    /// Sets the hosts of a spec that has none to those that were found earlier.
    ///
    /// # Errors
    ///
    /// Fails with `Configuration` where a host is not an exact ASCII name in lower case.
    pub fn pin(&self, hosts: &[String]) -> Result<Self> {
        address::check_hosts(hosts)?;
        let mut facts = (*self.0).clone();
        if facts.hosts.is_empty() {
            facts.hosts = hosts.to_vec();
        }
        Ok(Self(Arc::new(facts)))
    }

    /// Fills variables in, by name; those that have a default may be left out. Values that the spec
    /// has no variable for are ignored, so that what was stored with a connection outlives a
    /// variable.
    ///
    /// # Errors
    ///
    /// Fails with `InvalidInput` where a value cannot stand in a host name or a path, or where the
    /// address that it makes is on a host that the spec does not list.
    pub fn with_variables(&self, values: &BTreeMap<String, String>) -> Result<Self> {
        if self.variables.is_empty() {
            return Ok(self.clone());
        }
        variable::fill(&self.0, values).map(|facts| Self(Arc::new(facts)))
    }

    /// Puts rows before the table of codes, as an adapter does with its own.
    #[must_use]
    pub fn with_errors(&self, rows: &[ErrorRow]) -> Self {
        let mut facts = (*self.0).clone();
        facts.errors = rows.iter().cloned().chain(facts.errors).collect();
        Self(Arc::new(facts))
    }

    /// Says how far a revocation reaches, where a provider has several kinds and the host chose one.
    #[must_use]
    pub fn with_revoke_ends(&self, ends: RevokeEnds) -> Self {
        let mut facts = (*self.0).clone();
        facts.revoke.ends = ends;
        if ends != RevokeEnds::Account {
            facts.revoke.also_ends.clear();
        }
        Self(Arc::new(facts))
    }

    /// Says that the application's settings at the provider decide over its scopes, where a
    /// provider has such applications beside others and the host has one.
    #[must_use]
    pub fn with_fixed_scopes(&self) -> Self {
        let mut facts = (*self.0).clone();
        facts.scopes.fixed = true;
        Self(Arc::new(facts))
    }

    /// Sets where the files of a journal lie, where the provider does not say it for good.
    ///
    /// # Errors
    ///
    /// Fails with `Configuration` where one is neither a host name nor `*.` before one of at least
    /// two labels.
    pub fn with_journal_hosts(&self, hosts: Vec<String>) -> Result<Self> {
        address::check_patterns(&hosts)?;
        let mut facts = (*self.0).clone();
        facts.signals.journal_hosts = hosts;
        Ok(Self(Arc::new(facts)))
    }

    /// Adds a sentence to what the person should know beforehand.
    #[must_use]
    pub fn with_plain(&self, sentence: impl Into<String>) -> Self {
        let mut facts = (*self.0).clone();
        facts.eligibility.plain.push(sentence.into());
        Self(Arc::new(facts))
    }

    /// Whether metadata has to be fetched before the spec can be used.
    pub fn needs_discovery(&self) -> bool {
        self.discover && (self.endpoints.authorization.is_none() || self.endpoints.token.is_none())
    }
}

impl Deref for Spec {
    type Target = SpecFacts;

    fn deref(&self) -> &SpecFacts {
        &self.0
    }
}

/// The facts themselves.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct SpecFacts {
    /// The provider's id.
    pub id: ProviderId,
    /// Its name as people know it.
    pub title: String,
    /// When the facts were checked (`2026-11-21`, or `2026-11`).
    pub checked: String,
    /// The pages that they were checked against.
    pub pages: Vec<String>,
    /// The hosts that requests may go to, by their exact names.
    pub hosts: Vec<String>,
    /// Where media may be uploaded to: exact names, or `*.` and a suffix of at least two labels.
    pub upload_hosts: Vec<String>,
    /// The hosts that an account may have an API of its own on, in the form of `upload_hosts`. Which
    /// one it is stands in the account's facts.
    pub account_hosts: Vec<String>,
    /// Headers that every request carries but those that upload: an API's version, a `User-Agent`.
    pub headers: Vec<(String, String)>,
    /// The parts of addresses that differ between registrations or accounts.
    pub variables: Vec<Variable>,
    pub(crate) templates: Templates,
    /// The issuer, character for character (RFC 8414 §2).
    pub issuer: Option<String>,
    /// Whether metadata is fetched from the issuer.
    pub discover: bool,
    /// Whether the callback carries `iss` (RFC 9207).
    pub iss_in_callback: bool,
    /// The endpoints.
    pub endpoints: Endpoints,
    /// The address that paths of operations are put behind.
    pub api: Option<Url>,
    /// Further such addresses, by a name of their own, where a provider has several
    /// ([`JsonCall::at`](crate::JsonCall::at)).
    pub apis: Vec<(String, Url)>,
    /// What the credential of a connection is.
    pub credential: CredentialKind,
    /// What the authorization request needs beside the standard.
    pub authorization: AuthorizationFacts,
    /// How the client names itself and proves it.
    pub client: ClientFacts,
    /// How scopes are written.
    pub scopes: ScopeFacts,
    /// Which PKCE is used.
    pub pkce: PkceFacts,
    /// How token answers look.
    pub token: TokenFacts,
    /// How refresh behaves.
    pub refresh: RefreshFacts,
    /// How a grant is revoked.
    pub revoke: RevokeFacts,
    /// How the account is found out.
    pub identity: IdentityFacts,
    /// How rate limits are told.
    pub rate_limit: RateLimitFacts,
    /// What the provider tells of its own accord.
    pub signals: SignalFacts,
    /// How a person withdraws at the provider.
    pub withdrawal: Withdrawal,
    /// The provider's own terms that are shown to the person.
    pub terms: Vec<Terms>,
    /// Which accounts can be used.
    pub eligibility: Eligibility,
    /// What an adapter has to state in a line each.
    pub statements: Statements,
    /// Where the API's error answers state their code (RFC 6901); the first that is there counts.
    pub error_at: Vec<String>,
    /// Whether such an error may come with a status of success.
    pub errors_in_success: bool,
    /// The table of codes: the spec's first, then those of the RFCs.
    pub errors: Vec<ErrorRow>,
}

impl SpecFacts {
    /// The entry of a scope in the catalogue.
    pub fn scope(&self, name: &ScopeName) -> Option<&ScopeEntry> {
        self.scopes.catalogue.iter().find(|entry| entry.name == *name)
    }

    /// Checks the address of an account's own API: https, without decoration and query, on one of
    /// the account hosts or the spec's.
    ///
    /// # Errors
    ///
    /// Fails with [`FailureKind::Malformed`] for any other.
    pub fn check_account_api(&self, api: &Url) -> Result<(), Failure> {
        let fits = |host: &str| {
            self.hosts.iter().any(|known| known == host)
                || self.account_hosts.iter().any(|pattern| address::host_fits(pattern, host))
        };
        match address::parse(api.as_str()) {
            Ok(url) if url.query().is_none() && url.host_str().is_some_and(fits) => Ok(()),
            _ => Err(FailureKind::Malformed.into()),
        }
    }

    /// Checks an upload address that a provider gave: https, without decoration, on one of the
    /// upload hosts. It may have a query, which is what makes it a secret.
    ///
    /// # Errors
    ///
    /// Fails with [`FailureKind::Malformed`] for any other.
    pub fn check_upload_address(&self, address: &str) -> Result<(), Failure> {
        address::check_upload_address(address, &self.upload_hosts)
            .map_err(|_| FailureKind::Malformed.into())
    }

    /// Checks the address of a file of a journal: https, without decoration, on one of the journal
    /// hosts. It may have a query, which is what makes it a secret.
    ///
    /// # Errors
    ///
    /// Fails with [`FailureKind::Malformed`] for any other.
    pub fn check_journal_address(&self, address: &str) -> Result<(), Failure> {
        address::check_upload_address(address, &self.signals.journal_hosts)
            .map_err(|_| FailureKind::Malformed.into())
    }

    /// An address that a provider's document gave, if it is https on one of the spec's hosts.
    pub(crate) fn parse_own(&self, address: &str) -> Option<Url> {
        signals::on_hosts(address, &self.hosts)
    }

    /// The hosts that a request to an endpoint may reach: the spec's, without one that only the
    /// person's browser goes to; for metadata the issuer's as well. Uploads have hosts of their
    /// own.
    pub fn hosts_for(&self, endpoint: crate::Endpoint) -> Vec<String> {
        if endpoint == crate::Endpoint::Upload {
            return self.upload_hosts.clone();
        }
        let endpoints = &self.endpoints;
        let called = [
            &endpoints.token,
            &endpoints.long_lived,
            &endpoints.refresh,
            &endpoints.revocation,
            &endpoints.introspection,
            &endpoints.userinfo,
            &endpoints.jwks,
            &self.api,
        ];
        // The keys of Security Event Tokens are fetched without any secret.
        let keys = matches!(endpoint, crate::Endpoint::Discovery | crate::Endpoint::Jwks);
        let told = self.signals.push.as_ref().and_then(PushFacts::event_token);
        let told = told.filter(|_| keys).map(|facts| &facts.configuration);
        let apis = self.apis.iter().map(|(_, url)| url).chain(told);
        let is_called = |host: &str| {
            called.into_iter().flatten().chain(apis.clone()).any(|url| url.host_str() == Some(host))
        };
        let browser = endpoints.authorization.as_ref().and_then(Url::host_str);
        let mut hosts: Vec<String> = self
            .hosts
            .iter()
            .filter(|host| browser != Some(host.as_str()) || is_called(host))
            .cloned()
            .collect();
        let issuer = self.issuer.as_deref().and_then(|issuer| Url::parse(issuer).ok());
        if let Some(host) = issuer.as_ref().and_then(Url::host_str)
            && endpoint == crate::Endpoint::Discovery
            && !hosts.iter().any(|known| known == host)
        {
            hosts.push(host.to_owned());
        }
        hosts
    }
}
