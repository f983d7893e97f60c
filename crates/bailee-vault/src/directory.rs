//! People: from the host's id to the pseudonym and back; and keyed hashes.

use bailee_core::{ErrorKind, HostId, Id, Plaintext, Result, SubjectId, TenantId};
use bailee_store::{Key, Record};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::{
    Draft, Holder, Vault,
    cache::KeySet,
    cipher, draft,
    error::invalid,
    holder::Slot,
    key::KeyMaterial,
    kind,
    open::Opener,
    tree::{allow_conflict, one},
};

/// The label of the directory's keyed hashes.
const DIRECTORY: &str = "directory";

/// The part of a subject's record that holds the host's id.
const HOST: &str = "host";

/// How often a race is run again.
const ATTEMPTS: usize = 8;

#[derive(Serialize, Deserialize)]
struct DirectoryEntry {
    subject: SubjectId,
}

impl Vault {
    /// The pseudonym of a person of the host, if there is one.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Unopenable`] when the directory entry is not the one that was sealed; as
    /// [`Vault::index`] apart from that.
    pub async fn subject(&self, tenant: &TenantId, person: &HostId) -> Result<Option<SubjectId>> {
        let Some(entry) = self.directory_key(tenant, person).await? else { return Ok(None) };
        self.find_entry(tenant, entry.id).await
    }

    /// Where a person's directory entry would be, for whoever reads it along with other records
    /// and gives it to [`Vault::subject_in`]. `None` for a tenant without keys, which has nobody.
    ///
    /// # Errors
    ///
    /// As [`Vault::index`].
    pub async fn directory_key(&self, tenant: &TenantId, person: &HostId) -> Result<Option<Key>> {
        // Asking must not give a tenant its keys.
        let Some(index) = self.0.directory_keys(tenant).await? else { return Ok(None) };
        let id = self.hash(tenant, &index, DIRECTORY, &[&person.to_bytes()])?;
        Ok(Some(Key::new(kind::DIRECTORY, id)))
    }

    /// The pseudonym in a directory entry that was read. With cached keys, which
    /// [`Vault::directory_key`] leaves behind, it asks no store.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Unopenable`] when the entry is not the one that was sealed there; for the
    /// tenant's keys as [`Vault::read`].
    pub async fn subject_in(&self, tenant: &TenantId, entry: &Record) -> Result<SubjectId> {
        let keys = self.0.keys(tenant, Slot::Tenant).await?;
        let opener = Opener::of_record(&*self.0.clock, tenant, keys.as_deref(), entry);
        let (facts, _) = opener.facts_and_seqs()?;
        Ok(facts.json::<DirectoryEntry>()?.subject)
    }

    /// The pseudonym of a person of the host; a person who has none gets one, with a key, a
    /// `subject` record (facts of schema 1, `{}`) and a directory entry. Two racing callers get
    /// the same.
    ///
    /// # Errors
    ///
    /// As [`Vault::index`] and [`Vault::commit`].
    pub async fn ensure_subject(&self, tenant: &TenantId, person: &HostId) -> Result<SubjectId> {
        let host = person.to_bytes();
        let entry_id = self.index(tenant, DIRECTORY, &[&host]).await?;
        for _ in 0..ATTEMPTS {
            if let Some(subject) = self.find_entry(tenant, entry_id).await? {
                return Ok(subject);
            }
            let subject = SubjectId::generate(&*self.0.random)?;
            let slot = Slot::Subject(subject);
            // Kept apart, the key is there before the record: without it, it is of no use.
            let (key_ops, keys) = self.new_key(tenant, slot).await?;
            let record = Draft::new(Holder::Subject(subject).standing(), Holder::Subject(subject))
                .facet(kind::SUBJECT_LIVE)
                .facts(1, *b"{}")
                .part(HOST, Plaintext::copy_from(&host));
            let entry = Draft::new(Key::new(kind::DIRECTORY, entry_id), Holder::Tenant)
                .about(subject)
                .json(1, &DirectoryEntry { subject })?;
            let batch = self
                .batch()?
                .ops(key_ops)
                .op(draft::seal(&self.0, tenant, record, &keys, None, None)?)
                .op(self.put(tenant, entry, None).await?)
                .audit(self.0.entry("subject.created").about(subject));
            match self.commit(tenant, batch).await {
                Err(error) if error.kind() == ErrorKind::Conflict => {
                    if self.0.keys_apart() {
                        self.destroy_key(tenant, Holder::Subject(subject)).await?;
                    }
                }
                Err(error) => return Err(error),
                Ok(_) => return Ok(subject),
            }
        }
        Err(ErrorKind::Conflict.into())
    }

