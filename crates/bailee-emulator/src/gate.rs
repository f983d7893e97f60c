use std::sync::Arc;

use tokio::sync::watch;

/// A gate at which answers are parked until a test opens it.
///
/// Clones are the same gate. Once opened it stays open.
#[derive(Clone, Debug)]
pub struct Gate(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    open: watch::Sender<bool>,
    arrived: watch::Sender<usize>,
}

impl Gate {
    /// A closed gate.
    #[must_use]
    pub fn new() -> Self {
        Self(Arc::new(Inner { open: watch::Sender::new(false), arrived: watch::Sender::new(0) }))
    }

    /// Lets all parked answers go, and those that come later.
    pub fn open(&self) {
        self.0.open.send_replace(true);
    }

    /// How many requests have come to this gate so far.
    #[must_use]
    pub fn arrived(&self) -> usize {
        *self.0.arrived.borrow()
    }

    /// Waits until `count` requests have come to this gate.
    pub async fn until_arrived(&self, count: usize) {
        // The sender lives as long as `self`, so the wait cannot end with an error.
        let _ = self.0.arrived.subscribe().wait_for(|arrived| *arrived >= count).await;
    }

    pub(crate) async fn pass(&self) {
        self.0.arrived.send_modify(|arrived| *arrived += 1);
        let _ = self.0.open.subscribe().wait_for(|open| *open).await;
    }
}

impl Default for Gate {
    fn default() -> Self {
        Self::new()
    }
}
