//! Turning the root key: tenant keys of every tenant are wrapped anew under the primary root.
//!
//! 1. Add the new root decrypt-only on every instance. 2. Make it primary everywhere. 3. Walk
//!    [`Vault::rewrap_tenant_keys`]. 4. See that [`Vault::root_uses`] counts nothing on the old
//!    one. 5. [`Vault::retire_root`], then take the old key away.

use bailee_core::{Result, TenantId};
use bailee_store::{Expect, Key, Op, Query, Record};

use crate::{
    KeyContext, RootId, Vault,
    error::Fault,
    holder::Slot,
    kind,
    open::Opener,
    parts,
    rotation::{Rewrapped, in_use},
    tree::{allow_conflict, key_id},
};

impl Vault {
    /// The tenants that have keys, without the system's own, at most `limit` beginning after
    /// `after`; and where to go on.
    ///
    /// # Errors
    ///
    /// [`bailee_core::ErrorKind::StoreUnavailable`]; [`bailee_core::ErrorKind::Unopenable`] for an entry that is not what
    /// was sealed.
    pub async fn tenants(
        &self,
        after: Option<&Key>,
        limit: u32,
    ) -> Result<(Vec<TenantId>, Option<Key>)> {
        let shared = &*self.0;
        let system = TenantId::SYSTEM;
        let mut query = Query::of_kind(kind::TENANT).limit(limit);
        if let Some(after) = after {
            query = query.after(after.clone());
        }
        let page = shared.key_store().find(&system, &query).await?;
        let keys = shared.keys(&system, Slot::Tenant).await?;
        let mut tenants = Vec::with_capacity(page.records.len());
        for record in &page.records {
            let opener = Opener::of_record(&*shared.clock, &system, keys.as_deref(), record);
            let (facts, _) = opener.facts_and_seqs()?;
            let name = std::str::from_utf8(facts.bytes()).map_err(|_| Fault::Malformed)?;
            tenants.push(TenantId::new(name)?);
        }
        Ok((tenants, page.next))
    }

    /// Wraps the tenant keys of at most `limit` tenants, beginning after `after`, anew where they
    /// are not under the primary root. The first call of a walk does the system's tenant too.
    ///
    /// # Errors
    ///
    /// As [`crate::KeySource::wrap`] and [`crate::KeySource::unwrap`];
    /// [`bailee_core::ErrorKind::StoreUnavailable`].
    pub async fn rewrap_tenant_keys(&self, after: Option<&Key>, limit: u32) -> Result<Rewrapped> {
        self.0.ensure_root().await?;
        let mut done = Rewrapped::default();
        if after.is_none() {
            self.rewrap_tenant(&TenantId::SYSTEM, &mut done).await?;
        }
        let (tenants, next) = self.tenants(after, limit).await?;
        for tenant in &tenants {
            self.rewrap_tenant(tenant, &mut done).await?;
        }
        done.next = next;
        Ok(done)
    }

    /// How many tenant keys each root wraps, over all tenants. It reads them all.
    ///
    /// # Errors
    ///
    /// [`bailee_core::ErrorKind::StoreUnavailable`].
    pub async fn root_uses(&self) -> Result<Vec<(RootId, u64)>> {
        let mut uses: Vec<(RootId, u64)> = Vec::new();
        let mut tenants = vec![TenantId::SYSTEM];
        let mut after = None;
        loop {
            let (more, next) = self.tenants(after.as_ref(), 1000).await?;
            tenants.extend(more);
            for tenant in tenants.drain(..) {
                for row in self.tenant_key_rows(&tenant).await? {
                    let root = root_of(&row)?;
                    match uses.iter_mut().find(|(known, _)| *known == root) {
                        Some((_, count)) => *count += 1,
                        None => uses.push((root, 1)),
                    }
                }
            }
            if next.is_none() {
                return Ok(uses);
            }
            after = next;
        }
    }

    /// Takes a root out of those in use, so that vaults open without it. No process may have it as
    /// its primary any more. Repeating it does nothing.
    ///
    /// # Errors
    ///
    /// [`bailee_core::ErrorKind::Denied`] for the primary root and for one that a tenant key still names.
    pub async fn retire_root(&self, root: RootId) -> Result<()> {
        let used = |uses: Vec<(RootId, u64)>| uses.iter().any(|(used, _)| *used == root);
        if root == self.0.source.primary() || used(self.root_uses().await?) {
            return Err(in_use());
        }
        let delete =
            Op::Delete { key: Key::new(kind::ROOT_KEY, root.id()), expect: Expect::Present };
        let entry = self.0.entry("root_key.retired").with("root", root.id());
        let batch = self.batch()?.op(delete).audit(entry);
        allow_conflict(self.0.commit_keys(&TenantId::SYSTEM, batch).await)
    }

    async fn rewrap_tenant(&self, tenant: &TenantId, done: &mut Rewrapped) -> Result<()> {
        let shared = &*self.0;
        let mut puts = Vec::new();
        for row in self.tenant_key_rows(tenant).await? {
            if root_of(&row)? == shared.source.primary() {
                continue;
            }
            let parts = parts::Body::list(row.body.as_bytes())?;
            let [part] = parts.as_slice() else { return Err(Fault::Malformed.into()) };
            let id = key_id(part.name)?;
            let key = shared.source.unwrap(KeyContext::new(tenant, id), part.sealed).await?;
            let body = shared.wrapped_tenant_key(tenant, id, &key).await?;
            let expect = Expect::Version(row.version);
            let version = row.version.next();
            let record = Record { version, body, ..row };
            puts.push(Op::Put { record, expect, lookups: None });
        }
        let (written, overtaken) =
            self.write_rows(tenant, "tenant_keys.rewrapped", puts, &[]).await?;
        done.written += written;
        done.overtaken += overtaken;
        // The rows' versions went on; who makes keys checks them.
        shared.evict_active(tenant);
        Ok(())
    }

    async fn tenant_key_rows(&self, tenant: &TenantId) -> Result<Vec<Record>> {
        let query = Query::of_kind(kind::TENANT_KEY).limit(900);
        Ok(self.0.key_store().find(tenant, &query).await?.records)
    }
}

fn root_of(row: &Record) -> Result<RootId> {
    let parts = parts::Body::list(row.body.as_bytes())?;
    let [part] = parts.as_slice() else { return Err(Fault::Malformed.into()) };
    RootId::of_wrapped(part.sealed)
}
