//! The facade joins the notices to the worker: neither knows the other.

#![expect(clippy::unwrap_used, reason = "what the tests share fails the test that uses it")]

use bailee::{Declaration, ErrorKind, TenantId, core::Id, registry::versions::Diff};
use bailee_rights::notice::testing::{AddressBook, Behaviour, Mailbox};
use bailee_tests::{NOTES, declaration, drill::seconds, world};
use time::macros::date;

const ACME: TenantId = TenantId::from_static("acme");
const OPERATOR: Id = Id::from_bytes([8; 16]);

/// The notes go to another country: it concerns whoever agreed to save some.
fn change() -> Diff {
    let after = include_str!("../privacy.toml").replace("country = \"US\"", "country = \"IN\"");
    Diff::between(&declaration(), &Declaration::parse(&after).unwrap())
}

#[tokio::test]
async fn g5_the_worker_tells_whoever_is_concerned_beside_its_other_work() {
    let (book, mailbox) = (AddressBook::default(), Mailbox::default());
    let seams = (book.clone(), mailbox.clone());
    let w = world()
        .change(move |builder| builder.contacts(seams.0.clone()).notify(seams.1.clone()))
        .build()
        .await
        .unwrap();
    let (ada, bob) = (w.visitor("ada"), w.visitor("bob"));
    w.connect(&ada, "notes", &[NOTES]).await.unwrap();
    w.connect(&bob, "tiktok", &[bailee_tests::PUBLISH]).await.unwrap();
    for visitor in [&ada, &bob] {
        book.set(&ACME, visitor.person(), &["canary-of-ada@people.example"]);
    }
    let notices = w.bailee.notices().unwrap();
    let announced = notices.announce(OPERATOR, &change(), date!(2026 - 01 - 01)).await.unwrap();
    mailbox.behave(Behaviour::Unavailable);
    w.settle().await;
    assert!(mailbox.taken().is_empty());
    mailbox.behave(Behaviour::Accepts);
    w.advance(seconds(60));
    w.settle().await;
    assert_eq!(mailbox.taken().len(), 1);
    let progress = notices.progress(&ACME, announced.id).await.unwrap();
    assert_eq!((progress.told, progress.others, progress.sent), (1, 1, 1));

    w.assert_clean_audit(&["acme", "~"]).await;
    for tenant in ["acme", "~"] {
        for logged in w.audit(tenant).await {
            assert!(!format!("{:?}", logged.entry).contains("canary-of-ada"));
        }
    }
}

#[tokio::test]
async fn one_seam_without_the_other_is_refused_and_none_is_no_desk() {
    let w = world().build().await.unwrap();
    assert_eq!(w.bailee.notices().unwrap_err().kind(), ErrorKind::Configuration);
    let process = || w.process(declaration(), w.store().clone()).unwrap();
    for half in [process().contacts(AddressBook::default()), process().notify(Mailbox::default())] {
        let error = half.build().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Configuration);
        assert!(error.to_string().contains("beside"), "{error}");
    }
}
