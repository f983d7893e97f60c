//! Proofs that an entry is in the signed tree.

use std::collections::BTreeMap;

use bailee_audit::{
    Checkpoint, SignedCheckpoint,
    tree::{InclusionPlan, InclusionProof, Node},
};
use bailee_core::{BatchId, Error, ErrorKind, Result, TenantId, Timestamp};
use bailee_store::{LoggedEntry, Window};

use super::{
    AuditLog, HOLDER, LogFault, TENANT,
    tile::{self, Place},
};

/// Where an entry stands in the store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EntryPlace {
    /// Whose.
    pub tenant: TenantId,
    /// Its time.
    pub at: Timestamp,
    /// Its batch.
    pub batch: BatchId,
    /// Its place in that batch.
    pub n: u16,
}

/// An entry that is in the signed tree.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Proven {
    /// The entry's hash.
    pub entry: [u8; 32],
    /// That it is there.
    pub proof: InclusionProof,
    /// What the tree is.
    pub checkpoint: Checkpoint,
    /// That it was signed.
    pub signed: SignedCheckpoint,
}

impl From<&LoggedEntry> for EntryPlace {
    fn from(logged: &LoggedEntry) -> Self {
        Self {
            tenant: logged.tenant.clone(),
            at: logged.entry.at(),
            batch: logged.batch,
            n: logged.n,
        }
    }
}

impl AuditLog {
    /// Proves that an entry is in the tree of the last checkpoint. `None` as long as it is not: it has
    /// no number yet, or came after that.
    ///
    /// A few sealed records are read, however large the log.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NotFound`] for an entry that the tenant does not have; [`ErrorKind::Unopenable`]
    /// with a [`LogFault`] as its source when the entry is not what the tree has at its place; and as
    /// [`AuditLog::checkpoint`].
    pub async fn prove(&self, place: &EntryPlace) -> Result<Option<Proven>> {
        let logged = self.entry(place).await?;
        let Some(leaf) = logged.leaf else { return Ok(None) };
        let state = self.state().await?;
        if leaf >= state.size() {
            return Ok(None);
        }
        let last = state.last()?;
        let plan = InclusionPlan::new(leaf, state.size()).map_err(|_| LogFault::Tree)?;
        let heads = self.heads(plan.nodes(), state.size()).await?;
        let proof = plan.prove(|node| heads.get(&node).copied().ok_or(LogFault::Tree))?;
        // Whoever changed the entry and its hash in the store gets no proof for it.
        if proof.verify(&logged.hash, &last.checkpoint.root).is_err()
            || logged.entry.hash(&logged.tenant, logged.batch.id(), logged.n) != logged.hash
        {
            return Err(LogFault::Tree.into());
        }
        Ok(Some(Proven {
            entry: logged.hash,
            proof,
            checkpoint: last.checkpoint.clone(),
            signed: last.signed.clone(),
        }))
    }

    /// The entry at a place.
    pub(crate) async fn entry(&self, place: &EntryPlace) -> Result<LoggedEntry> {
        let window = Window {
            from: place.at,
            until: Timestamp::from_micros(place.at.as_micros().saturating_add(1)),
            ..Window::default()
        };
        let found = self
            .search(&place.tenant, window, |logged| {
                logged.batch == place.batch && logged.n == place.n
            })
            .await?;
        found.ok_or_else(|| {
            Error::new(ErrorKind::NotFound).with_detail("the log has no such entry of this tenant")
        })
    }

    /// The first entry of a window that is wanted.
    pub(crate) async fn search(
        &self,
        tenant: &TenantId,
        mut window: Window,
        wanted: impl Fn(&LoggedEntry) -> bool,
    ) -> Result<Option<LoggedEntry>> {
        loop {
            let page = self.vault.store().entries(tenant, window).await?;
            let Some(last) = page.last() else { return Ok(None) };
            window.after = Some((last.entry.at(), last.batch, last.n));
            if let Some(found) = page.into_iter().find(&wanted) {
                return Ok(Some(found));
            }
        }
    }

    /// The heads of subtrees of the tree of a size, out of the tiles.
    pub(super) async fn heads(
        &self,
        nodes: impl Iterator<Item = Node>,
        size: u64,
    ) -> Result<BTreeMap<Node, [u8; 32]>> {
        let wanted: Vec<_> = nodes.map(|node| (node, Place::of(node))).collect();
        let tiles = self.tiles(wanted.iter().map(|(_, (place, _))| *place), size).await?;
        let mut heads = BTreeMap::new();
        for (node, (place, range)) in wanted {
            let tile = tiles.get(&place).ok_or(LogFault::Tree)?;
            heads.insert(node, tile::head(tile, range)?);
        }
        Ok(heads)
    }

    pub(super) async fn tiles(
        &self,
        places: impl Iterator<Item = Place>,
        size: u64,
    ) -> Result<BTreeMap<Place, Vec<[u8; 32]>>> {
        let mut places: Vec<Place> = places.collect();
        places.sort_unstable();
        places.dedup();
        let keys: Vec<_> = places.iter().map(|place| place.key()).collect();
        let view = self.vault.read(&TENANT, HOLDER, &keys).await?;
        let mut tiles = BTreeMap::new();
        for (n, place) in places.into_iter().enumerate() {
            let facts = view.facts(n)?.ok_or(LogFault::Tree)?;
            if facts.schema() > tile::SCHEMA {
                return Err(ErrorKind::UnknownSchema.into());
            }
            tiles.insert(place, tile::read(facts.bytes(), place, size)?);
        }
        Ok(tiles)
    }
}
