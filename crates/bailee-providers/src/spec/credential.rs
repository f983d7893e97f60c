//! What the credential of a provider's connections is: tokens out of a flow, or a key that somebody
//! enters.

use http::{HeaderName, header};
use serde::Deserialize;
use toml::Spanned;

use super::{IdentitySource, SpecFacts, check::Check, file::File};
use crate::request::{Request, SecretRef, Value};

/// What the credential of a provider's connections is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum CredentialKind {
    /// A key that a person, a tenant's administrator or an operator makes at the provider and
    /// enters. There is no flow, nothing to renew and nothing to revoke.
    ApiKey(KeyFacts),
    /// The tokens of a flow (RFC 6749).
    #[default]
    OAuth,
    /// The tokens of a flow, which the provider reads in a header of its own.
    OAuthIn(HeaderName),
}

/// How a provider reads its keys.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct KeyFacts {
    /// The header that a key stands in.
    pub header: HeaderName,
    /// What stands before it there.
    pub prefix: String,
    /// How keys begin that are not taken, such as those that administer a whole organisation: a
    /// service that keeps one could do far more than anybody was told.
    pub refused: Vec<String>,
}

impl KeyFacts {
    /// Looks at the form of a key, before anybody is asked about it.
    ///
    /// # Errors
    ///
    /// Refuses what is not 8 to 1024 characters of visible ASCII, and the kinds of key that the
    /// spec refuses.
    pub fn check(&self, key: &[u8]) -> Result<(), KeyRefusal> {
        if !(8..=1024).contains(&key.len()) || !key.iter().all(u8::is_ascii_graphic) {
            return Err(KeyRefusal::Form);
        }
        if self.refused.iter().any(|prefix| key.starts_with(prefix.as_bytes())) {
            return Err(KeyRefusal::Kind);
        }
        Ok(())
    }
}

/// Why a key is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum KeyRefusal {
    /// It does not have the form of a key.
    Form,
    /// It is of a kind that may do too much.
    Kind,
}

