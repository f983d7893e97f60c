use std::convert::Infallible;
use std::fmt;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Limited};
use hyper::body::{Body, Frame, Incoming as RequestBody, SizeHint};
use hyper::header::{HeaderName, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use rustls::ServerConfig;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

use crate::message::{Answer, Fate, Incoming};
use crate::{Clock, Site};

/// The sites that one listener answers for.
#[derive(Clone, Debug)]
pub(crate) struct Sites {
    pub(crate) clock: Clock,
    pub(crate) all: Arc<Vec<Site>>,
    /// How many connections there are.
    pub(crate) open: Arc<watch::Sender<usize>>,
}

impl Sites {
    pub(crate) fn at(&self, host: &str) -> Option<&Site> {
        self.all.iter().find(|site| site.plays(host))
    }
}

/// Accepts connections until the task is ended; its connections end with it.
pub(crate) async fn accept(listener: TcpListener, tls: Arc<ServerConfig>, sites: Sites) {
    let acceptor = TlsAcceptor::from(tls);
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                if let Ok((stream, _)) = accepted {
                    connections.spawn(serve(stream, acceptor.clone(), sites.clone()));
                }
            }
            Some(_) = connections.join_next() => {}
        }
    }
}

/// One connection. Whatever goes wrong on it ends it and nothing else.
async fn serve(stream: TcpStream, acceptor: TlsAcceptor, sites: Sites) {
    let _open = Open::new(sites.open.clone());
    let Ok(stream) = acceptor.accept(stream).await else { return };
    let Some(name) = stream.get_ref().1.server_name().map(str::to_ascii_lowercase) else { return };
    let service = service_fn(|request| answer(request, &name, &sites));
    // The client may be gone, or a fault has ended the connection on purpose.
    let _ = http1::Builder::new()
        .auto_date_header(false)
        .serve_connection(TokioIo::new(stream), service)
        .await;
}

/// A connection that is counted as long as it is open.
struct Open(Arc<watch::Sender<usize>>);

impl Open {
    fn new(all: Arc<watch::Sender<usize>>) -> Self {
        all.send_modify(|open| *open += 1);
        Self(all)
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.send_modify(|open| *open -= 1);
    }
}

async fn answer(
    request: Request<RequestBody>,
    name: &str,
    sites: &Sites,
) -> Result<Response<Payload>, Dropped> {
    let answer = match read(request, name, sites).await {
        Ok((site, request)) => {
            let head = request.is("HEAD");
            let mut answer = site.serve(&request).await;
            if head {
                answer.body.clear();
            }
            answer
        }
        Err(refused) => refused,
    };
    render(answer, sites.clock.http_date(Duration::ZERO))
}

/// Reads a request whole. It must be meant for the host that TLS was spoken with (RFC 9110 §15.5.20).
async fn read<'a>(
    request: Request<RequestBody>,
    name: &str,
    sites: &'a Sites,
) -> Result<(&'a Site, Incoming), Answer> {
    let (parts, body) = request.into_parts();
    let text = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    let host = match parts.uri.host() {
        Some(host) => host.to_ascii_lowercase(),
        None => {
            let host = parts.headers.get("host").map(text).unwrap_or_default();
            host.rsplit_once(':').map_or(host.as_str(), |(host, _)| host).to_ascii_lowercase()
        }
    };
    if host != name {
        return Err(Answer::empty(421));
    }
    let site = sites.at(&host).ok_or_else(|| Answer::empty(421))?;
    let mut request = Incoming {
        method: parts.method.as_str().to_owned(),
        host,
        path: parts.uri.path().to_owned(),
        query: parts.uri.query().map(str::to_owned),
        headers: parts.headers.iter().map(|(key, value)| (key.to_string(), text(value))).collect(),
        body: Vec::new(),
    };
    let limit = site.body_limit(&request);
    let body = Limited::new(body, limit).collect().await;
    request.body =
        body.map_err(|_| Answer::empty(413).with("connection", "close"))?.to_bytes().into();
    Ok((site, request))
}

fn render(answer: Answer, date: String) -> Result<Response<Payload>, Dropped> {
    if answer.fate == Fate::Dropped {
        return Err(Dropped);
    }
    let mut response = Response::new(Payload::new(answer.body, answer.fate == Fate::CutOff));
    *response.status_mut() =
        StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    for (key, value) in answer.headers.iter().chain(&[("date".to_owned(), date)]) {
        // A header that HTTP cannot carry, from a fault that a test made up, is left out.
        if let (Ok(key), Ok(value)) =
            (HeaderName::from_bytes(key.as_bytes()), HeaderValue::from_bytes(value.as_bytes()))
        {
            response.headers_mut().append(key, value);
        }
    }
    Ok(response)
}

/// The connection is closed without an answer.
#[derive(Debug)]
struct Dropped;

impl fmt::Display for Dropped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the connection was dropped on purpose")
    }
}

impl std::error::Error for Dropped {}

impl From<Infallible> for Dropped {
    fn from(never: Infallible) -> Self {
        match never {}
    }
}

/// A body that may break off in the middle.
struct Payload {
    bytes: Option<Bytes>,
    length: u64,
    breaks_off: bool,
    paused: bool,
}

impl Payload {
    fn new(body: Vec<u8>, breaks_off: bool) -> Self {
        let length = body.len() as u64;
        let mut bytes = Bytes::from(body);
        if breaks_off {
            bytes.truncate(bytes.len() / 2);
            // Even an empty body promises a byte, so that its end is missing.
            return Self { bytes: Some(bytes), length: length.max(1), breaks_off, paused: false };
        }
        Self {
            bytes: Some(bytes).filter(|bytes| !bytes.is_empty()),
            length,
            breaks_off,
            paused: false,
        }
    }
}

impl Body for Payload {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        if let Some(bytes) = self.bytes.take().filter(|bytes| !bytes.is_empty()) {
            return Poll::Ready(Some(Ok(Frame::data(bytes))));
        }
        if !self.breaks_off {
            return Poll::Ready(None);
        }
        if !self.paused {
            // Once around the loop, so that the first half leaves before the connection does.
            self.paused = true;
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        Poll::Ready(Some(Err(io::ErrorKind::ConnectionAborted.into())))
    }

    fn is_end_stream(&self) -> bool {
        self.bytes.is_none() && !self.breaks_off
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.length)
    }
}
