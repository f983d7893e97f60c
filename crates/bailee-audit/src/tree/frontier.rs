//! A tree that grows, kept by the heads on its right edge.

use std::fmt;

use super::{empty_root, join, node_hash};

/// The state that a growing tree needs: how many leaves it has and the heads of the complete subtrees
/// that they make up, the largest first. At most 64 heads, however large the tree.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Frontier {
    size: u64,
    heads: Vec<[u8; 32]>,
}

/// Heads that are no frontier of a tree of this size.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is not one head for each complete subtree of the tree")]
pub struct NotAFrontier;

impl Frontier {
    /// Takes up a tree where it was left.
    ///
    /// # Errors
    ///
    /// [`NotAFrontier`] when there is not exactly one head for each power of two in the size.
    pub fn resume(size: u64, heads: Vec<[u8; 32]>) -> Result<Self, NotAFrontier> {
        if heads.len() == size.count_ones() as usize {
            Ok(Self { size, heads })
        } else {
            Err(NotAFrontier)
        }
    }

    /// Adds the next leaf by its hash.
    pub fn push(&mut self, leaf: [u8; 32]) {
        // Each trailing one of the size is a complete subtree that the leaf makes a larger one with.
        let head = (0..self.size.trailing_ones()).fold(leaf, |right, _| match self.heads.pop() {
            Some(left) => node_hash(&left, &right),
            None => right,
        });
        self.heads.push(head);
        self.size += 1;
    }

    /// How many leaves there are.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The heads of the complete subtrees, the largest first.
    pub fn heads(&self) -> &[[u8; 32]] {
        &self.heads
    }

    /// The head of the whole tree.
    pub fn root(&self) -> [u8; 32] {
        join(&self.heads).unwrap_or_else(empty_root)
    }
}

impl fmt::Debug for Frontier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Frontier").field("size", &self.size).finish_non_exhaustive()
    }
}
