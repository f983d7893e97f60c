//! Whether somebody was erased: for imports, and for tables of the host that were put back.

use bailee_core::{HostId, Id, Result, SubjectId, TenantId, Timestamp};
use bailee_vault::Holder;

use super::{Erasures, body::decode, ledger::key};
use crate::source::{Sources, Step, Whose};

/// What the ledger knows of somebody who was erased.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Known {
    /// The pseudonym that they had.
    pub subject: SubjectId,
    /// The request that they were erased for.
    pub request: Id,
    /// When they were erased.
    pub at: Timestamp,
    /// Until when that is remembered.
    pub until: Timestamp,
    /// Whether the host has somebody under this id again. What of them is older than the erasure is
    /// still the erased person's.
    pub lives_again: bool,
}

impl Erasures {
    /// What the ledger knows of people of a tenant, one answer for each, in their order.
    ///
    /// # Errors
    ///
    /// What the store and the vault say: then nobody knows, and nothing may be taken in.
    pub async fn known(&self, tenant: &TenantId, people: &[HostId]) -> Result<Vec<Option<Known>>> {
        let vault = self.vault();
        let mut known = Vec::with_capacity(people.len());
        for people in people.chunks(BATCH) {
            let mut keys = Vec::with_capacity(people.len() * 2);
            for person in people {
                // Asking must not give a tenant its keys. One without has erased nobody.
                let Some(entry) = vault.directory_key(tenant, person).await? else { break };
                keys.push(key(self.hash(tenant, person).await?));
                keys.push(entry);
            }
            if keys.is_empty() {
                known.resize(known.len() + people.len(), None);
                continue;
            }
            let view = vault.read(tenant, Holder::Tenant, &keys).await?;
            for n in 0..people.len() {
                let body = view.facts(2 * n)?.map(|facts| decode(&facts)).transpose()?;
                let Some(body) = body else {
                    known.push(None);
                    continue;
                };
                // An entry that still leads to who was erased is none of somebody new.
                let lives_again = match view.record(2 * n + 1) {
                    Some(entry) => vault.subject_in(tenant, entry).await? != body.subject,
                    None => false,
                };
                known.push(Some(Known {
                    subject: body.subject,
                    request: body.request,
                    at: body.at,
                    until: body.until,
                    lives_again,
                }));
            }
        }
        Ok(known)
    }

    /// Those of some people of a tenant who were erased and are nobody of the host's again: whoever
    /// takes in rows leaves theirs out.
    ///
    /// # Errors
    ///
    /// As [`known`](Self::known).
    pub async fn was_erased(&self, tenant: &TenantId, people: &[HostId]) -> Result<Vec<HostId>> {
        let known = self.known(tenant, people).await?;
        let erased = people.iter().zip(known);
        let erased = erased.filter(|(_, known)| known.is_some_and(|known| !known.lives_again));
        Ok(erased.map(|(person, _)| person.clone()).collect())
    }

    /// Does a step of erasing from the host's own tables whoever of these people was erased before,
    /// after those tables were put back from a backup. Whoever calls it goes on until there is no more.
    ///
    /// It knows a person by the host's id alone: tables that are searched by something else that the
    /// person was known by (an address) are named by an error of their source.
    ///
    /// # Errors
    ///
    /// What a source and the ledger say. Sources before it did their step.
    pub async fn erase_restored(
        &self,
        sources: &Sources,
        tenant: &TenantId,
        people: &[HostId],
    ) -> Result<Step> {
        let known = self.known(tenant, people).await?;
        let mut done = Step::default();
        for (person, known) in people.iter().zip(known) {
            let Some(known) = known.filter(|known| !known.lives_again) else { continue };
            let whose = Whose::new(tenant.clone(), person.clone(), known.subject);
            for source in sources.iter() {
                let step = source.erase(&whose).await?;
                done.more |= step.more;
                done.touched.extend(step.touched);
            }
        }
        Ok(done)
    }
}

/// How many people one read looks for.
const BATCH: usize = 400;
