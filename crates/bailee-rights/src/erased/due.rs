//! Taking entries to the anchor, and letting go of old ones.

use std::time::Duration;

use bailee_core::{ErrorKind, Id, Result, TenantId, audit::Entry};
use bailee_store::{Due, Key, Lease, Query};
use bailee_vault::Holder;

use super::{Erasures, body::decode, entry::AnchorEntry, kind, ledger::key};

impl Erasures {
    /// Does a piece of work that a worker claimed: takes an entry to the anchor, or lets go of entries
    /// whose time is over.
    ///
    /// # Errors
    ///
    /// What the store and the vault say; the work is due again when its claim ends. A fault of the
    /// anchor is none: it is written down and the work comes again at its time.
    pub async fn do_due(&self, lease: &Lease) -> Result<()> {
        if lease.tenant.is_system() {
            return self.tidy_due(lease).await;
        }
        let (vault, tenant, hash) = (self.vault(), &lease.tenant, lease.task.id);
        let at = vault.clock().now();
        let view = vault.read(tenant, Holder::Tenant, &[key(hash)]).await?;
        let waits = view.record(0).filter(|record| record.facet == kind::OPEN);
        let batch = vault.batch()?;
        let (Some(record), Some(facts), Some(anchor)) = (waits, view.facts(0)?, self.anchor())
        else {
            let entry = Entry::new("rights.erasure_checked", at);
            let batch = batch.finish(lease.task.clone(), lease.fence, Due::Never).audit(entry);
            return vault.commit(tenant, batch).await.map(|_| ());
        };
        let body = decode(&facts)?;
        let entry = AnchorEntry { tenant: tenant.clone(), person: hash, body };
        let bytes = entry.to_bytes(vault).await?;
        let told = |event| {
            Entry::new(event, at).about(entry.body.subject).with("request", entry.body.request)
        };
        let batch = match anchor.append(&bytes).await {
            Ok(()) => batch
                .op(self.put(tenant, hash, &entry.body, kind::ANCHORED, Some(record)).await?)
                .finish(lease.task.clone(), lease.fence, Due::Never)
                .audit(told("rights.erasure_anchored")),
            // What a host's error says is not looked at.
            Err(_) => batch
                .finish(lease.task.clone(), lease.fence, Due::After(AGAIN))
                .audit(told("rights.erasure_waits")),
        };
        vault.commit(tenant, batch).await.map(|_| ())
    }

    /// How many entries of a tenant are in no anchor yet: what a restore at this moment would forget.
    ///
    /// # Errors
    ///
    /// What the store says.
    pub async fn unanchored(&self, tenant: &TenantId) -> Result<u64> {
        let counts = self.vault().store().tally(Some(tenant), &kind::ERASED).await?;
        Ok(counts.iter().find(|count| count.facet == kind::OPEN).map_or(0, |count| count.records))
    }

    /// Plans for every entry of a tenant that is in no anchor to be taken there: after an anchor was
    /// given to a ledger that had none. Says how many.
    ///
    /// # Errors
    ///
    /// What the store and the vault say.
    pub async fn anchor_open(&self, tenant: &TenantId) -> Result<u64> {
        let vault = self.vault();
        let mut query = Query::of_kind(kind::ERASED).facet(kind::OPEN).limit(500);
        let mut planned = 0;
        loop {
            let page = vault.store().find(tenant, &query).await?;
            if !page.records.is_empty() {
                let count = page.records.len() as u64;
                let entry = Entry::new("rights.erasure_checked", vault.clock().now())
                    .with("count", i64::try_from(count).unwrap_or(i64::MAX));
                let mut batch = vault.batch()?.audit(entry);
                for record in page.records {
                    batch = batch.schedule(record.key, None, Due::After(Duration::ZERO));
                }
                vault.commit(tenant, batch).await?;
                planned += count;
            }
            match page.next {
                Some(next) => query = query.after(next),
                None => return Ok(planned),
            }
        }
    }

    /// Sees that old entries are let go once a day.
    pub(super) async fn plan_tidying(&self) -> Result<()> {
        let vault = self.vault();
        let entry = Entry::new("rights.erasure_checked", vault.clock().now());
        let batch = vault
            .batch()?
            .schedule(Key::new(kind::ERASED, Id::ZERO), None, Due::After(SOON))
            .audit(entry);
        vault.commit(&TenantId::SYSTEM, batch).await.map(|_| ())
    }

    async fn tidy_due(&self, lease: &Lease) -> Result<()> {
        // An anchor that is away or was changed is told of by `check`; a day later it is tried again.
        let forgotten = self.tidy().await.unwrap_or(0);
        let vault = self.vault();
        let entry = Entry::new("rights.erasures_forgotten", vault.clock().now())
            .with("count", i64::try_from(forgotten).unwrap_or(i64::MAX));
        let batch =
            vault.batch()?.finish(lease.task.clone(), lease.fence, Due::After(DAILY)).audit(entry);
        match vault.commit(&lease.tenant, batch).await {
            Err(error) if error.kind() == ErrorKind::Conflict => Ok(()),
            done => done.map(|_| ()),
        }
    }

    /// Asks the anchor to let go of the entries whose time is over, and says how many there were.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::HostFailed`] where the anchor failed; [`ErrorKind::Unopenable`] where it holds what
    /// this database's keys did not write; what the vault says.
    pub async fn tidy(&self) -> Result<u64> {
        let Some(anchor) = self.anchor() else { return Ok(0) };
        let (mut over, mut after) = (Vec::new(), 0);
        let now = self.vault().clock().now();
        loop {
            let page = anchor.entries(after, PAGE).await.map_err(|_| ErrorKind::HostFailed)?;
            let Some(last) = page.last() else { break };
            after = last.place;
            for anchored in &page {
                let entry = AnchorEntry::from_bytes(self.vault(), &anchored.entry).await?;
                if entry.body.until <= now {
                    over.push(anchored.place);
                }
            }
        }
        if !over.is_empty() {
            anchor.forget(&over).await.map_err(|_| ErrorKind::HostFailed)?;
        }
        Ok(over.len() as u64)
    }
}

/// How many entries of the anchor are read at a time.
pub(super) const PAGE: u32 = 1000;

const DAILY: Duration = Duration::from_secs(86_400);

/// When old entries are looked for after a start. Each start moves it, so it is not a day.
const SOON: Duration = Duration::from_secs(3600);

/// When an anchor that failed is asked again.
const AGAIN: Duration = Duration::from_secs(60);
