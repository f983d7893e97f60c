//! What a withdrawal ends: the connection that it alone carried, at the provider too, and no other.

use std::time::Duration;

use bailee::{ConnectionState, ErrorKind, Withdrawal, Withdrawn, providers::tiktok::CreatorInfo};
use bailee_testkit::emulator::{Endpoint, Fault, Gate};
use bailee_tests::{NOTES, PUBLISH};

use super::*;

/// The connections that a visitor has left.
async fn left(process: &Bailee, visitor: &Visitor) -> Vec<ConnectionRef> {
    let all = process.connections().of_visitor(visitor).await.unwrap();
    all.into_iter().map(|status| status.connection).collect()
}

fn ended(withdrawn: &Withdrawn) -> Vec<&ConnectionRef> {
    withdrawn.ended.iter().map(|receipt| &receipt.connection).collect()
}

fn uses(integration: ProviderId, purpose: PurposeId) -> Withdrawal {
    Withdrawal::Uses { integration: Some(integration), purposes: vec![purpose] }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_withdrawal_ends_the_connection_that_it_alone_carried_in_every_process() {
    for place in places().await {
        let Place { name, w, other, ada, .. } = &place;
        let grace = w.visitor("grace");
        let notes = w.connect(ada, "notes", &[NOTES]).await.unwrap();
        let tiktok = w.connect(ada, "tiktok", &[PUBLISH]).await.unwrap();
        let graces = w.connect(&grace, "notes", &[NOTES]).await.unwrap();
        save(other, ada, &notes).await.unwrap();
        let (revoked, before) = (w.site("id.example.test").count(Endpoint::Revoke), saved(w));

        let withdrawn =
            w.bailee.choices().withdraw(ada, &uses(NOTES_PROVIDER, NOTES)).await.unwrap();
        assert_eq!(ended(&withdrawn), [&notes], "{name}");
        assert!(withdrawn.ended[0].confirmed, "{name}: the provider was asked");
        assert!(w.site("id.example.test").count(Endpoint::Revoke) > revoked, "{name}");
        let error = save(other, ada, &notes).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotFound, "{name}");
        assert_eq!(saved(w), before, "{name}: nothing left");
        // Neither the person's other account nor anybody else's.
        assert_eq!(left(other, ada).await, std::slice::from_ref(&tiktok), "{name}");
        other.acting(ada, &PUBLISH).call(&tiktok, &CreatorInfo).await.unwrap();
        save(other, &grace, &graces).await.unwrap();

        // By letter, and everything.
        let operator = other.operator_choices(OPERATOR);
        let withdrawn =
            operator.withdraw(&ACME, ada.person(), &Withdrawal::Everything).await.unwrap();
        assert_eq!(ended(&withdrawn), [&tiktok], "{name}");
        assert!(left(&w.bailee, ada).await.is_empty());
        save(other, &grace, &graces).await.unwrap();
        let log = w.audit("acme").await;
        let reasons: Vec<_> = log
            .iter()
            .filter(|logged| logged.entry.event() == "connection.disconnecting")
            .map(|logged| format!("{:?}", logged.entry.field("reason")))
            .collect();
        assert_eq!(reasons.len(), 2);
        assert!(reasons.iter().all(|reason| reason.contains("consent_withdrawn")), "{reasons:?}");
        w.assert_clean_audit(&["acme", "~"]).await;
        w.settle().await;
        let done = w.audited("acme").await;
        let done = done.iter().filter(|event| *event == "connection.disconnected").count();
        assert_eq!(done, 2, "{name}: each ended once");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_something_else_carries_stays() {
    let w = builder().build().await.unwrap();
    let ada = w.visitor("ada");
    let choices = w.bailee.choices();
    let connection = w.connect(&ada, "tiktok", &[PUBLISH, ABUSE]).await.unwrap();
    for what in [
        uses(NOTES_PROVIDER, NOTES),
        uses(TIKTOK, PUBLISH),
        Withdrawal::Purpose(PUBLISH),
        Withdrawal::Integration(TIKTOK),
        Withdrawal::Everything,
    ] {
        let withdrawn = choices.withdraw(&ada, &what).await.unwrap();
        assert!(ended(&withdrawn).is_empty() && withdrawn.ending.is_empty(), "{what:?}");
        assert_eq!(left(&w.bailee, &ada).await, std::slice::from_ref(&connection), "{what:?}");
    }
    let error = w.bailee.acting(&ada, &PUBLISH).call(&connection, &CreatorInfo).await.unwrap_err();
    assert_eq!(
        error.kind(),
        ErrorKind::ConsentMissing,
        "it is used for nothing that they took back"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn each_way_to_name_what_is_taken_back_ends_the_connection_that_rests_on_it() {
    let w = builder().build().await.unwrap();
    let ada = w.visitor("ada");
    let choices = w.bailee.choices();
    for what in [
        uses(NOTES_PROVIDER, NOTES),
        Withdrawal::Purpose(NOTES),
        Withdrawal::Integration(NOTES_PROVIDER),
        Withdrawal::Everything,
    ] {
        let connection = w.connect(&ada, "notes", &[NOTES]).await.unwrap();
        let withdrawn = choices.withdraw(&ada, &what).await.unwrap();
        assert_eq!(ended(&withdrawn), [&connection], "{what:?}");
        assert!(left(&w.bailee, &ada).await.is_empty());
    }
    let connection = w.connect(&ada, "notes", &[NOTES]).await.unwrap();
    let no = choices.refuse(&ada, Some(&NOTES_PROVIDER), &[NOTES], [1; 32]).await.unwrap();
    assert_eq!(ended(&no), [&connection], "the last word counts");
    let connection = w.connect(&ada, "notes", &[NOTES]).await.unwrap();
    w.bailee.connections().withdraw_use(&ada, &NOTES_PROVIDER, &[NOTES]).await.unwrap();
    let status = w.bailee.connections().status(&ada, &connection).await.unwrap_err();
    assert_eq!(status.kind(), ErrorKind::NotFound);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_of_the_tenant_stays_and_does_nothing_for_whoever_took_their_word_back() {
    let w = builder().build().await.unwrap();
    let (ada, grace) = (w.visitor("ada"), w.visitor("grace"));
    let mut options = bailee::BeginOptions::default();
    options.for_tenant = true;
    let allow = bailee_testkit::emulator::Decision::Allow;
    let shared = w.connect_as(&ada, "notes", &[NOTES], options, allow, "ada").await.unwrap();
    let shared = shared.unwrap().connection;
    let connections = w.bailee.connections();
    let told = connections.explain_use(&grace, &shared, &[NOTES]).await.unwrap();
    connections.agree(&grace, &shared, &[NOTES], told.hash()).await.unwrap();
    let choices = w.bailee.choices();
    let withdrawn = choices.withdraw(&ada, &Withdrawal::Everything).await.unwrap();
    assert!(ended(&withdrawn).is_empty() && withdrawn.ending.is_empty());
    let error = save(&w.bailee, &ada, &shared).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConsentMissing);
    save(&w.bailee, &grace, &shared).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_withdrawal_holds_while_the_provider_is_silent_and_a_worker_ends_what_it_left() {
    for place in places().await {
        let Place { name, w, other, ada, .. } = &place;
        let connection = w.connect(ada, "notes", &[NOTES]).await.unwrap();
        let gate = Gate::new();
        w.site("id.example.test").fault(Endpoint::Revoke, Fault::Held(gate.clone()));
        let (bailee, who) = (w.bailee.clone(), ada.clone());
        let withdrawing =
            tokio::spawn(
                async move { bailee.choices().withdraw(&who, &Withdrawal::Everything).await },
            );
        gate.until_arrived(1).await;
        let status = other.connections().status(ada, &connection).await.unwrap();
        assert_eq!(status.state, ConnectionState::Disconnecting, "{name}");
        let before = saved(w);
        let error = save(other, ada, &connection).await.unwrap_err();
        assert!(
            [ErrorKind::ConsentMissing, ErrorKind::NotFound].contains(&error.kind()),
            "{name}: {error}"
        );
        assert_eq!(saved(w), before, "{name}");
        gate.open();
        assert_eq!(withdrawing.await.unwrap().unwrap().ended.len(), 1, "{name}");

        // A process that dies right after its commit.
        let connection = w.connect(ada, "notes", &[NOTES]).await.unwrap();
        w.site("id.example.test").fault(Endpoint::Revoke, Fault::Status(503));
        let gate = Gate::new();
        w.site("id.example.test").fault(Endpoint::Revoke, Fault::Held(gate.clone()));
        let (bailee, who) = (w.bailee.clone(), ada.clone());
        drop(tokio::spawn(async move {
            bailee.choices().withdraw(&who, &Withdrawal::Everything).await
        }));
        while left(other, ada).await.contains(&connection) {
            w.advance(Duration::from_secs(30));
            other.worker().settle().await.unwrap();
            gate.open();
        }
        let error = save(other, ada, &connection).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotFound, "{name}");
    }
}
