//! How token requests are written and how their answers look.

use std::time::Duration;

use bailee_core::CredentialName;
use serde::Deserialize;

use super::{check::seconds, file::FileToken};

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

impl TokenFacts {
    pub(super) fn new(file: FileToken, entered: bool) -> Self {
        let credential = CredentialName::from_static(if entered { "key" } else { "user" });
        Self {
            credential: file.credential.unwrap_or(credential),
            request: file.request,
            bare: file.bare,
            parameters: file.parameters.into_iter().collect(),
            form_encoded: file.form_encoded,
            type_optional: file.type_optional,
            types: file.types,
            account_members: file.account_member.into_vec(),
            api_member: file.api_member,
            api_optional: file.api_optional,
            access_lifetime: file.access_seconds.map(seconds),
            refresh_lifetime: file.refresh_seconds.map(seconds),
        }
    }
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
