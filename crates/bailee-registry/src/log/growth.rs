//! A tree that grows by the entries that were numbered, with the tiles that change.

use std::collections::BTreeMap;

use bailee_audit::tree::{self, Frontier};
use bailee_core::{ErrorKind, Result};
use bailee_store::{Op, Record};
use bailee_vault::{Draft, Vault};

use super::{
    HOLDER, LogFault, TENANT,
    tile::{self, Place, WIDTH},
};

/// A tree from the size that is remembered on.
pub(super) struct Growth {
    pub(super) frontier: Frontier,
    tiles: BTreeMap<Place, Tile>,
}

struct Tile {
    hashes: Vec<[u8; 32]>,
    /// What it replaces.
    stored: Option<Record>,
    changed: bool,
}

impl Growth {
    /// Takes the tree up with the tiles that have room.
    pub(super) async fn begin(vault: &Vault, frontier: Frontier) -> Result<Self> {
        let places: Vec<Place> = Place::open(frontier.size()).collect();
        let keys: Vec<_> = places.iter().map(|place| place.key()).collect();
        let view = vault.read(&TENANT, HOLDER, &keys).await?;
        let mut tiles = BTreeMap::new();
        for (n, place) in places.into_iter().enumerate() {
            let facts = view.facts(n)?.ok_or(LogFault::Tree)?;
            if facts.schema() > tile::SCHEMA {
                return Err(ErrorKind::UnknownSchema.into());
            }
            let hashes = tile::read(facts.bytes(), place, frontier.size())?;
            if hashes.len() != place.length(frontier.size()) {
                // It grew since the tree was read.
                return Err(ErrorKind::Conflict.into());
            }
            tiles.insert(place, Tile { hashes, stored: view.record(n).cloned(), changed: false });
        }
        Ok(Self { frontier, tiles })
    }

    /// Adds the next entry.
    pub(super) fn push(&mut self, leaf: [u8; 32]) {
        let (mut hash, mut number) = (leaf, self.frontier.size());
        self.frontier.push(leaf);
        for level in 0.. {
            let place = Place { level, index: number / WIDTH };
            let tile = self.tiles.entry(place).or_insert_with(Tile::new);
            tile.hashes.push(hash);
            tile.changed = true;
            if (tile.hashes.len() as u64) < WIDTH {
                break;
            }
            hash = tree::root(&tile.hashes);
            number /= WIDTH;
        }
    }

    /// The operations that write the tiles that changed.
    pub(super) async fn ops(&self, vault: &Vault) -> Result<Vec<Op>> {
        let mut ops = Vec::new();
        for (place, tile) in self.tiles.iter().filter(|(_, tile)| tile.changed) {
            let draft = Draft::new(place.key(), HOLDER).facts(tile::SCHEMA, tile.hashes.concat());
            ops.push(vault.put(&TENANT, draft, tile.stored.as_ref()).await?);
        }
        Ok(ops)
    }
}

impl Tile {
    fn new() -> Self {
        Self { hashes: Vec::with_capacity(WIDTH as usize), stored: None, changed: true }
    }
}
