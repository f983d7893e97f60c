//! Disconnecting: unusable at once, revoked at the provider, deleted whatever the answer, finished
//! by somebody else where its process dies.

#![expect(clippy::unwrap_used, reason = "what the tests share fails the test that uses it")]

use std::{sync::Arc, time::Duration};

use bailee::{
    BeginOptions, ConnectionRef, ConnectionState, ErrorKind, Freeze, Happened, RefusalReason,
    TenantId,
    core::{Clock, ManualClock},
    store::{MemoryStore, Store},
};
use bailee_testkit::{
    Browser, Storage, World,
    emulator::{Decision, Endpoint, Fault, Gate, RefreshStyle, Site, oidc::Revocation},
};
use bailee_tests::{
    Halt, NOTES, PUBLISH, Stopping, Watched, declaration,
    drill::{ISSUER, Tasks, call, hours, notes_world_where, seconds, state, told},
    watched_over, watched_world, world,
};
use tokio::{sync::Barrier, task::JoinSet};

/// Nothing that names the connection is left but the audit log.
async fn assert_deleted(w: &World, watched: &Watched, connection: &ConnectionRef) {
    let ada = w.visitor("ada");
    let connections = w.bailee.connections();
    assert!(connections.of_visitor(&ada).await.unwrap().is_empty());
    let error = connections.status(&ada, connection).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    for kind in ["connection", "credential", "reservation", "route", "grant"] {
        assert!(watched.of_kind(kind).await.is_empty(), "a {kind} is left");
    }
}

fn site<'a>(w: &'a World, provider: &str) -> &'a Site {
    w.site(if provider == "tiktok" { "tiktok" } else { ISSUER })
}

