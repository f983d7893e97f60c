//! What remains of a notice, and what must not.

use bailee_core::{ErrorKind, Id, Locale};
use bailee_registry::Catalogue;
use bailee_rights::{
    notice::{About, Evidence, Message},
    sentences,
};

use crate::world::{CANARY, EFFECTIVE, OPERATOR, TENANTS, World, change};

#[tokio::test]
async fn g5_the_evidence_says_when_how_what_and_with_which_outcome_and_names_nobody() {
    let world = World::new(2).await;
    let process = world.process().await;
    let announced = process.notices.announce(OPERATOR, &change(), EFFECTIVE).await.unwrap();
    process.settle().await;
    let (tenant, subject) = (&TENANTS[0], world.people[&TENANTS[0]][0].0);
    let notice = process.notices.of_subject(tenant, subject).await.unwrap().remove(0);
    let message = process.notices.message(announced.id, &Locale::default()).await.unwrap();
    let sent = notice.sent.clone().unwrap();
    assert_eq!(sent.text, message.hash());
    assert_eq!(sent.evidence, *Evidence::of(notice.id.as_bytes()).digest());
    assert_eq!((sent.way.as_str(), sent.locale.as_str()), ("email", "en"));
    assert_eq!(notice.version, change().after().version());
    let text = format!("{notice:?} {process:?}", process = process.notices);
    assert!(!text.contains("canary") && !text.contains("person-"), "{text}");

    // The log has all of it that is nobody's, each entry as the catalogue declares it.
    let entries = world.entries().await;
    for logged in &entries {
        bailee_audit::check(&logged.entry).unwrap_or_else(|error| {
            panic!("{}: {:?}", logged.entry.event(), std::error::Error::source(&error))
        });
        let text = format!("{:?}", logged.entry);
        assert!(!text.contains("canary") && !text.contains("person-"), "{text}");
    }
    let of = |event: &str| entries.iter().filter(|logged| logged.entry.event() == event).count();
    assert_eq!(
        [
            of("announcement.made"),
            of("announcement.carried"),
            of("announcement.reached"),
            of("announcement.spread"),
            of("notice.queued"),
            of("notice.sent"),
        ],
        [1, 1, 3, 3, 3, 3]
    );
}

#[tokio::test]
async fn what_was_shown_in_the_application_is_noted_once_and_for_its_person_alone() {
    let world = World::new(3).await;
    let process = world.process().await;
    let announced = process.notices.announce(OPERATOR, &change(), EFFECTIVE).await.unwrap();
    process.settle().await;
    let (tenant, people) = (&TENANTS[0], &world.people[&TENANTS[0]]);
    let (ada, bob) = (people[0].0, people[2].0);
    let unseen = process.notices.unseen(tenant, ada).await.unwrap();
    let message = process.notices.message(announced.id, &Locale::default()).await.unwrap();
    for (tenant, subject) in [(tenant, bob), (&TENANTS[1], ada)] {
        let error =
            process.notices.shown(tenant, subject, unseen[0].id, &message).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotFound);
    }
    let about = About::Change { announcement: Id::from_bytes([3; 16]) };
    let other = Message::new(about, message.document());
    assert!(process.notices.shown(tenant, ada, unseen[0].id, &other).await.is_err());

    process.notices.shown(tenant, ada, unseen[0].id, &message).await.unwrap();
    let seen = process.notices.of_subject(tenant, ada).await.unwrap().remove(0);
    let shown = seen.shown.clone().unwrap();
    assert_eq!(shown.text, message.hash());
    assert!(process.notices.unseen(tenant, ada).await.unwrap().is_empty());
    assert_eq!(process.notices.unseen(tenant, bob).await.unwrap().len(), 1);
    // The first time counts.
    world.clock.advance(std::time::Duration::from_secs(60));
    process.notices.shown(tenant, ada, unseen[0].id, &message).await.unwrap();
    let again = process.notices.of_subject(tenant, ada).await.unwrap().remove(0);
    assert_eq!(again, seen);
}

#[tokio::test]
async fn r8_a_message_says_what_can_be_done_and_where_to_complain_in_the_readers_language() {
    let world = World::new(1).await;
    let process = world.process().await;
    let announced = process.notices.announce(OPERATOR, &change(), EFFECTIVE).await.unwrap();
    let english = process.notices.message(announced.id, &Locale::default()).await.unwrap();
    let text = english.document().to_markdown();
    assert!(
        text.starts_with(
            "# Example Publisher Ltd: how we use your data changes on 1 January 2026\n"
        )
    );
    for part in
        ["You need not do anything", "take any of it back", "privacy@publisher.example", "complain"]
    {
        assert!(text.contains(part), "{part}: {text}");
    }
    assert!(!text.contains(CANARY) && !text.contains('{'), "{text}");
    // What changes is said, one by one.
    let told = change().told_sentences(&Catalogue::english());
    assert!(!told.is_empty());
    for sentence in told {
        assert!(sentence.contains("India") && text.contains(&sentence), "{sentence}: {text}");
    }

    let german = "[notice]\ntitle = \"{controller}: Änderung am {date}\"\n[date]\nm1 = \"Januar\"\nday = \"{day}. {month} {year}\"\n";
    let german = Catalogue::parse_with(Locale::new("de").unwrap(), german, &[sentences()]).unwrap();
    let seams =
        (std::sync::Arc::new(world.book.clone()), std::sync::Arc::new(world.mailbox.clone()));
    let notices = bailee_rights::notice::Notices::builder(process.vault.clone(), seams.0, seams.1)
        .catalogue(german)
        .build();
    let message = notices.message(announced.id, &Locale::new("de-AT").unwrap()).await.unwrap();
    assert_eq!(message.title(), "Example Publisher Ltd: Änderung am 1. Januar 2026");
    assert!(
        message.document().to_markdown().contains("You need not do anything"),
        "what is left out is English"
    );
    assert_ne!(message.hash(), english.hash());
}
