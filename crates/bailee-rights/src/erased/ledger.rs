//! The ledger itself.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use bailee_core::{HostId, Id, Result, SubjectId, TenantId, audit::Entry};
use bailee_store::{Due, Facet, Key, Kind, Op, Record};
use bailee_vault::{Draft, Holder, Vault};

use super::{
    ErasureAnchor,
    body::{ErasedBody, SCHEMA},
    kind,
};

/// Remembers who was erased, for as long as a backup could bring them back. Cheap to clone.
#[derive(Clone)]
pub struct Erasures(Arc<Inner>);

struct Inner {
    vault: Vault,
    anchor: Option<Arc<dyn ErasureAnchor>>,
    remembered: Duration,
    /// How many erasures this database lacks; [`UNKNOWN`] before anybody looked.
    behind: AtomicU64,
}

/// Collects what [`Erasures`] need.
#[must_use]
pub struct ErasuresBuilder {
    vault: Vault,
    anchor: Option<Arc<dyn ErasureAnchor>>,
    remembered: Duration,
}

impl Erasures {
    /// Begins a ledger over a vault. `backups_live` is how long the longest-lived copy of the data
    /// lives, the host's own tables included: so long an erasure is remembered.
    pub fn builder(vault: Vault, backups_live: Duration) -> ErasuresBuilder {
        ErasuresBuilder { vault, anchor: None, remembered: backups_live }
    }

    /// The kinds of work that [`do_due`](Self::do_due) does.
    pub fn tasks() -> [Kind; 1] {
        [kind::ERASED]
    }

    /// What the last commit of an erasure writes, beside the tombstone: the entry of the ledger, the
    /// work that takes it to the anchor, and the entry for the log.
    ///
    /// The commit conflicts where the same person was noted meanwhile; it is made anew then.
    ///
    /// # Errors
    ///
    /// What the store and the vault say.
    pub async fn finished(
        &self,
        tenant: &TenantId,
        subject: SubjectId,
        person: &HostId,
        request: Id,
    ) -> Result<(Vec<Op>, Entry)> {
        let hash = self.hash(tenant, person).await?;
        let at = self.vault().clock().now();
        let body = ErasedBody { subject, request, at, until: at.plus(self.0.remembered) };
        let view = self.vault().read(tenant, Holder::Tenant, &[key(hash)]).await?;
        let mut ops = vec![self.put(tenant, hash, &body, kind::OPEN, view.record(0)).await?];
        if self.0.anchor.is_some() {
            let due = Due::After(Duration::ZERO);
            ops.push(Op::Schedule { task: key(hash), subject: None, due });
        }
        let entry = Entry::new("rights.erasure_noted", at)
            .about(subject)
            .with("request", request)
            .with("until", body.until);
        Ok((ops, entry))
    }

    /// Whether this database is known to lack erasures, or nobody looked although there is an anchor.
    /// While it is so, nothing is served. It asks nobody: [`check`](Self::check) looks.
    pub fn is_behind(&self) -> bool {
        self.0.anchor.is_some() && self.0.behind.load(Ordering::SeqCst) > 0
    }

    pub(super) fn set_behind(&self, erasures: u64) {
        self.0.behind.store(erasures, Ordering::SeqCst);
    }

    /// The keyed hash under which an erasure is known.
    pub(super) async fn hash(&self, tenant: &TenantId, person: &HostId) -> Result<Id> {
        self.vault().index(tenant, "erased", &[&person.to_bytes()]).await
    }

    pub(super) async fn put(
        &self,
        tenant: &TenantId,
        hash: Id,
        body: &ErasedBody,
        facet: Facet,
        replaces: Option<&Record>,
    ) -> Result<Op> {
        // Not in the subject's column: what is deleted with a person must not take this along.
        let draft = Draft::new(key(hash), Holder::Tenant)
            .facet(facet)
            .expires(body.until)
            .json(SCHEMA, body)?;
        self.vault().put(tenant, draft, replaces).await
    }

    pub(super) fn vault(&self) -> &Vault {
        &self.0.vault
    }

    pub(super) fn anchor(&self) -> Option<&dyn ErasureAnchor> {
        self.0.anchor.as_deref()
    }
}

impl ErasuresBuilder {
    /// Keeps the entries in an anchor too, which a restore of the database does not reach.
    pub fn anchor(mut self, anchor: Arc<dyn ErasureAnchor>) -> Self {
        self.anchor = Some(anchor);
        self
    }

    /// The ledger.
    #[must_use]
    pub fn build(self) -> Erasures {
        Erasures(Arc::new(Inner {
            vault: self.vault,
            anchor: self.anchor,
            remembered: self.remembered,
            behind: AtomicU64::new(UNKNOWN),
        }))
    }
}

impl fmt::Debug for Erasures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Erasures")
            .field("anchored", &self.0.anchor.is_some())
            .field("remembered", &self.0.remembered)
            .field("behind", &self.0.behind)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for ErasuresBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ErasuresBuilder")
            .field("anchored", &self.anchor.is_some())
            .field("remembered", &self.remembered)
            .finish_non_exhaustive()
    }
}

/// The record of an erasure and the work that takes it to the anchor have one key.
pub(super) fn key(hash: Id) -> Key {
    Key::new(kind::ERASED, hash)
}

/// Nobody looked yet.
const UNKNOWN: u64 = u64::MAX;
