//! Hashes kept by 256: what proofs are made from without reading the log again.

use bailee_audit::tree::{self, Node};
use bailee_core::Id;
use bailee_store::Key;

use super::LogFault;
use crate::kind;

/// How many levels of the tree lie between two levels of tiles.
const LEVELS: u8 = 8;

/// How many hashes a tile holds.
pub(super) const WIDTH: u64 = 1 << LEVELS;

/// Which tile. A tile of level 0 holds entries' hashes, one of level 1 the heads of 256 of these, and
/// so on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    pub(super) level: u8,
    pub(super) index: u64,
}

/// The schema of a tile's body: the hashes, one after the other.
pub(super) const SCHEMA: u16 = 1;

impl Place {
    /// The tile in which a leaf's own hash lies.
    pub(super) fn of_leaf(leaf: u64) -> Self {
        Self { level: 0, index: leaf / WIDTH }
    }

    pub(super) fn key(self) -> Key {
        let id = Id::derive(&[b"log.tile", &[self.level], &self.index.to_be_bytes()]);
        Key::new(kind::LOG_TILE, id)
    }

    /// How many hashes it holds at least, in the tree of a size.
    pub(super) fn length(self, size: u64) -> usize {
        let on_level = size.checked_shr(u32::from(self.level * LEVELS)).unwrap_or(0);
        // At most 256.
        on_level.saturating_sub(self.index.saturating_mul(WIDTH)).min(WIDTH) as usize
    }

    /// The tiles at the right edge of the tree of a size that have room.
    pub(super) fn open(size: u64) -> impl Iterator<Item = Self> {
        (0..8).filter_map(move |level| {
            let on_level = size >> (level * LEVELS);
            (!on_level.is_multiple_of(WIDTH)).then_some(Self { level, index: on_level / WIDTH })
        })
    }

    /// The tile that knows the head of a subtree, and which of its hashes make it.
    pub(super) fn of(node: Node) -> (Self, std::ops::Range<usize>) {
        let (level, above) = (node.level() / LEVELS, node.level() % LEVELS);
        let first = node.index() << above;
        let start = (first % WIDTH) as usize;
        (Self { level, index: first / WIDTH }, start..start + (1 << above))
    }
}

/// Reads a tile of a tree of this size. It may have grown since.
pub(super) fn read(bytes: &[u8], place: Place, size: u64) -> Result<Vec<[u8; 32]>, LogFault> {
    let (hashes, rest) = bytes.as_chunks::<32>();
    if rest.is_empty() && hashes.len() >= place.length(size) && hashes.len() <= WIDTH as usize {
        Ok(hashes.to_vec())
    } else {
        Err(LogFault::Tree)
    }
}

/// The head of a subtree out of the tile that knows it.
pub(super) fn head(tile: &[[u8; 32]], range: std::ops::Range<usize>) -> Result<[u8; 32], LogFault> {
    tile.get(range).map(tree::root).ok_or(LogFault::Tree)
}

#[cfg(test)]
mod tests {
    use bailee_audit::tree::InclusionPlan;

    use super::*;

    #[test]
    fn every_head_that_a_proof_needs_lies_in_one_tile_of_the_tree() {
        for size in [1, 2, 255, 256, 257, 65_535, 65_536, 65_537, 1_000_000] {
            for leaf in [0, 1, size / 2, size - 1].into_iter().filter(|leaf| *leaf < size) {
                for node in InclusionPlan::new(leaf, size).unwrap().nodes() {
                    let (place, range) = Place::of(node);
                    assert!(range.end <= place.length(size), "{node:?} of {size}");
                }
            }
        }
    }

    #[test]
    fn the_open_tiles_are_those_with_room() {
        let open = |size| -> Vec<(u8, u64)> {
            Place::open(size).map(|place| (place.level, place.index)).collect()
        };
        assert_eq!(open(0), []);
        assert_eq!(open(1), [(0, 0)]);
        assert_eq!(open(256), [(1, 0)]);
        assert_eq!(open(257), [(0, 1), (1, 0)]);
        assert_eq!(open(65_536), [(2, 0)]);
        assert_eq!(open(u64::MAX).len(), 8);
        let place = Place { level: 1, index: 0 };
        assert_eq!(
            [0, 255, 256, 65_535, 65_536].map(|size| place.length(size)),
            [0, 0, 1, 255, 256]
        );
    }

    #[test]
    fn bytes_that_are_no_tile_of_the_tree_are_refused() {
        let place = Place { level: 0, index: 1 };
        assert_eq!(read(&[7; 64], place, 258).unwrap(), [[7; 32]; 2]);
        assert_eq!(read(&[7; 64], place, 257).unwrap().len(), 2, "it grew since");
        for (bytes, size) in [(vec![7; 64], 259), (vec![7; 63], 257), (vec![7; 257 * 32], 257)] {
            assert_eq!(read(&bytes, place, size), Err(LogFault::Tree));
        }
    }
}
