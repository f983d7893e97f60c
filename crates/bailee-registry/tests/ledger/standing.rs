//! One commit with the standing, rebuilt, in races, and without a name in the log.

use std::{sync::Arc, time::Duration};

use bailee_core::{
    Actor, Clock, ErrorKind, HostId, Id, ManualClock, ProviderId, Remedy, SubjectId, TenantId,
    audit::Field,
};
use bailee_registry::{
    Choice, ConsentState, Decision, Declaration, Denial, Given, How, RestrictionGround, Standing,
    kind,
};
use bailee_store::{Expect, Log, Op, Query, Store, Window};
use bailee_vault::{Draft, Holder};
use tokio::sync::Barrier;

use crate::desk::{ABUSE, ACME, CANARY, Desk, EXAMPLE, NOTES, PUBLISH, SAVE, TIKTOK};

const RESTRICTED: Choice =
    Choice::RestrictionBegun { ground: RestrictionGround::AccuracyContested };
const RELEASED: Choice = Choice::RestrictionEnded { ground: None, told: None };

fn objection(integration: Option<ProviderId>) -> Choice {
    Choice::ObjectionMade { purpose: ABUSE, integration }
}

#[tokio::test]
async fn a_consent_is_one_commit_of_its_record_the_standing_and_the_entry() {
    let desk = Desk::new().await;
    assert_eq!(desk.decide(&PUBLISH, &TIKTOK).await, Decision::Needs(Remedy::AskConsent));
    let view = desk.view().await;
    let before = view.standing_record().unwrap().version;
    let given = desk.given(TIKTOK, &[PUBLISH, ABUSE, PUBLISH]);
    let change = desk.ledger.give(&ACME, &view, &given).await.unwrap();
    assert_eq!((change.ops.len(), change.entries.len()), (3, 2));
    // The standing is written over the version that was read: that is the fence.
    let fenced = change.ops.iter().filter(
        |op| matches!(op, Op::Put { expect: Expect::Version(version), .. } if *version == before),
    );
    assert_eq!(fenced.count(), 1);
    let standing = change.standing.clone();
    desk.commit(change).await.unwrap();
    assert_eq!(desk.standing().await, standing);
    let consent = standing.consent(&PUBLISH, &TIKTOK).unwrap();
    assert_eq!((consent.state, consent.version), (ConsentState::Given, Some([1; 32])));
    assert_eq!(consent.at, desk.clock.now());
    assert_eq!(desk.decide(&PUBLISH, &TIKTOK).await, Decision::Allowed);
}

#[tokio::test]
async fn a_consent_holds_for_its_purpose_and_its_integration_alone() {
    let desk = Desk::new().await;
    desk.give(NOTES, &[SAVE]).await;
    desk.give(NOTES, &[PUBLISH]).await;
    assert_eq!(desk.decide(&SAVE, &NOTES).await, Decision::Allowed);
    assert_eq!(desk.decide(&PUBLISH, &TIKTOK).await, Decision::Needs(Remedy::AskConsent));
    let declaration = Declaration::parse(EXAMPLE).unwrap();
    let own =
        desk.standing().await.decide(declaration.purpose(&SAVE).unwrap(), None, desk.clock.now());
    assert_eq!(own, Decision::Needs(Remedy::AskConsent));
}

#[tokio::test]
async fn a_withdrawn_consent_is_asked_again_and_can_be_given_again() {
    let desk = Desk::new().await;
    desk.give(TIKTOK, &[PUBLISH]).await;
    desk.withdraw(&TIKTOK, &PUBLISH).await;
    assert_eq!(desk.decide(&PUBLISH, &TIKTOK).await, Decision::Needs(Remedy::AskConsent));
    let standing = desk.standing().await;
    let consent = standing.consent(&PUBLISH, &TIKTOK).unwrap();
    assert_eq!((consent.state, consent.version), (ConsentState::Withdrawn, Some([1; 32])));
    let error = standing.decide(
        Declaration::parse(EXAMPLE).unwrap().purpose(&PUBLISH).unwrap(),
        &TIKTOK,
        desk.clock.now(),
    );
    let error = error.require().unwrap_err();
    assert_eq!((error.kind(), error.remedy()), (ErrorKind::ConsentMissing, Remedy::AskConsent));
    desk.give(TIKTOK, &[PUBLISH]).await;
    assert_eq!(desk.decide(&PUBLISH, &TIKTOK).await, Decision::Allowed);
}

