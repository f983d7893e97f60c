//! Complete subtrees: what a store of hashes is asked for.

use std::ops::Range;

/// A complete subtree: two to the power of its level leaves, of which the first is a multiple of that.
/// Its head never changes once its leaves are there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Node {
    level: u8,
    index: u64,
}

impl Node {
    /// The leaf of this number.
    pub fn leaf(number: u64) -> Self {
        Self { level: 0, index: number }
    }

    /// How high it is: a leaf is on level 0.
    pub fn level(self) -> u8 {
        self.level
    }

    /// How many of its level are before it.
    pub fn index(self) -> u64 {
        self.index
    }

    /// The numbers of its leaves.
    pub fn leaves(self) -> Range<u64> {
        self.index << self.level..(self.index + 1) << self.level
    }
}

/// The complete subtrees, the largest first, that make up a subtree of RFC 9162: one that begins at a
/// multiple of the power of two that it fits into.
pub(super) fn cover(range: &Range<u64>) -> Vec<Node> {
    let (mut start, mut rest) = (range.start, range.end - range.start);
    let mut nodes = Vec::with_capacity(rest.count_ones() as usize);
    while rest > 0 {
        let level = 63 - rest.leading_zeros();
        nodes.push(Node { level: level as u8, index: start >> level });
        start += 1 << level;
        rest -= 1 << level;
    }
    nodes
}
