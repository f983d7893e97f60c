//! A provider's facts, as a TOML file states them and as its metadata completes them.

mod address;
mod check;
mod credential;
mod file;
mod metadata;
mod variable;

use std::{collections::BTreeMap, ops::Deref, sync::Arc, time::Duration};

use bailee_core::{CredentialName, ProviderId, Result, ScopeEntry, ScopeName};
use serde::{Deserialize, Serialize};
use url::Url;

use crate::{
    failure::{ErrorRow, Failure, FailureKind},
    grant::Account,
    request::Json,
};

pub use credential::{CredentialKind, KeyFacts, KeyRefusal};
pub use metadata::Metadata;
pub(crate) use metadata::candidates as discovery_candidates;
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
        let apis = self.apis.iter().map(|(_, url)| url);
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

/// The endpoints. Each is https, without userinfo, fragment and port, on one of the hosts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Endpoints {
    /// The authorization endpoint (RFC 6749 §3.1). It may have a query of its own.
    pub authorization: Option<Url>,
    /// The token endpoint (RFC 6749 §3.2).
    pub token: Option<Url>,
    /// Where the token of a code is exchanged for one that lives longer, where a provider has two
    /// kinds.
    pub long_lived: Option<Url>,
    /// Where tokens are renewed, where that is not the token endpoint.
    pub refresh: Option<Url>,
    /// The revocation endpoint (RFC 7009).
    pub revocation: Option<Url>,
    /// The introspection endpoint (RFC 7662).
    pub introspection: Option<Url>,
    /// Where the account is asked for: userinfo (OpenID Connect Core §5.3) or the like.
    pub userinfo: Option<Url>,
    /// The key set (RFC 7517).
    pub jwks: Option<Url>,
}

/// What the authorization request needs beside the standard.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct AuthorizationFacts {
    /// Parameters that are always sent.
    pub parameters: Vec<(String, String)>,
    /// Parameters that are sent where the person has to be asked anew, because the provider gives a
    /// refresh token to no one whom it need not ask
    /// ([`AuthorizeAsk::ask_anew`](crate::AuthorizeAsk::ask_anew)).
    pub ask_anew: Vec<(String, String)>,
    /// The parameter for the person's language (`ui_locales`).
    pub locale_parameter: Option<String>,
}

/// How the client names itself and proves it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ClientFacts {
    /// How it proves who it is. None: as the metadata says, else [`ClientAuthentication::Basic`].
    pub authentication: Option<ClientAuthentication>,
    /// Who its signed assertions are for.
    pub assertion_audience: AssertionAudience,
    /// The parameter of its id (`client_id`).
    pub id_parameter: String,
    /// The parameter of its secret (`client_secret`).
    pub secret_parameter: String,
    /// Whether the provider takes secrets in the query alone, at its token endpoints. Everywhere
    /// else a secret in an address is refused.
    pub secrets_in_query: bool,
}

/// Who a signed assertion of a client is for: one audience, or a server could replay it at another
/// (TOK-08).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum AssertionAudience {
    /// The issuer identifier.
    #[default]
    Issuer,
    /// The token endpoint, for a server that has no issuer identifier.
    TokenEndpoint,
}

/// How a client proves who it is (RFC 6749 §2.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ClientAuthentication {
    /// `Authorization: Basic`, each part form-encoded first (RFC 6749 §2.3.1).
    Basic,
    /// `Authorization: Basic`, the parts as they are.
    BasicRaw,
    /// It does not; it only names itself.
    None,
    /// Id and secret in the form body.
    Post,
    /// An assertion signed with the client's private key (RFC 7523 §2.2).
    PrivateKeyJwt,
}

/// How scopes are written.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ScopeFacts {
    /// What stands between scopes in a request.
    pub separator: char,
    /// What stands between them in an answer.
    pub answer_separator: char,
    /// Whether answers may have the other separator as well: spaces or commas.
    pub answer_mixed: bool,
    /// The parameter of a callback that lists what was granted, where there is one.
    pub callback_parameter: Option<String>,
    /// The member of a token answer that lists what was granted (`scope`).
    pub answer_member: String,
    /// Other names that answers have for scopes of the catalogue.
    pub aliases: Vec<(ScopeName, ScopeName)>,
    /// Scopes that contain others, which answers then leave out.
    pub covers: Vec<(ScopeName, Vec<ScopeName>)>,
    /// Whether the application's settings at the provider decide: no scope is sent, and what an
    /// answer says of scopes does not count.
    pub fixed: bool,
    /// Every scope that may be asked for, in plain words.
    pub catalogue: Vec<ScopeEntry>,
}

