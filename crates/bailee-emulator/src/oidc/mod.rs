//! An authorization server and OpenID provider that keeps to the RFCs, with a switch for each way
//! in which real ones differ.
//!
//! Metadata: OpenID Connect Discovery 1.0 §4 and RFC 8414; code flow: RFC 6749 §4.1, RFC 7636,
//! RFC 9207; tokens: RFC 6749 §5 and §6; revocation: RFC 7009; introspection: RFC 7662; ID tokens
//! and user info: OpenID Connect Core 1.0; API: RFC 6750. All addresses lie under the issuer:
//! `/authorize`, `/token`, `/revoke`, `/introspect`, `/userinfo`, `/jwks` and `/api/…` (notes in
//! pages, a large file), which stands for any protected API.

mod api;
mod assertion;
mod authorize;
mod id_token;
mod metadata;
mod revoke;
mod token;

use std::any::Any;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;

use serde_json::json;
use url::Url;

pub use self::id_token::{IdTokenFlaw, SigningAlgorithm};

pub(crate) use self::id_token::KeySet;
use crate::call::Call;
use crate::desk::Desk;
use crate::ledger::RefreshStyle;
use crate::message::{Answer, Incoming};
use crate::play::{Play, Played};
use crate::{Endpoint, Misuse};

/// The switches of an emulated issuer; what [`Issuer::new`] says is what the RFCs recommend.
///
/// ```
/// use bailee_emulator::oidc::{Issuer, Pkce};
///
/// let mut issuer = Issuer::new("https://id.example.test/tenant1");
/// issuer.pkce = Pkce::Optional;
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Issuer {
    issuer: String,
    /// Seconds for which an access token is good: 3600.
    pub access_lifetime: i64,
    /// Whether metadata says that authorization answers carry `iss`.
    pub advertises_iss: bool,
    /// Ways in which clients may authenticate; several are accepted side by side.
    pub client_auth: Vec<ClientAuth>,
    /// Seconds for which a code is good: 60.
    pub code_lifetime: i64,
    /// Whether a refresh ends the earlier access tokens.
    pub ends_old_access: bool,
    /// How `expires_in` is written.
    pub expires_in: ExpiresIn,
    /// What is wrong with ID tokens.
    pub id_token_flaw: Option<IdTokenFlaw>,
    /// Whether there is introspection.
    pub introspection: bool,
    /// The `iss` parameter of authorization answers (RFC 9207).
    pub iss: IssParameter,
    /// Metadata fields that say something else: raw JSON, or `None` to leave the field out.
    pub metadata: BTreeMap<String, Option<String>>,
    /// The addresses at which metadata is served.
    pub metadata_at: Vec<MetadataAt>,
    /// Whether PKCE with S256 is demanded.
    pub pkce: Pkce,
    /// Seconds for which a refresh token is good, anew at each refresh; `None` is for ever.
    pub refresh_lifetime: Option<i64>,
    /// Whether refresh tokens are issued for the scope `offline_access` only.
    pub refresh_needs_offline_access: bool,
    /// What becomes of a used refresh token.
    pub refresh_style: RefreshStyle,
    /// The ways in which authorization answers can come back, the first one where none is asked
    /// for.
    pub response_modes: Vec<ResponseMode>,
    /// How revocation works.
    pub revocation: Revocation,
    /// How `scope` is written in token answers.
    pub scope_shape: ScopeShape,
    /// The scopes that there are.
    pub scopes: Vec<String>,
    /// How ID tokens are signed.
    pub signing: SigningAlgorithm,
    /// The status of good token answers: 200, or 201 as some say.
    pub token_status: u16,
    /// Whether user info speaks of another subject than the ID token.
    pub userinfo_wrong_sub: bool,
}

