//! Secrets in a request or an answer appear in no error and no log, at any level.
//!
//! This is its own program, since what it installs is installed for the process.

use std::{
    error::Error as _,
    io,
    sync::{Arc, Mutex},
    time::Duration,
};

use bailee_http::{
    Category, HttpSend, Request, Reqwest, SendError, Tls,
    conformance::{Identity, Reply, Server, answer, get, post},
};
use http::{HeaderName, HeaderValue, Method, header};
use tracing_subscriber::filter::LevelFilter;

/// Stands in every secret of this file. Half of it, so that a cut secret is found too.
const MARK: &str = "fakeCanary";

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    /// Collects all that is written through `tracing` and `log`.
    fn install() -> Self {
        let log = Self::default();
        let writer = log.clone();
        tracing_subscriber::fmt()
            .with_max_level(LevelFilter::TRACE)
            .with_writer(move || writer.clone())
            .init();
        log
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.0.lock().expect("no writer panicked")).into_owned()
    }
}

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().expect("no writer panicked").extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Every text that can be made of an error: its own, and those of the error and the chain that a
/// caller gets.
fn texts(error: SendError) -> String {
    let mut texts = format!("{error} {error:?} {error:#?}");
    let error = bailee_core::Error::from(error);
    texts.push_str(&format!("{error} {error:?} {error:#?}"));
    let mut source = error.source();
    while let Some(cause) = source {
        texts.push_str(&format!("{cause} {cause:?} {cause:#?}"));
        source = cause.source();
    }
    texts
}

fn full_of_secrets(request: Request) -> Request {
    let value = HeaderValue::from_static("Bearer fakeCanary-header");
    request
        .with_header(header::AUTHORIZATION, value.clone())
        .with_header(header::COOKIE, value.clone())
        .with_header(HeaderName::from_static("x-api-key"), value)
}

#[tokio::test]
async fn sec_03_sec_05_no_secret_is_in_an_error_or_a_log_at_any_level() {
    let log = Log::install();

    let echo = [("Location", "https://fakeCanary-location.example/?code=fakeCanary-location")];
    let body = "{\"access_token\": \"fakeCanary-body\"}";
    let replies = || {
        let half =
            b"HTTP/1.1 200 OK\r\nX: fakeCanary-x\r\nContent-Length: 99\r\n\r\nfakeCanary-half";
        [
            (Category::Redirect, Reply::Answer(answer(302, &echo, body))),
            (Category::Timeout, Reply::AnswerAndHold(half.to_vec())),
            (Category::CutOff, Reply::AnswerAndCut(half.to_vec())),
            (Category::CutOff, Reply::AnswerAndCut(b"HTTP/1.1 200 fakeCanary-re".to_vec())),
            (Category::TooLarge, Reply::Answer(answer(200, &echo, &body.repeat(100)))),
            (
                Category::Protocol,
                Reply::Answer(answer(200, &[("Content-Encoding", "fakeCanary-coding")], body)),
            ),
            (
                Category::Protocol,
                Reply::AnswerAndClose(b"HTTP/1.1 200 OK\r\nfakeCanary-header\r\n\r\n".to_vec()),
            ),
            (
                Category::Protocol,
                Reply::AnswerAndClose(
                    b"HTTP/1.1 200 OK\r\nContent-Length: fakeCanary-length\r\n\r\n".to_vec(),
                ),
            ),
            (
                Category::Protocol,
                Reply::AnswerAndClose(
                    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nfakeCanary\r\n".to_vec(),
                ),
            ),
            (Category::Protocol, Reply::AnswerAndClose(b"fakeCanary-nonsense\r\n\r\n".to_vec())),
        ]
    };
    let path = "/fakeCanary-path?code=fakeCanary-query&client_secret=fakeCanary-query";
    for method in [Method::GET, Method::POST] {
        for (category, reply) in replies() {
            let server = Server::start(Identity::Good, [reply]).await;
            let request = Request { method: method.clone(), ..post(path, b"fakeCanary-sent") };
            let request = full_of_secrets(request.with_limit(1000));
            let deadline = match category {
                Category::Timeout => Duration::from_millis(200),
                _ => Request::DEADLINE,
            };
            let error = client(&server).send(request.with_deadline(deadline)).await.unwrap_err();
            assert_eq!(error.category(), category);
            assert!(!texts(error).contains(MARK), "{category:?}");
        }
    }

    // An answer with a status that says no is an answer, and prints its status alone.
    let echo = [("WWW-Authenticate", "Bearer error=\"fakeCanary-echo\"")];
    let reply = Reply::Answer(answer(401, &echo, body));
    let server = Server::start(Identity::Good, [reply]).await;
    let client_ = client(&server);
    let response = client_.send(full_of_secrets(get(path))).await.unwrap();
    let printed = format!("{response:?} {response:#?} {:?} {client_:?}", response.headers);
    assert!(!printed.contains(MARK), "{printed}");

    // Nothing arrives: a certificate that is not trusted, a connection that is refused.
    let server = Server::start(Identity::Expired, []).await;
    let error = client(&server).send(full_of_secrets(get(path))).await.unwrap_err();
    assert_eq!(error.category(), Category::Tls);
    assert!(!texts(error).contains(MARK));
    let refusing = client(&server);
    drop(server);
    let error = refusing.send(full_of_secrets(get(path))).await.unwrap_err();
    assert!(matches!(error.category(), Category::Connect | Category::Tls | Category::CutOff));
    assert!(!texts(error).contains(MARK));

    // The check refuses: the host is hostile text too.
    for url in [
        "https://fakecanary.example/",
        "https://fakeCanary:fakeCanary@api.provider.example/",
        "https://api.provider.example/#fakeCanary",
    ] {
        let request = Request { url: url.parse().unwrap(), ..full_of_secrets(get(path)) };
        let error = refusing.send(request).await.unwrap_err();
        assert!(matches!(error.category(), Category::Refused(_)));
        assert!(!texts(error).to_ascii_lowercase().contains("fakecanary"));
    }

    let text = log.text();
    // The log has the words of reqwest (through `log`) and of hyper (through `tracing`), and what
    // they say about a request.
    for word in ["reqwest", "hyper_util", "TRACE", "api.provider.example"] {
        assert!(text.contains(word), "{word} is not in the log");
    }
    assert!(!text.contains(MARK), "{text}");
}

fn client(server: &Server) -> Reqwest {
    let tls = Tls::roots(server.root()).expect("the server's root is good");
    Reqwest::danger_fixed_address(tls, server.address()).expect("the server's address is good")
}
