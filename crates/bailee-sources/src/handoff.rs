//! A few things on their way from a thread that may wait to a task that must not.

use std::{
    collections::VecDeque,
    future::poll_fn,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    task::{Poll, Waker},
};

/// Where a thread gives. Dropped, it says that there is no more.
pub(crate) struct Giver<T>(Arc<Shared<T>>);

/// Where a task takes. Dropped, it says that nobody takes any more.
pub(crate) struct Taker<T>(Arc<Shared<T>>);

/// Nobody takes any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Gone;

struct Shared<T> {
    state: Mutex<State<T>>,
    room: Condvar,
    most: usize,
}

struct State<T> {
    given: VecDeque<T>,
    over: bool,
    gone: bool,
    waker: Option<Waker>,
}

/// A way for at most so many things at a time.
pub(crate) fn channel<T>(most: usize) -> (Giver<T>, Taker<T>) {
    let state = State { given: VecDeque::new(), over: false, gone: false, waker: None };
    let shared = Shared { state: Mutex::new(state), room: Condvar::new(), most: most.max(1) };
    let shared = Arc::new(shared);
    (Giver(Arc::clone(&shared)), Taker(shared))
}

impl<T> Giver<T> {
    /// Gives one, and waits while there is no room.
    pub(crate) fn give(&self, thing: T) -> Result<(), Gone> {
        let full = |state: &mut State<T>| !state.gone && state.given.len() >= self.0.most;
        let state = self.0.room.wait_while(self.0.state(), full);
        let mut state = state.unwrap_or_else(PoisonError::into_inner);
        if state.gone {
            return Err(Gone);
        }
        state.given.push_back(thing);
        let waker = state.waker.take();
        drop(state);
        waker.into_iter().for_each(Waker::wake);
        Ok(())
    }
}

impl<T> Taker<T> {
    /// Takes the next; `None` when there will be none.
    pub(crate) async fn take(&mut self) -> Option<T> {
        poll_fn(|context| {
            let mut state = self.0.state();
            if let Some(thing) = state.given.pop_front() {
                self.0.room.notify_one();
                return Poll::Ready(Some(thing));
            }
            if state.over {
                return Poll::Ready(None);
            }
            match &mut state.waker {
                Some(waker) => waker.clone_from(context.waker()),
                none => *none = Some(context.waker().clone()),
            }
            Poll::Pending
        })
        .await
    }
}

impl<T> Drop for Giver<T> {
    fn drop(&mut self) {
        let waker = {
            let mut state = self.0.state();
            state.over = true;
            state.waker.take()
        };
        waker.into_iter().for_each(Waker::wake);
    }
}

impl<T> Drop for Taker<T> {
    fn drop(&mut self) {
        let given = {
            let mut state = self.0.state();
            state.gone = true;
            std::mem::take(&mut state.given)
        };
        drop(given);
        self.0.room.notify_all();
    }
}

impl<T> Shared<T> {
    // Nothing panics while it holds the lock.
    fn state(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;

    #[tokio::test]
    async fn everything_comes_in_its_order_and_no_more_than_fits_waits() {
        let (giver, mut taker) = channel(2);
        let thread = thread::spawn(move || {
            for number in 0..1000 {
                giver.give(number).unwrap();
                assert!(giver.0.state().given.len() <= 2);
            }
        });
        for number in 0..1000 {
            assert_eq!(taker.take().await, Some(number));
        }
        assert_eq!(taker.take().await, None);
        thread.join().unwrap();
    }

    #[test]
    fn whoever_waits_for_room_is_freed_when_nobody_takes_any_more() {
        let (giver, taker) = channel(1);
        giver.give(0).unwrap();
        let thread = thread::spawn(move || giver.give(1));
        drop(taker);
        assert_eq!(thread.join().unwrap(), Err(Gone));
    }

    #[tokio::test]
    async fn a_giver_that_goes_ends_the_wait() {
        let (giver, mut taker) = channel::<()>(1);
        let thread = thread::spawn(move || drop(giver));
        assert_eq!(taker.take().await, None);
        thread.join().unwrap();
    }
}