impl Request {
    /// Puts the credential where the provider reads it: the key in its header, or an access token
    /// as RFC 6750 §2.1 has it.
    #[must_use]
    pub fn with_credential(self, spec: &SpecFacts) -> Self {
        match &spec.credential {
            CredentialKind::ApiKey(key)
                if key.header != header::AUTHORIZATION || key.prefix != BEARER =>
            {
                let value = Value::Joined(key.prefix.clone().into(), SecretRef::AccessToken);
                self.with_header(key.header.clone(), value)
            }
            CredentialKind::OAuthIn(header) => {
                self.with_header(header.clone(), Value::Secret(SecretRef::AccessToken))
            }
            CredentialKind::ApiKey(_) | CredentialKind::OAuth => self.with_bearer(),
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FileCredential {
    kind: FileKind,
    header: Option<Spanned<String>>,
    prefix: Option<Spanned<String>>,
    #[serde(default)]
    refused: Vec<Spanned<String>>,
}

#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum FileKind {
    ApiKey,
    Oauth,
}

impl FileCredential {
    pub(super) fn is_key(&self) -> bool {
        self.kind == FileKind::ApiKey
    }
}

impl Check<'_> {
    /// The credential, and that the rest of the file fits it.
    pub(super) fn credential(&mut self, file: &File) -> CredentialKind {
        let source = file.identity.get_ref().source;
        let Some(credential) = file.credential.as_ref().filter(|c| c.get_ref().is_key()) else {
            if source == IdentitySource::Fingerprint {
                self.fault(file.identity.span(), "only an entered key has a fingerprint");
            }
            let Some(given) = &file.credential else { return CredentialKind::OAuth };
            if given.get_ref().prefix.is_some() || !given.get_ref().refused.is_empty() {
                self.fault(given.span(), "`prefix` and `refused` belong to `api_key`");
            }
            let Some(header) = &given.get_ref().header else { return CredentialKind::OAuth };
            return match HeaderName::from_bytes(header.get_ref().as_bytes()) {
                Ok(name) if name != header::AUTHORIZATION => CredentialKind::OAuthIn(name),
                _ => {
                    self.fault(header.span(), "the header of an access token has no such name");
                    CredentialKind::OAuth
                }
            };
        };
        let span = credential.span();
        let endpoints = &file.endpoints;
        for (name, given) in [
            ("authorization", &endpoints.authorization),
            ("token", &endpoints.token),
            ("long_lived", &endpoints.long_lived),
            ("revocation", &endpoints.revocation),
            ("introspection", &endpoints.introspection),
            ("jwks", &endpoints.jwks),
        ] {
            if let Some(given) = given {
                self.fault(given.span(), format_args!("an entered key needs no `{name}`"));
            }
        }
        if let Some(discover) = file.discover.as_ref().filter(|discover| *discover.get_ref()) {
            self.fault(discover.span(), "an entered key needs no discovery");
        }
        if let Some(refresh) = &file.refresh {
            self.fault(refresh.span(), "an entered key is not renewed");
        }
        if let Some(revoke) = &file.revoke {
            self.fault(revoke.span(), "an entered key is not revoked from here");
        }
        if !matches!(source, IdentitySource::Endpoint | IdentitySource::Fingerprint) {
            self.fault(
                file.identity.span(),
                "the account of an entered key comes from an `endpoint` or its `fingerprint`",
            );
        }
        if file.withdrawal.steps.is_empty() {
            self.fault(
                span.clone(),
                "`withdrawal.steps` is missing: only a person can remove an entered key",
            );
        }
        CredentialKind::ApiKey(self.key(credential.get_ref()))
    }

    fn key(&mut self, file: &FileCredential) -> KeyFacts {
        let name = file.header.as_ref();
        let parsed = name.map(|name| name.get_ref().parse::<HeaderName>());
        let header = match (name, parsed) {
            (Some(name), Some(Ok(header))) if OF_THE_MESSAGE.contains(&header) => {
                self.fault(name.span(), "this header is not for a key");
                header
            }
            (_, Some(Ok(header))) => header,
            (Some(name), _) => {
                self.fault(name.span(), "not the name of a header");
                header::AUTHORIZATION
            }
            (None, _) => header::AUTHORIZATION,
        };
        if let Some(prefix) = &file.prefix
            && !prefix.get_ref().bytes().all(|byte| (0x20..=0x7e).contains(&byte))
        {
            self.fault(prefix.span(), "the prefix is not of printable ASCII");
        }
        for refused in &file.refused {
            if refused.get_ref().is_empty() {
                self.fault(refused.span(), "an empty beginning refuses every key");
            }
        }
        let usual = if header == header::AUTHORIZATION { BEARER } else { "" };
        KeyFacts {
            prefix: file.prefix.as_ref().map_or(usual, |prefix| prefix.get_ref()).to_owned(),
            header,
            refused: file.refused.iter().map(|refused| refused.get_ref().clone()).collect(),
        }
    }
}

const BEARER: &str = "Bearer ";

/// Headers that say something of the message itself, or that others see.
const OF_THE_MESSAGE: [HeaderName; 10] = [
    header::ACCEPT,
    header::CONNECTION,
    header::CONTENT_LENGTH,
    header::CONTENT_TYPE,
    header::COOKIE,
    header::HOST,
    header::REFERER,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
    header::USER_AGENT,
];

#[cfg(test)]
mod tests {
    use bailee_core::Effect;
    use http::Method;
    use url::Url;

    use super::*;
    use crate::{
        Spec,
        request::{Authorization, Endpoint},
        spec::{RefreshClass, RevokeStyle},
    };

    const KEYS: &str = r#"
id = "keys"
title = "Keys"
checked = "2026-11-21"
pages = ["https://keys.example.test/docs"]
hosts = ["keys.example.test"]
api = "https://keys.example.test/v1"

[credential]
kind = "api_key"
header = "x-api-key"
refused = ["fake-admin-"]

[endpoints]
userinfo = "https://keys.example.test/v1/models"

[identity]
source = "fingerprint"

[withdrawal]
steps = ["Remove the key"]
"#;

    fn detail(text: &str) -> String {
        Spec::parse(text).unwrap_err().to_string()
    }

