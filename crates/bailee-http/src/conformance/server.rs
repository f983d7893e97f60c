//! A small HTTPS server that does what it is told, request by request.

use std::{
    collections::VecDeque,
    io,
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use rustls::ServerConfig;
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::watch,
    task::JoinSet,
};
use tokio_rustls::{TlsAcceptor, server::TlsStream};

use super::identity::{Identity, issue};

/// What the server does with one request, after it read it.
#[derive(Clone, Debug)]
pub enum Reply {
    /// Writes these bytes and waits for the next request.
    Answer(Vec<u8>),
    /// Writes these bytes and closes in good order.
    AnswerAndClose(Vec<u8>),
    /// Writes these bytes and drops the connection without TLS's word of farewell.
    AnswerAndCut(Vec<u8>),
    /// Writes these bytes and then nothing, until the other side goes or the server is dropped.
    AnswerAndHold(Vec<u8>),
}

/// A request as the server read it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Received {
    /// The request line and the headers, in the case that the client wrote.
    pub head: String,
    /// The body.
    pub body: Vec<u8>,
}

/// The server. It listens on loopback until it is dropped.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    root: String,
    seen: watch::Receiver<Seen>,
    _tasks: JoinSet<()>,
}

/// How far connections came.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    /// Connections that were accepted.
    pub connections: usize,
    /// Connections whose TLS handshake was completed.
    pub handshakes: usize,
    /// Connections that ended.
    pub ended: usize,
    /// Requests that were read whole.
    pub requests: Vec<Received>,
}

impl Received {
    /// The values of a header, by its name in lower case.
    pub fn header(&self, name: &str) -> Vec<&str> {
        self.head
            .lines()
            .skip(1)
            .filter_map(|line| line.split_once(": "))
            .filter(|(known, _)| known.eq_ignore_ascii_case(name))
            .map(|(_, value)| value)
            .collect()
    }
}

impl Server {
    /// A server that answers the requests that it reads with these replies in their order, and
    /// cuts the connection when there are none left.
    ///
    /// # Panics
    ///
    /// When loopback cannot be listened on.
    pub async fn start(identity: Identity, replies: impl IntoIterator<Item = Reply>) -> Self {
        let (root, config) = issue(identity);
        let replies = Arc::new(Mutex::new(replies.into_iter().collect()));
        Self::listen(root, move |stream, seen| {
            serve(stream, Arc::clone(&config), Arc::clone(&replies), seen)
        })
        .await
    }

    /// A server that reads something, writes these bytes in the clear and holds the connection.
    /// Nothing at all is written where there are no bytes.
    ///
    /// # Panics
    ///
    /// When loopback cannot be listened on.
    pub async fn start_without_tls(bytes: Vec<u8>) -> Self {
        let (root, _) = issue(Identity::Good);
        Self::listen(root, move |mut stream, _| {
            let bytes = bytes.clone();
            async move {
                let mut buffer = [0; 4096];
                if matches!(stream.read(&mut buffer).await, Ok(1..)) {
                    let _ = stream.write_all(&bytes).await;
                    wait_for_end(&mut stream).await;
                }
            }
        })
        .await
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The root that its certificates are under, in PEM.
    pub fn root(&self) -> &str {
        &self.root
    }

    /// What it has seen so far.
    pub fn seen(&self) -> Seen {
        self.seen.borrow().clone()
    }

    /// Waits until it has seen what the closure looks for.
    ///
    /// # Panics
    ///
    /// When the server is gone.
    pub async fn wait_for(&self, condition: impl FnMut(&Seen) -> bool) {
        self.seen.clone().wait_for(condition).await.expect("the server lives as long as this");
    }

    async fn listen<F>(
        root: String,
        handle: impl Fn(TcpStream, Watch) -> F + Send + 'static,
    ) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("loopback can be listened on");
        let address = listener.local_addr().expect("a listener has an address");
        let (watch, seen) = watch::channel(Seen::default());
        let watch = Arc::new(watch);
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            // Dropped with the server, and the connections with it.
            let mut connections = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                watch.send_modify(|seen| seen.connections += 1);
                let handled = handle(stream, Arc::clone(&watch));
                let watch = Arc::clone(&watch);
                connections.spawn(async move {
                    handled.await;
                    watch.send_modify(|seen| seen.ended += 1);
                });
            }
        });
        Self { address, root, seen, _tasks: tasks }
    }
}

type Watch = Arc<watch::Sender<Seen>>;

async fn serve(
    stream: TcpStream,
    config: Arc<ServerConfig>,
    replies: Arc<Mutex<VecDeque<Reply>>>,
    seen: Watch,
) {
    let Ok(mut stream) = TlsAcceptor::from(config).accept(stream).await else { return };
    seen.send_modify(|seen| seen.handshakes += 1);
    while let Ok(request) = read(&mut stream).await {
        let reply = lock(&replies).pop_front();
        seen.send_modify(|seen| seen.requests.push(request));
        let (bytes, end) = match &reply {
            None => return,
            Some(Reply::Answer(bytes)) => (bytes, End::Next),
            Some(Reply::AnswerAndClose(bytes)) => (bytes, End::Close),
            Some(Reply::AnswerAndCut(bytes)) => (bytes, End::Cut),
            Some(Reply::AnswerAndHold(bytes)) => (bytes, End::Hold),
        };
        // The client may be gone already; that is for its test to judge.
        let _ = stream.write_all(bytes).await;
        let _ = stream.flush().await;
        match end {
            End::Next => {}
            End::Close => {
                let _ = stream.shutdown().await;
                return;
            }
            End::Cut => return,
            End::Hold => return wait_for_end(&mut stream).await,
        }
    }
}

enum End {
    Close,
    Cut,
    Hold,
    Next,
}

async fn wait_for_end(stream: &mut (impl AsyncRead + Unpin)) {
    let mut buffer = [0; 1024];
    while matches!(stream.read(&mut buffer).await, Ok(1..)) {}
}

/// Reads one request: a head, and a body of declared length.
async fn read(stream: &mut TlsStream<TcpStream>) -> io::Result<Received> {
    let mut bytes = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        if let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
            let mut request = Received { head, body: bytes.split_off(end + 4) };
            let length = request.header("content-length").first().and_then(|n| n.parse().ok());
            while request.body.len() < length.unwrap_or(0) {
                let read = stream.read(&mut buffer).await?;
                if read == 0 {
                    return Err(io::ErrorKind::UnexpectedEof.into());
                }
                request.body.extend_from_slice(&buffer[..read]);
            }
            return Ok(request);
        }
        let read = stream.read(&mut buffer).await?;
        if read == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        bytes.extend_from_slice(&buffer[..read]);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
