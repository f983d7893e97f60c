//! Time as an argument.

use std::{
    fmt,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicI64, AtomicU64, Ordering},
    },
    time::{Duration, Instant, SystemTime},
};

use serde::{Deserialize, Serialize};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

/// A point in time: microseconds since 1970-01-01T00:00:00Z, as stores keep it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timestamp(i64);

impl Timestamp {
    /// Makes a time of microseconds since the epoch.
    pub const fn from_micros(micros: i64) -> Self {
        Self(micros)
    }

    /// Makes a time of seconds since the epoch; out of range becomes the nearest that fits.
    pub const fn from_seconds(seconds: i64) -> Self {
        Self(seconds.saturating_mul(1_000_000))
    }

    /// Microseconds since the epoch.
    pub const fn as_micros(self) -> i64 {
        self.0
    }

    /// Whole seconds since the epoch, rounded down.
    pub const fn as_seconds(self) -> i64 {
        self.0.div_euclid(1_000_000)
    }

    /// Later by a duration; a sum out of range becomes the last time that fits.
    #[must_use]
    pub fn plus(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(micros(duration)))
    }

    /// Earlier by a duration; a difference out of range becomes the first time that fits.
    #[must_use]
    pub fn minus(self, duration: Duration) -> Self {
        Self(self.0.saturating_sub(micros(duration)))
    }

    /// How long after `earlier` this is; zero when it is not.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_micros(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }
}

impl fmt::Display for Timestamp {
    /// RFC 3339 in UTC.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = OffsetDateTime::from_unix_timestamp_nanos(i128::from(self.0) * 1000)
            .ok()
            .and_then(|time| time.format(&Rfc3339).ok());
        match text {
            Some(text) => f.write_str(&text),
            None => write!(f, "{}us", self.0),
        }
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A reading of the monotonic clock: good for local deadlines and for nothing else.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Monotonic(Duration);

impl Monotonic {
    /// Makes a reading of the time since the clock's own beginning.
    pub const fn new(since_start: Duration) -> Self {
        Self(since_start)
    }

    /// How long after `earlier` this is; zero when it is not.
    pub fn since(self, earlier: Self) -> Duration {
        self.0.saturating_sub(earlier.0)
    }

    /// Later by a duration.
    #[must_use]
    pub fn plus(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(duration))
    }
}

/// Where time comes from.
///
/// Leases are decided by the store's clock, local deadlines by the monotonic one, neither by the
/// wall clock of the process.
pub trait Clock: fmt::Debug + Send + Sync + 'static {
    /// The wall clock. It may jump, both ways.
    fn now(&self) -> Timestamp;

    /// The monotonic clock. It must never go back.
    fn monotonic(&self) -> Monotonic;
}

impl<C: Clock + ?Sized> Clock for Arc<C> {
    fn now(&self) -> Timestamp {
        (**self).now()
    }

    fn monotonic(&self) -> Monotonic {
        (**self).monotonic()
    }
}

/// The operating system's clocks.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the clock that others take")]
    fn now(&self) -> Timestamp {
        match SystemTime::now().duration_since(SystemTime::UNIX_EPOCH) {
            Ok(after) => Timestamp(micros(after)),
            Err(before) => Timestamp(-micros(before.duration())),
        }
    }

    #[expect(clippy::disallowed_methods, reason = "this is the clock that others take")]
    fn monotonic(&self) -> Monotonic {
        static START: OnceLock<Instant> = OnceLock::new();
        Monotonic(START.get_or_init(Instant::now).elapsed())
    }
}

/// A clock that stands until a test moves it.
///
/// Clones share one time. It begins in the past so that a database's own clock, where a check
/// uses that as well, is always ahead of it.
#[derive(Clone, Debug)]
pub struct ManualClock {
    wall: Arc<AtomicI64>,
    monotonic: Arc<AtomicU64>,
}

impl ManualClock {
    /// A clock that stands at the given time.
    pub fn at(now: Timestamp) -> Self {
        Self { wall: Arc::new(AtomicI64::new(now.0)), monotonic: Arc::new(AtomicU64::new(0)) }
    }

    /// Moves both clocks on.
    pub fn advance(&self, duration: Duration) {
        self.wall.fetch_add(micros(duration), Ordering::SeqCst);
        self.monotonic
            .fetch_add(u64::try_from(duration.as_micros()).unwrap_or(u64::MAX), Ordering::SeqCst);
    }

    /// Sets the wall clock alone, as an operator or a faulty time server would.
    pub fn jump_to(&self, now: Timestamp) {
        self.wall.store(now.0, Ordering::SeqCst);
    }
}

impl Default for ManualClock {
    /// Stands at 2025-06-01T12:00:00Z.
    fn default() -> Self {
        Self::at(Timestamp::from_seconds(1_748_779_200))
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        Timestamp(self.wall.load(Ordering::SeqCst))
    }

    fn monotonic(&self) -> Monotonic {
        Monotonic(Duration::from_micros(self.monotonic.load(Ordering::SeqCst)))
    }
}

fn micros(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timestamps_print_as_rfc_3339() {
        assert_eq!(ManualClock::default().now().to_string(), "2025-06-01T12:00:00Z");
    }

    #[test]
    fn arithmetic_stays_in_range() {
        let end = Timestamp::from_micros(i64::MAX);
        assert_eq!(end.plus(Duration::MAX), end);
        assert_eq!(Timestamp::from_micros(i64::MIN).since(end), Duration::ZERO);
        assert!(!format!("{end}").is_empty());
    }

    #[test]
    fn ref_14_a_jump_of_the_wall_clock_leaves_the_monotonic_one() {
        let clock = ManualClock::default();
        let before = clock.monotonic();
        clock.jump_to(Timestamp::from_seconds(0));
        assert_eq!(clock.monotonic(), before);
        clock.advance(Duration::from_secs(3));
        assert_eq!(clock.monotonic().since(before), Duration::from_secs(3));
    }
}
