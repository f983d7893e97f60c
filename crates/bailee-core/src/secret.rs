//! Secret types: one wiped buffer under all of them.

use std::fmt;

use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

/// Bytes that came out of the vault, wiped on drop.
///
/// The capacity is fixed when it is made, so no copy is left behind by growth.
pub struct Plaintext(Zeroizing<Vec<u8>>);

impl Plaintext {
    /// Takes over a buffer. It must not have grown while the secret was in it.
    pub fn new(bytes: Zeroizing<Vec<u8>>) -> Self {
        Self(bytes)
    }

    /// Copies bytes into a wiped buffer of exactly their size.
    pub fn copy_from(bytes: &[u8]) -> Self {
        let mut buffer = Vec::with_capacity(bytes.len());
        buffer.extend_from_slice(bytes);
        Self(Zeroizing::new(buffer))
    }

    /// Shows the bytes to a closure.
    pub fn expose<T>(&self, look: impl FnOnce(&[u8]) -> T) -> T {
        look(&self.0)
    }
}

impl fmt::Debug for Plaintext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Plaintext([redacted])")
    }
}

macro_rules! secret {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        ///
        /// No `Clone`, no `Display`, no `Serialize`, no `PartialEq`; `Debug` prints a fixed word;
        /// the buffer is wiped on drop.
        pub struct $name(Plaintext);

        impl $name {
            /// Takes over a wiped buffer.
            pub fn new(bytes: Plaintext) -> Self {
                Self(bytes)
            }

            /// Copies bytes into a wiped buffer. The caller answers for the original.
            pub fn copy_from(bytes: &[u8]) -> Self {
                Self(Plaintext::copy_from(bytes))
            }

            /// Shows the bytes to a closure. Each call is a place to review.
            pub fn expose<T>(&self, look: impl FnOnce(&[u8]) -> T) -> T {
                self.0.expose(look)
            }

            /// Gives the buffer on, to be sealed.
            pub fn into_plaintext(self) -> Plaintext {
                self.0
            }

            /// Compares in constant time (lengths are not hidden).
            pub fn equals(&self, other: &Self) -> bool {
                self.0.expose(|a| other.0.expose(|b| bool::from(a.ct_eq(b))))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(concat!(stringify!($name), "([redacted])"))
            }
        }
    };
}

secret! {
    /// An access token (RFC 6749 §1.4): opaque bytes.
    AccessToken
}
secret! {
    /// A key that a person or an operator entered, where the provider offers no OAuth.
    ApiKey
}
secret! {
    /// An authorization code (RFC 6749 §1.3.1).
    AuthorizationCode
}
secret! {
    /// The random value of a flow's cookie.
    BrowserSecret
}
secret! {
    /// A client's private key for signed assertions (RFC 7523), as PKCS#8 (RFC 5958).
    ClientKey
}
secret! {
    /// A client's password at a provider (RFC 6749 §2.3.1).
    ClientSecret
}
secret! {
    /// An ID token (OpenID Connect Core §2), kept no longer than its checks.
    IdToken
}
secret! {
    /// A refresh token (RFC 6749 §1.5): opaque bytes.
    RefreshToken
}
secret! {
    /// A text that is a secret for another reason: an upload address that is its own credential.
    SecretText
}
secret! {
    /// What a provider signs its signals with: a webhook's secret, or the public key that checks
    /// them.
    SigningSecret
}
secret! {
    /// The `state` of a flow (RFC 6749 §4.1.1).
    State
}
secret! {
    /// A PKCE code verifier (RFC 7636 §4.1).
    Verifier
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sec_01_debug_prints_a_fixed_word() {
        let token = AccessToken::copy_from(b"fake-token");
        assert_eq!(format!("{token:?}"), "AccessToken([redacted])");
        assert_eq!(format!("{:?}", token.into_plaintext()), "Plaintext([redacted])");
    }

    #[test]
    fn sec_09_equality_is_by_content() {
        let a = State::copy_from(b"fake-a");
        assert!(a.equals(&State::copy_from(b"fake-a")));
        assert!(!a.equals(&State::copy_from(b"fake-b")));
        assert!(!a.equals(&State::copy_from(b"fake-")));
    }
}
