//! The log of the whole deployment: its entries numbered, grown into one tree, signed, proven, verified.
//!
//! It lives here and not with the tree's own mathematics, because it needs a vault: the signing key and
//! what is remembered of the tree are sealed records of the system's tenant. And not in the vault, which
//! knows no tree and no signature.

mod anchor;
mod checkpoint;
mod fault;
mod growth;
mod keys;
mod number;
mod prove;
mod sign;
mod state;
mod tile;
mod verify;

use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use bailee_audit::LogName;
use bailee_core::TenantId;
use bailee_vault::{Holder, Vault};

pub use self::{
    checkpoint::Checkpointed,
    fault::LogFault,
    keys::LogKey,
    number::Numbered,
    prove::{EntryPlace, Proven},
    verify::{Finding, Verified},
};

/// The audit log of a deployment, over every tenant.
///
/// Entries come into the log with the commits that they tell of, without a number. Whoever runs the
/// service lets [`AuditLog::number`] give them their numbers every second or two, and
/// [`AuditLog::checkpoint`] grow the tree and sign its head every minute or so; several processes may do
/// both at once. Between a commit and the checkpoint that holds its entry, somebody who can write to the
/// database can take the entry away and nobody sees it. After it, [`AuditLog::verify`] finds that, and
/// so does everybody who has a receipt for the entry.
///
/// Against somebody who can also put an old copy of the whole database in its place a checkpoint helps
/// that was kept elsewhere: [`AuditLog::follows`].
///
/// Cheap to clone; the clones remember together what they signed last.
#[derive(Clone)]
pub struct AuditLog {
    vault: Vault,
    name: LogName,
    seen: Arc<Mutex<Option<Seen>>>,
}

/// The largest tree that this process knows of: it can only grow.
#[derive(Clone, Copy)]
struct Seen {
    size: u64,
    root: [u8; 32],
}

impl AuditLog {
    /// What the log is called.
    pub fn name(&self) -> &LogName {
        &self.name
    }

    fn seen(&self) -> MutexGuard<'_, Option<Seen>> {
        // Nothing under this lock panics half-way through a change.
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for AuditLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AuditLog").field("name", &self.name).finish_non_exhaustive()
    }
}

/// Whose key seals what the log keeps.
const HOLDER: Holder = Holder::Tenant;

/// Where it is kept.
const TENANT: TenantId = TenantId::SYSTEM;
