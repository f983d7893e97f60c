//! The TOML form of a spec.

use std::collections::BTreeMap;

use bailee_core::{CredentialName, ProviderId, ScopeEntry, ScopeName};
use serde::Deserialize;
use toml::Spanned;

use super::{
    AssertionAudience, ClientAuthentication, Encoding, IdentitySource, LimitScope, Pkce,
    ResetFormat, ResponseMode, RevokeEnds, RevokePresentation, RevokeStyle, Statements, Terms,
    Variable, credential::FileCredential,
};
use crate::failure::FailureKind;

pub(super) type Text = Spanned<String>;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct File {
    pub(super) id: ProviderId,
    pub(super) title: Text,
    pub(super) checked: Text,
    pub(super) pages: Vec<String>,
    #[serde(default)]
    pub(super) hosts: Vec<Text>,
    #[serde(default)]
    pub(super) upload_hosts: Vec<Text>,
    #[serde(default)]
    pub(super) account_hosts: Vec<Text>,
    #[serde(default)]
    pub(super) headers: BTreeMap<Text, String>,
    #[serde(default, rename = "variable")]
    pub(super) variables: Vec<Spanned<Variable>>,
    pub(super) issuer: Option<Text>,
    #[serde(default)]
    pub(super) discover: Option<Spanned<bool>>,
    #[serde(default)]
    pub(super) iss_in_callback: bool,
    #[serde(default)]
    pub(super) endpoints: FileEndpoints,
    pub(super) api: Option<Text>,
    #[serde(default)]
    pub(super) apis: BTreeMap<String, Text>,
    #[serde(default)]
    pub(super) credential: Option<Spanned<FileCredential>>,
    #[serde(default)]
    pub(super) authorization: FileAuthorization,
    #[serde(default)]
    pub(super) client: FileClient,
    #[serde(default)]
    pub(super) scopes: FileScopes,
    #[serde(default, rename = "scope")]
    pub(super) catalogue: Vec<Spanned<ScopeEntry>>,
    #[serde(default)]
    pub(super) pkce: FilePkce,
    #[serde(default)]
    pub(super) token: FileToken,
    #[serde(default)]
    pub(super) refresh: Option<Spanned<FileRefresh>>,
    #[serde(default)]
    pub(super) revoke: Option<Spanned<FileRevoke>>,
    pub(super) identity: Spanned<FileIdentity>,
    #[serde(default)]
    pub(super) rate_limit: FileRateLimit,
    #[serde(default)]
    pub(super) signals: super::signals::FileSignals,
    #[serde(default)]
    pub(super) withdrawal: FileWithdrawal,
    #[serde(default)]
    pub(super) terms: Vec<Spanned<Terms>>,
    #[serde(default)]
    pub(super) eligibility: FileEligibility,
    #[serde(default)]
    pub(super) statements: Statements,
    #[serde(default)]
    pub(super) error: Vec<FileError>,
    #[serde(default)]
    pub(super) error_at: Vec<Text>,
    #[serde(default)]
    pub(super) errors_in_success: bool,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct FileEndpoints {
    pub(super) authorization: Option<Text>,
    pub(super) token: Option<Text>,
    pub(super) long_lived: Option<Text>,
    pub(super) refresh: Option<Text>,
    pub(super) revocation: Option<Text>,
    pub(super) introspection: Option<Text>,
    pub(super) userinfo: Option<Text>,
    pub(super) jwks: Option<Text>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct FileAuthorization {
    pub(super) parameters: BTreeMap<Text, String>,
    pub(super) ask_anew: BTreeMap<Text, String>,
    pub(super) locale_parameter: Option<String>,
    pub(super) response_mode: ResponseMode,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct FileClient {
    pub(super) authentication: Option<ClientAuthentication>,
    pub(super) assertion_audience: Option<Spanned<AssertionAudience>>,
    pub(super) id_parameter: Option<String>,
    pub(super) secret_parameter: Option<String>,
    pub(super) secrets_in_query: bool,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct FileScopes {
    pub(super) separator: Option<Spanned<char>>,
    pub(super) answer_separator: Option<Spanned<char>>,
    pub(super) answer_mixed: bool,
    pub(super) callback_parameter: Option<String>,
    pub(super) answer_member: Option<String>,
    pub(super) aliases: BTreeMap<ScopeName, Text>,
    pub(super) covers: BTreeMap<Text, Vec<ScopeName>>,
    pub(super) fixed: bool,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct FilePkce {
    pub(super) web: Pkce,
    pub(super) desktop: Option<Spanned<Pkce>>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct FileToken {
    pub(super) credential: Option<CredentialName>,
    pub(super) request: Encoding,
    pub(super) bare: bool,
    pub(super) parameters: BTreeMap<String, String>,
    pub(super) form_encoded: bool,
    pub(super) type_optional: bool,
    pub(super) types: Vec<String>,
    pub(super) account_member: OneOrMore,
    pub(super) api_member: Option<String>,
    pub(super) api_optional: bool,
    pub(super) access_seconds: Option<u32>,
    pub(super) refresh_seconds: Option<u32>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FileRefresh {
    pub(super) class: FileClass,
    pub(super) window_seconds: Option<u32>,
    pub(super) page: Option<String>,
    pub(super) checked: Option<String>,
    pub(super) idle_seconds: Option<u32>,
    pub(super) absolute_seconds: Option<u32>,
    pub(super) not_before_seconds: Option<u32>,
    #[serde(default)]
    pub(super) redirect_uri: bool,
    #[serde(default)]
    pub(super) bare: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum FileClass {
    Grace,
    Overlapping,
    SelfExtending,
    Stable,
    Static,
    Strict,
    UntilReplacementUsed,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FileRevoke {
    pub(super) style: RevokeStyle,
    pub(super) page: Option<String>,
    #[serde(default)]
    pub(super) also_ends: Vec<String>,
    #[serde(default)]
    pub(super) leaves: Vec<String>,
    #[serde(default)]
    pub(super) ends: RevokeEnds,
    #[serde(default)]
    pub(super) present: RevokePresentation,
    pub(super) token_parameter: Option<String>,
    pub(super) authenticated: Option<bool>,
    pub(super) hinted: Option<bool>,
    #[serde(default)]
    pub(super) dead: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FileIdentity {
    pub(super) source: IdentitySource,
    pub(super) id_kind: Option<String>,
    #[serde(default)]
    pub(super) id: OneOrMore,
    #[serde(default)]
    pub(super) display: Vec<String>,
    #[serde(default)]
    pub(super) issuers: Vec<Text>,
    pub(super) account_type: Option<String>,
    #[serde(default)]
    pub(super) also: BTreeMap<String, String>,
    #[serde(default)]
    pub(super) post: bool,
    pub(super) body: Option<Text>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct FileRateLimit {
    pub(super) scope: LimitScope,
    pub(super) remaining_header: Option<Text>,
    pub(super) reset_header: Option<Text>,
    pub(super) reset_format: Option<Spanned<ResetFormat>>,
    pub(super) wait_seconds: Option<u32>,
    pub(super) requests: Option<Spanned<u32>>,
    pub(super) seconds: Option<Spanned<u32>>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct FileWithdrawal {
    pub(super) steps: Vec<String>,
    pub(super) page: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct FileEligibility {
    pub(super) plain: Vec<String>,
    pub(super) account_types: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FileError {
    pub(super) code: String,
    pub(super) kind: FailureKind,
    pub(super) wait_seconds: Option<u32>,
    pub(super) scope: Option<LimitScope>,
}

/// A text, or a list of them.
#[derive(Default, Deserialize)]
#[serde(untagged)]
pub(super) enum OneOrMore {
    #[default]
    None,
    One(String),
    More(Vec<String>),
}

impl OneOrMore {
    pub(super) fn into_vec(self) -> Vec<String> {
        match self {
            Self::None => Vec::new(),
            Self::One(text) => vec![text],
            Self::More(texts) => texts,
        }
    }
}
