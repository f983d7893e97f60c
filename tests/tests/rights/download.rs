//! A copy straight into the body of an answer, over real HTTP.

use std::{convert::Infallible, sync::Arc};

use async_trait::async_trait;
use bailee::{
    Bailee, ErrorKind, Result, Visitor,
    core::{Clock, Timestamp},
    rights::{
        package::ByteSink,
        request::{Ask, Export},
        source::Manner,
    },
};
use bytes::Bytes;
use futures_util::stream;
use http::{Request, Response};
use http_body_util::StreamBody;
use hyper::{
    body::{Frame, Incoming},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::TokioIo;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::mpsc,
};

use crate::{ACME, CANARY, GRACE, OPERATOR, service};

type Piece = Result<Frame<Bytes>>;

/// The body of an answer that is being given.
struct Body(mpsc::Sender<Piece>);

#[async_trait]
impl ByteSink for Body {
    async fn take(&mut self, bytes: &[u8]) -> Result<()> {
        let frame = Frame::data(Bytes::copy_from_slice(bytes));
        // Nobody reads any more.
        self.0.send(Ok(frame)).await.map_err(|_| ErrorKind::HostFailed.into())
    }
}

/// What a host does: it answers with the copy of whoever is signed in.
async fn serve(listener: TcpListener, bailee: Arc<Bailee>, ada: Visitor, since: Timestamp) {
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        let (bailee, ada) = (bailee.clone(), ada.clone());
        let answer = move |_: Request<Incoming>| {
            let (bailee, ada) = (bailee.clone(), ada.clone());
            async move {
                let (sender, receiver) = mpsc::channel(1);
                tokio::spawn(async move {
                    let mut body = Body(sender.clone());
                    let copy = Ask::Access(Export::new().with_csv());
                    let streamed = bailee.rights().unwrap().stream(&ada, since, copy, &mut body);
                    if let Err(error) = streamed.await {
                        // An answer that ends well would be a file that is whole.
                        let _ = sender.send(Err(error)).await;
                    }
                });
                let pieces = stream::unfold(receiver, async |mut receiver| {
                    receiver.recv().await.map(|piece| (piece, receiver))
                });
                let answer = Response::builder()
                    .header("Content-Type", "application/zip")
                    .header("Cache-Control", "no-store")
                    .body(StreamBody::new(Box::pin(pieces)));
                Ok::<_, Infallible>(answer.unwrap())
            }
        };
        tokio::spawn(async move {
            let _ = http1::Builder::new()
                .serve_connection(TokioIo::new(stream), service_fn(answer))
                .await;
        });
    }
}

/// What somebody gets: the bytes of the body, where it came to its end.
async fn fetch(address: std::net::SocketAddr) -> Option<Vec<u8>> {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = b"GET /me/copy HTTP/1.1\r\nHost: app.test\r\nConnection: close\r\n\r\n";
    stream.write_all(request).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    let head = answer.windows(4).position(|bytes| bytes == b"\r\n\r\n").unwrap();
    assert!(answer.starts_with(b"HTTP/1.1 200"), "{}", answer[..head].escape_ascii());
    let (mut rest, mut body) = (&answer[head + 4..], Vec::new());
    loop {
        let line = rest.windows(2).position(|bytes| bytes == b"\r\n")?;
        let length = std::str::from_utf8(&rest[..line]).unwrap();
        let length = usize::from_str_radix(length, 16).unwrap();
        if length == 0 {
            return Some(body);
        }
        body.extend_from_slice(rest.get(line + 2..line + 2 + length)?);
        rest = &rest[line + 2 + length + 2..];
    }
}

#[tokio::test]
async fn r1_a_copy_is_streamed_over_http_without_a_spool_and_a_broken_one_is_no_whole_answer() {
    let service = service().await;
    let (w, ada) = (&service.w, &service.ada);
    w.connect(ada, "notes", &[bailee_tests::NOTES]).await.unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let bailee = Arc::new(w.bailee.clone());
    let server = tokio::spawn(serve(listener, bailee, ada.clone(), w.clock.now()));

    let body = fetch(address).await.unwrap();
    assert!(body.starts_with(b"PK\x03\x04"));
    w.assert_no_canary("the copy", &body);
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("copy.zip");
    std::fs::write(&path, &body).unwrap();
    let unzip = std::process::Command::new("unzip").arg("-p").arg(&path).output();
    let unzip = unzip.expect("a program that tests/run installs");
    assert!(unzip.status.success(), "{unzip:?}");
    let said = String::from_utf8_lossy(&unzip.stdout);
    for n in 0..25 {
        assert!(said.contains(&format!("{CANARY} {n}")), "{n}");
    }
    assert!(said.contains("connections"), "what these libraries hold is in it");
    assert!(service.spool.contents().is_empty());
    let log = w.store().entries(&ACME, bailee::store::Window::default()).await.unwrap();
    let told: Vec<_> = log.iter().map(|logged| logged.entry.event()).collect();
    let of = |event: &str| told.iter().filter(|told| **told == event).count();
    assert_eq!((of("rights.stream_begun"), of("rights.streamed")), (1, 1));

    // A source that fails leaves no answer that looks whole, and the log says that it began.
    service.content.0.behave(Manner::Unreachable);
    assert_eq!(fetch(address).await, None);
    let log = w.store().entries(&ACME, bailee::store::Window::default()).await.unwrap();
    let told: Vec<_> = log.iter().map(|logged| logged.entry.event()).collect();
    let of = |event: &str| told.iter().filter(|told| **told == event).count();
    assert_eq!((of("rights.stream_begun"), of("rights.streamed")), (2, 1));
    w.assert_clean_audit(&["acme", "~"]).await;
    server.abort();
}

