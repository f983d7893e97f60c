//! What the kills came to.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{Mutex, PoisonError},
};

/// The counts of one court.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Counts {
    /// Processes killed at a step.
    pub(super) at_a_step: usize,
    /// Processes killed at any time.
    pub(super) at_any_time: usize,
    /// Processes killed while they brought an answer of the journal to the store.
    pub(super) at_a_replay: usize,
    /// Deaths after the provider's answer was heard and before its commit was acknowledged.
    pub(super) in_between: usize,
    /// Answers that the journal had and the store had not.
    pub(super) replayed: usize,
    /// Tokens that were lost, which was said.
    pub(super) lost: usize,
    /// Renewals that the provider was asked for.
    pub(super) renewals: u64,
}

impl Counts {
    pub(super) fn kills(&self) -> usize {
        self.at_a_step + self.at_any_time + self.at_a_replay
    }

    fn add(&mut self, more: Self) {
        self.at_a_step += more.at_a_step;
        self.at_any_time += more.at_any_time;
        self.at_a_replay += more.at_a_replay;
        self.in_between += more.in_between;
        self.replayed += more.replayed;
        self.lost += more.lost;
        self.renewals += more.renewals;
    }
}

/// The counts of all courts.
#[derive(Default)]
pub(super) struct Tally(Mutex<BTreeMap<String, Counts>>);

impl Tally {
    pub(super) fn note(&self, court: String, counts: Counts) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.entry(court).or_default().add(counts);
    }

    pub(super) fn all(&self) -> BTreeMap<String, Counts> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{:52} {:>6} {:>6} {:>6} {:>8} {:>8} {:>6} {:>8}",
            "", "step", "time", "replay", "between", "replayed", "lost", "renewals"
        )?;
        let mut sum = Counts::default();
        let row = |name: &str, counts: &Counts| {
            format!(
                "{name:52} {:>6} {:>6} {:>6} {:>8} {:>8} {:>6} {:>8}",
                counts.at_a_step,
                counts.at_any_time,
                counts.at_a_replay,
                counts.in_between,
                counts.replayed,
                counts.lost,
                counts.renewals
            )
        };
        for (court, counts) in self.all() {
            writeln!(f, "{}", row(&court, &counts))?;
            sum.add(counts);
        }
        write!(f, "{}", row(&format!("{} kills", sum.kills()), &sum))
    }
}
