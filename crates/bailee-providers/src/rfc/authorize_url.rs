//! The authorization request (RFC 6749 §4.1.1) and its code challenge (RFC 7636 §4.2).

use std::fmt::Write;

use bailee_core::{Error, ErrorKind, Result, Verifier, sha256};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use url::Url;

use super::{
    codes, scope_list,
    vocabulary::{AuthorizationRequest, Challenge},
};
use crate::{
    context::Context,
    provider::{AuthorizationUrl, AuthorizeAsk},
    spec::{Pkce, ResponseMode},
};

/// Builds the address to send a person to.
pub(crate) fn build(cx: &Context<'_>, ask: &AuthorizeAsk<'_>) -> Result<AuthorizationUrl> {
    let spec = cx.spec;
    let wrong = |kind, what: &'static str| {
        Error::new(kind).with_provider(spec.id.clone()).with_detail(what)
    };
    let endpoint = spec.endpoints.authorization.as_ref().ok_or_else(|| {
        wrong(ErrorKind::Configuration, "the authorization endpoint is not known yet")
    })?;
    if spec.lacks_variables() {
        return Err(wrong(ErrorKind::InvalidInput, "an address needs a value that was not given"));
    }
    if let Some(scope) = ask.scopes.iter().find(|scope| spec.scope(scope).is_none()) {
        return Err(Error::new(ErrorKind::InvalidInput)
            .with_provider(spec.id.clone())
            .with_detail(format!("the scope `{scope}` is not in the catalogue")));
    }
    let managed = |name: &str| {
        codes::MANAGED_PARAMETERS.contains(&name)
            || name == spec.client.id_parameter
            || spec.authorization.parameters.iter().any(|(known, _)| known == name)
            || (ask.ask_anew && spec.authorization.ask_anew.iter().any(|(known, _)| known == name))
    };
    if ask.extra.iter().any(|(name, _)| managed(name)) {
        return Err(wrong(ErrorKind::InvalidInput, "a parameter is not for the caller to set"));
    }
    if cx.registration.public && spec.pkce.advertised == Some(false) {
        return Err(wrong(
            ErrorKind::Configuration,
            "the server does not list S256, which a public client needs",
        ));
    }
    let challenge = match (cx.pkce(), ask.verifier) {
        (Pkce::None, _) => None,
        (_, None) => return Err(wrong(ErrorKind::Configuration, "the flow has no verifier")),
        (pkce, Some(verifier)) => Some(challenge(pkce, verifier).ok_or_else(|| {
            wrong(ErrorKind::InvalidInput, "the verifier has not the form of RFC 7636")
        })?),
    };
    let state = ask
        .state
        .expose(|state| std::str::from_utf8(state).map(ToOwned::to_owned))
        .map_err(|_| wrong(ErrorKind::InvalidInput, "the state is not text"))?;
    let mut parameters: Vec<(&str, &str)> = Vec::new();
    parameters.extend(ask.nonce.map(|nonce| ("nonce", nonce)));
    let mode = spec.authorization.response_mode;
    parameters.extend((mode != ResponseMode::Query).then_some(("response_mode", mode.as_str())));
    parameters.extend(
        spec.authorization
            .locale_parameter
            .as_deref()
            .zip(ask.locale.map(|locale| locale.as_str())),
    );
    parameters.extend(
        spec.authorization.parameters.iter().map(|(name, value)| (name.as_str(), value.as_str())),
    );
    let anew = spec.authorization.ask_anew.iter().filter(|_| ask.ask_anew);
    parameters.extend(anew.map(|(name, value)| (name.as_str(), value.as_str())));
    parameters.extend(ask.extra.iter().copied());
    let url = AuthorizationRequest {
        endpoint,
        client_id: &cx.registration.client_id,
        redirect_uri: ask.redirect_uri,
        scope: &scope_list::join(&spec.scopes.sent(ask.scopes), spec.scopes.separator),
        state,
        challenge,
        parameters,
    }
    .into_url()
    .ok_or_else(|| wrong(ErrorKind::InvalidInput, "the redirect URI is no address"))?;
    Ok(AuthorizationUrl::new(rename_client_id(url, endpoint, &spec.client.id_parameter)))
}

/// The challenge of a verifier. None where the verifier is not 43 to 128 unreserved characters
/// (RFC 7636 §4.1).
fn challenge(pkce: Pkce, verifier: &Verifier) -> Option<Challenge> {
    let digest = verifier.expose(|verifier| {
        let valid = (43..=128).contains(&verifier.len())
            && verifier
                .iter()
                .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_' | b'~'));
        valid.then(|| sha256(verifier))
    })?;
    Some(Challenge(match pkce {
        Pkce::S256Hex => digest.iter().fold(String::with_capacity(64), |mut hex, byte| {
            // Writing to a string does not fail.
            let _ = write!(hex, "{byte:02x}");
            hex
        }),
        Pkce::None | Pkce::S256 => BASE64_URL_SAFE_NO_PAD.encode(digest),
    }))
}

/// Gives the client's id the name that the provider has for it. The endpoint's own query stays.
fn rename_client_id(url: Url, endpoint: &Url, parameter: &str) -> Url {
    if parameter == "client_id" {
        return url;
    }
    let own = endpoint.query_pairs().count();
    let mut renamed = endpoint.clone();
    renamed.query_pairs_mut().extend_pairs(url.query_pairs().skip(own).map(|(name, value)| {
        (if name == "client_id" { parameter.to_owned().into() } else { name }, value)
    }));
    renamed
}
