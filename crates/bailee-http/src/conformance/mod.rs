//! The suite that every [`HttpSend`] must pass: a function for each sentence of the contract.
//!
//! The client under test is made anew for each server, by a closure that gets the server's root (in
//! PEM) and the address that every checked name has to be taken to. That a name's addresses are
//! judged cannot be shown on loopback: each implementation shows it on its own.
//!
//! ```
//! # #[cfg(all(feature = "reqwest", feature = "testing"))]
//! # mod example {
//! use std::{net::SocketAddr, sync::Arc};
//!
//! use bailee_http::{HttpSend, Reqwest, Tls};
//!
//! fn client(root: &str, address: SocketAddr) -> Arc<dyn HttpSend> {
//!     let tls = Tls::roots(root).expect("the suite's root is good");
//!     Arc::new(Reqwest::danger_fixed_address(tls, address).expect("a client"))
//! }
//!
//! bailee_http::http_send_suite!(client);
//! # }
//! ```

mod bodies;
mod identity;
mod server;

use std::{net::SocketAddr, sync::Arc, time::Duration};

use http::{HeaderValue, Method, StatusCode, header};
use tokio::net::TcpListener;
use url::Url;
use zeroize::Zeroizing;

use crate::{Category, HostRefusal, Hosts, HttpSend, Request, SendError, Sent};

pub use bodies::{
    bodies_come_piece_by_piece, bodies_that_end_early_fail_after_their_pieces,
    dropping_a_body_ends_the_exchange, limits_hold_while_a_body_is_read,
    opening_refuses_what_sending_refuses,
};
pub use identity::{HOST, Identity};
pub use server::{Received, Reply, Seen, Server};

/// The deadline where the deadline is what is tested. The other side never answers there.
const SOON: Duration = Duration::from_millis(200);

/// Makes the client under test: it trusts this root alone and takes every name to this address.
pub type Make = dyn Fn(&str, SocketAddr) -> Arc<dyn HttpSend> + Send + Sync;

/// Makes a test of each function of the suite, with a closure or function as [`Make`] has it. The
/// caller needs tokio with `macros` and `rt`.
#[macro_export]
macro_rules! http_send_suite {
    ($make:expr) => {
        $crate::http_send_suite! { @each $make;
            answers_of_every_status_come_back_whole
            answers_that_end_early_are_no_answers
            bodies_come_piece_by_piece
            bodies_that_end_early_fail_after_their_pieces
            certificates_are_checked
            cookies_are_neither_kept_nor_sent
            dropping_a_body_ends_the_exchange
            dropping_the_future_ends_the_exchange
            empty_bodies_have_a_length
            header_values_of_an_answer_are_sensitive
            limits_hold_while_a_body_is_read
            malformed_answers_are_protocol_errors
            nothing_is_sent_twice
            old_versions_of_tls_are_refused
            opening_refuses_what_sending_refuses
            out_02_an_upload_may_be_asked_for_its_rest
            out_02_redirects_are_errors
            refused_connections_are_certainly_unsent
            requests_arrive_as_they_were_made
            requests_that_fail_the_check_go_nowhere
            the_deadline_holds_for_silence_slow_headers_and_slow_bodies
            the_limit_holds_for_declared_and_undeclared_lengths
            unasked_codings_are_protocol_errors
        }
    };
    (@each $make:expr; $($name:ident)*) => {$(
        #[tokio::test]
        async fn $name() {
            $crate::conformance::$name(&$make).await;
        }
    )*};
}

/// A `GET` for [`HOST`] that may go there alone, with the usual deadline and limit.
pub fn get(path: &str) -> Request {
    request(Method::GET, path)
}

/// A `POST` for [`HOST`] that may go there alone, with the usual deadline and limit.
pub fn post(path: &str, body: &[u8]) -> Request {
    request(Method::POST, path).with_body(Zeroizing::new(body.to_vec()))
}

/// An answer with a declared length.
pub fn answer(status: u16, headers: &[(&str, &str)], body: &str) -> Vec<u8> {
    let headers: String =
        headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    let length = body.len();
    format!("HTTP/1.1 {status} Word\r\n{headers}Content-Length: {length}\r\n\r\n{body}")
        .into_bytes()
}

fn request(method: Method, path: &str) -> Request {
    let url = format!("https://{HOST}{path}");
    let hosts = Hosts::new([HOST]).expect("the suite's host is a name");
    Request::new(method, Url::parse(&url).expect("the suite's paths are good"), hosts)
}

