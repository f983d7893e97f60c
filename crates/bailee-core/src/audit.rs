//! Audit entries: what happened, in typed fields that cannot hold a secret or a name.
//!
//! An entry's `event` names what happened (`connection.connected`). Its fields are ids, words of
//! the program, numbers, times and checked names. Personal data, where an entry needs any, lies in
//! a part sealed under the subject's key, so that it dies with that key while the entry's hash,
//! which covers the sealed bytes, stays good.

use std::{borrow::Cow, fmt};

use crate::{
    Actor, ConnectionId, CredentialName, Id, ProviderId, PurposeId, RecipientId, RegistrationId,
    Sha256, SubjectId, TenantId, Timestamp,
};

/// One thing that happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    at: Timestamp,
    event: Cow<'static, str>,
    subject: Option<SubjectId>,
    fields: Vec<(Cow<'static, str>, Field)>,
    sealed: Option<Vec<u8>>,
}

/// A value that an entry may hold.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Field {
    /// A SHA-256.
    Digest([u8; 32]),
    /// An id.
    Id(Id),
    /// A number.
    Number(i64),
    /// A time.
    Time(Timestamp),
    /// A word of the program or a checked name.
    Word(Cow<'static, str>),
}

/// Bytes that are no entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not an audit payload")]
pub struct InvalidPayload;

impl Entry {
    /// An entry about something. `event` is a word of the program, at most 64 bytes.
    pub fn new(event: &'static str, at: Timestamp) -> Self {
        Self { at, event: Cow::Borrowed(event), subject: None, fields: Vec::new(), sealed: None }
    }

    /// Says whose data it was about.
    #[must_use]
    pub fn about(mut self, subject: impl Into<Option<SubjectId>>) -> Self {
        self.subject = subject.into();
        self
    }

    /// Says who did it. Which provider it was stands in the entry's own field `provider`, which an
    /// entry needs then.
    #[must_use]
    pub fn by(self, actor: &Actor) -> Self {
        let entry = self.with("actor", Field::Word(Cow::Borrowed(actor.word())));
        match actor {
            Actor::Agent { subject, run } => entry.with("for", *subject).with("run", *run),
            Actor::Member { subject } => entry.with("member", *subject),
            Actor::Operator { operator } => entry.with("operator", *operator),
            Actor::Schedule { subject, schedule } => {
                entry.with("for", *subject).with("schedule", *schedule)
            }
            Actor::Provider { .. } | Actor::Subject { .. } | Actor::System => entry,
        }
    }

