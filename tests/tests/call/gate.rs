//! What must be so before a token is used: the whole table.

use bailee::{
    ConnectionState, ErrorKind, Freeze, PurposeId, ReconnectReason, Remedy, TenantId,
    core::{ConnectionId, Id, Owner, ScopeName, SubjectId},
    providers::{OperationFacts, tiktok::CreatorInfo},
    registry::{AgeMethod, Choice, Declaration, Given, GuardianCheck, How, RestrictionGround},
};
use bailee_testkit::emulator::{Decision, Endpoint, Fault, Gate};
use bailee_tests::{NOTES, NOTES_SPEC, PUBLISH, declaration, notes_issuer, watched_world, world};

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_declared_is_denied_before_the_store_is_asked() {
    const UNDECLARED: PurposeId = PurposeId::from_static("profiles.build");
    const READ: &[ScopeName] = &[ScopeName::from_static("notes.read")];
    const STATS: &[ScopeName] = &[ScopeName::from_static("user.info.stats")];
    let (w, store) = watched_world().await;
    let ada = w.visitor("ada");
    let tiktok = w.connect(&ada, "tiktok", &[PUBLISH]).await.unwrap();
    let notes = w.connect(&ada, "notes", &[NOTES]).await.unwrap();
    let note = || WRITE_NOTE.clone();
    let creator = || bailee::providers::Operation::facts(&CreatorInfo).clone();
    let elsewhere = ProviderId::from_static("elsewhere");
    let cases: [(&str, PurposeId, OperationFacts, &str); 10] = [
        ("purpose", UNDECLARED, note(), "purpose `profiles.build` is not declared"),
        ("another integration's purpose", PUBLISH, note(), "operation `notes.write`"),
        (
            "operation",
            NOTES,
            OperationFacts { name: "notes.purge", ..note() },
            "operation `notes.purge` is not declared",
        ),
        (
            "scope",
            NOTES,
            OperationFacts { scopes: READ, ..note() },
            "scope `notes.read` is not declared",
        ),
        (
            "a scope that is never asked for",
            PUBLISH,
            OperationFacts { scopes: STATS, ..creator() },
            "scope `user.info.stats` is not declared",
        ),
        ("sent", NOTES, OperationFacts { sends: &["profile"], ..note() }, "category `profile`"),
        ("read", NOTES, OperationFacts { reads: &["settings"], ..note() }, "category `settings`"),
        (
            "a category that is never read",
            PUBLISH,
            OperationFacts { reads: &["statistics"], ..creator() },
            "category `statistics` is declared as never accessed",
        ),
        (
            "a category that nothing reads",
            NOTES,
            OperationFacts { reads: &["contacts"], ..note() },
            "category `contacts` is declared as never accessed",
        ),
        (
            "integration",
            NOTES,
            OperationFacts { provider: elsewhere, name: "elsewhere.read", ..note() },
            "elsewhere",
        ),
    ];
    let (asked, sent) = (store.asked(), requests(&w));
    for (what, purpose, facts, words) in cases {
        let connection = if facts.provider == TIKTOK { &tiktok } else { &notes };
        let error = w.bailee.acting(&ada, &purpose).call(connection, &Probe(facts)).await;
        let error = error.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Denied, "{what}: {error}");
        assert!(error.to_string().contains(words), "{what}: {error}");
    }
    assert_eq!(store.asked(), asked, "the declaration answers alone");
    assert_eq!(requests(&w), sent, "nothing left");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_withdrawn_consent_holds_at_the_next_call_until_it_is_given_again() {
    let w = world().build().await.unwrap();
    let ada = w.visitor("ada");
    let connection = w.connect(&ada, "tiktok", &[PUBLISH]).await.unwrap();
    let acting = w.bailee.acting(&ada, &PUBLISH);
    acting.call(&connection, &CreatorInfo).await.unwrap();

    withdraw(&w, subject(&connection), PUBLISH, TIKTOK).await;
    let sent = api_calls(&w);
    let error = acting.call(&connection, &CreatorInfo).await.unwrap_err();
    assert_eq!((error.kind(), error.remedy()), (ErrorKind::ConsentMissing, Remedy::AskConsent));
    assert_eq!(error.connection(), Some(connection.connection()));
    assert_eq!(api_calls(&w), sent);

    choose(&w, subject(&connection), |ledger, view, by| async move {
        let given = Given {
            purposes: vec![PUBLISH],
            integration: Some(TIKTOK),
            declaration: declaration().version(),
            text: [7; 32],
            locale: bailee::Locale::default(),
            how: How::Page,
            by,
            until: None,
            guardian: None,
        };
        ledger.give(&ACME, &view, &given).await
    })
    .await;
    acting.call(&connection, &CreatorInfo).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_consent_through_one_integration_is_none_through_another() {
    let w = world().build().await.unwrap();
    let ada = w.visitor("ada");
    let connection = w.connect(&ada, "tiktok", &[PUBLISH]).await.unwrap();
    // The same purpose, given for the host's own processing and for another provider.
    withdraw(&w, subject(&connection), PUBLISH, TIKTOK).await;
    for integration in [None, Some(NOTES_PROVIDER)] {
        choose(&w, subject(&connection), |ledger, view, by| async move {
            let given = Given {
                purposes: vec![PUBLISH],
                integration,
                declaration: declaration().version(),
                text: [7; 32],
                locale: bailee::Locale::default(),
                how: How::Page,
                by,
                until: None,
                guardian: None,
            };
            ledger.give(&ACME, &view, &given).await
        })
        .await;
        let error = w.bailee.acting(&ada, &PUBLISH).call(&connection, &CreatorInfo).await;
        assert_eq!(error.unwrap_err().kind(), ErrorKind::ConsentMissing);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_objection_and_a_restriction_deny_until_they_end() {
    let w = world().build().await.unwrap();
    let ada = w.visitor("ada");
    let connection = w.connect(&ada, "tiktok", &[PUBLISH]).await.unwrap();
    let acting = w.bailee.acting(&ada, &PUBLISH);
    let objection =
        |integration| (Choice::ObjectionMade { purpose: PUBLISH, integration }, "object");
    let ended = |integration| Choice::ObjectionEnded { purpose: PUBLISH, integration };
    let table = [
        (objection(None), ended(None)),
        (objection(Some(TIKTOK)), ended(Some(TIKTOK))),
        (
            (Choice::RestrictionBegun { ground: RestrictionGround::AccuracyContested }, "restrict"),
            Choice::RestrictionEnded { ground: None, told: None },
        ),
    ];
    for ((begins, word), ends) in table {
        let record = async |choice: Choice| {
            choose(&w, subject(&connection), |ledger, view, by| async move {
                ledger.record(&ACME, &view, choice, &by).await
            })
            .await;
        };
        record(begins.clone()).await;
        let sent = api_calls(&w);
        let error = acting.call(&connection, &CreatorInfo).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Denied, "{begins:?}");
        assert!(error.detail().unwrap().contains(word), "{begins:?}: {error}");
        assert_eq!(api_calls(&w), sent);
        record(ends).await;
        acting.call(&connection, &CreatorInfo).await.unwrap();
    }
    // An objection to something else does not matter.
    choose(&w, subject(&connection), |ledger, view, by| async move {
        let other = Choice::ObjectionMade { purpose: PUBLISH, integration: Some(NOTES_PROVIDER) };
        ledger.record(&ACME, &view, other, &by).await
    })
    .await;
    acting.call(&connection, &CreatorInfo).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn where_minors_use_the_service_an_age_or_a_guardian_comes_before_a_consent() {
    let text = include_str!("../../privacy.toml");
    let ages = Declaration::parse(&format!("{text}\n[age]\nminimum = 13\nconsent = 16\n")).unwrap();
    let limits = ages.age().unwrap().clone();
    let w = World::builder(ages).issuer(notes_issuer(), NOTES_SPEC).build().await.unwrap();
    let ada = w.visitor("ada");
    let connection = w.connect(&ada, "tiktok", &[PUBLISH]).await.unwrap();
    let acting = w.bailee.acting(&ada, &PUBLISH);
    let denied = async |word: &str| {
        let sent = api_calls(&w);
        let error = acting.call(&connection, &CreatorInfo).await.unwrap_err();
        assert_eq!((error.kind(), error.detail()), (ErrorKind::Denied, Some(word)));
        assert_eq!(api_calls(&w), sent);
    };
    let learn = async |years| {
        let band = limits.band(years, None);
        choose(&w, subject(&connection), |ledger, view, by| async move {
            let learnt = ledger.learn_age(&ACME, &view, band, AgeMethod::Declared, &by).await?;
            assert_eq!(learnt.erase.is_some(), years < 13);
            Ok(learnt.change)
        })
        .await;
    };
    denied("age_unknown").await;
    learn(16).await;
    acting.call(&connection, &CreatorInfo).await.unwrap();
    learn(15).await;
    denied("guardian_missing").await;
    choose(&w, subject(&connection), |ledger, view, _| async move {
        let given = Given {
            purposes: vec![PUBLISH],
            integration: Some(TIKTOK),
            declaration: declaration().version(),
            text: [7; 32],
            locale: bailee::Locale::default(),
            how: How::Written,
            by: Actor::Operator { operator: Id::from_bytes([9; 16]) },
            until: None,
            guardian: Some(GuardianCheck::Signature),
        };
        ledger.give(&ACME, &view, &given).await
    })
    .await;
    acting.call(&connection, &CreatorInfo).await.unwrap();
    learn(12).await;
    denied("child").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn dis_04_every_kind_of_freeze_stops_what_it_names_and_nothing_else() {
    let w = world().build().await.unwrap();
    let ada = w.visitor("ada");
    let tiktok = w.connect(&ada, "tiktok", &[PUBLISH]).await.unwrap();
    let notes = w.connect(&ada, "notes", &[NOTES]).await.unwrap();
    let far = w.visitor_in("globex", "hal");
    let elsewhere = w.connect(&far, "tiktok", &[PUBLISH]).await.unwrap();
    let call_tiktok = async || w.bailee.acting(&ada, &PUBLISH).call(&tiktok, &CreatorInfo).await;
    let call_notes = async || w.bailee.acting(&ada, &NOTES).call(&notes, &WriteNote("n")).await;
    let call_far = async || w.bailee.acting(&far, &PUBLISH).call(&elsewhere, &CreatorInfo).await;

    // What is frozen, and whether the three connections still work.
    let table = [
        (Freeze::All, [false, false, false]),
        (Freeze::Connection(tiktok.clone()), [false, true, true]),
        (Freeze::Provider(TIKTOK), [false, true, false]),
        (Freeze::Tenant(ACME), [false, false, true]),
        (Freeze::Tenant(TenantId::from_static("other")), [true, true, true]),
    ];
    for (freeze, works) in table {
        w.bailee.freeze(freeze.clone()).await.unwrap();
        let sent = api_calls(&w);
        let outcomes = [
            call_tiktok().await.map(|_| ()),
            call_notes().await.map(|_| ()),
            call_far().await.map(|_| ()),
        ];
        for (outcome, works) in outcomes.iter().zip(works) {
            match outcome {
                Ok(()) => assert!(works, "{freeze:?}"),
                Err(error) => {
                    assert!(!works, "{freeze:?}: {error}");
                    assert_eq!(error.kind(), ErrorKind::Frozen);
                    assert_eq!(error.remedy(), Remedy::None);
                }
            }
        }
        let left = works.iter().filter(|works| **works).count() as u64;
        assert_eq!(api_calls(&w) - sent, left, "{freeze:?}");
        w.bailee.thaw(&freeze).await.unwrap();
        call_tiktok().await.unwrap();
    }
    let changes = w.audited("~").await;
    assert_eq!(changes.iter().filter(|event| *event == "control.changed").count(), 1 + 2 * 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scope_that_the_person_did_not_grant_asks_for_consent() {
    let w = world().build().await.unwrap();
    let ada = w.visitor("ada");
    let only = Decision::AllowOnly(vec!["user.info.basic".into()]);
    let options = bailee::BeginOptions::default();
    let completed =
        w.connect_as(&ada, "tiktok", &[PUBLISH], options, only, "ada").await.unwrap().unwrap();
    assert_eq!(completed.missing, [ScopeName::from_static("video.publish")]);
    let acting = w.bailee.acting(&ada, &PUBLISH);
    let error = acting.call(&completed.connection, &CreatorInfo).await.unwrap_err();
    assert_eq!((error.kind(), error.remedy()), (ErrorKind::NeedsReconnect, Remedy::AskConsent));
    assert!(error.to_string().contains("video.publish"), "{error}");
    assert_eq!(api_calls(&w), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_needs_its_person_sends_nothing_until_they_came_back() {
    let w = world().build().await.unwrap();
    let ada = w.visitor("ada");
    let connection = w.connect(&ada, "tiktok", &[PUBLISH]).await.unwrap();
    assert_eq!(w.site("tiktok").withdraw("ada", "fake-client-1"), 1);
    w.advance(std::time::Duration::from_secs(3 * 3600));
    let acting = w.bailee.acting(&ada, &PUBLISH);
    let error = acting.call(&connection, &CreatorInfo).await.unwrap_err();
    assert_eq!((error.kind(), error.remedy()), (ErrorKind::NeedsReconnect, Remedy::Reconnect));

    let sent = requests(&w);
    let error = acting.call(&connection, &CreatorInfo).await.unwrap_err();
    assert_eq!((error.kind(), error.remedy()), (ErrorKind::NeedsReconnect, Remedy::Reconnect));
    assert_eq!(requests(&w), sent, "a grant that is over is not asked again");
    let status = w.bailee.connections().status(&ada, &connection).await.unwrap();
    assert_eq!(status.state, ConnectionState::NeedsReconnect(ReconnectReason::Revoked));

    let again = w.connect(&ada, "tiktok", &[PUBLISH]).await.unwrap();
    assert_eq!(again, connection);
    acting.call(&connection, &CreatorInfo).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn dis_01_a_connection_on_its_way_out_is_as_unknown_as_one_that_never_was() {
    let w = world().build().await.unwrap();
    let ada = w.visitor("ada");
    let connection = w.connect(&ada, "tiktok", &[PUBLISH]).await.unwrap();
    let gate = Gate::new();
    w.site("tiktok").fault(Endpoint::Revoke, Fault::Held(gate.clone()));
    let (bailee, who, which) = (w.bailee.clone(), ada.clone(), connection.clone());
    let ending = tokio::spawn(async move { bailee.connections().disconnect(&who, &which).await });
    gate.until_arrived(1).await;

    let status = w.bailee.connections().status(&ada, &connection).await.unwrap();
    assert_eq!(status.state, ConnectionState::Disconnecting);
    let error = w.bailee.acting(&ada, &PUBLISH).call(&connection, &CreatorInfo).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    assert_eq!(api_calls(&w), 0);
    gate.open();
    assert!(ending.await.unwrap().unwrap().confirmed);
    let gone = w.bailee.acting(&ada, &PUBLISH).call(&connection, &CreatorInfo).await.unwrap_err();
    assert_eq!(said(&gone), said(&error));
}

#[tokio::test(flavor = "multi_thread")]
async fn sto_08_foreign_and_unknown_connections_answer_the_same_with_the_same_work() {
    let (w, store) = watched_world().await;
    let ada = w.visitor("ada");
    let far = w.visitor_in("globex", "hal");
    let own = w.connect(&ada, "tiktok", &[PUBLISH]).await.unwrap();
    let foreign = w.connect(&far, "tiktok", &[PUBLISH]).await.unwrap();
    let acting = w.bailee.acting(&ada, &PUBLISH);
    // Everything that a process caches is cached.
    acting.call(&own, &CreatorInfo).await.unwrap();
    let sent = requests(&w);

    let nobody = ConnectionId::from_id(Id::from_bytes([0x5a; 16]));
    let stranger = Owner::Subject(SubjectId::from_id(Id::from_bytes([0xa5; 16])));
    let mut lookalike = *own.connection().id().as_bytes();
    lookalike[15] ^= 1;
    let lookalike = ConnectionId::from_id(Id::from_bytes(lookalike));
    let globex = foreign.tenant().clone();
    let mut answers = Vec::new();
    for (what, reference) in [
        ("a foreign one", foreign.clone()),
        (
            "an unknown one of a foreign tenant",
            ConnectionRef::new(globex.clone(), foreign.owner(), nobody),
        ),
        (
            "the foreign one under one's own tenant",
            ConnectionRef::new(ACME, foreign.owner(), foreign.connection()),
        ),
        (
            "the foreign one as one's own",
            ConnectionRef::new(ACME, own.owner(), foreign.connection()),
        ),
        ("an unknown one of one's own", ConnectionRef::new(ACME, own.owner(), nobody)),
        ("a lookalike of one's own", ConnectionRef::new(ACME, own.owner(), lookalike)),
        ("one of an unknown person", ConnectionRef::new(ACME, stranger, nobody)),
        ("one's own under an unknown person", ConnectionRef::new(ACME, stranger, own.connection())),
        (
            "the id alone, in an unknown tenant",
            ConnectionRef::new(TenantId::from_static("nowhere"), stranger, foreign.connection()),
        ),
    ] {
        let before = store.asked();
        let error = acting.call(&reference, &CreatorInfo).await.unwrap_err();
        let after = store.asked();
        assert_eq!(error.kind(), ErrorKind::NotFound, "{what}: {error}");
        assert_eq!(error.remedy(), Remedy::None, "{what}");
        assert_eq!((after.commits, after.claims), (before.commits, before.claims), "{what}");
        answers.push((
            what,
            said(&error),
            (after.reads - before.reads, after.finds - before.finds),
        ));
    }
    let (_, words, work) = &answers[0];
    for answer in &answers {
        assert_eq!((&answer.1, &answer.2), (words, work), "{}", answer.0);
    }
    assert_eq!(*work, (1, 0), "one read answers the gate");
    assert_eq!(requests(&w), sent, "nothing left");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operation_of_another_provider_is_refused_with_this_connection() {
    let w = world().build().await.unwrap();
    let ada = w.visitor("ada");
    let tiktok = w.connect(&ada, "tiktok", &[PUBLISH]).await.unwrap();
    let notes = w.connect(&ada, "notes", &[NOTES]).await.unwrap();
    let sent = requests(&w);
    let error = w.bailee.acting(&ada, &NOTES).call(&tiktok, &WriteNote("x")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    let error = w.bailee.acting(&ada, &PUBLISH).call(&notes, &CreatorInfo).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    assert_eq!(requests(&w), sent, "no token went to the other provider");
}

#[tokio::test(flavor = "multi_thread")]
async fn ref_15_a_database_of_another_instance_is_left_alone_until_it_is_adopted() {
    let (w, store) = watched_world().await;
    let ada = w.visitor("ada");
    let connection = w.connect(&ada, "tiktok", &[PUBLISH]).await.unwrap();
    let (before, sent) = (store.dump().await, requests(&w));
    let copy = w.process(declaration(), store.clone()).unwrap().instance("copy");
    let copy = copy.build().await.unwrap();

    let quarantined = [
        copy.acting(&ada, &PUBLISH).call(&connection, &CreatorInfo).await.map(|_| ()),
        copy.connections().begin(&ada, "tiktok", &[PUBLISH]).await.map(|_| ()),
        // Somebody new, at a provider that is asked for its metadata first.
        copy.connections().begin(&w.visitor("eve"), "notes", &[NOTES]).await.map(|_| ()),
        copy.connections().disconnect(&ada, &connection).await.map(|_| ()),
        copy.worker().settle().await.map(|_| ()),
        copy.freeze(Freeze::All).await,
        copy.thaw(&Freeze::All).await,
    ];
    for outcome in quarantined {
        let error = outcome.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Quarantined, "{error}");
        assert_eq!(error.remedy(), Remedy::FixConfiguration);
    }
    assert_eq!(before.differences(&store.dump().await), [""; 0], "nothing was written");
    assert_eq!(requests(&w), sent, "nothing left");

    copy.danger_adopt_database().await.unwrap();
    copy.acting(&ada, &PUBLISH).call(&connection, &CreatorInfo).await.unwrap();
    let error = w.bailee.acting(&ada, &PUBLISH).call(&connection, &CreatorInfo).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Quarantined, "the original is the copy now");
}
