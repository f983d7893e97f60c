//! The log against its tree: what is gone, what was changed.

use std::{
    collections::{BTreeMap, HashMap},
    ops::Range,
};

use bailee_audit::tree::InclusionPlan;
use bailee_core::{BatchId, Result, TenantId, Timestamp};
use bailee_store::{Leaf, Window};

use super::{
    AuditLog, LogFault,
    state::Last,
    tile::{Place, WIDTH},
};

/// What was found.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Finding {
    /// The entry of this number does not have the hash under which it stands any more: it was changed.
    Changed {
        /// The number.
        leaf: u64,
        /// Whose entry it is.
        tenant: TenantId,
    },
    /// The entry of this number is gone, body or all.
    Missing {
        /// The number.
        leaf: u64,
    },
    /// Another entry than the signed one stands under this number.
    Replaced {
        /// The number.
        leaf: u64,
        /// Whose entry it is.
        tenant: TenantId,
    },
}

/// What a verification looked at, and found.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Verified {
    /// The numbers that were looked at: what was asked for, as far as the signed tree goes.
    pub leaves: Range<u64>,
    /// How large the signed tree is.
    pub size: u64,
    /// What was found, in the order of the numbers. Nothing, where all is as it was signed.
    pub findings: Vec<Finding>,
}

impl AuditLog {
    /// Looks at the entries of these numbers: that each is there, with the hash that was signed, and
    /// that this is the hash of its tenant, event, batch, place, time, subject and payload.
    ///
    /// Whoever looks at a large log does it piece by piece; a piece takes time and memory as it is long.
    ///
    /// # Errors
    ///
    /// [`bailee_core::ErrorKind::Unopenable`] with a [`LogFault`] as its source when what is remembered
    /// of the tree does not lead to the signed checkpoint; and as [`AuditLog::checkpoint`].
    pub async fn verify(&self, leaves: Range<u64>) -> Result<Verified> {
        let state = self.state().await?;
        let size = state.size();
        let leaves = leaves.start.min(size)..leaves.end.min(size);
        let mut findings = Vec::new();
        let mut next = leaves.start;
        while next < leaves.end {
            let end = (next / WIDTH + 1).saturating_mul(WIDTH).min(leaves.end);
            self.verify_tile(next..end, state.last()?, &mut findings).await?;
            next = end;
        }
        Ok(Verified { leaves, size, findings })
    }

    /// Looks at entries whose hashes lie in one tile.
    async fn verify_tile(
        &self,
        leaves: Range<u64>,
        last: &Last,
        findings: &mut Vec<Finding>,
    ) -> Result<()> {
        let signed = self.signed_hashes(&leaves, last).await?;
        let mut found: BTreeMap<u64, Leaf> = BTreeMap::new();
        let mut from = leaves.start;
        while from < leaves.end {
            let limit = u32::try_from(leaves.end - from).unwrap_or(u32::MAX);
            let page = self.vault.store().numbered(from, limit).await?;
            let Some((last, _)) = page.last() else { break };
            from = last + 1;
            found.extend(page.into_iter().filter(|(number, _)| leaves.contains(number)));
        }
        let bodies = self.hashes_of_bodies(found.values()).await?;
        for (leaf, signed) in leaves.zip(&signed) {
            let Some(entry) = found.get(&leaf) else {
                findings.push(Finding::Missing { leaf });
                continue;
            };
            let tenant = entry.tenant.clone();
            match bodies.get(&(&entry.tenant, entry.batch, entry.n)) {
                _ if entry.hash != *signed => findings.push(Finding::Replaced { leaf, tenant }),
                Some(hash) if *hash == *signed => {}
                Some(_) => findings.push(Finding::Changed { leaf, tenant }),
                None => findings.push(Finding::Missing { leaf }),
            }
        }
        Ok(())
    }

    /// The hashes that were signed for these numbers. That they lead to the checkpoint is seen from the
    /// proof of the first: all others of its tile are in its path.
    async fn signed_hashes(&self, leaves: &Range<u64>, last: &Last) -> Result<Vec<[u8; 32]>> {
        let (place, size) = (Place::of_leaf(leaves.start), last.checkpoint.size);
        let tile = self.tiles([place].into_iter(), size).await?.remove(&place);
        let tile = tile.ok_or(LogFault::Tree)?;
        let at = |leaf: u64| (leaf % WIDTH) as usize;
        let first = *tile.get(at(leaves.start)).ok_or(LogFault::Tree)?;
        let plan = InclusionPlan::new(leaves.start, size).map_err(|_| LogFault::Tree)?;
        let heads = self.heads(plan.nodes(), size).await?;
        let proof = plan.prove(|node| heads.get(&node).copied().ok_or(LogFault::Tree))?;
        proof.verify(&first, &last.checkpoint.root).map_err(|_| LogFault::Tree)?;
        let range = at(leaves.start)..at(leaves.end - 1) + 1;
        Ok(tile.get(range).ok_or(LogFault::Tree)?.to_vec())
    }

    /// What the bodies of entries hash to, by their places.
    async fn hashes_of_bodies<'l>(
        &self,
        leaves: impl Iterator<Item = &'l Leaf>,
    ) -> Result<HashMap<(&'l TenantId, BatchId, u16), [u8; 32]>> {
        let mut tenants: BTreeMap<&TenantId, HashMap<(BatchId, u16), Timestamp>> = BTreeMap::new();
        for leaf in leaves {
            let wanted = tenants.entry(&leaf.tenant).or_default();
            wanted.insert((leaf.batch, leaf.n), leaf.at);
        }
        let mut hashes = HashMap::new();
        for (tenant, wanted) in tenants {
            let first = wanted.values().min().copied();
            let last = wanted.values().max().copied();
            let (Some(first), Some(last)) = (first, last) else { continue };
            let until = Timestamp::from_micros(last.as_micros().saturating_add(1));
            let mut window = Window { from: first, until, ..Window::default() };
            let mut missing = wanted.len();
            while missing > 0 {
                let page = self.vault.store().entries(tenant, window).await?;
                let Some(last) = page.last() else { break };
                window.after = Some((last.entry.at(), last.batch, last.n));
                for logged in &page {
                    if wanted.contains_key(&(logged.batch, logged.n)) {
                        let hash = logged.entry.hash(tenant, logged.batch.id(), logged.n);
                        hashes.insert((tenant, logged.batch, logged.n), hash);
                        missing -= 1;
                    }
                }
            }
        }
        Ok(hashes)
    }
}
