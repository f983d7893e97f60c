//! A person's own word on a connection that is not theirs: what they are told, giving it, taking
//! it back, and that nobody else's counts.

use bailee::{
    SubjectId, Who,
    core::Error as Refused,
    registry::{Choice, ConsentRecord, How, Ledger, SharedBy},
};

use super::*;

async fn for_the_tenant(w: &World, visitor: &Visitor) -> ConnectionRef {
    let entered = enter_with(w, visitor, FIRST, |options| options.for_tenant = true).await;
    entered.unwrap().connection
}

async fn subject_of(w: &World, visitor: &Visitor) -> SubjectId {
    let known = w.bailee.vault().subject(visitor.tenant(), visitor.person()).await.unwrap();
    known.unwrap()
}

async fn history(w: &World, visitor: &Visitor) -> Vec<ConsentRecord> {
    let ledger = Ledger::new(w.bailee.vault().clone());
    ledger.history(visitor.tenant(), subject_of(w, visitor).await).await.unwrap()
}

fn assert_asks(error: &Refused) {
    assert_eq!((error.kind(), error.remedy()), (ErrorKind::ConsentMissing, Remedy::AskConsent));
}

/// The declaration, with other words in it.
fn changed(from: &str, to: &str) -> Declaration {
    let text = concat!(include_str!("../../privacy.toml"), include_str!("declaration.toml"));
    assert_eq!(text.matches(from).count(), 1, "{from}");
    Declaration::parse(&text.replace(from, to)).unwrap()
}

