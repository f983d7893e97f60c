//! What deaths and lost answers may make of what a provider tells, one at a time.

use std::{sync::Arc, time::Duration};

use bailee::{
    ConnectionState, ErrorKind, ReconnectReason, SignalOutcome, TenantId,
    core::Id,
    providers::{instagram::Instagram, slack::Slack, x::X},
    store::Store,
};
use bailee_testkit::{
    Declared, PURPOSE, World,
    emulator::{self, Announcement, Endpoint, Fault, slack::Revoked},
};
use bailee_tests::{Halt, Stopping};

use crate::cast::MOUNT;

fn declared() -> Declared {
    Declared::of(bailee::providers::Provider::spec(&Instagram::new()))
        .scopes(["instagram_business_basic"])
}

fn told(w: &World, event: &str, topic: &str) -> Announcement {
    let to = format!("{MOUNT}/instagram/signal/{topic}");
    w.site("instagram").announce(event, "ada", "fake-client-1", &to).unwrap()
}

/// Whoever removed the application can ask for the deletion for months after that, and the provider
/// says it once.
#[tokio::test(flavor = "multi_thread")]
async fn a_request_is_heard_wherever_a_process_died_that_ended_the_connection() {
    let mut deaths = 0;
    for commits in 0..10 {
        let played = emulator::instagram::Instagram::new();
        let w = World::builder(declared().declaration()).play(played).build().await.unwrap();
        let ada = w.visitor("ada");
        let connection = w.connect(&ada, "instagram", &[PURPOSE]).await.unwrap();
        w.settle().await;
        w.advance(Duration::from_secs(600));
        w.deliver(&told(&w, "deauthorize", "deauthorize")).await;

        let store = Stopping::before(w.store().clone());
        let shared: Arc<dyn Store> = Arc::new(store.clone());
        let mortal = w.another_process_over(declared().declaration(), shared).await.unwrap();
        store.arm(commits, Halt::DiesAfter);
        let working = tokio::spawn(async move { mortal.worker().settle().await });
        let watched = store.clone();
        let died = tokio::select! {
            () = watched.until_reached() => true,
            done = working => { done.unwrap().unwrap(); false }
        };
        // Its claims end, and another one does the rest.
        for _ in 0..3 {
            w.advance(Duration::from_secs(300));
            w.settle().await;
        }
        let status = w.bailee.connections().status(&ada, &connection).await;
        assert_eq!(status.unwrap_err().kind(), ErrorKind::NotFound, "after {commits}");

        w.advance(Duration::from_secs(86_400));
        w.deliver(&told(&w, "data_deletion", "data-deletion")).await;
        w.settle().await;
        let requests = w.bailee.requests(Id::derive(&[b"operator"]));
        let open = requests.of(&TenantId::from_static("acme")).await.unwrap();
        assert_eq!(open.len(), 1, "after {commits}");
        assert_eq!(open[0].connection, connection);
        deaths += u32::from(died);
    }
    assert!(deaths >= 3, "it died {deaths} times");
}

/// What died with a renewal says nothing of the grant, and what is older than the connection still
/// is not about it.
#[tokio::test(flavor = "multi_thread")]
async fn a_late_withdrawal_does_not_end_a_connection_whose_tokens_a_lost_answer_took() {
    let declared = Declared::of(bailee::providers::Provider::spec(&X::new()));
    let declared = declared.scopes(["offline.access", "tweet.read", "users.read"]).declaration();
    let w = World::builder(declared).play(emulator::x::X::new()).build().await.unwrap();
    let ada = w.visitor("ada");
    w.connect(&ada, "x", &[PURPOSE]).await.unwrap();
    w.advance(Duration::from_secs(600));
    let old = w.announcement("x", "oauth.revoke", "ada");
    w.advance(Duration::from_secs(600));
    let connection = w.connect(&ada, "x", &[PURPOSE]).await.unwrap();
    w.settle().await;

    // The access token has run out, and the answer to its renewal is lost.
    w.advance(Duration::from_secs(30 * 3600));
    w.site("x").fault(Endpoint::Refresh, Fault::DropAfterEffect);
    let taken = w.deliver(&old).await;
    assert!(matches!(taken.outcome, SignalOutcome::Kept), "{taken:?}");
    for _ in 0..6 {
        w.settle().await;
        w.advance(Duration::from_secs(600));
    }
    let status = w.bailee.connections().status(&ada, &connection).await.unwrap();
    let lost = ConnectionState::NeedsReconnect(ReconnectReason::LostAfterRotation);
    assert_eq!(status.state, lost);
}

/// One of two token sets was revoked, and the other works: so does the connection, wherever a
/// process died on the way.
#[tokio::test(flavor = "multi_thread")]
async fn what_works_on_without_a_revoked_token_set_does_so_wherever_a_process_died() {
    let mut deaths = 0;
    for commits in 0..10 {
        let mut played = emulator::slack::Slack::new();
        played.rate_limits = false;
        played.revoked = Revoked::Person;
        let declared = Declared::of(bailee::providers::Provider::spec(&Slack::new()));
        let declared = declared.scopes(["channels:read", "user:chat:write"]).declaration();
        let w = World::builder(declared.clone()).play(played).build().await.unwrap();
        let ada = w.visitor("ada");
        let connection = w.connect(&ada, "slack", &[PURPOSE]).await.unwrap();
        w.settle().await;
        w.advance(Duration::from_secs(10));
        w.deliver(&w.announcement("slack", "tokens_revoked", "ada")).await;

        let store = Stopping::before(w.store().clone());
        let shared: Arc<dyn Store> = Arc::new(store.clone());
        let mortal = w.another_process_over(declared, shared).await.unwrap();
        store.arm(commits, Halt::DiesAfter);
        let working = tokio::spawn(async move { mortal.worker().settle().await });
        let watched = store.clone();
        let died = tokio::select! {
            () = watched.until_reached() => true,
            done = working => { done.unwrap().unwrap(); false }
        };
        for _ in 0..3 {
            w.advance(Duration::from_secs(300));
            w.settle().await;
        }
        let status = w.bailee.connections().status(&ada, &connection).await.unwrap();
        assert_eq!(status.state, ConnectionState::Active, "after {commits}");
        assert!(w.audited("acme").await.contains(&"credential.revoked".to_owned()));
        deaths += u32::from(died);
    }
    assert!(deaths >= 3, "it died {deaths} times");
}
