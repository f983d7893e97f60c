use std::collections::BTreeMap;

/// Requests within sliding windows, for providers' rate limits.
#[derive(Debug, Default)]
pub(crate) struct Limits(BTreeMap<String, Vec<i64>>);

impl Limits {
    /// Counts a request of `who`, unless `most` were counted in the last `seconds`: then the
    /// answer is after how many seconds the next one has room.
    pub(crate) fn hit(
        &mut self,
        who: impl Into<String>,
        most: usize,
        seconds: i64,
        now: i64,
    ) -> Result<(), i64> {
        let hits = self.0.entry(who.into()).or_default();
        hits.retain(|at| now - at < seconds);
        if hits.len() >= most {
            return Err(hits.first().map_or(seconds, |first| first + seconds - now));
        }
        hits.push(now);
        Ok(())
    }

    /// The same for providers that count refused requests too.
    pub(crate) fn press(
        &mut self,
        who: &str,
        most: usize,
        seconds: i64,
        now: i64,
    ) -> Result<(), i64> {
        let refused = self.hit(who, most, seconds, now);
        if refused.is_err() {
            // Room is there once enough of all that were counted, this one too, are past.
            let hits = self.0.entry(who.to_owned()).or_default();
            hits.push(now);
            let first = hits.len().checked_sub(most).and_then(|at| hits.get(at));
            return Err(first.map_or(seconds, |at| at + seconds - now));
        }
        refused
    }

    /// How many more requests of `who` have room, and in how many seconds the oldest that was
    /// counted no longer counts.
    pub(crate) fn room(&self, who: &str, most: usize, seconds: i64, now: i64) -> (usize, i64) {
        let counted = |at: &&i64| now - **at < seconds;
        let hits: Vec<i64> =
            self.0.get(who).into_iter().flatten().filter(counted).copied().collect();
        let until = hits.first().map_or(seconds, |first| first + seconds - now);
        (most.saturating_sub(hits.len()), until)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_slides_and_is_each_caller_s_own() {
        let mut limits = Limits::default();
        assert_eq!(limits.hit("ada", 2, 60, 0), Ok(()));
        assert_eq!(limits.hit("ada", 2, 60, 20), Ok(()));
        assert_eq!(limits.hit("ada", 2, 60, 30), Err(30));
        assert_eq!(limits.hit("grace", 2, 60, 30), Ok(()));
        assert_eq!(limits.room("ada", 2, 60, 30), (0, 30));
        assert_eq!(limits.room("grace", 2, 60, 40), (1, 50));
        assert_eq!(limits.room("nobody", 2, 60, 40), (2, 60));
    }

    #[test]
    fn where_refused_requests_count_too_waiting_helps_and_trying_does_not() {
        let mut limits = Limits::default();
        assert_eq!(limits.press("ada", 1, 60, 0), Ok(()));
        assert_eq!(limits.press("ada", 1, 60, 59), Err(60));
        assert_eq!(limits.press("ada", 1, 60, 118), Err(60));
        assert_eq!(limits.press("ada", 1, 60, 178), Ok(()));
        assert_eq!(limits.hit("ada", 2, 60, 60), Ok(()));
    }
}
