//! One error for every crate: what happened, and what would help.

use std::{borrow::Cow, error::Error as StdError, fmt, time::Duration};

use crate::{ConnectionId, ProviderId};

/// The result of everything that can fail.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// An error of the host's own, behind one of the seams that a host plugs. It is kept as a source
/// and logged by kind only.
pub type HostError = Box<dyn StdError + Send + Sync>;

/// What went wrong, with the remedy. It holds ids and known codes; no text from outside.
pub struct Error(Box<Inner>);

struct Inner {
    kind: ErrorKind,
    remedy: Option<Remedy>,
    provider: Option<ProviderId>,
    connection: Option<ConnectionId>,
    code: Option<ProviderCode>,
    detail: Option<Cow<'static, str>>,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

/// The outcomes that a caller can act on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The provider account is another one than before; the person has to say that this is meant.
    AccountMismatch,
    /// The request may have had its effect; nobody can tell.
    Ambiguous,
    /// Something that must be new exists already.
    AlreadyExists,
    /// The declaration, a registration, a key or a role is wrong; nothing was done.
    Configuration,
    /// Another write came between; read again and apply again.
    Conflict,
    /// The person whose data it is has not agreed to this purpose.
    ConsentMissing,
    /// The declaration, a person's choice or the host's access rules refuse it.
    Denied,
    /// Its time is over.
    Expired,
    /// An operator stopped it.
    Frozen,
    /// The host's own part failed.
    HostFailed,
    /// What the caller gave is not acceptable.
    InvalidInput,
    /// A key is missing although its subject lives: an alarm, never an erasure.
    KeyMissing,
    /// The connection no longer works until the person connects again.
    NeedsReconnect,
    /// No such thing in this tenant. A foreign one answers the same.
    NotFound,
    /// The provider refused or answered what it should not.
    ProviderRefused,
    /// The provider could not be reached or had a fault of its own.
    ProviderUnavailable,
    /// The database does not belong to this instance; nothing leaves and nothing is claimed.
    Quarantined,
    /// The operating system gave no randomness.
    RandomnessFailed,
    /// Too many requests.
    RateLimited,
    /// A callback or a flow was refused.
    Rejected,
    /// The key was destroyed in an erasure.
    Shredded,
    /// The store failed or could not be reached.
    StoreUnavailable,
    /// It is larger than the limit.
    TooLarge,
    /// A sealed value could not be opened. There are no reasons.
    Unopenable,
    /// A body was written by a newer release than this one.
    UnknownSchema,
    /// This provider, store or build cannot do it.
    Unsupported,
}

/// What would make a refused thing possible.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Remedy {
    /// Ask the person for consent.
    AskConsent,
    /// Ask the person to confirm.
    Confirm,
    /// Mend the declaration, a registration, a key or a role.
    FixConfiguration,
    /// Nothing would; or nothing needs to be done.
    None,
    /// Send the person through the flow again.
    Reconnect,
    /// Try again after this time.
    Wait(Duration),
}

/// An error code of a provider that is known: it stands in a table of ours or of a spec.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct ProviderCode(Cow<'static, str>);

impl ProviderCode {
    /// Names a code out of a table. Never built from an answer.
    pub fn known(code: impl Into<Cow<'static, str>>) -> Self {
        Self(code.into())
    }

    /// The code.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for ProviderCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Error {
    /// An error of a kind, with that kind's usual remedy.
    pub fn new(kind: ErrorKind) -> Self {
        Self(Box::new(Inner {
            kind,
            remedy: None,
            provider: None,
            connection: None,
            code: None,
            detail: None,
            source: None,
        }))
    }

    /// Adds a clause of our own: what was missing, which line. Never text from outside.
    #[must_use]
    pub fn with_detail(mut self, detail: impl Into<Cow<'static, str>>) -> Self {
        self.0.detail = Some(detail.into());
        self
    }

    /// Replaces the kind's usual remedy.
    #[must_use]
    pub fn with_remedy(mut self, remedy: Remedy) -> Self {
        self.0.remedy = Some(remedy);
        self
    }

    /// Says which provider.
    #[must_use]
    pub fn with_provider(mut self, provider: ProviderId) -> Self {
        self.0.provider = Some(provider);
        self
    }

    /// Says which connection.
    #[must_use]
    pub fn with_connection(mut self, connection: ConnectionId) -> Self {
        self.0.connection = Some(connection);
        self
    }

    /// Says which known code the provider gave.
    #[must_use]
    pub fn with_code(mut self, code: ProviderCode) -> Self {
        self.0.code = Some(code);
        self
    }

