//! Proofs that a leaf is in a tree (RFC 9162 §2.1.3).

use std::ops::Range;

use super::{Node, ProofFault, join, node::cover, node_hash, split};

/// Which hashes the proof of a leaf needs.
///
/// Whoever has the hashes says which: a plan names complete subtrees and asks for the head of each, so
/// that a store is never loaded whole.
#[derive(Clone, Debug)]
pub struct InclusionPlan {
    leaf: u64,
    size: u64,
    parts: Vec<Vec<Node>>,
}

/// That a leaf is in the tree of a size.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct InclusionProof {
    /// The leaf's number.
    pub leaf: u64,
    /// How many leaves the tree has.
    pub size: u64,
    /// The heads beside the way from the leaf to the root, the lowest first.
    pub path: Vec<[u8; 32]>,
}

impl InclusionPlan {
    /// Plans the proof of a leaf in the tree of a size.
    ///
    /// # Errors
    ///
    /// [`ProofFault::OutOfTree`] for a leaf that is not in it.
    pub fn new(leaf: u64, size: u64) -> Result<Self, ProofFault> {
        if leaf >= size {
            return Err(ProofFault::OutOfTree);
        }
        let mut beside: Vec<Range<u64>> = Vec::new();
        let mut tree = 0..size;
        while tree.end - tree.start > 1 {
            let middle = tree.start + split(tree.end - tree.start);
            if leaf < middle {
                beside.push(middle..tree.end);
                tree.end = middle;
            } else {
                beside.push(tree.start..middle);
                tree.start = middle;
            }
        }
        let parts = beside.iter().rev().map(cover).collect();
        Ok(Self { leaf, size, parts })
    }

    /// The subtrees whose heads the proof needs, each once.
    pub fn nodes(&self) -> impl Iterator<Item = Node> + '_ {
        self.parts.iter().flatten().copied()
    }

    /// Makes the proof.
    ///
    /// # Errors
    ///
    /// What `head` answers for a subtree that it does not have.
    pub fn prove<E>(
        &self,
        head: impl FnMut(Node) -> Result<[u8; 32], E>,
    ) -> Result<InclusionProof, E> {
        let path = heads(&self.parts, head)?;
        Ok(InclusionProof { leaf: self.leaf, size: self.size, path })
    }
}

impl InclusionProof {
    /// Puts a proof together that came from somewhere. [`InclusionProof::verify`] says whether it is
    /// one.
    pub fn new(leaf: u64, size: u64, path: Vec<[u8; 32]>) -> Self {
        Self { leaf, size, path }
    }

    /// Checks that a leaf of this hash is where the proof says, in the tree with this head (RFC 9162
    /// §2.1.3.2).
    ///
    /// # Errors
    ///
    /// What is wrong.
    pub fn verify(&self, leaf_hash: &[u8; 32], root: &[u8; 32]) -> Result<(), ProofFault> {
        if self.leaf >= self.size {
            return Err(ProofFault::OutOfTree);
        }
        let (mut place, mut last) = (self.leaf, self.size - 1);
        let mut head = *leaf_hash;
        for beside in &self.path {
            if last == 0 {
                return Err(ProofFault::Length);
            }
            if place & 1 == 1 || place == last {
                head = node_hash(beside, &head);
                // On the right edge the tree may have no brother on some levels.
                while place & 1 == 0 && place != 0 {
                    place >>= 1;
                    last >>= 1;
                }
            } else {
                head = node_hash(&head, beside);
            }
            place >>= 1;
            last >>= 1;
        }
        match (last, head == *root) {
            (0, true) => Ok(()),
            (0, false) => Err(ProofFault::OtherRoot),
            _ => Err(ProofFault::Length),
        }
    }
}

/// The head of each part, which is made up of the complete subtrees that stand for it.
pub(super) fn heads<E>(
    parts: &[Vec<Node>],
    mut head: impl FnMut(Node) -> Result<[u8; 32], E>,
) -> Result<Vec<[u8; 32]>, E> {
    let mut path = Vec::with_capacity(parts.len());
    for part in parts {
        let heads = part.iter().map(|node| head(*node)).collect::<Result<Vec<_>, E>>()?;
        // No part of a plan is empty.
        path.extend(join(&heads));
    }
    Ok(path)
}
