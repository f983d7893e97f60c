//! Why a provider's step failed, as kinds out of tables.

use std::{borrow::Cow, time::Duration};

use bailee_core::{Error, ErrorKind, ProviderCode, Remedy};
use serde::Deserialize;

use crate::{
    answer::Answer,
    retry_after::{LONGEST, retry_after},
    spec::LimitScope,
};

/// Why a step failed: a kind, a code that stands in a table, and how long to wait. Nothing that a
/// provider wrote is in it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Failure {
    /// What it means for us.
    pub kind: FailureKind,
    /// The provider's code, where it is a known one.
    pub code: Option<ProviderCode>,
    /// How long the provider asks us to wait, an hour at most (OUT-08).
    pub retry_after: Option<Duration>,
    /// What a limit is on, where this says more than the spec.
    pub scope: Option<LimitScope>,
}

impl Failure {
    /// A failure of a kind.
    pub fn new(kind: FailureKind) -> Self {
        Self { kind, code: None, retry_after: None, scope: None }
    }

    /// Says which known code the provider gave.
    #[must_use]
    pub fn with_code(mut self, code: ProviderCode) -> Self {
        self.code = Some(code);
        self
    }

    /// Says how long to wait; more than an hour becomes an hour.
    #[must_use]
    pub fn with_retry_after(mut self, wait: impl Into<Option<Duration>>) -> Self {
        self.retry_after = wait.into().map(|wait| wait.min(LONGEST));
        self
    }

    /// Takes the wait that an answer asks for in the place of its own, where it asks for one.
    #[must_use]
    pub(crate) fn with_wait_of(self, answer: &Answer) -> Self {
        let wait = retry_after(answer).or(self.retry_after);
        self.with_retry_after(wait)
    }

    /// Says what a limit is on.
    #[must_use]
    pub fn with_scope(mut self, scope: impl Into<Option<LimitScope>>) -> Self {
        self.scope = scope.into();
        self
    }

    /// What would help.
    pub fn remedy(&self) -> Remedy {
        match self.kind {
            FailureKind::AccessRejected | FailureKind::GrantOver | FailureKind::ScopeMissing => {
                Remedy::Reconnect
            }
            FailureKind::ClientConfiguration | FailureKind::Misuse | FailureKind::Unsupported => {
                Remedy::FixConfiguration
            }
            FailureKind::Ambiguous
            | FailureKind::Blocked
            | FailureKind::InvalidInput
            | FailureKind::Malformed
            | FailureKind::PersonRefused => Remedy::None,
            FailureKind::RateLimited => {
                Remedy::Wait(self.retry_after.unwrap_or(Duration::from_secs(60)))
            }
            FailureKind::Unavailable => {
                Remedy::Wait(self.retry_after.unwrap_or(Duration::from_secs(1)))
            }
        }
    }

    /// Whether the same request may succeed later without anybody doing anything.
    pub fn is_transient(&self) -> bool {
        matches!(self.kind, FailureKind::RateLimited | FailureKind::Unavailable)
    }
}

impl From<FailureKind> for Failure {
    fn from(kind: FailureKind) -> Self {
        Self::new(kind)
    }
}

impl From<Failure> for Error {
    /// The caller adds the provider and the connection.
    fn from(failure: Failure) -> Self {
        let kind = match failure.kind {
            FailureKind::AccessRejected | FailureKind::GrantOver | FailureKind::ScopeMissing => {
                ErrorKind::NeedsReconnect
            }
            FailureKind::Ambiguous => ErrorKind::Ambiguous,
            FailureKind::Blocked | FailureKind::Malformed => ErrorKind::ProviderRefused,
            FailureKind::ClientConfiguration | FailureKind::Misuse => ErrorKind::Configuration,
            FailureKind::InvalidInput => ErrorKind::InvalidInput,
            FailureKind::PersonRefused => ErrorKind::Rejected,
            FailureKind::RateLimited => ErrorKind::RateLimited,
            FailureKind::Unavailable => ErrorKind::ProviderUnavailable,
            FailureKind::Unsupported => ErrorKind::Unsupported,
        };
        let error =
            Self::new(kind).with_remedy(failure.remedy()).with_detail(failure.kind.clause());
        match failure.code {
            Some(code) => error.with_code(code),
            None => error,
        }
    }
}

