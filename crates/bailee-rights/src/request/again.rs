//! Erasing somebody whom a restored database brought back.

use async_trait::async_trait;
use bailee_core::{Error, ErrorKind, Id, Result, SubjectId, TenantId};
use bailee_store::Key;
use bailee_vault::{Draft, Holder, kind as vault_kind};

use super::{
    Right,
    body::{MatterBody, PartBody, SourceBody, Stage},
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
                for _ in 0..ROUNDS {
                    if self.erase_sources(&mut part, &whose).await?
                        && self.look_again(&mut part, &whose).await?
                    {
                        self.destroy(tenant, subject, request, &mut part).await?;
                        return Ok(true);
                    }
                    if part.sources.iter().any(|source| source.fault.is_some()) {
                        return Ok(false);
                    }
                }
                Ok(false)
            }
            // The key is gone, in a store of its own: nobody can say any more who it was, and what is
            // left of them here opens for nobody.
            Err(error) if matches!(error.kind(), ErrorKind::KeyMissing | ErrorKind::Shredded) => {
                self.bury(tenant, subject, request).await.map(|()| true)
            }
            Err(error) => Err(error),
        }
    }
}

impl Rights {
    /// A part that is written down nowhere.
    fn part_again(&self, tenant: &TenantId) -> PartBody {
        let sources = self.0.sources.iter().map(|source| SourceBody::new(&source.facts().name));
        PartBody {
            right: Right::Erasure,
            home: tenant.clone(),
            by: bailee_core::Actor::System,
            matter: MatterBody::Plain,
            stage: Stage::Working,
            ended: None,
            sources: sources.collect(),
            own: 0,
            held: Default::default(),
            segments: Vec::new(),
            failed: 0,
        }
    }

    /// Puts a tombstone in the place of a person whose key is gone, and deletes what is about them.
    async fn bury(&self, tenant: &TenantId, subject: SubjectId, request: Id) -> Result<()> {
        let vault = self.vault();
        let holder = Holder::Subject(subject);
        let found = vault.store().read(tenant, &[holder.standing()]).await?;
        let record = found.records.into_iter().flatten().next();
        if let Some(record) = record
            && record.facet != vault_kind::SUBJECT_ERASED
        {
            let tombstone = Draft::new(holder.standing(), Holder::Tenant)
                .about(subject)
                .facet(vault_kind::SUBJECT_ERASED)
                .facts(1, *b"{}");
            let put = vault.put(tenant, tombstone, Some(&record)).await?;
            let entry = self.entry_of("subject.erased", subject).with("request", request);
            vault.commit(tenant, vault.batch()?.op(put).audit(entry)).await?;
        }
        self.delete_own(tenant, subject, request).await?;
        // The directory's entry is found by the person alone; by the subject it is a record like others.
        let mut query = bailee_store::Query::of_kind(vault_kind::DIRECTORY).subject(subject);
        loop {
            let page = vault.store().find(tenant, &query).await?;
            for record in &page.records {
                let key: Key = record.key.clone();
                let entry = self.entry_of("rights.records_erased", subject);
                let entry = entry.with("request", request).with("count", 1_i64);
                let expect = bailee_store::Expect::Version(record.version);
                match vault.commit(tenant, vault.batch()?.delete(key, expect).audit(entry)).await {
                    Err(error) if error.kind() == ErrorKind::Conflict => {
                        return Err(Error::new(ErrorKind::Conflict));
                    }
                    done => drop(done?),
                }
            }
            match page.next {
                Some(next) => query = query.after(next),
                None => return Ok(()),
            }
        }
    }
}
