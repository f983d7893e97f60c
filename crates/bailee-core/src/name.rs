//! Names: short texts that cannot exist in a bad state.

use std::{borrow::Cow, fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, de};

/// A text that is not what it was meant to be. The text itself is not kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a valid {what}")]
pub struct InvalidName {
    what: &'static str,
}

impl InvalidName {
    /// Says which kind of name was refused.
    pub const fn new(what: &'static str) -> Self {
        Self { what }
    }
}

impl From<InvalidName> for crate::Error {
    fn from(error: InvalidName) -> Self {
        Self::new(crate::ErrorKind::InvalidInput).with_source(error)
    }
}

macro_rules! name {
    ($(#[$doc:meta])* $name:ident, $what:literal, $valid:expr) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
        #[serde(transparent)]
        pub struct $name(Cow<'static, str>);

        impl $name {
            /// Checks a text.
            ///
            /// # Errors
            ///
            /// Refuses a text outside the form that the type's description states.
            pub fn new(text: impl Into<String>) -> Result<Self, InvalidName> {
                let text = text.into();
                let valid: fn(&str) -> bool = $valid;
                if valid(&text) { Ok(Self(Cow::Owned(text))) } else { Err(InvalidName::new($what)) }
            }

            /// Names a constant of the program.
            ///
            /// The form is checked wherever the name is used against a declaration or a store; a
            /// constant that is none is found there at the latest.
            pub const fn from_static(text: &'static str) -> Self {
                Self(Cow::Borrowed(text))
            }

            /// The text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({})", stringify!($name), self.0)
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }

        impl std::borrow::Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = InvalidName;

            fn from_str(text: &str) -> Result<Self, InvalidName> {
                Self::new(text)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                Self::new(String::deserialize(deserializer)?).map_err(de::Error::custom)
            }
        }
    };
}

name! {
    /// A tenant: the isolation boundary (a project, a workspace, an organisation of the host).
    ///
    /// 1 to 64 bytes of printable ASCII without white space. `~` is the system's own.
    TenantId, "tenant id", |text| {
        (1..=64).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic())
    }
}

impl TenantId {
    /// What has no tenant: flows, routes, registrations of the instance, keys of the log.
    pub const SYSTEM: Self = Self::from_static("~");

    /// Whether this is the system's own tenant, which no host may act in.
    pub fn is_system(&self) -> bool {
        self.as_str() == "~"
    }
}

name! {
    /// A provider, as specs and declarations name it (`tiktok`).
    ///
    /// 1 to 48 bytes: lower-case ASCII letters, digits, `-` and `_`, beginning with a letter.
    ProviderId, "provider id", is_slug
}

name! {
    /// A registration: one OAuth client at one provider. It stands in flows, redirect paths and
    /// connections. Form as [`ProviderId`].
    RegistrationId, "registration id", is_slug
}

name! {
    /// A declared reason to process data. Form as [`ProviderId`], dots allowed.
    PurposeId, "purpose id", |text| {
        text.len() <= 64 && !text.ends_with('.') && text.split('.').all(is_slug)
    }
}

name! {
    /// Whoever receives data: a provider, a sub-processor, an authority. Form as [`ProviderId`].
    RecipientId, "recipient id", is_slug
}

name! {
    /// One token set of a connection (`user`; at Slack also `bot`). Form as [`ProviderId`].
    CredentialName, "credential name", is_slug
}

name! {
    /// The name of a running installation; a copy of its database under another name does not act.
    /// Form as [`ProviderId`].
    InstanceId, "instance id", is_slug
}

name! {
    /// A scope as a provider writes it (RFC 6749 §3.3): 1 to 255 bytes of
    /// `%x21 / %x23-5B / %x5D-7E`.
    ScopeName, "scope", |text| {
        (1..=255).contains(&text.len())
            && text.bytes().all(|b| matches!(b, 0x21 | 0x23..=0x5b | 0x5d..=0x7e))
    }
}

fn is_slug(text: &str) -> bool {
    (1..=48).contains(&text.len())
        && text.starts_with(|c: char| c.is_ascii_lowercase())
        && text.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tenants_are_short_printable_and_without_space() {
        assert!(TenantId::new("acme-1").is_ok());
        for text in ["", "a b", "a\nb", "é", &"x".repeat(65)] {
            assert!(TenantId::new(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn slugs_refuse_what_could_change_a_path() {
        for text in ["", "A", "1a", "a/b", "..", "a.b", "a%2f", "-a", &"x".repeat(49)] {
            assert!(RegistrationId::new(text).is_err(), "{text:?}");
        }
        assert!(RegistrationId::new("tiktok-eu_2").is_ok());
    }

    #[test]
    fn purposes_may_have_dots_between_slugs() {
        assert!(PurposeId::new("publish.video").is_ok());
        for text in ["publish.", ".publish", "a..b"] {
            assert!(PurposeId::new(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn a_refused_name_is_not_repeated_in_the_error() {
        let error = serde_json::from_str::<PurposeId>("\"not A purpose\"").unwrap_err();
        assert!(!error.to_string().contains("not A purpose"));
    }
}
