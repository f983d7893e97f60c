//! Time and processor time of a round, and medians over rounds.

use std::{
    fs,
    time::{Duration, Instant},
};

/// A running round.
#[derive(Debug)]
pub struct Meter {
    began: Instant,
    processor: Duration,
}

/// What a round took.
#[derive(Clone, Copy, Debug)]
pub struct Round {
    /// By the clock on the wall.
    pub elapsed: Duration,
    /// The processor time of all threads of this process, in user and system mode. It is counted
    /// in ticks of 10 ms, so a round takes a good part of a second.
    pub processor: Duration,
}

impl Meter {
    /// Begins a round.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "a measurement reads the real clock")]
    pub fn start() -> Self {
        Self { processor: processor(), began: Instant::now() }
    }

    /// Ends it.
    #[must_use]
    pub fn stop(self) -> Round {
        Round {
            elapsed: self.began.elapsed(),
            processor: processor().saturating_sub(self.processor),
        }
    }
}

impl Round {
    /// Microseconds by the clock for each of `times`.
    #[must_use]
    pub fn micros(&self, times: usize) -> f64 {
        self.elapsed.as_secs_f64() * 1e6 / times as f64
    }

    /// Microseconds of processor time for each of `times`.
    #[must_use]
    pub fn processor_micros(&self, times: usize) -> f64 {
        self.processor.as_secs_f64() * 1e6 / times as f64
    }
}

/// The middle of some figures.
///
/// # Panics
///
/// When there are none.
#[must_use]
pub fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures[figures.len() / 2]
}

/// Whether this is `cargo bench`: the same programs are built and run by `cargo test
/// --all-targets`, where nobody waits for a measurement.
#[must_use]
pub fn wanted() -> bool {
    std::env::args().any(|argument| argument == "--bench")
}

/// How many of something are measured: the numbers among the arguments, or else these.
#[must_use]
pub fn sizes(else_these: &[usize]) -> Vec<usize> {
    let said: Vec<usize> = std::env::args().filter_map(|said| said.parse().ok()).collect();
    if said.is_empty() { else_these.to_vec() } else { said }
}

/// `utime` and `stime` of proc_pid_stat(5): fields 14 and 15, in ticks of a hundredth.
fn processor() -> Duration {
    let stat = fs::read_to_string("/proc/self/stat").expect("this is Linux");
    let (_, fields) = stat.rsplit_once(')').expect("the name stands in brackets");
    let ticks: u64 = fields
        .split_whitespace()
        .skip(11)
        .take(2)
        .map(|field| field.parse::<u64>().expect("ticks are a number"))
        .sum();
    Duration::from_millis(ticks * 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_the_middle() {
        assert_eq!(median(vec![9.0, 1.0, 2.0]), 2.0);
    }
}
