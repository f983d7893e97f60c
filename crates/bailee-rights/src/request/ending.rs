//! The last of an erasure in a tenant: the libraries' own records, the directory entry, the key.

use std::collections::{BTreeMap, BTreeSet};

use bailee_core::{ErrorKind, Id, Result, SubjectId, TenantId, audit::Entry};
use bailee_store::{Expect, Kind, Query};
use bailee_vault::{Draft, Holder, kind as vault_kind};

use super::{
    body::{PartBody, Stage},
    desk::Rights,
    kind,
};

/// So many records are deleted in one commit.
const AT_ONCE: usize = 200;

impl Rights {
    /// Writes down which connections are about to end. Whether there is any that was not.
    pub(super) async fn note_connections(
        &self,
        tenant: &TenantId,
        subject: SubjectId,
        part: &mut PartBody,
    ) -> Result<bool> {
        let standing = self.0.accounts.connections(tenant, subject).await?;
        let (_, ending) = part.ending.get_or_insert_with(|| (self.now(), BTreeSet::new()));
        let before = ending.len();
        ending.extend(standing);
        Ok(ending.len() > before)
    }

    /// Ends the connections that were written down, and counts what became of them as the log of each
    /// end says. Whether none is left.
    pub(super) async fn end_connections(
        &self,
        tenant: &TenantId,
        subject: SubjectId,
        part: &mut PartBody,
    ) -> Result<bool> {
        let accounts = &*self.0.accounts;
        let mut ended = part.ended.unwrap_or_default();
        let (since, ending) = part.ending.clone().unwrap_or_else(|| (self.now(), BTreeSet::new()));
        if !ending.is_empty() {
            accounts.end(tenant, subject, &ending, &part.by).await?;
        }
        let standing = accounts.connections(tenant, subject).await?;
        let (left, gone): (BTreeSet<_>, BTreeSet<_>) =
            ending.into_iter().partition(|connection| standing.contains(connection));
        let how = match gone.is_empty() {
            true => BTreeMap::new(),
            false => accounts.how_ended(tenant, subject, &gone, since).await?,
        };
        for connection in gone {
            // What nobody wrote down is not what a provider confirmed.
            let count = match how.get(&connection) {
                Some(true) => &mut ended.confirmed,
                _ => &mut ended.unconfirmed,
            };
            *count = count.saturating_add(1);
        }
        ended.left = u32::try_from(standing.len()).unwrap_or(u32::MAX);
        part.ended = Some(ended);
        part.ending = (!left.is_empty()).then_some((since, left));
        Ok(standing.is_empty())
    }

    /// Ends what was connected meanwhile, and destroys what is left. Whether it is all gone.
    pub(super) async fn end_part(
        &self,
        tenant: &TenantId,
        subject: SubjectId,
        request: Id,
        part: &mut PartBody,
    ) -> Result<bool> {
        // Its tokens are not to outlive it at the provider.
        if self.note_connections(tenant, subject, part).await? {
            return Ok(false);
        }
        match self.end_connections(tenant, subject, part).await {
            Ok(false) => return Ok(false),
            Err(error) if error.kind() != ErrorKind::Shredded => return Err(error),
            _ => {}
        }
        if !self.destroy(tenant, subject, request, part).await? {
            return Ok(false);
        }
        part.stage = Stage::Done;
        Ok(true)
    }

