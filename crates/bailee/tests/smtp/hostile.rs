//! Servers that say what no server should.

use std::time::Duration;

use bailee::{
    ErrorKind,
    rights::notice::{Delivery, Evidence},
    smtp::Smtp,
};
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::TcpListener,
};

use crate::{send, server::FROM};

/// A server that greets with the first of these lines and answers each command with the next.
async fn scripted(lines: &'static [&'static str]) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let (read, mut write) = stream.into_split();
            let mut commands = BufReader::new(read).lines();
            for line in lines {
                if write.write_all(line.as_bytes()).await.is_err() {
                    break;
                }
                if !matches!(commands.next_line().await, Ok(Some(_))) {
                    break;
                }
            }
        }
    });
    port
}

fn plaintext(port: u16) -> Smtp {
    let builder = Smtp::danger_plaintext_on_loopback(([127, 0, 0, 1], port).into(), FROM).unwrap();
    builder.timeout(Duration::from_secs(5)).build().unwrap()
}

#[tokio::test]
async fn what_was_said_before_tls_is_not_heard_within_it() {
    // Whoever sits between adds an answer to the one of STARTTLS (RFC 3207 §6).
    let injected: &[&str] = &[
        "220 mail.example\r\n",
        "250-mail.example\r\n250 STARTTLS\r\n",
        "220 go ahead\r\n250 injected\r\n",
    ];
    let port = scripted(injected).await;
    let smtp = Smtp::starttls("localhost", FROM).unwrap().port(port).build().unwrap();
    assert_eq!(send(&smtp, "ada@people.example").await, Delivery::Unavailable);
    assert_eq!(smtp.check().await.unwrap_err().kind(), ErrorKind::Configuration);
}

#[tokio::test]
async fn tls_that_was_stripped_from_what_is_offered_is_not_gone_without() {
    let port = scripted(&["220 mail.example\r\n", "250 mail.example\r\n", "250 never\r\n"]).await;
    let smtp = Smtp::starttls("localhost", FROM).unwrap().port(port).build().unwrap();
    assert_eq!(send(&smtp, "ada@people.example").await, Delivery::Unavailable);
    assert_eq!(smtp.check().await.unwrap_err().kind(), ErrorKind::Configuration);
}

#[tokio::test]
async fn a_server_that_refuses_to_talk_or_talks_nonsense_takes_nothing() {
    let scripts: [&[&str]; 7] = [
        &["554 5.1.1 go away\r\n"],
        &["220 mail.example\r\n", "550 5.1.1 no\r\n"],
        // A sender that is refused is not the recipient's doing.
        &["220 a\r\n", "250 a\r\n", "550 5.1.8 bad sender\r\n"],
        // A good answer where a go-ahead was due.
        &["220 a\r\n", "250 a\r\n", "250 ok\r\n", "250 ok\r\n", "250 ok\r\n"],
        &["HTTP/1.1 400 Bad Request\r\n"],
        &["220-a\r\n221 b\r\n"],
        &["220 a\n"],
    ];
    for lines in scripts {
        let smtp = plaintext(scripted(lines).await);
        assert_eq!(send(&smtp, "ada@people.example").await, Delivery::Unavailable, "{lines:?}");
    }
}

#[tokio::test]
async fn what_was_taken_is_taken_although_the_good_bye_is_not_answered() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        let (read, mut write) = stream.into_split();
        let mut lines = BufReader::new(read).lines();
        for answer in ["220 a\r\n", "250 a\r\n", "250 ok\r\n", "250 ok\r\n", "354 go\r\n"] {
            write.write_all(answer.as_bytes()).await.unwrap();
            lines.next_line().await.unwrap();
        }
        while lines.next_line().await.unwrap().unwrap() != "." {}
        write.write_all(b"250 taken\r\n").await.unwrap();
        // It hears the good-bye and says nothing.
        lines.next_line().await.unwrap();
        std::future::pending::<()>().await;
    });
    let builder = Smtp::danger_plaintext_on_loopback(([127, 0, 0, 1], port).into(), FROM).unwrap();
    // A time that is over before the good-bye is given up.
    let smtp = builder.timeout(Duration::from_millis(1500)).build().unwrap();
    let taken = Delivery::Accepted(Evidence::of("250 taken\r\n"));
    assert_eq!(send(&smtp, "ada@people.example").await, taken);
}

#[tokio::test]
async fn nobody_at_the_other_end_is_not_now() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    let smtp = plaintext(port);
    assert_eq!(send(&smtp, "ada@people.example").await, Delivery::Unavailable);
    let error = smtp.check().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ProviderUnavailable);
    assert!(!error.to_string().contains("127.0.0.1"));
}

#[tokio::test]
async fn a_server_without_end_is_left() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        while stream.write_all(b"220-and so on\r\n").await.is_ok() {}
    });
    assert_eq!(send(&plaintext(port), "ada@people.example").await, Delivery::Unavailable);
}
