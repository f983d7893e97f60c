//! The desk that ends what was kept long enough.

use std::{fmt, sync::Arc, time::Duration};

use bailee_core::{Result, TenantId};
use bailee_store::{Kind, Lease};
use bailee_vault::Vault;

use super::{Declared, kind, left_out::Restricted, rules::Rules};
use crate::{hold::Holds, source::Sources};

/// Erases what is older than declared, every day, in every tenant. Cheap to clone.
#[derive(Clone)]
pub struct Retention(Arc<Inner>);

struct Inner {
    vault: Vault,
    declared: Arc<dyn Declared>,
    sources: Sources,
    holds: Holds,
    every: Duration,
    evidence: Duration,
    restricted: Restricted,
}

/// Collects what [`Retention`] needs.
#[must_use]
pub struct RetentionBuilder {
    vault: Vault,
    declared: Arc<dyn Declared>,
    sources: Sources,
    holds: Holds,
    every: Duration,
    evidence: Duration,
}

impl Retention {
    /// Begins a desk over a vault, with the host's sources, what is declared, and the holds.
    pub fn builder(
        vault: Vault,
        declared: Arc<dyn Declared>,
        sources: Sources,
        holds: Holds,
    ) -> RetentionBuilder {
        RetentionBuilder { vault, declared, sources, holds, every: DAILY, evidence: THREE_YEARS }
    }

    /// The kinds of work that [`do_due`](Self::do_due) does.
    pub fn tasks() -> [Kind; 1] {
        [kind::RETENTION]
    }

    /// How long work of it may hold its claim: a step asks sources to count and to erase.
    pub const CLAIM: Duration = Duration::from_secs(600);

    /// Does a piece of work that a worker claimed: sees that tenants are looked at, or does the next
    /// step in one.
    ///
    /// # Errors
    ///
    /// What the store, the vault and whoever knows the declarations say; the work is due again when its
    /// claim ends. A fault of a source is none: it is written down and the table is asked again.
    pub async fn do_due(&self, lease: &Lease) -> Result<()> {
        if lease.tenant.is_system() {
            self.spread_due(lease).await
        } else {
            self.sweep_due(lease).await
        }
    }

    pub(super) async fn rules(&self, tenant: &TenantId) -> Result<Rules> {
        let declared = self.0.declared.in_tenant(tenant).await?;
        Ok(Rules::of_all(&declared, &self.0.sources))
    }

    pub(super) fn vault(&self) -> &Vault {
        &self.0.vault
    }

    pub(super) fn sources(&self) -> &Sources {
        &self.0.sources
    }

    pub(super) fn holds(&self) -> &Holds {
        &self.0.holds
    }

    pub(super) fn every(&self) -> Duration {
        self.0.every
    }

    pub(super) fn evidence(&self) -> Duration {
        self.0.evidence
    }

    pub(super) fn known(&self) -> &Restricted {
        &self.0.restricted
    }
}

impl RetentionBuilder {
    /// Says how often each tenant is looked at. The default is a day.
    pub fn every(mut self, every: Duration) -> Self {
        self.every = every;
        self
    }

    /// Says how long the evidence is kept. The default is three years.
    pub fn keeps_evidence_for(mut self, evidence: Duration) -> Self {
        self.evidence = evidence;
        self
    }

    /// The desk.
    #[must_use]
    pub fn build(self) -> Retention {
        Retention(Arc::new(Inner {
            vault: self.vault,
            declared: self.declared,
            sources: self.sources,
            holds: self.holds,
            every: self.every,
            evidence: self.evidence,
            restricted: Restricted::default(),
        }))
    }
}

impl fmt::Debug for Retention {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Retention")
            .field("sources", &self.0.sources)
            .field("every", &self.0.every)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for RetentionBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RetentionBuilder")
            .field("sources", &self.sources)
            .field("every", &self.every)
            .finish_non_exhaustive()
    }
}

const DAILY: Duration = Duration::from_secs(86_400);

const THREE_YEARS: Duration = Duration::from_secs(3 * 366 * 86_400);
