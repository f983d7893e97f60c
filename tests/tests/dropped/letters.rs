//! Letters about requests, left at every poll: each is sent and noted once.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU8, AtomicUsize, Ordering},
    },
    time::Duration,
};

use bailee::{
    Declaration, SubjectId, TenantId, core::Id, store::Claim, vault::Holder, vault::Vault,
};
use bailee_rights::{
    message::{Cause, Content, Letter, Messages},
    notice::testing::{AddressBook, Mailbox},
    request::Right,
};

use super::room::{Room, ada, in_each_room, root, subject};

const ACME: TenantId = TenantId::from_static("acme");
const EXAMPLE: &str = include_str!("../../../crates/bailee-registry/examples/privacy.toml");

/// A desk of a process, and what its carrier took.
fn desk(vault: Vault) -> (Messages, Mailbox) {
    let (book, mailbox) = (AddressBook::default(), Mailbox::default());
    book.set(&ACME, &ada(), &["fake@people.example"]);
    let declaration = Arc::new(Declaration::parse(EXAMPLE).unwrap());
    let seams = (Arc::new(book), Arc::new(mailbox.clone()));
    (Messages::builder(vault, declaration, seams.0, seams.1).build(), mailbox)
}

/// Writes a letter about a request of its own.
async fn write(room: &Room, messages: &Messages, person: SubjectId) -> Id {
    static COUNT: AtomicU8 = AtomicU8::new(0);
    let request = Id::from_bytes([COUNT.fetch_add(1, Ordering::SeqCst); 16]);
    let content = Content::Cancelled { cause: Cause::Person };
    let letter = Letter::new(request, Right::Erasure, content);
    let view = room.vault.read(&ACME, Holder::Subject(person), &[]).await.unwrap();
    let batch = room.vault.batch().unwrap().op(view.fence().unwrap());
    let batch = messages.queue(&ACME, person, letter).await.unwrap().add_to(batch);
    room.vault.commit(&ACME, batch).await.unwrap();
    request
}

/// Does what is due, as a worker, until nothing is.
async fn settle(room: &Room, messages: &Messages) {
    loop {
        let tasks = Messages::tasks();
        let lease = Duration::from_secs(90);
        let claim = Claim::Due { tasks: &tasks, lease, limit: 8 };
        let leases = room.store.claim(claim).await.unwrap();
        for lease in &leases {
            messages.do_due(lease).await.unwrap();
        }
        if leases.is_empty() {
            break;
        }
    }
}

#[tokio::test]
async fn a_letter_whose_worker_leaves_is_sent_and_noted_once() {
    in_each_room(async |room| {
        let person = subject(&room.vault, &ACME).await;
        let (messages, mailbox) = desk(room.vault.clone());
        let before = AtomicUsize::new(0);
        room.leave(
            "do_due",
            async || write(room, &messages, person).await,
            async |_| settle(room, &messages).await,
            async |request, _, what| {
                // After the claim of whoever went away is over, the next process goes on.
                room.clock.advance(Duration::from_secs(100));
                let (next, others) = desk(room.another(root(super::room::ROOT)).await.unwrap());
                settle(room, &next).await;
                assert!(next.settled(&ACME, person, request).await.unwrap(), "{what}");
                let letters = next.of_request(&ACME, person, request).await.unwrap();
                assert_eq!(letters.len(), 1, "{what}");
                assert!(letters[0].sent.is_some(), "{what}");
                // The one who went away took it, or the next did, or both under one key.
                let taken = mailbox.taken().len();
                let first = taken - before.swap(taken, Ordering::SeqCst);
                assert!(first <= 1 && others.taken().len() <= 1, "{what}");
                assert!(first + others.taken().len() >= 1, "{what}");
            },
        )
        .await;
    })
    .await;
}
