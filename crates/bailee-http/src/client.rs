//! The hardened client.

use std::{error::Error as StdError, fmt, io, sync::Arc, time::Duration};

use async_trait::async_trait;
use bailee_core::{Error, ErrorKind, Result};
use bytes::Bytes;
use http::{HeaderValue, Method, header};
use reqwest::dns::Resolve;

use crate::{
    Body, Category, HostRefusal, HttpSend, Lookup, Opened, Request, SendError, Sent, SystemLookup,
    Tls, check,
    receive::{Pace, Receiving},
    resolve::{JudgedLookup, NotRoutable},
    response::is_redirect,
};

/// The client of the workspace, and the only place in it that builds one.
///
/// HTTP/1.1 over TLS 1.2 or newer; no redirects, no `Referer`, no proxy, no cookies, no
/// decompression; a limit of ten seconds for a connection and the request's own for the whole; an
/// address is judged before it is connected to. It needs a tokio runtime with time and I/O: its
/// connections are tasks of that runtime.
///
/// Requests that may not be repeated (`POST`, `PATCH`: RFC 9110 §9.2.2) each get a connection of
/// their own: on one that had been idle, a server that closes it at that moment would leave open
/// whether the request arrived. The others reuse idle connections. When such a connection turns
/// out to be closed before a byte of the request was written, hyper takes the request to another
/// one; nothing is sent again once its first byte was written.
pub struct Reqwest {
    pooled: reqwest::Client,
    fresh: reqwest::Client,
}

impl Reqwest {
    /// A client that asks the operating system's resolver.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Configuration`] when the client cannot be built.
    pub fn new(tls: Tls) -> Result<Self> {
        Self::with_lookup(tls, SystemLookup)
    }

    /// A client that asks another resolver. Its answers are judged all the same.
    ///
    /// # Errors
    ///
    /// As [`Reqwest::new`].
    pub fn with_lookup(tls: Tls, lookup: impl Lookup) -> Result<Self> {
        Self::build(tls, Arc::new(JudgedLookup(Arc::new(lookup))))
    }

    /// A client that takes every name to one address, after all checks of the name. Certificates
    /// are checked as ever. For tests alone: with it, the address is the one thing that nobody
    /// judges.
    ///
    /// # Errors
    ///
    /// As [`Reqwest::new`].
    #[cfg(feature = "testing")]
    pub fn danger_fixed_address(tls: Tls, address: std::net::SocketAddr) -> Result<Self> {
        Self::build(tls, Arc::new(crate::resolve::FixedAddress(address)))
    }

    fn build<R: Resolve + 'static>(tls: Tls, resolver: Arc<R>) -> Result<Self> {
        let config = tls.client_config()?;
        let builder = || {
            reqwest::Client::builder()
                .tls_backend_preconfigured(config.clone())
                .dns_resolver(Arc::clone(&resolver))
                .https_only(true)
                .http1_only()
                .redirect(reqwest::redirect::Policy::none())
                .retry(reqwest::retry::never())
                .referer(false)
                .no_proxy()
                .connect_timeout(CONNECT)
                .pool_idle_timeout(IDLE)
        };
        // The builder's error could name what it was given; it is not kept.
        let failed = |_| Error::new(ErrorKind::Configuration).with_detail("no HTTP client");
        Ok(Self {
            pooled: builder().build().map_err(failed)?,
            fresh: builder().pool_max_idle_per_host(0).build().map_err(failed)?,
        })
    }

    async fn exchange(&self, request: Request, pace: Pace) -> Result<reqwest::Response, Failed> {
        let (limit, resumes) = (request.limit, request.resumes);
        let client = if is_repeatable(&request.method) { &self.pooled } else { &self.fresh };
        let incoming = match pace.wait(client.execute(outgoing(request))).await {
            Ok(incoming) => incoming.map_err(|error| Failed::to_send(&error))?,
            Err(_) => return Err(Category::Timeout.into()),
        };
        let status = incoming.status();
        if is_redirect(status, incoming.headers(), resumes) {
            return Err(Category::Redirect.into());
        }
        let coded = |value: &HeaderValue| !value.as_bytes().eq_ignore_ascii_case(b"identity");
        if status.is_informational()
            || incoming.headers().get_all(header::CONTENT_ENCODING).iter().any(coded)
        {
            return Err(Category::Protocol.into());
        }
        if incoming.content_length().is_some_and(|length| length > limit as u64) {
            return Err(Category::TooLarge.into());
        }
        Ok(incoming)
    }
}

#[async_trait]
impl HttpSend for Reqwest {
    async fn open(&self, request: Request) -> Result<Opened, SendError> {
        let host = check(&request).map_err(SendError::refused)?;
        let limit = request.limit;
        let pace = Pace::begin(request.deadline, request.idle);
        let failed = |Failed(category, sent)| SendError::new(category, sent).at(host.clone());
        let mut incoming = self.exchange(request, pace).await.map_err(failed)?;
        let headers = std::mem::take(incoming.headers_mut());
        let (status, length) = (incoming.status(), incoming.content_length());
        let body = Receiving::new(incoming, limit, pace, host);
        Ok(Opened::new(status, headers, length, Box::new(body)))
    }
}

impl fmt::Debug for Reqwest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reqwest").finish_non_exhaustive()
    }
}

/// What is left of an error of the HTTP library.
pub(crate) struct Failed(Category, Sent);

