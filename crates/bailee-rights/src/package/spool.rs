//! Where parts of packages lie until they are fetched.

use async_trait::async_trait;
use bailee_core::Result;

use super::ObjectName;

/// A place for objects of any size: a directory, a bucket.
///
/// What is written to it is sealed already: whoever reads the place sees lengths and random names. A
/// store of objects with expiry of its own is a good one; its expiry has to be longer than a package
/// lives.
///
/// Errors say what kind of thing failed. A method that is dropped while it waits leaves a state from
/// which it can be called again.
#[async_trait]
pub trait Spool: Send + Sync {
    /// Begins an object.
    ///
    /// An object of this name *must* stay as it is until the new one is finished, and be replaced whole
    /// then. What is not finished *must not* be read by anybody; it may be listed.
    ///
    /// # Errors
    ///
    /// The place cannot be written to.
    async fn write(&self, name: &ObjectName) -> Result<Box<dyn SpoolWriter>>;

    /// Reads so many bytes from a place on.
    ///
    /// *Must* give exactly as many as were asked for. *Must not* give fewer at the end of the object.
    ///
    /// # Errors
    ///
    /// `NotFound` where there is no finished object of this name, `InvalidInput` where it ends earlier,
    /// else what keeps it from reading.
    async fn read(&self, name: &ObjectName, offset: u64, length: usize) -> Result<Vec<u8>>;

    /// How long an object is; `None` where there is no finished one of this name.
    ///
    /// # Errors
    ///
    /// The place cannot be looked at.
    async fn length(&self, name: &ObjectName) -> Result<Option<u64>>;

    /// Deletes an object, and what was begun under its name and not finished. *Must* be repeatable: what
    /// is not there is deleted.
    ///
    /// # Errors
    ///
    /// It may still be there.
    async fn delete(&self, name: &ObjectName) -> Result<()>;

    /// The names that begin like this, in their order, each once.
    ///
    /// *Must* name every finished object. *Must* name what was begun and never finished where it takes
    /// room, so that it can be deleted.
    ///
    /// # Errors
    ///
    /// It could not look at all of them.
    async fn list(&self, prefix: &str) -> Result<Vec<ObjectName>>;
}

/// An object that is being written. Dropped, it was never there.
#[async_trait]
pub trait SpoolWriter: Send {
    /// Adds bytes, up to a few hundred KiB at a time.
    ///
    /// # Errors
    ///
    /// The object cannot be finished any more.
    async fn put(&mut self, bytes: Vec<u8>) -> Result<()>;

    /// Ends the object. It *must* be there for every reader when this returns, and survive a crash.
    ///
    /// # Errors
    ///
    /// Nobody can tell whether it is there; it is written again under another name.
    async fn finish(self: Box<Self>) -> Result<()>;
}
