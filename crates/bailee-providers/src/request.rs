//! Requests as templates: where a secret belongs there is a reference, which the caller fills.

use std::{borrow::Cow, fmt, ops::Range, sync::Arc};

use bailee_core::{AccessToken, Effect};
use http::{HeaderName, Method};
use url::Url;

/// The largest answer that a step asks for: token answers, metadata, key sets (TOK-02).
pub const ANSWER_LIMIT: usize = 256 * 1024;

/// A request as a template. `Debug` shows method, endpoint and effect: queries and bodies may hold
/// personal data.
#[derive(Clone, PartialEq)]
#[non_exhaustive]
pub struct Request {
    /// The method.
    pub method: Method,
    /// The address.
    pub target: Target,
    /// What is appended to the address's own query, form-encoded.
    pub query: Vec<(Cow<'static, str>, Value)>,
    /// Headers other than those that follow from the payload and the authorization. A header
    /// that holds a secret is to be marked sensitive.
    pub headers: Vec<(HeaderName, Value)>,
    /// The body.
    pub payload: Payload,
    /// What stands in `Authorization`.
    pub authorization: Authorization,
    /// Whether it may be sent again when its answer was lost: [`Effect::Effect`] may not.
    pub effect: Effect,
    /// What it is for. Timeouts, breaker and audit go by this.
    pub endpoint: Endpoint,
    /// The largest answer that is read, in bytes after decompression.
    pub limit: usize,
}

impl Request {
    /// A request that asks for JSON, with no body and no authorization.
    pub fn new(
        method: Method,
        target: impl Into<Target>,
        endpoint: Endpoint,
        effect: Effect,
    ) -> Self {
        Self {
            method,
            target: target.into(),
            query: Vec::new(),
            headers: vec![(http::header::ACCEPT, Value::text("application/json"))],
            payload: Payload::Empty,
            authorization: Authorization::None,
            effect,
            endpoint,
            limit: ANSWER_LIMIT,
        }
    }

    /// Adds a parameter to the query.
    #[must_use]
    pub fn with_query(mut self, name: impl Into<Cow<'static, str>>, value: Value) -> Self {
        self.query.push((name.into(), value));
        self
    }

    /// Sets a header in place of one of the same name.
    #[must_use]
    pub fn with_header(mut self, name: HeaderName, value: Value) -> Self {
        self.headers.retain(|(known, _)| *known != name);
        self.headers.push((name, value));
        self
    }

    /// Sets the body.
    #[must_use]
    pub fn with_payload(mut self, payload: Payload) -> Self {
        self.payload = payload;
        self
    }

    /// Authorizes it with the access token (RFC 6750 §2.1).
    #[must_use]
    pub fn with_bearer(mut self) -> Self {
        self.authorization = Authorization::Bearer;
        self
    }

    /// Adds a field to the form body, or a member to the JSON object. A form is begun where there is
    /// none.
    pub fn push_field(&mut self, name: impl Into<Cow<'static, str>>, value: Value) {
        match &mut self.payload {
            Payload::Form(fields) => fields.push((name.into(), value)),
            Payload::Json(Json::Object(members)) => members.push((name.into(), value.into())),
            other => *other = Payload::Form(vec![(name.into(), value)]),
        }
    }
}

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request")
            .field("method", &self.method)
            .field("endpoint", &self.endpoint)
            .field("effect", &self.effect)
            .finish_non_exhaustive()
    }
}

/// The address of a request. `Debug` shows no more than the host.
#[derive(Clone, PartialEq)]
#[non_exhaustive]
pub enum Target {
    /// A secret address that the provider issued within this very step: that of a file which lies
    /// in storage of somebody else's. It goes to one of the spec's journal hosts
    /// ([`SpecFacts::check_journal_address`](crate::spec::SpecFacts::check_journal_address)) with
    /// GET, and neither authorization nor any secret goes with it.
    Issued(Issued),
    /// The secret address in the publication's progress ([`Progress::secret`]). It was checked
    /// against the spec's upload hosts; no authorization goes to it.
    ///
    /// [`Progress::secret`]: crate::Progress::secret
    Progress,
    /// An address on one of the spec's hosts.
    Url(Url),
}

