//! Telling people, left at every poll: an announcement is whole or not there, and everybody is told once.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, AtomicUsize, Ordering},
    },
    time::Duration,
};

use bailee::{
    Declaration, Locale, Notices, SubjectId, TenantId, core::Id, registry::versions::Diff,
    store::Claim, vault::Vault,
};
use bailee_rights::notice::testing::{AddressBook, Mailbox};
use time::{Date, macros::date};

use super::room::{Room, ada, in_each_room, root, subject};

const ACME: TenantId = TenantId::from_static("acme");
const OPERATOR: Id = Id::from_bytes([8; 16]);
const EFFECTIVE: Date = date!(2026 - 01 - 01);
const EXAMPLE: &str = include_str!("../../../crates/bailee-registry/examples/privacy.toml");

/// A desk of a process, and what its carrier took.
fn desk(vault: Vault) -> (Notices, Mailbox) {
    let (book, mailbox) = (AddressBook::default(), Mailbox::default());
    book.set(&ACME, &ada(), &["fake@people.example"]);
    (Notices::builder(vault, Arc::new(book), Arc::new(mailbox.clone())).build(), mailbox)
}

/// A change that concerns everybody by a message, and is another one each time.
fn change() -> Diff {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let n = COUNT.fetch_add(1, Ordering::SeqCst);
    // That abuse is looked for is everybody's; the place is another country each time.
    let words = format!("We watch for unusual use, in way {n},");
    let after = EXAMPLE.replace("We watch for unusual use", &words).replace(
        "name = \"TikTok Technology Limited\"\ncountry = \"IE\"",
        "name = \"TikTok Technology Limited\"\ncountry = \"GB\"\nsafeguard = \"adequacy\"",
    );
    let parsed = |text: &str| Declaration::parse(text).unwrap();
    Diff::between(&parsed(EXAMPLE), &parsed(&after))
}

/// Does what is due, as a worker, until nothing is.
async fn settle(room: &Room, notices: &Notices) {
    loop {
        let tasks = Notices::tasks();
        let lease = Duration::from_secs(90);
        let claim = Claim::Due { tasks: &tasks, lease, limit: 8 };
        let leases = room.store.claim(claim).await.unwrap();
        for lease in &leases {
            notices.do_due(lease).await.unwrap();
        }
        if leases.is_empty() {
            break;
        }
    }
}

/// After the claims of whoever went away are over, the next process tells what is left to be told.
async fn next_tells(room: &Room, announced: Id, person: SubjectId, what: &str) {
    room.clock.advance(Duration::from_secs(100));
    let (next, _) = desk(room.another(root(super::room::ROOT)).await.unwrap());
    settle(room, &next).await;
    let told = next.of_subject(&ACME, person).await.unwrap();
    let of_this: Vec<_> = told.iter().filter(|one| one.announcement == announced).collect();
    assert_eq!(of_this.len(), 1, "{what}");
    assert!(of_this[0].sent.is_some(), "{what}");
    let progress = next.progress(&ACME, announced).await.unwrap();
    assert!(progress.done, "{what}");
    assert_eq!((progress.told, progress.sent, progress.waiting), (1, 1, 0), "{what}");
}

#[tokio::test]
async fn an_announcement_whose_operator_leaves_is_made_whole_or_not_and_made_again_once() {
    in_each_room(async |room| {
        let person = subject(&room.vault, &ACME).await;
        let (notices, _) = desk(room.vault.clone());
        room.leave(
            "announce",
            async || change(),
            async |diff| notices.announce(OPERATOR, diff, EFFECTIVE).await,
            async |diff, done, what| {
                let again = notices.announce(OPERATOR, &diff, EFFECTIVE).await.unwrap();
                if let Some(done) = done {
                    assert_eq!(done.unwrap(), again, "{what}");
                }
                assert_eq!(notices.announcement(again.id).await.unwrap(), Some(again.clone()));
                next_tells(room, again.id, person, what).await;
            },
        )
        .await;
    })
    .await;
}

#[tokio::test]
async fn people_whom_a_worker_leaves_while_it_tells_them_are_told_by_the_next_and_once() {
    in_each_room(async |room| {
        let person = subject(&room.vault, &ACME).await;
        let (notices, mailbox) = desk(room.vault.clone());
        let taken = || mailbox.taken().len();
        let before = AtomicUsize::new(taken());
        room.leave(
            "do_due",
            async || notices.announce(OPERATOR, &change(), EFFECTIVE).await.unwrap().id,
            async |_| settle(room, &notices).await,
            async |announced, _, what| {
                next_tells(room, announced, person, what).await;
                let now = taken();
                assert!(now <= before.swap(now, Ordering::SeqCst) + 1, "{what}");
            },
        )
        .await;
    })
    .await;
}

#[tokio::test]
async fn a_reader_who_leaves_while_they_are_shown_something_has_seen_it_or_has_not() {
    in_each_room(async |room| {
        let person = subject(&room.vault, &ACME).await;
        let (notices, _) = desk(room.vault.clone());
        let seen = async || {
            let unseen = notices.unseen(&ACME, person).await?;
            for notice in unseen {
                let message = notices.message(notice.announcement, &Locale::default()).await?;
                notices.shown(&ACME, person, notice.id, &message).await?;
            }
            Ok::<(), bailee::Error>(())
        };
        room.leave(
            "shown",
            async || {
                let id = notices.announce(OPERATOR, &change(), EFFECTIVE).await.unwrap().id;
                settle(room, &notices).await;
                id
            },
            async |_| seen().await,
            async |announced, done, what| {
                if let Some(done) = done {
                    done.unwrap();
                    assert!(notices.unseen(&ACME, person).await.unwrap().is_empty(), "{what}");
                }
                seen().await.unwrap();
                let notices = notices.of_subject(&ACME, person).await.unwrap();
                let told = notices.iter().find(|one| one.announcement == announced).unwrap();
                assert!(told.shown.is_some(), "{what}");
            },
        )
        .await;
    })
    .await;
}
