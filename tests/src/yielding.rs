//! A store in memory whose every answer is waited for, as those of a real one are.

use std::sync::Arc;

use bailee::{Result, store::Store};
use tokio::task::yield_now;

use crate::{Around, Step, Wrapped};

/// Waits once before each question and once before its answer, so that a caller can leave at both.
pub type Yielding = Wrapped<Yields>;

/// What waits. Sweeping and counting is nobody's to leave.
#[derive(Clone, Copy, Debug)]
pub struct Yields(());

impl Yielding {
    /// Stands before a store.
    #[must_use]
    pub fn new(store: Arc<dyn Store>) -> Self {
        Self::over(store, Yields(()))
    }
}

impl Around for Yields {
    async fn around<T: Send>(
        &self,
        step: Step<'_>,
        taken: impl Future<Output = Result<T>> + Send,
    ) -> Result<T> {
        if matches!(step, Step::Upkeep) {
            return taken.await;
        }
        yield_now().await;
        let answer = taken.await;
        yield_now().await;
        answer
    }
}