impl From<Url> for Target {
    fn from(url: Url) -> Self {
        Self::Url(url)
    }
}

impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Issued(_) => f.write_str("Issued([redacted])"),
            Self::Progress => f.write_str("Progress"),
            Self::Url(url) => write!(f, "Url({})", url.host_str().unwrap_or("?")),
        }
    }
}

/// A value in a template. `Debug` shows references, never text.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Value {
    /// A secret that the provider issued within this very step.
    Issued(Issued),
    /// A secret behind a fixed text.
    Joined(Cow<'static, str>, SecretRef),
    /// A secret.
    Secret(SecretRef),
    /// A text that is no secret. It may be personal data.
    Text(String),
}

impl Value {
    /// A text that is no secret.
    pub fn text(text: impl Into<String>) -> Self {
        Self::Text(text.into())
    }
}

impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Issued(_) => f.write_str("Issued([redacted])"),
            Self::Joined(prefix, secret) => write!(f, "Joined({prefix:?}, {secret:?})"),
            Self::Secret(secret) => write!(f, "Secret({secret:?})"),
            Self::Text(_) => f.write_str("Text([redacted])"),
        }
    }
}

/// A token that an answer within a step held and the step's next request has to present, where a
/// provider exchanges one token for another. Clones share one buffer.
#[derive(Clone)]
pub struct Issued(Arc<AccessToken>);

impl Issued {
    /// Takes a token over.
    pub fn new(token: AccessToken) -> Self {
        Self(Arc::new(token))
    }

    /// Lends the bytes to a closure.
    pub fn expose<T>(&self, read: impl FnOnce(&[u8]) -> T) -> T {
        self.0.expose(read)
    }
}

impl PartialEq for Issued {
    /// Whether they share one buffer.
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for Issued {}

impl fmt::Debug for Issued {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Issued([redacted])")
    }
}

/// Which secret belongs in a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SecretRef {
    /// The credential's access token, or the key that was entered in its place.
    AccessToken,
    /// An assertion that is signed with the registration's private key, made anew for each request
    /// (RFC 7523 §2.2).
    ClientAssertion,
    /// The registration's secret.
    ClientSecret,
    /// The authorization code of the callback, decoded once.
    Code,
    /// The credential's refresh token.
    RefreshToken,
    /// The flow's PKCE verifier.
    Verifier,
}

/// The body of a request. `Debug` shows its form alone.
#[derive(Clone, PartialEq)]
#[non_exhaustive]
pub enum Payload {
    /// Bytes as they are.
    Bytes {
        /// The bytes. Clones share them.
        bytes: Arc<[u8]>,
        /// Their media type.
        content_type: Cow<'static, str>,
    },
    /// No body.
    Empty,
    /// `application/x-www-form-urlencoded`. Every value is encoded exactly once.
    Form(Vec<(Cow<'static, str>, Value)>),
    /// `application/json`.
    Json(Json),
    /// Bytes of the publication's media.
    Media {
        /// Which bytes.
        range: Range<u64>,
        /// Their media type.
        content_type: Cow<'static, str>,
    },
}

impl fmt::Debug for Payload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bytes { .. } => f.write_str("Bytes([redacted])"),
            Self::Empty => f.write_str("Empty"),
            Self::Form(_) => f.write_str("Form([redacted])"),
            Self::Json(_) => f.write_str("Json([redacted])"),
            Self::Media { range, .. } => write!(f, "Media({range:?})"),
        }
    }
}

/// What stands in `Authorization`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Authorization {
    /// `Bearer` and the credential's access token (RFC 6750 §2.1).
    Bearer,
    /// `Basic` with the client's id and secret (RFC 6749 §2.3.1).
    ClientBasic(BasicEncoding),
    /// No such header.
    None,
}

