//! Checkpoints: the tree grown by what was numbered, and its head signed.

use bailee_audit::{Checkpoint, SignedCheckpoint, SigningKey};
use bailee_core::{BatchId, Error, ErrorKind, Result, audit::Entry};
use bailee_store::Batch;
use bailee_vault::Draft;

use super::{
    AuditLog, HOLDER, LogFault, TENANT,
    growth::Growth,
    keys,
    state::{self, State, TreeBody},
};
use crate::hex;

/// A checkpoint and how it came about.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Checkpointed {
    /// What it says.
    pub checkpoint: Checkpoint,
    /// Its text. Keep it where nobody who can write to the database can write.
    pub signed: SignedCheckpoint,
    /// Whether it is a new one. Nothing is signed where nothing came to the log since the last one but
    /// its own entry.
    pub new: bool,
    /// Whether entries with a number are left for the next one: a checkpoint takes sixteen thousand at
    /// most.
    pub more: bool,
}

impl AuditLog {
    /// Grows the tree by the entries that have a number and signs its head.
    ///
    /// The tree, the hashes that proofs need and the checkpoint are written in one commit, with an entry
    /// in the log. Several processes may do it at once; then one of them signs and the others answer
    /// what it signed.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Unopenable`] with a [`LogFault`] as its source when a numbered entry is gone or the
    /// tree is not what it was: nothing is signed then. [`ErrorKind::NotFound`] when no entry has a
    /// number yet; [`ErrorKind::Conflict`] when others were faster again and again; and as
    /// [`AuditLog::open`].
    pub async fn checkpoint(&self) -> Result<Checkpointed> {
        for _ in 0..MAX_TRIES {
            match self.try_checkpoint().await {
                Err(error) if error.kind() == ErrorKind::Conflict => {}
                other => return other,
            }
        }
        Err(Error::new(ErrorKind::Conflict).with_detail("other processes sign the log"))
    }

    /// The last checkpoint.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NotFound`] when there is none yet; else as [`AuditLog::checkpoint`].
    pub async fn last_checkpoint(&self) -> Result<SignedCheckpoint> {
        let state = self.state().await?;
        Ok(state.last()?.signed.clone())
    }

    async fn try_checkpoint(&self) -> Result<Checkpointed> {
        let state = self.state().await?;
        let (leaves, more) = self.numbered_since(&state).await?;
        let own = state.last.as_ref().map(|last| last.batch);
        if leaves.iter().all(|(batch, _)| own == Some(batch.id())) {
            let last = state.last()?;
            let (checkpoint, signed) = (last.checkpoint.clone(), last.signed.clone());
            return Ok(Checkpointed { checkpoint, signed, new: false, more: false });
        }
        let mut growth = Growth::begin(&self.vault, state.frontier.clone()).await?;
        for (_, hash) in leaves {
            growth.push(hash);
        }
        let signers = keys::signers(&self.name, &state.view)?;
        let (size, root) = (growth.frontier.size(), growth.frontier.root());
        let checkpoint = Checkpoint::new(self.name.clone(), size, root, state.view.now());
        let signed = checkpoint.sign(&signers.iter().collect::<Vec<&SigningKey>>());

        let id = BatchId::generate(&**self.vault.random())?;
        let body = TreeBody {
            size,
            heads: growth.frontier.heads().iter().map(hex::text).collect(),
            checkpoint: signed.as_str().to_owned(),
            batch: id.id(),
        };
        let draft = Draft::new(state::key(), HOLDER).json(state::SCHEMA, &body)?;
        let entry = Entry::new("checkpoint.signed", self.vault.clock().now())
            .with("count", i64::try_from(size).unwrap_or(i64::MAX))
            .with("digest", root);
        let batch = Batch::builder(id)
            .op(self.vault.put(&TENANT, draft, state.record()).await?)
            .ops(growth.ops(&self.vault).await?)
            .audit(entry);
        self.vault.commit(&TENANT, batch).await?;
        self.remember(&checkpoint);
        Ok(Checkpointed { checkpoint, signed, new: true, more })
    }

    /// The batches and hashes of the entries that were numbered since the last checkpoint, none missing.
    async fn numbered_since(&self, state: &State) -> Result<(Vec<(BatchId, [u8; 32])>, bool)> {
        let store = self.vault.store();
        let (head, _) = store.open(1).await?;
        if head.size < state.size() {
            return Err(LogFault::Missing(head.size).into());
        }
        let mut leaves = Vec::new();
        let mut next = state.size();
        loop {
            let page = store.numbered(next, PAGE).await?;
            for (number, leaf) in &page {
                if *number != next {
                    return Err(LogFault::Missing(next).into());
                }
                leaves.push((leaf.batch, leaf.hash));
                next += 1;
            }
            if (page.len() as u64) < u64::from(PAGE) {
                // What the store says is there has to come.
                if next < head.size {
                    return Err(LogFault::Missing(next).into());
                }
                return Ok((leaves, false));
            }
            if leaves.len() >= MAX_AT_ONCE {
                return Ok((leaves, true));
            }
        }
    }
}

const PAGE: u32 = 1024;

/// 64 tiles in one commit.
const MAX_AT_ONCE: usize = 16 * 1024;

const MAX_TRIES: u32 = 8;
