//! An answer whose body is still on its way.

use std::fmt;

use async_trait::async_trait;
use http::{HeaderMap, StatusCode};
use zeroize::Zeroizing;

use crate::{Category, Response, SendError, Sent, collect::Collector};

/// An answer whose head is here and whose body is still on its way. Dropping it ends the exchange.
///
/// `Debug` shows the status alone: headers and bodies come from outside and may hold secrets.
pub struct Opened {
    /// The status: any but a redirect.
    pub status: StatusCode,
    /// The headers, each value marked sensitive.
    pub headers: HeaderMap,
    /// How long the body will be, where the answer says so.
    pub length: Option<u64>,
    /// The body.
    pub body: Box<dyn Chunks>,
}

/// A body that is read piece by piece.
#[async_trait]
pub trait Chunks: Send {
    /// The next piece; none at the end of a body that is whole.
    ///
    /// *Must*
    /// - hold no more than a piece and what a connection reads ahead, however long the body is;
    /// - end with [`TooLarge`](Category::TooLarge) once the body is longer than the request's
    ///   limit, and at once where its declared length is;
    /// - end with [`Timeout`](Category::Timeout) when the request's deadline passes, or its limit
    ///   of silence;
    /// - end with [`CutOff`](Category::CutOff) where the body ends before its end.
    ///
    /// Dropping the future loses no piece: the next call goes on from there.
    ///
    /// # Errors
    ///
    /// A category and the host, as [`HttpSend::open`](crate::HttpSend::open). After an error there
    /// is no more of the body; every call after that fails in the same way.
    async fn chunk(&mut self) -> Result<Option<Zeroizing<Vec<u8>>>, SendError>;
}

impl Opened {
    /// An answer; its header values become sensitive.
    pub fn new(
        status: StatusCode,
        mut headers: HeaderMap,
        length: Option<u64>,
        body: Box<dyn Chunks>,
    ) -> Self {
        headers.values_mut().for_each(|value| value.set_sensitive(true));
        Self { status, headers, length, body }
    }

    /// Reads the whole body, up to a limit.
    ///
    /// # Errors
    ///
    /// As [`Chunks::chunk`]; [`TooLarge`](Category::TooLarge) where the body is longer.
    pub async fn collect(mut self, limit: usize) -> Result<Response, SendError> {
        let over = |_| SendError::new(Category::TooLarge, Sent::Maybe);
        let mut collector = Collector::new(self.length, limit).map_err(over)?;
        while let Some(chunk) = self.body.chunk().await? {
            collector.push(&chunk).map_err(over)?;
        }
        Ok(Response::new(self.status, self.headers, collector.finish()))
    }
}

impl fmt::Debug for Opened {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Opened").field("status", &self.status).finish_non_exhaustive()
    }
}

/// A body that is here already.
#[cfg(feature = "testing")]
pub(crate) struct Whole {
    body: Zeroizing<Vec<u8>>,
    at: usize,
}

#[cfg(feature = "testing")]
impl Whole {
    pub(crate) fn new(body: Zeroizing<Vec<u8>>) -> Self {
        Self { body, at: 0 }
    }
}

#[cfg(feature = "testing")]
#[async_trait]
impl Chunks for Whole {
    async fn chunk(&mut self) -> Result<Option<Zeroizing<Vec<u8>>>, SendError> {
        let end = self.body.len().min(self.at.saturating_add(PIECE));
        let piece = &self.body[self.at..end];
        self.at = end;
        Ok((!piece.is_empty()).then(|| Zeroizing::new(piece.to_vec())))
    }
}

/// The longest piece of a body, in bytes.
#[cfg(any(feature = "reqwest", feature = "testing"))]
pub(crate) const PIECE: usize = 64 * 1024;
