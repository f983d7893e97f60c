//! One answer from one thread to one task, on whatever runtime that task is.

use std::{
    future::Future,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker},
};

/// Where the answer is given. Dropped without one, it says that there will be none.
#[derive(Debug)]
pub(crate) struct Reply<T>(Arc<Slot<T>>);

/// Waits for the answer; `None` when there will be none.
#[derive(Debug)]
pub(crate) struct Answer<T>(Arc<Slot<T>>);

#[derive(Debug)]
struct Slot<T>(Mutex<State<T>>);

#[derive(Debug)]
struct State<T> {
    answer: Option<T>,
    over: bool,
    waker: Option<Waker>,
}

pub(crate) fn channel<T>() -> (Reply<T>, Answer<T>) {
    let slot = Arc::new(Slot(Mutex::new(State { answer: None, over: false, waker: None })));
    (Reply(Arc::clone(&slot)), Answer(slot))
}

impl<T> Reply<T> {
    /// Gives the answer. Nobody has to be waiting any more.
    pub(crate) fn send(self, answer: T) {
        self.0.state().answer = Some(answer);
        // Dropping wakes.
    }
}

impl<T> Drop for Reply<T> {
    fn drop(&mut self) {
        let waker = {
            let mut state = self.0.state();
            state.over = true;
            state.waker.take()
        };
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

impl<T> Future for Answer<T> {
    type Output = Option<T>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<T>> {
        let mut state = self.0.state();
        if state.over {
            return Poll::Ready(state.answer.take());
        }
        match &mut state.waker {
            Some(waker) => waker.clone_from(context.waker()),
            none => *none = Some(context.waker().clone()),
        }
        Poll::Pending
    }
}

impl<T> Slot<T> {
    // Nothing panics while it holds the lock.
    fn state(&self) -> MutexGuard<'_, State<T>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;

    #[tokio::test]
    async fn an_answer_arrives_whether_it_was_awaited_before_or_after() {
        let (reply, answer) = channel();
        reply.send(1);
        assert_eq!(answer.await, Some(1));
        for number in 0..100 {
            let (reply, answer) = channel();
            let thread = thread::spawn(move || reply.send(number));
            assert_eq!(answer.await, Some(number));
            thread.join().unwrap();
        }
    }

    #[tokio::test]
    async fn a_reply_that_is_dropped_ends_the_wait() {
        let (reply, answer) = channel::<()>();
        let thread = thread::spawn(move || drop(reply));
        assert_eq!(answer.await, None);
        thread.join().unwrap();
    }
}
