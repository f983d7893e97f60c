//! What is taken from `oauth2`: the authorization request, the name of the PKCE method, and the
//! standard error codes.
//!
//! No more than that. Its verifier, code and token types are strings that can be cloned and are not
//! wiped; its parser of token answers takes nothing but status 200, and its errors keep the body.
//! So the challenge is computed here from the wiped verifier and put in as a parameter, and token
//! requests and answers are our own.

use std::borrow::Cow;

use oauth2::{
    AuthUrl, ClientId, CsrfToken, PkceCodeChallengeMethod, RedirectUrl,
    RevocationErrorResponseType,
    basic::{BasicClient, BasicErrorResponseType},
};
use url::Url;

/// A code challenge under the method `S256`; the server is told this name whatever the encoding.
pub(super) struct Challenge(pub(super) String);

/// An authorization request (RFC 6749 §4.1.1) with `response_type=code`; there is no way to ask
/// for another one. The state is a text in the result, since the result is sent to the browser.
pub(super) struct AuthorizationRequest<'a> {
    pub(super) endpoint: &'a Url,
    pub(super) client_id: &'a str,
    pub(super) redirect_uri: &'a str,
    pub(super) scope: &'a str,
    pub(super) state: String,
    pub(super) challenge: Option<Challenge>,
    pub(super) parameters: Vec<(&'a str, &'a str)>,
}

impl AuthorizationRequest<'_> {
    /// The request as an address. None where the redirect URI is no address.
    pub(super) fn into_url(self) -> Option<Url> {
        // `AuthUrl` and `RedirectUrl` keep the text that they are made of, byte for byte.
        let redirect = RedirectUrl::new(self.redirect_uri.to_owned()).ok()?;
        let client = BasicClient::new(ClientId::new(self.client_id.to_owned()))
            .set_auth_uri(AuthUrl::from_url(self.endpoint.clone()));
        let state = self.state;
        let mut request = client
            .authorize_url(move || CsrfToken::new(state))
            .set_redirect_uri(Cow::Owned(redirect));
        // The scopes are joined by us, since some providers separate them by commas.
        if !self.scope.is_empty() {
            request = request.add_extra_param("scope", self.scope);
        }
        if let Some(Challenge(challenge)) = self.challenge {
            let method = PkceCodeChallengeMethod::new("S256".into());
            request = request
                .add_extra_param("code_challenge", challenge)
                .add_extra_param("code_challenge_method", method.as_str().to_owned());
        }
        for (name, value) in self.parameters {
            request = request.add_extra_param(name, value);
        }
        Some(request.url().0)
    }
}

/// The error codes of RFC 6749 §5.2 and RFC 7009 §2.2.1.
pub(super) mod code {
    use super::{BasicErrorResponseType, RevocationErrorResponseType};

    pub(in crate::rfc) fn invalid_client() -> String {
        BasicErrorResponseType::InvalidClient.as_ref().to_owned()
    }

    pub(in crate::rfc) fn invalid_grant() -> String {
        BasicErrorResponseType::InvalidGrant.as_ref().to_owned()
    }

    pub(in crate::rfc) fn invalid_request() -> String {
        BasicErrorResponseType::InvalidRequest.as_ref().to_owned()
    }

    pub(in crate::rfc) fn invalid_scope() -> String {
        BasicErrorResponseType::InvalidScope.as_ref().to_owned()
    }

    pub(in crate::rfc) fn unauthorized_client() -> String {
        BasicErrorResponseType::UnauthorizedClient.as_ref().to_owned()
    }

    pub(in crate::rfc) fn unsupported_grant_type() -> String {
        BasicErrorResponseType::UnsupportedGrantType.as_ref().to_owned()
    }

    pub(in crate::rfc) fn unsupported_token_type() -> String {
        RevocationErrorResponseType::UnsupportedTokenType.as_ref().to_owned()
    }
}
