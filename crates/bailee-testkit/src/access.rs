//! The host's word on who may act, as tests set it.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, PoisonError},
};

use async_trait::async_trait;
use bailee::{Access, Act, HostError, HostId, SubjectId, TenantId};

/// Memberships that a test changes: everybody may do everything with what is their own, and with
/// their tenant's if they are a member of it; others may use a person's connection only if they
/// were let in.
#[derive(Clone, Debug, Default)]
pub struct Memberships(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    removed: BTreeSet<(HostId, TenantId)>,
    let_in: BTreeSet<(HostId, TenantId)>,
    broken: bool,
}

impl Memberships {
    /// Takes a person out of a tenant.
    pub fn remove(&self, person: &HostId, tenant: &TenantId) {
        self.lock().removed.insert((person.clone(), tenant.clone()));
    }

    /// Lets a person use the connections of others in a tenant.
    pub fn let_in(&self, person: &HostId, tenant: &TenantId) {
        self.lock().let_in.insert((person.clone(), tenant.clone()));
    }

    /// Makes every question fail, as a host whose own database is down.
    pub fn break_down(&self, broken: bool) {
        self.lock().broken = broken;
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Access for Memberships {
    async fn may(
        &self,
        person: &HostId,
        subject: Option<SubjectId>,
        tenant: &TenantId,
        act: Act,
    ) -> Result<bool, HostError> {
        let state = self.lock();
        if state.broken {
            return Err("the host's database is down".into());
        }
        let here = (person.clone(), tenant.clone());
        if state.removed.contains(&here) {
            return Ok(false);
        }
        let (Act::Connect(owner) | Act::Disconnect(owner) | Act::Use(owner)) = act else {
            return Ok(false);
        };
        let own = owner.subject().is_none() || owner.subject() == subject;
        Ok(own || state.let_in.contains(&here))
    }

    async fn tenants(&self, _: &HostId) -> Result<Vec<TenantId>, HostError> {
        Ok(vec![TenantId::from_static("acme")])
    }
}
