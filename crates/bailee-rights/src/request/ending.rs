//! The last of an erasure in a tenant: the libraries' own records, the directory entry, the key.

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
    /// Ends what was connected meanwhile, and destroys what is left. Whether it is all gone.
    pub(super) async fn end_part(
        &self,
        tenant: &TenantId,
        subject: SubjectId,
        request: Id,
        part: &mut PartBody,
    ) -> Result<bool> {
        // Its tokens are not to outlive it at the provider.
        match self.end_connections(tenant, subject, part).await {
            Ok(false) => return Ok(false),
            Err(error) if error.kind() != ErrorKind::Shredded => return Err(error),
            _ => {}
        }
        self.destroy(tenant, subject, request, part).await?;
        part.stage = Stage::Done;
        Ok(true)
    }

    /// Destroys what is left of a person in a tenant.
    ///
    /// The records go first; then, in one commit, a tombstone takes the place of the person's record
    /// and the directory entry goes, from where on nothing is written for them any more; then the key.
    /// What was written in between opens for nobody, and goes as well. Each step finds by itself how
    /// far the one before it came.
    pub(super) async fn destroy(
        &self,
        tenant: &TenantId,
        subject: SubjectId,
        request: Id,
        part: &mut PartBody,
    ) -> Result<()> {
        let vault = self.vault();
        let holder = Holder::Subject(subject);
        match vault.read(tenant, holder, &[]).await {
            Ok(view) => {
                self.delete_packages(tenant, subject).await?;
                part.own =
                    part.own.saturating_add(self.delete_own(tenant, subject, request).await?);
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
        // After the tombstone, so that nothing uses the key in between, wherever keys lie.
        let ops = vault.destroy_key(tenant, holder).await?;
        if !ops.is_empty() {
            let entry = self.entry_of("subject_key.destroyed", subject).with("of", subject);
            let batch = vault.batch()?.ops(ops).audit(entry);
            vault.commit(tenant, batch).await?;
        }
        part.own = part.own.saturating_add(self.delete_own(tenant, subject, request).await?);
        Ok(())
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