    /// Destroys what is left of a person in a tenant. Whether it did: nothing goes as long as something
    /// is connected.
    ///
    /// In one commit a tombstone takes the place of the person's record and the directory entry goes,
    /// from where on nothing is written for them any more; then the records go, and the key. Whoever
    /// connects writes to the person's record. So a connection that nobody saw comes after the
    /// tombstone, as another person's, or keeps it from being written: no token goes that nobody asked
    /// its provider to revoke. Each step finds by itself how far the one before it came.
    async fn destroy(
        &self,
        tenant: &TenantId,
        subject: SubjectId,
        request: Id,
        part: &mut PartBody,
    ) -> Result<bool> {
        let vault = self.vault();
        let holder = Holder::Subject(subject);
        match vault.read(tenant, holder, &[]).await {
            Ok(view) => {
                if !self.0.accounts.connections(tenant, subject).await?.is_empty() {
                    return Ok(false);
                }
                self.delete_packages(tenant, subject).await?;
                let person = vault.person(tenant, subject).await?;
                let entry_key = vault.directory_key(tenant, &person).await?;
                let tombstone = Draft::new(holder.standing(), Holder::Tenant)
                    .about(subject)
                    .facet(vault_kind::SUBJECT_ERASED)
                    .facts(1, *b"{}");
                let put = vault.put(tenant, tombstone, view.standing_record()).await?;
                let mut batch = vault
                    .batch()?
                    .op(put)
                    .audit(self.entry_of("subject.erased", subject).with("request", request));
                let (noted, entry) =
                    self.0.erasures.finished(tenant, subject, &person, request).await?;
                batch = batch.ops(noted).audit(entry);
                if let Some(key) = entry_key {
                    batch = batch.delete(key, Expect::Present);
                }
                vault.commit(tenant, batch).await?;
                vault.evict(tenant, holder);
            }
            // Whoever died between the two goes on here.
            Err(error) if error.kind() == ErrorKind::Shredded => {}
            Err(error) => return Err(error),
        }
        part.own = part.own.saturating_add(self.delete_own(tenant, subject, request).await?);
        // After the tombstone, so that nothing uses the key in between, wherever keys lie.
        let ops = vault.destroy_key(tenant, holder).await?;
        if !ops.is_empty() {
            let entry = self.entry_of("subject_key.destroyed", subject).with("of", subject);
            let batch = vault.batch()?.ops(ops).audit(entry);
            vault.commit(tenant, batch).await?;
        }
        Ok(true)
    }

    /// Deletes every record about a person but what is evidence, and says how many.
    pub(super) async fn delete_own(
        &self,
        tenant: &TenantId,
        subject: SubjectId,
        request: Id,
    ) -> Result<u64> {
        let vault = self.vault();
        let mut kept: Vec<Kind> = KEPT.to_vec();
        kept.extend(self.0.accounts.evidence());
        let mut query = Query::of_subject(subject).limit(1000);
        let mut deleted = 0;
        loop {
            let page = vault.store().find(tenant, &query).await?;
            let doomed: Vec<_> =
                page.records.iter().filter(|record| !kept.contains(&record.key.kind)).collect();
            for records in doomed.chunks(AT_ONCE) {
                let count = records.len() as u64;
                let batch = vault.batch()?.audit(
                    self.entry_of("rights.records_erased", subject)
                        .with("request", request)
                        .with("count", i64::try_from(count).unwrap_or(i64::MAX)),
                );
                // Whatever version they have: what is written anew goes as well.
                let batch = records
                    .iter()
                    .fold(batch, |batch, record| batch.delete(record.key.clone(), Expect::Present));
                vault.commit(tenant, batch).await?;
                deleted += count;
            }
            match page.next {
                Some(next) => query = query.after(next),
                None => return Ok(deleted),
            }
        }
    }

    pub(super) fn entry_of(&self, event: &'static str, subject: SubjectId) -> Entry {
        Entry::new(event, self.now()).about(subject)
    }
}

/// What an erasure leaves of the records about a person: the person's record itself, which becomes a
/// tombstone, with the directory entry and the key, which go by themselves; and evidence, in which
/// nothing says who it was about.
const KEPT: [Kind; 7] = [
    vault_kind::DIRECTORY,
    vault_kind::SUBJECT,
    vault_kind::SUBJECT_KEY,
    kind::HOLD,
    kind::PART,
    kind::REQUEST,
    kind::SWEEP,
];
