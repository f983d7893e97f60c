//! A request.

use std::{fmt, time::Duration};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use url::Url;
use zeroize::Zeroizing;

use bailee_core::{Error, ErrorKind, Result};

use crate::Hosts;

/// A request that may reach the hosts of its list, within a deadline and a size.
///
/// `Debug` shows the method and the host: the path and the query may hold what nobody should read.
pub struct Request {
    /// The method. `CONNECT` and `TRACE` are refused.
    pub method: Method,
    /// The address: https, the default port, a listed host.
    pub url: Url,
    /// The headers. Those that frame a message or name a host are the client's own.
    pub headers: HeaderMap,
    /// The body.
    pub body: Body,
    /// The hosts that it may reach.
    pub hosts: Hosts,
    /// How long it may take from the call to the last byte of the answer.
    pub deadline: Duration,
    /// How long the other side may be silent, before its answer and between two pieces of it; none
    /// where the deadline alone counts. For long bodies, whose deadline is long too.
    pub idle: Option<Duration>,
    /// How many bytes the answer's body may have. Answers are never decompressed.
    pub limit: usize,
    /// Whether 308 without `Location` is an answer: with it servers of resumable uploads ask for
    /// the rest. With `Location` it stays the redirect that it is (RFC 9110 §15.4.9).
    pub resumes: bool,
}

/// The body of a request.
#[derive(Default)]
pub enum Body {
    /// None.
    #[default]
    Empty,
    /// Bytes, wiped when they are sent or dropped.
    Bytes(Zeroizing<Vec<u8>>),
}

impl Request {
    /// The deadline of a request that sets none: 30 seconds.
    pub const DEADLINE: Duration = Duration::from_secs(30);

    /// The limit of a request that sets none: 256 KiB.
    pub const LIMIT: usize = 256 * 1024;

    /// A request without headers and body, with the usual deadline and limit.
    pub fn new(method: Method, url: Url, hosts: Hosts) -> Self {
        Self {
            method,
            url,
            headers: HeaderMap::new(),
            body: Body::Empty,
            hosts,
            deadline: Self::DEADLINE,
            idle: None,
            limit: Self::LIMIT,
            resumes: false,
        }
    }

    /// Sets a header, in place of one of the same name.
    #[must_use]
    pub fn with_header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.insert(name, value);
        self
    }

    /// Sets the body.
    #[must_use]
    pub fn with_body(mut self, body: Zeroizing<Vec<u8>>) -> Self {
        self.body = Body::Bytes(body);
        self
    }

    /// Sets the deadline.
    #[must_use]
    pub fn with_deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    /// Sets how long the other side may be silent.
    #[must_use]
    pub fn with_idle(mut self, idle: Duration) -> Self {
        self.idle = Some(idle);
        self
    }

    /// Says that 308 without `Location` is an answer.
    #[must_use]
    pub fn resuming(mut self) -> Self {
        self.resumes = true;
        self
    }

    /// Sets the limit.
    #[must_use]
    pub fn with_limit(mut self, limit: usize) -> Self {
        self.limit = limit;
        self
    }
}

/// A header value that holds a secret: marked sensitive, and its buffer is wiped when the last
/// clone is dropped.
///
/// The buffer must not have grown while the secret was in it.
///
/// # Errors
///
/// Refuses ([`ErrorKind::InvalidInput`]) bytes that no header may hold (RFC 9110 §5.5); the error
/// does not say which.
pub fn secret_header(value: Zeroizing<Vec<u8>>) -> Result<HeaderValue> {
    let mut value = HeaderValue::from_maybe_shared(Bytes::from_owner(value)).map_err(|_| {
        Error::new(ErrorKind::InvalidInput).with_detail("a secret does not fit a header")
    })?;
    value.set_sensitive(true);
    Ok(value)
}

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request")
            .field("method", &self.method)
            .field("host", &self.url.host_str().unwrap_or_default())
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Empty => "Empty",
            Self::Bytes(_) => "Bytes([redacted])",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sec_05_a_request_prints_its_method_and_host_alone() {
        let url = Url::parse("https://api.provider.example/fake-path?token=fake-query").unwrap();
        let request =
            Request::new(Method::POST, url, Hosts::new(["api.provider.example"]).unwrap())
                .with_header(http::header::AUTHORIZATION, HeaderValue::from_static("fake-header"))
                .with_body(Zeroizing::new(b"fake-body".to_vec()));
        let text = format!("{request:?} {request:#?} {:?}", request.body);
        assert!(text.contains("POST") && text.contains("api.provider.example"));
        assert!(!text.contains("fake-"), "{text}");
    }

    #[test]
    fn tok_03_a_secret_header_takes_any_token_but_those_that_would_break_the_message() {
        let header = |bytes: &[u8]| secret_header(Zeroizing::new(bytes.to_vec()));
        for token in [b"a".as_slice(), b"fake token", b"fake\xff\x80", &[b'x'; 65536]] {
            let value = header(token).unwrap();
            assert_eq!(value.as_bytes(), token);
            assert!(value.is_sensitive());
        }
        for token in [b"fake\r\nHost: evil".as_slice(), b"fake\n", b"fake\0", b"\x7ffake"] {
            let error = header(token).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidInput);
            assert!(!format!("{error} {error:?}").contains("fake"));
        }
    }
}
