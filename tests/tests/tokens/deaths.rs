//! A process that stops between the exchange and the commit (TOK-09): the connection is there with
//! all of its parts, or its tokens are revoked; nothing in between stays.

use std::{sync::Arc, time::Duration};

use bailee::{
    Bailee, Completed, ErrorKind, ReconnectReason, Refusal, RefusalReason, TenantId, Visitor,
    core::{Clock, ConnectionState},
    store::{Kind, Store},
};
use bailee_testkit::{
    Storage, World,
    emulator::{Decision, Endpoint, Fault, Gate, TokenKind},
};
use bailee_tests::{Halt, NOTES, PUBLISH, Stopping, Trip, declaration, rejected, world};
use tokio::task::JoinHandle;

const GRANT: Kind = Kind::from_static("grant");

/// How many tokens are held that have no connection yet.
pub(crate) async fn held(store: &Arc<dyn Store>) -> i64 {
    let counted = store.tally(Some(&TenantId::SYSTEM), &GRANT).await.unwrap();
    counted.into_iter().map(|count| i64::try_from(count.records).unwrap()).sum()
}

async fn stopping() -> (World, Stopping) {
    let builder = world();
    let clock: Arc<dyn Clock> = Arc::new(builder.clock().clone());
    let stopping = Stopping::before(Arc::new(bailee::store::MemoryStore::new(clock)));
    let store: Arc<dyn Store> = Arc::new(stopping.clone());
    (builder.storage(Storage::Given(store)).build().await.unwrap(), stopping)
}

/// Ends the flow in a task, which may never end.
fn complete(w: &World, visitor: &Visitor, trip: &Trip) -> JoinHandle<Result<Completed, Refusal>> {
    let (connections, visitor, request) = (w.bailee.connections(), visitor.clone(), trip.request());
    tokio::spawn(async move { connections.complete(&visitor, request).await })
}

/// The tokens of an account that live at a site, as (access, refresh).
fn live(w: &World, site: &str, account: &str) -> (usize, usize) {
    let tokens = w.site(site).live_tokens();
    let of =
        |kind| tokens.iter().filter(|token| token.account == account && token.kind == kind).count();
    (of(TokenKind::Access), of(TokenKind::Refresh))
}

/// What a process finds that comes two minutes later.
async fn recover(w: &World, stopping: &Stopping) -> Bailee {
    let second = w.another_process_over(declaration(), stopping.store()).await.unwrap();
    // Not before its time: the first process might still be at it.
    w.advance(Duration::from_secs(100));
    second.worker().settle().await.unwrap();
    w.advance(Duration::from_secs(21));
    second.worker().settle().await.unwrap();
    second
}

/// Uses the connection's token at the provider, as far as a test can see that it is the living one.
async fn whole(second: &Bailee, ada: &Visitor, count: usize) {
    let all = second.connections().of_visitor(ada).await.unwrap();
    assert_eq!(all.len(), count);
    for status in all {
        assert_eq!(status.state, ConnectionState::Active);
        assert!(!status.scopes.is_empty(), "its credential is there");
        // Its tokens can be opened and are known to the provider.
        let receipt = second.connections().disconnect(ada, &status.connection).await.unwrap();
        assert!(receipt.confirmed);
    }
}

const BOTH: [(&str, bailee::PurposeId, &str); 2] =
    [("notes", NOTES, "id.example.test"), ("tiktok", PUBLISH, "tiktok")];

#[tokio::test(flavor = "multi_thread")]
async fn tok_09_a_process_that_dies_at_any_commit_leaves_a_connection_or_nothing() {
    for (registration, purpose, site) in BOTH {
        for halt in [Halt::DiesBefore, Halt::DiesAfter] {
            let mut deaths = 0;
            for commits in 0.. {
                let (w, stopping) = stopping().await;
                let ada = w.visitor("ada");
                let trip =
                    Trip::begin(&w, &ada, registration, std::slice::from_ref(&purpose)).await;
                stopping.arm(commits, halt);
                let mut flow = complete(&w, &ada, &trip);
                let what = format!("{registration}: {halt:?} at commit {commits}");
                tokio::select! {
                    outcome = &mut flow => {
                        outcome.unwrap().unwrap();
                        assert!(!stopping.reached(), "{what}");
                        break;
                    }
                    () = stopping.until_reached() => deaths += 1,
                }
                flow.abort();
                let exchanged = w.site(site).count(Endpoint::Exchange);
                let second = recover(&w, &stopping).await;
                assert_eq!(w.site(site).count(Endpoint::Exchange), exchanged, "{what}");
                assert_eq!(held(&stopping.store()).await, 0, "{what}");
                let all = second.connections().of_visitor(&ada).await.unwrap();
                if all.is_empty() {
                    // The one gap that no store can close: the answer came and was never written.
                    let unwritten = halt == Halt::DiesBefore && commits == 1;
                    let alive = if unwritten { (1, 1) } else { (0, 0) };
                    assert_eq!(live(&w, site, "ada"), alive, "{what}");
                } else {
                    assert_eq!(live(&w, site, "ada"), (1, 1), "{what}");
                    whole(&second, &ada, 1).await;
                }
                // The person's next attempt works whatever was before.
                let second_trip = again(&second, &w, &ada, registration, &purpose).await;
                assert!(second_trip.is_ok(), "{what}: {second_trip:?}");
            }
            // Consumed, held, routed, connected, let go.
            assert!(deaths >= 5, "{deaths}");
        }
    }
}

