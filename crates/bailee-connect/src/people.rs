//! Which pseudonym a person has, remembered for a minute.
//!
//! The pair never changes while the person has data here; after an erasure the subject's own
//! record, which every use reads, says so at once.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use bailee_core::{HostId, Monotonic, Result, SubjectId, TenantId, sha256};

use crate::engine::Engine;

const AGE: Duration = Duration::from_secs(60);
const MOST: usize = 10_000;

#[derive(Debug, Default)]
pub(crate) struct People(Mutex<HashMap<[u8; 32], (SubjectId, Monotonic)>>);

impl Engine {
    /// The person's pseudonym in a tenant, if they have one.
    pub(crate) async fn subject_of(
        &self,
        tenant: &TenantId,
        person: &HostId,
    ) -> Result<Option<SubjectId>> {
        let now = self.0.clock.monotonic();
        if let Some(subject) = self.remembered(tenant, person) {
            return Ok(Some(subject));
        }
        let Some(subject) = self.0.vault.subject(tenant, person).await? else { return Ok(None) };
        self.remember(tenant, person, subject, now);
        Ok(Some(subject))
    }

    /// The person's pseudonym, if it was read within the last minute.
    pub(crate) fn remembered(&self, tenant: &TenantId, person: &HostId) -> Option<SubjectId> {
        let now = self.0.clock.monotonic();
        let known = self.0.people.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (subject, read) = known.get(&name(tenant, person))?;
        (now.since(*read) < AGE).then_some(*subject)
    }

    /// Remembers what was read at that moment.
    pub(crate) fn remember(
        &self,
        tenant: &TenantId,
        person: &HostId,
        subject: SubjectId,
        read: Monotonic,
    ) {
        let mut known = self.0.people.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= MOST {
            known.retain(|_, (_, other)| read.since(*other) < AGE);
            if known.len() >= MOST {
                known.clear();
            }
        }
        known.insert(name(tenant, person), (subject, read));
    }
}

fn name(tenant: &TenantId, person: &HostId) -> [u8; 32] {
    sha256(&[tenant.as_str().as_bytes(), b"\0", &person.to_bytes()].concat())
}
