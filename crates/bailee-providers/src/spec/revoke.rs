//! How a grant is revoked.

use serde::Deserialize;
use toml::Spanned;

use super::{Endpoints, check::Check, file::FileRevoke};

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

impl Check<'_> {
    pub(super) fn revoke(
        &mut self,
        file: Option<Spanned<FileRevoke>>,
        endpoints: &Endpoints,
        discover: bool,
    ) -> RevokeFacts {
        let Some(file) = file else {
            let style = if discover || endpoints.revocation.is_some() {
                RevokeStyle::Rfc7009
            } else {
                RevokeStyle::None
            };
            return RevokeFacts {
                style,
                page: None,
                also_ends: Vec::new(),
                leaves: Vec::new(),
                ends: RevokeEnds::default(),
                present: RevokePresentation::default(),
                token_parameter: "token".into(),
                authenticated: true,
                hinted: true,
                dead: Vec::new(),
            };
        };
        let span = file.span();
        let file = file.into_inner();
        let has_endpoint = discover || endpoints.revocation.is_some();
        if (file.style != RevokeStyle::None) && !has_endpoint {
            self.fault(span.clone(), "a revoke style needs `endpoints.revocation`");
        }
        if file.ends == RevokeEnds::Account && file.also_ends.is_empty() {
            self.fault(span, "what else a revocation ends is to be told in `also_ends`");
        }
        RevokeFacts {
            style: file.style,
            page: file.page,
            also_ends: file.also_ends,
            leaves: file.leaves,
            ends: file.ends,
            // A token in `Authorization` proves itself.
            authenticated: file.authenticated.unwrap_or(file.present != RevokePresentation::Bearer),
            present: file.present,
            token_parameter: file.token_parameter.unwrap_or_else(|| "token".into()),
            hinted: file.hinted.unwrap_or(true),
            dead: file.dead,
        }
    }
}
