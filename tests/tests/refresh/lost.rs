//! Answers that were lost: what is asked for again, how often, and what the person is told.

use bailee::{ConnectionState, ErrorKind, Happened, ReconnectReason};
use bailee_tests::drill::{assert_never_goes_back, classes, presented, seconds, state, told};

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn ref_08_a_lost_answer_is_asked_for_again_with_the_same_token() {
    for fault in [Fault::DropAfterEffect, Fault::CutOff, Fault::DropBeforeEffect] {
        for (name, class, style) in classes() {
            if matches!(style, RefreshStyle::None | RefreshStyle::Strict { .. }) {
                continue;
            }
            let (w, ada, notes) = due(notes_world(class, style)).await;
            let site = w.site(ISSUER);
            site.fault(Endpoint::Refresh, fault.clone());
            call(&w.bailee, &ada, &notes, "notes").await.unwrap();
            let tokens = presented(site);
            assert_eq!(tokens.len(), 2, "{name} after {fault:?}: once more, and only once");
            assert_eq!(tokens[0], tokens[1], "{name} after {fault:?}");
            assert_eq!(state(&w, &ada, &notes).await, ConnectionState::Active);
            w.advance(hours(2));
            call(&w.bailee, &ada, &notes, "notes").await.unwrap();
            assert!(site.reuse_alarms().is_empty(), "{name} after {fault:?}");
            assert_never_goes_back(site);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn ref_08_a_strict_provider_is_asked_once_more_and_never_again() {
    for fault in [Fault::DropAfterEffect, Fault::CutOff, Fault::Oversize] {
        let (w, ada, notes) = due(strict()).await;
        let site = w.site(ISSUER);
        site.fault(Endpoint::Refresh, fault.clone());
        let error = call(&w.bailee, &ada, &notes, "notes").await.unwrap_err();
        assert_eq!(state(&w, &ada, &notes).await, ConnectionState::Degraded, "{fault:?}");
        assert_eq!(site.count(Endpoint::Refresh), 1, "{fault:?}: {error:?}");
        // Callers that come meanwhile present nothing.
        for _ in 0..5 {
            assert!(call(&w.bailee, &ada, &notes, "notes").await.is_err());
        }
        assert_eq!(site.count(Endpoint::Refresh), 1, "{fault:?}");

        w.advance(seconds(120));
        w.settle().await;
        // No client can win here: the provider gave the tokens to nobody.
        let reason = ReconnectReason::LostAfterRotation;
        assert_eq!(state(&w, &ada, &notes).await, ConnectionState::NeedsReconnect(reason));
        let tokens = presented(site);
        assert_eq!(tokens.len(), 2, "{fault:?}");
        assert_eq!(tokens[0], tokens[1], "{fault:?}");
        w.settle().await;
        let expected = [Happened::Connected, Happened::NeedsReconnect { reason }];
        assert_eq!(told(&w, &notes), expected);
        for _ in 0..24 {
            w.advance(hours(1));
            w.settle().await;
        }
        assert!(call(&w.bailee, &ada, &notes, "notes").await.is_err());
        assert_eq!(presented(site).len(), 2, "nobody goes on asking");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn ref_08_a_strict_provider_that_never_answers_is_asked_twice() {
    for fault in [Fault::DropAfterEffect, Fault::DropBeforeEffect, Fault::CutOff] {
        let (w, ada, notes) = due(strict()).await;
        let site = w.site(ISSUER);
        site.fault(Endpoint::Refresh, fault.clone().always());
        assert!(call(&w.bailee, &ada, &notes, "notes").await.is_err());
        for _ in 0..24 {
            w.advance(seconds(600));
            w.settle().await;
        }
        assert_eq!(site.count(Endpoint::Refresh), 2, "{fault:?}");
        let reason = ReconnectReason::LostAfterRotation;
        assert_eq!(state(&w, &ada, &notes).await, ConnectionState::NeedsReconnect(reason));
        let expected = [Happened::Connected, Happened::NeedsReconnect { reason }];
        assert_eq!(told(&w, &notes), expected, "{fault:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn ref_08_a_strict_provider_that_saw_nothing_answers_the_second_time() {
    let (w, ada, notes) = due(strict()).await;
    let site = w.site(ISSUER);
    site.fault(Endpoint::Refresh, Fault::DropBeforeEffect);
    assert!(call(&w.bailee, &ada, &notes, "notes").await.is_err());
    w.advance(seconds(120));
    w.settle().await;
    assert_eq!(state(&w, &ada, &notes).await, ConnectionState::Active);
    call(&w.bailee, &ada, &notes, "notes").await.unwrap();
    assert_eq!(site.count(Endpoint::Refresh), 2);
    assert!(site.reuse_alarms().is_empty());
    assert_eq!(told(&w, &notes), [Happened::Connected]);
}

#[tokio::test(flavor = "multi_thread")]
async fn ref_08_a_worker_recovers_what_its_caller_could_not() {
    for (class, style) in [
        (GRACE, GRACE_STYLE),
        // A window that is narrower than a claim is long.
        ("class = \"grace\"\nwindow_seconds = 60", RefreshStyle::Grace(Duration::from_secs(60))),
        ("class = \"until_replacement_used\"", RefreshStyle::UntilReplacementUsed),
        ("class = \"overlapping\"", RefreshStyle::Overlapping),
    ] {
        let (w, ada, notes) = due(notes_world(class, style)).await;
        let site = w.site(ISSUER);
        site.fault(Endpoint::Refresh, Fault::DropAfterEffect.times(2));
        let error = call(&w.bailee, &ada, &notes, "notes").await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ProviderUnavailable);
        assert_eq!(state(&w, &ada, &notes).await, ConnectionState::Degraded);

        w.advance(seconds(20));
        w.settle().await;
        assert_eq!(state(&w, &ada, &notes).await, ConnectionState::Active);
        assert_eq!(site.count(Endpoint::Refresh), 3);
        call(&w.bailee, &ada, &notes, "notes").await.unwrap();
        assert!(site.reuse_alarms().is_empty());
        assert_never_goes_back(site);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn ref_08_a_worker_recovers_a_forced_renewal_though_the_old_token_has_time_left() {
    let w = notes_world(GRACE, GRACE_STYLE).build().await.unwrap();
    let ada = w.visitor("ada");
    let site = w.site(ISSUER);
    // The provider says more than it keeps, so the renewal is forced by a 401.
    site.fault(Endpoint::Exchange, Fault::ExpiresIn("36000".into()));
    let notes = w.connect(&ada, "notes", &[NOTES]).await.unwrap();
    w.advance(hours(2));
    site.fault(Endpoint::Refresh, Fault::DropAfterEffect.times(2));
    assert!(call(&w.bailee, &ada, &notes, "notes").await.is_err());
    assert_eq!(state(&w, &ada, &notes).await, ConnectionState::Degraded);

    // Within the window of ten minutes, or the token is gone for good.
    w.advance(seconds(60));
    w.settle().await;
    assert_eq!(state(&w, &ada, &notes).await, ConnectionState::Active);
    w.advance(hours(1));
    call(&w.bailee, &ada, &notes, "notes").await.unwrap();
    assert!(site.reuse_alarms().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn ref_08_doubt_outlives_the_attempt_so_that_the_person_is_told_the_truth() {
    // Lost at first, then the provider is down for a while, then it says that the grant is over.
    for fault in [Fault::DropAfterEffect.once(), Fault::Malformed.once(), Fault::Oversize.once()] {
        let (w, ada, notes) = due(strict()).await;
        let site = w.site(ISSUER);
        site.fault(Endpoint::Refresh, fault);
        site.fault(Endpoint::Refresh, Fault::Status(503).times(2));
        assert!(call(&w.bailee, &ada, &notes, "notes").await.is_err());
        assert_eq!(state(&w, &ada, &notes).await, ConnectionState::Degraded);
        for _ in 0..6 {
            w.advance(seconds(900));
            w.settle().await;
        }
        let reason = ReconnectReason::LostAfterRotation;
        assert_eq!(state(&w, &ada, &notes).await, ConnectionState::NeedsReconnect(reason));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn ref_08_no_token_two_generations_old_is_presented_whatever_goes_wrong() {
    let (w, ada, notes) = at_notes(notes_world(GRACE, GRACE_STYLE)).await;
    let site = w.site(ISSUER);
    let faults = [
        Fault::DropAfterEffect,
        Fault::Status(503),
        Fault::CutOff,
        Fault::DropBeforeEffect,
        Fault::Html,
        Fault::WrongContentType,
        Fault::RateLimited { retry_after: Some("1".into()) },
        Fault::Malformed,
    ];
    for round in 0..40_usize {
        w.advance(hours(2));
        for n in 0..(round % 4) {
            site.fault(Endpoint::Refresh, faults[(round + n) % faults.len()].clone());
        }
        // Recovery has the ten minutes of the provider's window.
        for _ in 0..6 {
            let _ = call(&w.bailee, &ada, &notes, "notes").await;
            w.advance(seconds(61));
            w.settle().await;
        }
        call(&w.bailee, &ada, &notes, "notes").await.unwrap();
        site.clear_faults();
    }
    assert!(site.reuse_alarms().is_empty());
    assert_never_goes_back(site);
    assert!(presented(site).len() > 60);
}
