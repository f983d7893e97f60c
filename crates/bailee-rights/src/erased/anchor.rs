//! Where entries are kept that a restore of the database does not reach.

use async_trait::async_trait;
use bailee_core::HostError;

/// A list of entries that only grows, kept apart from the database and its backups: a file on another
/// disk, an object store with versions. The host's.
///
/// An entry holds no name and no address, and nobody but the vault that wrote it can make one.
#[async_trait]
pub trait ErasureAnchor: Send + Sync + 'static {
    /// Adds an entry.
    ///
    /// *Must* have it in a safe place before it returns, behind everything that is there. *May* hold
    /// one twice.
    ///
    /// # Errors
    ///
    /// It is not known whether it was added. It is given again later.
    async fn append(&self, entry: &[u8]) -> Result<(), HostError>;

    /// Reads entries whose place is after one, in the order of their places; 0 is before all of them.
    ///
    /// *Must* answer with at least one where there is one, and *may* answer with fewer than `limit`.
    /// *Must* fail where something is damaged, rather than leave it out.
    ///
    /// # Errors
    ///
    /// The anchor is away or damaged.
    async fn entries(&self, after: u64, limit: u32) -> Result<Vec<Anchored>, HostError>;

    /// Lets go of entries whose time is over. *Must not* give their places to others. It may keep them;
    /// then the host sees that they go.
    ///
    /// # Errors
    ///
    /// All or some may be there still.
    async fn forget(&self, _places: &[u64]) -> Result<(), HostError> {
        Ok(())
    }
}

/// An entry and its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Anchored {
    /// Its place: higher than that of all before it.
    pub place: u64,
    /// The entry.
    pub entry: Vec<u8>,
}
