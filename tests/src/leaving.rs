//! Callers that go away: a future that is dropped after each number of polls.

use std::task::Poll;

use crate::drill::Tasks;

/// Nothing takes so many polls.
const LONGEST: usize = 2000;

/// When a caller goes away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Leaves {
    /// As soon as the last of its polls did not bring it to its end.
    AtOnce,
    /// When it is woken after that: what it waited for is there, and nobody takes it.
    WhenWoken,
}

/// Polls a future so many times and drops it, unless it came to its end.
pub async fn polled<T>(polls: usize, leaves: Leaves, future: impl Future<Output = T>) -> Option<T> {
    let mut future = Box::pin(future);
    let mut left = polls;
    let waited = std::future::poll_fn(move |context| {
        if left == 0 {
            return Poll::Ready(None);
        }
        left -= 1;
        match future.as_mut().poll(context) {
            Poll::Ready(outcome) => Poll::Ready(Some(outcome)),
            Poll::Pending if left == 0 && leaves == Leaves::AtOnce => Poll::Ready(None),
            Poll::Pending => Poll::Pending,
        }
    });
    waited.await
}

/// Drops an act after no poll, after one, after two, until it comes to its end; before each it
/// prepares anew, and after each it waits for the tasks that go on and looks at what is left.
/// Returns how often somebody went away.
///
/// # Panics
///
/// When the act never comes to its end.
pub async fn leave_at_every_poll<S, T>(
    what: &str,
    tasks: &Tasks,
    prepare: impl AsyncFn() -> S,
    act: impl AsyncFn(&S) -> T,
    look: impl AsyncFn(S, Option<T>, &str),
) -> usize {
    let mut gone = 0;
    for polls in 0..LONGEST {
        let mut done = true;
        for leaves in [Leaves::AtOnce, Leaves::WhenWoken] {
            let prepared = prepare().await;
            let outcome = polled(polls, leaves, act(&prepared)).await;
            if outcome.is_none() {
                done = false;
                gone += 1;
            }
            tasks.idle().await;
            look(prepared, outcome, &format!("{what}, {polls} polls, {leaves:?}")).await;
        }
        if done {
            return gone;
        }
    }
    panic!("{what} never came to its end");
}
