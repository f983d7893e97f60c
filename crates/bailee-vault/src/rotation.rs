//! Turning a tenant key: a new epoch wraps, the old one unwraps until nothing is left under it.
//!
//! Every step can be repeated and interrupted. A rewrap writes only where the old bytes still
//! stand, so that it brings back no key that an erasure just deleted; and every new wrapped key
//! checks, with a lock, that the tenant key over it is still the active one, so that nothing new
//! comes under an old one after the turn.

use bailee_core::{Error, ErrorKind, Id, Result, TenantId};
use bailee_store::{Expect, Key, Kind, Op, Query, Record, Sealed, Version};

use crate::{
    Vault,
    cache::KeySet,
    envelope::{self, Envelope},
    error::{Fault, invalid},
    holder::Slot,
    key::NamedKey,
    kind, parts,
    tree::{key_id, key_row, one, put_new},
};

/// How far a rewrap came.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Rewrapped {
    /// How many rows were written.
    pub written: u64,
    /// How many rows another write came before; the next walk finds them as they are then.
    pub overtaken: u64,
    /// Where to go on; `None` at the end of the walk.
    pub next: Option<Key>,
}

impl Vault {
    /// Begins a new epoch: makes a tenant key that wraps from now on. Gives its id. The old one
    /// only unwraps; walk [`Vault::rewrap_keys`] until nothing is written and nothing overtaken,
    /// then [`Vault::retire_tenant_key`].
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Conflict`] when another turn came first; else as [`Vault::index`].
    pub async fn turn_tenant_key(&self, tenant: &TenantId) -> Result<Id> {
        let shared = &*self.0;
        shared.ensure_root().await?;
        shared.evict_active(tenant);
        let old = shared.ensure_tenant(tenant).await?;
        let old_id = old.active(shared.clock.monotonic())?.id;
        let asked = [Key::new(kind::TENANT_KEY, old_id)];
        let row = one(shared.key_store().read(tenant, &asked).await?.records)?;
        let mut row = row.filter(|row| row.version == old.version()).ok_or(ErrorKind::Conflict)?;
        let expect = Expect::Version(row.version);
        row.version = row.version.next();
        row.facet = kind::TENANT_KEY_OLD;

        let key = NamedKey::generate(&*shared.random)?;
        let body = shared.wrapped_tenant_key(tenant, key.id, &key.material).await?;
        let place = Key::new(kind::TENANT_KEY, key.id);
        let version = Version::first(shared.clock.now());
        let entry = shared.entry("tenant_key.turned").with("old", old_id).with("new", key.id);
        let batch = self
            .batch()?
            .put(row, expect)
            .op(put_new(key_row(place, None, kind::TENANT_KEY_ACTIVE, version, body)))
            .audit(entry);
        shared.commit_keys(tenant, batch).await.map(|()| key.id)
    }

    /// Wraps keys of the tenant that are not under its active tenant key anew, at most `limit`
    /// (500 is a good number) beginning after `after`.
    ///
    /// # Errors
    ///
    /// As [`Vault::index`]; [`ErrorKind::Unopenable`] for a row that is not what was wrapped.
    pub async fn rewrap_keys(
        &self,
        tenant: &TenantId,
        after: Option<&Key>,
        limit: u32,
    ) -> Result<Rewrapped> {
        let shared = &*self.0;
        // Another process may have turned the key since ours was read.
        shared.evict_active(tenant);
        let over = shared.ensure_tenant(tenant).await?;
        let over_id = over.active(shared.clock.monotonic())?.id;
        let (rows, next) = self.key_rows(tenant, after, limit.clamp(1, 900)).await?;
        let (mut puts, mut passed) = (Vec::new(), 0);
        for row in &rows {
            if !names_other_key(row, over_id)? {
                continue;
            }
            match self.rewrapped(tenant, row, &over).await {
                Ok(put) => puts.push(put),
                // Another walk wrote it since, and the key that it named was retired.
                Err(error)
                    if error.kind() == ErrorKind::KeyMissing
                        && shared.written_since(tenant, row).await?.is_some() =>
                {
                    passed += 1;
                }
                Err(error) => return Err(error),
            }
        }
        let check = Op::Check {
            key: Key::new(kind::TENANT_KEY, over_id),
            expect: Expect::Version(over.version()),
        };
        let (written, overtaken) =
            self.write_rows(tenant, "keys.rewrapped", puts, &[check]).await?;
        Ok(Rewrapped { written, overtaken: overtaken + passed, next })
    }

    /// How many rows of keys name this tenant key.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::StoreUnavailable`].
    pub async fn tenant_key_uses(&self, tenant: &TenantId, key: Id) -> Result<u64> {
        let mut uses = 0;
        let mut after = None;
        loop {
            let (rows, next) = self.key_rows(tenant, after.as_ref(), 900).await?;
            for row in &rows {
                uses += u64::from(names_key(row, key)?);
            }
            if next.is_none() {
                return Ok(uses);
            }
            after = next;
        }
    }

    /// Deletes an old tenant key, so that keys under it in backups open no more once every copy
    /// of this row and of the root over it is gone. Repeating it does nothing.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Denied`] for the active key and for one that a row still names.
    pub async fn retire_tenant_key(&self, tenant: &TenantId, key: Id) -> Result<()> {
        let shared = &*self.0;
        let place = Key::new(kind::TENANT_KEY, key);
        let asked = [place.clone()];
        let Some(row) = one(shared.key_store().read(tenant, &asked).await?.records)? else {
            return Ok(());
        };
        if row.facet == kind::TENANT_KEY_ACTIVE {
            return Err(in_use());
        }
        // Nothing new comes under it: who makes a key checks that the one over it is active.
        if self.tenant_key_uses(tenant, key).await? > 0 {
            return Err(in_use());
        }
        let entry = shared.entry("tenant_key.retired").with("key", key);
        let batch = self.batch()?.delete(place, Expect::Version(row.version)).audit(entry);
        shared.commit_keys(tenant, batch).await
    }

    /// Writes rows in one commit, or one by one where another write came between.
    pub(crate) async fn write_rows(
        &self,
        tenant: &TenantId,
        event: &'static str,
        puts: Vec<Op>,
        checks: &[Op],
    ) -> Result<(u64, u64)> {
        if puts.is_empty() {
            return Ok((0, 0));
        }
        let all = puts.len() as u64;
        match self.write_together(tenant, event, puts.clone(), checks).await {
            Ok(()) => return Ok((all, 0)),
            Err(error) if error.kind() == ErrorKind::Conflict => {}
            Err(error) => return Err(error),
        }
        let mut written = 0;
        for put in puts {
            match self.write_together(tenant, event, vec![put], checks).await {
                Ok(()) => written += 1,
                Err(error) if error.kind() == ErrorKind::Conflict => {}
                Err(error) => return Err(error),
            }
        }
        Ok((written, all - written))
    }

    async fn write_together(
        &self,
        tenant: &TenantId,
        event: &'static str,
        puts: Vec<Op>,
        checks: &[Op],
    ) -> Result<()> {
        let entry = self.0.entry(event).with("rows", puts.len() as i64);
        let batch = self.batch()?.ops(puts).ops(checks.iter().cloned()).audit(entry);
        self.0.commit_keys(tenant, batch).await
    }

    async fn rewrapped(&self, tenant: &TenantId, row: &Record, over: &KeySet) -> Result<Op> {
        let shared = &*self.0;
        let slot = Slot::of_row(&row.key).ok_or(Fault::Malformed)?;
        let over = over.active(shared.clock.monotonic())?;
        let mut wrapped = Vec::new();
        for part in parts::Body::list(row.body.as_bytes())? {
            if Envelope::parse(part.sealed)?.key_id() == over.id {
                wrapped.push((part.name, part.sealed.to_vec()));
                continue;
            }
            let id = key_id(part.name)?;
            let key = shared.unwrap_key(tenant, slot, id, part.sealed).await?;
            let context = slot.context(tenant, id);
            wrapped.push((part.name, envelope::wrap(over, context, &key, &*shared.random)?));
        }
        let body = parts::write(wrapped.iter().map(|(name, key)| (*name, key.as_slice())))?;
        let mut record = row.clone();
        record.version = row.version.next();
        record.body = Sealed::new(body);
        Ok(Op::Put { record, expect: Expect::Version(row.version), lookups: None })
    }

    /// Rows of wrapped keys in the order of their keys, and where to go on.
    async fn key_rows(
        &self,
        tenant: &TenantId,
        after: Option<&Key>,
        limit: u32,
    ) -> Result<(Vec<Record>, Option<Key>)> {
        let first = match after {
            Some(after) => KINDS
                .iter()
                .position(|kind| *kind == after.kind)
                .ok_or_else(|| invalid("a walk goes on after a row of wrapped keys"))?,
            None => 0,
        };
        let mut rows: Vec<Record> = Vec::new();
        for kind in &KINDS[first..] {
            let left = limit - rows.len() as u32;
            let mut query = Query::of_kind(kind.clone()).limit(left);
            if let Some(after) = after.filter(|after| after.kind == *kind) {
                query = query.after(after.clone());
            }
            rows.extend(self.0.key_store().find(tenant, &query).await?.records);
            if rows.len() as u32 >= limit {
                let next = rows.last().map(|row| row.key.clone());
                return Ok((rows, next));
            }
        }
        Ok((rows, None))
    }
}

/// The kinds of rows under a tenant key, in their order.
const KINDS: [Kind; 3] = [kind::CONNECTION_KEY, kind::INDEX_KEY, kind::SUBJECT_KEY];

pub(crate) fn in_use() -> Error {
    Error::new(ErrorKind::Denied).with_detail("a key in use cannot be retired")
}

fn names_key(row: &Record, key: Id) -> Result<bool> {
    for part in parts::Body::list(row.body.as_bytes())? {
        if Envelope::parse(part.sealed)?.key_id() == key {
            return Ok(true);
        }
    }
    Ok(false)
}

fn names_other_key(row: &Record, key: Id) -> Result<bool> {
    for part in parts::Body::list(row.body.as_bytes())? {
        if Envelope::parse(part.sealed)?.key_id() != key {
            return Ok(true);
        }
    }
    Ok(false)
}
