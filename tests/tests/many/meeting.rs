//! Two processes that take their steps in an order that is drawn.
//!
//! Each question to the store and each request is a step. A hold stops one side at one of its
//! steps, before it or when it took effect and nobody knows yet, until the other side has taken so
//! many of its own. Two that stop for each other both go on.

use std::sync::{Arc, Mutex, PoisonError};

use bailee::{Result, http::SendError};
use bailee_tests::{Around, Step};
use tokio::sync::watch;

/// Where one side stops.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Hold {
    /// At which of its steps.
    pub(crate) at: usize,
    /// When the step took effect, not before it.
    pub(crate) after: bool,
    /// Until the other side has begun so many steps.
    pub(crate) until: usize,
}

#[derive(Clone, Copy, Debug, Default)]
struct Side {
    taken: usize,
    stands: bool,
    over: bool,
}

/// One meeting of two sides.
#[derive(Debug)]
pub(crate) struct Meeting {
    holds: [Option<Hold>; 2],
    sides: watch::Sender<[Side; 2]>,
}

impl Meeting {
    pub(crate) fn new(holds: [Option<Hold>; 2]) -> Arc<Self> {
        Arc::new(Self { holds, sides: watch::Sender::new([Side::default(); 2]) })
    }

    /// One side will take no more steps that the other could wait for.
    pub(crate) fn over(&self, side: usize) {
        self.sides.send_modify(|sides| sides[side].over = true);
    }

    /// How many steps each side took.
    pub(crate) fn taken(&self) -> [usize; 2] {
        self.sides.borrow().map(|side| side.taken)
    }

    async fn step<T>(&self, side: usize, step: impl Future<Output = T>) -> T {
        let mut number = 0;
        self.sides.send_modify(|sides| {
            number = sides[side].taken;
            sides[side].taken += 1;
        });
        let hold = self.holds[side].filter(|hold| hold.at == number);
        if let Some(hold) = hold.filter(|hold| !hold.after) {
            self.stand(side, hold.until).await;
        }
        let outcome = step.await;
        if let Some(hold) = hold.filter(|hold| hold.after) {
            self.stand(side, hold.until).await;
        }
        outcome
    }

    async fn stand(&self, side: usize, until: usize) {
        let mut watched = self.sides.subscribe();
        self.sides.send_modify(|sides| sides[side].stands = true);
        let other = 1 - side;
        let enough = |sides: &[Side; 2]| {
            let other = sides[other];
            other.taken >= until || other.over || other.stands
        };
        // The sender lives as long as `self`, so the wait cannot end with an error.
        let _ = watched.wait_for(enough).await;
    }
}

/// The place of one process at the meetings that it comes to.
#[derive(Clone)]
pub(crate) struct Seat {
    side: usize,
    meeting: Arc<Mutex<Option<Arc<Meeting>>>>,
}

impl Seat {
    pub(crate) fn new(side: usize) -> Self {
        Self { side, meeting: Arc::default() }
    }

    /// Comes to a meeting, or to none.
    pub(crate) fn sit(&self, meeting: Option<Arc<Meeting>>) {
        *self.meeting.lock().unwrap_or_else(PoisonError::into_inner) = meeting;
    }

    async fn step<T>(&self, step: impl Future<Output = T>) -> T {
        let meeting = self.meeting.lock().unwrap_or_else(PoisonError::into_inner).clone();
        match meeting {
            Some(meeting) => meeting.step(self.side, step).await,
            None => step.await,
        }
    }
}

impl Around for Seat {
    async fn around<T: Send>(
        &self,
        step: Step<'_>,
        taken: impl Future<Output = Result<T>> + Send,
    ) -> Result<T> {
        match step {
            Step::Log | Step::Upkeep => taken.await,
            _ => self.step(taken).await,
        }
    }

    async fn around_request<T: Send>(
        &self,
        _: &str,
        sent: impl Future<Output = Result<T, SendError>> + Send,
    ) -> Result<T, SendError> {
        self.step(sent).await
    }
}
