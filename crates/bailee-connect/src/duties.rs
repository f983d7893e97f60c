//! Work of other crates that the worker does.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use bailee_core::Result;
use bailee_store::{Kind, Lease};

/// Work that is not about connections and that the [`Worker`](crate::Worker) does all the same: there
/// is one scheduler, whoever plans the work.
///
/// Its lanes are claimed after the engine's own, so that nobody who waits for a token waits for it.
/// A worker has 32 pieces of it under way at the most, whatever other duties take meanwhile: what may
/// take minutes and what should not wait for it are best two duties.
#[async_trait]
pub trait Duties: Send + Sync + 'static {
    /// The kinds of work. *Must* answer the same each time, and none that the engine or other duties
    /// have.
    fn tasks(&self) -> Vec<Kind>;

    /// How long a claim of it holds, at most an hour. What takes longer comes again.
    fn claim(&self) -> Duration {
        CLAIM
    }

    /// Which of them is planned for each request about a person's data that a provider brings, under
    /// the request's id and in its tenant ([`OnBehalf::provider_request`](crate::OnBehalf::provider_request)).
    fn for_requests(&self) -> Option<Kind> {
        None
    }

    /// Which of them is planned where somebody is found to be too young for the service, under their
    /// pseudonym and in the commit that writes it down.
    fn for_children(&self) -> Option<Kind> {
        None
    }

    /// Does one piece of it.
    ///
    /// *Must* end the claim in the commit that writes what was done
    /// ([`Op::Finish`](bailee_store::Op::Finish)). *Must* be done well within the claim
    /// ([`Lease::until`]): what is not ended by then is done again, by anybody. It runs in a task of
    /// its own that a host which drops its worker does not cut off, and that
    /// [`Engine::drain`](crate::Engine::drain) waits for.
    ///
    /// # Errors
    ///
    /// An error is logged by its kind; the work is due again when its claim ends.
    async fn do_due(&self, lease: &Lease) -> Result<()>;
}

/// Duties with the kinds of work that they named at the start.
pub(crate) struct GivenDuties {
    pub(crate) tasks: Vec<Kind>,
    pub(crate) given: Arc<dyn Duties>,
}

/// How long a claim holds where nobody says otherwise.
const CLAIM: Duration = Duration::from_secs(90);
