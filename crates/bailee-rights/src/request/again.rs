//! Erasing somebody whom a restored database brought back.

use async_trait::async_trait;
use bailee_core::{ErrorKind, HostId, Id, Result, SubjectId, TenantId};
use bailee_store::{Expect, Query};
use bailee_vault::{Draft, Holder, kind as vault_kind};

use super::{
    Right,
    body::{MatterBody, PartBody, SourceBody},
    desk::Rights,
};
use crate::erased::EraseAgain;

/// How often the sources are gone through before it is asked again.
const ROUNDS: usize = 1000;

#[async_trait]
impl EraseAgain for Rights {
    async fn erase_again(
        &self,
        tenant: &TenantId,
        subject: SubjectId,
        request: Id,
    ) -> Result<bool> {
        match self.whose(tenant, subject, request).await {
            Ok(whose) => {
                // What was held then was released before it was erased; and nothing is asked of
                // providers: their tokens were revoked then.
                let mut part = self.part_again(tenant);
                for source in &mut part.sources {
                    source.found = true;
                }
                for _ in 0..ROUNDS {
                    if self.erase_sources(&mut part, &whose).await?
                        && self.look_again(&mut part, &whose).await?
                    {
                        self.end_again(tenant, subject, Some(whose.person()), request).await?;
                        return Ok(true);
                    }
                    if part.sources.iter().any(|source| source.fault.is_some()) {
                        return Ok(false);
                    }
                }
                Ok(false)
            }
            Err(error) => match error.kind() {
                // The key is gone, in a store of its own: nobody can say any more who it was, and what
                // is left of them here opens for nobody.
                ErrorKind::KeyMissing => {
                    self.end_again(tenant, subject, None, request).await.map(|()| true)
                }
                ErrorKind::NotFound | ErrorKind::Shredded => Ok(true),
                _ => Err(error),
            },
        }
    }
}

impl Rights {
    /// A part that is written down nowhere.
    fn part_again(&self, tenant: &TenantId) -> PartBody {
        let sources = self.0.sources.iter().map(|source| SourceBody::new(&source.facts().name));
        let (right, by) = (Right::Erasure, bailee_core::Actor::System);
        PartBody::new(right, tenant.clone(), by, MatterBody::Plain, sources.collect())
    }

    /// Destroys what is left of somebody.
    ///
    /// No work row goes on with this, as one does with an erasure that is asked for. So the key goes no
    /// later than the commit in which the ledger says that they are erased: nobody comes back to what
    /// was left then. Nothing is used meanwhile, so it may go before it.
    async fn end_again(
        &self,
        tenant: &TenantId,
        subject: SubjectId,
        person: Option<&HostId>,
        request: Id,
    ) -> Result<()> {
        let (vault, holder) = (self.vault(), Holder::Subject(subject));
        self.delete_packages(tenant, subject).await?;
        self.delete_own(tenant, subject, request).await?;
        let entry = self.entry_of("subject.erased", subject).with("request", request);
        let mut batch = vault.batch()?.audit(entry);
        // Where it is not known who they were, the anchor has the hash of it, and it is noted from there.
        if let Some(person) = person {
            let (noted, entry) = self.0.erasures.finished(tenant, subject, person, request).await?;
            batch = batch.ops(noted).audit(entry);
        }
        // The directory's entry is found by the person alone; by the subject it is a record like others.
        let query = Query::of_kind(vault_kind::DIRECTORY).subject(subject);
        for entry in vault.store().find(tenant, &query).await?.records {
            batch = batch.delete(entry.key, Expect::Present);
        }
        let asked = [holder.standing()];
        let standing = vault.store().read(tenant, &asked).await?.records.pop().flatten();
        let tombstone = Draft::new(holder.standing(), Holder::Tenant)
            .about(subject)
            .facet(vault_kind::SUBJECT_ERASED)
            .facts(1, *b"{}");
        let batch = batch
            .op(vault.put(tenant, tombstone, standing.as_ref()).await?)
            .ops(vault.destroy_key(tenant, holder).await?);
        vault.commit(tenant, batch).await.map(|_| ())
    }
}
