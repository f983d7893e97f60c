//! The seam to the host's async runtime.

use std::{fmt, future::Future, pin::Pin, time::Duration};

/// A future that a runtime can own.
pub type BoxFuture = Pin<Box<dyn Future<Output = ()> + Send + 'static>>;

/// What the connection life cycle needs of an async runtime. A host plugs it in.
pub trait Runtime: fmt::Debug + Send + Sync + 'static {
    /// Runs a future to its end, whatever becomes of the caller.
    ///
    /// *Must not* drop it before it is done, save when the process ends.
    fn spawn(&self, task: BoxFuture);

    /// Completes after this time.
    fn sleep(&self, duration: Duration) -> BoxFuture;
}

/// A [`Runtime`] over the tokio runtime in whose context it is used.
#[cfg(feature = "tokio")]
#[derive(Clone, Copy, Debug, Default)]
pub struct Tokio;

#[cfg(feature = "tokio")]
impl Runtime for Tokio {
    fn spawn(&self, task: BoxFuture) {
        tokio::spawn(task);
    }

    fn sleep(&self, duration: Duration) -> BoxFuture {
        Box::pin(tokio::time::sleep(duration))
    }
}
