//! What joins a caller's commit.

use bailee_core::audit::Entry;
use bailee_store::{BatchBuilder, Op};

/// Operations with what the log says of them, for a commit that does more than this.
///
/// They are of one tenant. Where they write under a person's key, the commit carries that person's
/// fence ([`View::fence`](bailee_vault::View::fence)), which is the caller's to add.
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct Additions {
    /// What is written.
    pub ops: Vec<Op>,
    /// What the log says of it.
    pub entries: Vec<Entry>,
}

impl Additions {
    /// Adds them to a batch.
    #[must_use]
    pub fn add_to(self, batch: BatchBuilder) -> BatchBuilder {
        self.entries.into_iter().fold(batch.ops(self.ops), BatchBuilder::audit)
    }

    /// These and others.
    pub fn and(mut self, others: Self) -> Self {
        self.ops.extend(others.ops);
        self.entries.extend(others.entries);
        self
    }

    /// Whether there is nothing in them.
    pub fn is_empty(&self) -> bool {
        self.ops.is_empty() && self.entries.is_empty()
    }
}
