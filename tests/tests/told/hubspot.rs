//! HubSpot: erasures by webhook, and the end of an installation in the journal.

use std::{sync::Arc, time::Duration};

use bailee::{
    ConnectionState, Happened, RequestKind, WithdrawalReason, core::Clock, providers::hubspot,
};
use bailee_testkit::emulator::{
    Account, Endpoint, Fault,
    hubspot::{HubSpot, JournalEnd},
};

use crate::{ignored, kept, scene::Scene, table::HUBSPOT};

const PORTAL: u64 = 4711;

/// A world in which the journal is read, with an account of the portal and one of another.
async fn journal(change: impl FnOnce(&mut HubSpot)) -> Scene {
    let provider = Arc::new(hubspot::HubSpot::new().reading_journal());
    let scene = Scene::build(HUBSPOT, provider, |site| {
        assert!(site.switches(change));
        site.add_account(Account::new("ada").fact("hub_id", PORTAL));
        site.add_account(Account::new("bob").fact("hub_id", PORTAL));
    });
    scene.await
}

fn note(scene: &Scene, change: impl FnOnce(&mut HubSpot, i64)) {
    let now = scene.world.clock.now().as_seconds();
    assert!(scene.site().switches(|hubspot: &mut HubSpot| change(hubspot, now)));
}

/// Lets the time for the next look at the journal come.
async fn look(scene: &Scene) {
    scene.world.advance(Duration::from_secs(330));
    scene.world.settle().await;
}

#[tokio::test]
async fn an_erased_contact_is_a_request_of_everybody_who_connected_the_portal() {
    for (first, attempt) in [(false, 0), (true, 3)] {
        let scene = Scene::playing(HUBSPOT, |site| {
            assert!(site.switches(|hubspot: &mut HubSpot| {
                hubspot.deletion_first = first;
                hubspot.attempt = attempt;
            }));
            site.add_account(Account::new("ada").fact("hub_id", PORTAL));
            site.add_account(Account::new("bob").fact("hub_id", PORTAL));
        });
        let scene = scene.await;
        let mut here = Vec::new();
        for name in ["ada", "bob"] {
            here.push(scene.connect(&scene.world.visitor(name), name).await);
        }
        let graces = scene.connect(&scene.world.visitor("grace"), "grace").await;
        scene.world.settle().await;
        assert_eq!(kept(&scene.told("contact.privacyDeletion", "ada").await), (200, ""));
        let requests = scene.requests().await;
        assert_eq!(requests.len(), 2, "one for each, and the deletion beside it is none");
        for connection in &here {
            let request = requests.iter().find(|one| one.connection == *connection).unwrap();
            assert_eq!((request.kind, request.subject), (RequestKind::OthersErasure, None));
            assert_eq!(request.details, [("contact".to_owned(), "501".to_owned())]);
        }
        assert_eq!(scene.happened(&graces), [Happened::Connected]);

        // Another attempt has another number and is the same batch.
        scene.site().switches(|hubspot: &mut HubSpot| hubspot.attempt += 1);
        let again = scene.told("contact.privacyDeletion", "ada").await;
        assert!(matches!(again.outcome, bailee::SignalOutcome::Repeated), "{:?}", again.outcome);
        assert_eq!(scene.requests().await.len(), 2);
        assert_eq!(ignored(&scene.told("contact.deletion", "ada").await), (200, ""));
        kept(&scene.told("conversation.privacyDeletion", "ada").await);
        let requests = scene.requests().await;
        let conversation = [("conversation".to_owned(), "77".to_owned())];
        assert_eq!(requests.iter().filter(|one| one.details == conversation).count(), 2);
        scene.assert_clean().await;
    }
}

#[tokio::test]
async fn an_uninstallation_in_the_journal_ends_all_that_is_connected_of_the_portal() {
    for (words, end) in
        [(false, JournalEnd::NoContent), (true, JournalEnd::Nothing), (false, JournalEnd::NotFound)]
    {
        let scene = journal(|hubspot| {
            hubspot.journal_in_words_of_webhooks = words;
            hubspot.journal_end = end;
        });
        let scene = scene.await;
        let mut people = Vec::new();
        for name in ["ada", "bob", "grace"] {
            let visitor = scene.world.visitor(name);
            let connection = scene.connect(&visitor, name).await;
            people.push((visitor, connection));
        }
        scene.world.settle().await;
        note(&scene, |hubspot, now| hubspot.journal_install(PORTAL, now));
        look(&scene).await;
        for (visitor, connection) in &people {
            assert_eq!(scene.state(visitor, connection).await, Some(ConnectionState::Active));
        }
        note(&scene, |hubspot, now| {
            hubspot.journal_erasure(PORTAL, 99, now);
            hubspot.journal_uninstall(PORTAL, now);
        });
        for name in ["ada", "bob"] {
            scene.site().withdraw(name, HUBSPOT.client);
        }
        look(&scene).await;
        let requests = scene.requests().await;
        assert_eq!(requests.len(), 2, "{words} {end:?}");
        for (visitor, connection) in &people[..2] {
            assert_eq!(scene.state(visitor, connection).await, None, "{words} {end:?}");
            let reason = WithdrawalReason::AccessRemoved;
            assert_eq!(scene.happened(connection).last(), Some(&Happened::Withdrawn { reason }));
            let request = requests.iter().find(|one| one.connection == *connection).unwrap();
            assert_eq!(request.details, [("contact".to_owned(), "99".to_owned())]);
        }
        let (grace, graces) = &people[2];
        assert_eq!(scene.state(grace, graces).await, Some(ConnectionState::Active));

        // It is read once, by whichever process.
        let before = scene.seen().await;
        for _ in 0..3 {
            look(&scene).await;
        }
        assert_eq!(scene.seen().await, before);
        scene.assert_clean().await;
    }
}

#[tokio::test]
async fn a_journal_that_cannot_be_read_is_read_from_the_same_place_later() {
    let scene = journal(|_| {}).await;
    let ada = scene.world.visitor("ada");
    let hers = scene.connect(&ada, "ada").await;
    scene.world.settle().await;
    note(&scene, |hubspot, now| hubspot.journal_uninstall(PORTAL, now));
    scene.site().withdraw("ada", HUBSPOT.client);
    scene.site().fault(Endpoint::Api, Fault::Status(503).times(50));
    look(&scene).await;
    assert_eq!(scene.state(&ada, &hers).await, Some(ConnectionState::Active));
    scene.site().clear_faults();
    look(&scene).await;
    look(&scene).await;
    assert_eq!(scene.state(&ada, &hers).await, None);
    scene.assert_clean().await;
}
