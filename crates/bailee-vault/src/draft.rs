//! What is to be sealed, and sealing it.

use std::io;

use bailee_core::Id;
use bailee_core::{Error, ErrorKind, Plaintext, Result, SubjectId, TenantId, Timestamp};
use bailee_store::{Expect, Facet, Key, Op, Record, Sealed, Version};
use serde::Serialize;
use zeroize::Zeroizing;

use crate::{
    Holder, Vault,
    cache::KeySet,
    context::Context,
    envelope,
    error::{Fault, invalid},
    facts::{Facts, Seqs},
    holder::Slot,
    open::{Opener, first_key_id},
    parts,
    vault::Shared,
};

/// A record to be sealed.
///
/// `facts` are what is read often, in the clear form of the crate that owns the kind; secrets are
/// raw bytes in parts of their own, so that reading the facts opens none of them.
#[derive(Debug)]
#[must_use]
pub struct Draft {
    key: Key,
    holder: Holder,
    subject: Option<SubjectId>,
    facet: Facet,
    expires: Option<Timestamp>,
    schema: u16,
    facts: Opaque,
    parts: Vec<(&'static str, Source)>,
}

#[derive(Debug)]
enum Source {
    Keep,
    New(Plaintext),
}

impl Draft {
    /// Begins a record that this holder's key seals. Its subject column is the holder's.
    pub fn new(key: Key, holder: Holder) -> Self {
        Self {
            key,
            holder,
            subject: holder.subject(),
            facet: Facet::default(),
            expires: None,
            schema: 0,
            facts: Opaque(Zeroizing::default()),
            parts: Vec::new(),
        }
    }

    /// Says whose data it is, where that is not the holder.
    pub fn about(mut self, subject: impl Into<Option<SubjectId>>) -> Self {
        self.subject = subject.into();
        self
    }

    /// Gives it a clear number out of its kind's closed list.
    pub fn facet(mut self, facet: Facet) -> Self {
        self.facet = facet;
        self
    }

    /// Says when it is over.
    pub fn expires(mut self, expires: impl Into<Option<Timestamp>>) -> Self {
        self.expires = expires.into();
        self
    }

    /// Gives it its facts. The buffer is wiped after sealing; it should not have grown while
    /// something that must not remain was in it.
    pub fn facts(mut self, schema: u16, bytes: impl Into<Vec<u8>>) -> Self {
        self.schema = schema;
        self.facts = Opaque(Zeroizing::new(bytes.into()));
        self
    }

    /// Gives it its facts as JSON, written into a buffer of exactly their size.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidInput`] when the value has no JSON.
    pub fn json<T: Serialize + ?Sized>(mut self, schema: u16, facts: &T) -> Result<Self> {
        let refused = |_| invalid("the facts have no JSON");
        let mut length = Counter(0);
        serde_json::to_writer(&mut length, facts).map_err(refused)?;
        let mut bytes = Zeroizing::new(Vec::with_capacity(length.0));
        serde_json::to_writer(&mut *bytes, facts).map_err(refused)?;
        self.schema = schema;
        self.facts = Opaque(bytes);
        Ok(self)
    }

    /// Adds a secret part: `access`, `refresh`, `pkce_verifier`. Names are 1 to 255 bytes of ASCII,
    /// each once; `facts` and `body` are taken.
    pub fn part(mut self, name: &'static str, plaintext: Plaintext) -> Self {
        self.parts.push((name, Source::New(plaintext)));
        self
    }

    /// Leaves a part of the record that this replaces as it is, sealed bytes and seq.
    pub fn keep(mut self, name: &'static str) -> Self {
        self.parts.push((name, Source::Keep));
        self
    }

    /// Whose key seals it.
    pub(crate) fn holder(&self) -> Holder {
        self.holder
    }

    fn check(&self) -> Result<()> {
        let valid = self.parts.iter().enumerate().all(|(n, (name, _))| {
            (1..=255).contains(&name.len())
                && name.is_ascii()
                && !matches!(*name, FACTS | BODY)
                && self.parts[..n].iter().all(|(earlier, _)| earlier != name)
        });
        if valid { Ok(()) } else { Err(invalid("a part of the record has no name of its own")) }
    }
}

/// The part that holds the facts of a record with other parts.
pub(crate) const FACTS: &str = "facts";

/// The part of a record that has only one.
pub(crate) const BODY: &str = "body";

impl Vault {
    /// Seals a record and gives the operation that writes it.
    ///
    /// A new record begins at the vault's time; one that replaces another carries the next
    /// version. Its lookups are left.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::UnknownSchema`] when the record that it replaces was written by a newer
    /// release; [`ErrorKind::InvalidInput`] for a draft that cannot be; [`ErrorKind::TooLarge`];
    /// [`ErrorKind::Unopenable`] when what is kept or replaced is not what was sealed;
    /// [`ErrorKind::NotFound`], [`ErrorKind::Shredded`] or [`ErrorKind::KeyMissing`] when the
    /// holder has no key; [`ErrorKind::RandomnessFailed`].
    pub async fn put(
        &self,
        tenant: &TenantId,
        draft: Draft,
        replaces: Option<&Record>,
    ) -> Result<Op> {
        self.put_inner(tenant, draft, replaces, None).await
    }

    /// As [`Vault::put`], and sets the hashes under which the record is found.
    ///
    /// # Errors
    ///
    /// As [`Vault::put`].
    pub async fn put_with_lookups(
        &self,
        tenant: &TenantId,
        draft: Draft,
        replaces: Option<&Record>,
        lookups: Vec<Id>,
    ) -> Result<Op> {
        self.put_inner(tenant, draft, replaces, Some(lookups)).await
    }

