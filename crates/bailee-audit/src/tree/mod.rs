//! The Merkle tree of RFC 9162 §2.1 over the log, with SHA-256.
//!
//! An entry's hash ([`bailee_core::audit::Entry::hash`]) is a leaf's hash already: SHA-256 over a zero
//! byte and the entry. So the tree is that of the entries themselves, and whoever has an entry can
//! check it without knowing of any second hash.

mod consistency;
mod frontier;
mod inclusion;
mod node;

pub use self::{
    consistency::{ConsistencyPlan, ConsistencyProof},
    frontier::{Frontier, NotAFrontier},
    inclusion::{InclusionPlan, InclusionProof},
    node::Node,
};

use bailee_core::Sha256;

/// What is wrong with a proof.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ProofFault {
    /// It speaks of a leaf or a size that the tree does not have.
    #[error("the proof is of a place that the tree does not have")]
    OutOfTree,
    /// Its path is not as long as its place in the tree asks for.
    #[error("the path of the proof has another length")]
    Length,
    /// It leads to another head than the earlier one.
    #[error("the proof does not lead to the earlier head of the tree")]
    OtherPast,
    /// It leads to another head.
    #[error("the proof does not lead to the head of the tree")]
    OtherRoot,
}

/// The head of a tree without leaves.
pub fn empty_root() -> [u8; 32] {
    Sha256::default().finish()
}

/// The hash of a leaf over bytes: of an entry, [`bailee_core::audit::Entry::hash`] is that.
pub fn leaf_hash(bytes: &[u8]) -> [u8; 32] {
    let mut hash = Sha256::default();
    hash.update(&[0]);
    hash.update(bytes);
    hash.finish()
}

/// The head over two heads.
pub fn node_hash(left: &[u8; 32], right: &[u8; 32]) -> [u8; 32] {
    let mut hash = Sha256::default();
    hash.update(&[1]);
    hash.update(left);
    hash.update(right);
    hash.finish()
}

/// The head of the tree over these leaves' hashes.
pub fn root(leaves: &[[u8; 32]]) -> [u8; 32] {
    let mut frontier = Frontier::default();
    for leaf in leaves {
        frontier.push(*leaf);
    }
    frontier.root()
}

/// The largest power of two below a size of at least two: where RFC 9162 splits a tree.
fn split(size: u64) -> u64 {
    debug_assert!(size > 1);
    1 << (63 - (size - 1).leading_zeros())
}

/// Heads side by side, the largest first, made into one.
fn join(heads: &[[u8; 32]]) -> Option<[u8; 32]> {
    let (last, before) = heads.split_last()?;
    Some(before.iter().rfold(*last, |right, left| node_hash(left, &right)))
}

#[cfg(test)]
mod tests;
