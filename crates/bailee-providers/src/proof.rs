//! Callbacks that a provider signs with the client's secret.

use std::fmt;

use zeroize::Zeroizing;

/// What a provider says of a callback, to be checked with the registration's secret before any of
/// it is used: HMAC with SHA-256 (RFC 2104). `Debug` shows nothing of it.
#[non_exhaustive]
pub struct CallbackProof {
    /// What was signed.
    pub message: Zeroizing<Vec<u8>>,
    /// The signature.
    pub tag: Vec<u8>,
    /// Variables of the spec that the callback names. Each has to be the one that the person gave
    /// when the flow began.
    pub variables: Vec<(&'static str, String)>,
}

impl CallbackProof {
    /// A proof that names no variables.
    pub fn new(message: Zeroizing<Vec<u8>>, tag: Vec<u8>) -> Self {
        Self { message, tag, variables: Vec::new() }
    }

    /// Says which variable the callback names.
    #[must_use]
    pub fn naming(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.variables.push((name, value.into()));
        self
    }
}

impl fmt::Debug for CallbackProof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CallbackProof([redacted])")
    }
}
