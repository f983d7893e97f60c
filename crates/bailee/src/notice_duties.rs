//! Where the notices and the worker meet: neither knows the other.

use async_trait::async_trait;
use bailee_connect::Duties;
use bailee_core::Result;
use bailee_rights::notice::Notices;
use bailee_store::{Kind, Lease};

/// The work of notices, for the worker.
pub(crate) struct NoticeDuties(pub(crate) Notices);

#[async_trait]
impl Duties for NoticeDuties {
    fn tasks(&self) -> Vec<Kind> {
        Notices::tasks().to_vec()
    }

    async fn do_due(&self, lease: &Lease) -> Result<()> {
        self.0.do_due(lease).await
    }
}
