//! Whether a database has everything that its anchor knows.

use std::collections::BTreeMap;

use bailee_core::{ErrorKind, Result, TenantId};
use bailee_vault::Holder;

use super::{Erasures, body::decode, due::PAGE, entry::AnchorEntry, ledger::key};

/// What a look at the anchor said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Checked {
    /// The database lacks so many erasures: it is older than its anchor. Nothing may be done with it
    /// until they were done again.
    Behind(u64),
    /// There is no anchor: nothing is known.
    NoAnchor,
    /// The database has every erasure that the anchor knows.
    Whole,
}

impl Erasures {
    /// Compares the database with its anchor. Whoever starts a process calls it before anything is
    /// served.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::HostFailed`] where the anchor is away; [`ErrorKind::Unopenable`] where it holds
    /// what this database's keys did not write: it is another database's, or somebody changed it; what
    /// the store and the vault say. After an error nothing is known, and nothing may be served.
    pub async fn check(&self) -> Result<Checked> {
        if self.anchor().is_none() {
            return Ok(Checked::NoAnchor);
        }
        let missing = self.missing().await?.len() as u64;
        self.set_behind(missing);
        if missing > 0 {
            return Ok(Checked::Behind(missing));
        }
        self.plan_tidying().await?;
        Ok(Checked::Whole)
    }

    /// The erasures that the anchor knows and the database does not, the last one of each person.
    pub(super) async fn missing(&self) -> Result<Vec<AnchorEntry>> {
        let Some(anchor) = self.anchor() else { return Ok(Vec::new()) };
        let now = self.vault().clock().now();
        let mut missing = BTreeMap::new();
        let mut after = 0;
        loop {
            let page = anchor.entries(after, PAGE).await.map_err(|_| ErrorKind::HostFailed)?;
            let Some(last) = page.last() else { break };
            after = last.place;
            let mut by_tenant: BTreeMap<TenantId, Vec<AnchorEntry>> = BTreeMap::new();
            for anchored in &page {
                let entry = AnchorEntry::from_bytes(self.vault(), &anchored.entry).await?;
                if now < entry.body.until {
                    by_tenant.entry(entry.tenant.clone()).or_default().push(entry);
                }
            }
            for (tenant, entries) in by_tenant {
                for entry in self.lacks(&tenant, entries).await? {
                    missing.insert((tenant.clone(), entry.person), entry);
                }
            }
        }
        Ok(missing.into_values().collect())
    }

    /// Those of a tenant's entries that its database lacks.
    async fn lacks(
        &self,
        tenant: &TenantId,
        mut entries: Vec<AnchorEntry>,
    ) -> Result<Vec<AnchorEntry>> {
        // One key is asked once: the last entry of a person stands for those before it.
        let last: BTreeMap<_, _> = entries.drain(..).map(|entry| (entry.person, entry)).collect();
        let keys: Vec<_> = last.keys().map(|person| key(*person)).collect();
        let view = match self.vault().read(tenant, Holder::Tenant, &keys).await {
            // The keys of the tenant were destroyed, and with them everybody in it.
            Err(error) if error.kind() == ErrorKind::Shredded => return Ok(Vec::new()),
            view => view?,
        };
        let mut lacks = Vec::new();
        for (n, entry) in last.into_values().enumerate() {
            let known = view.facts(n)?.map(|facts| decode(&facts)).transpose()?;
            if known.is_none_or(|known| known.at < entry.body.at) {
                lacks.push(entry);
            }
        }
        Ok(lacks)
    }
}
