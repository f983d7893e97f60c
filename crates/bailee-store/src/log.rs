//! The log of audit entries, as a store keeps it.

use async_trait::async_trait;
use bailee_core::{BatchId, Result, SubjectId, TenantId, Timestamp, audit::Entry};

/// An entry as it stands in the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoggedEntry {
    /// Whose.
    pub tenant: TenantId,
    /// The batch that it belongs to.
    pub batch: BatchId,
    /// Its place in that batch.
    pub n: u16,
    /// The entry.
    pub entry: Entry,
    /// Its hash, as the commit wrote it.
    pub hash: [u8; 32],
    /// Its number in the tree of the whole deployment, once it has one.
    pub leaf: Option<u64>,
}

/// Which entries of a tenant to read: by time, oldest first. A store has an index for those of one
/// subject as well.
#[derive(Clone, Copy, Debug)]
pub struct Window {
    /// At or after this time.
    pub from: Timestamp,
    /// Before this time.
    pub until: Timestamp,
    /// Only entries about this subject.
    pub subject: Option<SubjectId>,
    /// Only entries after this one, as (time, batch, n).
    pub after: Option<(Timestamp, BatchId, u16)>,
    /// At most so many, 1 to 1,000.
    pub limit: u32,
}

impl Default for Window {
    fn default() -> Self {
        Self {
            from: Timestamp::from_micros(i64::MIN),
            until: Timestamp::from_micros(i64::MAX),
            subject: None,
            after: None,
            limit: 1000,
        }
    }
}

/// An entry without its body: its place and its hash.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leaf {
    /// Whose.
    pub tenant: TenantId,
    /// Its batch.
    pub batch: BatchId,
    /// Its place in that batch.
    pub n: u16,
    /// Its time.
    pub at: Timestamp,
    /// Its hash.
    pub hash: [u8; 32],
}

/// How many entries are numbered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// The number that the next leaf gets.
    pub size: u64,
}

/// What a store answers about its log. Entries come in only with a commit.
#[async_trait]
pub trait Log: Send + Sync + 'static {
    /// The entries of a tenant in a window of time, oldest first.
    ///
    /// # Errors
    ///
    /// [`bailee_core::ErrorKind::StoreUnavailable`].
    async fn entries(&self, tenant: &TenantId, window: Window) -> Result<Vec<LoggedEntry>>;

    /// At most `limit` entries of every tenant that have no number yet, oldest first, without their
    /// bodies, and the head that they would follow.
    ///
    /// # Errors
    ///
    /// [`bailee_core::ErrorKind::StoreUnavailable`].
    async fn open(&self, limit: u32) -> Result<(Head, Vec<Leaf>)>;

    /// At most `limit` numbered entries of every tenant, from a number on, in the order of their
    /// numbers, without their bodies. Where one was deleted its number is missing.
    ///
    /// # Errors
    ///
    /// [`bailee_core::ErrorKind::StoreUnavailable`].
    async fn numbered(&self, from: u64, limit: u32) -> Result<Vec<(u64, Leaf)>>;

    /// Numbers the leaves in their order, from `head` on, all or none.
    ///
    /// *Must* fail with [`bailee_core::ErrorKind::Conflict`] when the head moved, when a leaf has a
    /// number or stands twice among the leaves, and when it is not in the log with this hash. A
    /// number once given *must not* change.
    ///
    /// # Errors
    ///
    /// As said, and [`bailee_core::ErrorKind::StoreUnavailable`].
    async fn fold(&self, head: Head, leaves: &[Leaf]) -> Result<Head>;
}