    /// Adds a field.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl Into<Field>) -> Self {
        self.fields.push((Cow::Borrowed(name), value.into()));
        self
    }

    /// Adds a field where there is a value for it.
    #[must_use]
    pub fn with_some(self, name: &'static str, value: Option<impl Into<Field>>) -> Self {
        match value {
            Some(value) => self.with(name, value),
            None => self,
        }
    }

    /// Adds personal data, sealed under the subject's key.
    #[must_use]
    pub fn with_sealed(mut self, sealed: Vec<u8>) -> Self {
        self.sealed = Some(sealed);
        self
    }

    /// When it happened, by the clock of whoever wrote the entry.
    pub fn at(&self) -> Timestamp {
        self.at
    }

    /// What happened.
    pub fn event(&self) -> &str {
        &self.event
    }

    /// Whose data it was about.
    pub fn subject(&self) -> Option<SubjectId> {
        self.subject
    }

    /// The fields, in the order in which they were added.
    pub fn fields(&self) -> impl Iterator<Item = (&str, &Field)> {
        self.fields.iter().map(|(name, field)| (name.as_ref(), field))
    }

    /// The value of a field.
    pub fn field(&self, name: &str) -> Option<&Field> {
        self.fields().find(|(known, _)| *known == name).map(|(_, field)| field)
    }

    /// The sealed part.
    pub fn sealed(&self) -> Option<&[u8]> {
        self.sealed.as_deref()
    }

    /// Fields and sealed part as bytes, for a store's `payload` column.
    ///
    /// `0x01, u8 count`, then per field `u8 length || name || tag || value` (a word is
    /// `u16 length || bytes`; numbers and times are big-endian), then, if there is a sealed part,
    /// `u32 length || bytes`.
    pub fn payload(&self) -> Vec<u8> {
        // Names are words of the program and words are checked names or cut here, so the lengths
        // fit their fields.
        let mut out = vec![1, u8::try_from(self.fields.len()).unwrap_or(u8::MAX)];
        for (name, field) in self.fields.iter().take(usize::from(u8::MAX)) {
            let name = &name.as_bytes()[..name.len().min(usize::from(u8::MAX))];
            out.push(name.len() as u8);
            out.extend_from_slice(name);
            match field {
                Field::Digest(digest) => {
                    out.push(b'd');
                    out.extend_from_slice(digest);
                }
                Field::Id(id) => {
                    out.push(b'i');
                    out.extend_from_slice(id.as_bytes());
                }
                Field::Number(number) => {
                    out.push(b'n');
                    out.extend_from_slice(&number.to_be_bytes());
                }
                Field::Time(time) => {
                    out.push(b't');
                    out.extend_from_slice(&time.as_micros().to_be_bytes());
                }
                Field::Word(word) => {
                    let word = &word.as_bytes()[..word.len().min(usize::from(u16::MAX))];
                    out.push(b'w');
                    out.extend_from_slice(&(word.len() as u16).to_be_bytes());
                    out.extend_from_slice(word);
                }
            }
        }
        if let Some(sealed) = &self.sealed {
            out.extend_from_slice(&(sealed.len() as u32).to_be_bytes());
            out.extend_from_slice(sealed);
        }
        out
    }

    /// Reads an entry back from a store's columns.
    ///
    /// # Errors
    ///
    /// Refuses bytes that [`Entry::payload`] does not write.
    pub fn from_columns(
        at: Timestamp,
        event: String,
        subject: Option<SubjectId>,
        payload: &[u8],
    ) -> Result<Self, InvalidPayload> {
        let mut reader = Reader(payload);
        if reader.take(1)? != [1] {
            return Err(InvalidPayload);
        }
        let count = reader.take(1)?[0];
        let mut fields = Vec::with_capacity(usize::from(count));
        for _ in 0..count {
            let length = usize::from(reader.take(1)?[0]);
            let name = reader.text(length)?;
            let field = match reader.take(1)?[0] {
                b'd' => Field::Digest(reader.array()?),
                b'i' => Field::Id(Id::from_bytes(reader.array()?)),
                b'n' => Field::Number(i64::from_be_bytes(reader.array()?)),
                b't' => Field::Time(Timestamp::from_micros(i64::from_be_bytes(reader.array()?))),
                b'w' => {
                    let length = usize::from(u16::from_be_bytes(reader.array()?));
                    Field::Word(Cow::Owned(reader.text(length)?))
                }
                _ => return Err(InvalidPayload),
            };
            fields.push((Cow::Owned(name), field));
        }
        let sealed = if reader.0.is_empty() {
            None
        } else {
            let length = u32::from_be_bytes(reader.array()?) as usize;
            Some(reader.take(length)?.to_vec())
        };
        if !reader.0.is_empty() {
            return Err(InvalidPayload);
        }
        Ok(Self { at, event: Cow::Owned(event), subject, fields, sealed })
    }

    /// The hash under which this entry stands in the log: a leaf of RFC 6962 §2.1 (SHA-256 over a
    /// zero byte and the entry).
    ///
    /// The entry is `u16 length || tenant || u16 length || event || batch || u16 n || i64 at ||
    /// subject (a zero byte, or a one and sixteen bytes) || payload`.
    pub fn hash(&self, tenant: &TenantId, batch: Id, n: u16) -> [u8; 32] {
        let mut hash = Sha256::default();
        hash.update(&[0]);
        for part in [tenant.as_str(), &self.event] {
            hash.update(&(part.len() as u16).to_be_bytes());
            hash.update(part.as_bytes());
        }
        hash.update(batch.as_bytes());
        hash.update(&n.to_be_bytes());
        hash.update(&self.at.as_micros().to_be_bytes());
        match self.subject {
            None => hash.update(&[0]),
            Some(subject) => {
                hash.update(&[1]);
                hash.update(subject.id().as_bytes());
            }
        }
        hash.update(&self.payload());
        hash.finish()
    }
}

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, length: usize) -> Result<&'a [u8], InvalidPayload> {
        let (head, rest) = self.0.split_at_checked(length).ok_or(InvalidPayload)?;
        self.0 = rest;
        Ok(head)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], InvalidPayload> {
        self.take(N)?.try_into().map_err(|_| InvalidPayload)
    }

    fn text(&mut self, length: usize) -> Result<String, InvalidPayload> {
        String::from_utf8(self.take(length)?.to_vec()).map_err(|_| InvalidPayload)
    }
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Digest(digest) => digest.iter().try_for_each(|byte| write!(f, "{byte:02x}")),
            Self::Id(id) => fmt::Display::fmt(id, f),
            Self::Number(number) => fmt::Display::fmt(number, f),
            Self::Time(time) => fmt::Display::fmt(time, f),
            Self::Word(word) => f.write_str(word),
        }
    }
}