async fn start(replies: impl IntoIterator<Item = Reply>) -> Server {
    Server::start(Identity::Good, replies).await
}

fn client(make: &Make, server: &Server) -> Arc<dyn HttpSend> {
    make(server.root(), server.address())
}

/// Sends to a server of its own that gives one reply, and expects an error of this category.
async fn expect(make: &Make, reply: Reply, request: Request, category: Category) {
    let server = start([reply]).await;
    let error = failed(&client(make, &server), request).await;
    assert_eq!((error.category(), error.sent()), (category, Sent::Maybe));
    assert_eq!(error.host().map(|host| host.as_str()), Some(HOST));
    assert_eq!(server.seen().requests.len(), 1);
}

async fn failed(client: &Arc<dyn HttpSend>, request: Request) -> SendError {
    client.send(request).await.expect_err("this must not be answered")
}

/// *Must* call the check first, and do nothing when it refuses.
pub async fn requests_that_fail_the_check_go_nowhere(make: &Make) {
    let server = start([]).await;
    let client = client(make, &server);
    for (url, refusal) in [
        (format!("http://{HOST}/"), HostRefusal::NotHttps),
        (format!("https://{HOST}:8443/"), HostRefusal::Port),
        (format!("https://user:pass@{HOST}/"), HostRefusal::UserInfo),
        (format!("https://{HOST}/#fragment"), HostRefusal::Fragment),
        (format!("https://{HOST}./"), HostRefusal::Name),
        ("https://127.1/".to_owned(), HostRefusal::IpLiteral),
        ("https://[::1]/".to_owned(), HostRefusal::IpLiteral),
        ("https://other.example/".to_owned(), HostRefusal::NotListed),
    ] {
        let url = Url::parse(&url).expect("a URL, though a bad one");
        let error = failed(&client, Request { url, ..get("/") }).await;
        assert_eq!(error, SendError::refused(refusal));
    }
    let smuggled = get("/").with_header(header::HOST, HeaderValue::from_static("other.example"));
    assert_eq!(failed(&client, smuggled).await, SendError::refused(HostRefusal::Header));
    let tunnel = Request { method: Method::CONNECT, ..get("/") };
    assert_eq!(failed(&client, tunnel).await, SendError::refused(HostRefusal::Method));
    assert_eq!(server.seen(), Seen::default());
}

/// *Must* check the certificate's chain, dates and name against the roots that it was given.
pub async fn certificates_are_checked(make: &Make) {
    for identity in [Identity::Good, Identity::GoodTls12] {
        let server = Server::start(identity, [Reply::Answer(answer(200, &[], "ok"))]).await;
        let response = client(make, &server).send(get("/")).await.expect("a good certificate");
        assert_eq!(*response.body, b"ok");
    }
    for identity in [
        Identity::Expired,
        Identity::NotYetValid,
        Identity::OtherRoot,
        Identity::SelfSigned,
        Identity::WrongName,
    ] {
        let server = Server::start(identity, [Reply::Answer(answer(200, &[], "ok"))]).await;
        let error = failed(&client(make, &server), post("/", b"secret")).await;
        assert_eq!((error.category(), error.sent()), (Category::Tls, Sent::No), "{identity:?}");
        assert_eq!(server.seen().requests, [], "{identity:?}");
    }
}

/// *Must* use TLS 1.2 or newer.
pub async fn old_versions_of_tls_are_refused(make: &Make) {
    // A ServerHello (RFC 5246 §7.4.1.3) of TLS 1.0, 1.1 and, to see that nothing else is wrong
    // with it, 1.2: version, random, no session id, a suite, no compression.
    for (minor, expected) in [(1, Category::Tls), (2, Category::Tls), (3, Category::Timeout)] {
        let mut record = vec![22, 3, minor, 0, 42, 2, 0, 0, 38, 3, minor];
        record.extend_from_slice(&[7; 32]);
        record.extend_from_slice(&[0, 0xc0, 0x2f, 0]);
        let server = Server::start_without_tls(record).await;
        let request = match expected {
            Category::Timeout => get("/").with_deadline(SOON),
            _ => get("/"),
        };
        let error = failed(&client(make, &server), request).await;
        assert_eq!(error.category(), expected, "3.{minor}");
        assert!(expected != Category::Tls || error.sent() == Sent::No);
    }
    let server = Server::start_without_tls(answer(200, &[], "in the clear")).await;
    let error = failed(&client(make, &server), get("/")).await;
    assert_eq!((error.category(), error.sent()), (Category::Tls, Sent::No));
}

