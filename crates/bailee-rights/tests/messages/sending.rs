//! Letters that are sent, tried again and given up, and what remains of them.

use std::time::Duration;

use bailee_audit::Catalogue;
use bailee_core::{ErrorKind, SecretText, audit::Field};
use bailee_rights::{
    message::{Cause, Content, Letter, LetterKind},
    notice::{About, Evidence, GivenUp, testing::Behaviour},
    request::Right,
};
use time::macros::date;

use crate::world::{ACME, CANARY, REQUEST, World, english, person};

const HOUR: Duration = Duration::from_secs(3600);

fn cancelled() -> Letter {
    Letter::new(REQUEST, Right::Erasure, Content::Cancelled { cause: Cause::Person })
}

#[tokio::test]
async fn a_letter_is_sent_once_with_evidence_that_names_nobody() {
    let world = World::new().await;
    world.queue(cancelled()).await;
    assert!(!world.messages().settled(&ACME, world.ada, REQUEST).await.unwrap());
    world.settle().await;
    assert!(world.messages().settled(&ACME, world.ada, REQUEST).await.unwrap());
    let taken = world.mailbox.taken();
    assert_eq!((taken.len(), taken[0].1.as_str()), (1, CANARY));
    let kind = LetterKind::Cancelled;
    assert_eq!(taken[0].2.about(), About::Request { request: REQUEST, kind });
    let letter = world.messages().of_request(&ACME, world.ada, REQUEST).await.unwrap().remove(0);
    let sent = letter.sent.unwrap();
    assert_eq!(sent.text, world.messages().text(&letter.letter, &english()).hash());
    assert_eq!(sent.evidence, *Evidence::of(letter.id.as_bytes()).digest());

    let entries = world.entries().await;
    let logged = |event: &str| entries.iter().find(|one| one.entry.event() == event).unwrap();
    let entry = &logged("rights.message_sent").entry;
    assert_eq!(entry.field("digest"), Some(&Field::Digest(sent.text)));
    assert_eq!(entry.field("method").unwrap().to_string(), "email");
    assert_eq!(entry.field("kind").unwrap().to_string(), "cancelled");
    assert_eq!(entry.field("request"), Some(&Field::Id(REQUEST)));
    for entry in &entries {
        let shape = Catalogue::CURRENT.event(entry.entry.event()).unwrap();
        assert!(shape.needs.iter().all(|name| entry.entry.field(name).is_some()), "{shape:?}");
        assert!(!String::from_utf8_lossy(&entry.entry.payload()).contains("canary"));
    }
}

#[tokio::test]
async fn letters_are_tried_again_and_given_up_as_notices_are() {
    let world = World::new().await;
    world.mailbox.behave(Behaviour::Unavailable);
    world.queue(cancelled()).await;
    world.hours(13 * 24).await;
    assert!(!world.messages().settled(&ACME, world.ada, REQUEST).await.unwrap());
    let asked = world.mailbox.asked();
    assert!((20..60).contains(&asked), "{asked}");
    world.hours(48).await;
    let letter = world.messages().of_request(&ACME, world.ada, REQUEST).await.unwrap().remove(0);
    let (at, reason) = letter.given_up.unwrap();
    let waited = at.since(letter.queued_at);
    assert_eq!(reason, GivenUp::Unavailable);
    assert!(waited >= 14 * 24 * HOUR && waited < 14 * 24 * HOUR + 2 * HOUR, "{waited:?}");
    assert!(world.messages().settled(&ACME, world.ada, REQUEST).await.unwrap());
}

#[tokio::test]
async fn a_letter_may_have_its_own_patience_so_that_an_erasure_does_not_wait_for_a_full_mailbox() {
    let world = World::new().await;
    world.mailbox.behave(Behaviour::Unavailable);
    world.queue(cancelled().gives_up_after(48 * HOUR)).await;
    world.hours(51).await;
    assert!(world.messages().settled(&ACME, world.ada, REQUEST).await.unwrap());
    let letter = world.messages().of_request(&ACME, world.ada, REQUEST).await.unwrap().remove(0);
    assert!(letter.given_up.unwrap().0.since(letter.queued_at) < 51 * HOUR);
}

#[tokio::test]
async fn a_refused_address_is_final_and_a_lost_answer_is_asked_under_the_same_key() {
    let world = World::new().await;
    world.mailbox.behave(Behaviour::Refuses);
    world.queue(cancelled()).await;
    world.settle().await;
    let letter = world.messages().of_request(&ACME, world.ada, REQUEST).await.unwrap().remove(0);
    assert_eq!(letter.given_up.unwrap().1, GivenUp::Refused);

    let world = World::new().await;
    world.mailbox.behave(Behaviour::LosesAnswer);
    world.queue(cancelled()).await;
    world.settle().await;
    world.mailbox.behave(Behaviour::Accepts);
    world.hours(1).await;
    assert_eq!((world.mailbox.asked(), world.mailbox.taken().len()), (2, 1));
}

