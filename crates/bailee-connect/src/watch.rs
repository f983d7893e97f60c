//! Asking about connections by a schedule, where nothing is heard of them.
//!
//! Each connection has one piece of work. It is asked about when nothing has proved it alive for as
//! long as its provider's spec says; a renewal counts as a proof. A registration has a budget: who
//! finds it used up is sent away for a time to come back, so that a hundred
//! thousand connections that fall due together become a steady trickle.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use bailee_core::{
    ConnectionId, ConnectionState, Error, ErrorKind, Monotonic, Owner, Random, Result, Timestamp,
    audit::Entry,
};
use bailee_providers::{
    AccountId,
    signal::{About, Signal},
};
use bailee_store::{Due, Lease};

use crate::{check::Question, engine::Engine, limiter::jitter, stored::Found};

/// How many connections of a registration a process asks about in a minute, unless the host says
/// otherwise.
pub(crate) const BUDGET: u32 = 120;
/// The longest a connection is asked to wait for its turn.
const QUEUE: Duration = Duration::from_secs(86_400);
/// After how long a provider that did not answer is asked again.
const AGAIN: Duration = Duration::from_secs(3600);
/// What may go at once after a quiet time, as a time's worth of turns.
const BURST: Duration = Duration::from_secs(5);
/// No connection is asked about oftener.
const OFTENEST: Duration = Duration::from_secs(3600);

/// The turns of a registration's questions.
#[derive(Debug, Default)]
pub(crate) struct WatchTurns(Mutex<Turns>);

#[derive(Debug, Default)]
struct Turns {
    /// The time up to which turns are given away.
    until: Option<Monotonic>,
    /// How many were sent away and have not had their turn yet.
    waiting: u32,
}

impl WatchTurns {
    /// Takes a turn, or says how long to stay away: somewhere in the time that it takes to serve
    /// all who wait, so that they come back spread over it.
    fn take(&self, now: Monotonic, budget: u32, random: &dyn Random) -> Result<Option<Duration>> {
        let pace = Duration::from_secs(60) / budget.max(1);
        let mut turns = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let until = turns.until.filter(|until| now < *until).unwrap_or(now);
        if until.since(now) <= BURST {
            turns.until = Some(until.plus(pace));
            turns.waiting = turns.waiting.saturating_sub(1);
            return Ok(None);
        }
        turns.waiting = turns.waiting.saturating_add(1);
        let all = pace.saturating_mul(turns.waiting).clamp(BURST, QUEUE);
        Ok(Some(BURST + jitter(random, all)?))
    }
}

impl Engine {
    /// When a connection is asked about for the first time: somewhere in the second half of its
    /// provider's period, so that those connected together do not fall due together.
    pub(crate) fn first_watch(&self, every: Duration) -> Result<Due> {
        let every = every.max(OFTENEST);
        Ok(Due::After(every / 2 + jitter(&*self.0.random, every / 2)?))
    }

    /// Due: nothing was heard of a connection.
    pub(crate) async fn watch_due(&self, lease: &Lease) -> Result<()> {
        let id = ConnectionId::from_id(lease.task.id);
        let owner = match lease.subject {
            Some(subject) => Owner::Subject(subject),
            None if lease.tenant.is_system() => Owner::Instance,
            None => Owner::Tenant,
        };
        let connection = bailee_core::ConnectionRef::new(lease.tenant.clone(), owner, id);
        let found = match self.find_connection(&connection).await {
            Ok(Some(found)) => found,
            Ok(None) => return self.finish(lease, Due::Never).await,
            Err(error) if error.kind() == ErrorKind::Shredded => {
                return self.finish(lease, Due::Never).await;
            }
            Err(error) => return Err(error),
        };
        let Ok(registered) = self.registered(&found.body.registration) else {
            return self.finish(lease, Due::After(QUEUE)).await;
        };
        let registered = registered.clone();
        let signals = &registered.provider.spec().signals;
        let every = signals.watch.max(OFTENEST);
        if !matches!(found.state, ConnectionState::Active | ConnectionState::Degraded) {
            return self.finish(lease, Due::After(every)).await;
        }
        let provider = Some(&found.body.provider);
        match self.admit_control(found.view.control(), &connection, provider).await {
            Err(error) if error.kind() == ErrorKind::Frozen => {
                return self.finish(lease, Due::After(QUEUE)).await;
            }
            admitted => drop(admitted?),
        }
        // A provider that has more to be asked than whether a token is good is asked always.
        if !signals.watch_always
            && let Some(left) = self.proved_alive_for(&found, every)?
        {
            let wait = left.max(Duration::from_secs(60));
            return self.finish(lease, Due::After(wait)).await;
        }
        let (now, budget) = (self.0.clock.monotonic(), self.0.watch_budget);
        if let Some(wait) = registered.watch_turns.take(now, budget, &*self.0.random)? {
            return self.finish(lease, Due::After(wait)).await;
        }
        let again = match self.ask_by_schedule(&found).await {
            Ok(again) => again.unwrap_or(every).max(OFTENEST),
            Err(error) => {
                tracing::warn!(kind = ?error.kind(), "a connection is asked about later");
                AGAIN
            }
        };
        if self.find_connection(&connection).await?.is_none() {
            return self.finish(lease, Due::Never).await;
        }
        let entry = Entry::new("connection.checked", self.0.clock.now())
            .about(lease.subject)
            .with("connection", id)
            .with("provider", &found.body.provider);
        let due = Due::After(again + jitter(&*self.0.random, again / 10)?);
        let batch = self.0.vault.batch()?.finish(lease.task.clone(), lease.fence, due).audit(entry);
        match self.0.vault.commit(&lease.tenant, batch).await {
            Err(error) if error.kind() == ErrorKind::Conflict => Ok(()),
            done => done.map(|_| ()),
        }
    }

