//! Proofs that a tree grew out of an earlier one, with nothing of it changed (RFC 9162 §2.1.4).

use super::{Node, ProofFault, empty_root, inclusion::heads, node::cover, node_hash, split};

/// Which hashes the proof of a growth needs.
#[derive(Clone, Debug)]
pub struct ConsistencyPlan {
    old: u64,
    new: u64,
    parts: Vec<Vec<Node>>,
}

/// That the tree of a size begins with the leaves of an earlier one.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ConsistencyProof {
    /// How many leaves the earlier tree had.
    pub old: u64,
    /// How many the later one has.
    pub new: u64,
    /// The heads from which both roots can be computed. Empty where the sizes are the same, and where
    /// the earlier tree had no leaf: every tree grew out of that.
    pub path: Vec<[u8; 32]>,
}

impl ConsistencyPlan {
    /// Plans the proof that a tree grew out of an earlier one.
    ///
    /// # Errors
    ///
    /// [`ProofFault::OutOfTree`] when the earlier one is the larger.
    pub fn new(old: u64, new: u64) -> Result<Self, ProofFault> {
        if old > new {
            return Err(ProofFault::OutOfTree);
        }
        let mut beside = Vec::new();
        if old > 0 {
            let mut tree = 0..new;
            while tree.end != old {
                let middle = tree.start + split(tree.end - tree.start);
                if old <= middle {
                    beside.push(middle..tree.end);
                    tree.end = middle;
                } else {
                    beside.push(tree.start..middle);
                    tree.start = middle;
                }
            }
            // The head of the whole earlier tree is known to whoever asks.
            if tree.start > 0 {
                beside.push(tree);
            }
        }
        let parts = beside.iter().rev().map(cover).collect();
        Ok(Self { old, new, parts })
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
    ) -> Result<ConsistencyProof, E> {
        Ok(ConsistencyProof { old: self.old, new: self.new, path: heads(&self.parts, head)? })
    }
}

impl ConsistencyProof {
    /// Puts a proof together that came from somewhere. [`ConsistencyProof::verify`] says whether it
    /// is one.
    pub fn new(old: u64, new: u64, path: Vec<[u8; 32]>) -> Self {
        Self { old, new, path }
    }

    /// Checks that the tree with the new head begins with all leaves of the one with the old head
    /// (RFC 9162 §2.1.4.2).
    ///
    /// # Errors
    ///
    /// What is wrong.
    pub fn verify(&self, old_root: &[u8; 32], new_root: &[u8; 32]) -> Result<(), ProofFault> {
        if self.old > self.new {
            return Err(ProofFault::OutOfTree);
        }
        if self.old == self.new || self.old == 0 {
            return self.verify_plain(old_root, new_root);
        }
        // A tree that is complete in itself is the first head of its own proof.
        let own = [*old_root];
        let own = if self.old.is_power_of_two() { &own[..] } else { &[] };
        let mut path = own.iter().chain(&self.path);
        let (mut place, mut last) = (self.old - 1, self.new - 1);
        let complete = place.trailing_ones();
        place >>= complete;
        last >>= complete;
        let first = path.next().ok_or(ProofFault::Length)?;
        let (mut past, mut head) = (*first, *first);
        for beside in path {
            if last == 0 {
                return Err(ProofFault::Length);
            }
            if place & 1 == 1 || place == last {
                past = node_hash(beside, &past);
                head = node_hash(beside, &head);
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
        if last != 0 {
            Err(ProofFault::Length)
        } else if past != *old_root {
            Err(ProofFault::OtherPast)
        } else if head != *new_root {
            Err(ProofFault::OtherRoot)
        } else {
            Ok(())
        }
    }

    /// Where the heads alone say it.
    fn verify_plain(&self, old_root: &[u8; 32], new_root: &[u8; 32]) -> Result<(), ProofFault> {
        if !self.path.is_empty() {
            Err(ProofFault::Length)
        } else if self.old == 0 && *old_root != empty_root() {
            Err(ProofFault::OtherPast)
        } else if self.old == self.new && old_root != new_root {
            Err(ProofFault::OtherRoot)
        } else {
            Ok(())
        }
    }
}