/// *Must* end when the deadline passes, whatever the other side does.
pub async fn the_deadline_holds_for_silence_slow_headers_and_slow_bodies(make: &Make) {
    for beginning in [
        "",
        "HTTP/1.1 200 OK\r\nContent-Le",
        "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n",
        "HTTP/1.1 200 OK\r\n\r\nhalf",
        "HTTP/1.1 102 Processing\r\n\r\n",
    ] {
        let reply = Reply::AnswerAndHold(beginning.as_bytes().to_vec());
        expect(make, reply, get("/").with_deadline(SOON), Category::Timeout).await;
    }
    let server = Server::start_without_tls(Vec::new()).await;
    let error = failed(&client(make, &server), get("/").with_deadline(SOON)).await;
    assert_eq!(error.category(), Category::Timeout, "a handshake that is not answered");
}

/// *Must* end when the body is longer than the limit, whether its length was declared or not.
pub async fn the_limit_holds_for_declared_and_undeclared_lengths(make: &Make) {
    let chunked = |body: &str| {
        format!(
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{:x}\r\n{body}\r\n0\r\n\r\n",
            body.len()
        )
        .into_bytes()
    };
    let until_close = |body: &str| format!("HTTP/1.1 200 OK\r\n\r\n{body}").into_bytes();
    let fits = "x".repeat(10);
    let over = "x".repeat(11);
    for reply in [
        Reply::Answer(answer(200, &[], &fits)),
        Reply::Answer(chunked(&fits)),
        Reply::AnswerAndClose(until_close(&fits)),
    ] {
        let server = start([reply]).await;
        let response = client(make, &server).send(get("/").with_limit(10)).await.expect("it fits");
        assert_eq!(*response.body, fits.as_bytes());
    }
    // A declared length is judged before the body comes: here it never comes.
    let declared = b"HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\n".to_vec();
    for reply in [
        Reply::AnswerAndHold(declared),
        Reply::Answer(answer(500, &[], &over)),
        Reply::AnswerAndHold(chunked(&over)),
        Reply::AnswerAndHold(until_close(&over)),
    ] {
        expect(make, reply, get("/").with_limit(10), Category::TooLarge).await;
    }
    // What would have come does not count.
    let head = Request { method: Method::HEAD, ..get("/").with_limit(10) };
    let server =
        start([Reply::Answer(b"HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\n".to_vec())]).await;
    assert_eq!(client(make, &server).send(head).await.expect("no body").body.len(), 0);
}

/// *Must* answer a redirect with an error, and *must not* follow it.
pub async fn out_02_redirects_are_errors(make: &Make) {
    let location = format!("https://{HOST}/elsewhere");
    for status in [300, 301, 302, 303, 305, 307, 308] {
        for request in [get("/"), post("/", b"secret")] {
            let reply = answer(status, &[("Location", &location)], "");
            let server =
                start([Reply::Answer(reply), Reply::Answer(answer(200, &[], "followed"))]).await;
            let error = failed(&client(make, &server), request).await;
            assert_eq!((error.category(), error.sent()), (Category::Redirect, Sent::Maybe));
            assert_eq!(server.seen().requests.len(), 1, "{status}");
            assert!(!format!("{error} {error:?}").contains("elsewhere"));
        }
    }
}

/// *Must* take 308 without `Location` for an answer where the request says so, and nowhere else.
pub async fn out_02_an_upload_may_be_asked_for_its_rest(make: &Make) {
    let put = || Request { method: Method::PUT, ..post("/", b"a part") };
    let rest = || Reply::Answer(answer(308, &[("Range", "bytes=0-5")], "more"));
    let server = start([rest()]).await;
    let response = client(make, &server).send(put().resuming()).await.expect("an answer");
    assert_eq!(response.status, StatusCode::PERMANENT_REDIRECT);
    assert_eq!(response.headers["range"], "bytes=0-5");
    assert_eq!(*response.body, b"more");
    expect(make, rest(), put(), Category::Redirect).await;
    for (status, headers) in [(308, [("Location", "/x")]), (307, [("Range", "bytes=0-5")])] {
        let reply = Reply::Answer(answer(status, &headers, ""));
        expect(make, reply, put().resuming(), Category::Redirect).await;
    }
}