impl From<Category> for Failed {
    fn from(category: Category) -> Self {
        Self(category, Sent::Maybe)
    }
}

impl Failed {
    /// The error is looked at, never kept or formatted: it carries the address with its query.
    fn to_send(error: &reqwest::Error) -> Self {
        if chain(error).any(|cause| cause.is::<NotRoutable>()) {
            return Self(Category::Refused(HostRefusal::NotRoutable), Sent::No);
        }
        // An error of the connector (resolver, TCP, TLS handshake) or of building the request.
        let unsent = error.is_connect() || error.is_builder();
        let sent = if unsent { Sent::No } else { Sent::Maybe };
        let category = if error.is_dns() {
            Category::Resolve
        } else if error.is_timeout() {
            Category::Timeout
        } else if chain(error).any(is_tls) {
            Category::Tls
        } else if error.is_connect() {
            Category::Connect
        } else if error.is_builder() || chain(error).any(is_malformed) {
            Category::Protocol
        } else {
            Category::CutOff
        };
        Self(category, sent)
    }

    /// The same once an answer has begun: whatever happens then, the request was sent.
    pub(crate) fn answered(error: &reqwest::Error) -> Self {
        Self(Self::to_send(error).0, Sent::Maybe)
    }

    pub(crate) fn category(&self) -> Category {
        self.0
    }
}

fn outgoing(request: Request) -> reqwest::Request {
    let mut outgoing = reqwest::Request::new(request.method, request.url);
    *outgoing.headers_mut() = request.headers;
    outgoing.headers_mut().insert(header::ACCEPT_ENCODING, HeaderValue::from_static("identity"));
    match request.body {
        // No copy: the buffer is wiped when the client drops its last reference.
        Body::Bytes(bytes) if !bytes.is_empty() => {
            *outgoing.body_mut() = Some(Bytes::from_owner(bytes).into());
        }
        // RFC 9110 §8.6: some servers refuse what says nothing of its length.
        Body::Bytes(_) | Body::Empty if has_content(outgoing.method()) => {
            outgoing.headers_mut().insert(header::CONTENT_LENGTH, HeaderValue::from_static("0"));
        }
        Body::Bytes(_) | Body::Empty => {}
    }
    outgoing.headers_mut().values_mut().for_each(|value| value.set_sensitive(true));
    outgoing
}

/// RFC 9110 §9.2.2: the methods that are idempotent.
fn is_repeatable(method: &Method) -> bool {
    matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS | Method::PUT | Method::DELETE)
}

/// RFC 9110 §9.3: the methods that give content a meaning.
fn has_content(method: &Method) -> bool {
    matches!(*method, Method::PATCH | Method::POST | Method::PUT)
}

fn is_tls(cause: &(dyn StdError + 'static)) -> bool {
    inner(cause).is::<rustls::Error>()
}

fn is_malformed(cause: &(dyn StdError + 'static)) -> bool {
    let parse = |error: &hyper::Error| error.is_parse();
    let data = |error: &io::Error| {
        matches!(error.kind(), io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput)
    };
    cause.downcast_ref().is_some_and(parse) || cause.downcast_ref().is_some_and(data)
}

/// What an I/O error wraps: its `source` skips that.
fn inner<'a>(cause: &'a (dyn StdError + 'static)) -> &'a (dyn StdError + 'static) {
    match cause.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
        Some(wrapped) => inner(wrapped),
        None => cause,
    }
}

fn chain(error: &reqwest::Error) -> impl Iterator<Item = &(dyn StdError + 'static)> {
    let first: &(dyn StdError + 'static) = error;
    std::iter::successors(Some(first), |&cause| cause.source())
}

/// The limit for a connection: resolver, TCP and TLS handshake together.
const CONNECT: Duration = Duration::from_secs(10);

/// How long an idle connection is kept. Below what servers usually allow.
const IDLE: Duration = Duration::from_secs(20);

#[cfg(test)]
mod tests {
    use url::Url;
    use zeroize::Zeroizing;

    use super::*;
    use crate::{Hosts, secret_header};

    #[test]
    fn sec_05_every_header_value_leaves_marked_sensitive() {
        let url = Url::parse("https://api.provider.example/").unwrap();
        let request =
            Request::new(Method::POST, url, Hosts::new(["api.provider.example"]).unwrap())
                .with_header(header::AUTHORIZATION, HeaderValue::from_static("Bearer fake-a"))
                .with_header(header::COOKIE, HeaderValue::from_static("fake-b"))
                .with_header(
                    "x-api-key".parse().unwrap(),
                    secret_header(Zeroizing::new(b"fake-c".to_vec())).unwrap(),
                );
        let outgoing = outgoing(request);
        assert_eq!(outgoing.headers().len(), 5);
        assert!(outgoing.headers().values().all(HeaderValue::is_sensitive));
        assert!(!format!("{:?}", outgoing.headers()).contains("fake-"));
    }

    #[test]
    fn only_repeatable_methods_share_connections() {
        for method in [Method::GET, Method::HEAD, Method::OPTIONS, Method::PUT, Method::DELETE] {
            assert!(is_repeatable(&method), "{method}");
        }
        for method in [Method::POST, Method::PATCH, Method::from_bytes(b"COPY").unwrap()] {
            assert!(!is_repeatable(&method), "{method}");
        }
    }
}
