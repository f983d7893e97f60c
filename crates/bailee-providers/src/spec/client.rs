//! How the client names itself and proves it.

use serde::{Deserialize, Serialize};

use super::{check::Check, file::FileClient};

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

impl Check<'_> {
    pub(super) fn client(&mut self, file: &FileClient, has_issuer: bool) -> ClientFacts {
        let or = |given: &Option<String>, usual: &str| given.as_deref().unwrap_or(usual).to_owned();
        let audience = file.assertion_audience.as_ref();
        let assertion_audience = audience.map_or_else(AssertionAudience::default, |audience| {
            if *audience.get_ref() == AssertionAudience::TokenEndpoint && has_issuer {
                self.fault(audience.span(), "assertions are for the issuer where there is one");
            }
            *audience.get_ref()
        });
        ClientFacts {
            authentication: file.authentication,
            assertion_audience,
            id_parameter: or(&file.id_parameter, "client_id"),
            secret_parameter: or(&file.secret_parameter, "client_secret"),
            secrets_in_query: file.secrets_in_query,
        }
    }
}
