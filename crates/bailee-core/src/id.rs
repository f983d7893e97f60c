//! Sixteen-byte ids: random, or a keyed hash where the id itself must be unique.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::{Random, Result, name::InvalidName, sha256};

/// A row's id: sixteen bytes, drawn at random or cut from a hash.
///
/// It says nothing about a person. `Display` writes 32 lower-case hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Id([u8; 16]);

impl Id {
    /// The id of rows of which a tenant has exactly one.
    pub const ZERO: Self = Self([0; 16]);

    /// Makes an id of its sixteen bytes.
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// Draws an id.
    ///
    /// # Errors
    ///
    /// Fails when the source of randomness fails.
    pub fn generate(random: &dyn Random) -> Result<Self> {
        let mut bytes = [0; 16];
        random.fill(&mut bytes)?;
        Ok(Self(bytes))
    }

    /// The first sixteen bytes of a SHA-256 over the parts, each behind its length.
    pub fn derive(parts: &[&[u8]]) -> Self {
        let mut message = Vec::with_capacity(parts.iter().map(|part| part.len() + 8).sum());
        for part in parts {
            message.extend_from_slice(&(part.len() as u64).to_be_bytes());
            message.extend_from_slice(part);
        }
        Self::from_digest(&sha256(&message))
    }

    /// The first sixteen bytes of a digest.
    pub fn from_digest(digest: &[u8; 32]) -> Self {
        let mut bytes = [0; 16];
        bytes.copy_from_slice(&digest[..16]);
        Self(bytes)
    }

    /// The sixteen bytes.
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Id {
    type Err = InvalidName;

    fn from_str(text: &str) -> std::result::Result<Self, InvalidName> {
        let digits = text.as_bytes();
        if digits.len() != 32 || digits.iter().any(|d| !matches!(d, b'0'..=b'9' | b'a'..=b'f')) {
            return Err(InvalidName::new("id"));
        }
        let mut bytes = [0; 16];
        for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
            *byte = nibble(pair[0]) << 4 | nibble(pair[1]);
        }
        Ok(Self(bytes))
    }
}

impl Serialize for Id {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Id {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        struct Hex;
        impl de::Visitor<'_> for Hex {
            type Value = Id;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("32 hexadecimal digits")
            }

            // The offending text is not repeated: it may come from outside.
            fn visit_str<E: de::Error>(self, text: &str) -> std::result::Result<Id, E> {
                text.parse().map_err(|_| E::custom("not an id"))
            }
        }
        deserializer.deserialize_str(Hex)
    }
}

fn nibble(digit: u8) -> u8 {
    match digit {
        b'0'..=b'9' => digit - b'0',
        _ => digit - b'a' + 10,
    }
}

macro_rules! typed_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(Id);

        impl $name {
            /// Draws one.
            ///
            /// # Errors
            ///
            /// Fails when the source of randomness fails.
            pub fn generate(random: &dyn Random) -> Result<Self> {
                Id::generate(random).map(Self)
            }

            /// Names an id that is already known to be one of these.
            pub const fn from_id(id: Id) -> Self {
                Self(id)
            }

            /// The bare id.
            pub const fn id(self) -> Id {
                self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.0, f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({})", stringify!($name), self.0)
            }
        }

        impl FromStr for $name {
            type Err = InvalidName;

            fn from_str(text: &str) -> std::result::Result<Self, InvalidName> {
                text.parse().map(Self)
            }
        }
    };
}

typed_id! {
    /// The pseudonym of a data subject: sixteen random bytes, used everywhere inside.
    ///
    /// What ties it to a person (the directory entry and the sealed `subject` body) dies in an
    /// erasure; the pseudonym itself then names nobody.
    SubjectId
}

typed_id! {
    /// The id of a connection: one account at one provider.
    ConnectionId
}

typed_id! {
    /// The id of a batch, drawn once and kept over retries, so that a commit is idempotent.
    BatchId
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn id_survives_its_text() {
        let id = Id::from_bytes([0xab; 16]);
        assert_eq!(id.to_string(), "ab".repeat(16));
        assert_eq!(id.to_string().parse::<Id>().unwrap(), id);
    }

    #[test]
    fn id_refuses_other_lengths_upper_case_and_other_digits() {
        for text in ["", "ab", &"AB".repeat(16), &"zz".repeat(16), &"ab".repeat(17)] {
            assert!(text.parse::<Id>().is_err(), "{text}");
        }
    }

    #[test]
    fn derived_ids_keep_the_boundaries_of_their_parts() {
        assert_ne!(Id::derive(&[b"ab", b"c"]), Id::derive(&[b"a", b"bc"]));
    }
}
