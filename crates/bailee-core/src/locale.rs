//! The language that a visitor reads.

use serde::{Deserialize, Serialize};

use crate::name::InvalidName;

/// A language tag (BCP 47): letters, digits and hyphens, 2 to 35 bytes, kept as it was given.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Locale(String);

impl Locale {
    /// Checks the form of a tag; whether a text exists in it is for the registry to say.
    ///
    /// # Errors
    ///
    /// Refuses what has not the form of a language tag.
    pub fn new(tag: impl Into<String>) -> Result<Self, InvalidName> {
        let tag = tag.into();
        let well_formed = (2..=35).contains(&tag.len())
            && tag.split('-').enumerate().all(|(n, part)| {
                (1..=8).contains(&part.len())
                    && part.bytes().all(|b| {
                        if n == 0 { b.is_ascii_alphabetic() } else { b.is_ascii_alphanumeric() }
                    })
            });
        if well_formed { Ok(Self(tag)) } else { Err(InvalidName::new("language tag")) }
    }

    /// The tag.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The language alone, lower case (`de` of `de-AT`).
    pub fn language(&self) -> String {
        self.0.split('-').next().unwrap_or("en").to_ascii_lowercase()
    }
}

impl Default for Locale {
    fn default() -> Self {
        Self("en".into())
    }
}

impl TryFrom<String> for Locale {
    type Error = InvalidName;

    fn try_from(tag: String) -> Result<Self, InvalidName> {
        Self::new(tag)
    }
}

impl From<Locale> for String {
    fn from(locale: Locale) -> Self {
        locale.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_checked_for_their_form() {
        for tag in ["en", "de-AT", "zh-Hant-TW"] {
            assert!(Locale::new(tag).is_ok(), "{tag}");
        }
        for tag in ["", "e", "1n", "en_US", "en-", "en\r\nx", "en-toolongpart"] {
            assert!(Locale::new(tag).is_err(), "{tag:?}");
        }
    }
}