/// *Must* say the length of what it sends where the method gives content a meaning.
pub async fn empty_bodies_have_a_length(make: &Make) {
    for method in [Method::PATCH, Method::POST, Method::PUT] {
        for request in
            [request(method.clone(), "/"), request(method, "/").with_body(Zeroizing::default())]
        {
            let server = start([Reply::Answer(answer(200, &[], ""))]).await;
            client(make, &server).send(request).await.expect("an answer");
            assert_eq!(server.seen().requests[0].header("content-length"), ["0"]);
        }
    }
    let server = start([Reply::Answer(answer(200, &[], ""))]).await;
    client(make, &server).send(get("/")).await.expect("an answer");
    assert!(server.seen().requests[0].header("content-length").is_empty());
}

/// *Must* answer a content coding with an error: it asks for `identity`.
pub async fn unasked_codings_are_protocol_errors(make: &Make) {
    for coding in ["gzip", "br", "identity, gzip", "GZIP"] {
        let reply = Reply::Answer(answer(200, &[("Content-Encoding", coding)], "compressed"));
        expect(make, reply, get("/"), Category::Protocol).await;
    }
    let server =
        start([Reply::Answer(answer(200, &[("Content-Encoding", "identity")], "plain"))]).await;
    let response = client(make, &server).send(get("/")).await.expect("not coded");
    assert_eq!(*response.body, b"plain");
    assert_eq!(server.seen().requests[0].header("accept-encoding"), ["identity"]);
}

/// *Must* mark every header value of the answer sensitive.
pub async fn header_values_of_an_answer_are_sensitive(make: &Make) {
    let headers = [("Set-Cookie", "a=secret"), ("Set-Cookie", "b=secret"), ("X-Echo", "secret")];
    let server = start([Reply::Answer(answer(200, &headers, ""))]).await;
    let response = client(make, &server).send(get("/")).await.expect("an answer");
    assert_eq!(response.headers.get_all("set-cookie").iter().count(), 2);
    assert!(response.headers.values().all(HeaderValue::is_sensitive));
    assert!(!format!("{response:?} {:?}", response.headers).contains("secret"));
}

/// *Must not* send anything twice once a byte of it was written.
pub async fn nothing_is_sent_twice(make: &Make) {
    for method in [Method::GET, Method::HEAD, Method::POST, Method::PUT, Method::DELETE] {
        // On a fresh connection and on one that served a request before.
        for replies in [vec![], vec![Reply::Answer(answer(200, &[], ""))]] {
            let before = replies.len();
            let server = start(replies).await;
            let client = client(make, &server);
            for _ in 0..before {
                client.send(request(method.clone(), "/")).await.expect("the first is answered");
            }
            let error = failed(&client, request(method.clone(), "/")).await;
            assert_eq!((error.category(), error.sent()), (Category::CutOff, Sent::Maybe));
            assert_eq!(server.seen().requests.len(), before + 1, "{method}");
        }
    }
}

/// *Must not* keep or send cookies, or add a `Referer`.
pub async fn cookies_are_neither_kept_nor_sent(make: &Make) {
    let cookie = [("Set-Cookie", "session=1; Secure; Path=/")];
    let server =
        start([Reply::Answer(answer(200, &cookie, "")), Reply::Answer(answer(200, &[], ""))]).await;
    let client = client(make, &server);
    client.send(get("/first?q=1")).await.expect("an answer");
    client.send(get("/second")).await.expect("an answer");
    for request in server.seen().requests {
        assert!(request.header("cookie").is_empty() && request.header("referer").is_empty());
    }
}

/// *Must not* give an answer that ended early as a whole one.
pub async fn answers_that_end_early_are_no_answers(make: &Make) {
    for beginning in [
        "",
        "HTTP/1.1 200 OK\r\nContent-Le",
        "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nhalf",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n",
    ] {
        for reply in [Reply::AnswerAndCut, Reply::AnswerAndClose] {
            expect(make, reply(beginning.into()), get("/"), Category::CutOff).await;
        }
    }
    // The end of the connection is the end of the body only if TLS says so.
    let reply = Reply::AnswerAndCut(b"HTTP/1.1 200 OK\r\n\r\nhalf".to_vec());
    expect(make, reply, get("/"), Category::CutOff).await;
}

