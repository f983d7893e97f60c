//! Where the bytes of a package go.

use async_trait::async_trait;
use bailee_core::Result;

/// Takes bytes in their order: a file, the body of an answer, a hash.
#[async_trait]
pub trait ByteSink: Send {
    /// Takes the next bytes, up to a few hundred KiB but for a single value that is longer. Whoever
    /// gives them waits for it, so that no more than this is in memory.
    ///
    /// # Errors
    ///
    /// Whatever keeps it from taking more: whoever gives stops and gives it on.
    async fn take(&mut self, bytes: &[u8]) -> Result<()>;
}

/// In memory, for tests and for small packages.
#[async_trait]
impl ByteSink for Vec<u8> {
    async fn take(&mut self, bytes: &[u8]) -> Result<()> {
        self.extend_from_slice(bytes);
        Ok(())
    }
}