impl Issuer {
    /// An issuer that does as the RFCs recommend. The address is checked at the start.
    #[must_use]
    pub fn new(issuer: impl Into<String>) -> Self {
        let scopes = ["openid", "profile", "email", "offline_access", "notes.read", "notes.write"];
        Self {
            issuer: issuer.into(),
            access_lifetime: 3600,
            advertises_iss: true,
            client_auth: vec![ClientAuth::Basic, ClientAuth::None, ClientAuth::Post],
            code_lifetime: 60,
            ends_old_access: false,
            expires_in: ExpiresIn::Number,
            id_token_flaw: None,
            introspection: true,
            iss: IssParameter::Right,
            metadata: BTreeMap::new(),
            metadata_at: vec![MetadataAt::OidcAppended, MetadataAt::OauthInserted],
            pkce: Pkce::Required,
            refresh_lifetime: None,
            refresh_needs_offline_access: false,
            refresh_style: RefreshStyle::Strict { kills_family: true },
            response_modes: vec![ResponseMode::Query, ResponseMode::FormPost],
            revocation: Revocation::Rfc7009 { cascades: true },
            scope_shape: ScopeShape::Space,
            scopes: scopes.map(String::from).to_vec(),
            signing: SigningAlgorithm::Es256,
            token_status: 200,
            userinfo_wrong_sub: false,
        }
    }

    /// The issuer identifier.
    #[must_use]
    pub fn identifier(&self) -> &str {
        &self.issuer
    }

    /// Lets a metadata field say something else: raw JSON.
    #[must_use]
    pub fn with_metadata(mut self, field: impl Into<String>, json: impl Into<String>) -> Self {
        self.metadata.insert(field.into(), Some(json.into()));
        self
    }

    /// Leaves a metadata field out.
    #[must_use]
    pub fn without_metadata(mut self, field: impl Into<String>) -> Self {
        self.metadata.insert(field.into(), None);
        self
    }
}

/// A way in which a client authenticates (RFC 6749 §2.3.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ClientAuth {
    /// `client_secret_basic`, id and secret form-encoded first.
    Basic,
    /// `client_secret_basic` without the encoding, as some servers read it.
    BasicRaw,
    /// `none`, for public clients.
    None,
    /// `client_secret_post`.
    Post,
    /// `private_key_jwt` (RFC 7523), with the issuer as the only audience.
    PrivateKeyJwt,
}

/// How `expires_in` is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ExpiresIn {
    /// Not at all.
    Absent,
    /// As a number.
    Number,
    /// As a string.
    Text,
}

/// The `iss` parameter of authorization answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum IssParameter {
    /// It is left out.
    Absent,
    /// It is the issuer.
    Right,
    /// It is another issuer.
    Wrong,
}

/// An address of metadata.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum MetadataAt {
    /// `/.well-known/oauth-authorization-server` before the issuer's path (RFC 8414 §3).
    OauthInserted,
    /// `/.well-known/openid-configuration` after the issuer's path (Discovery §4).
    OidcAppended,
    /// `/.well-known/openid-configuration` before the issuer's path (RFC 8414 §5).
    OidcInserted,
}

/// Whether PKCE with S256 is demanded. `plain` is always refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Pkce {
    /// The parameters have no effect.
    Ignored,
    /// Checked when sent.
    Optional,
    /// Demanded.
    Required,
}

/// How authorization answers come back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ResponseMode {
    /// By a page with a form that submits itself (OAuth 2.0 Form Post Response Mode §2).
    FormPost,
    /// In the query of a redirect (RFC 6749 §4.1.2).
    Query,
}

impl ResponseMode {
    fn name(self) -> &'static str {
        match self {
            Self::FormPost => "form_post",
            Self::Query => "query",
        }
    }
}

/// How revocation works.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Revocation {
    /// Not offered.
    Absent,
    /// Offered in metadata, and 404.
    NotFound,
    /// For refresh tokens; others are `unsupported_token_type`.
    RefreshOnly,
    /// RFC 7009.
    Rfc7009 {
        /// Whether a refresh token takes its access tokens along.
        cascades: bool,
    },
}

/// How `scope` is written in token answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ScopeShape {
    /// Not at all.
    Absent,
    /// As a JSON array.
    Array,
    /// Separated by commas.
    Comma,
    /// Separated by spaces (RFC 6749 §3.3).
    Space,
}

/// An issuer at work.
#[derive(Debug)]
pub(crate) struct IssuerDesk {
    switches: Issuer,
    host: String,
    /// The issuer's path without a slash at its end.
    base: String,
    keys: KeySet,
    notes: Vec<(String, String)>,
    /// Clients and the ids of the assertions that they presented: each is good once.
    assertions: Mutex<BTreeSet<(String, String)>>,
}

