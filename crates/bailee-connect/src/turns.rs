//! Turns under a ceiling of our own: so many requests in so long a time and no more, where the
//! provider documents a number.
//!
//! It is each process's own. Processes that share a registration send as many as it says each; what
//! the provider then imposes is told to all of them.

use std::{collections::VecDeque, time::Duration};

use bailee_core::Monotonic;
use bailee_providers::spec::Ceiling;

/// So long a request may wait for its turn without its caller being told to come back.
const PATIENCE: Duration = Duration::from_secs(2);

/// The turns that were taken last, oldest first: at most as many as the ceiling allows.
#[derive(Debug, Default)]
pub(crate) struct Turns(VecDeque<Monotonic>);

impl Turns {
    /// Takes the next turn and says how long it is until then. One that is further away than a
    /// caller is kept waiting is not taken; the error is how far.
    pub(crate) fn take(&mut self, ceiling: Ceiling, now: Monotonic) -> Result<Duration, Duration> {
        let most = ceiling.requests.max(1) as usize;
        // With so many in the window, the next one follows the window's first by its length.
        let first = self.0.len().checked_sub(most).and_then(|n| self.0.get(n));
        let at = first.map_or(now, |first| first.plus(ceiling.window).max(now));
        let wait = at.since(now);
        if wait > PATIENCE {
            return Err(wait);
        }
        self.0.push_back(at);
        while self.0.len() > most || self.0.front().is_some_and(|at| over(*at, ceiling, now)) {
            self.0.pop_front();
        }
        Ok(wait)
    }

    /// From when on none of them counts any more.
    pub(crate) fn end(&self, ceiling: Ceiling) -> Option<Monotonic> {
        self.0.back().map(|at| at.plus(ceiling.window))
    }
}

fn over(at: Monotonic, ceiling: Ceiling, now: Monotonic) -> bool {
    at.plus(ceiling.window) <= now
}

#[cfg(test)]
pub(crate) mod tests {
    use bailee_core::{Clock, ManualClock};
    use bailee_providers::Spec;

    use super::*;

    pub(crate) fn ceiling(requests: u32, seconds: u32) -> Ceiling {
        let spec = format!("[rate_limit]\nrequests = {requests}\nseconds = {seconds}\n");
        let text = include_str!("../../bailee-providers/specs/example-oidc.toml");
        let text = text.replacen("[identity]", &format!("{spec}\n[identity]"), 1);
        Spec::parse(&text).unwrap().rate_limit.ceiling.unwrap()
    }

    #[test]
    fn out_08_no_window_holds_more_than_the_ceiling() {
        let (clock, ceiling) = (ManualClock::default(), ceiling(3, 10));
        let mut turns = Turns::default();
        let mut sent = Vec::new();
        for step in 0..400 {
            let now = clock.monotonic();
            if let Ok(wait) = turns.take(ceiling, now) {
                sent.push(now.plus(wait));
            }
            clock.advance(Duration::from_millis(37 * (step % 11)));
        }
        assert!(sent.len() > 15, "{}", sent.len());
        for four in sent.windows(4) {
            assert!(four[3].since(four[0]) >= ceiling.window, "{four:?}");
        }
    }

    #[test]
    fn out_08_a_turn_soon_is_waited_for_and_a_far_one_is_told() {
        let (clock, ceiling) = (ManualClock::default(), ceiling(2, 10));
        let mut turns = Turns::default();
        for _ in 0..2 {
            assert_eq!(turns.take(ceiling, clock.monotonic()), Ok(Duration::ZERO));
        }
        assert_eq!(turns.take(ceiling, clock.monotonic()), Err(Duration::from_secs(10)));
        clock.advance(Duration::from_secs(9));
        assert_eq!(turns.take(ceiling, clock.monotonic()), Ok(Duration::from_secs(1)));
        let end = turns.end(ceiling).unwrap();
        assert_eq!(end.since(clock.monotonic()), Duration::from_secs(11));
        clock.advance(Duration::from_secs(11));
        assert_eq!(turns.take(ceiling, clock.monotonic()), Ok(Duration::ZERO));
        assert_eq!(turns.0.len(), 1, "what is over is forgotten");
    }
}