impl ScopeFacts {
    /// The scopes of an answer by their names in the catalogue, with those that every grant has.
    pub fn settle(&self, answered: Vec<ScopeName>) -> Vec<ScopeName> {
        let mut scopes: Vec<ScopeName> = Vec::with_capacity(answered.len());
        let implied = self.catalogue.iter().filter(|entry| entry.implied).map(|entry| &entry.name);
        let named = answered.iter().map(|scope| {
            self.aliases.iter().find(|(alias, _)| alias == scope).map_or(scope, |(_, name)| name)
        });
        for scope in named.chain(implied) {
            if !scopes.contains(scope) {
                scopes.push(scope.clone());
            }
        }
        scopes
    }

    /// What may stand between scopes in an answer.
    pub(crate) fn answer_separators(&self) -> &'static [char] {
        match (self.answer_mixed, self.answer_separator) {
            (true, _) => &[' ', ','],
            (false, ',') => &[','],
            (false, _) => &[' '],
        }
    }

    /// Of these, the ones that are sent.
    pub fn sent(&self, asked: &[ScopeName]) -> Vec<ScopeName> {
        if self.fixed {
            return Vec::new();
        }
        let implied = |scope: &ScopeName| {
            self.catalogue.iter().any(|entry| entry.implied && entry.name == *scope)
        };
        asked.iter().filter(|scope| !implied(scope)).cloned().collect()
    }

    /// Whether one of these scopes contains another one.
    pub fn cover(&self, granted: &[ScopeName], scope: &ScopeName) -> bool {
        let wide = |granted: &ScopeName| self.covers.iter().find(|(wide, _)| wide == granted);
        granted.iter().filter_map(wide).any(|(_, narrow)| narrow.contains(scope))
    }
}

/// Which PKCE is used.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PkceFacts {
    /// By a server.
    pub web: Pkce,
    /// By a program on a person's machine.
    pub desktop: Pkce,
    /// Whether metadata lists `S256`; none where there is no metadata.
    pub advertised: Option<bool>,
}

impl PkceFacts {
    /// Which is used where.
    pub fn for_platform(&self, platform: crate::Platform) -> Pkce {
        match platform {
            crate::Platform::Desktop => self.desktop,
            crate::Platform::Web => self.web,
        }
    }
}

/// How a verifier becomes a challenge (RFC 7636 §4.2). There is no `plain`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Pkce {
    /// The provider refuses or ignores the parameter.
    None,
    /// SHA-256 in base64url, as the RFC has it.
    #[default]
    S256,
    /// SHA-256 in lower-case hexadecimal, still under the name `S256`.
    S256Hex,
}

/// How token answers look.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct TokenFacts {
    /// The name of the credential that an answer holds.
    pub credential: CredentialName,
    /// How requests are written.
    pub request: Encoding,
    /// Whether an exchange carries nothing but the code, its verifier and the client's
    /// authentication.
    pub bare: bool,
    /// Parameters that every exchange and renewal carries beside the standard.
    pub parameters: Vec<(String, String)>,
    /// Whether answers are form-encoded instead of JSON.
    pub form_encoded: bool,
    /// Whether `token_type` may be missing.
    pub type_optional: bool,
    /// Words that answers have for tokens that are presented as bearer tokens.
    pub types: Vec<String>,
    /// The members that name the account, where there are any: names, or pointers (RFC 6901). Where
    /// there are several, the id is their values with a colon between.
    pub account_members: Vec<String>,
    /// The member that states the address of the account's own API, where there is one.
    pub api_member: Option<String>,
    /// Whether that member may be missing: the account's API is then the spec's.
    pub api_optional: bool,
    /// How long an access token lives where the answer does not say.
    pub access_lifetime: Option<Duration>,
    /// How long a refresh token lives where the answer does not say.
    pub refresh_lifetime: Option<Duration>,
}