#[tokio::test]
async fn withdrawing_an_integration_leaves_the_others() {
    let desk = Desk::new().await;
    desk.give(TIKTOK, &[PUBLISH, ABUSE]).await;
    desk.give(NOTES, &[SAVE]).await;
    let view = desk.view().await;
    let change = desk.ledger.withdraw_all(&ACME, &view, &TIKTOK, &Actor::System).await.unwrap();
    assert_eq!(change.entries.len(), 2);
    desk.commit(change).await.unwrap();
    assert_eq!(desk.decide(&PUBLISH, &TIKTOK).await, Decision::Needs(Remedy::AskConsent));
    assert_eq!(desk.decide(&SAVE, &NOTES).await, Decision::Allowed);
    // Nothing is left to withdraw, and nothing is written for it.
    let view = desk.view().await;
    let change = desk.ledger.withdraw_all(&ACME, &view, &TIKTOK, &Actor::System).await.unwrap();
    assert!(change.ops.is_empty() && change.entries.is_empty());
}

#[tokio::test]
async fn some_purposes_are_taken_back_in_one_commit_and_the_others_stay() {
    let desk = Desk::new().await;
    desk.give(TIKTOK, &[PUBLISH, ABUSE]).await;
    desk.give(NOTES, &[SAVE]).await;
    // What was agreed to through another integration, or not at all, is not taken back here.
    let asked = [PUBLISH, SAVE, PUBLISH];
    let view = desk.view().await;
    let change = desk.ledger.withdraw_purposes(&ACME, &view, &asked, &TIKTOK, &desk.me()).await;
    let change = change.unwrap();
    assert_eq!(change.entries.len(), 1);
    desk.commit(change).await.unwrap();
    assert_eq!(desk.decide(&PUBLISH, &TIKTOK).await, Decision::Needs(Remedy::AskConsent));
    let view = desk.view().await;
    let again = desk.ledger.withdraw_purposes(&ACME, &view, &asked, &TIKTOK, &desk.me()).await;
    assert!(again.unwrap().ops.is_empty(), "once is enough");
    assert_eq!(desk.decide(&SAVE, &NOTES).await, Decision::Allowed);
    let standing = desk.standing().await;
    assert_eq!(standing.consent(&ABUSE, &TIKTOK).unwrap().state, ConsentState::Given);
}

#[tokio::test]
async fn other_bases_hold_without_consent_until_the_person_objects() {
    let desk = Desk::new().await;
    assert_eq!(desk.decide(&ABUSE, &TIKTOK).await, Decision::Allowed);
    desk.record(objection(Some(TIKTOK))).await;
    assert_eq!(desk.decide(&ABUSE, &TIKTOK).await, Decision::Denied(Denial::Objected));
    assert_eq!(desk.decide(&ABUSE, &NOTES).await, Decision::Allowed);
    let ended = Choice::ObjectionEnded { purpose: ABUSE, integration: Some(TIKTOK) };
    desk.record(ended).await;
    assert_eq!(desk.decide(&ABUSE, &TIKTOK).await, Decision::Allowed);
    desk.record(objection(None)).await;
    assert_eq!(desk.decide(&ABUSE, &TIKTOK).await, Decision::Denied(Denial::Objected));
    assert_eq!(desk.decide(&ABUSE, &NOTES).await, Decision::Denied(Denial::Objected));
}

#[tokio::test]
async fn a_restriction_stops_everything_also_what_was_agreed_to() {
    let desk = Desk::new().await;
    desk.give(TIKTOK, &[PUBLISH]).await;
    desk.record(RESTRICTED).await;
    let since = desk.clock.now();
    desk.clock.advance(Duration::from_secs(60));
    desk.record(RESTRICTED).await;
    assert_eq!(desk.standing().await.restriction().unwrap().since, since);
    for purpose in [&PUBLISH, &ABUSE] {
        assert_eq!(desk.decide(purpose, &TIKTOK).await, Decision::Denied(Denial::Restricted));
    }
    desk.record(RELEASED).await;
    assert_eq!(desk.decide(&PUBLISH, &TIKTOK).await, Decision::Allowed);
}

#[test]
fn whoever_was_erased_is_denied_whatever_else_stands() {
    let declaration = Declaration::parse(EXAMPLE).unwrap();
    let now = ManualClock::default().now();
    let standing = Standing::of_erased(now);
    for purpose in declaration.purposes() {
        assert_eq!(standing.decide(purpose, &TIKTOK, now), Decision::Denied(Denial::Erased));
        let error = standing.decide(purpose, None, now).require().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Denied);
    }
}

