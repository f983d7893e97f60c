//! Mail to a real server, and to servers that misbehave.

#![expect(clippy::unwrap_used, reason = "what the tests share fails the test that uses it")]

mod hostile;
mod letters;
mod server;

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use bailee::{
    Document, ErrorKind, Locale, Notify, TenantId,
    core::{Id, ManualClock, SecretText},
    rights::{
        message::LetterKind,
        notice::{About, Address, ContactWay, Delivery, Evidence, Message},
    },
    smtp::Smtp,
};
use serde_json::Value;

use server::{FROM, Server};

const ACME: TenantId = TenantId::from_static("acme");
const KEY: Id = Id::from_bytes([7; 16]);

/// A message in a language that is not ASCII.
fn message(title: &str) -> Message {
    let mut document = Document::new(title.to_owned(), Locale::default());
    document.say("Grüße an alle, die … lesen.\n.\nA dot stood alone.");
    document.heading("Über uns");
    let about = About::Request { request: KEY, kind: LetterKind::Completed };
    Message::new(about, document)
}

async fn send(smtp: &Smtp, to: &str) -> Delivery {
    let to = Address::new(ContactWay::Email, to);
    smtp.send(&ACME, &to, &message("Ihre Anfrage für heute"), KEY).await.unwrap()
}

