//! Where retention, the worker and the declarations in force meet: none knows the other.

use std::sync::{Arc, OnceLock};

use async_trait::async_trait;
use bailee_connect::{Duties, OnBehalf};
use bailee_core::{Error, ErrorKind, Result, TenantId};
use bailee_registry::versions::Narrowed;
use bailee_rights::retention::{Declared, Retention};
use bailee_store::{Kind, Lease};

/// The declarations in force, whose longest times hold, each as short as the tenant has it.
pub(crate) struct InForce(pub(crate) OnBehalf);

#[async_trait]
impl Declared for InForce {
    async fn in_tenant(&self, tenant: &TenantId) -> Result<Vec<Narrowed>> {
        self.0.engine()?.kept_in(tenant).await
    }
}

/// The work of retention, for the worker. The desk comes after the engine that it asks.
pub(crate) struct RetentionDuties(pub(crate) Arc<OnceLock<Retention>>);

#[async_trait]
impl Duties for RetentionDuties {
    fn tasks(&self) -> Vec<Kind> {
        Retention::tasks().to_vec()
    }

    fn claim(&self) -> std::time::Duration {
        Retention::CLAIM
    }

    async fn do_due(&self, lease: &Lease) -> Result<()> {
        match self.0.get() {
            Some(retention) => retention.do_due(lease).await,
            // A worker exists only once everything is built.
            None => Err(Error::new(ErrorKind::Configuration)),
        }
    }
}