#[tokio::test]
async fn nobody_but_the_person_gives_a_consent_on_a_page() {
    let desk = Desk::new().await;
    let view = desk.view().await;
    let bob = SubjectId::from_id(Id::from_bytes([7; 16]));
    let operator = Actor::Operator { operator: Id::from_bytes([8; 16]) };
    let run = Id::from_bytes([9; 16]);
    for (by, how) in [
        (Actor::Subject { subject: bob }, How::Page),
        (Actor::Member { subject: desk.ada }, How::Page),
        (Actor::Agent { subject: desk.ada, run }, How::Terminal),
        (Actor::Schedule { subject: desk.ada, schedule: run }, How::Page),
        (Actor::System, How::Written),
        (operator.clone(), How::Page),
        (Actor::Provider { provider: TIKTOK }, How::Imported),
    ] {
        let given = Given { by, how, ..desk.given(TIKTOK, &[PUBLISH]) };
        let error = desk.ledger.give(&ACME, &view, &given).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Denied, "{given:?}");
    }
    let written = Given { by: operator, how: How::Written, ..desk.given(TIKTOK, &[PUBLISH]) };
    desk.commit(desk.ledger.give(&ACME, &view, &written).await.unwrap()).await.unwrap();
    let nothing = desk.given(TIKTOK, &[]);
    let error = desk.ledger.give(&ACME, &view, &nothing).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
}

#[tokio::test]
async fn a_view_of_another_tenant_or_of_nobody_is_refused() {
    let desk = Desk::new().await;
    let given = desk.given(TIKTOK, &[PUBLISH]);
    let other = TenantId::from_static("other");
    let error = desk.ledger.give(&other, &desk.view().await, &given).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    desk.vault.ensure_owner(&ACME).await.unwrap();
    let view = desk.vault.read(&ACME, Holder::Tenant, &[]).await.unwrap();
    let error = desk.ledger.give(&ACME, &view, &given).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
}

#[tokio::test]
async fn the_standing_rebuilt_from_the_ledger_is_the_stored_one() {
    let desk = Desk::new().await;
    // The clock stands still for some of it: the order is not that of time.
    desk.give(TIKTOK, &[PUBLISH, ABUSE]).await;
    desk.withdraw(&TIKTOK, &PUBLISH).await;
    desk.give(TIKTOK, &[PUBLISH]).await;
    desk.withdraw(&TIKTOK, &PUBLISH).await;
    desk.record(objection(None)).await;
    desk.clock.advance(Duration::from_secs(1));
    desk.record(Choice::ObjectionEnded { purpose: ABUSE, integration: None }).await;
    desk.record(objection(Some(NOTES))).await;
    desk.give(NOTES, &[SAVE]).await;
    desk.record(RESTRICTED).await;
    // Clocks may also go back.
    desk.clock.jump_to(desk.clock.now().minus(Duration::from_secs(3600)));
    desk.withdraw(&NOTES, &SAVE).await;
    desk.give(NOTES, &[SAVE]).await;
    let history = desk.ledger.history(&ACME, desk.ada).await.unwrap();
    assert_eq!(history.len(), 12);
    let stored = desk.standing().await;
    assert_eq!(Standing::fold(&history), stored);
    assert_eq!(Standing::fold(history.iter().rev()), stored);
    assert_ne!(Standing::fold(&history[..11]), stored);
    let words: Vec<_> = history.iter().map(|record| format!("{:?}", record.choice)).collect();
    assert!(words[2].starts_with("ConsentWithdrawn(PurposeId(publish.video)"), "{words:?}");
    assert!(words[11].starts_with("ConsentGiven(PurposeId(notes.save)"), "{words:?}");
}

