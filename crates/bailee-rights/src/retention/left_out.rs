//! Whose rows stay although they are too old.

use std::{
    collections::{BTreeSet, HashMap},
    sync::{Mutex, PoisonError},
    time::Duration,
};

use bailee_core::{ErrorKind, HostId, Monotonic, Result, SubjectId, TenantId};
use bailee_registry::{RestrictionGround, Standing};
use bailee_store::Query;
use bailee_vault::{Holder, kind as vault_kind};

use super::Retention;
use crate::source::SourceFacts;

/// Whose data may only be kept, by tenant: found by reading everybody's standing, and good for a few
/// minutes.
#[derive(Debug, Default)]
pub(super) struct Restricted(Mutex<HashMap<TenantId, (Monotonic, Vec<SubjectId>)>>);

impl Retention {
    /// The people of a tenant whose rows of a source stay: those with a hold on any of its sets, as what
    /// hangs on a row goes with it; and those whose data may only be kept.
    ///
    /// Fails rather than leave somebody out of it: whose standing cannot be read may be one of them.
    pub(super) async fn left_out(
        &self,
        tenant: &TenantId,
        source: &SourceFacts,
    ) -> Result<Vec<HostId>> {
        let now = self.vault().clock().now();
        let holds = self.holds().standing(tenant).await?;
        let sets = source.data_sets();
        let held = holds.iter().filter(|hold| sets.iter().any(|set| hold.keeps(set, now)));
        let mut subjects: BTreeSet<SubjectId> = held.map(|hold| hold.subject).collect();
        subjects.extend(self.restricted(tenant).await?);
        let mut people = Vec::with_capacity(subjects.len());
        for subject in subjects {
            match self.vault().person(tenant, subject).await {
                Ok(person) => people.push(person),
                // There is nobody any more whose rows could be theirs.
                Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::Shredded) => {
                }
                Err(error) => return Err(error),
            }
        }
        Ok(people)
    }

    async fn restricted(&self, tenant: &TenantId) -> Result<Vec<SubjectId>> {
        let vault = self.vault();
        let now = vault.clock().monotonic();
        if let Some(known) = self.known().of(tenant, now) {
            return Ok(known);
        }
        let mut query =
            Query::of_kind(vault_kind::SUBJECT).facet(vault_kind::SUBJECT_LIVE).limit(500);
        let mut restricted = Vec::new();
        loop {
            let page = vault.store().find(tenant, &query).await?;
            for record in &page.records {
                let subject = SubjectId::from_id(record.key.id);
                let facts = match vault.open(tenant, Holder::Subject(subject), record).await {
                    Ok(opened) => opened.facts()?,
                    // Erased since the page was read.
                    Err(error)
                        if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::Shredded) =>
                    {
                        continue;
                    }
                    Err(error) => return Err(error),
                };
                // A child's data has to go: that restriction keeps nothing.
                let keeps = |ground: &RestrictionGround| *ground != RestrictionGround::Child;
                let standing = Standing::read(&facts)?;
                if standing.restriction().is_some_and(|r| r.grounds.iter().any(keeps)) {
                    restricted.push(subject);
                }
            }
            match page.next {
                Some(next) => query = query.after(next),
                None => break,
            }
        }
        self.known().keep(tenant, now, &restricted);
        Ok(restricted)
    }
}

impl Restricted {
    fn of(&self, tenant: &TenantId, now: Monotonic) -> Option<Vec<SubjectId>> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let known = known.get(tenant).filter(|(since, _)| now.since(*since) < GOOD_FOR);
        known.map(|(_, subjects)| subjects.clone())
    }

    fn keep(&self, tenant: &TenantId, now: Monotonic, subjects: &[SubjectId]) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.retain(|_, (since, _)| now.since(*since) < GOOD_FOR);
        known.insert(tenant.clone(), (now, subjects.to_vec()));
    }
}

/// For how long it is known whose data may only be kept. A restriction that begins meanwhile holds for
/// sweeps after that time.
const GOOD_FOR: Duration = Duration::from_secs(300);