/// A header of a mail, unfolded.
fn header(mail: &Value, name: &str) -> Vec<String> {
    let content = mail["content"].as_str().unwrap();
    let head = content.split("\r\n\r\n").next().unwrap().replace("\r\n ", " ");
    let lines = head.split("\r\n").filter_map(|line| line.split_once(": "));
    lines
        .filter(|(known, _)| known.eq_ignore_ascii_case(name))
        .map(|(_, value)| value.to_owned())
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mail_goes_over_tls_signed_in_and_the_server_s_word_is_the_evidence() {
    for mode in ["starttls", "implicit"] {
        let server = Server::start(mode);
        let smtp = server.builder().clock(Arc::new(ManualClock::default())).build().unwrap();
        let delivery = send(&smtp, "ada@people.example").await;
        let word = b"250 2.0.0 taken as canary-queue-id\r\n";
        assert_eq!(delivery, Delivery::Accepted(Evidence::of(word)), "{mode}");
        let mail = server.taken(1).await.remove(0);
        assert_eq!((&mail["tls"], &mail["signed_in"]), (&Value::Bool(true), &Value::Bool(true)));
        assert_eq!(mail["from"], "privacy@sender.example");
        assert_eq!(mail["to"], serde_json::json!(["ada@people.example"]));
        assert_eq!(header(&mail, "From"), ["\"Example Privacy\" <privacy@sender.example>"]);
        assert_eq!(header(&mail, "To"), ["ada@people.example"]);
        assert_eq!(header(&mail, "Message-ID"), [format!("<{KEY}@sender.example>")]);
        assert_eq!(header(&mail, "Auto-Submitted"), ["auto-generated"]);
        assert_eq!(header(&mail, "Date"), ["Sun, 01 Jun 2025 12:00:00 +0000"]);
        assert!(header(&mail, "Subject")[0].contains("=?utf-8?"));
        let content = mail["content"].as_str().unwrap();
        assert!(content.contains("text/plain; charset=utf-8"), "{content}");
        assert!(content.contains("text/html; charset=utf-8"), "{content}");
        assert!(content.contains("Gr=C3=BC=C3=9Fe an alle"), "{content}");
        assert!(content.contains("A dot stood alone."), "{content}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mail_that_is_sent_again_is_the_same_mail() {
    let server = Server::start("starttls");
    let smtp = server.builder().clock(Arc::new(ManualClock::default())).build().unwrap();
    send(&smtp, "ada@people.example").await;
    send(&smtp, "ada@people.example").await;
    let taken = server.taken(2).await;
    assert_eq!(taken[0]["content"], taken[1]["content"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_said_of_the_recipient_is_final_and_everything_else_comes_again() {
    let server = Server::start("starttls");
    let smtp = server.builder().build().unwrap();
    for (recipient, delivery) in [
        ("nobody@people.example", Delivery::Refused),
        ("full@people.example", Delivery::Refused),
        ("policy@people.example", Delivery::Unavailable),
        ("spam@people.example", Delivery::Unavailable),
        ("later@people.example", Delivery::Unavailable),
    ] {
        assert_eq!(send(&smtp, recipient).await, delivery, "{recipient}");
    }
    assert_eq!(server.count(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_does_not_come_or_is_none_is_not_known_although_the_mail_went_out() {
    let server = Server::start("starttls");
    let smtp = server.builder().timeout(Duration::from_secs(2)).build().unwrap();
    for (n, recipient) in
        ["drops@people.example", "babbles@people.example", "slow@people.example"].iter().enumerate()
    {
        assert_eq!(send(&smtp, recipient).await, Delivery::Unavailable, "{recipient}");
        assert_eq!(server.taken(n + 1).await.len(), n + 1, "it was taken all the same");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_nobody_trusts_or_that_is_another_gets_nothing() {
    let server = Server::start("starttls");
    let (other, ..) = server::certificate("localhost");
    let stranger = server.builder().roots(other).build().unwrap();
    let mozilla = Smtp::starttls("localhost", FROM).unwrap().port(server.port).build().unwrap();
    // Its certificate is for a name and not for an address.
    let address = Smtp::starttls("127.0.0.1", FROM).unwrap().port(server.port);
    let address = address.roots(&server.authority).build().unwrap();
    for smtp in [stranger, mozilla, address] {
        assert_eq!(send(&smtp, "ada@people.example").await, Delivery::Unavailable);
        assert_eq!(smtp.check().await.unwrap_err().kind(), ErrorKind::Configuration);
    }
    assert_eq!(server.count(), 0);
    assert!(server.builder().build().unwrap().check().await.is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_credentials_are_said_at_the_start_and_are_nobody_s_refusal() {
    let server = Server::start("implicit");
    let wrong = SecretText::copy_from(b"canary-fake-wrong");
    let smtp = server.builder().credentials("fake-user", wrong).build().unwrap();
    let error = smtp.check().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Configuration);
    assert_eq!(send(&smtp, "nobody@people.example").await, Delivery::Unavailable);
    assert!(!format!("{smtp:?} {error:?} {error}").contains("canary"));
}

#[tokio::test(flavor = "multi_thread")]
async fn plaintext_goes_over_the_loopback_alone_and_shows_no_credentials() {
    let server = Server::start("plaintext");
    let smtp = server.builder().build().unwrap();
    assert!(matches!(send(&smtp, "ada@people.example").await, Delivery::Accepted(_)));
    let far = Smtp::danger_plaintext_on_loopback("192.0.2.1:25".parse().unwrap(), FROM);
    assert_eq!(far.unwrap_err().kind(), ErrorKind::Configuration);
    let password = SecretText::copy_from(b"fake-password");
    let signed_in = server.builder().credentials("fake-user", password).build();
    assert_eq!(signed_in.unwrap_err().kind(), ErrorKind::Configuration);
    // A server without TLS gets nothing from a carrier that wants it.
    let smtp = Smtp::starttls("localhost", FROM).unwrap().port(server.port).build().unwrap();
    assert_eq!(send(&smtp, "ada@people.example").await, Delivery::Unavailable);
    assert_eq!(smtp.check().await.unwrap_err().kind(), ErrorKind::Configuration);
    assert_eq!(server.count(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_that_is_told_becomes_a_header_or_another_recipient() {
    let server = Server::start("starttls");
    let smtp = server.builder().reply_to("answers@sender.example").unwrap().build().unwrap();
    let to = Address::new(ContactWay::Email, "ada@people.example");
    let title = "Ready\r\nBcc: eve@evil.example\r\n\r\n<script>\u{0}\u{2028}";
    let sent = smtp.send(&ACME, &to, &message(title), KEY).await.unwrap();
    assert!(matches!(sent, Delivery::Accepted(_)));
    let mail = server.taken(1).await.remove(0);
    assert_eq!(mail["to"], serde_json::json!(["ada@people.example"]));
    assert_eq!(header(&mail, "Bcc"), Vec::<String>::new());
    assert_eq!(header(&mail, "Subject").len(), 1);
    assert_eq!(header(&mail, "Reply-To"), ["answers@sender.example"]);
    // An address that is more than one is none.
    for address in [
        "ada@people.example\r\nRCPT TO:<eve@evil.example>",
        "ada@people.example> SIZE=1",
        "<ada@people.example>",
        "ada@people.example, eve@evil.example",
        "Ada <ada@people.example>",
        "\"a b\"@people.example",
        "ada@people.example\0",
        "ada@[127.0.0.1]",
        "ada@localhost",
        "ädä@people.example",
        "ada@bücher.example",
        "ada",
        "",
        &format!("{}@people.example", "a".repeat(65)),
        &format!("ada@{}.example", "a".repeat(250)),
    ] {
        assert_eq!(send(&smtp, address).await, Delivery::Refused, "{address:?}");
    }
    let chat = Address::new(ContactWay::Chat, "ada@people.example");
    let sent = smtp.send(&ACME, &chat, &message("x"), KEY).await.unwrap();
    assert_eq!(sent, Delivery::Refused, "another way is not ours");
    assert_eq!(server.count(), 1);
}

#[test]
fn a_sender_is_an_address_with_or_without_a_name() {
    for sender in ["privacy@sender.example", "Müller & Söhne <privacy@sender.example>"] {
        assert!(Smtp::starttls("mail.example", sender).is_ok(), "{sender}");
    }
    for sender in [
        "",
        "nobody",
        "a@b",
        "a@b.example\r\nBcc: eve@evil.example",
        "Eve\r\nBcc: eve <a@b.example>",
        "ä@b.example",
    ] {
        let refused = Smtp::starttls("mail.example", sender).unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::Configuration, "{sender:?}");
        assert!(Smtp::starttls("mail.example", FROM).unwrap().reply_to(sender).is_err());
        assert!(Smtp::starttls("mail.example", FROM).unwrap().bounces_to(sender).is_err());
    }
    assert!(Smtp::starttls("mail example", FROM).is_err());
    let no_roots = Smtp::implicit_tls("mail.example", FROM).unwrap().roots("not pem").build();
    assert_eq!(no_roots.unwrap_err().kind(), ErrorKind::Configuration);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_server_is_left_at_the_end_of_the_time() {
    let server = Server::start("plaintext");
    let smtp = server.builder().timeout(Duration::from_millis(300)).build().unwrap();
    let began = now();
    assert_eq!(send(&smtp, "slow@people.example").await, Delivery::Unavailable);
    assert!(now().duration_since(began) < Duration::from_secs(20));
}

#[expect(clippy::disallowed_methods, reason = "the time that a timeout takes is real")]
fn now() -> Instant {
    Instant::now()
}