    /// Keeps the cause. It must hold no secret and no text from outside.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.0.source = Some(source.into());
        self
    }

    /// A host's own error may hold what nobody should read; ours do not.
    fn source_text(&self, source: &(dyn StdError + Send + Sync)) -> String {
        match self.0.kind {
            ErrorKind::HostFailed => "an error of the host's own".into(),
            _ => source.to_string(),
        }
    }

    /// The same error without its cause, for a second caller who waited for the same thing.
    #[must_use]
    pub fn without_source(&self) -> Self {
        Self(Box::new(Inner {
            kind: self.0.kind,
            remedy: self.0.remedy,
            provider: self.0.provider.clone(),
            connection: self.0.connection,
            code: self.0.code.clone(),
            detail: self.0.detail.clone(),
            source: None,
        }))
    }

    /// What happened.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// What would help.
    pub fn remedy(&self) -> Remedy {
        self.0.remedy.unwrap_or(match self.0.kind {
            ErrorKind::AccountMismatch => Remedy::Confirm,
            ErrorKind::Configuration
            | ErrorKind::KeyMissing
            | ErrorKind::Quarantined
            | ErrorKind::UnknownSchema
            | ErrorKind::Unsupported => Remedy::FixConfiguration,
            ErrorKind::ConsentMissing => Remedy::AskConsent,
            ErrorKind::Expired | ErrorKind::NeedsReconnect | ErrorKind::Rejected => {
                Remedy::Reconnect
            }
            ErrorKind::Conflict => Remedy::Wait(Duration::ZERO),
            ErrorKind::ProviderUnavailable
            | ErrorKind::RandomnessFailed
            | ErrorKind::StoreUnavailable => Remedy::Wait(Duration::from_secs(1)),
            ErrorKind::RateLimited => Remedy::Wait(Duration::from_secs(60)),
            ErrorKind::AlreadyExists
            | ErrorKind::Ambiguous
            | ErrorKind::Denied
            | ErrorKind::Frozen
            | ErrorKind::HostFailed
            | ErrorKind::InvalidInput
            | ErrorKind::NotFound
            | ErrorKind::ProviderRefused
            | ErrorKind::Shredded
            | ErrorKind::TooLarge
            | ErrorKind::Unopenable => Remedy::None,
        })
    }

    /// Which provider, where one was involved.
    pub fn provider(&self) -> Option<&ProviderId> {
        self.0.provider.as_ref()
    }

    /// Which connection, where one was involved.
    pub fn connection(&self) -> Option<ConnectionId> {
        self.0.connection
    }

    /// The provider's code, if it is a known one.
    pub fn code(&self) -> Option<&ProviderCode> {
        self.0.code.as_ref()
    }

    /// Our own clause, where there is one.
    pub fn detail(&self) -> Option<&str> {
        self.0.detail.as_deref()
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.kind.clause())?;
        if let Some(detail) = &self.0.detail {
            write!(f, ": {detail}")?;
        }
        if let Some(provider) = &self.0.provider {
            write!(f, " (provider {provider})")?;
        }
        if let Some(connection) = self.0.connection {
            write!(f, " (connection {connection})")?;
        }
        if let Some(code) = &self.0.code {
            write!(f, " (code {})", code.as_str())?;
        }
        Ok(())
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Error")
            .field("kind", &self.0.kind)
            .field("remedy", &self.remedy())
            .field("provider", &self.0.provider)
            .field("connection", &self.0.connection)
            .field("code", &self.0.code)
            .field("detail", &self.0.detail)
            .field("source", &self.0.source.as_ref().map(|source| self.source_text(&**source)))
            .finish()
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.source.as_deref().map(|source| source as &(dyn StdError + 'static))
    }
}

impl From<ErrorKind> for Error {
    fn from(kind: ErrorKind) -> Self {
        Self::new(kind)
    }
}

impl ErrorKind {
    fn clause(self) -> &'static str {
        match self {
            Self::AccountMismatch => "the provider account is not the one connected before",
            Self::Ambiguous => "the request may have had its effect",
            Self::AlreadyExists => "it exists already",
            Self::Configuration => "the configuration is wrong",
            Self::Conflict => "another write came between",
            Self::ConsentMissing => "the person has not agreed to this purpose",
            Self::Denied => "this is not allowed",
            Self::Expired => "its time is over",
            Self::Frozen => "an operator stopped it",
            Self::HostFailed => "the host's own part failed",
            Self::InvalidInput => "the input is not acceptable",
            Self::KeyMissing => "a key is missing although its subject lives",
            Self::NeedsReconnect => "the connection works again only after the person reconnects",
            Self::NotFound => "there is no such thing",
            Self::ProviderRefused => "the provider refused",
            Self::ProviderUnavailable => "the provider could not be reached or failed",
            Self::Quarantined => "the database does not belong to this instance",
            Self::RandomnessFailed => "the operating system gave no randomness",
            Self::RateLimited => "there were too many requests",
            Self::Rejected => "the flow was refused",
            Self::Shredded => "the key was destroyed in an erasure",
            Self::StoreUnavailable => "the store failed or could not be reached",
            Self::TooLarge => "it is larger than the limit",
            Self::Unopenable => "a sealed value could not be opened",
            Self::UnknownSchema => "the body was written by a newer release",
            Self::Unsupported => "it is not supported here",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_prints_one_clause_and_leaves_the_source_to_the_chain() {
        let error = Error::new(ErrorKind::ProviderRefused)
            .with_provider(ProviderId::from_static("tiktok"))
            .with_code(ProviderCode::known("invalid_grant"))
            .with_source("inner");
        assert_eq!(
            error.to_string(),
            "the provider refused (provider tiktok) (code invalid_grant)"
        );
        assert_eq!(error.source().map(ToString::to_string).as_deref(), Some("inner"));
    }

    #[test]
    fn every_error_has_a_remedy_and_it_can_be_replaced() {
        assert_eq!(Error::new(ErrorKind::ConsentMissing).remedy(), Remedy::AskConsent);
        let error = Error::new(ErrorKind::ProviderRefused).with_remedy(Remedy::Reconnect);
        assert_eq!(error.remedy(), Remedy::Reconnect);
    }
}
