//! A body as it comes from the network.

use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use tokio::time::{Instant, error::Elapsed, timeout_at};
use zeroize::Zeroizing;

use crate::{
    Category, CheckedHost, SendError, Sent,
    client::Failed,
    opened::{Chunks, PIECE},
};

/// How long an exchange may still take.
#[derive(Clone, Copy)]
pub(crate) struct Pace {
    end: Option<Instant>,
    idle: Option<Duration>,
}

impl Pace {
    pub(crate) fn begin(deadline: Duration, idle: Option<Duration>) -> Self {
        Self { end: Instant::now().checked_add(deadline), idle }
    }

    /// Waits for something of the other side's: until the deadline, and no longer than it may be
    /// silent.
    pub(crate) async fn wait<F: Future>(&self, what: F) -> Result<F::Output, Elapsed> {
        let silence = self.idle.and_then(|idle| Instant::now().checked_add(idle));
        match self.end.into_iter().chain(silence).min() {
            Some(end) => timeout_at(end, what).await,
            None => Ok(what.await),
        }
    }
}

/// The body of an answer, with what is left of its limit and its time.
pub(crate) struct Receiving {
    /// Gone once the body ended or failed, and the connection with it.
    response: Option<reqwest::Response>,
    /// What the connection gave at once and nobody has asked for yet.
    rest: Bytes,
    left: usize,
    pace: Pace,
    host: CheckedHost,
    failed: Option<Category>,
}

impl Receiving {
    pub(crate) fn new(
        response: reqwest::Response,
        limit: usize,
        pace: Pace,
        host: CheckedHost,
    ) -> Self {
        let (response, rest) = (Some(response), Bytes::new());
        Self { response, rest, left: limit, pace, host, failed: None }
    }

    async fn fill(&mut self) -> Result<(), Category> {
        while self.rest.is_empty() {
            let Some(response) = &mut self.response else { return Ok(()) };
            match self.pace.wait(response.chunk()).await {
                Err(_) => return Err(Category::Timeout),
                Ok(Err(error)) => return Err(Failed::answered(&error).category()),
                Ok(Ok(None)) => self.response = None,
                Ok(Ok(Some(chunk))) => {
                    self.left = self.left.checked_sub(chunk.len()).ok_or(Category::TooLarge)?;
                    self.rest = chunk;
                }
            }
        }
        Ok(())
    }
}

#[async_trait]
impl Chunks for Receiving {
    async fn chunk(&mut self) -> Result<Option<Zeroizing<Vec<u8>>>, SendError> {
        if self.failed.is_none()
            && let Err(category) = self.fill().await
        {
            self.failed = Some(category);
            self.response = None;
        }
        if let Some(category) = self.failed {
            return Err(SendError::new(category, Sent::Maybe).at(self.host.clone()));
        }
        let piece = self.rest.split_to(self.rest.len().min(PIECE));
        Ok((!piece.is_empty()).then(|| Zeroizing::new(piece.to_vec())))
    }
}
