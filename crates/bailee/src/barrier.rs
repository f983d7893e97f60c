//! Where the ledger of erasures and the engine meet: neither knows the other.

use bailee_connect::Barrier;
use bailee_rights::erased::Erasures;

/// Keeps a database from being served that lacks erasures.
pub(crate) struct ErasureBarrier(pub(crate) Erasures);

impl Barrier for ErasureBarrier {
    fn is_closed(&self) -> bool {
        self.0.is_behind()
    }
}