async fn again(
    second: &Bailee,
    w: &World,
    ada: &Visitor,
    registration: &str,
    purpose: &bailee::PurposeId,
) -> Result<Completed, Refusal> {
    let connections = second.connections();
    let begun = connections.begin(ada, registration, std::slice::from_ref(purpose)).await.unwrap();
    let browser = bailee_testkit::Browser::new();
    browser.take(begun.answer());
    let back = w.approve(&begun, Decision::Allow, "ada").await;
    connections.complete(ada, browser.callback(&back)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn tok_09_a_reconnect_that_dies_at_any_commit_leaves_the_old_tokens_or_the_new() {
    for (registration, purpose, _) in BOTH {
        for halt in [Halt::DiesBefore, Halt::DiesAfter] {
            let mut deaths = 0;
            for commits in 0.. {
                let (w, stopping) = stopping().await;
                let ada = w.visitor("ada");
                let purposes = std::slice::from_ref(&purpose);
                let first = Trip::begin(&w, &ada, registration, purposes).await;
                let first = first.complete(&w, &ada).await.unwrap().connection;
                let trip = Trip::begin(&w, &ada, registration, purposes).await;
                stopping.arm(commits, halt);
                let mut flow = complete(&w, &ada, &trip);
                let what = format!("{registration}: {halt:?} at commit {commits}");
                tokio::select! {
                    outcome = &mut flow => {
                        assert!(outcome.unwrap().unwrap().reconnected);
                        break;
                    }
                    () = stopping.until_reached() => deaths += 1,
                }
                flow.abort();
                let second = recover(&w, &stopping).await;
                assert_eq!(held(&stopping.store()).await, 0, "{what}");
                let all = second.connections().of_visitor(&ada).await.unwrap();
                let all: Vec<_> = all.into_iter().map(|status| status.connection).collect();
                assert_eq!(all, [first], "{what}: one connection, the same");
                whole(&second, &ada, 1).await;
            }
            assert!(deaths >= 4, "{deaths}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn tok_09_a_store_that_fails_at_any_commit_leaves_nothing_alive() {
    for (registration, purpose, site) in BOTH {
        for commits in 0.. {
            let (w, stopping) = stopping().await;
            let ada = w.visitor("ada");
            let trip = Trip::begin(&w, &ada, registration, std::slice::from_ref(&purpose)).await;
            stopping.arm(commits, Halt::Fails);
            let outcome = trip.complete(&w, &ada).await;
            if !stopping.reached() {
                outcome.unwrap();
                assert!(commits >= 5, "{commits}");
                break;
            }
            let what = format!("{registration} commit {commits}");
            stopping.disarm();
            match outcome {
                // Only the letting go failed: the connection stands.
                Ok(_) => {
                    assert_eq!(live(&w, site, "ada"), (1, 1), "{what}");
                    recover(&w, &stopping).await;
                    assert_eq!(live(&w, site, "ada"), (1, 1), "{what}");
                    whole(&w.bailee, &ada, 1).await;
                }
                Err(_) => {
                    rejected(&w, outcome, RefusalReason::Unavailable).await;
                    assert_eq!(live(&w, site, "ada"), (0, 0), "{what}");
                    assert!(w.bailee.connections().of_visitor(&ada).await.unwrap().is_empty());
                }
            }
            assert_eq!(held(&stopping.store()).await, 0, "{what}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn tok_09_a_reconnect_that_the_store_fails_leaves_the_connection_as_it_was() {
    for (registration, purpose, _) in BOTH {
        for commits in 0.. {
            let (w, stopping) = stopping().await;
            let ada = w.visitor("ada");
            let purposes = std::slice::from_ref(&purpose);
            let first = Trip::begin(&w, &ada, registration, purposes).await;
            first.complete(&w, &ada).await.unwrap();
            let trip = Trip::begin(&w, &ada, registration, purposes).await;
            stopping.arm(commits, Halt::Fails);
            let outcome = trip.complete(&w, &ada).await;
            stopping.disarm();
            if outcome.is_ok() {
                break;
            }
            assert_eq!(held(&stopping.store()).await, 0);
            whole(&w.bailee, &ada, 1).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn tok_09_a_commit_that_others_came_before_is_made_again_with_what_they_wrote() {
    let (w, stopping) = stopping().await;
    let ada = w.visitor("ada");
    let slow = Trip::begin(&w, &ada, "notes", &[NOTES]).await;
    w.advance(Duration::from_secs(1));
    let quick = Trip::begin(&w, &ada, "notes", &[NOTES]).await;
    // Consume, hold and route go through; the connection itself waits.
    stopping.arm(3, Halt::Waits);
    let flow = complete(&w, &ada, &slow);
    stopping.until_reached().await;
    let second = w.another_process_over(declaration(), stopping.store()).await.unwrap();
    let quick = second.connections().complete(&ada, quick.request()).await.unwrap();
    stopping.release();
    let slow = flow.await.unwrap().unwrap();
    assert_eq!(slow.connection, quick.connection, "one account, one connection");
    assert!(slow.reconnected);
    assert_eq!(held(&stopping.store()).await, 0);
    whole(&second, &ada, 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn tok_09_a_process_that_comes_back_too_late_connects_nothing_dead() {
    let (w, stopping) = stopping().await;
    let ada = w.visitor("ada");
    let trip = Trip::begin(&w, &ada, "notes", &[NOTES]).await;
    stopping.arm(3, Halt::Waits);
    let flow = complete(&w, &ada, &trip);
    stopping.until_reached().await;
    // Two minutes later another process revokes what seems to be an orphan.
    let second = recover(&w, &stopping).await;
    assert_eq!(live(&w, "id.example.test", "ada"), (0, 0));
    stopping.release();
    let late = flow.await.unwrap().unwrap().connection;
    // It does not stand there as if its tokens lived.
    let status = second.connections().status(&ada, &late).await.unwrap();
    assert_eq!(status.state, ConnectionState::NeedsReconnect(ReconnectReason::Revoked));
    let next = again(&second, &w, &ada, "notes", &NOTES).await.unwrap();
    assert_eq!((next.connection, next.reconnected), (late, true));
    whole(&second, &ada, 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn tok_09_a_process_that_comes_back_during_the_revocation_connects_nothing_dead() {
    let (w, stopping) = stopping().await;
    let ada = w.visitor("ada");
    let gate = Gate::new();
    w.site("id.example.test").fault(Endpoint::Revoke, Fault::Held(gate.clone()));
    let trip = Trip::begin(&w, &ada, "notes", &[NOTES]).await;
    stopping.arm(3, Halt::Waits);
    let flow = complete(&w, &ada, &trip);
    stopping.until_reached().await;
    let second = w.another_process_over(declaration(), stopping.store()).await.unwrap();
    w.advance(Duration::from_secs(121));
    let worker = second.worker();
    let revoking = tokio::spawn(async move { worker.settle().await });
    gate.until_arrived(1).await;
    // The provider has ended them; the worker has not heard of it when the other one connects.
    stopping.release();
    let late = flow.await.unwrap().unwrap().connection;
    gate.open();
    revoking.await.unwrap().unwrap();
    let status = second.connections().status(&ada, &late).await.unwrap();
    assert_eq!(status.state, ConnectionState::NeedsReconnect(ReconnectReason::Revoked));
    assert_eq!(held(&stopping.store()).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn tok_09_an_account_that_is_being_disconnected_is_not_connected_in_between() {
    for (registration, purpose, site) in BOTH {
        let (w, _) = stopping().await;
        let ada = w.visitor("ada");
        let connections = w.bailee.connections();
        let purposes = std::slice::from_ref(&purpose);
        let first = Trip::begin(&w, &ada, registration, purposes).await;
        let first = first.complete(&w, &ada).await.unwrap().connection;
        let trip = Trip::begin(&w, &ada, registration, purposes).await;
        let gate = Gate::new();
        w.site(site).fault(Endpoint::Revoke, Fault::Held(gate.clone()));
        let (visitor, old) = (ada.clone(), first.clone());
        let ending =
            tokio::spawn(async move { connections.disconnect(&visitor, &old).await.unwrap() });
        gate.until_arrived(1).await;
        let outcome = trip.complete(&w, &ada).await;
        let refusal = rejected(&w, outcome, RefusalReason::Unavailable).await;
        assert_eq!(refusal.error().kind(), ErrorKind::Conflict);
        gate.open();
        assert!(ending.await.unwrap().confirmed);
        assert_eq!(live(&w, site, "ada"), (0, 0), "neither the old tokens nor the new live on");
        assert_eq!(held(w.store()).await, 0);
        assert!(w.bailee.connections().of_visitor(&ada).await.unwrap().is_empty());
        let next = Trip::begin(&w, &ada, registration, purposes).await;
        assert_ne!(next.complete(&w, &ada).await.unwrap().connection, first);
    }
}