/// How refresh behaves.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RefreshFacts {
    /// The class (REF-01).
    pub class: RefreshClass,
    /// The page that says so.
    pub page: Option<String>,
    /// When it was checked.
    pub checked: Option<String>,
    /// How long a refresh token may lie unused before it dies; keep-alive goes by it.
    pub idle_limit: Option<Duration>,
    /// How long a grant lives at most.
    pub absolute_limit: Option<Duration>,
    /// Whether a renewal names the redirect URI.
    pub redirect_uri: bool,
    /// Whether a renewal carries nothing but the refresh token and the client's authentication.
    pub bare: bool,
    /// How old a token has to be before it can be renewed.
    pub not_before: Option<Duration>,
}

/// What a refresh does to the refresh token that was used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RefreshClass {
    /// It is replaced, and the old one is good for this long.
    Grace(Duration),
    /// It is replaced, and old and new are good beside each other.
    Overlapping,
    /// It stays, and its life begins anew with each use.
    SelfExtending,
    /// It stays as it is.
    Stable,
    /// There is none: the access token does not run out.
    Static,
    /// It is replaced, and the old one dies at once. Also where nothing is known.
    #[default]
    Strict,
    /// It is replaced, and the old one is good until the new one is used.
    UntilReplacementUsed,
}

/// How a grant is revoked.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RevokeFacts {
    /// The style.
    pub style: RevokeStyle,
    /// The page that says so.
    pub page: Option<String>,
    /// What else ends with it, as sentences for the person.
    pub also_ends: Vec<String>,
    /// What goes on all the same, as sentences for the person.
    pub leaves: Vec<String>,
    /// How far it reaches.
    pub ends: RevokeEnds,
    /// How a token is presented.
    pub present: RevokePresentation,
    /// The member or parameter that holds it (`token`).
    pub token_parameter: String,
    /// Whether the client proves who it is.
    pub authenticated: bool,
    /// Whether the request says which kind of token it presents (RFC 7009 §2.1).
    pub hinted: bool,
    /// Codes of refusals that say that the token is dead already.
    pub dead: Vec<String>,
}

/// How far a revocation reaches.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum RevokeEnds {
    /// Every grant that the account gave to this client, those of other connections too. It is left
    /// out while another connection holds the account.
    Account,
    /// The grant that the token belongs to.
    #[default]
    Grant,
    /// The token alone.
    Token,
}

/// How a token is presented to the revocation endpoint.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum RevokePresentation {
    /// In `Authorization`, with no body.
    Bearer,
    /// As a field of a form (RFC 7009 §2.1).
    #[default]
    Form,
    /// As a member of a JSON object.
    Json,
}

/// How a request's body is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Encoding {
    /// As a form (RFC 6749 §4.1.3).
    #[default]
    Form,
    /// As a JSON object.
    Json,
}

/// Which tokens are presented to the revocation endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum RevokeStyle {
    /// The access token alone, and it has to be a living one; the whole grant ends with it.
    AccessToken,
    /// There is no endpoint.
    None,
    /// The refresh token alone; the whole grant ends with it.
    RefreshToken,
    /// The refresh token, then the access token (RFC 7009).
    Rfc7009,
}

/// How the account is found out.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct IdentityFacts {
    /// Where the id comes from.
    pub source: IdentitySource,
    /// The word for the kind of id.
    pub id_kind: String,
    /// Where the id stands (RFC 6901): in the endpoint's document, or among the claims of an ID
    /// token. Where there are several, the id is their values with a colon between.
    pub id: Vec<String>,
    /// What `iss` may be in ID tokens; the issuer itself where the list is empty. `{name}` stands for
    /// the token's own claim of that name, for a provider with an issuer for each of its tenants.
    pub issuers: Vec<String>,
    /// Where a name to show may stand; the first one that is there is taken.
    pub display: Vec<String>,
    /// Where the type of account stands.
    pub account_type: Option<String>,
    /// Whether the endpoint is asked with POST.
    pub post: bool,
    /// The JSON that it is asked with, which holds no secret (a GraphQL query, `null`).
    pub body: Option<Json>,
}

