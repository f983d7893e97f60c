//! Which declarations say how long something is kept.

use async_trait::async_trait;
use bailee_core::{Result, TenantId};
use bailee_registry::{Declaration, versions::Narrowed};

/// Says what is declared for a tenant now.
#[async_trait]
pub trait Declared: Send + Sync + 'static {
    /// The declarations that hold in a tenant: one, or during a rollout several. What is kept longer in
    /// any of them is kept so long. Where the tenant has limits of its own, each is
    /// [kept under](Declaration::kept_under) them.
    ///
    /// *Must not* answer with one that nobody put in force: what it erases does not come back.
    ///
    /// # Errors
    ///
    /// It is not known. Nothing is erased then.
    async fn in_tenant(&self, tenant: &TenantId) -> Result<Vec<Narrowed>>;
}

/// One declaration for all tenants, for a host that has no other.
#[async_trait]
impl Declared for Declaration {
    async fn in_tenant(&self, _tenant: &TenantId) -> Result<Vec<Narrowed>> {
        Ok(vec![self.clone().into()])
    }
}
