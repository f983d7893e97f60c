use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use time::OffsetDateTime;
use time::format_description::BorrowedFormatItem;
use time::macros::format_description;

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
        let add = |added: i64| Some(added.saturating_add(millis));
        let _ = self.0.added_millis.fetch_update(Ordering::SeqCst, Ordering::SeqCst, add);
    }

    /// The time in so long, as HTTP writes it (RFC 9110 §5.6.7): for a `Retry-After`.
    #[must_use]
    pub fn http_date(&self, after: Duration) -> String {
        let after = i64::try_from(after.as_secs()).unwrap_or(i64::MAX);
        let unix = self.now().saturating_add(after).min(LATEST);
        let date = OffsetDateTime::from_unix_timestamp(unix).ok();
        date.and_then(|date| date.format(HTTP_DATE).ok()).unwrap_or_default()
    }

    /// The time in Unix seconds, between 1970 and 9999.
    #[must_use]
    pub fn now(&self) -> i64 {
        let added = self.0.added_millis.load(Ordering::SeqCst) / 1000;
        (self.0.source)().saturating_add(added).clamp(0, LATEST)
    }
}

/// A time as ISO 8601 writes it, in UTC.
pub(crate) fn iso(unix: i64) -> String {
    let date = OffsetDateTime::from_unix_timestamp(unix.clamp(0, LATEST)).ok();
    date.and_then(|date| date.format(ISO).ok()).unwrap_or_default()
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

/// The last second of the year 9999.
const LATEST: i64 = 253_402_300_799;

const HTTP_DATE: &[BorrowedFormatItem<'_>] = format_description!(
    "[weekday repr:short], [day] [month repr:short] [year] [hour]:[minute]:[second] GMT"
);

const ISO: &[BorrowedFormatItem<'_>] =
    format_description!("[year]-[month]-[day]T[hour]:[minute]:[second]Z");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_of_seconds_add_up() {
        let clock = Clock::at(100);
        for _ in 0..4 {
            clock.clone().advance(Duration::from_millis(250));
        }
        assert_eq!(clock.now(), 101);
    }

    #[test]
    fn a_clock_stays_within_the_years_that_can_be_written() {
        assert_eq!(Clock::at(i64::MIN).now(), 0);
        assert_eq!(Clock::at(i64::MAX).http_date(Duration::MAX), "Fri, 31 Dec 9999 23:59:59 GMT");
        assert_eq!(
            Clock::at(784_111_777).http_date(Duration::ZERO),
            "Sun, 06 Nov 1994 08:49:37 GMT"
        );
    }

    #[test]
    fn a_clock_can_follow_another_and_still_be_advanced() {
        let other = Arc::new(AtomicI64::new(5));
        let source = Arc::clone(&other);
        let clock = Clock::following(move || source.load(Ordering::SeqCst));
        clock.advance(Duration::from_secs(10));
        other.store(7, Ordering::SeqCst);
        assert_eq!(clock.now(), 17);
    }
}
