//! Making and destroying the keys of holders.

use std::sync::Arc;

use bailee_core::{ErrorKind, Result, TenantId};
use bailee_store::{Expect, Op, Query, Sealed};

use crate::{
    Holder, Vault,
    cache::KeySet,
    error::invalid,
    holder::Slot,
    kind, parts,
    tree::{allow_conflict, one},
};

impl Vault {
    /// Makes the key of a connection that no subject owns (subjects get theirs with
    /// [`Vault::ensure_subject`]). Gives the operations for the batch that writes the connection;
    /// none where keys lie apart: then the key is there before the record. From here on
    /// [`Vault::put`] seals under it. A batch holds the operations of one such call.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidInput`] for a tenant's own key; else as [`Vault::index`].
    pub async fn create_key(&self, tenant: &TenantId, holder: Holder) -> Result<Vec<Op>> {
        let slot = destructible(holder)?;
        Ok(self.new_key(tenant, slot).await?.0)
    }

    /// Destroys the key of a connection or a subject and forgets it. Gives the operations for the
    /// batch that deletes the records, or marks the subject as erased; none where keys lie apart
    /// (then it is gone when this returns) or it is gone already. To be repeated at will.
    ///
    /// Where keys lie apart, mark the subject as erased in a commit *before* this, so that nothing
    /// uses it in between, and finish afterwards.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidInput`] for a tenant's own key; else as [`Vault::commit`].
    pub async fn destroy_key(&self, tenant: &TenantId, holder: Holder) -> Result<Vec<Op>> {
        let slot = destructible(holder)?;
        self.0.evict(tenant, slot);
        let asked = [slot.row()];
        if one(self.0.key_store().read(tenant, &asked).await?.records)?.is_none() {
            return Ok(Vec::new());
        }
        // Whatever version it has: a rewrap at the same time must not save the key.
        let delete = Op::Delete { key: slot.row(), expect: Expect::Present };
        if !self.0.keys_apart() {
            return Ok(vec![delete]);
        }
        let event = match holder {
            Holder::Connection(_) => "connection_key.destroyed",
            Holder::Subject(_) | Holder::Tenant => "subject_key.destroyed",
        };
        let entry = self.0.entry(event).about(holder.subject()).with("of", slot.row().id);
        let batch = self.batch()?.op(delete).audit(entry);
        allow_conflict(self.0.commit_keys(tenant, batch).await)?;
        Ok(Vec::new())
    }

    /// Forgets the cached key of a holder.
    pub fn evict(&self, tenant: &TenantId, holder: Holder) {
        self.0.evict(tenant, Slot::from(holder));
    }

    /// Destroys every tenant key, so that nothing of the tenant opens any more. Other processes
    /// can open it until their cached keys are too old: 15 minutes at most.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidInput`] for the system's tenant; else as [`Vault::commit`].
    pub async fn destroy_tenant(&self, tenant: &TenantId) -> Result<()> {
        if tenant.is_system() {
            return Err(invalid("the system's tenant cannot be destroyed"));
        }
        let shared = &*self.0;
        let asked = [Slot::Index.row()];
        let index = one(shared.key_store().read(tenant, &asked).await?.records)?;
        let Some(mut index) = index else { return Err(ErrorKind::NotFound.into()) };
        // The empty row stays: without it the tenant would begin anew.
        let expect = Expect::Version(index.version);
        index.version = index.version.next();
        index.facet = kind::INDEX_KEY_DESTROYED;
        index.body = Sealed::new(parts::write([].into_iter())?);
        let query = Query::of_kind(kind::TENANT_KEY).limit(900);
        let keys = shared.key_store().find(tenant, &query).await?;
        let entry = shared.entry("tenant_keys.destroyed").with("keys", keys.records.len() as i64);
        let mut batch = self.batch()?.put(index, expect).audit(entry);
        for record in &keys.records {
            batch = batch.delete(record.key.clone(), Expect::Version(record.version));
        }
        shared.commit_keys(tenant, batch).await
    }

    /// Makes a key, or where keys lie apart takes the one that an earlier try left there.
    pub(crate) async fn new_key(
        &self,
        tenant: &TenantId,
        slot: Slot,
    ) -> Result<(Vec<Op>, Arc<KeySet>)> {
        let shared = &*self.0;
        if !shared.keys_apart() {
            return shared.make_key(tenant, slot).await;
        }
        for _ in 0..3 {
            let evictions = shared.slots().evictions();
            let asked = [slot.row()];
            if let Some(row) = one(shared.key_store().read(tenant, &asked).await?.records)? {
                let keys = shared.unwrap_row(tenant, slot, &row, evictions).await?;
                return Ok((Vec::new(), keys));
            }
            let (ops, keys) = shared.make_key(tenant, slot).await?;
            let event = match slot {
                Slot::Connection(_) => "connection_key.created",
                Slot::Index | Slot::Subject(_) | Slot::Tenant => "subject_key.created",
            };
            let entry = shared.entry(event).about(slot.subject()).with("of", slot.row().id);
            let batch = self.batch()?.ops(ops).audit(entry);
            match shared.commit_keys(tenant, batch).await {
                Err(error) if error.kind() == ErrorKind::Conflict => {}
                outcome => return outcome.map(|()| (Vec::new(), keys)),
            }
        }
        Err(ErrorKind::Conflict.into())
    }
}

fn destructible(holder: Holder) -> Result<Slot> {
    match holder {
        Holder::Connection(_) | Holder::Subject(_) => Ok(Slot::from(holder)),
        Holder::Tenant => Err(invalid("the tenant's own key is made and destroyed with it")),
    }
}
