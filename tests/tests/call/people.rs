//! Who uses a connection: its person, members, agents, schedules; and connections of a tenant.

use bailee::{
    BeginOptions, ErrorKind, Owner, Remedy, Who,
    core::{Id, audit::Field},
    providers::tiktok::CreatorInfo,
};
use bailee_testkit::emulator::Decision;
use bailee_tests::{NOTES, PUBLISH, watched_world, world};

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn a_member_uses_a_persons_connection_only_while_the_host_says_so() {
    let w = world().build().await.unwrap();
    let (ada, grace) = (w.visitor("ada"), w.visitor("grace"));
    let connection = w.connect(&ada, "notes", &[NOTES]).await.unwrap();
    let acting = w.bailee.acting(&grace, &NOTES);
    let error = acting.call(&connection, &WriteNote("denied")).await.unwrap_err();
    assert_eq!((error.kind(), error.remedy()), (ErrorKind::Denied, Remedy::None));
    let known = w.bailee.vault().subject(&ACME, grace.person()).await.unwrap();
    assert_eq!(known, None, "whoever was refused left nothing behind");

    // Grace never connected anything herself; the host lets her in all the same.
    w.access.let_in(grace.person(), &ACME);
    acting.call(&connection, &WriteNote("allowed")).await.unwrap();
    let grace_id = w.bailee.vault().subject(&ACME, grace.person()).await.unwrap().unwrap();
    for event in ["call.effect_intended", "call.effect_done"] {
        let entry = entries(&w, event).await.pop().unwrap();
        assert_eq!(entry.subject(), Some(subject(&connection)), "it is about Ada's data");
        assert_eq!(entry.field("actor"), Some(&Field::Word("member".into())));
        assert_eq!(entry.field("member"), Some(&Field::Id(grace_id.id())));
    }
    // What counts is whether the person whose data it is agreed.
    withdraw(&w, subject(&connection), NOTES, NOTES_PROVIDER).await;
    let error = acting.call(&connection, &WriteNote("withdrawn")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConsentMissing);
    assert_eq!(notes(&w).notes().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_who_was_removed_is_denied_at_the_next_call() {
    let w = world().build().await.unwrap();
    let ada = w.visitor("ada");
    let connection = w.connect(&ada, "notes", &[NOTES]).await.unwrap();
    let acting = w.bailee.acting(&ada, &NOTES);
    acting.call(&connection, &WriteNote("one")).await.unwrap();
    w.access.remove(ada.person(), &ACME);
    let error = acting.call(&connection, &WriteNote("two")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Denied);
    assert_eq!(error.connection(), Some(connection.connection()));
    assert_eq!(notes(&w).notes().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_was_not_seen_for_a_minute_is_found_in_the_gates_own_read() {
    let (w, store) = watched_world().await;
    let ada = w.visitor("ada");
    let connection = w.connect(&ada, "tiktok", &[PUBLISH]).await.unwrap();
    let acting = w.bailee.acting(&ada, &PUBLISH);
    acting.call(&connection, &CreatorInfo).await.unwrap();
    // The host lets her use what is hers, and is told who she is.
    w.advance(std::time::Duration::from_secs(61));
    acting.call(&connection, &CreatorInfo).await.unwrap();
    // Nothing but the gate reads for somebody whom the host does not let in.
    w.access.remove(ada.person(), &ACME);
    for (seconds, reads) in [(0, 1), (61, 2), (0, 1), (61, 2)] {
        w.advance(std::time::Duration::from_secs(seconds));
        let before = store.asked();
        let error = acting.call(&connection, &CreatorInfo).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Denied);
        let after = store.asked();
        assert_eq!(after.reads - before.reads, reads, "the tenant's keys once a minute");
        assert_eq!((after.finds, after.commits), (before.finds, before.commits));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_that_cannot_answer_is_a_no_with_its_error_as_the_source() {
    let w = world().build().await.unwrap();
    let ada = w.visitor("ada");
    let connection = w.connect(&ada, "notes", &[NOTES]).await.unwrap();
    w.access.break_down(true);
    let acting = w.bailee.acting(&ada, &NOTES);
    let error = acting.call(&connection, &WriteNote("x")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::HostFailed);
    let source = std::error::Error::source(&error).unwrap().to_string();
    assert_eq!(source, "the host's database is down");
    assert!(!error.to_string().contains("database"), "it stays in the chain: {error}");
    let error = w.bailee.connections().status(&ada, &connection).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::HostFailed);
    w.access.break_down(false);
    acting.call(&connection, &WriteNote("x")).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn agents_and_schedules_act_for_a_person_and_are_named_in_the_log() {
    let w = world().build().await.unwrap();
    let ada = w.visitor("ada");
    let connection = w.connect(&ada, "notes", &[NOTES]).await.unwrap();
    let (run, schedule) = (Id::from_bytes([1; 16]), Id::from_bytes([2; 16]));
    let agent = Who::Agent { visitor: ada.clone(), run };
    let person = ada.person().clone();
    let planned = Who::Schedule { tenant: ACME, person, schedule };
    for (who, word, field, id) in
        [(agent, "agent", "run", run), (planned, "schedule", "schedule", schedule)]
    {
        w.advance(std::time::Duration::from_secs(1));
        w.bailee.acting(who.clone(), &NOTES).call(&connection, &WriteNote("x")).await.unwrap();
        let entry = entries(&w, "call.effect_done").await.pop().unwrap();
        assert_eq!(entry.field("actor"), Some(&Field::Word(word.into())));
        assert_eq!(entry.field(field), Some(&Field::Id(id)));
        assert_eq!(entry.field("for"), Some(&Field::Id(subject(&connection).id())));
        // They may do what the person may, and no more.
        let error = w.bailee.acting(who.clone(), &PUBLISH).call(&connection, &CreatorInfo).await;
        assert_eq!(error.unwrap_err().kind(), ErrorKind::InvalidInput);
    }
    let mut all: Vec<_> = Vec::new();
    w.access.remove(ada.person(), &ACME);
    for who in [
        Who::Agent { visitor: ada.clone(), run },
        Who::Schedule { tenant: ACME, person: ada.person().clone(), schedule },
    ] {
        let error = w.bailee.acting(who, &NOTES).call(&connection, &WriteNote("x")).await;
        all.push(error.unwrap_err().kind());
    }
    assert_eq!(all, [ErrorKind::Denied, ErrorKind::Denied], "nor longer than the person may");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_of_a_tenant_asks_for_the_consent_of_whoever_uses_it() {
    let w = world().build().await.unwrap();
    let (ada, grace) = (w.visitor("ada"), w.visitor("grace"));
    let mut options = BeginOptions::default();
    options.for_tenant = true;
    let completed =
        w.connect_as(&ada, "notes", &[NOTES], options, Decision::Allow, "ada").await.unwrap();
    let connection = completed.unwrap().connection;
    assert_eq!(connection.owner(), Owner::Tenant);
    w.bailee.acting(&ada, &NOTES).call(&connection, &WriteNote("by ada")).await.unwrap();

    let by_grace = w.bailee.acting(&grace, &NOTES);
    let error = by_grace.call(&connection, &WriteNote("too early")).await.unwrap_err();
    assert_eq!((error.kind(), error.remedy()), (ErrorKind::ConsentMissing, Remedy::AskConsent));
    let connections = w.bailee.connections();
    let told = connections.explain_use(&grace, &connection, &[NOTES]).await.unwrap();
    connections.agree(&grace, &connection, &[NOTES], told.hash()).await.unwrap();
    by_grace.call(&connection, &WriteNote("by grace")).await.unwrap();

    // Ada's word is about her own use alone.
    connections.withdraw_use(&ada, &NOTES_PROVIDER, &[NOTES]).await.unwrap();
    let error = w.bailee.acting(&ada, &NOTES).call(&connection, &WriteNote("x")).await;
    assert_eq!(error.unwrap_err().kind(), ErrorKind::ConsentMissing);
    by_grace.call(&connection, &WriteNote("by grace")).await.unwrap();

    // Another tenant's people see nothing of it, and it can be ended by a member.
    let far = w.visitor_in("globex", "hal");
    let error = w.bailee.acting(&far, &NOTES).call(&connection, &WriteNote("x")).await;
    assert_eq!(error.unwrap_err().kind(), ErrorKind::NotFound);
    let hopper = w.visitor("hopper");
    let receipt = w.bailee.connections().disconnect(&hopper, &connection).await.unwrap();
    assert!(receipt.confirmed);
    let error = by_grace.call(&connection, &WriteNote("x")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    assert_eq!(notes(&w).notes().len(), 3);
}
