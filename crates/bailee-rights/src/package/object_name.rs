//! Names of objects in a spool.

use std::{fmt, str::FromStr};

use bailee_core::{Error, ErrorKind, Id, Result};
use bailee_store::Fence;
use serde::{Deserialize, Serialize};

/// The name of an object: 1 to 120 bytes of `a` to `z`, `0` to `9`, `-`, `_` and `.`, beginning with a
/// letter or a digit and without `..`. It says nothing about a person, and is a safe name for a file.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ObjectName(String);

impl ObjectName {
    /// Reads a name.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidInput`] for everything that is none.
    pub fn new(name: impl Into<String>) -> Result<Self> {
        let name = name.into();
        let good = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.');
        let begins = name.as_bytes().first().is_some_and(u8::is_ascii_alphanumeric);
        let valid = begins && name.len() <= MOST && name.bytes().all(good) && !name.contains("..");
        if valid { Ok(Self(name)) } else { Err(invalid()) }
    }

    /// The name of a part of a request's package, as whoever holds this fence writes it. Another holder
    /// writes other objects, so nobody writes into what somebody else committed.
    pub(crate) fn of(request: Id, part: &str, fence: Fence, ending: &str) -> Self {
        Self(format!("{request}.{part}.{:x}.{ending}", fence.0))
    }

    /// With what every name of a request's objects begins.
    pub(crate) fn prefix(request: Id) -> String {
        format!("{request}.")
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ObjectName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for ObjectName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for ObjectName {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self> {
        Self::new(name)
    }
}

impl TryFrom<String> for ObjectName {
    type Error = Error;

    fn try_from(name: String) -> Result<Self> {
        Self::new(name)
    }
}

impl From<ObjectName> for String {
    fn from(name: ObjectName) -> Self {
        name.0
    }
}

/// With an ending of its own a file system has room for it.
const MOST: usize = 120;

fn invalid() -> Error {
    Error::new(ErrorKind::InvalidInput).with_detail("this is no name of an object")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_leads_nowhere_else() {
        for bad in
            ["", ".", "..", "../a", "a/b", "a\\b", "a\0", "a..b", ".a", "-a", "A", "ä", "a b"]
        {
            assert!(ObjectName::new(bad).is_err(), "{bad:?}");
        }
        assert!(ObjectName::new("a".repeat(MOST)).is_ok());
        assert!(ObjectName::new("a".repeat(MOST + 1)).is_err());
    }

    #[test]
    fn names_of_parts_are_names_and_differ_by_fence() {
        let id = Id::from_bytes([9; 16]);
        let part = Id::derive(&[b"acme", b"main"]).to_string();
        let one = ObjectName::of(id, &part, Fence(1), "rows");
        assert_eq!(ObjectName::new(one.as_str()).unwrap(), one);
        assert_ne!(one, ObjectName::of(id, &part, Fence(2), "rows"));
        let least = ObjectName::of(id, &part, Fence(i64::MIN), "index");
        assert_eq!(ObjectName::new(least.as_str()).unwrap(), least);
        assert!(one.as_str().starts_with(&ObjectName::prefix(id)));
    }
}