/// A further process, whose declaration is put in force.
async fn in_force(w: &World, declaration: Declaration) -> bailee::Bailee {
    let process = w.process(declaration, w.store().clone()).unwrap();
    process.activates_at_start().build().await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_text_says_whose_account_it_is_and_the_agreement_proves_the_text() {
    let (w, watched, keys) = world().await;
    let (ada, grace) = (w.visitor("ada"), w.visitor("grace"));
    let tenants = for_the_tenant(&w, &ada).await;
    let services = enter_for_all(&w, SECOND).await;
    let connections = w.bailee.connections();
    let asked = keys.seen().len();
    let before = watched.dump().await;
    for (connection, by, words) in [
        (&tenants, SharedBy::Tenant, "for everybody in the organisation or team"),
        (&services, SharedBy::Instance, "belongs to the service"),
    ] {
        let told = connections.explain_use(&grace, connection, &[CAPTIONS]).await.unwrap();
        assert_eq!(told.shared, Some(by));
        assert!(told.entered_key);
        let text = told.to_text();
        for part in [
            "It is not your account.",
            words,
            "suggest a short text",
            "We ask a text service for a caption",
            "until that account is disconnected",
            "take your agreement back",
        ] {
            assert!(text.contains(part), "{part}: {text}");
        }
        // What is only for whoever has the key in their hands.
        for part in ["Whoever has a key", "asks for a key", "Remove the key"] {
            assert!(!text.contains(part), "{part}: {text}");
        }
    }
    assert_eq!(before.differences(&watched.dump().await), [""; 0], "telling writes nothing");

    let told = connections.explain_use(&grace, &tenants, &[CAPTIONS]).await.unwrap();
    connections.agree(&grace, &tenants, &[CAPTIONS, CAPTIONS], told.hash()).await.unwrap();
    let records = history(&w, &grace).await;
    let [record] = records.as_slice() else { panic!("{records:?}") };
    let subject = subject_of(&w, &grace).await;
    assert_eq!(record.by.subject(), Some(subject));
    assert_eq!(record.by.word(), "subject");
    let Choice::ConsentGiven { purpose, integration, declaration: version, text, how, .. } =
        &record.choice
    else {
        panic!("{record:?}")
    };
    assert_eq!((purpose, integration.as_ref()), (&CAPTIONS, Some(&KEYS)));
    assert_eq!((*version, *text, *how), (declaration().version(), told.hash(), How::Page));
    let log = w.audit("acme").await;
    let given: Vec<_> = log
        .iter()
        .filter(|l| l.entry.event() == "consent.given" && l.entry.subject() == Some(subject))
        .collect();
    assert_eq!(given.len(), 1);
    assert_eq!(given[0].entry.field("digest"), Some(&Field::Digest(told.hash())));
    assert_eq!(given[0].entry.field("actor"), Some(&Field::Word("subject".into())));
    assert_eq!(keys.seen().len(), asked, "nothing is asked of the provider");
    caption(&w, &grace, &tenants).await.unwrap();
    w.assert_clean_audit(&["acme", "~"]).await;
    assert_no_key(&w, &watched).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_agrees_for_somebody_else() {
    let (w, _, _) = world().await;
    let (ada, grace) = (w.visitor("ada"), w.visitor("grace"));
    let (hal, ada_elsewhere) = (w.visitor_in("globex", "hal"), w.visitor_in("globex", "ada"));
    let connection = enter_for_all(&w, FIRST).await;
    agree(&w, &ada, &connection).await;
    caption(&w, &ada, &connection).await.unwrap();
    // Neither a colleague, nor somebody of another tenant, nor the same person there.
    for other in [&grace, &hal, &ada_elsewhere] {
        assert_asks(&caption(&w, other, &connection).await.unwrap_err());
    }
    agree(&w, &hal, &connection).await;
    caption(&w, &hal, &connection).await.unwrap();
    for other in [&grace, &ada_elsewhere] {
        assert_asks(&caption(&w, other, &connection).await.unwrap_err());
    }
    // What each said lies in their own tenant.
    assert_eq!(history(&w, &hal).await.len(), 1);
    let tenants = [("acme", 1), ("globex", 1), ("~", 0)];
    for (tenant, count) in tenants {
        let given = w.audited(tenant).await.iter().filter(|e| *e == "consent.given").count();
        assert_eq!(given, count, "{tenant}");
    }
    // What software does for a person rests on that person's word.
    let run = Id::from_bytes([1; 16]);
    for (visitor, allowed) in [(&ada, true), (&grace, false)] {
        let agent = Who::Agent { visitor: visitor.clone(), run };
        let called = w.bailee.acting(agent, &CAPTIONS).call(&connection, &Caption).await;
        assert_eq!(called.is_ok(), allowed);
    }
    w.assert_clean_audit(&["acme", "globex", "~"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_taken_back_holds_at_the_next_call_in_every_process() {
    let (w, watched, keys) = world().await;
    let (ada, grace) = (w.visitor("ada"), w.visitor("grace"));
    let connection = for_the_tenant(&w, &ada).await;
    agree(&w, &grace, &connection).await;
    let second = w.another_process(declaration()).await.unwrap();
    let there = second.acting(&grace, &CAPTIONS);
    caption(&w, &grace, &connection).await.unwrap();
    there.call(&connection, &Caption).await.unwrap();
    let asked = keys.seen().len();

    let connections = w.bailee.connections();
    connections.withdraw_use(&grace, &KEYS, &[CAPTIONS]).await.unwrap();
    assert_asks(&there.call(&connection, &Caption).await.unwrap_err());
    assert_asks(&caption(&w, &grace, &connection).await.unwrap_err());
    assert_eq!(keys.seen().len(), asked);
    // It was Grace's word alone.
    caption(&w, &ada, &connection).await.unwrap();
    assert_eq!(
        connections.status(&grace, &connection).await.unwrap().state,
        ConnectionState::Active
    );

    // Once more is nothing to record, and what was never agreed to is none either.
    let before = watched.dump().await;
    connections.withdraw_use(&grace, &KEYS, &[CAPTIONS]).await.unwrap();
    connections.withdraw_use(&grace, &KEYS, &[NOTES]).await.unwrap();
    connections.withdraw_use(&w.visitor("nobody"), &KEYS, &[CAPTIONS]).await.unwrap();
    assert_eq!(before.differences(&watched.dump().await), [""; 0]);
    let error = connections.withdraw_use(&grace, &KEYS, &[]).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);

    // It can be given again, after the text was shown again.
    agree(&w, &grace, &connection).await;
    there.call(&connection, &Caption).await.unwrap();
    assert_eq!(history(&w, &grace).await.len(), 3);
    w.assert_clean_audit(&["acme", "~"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn taking_back_asks_neither_the_host_nor_whether_the_connection_is_there() {
    let (w, _, _) = world().await;
    let (ada, grace) = (w.visitor("ada"), w.visitor("grace"));
    let connection = for_the_tenant(&w, &ada).await;
    agree(&w, &grace, &connection).await;
    w.access.remove(grace.person(), &ACME);
    w.access.break_down(true);
    w.bailee.connections().withdraw_use(&grace, &KEYS, &[CAPTIONS]).await.unwrap();
    let last = history(&w, &grace).await.pop().unwrap();
    assert!(matches!(last.choice, Choice::ConsentWithdrawn { .. }));

    w.access.break_down(false);
    let hal = w.visitor_in("globex", "hal");
    let services = enter_for_all(&w, SECOND).await;
    agree(&w, &hal, &services).await;
    w.bailee.instance_connections(OPERATOR).disconnect(&services).await.unwrap();
    w.bailee.connections().withdraw_use(&hal, &KEYS, &[CAPTIONS]).await.unwrap();
    let last = history(&w, &hal).await.pop().unwrap();
    assert!(matches!(last.choice, Choice::ConsentWithdrawn { .. }));
}

#[tokio::test(flavor = "multi_thread")]
async fn agreeing_twice_is_fine_and_is_one_agreement() {
    let (w, watched, _) = world().await;
    let ada = w.visitor("ada");
    let connection = enter_for_all(&w, FIRST).await;
    let connections = w.bailee.connections();
    let told = connections.explain_use(&ada, &connection, &[CAPTIONS]).await.unwrap();
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..6 {
        let (bailee, ada, connection) = (w.bailee.clone(), ada.clone(), connection.clone());
        let shown = told.hash();
        tasks.spawn(async move {
            bailee.connections().agree(&ada, &connection, &[CAPTIONS], shown).await
        });
    }
    for agreed in tasks.join_all().await {
        agreed.unwrap();
    }
    assert_eq!(watched.of_kind("consent").await.len(), 1);
    let before = watched.dump().await;
    agree(&w, &ada, &connection).await;
    assert_eq!(before.differences(&watched.dump().await), [""; 0]);
    caption(&w, &ada, &connection).await.unwrap();

    // Who entered a key of their own agreed to another text: this one is recorded beside it.
    let grace = w.visitor("grace");
    enter(&w, &grace, SECOND).await;
    caption(&w, &grace, &connection).await.unwrap();
    agree(&w, &grace, &connection).await;
    assert_eq!(history(&w, &grace).await.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agreement_is_bound_to_the_text_that_would_be_shown_now() {
    let (w, watched, _) = world().await;
    let ada = w.visitor("ada");
    let connection = enter_for_all(&w, FIRST).await;
    let of_tenant = for_the_tenant(&w, &w.visitor("grace")).await;
    let connections = w.bailee.connections();
    let told = connections.explain_use(&ada, &connection, &[CAPTIONS]).await.unwrap();
    let told_of_tenant = connections.explain_use(&ada, &of_tenant, &[CAPTIONS]).await.unwrap();
    let for_a_key = connections.explain(&ada, "keys", &[CAPTIONS]).await.unwrap();
    let before = watched.dump().await;
    for shown in [[0; 32], for_a_key.hash(), told_of_tenant.hash()] {
        let error = connections.agree(&ada, &connection, &[CAPTIONS], shown).await.unwrap_err();
        assert_asks(&error);
    }
    // Another release tells something else.
    let words = "from a few facts about your post";
    let newer = in_force(&w, changed(words, "from your whole post")).await;
    let there = newer.connections();
    let error = there.agree(&ada, &connection, &[CAPTIONS], told.hash()).await.unwrap_err();
    assert_asks(&error);
    let consents = before.records.keys().filter(|(_, key)| key.kind.as_str() == "consent").count();
    assert_eq!(watched.of_kind("consent").await.len(), consents, "nothing was recorded");
    assert_asks(&caption(&w, &ada, &connection).await.unwrap_err());

    let told = there.explain_use(&ada, &connection, &[CAPTIONS]).await.unwrap();
    assert!(told.to_text().contains("from your whole post"));
    there.agree(&ada, &connection, &[CAPTIONS], told.hash()).await.unwrap();
    caption(&w, &ada, &connection).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn only_what_rests_on_consent_is_agreed_to() {
    let (w, watched, _) = world().await;
    let ada = w.visitor("ada");
    let connection = enter_for_all(&w, FIRST).await;
    let from = "use = \"service\"\nbasis = \"consent\"\n\n[recipients.keys]";
    let contract = changed(from, &from.replace("consent", "contract"));
    let other = in_force(&w, contract).await;
    other.acting(&ada, &CAPTIONS).call(&connection, &Caption).await.unwrap();
    let told = other.connections().explain_use(&ada, &connection, &[CAPTIONS]).await.unwrap();
    other.connections().agree(&ada, &connection, &[CAPTIONS], told.hash()).await.unwrap();
    assert!(watched.of_kind("consent").await.is_empty());
    // So where it does rest on consent, they are asked.
    assert_asks(&caption(&w, &ada, &connection).await.unwrap_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_visitor_may_not_use_or_is_a_persons_own_is_not_agreed_to() {
    let (w, watched, _) = world().await;
    let (ada, grace) = (w.visitor("ada"), w.visitor("grace"));
    let (hal, newcomer) = (w.visitor_in("globex", "hal"), w.visitor("newcomer"));
    let shared = for_the_tenant(&w, &ada).await;
    let own = enter(&w, &grace, SECOND).await;
    let connections = w.bailee.connections();
    let hash = connections.explain_use(&ada, &shared, &[CAPTIONS]).await.unwrap().hash();
    w.access.remove(newcomer.person(), &ACME);
    // An id under another owner's name is unknown, whatever is done with it.
    let unknown = ConnectionRef::new(ACME, Owner::Tenant, own.connection());
    let misnamed = ConnectionRef::new(ACME, own.owner(), shared.connection());
    for connection in [&unknown, &misnamed] {
        let error = caption(&w, &grace, connection).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotFound);
        let error = connections.status(&grace, connection).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotFound);
    }
    let before = watched.dump().await;
    for (visitor, connection, purposes, kind) in [
        // Another tenant's people see nothing of it.
        (&hal, &shared, &[CAPTIONS][..], ErrorKind::NotFound),
        (&hal, &own, &[CAPTIONS], ErrorKind::NotFound),
        (&ada, &unknown, &[CAPTIONS], ErrorKind::NotFound),
        (&grace, &misnamed, &[CAPTIONS], ErrorKind::NotFound),
        // The host's word.
        (&newcomer, &shared, &[CAPTIONS], ErrorKind::Denied),
        (&ada, &own, &[CAPTIONS], ErrorKind::Denied),
        // Their own is agreed to where it is connected.
        (&grace, &own, &[CAPTIONS], ErrorKind::InvalidInput),
        (&ada, &shared, &[], ErrorKind::InvalidInput),
        // What the integration is not declared for.
        (&ada, &shared, &[CAPTIONS, NOTES], ErrorKind::Denied),
    ] {
        let told = connections.explain_use(visitor, connection, purposes).await;
        assert_eq!(told.unwrap_err().kind(), kind);
        let agreed = connections.agree(visitor, connection, purposes, hash).await;
        assert_eq!(agreed.unwrap_err().kind(), kind);
    }
    assert_eq!(before.differences(&watched.dump().await), [""; 0], "nothing was left behind");
    connections.disconnect(&ada, &shared).await.unwrap();
    let error = connections.agree(&grace, &shared, &[CAPTIONS], hash).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
}

#[tokio::test(flavor = "multi_thread")]
async fn only_an_operator_ends_a_connection_of_the_instance() {
    let (w, watched, _) = world().await;
    let ada = w.visitor("ada");
    let connection = enter_for_all(&w, FIRST).await;
    agree(&w, &ada, &connection).await;
    // The host lets her do everything.
    w.access.let_in(ada.person(), &ACME);
    let before = watched.dump().await;
    let connections = w.bailee.connections();
    let (run, schedule) = (Id::from_bytes([1; 16]), Id::from_bytes([2; 16]));
    for who in [
        Who::from(&ada),
        Who::Agent { visitor: ada.clone(), run },
        Who::Schedule { tenant: ACME, person: ada.person().clone(), schedule },
    ] {
        let error = connections.disconnect(who, &connection).await.unwrap_err();
        assert_eq!((error.kind(), error.remedy()), (ErrorKind::Denied, Remedy::None));
        assert_eq!(error.connection(), Some(connection.connection()));
    }
    assert_eq!(before.differences(&watched.dump().await), [""; 0], "nothing was begun");
    w.settle().await;
    caption(&w, &ada, &connection).await.unwrap();
    let operator = w.bailee.instance_connections(OPERATOR);
    operator.disconnect(&connection).await.unwrap();
    let error = caption(&w, &ada, &connection).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
}
