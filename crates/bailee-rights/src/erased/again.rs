//! Erasing again: what whoever erases does for a ledger.

use async_trait::async_trait;
use bailee_core::{Id, Result, SubjectId, TenantId};

/// Erases somebody whom a restored database brought back.
#[async_trait]
pub trait EraseAgain: Send + Sync {
    /// Erases a person who lives in this database although they were erased, under the request that
    /// it was done for. Says whether they are erased now; where not, it is asked again.
    ///
    /// *Must* be repeatable. *Must not* ask the person for anything, nor tell them: that was done. The
    /// person's key may be gone already, where keys are kept in a store of their own that was not put
    /// back; then nothing of them can be read, and what is left of them is deleted all the same.
    ///
    /// # Errors
    ///
    /// What kept it from going on. Nothing is served until it went on.
    async fn erase_again(&self, tenant: &TenantId, subject: SubjectId, request: Id)
    -> Result<bool>;
}