#[tokio::test]
async fn r1_a_copy_says_what_was_noted_of_its_person_in_sentences_and_of_nobody_else() {
    let service = service().await;
    let (w, ada) = (&service.w, &service.ada);
    let ben = w.visitor("ben");
    for visitor in [ada, &ben] {
        w.connect(visitor, "notes", &[bailee_tests::NOTES]).await.unwrap();
    }
    let rights = w.bailee.rights().unwrap();
    let id = rights.ask(ada, w.clock.now(), Ask::Erasure).await.unwrap().id;
    rights.operator(OPERATOR).cancel(&ACME, id).await.unwrap();
    w.settle().await;
    w.advance(std::time::Duration::from_secs(1));
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("copy.zip");
    let mut copy = Vec::new();
    let ask = Ask::Access(Export::new().with_csv());
    rights.stream(ada, w.clock.now(), ask, &mut copy).await.unwrap();
    std::fs::write(&path, &copy).unwrap();
    let file = |name: &str| {
        let unzip = std::process::Command::new("unzip").arg("-p").arg(&path).arg(name).output();
        let unzip = unzip.expect("a program that tests/run installs");
        assert!(unzip.status.success(), "{name}: {unzip:?}");
        String::from_utf8(unzip.stdout).unwrap()
    };
    let said = file("data/acme/records/log.csv");
    assert_eq!(said.matches("An account was connected, by you").count(), 1, "{said}");
    assert!(said.contains("by somebody who runs the service"), "{said}");
    let of_ben = w.bailee.vault().subject(&ACME, ben.person()).await.unwrap().unwrap();
    let log = file("data/acme/records/log.jsonl");
    for (who, id) in [("the operator", OPERATOR), ("ben", of_ben.id())] {
        assert!(!said.contains(&id.to_string()) && !log.contains(&id.to_string()), "{who}");
    }
    let entries = w.store().entries(&ACME, bailee::store::Window::default()).await.unwrap();
    let subject = w.bailee.vault().subject(&ACME, ada.person()).await.unwrap();
    let own = entries.iter().filter(|logged| logged.entry.subject() == subject).count();
    // The entries of this copy itself came later.
    assert_eq!(log.lines().count(), own - 2);
    let page = file("index.html");
    assert!(page.contains("What was noted when something was done with your data"), "{page}");
    assert!(page.contains("data/acme/records/log.csv"), "{page}");
}

#[tokio::test]
async fn r1_nobody_streams_with_an_old_sign_in_nor_what_is_no_copy() {
    let service = service().await;
    let (w, ada) = (&service.w, &service.ada);
    let rights = w.bailee.rights().unwrap();
    let since = w.clock.now();
    let mut none = Vec::new();
    let refused = [
        rights.stream(ada, since, Ask::Erasure, &mut none).await,
        rights
            .stream(ada, since, Ask::Access(Export::new().encrypted_to("age1fake")), &mut none)
            .await,
        rights.stream(&w.visitor("nobody"), since, Ask::Access(Export::new()), &mut none).await,
        rights.stream(ada, since.minus(GRACE), Ask::Access(Export::new()), &mut none).await,
        rights.stream(ada, since.plus(GRACE), Ask::Access(Export::new()), &mut none).await,
    ];
    let kinds = refused.map(|refused| refused.unwrap_err().kind());
    let wanted = [
        ErrorKind::InvalidInput,
        ErrorKind::Unsupported,
        ErrorKind::NotFound,
        ErrorKind::Denied,
        ErrorKind::Denied,
    ];
    assert_eq!(kinds, wanted);
    assert!(none.is_empty());
    let portable = Ask::Portability(Export::new());
    rights.stream(ada, since, portable, &mut none).await.unwrap();
    assert!(none.starts_with(b"PK"));
}
