//! What a hold may say, and what it keeps.

use bailee_core::{ErrorKind, Id, SubjectId};
use bailee_rights::{
    hold::{Covers, Placing},
    request::Reason,
};

use crate::world::{ACME, DAY, REVIEWER, World};

fn sets(names: &[&str]) -> Covers {
    Covers::Sets(names.iter().map(|name| (*name).to_owned()).collect())
}

#[tokio::test]
async fn r3_a_hold_keeps_the_sets_that_it_names_until_its_end_and_nothing_else() {
    let w = World::new().await;
    let bob = w.vault.ensure_subject(&ACME, &bailee_core::HostId::text("bob")).await.unwrap();
    let placing = w.placing(sets(&["bills"]), 400).filed_as("AG Mitte 12 C 34/26");
    let hold = w.holds.place(&ACME, w.ada, &placing).await.unwrap();
    let covering = async |subject, set, now| {
        let found = w.holds.covering(&ACME, subject, set, now).await.unwrap();
        found.into_iter().map(|hold| hold.id).collect::<Vec<_>>()
    };
    let end = hold.until;
    assert_eq!(covering(w.ada, "bills", w.days(0)).await, [hold.id]);
    assert!(covering(w.ada, "account", w.days(0)).await.is_empty());
    assert!(covering(bob, "bills", w.days(0)).await.is_empty());
    // Over is over, also before anybody noted it.
    let last = bailee_core::Timestamp::from_micros(end.as_micros() - 1);
    assert_eq!(covering(w.ada, "bills", last).await, [hold.id]);
    assert!(covering(w.ada, "bills", end).await.is_empty());

    let all = w.holds.place(&ACME, w.ada, &w.placing(Covers::All, 30)).await.unwrap();
    assert_eq!(covering(w.ada, "account", w.days(29)).await, [all.id]);
    assert!(covering(w.ada, "account", w.days(30)).await.is_empty());
    let standing = w.holds.standing(&ACME).await.unwrap();
    assert_eq!(standing.len(), 2);
    let kept = w.holds.of_subject(&ACME, w.ada).await.unwrap();
    let kept = kept.into_iter().find(|kept| kept.id == hold.id).unwrap();
    assert_eq!(kept, hold);
    assert_eq!(kept.reference.as_deref(), Some("AG Mitte 12 C 34/26"));
    assert_eq!((kept.reason.article(), kept.reviewer), ("Art. 17(3)(e) GDPR", REVIEWER));
}

#[tokio::test]
async fn r3_a_hold_without_an_end_a_reason_of_law_or_a_declared_set_is_refused() {
    let w = World::new().await;
    let refused = async |placing: Placing| {
        let error = w.holds.place(&ACME, w.ada, &placing).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput, "{placing:?}");
    };
    let with = |reason, days, sentence: &str| {
        Placing::new(Covers::All, reason, REVIEWER, w.days(days), sentence)
    };
    let good = "We keep what a court has asked us to keep.";
    for reason in Reason::ALL {
        let placed = w.holds.place(&ACME, w.ada, &with(reason, 10, good)).await;
        assert_eq!(placed.is_ok(), reason.holds_erasure(), "{reason:?}");
    }
    refused(w.placing(sets(&["no such set"]), 10)).await;
    refused(w.placing(sets(&[]), 10)).await;
    refused(w.placing(Covers::All, 0)).await;
    refused(w.placing(Covers::All, 3_654)).await;
    assert!(w.holds.place(&ACME, w.ada, &w.placing(Covers::All, 3_653)).await.is_ok());
    refused(with(Reason::LegalDuty, 10, "short")).await;
    refused(with(Reason::LegalDuty, 10, &"long ".repeat(101))).await;
    refused(with(Reason::LegalDuty, 10, "We keep what ada@people.example asked.")).await;
    refused(with(Reason::LegalDuty, 10, "We keep what a court\nhas asked us.")).await;
    for reference in ["", "ada@people.example", "a;b", &"1".repeat(65)] {
        refused(w.placing(Covers::All, 10).filed_as(reference)).await;
    }
}

#[tokio::test]
async fn a_hold_is_placed_on_somebody_who_is_there() {
    let w = World::new().await;
    let nobody = SubjectId::from_id(Id::from_bytes([1; 16]));
    let error = w.holds.place(&ACME, nobody, &w.placing(Covers::All, 9)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    w.erase(w.ada).await;
    let error = w.holds.place(&ACME, w.ada, &w.placing(Covers::All, 9)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Shredded);
}

#[tokio::test]
async fn r3_the_log_knows_of_every_act_on_a_hold_and_names_nobody() {
    let w = World::new().await;
    let hold = w.holds.place(&ACME, w.ada, &w.placing(Covers::All, 60)).await.unwrap();
    w.clock.advance(DAY * 31);
    w.settle().await;
    w.holds.renew(&ACME, hold.id, Id::from_bytes([9; 16]), w.days(100)).await.unwrap();
    w.holds.lift(&ACME, hold.id, Id::from_bytes([9; 16])).await.unwrap();
    let entries = w.entries().await;
    let events: Vec<_> = entries.iter().map(|logged| logged.entry.event()).collect();
    for event in
        ["rights.hold_placed", "rights.hold_due", "rights.hold_renewed", "rights.hold_ended"]
    {
        assert!(events.contains(&event), "{event}: {events:?}");
    }
    for logged in &entries {
        assert!(bailee_audit::check(&logged.entry).is_ok(), "{:?}", logged.entry);
        let text = format!("{:?}", logged.entry);
        assert!(!text.contains("canary") && !text.contains("court"), "{text}");
    }
}
