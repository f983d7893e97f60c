//! Asking a provider, where it sends nothing of its own accord.

use std::time::Duration;

use bailee_core::{ScopeName, Timestamp};

use super::{Signal, What};
use crate::{
    context::Context,
    failure::Failure,
    grant::{AccountId, Alive},
    provider::Provider,
    step::{Input, Next, Step},
};

/// What is known of a connection that the provider is asked about.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct WatchFacts {
    /// The account, under each of its ids.
    pub accounts: Vec<AccountId>,
    /// When what is stored of the account was last got from the provider.
    pub got_at: Timestamp,
    /// The scopes that were granted.
    pub scopes: Vec<ScopeName>,
}

impl WatchFacts {
    /// What is known of an account.
    pub fn new(accounts: Vec<AccountId>, got_at: Timestamp, scopes: Vec<ScopeName>) -> Self {
        Self { accounts, got_at, scopes }
    }
}

/// What the provider said of a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Watched {
    /// Whether its access token is good.
    pub alive: Alive,
    /// What happened to its account.
    pub said: Vec<What>,
    /// When to ask again, where the provider says so; else as the spec says.
    pub again: Option<Duration>,
}

impl Watched {
    /// A provider that says whether a token is good, and nothing else.
    pub fn new(alive: Alive) -> Self {
        Self { alive, said: Vec::new(), again: None }
    }
}

/// The provider's cheapest question, and nothing else.
pub(crate) fn liveness<P: Provider + ?Sized>(
    provider: &P,
    cx: &Context<'_>,
) -> Box<dyn Step<Watched>> {
    Box::new(Liveness(provider.liveness(cx)))
}

struct Liveness(Box<dyn Step<Alive>>);

impl Step<Watched> for Liveness {
    fn next(&mut self, input: Input) -> Result<Next<Watched>, Failure> {
        Ok(match self.0.next(input)? {
            Next::Done(alive) => Next::Done(Watched::new(alive)),
            Next::Send(request) => Next::Send(request),
            Next::Verify(signed) => Next::Verify(signed),
            Next::Wait(wait) => Next::Wait(wait),
        })
    }
}

/// What was fetched from a provider that keeps its signals for whoever asks. `Debug` does not show
/// how far it was read, which is the provider's text.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Polled {
    /// What it says.
    pub signals: Vec<Signal>,
    /// How far it was read; none where there was nothing.
    pub progress: Option<String>,
    /// When to ask again.
    pub again: Duration,
}

impl std::fmt::Debug for Polled {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Polled")
            .field("signals", &self.signals)
            .field("progress", &self.progress.is_some())
            .field("again", &self.again)
            .finish()
    }
}

impl Polled {
    /// What was fetched.
    pub fn new(signals: Vec<Signal>, progress: Option<String>, again: Duration) -> Self {
        Self { signals, progress, again }
    }
}
