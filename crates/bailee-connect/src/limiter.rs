//! The limiter of a registration: how its provider's limits are honoured.
//!
//! One for its API and one for its grants, shared by all of its connections: a provider that says
//! "too many" or fails again and again is left alone for a while, and callers are told how long. A
//! limit of one account holds up that account alone. What a provider imposes is told to the other
//! processes too ([`crate::shared_limit`]); the breaker and our own ceiling are each process's own.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use bailee_core::{Clock, ConnectionId, Error, ErrorKind, Monotonic, Random, Remedy, Result};
use bailee_providers::spec::Ceiling;

use crate::turns::Turns;

/// The longest wait that a provider's answer can impose on us.
const LONGEST: Duration = Duration::from_secs(3600);
/// So many failures in a row open the breaker.
const FAILURES: u32 = 5;
/// So long it stays open; then one request may try.
const OPEN: Duration = Duration::from_secs(30);
/// So many accounts are held up by limits of their own at a time, and the turns of so many are
/// counted. Of more, those are forgotten whose limit or window ends first.
const ACCOUNTS: usize = 10_000;

#[derive(Debug)]
pub(crate) struct Limiter {
    /// Which of the two it is, as a word.
    pub(crate) name: &'static str,
    marks: Mutex<Marks>,
}

/// Whose limit it is: an account's, or that of the whole registration.
pub(crate) type Whose = Option<ConnectionId>;

#[derive(Debug, Default)]
struct Marks {
    failures: u32,
    open_until: Option<Monotonic>,
    limits: HashMap<Whose, Limit>,
    turns: HashMap<Whose, Turns>,
}

#[derive(Clone, Copy, Debug)]
struct Limit {
    until: Monotonic,
    /// Until when the other processes have been told that it holds.
    told: Option<Monotonic>,
}

impl Limiter {
    pub(crate) fn new(name: &'static str) -> Self {
        Self { name, marks: Mutex::default() }
    }