/// What is done to id and secret before they are joined for `Basic`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum BasicEncoding {
    /// They are joined as they are, as many servers want it.
    Raw,
    /// Each is form-encoded first (RFC 6749 §2.3.1).
    Rfc6749,
}

/// What a request is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Endpoint {
    /// An operation of the provider's API.
    Api,
    /// Metadata (OpenID Connect Discovery, RFC 8414).
    Discovery,
    /// Whose account it is.
    Identity,
    /// Token introspection (RFC 7662).
    Introspect,
    /// The provider's keys (RFC 7517).
    Jwks,
    /// Token revocation (RFC 7009).
    Revoke,
    /// The token endpoint (RFC 6749 §3.2).
    Token,
    /// Bytes of media, to an address that is its own credential.
    Upload,
}

/// A JSON body with references to secrets in it.
#[derive(Clone, PartialEq)]
#[non_exhaustive]
pub enum Json {
    /// An array.
    Array(Vec<Json>),
    /// `true` or `false`.
    Bool(bool),
    /// A number with a fraction. It is finite.
    Float(f64),
    /// A whole number.
    Integer(i64),
    /// A secret that the provider issued within this very step, as a string.
    Issued(Issued),
    /// A secret behind a fixed text, as a string.
    Joined(Cow<'static, str>, SecretRef),
    /// `null`.
    Null,
    /// An object.
    Object(Vec<(Cow<'static, str>, Json)>),
    /// A secret, as a string.
    Secret(SecretRef),
    /// A string.
    Text(String),
}

impl Json {
    /// The JSON form of a value that holds no secret.
    ///
    /// # Errors
    ///
    /// Fails with [`ErrorKind::InvalidInput`](bailee_core::ErrorKind::InvalidInput) where the value
    /// has no JSON form.
    pub fn of(value: &impl serde::Serialize) -> bailee_core::Result<Self> {
        let value = serde_json::to_value(value).map_err(|_| {
            bailee_core::Error::new(bailee_core::ErrorKind::InvalidInput)
                .with_detail("a value has no JSON form")
        })?;
        Ok(Self::from_value(value))
    }

    /// Whether a secret stands in it.
    pub fn refers_to(&self, secret: SecretRef) -> bool {
        match self {
            Self::Array(items) => items.iter().any(|item| item.refers_to(secret)),
            Self::Object(members) => members.iter().any(|(_, value)| value.refers_to(secret)),
            Self::Secret(known) | Self::Joined(_, known) => *known == secret,
            Self::Bool(_)
            | Self::Float(_)
            | Self::Integer(_)
            | Self::Issued(_)
            | Self::Null
            | Self::Text(_) => false,
        }
    }

    pub(crate) fn from_value(value: serde_json::Value) -> Self {
        match value {
            serde_json::Value::Null => Self::Null,
            serde_json::Value::Bool(value) => Self::Bool(value),
            serde_json::Value::Number(number) => match number.as_i64() {
                Some(number) => Self::Integer(number),
                None => Self::Float(number.as_f64().unwrap_or(0.0)),
            },
            serde_json::Value::String(text) => Self::Text(text),
            serde_json::Value::Array(items) => {
                Self::Array(items.into_iter().map(Self::from_value).collect())
            }
            serde_json::Value::Object(members) => Self::Object(
                members
                    .into_iter()
                    .map(|(name, value)| (Cow::Owned(name), Self::from_value(value)))
                    .collect(),
            ),
        }
    }
}

impl From<Value> for Json {
    fn from(value: Value) -> Self {
        match value {
            Value::Issued(issued) => Self::Issued(issued),
            Value::Joined(prefix, secret) => Self::Joined(prefix, secret),
            Value::Secret(secret) => Self::Secret(secret),
            Value::Text(text) => Self::Text(text),
        }
    }
}

impl fmt::Debug for Json {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Json([redacted])")
    }
}
