//! A batch: everything that one change changes, with the audit entries that belong to it.

use bailee_core::{BatchId, Error, ErrorKind, Result, SubjectId, TenantId, audit::Entry};

use crate::{Due, Fence, Key, MAX_BODY, Record, Sealed, Version};
use bailee_core::Id;

/// The largest number of operations in a batch.
pub const MAX_OPS: usize = 1000;

/// The largest number of lookups of one record.
pub const MAX_LOOKUPS: usize = 64;

/// What must be so for an operation to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expect {
    /// There is no such record (an expired one is none).
    Absent,
    /// There is one.
    Present,
    /// There is one and it has this version.
    Version(Version),
}

/// One operation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Op {
    /// Sees that something is so, and that it stays so until this commit ends.
    Check {
        /// The record.
        key: Key,
        /// What must be so.
        expect: Expect,
    },
    /// Writes the control row. Only in the system's tenant.
    Control {
        /// The new body.
        body: Sealed,
        /// The version that it replaces. The new version is one more.
        expect: Version,
    },
    /// Deletes a record with its lookups.
    Delete {
        /// The record.
        key: Key,
        /// What must be so. [`Expect::Absent`] is refused.
        expect: Expect,
    },
    /// Ends a claim. Fails the batch unless this claim stands (same fence, lease not over by the
    /// store's clock). The work is due again as said, with no tries and no `since`; what was
    /// scheduled while it was held gives way, so a holder finishes beside a versioned write of
    /// what it worked on.
    Finish {
        /// The piece of work.
        task: Key,
        /// The claim.
        fence: Fence,
        /// When it is due again.
        due: Due,
    },
    /// Writes a record. [`Expect::Present`] is refused: a writer knows what it replaces. A record
    /// that was absent begins without the lookups of an expired one in its place.
    Put {
        /// The record. Its version is `expect`'s next one, or its first.
        record: Record,
        /// What must be so.
        expect: Expect,
        /// The hashes under which it is found; `None` leaves them.
        lookups: Option<Vec<Id>>,
    },
    /// Plans a piece of work or moves its due time. It never shortens a lease and never resets
    /// tries: work that somebody holds stays held until its lease ends, and `Never` removes only
    /// what nobody holds. Work needs no record of its name and outlives one.
    Schedule {
        /// The piece of work.
        task: Key,
        /// About whom.
        subject: Option<SubjectId>,
        /// When it is due.
        due: Due,
    },
}

/// A change: all of it or none.
#[derive(Clone, Debug)]
pub struct Batch {
    id: BatchId,
    ops: Vec<Op>,
    audit: Vec<Entry>,
}

/// What a commit did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Committed {
    /// This commit did not happen now: it had happened already, under the same id.
    AlreadyApplied,
    /// It happened now.
    Applied,
}

/// Collects a batch.
#[derive(Clone, Debug)]
pub struct BatchBuilder(Batch);

impl Batch {
    /// Begins a batch. The id is drawn once and kept over retries of the same change.
    pub fn builder(id: BatchId) -> BatchBuilder {
        BatchBuilder(Self { id, ops: Vec::new(), audit: Vec::new() })
    }

    /// The batch's id.
    pub fn id(&self) -> BatchId {
        self.id
    }

    /// The operations.
    pub fn ops(&self) -> &[Op] {
        &self.ops
    }

    /// The audit entries.
    pub fn audit(&self) -> &[Entry] {
        &self.audit
    }

    /// Checks, on behalf of a store, what holds for every store: a control row only in the
    /// system's tenant. The rest was checked when the batch was built.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidInput`].
    pub fn check_for(&self, tenant: &TenantId) -> Result<()> {
        let control = self.ops.iter().any(|op| matches!(op, Op::Control { .. }));
        if control && !tenant.is_system() {
            return Err(invalid("the control row belongs to the system's tenant"));
        }
        Ok(())
    }
}

impl BatchBuilder {
    /// Adds an operation.
    #[must_use]
    pub fn op(mut self, op: Op) -> Self {
        self.0.ops.push(op);
        self
    }

