//! What the contract says of bodies that are read piece by piece.

use std::time::Duration;

use http::HeaderValue;
use zeroize::Zeroizing;

use crate::{
    Category, Chunks, HostRefusal, Hosts, Request, SendError, Sent,
    conformance::{HOST, Make, Reply, SOON, answer, client, get, start},
};

/// Reads a body to its end or its error.
async fn read(body: &mut Box<dyn Chunks>) -> (Vec<Zeroizing<Vec<u8>>>, Result<(), SendError>) {
    let mut pieces = Vec::new();
    loop {
        match body.chunk().await {
            Ok(Some(piece)) => pieces.push(piece),
            Ok(None) => return (pieces, Ok(())),
            Err(error) => return (pieces, Err(error)),
        }
    }
}

/// Opens at a server of its own that gives one reply; the text that came, and how it ended.
async fn opened(make: &Make, reply: Reply, request: Request) -> (Vec<u8>, Result<(), SendError>) {
    let server = start([reply]).await;
    let mut opened = client(make, &server).open(request).await.expect("a head");
    let (pieces, end) = read(&mut opened.body).await;
    if let Err(error) = &end {
        let again = opened.body.chunk().await.expect_err("a body that failed stays failed");
        assert_eq!(again.category(), error.category());
        assert_eq!(error.host().map(|host| host.as_str()), Some(HOST));
        assert_eq!(error.sent(), Sent::Maybe);
    }
    (pieces.iter().flat_map(|piece| piece.iter().copied()).collect(), end)
}

fn chunked(body: &str) -> String {
    format!("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{:x}\r\n{body}\r\n", body.len())
}

const HALF: &str = "HTTP/1.1 200 OK\r\nContent-Length: 9\r\nX-Echo: secret\r\n\r\nhalf";

/// *Must* give the answer as soon as its head is here, and the body as it comes.
pub async fn bodies_come_piece_by_piece(make: &Make) {
    for (beginning, length) in [(HALF.to_owned(), Some(9)), (chunked("half"), None)] {
        // The rest never comes.
        let server = start([Reply::AnswerAndHold(beginning.into())]).await;
        let mut opened = client(make, &server).open(get("/")).await.expect("a head");
        assert_eq!((opened.status.as_u16(), opened.length), (200, length));
        assert!(opened.headers.values().all(HeaderValue::is_sensitive));
        let piece = opened.body.chunk().await.expect("half a body").expect("half a body");
        assert_eq!(*piece, b"half");
        assert!(!format!("{opened:?}").contains("secret"));
    }
    let long = "0123456789abcdef".repeat(256 * 1024);
    let server = start([Reply::Answer(answer(200, &[], &long))]).await;
    let request = get("/").with_limit(long.len());
    let mut opened = client(make, &server).open(request).await.expect("a head");
    let (pieces, end) = read(&mut opened.body).await;
    assert!(end.is_ok() && pieces.len() > 1, "4 MiB are more than one piece");
    assert!(pieces.iter().all(|piece| !piece.is_empty()));
    assert_eq!(pieces.iter().map(|piece| piece.len()).sum::<usize>(), long.len());
    assert!(pieces.iter().flat_map(|piece| piece.iter()).eq(long.as_bytes()));
    assert_eq!(opened.body.chunk().await.map(|piece| piece.is_none()), Ok(true));
}

/// *Must* end with an error where the body ends before its end.
pub async fn bodies_that_end_early_fail_after_their_pieces(make: &Make) {
    for beginning in [HALF.to_owned(), chunked("half")] {
        for reply in [Reply::AnswerAndCut, Reply::AnswerAndClose] {
            let (text, end) = opened(make, reply(beginning.clone().into()), get("/")).await;
            assert_eq!(text, b"half");
            assert_eq!(end.map_err(|error| error.category()), Err(Category::CutOff));
        }
    }
}

/// *Must* hold the limit, the deadline and the limit of silence while a body is read.
pub async fn limits_hold_while_a_body_is_read(make: &Make) {
    let over = chunked(&"x".repeat(11));
    let (_, end) = opened(make, Reply::AnswerAndHold(over.into()), get("/").with_limit(10)).await;
    assert_eq!(end.map_err(|error| error.category()), Err(Category::TooLarge));
    let hour = Duration::from_secs(3600);
    for (deadline, idle) in [(SOON, None), (hour, Some(SOON))] {
        for beginning in [HALF.to_owned(), chunked("half")] {
            let request = Request { deadline, idle, ..get("/") };
            let reply = Reply::AnswerAndHold(beginning.into());
            let (text, end) = opened(make, reply, request).await;
            assert_eq!(text, b"half");
            assert_eq!(end.map_err(|error| error.category()), Err(Category::Timeout));
        }
    }
    // Before the head too: silence, and a declared length over the limit.
    for (beginning, category) in [
        ("", Category::Timeout),
        ("HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\n", Category::TooLarge),
    ] {
        let server = start([Reply::AnswerAndHold(beginning.into())]).await;
        let request = get("/").with_limit(10).with_deadline(hour).with_idle(SOON);
        let error = client(make, &server).open(request).await.expect_err("no head");
        assert_eq!((error.category(), error.sent()), (category, Sent::Maybe));
    }
}

/// *Must* refuse what is refused before a body: what fails the check, redirects, codings.
pub async fn opening_refuses_what_sending_refuses(make: &Make) {
    for (headers, status, category) in [
        (("Location", "/x"), 302, Category::Redirect),
        (("Content-Encoding", "gzip"), 200, Category::Protocol),
    ] {
        let server = start([Reply::Answer(answer(status, &[headers], ""))]).await;
        let error = client(make, &server).open(get("/")).await.expect_err("refused");
        assert_eq!(error.category(), category);
        let other = Hosts::new(["other.example"]).expect("a name");
        let request = Request { hosts: other, ..get("/") };
        let error = client(make, &server).open(request).await.expect_err("refused");
        assert_eq!(error, SendError::refused(HostRefusal::NotListed));
        assert_eq!(server.seen().requests.len(), 1);
    }
}

/// Dropping an answer before its end *must* end the exchange.
pub async fn dropping_a_body_ends_the_exchange(make: &Make) {
    let server = start([Reply::AnswerAndHold(HALF.into())]).await;
    let client = client(make, &server);
    let mut opened = client.open(get("/")).await.expect("a head");
    assert!(opened.body.chunk().await.expect("half a body").is_some());
    drop(opened);
    server.wait_for(|seen| seen.ended == 1).await;
}
