//! What keeps a database from being served although it is this instance's.

/// Says whether a database is served: one that was put back from a backup is not, until what was erased
/// since is erased again.
///
/// It is asked at every use, so it answers at once from what it knows.
pub trait Barrier: Send + Sync + 'static {
    /// Whether nothing may be done now. Every call is refused then with
    /// [`ErrorKind::Quarantined`](bailee_core::ErrorKind::Quarantined), and nothing is claimed.
    fn is_closed(&self) -> bool;
}