#[tokio::test]
async fn a_kept_address_is_used_when_the_host_has_none_any_more_and_not_before() {
    let world = World::new().await;
    let kept = world.messages().keep_reach(&ACME, world.ada, REQUEST).await.unwrap();
    world.commit(kept).await.unwrap();
    // The host knows better.
    world.book.set(&ACME, &person(), &["new@people.example"]);
    world.queue(cancelled()).await;
    world.settle().await;
    assert_eq!(world.mailbox.taken()[0].1, "new@people.example");
    // The host erased its row.
    world.book.set(&ACME, &person(), &[]);
    world.queue(cancelled()).await;
    world.settle().await;
    let reached: Vec<String> = world.mailbox.taken().into_iter().map(|taken| taken.1).collect();
    assert!(reached.contains(&CANARY.to_owned()), "{reached:?}");
    // Forgotten, it is gone.
    let forgotten = world.messages().forget_reach(&ACME, REQUEST).await.unwrap();
    world.commit(forgotten).await.unwrap();
    world.queue(cancelled()).await;
    world.settle().await;
    assert_eq!(world.mailbox.taken().len(), 2);
    assert!(!world.messages().settled(&ACME, world.ada, REQUEST).await.unwrap());
}

#[tokio::test]
async fn an_address_is_kept_for_its_request_alone_and_sealed() {
    let world = World::new().await;
    let kept = world.messages().keep_reach(&ACME, world.ada, REQUEST).await.unwrap();
    world.commit(kept).await.unwrap();
    world.book.set(&ACME, &person(), &[]);
    let other = bailee_core::Id::from_bytes([6; 16]);
    world
        .queue(Letter::new(other, Right::Access, Content::Cancelled { cause: Cause::Person }))
        .await;
    world.settle().await;
    assert!(world.mailbox.taken().is_empty());
    for record in world.records().await {
        let body = String::from_utf8_lossy(record.body.as_bytes()).into_owned();
        assert!(!body.contains("canary"), "{:?}", record.key);
    }
}

#[tokio::test]
async fn nothing_of_letters_opens_after_the_person_was_erased_and_the_log_still_says_that_they_went()
 {
    let world = World::new().await;
    let kept = world.messages().keep_reach(&ACME, world.ada, REQUEST).await.unwrap();
    world.commit(kept).await.unwrap();
    world.queue(cancelled()).await;
    world.settle().await;
    // One more waits when the key goes.
    world.queue(cancelled()).await;
    world.erase().await;
    let error = world.messages().of_request(&ACME, world.ada, REQUEST).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Shredded);
    world.settle().await;
    assert_eq!(world.mailbox.taken().len(), 1, "who is erased is told nothing more");
    let holder = bailee_vault::Holder::Subject(world.ada);
    let mut letters = 0;
    for record in world.records().await {
        if record.key.kind.as_str().starts_with("rights.") {
            letters += 1;
            let opened = world.vault.open(&ACME, holder, &record).await;
            assert!(opened.and_then(|opened| opened.facts()).is_err(), "{:?}", record.key);
        }
    }
    assert_eq!(letters, 3);
    let entries = world.entries().await;
    let sent: Vec<_> =
        entries.iter().filter(|one| one.entry.event() == "rights.message_sent").collect();
    assert_eq!(sent.len(), 1);
    assert!(sent[0].entry.field("digest").is_some());
    let ended = entries.iter().filter(|one| one.entry.event() == "rights.message_ended").count();
    assert_eq!(ended, 1);
}

#[tokio::test]
async fn a_link_is_in_the_letter_that_is_sent_and_in_nothing_that_remains() {
    let world = World::new().await;
    let link = "https://app.example/packages/fake-canary-link";
    let ready = || Content::PackageReady { until: date!(2025 - 06 - 08) };
    let letter = Letter::new(REQUEST, Right::Access, ready());
    let letter = letter.with_link(SecretText::copy_from(link.as_bytes())).unwrap();
    assert!(!format!("{letter:?}").contains("canary"));
    world.queue(letter).await;
    world.settle().await;
    let text = world.mailbox.newest().document().to_markdown();
    assert!(text.contains(&format!("[{link}]({link})")), "{text}");
    let holder = bailee_vault::Holder::Subject(world.ada);
    for record in world.records().await {
        let opened = world.vault.open(&ACME, holder, &record).await.unwrap();
        assert!(opened.part("secret").is_err());
    }
    let letter = world.messages().of_request(&ACME, world.ada, REQUEST).await.unwrap().remove(0);
    assert!(!format!("{letter:?}").contains("canary"));
    let shown = world.messages().text(&letter.letter, &english()).document().to_markdown();
    assert!(shown.contains("Sign in to your account to fetch it"), "{shown}");
    for (content, link) in [
        (ready(), "http://app.example/"),
        (ready(), "https://app.example/\r\nBcc: x"),
        (Content::Cancelled { cause: Cause::Person }, link),
    ] {
        let letter = Letter::new(REQUEST, Right::Access, content);
        let refused = letter.with_link(SecretText::copy_from(link.as_bytes())).unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::InvalidInput);
    }
}

#[tokio::test]
async fn a_letter_of_somebody_else_is_not_read() {
    let world = World::new().await;
    world.queue(cancelled()).await;
    let bob = bailee_core::HostId::text("bob");
    let bob = world.vault.ensure_subject(&ACME, &bob).await.unwrap();
    assert!(world.messages().of_request(&ACME, bob, REQUEST).await.unwrap().is_empty());
    assert!(world.messages().settled(&ACME, bob, REQUEST).await.unwrap());
}
