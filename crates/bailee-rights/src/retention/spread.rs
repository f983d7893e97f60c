//! Seeing that every tenant is looked at.

use std::time::Duration;

use bailee_core::{ErrorKind, Result, TenantId, audit::Entry};
use bailee_store::{Due, Key, Lease};
use bailee_vault::{Draft, Holder, kind as vault_kind};

use super::{
    Retention,
    body::{LookBody, SCHEMA, SpreadBody, decode},
    state::place,
};

/// How many tenants one step takes the work to.
const TENANTS: u32 = 50;

impl Retention {
    /// Sees that the work goes on: whoever starts a process calls it. Again, it does nothing.
    ///
    /// # Errors
    ///
    /// What the store and the vault say.
    pub async fn begin(&self) -> Result<()> {
        let (vault, system) = (self.vault(), TenantId::SYSTEM);
        let view = vault.read(&system, Holder::Tenant, &[place()]).await?;
        if view.record(0).is_some() {
            return Ok(());
        }
        let draft = Draft::new(place(), Holder::Tenant).json(SCHEMA, &SpreadBody::default())?;
        let batch = vault
            .batch()?
            .op(vault.put(&system, draft, None).await?)
            .schedule(place(), None, Due::After(Duration::ZERO))
            .audit(Entry::new("rights.retention_begun", vault.clock().now()));
        match vault.commit(&system, batch).await {
            Err(error) if error.kind() == ErrorKind::Conflict => Ok(()),
            done => done.map(|_| ()),
        }
    }

    /// Due in the system's tenant: take the work to the next tenants that have it not.
    pub(super) async fn spread_due(&self, lease: &Lease) -> Result<()> {
        let (vault, system) = (self.vault(), TenantId::SYSTEM);
        let view = vault.read(&system, Holder::Tenant, &[place()]).await?;
        let body = view.facts(0)?.map(|facts| decode(&facts)).transpose()?;
        let mut body: SpreadBody = body.unwrap_or_default();
        let after = body.after.map(|id| Key::new(vault_kind::TENANT, id));
        let (tenants, next) = vault.tenants(after.as_ref(), TENANTS).await?;
        let mut reached = 0_i64;
        for tenant in &tenants {
            match self.plant(tenant).await {
                Ok(new) => reached += i64::from(new),
                // Its keys were destroyed: there is nothing of anybody in it that we could know of.
                Err(error) if error.kind() == ErrorKind::Shredded => {}
                Err(error) => return Err(error),
            }
        }
        // Tenants that come later are found in the next round.
        let due = if next.is_some() { Duration::ZERO } else { self.every() };
        body.after = next.map(|key| key.id);
        let draft = Draft::new(place(), Holder::Tenant).json(SCHEMA, &body)?;
        let batch = vault
            .batch()?
            .op(vault.put(&system, draft, view.record(0)).await?)
            .finish(lease.task.clone(), lease.fence, Due::After(due))
            .audit(
                Entry::new("rights.retention_carried", vault.clock().now()).with("count", reached),
            );
        vault.commit(&system, batch).await.map(|_| ())
    }

    /// Plans the first look at a tenant, and says whether it had none.
    async fn plant(&self, tenant: &TenantId) -> Result<bool> {
        if tenant.is_system() {
            return Ok(false);
        }
        let (vault, now) = (self.vault(), self.vault().clock().now());
        let (view, _) = self.look(tenant).await?;
        if view.record(0).is_some() {
            return Ok(false);
        }
        let mut first = LookBody::begin(now, None);
        // Nothing was looked at: what is claimed first begins.
        first.ended = Some(now);
        let draft = Draft::new(place(), Holder::Tenant).json(SCHEMA, &first)?;
        let batch = vault
            .batch()?
            .op(vault.put(tenant, draft, None).await?)
            .schedule(place(), None, Due::After(Duration::ZERO))
            .audit(Entry::new("rights.retention_begun", now));
        match vault.commit(tenant, batch).await {
            Err(error) if error.kind() == ErrorKind::Conflict => Ok(false),
            done => done.map(|_| true),
        }
    }
}
