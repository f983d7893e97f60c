//! What can go wrong, without a word from outside.

use std::fmt;

use bailee_core::{Error, ErrorKind, Remedy};

use crate::{CheckedHost, HostRefusal};

/// Why there is no answer: a category and the host, and nothing else. The client's own error, which
/// holds the address with its query, is dropped where it arises.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SendError {
    category: Category,
    sent: Sent,
    host: Option<CheckedHost>,
}

/// What went wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Category {
    /// No connection could be made.
    Connect,
    /// The connection ended before the answer was complete.
    CutOff,
    /// What came back is not HTTP as it was asked for: malformed, or in a coding that nobody
    /// accepted.
    Protocol,
    /// The answer is a redirect.
    Redirect,
    /// The request was not allowed to leave.
    Refused(HostRefusal),
    /// The name could not be resolved.
    Resolve,
    /// It took longer than the deadline.
    Timeout,
    /// The TLS handshake failed: a certificate that is not trusted, an old version.
    Tls,
    /// The answer is larger than the request's limit.
    TooLarge,
}

/// Whether the other side may have seen something of the request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Sent {
    /// It may have. Whether it acted on it, nobody can tell.
    Maybe,
    /// Certainly not a byte of it left.
    No,
}

impl SendError {
    /// An error at no host in particular.
    pub fn new(category: Category, sent: Sent) -> Self {
        Self { category, sent, host: None }
    }

    /// A request that was refused, so nothing of it left.
    pub fn refused(refusal: HostRefusal) -> Self {
        Self::new(Category::Refused(refusal), Sent::No)
    }

    /// Says at which host.
    #[must_use]
    pub fn at(mut self, host: CheckedHost) -> Self {
        self.host = Some(host);
        self
    }

    /// What went wrong.
    pub fn category(&self) -> Category {
        self.category
    }

    /// Whether the other side may have seen something of the request.
    pub fn sent(&self) -> Sent {
        self.sent
    }

    /// The host; none when the request named one that did not pass the check.
    pub fn host(&self) -> Option<&CheckedHost> {
        self.host.as_ref()
    }
}

impl fmt::Display for SendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.category {
            Category::Connect => "no connection could be made",
            Category::CutOff => "the connection ended before the answer was complete",
            Category::Protocol => "the answer is not what was asked for",
            Category::Redirect => "the answer is a redirect",
            Category::Refused(_) => "the request may not leave",
            Category::Resolve => "the name could not be resolved",
            Category::Timeout => "it took longer than the deadline",
            Category::Tls => "the TLS handshake failed",
            Category::TooLarge => "the answer is larger than the limit",
        })?;
        if let Category::Refused(refusal) = self.category {
            write!(f, ": {refusal}")?;
        }
        if let Some(host) = &self.host {
            write!(f, " (host {host})")?;
        }
        Ok(())
    }
}

impl std::error::Error for SendError {}

impl From<SendError> for Error {
    /// A refusal is `Denied` and asks for the configuration to be mended; what never arrived or
    /// broke on the way is `ProviderUnavailable`; a redirect and a malformed answer are
    /// `ProviderRefused`; an answer over the limit is `TooLarge`. Whether a failed effect is
    /// `Ambiguous` is for the caller to say, who knows what the request does: see
    /// [`SendError::sent`].
    fn from(error: SendError) -> Self {
        let (kind, remedy) = match error.category {
            Category::Refused(_) => (ErrorKind::Denied, Some(Remedy::FixConfiguration)),
            Category::Connect
            | Category::CutOff
            | Category::Resolve
            | Category::Timeout
            | Category::Tls => (ErrorKind::ProviderUnavailable, None),
            Category::Protocol | Category::Redirect => (ErrorKind::ProviderRefused, None),
            Category::TooLarge => (ErrorKind::TooLarge, None),
        };
        let result = Self::new(kind);
        match remedy {
            Some(remedy) => result.with_remedy(remedy),
            None => result,
        }
        .with_source(error)
    }
}

#[cfg(test)]
mod tests {
    use std::error::Error as _;

    use super::*;

    #[test]
    fn every_category_has_a_kind_and_a_remedy() {
        for (category, kind) in [
            (Category::Connect, ErrorKind::ProviderUnavailable),
            (Category::CutOff, ErrorKind::ProviderUnavailable),
            (Category::Protocol, ErrorKind::ProviderRefused),
            (Category::Redirect, ErrorKind::ProviderRefused),
            (Category::Refused(HostRefusal::NotListed), ErrorKind::Denied),
            (Category::Resolve, ErrorKind::ProviderUnavailable),
            (Category::Timeout, ErrorKind::ProviderUnavailable),
            (Category::Tls, ErrorKind::ProviderUnavailable),
            (Category::TooLarge, ErrorKind::TooLarge),
        ] {
            let error = Error::from(SendError::new(category, Sent::Maybe));
            assert_eq!(error.kind(), kind, "{category:?}");
            let waits = matches!(error.remedy(), Remedy::Wait(_));
            assert_eq!(waits, kind == ErrorKind::ProviderUnavailable, "{category:?}");
        }
        let refused = Error::from(SendError::refused(HostRefusal::NotHttps));
        assert_eq!(refused.remedy(), Remedy::FixConfiguration);
        assert_eq!(
            refused.source().map(ToString::to_string).as_deref(),
            Some("the request may not leave: the scheme is not https")
        );
    }
}
