//! A tenant's overlay: its own text that narrows what is declared for it, and nothing else.
//!
//! One sealed record in the tenant, under the tenant's own key. It comes with the gate's one read
//! and is opened only when it changed; so what an operator lays down holds at the next use in every
//! process.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use bailee_core::{Error, ErrorKind, Id, Result, TenantId};
use bailee_registry::{
    Declaration,
    versions::{Narrowed, Overlay},
};
use bailee_store::{Key, Record, Version};
use bailee_vault::{Holder, kind::OVERLAY};
use serde::{Deserialize, Serialize};

use crate::{
    body,
    engine::Engine,
    in_force::{InForce, not_in_force},
};

/// So many tenants' declarations are remembered.
const MOST: usize = 10_000;

/// `overlay`.
#[derive(Serialize, Deserialize)]
pub(crate) struct OverlayBody {
    pub(crate) text: String,
}

/// What is left of the declaration for tenants with an overlay, as last read.
#[derive(Debug, Default)]
pub(crate) struct Overlays(Mutex<HashMap<TenantId, Kept>>);

#[derive(Debug)]
struct Kept {
    /// The version of the overlay's record.
    overlay: Version,
    /// What it narrows.
    of: Arc<Declaration>,
    declared: Arc<Declaration>,
}

/// Where a tenant's overlay lies.
pub(crate) fn key() -> Key {
    Key::new(OVERLAY, Id::ZERO)
}

impl Engine {
    /// What is declared for a tenant: what this process serves, narrowed by the tenant's overlay
    /// where the read found one.
    pub(crate) async fn declared_under(
        &self,
        tenant: &TenantId,
        force: &InForce,
        overlay: Option<&Record>,
    ) -> Result<Arc<Declaration>> {
        let served = force.serves(&self.0.declaration)?;
        let Some(record) = overlay else { return Ok(served) };
        {
            let known = self.0.overlays.0.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(kept) = known.get(tenant)
                && kept.overlay == record.version
                && Arc::ptr_eq(&kept.of, &served)
            {
                return Ok(kept.declared.clone());
            }
        }
        let overlay = self.read_overlay(tenant, record).await?;
        let declared: Arc<Declaration> = Arc::new(served.under(&overlay).left().clone());
        let kept = Kept { overlay: record.version, of: served, declared: declared.clone() };
        let mut known = self.0.overlays.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= MOST {
            known.clear();
        }
        known.insert(tenant.clone(), kept);
        Ok(declared)
    }

    /// How long everything is kept in a tenant: [`declarations_in_force`](Self::declarations_in_force),
    /// each with the shorter times of the tenant's overlay.
    ///
    /// # Errors
    ///
    /// As there, and where the overlay cannot be read: it may shorten more than is known.
    pub async fn kept_in(&self, tenant: &TenantId) -> Result<Vec<Narrowed>> {
        let declared = self.declarations_in_force().await?;
        let key = key();
        let read = self.0.vault.store().read(tenant, std::slice::from_ref(&key)).await?;
        let Some(record) = read.records.first().and_then(Option::as_ref) else {
            return Ok(declared.into_iter().map(Narrowed::from).collect());
        };
        let overlay = self.read_overlay(tenant, record).await?;
        Ok(declared.iter().map(|declared| declared.kept_under(&overlay)).collect())
    }

    async fn read_overlay(&self, tenant: &TenantId, record: &Record) -> Result<Overlay> {
        let facts = self.0.vault.open(tenant, Holder::Tenant, record).await?.facts()?;
        let text = body::decode::<OverlayBody>(&facts)?.text;
        // One that this release cannot read may forbid more than it knows.
        Overlay::read(&text)
            .map_err(|_| not_in_force("the tenant's own limits were written for another release"))
    }

    /// What is declared for a tenant now, and what is in force.
    pub(crate) async fn declared_in(
        &self,
        tenant: &TenantId,
    ) -> Result<(Arc<InForce>, Arc<Declaration>)> {
        let key = key();
        let read = self.0.vault.store().read(tenant, std::slice::from_ref(&key)).await?;
        let force = self.admit_instance(&read.control).await?;
        let overlay = read.records.first().and_then(Option::as_ref);
        let declared = self.declared_under(tenant, &force, overlay).await?;
        Ok((force, declared))
    }

    /// The same for somebody who is about to give a consent.
    ///
    /// Refuses where this process's declaration is not in force.
    pub(crate) async fn declared_for_consent(&self, tenant: &TenantId) -> Result<Arc<Declaration>> {
        if tenant.is_system() {
            return Err(Error::new(ErrorKind::Denied));
        }
        let (force, declared) = self.declared_in(tenant).await?;
        force.admits_consent()?;
        Ok(declared)
    }
}

/// Refuses a text that is no overlay of a declaration, or too long to be kept.
pub(crate) fn check(text: &str, declared: &Declaration) -> Result<()> {
    const LIMIT: usize = 24 * 1024;
    if text.len() > LIMIT {
        return Err(Error::new(ErrorKind::TooLarge).with_detail("an overlay has more than 24 KiB"));
    }
    Overlay::parse(text, declared).map(drop)
}
