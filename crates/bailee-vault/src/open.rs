//! Opening the parts of one record.

use std::sync::OnceLock;

use bailee_core::{Clock, Error, ErrorKind, Id, Plaintext, Result, TenantId};
use bailee_store::{Key, Record, Version};
use zeroize::Zeroizing;

use crate::{
    cache::KeySet,
    context::Context,
    draft::{BODY, FACTS, seq_of},
    envelope::Envelope,
    error::Fault,
    facts::{Facts, Seqs},
    parts::Body,
};

/// A record with the keys of its holder.
pub(crate) struct Opener<'a> {
    pub(crate) clock: &'a dyn Clock,
    pub(crate) tenant: &'a TenantId,
    pub(crate) keys: Option<&'a KeySet>,
    pub(crate) place: &'a Key,
    pub(crate) version: Version,
    pub(crate) body: &'a [u8],
}

impl<'a> Opener<'a> {
    pub(crate) fn of_record(
        clock: &'a dyn Clock,
        tenant: &'a TenantId,
        keys: Option<&'a KeySet>,
        record: &'a Record,
    ) -> Self {
        Self {
            clock,
            tenant,
            keys,
            place: &record.key,
            version: record.version,
            body: record.body.as_bytes(),
        }
    }

    /// The facts; remembers the seqs of the other parts.
    pub(crate) fn facts(&self, known: &OnceLock<Seqs>) -> Result<Facts> {
        let (facts, seqs) = self.facts_and_seqs()?;
        let _ = known.set(seqs);
        Ok(facts)
    }

    pub(crate) fn facts_and_seqs(&self) -> Result<(Facts, Seqs)> {
        let seq = seq_of(self.version);
        match Body::parse(self.body)? {
            Body::One(sealed) => {
                let plaintext = self.open(BODY, sealed, seq)?;
                Ok(Facts::parse(plaintext, [].into_iter())?)
            }
            Body::List(parts) => {
                let (facts, others) = parts.split_first().ok_or(Fault::Malformed)?;
                if facts.name != FACTS.as_bytes() {
                    return Err(Fault::Malformed.into());
                }
                let plaintext = self.open(FACTS, facts.sealed, seq)?;
                Ok(Facts::parse(plaintext, others.iter().map(|part| part.name))?)
            }
        }
    }

    /// A secret part, if it is the one that the facts name.
    pub(crate) fn part(&self, known: &OnceLock<Seqs>, name: &str) -> Result<Plaintext> {
        let missing = || Error::new(ErrorKind::NotFound).with_detail("the record has no such part");
        let Body::List(parts) = Body::parse(self.body)? else { return Err(missing()) };
        let n = parts
            .iter()
            .skip(1)
            .position(|part| part.name == name.as_bytes())
            .ok_or_else(missing)?;
        if known.get().is_none() {
            self.facts(known)?;
        }
        let seq = known.get().and_then(|seqs| seqs.get(n)).ok_or(Fault::Refused)?;
        self.open(name, parts[n + 1].sealed, *seq).map(Plaintext::new)
    }

    fn open(&self, part: &str, sealed: &[u8], seq: u64) -> Result<Zeroizing<Vec<u8>>> {
        let envelope = Envelope::parse(sealed)?;
        let keys = self.keys.ok_or(ErrorKind::KeyMissing)?;
        let key = keys.by_id(envelope.key_id(), self.clock.monotonic())?;
        let kind = [self.place.kind.as_str()];
        let context = Context::record(self.tenant, &kind, self.place.id.as_bytes(), part)?;
        if envelope.seq() != seq {
            return Err(Fault::Refused.into());
        }
        Ok(envelope.open(&key.material, context)?)
    }
}

/// The id of the key that sealed the first part of a body.
pub(crate) fn first_key_id(body: &[u8]) -> Option<Id> {
    let sealed = match Body::parse(body).ok()? {
        Body::One(sealed) => sealed,
        Body::List(parts) => parts.first()?.sealed,
    };
    Envelope::parse(sealed).ok().map(|envelope| envelope.key_id())
}