    async fn put_inner(
        &self,
        tenant: &TenantId,
        draft: Draft,
        replaces: Option<&Record>,
        lookups: Option<Vec<Id>>,
    ) -> Result<Op> {
        let slot = Slot::from(draft.holder);
        let mut keys = self.0.sealing_keys(tenant, slot).await?;
        // The record may be under a key that another process made after ours was read.
        let unknown = |keys: &KeySet| {
            replaces
                .and_then(|record| first_key_id(record.body.as_bytes()))
                .is_some_and(|id| !keys.contains(id))
        };
        if unknown(&keys) {
            keys = match self.0.load(tenant, slot).await? {
                Some(keys) => keys,
                None => return Err(ErrorKind::KeyMissing.into()),
            };
        }
        seal(&self.0, tenant, draft, &keys, replaces, lookups)
    }
}

/// Seals a draft under the keys of its holder.
pub(crate) fn seal(
    vault: &Shared,
    tenant: &TenantId,
    draft: Draft,
    keys: &KeySet,
    replaces: Option<&Record>,
    lookups: Option<Vec<Id>>,
) -> Result<Op> {
    draft.check()?;
    let kept = match replaces {
        Some(record) => Kept::of(vault, tenant, &draft, keys, record)?,
        None => Kept::nothing(),
    };
    let (version, expect) = match replaces {
        Some(record) => (record.version.next(), Expect::Version(record.version)),
        None => (Version::first(vault.clock.now()), Expect::Absent),
    };
    let seq = seq_of(version);
    let key = keys.active(vault.clock.monotonic())?;
    let Draft { key: place, subject, facet, expires, schema, facts, parts, .. } = draft;
    let seal_one = |part: &str, plaintext: &[&[u8]]| {
        let context = Context::record(tenant, &[place.kind.as_str()], place.id.as_bytes(), part)?;
        envelope::seal(key, context, seq, plaintext, &*vault.random)
    };

    let mut sealed = Vec::with_capacity(parts.len() + 1);
    let mut map = Vec::with_capacity(parts.len());
    for (name, source) in parts {
        let (body, seq) = match source {
            Source::Keep => kept.part(name)?,
            Source::New(plaintext) => {
                (plaintext.expose(|plaintext| seal_one(name, &[plaintext]))?, seq)
            }
        };
        sealed.push((name, body));
        map.push((name, seq));
    }
    let prefix = Facts::prefix(schema, map.into_iter())?;
    let facts = [prefix.as_slice(), facts.0.as_slice()];
    let body = if sealed.is_empty() {
        seal_one(BODY, &facts)?
    } else {
        sealed.insert(0, (FACTS, seal_one(FACTS, &facts)?));
        parts::write(sealed.iter().map(|(name, body)| (name.as_bytes(), body.as_slice())))?
    };
    let record = Record { key: place, subject, facet, expires, version, body: Sealed::new(body) };
    Ok(Op::Put { record, expect, lookups })
}

/// The seq of what a commit writes as this version.
pub(crate) fn seq_of(version: Version) -> u64 {
    version.0.cast_unsigned()
}

/// What stays of the record that is replaced.
struct Kept<'a> {
    record: Option<&'a Record>,
    seqs: Option<Seqs>,
}

impl<'a> Kept<'a> {
    fn nothing() -> Self {
        Self { record: None, seqs: None }
    }

    fn of(
        vault: &Shared,
        tenant: &TenantId,
        draft: &Draft,
        keys: &KeySet,
        record: &'a Record,
    ) -> Result<Self> {
        if record.key != draft.key {
            return Err(invalid("a record can replace only itself"));
        }
        // Under another holder's key (a tombstone over a subject that may have no key left) there
        // is nothing to keep, and the schema is not known.
        if !first_key_id(record.body.as_bytes()).is_some_and(|id| keys.contains(id)) {
            return Ok(Self { record: Some(record), seqs: None });
        }
        let opener = Opener::of_record(&*vault.clock, tenant, Some(keys), record);
        let (facts, seqs) = opener.facts_and_seqs()?;
        if facts.schema() > draft.schema {
            return Err(Error::new(ErrorKind::UnknownSchema)
                .with_detail("a newer release wrote the record that would be replaced"));
        }
        Ok(Self { record: Some(record), seqs: Some(seqs) })
    }

    fn part(&self, name: &str) -> Result<(Vec<u8>, u64)> {
        let record = self.record.ok_or_else(|| invalid("a new record has no part to keep"))?;
        let seqs = self.seqs.as_ref().ok_or(Fault::UnknownKey)?;
        let list = match parts::Body::parse(record.body.as_bytes())? {
            parts::Body::One(_) => Vec::new(),
            parts::Body::List(list) => list,
        };
        let missing = || Error::new(ErrorKind::NotFound).with_detail("there is no part to keep");
        let (part, seq) = list
            .iter()
            .skip(1)
            .zip(seqs)
            .find(|(part, _)| part.name == name.as_bytes())
            .ok_or_else(missing)?;
        // Otherwise an old part that somebody put into the row would be made good here.
        if envelope::Envelope::parse(part.sealed)?.seq() != *seq {
            return Err(Fault::Refused.into());
        }
        Ok((part.sealed.to_vec(), *seq))
    }
}

/// Facts that are not shown.
struct Opaque(Zeroizing<Vec<u8>>);

impl std::fmt::Debug for Opaque {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("[redacted]")
    }
}

/// Counts what is written.
struct Counter(usize);

impl io::Write for Counter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 += bytes.len();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
