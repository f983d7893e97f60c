//! The seam.

use std::{fmt, sync::Arc};

use async_trait::async_trait;

use crate::{Opened, Request, Response, SendError};

/// Sends one request and gives its answer back. A host may plug its own; `conformance` (a feature)
/// has the suite that it must pass.
#[async_trait]
pub trait HttpSend: fmt::Debug + Send + Sync + 'static {
    /// Sends a request once and gives the answer as soon as its head is here. The body is read
    /// from it piece by piece ([`Chunks`](crate::Chunks)).
    ///
    /// *Must*
    /// - call [`check`](crate::check) first, and do nothing when it refuses: no lookup, no
    ///   connection;
    /// - resolve the name itself, refuse an answer with an address that is not
    ///   [globally routable](crate::is_globally_routable), and connect to an address that it
    ///   checked. One exception, for tests: an implementation that is given one fixed address;
    /// - use TLS 1.2 or newer and check the certificate's chain, dates and name against roots that
    ///   it was given;
    /// - end with [`Timeout`](crate::Category::Timeout) when the deadline passes, whatever the
    ///   other side does: silent, slow in its headers, slow in its body; and when it is silent for
    ///   longer than the request allows;
    /// - end with [`TooLarge`](crate::Category::TooLarge) when the body is longer than the limit,
    ///   whether its length was declared or not, without holding more than a piece of it;
    /// - answer a redirect (a 3xx status other than 304) with
    ///   [`Redirect`](crate::Category::Redirect) and an answer in a content coding with
    ///   [`Protocol`](crate::Category::Protocol): it asks for `identity`. For a request that
    ///   [resumes](crate::Request::resumes), 308 without `Location` is an answer;
    /// - say the length of what a `POST`, `PUT` or `PATCH` carries, also where that is nothing
    ///   (RFC 9110 §8.6);
    /// - mark every header value sensitive, of the request and of the answer, and wipe the buffers
    ///   that it owns.
    ///
    /// *Must not*
    /// - follow a redirect, or send anything twice once a byte of it was written;
    /// - read proxy variables or any other default of the process;
    /// - keep or send cookies, or add a `Referer`;
    /// - give an answer that ended early as a whole one;
    /// - log or format a request, an answer or an error of its HTTP library.
    ///
    /// Dropping the future, or the answer before its end, *must* end the exchange: nothing is
    /// written after that, and nothing is read.
    ///
    /// # Errors
    ///
    /// A category, the host, and whether anything may have been sent: [`Sent::No`](crate::Sent::No)
    /// only when certainly not a byte of the request left. Statuses of 400 and above are answers,
    /// not errors.
    async fn open(&self, request: Request) -> Result<Opened, SendError>;

    /// Sends a request once and waits for the whole answer, in one buffer of at most the request's
    /// limit. It opens and collects; all that is said there holds here.
    ///
    /// # Errors
    ///
    /// As [`HttpSend::open`].
    async fn send(&self, request: Request) -> Result<Response, SendError> {
        let limit = request.limit;
        self.open(request).await?.collect(limit).await
    }
}

#[async_trait]
impl<H: HttpSend + ?Sized> HttpSend for Arc<H> {
    async fn open(&self, request: Request) -> Result<Opened, SendError> {
        (**self).open(request).await
    }

    async fn send(&self, request: Request) -> Result<Response, SendError> {
        (**self).send(request).await
    }
}
