//! How the account is found out.

use serde::Deserialize;
use toml::Spanned;

use super::{
    Endpoints,
    check::Check,
    file::{FileIdentity, FileToken, OneOrMore},
};
use crate::request::Json;

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
    /// Where further ids stand, behind the word for their kind: other ids of the account, or of what
    /// it is a part of, that the provider may name of its own accord.
    pub also: Vec<(String, String)>,
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

impl Check<'_> {
    pub(super) fn identity(
        &mut self,
        file: Spanned<FileIdentity>,
        endpoints: &Endpoints,
        (discover, has_issuer): (bool, bool),
        token: &FileToken,
    ) -> IdentityFacts {
        let span = file.span();
        let file = file.into_inner();
        let id = file.id.into_vec();
        let members = &token.account_member;
        match file.source {
            IdentitySource::Endpoint => {
                if endpoints.userinfo.is_none() && !discover {
                    self.fault(span.clone(), "identity by endpoint needs `endpoints.userinfo`");
                }
                if id.is_empty() || file.id_kind.is_none() {
                    self.fault(span.clone(), "identity by endpoint needs `id` and `id_kind`");
                }
            }
            IdentitySource::Fingerprint => {
                if endpoints.userinfo.is_none() {
                    let what = "`endpoints.userinfo` is missing, which says whether a key is good";
                    self.fault(span.clone(), what);
                }
            }
            IdentitySource::Openid => {
                if endpoints.jwks.is_none() && !discover {
                    self.fault(span.clone(), "identity by ID token needs `endpoints.jwks`");
                }
                if !has_issuer {
                    self.fault(span.clone(), "identity by ID token needs `issuer`");
                }
            }
            IdentitySource::TokenAnswer => {
                if matches!(members, OneOrMore::None) || file.id_kind.is_none() {
                    self.fault(
                        span.clone(),
                        "identity by token answer needs `token.account_member` and `id_kind`",
                    );
                }
            }
        }
        let stated = id.iter().chain(&file.display).chain(&file.account_type);
        for pointer in stated.chain(file.also.values()) {
            if !pointer.starts_with('/') {
                self.fault(
                    span.clone(),
                    format_args!("`{pointer}` is no pointer into a document (`/data/id`)"),
                );
            }
        }
        for issuer in &file.issuers {
            let text = issuer.get_ref();
            let braces = text.matches('{').count() == text.matches('}').count();
            if file.source != IdentitySource::Openid || text.trim().is_empty() || !braces {
                self.fault(issuer.span(), "not a further issuer of ID tokens");
            }
        }
        let display = if file.display.is_empty() && file.source == IdentitySource::Openid {
            vec!["/preferred_username".into(), "/name".into()]
        } else {
            file.display
        };
        let body = file.body.and_then(|text| {
            let read = serde_json::from_str(text.get_ref()).map(Json::from_value);
            if read.is_err() {
                self.fault(text.span(), "the `body` of the question for the account is no JSON");
            }
            read.ok()
        });
        IdentityFacts {
            source: file.source,
            id_kind: file.id_kind.unwrap_or_else(|| {
                let key = file.source == IdentitySource::Fingerprint;
                if key { "fingerprint" } else { "sub" }.into()
            }),
            id: if id.is_empty() { vec!["/sub".into()] } else { id },
            issuers: file.issuers.into_iter().map(Spanned::into_inner).collect(),
            display,
            account_type: file.account_type,
            also: file.also.into_iter().collect(),
            post: file.post,
            body,
        }
    }
}