impl fmt::Debug for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl From<&'static str> for Field {
    fn from(word: &'static str) -> Self {
        Self::Word(Cow::Borrowed(word))
    }
}

impl From<i64> for Field {
    fn from(number: i64) -> Self {
        Self::Number(number)
    }
}

impl From<u32> for Field {
    fn from(number: u32) -> Self {
        Self::Number(i64::from(number))
    }
}

impl From<Timestamp> for Field {
    fn from(time: Timestamp) -> Self {
        Self::Time(time)
    }
}

impl From<[u8; 32]> for Field {
    fn from(digest: [u8; 32]) -> Self {
        Self::Digest(digest)
    }
}

impl From<Id> for Field {
    fn from(id: Id) -> Self {
        Self::Id(id)
    }
}

impl From<SubjectId> for Field {
    fn from(subject: SubjectId) -> Self {
        Self::Id(subject.id())
    }
}

impl From<ConnectionId> for Field {
    fn from(connection: ConnectionId) -> Self {
        Self::Id(connection.id())
    }
}

macro_rules! field_from_name {
    ($($name:ident),*) => {$(
        impl From<&$name> for Field {
            fn from(name: &$name) -> Self {
                Self::Word(Cow::Owned(name.as_str().to_owned()))
            }
        }
    )*};
}

field_from_name!(CredentialName, ProviderId, PurposeId, RecipientId, RegistrationId);

#[cfg(test)]
mod tests {
    use super::*;

    fn entry() -> Entry {
        Entry::new("connection.connected", Timestamp::from_micros(5))
            .about(SubjectId::from_id(Id::from_bytes([1; 16])))
            .by(&Actor::System)
            .with("provider", &ProviderId::from_static("tiktok"))
            .with("count", 3_i64)
            .with("until", Timestamp::from_micros(9))
            .with("connection", Id::from_bytes([2; 16]))
            .with("text", [3; 32])
            .with_sealed(vec![1, 2, 3])
    }

    fn read(payload: &[u8]) -> Result<Entry, InvalidPayload> {
        let entry = entry();
        Entry::from_columns(entry.at, entry.event.into_owned(), entry.subject, payload)
    }

    #[test]
    fn entries_survive_their_columns() {
        assert_eq!(read(&entry().payload()).unwrap(), entry());
    }

    #[test]
    fn every_truncation_and_extension_is_refused_or_differs() {
        let payload = entry().payload();
        for length in 0..payload.len() {
            assert!(read(&payload[..length]).map_or(true, |read| read != entry()), "{length}");
        }
        assert!(read(&[payload, vec![0]].concat()).is_err());
    }

    #[test]
    fn the_hash_covers_every_column() {
        let tenant = TenantId::from_static("acme");
        let hash = entry().hash(&tenant, Id::ZERO, 0);
        let others = [
            entry().hash(&TenantId::from_static("acm"), Id::ZERO, 0),
            entry().hash(&tenant, Id::from_bytes([1; 16]), 0),
            entry().hash(&tenant, Id::ZERO, 1),
            Entry { at: Timestamp::from_micros(6), ..entry() }.hash(&tenant, Id::ZERO, 0),
            Entry { event: "x".into(), ..entry() }.hash(&tenant, Id::ZERO, 0),
            Entry { subject: None, ..entry() }.hash(&tenant, Id::ZERO, 0),
            entry().with("more", 1_i64).hash(&tenant, Id::ZERO, 0),
            entry().with_sealed(vec![9]).hash(&tenant, Id::ZERO, 0),
        ];
        for other in others {
            assert_ne!(hash, other);
        }
    }
}