/// What a failure means for us. The remedy follows from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum FailureKind {
    /// The access token is not accepted: refresh once, then try once more.
    AccessRejected,
    /// It may have had its effect; nobody can tell.
    Ambiguous,
    /// The provider refuses this for this account, and trying again does not help.
    Blocked,
    /// The registration, its secret or its approvals are wrong. People's connections stay as they
    /// are (REF-10).
    ClientConfiguration,
    /// The grant is over, or needs the person's presence: they have to connect again.
    GrantOver,
    /// What the caller gave is not acceptable.
    InvalidInput,
    /// The answer is not what it should be.
    Malformed,
    /// The driver did not follow the step.
    Misuse,
    /// The person said no on the provider's page.
    PersonRefused,
    /// Too many requests.
    RateLimited,
    /// The person has not granted the scope that this needs.
    ScopeMissing,
    /// The provider has a fault of its own.
    Unavailable,
    /// The provider has no such thing.
    Unsupported,
}

impl FailureKind {
    fn clause(self) -> &'static str {
        match self {
            Self::AccessRejected => "the access token was not accepted",
            Self::Ambiguous => "it may have had its effect",
            Self::Blocked => "the provider refuses this for this account",
            Self::ClientConfiguration => "the registration at the provider is not in order",
            Self::GrantOver => "the grant is over",
            Self::InvalidInput => "the provider does not accept what was given",
            Self::Malformed => "the answer is not what it should be",
            Self::Misuse => "the step was not driven in order",
            Self::PersonRefused => "the person refused",
            Self::RateLimited => "the provider's rate limit is reached",
            Self::ScopeMissing => "the person has not granted the scope",
            Self::Unavailable => "the provider has a fault of its own",
            Self::Unsupported => "the provider does not offer it",
        }
    }
}

/// A row of a table of codes: what a provider says, and what it means for us.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ErrorRow {
    /// The provider's code.
    pub code: Cow<'static, str>,
    /// What it means for us.
    pub kind: FailureKind,
    /// How long to wait where the provider does not say.
    pub wait: Option<Duration>,
    /// What a limit is on, where it is not what the spec says of the API as a whole.
    pub scope: Option<LimitScope>,
}

impl ErrorRow {
    /// A row without a wait.
    pub const fn new(code: &'static str, kind: FailureKind) -> Self {
        Self { code: Cow::Borrowed(code), kind, wait: None, scope: None }
    }

    /// A row of a text that was made at run time.
    pub fn of(code: impl Into<Cow<'static, str>>, kind: FailureKind) -> Self {
        Self { code: code.into(), kind, wait: None, scope: None }
    }

    /// Says how long to wait where the provider does not.
    #[must_use]
    pub const fn waiting(mut self, wait: Duration) -> Self {
        self.wait = Some(wait);
        self
    }

    /// Says that the limit is one of the account, whatever the others are.
    #[must_use]
    pub const fn of_the_account(mut self) -> Self {
        self.scope = Some(LimitScope::Account);
        self
    }

    /// The failure of this row. The code is the table's, never the answer's.
    pub fn failure(&self) -> Failure {
        Failure::new(self.kind)
            .with_code(ProviderCode::known(self.code.clone()))
            .with_retry_after(self.wait)
            .with_scope(self.scope)
    }

    /// Looks a code up, byte for byte.
    pub fn find<'a>(table: &'a [Self], code: &[u8]) -> Option<&'a Self> {
        table.iter().find(|row| row.code.as_bytes() == code)
    }
}
