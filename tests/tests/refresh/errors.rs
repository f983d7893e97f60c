//! What each error of a token endpoint comes to.

use bailee::{BeginOptions, ConnectionState, ErrorKind, Happened, ReconnectReason, Remedy};
use bailee_testkit::emulator::Decision;
use bailee_tests::{
    declaration,
    drill::{Parking, client, seconds, state, told},
    world,
};

use super::*;

/// What an error of the token endpoint must come to.
struct Row {
    fault: Fault,
    kind: ErrorKind,
    state: ConnectionState,
    /// Whether it works again by itself once the provider does.
    recovers: bool,
}

#[tokio::test(flavor = "multi_thread")]
async fn ref_10_each_error_of_the_token_endpoint_has_its_state() {
    let revoked = ConnectionState::NeedsReconnect(ReconnectReason::Revoked);
    let (active, degraded) = (ConnectionState::Active, ConnectionState::Degraded);
    let code = |code: &str| Fault::OkWithError(code.into());
    let row = |fault, kind, state, recovers| Row { fault, kind, state, recovers };
    let limited = |after: Option<&str>| Fault::RateLimited { retry_after: after.map(Into::into) };
    let table = [
        row(code("invalid_grant"), ErrorKind::NeedsReconnect, revoked, false),
        row(code("invalid_client"), ErrorKind::Configuration, active, true),
        row(code("unauthorized_client"), ErrorKind::Configuration, active, true),
        row(code("invalid_request"), ErrorKind::Configuration, active, true),
        row(code("unsupported_grant_type"), ErrorKind::Configuration, active, true),
        row(code("temporarily_unavailable"), ErrorKind::ProviderUnavailable, degraded, true),
        row(code("server_error"), ErrorKind::ProviderUnavailable, degraded, true),
        row(code("no_such_code"), ErrorKind::ProviderRefused, degraded, true),
        row(limited(Some("120")), ErrorKind::RateLimited, degraded, true),
        row(limited(Some("99999999")), ErrorKind::RateLimited, degraded, true),
        row(limited(None), ErrorKind::RateLimited, degraded, true),
        row(Fault::Status(500), ErrorKind::ProviderUnavailable, degraded, true),
        row(Fault::Status(502), ErrorKind::ProviderUnavailable, degraded, true),
        row(Fault::Status(503), ErrorKind::ProviderUnavailable, degraded, true),
        row(Fault::Html, ErrorKind::ProviderRefused, degraded, true),
        row(
            Fault::Redirect { status: 307, location: "https://evil.example/".into() },
            ErrorKind::ProviderRefused,
            degraded,
            true,
        ),
        row(Fault::EchoSecrets, ErrorKind::Configuration, active, true),
    ];
    for provider in ["tiktok", "notes"] {
        for Row { fault, kind, state: expected, recovers } in &table {
            let what = format!("{provider}: {fault:?}");
            let w = world().build().await.unwrap();
            let ada = w.visitor("ada");
            let purpose = if provider == "tiktok" { PUBLISH } else { NOTES };
            let connection = w.connect(&ada, provider, &[purpose]).await.unwrap();
            let site = w.site(if provider == "tiktok" { "tiktok" } else { ISSUER });
            w.advance(hours(3));
            site.fault(Endpoint::Refresh, fault.clone().always());
            let error = call(&w.bailee, &ada, &connection, provider).await.unwrap_err();
            assert_eq!(error.kind(), *kind, "{what}");
            assert_eq!(error.connection(), Some(connection.connection()), "{what}");
            w.assert_no_canary("an error", format!("{error} {error:?}").as_bytes());
            if let Remedy::Wait(wait) = error.remedy() {
                assert!(wait <= hours(1), "{what}");
            }
            assert_eq!(state(&w, &ada, &connection).await, *expected, "{what}");
            assert_eq!(site.count(Endpoint::Api), 0, "{what}: nothing is called with a dead token");

            // While the provider is so, the worker tries again, and rarely.
            let before = site.count(Endpoint::Refresh);
            for _ in 0..12 {
                w.advance(seconds(300));
                w.settle().await;
            }
            let tries = site.count(Endpoint::Refresh) - before;
            if *recovers {
                assert!(tries >= 1, "{what}: nobody tried again");
                assert!(tries <= 26, "{what}: {tries} tries in an hour");
            } else {
                assert_eq!(tries, 0, "{what}");
            }

            site.clear_faults();
            w.advance(hours(1));
            w.settle().await;
            let outcome = call(&w.bailee, &ada, &connection, provider).await;
            w.settle().await;
            if *recovers {
                outcome.unwrap_or_else(|error| panic!("{what}: {error:?}"));
                assert_eq!(state(&w, &ada, &connection).await, ConnectionState::Active, "{what}");
                assert_eq!(told(&w, &connection), [Happened::Connected], "{what}");
            } else {
                assert_eq!(outcome.unwrap_err().kind(), ErrorKind::NeedsReconnect, "{what}");
                let reason = ReconnectReason::Revoked;
                let expected = [Happened::Connected, Happened::NeedsReconnect { reason }];
                assert_eq!(told(&w, &connection), expected, "{what}");
            }
            assert!(site.reuse_alarms().is_empty(), "{what}");
            w.assert_clean_audit(&["acme", "~"]).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn ref_10_a_provider_that_cuts_off_for_an_hour_is_outlived() {
    // Where a token may be presented again; a strict provider is asked twice and no more.
    for fault in [Fault::CutOff, Fault::DropAfterEffect, Fault::DropBeforeEffect] {
        let style = RefreshStyle::Overlapping;
        let (w, ada, notes) = due(notes_world("class = \"overlapping\"", style)).await;
        let site = w.site(ISSUER);
        site.fault(Endpoint::Refresh, fault.clone().always());
        let error = call(&w.bailee, &ada, &notes, "notes").await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ProviderUnavailable, "{fault:?}");
        assert_eq!(state(&w, &ada, &notes).await, ConnectionState::Degraded, "{fault:?}");
        for _ in 0..60 {
            w.advance(seconds(60));
            w.settle().await;
        }
        let tries = site.count(Endpoint::Refresh);
        assert!((4..=130).contains(&tries), "{fault:?}: {tries} tries in an hour");
        site.clear_faults();
        w.advance(hours(1));
        w.settle().await;
        assert_eq!(state(&w, &ada, &notes).await, ConnectionState::Active, "{fault:?}");
        call(&w.bailee, &ada, &notes, "notes").await.unwrap();
        assert_eq!(told(&w, &notes), [Happened::Connected], "{fault:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn ref_10_after_needs_reconnect_the_flow_makes_it_work_again() {
    let (w, ada, tiktok) = at_tiktok(world()).await;
    let site = w.site("tiktok");
    assert_eq!(site.withdraw("ada", "fake-client-1"), 1);
    w.advance(hours(3));
    let error = call(&w.bailee, &ada, &tiktok, "tiktok").await.unwrap_err();
    assert_eq!(error.remedy(), Remedy::Reconnect);
    let mut options = BeginOptions::default();
    options.reconnect = Some(tiktok.clone());
    let completed = w
        .connect_as(&ada, "tiktok", &[PUBLISH], options, Decision::Allow, "ada")
        .await
        .unwrap()
        .unwrap();
    assert!(completed.reconnected);
    assert_eq!(completed.connection, tiktok);
    call(&w.bailee, &ada, &tiktok, "tiktok").await.unwrap();
    w.settle().await;
    let reason = ReconnectReason::Revoked;
    assert_eq!(
        told(&w, &tiktok),
        [Happened::Connected, Happened::NeedsReconnect { reason }, Happened::Reconnected]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn ref_10_invalid_grant_is_read_again_before_it_is_believed() {
    // One process is late with its request; the token that it presents was replaced meanwhile.
    let w = notes_world(STRICT_CLASS, LENIENT).build().await.unwrap();
    let late = Parking::at("/token", client(&w));
    let process =
        w.process(declaration(), w.store().clone()).unwrap().http(late.clone()).build().await;
    let process = process.unwrap();
    let ada = w.visitor("ada");
    let notes = w.connect(&ada, "notes", &[NOTES]).await.unwrap();
    w.advance(hours(2));
    late.close();
    let waiting = spawn_call(&process, &ada, &notes);
    late.until_arrived(1).await;
    w.advance(seconds(120));
    w.settle().await;
    assert_eq!(w.site(ISSUER).count(Endpoint::Refresh), 1);

    late.open();
    waiting.await.unwrap().unwrap();
    assert_eq!(state(&w, &ada, &notes).await, ConnectionState::Active);
    assert_eq!(told(&w, &notes), [Happened::Connected]);
}

#[tokio::test(flavor = "multi_thread")]
async fn ref_10_tokens_that_arrive_after_a_false_end_are_kept() {
    // A is paused with the provider's answer on its way; B presents the same token, is told that
    // it was used, and gives up; then A's answer arrives. It holds the only tokens there are.
    let (w, ada, notes) = due(notes_world(STRICT_CLASS, LENIENT)).await;
    let (gate, paused) = held(&w, &w.bailee, &notes).await;
    w.advance(seconds(120));
    let other = w.another_process(declaration()).await.unwrap();
    other.worker().settle().await.unwrap();
    let reason = ReconnectReason::LostAfterRotation;
    assert_eq!(state(&w, &ada, &notes).await, ConnectionState::NeedsReconnect(reason));

    gate.open();
    paused.await.unwrap().unwrap();
    assert_eq!(state(&w, &ada, &notes).await, ConnectionState::Active);
    w.settle().await;
    assert_eq!(
        told(&w, &notes),
        [Happened::Connected, Happened::NeedsReconnect { reason }, Happened::Recovered]
    );
    call(&other, &ada, &notes, "notes").await.unwrap();
    w.advance(hours(2));
    call(&other, &ada, &notes, "notes").await.unwrap();
}