    /// Whether a request for an account may leave now.
    pub(crate) fn admit(&self, clock: &dyn Clock, account: Whose) -> Result<()> {
        let now = clock.monotonic();
        let mut marks = self.marks();
        marks.limited(account, now)?;
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

    /// Whether a limit holds a request up that had to wait for its turn.
    pub(crate) fn still_admits(&self, clock: &dyn Clock, account: Whose) -> Result<()> {
        self.marks().limited(account, clock.monotonic())
    }

    /// Takes a turn under our own ceiling and says how long it is until then: a moment, or the
    /// turn is not taken and the error says how long.
    pub(crate) fn turn(
        &self,
        clock: &dyn Clock,
        ceiling: Ceiling,
        whose: Whose,
    ) -> Result<Duration> {
        let now = clock.monotonic();
        let mut marks = self.marks();
        make_room(&mut marks.turns, whose, |turns| turns.end(ceiling), now);
        marks.turns.entry(whose).or_default().take(ceiling, now).map_err(limited_for)
    }

    /// The provider answered.
    pub(crate) fn succeeded(&self) {
        let mut marks = self.marks();
        marks.failures = 0;
        marks.open_until = None;
    }

    /// The provider failed or could not be reached.
    pub(crate) fn failed(&self, clock: &dyn Clock) {
        let mut marks = self.marks();
        marks.failures = marks.failures.saturating_add(1);
        if marks.failures >= FAILURES {
            marks.open_until = Some(clock.monotonic().plus(OPEN));
        }
    }

    /// The provider said that there were too many requests. Says until when nothing leaves.
    pub(crate) fn limited(
        &self,
        clock: &dyn Clock,
        retry_after: Option<Duration>,
        whose: Whose,
    ) -> Monotonic {
        let now = clock.monotonic();
        let until = now.plus(retry_after.unwrap_or(Duration::from_secs(60)).min(LONGEST));
        self.marks().hold(whose, until, now).until
    }

    /// What another process was told.
    pub(crate) fn learn(&self, clock: &dyn Clock, whose: Whose, left: Duration) {
        let now = clock.monotonic();
        let until = now.plus(left.min(LONGEST));
        let mut marks = self.marks();
        let limit = marks.hold(whose, until, now);
        limit.told = limit.told.max(Some(until));
    }

    /// Whether the other processes are yet to be told of a limit, by whoever asks first: one that
    /// is over within the time that telling takes is not worth it.
    pub(crate) fn begin_telling(&self, clock: &dyn Clock, whose: Whose, slack: Duration) -> bool {
        let now = clock.monotonic();
        let mut marks = self.marks();
        let Some(limit) = marks.limits.get_mut(&whose) else { return false };
        let known = limit.told.unwrap_or(now).max(now);
        if limit.until.since(known) <= slack {
            return false;
        }
        limit.told = Some(limit.until);
        true
    }

    /// Nobody was told after all.
    pub(crate) fn tell_again(&self, whose: Whose) {
        if let Some(limit) = self.marks().limits.get_mut(&whose) {
            limit.told = None;
        }
    }

    fn marks(&self) -> MutexGuard<'_, Marks> {
        self.marks.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Marks {
    fn limited(&self, account: Whose, now: Monotonic) -> Result<()> {
        let whose = [None, account];
        let limits = whose.iter().filter_map(|whose| self.limits.get(whose));
        let until = limits.map(|limit| limit.until).max();
        match until {
            Some(until) if now < until => Err(limited_for(until.since(now))),
            _ => Ok(()),
        }
    }

    fn hold(&mut self, whose: Whose, until: Monotonic, now: Monotonic) -> &mut Limit {
        // The provider will say again what is given up.
        make_room(&mut self.limits, whose, |limit| Some(limit.until), now);
        let limit = self.limits.entry(whose).or_insert(Limit { until, told: None });
        limit.until = limit.until.max(until);
        limit
    }
}

/// Makes room for one more: all go that are over, and if there are none, the one that ends first.
fn make_room<T>(
    marks: &mut HashMap<Whose, T>,
    whose: Whose,
    end: impl Fn(&T) -> Option<Monotonic>,
    now: Monotonic,
) {
    if marks.len() < ACCOUNTS || marks.contains_key(&whose) {
        return;
    }
    marks.retain(|_, mark| end(mark).is_some_and(|end| now < end));
    if marks.len() >= ACCOUNTS
        && let Some(first) = marks.iter().min_by_key(|(_, mark)| end(mark)).map(|(whose, _)| *whose)
    {
        marks.remove(&first);
    }
}

fn limited_for(wait: Duration) -> Error {
    Error::new(ErrorKind::RateLimited).with_remedy(Remedy::Wait(wait))
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
    use bailee_core::{Id, ManualClock, SystemRandom};

    use super::*;
    use crate::turns::tests::ceiling;

    const SLACK: Duration = Duration::from_secs(1);

    fn pair() -> (Limiter, ManualClock) {
        (Limiter::new("api"), ManualClock::default())
    }

    fn account(n: u8) -> Whose {
        Some(ConnectionId::from_id(Id::from_bytes([n; 16])))
    }

    #[test]
    fn out_08_retry_after_is_clamped_to_an_hour_and_told_to_callers() {
        let (limiter, clock) = pair();
        let until = limiter.limited(&clock, Some(Duration::from_secs(86_400)), None);
        assert_eq!(until.since(clock.monotonic()), Duration::from_secs(3600));
        let error = limiter.admit(&clock, account(1)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::RateLimited);
        assert_eq!(error.remedy(), Remedy::Wait(Duration::from_secs(3600)));
        clock.advance(Duration::from_secs(3600));
        assert!(limiter.admit(&clock, None).is_ok());
    }

    #[test]
    fn out_08_a_limit_of_an_account_holds_up_no_other() {
        let (limiter, clock) = pair();
        limiter.limited(&clock, Some(Duration::from_secs(60)), account(1));
        assert!(limiter.admit(&clock, account(1)).is_err());
        assert!(limiter.admit(&clock, account(2)).is_ok());
        assert!(limiter.admit(&clock, None).is_ok());
        // The longer of the two holds.
        limiter.limited(&clock, Some(Duration::from_secs(90)), None);
        let error = limiter.admit(&clock, account(1)).unwrap_err();
        assert_eq!(error.remedy(), Remedy::Wait(Duration::from_secs(90)));
    }

    /// An account of a great many.
    fn one_of_many(n: usize) -> Whose {
        let mut bytes = [0; 16];
        bytes[..8].copy_from_slice(&n.to_be_bytes());
        Some(ConnectionId::from_id(Id::from_bytes(bytes)))
    }

    #[test]
    fn limits_of_accounts_take_a_bounded_room() {
        let (limiter, clock) = pair();
        for n in 0..ACCOUNTS + 100 {
            let wait = Duration::from_millis(1000 + n as u64);
            limiter.limited(&clock, Some(wait), one_of_many(n));
        }
        assert_eq!(limiter.marks().limits.len(), ACCOUNTS);
        assert!(limiter.admit(&clock, one_of_many(ACCOUNTS + 99)).is_err());
        assert!(limiter.admit(&clock, one_of_many(0)).is_ok(), "what ends first is given up first");
    }

    #[test]
    fn turns_of_accounts_take_a_bounded_room() {
        let (limiter, clock) = pair();
        let ceiling = ceiling(1, 3600);
        for n in 0..ACCOUNTS + 100 {
            limiter.turn(&clock, ceiling, one_of_many(n)).unwrap();
            clock.advance(Duration::from_millis(1));
        }
        assert_eq!(limiter.marks().turns.len(), ACCOUNTS);
        assert!(limiter.turn(&clock, ceiling, one_of_many(ACCOUNTS + 99)).is_err());
        assert!(limiter.turn(&clock, ceiling, one_of_many(0)).is_ok(), "the oldest is forgotten");
    }

    #[test]
    fn out_08_others_are_told_once_and_again_only_of_what_is_longer() {
        let (limiter, clock) = pair();
        assert!(!limiter.begin_telling(&clock, None, SLACK), "there is nothing to tell");
        limiter.limited(&clock, Some(SLACK), None);
        assert!(!limiter.begin_telling(&clock, None, SLACK), "it is over by then");
        limiter.limited(&clock, Some(Duration::from_secs(60)), None);
        assert!(limiter.begin_telling(&clock, None, SLACK));
        assert!(!limiter.begin_telling(&clock, None, SLACK), "somebody tells it");
        limiter.limited(&clock, Some(Duration::from_millis(60_900)), None);
        assert!(!limiter.begin_telling(&clock, None, SLACK), "it is hardly longer");
        limiter.limited(&clock, Some(Duration::from_secs(62)), None);
        assert!(limiter.begin_telling(&clock, None, SLACK));
        limiter.tell_again(None);
        assert!(limiter.begin_telling(&clock, None, SLACK), "the telling failed");
        // What was learnt is known there.
        limiter.learn(&clock, account(1), Duration::from_secs(60));
        assert!(!limiter.begin_telling(&clock, account(1), SLACK));
        assert!(limiter.admit(&clock, account(1)).is_err());
    }

    #[test]
    fn out_08_breaker_opens_after_failures_in_a_row_and_lets_one_try() {
        let (limiter, clock) = pair();
        for _ in 0..4 {
            limiter.failed(&clock);
            assert!(limiter.admit(&clock, None).is_ok());
        }
        limiter.failed(&clock);
        let error = limiter.admit(&clock, None).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ProviderUnavailable);
        clock.advance(OPEN);
        assert!(limiter.admit(&clock, None).is_ok(), "one may try");
        assert!(limiter.admit(&clock, None).is_err(), "and only one");
        limiter.succeeded();
        assert!(limiter.admit(&clock, None).is_ok());
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