/// Where the account's id comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum IdentitySource {
    /// From a JSON document at the userinfo endpoint.
    Endpoint,
    /// From the key that was entered: whoever holds it gives a keyed hash of it as the account's
    /// id. The userinfo endpoint says no more than that the key is good.
    Fingerprint,
    /// From the ID token, with userinfo beside it (OpenID Connect).
    Openid,
    /// From the token answer, which is all there is.
    TokenAnswer,
}

/// How rate limits are told, and what they are counted for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct RateLimitFacts {
    /// What the provider counts requests to its API for.
    pub scope: LimitScope,
    /// The header that says how many requests are left. At none, nothing is sent until the reset.
    pub remaining_header: Option<String>,
    /// The header that says when the limit is lifted, for answers without `Retry-After`.
    pub reset_header: Option<String>,
    /// How that header tells the time; by the look of it where this is missing.
    pub reset_format: Option<ResetFormat>,
    /// How long to wait where neither is there.
    pub wait: Option<Duration>,
    /// How many requests to its API we send at most, where the provider documents a number.
    pub ceiling: Option<Ceiling>,
}

/// What a provider counts requests for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum LimitScope {
    /// An account, so that one which is busy holds up no other.
    Account,
    /// The registration: all of its connections share what there is.
    #[default]
    Registration,
}

/// How a header tells when a limit is lifted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ResetFormat {
    /// Seconds from now.
    DeltaSeconds,
    /// Milliseconds since 1970.
    EpochMilliseconds,
    /// Seconds since 1970.
    EpochSeconds,
    /// A date and time with its offset (RFC 3339, which most texts of ISO 8601 are), or one in UTC
    /// without seconds.
    Rfc3339,
}

/// So many requests in so long a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Ceiling {
    /// How many, and how many at once.
    pub requests: u32,
    /// In how long a time.
    pub window: Duration,
}

/// How a person withdraws at the provider.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Withdrawal {
    /// What to do there, step by step.
    pub steps: Vec<String>,
    /// The page that says so.
    pub page: Option<String>,
}

/// A provider's own terms.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Terms {
    /// Their title.
    pub title: String,
    /// Where they stand.
    pub url: Url,
    /// When they apply, as a clause for the person; always where it is missing.
    pub when: Option<String>,
}

/// Which accounts can be used.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Eligibility {
    /// What the person should know beforehand.
    pub plain: Vec<String>,
    /// The account types that can be used; all where the list is empty.
    pub account_types: Vec<String>,
}

impl Eligibility {
    /// Whether an account can be used.
    pub(crate) fn admits(&self, account: &Account) -> Result<(), Failure> {
        if self.account_types.is_empty() {
            return Ok(());
        }
        match &account.account_type {
            Some(word) if self.account_types.contains(word) => Ok(()),
            _ => Err(FailureKind::Blocked.into()),
        }
    }
}

/// What an adapter states in a line each.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct Statements {
    /// Whether refresh tokens rotate.
    pub rotation: String,
    /// What happens to the old access token at a refresh.
    pub old_access_token: String,
    /// How long a grant may lie unused.
    pub idle_limit: String,
    /// How long a grant lives at most.
    pub absolute_limit: String,
    /// How many requests are allowed.
    pub rate_limit: String,
    /// Whether the callback carries `iss`.
    pub iss: String,
    /// Whether PKCE is enforced.
    pub pkce: String,
    /// How the callback comes back.
    pub redirect: String,
    /// Whether tokens are bound to their sender.
    pub sender_constraint: String,
}

impl Statements {
    /// The statements with their names.
    pub fn rows(&self) -> [(&'static str, &str); 9] {
        [
            ("rotation", &self.rotation),
            ("old_access_token", &self.old_access_token),
            ("idle_limit", &self.idle_limit),
            ("absolute_limit", &self.absolute_limit),
            ("rate_limit", &self.rate_limit),
            ("iss", &self.iss),
            ("pkce", &self.pkce),
            ("redirect", &self.redirect),
            ("sender_constraint", &self.sender_constraint),
        ]
    }
}
