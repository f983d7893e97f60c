//! Metadata of an authorization server (OpenID Connect Discovery 1.0 §3, RFC 8414 §2).

use bailee_core::{Error, ErrorKind, Result};
use serde::Deserialize;
use url::Url;

use super::{ClientAuthentication, ResponseMode, RevokeStyle, SpecFacts, address};
use crate::failure::{Failure, FailureKind};

/// What a server says about itself, as far as it is used here. It was checked when it was read:
/// the issuer is the configured one character for character, and every endpoint is https.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Metadata {
    /// The issuer.
    pub issuer: String,
    /// The authorization endpoint.
    pub authorization: Option<Url>,
    /// The token endpoint.
    pub token: Option<Url>,
    /// The revocation endpoint (RFC 7009).
    pub revocation: Option<Url>,
    /// The introspection endpoint (RFC 7662).
    pub introspection: Option<Url>,
    /// The userinfo endpoint (OpenID Connect Core §5.3).
    pub userinfo: Option<Url>,
    /// The key set.
    pub jwks: Option<Url>,
    /// Whether the callback carries `iss` (RFC 9207 §3).
    pub iss_in_callback: bool,
    /// The client authentication to use, by the order of preference here; none where the server
    /// offers nothing that is implemented.
    pub authentication: Option<ClientAuthentication>,
    /// Whether `S256` is listed. Where no method is listed at all, it is not.
    pub lists_s256: bool,
}

/// The addresses at which metadata may lie, in the order in which they are tried: OpenID Connect
/// appended to the issuer, RFC 8414 §3.1 inserted before its path, OpenID Connect inserted (§5).
pub(crate) fn candidates(issuer: &str) -> Vec<Url> {
    let Ok(base) = address::parse(issuer) else { return Vec::new() };
    let path = base.path().trim_end_matches('/').to_owned();
    let mut found: Vec<Url> = Vec::with_capacity(3);
    for candidate in [
        format!("{path}/.well-known/openid-configuration"),
        format!("/.well-known/oauth-authorization-server{path}"),
        format!("/.well-known/openid-configuration{path}"),
    ] {
        let mut url = base.clone();
        url.set_path(&candidate);
        if !found.contains(&url) {
            found.push(url);
        }
    }
    found
}

#[derive(Deserialize)]
struct Wire {
    issuer: String,
    authorization_endpoint: Option<String>,
    token_endpoint: Option<String>,
    revocation_endpoint: Option<String>,
    introspection_endpoint: Option<String>,
    userinfo_endpoint: Option<String>,
    jwks_uri: Option<String>,
    response_types_supported: Option<Vec<String>>,
    response_modes_supported: Option<Vec<String>>,
    grant_types_supported: Option<Vec<String>>,
    code_challenge_methods_supported: Option<Vec<String>>,
    token_endpoint_auth_methods_supported: Option<Vec<String>>,
    id_token_signing_alg_values_supported: Option<Vec<String>>,
    #[serde(default)]
    authorization_response_iss_parameter_supported: bool,
    #[serde(default)]
    require_pushed_authorization_requests: bool,
}

impl Metadata {
    /// Reads a document and checks it against the configured issuer. Members that are not used
    /// are not looked at; `signed_metadata` is not verified and so ignored (RFC 8414 §2.1). A
    /// server that lists response modes has to list the one that the spec asks for.
    pub(crate) fn parse(body: &[u8], issuer: &str, mode: ResponseMode) -> Result<Self, Failure> {
        let malformed = || Failure::new(FailureKind::Malformed);
        let wire: Wire = serde_json::from_slice(body).map_err(|_| malformed())?;
        // RFC 8414 §3.3: identical, and no normalisation of any kind.
        if wire.issuer != issuer {
            return Err(malformed());
        }
        let endpoint = |text: Option<String>, query: bool| match text {
            None => Ok(None),
            Some(text) => match address::parse(&text) {
                Ok(url) if query || url.query().is_none() => Ok(Some(url)),
                _ => Err(malformed()),
            },
        };
        let lists = |list: &Option<Vec<String>>, wanted: &str, absent: bool| {
            list.as_ref().map_or(absent, |list| list.iter().any(|word| word == wanted))
        };
        let unusable = !lists(&wire.response_types_supported, "code", false)
            || !lists(&wire.response_modes_supported, mode.as_str(), true)
            || !lists(&wire.grant_types_supported, "authorization_code", true)
            || wire.require_pushed_authorization_requests;
        if unusable {
            return Err(FailureKind::Unsupported.into());
        }
        // The allow-list for ID tokens is ours; a server with nothing on it cannot be used.
        if let Some(algorithms) = &wire.id_token_signing_alg_values_supported
            && !algorithms.iter().any(|name| crate::rfc::jose::scheme(name).is_some())
        {
            return Err(FailureKind::Unsupported.into());
        }
        Ok(Self {
            issuer: wire.issuer,
            authorization: endpoint(wire.authorization_endpoint, true)?,
            token: endpoint(wire.token_endpoint, false)?,
            revocation: endpoint(wire.revocation_endpoint, false)?,
            introspection: endpoint(wire.introspection_endpoint, false)?,
            userinfo: endpoint(wire.userinfo_endpoint, false)?,
            jwks: endpoint(wire.jwks_uri, false)?,
            iss_in_callback: wire.authorization_response_iss_parameter_supported,
            authentication: authentication(wire.token_endpoint_auth_methods_supported.as_deref()),
            lists_s256: lists(&wire.code_challenge_methods_supported, "S256", false),
        })
    }

