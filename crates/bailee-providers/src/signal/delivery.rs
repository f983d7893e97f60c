//! What comes to a registration's signal address, and what is answered.

use std::fmt;

use http::{HeaderMap, Method, StatusCode};

use crate::spec::TextEncoding;

/// The longest body that is read. Providers' signals are a few kilobytes.
const BODY_LIMIT: usize = 256 * 1024;

/// A request to a registration's signal address. Nothing of it is trusted, and `Debug` shows nothing
/// of it: a method too may be any word.
#[derive(Clone, Copy)]
#[non_exhaustive]
pub struct Delivery<'a> {
    /// The method.
    pub method: &'a Method,
    /// The public address that it came to, with its query as it was sent: built from the
    /// configuration, never from the request's `Host`.
    pub address: &'a str,
    /// The raw query, without `?`.
    pub query: &'a str,
    /// What stands behind the signal address in the path, where a provider is given several
    /// addresses.
    pub topic: Option<&'a str>,
    /// The headers.
    pub headers: &'a HeaderMap,
    /// The raw body.
    pub body: &'a [u8],
}

impl<'a> Delivery<'a> {
    /// A delivery without a topic.
    pub fn new(
        method: &'a Method,
        address: &'a str,
        headers: &'a HeaderMap,
        body: &'a [u8],
    ) -> Self {
        let query = address.split_once('?').map_or("", |(_, query)| query);
        Self { method, address, query, topic: None, headers, body }
    }

    /// Says which of several addresses it came to.
    #[must_use]
    pub fn with_topic(mut self, topic: Option<&'a str>) -> Self {
        self.topic = topic;
        self
    }

    /// That it came by POST, and is no longer than what is read.
    pub(crate) fn is_posted(&self) -> Result<(), SignalRefusal> {
        if self.method != Method::POST {
            return Err(SignalRefusal::Method);
        }
        if self.body.len() > BODY_LIMIT { Err(SignalRefusal::Malformed) } else { Ok(()) }
    }

    /// A header of which there is exactly one, as visible ASCII.
    ///
    /// # Errors
    ///
    /// Refuses a header that is missing, or that stands there twice: nobody says which counts.
    pub fn header(&self, name: &str) -> Result<&'a str, SignalRefusal> {
        let mut values = self.headers.get_all(name).iter();
        match (values.next(), values.next()) {
            (Some(value), None) => value.to_str().map_err(|_| SignalRefusal::Malformed),
            (None, _) => Err(SignalRefusal::Unsigned),
            (Some(_), Some(_)) => Err(SignalRefusal::Malformed),
        }
    }
}

impl fmt::Debug for Delivery<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Delivery([redacted])")
    }
}

/// Why a delivery is refused. It holds nothing of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum SignalRefusal {
    /// It is meant for another client.
    #[error("the signal is not for this registration")]
    Foreign,
    /// It comes from another issuer.
    #[error("the signal comes from another issuer")]
    Issuer,
    /// It cannot be what it should be.
    #[error("the signal is malformed")]
    Malformed,
    /// Another method than the provider uses.
    #[error("the signal came by another method")]
    Method,
    /// It was made too long ago, or in the future.
    #[error("the signal is too old or too new")]
    Stale,
    /// The provider sends nothing to this address.
    #[error("there is no such address for signals")]
    Unknown,
    /// It carries no signature.
    #[error("the signal is not signed")]
    Unsigned,
}

impl SignalRefusal {
    /// The word for it, as audit entries use it.
    pub fn code(self) -> &'static str {
        match self {
            Self::Foreign => "foreign",
            Self::Issuer => "issuer",
            Self::Malformed => "malformed",
            Self::Method => "method",
            Self::Stale => "stale",
            Self::Unknown => "unknown_address",
            Self::Unsigned => "unsigned",
        }
    }
}

/// Whether a question that a provider has repeated or signed is made of characters of which none of
/// its deliveries is: letters, digits and `-_=+/.`, 256 of them at most. Deliveries are JSON or
/// forms, with braces, quotes, colons or ampersands, so that none can be had signed by being asked
/// as a question.
pub fn is_challenge(text: &str) -> bool {
    let harmless = |b: u8| b.is_ascii_alphanumeric() || b"-_=+/.".contains(&b);
    (1..=LONGEST_CHALLENGE).contains(&text.len()) && text.bytes().all(harmless)
}

/// The longest question that is answered. Those that are known are far shorter.
const LONGEST_CHALLENGE: usize = 256;

/// What is answered to the provider.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Reply {
    /// A JSON object that says under these names where the state of the request can be read and by
    /// which code, both of which the caller makes.
    Confirmation {
        /// The member for the address of the page.
        url: &'static str,
        /// The member for the code.
        code: &'static str,
    },
    /// This JSON document.
    Json(String),
    /// A JSON document that holds a signature: the caller computes HMAC-SHA256 over `message` with
    /// the registration's secret and puts it, encoded, between the two texts.
    Signed {
        /// The secret.
        secret: super::SignalSecret,
        /// What is signed. *Must not* be able to be a body that the provider would sign, or whoever
        /// asks could have deliveries signed by us.
        message: Vec<u8>,
        /// How the signature is written.
        encoding: TextEncoding,
        /// What stands before it.
        before: String,
        /// What stands behind it.
        after: String,
    },
    /// No body.
    Status(StatusCode),
    /// This text, as `text/plain`.
    Text(String),
}

impl fmt::Debug for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Confirmation { .. } => "Reply::Confirmation",
            Self::Json(_) => "Reply::Json",
            Self::Signed { .. } => "Reply::Signed",
            Self::Status(_) => "Reply::Status",
            Self::Text(_) => "Reply::Text",
        })
    }
}
