//! A client without a network.

use std::{
    fmt,
    sync::atomic::{AtomicUsize, Ordering},
};

use async_trait::async_trait;

use crate::{Category, HttpSend, Request, Response, SendError, Sent, check, response::is_redirect};

/// An [`HttpSend`] that asks a closure for its answers, for unit tests.
///
/// What is in front of a network stays on: the check, the limit, the rule on redirects, and the
/// marks on header values.
pub struct Scripted {
    answer: Box<Answer>,
    sent: AtomicUsize,
}

type Answer = dyn Fn(&Request) -> Result<Response, SendError> + Send + Sync;

impl Scripted {
    /// Answers with what the closure says. The closure sees each request that passed the check.
    pub fn new(
        answer: impl Fn(&Request) -> Result<Response, SendError> + Send + Sync + 'static,
    ) -> Self {
        Self { answer: Box::new(answer), sent: AtomicUsize::new(0) }
    }

    /// How many requests passed the check.
    pub fn sent(&self) -> usize {
        self.sent.load(Ordering::SeqCst)
    }
}

#[async_trait]
impl HttpSend for Scripted {
    async fn send(&self, request: Request) -> Result<Response, SendError> {
        let host = check(&request).map_err(SendError::refused)?;
        self.sent.fetch_add(1, Ordering::SeqCst);
        let fail = |category| SendError::new(category, Sent::Maybe).at(host.clone());
        let response = (self.answer)(&request).map_err(|error| error.at(host.clone()))?;
        if is_redirect(response.status) {
            return Err(fail(Category::Redirect));
        }
        if response.body.len() > request.limit {
            return Err(fail(Category::TooLarge));
        }
        Ok(Response::new(response.status, response.headers, response.body))
    }
}

impl fmt::Debug for Scripted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scripted").finish_non_exhaustive()
    }
}
