//! Renewal ahead of the end: what is used, what is kept alive, what cannot be.

use bailee::{BeginOptions, ConnectionState, ErrorKind, Happened, core::CredentialName};
use bailee_testkit::emulator::Decision;
use bailee_tests::{
    drill::{state, told},
    world,
};

use super::*;

/// 400 days with one connection used daily and one not at all; how often each was renewed.
async fn days(w: &World, used_every: Duration) -> (u64, u64) {
    let (ada, grace) = (w.visitor("ada"), w.visitor("grace"));
    let used = w.connect(&ada, "tiktok", &[PUBLISH]).await.unwrap();
    let idle = w
        .connect_as(&grace, "tiktok", &[PUBLISH], BeginOptions::default(), Decision::Allow, "grace")
        .await
        .unwrap()
        .unwrap()
        .connection;
    let (mut age, mut next) = (Duration::ZERO, Duration::ZERO);
    let step = Duration::from_secs(55 * 60);
    while age < hours(400 * 24) {
        if age >= next {
            call(&w.bailee, &ada, &used, "tiktok").await.unwrap();
            next += used_every;
        }
        // Shortly after a use the clock goes slowly, for the rest of the day fast.
        let pace = if next - age > hours(20) || used_every < hours(20) { step } else { hours(5) };
        age += pace;
        w.advance(pace);
        w.settle().await;
    }
    assert_eq!(state(w, &ada, &used).await, ConnectionState::Active);
    assert_eq!(state(w, &grace, &idle).await, ConnectionState::Active);
    let count = |connection: &ConnectionRef| {
        let audit = w.audit("acme");
        let connection = connection.clone();
        async move {
            let name = CredentialName::from_static("user");
            let credential = connection.credential(&name).to_string();
            let entries = audit.await;
            let refreshed = entries.iter().filter(|logged| {
                logged.entry.event() == "credential.refreshed"
                    && logged.entry.field("credential").map(ToString::to_string)
                        == Some(credential.clone())
            });
            refreshed.count() as u64
        }
    };
    let counts = (count(&used).await, count(&idle).await);
    call(&w.bailee, &grace, &idle, "tiktok").await.unwrap();
    assert!(w.site("tiktok").reuse_alarms().is_empty());
    counts
}

#[tokio::test(flavor = "multi_thread")]
async fn ref_13_four_hundred_days_renew_what_is_used_and_keep_the_rest_alive() {
    // Two hours, and 180 days anew with each refresh.
    let w = world().tiktok(|tiktok| tiktok.refresh_lifetime_restarts = true).build().await.unwrap();
    let (used, idle) = days(&w, hours(24)).await;
    // At each use the token has run out, and once more ahead of the end of the one just used.
    assert!((400..=820).contains(&used), "used daily: {used}");
    // A third of 180 days.
    assert!((6..=8).contains(&idle), "not used: {idle}");
}

#[tokio::test(flavor = "multi_thread")]
async fn ref_13_lifetimes_are_those_that_the_provider_states() {
    // The same provider with other numbers: three days, and 30 days anew with each refresh.
    let w = world()
        .tiktok(|tiktok| {
            tiktok.access_lifetime = 3 * 86_400;
            tiktok.refresh_lifetime = 30 * 86_400;
            tiktok.refresh_lifetime_restarts = true;
        })
        .build()
        .await
        .unwrap();
    let (used, idle) = days(&w, hours(24)).await;
    assert!((133..=170).contains(&used), "used daily: {used}");
    assert!((38..=48).contains(&idle), "not used: {idle}");
}

#[tokio::test(flavor = "multi_thread")]
async fn ref_13_an_end_that_does_not_move_is_not_run_against() {
    // 180 days from the consent, whatever is refreshed: keeping alive is of no use near the end.
    let (w, ada, tiktok) = at_tiktok(world()).await;
    let site = w.site("tiktok");
    for _ in 0..(181 * 8) {
        w.advance(hours(3));
        w.settle().await;
    }
    let refreshes = site.count(Endpoint::Refresh);
    assert!(refreshes <= 40, "{refreshes} refreshes of something that nobody uses");
    let error = call(&w.bailee, &ada, &tiktok, "tiktok").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NeedsReconnect);
    w.settle().await;
    assert!(matches!(
        told(&w, &tiktok)[..],
        [Happened::Connected, Happened::NeedsReconnect { .. }]
    ));
}

#[tokio::test(flavor = "multi_thread")]
async fn ref_13_a_refresh_token_that_is_over_at_once_does_not_keep_the_worker_busy() {
    let w = world().tiktok(|tiktok| tiktok.refresh_lifetime = 0).build().await.unwrap();
    let ada = w.visitor("ada");
    w.connect(&ada, "tiktok", &[PUBLISH]).await.unwrap();
    for _ in 0..24 {
        w.advance(hours(1));
        w.settle().await;
    }
    assert!(w.site("tiktok").count(Endpoint::Refresh) <= 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn ref_13_what_is_used_is_renewed_before_its_end_so_that_no_call_waits() {
    let (w, ada, tiktok) = at_tiktok(world()).await;
    let site = w.site("tiktok");
    for round in 1..=10 {
        call(&w.bailee, &ada, &tiktok, "tiktok").await.unwrap();
        // The plan is written beside the call, so it may come a moment later.
        while w.audited("acme").await.iter().filter(|e| *e == "credential.refresh_planned").count()
            < round
        {
            tokio::task::yield_now().await;
        }
        // 12 minutes ahead and a jitter of at most a fifth of that.
        w.advance(Duration::from_secs(105 * 60 - 1));
        w.settle().await;
        assert_eq!(site.count(Endpoint::Refresh), round as u64 - 1, "not yet");
        w.advance(Duration::from_secs(3 * 60 + 2));
        w.settle().await;
        assert_eq!(site.count(Endpoint::Refresh), round as u64, "ahead of the end");
    }
}