    #[test]
    fn a_spec_of_entered_keys_needs_no_flow() {
        let spec = Spec::parse(KEYS).unwrap();
        assert!(matches!(spec.credential, CredentialKind::ApiKey(_)));
        assert_eq!(spec.refresh.class, RefreshClass::Static);
        assert_eq!(spec.revoke.style, RevokeStyle::None);
        assert_eq!(spec.token.credential.as_str(), "key");
        assert_eq!(spec.identity.id_kind, "fingerprint");
        assert!(!spec.needs_discovery());
    }

    #[test]
    fn what_does_not_fit_an_entered_key_is_named_with_its_line() {
        for (from, to, says) in [
            ("[endpoints]", "[endpoints]\ntoken = \"https://keys.example.test/t\"", "no `token`"),
            (
                "api =",
                "issuer = \"https://keys.example.test\"\ndiscover = true\napi =",
                "discovery",
            ),
            ("[identity]", "[refresh]\nclass = \"strict\"\n[identity]", "not renewed"),
            ("steps = [\"Remove the key\"]", "", "withdrawal.steps"),
            ("\"fingerprint\"", "\"openid\"", "`fingerprint`"),
            ("\"x-api-key\"", "\"cookie\"", "not for a key"),
            ("\"x-api-key\"", "\"x api\"", "not the name of a header"),
            ("\"fake-admin-\"", "\"\"", "refuses every key"),
            ("kind = \"api_key\"", "kind = \"oauth\"", "belong to `api_key`"),
            ("userinfo = \"https://keys.example.test/v1/models\"", "", "userinfo"),
        ] {
            let text = KEYS.replacen(from, to, 1);
            assert_ne!(text, KEYS);
            let detail = detail(&text);
            assert!(detail.contains(says) && detail.contains("line "), "{says}: {detail}");
        }
    }

    #[test]
    fn a_flow_has_no_fingerprint() {
        let text = KEYS.replacen("[credential]\nkind = \"api_key\"\nheader = \"x-api-key\"\nrefused = [\"fake-admin-\"]\n", "", 1);
        assert!(detail(&text).contains("only an entered key"));
    }

    #[test]
    fn keys_of_another_form_or_of_a_refused_kind_are_not_taken() {
        let spec = Spec::parse(KEYS).unwrap();
        let CredentialKind::ApiKey(facts) = &spec.credential else { unreachable!("parsed above") };
        assert_eq!(facts.check(b"fake-key-1234"), Ok(()));
        let long = [b'a'; 1025];
        for form in [&b"short"[..], b"", b"fake key with spaces", b"fake-key\r\nx: y", &long] {
            assert_eq!(facts.check(form), Err(KeyRefusal::Form));
        }
        assert_eq!(facts.check("fake-schlüssel".as_bytes()), Err(KeyRefusal::Form));
        assert_eq!(facts.check(b"fake-admin-1234"), Err(KeyRefusal::Kind));
    }

    #[test]
    fn a_key_stands_in_its_header_and_nowhere_else() {
        let url = Url::parse("https://keys.example.test/v1").unwrap();
        let request = || Request::new(Method::GET, url.clone(), Endpoint::Api, Effect::Read);
        let secret = |spec: &str| request().with_credential(&Spec::parse(spec).unwrap());
        let own = secret(KEYS);
        assert_eq!(own.authorization, Authorization::None);
        let value = Value::Joined("".into(), SecretRef::AccessToken);
        assert!(own.headers.contains(&("x-api-key".parse().unwrap(), value)));
        let bearer = secret(&KEYS.replacen("header = \"x-api-key\"", "", 1));
        assert_eq!(bearer.authorization, Authorization::Bearer);
        let named = KEYS.replacen("\"x-api-key\"", "\"authorization\"\nprefix = \"Key \"", 1);
        let named = secret(&named);
        assert_eq!(named.authorization, Authorization::None);
        let value = Value::Joined("Key ".into(), SecretRef::AccessToken);
        assert!(named.headers.contains(&(header::AUTHORIZATION, value)));
    }
}