    /// Adds operations.
    #[must_use]
    pub fn ops(mut self, ops: impl IntoIterator<Item = Op>) -> Self {
        self.0.ops.extend(ops);
        self
    }

    /// Writes a record and leaves its lookups.
    #[must_use]
    pub fn put(self, record: Record, expect: Expect) -> Self {
        self.op(Op::Put { record, expect, lookups: None })
    }

    /// Deletes a record.
    #[must_use]
    pub fn delete(self, key: Key, expect: Expect) -> Self {
        self.op(Op::Delete { key, expect })
    }

    /// Checks a record, with a lock.
    #[must_use]
    pub fn check(self, key: Key, expect: Expect) -> Self {
        self.op(Op::Check { key, expect })
    }

    /// Plans work.
    #[must_use]
    pub fn schedule(self, task: Key, subject: Option<SubjectId>, due: Due) -> Self {
        self.op(Op::Schedule { task, subject, due })
    }

    /// Ends a claim.
    #[must_use]
    pub fn finish(self, task: Key, fence: Fence, due: Due) -> Self {
        self.op(Op::Finish { task, fence, due })
    }

    /// Adds an audit entry.
    #[must_use]
    pub fn audit(mut self, entry: Entry) -> Self {
        self.0.audit.push(entry);
        self
    }

    /// Ends the batch.
    ///
    /// # Errors
    ///
    /// Refuses ([`ErrorKind::InvalidInput`], [`ErrorKind::TooLarge`]) a batch without an audit
    /// entry (a refusal changes nothing and is still noted, so operations may be missing), one
    /// that names a key twice for the same purpose, one over the limits, a put that expects
    /// `Present` and a delete that expects `Absent`.
    pub fn build(self) -> Result<Batch> {
        let batch = self.0;
        // The audit rows are what makes a batch idempotent.
        if batch.audit.is_empty() {
            return Err(invalid("a change without an audit entry"));
        }
        if batch.ops.len() > MAX_OPS || batch.audit.len() > MAX_OPS {
            return Err(too_large("a batch has too many operations"));
        }
        let mut records = Vec::new();
        let mut tasks = Vec::new();
        for op in &batch.ops {
            match op {
                Op::Put { expect: Expect::Present, .. } => {
                    return Err(invalid("a put must name the version that it replaces"));
                }
                Op::Delete { expect: Expect::Absent, .. } => {
                    return Err(invalid("a delete of what must be absent"));
                }
                Op::Put { record, expect, lookups } => {
                    if record.body.as_bytes().len() > MAX_BODY {
                        return Err(too_large("a body has more than 256 KiB"));
                    }
                    if lookups.as_ref().is_some_and(|lookups| lookups.len() > MAX_LOOKUPS) {
                        return Err(too_large("a record has too many lookups"));
                    }
                    if let Expect::Version(version) = expect
                        && record.version != version.next()
                    {
                        return Err(invalid("a record must carry the version that it makes"));
                    }
                    records.push(&record.key);
                }
                Op::Control { body, .. } => {
                    if body.as_bytes().len() > MAX_BODY {
                        return Err(too_large("the control row has more than 256 KiB"));
                    }
                }
                Op::Delete { key, .. } | Op::Check { key, .. } => records.push(key),
                Op::Schedule { task, .. } | Op::Finish { task, .. } => tasks.push(task),
            }
        }
        for keys in [&mut records, &mut tasks] {
            keys.sort();
            if keys.windows(2).any(|pair| pair[0] == pair[1]) {
                return Err(invalid("a batch names one key twice"));
            }
        }
        if batch.ops.iter().filter(|op| matches!(op, Op::Control { .. })).count() > 1 {
            return Err(invalid("a batch writes the control row twice"));
        }
        Ok(batch)
    }
}

fn invalid(detail: &'static str) -> Error {
    Error::new(ErrorKind::InvalidInput).with_detail(detail)
}

fn too_large(detail: &'static str) -> Error {
    Error::new(ErrorKind::TooLarge).with_detail(detail)
}