#[tokio::test(flavor = "multi_thread")]
async fn dis_01_whatever_the_provider_answers_the_connection_is_deleted_and_the_receipt_is_true() {
    let redirect = Fault::Redirect { status: 302, location: "https://evil.example/".into() };
    let table: [(Option<Fault>, bool); 13] = [
        (None, true),
        (Some(Fault::Status(404)), false),
        (Some(Fault::Status(500)), false),
        (Some(Fault::Status(503)), false),
        (Some(Fault::RateLimited { retry_after: Some("60".into()) }), false),
        (Some(Fault::DropBeforeEffect), false),
        (Some(Fault::DropAfterEffect), false),
        (Some(redirect), false),
        (Some(Fault::OkWithError("invalid_client".into())), false),
        (Some(Fault::OkWithError("temporarily_unavailable".into())), false),
        (Some(Fault::OkWithError("invalid_grant".into())), false),
        (Some(Fault::EchoSecrets), false),
        (Some(Fault::Oversize), false),
    ];
    for provider in ["tiktok", "notes"] {
        for (fault, confirmed) in &table {
            let what = format!("{provider}: {fault:?}");
            let (w, watched) = watched_world().await;
            let ada = w.visitor("ada");
            let purpose = if provider == "tiktok" { PUBLISH } else { NOTES };
            let connection = w.connect(&ada, provider, &[purpose]).await.unwrap();
            if let Some(fault) = fault {
                site(&w, provider).fault(Endpoint::Revoke, fault.clone().always());
            }
            let receipt = w.bailee.connections().disconnect(&ada, &connection).await.unwrap();
            assert_eq!(receipt.confirmed, *confirmed, "{what}");
            assert_eq!(receipt.connection, connection);
            assert!(!receipt.steps.is_empty(), "{what}: what the person can do is said");
            let said = receipt.remains.iter().any(|line| line.contains("did not confirm"));
            assert_eq!(said, !*confirmed, "{what}");
            w.assert_no_canary("a receipt", format!("{receipt:?}").as_bytes());
            assert_deleted(&w, &watched, &connection).await;
            if *confirmed {
                assert!(site(&w, provider).live_tokens().is_empty(), "{what}");
            }
            w.settle().await;
            let ended = Happened::Disconnected { confirmed: *confirmed };
            assert_eq!(told(&w, &connection), [Happened::Connected, ended], "{what}");
            w.assert_clean_audit(&["acme", "~"]).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn dis_01_a_provider_without_an_answer_has_ten_seconds() {
    // Real time: the deadline itself is what is tested.
    let (w, watched) = watched_world().await;
    let ada = w.visitor("ada");
    let notes = w.connect(&ada, "notes", &[NOTES]).await.unwrap();
    w.site(ISSUER).fault(Endpoint::Revoke, Fault::Held(Gate::new()).always());
    let connections = w.bailee.connections();
    let disconnected = connections.disconnect(&ada, &notes);
    let receipt = tokio::time::timeout(Duration::from_secs(15), disconnected).await;
    assert!(!receipt.expect("it does not wait for ever").unwrap().confirmed);
    assert_deleted(&w, &watched, &notes).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn dis_01_the_refresh_token_is_revoked_before_the_access_token() {
    let w = notes_world_where("class = \"strict\"", RefreshStyle::Overlapping, |issuer| {
        issuer.revocation = Revocation::Rfc7009 { cascades: false };
    })
    .build()
    .await
    .unwrap();
    let ada = w.visitor("ada");
    let notes = w.connect(&ada, "notes", &[NOTES]).await.unwrap();
    assert!(w.bailee.connections().disconnect(&ada, &notes).await.unwrap().confirmed);
    let hints: Vec<_> = w
        .site(ISSUER)
        .requests()
        .into_iter()
        .filter(|request| request.endpoint == Endpoint::Revoke)
        .map(|request| String::from_utf8(request.body).unwrap())
        .collect();
    assert_eq!(hints.len(), 2);
    assert!(hints[0].contains("token_type_hint=refresh_token"));
    assert!(hints[1].contains("token_type_hint=access_token"));
    assert!(w.site(ISSUER).live_tokens().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn dis_01_a_provider_that_revokes_nothing_is_said_to_confirm_nothing() {
    for revocation in [Revocation::Absent, Revocation::NotFound, Revocation::RefreshOnly] {
        let w = notes_world_where("class = \"strict\"", RefreshStyle::Overlapping, |issuer| {
            issuer.revocation = revocation;
        });
        let clock: Arc<dyn Clock> = Arc::new(w.clock().clone());
        let (w, watched) = watched_over(w, Arc::new(MemoryStore::new(clock))).await;
        let ada = w.visitor("ada");
        let notes = w.connect(&ada, "notes", &[NOTES]).await.unwrap();
        let receipt = w.bailee.connections().disconnect(&ada, &notes).await.unwrap();
        let all_dead = w.site(ISSUER).live_tokens().is_empty();
        assert!(!receipt.confirmed || all_dead, "{revocation:?}: confirmed means dead");
        assert_deleted(&w, &watched, &notes).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn dis_01_nothing_uses_the_connection_from_the_first_commit_on() {
    let w = world().build().await.unwrap();
    let ada = w.visitor("ada");
    let notes = w.connect(&ada, "notes", &[NOTES]).await.unwrap();
    let other = w.another_process(declaration()).await.unwrap();
    call(&other, &ada, &notes, "notes").await.unwrap();
    let gate = Gate::new();
    w.site(ISSUER).fault(Endpoint::Revoke, Fault::Held(gate.clone()));
    let disconnecting = {
        let (bailee, ada, notes) = (w.bailee.clone(), ada.clone(), notes.clone());
        tokio::spawn(async move { bailee.connections().disconnect(&ada, &notes).await })
    };
    gate.until_arrived(1).await;
    assert_eq!(state(&w, &ada, &notes).await, ConnectionState::Disconnecting);
    for bailee in [&w.bailee, &other] {
        let error = call(bailee, &ada, &notes, "notes").await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotFound);
    }
    // Nor does the worker renew what is being ended.
    w.advance(seconds(20));
    w.settle().await;
    assert_eq!(w.site(ISSUER).count(Endpoint::Api), 1);
    assert_eq!(w.site(ISSUER).count(Endpoint::Refresh), 0);
    gate.open();
    assert!(disconnecting.await.unwrap().unwrap().confirmed);
}

#[tokio::test(flavor = "multi_thread")]
async fn dis_01_an_expired_token_is_renewed_first_where_only_a_living_one_can_be_revoked() {
    let (w, watched) = watched_world().await;
    let ada = w.visitor("ada");
    let tiktok = w.connect(&ada, "tiktok", &[PUBLISH]).await.unwrap();
    w.advance(hours(3));
    let receipt = w.bailee.connections().disconnect(&ada, &tiktok).await.unwrap();
    assert!(receipt.confirmed);
    assert!(!receipt.also_ends.is_empty(), "the person is told what else ended");
    let order: Vec<_> = w
        .site("tiktok")
        .requests()
        .into_iter()
        .map(|request| request.endpoint)
        .filter(|endpoint| matches!(endpoint, Endpoint::Refresh | Endpoint::Revoke))
        .collect();
    assert_eq!(order, [Endpoint::Refresh, Endpoint::Revoke]);
    assert!(w.site("tiktok").live_tokens().is_empty());
    assert_deleted(&w, &watched, &tiktok).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn dis_01_an_expired_token_that_cannot_be_renewed_does_not_keep_the_connection() {
    for (fault, confirmed) in [
        // The grant is over: nothing is left to revoke.
        (Fault::OkWithError("invalid_grant".into()), true),
        (Fault::Status(503), false),
        (Fault::DropAfterEffect, false),
        (Fault::OkWithError("invalid_client".into()), false),
    ] {
        let (w, watched) = watched_world().await;
        let ada = w.visitor("ada");
        let tiktok = w.connect(&ada, "tiktok", &[PUBLISH]).await.unwrap();
        w.advance(hours(3));
        w.site("tiktok").fault(Endpoint::Refresh, fault.clone().always());
        let receipt = w.bailee.connections().disconnect(&ada, &tiktok).await.unwrap();
        assert_eq!(receipt.confirmed, confirmed, "{fault:?}");
        assert_deleted(&w, &watched, &tiktok).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn dis_01_a_frozen_connection_can_be_ended() {
    for expired in [false, true] {
        let (w, watched) = watched_world().await;
        let ada = w.visitor("ada");
        let tiktok = w.connect(&ada, "tiktok", &[PUBLISH]).await.unwrap();
        if expired {
            w.advance(hours(3));
        }
        w.bailee.freeze(Freeze::All).await.unwrap();
        assert!(w.bailee.connections().disconnect(&ada, &tiktok).await.unwrap().confirmed);
        assert!(w.site("tiktok").live_tokens().is_empty());
        assert_deleted(&w, &watched, &tiktok).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn dis_01_a_connection_of_a_registration_that_is_gone_can_be_ended() {
    let (w, watched) = watched_world().await;
    let ada = w.visitor("ada");
    let notes = w.connect(&ada, "notes", &[NOTES]).await.unwrap();
    // A later release of the host no longer knows the provider.
    let later = World::builder(declaration())
        .storage(Storage::Given(watched.clone()))
        .on_clock(w.clock.clone())
        .build()
        .await
        .unwrap();
    let receipt = later.bailee.connections().disconnect(&ada, &notes).await.unwrap();
    assert!(!receipt.confirmed);
    assert_deleted(&w, &watched, &notes).await;
    w.advance(hours(1));
    later.settle().await;
    assert_eq!(
        told(&later, &notes),
        [Happened::Connected, Happened::Disconnected { confirmed: false }]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn dis_01_a_connection_of_the_tenant_is_ended_with_its_key() {
    let (w, watched) = watched_world().await;
    let ada = w.visitor("ada");
    let mut options = BeginOptions::default();
    options.for_tenant = true;
    let notes = w
        .connect_as(&ada, "notes", &[NOTES], options, Decision::Allow, "ada")
        .await
        .unwrap()
        .unwrap()
        .connection;
    assert_eq!(watched.of_kind("key.connection").await.len(), 1);
    // Anybody whom the host lets may end it.
    let grace = w.visitor("grace");
    assert!(w.bailee.connections().disconnect(&grace, &notes).await.unwrap().confirmed);
    assert!(watched.of_kind("key.connection").await.is_empty());
    assert!(w.site(ISSUER).live_tokens().is_empty());
    assert_deleted(&w, &watched, &notes).await;
}

/// A world, and a process in it that stops at a commit of its own.
async fn with_a_mortal_process(provider: &str) -> (World, bailee::Bailee, Stopping, ConnectionRef) {
    let w = world().build().await.unwrap();
    let ada = w.visitor("ada");
    let purpose = if provider == "tiktok" { PUBLISH } else { NOTES };
    let connection = w.connect(&ada, provider, &[purpose]).await.unwrap();
    w.settle().await;
    let stopping = Stopping::before(w.store().clone());
    let store: Arc<dyn Store> = Arc::new(stopping.clone());
    let mortal = w.process(declaration(), store).unwrap().build().await.unwrap();
    (w, mortal, stopping, connection)
}

#[tokio::test(flavor = "multi_thread")]
async fn dis_02_a_worker_finishes_within_a_minute_whatever_the_process_died_at() {
    for provider in ["tiktok", "notes"] {
        for halt in [Halt::DiesBefore, Halt::DiesAfter, Halt::Fails] {
            let mut steps = 0;
            loop {
                let what = format!("{provider}: {halt:?} {steps}");
                let (w, mortal, stopping, connection) = with_a_mortal_process(provider).await;
                let ada = w.visitor("ada");
                stopping.arm(steps, halt);
                let disconnecting = {
                    let (ada, connection) = (ada.clone(), connection.clone());
                    tokio::spawn(
                        async move { mortal.connections().disconnect(&ada, &connection).await },
                    )
                };
                // A process whose store failed for a moment lives on.
                let outcome = tokio::select! {
                    () = stopping.until_reached(), if halt != Halt::Fails => None,
                    outcome = disconnecting => Some(outcome.unwrap()),
                };
                if !stopping.reached() {
                    assert!(outcome.unwrap().unwrap().confirmed, "{what}");
                    break;
                }
                let begun = steps > 0 || halt == Halt::DiesAfter;
                w.advance(seconds(60));
                w.settle().await;
                if begun {
                    let error = w.bailee.connections().status(&ada, &connection).await;
                    assert_eq!(error.unwrap_err().kind(), ErrorKind::NotFound, "{what}");
                    assert!(site(&w, provider).live_tokens().is_empty(), "{what}");
                    w.settle().await;
                    let events = told(&w, &connection);
                    let ends = |event: &&Happened| matches!(event, Happened::Disconnected { .. });
                    assert_eq!(events.iter().filter(ends).count(), 1, "{what}: {events:?}");
                } else {
                    // Nothing of it happened: it is as it was.
                    call(&w.bailee, &ada, &connection, provider).await.unwrap();
                }
                steps += 1;
            }
            assert!(steps >= 2, "{provider}: {halt:?}: {steps} commits make a disconnect");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn dis_02_a_caller_that_goes_away_does_not_stop_it() {
    let tasks = Tasks::default();
    let runtime = tasks.clone();
    let w = world().change(move |builder| builder.runtime(runtime.clone())).build().await.unwrap();
    let ada = w.visitor("ada");
    let notes = w.connect(&ada, "notes", &[NOTES]).await.unwrap();
    let gate = Gate::new();
    w.site(ISSUER).fault(Endpoint::Revoke, Fault::Held(gate.clone()));
    let caller = {
        let (bailee, ada, notes) = (w.bailee.clone(), ada.clone(), notes.clone());
        tokio::spawn(async move { bailee.connections().disconnect(&ada, &notes).await })
    };
    gate.until_arrived(1).await;
    caller.abort();
    assert!(caller.await.unwrap_err().is_cancelled());
    gate.open();
    tasks.idle().await;
    assert!(w.bailee.connections().of_visitor(&ada).await.unwrap().is_empty());
    assert!(w.site(ISSUER).live_tokens().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn dis_03_no_call_that_begins_after_the_disconnect_hands_out_the_token() {
    let w = world().build().await.unwrap();
    let ada = w.visitor("ada");
    let notes = w.connect(&ada, "notes", &[NOTES]).await.unwrap();
    let mut processes = vec![w.bailee.clone()];
    for _ in 0..3 {
        processes.push(w.another_process(declaration()).await.unwrap());
    }
    let mut tasks = JoinSet::new();
    for bailee in &processes {
        let (bailee, ada, notes) = (bailee.clone(), ada.clone(), notes.clone());
        tasks.spawn(async move {
            let mut calls = 0_u32;
            while call(&bailee, &ada, &notes, "notes").await.is_ok() {
                calls += 1;
            }
            calls
        });
    }
    while w.site(ISSUER).notes().len() < 8 {
        tokio::task::yield_now().await;
    }
    w.bailee.connections().disconnect(&ada, &notes).await.unwrap();
    let calls: u32 = tasks.join_all().await.into_iter().sum();
    assert_eq!(w.site(ISSUER).notes().len(), calls as usize);
    let before = w.site(ISSUER).count(Endpoint::Api);
    for bailee in &processes {
        let error = call(bailee, &ada, &notes, "notes").await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotFound);
    }
    assert_eq!(w.site(ISSUER).count(Endpoint::Api), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn dis_07_receipt_and_readme_name_what_remains() {
    let w = world().build().await.unwrap();
    let ada = w.visitor("ada");
    let tiktok = w.connect(&ada, "tiktok", &[PUBLISH]).await.unwrap();
    let receipt = w.bailee.connections().disconnect(&ada, &tiktok).await.unwrap();
    let remains = receipt.remains.join(" ").to_lowercase();
    let readme = include_str!("../../crates/bailee/README.md").to_lowercase();
    for word in ["write-ahead", "replicas", "backups"] {
        assert!(remains.contains(word), "{word} in the receipt");
        assert!(readme.contains(word), "{word} in the README");
    }
    assert!(remains.contains("audit"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_disconnect_finds_nothing() {
    let w = world().build().await.unwrap();
    let ada = w.visitor("ada");
    let tiktok = w.connect(&ada, "tiktok", &[PUBLISH]).await.unwrap();
    let connections = w.bailee.connections();
    connections.disconnect(&ada, &tiktok).await.unwrap();
    let before = w.emulator.requests().len();
    let error = connections.disconnect(&ada, &tiktok).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    assert_eq!(w.emulator.requests().len(), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn many_disconnects_in_one_moment_end_it_once() {
    let w = world().build().await.unwrap();
    let ada = w.visitor("ada");
    let notes = w.connect(&ada, "notes", &[NOTES]).await.unwrap();
    let other = w.another_process(declaration()).await.unwrap();
    let barrier = Arc::new(Barrier::new(16));
    let mut tasks = JoinSet::new();
    for n in 0..16 {
        let bailee = if n % 2 == 0 { w.bailee.clone() } else { other.clone() };
        let (barrier, ada, notes) = (barrier.clone(), ada.clone(), notes.clone());
        tasks.spawn(async move {
            barrier.wait().await;
            bailee.connections().disconnect(&ada, &notes).await
        });
    }
    let mut receipts = 0;
    for outcome in tasks.join_all().await {
        match outcome {
            Ok(receipt) => {
                assert!(receipt.confirmed);
                receipts += 1;
            }
            Err(error) => {
                assert!(matches!(error.kind(), ErrorKind::Ambiguous | ErrorKind::NotFound));
            }
        }
    }
    assert_eq!(receipts, 1);
    w.settle().await;
    assert_eq!(told(&w, &notes), [Happened::Connected, Happened::Disconnected { confirmed: true }]);
    assert!(w.site(ISSUER).live_tokens().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn events_of_a_connection_come_in_order_though_the_clocks_of_processes_differ() {
    let w = world().build().await.unwrap();
    let ada = w.visitor("ada");
    let behind = ManualClock::at(w.clock.now().minus(hours(1)));
    let process = w.process(declaration(), w.store().clone()).unwrap().clock(behind);
    let process = process.build().await.unwrap();
    for _ in 0..3 {
        let notes = w.connect(&ada, "notes", &[NOTES]).await.unwrap();
        process.connections().disconnect(&ada, &notes).await.unwrap();
        w.settle().await;
        let expected = [Happened::Connected, Happened::Disconnected { confirmed: true }];
        assert_eq!(told(&w, &notes), expected);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_ends_the_connection_of_somebody_else_unless_the_host_lets_them() {
    let w = world().build().await.unwrap();
    let ada = w.visitor("ada");
    let grace = w.visitor("grace");
    let tiktok = w.connect(&ada, "tiktok", &[PUBLISH]).await.unwrap();
    let connections = w.bailee.connections();
    let refused = connections.disconnect(&grace, &tiktok).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Denied);
    let foreign = connections.disconnect(&w.visitor_in("other", "ada"), &tiktok).await.unwrap_err();
    assert_eq!(foreign.kind(), ErrorKind::NotFound);
    w.access.break_down(true);
    let broken = connections.disconnect(&ada, &tiktok).await.unwrap_err();
    assert_eq!(broken.kind(), ErrorKind::HostFailed);
    w.access.break_down(false);
    w.access.remove(ada.person(), &TenantId::from_static("acme"));
    let removed = connections.disconnect(&ada, &tiktok).await.unwrap_err();
    assert_eq!(removed.kind(), ErrorKind::Denied);
    assert_eq!(w.site("tiktok").count(Endpoint::Revoke), 0);

    w.access.let_in(grace.person(), &TenantId::from_static("acme"));
    assert!(connections.disconnect(&grace, &tiktok).await.unwrap().confirmed);
    let log = w.audit("acme").await;
    let entry = log.iter().find(|logged| logged.entry.event() == "connection.disconnecting");
    let by = entry.and_then(|logged| logged.entry.field("actor")).map(ToString::to_string);
    assert_eq!(by.as_deref(), Some("member"), "the log says who it was");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flow_that_ends_while_its_account_is_being_disconnected_leaves_nothing_behind() {
    for provider in ["tiktok", "notes"] {
        let (w, watched) = watched_world().await;
        let ada = w.visitor("ada");
        let purpose = if provider == "tiktok" { PUBLISH } else { NOTES };
        let old = w.connect(&ada, provider, std::slice::from_ref(&purpose)).await.unwrap();
        let gate = Gate::new();
        site(&w, provider).fault(Endpoint::Revoke, Fault::Held(gate.clone()));
        let disconnecting = {
            let (bailee, ada, old) = (w.bailee.clone(), ada.clone(), old.clone());
            tokio::spawn(async move { bailee.connections().disconnect(&ada, &old).await })
        };
        gate.until_arrived(1).await;

        let connections = w.bailee.connections();
        let begun =
            connections.begin(&ada, provider, std::slice::from_ref(&purpose)).await.unwrap();
        let browser = Browser::new();
        browser.take(begun.answer());
        let back = w.approve(&begun, Decision::Allow, "ada").await;
        let refusal = connections.complete(&ada, browser.callback(&back)).await.unwrap_err();
        assert_eq!(refusal.reason(), RefusalReason::Unavailable, "{provider}");

        gate.open();
        disconnecting.await.unwrap().unwrap();
        for _ in 0..3 {
            w.advance(seconds(300));
            w.settle().await;
        }
        assert!(site(&w, provider).live_tokens().is_empty(), "{provider}");
        assert_deleted(&w, &watched, &old).await;

        let new = w.connect(&ada, provider, &[purpose]).await.unwrap();
        assert_ne!(new, old, "{provider}: a new connection, not the old one again");
        call(&w.bailee, &ada, &new, provider).await.unwrap();
        assert_eq!(
            call(&w.bailee, &ada, &old, provider).await.unwrap_err().kind(),
            ErrorKind::NotFound
        );
    }
}