    /// How much longer a renewal in the meantime proves the connection alive.
    fn proved_alive_for(&self, found: &Found, every: Duration) -> Result<Option<Duration>> {
        let now = self.0.clock.now();
        let mut proved: Option<Timestamp> = None;
        for place in 0..found.body.credentials.len() {
            let Some(credential) = found.credential(place)? else { continue };
            // The time of connecting proves nothing of what came after; that of a renewal does.
            let until = credential.issued_at.plus(every);
            proved = Some(proved.map_or(until, |known| known.min(until)));
        }
        Ok(proved.filter(|until| now < *until).map(|until| until.since(now)))
    }

    /// Asks about a connection, and keeps what the provider says of its account like anything else
    /// that it tells.
    async fn ask_by_schedule(&self, found: &Found) -> Result<Option<Duration>> {
        let heard = self.ask(found, Question::Schedule).await?;
        if !heard.said.is_empty() {
            let account = &found.body.account;
            let id = AccountId::new(account.id_kind.clone(), account.id.clone());
            let id = id.ok_or_else(|| Error::new(ErrorKind::UnknownSchema))?;
            let about = About::Account { id, issuer: account.issuer.clone() };
            let now = self.0.clock.now();
            let signals: Vec<Signal> = heard
                .said
                .into_iter()
                .map(|what| Signal::new(about.clone(), what).at(Some(now)))
                .collect();
            self.keep_told(&found.body.registration, &signals).await?;
        }
        Ok(heard.again)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use bailee_core::{Clock, ManualClock, SystemRandom};

    use super::*;

    /// A hundred thousand connections fall due in the same second: how many are asked about in each
    /// minute, and how often each was claimed for it.
    #[test]
    fn a_hundred_thousand_that_fall_due_together_become_a_trickle() {
        const ALL: u32 = 100_000;
        let clock = ManualClock::default();
        let began = clock.monotonic();
        let turns = WatchTurns::default();
        // The queue of work, by the second in which it is due.
        let mut due = BTreeMap::from([(0, ALL)]);
        let (mut claims, mut asked) = (0_u64, BTreeMap::<u64, u32>::new());
        while let Some((second, count)) = due.pop_first() {
            clock.advance(
                Duration::from_secs(second).saturating_sub(clock.monotonic().since(began)),
            );
            for _ in 0..count {
                claims += 1;
                match turns.take(clock.monotonic(), BUDGET, &SystemRandom).unwrap() {
                    None => *asked.entry(second / 60).or_default() += 1,
                    Some(wait) => *due.entry(second + wait.as_secs().max(1)).or_default() += 1,
                }
            }
        }
        assert_eq!(asked.values().sum::<u32>(), ALL, "everybody had a turn");
        let most = asked.values().max().copied().unwrap();
        assert!(most <= BUDGET + 12, "{most} in a minute");
        let minutes = asked.keys().last().copied().unwrap();
        let least = u64::from(ALL / BUDGET);
        assert!(minutes <= least * 3, "{minutes} minutes where {least} would do");
        assert!(claims <= u64::from(ALL) * 6, "{claims} claims");
    }

    #[test]
    fn after_a_quiet_time_a_few_may_go_at_once_and_no_more() {
        let (clock, turns) = (ManualClock::default(), WatchTurns::default());
        let at_once = |turns: &WatchTurns| {
            (0..1000)
                .take_while(|_| turns.take(clock.monotonic(), 60, &SystemRandom).unwrap().is_none())
                .count()
        };
        assert_eq!(at_once(&turns), 6);
        clock.advance(Duration::from_secs(3));
        assert_eq!(at_once(&turns), 3);
        clock.advance(Duration::from_secs(3600));
        assert_eq!(at_once(&turns), 6, "what was not used is not saved up");
    }
}
