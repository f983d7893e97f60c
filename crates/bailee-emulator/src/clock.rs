use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

/// The time by which the emulated providers live: lifetimes, windows and processing run on it.
///
/// Clones share one time. Certificates do not depend on it.
#[derive(Clone)]
pub struct Clock(Arc<Inner>);

struct Inner {
    source: Box<dyn Fn() -> i64 + Send + Sync>,
    added_millis: AtomicI64,
}

impl Clock {
    /// A clock that stands at `unix` seconds until it is advanced.
    #[must_use]
    pub fn at(unix: i64) -> Self {
        Self::following(move || unix)
    }

    /// A clock that shows what `source` says in Unix seconds, plus what was advanced since.
    #[must_use]
    pub fn following(source: impl Fn() -> i64 + Send + Sync + 'static) -> Self {
        Self(Arc::new(Inner { source: Box::new(source), added_millis: AtomicI64::new(0) }))
    }

    /// A clock that runs with the machine's, for use by hand.
    #[must_use]
    pub fn running() -> Self {
        Self::following(|| {
            #[expect(clippy::disallowed_methods, reason = "this is the clock itself")]
            let now = std::time::SystemTime::now();
            let since = now.duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
            i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
        })
    }

    /// Moves the time forward.
    pub fn advance(&self, by: Duration) {
        let millis = i64::try_from(by.as_millis()).unwrap_or(i64::MAX);
        self.0.added_millis.fetch_add(millis, Ordering::SeqCst);
    }

    /// The time in Unix seconds.
    #[must_use]
    pub fn now(&self) -> i64 {
        (self.0.source)().saturating_add(self.0.added_millis.load(Ordering::SeqCst) / 1000)
    }
}

impl Default for Clock {
    /// A standing clock at 2026-01-01T00:00:00Z.
    fn default() -> Self {
        Self::at(1_767_225_600)
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Clock").field(&self.now()).finish()
    }
}
