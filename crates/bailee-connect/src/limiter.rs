//! The brake of a registration: how its provider's limits are honoured.
//!
//! One per registration, shared by all of its connections: a provider that says "too many" or
//! fails again and again is left alone for a while, and callers are told how long.

use std::{sync::Mutex, time::Duration};

use bailee_core::{Clock, Error, ErrorKind, Monotonic, Random, Remedy, Result};

/// The longest wait that a provider's answer can impose on us.
const LONGEST: Duration = Duration::from_secs(3600);
/// So many failures in a row open the breaker.
const FAILURES: u32 = 5;
/// So long it stays open; then one request may try.
const OPEN: Duration = Duration::from_secs(30);

#[derive(Debug, Default)]
pub(crate) struct Limiter(Mutex<Marks>);

#[derive(Debug, Default)]
struct Marks {
    failures: u32,
    limited_until: Option<Monotonic>,
    open_until: Option<Monotonic>,
}

impl Limiter {
    /// Whether a request may leave now.
    pub(crate) fn admit(&self, clock: &dyn Clock) -> Result<()> {
        let now = clock.monotonic();
        let mut marks = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some(until) = marks.limited_until {
            if now < until {
                return Err(
                    Error::new(ErrorKind::RateLimited).with_remedy(Remedy::Wait(until.since(now)))
                );
            }
            marks.limited_until = None;
        }
        if let Some(until) = marks.open_until {
            if now < until {
                return Err(Error::new(ErrorKind::ProviderUnavailable)
                    .with_remedy(Remedy::Wait(until.since(now))));
            }
            // Half open: this request tries; another failure opens it again at once.
            marks.open_until = Some(now.plus(OPEN));
        }
        Ok(())
    }

    /// The provider answered.
    pub(crate) fn succeeded(&self) {
        let mut marks = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        marks.failures = 0;
        marks.open_until = None;
    }

    /// The provider failed or could not be reached.
    pub(crate) fn failed(&self, clock: &dyn Clock) {
        let mut marks = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        marks.failures = marks.failures.saturating_add(1);
        if marks.failures >= FAILURES {
            marks.open_until = Some(clock.monotonic().plus(OPEN));
        }
    }

    /// The provider said that there were too many requests.
    pub(crate) fn limited(&self, clock: &dyn Clock, retry_after: Option<Duration>) -> Duration {
        let wait = retry_after.unwrap_or(Duration::from_secs(60)).min(LONGEST);
        let until = clock.monotonic().plus(wait);
        let mut marks = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        marks.limited_until = marks.limited_until.max(Some(until));
        wait
    }
}

/// Capped exponential backoff with full jitter: between nothing and `base * 2^attempt`, at most
/// `cap`.
pub(crate) fn backoff(
    random: &dyn Random,
    attempt: u32,
    base: Duration,
    cap: Duration,
) -> Result<Duration> {
    let ceiling = base.saturating_mul(1_u32.checked_shl(attempt).unwrap_or(u32::MAX)).min(cap);
    jitter(random, ceiling)
}

/// A uniformly drawn part of a duration.
pub(crate) fn jitter(random: &dyn Random, ceiling: Duration) -> Result<Duration> {
    let mut bytes = [0; 8];
    random.fill(&mut bytes)?;
    let share = u64::from_be_bytes(bytes) as f64 / u64::MAX as f64;
    Ok(ceiling.mul_f64(share))
}

#[cfg(test)]
mod tests {
    use bailee_core::{ManualClock, SystemRandom};

    use super::*;

    #[test]
    fn out_08_retry_after_is_clamped_to_an_hour_and_told_to_callers() {
        let (limiter, clock) = (Limiter::default(), ManualClock::default());
        let wait = limiter.limited(&clock, Some(Duration::from_secs(86_400)));
        assert_eq!(wait, Duration::from_secs(3600));
        let error = limiter.admit(&clock).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::RateLimited);
        assert_eq!(error.remedy(), Remedy::Wait(Duration::from_secs(3600)));
        clock.advance(Duration::from_secs(3600));
        assert!(limiter.admit(&clock).is_ok());
    }

    #[test]
    fn out_08_breaker_opens_after_failures_in_a_row_and_lets_one_try() {
        let (limiter, clock) = (Limiter::default(), ManualClock::default());
        for _ in 0..4 {
            limiter.failed(&clock);
            assert!(limiter.admit(&clock).is_ok());
        }
        limiter.failed(&clock);
        assert_eq!(limiter.admit(&clock).unwrap_err().kind(), ErrorKind::ProviderUnavailable);
        clock.advance(OPEN);
        assert!(limiter.admit(&clock).is_ok(), "one may try");
        assert!(limiter.admit(&clock).is_err(), "and only one");
        limiter.succeeded();
        assert!(limiter.admit(&clock).is_ok());
    }

    #[test]
    fn out_08_backoff_is_capped_and_jittered() {
        let (base, cap) = (Duration::from_secs(1), Duration::from_secs(60));
        let drawn: Vec<_> =
            (0..200).map(|n| backoff(&SystemRandom, n, base, cap).unwrap()).collect();
        assert!(drawn.iter().all(|wait| *wait <= cap));
        assert!(drawn.iter().collect::<std::collections::HashSet<_>>().len() > 100);
    }
}
