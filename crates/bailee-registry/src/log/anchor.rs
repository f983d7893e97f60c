//! A checkpoint that was kept elsewhere, against the log as it is.

use bailee_audit::{
    CheckpointFault, SignedCheckpoint,
    tree::{ConsistencyPlan, ConsistencyProof},
};
use bailee_core::{Error, ErrorKind, Result};

use super::{AuditLog, LogFault, keys};

impl AuditLog {
    /// Sees that the log grew out of a checkpoint that was kept where whoever writes to the database
    /// cannot write, and gives the proof of it, for whoever keeps checkpoints without the database.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidInput`] for a text that is no checkpoint of this log by one of its keys;
    /// [`ErrorKind::Unopenable`] with a [`LogFault`] as its source when the log is smaller than it was
    /// or has another past; and as [`AuditLog::checkpoint`].
    pub async fn follows(&self, anchor: &SignedCheckpoint) -> Result<ConsistencyProof> {
        let state = self.state().await?;
        let keyring = keys::read(&state.view)?.keyring()?;
        let anchor = anchor.verify(&self.name, &keyring).map_err(|fault: CheckpointFault| {
            Error::new(ErrorKind::InvalidInput)
                .with_detail("not a checkpoint of this log")
                .with_source(fault)
        })?;
        if anchor.size > state.size() {
            return Err(LogFault::RolledBack.into());
        }
        let last = state.last()?;
        let plan = ConsistencyPlan::new(anchor.size, state.size()).map_err(|_| LogFault::Tree)?;
        let heads = self.heads(plan.nodes(), state.size()).await?;
        let proof = plan.prove(|node| heads.get(&node).copied().ok_or(LogFault::Tree))?;
        match proof.verify(&anchor.root, &last.checkpoint.root) {
            Ok(()) => Ok(proof),
            Err(_) => Err(LogFault::OtherPast.into()),
        }
    }
}
