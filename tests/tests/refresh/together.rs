//! One renewal for all who need it, claimed before it is sent, in a task that outlives its callers.

use std::{sync::Arc, task::Poll};

use bailee::{
    ConnectionState, ErrorKind, Happened, ReconnectReason, TenantId,
    core::{Clock, CredentialName},
    store::{Claim, Key, Kind},
};
use bailee_postgres::testing::Cluster;
use bailee_testkit::Storage;
use bailee_tests::{
    declaration,
    drill::{Tasks, classes, seconds, state, told},
    postgres_world, sqlite_world, world,
};
use tokio::{sync::Barrier, task::JoinSet};

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn ref_02_sixty_four_callers_share_one_renewal_in_every_class() {
    for (name, class, style) in classes() {
        let (w, ada, notes) = due(notes_world(class, style)).await;
        let outcomes = together(&w, "notes", &notes).await;
        let site = w.site(ISSUER);
        if style == RefreshStyle::None {
            // There is nothing to renew with: all are told, and so is the host, once.
            for outcome in outcomes {
                assert_eq!(outcome.unwrap_err().kind(), ErrorKind::NeedsReconnect, "{name}");
            }
            assert_eq!(site.count(Endpoint::Refresh), 0, "{name}");
            let expired = ReconnectReason::Expired;
            assert_eq!(state(&w, &ada, &notes).await, ConnectionState::NeedsReconnect(expired));
            w.settle().await;
            let expected = [Happened::Connected, Happened::NeedsReconnect { reason: expired }];
            assert_eq!(told(&w, &notes), expected, "{name}");
        } else {
            for outcome in outcomes {
                outcome.unwrap();
            }
            assert_eq!(site.count(Endpoint::Refresh), 1, "{name}");
            assert_eq!(site.notes().len(), 64, "{name}");
            assert!(site.reuse_alarms().is_empty(), "{name}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn ref_02_sixty_four_callers_share_one_renewal_in_memory() {
    one_renewal_at_tiktok(&world().build().await.unwrap()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn ref_02_sixty_four_callers_share_one_renewal_on_sqlite() {
    let (w, _folder) = sqlite_world().await.unwrap();
    one_renewal_at_tiktok(&w).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn ref_02_sixty_four_callers_share_one_renewal_on_postgresql() {
    one_renewal_at_tiktok(&postgres_world().await.unwrap()).await;
}

async fn one_renewal_at_tiktok(w: &World) {
    let ada = w.visitor("ada");
    let tiktok = w.connect(&ada, "tiktok", &[PUBLISH]).await.unwrap();
    w.advance(hours(3));
    for outcome in together(w, "tiktok", &tiktok).await {
        outcome.unwrap();
    }
    let site = w.site("tiktok");
    assert_eq!(site.count(Endpoint::Refresh), 1);
    assert_eq!(site.count(Endpoint::Api), 64);
    assert!(site.reuse_alarms().is_empty());
}

/// 64 tasks that use a connection in the same moment.
async fn together(
    w: &World,
    provider: &'static str,
    connection: &ConnectionRef,
) -> Vec<bailee::Result<()>> {
    let barrier = Arc::new(Barrier::new(64));
    let mut tasks = JoinSet::new();
    for _ in 0..64 {
        let (bailee, barrier) = (w.bailee.clone(), barrier.clone());
        let (ada, connection) = (w.visitor("ada"), connection.clone());
        tasks.spawn(async move {
            barrier.wait().await;
            call(&bailee, &ada, &connection, provider).await
        });
    }
    tasks.join_all().await
}

#[tokio::test(flavor = "multi_thread")]
async fn ref_02_processes_on_one_store_share_one_renewal() {
    let (w, ada, notes) = due(strict()).await;
    let mut processes = vec![w.bailee.clone()];
    for _ in 0..3 {
        processes.push(w.another_process(declaration()).await.unwrap());
    }
    let barrier = Arc::new(Barrier::new(32));
    let mut tasks = JoinSet::new();
    for n in 0..32 {
        let (bailee, barrier) = (processes[n % 4].clone(), barrier.clone());
        let (ada, notes) = (ada.clone(), notes.clone());
        tasks.spawn(async move {
            barrier.wait().await;
            call(&bailee, &ada, &notes, "notes").await
        });
    }
    for outcome in tasks.join_all().await {
        outcome.unwrap();
    }
    assert_eq!(w.site(ISSUER).count(Endpoint::Refresh), 1);
    assert!(w.site(ISSUER).reuse_alarms().is_empty());
}

/// The key of the work that renews a connection's credential.
fn refresh_task(connection: &ConnectionRef) -> Key {
    let name = CredentialName::from_static("user");
    Key::new(Kind::from_static("refresh"), connection.credential(&name))
}

#[tokio::test(flavor = "multi_thread")]
async fn ref_03_claim_stands_before_the_request_and_no_database_connection_waits_for_it() {
    // One connection to the database for everything: what a request held would be missed.
    let builder = strict();
    let clock: Arc<dyn Clock> = Arc::new(builder.clock().clone());
    let database = Cluster::shared().unwrap().database().await.unwrap();
    let store = database.builder("bailee_app").connections(1).clock(clock).connect().await.unwrap();
    let (w, ada, notes) = due(builder.storage(Storage::Given(Arc::new(store)))).await;
    let (gate, waiting) = held(&w, &w.bailee, &notes).await;

    // The request is at the provider. What was to be committed before is there for everybody.
    let task = refresh_task(&notes);
    let tenant = TenantId::from_static("acme");
    let claim = Claim::One { tenant: &tenant, task: &task, lease: seconds(1) };
    assert!(w.store().claim(claim).await.unwrap().is_empty(), "the work is held");
    assert!(w.bailee.connections().status(&ada, &notes).await.is_ok());

    gate.open();
    waiting.await.unwrap().unwrap();
    assert_eq!(w.site(ISSUER).count(Endpoint::Refresh), 1);
}

/// A future that is dropped after so many polls.
async fn polled(times: usize, future: impl Future) -> bool {
    let mut future = Box::pin(future);
    let mut left = times;
    std::future::poll_fn(move |context| {
        if left == 0 {
            return Poll::Ready(false);
        }
        left -= 1;
        future.as_mut().poll(context).map(|_| true)
    })
    .await
}

#[tokio::test]
async fn ref_04_a_caller_that_goes_away_at_any_poll_changes_nothing() {
    let tasks = Tasks::default();
    let runtime = tasks.clone();
    let (w, ada, notes) =
        at_notes(strict().change(move |builder| builder.runtime(runtime.clone()))).await;
    let (mut landed_without_a_caller, mut done) = (0, false);
    for polls in 0..200 {
        w.advance(hours(2));
        let before = w.site(ISSUER).count(Endpoint::Refresh);
        done = polled(polls, call(&w.bailee, &ada, &notes, "notes")).await;
        tasks.idle().await;
        let begun = w.site(ISSUER).count(Endpoint::Refresh) - before;
        if begun == 1 {
            let status = w.bailee.connections().status(&ada, &notes).await.unwrap();
            assert!(status.expires_at.unwrap() > w.clock.now(), "it landed after {polls} polls");
            landed_without_a_caller += usize::from(!done);
        }
        call(&w.bailee, &ada, &notes, "notes").await.unwrap();
        assert_eq!(w.site(ISSUER).count(Endpoint::Refresh), before + 1, "after {polls} polls");
        if done {
            break;
        }
    }
    assert!(done, "the sweep came to its end");
    assert!(landed_without_a_caller > 0, "a caller was dropped while the request was under way");
    assert!(w.site(ISSUER).reuse_alarms().is_empty());
}
