//! Records: whatever the libraries keep.

use std::{borrow::Cow, fmt, str::FromStr};

use bailee_core::{Error, ErrorKind, Id, Result, SubjectId, Timestamp};

/// The largest sealed part, in bytes.
pub const MAX_PART: usize = 64 * 1024;

/// The largest body, in bytes.
pub const MAX_BODY: usize = 256 * 1024;

/// What a record is (`connection`, `key.subject`): 1 to 64 bytes of lower-case ASCII letters,
/// digits, `-`, `_` and `.`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Kind(Cow<'static, str>);

impl Kind {
    /// Names a constant of the program.
    pub const fn from_static(name: &'static str) -> Self {
        Self(Cow::Borrowed(name))
    }

    /// Checks a name.
    ///
    /// # Errors
    ///
    /// Refuses ([`ErrorKind::InvalidInput`]) what has not the form above.
    pub fn new(name: impl Into<String>) -> Result<Self> {
        let name = name.into();
        let valid = (1..=64).contains(&name.len())
            && name.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.'));
        if valid {
            Ok(Self(Cow::Owned(name)))
        } else {
            Err(Error::new(ErrorKind::InvalidInput).with_detail("not a kind of record"))
        }
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Kind {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self> {
        Self::new(name)
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What names a record or a piece of work inside its tenant.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    /// What it is.
    pub kind: Kind,
    /// Which one.
    pub id: Id,
}

impl Key {
    /// Names a record.
    pub const fn new(kind: Kind, id: Id) -> Self {
        Self { kind, id }
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.kind, self.id)
    }
}

/// A small clear number of a record, out of a closed list of its kind: a state, a registration.
/// Zero by default.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Facet(pub i16);

/// Which writing of a record this is.
///
/// The first is the time of its creation in microseconds, each further one is one more: a record
/// created anew never matches a holder of the old one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Version(pub i64);

impl Version {
    /// The first version of a record created at this time.
    pub const fn first(now: Timestamp) -> Self {
        Self(now.as_micros())
    }

    /// The version that the next write makes.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

/// A body as the vault sealed it. A store neither reads nor checks more than its length.
#[derive(Clone, PartialEq, Eq)]
pub struct Sealed(Vec<u8>);

impl Sealed {
    /// Takes over sealed bytes.
    pub fn new(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }

    /// The sealed bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Sealed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sealed({} bytes)", self.0.len())
    }
}

/// A row: names and times in the clear, everything else sealed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// What it is, inside its tenant.
    pub key: Key,
    /// Whose data it is.
    pub subject: Option<SubjectId>,
    /// Its clear number.
    pub facet: Facet,
    /// When it is over. From then on it is absent to every reader.
    pub expires: Option<Timestamp>,
    /// Which writing this is; only a write that seals again changes it.
    pub version: Version,
    /// The sealed body.
    pub body: Sealed,
}

/// The one row of the whole store: instance, freezes, declaration in force; sealed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Control {
    /// Version 0 with an empty body until the first start writes it.
    pub version: Version,
    /// The sealed body.
    pub body: Sealed,
}

impl Control {
    /// The name under which a conflict speaks of the control row. There is no such record.
    pub const KEY: Key = Key::new(Kind::from_static("control"), Id::ZERO);
}

/// What one read saw, all of one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot {
    /// The store's clock.
    pub now: Timestamp,
    /// The control row.
    pub control: Control,
    /// One answer for each key that was asked, in that order.
    pub records: Vec<Option<Record>>,
}