#[tokio::test]
async fn the_host_id_of_the_person_outlives_every_writing_of_the_standing() {
    let desk = Desk::new().await;
    desk.give(TIKTOK, &[PUBLISH]).await;
    desk.withdraw(&TIKTOK, &PUBLISH).await;
    let person = desk.vault.person(&ACME, desk.ada).await.unwrap();
    assert_eq!(person, HostId::text(CANARY));
    let found = desk.vault.subject(&ACME, &HostId::text(CANARY)).await.unwrap();
    assert_eq!(found, Some(desk.ada));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_writers_one_wins_and_the_other_can_do_it_again() {
    let desk = Arc::new(Desk::new().await);
    let barrier = Arc::new(Barrier::new(2));
    let writers = [(TIKTOK, PUBLISH), (NOTES, SAVE)].map(|(provider, purpose)| {
        let (desk, barrier) = (Arc::clone(&desk), Arc::clone(&barrier));
        tokio::spawn(async move {
            let view = desk.view().await;
            let given = desk.given(provider.clone(), std::slice::from_ref(&purpose));
            let change = desk.ledger.give(&ACME, &view, &given).await.unwrap();
            barrier.wait().await;
            match desk.commit(change).await {
                Ok(()) => false,
                Err(error) => {
                    assert_eq!(error.kind(), ErrorKind::Conflict);
                    desk.give(provider, &[purpose]).await;
                    true
                }
            }
        })
    });
    let mut conflicts = 0;
    for writer in writers {
        conflicts += usize::from(writer.await.unwrap());
    }
    assert_eq!(conflicts, 1);
    assert_eq!(desk.decide(&PUBLISH, &TIKTOK).await, Decision::Allowed);
    assert_eq!(desk.decide(&SAVE, &NOTES).await, Decision::Allowed);
    // The loser's first attempt left nothing behind.
    assert_eq!(desk.ledger.history(&ACME, desk.ada).await.unwrap().len(), 2);
}

/// Writes the standing as a newer release would.
async fn write_newer(desk: &Desk, json: &str) {
    let view = desk.view().await;
    let record = view.standing_record().unwrap();
    let draft = Draft::new(record.key.clone(), Holder::Subject(desk.ada))
        .facts(Standing::SCHEMA + 1, json.as_bytes().to_vec())
        .keep("host");
    let op = desk.vault.put(&ACME, draft, Some(record)).await.unwrap();
    let entry = bailee_core::audit::Entry::new("consent.given", desk.clock.now());
    let batch = desk.vault.batch().unwrap().op(op).audit(entry);
    desk.vault.commit(&ACME, batch).await.unwrap();
}

#[tokio::test]
async fn a_standing_of_a_newer_release_is_read_and_never_written_over() {
    let desk = Desk::new().await;
    let newer = r#"{"consents":{"tiktok":{
        "publish.video":{"state":"given","at":1,"version":"v2:zz","more":[1]},
        "abuse":{"state":"dreamt","at":1}},
        "No Provider":{"publish.video":{"state":"given","at":1}}},
        "age":{"band":"adult","at":1,"method":"oracle"},"wishes":{"x":1}}"#;
    write_newer(&desk, newer).await;
    assert_eq!(desk.decide(&PUBLISH, &TIKTOK).await, Decision::Allowed);
    let standing = desk.standing().await;
    // A state that this release does not know is not a consent.
    assert_eq!(standing.consent(&ABUSE, &TIKTOK).unwrap().state, ConsentState::Unknown);
    assert_eq!(standing.to_json().unwrap_err().kind(), ErrorKind::UnknownSchema);
    let view = desk.view().await;
    let given = desk.given(TIKTOK, &[PUBLISH]);
    let error = desk.ledger.give(&ACME, &view, &given).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::UnknownSchema);
    let error =
        desk.ledger.withdraw(&ACME, &view, &PUBLISH, Some(&TIKTOK), &desk.me()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::UnknownSchema);
}

