//! The query of a callback: its shape, and the comparisons that need nothing but it.

use std::fmt;

use bailee_core::{AuthorizationCode, ScopeName, State};
use percent_encoding::percent_decode;
use zeroize::Zeroizing;

use crate::{
    failure::{ErrorRow, Failure, FailureKind},
    rfc::scope_list,
    spec::Spec,
};

/// The longest query that is read (CALL-02).
pub const QUERY_LIMIT: usize = 8 * 1024;

/// What came back to the redirect URI. Nothing of it is trusted yet, so `Debug` shows no text of it.
#[non_exhaustive]
pub struct Callback {
    /// The state, to find the flow by.
    pub state: State,
    /// What happened at the provider.
    pub outcome: Outcome,
    /// The issuer, if it is named (RFC 9207 §2).
    pub iss: Option<String>,
}

/// What happened at the provider. `Debug` shows which of the two, and the failure.
#[non_exhaustive]
pub enum Outcome {
    /// It gave a code.
    Code {
        /// The code, decoded once.
        code: AuthorizationCode,
        /// What was granted, where the provider says so this early. The token answer is the truth.
        scopes: Option<Vec<ScopeName>>,
    },
    /// It gave an error (RFC 6749 §4.1.2.1).
    Refused {
        /// What it means for us.
        failure: Failure,
        /// What the provider wrote about it, tamed. It is for nobody's eyes but an operator's.
        description: Option<HostileText>,
    },
}

impl fmt::Debug for Callback {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Callback")
            .field("outcome", &self.outcome)
            .field("iss", &self.iss.is_some())
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Code { .. } => f.write_str("Code([redacted])"),
            Self::Refused { failure, .. } => {
                f.debug_struct("Refused").field("failure", failure).finish_non_exhaustive()
            }
        }
    }
}

/// Why a callback is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CallbackRefusal {
    /// A code and an error stand beside each other.
    #[error("the callback has both a code and an error")]
    Both,
    /// A known parameter stands twice.
    #[error("the callback has a parameter twice")]
    Duplicate,
    /// The issuer is another one than the flow's (RFC 9207 §2.4).
    #[error("the callback is of another issuer")]
    IssuerMismatch,
    /// The provider says that it names the issuer, and does not.
    #[error("the callback does not name its issuer")]
    IssuerMissing,
    /// There is neither a code nor an error.
    #[error("the callback has neither a code nor an error")]
    Neither,
    /// There is no state.
    #[error("the callback has no state")]
    NoState,
    /// The query is longer than [`QUERY_LIMIT`].
    #[error("the query of the callback is too long")]
    TooLong,
    /// A value cannot be what it should be.
    #[error("a value of the callback is malformed")]
    Malformed,
}

impl From<CallbackRefusal> for bailee_core::Error {
    fn from(refusal: CallbackRefusal) -> Self {
        Self::new(bailee_core::ErrorKind::Rejected).with_source(refusal)
    }
}

impl Callback {
    /// Reads a raw query (CALL-02): at most [`QUERY_LIMIT`] bytes, each known parameter at most
    /// once, either a code or an error. Each value is decoded exactly once; other parameters are
    /// not looked at.
    ///
    /// # Errors
    ///
    /// Says which of these does not hold.
    pub fn parse(spec: &Spec, query: &str) -> Result<Self, CallbackRefusal> {
        if query.len() > QUERY_LIMIT {
            return Err(CallbackRefusal::TooLong);
        }
        let one = |name: &str| -> Result<Option<Zeroizing<Vec<u8>>>, CallbackRefusal> {
            let mut found = query
                .split('&')
                .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
                .filter(|(key, _)| form_decode(key).as_slice() == name.as_bytes());
            let first = found.next().map(|(_, value)| form_decode(value));
            if found.next().is_some() { Err(CallbackRefusal::Duplicate) } else { Ok(first) }
        };
        let (code, error) = (one("code")?, one("error")?);
        let (state, iss) = (one("state")?, one("iss")?);
        let description = one("error_description")?;
        // Read so that a second one is noticed; never followed (CALL-08).
        one("error_uri")?;
        let scopes = match &spec.scopes.callback_parameter {
            Some(name) => one(name)?,
            None => None,
        };
        let state = state.filter(|state| !state.is_empty()).ok_or(CallbackRefusal::NoState)?;
        let iss = match iss {
            None => None,
            Some(iss) => Some(
                std::str::from_utf8(&iss)
                    .map(ToOwned::to_owned)
                    .map_err(|_| CallbackRefusal::Malformed)?,
            ),
        };
        let outcome = match (code, error) {
            (Some(_), Some(_)) => return Err(CallbackRefusal::Both),
            (None, None) => return Err(CallbackRefusal::Neither),
            (Some(code), None) if code.is_empty() => return Err(CallbackRefusal::Neither),
            (Some(code), None) => Outcome::Code {
                code: AuthorizationCode::copy_from(&code),
                scopes: match scopes {
                    None => None,
                    Some(list) => Some(
                        scope_list::split(&list, spec.scopes.answer_separators())
                            .ok_or(CallbackRefusal::Malformed)?,
                    ),
                },
            },
            (None, Some(error)) => Outcome::Refused {
                failure: ErrorRow::find(&spec.errors, &error)
                    .map_or(Failure::new(FailureKind::Malformed), ErrorRow::failure),
                description: description.map(|text| HostileText::tame(&text)),
            },
        };
        Ok(Self { state: State::copy_from(&state), outcome, iss })
    }

    /// Compares the issuer with the flow's (RFC 9207 §2.4), for codes and errors alike: byte for
    /// byte, with no normalisation. It *must* be there where the provider says that it sends it,
    /// and where it is there it *must* be right.
    ///
    /// # Errors
    ///
    /// Says whether it is missing or another.
    pub fn check_issuer(&self, spec: &Spec, issuer: Option<&str>) -> Result<(), CallbackRefusal> {
        match (&self.iss, issuer) {
            (None, _) if spec.iss_in_callback => Err(CallbackRefusal::IssuerMissing),
            (None, _) => Ok(()),
            (Some(named), Some(expected)) if named == expected => Ok(()),
            (Some(_), _) => Err(CallbackRefusal::IssuerMismatch),
        }
    }
}

/// Text that a provider wrote (CALL-08). Bytes outside `%x20-21 / %x23-5B / %x5D-7E` are dropped,
/// and so is what comes after 256 characters. It is never shown to a person and never followed;
/// `Debug` does not print it.
#[derive(Clone, PartialEq, Eq)]
pub struct HostileText(String);

impl HostileText {
    /// Tames a text.
    pub fn tame(text: &[u8]) -> Self {
        Self(
            text.iter()
                .filter(|b| matches!(b, 0x20..=0x21 | 0x23..=0x5b | 0x5d..=0x7e))
                .take(256)
                .map(|b| char::from(*b))
                .collect(),
        )
    }

    /// What is left. It still says what somebody else chose.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for HostileText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HostileText([redacted])")
    }
}

/// Decodes a value of a form once (WHATWG URL §5.1), into a wiped buffer that does not grow.
pub(crate) fn form_decode(text: &str) -> Zeroizing<Vec<u8>> {
    let mut decoded = Zeroizing::new(Vec::with_capacity(text.len()));
    for part in text.split_inclusive('+') {
        let (text, space) = part.strip_suffix('+').map_or((part, false), |text| (text, true));
        decoded.extend(percent_decode(text.as_bytes()));
        if space {
            decoded.push(b' ');
        }
    }
    decoded
}
