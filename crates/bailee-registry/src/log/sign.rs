//! Receipts signed with the log's key.

use bailee_audit::{Json, Receipt, Statement};
use bailee_core::{Error, ErrorKind, Result};

use super::{AuditLog, EntryPlace, HOLDER, TENANT, keys, state};

impl AuditLog {
    /// Signs a statement of what happened, with the hash of the entry that stands for it, and with the
    /// proof that this is in the log where it is in the signed tree already. Until then a receipt is good
    /// without the proof; one that is made again later has it.
    ///
    /// No name and no address of a person belongs into the content: a receipt is for keeping.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NotFound`] for an entry that the tenant does not have;
    /// [`ErrorKind::InvalidInput`] for content that has no canonical form; and as
    /// [`AuditLog::prove`].
    pub async fn receipt(
        &self,
        form: impl Into<String> + Send,
        content: Json,
        entry: Option<&EntryPlace>,
    ) -> Result<Receipt> {
        let form = form.into();
        let proven = match entry {
            Some(place) => self.prove(place).await?,
            None => None,
        };
        let hash = match (entry, &proven) {
            (_, Some(proven)) => Some(proven.entry),
            (Some(place), None) => Some(self.entry(place).await?.hash),
            (None, None) => None,
        };
        let view = self.vault.read(&TENANT, HOLDER, &[state::key(), keys::key()]).await?;
        let signers = keys::signers(&self.name, &view)?;
        let signer = signers.first().ok_or(ErrorKind::KeyMissing)?;
        let statement = Statement { form, content, entry: hash, issued: view.now() };
        let receipt = Receipt::sign(signer, statement).map_err(|fault| {
            Error::new(ErrorKind::InvalidInput)
                .with_detail("the content of a receipt has no canonical form")
                .with_source(fault)
        })?;
        Ok(match proven {
            Some(proven) => receipt.with_proof(proven.proof, proven.signed),
            None => receipt,
        })
    }
}