impl IssuerDesk {
    fn new(switches: Issuer) -> Result<Self, Misuse> {
        let wrong = || Misuse::Issuer(switches.issuer.clone());
        let url = Url::parse(&switches.issuer).map_err(|_| wrong())?;
        let host = url.domain().ok_or_else(wrong)?.to_owned();
        let plain = url.query().is_none() && url.fragment().is_none() && url.port().is_none();
        if url.scheme() != "https" || !plain || !url.username().is_empty() {
            return Err(wrong());
        }
        let base = url.path().trim_end_matches('/').to_owned();
        Ok(Self {
            switches,
            host,
            base,
            keys: KeySet::default(),
            notes: Vec::new(),
            assertions: Mutex::default(),
        })
    }

    pub(crate) fn rotate_keys(&mut self) {
        self.keys.rotate(self.switches.signing);
    }

    pub(crate) fn notes(&self) -> &[(String, String)] {
        &self.notes
    }

    /// The address of one of the issuer's endpoints.
    fn address(&self, path: &str) -> String {
        format!("https://{}{}{path}", self.host, self.base)
    }
}

impl Play for IssuerDesk {
    fn hosts(&self) -> Vec<String> {
        vec![self.host.clone()]
    }

    fn classify(&self, request: &Incoming) -> Endpoint {
        if self.metadata_address(&request.path).is_some() {
            return Endpoint::Discovery;
        }
        match request.path.strip_prefix(self.base.as_str()) {
            Some(path) if path.starts_with("/api/") => Endpoint::Api,
            Some("/authorize") => Endpoint::Authorize,
            Some("/authorize/decision") => Endpoint::Consent,
            Some("/introspect") => Endpoint::Introspect,
            Some("/jwks") => Endpoint::Jwks,
            Some("/revoke") => Endpoint::Revoke,
            Some("/token") => match request.form().one("grant_type") {
                Some("refresh_token") => Endpoint::Refresh,
                _ => Endpoint::Exchange,
            },
            Some("/userinfo") => Endpoint::Identity,
            _ => Endpoint::Unknown,
        }
    }

    fn handle(&mut self, desk: &mut Desk, call: &Call<'_>) -> Answer {
        let Call { endpoint, request, fault, now } = *call;
        let methods: &[&str] = match endpoint {
            Endpoint::Api | Endpoint::Identity => &["GET", "POST"],
            Endpoint::Authorize | Endpoint::Discovery | Endpoint::Jwks => &["GET"],
            _ => &["POST"],
        };
        if endpoint != Endpoint::Unknown && !methods.iter().any(|method| request.is(method)) {
            return Answer::empty(405).with("allow", &methods.join(", "));
        }
        match endpoint {
            Endpoint::Api => self.api(desk, request, now),
            Endpoint::Authorize => self.authorize(desk, request, now),
            Endpoint::Consent => self.decide(desk, request, now),
            Endpoint::Discovery => self.discovery(request),
            Endpoint::Exchange => self.exchange(desk, request, fault, now),
            Endpoint::Identity => self.user_info(desk, request, now),
            Endpoint::Introspect => self.introspect(desk, request, now),
            Endpoint::Jwks => Answer::json(200, &self.keys.jwks(self.switches.signing)),
            Endpoint::Refresh => self.refresh(desk, request, fault, now),
            Endpoint::Revoke => self.revoke(desk, request, now),
            _ => Answer::json(404, &json!({"error": "not_found"})),
        }
    }

    fn error(&self, _: &Call<'_>, status: u16, code: &str, text: &str) -> Answer {
        Answer::json(status, &json!({"error": code, "error_description": text}))
    }

    fn switches(&mut self) -> &mut dyn Any {
        &mut self.switches
    }
}

impl From<Issuer> for Played {
    /// The site is named after the issuer's host.
    fn from(issuer: Issuer) -> Self {
        let url = Url::parse(&issuer.issuer).ok();
        let host = url.as_ref().and_then(Url::domain).unwrap_or_default();
        Self::new(host, move || IssuerDesk::new(issuer.clone()))
    }
}

/// An OAuth error (RFC 6749 §5.2).
fn oauth_error(status: u16, code: &str, text: &str) -> Answer {
    Answer::json(status, &json!({"error": code, "error_description": text})).no_store()
}