    /// Sees that the tenant has its `owner` record (the zero id, facts of schema 1, `{}`), which
    /// plays the subject's part for connections that nobody owns.
    ///
    /// # Errors
    ///
    /// As [`Vault::index`] and [`Vault::commit`].
    pub async fn ensure_owner(&self, tenant: &TenantId) -> Result<()> {
        let key = Holder::Tenant.standing();
        let asked = [key.clone()];
        if one(self.0.store.read(tenant, &asked).await?.records)?.is_some() {
            return Ok(());
        }
        let record = Draft::new(key, Holder::Tenant).facts(1, *b"{}");
        let batch = self
            .batch()?
            .op(self.put(tenant, record, None).await?)
            .audit(self.0.entry("owner.created"));
        allow_conflict(self.commit(tenant, batch).await.map(|_| ()))
    }

    /// The host's id of a subject.
    ///
    /// # Errors
    ///
    /// As [`Vault::read`] and [`crate::View::part`].
    pub async fn person(&self, tenant: &TenantId, subject: SubjectId) -> Result<HostId> {
        let view = self.read(tenant, Holder::Subject(subject), &[]).await?;
        let host = view.standing_part(HOST)?;
        Ok(host.expose(HostId::from_bytes)?)
    }

    /// A keyed hash: the id of a lookup, a reservation or a route, which says nothing without the
    /// tenant's index key.
    ///
    /// It is HMAC-SHA256 under the index key over `"bailee1/idx" || lp(tenant) || lp(label) ||
    /// lp(part) … || 0x01`, `lp(x)` = `u32 length || x`, cut to sixteen bytes.
    ///
    /// # Errors
    ///
    /// For the tenant's keys, which it makes where there are none: [`ErrorKind::StoreUnavailable`],
    /// [`ErrorKind::Configuration`], [`ErrorKind::Shredded`], [`ErrorKind::RandomnessFailed`].
    pub async fn index(
        &self,
        tenant: &TenantId,
        label: &'static str,
        parts: &[&[u8]],
    ) -> Result<Id> {
        let keys = self.0.sealing_keys(tenant, Slot::Index).await?;
        self.hash(tenant, &keys, label, parts)
    }

    fn hash(&self, tenant: &TenantId, keys: &KeySet, label: &str, parts: &[&[u8]]) -> Result<Id> {
        let key = keys.active(self.0.clock.monotonic())?;
        keyed_hash(&key.material, tenant, label, parts)
    }

    async fn find_entry(&self, tenant: &TenantId, id: Id) -> Result<Option<SubjectId>> {
        let asked = [Key::new(kind::DIRECTORY, id)];
        match one(self.0.store.read(tenant, &asked).await?.records)? {
            Some(entry) => self.subject_in(tenant, &entry).await.map(Some),
            None => Ok(None),
        }
    }
}

fn keyed_hash(key: &KeyMaterial, tenant: &TenantId, label: &str, parts: &[&[u8]]) -> Result<Id> {
    let pieces = [tenant.as_str().as_bytes(), label.as_bytes()];
    let pieces = pieces.iter().chain(parts);
    let length = pieces.clone().map(|piece| piece.len() + 4).sum();
    // What is hashed may be a person's address, so it lies in a wiped buffer that never grows.
    let mut message = Zeroizing::new(Vec::with_capacity(length));
    for piece in pieces {
        let length =
            u32::try_from(piece.len()).map_err(|_| invalid("what is hashed is too long"))?;
        message.extend_from_slice(&length.to_be_bytes());
        message.extend_from_slice(piece);
    }
    let mut id = [0; 16];
    key.expose(|key| cipher::expand(key, &[b"bailee1/idx", &message], &mut id))?;
    Ok(Id::from_bytes(id))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The block `index` of `tests/vectors/v1.txt`.
    #[test]
    fn key_01_known_answer_of_the_keyed_hash() {
        let key = KeyMaterial::copy_from(&std::array::from_fn(|n| (1 + 7 * n) as u8));
        let tenant = TenantId::from_static("acme");
        let id = keyed_hash(&key, &tenant, DIRECTORY, &[b"tada"]).unwrap();
        let line = format!("\nid = {id}\n");
        assert!(include_str!("../tests/vectors/v1.txt").contains(&line), "{id}");
        let other = TenantId::from_static("acme2");
        for other in [
            keyed_hash(&key, &tenant, DIRECTORY, &[b"t", b"ada"]),
            keyed_hash(&key, &tenant, "route", &[b"tada"]),
            keyed_hash(&key, &other, DIRECTORY, &[b"tada"]),
        ] {
            assert_ne!(id, other.unwrap());
        }
    }
}
