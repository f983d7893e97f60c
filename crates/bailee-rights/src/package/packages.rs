//! The desk at which packages are made, read and deleted.

use std::{collections::BTreeSet, fmt, sync::Arc};

use bailee_core::{Id, Result};
use bailee_vault::Vault;

use super::{ObjectName, Package, Spool, StoredPackage};

/// Makes packages of people's data in a host's spool, and reads them. Cheap to clone.
#[derive(Clone)]
pub struct Packages(Arc<Inner>);

struct Inner {
    vault: Vault,
    spool: Arc<dyn Spool>,
}

impl Packages {
    /// Packages that are sealed by a vault and lie in a spool.
    pub fn new(vault: Vault, spool: Arc<dyn Spool>) -> Self {
        Self(Arc::new(Inner { vault, spool }))
    }

    /// A package that was closed, to read from it. Nothing is read yet.
    pub fn open(&self, stored: &StoredPackage) -> Package {
        Package::new(self.clone(), stored.clone())
    }

    /// Deletes what lies in the spool of a package. Repeatable.
    ///
    /// # Errors
    ///
    /// What the spool says; something of it may be left.
    pub async fn delete(&self, stored: &StoredPackage) -> Result<()> {
        for object in stored.objects() {
            self.spool().delete(object).await?;
        }
        Ok(())
    }

    /// Deletes every object of a request but these, and says how many: what a process left that died
    /// before it committed, and what a closed package needs no more (keep [`StoredPackage::objects`]).
    ///
    /// Whoever calls it holds the claim of the request's work and names everything that is committed: an
    /// object that somebody else is writing is deleted as well.
    ///
    /// # Errors
    ///
    /// What the spool says; it can be called again.
    pub async fn sweep_orphans<'a>(
        &self,
        request: Id,
        keep: impl IntoIterator<Item = &'a ObjectName>,
    ) -> Result<u64> {
        let keep: BTreeSet<_> = keep.into_iter().collect();
        let mut swept = 0;
        for object in self.spool().list(&ObjectName::prefix(request)).await? {
            if !keep.contains(&object) {
                self.spool().delete(&object).await?;
                swept += 1;
            }
        }
        Ok(swept)
    }

    pub(super) fn vault(&self) -> &Vault {
        &self.0.vault
    }

    pub(super) fn spool(&self) -> &dyn Spool {
        &*self.0.spool
    }
}

impl fmt::Debug for Packages {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Packages").finish_non_exhaustive()
    }
}
