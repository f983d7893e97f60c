//! Which fields a recipient may receive.

use std::{borrow::Borrow, collections::BTreeMap, fmt};

use bailee_core::{Error, ErrorKind, InvalidName, Result};
use serde::{Deserialize, Deserializer, Serialize, de};

use crate::Recipient;

/// The name of a field that a recipient receives.
///
/// 1 to 64 bytes: lower-case ASCII letters, digits and `_`, as the declaration has them.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct FieldName(String);

/// The closed list of fields that a recipient may receive, each with its greatest size.
///
/// It is a part of what is declared of a recipient. Whatever is not in it cannot be put into an
/// [`Outbound`](super::Outbound), so that nothing leaves because somebody forgot to take it out.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct AllowedFields(BTreeMap<FieldName, usize>);

impl FieldName {
    /// Checks a name.
    ///
    /// # Errors
    ///
    /// Refuses a text outside the form that the type's description states.
    pub fn new(name: impl Into<String>) -> Result<Self, InvalidName> {
        let name = name.into();
        let fits = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_';
        let valid = (1..=64).contains(&name.len()) && name.bytes().all(fits);
        if valid { Ok(Self(name)) } else { Err(InvalidName::new("name of a field")) }
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for FieldName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Borrow<str> for FieldName {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl<'de> Deserialize<'de> for FieldName {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        Self::new(String::deserialize(from)?).map_err(de::Error::custom)
    }
}

impl AllowedFields {
    /// How large a field may be where nothing else is said, in bytes.
    pub const DEFAULT_BYTES: usize = 8 * 1024;
    /// How large a field may be at most, in bytes. Together they are no longer than what a screen
    /// takes.
    pub const MAX_BYTES: usize = 256 * 1024;
    /// How many fields a list may have.
    pub const MAX_FIELDS: usize = 64;

    /// A list of names, each with the usual limit.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Configuration`] for something that is no name, for no name at all and for more
    /// than [`AllowedFields::MAX_FIELDS`].
    pub fn new<N: AsRef<str>>(names: impl IntoIterator<Item = N>) -> Result<Self> {
        let wrong = |detail: &'static str| Error::new(ErrorKind::Configuration).with_detail(detail);
        let mut fields = BTreeMap::new();
        for name in names {
            let name = FieldName::new(name.as_ref());
            let name = name.map_err(|error| wrong("fields of a recipient").with_source(error))?;
            fields.insert(name, Self::DEFAULT_BYTES);
            if fields.len() > Self::MAX_FIELDS {
                return Err(wrong("too many fields of a recipient"));
            }
        }
        if fields.is_empty() {
            return Err(wrong("a recipient without fields receives nothing"));
        }
        Ok(Self(fields))
    }

    /// The `fields` that a recipient is declared to receive.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Denied`] where none are declared: such a recipient is sent nothing by name.
    /// [`ErrorKind::Configuration`] as [`AllowedFields::new`].
    pub fn of(recipient: &Recipient) -> Result<Self> {
        if recipient.fields.is_empty() {
            let detail = format!("no fields are declared for `{}`", recipient.id);
            return Err(Error::new(ErrorKind::Denied).with_detail(detail));
        }
        Self::new(&recipient.fields)
    }

    /// What an AI provider needs to write a caption, and nothing else: `title`, `description`,
    /// `type`, `tags`, `project_name`.
    pub fn caption() -> Self {
        let limits = [
            ("description", 8192),
            ("project_name", 256),
            ("tags", 2048),
            ("title", 1024),
            ("type", 64),
        ];
        Self(limits.into_iter().map(|(name, most)| (FieldName(name.to_owned()), most)).collect())
    }

    /// Sets the greatest size of a field, in bytes.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Configuration`] for a field that is not in the list, and for a size of nothing
    /// or beyond [`AllowedFields::MAX_BYTES`].
    pub fn with_limit(mut self, name: &str, bytes: usize) -> Result<Self> {
        let field = self.0.get_mut(name).filter(|_| (1..=Self::MAX_BYTES).contains(&bytes));
        let Some(field) = field else {
            return Err(Error::new(ErrorKind::Configuration).with_detail("the limit of a field"));
        };
        *field = bytes;
        Ok(self)
    }

    /// Whether a field may leave.
    pub fn contains(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// The names, in their order.
    pub fn names(&self) -> impl Iterator<Item = &FieldName> {
        self.0.keys()
    }

    /// The entry of a name: its own spelling and its limit.
    pub(super) fn entry(&self, name: &str) -> Option<(&FieldName, usize)> {
        self.0.get_key_value(name).map(|(name, limit)| (name, *limit))
    }
}