#[tokio::test]
async fn what_a_newer_release_knows_more_of_denies() {
    let given = r#""consents":{"tiktok":{"publish.video":{"state":"given","at":1}}}"#;
    let table = [
        (r#""age":{"band":"toddler","at":1}"#, Decision::Denied(Denial::AgeUnknown)),
        (
            r#""restriction":{"since":1,"grounds":["weather"]}"#,
            Decision::Denied(Denial::Restricted),
        ),
        (
            r#""objections":{"*":["publish.video"]},"outcomes":{"*":{"publish.video":"mixed"}}"#,
            Decision::Denied(Denial::Objected),
        ),
    ];
    for (more, decision) in table {
        let desk = Desk::new().await;
        write_newer(&desk, &format!("{{{given},{more}}}")).await;
        assert_eq!(desk.decide(&PUBLISH, &TIKTOK).await, decision, "{more}");
    }
}

#[tokio::test]
async fn a_newer_standing_that_cannot_be_read_at_all_is_no_consent() {
    // The second is an objection to a use that this release does not know.
    for json in ["{\"consents\":7}", "{\"objections\":{\"*\":[\"use:mischief\"]}}"] {
        let desk = Desk::new().await;
        write_newer(&desk, json).await;
        let error = Standing::read(&desk.view().await.standing().unwrap()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::UnknownSchema);
    }
}

#[test]
fn a_standing_of_the_first_release_stays_readable() {
    let golden = include_bytes!("../bodies/standing.1.json");
    let standing = Standing::from_json(1, golden).unwrap();
    assert_eq!(standing.consent(&PUBLISH, &TIKTOK).unwrap().state, ConsentState::Given);
    assert_eq!(standing.consent(&SAVE, &NOTES).unwrap().state, ConsentState::Withdrawn);
    assert_eq!(standing.consent(&PUBLISH, None).unwrap().version, Some([0xab; 32]));
    let declaration = Declaration::parse(EXAMPLE).unwrap();
    let abuse = declaration.purpose(&ABUSE).unwrap();
    assert!(standing.objects_to(abuse, &TIKTOK) && !standing.objects_to(abuse, &NOTES));
    assert!(standing.restriction().is_some());
    // And is what this release writes, byte for byte, without white space.
    assert_eq!(standing.to_json().unwrap(), golden.trim_ascii_end());
    assert_eq!(Standing::default().to_json().unwrap(), b"{}");
    let error = Standing::from_json(1, b"{\"consents\":\"canary\"}").unwrap_err();
    assert!(!format!("{error} {error:?}").contains("canary"));
}

#[tokio::test]
async fn aud_03_no_entry_and_no_column_holds_personal_data() {
    let desk = Desk::new().await;
    desk.give(TIKTOK, &[PUBLISH]).await;
    desk.withdraw(&TIKTOK, &PUBLISH).await;
    desk.record(objection(Some(TIKTOK))).await;
    desk.record(Choice::ObjectionEnded { purpose: ABUSE, integration: Some(TIKTOK) }).await;
    desk.record(RESTRICTED).await;
    desk.record(RELEASED).await;
    let logged = desk.store.entries(&ACME, Window::default()).await.unwrap();
    for event in EVENTS {
        assert_eq!(logged.iter().filter(|logged| logged.entry.event() == event).count(), 1);
    }
    for logged in &logged {
        assert!(!format!("{logged:?}").contains("canary"));
        assert!(logged.entry.sealed().is_none());
    }
    let given = logged.iter().find(|logged| logged.entry.event() == "consent.given").unwrap();
    assert_eq!(given.entry.subject(), Some(desk.ada));
    assert_eq!(given.entry.field("actor"), Some(&Field::from("subject")));
    assert_eq!(given.entry.field("purpose"), Some(&Field::from(&PUBLISH)));
    assert_eq!(given.entry.field("provider"), Some(&Field::from(&TIKTOK)));
    assert_eq!(given.entry.field("version"), Some(&Field::Digest([1; 32])));
    assert_eq!(given.entry.field("digest"), Some(&Field::Digest([2; 32])));
    // What was chosen stands in no column and in no body in the clear.
    let query = Query::of_kind(kind::CONSENT).subject(desk.ada);
    let records = desk.store.find(&ACME, &query).await.unwrap().records;
    assert_eq!(records.len(), 6);
    for record in records {
        let body = String::from_utf8_lossy(record.body.as_bytes()).into_owned();
        assert!(!body.contains("publish") && !body.contains("tiktok"), "{body}");
    }
}

const EVENTS: [&str; 6] = [
    "consent.given",
    "consent.withdrawn",
    "objection.made",
    "objection.ended",
    "restriction.begun",
    "restriction.ended",
];

#[tokio::test]
async fn what_an_erased_person_chose_can_no_longer_be_read() {
    let desk = Desk::new().await;
    desk.give(TIKTOK, &[PUBLISH]).await;
    let ops = desk.vault.destroy_key(&ACME, Holder::Subject(desk.ada)).await.unwrap();
    let entry = bailee_core::audit::Entry::new("key.destroyed", desk.clock.now());
    let batch = desk.vault.batch().unwrap().ops(ops).audit(entry);
    desk.vault.commit(&ACME, batch).await.unwrap();
    let error = desk.ledger.history(&ACME, desk.ada).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::KeyMissing);
}

#[tokio::test]
async fn consents_are_not_recorded_through_the_side_door() {
    let desk = Desk::new().await;
    let view = desk.view().await;
    let choice = Choice::ConsentWithdrawn { purpose: PUBLISH, integration: None };
    let error = desk.ledger.record(&ACME, &view, choice, &desk.me()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
}
