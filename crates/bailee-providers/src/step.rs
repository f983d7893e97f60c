//! Steps: a conversation with a provider without any I/O in it.

use std::{fmt, time::Duration};

use zeroize::Zeroizing;

use crate::{answer::Answer, failure::Failure, request::Request};

/// A conversation with a provider that ends in a `T`.
///
/// The driver calls [`next`](Step::next) with [`Input::Start`], does what is asked and calls again
/// with its outcome, until the step is done or fails.
pub trait Step<T>: Send {
    /// Takes the outcome of what was asked for and says what comes next.
    ///
    /// *Must* be driven in order, with the input that fits what was asked last; anything else is
    /// [`FailureKind::Misuse`](crate::FailureKind::Misuse). *Must not* be called again after `Done`
    /// or a failure.
    ///
    /// # Errors
    ///
    /// A [`Failure`] ends the conversation. It holds nothing of the answer.
    fn next(&mut self, input: Input) -> Result<Next<T>, Failure>;
}

impl<T, S: Step<T> + ?Sized> Step<T> for Box<S> {
    fn next(&mut self, input: Input) -> Result<Next<T>, Failure> {
        (**self).next(input)
    }
}

/// The outcome of what a step asked for.
#[derive(Debug)]
#[non_exhaustive]
pub enum Input {
    /// The answer to a [`Next::Send`]. It is wiped when the step is through with it.
    Answer(Answer),
    /// A [`Next::Wait`] is over.
    Elapsed,
    /// The beginning.
    Start,
    /// Whether the signature of a [`Next::Verify`] is good.
    Verified(bool),
}

/// What a step wants next.
#[derive(Debug)]
#[non_exhaustive]
pub enum Next<T> {
    /// It is finished.
    Done(T),
    /// Send this.
    Send(Request),
    /// Check this signature.
    Verify(Signed),
    /// Wait this long. The wait becomes work; nobody sleeps.
    Wait(Duration),
}

/// A signature to be checked. `Debug` shows the scheme alone: the message is a person's ID token.
pub struct Signed {
    /// The scheme. It stands in a list of ours and fits the key.
    pub scheme: SignatureScheme,
    /// The provider's public key.
    pub key: PublicKey,
    /// What was signed.
    pub message: Zeroizing<Vec<u8>>,
    /// The signature as JWS has it (RFC 7518 §3): for `ES256` r and s, 32 bytes each.
    pub signature: Vec<u8>,
}

impl fmt::Debug for Signed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Signed").field("scheme", &self.scheme).finish_non_exhaustive()
    }
}

/// The signature schemes that are accepted. There is no `none` and no `HS256`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SignatureScheme {
    /// Ed25519 (RFC 8037 §3.1).
    EdDsa,
    /// ECDSA with P-256 and SHA-256 (RFC 7518 §3.4).
    Es256,
    /// RSASSA-PSS with SHA-256 (RFC 7518 §3.5).
    Ps256,
    /// RSASSA-PKCS1-v1_5 with SHA-256 (RFC 7518 §3.3).
    Rs256,
}

/// A public key out of a key set (RFC 7517), as bare numbers.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PublicKey {
    /// The 32 bytes of an Ed25519 key.
    Ed25519 {
        /// The key.
        x: [u8; 32],
    },
    /// A point on P-256.
    P256 {
        /// The first coordinate.
        x: [u8; 32],
        /// The second coordinate.
        y: [u8; 32],
    },
    /// An RSA key, big-endian without leading zeros, of at least 2048 bits.
    Rsa {
        /// The modulus.
        n: Vec<u8>,
        /// The exponent.
        e: Vec<u8>,
    },
}
