//! What is remembered of the tree: its size, its right edge, the last checkpoint.

use bailee_audit::{Checkpoint, SignedCheckpoint, tree::Frontier};
use bailee_core::{Error, ErrorKind, Id, Result};
use bailee_store::{Key, Record};
use bailee_vault::View;
use serde::{Deserialize, Serialize};

use super::{AuditLog, HOLDER, LogFault, Seen, TENANT, keys};
use crate::{hex, kind};

/// `log.tree`
#[derive(Serialize, Deserialize)]
pub(super) struct TreeBody {
    pub(super) size: u64,
    pub(super) heads: Vec<String>,
    pub(super) checkpoint: String,
    /// The batch that wrote this: its own entry asks for no further checkpoint.
    pub(super) batch: Id,
}

pub(super) const SCHEMA: u16 = 1;

pub(super) fn key() -> Key {
    Key::new(kind::LOG_TREE, Id::ZERO)
}

/// The tree as one read saw it, with the keys that sign for it.
pub(super) struct State {
    pub(super) view: View,
    pub(super) frontier: Frontier,
    /// Before the first checkpoint there is none.
    pub(super) last: Option<Last>,
}

/// The last checkpoint.
pub(super) struct Last {
    pub(super) signed: SignedCheckpoint,
    pub(super) checkpoint: Checkpoint,
    pub(super) batch: Id,
}

impl State {
    pub(super) fn record(&self) -> Option<&Record> {
        self.view.record(0)
    }

    pub(super) fn size(&self) -> u64 {
        self.frontier.size()
    }

    /// The last checkpoint, for what cannot be without one.
    pub(super) fn last(&self) -> Result<&Last> {
        self.last.as_ref().ok_or_else(|| {
            Error::new(ErrorKind::NotFound).with_detail("the log has no checkpoint yet")
        })
    }
}

impl AuditLog {
    /// Reads the tree and sees that it fits together: that the last checkpoint is signed by a key of the
    /// log and says what the right edge says.
    pub(super) async fn state(&self) -> Result<State> {
        // Looked at before the read: what others sign meanwhile makes no old tree of this one.
        let seen = *self.seen();
        let view = self.vault.read(&TENANT, HOLDER, &[key(), keys::key()]).await?;
        let Some(facts) = view.facts(0)? else {
            if seen.is_some() {
                return Err(LogFault::RolledBack.into());
            }
            return Ok(State { view, frontier: Frontier::default(), last: None });
        };
        if facts.schema() > SCHEMA {
            return Err(ErrorKind::UnknownSchema.into());
        }
        let body: TreeBody = facts.json()?;
        let heads: Option<Vec<_>> = body.heads.iter().map(|head| hex::parse(head)).collect();
        let frontier = Frontier::resume(body.size, heads.ok_or(LogFault::Tree)?);
        let frontier = frontier.map_err(|_| LogFault::Tree)?;
        let signed = SignedCheckpoint::from_text(body.checkpoint);
        let checkpoint = signed.verify(&self.name, &keys::read(&view)?.keyring()?);
        let checkpoint = checkpoint.map_err(|_| LogFault::Tree)?;
        if checkpoint.size != frontier.size() || checkpoint.root != frontier.root() {
            return Err(LogFault::Tree.into());
        }
        let changed = |seen: Seen| {
            checkpoint.size < seen.size
                || checkpoint.size == seen.size && checkpoint.root != seen.root
        };
        if seen.is_some_and(changed) {
            return Err(LogFault::RolledBack.into());
        }
        self.remember(&checkpoint);
        let last = Some(Last { signed, checkpoint, batch: body.batch });
        Ok(State { view, frontier, last })
    }

    /// Remembers that the tree was so large.
    pub(super) fn remember(&self, checkpoint: &Checkpoint) {
        let mut seen = self.seen();
        if seen.is_none_or(|before| before.size < checkpoint.size) {
            *seen = Some(Seen { size: checkpoint.size, root: checkpoint.root });
        }
    }
}