/// Statuses that are no redirect are answers, with their bodies.
pub async fn answers_of_every_status_come_back_whole(make: &Make) {
    for status in [200, 201, 202, 206, 400, 401, 403, 404, 409, 429, 500, 502, 503] {
        let headers = [("Retry-After", "7"), ("Content-Type", "text/html")];
        let server = start([Reply::Answer(answer(status, &headers, "the body"))]).await;
        let response = client(make, &server).send(get("/")).await.expect("an answer");
        assert_eq!(response.status.as_u16(), status);
        assert_eq!(response.headers["retry-after"], "7");
        assert_eq!(*response.body, b"the body");
    }
    for reply in ["HTTP/1.1 204 None\r\n\r\n", "HTTP/1.1 304 Same\r\nContent-Length: 5\r\n\r\n"] {
        let server = start([Reply::Answer(reply.into())]).await;
        let response = client(make, &server).send(get("/")).await.expect("an answer");
        assert!(response.body.is_empty());
    }
    let interim =
        "HTTP/1.1 103 Hints\r\nLink: <x>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
    let server = start([Reply::Answer(interim.into())]).await;
    let response = client(make, &server).send(get("/")).await.expect("an answer");
    assert_eq!((response.status, response.body.as_slice()), (StatusCode::OK, b"ok".as_slice()));
}

/// What is not HTTP is an error of its own.
pub async fn malformed_answers_are_protocol_errors(make: &Make) {
    for bytes in [
        "nonsense\r\n\r\n",
        "HTTP/1.1 2x0 OK\r\n\r\n",
        "HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
        "HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nhalf\r\n",
    ] {
        expect(make, Reply::AnswerAndHold(bytes.into()), get("/"), Category::Protocol).await;
    }
    for headers in [format!("A: {}\r\n", "x".repeat(1 << 20)), "A: x\r\n".repeat(10_000)] {
        let bytes = format!("HTTP/1.1 200 OK\r\n{headers}Content-Length: 0\r\n\r\n");
        expect(make, Reply::AnswerAndHold(bytes.into()), get("/"), Category::Protocol).await;
    }
}

/// Requests arrive as they were made: method, path and query, headers, body, host.
pub async fn requests_arrive_as_they_were_made(make: &Make) {
    let server =
        start([Reply::Answer(answer(200, &[], "")), Reply::Answer(answer(200, &[], ""))]).await;
    let client = client(make, &server);
    let body: Vec<u8> = (0..=255).cycle().take(100_000).collect();
    let request = post("/v2/a%2Fb/?q=a+b&c=%C3%A9", &body)
        .with_header(header::AUTHORIZATION, HeaderValue::from_static("Bearer fake-token"))
        .with_header(header::CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"));
    client.send(request).await.expect("an answer");
    client.send(get("/")).await.expect("an answer");

    let [posted, got] = <[Received; 2]>::try_from(server.seen().requests).expect("two requests");
    assert!(posted.head.starts_with("POST /v2/a%2Fb/?q=a+b&c=%C3%A9 HTTP/1.1\r\n"));
    assert_eq!(posted.header("host"), [HOST]);
    assert_eq!(posted.header("authorization"), ["Bearer fake-token"]);
    assert_eq!(posted.header("content-type"), ["application/octet-stream"]);
    assert_eq!(posted.header("content-length"), ["100000"]);
    assert_eq!(posted.body, body);
    assert!(got.head.starts_with("GET / HTTP/1.1\r\n"));
    assert!(got.header("authorization").is_empty() && got.body.is_empty());
}

/// A connection that is refused sent nothing for certain.
pub async fn refused_connections_are_certainly_unsent(make: &Make) {
    let server = start([]).await;
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("loopback can be listened on");
    let closed = listener.local_addr().expect("a listener has an address");
    drop(listener);
    let error = failed(&make(server.root(), closed), post("/", b"secret")).await;
    assert_eq!((error.category(), error.sent()), (Category::Connect, Sent::No));
    assert_eq!(error.host().map(|host| host.as_str()), Some(HOST));
}

/// Dropping the future *must* end the exchange.
pub async fn dropping_the_future_ends_the_exchange(make: &Make) {
    for beginning in ["", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf"] {
        let server = start([Reply::AnswerAndHold(beginning.into())]).await;
        let client = client(make, &server);
        tokio::select! {
            result = client.send(post("/", b"secret")) => panic!("answered: {result:?}"),
            () = server.wait_for(|seen| seen.requests.len() == 1) => {}
        }
        server.wait_for(|seen| seen.ended == 1).await;
    }
}