    /// The spec with this metadata in the places that it leaves open.
    pub(super) fn complete(&self, spec: &SpecFacts) -> Result<SpecFacts> {
        let wrong = |what: &'static str| {
            Error::new(ErrorKind::Configuration).with_provider(spec.id.clone()).with_detail(what)
        };
        if spec.issuer.as_deref() != Some(self.issuer.as_str()) {
            return Err(wrong("the metadata is of another issuer"));
        }
        let mut facts = spec.clone();
        let fill = |place: &mut Option<Url>, found: &Option<Url>| {
            if place.is_none() {
                place.clone_from(found);
            }
        };
        fill(&mut facts.endpoints.authorization, &self.authorization);
        fill(&mut facts.endpoints.token, &self.token);
        fill(&mut facts.endpoints.introspection, &self.introspection);
        fill(&mut facts.endpoints.userinfo, &self.userinfo);
        fill(&mut facts.endpoints.jwks, &self.jwks);
        if facts.revoke.style != RevokeStyle::None {
            fill(&mut facts.endpoints.revocation, &self.revocation);
        }
        if facts.endpoints.revocation.is_none() {
            facts.revoke.style = RevokeStyle::None;
        }
        if facts.endpoints.authorization.is_none() || facts.endpoints.token.is_none() {
            return Err(wrong("the metadata lacks the authorization or the token endpoint"));
        }
        if facts.identity.source == super::IdentitySource::Openid && facts.endpoints.jwks.is_none()
        {
            return Err(wrong("the metadata lacks the key set"));
        }
        if facts.client.authentication.is_none() {
            facts.client.authentication = Some(self.authentication.ok_or_else(|| {
                wrong("the server offers no client authentication that is implemented")
            })?);
        }
        facts.iss_in_callback |= self.iss_in_callback;
        facts.pkce.advertised = Some(self.lists_s256);
        pin(&mut facts, wrong)?;
        Ok(facts)
    }
}

/// Takes the endpoints' hosts as the list of hosts, or holds the endpoints to the list.
fn pin(facts: &mut SpecFacts, wrong: impl Fn(&'static str) -> Error) -> Result<()> {
    let endpoints = &facts.endpoints;
    // The person's browser goes to the authorization endpoint, we do not; it is held to the list
    // all the same, because whoever turns it elsewhere takes the person along.
    let found = [
        &endpoints.authorization,
        &endpoints.token,
        &endpoints.revocation,
        &endpoints.introspection,
        &endpoints.userinfo,
        &endpoints.jwks,
        &facts.api,
    ];
    let mut hosts: Vec<String> = Vec::new();
    for host in found.into_iter().flatten().filter_map(Url::host_str) {
        if !hosts.iter().any(|known| known == host) {
            hosts.push(host.to_owned());
        }
    }
    if facts.hosts.is_empty() {
        facts.hosts = hosts;
    } else if hosts.iter().any(|host| !facts.hosts.contains(host)) {
        return Err(wrong("the metadata names a host that is not listed"));
    }
    Ok(())
}

/// The authentication to use: the order of preference is ours, the default is the RFC's
/// (RFC 8414 §2: `client_secret_basic`).
fn authentication(offered: Option<&[String]>) -> Option<ClientAuthentication> {
    let Some(offered) = offered else { return Some(ClientAuthentication::Basic) };
    [
        ("client_secret_basic", ClientAuthentication::Basic),
        ("client_secret_post", ClientAuthentication::Post),
        ("none", ClientAuthentication::None),
        ("private_key_jwt", ClientAuthentication::PrivateKeyJwt),
    ]
    .into_iter()
    .find(|(name, _)| offered.iter().any(|method| method == name))
    .map(|(_, authentication)| authentication)
}
