//! Renewal: one at a time, in a task that outlives its callers, committed under its fence, and
//! with an answer to everything that a provider, a store or a clock can do in between.

#![expect(clippy::unwrap_used, reason = "what the tests share fails the test that uses it")]

use std::{collections::BTreeMap, future::Future, sync::Arc, task::Poll, time::Duration};

use bailee::{
    BeginOptions, ConnectionRef, ConnectionState, ErrorKind, Happened, ReconnectReason, Remedy,
    TenantId,
    core::{Clock, CredentialName, ManualClock},
    providers::{Spec, spec::RefreshClass},
    store::{Claim, Key, Kind, MemoryStore, Store},
};
use bailee_postgres::testing::Cluster;
use bailee_testkit::{
    Storage, World,
    emulator::{Decision, Endpoint, Fault, Gate, RefreshStyle},
};
use bailee_tests::{
    NOTES, NOTES_SPEC, PUBLISH, declaration,
    drill::{
        ISSUER, Parking, Tasks, assert_never_goes_back, call, classes, client, hours, notes_world,
        notes_world_where, presented, seconds, state, told,
    },
    postgres_world, sqlite_world, world,
};
use tokio::{sync::Barrier, task::JoinSet};

const STRICT: RefreshStyle = RefreshStyle::Strict { kills_family: true };
const LENIENT: RefreshStyle = RefreshStyle::Strict { kills_family: false };
const GRACE: &str = "class = \"grace\"\nwindow_seconds = 600";
const GRACE_STYLE: RefreshStyle = RefreshStyle::Grace(Duration::from_secs(600));

/// The key of the work that renews a connection's credential.
fn refresh_task(connection: &ConnectionRef) -> Key {
    let name = CredentialName::from_static("user");
    Key::new(Kind::from_static("refresh"), connection.credential(&name))
}

#[test]
fn ref_01_each_class_is_stated_in_the_spec_and_unknown_is_strict() {
    let parse = |class: &str| {
        Spec::parse(&NOTES_SPEC.replace("class = \"strict\"", class)).map(|spec| spec.refresh.class)
    };
    let expected = [
        ("strict", RefreshClass::Strict),
        ("grace", RefreshClass::Grace(seconds(600))),
        ("until_replacement_used", RefreshClass::UntilReplacementUsed),
        ("overlapping", RefreshClass::Overlapping),
        ("stable", RefreshClass::Stable),
        ("self_extending", RefreshClass::SelfExtending),
        ("static", RefreshClass::Static),
    ];
    let table: BTreeMap<_, _> =
        classes().into_iter().map(|(name, class, _)| (name, class)).collect();
    assert_eq!(table.len(), expected.len(), "every class is exercised");
    for (name, class) in expected {
        assert_eq!(parse(table[name]).unwrap(), class, "{name}");
    }

    let start = NOTES_SPEC.find("[refresh]").unwrap();
    let end = start + NOTES_SPEC[start..].find("[[scope]]").unwrap();
    let silent = [&NOTES_SPEC[..start], &NOTES_SPEC[end..]].concat();
    assert_eq!(Spec::parse(&silent).unwrap().refresh.class, RefreshClass::Strict);

    for wrong in
        ["class = \"rotating\"", "class = \"grace\"", "class = \"strict\"\nwindow_seconds = 5"]
    {
        assert_eq!(parse(wrong).unwrap_err().kind(), ErrorKind::Configuration, "{wrong}");
    }
    // Any class but the strictest is a claim about a provider, so it names its page.
    let unfounded = NOTES_SPEC
        .replace("class = \"strict\"", "class = \"stable\"")
        .replace("page = \"https://id.example.test/docs/refresh\"\n", "");
    assert_eq!(Spec::parse(&unfounded).unwrap_err().kind(), ErrorKind::Configuration);
}

#[tokio::test(flavor = "multi_thread")]
async fn ref_01_each_class_lives_through_many_lifetimes_and_presents_only_the_newest_token() {
    for (name, class, style) in classes() {
        if style == RefreshStyle::None {
            continue;
        }
        let w = notes_world(class, style).build().await.unwrap();
        let ada = w.visitor("ada");
        let notes = w.connect(&ada, "notes", &[NOTES]).await.unwrap();
        for _ in 0..5 {
            w.advance(hours(2));
            call(&w.bailee, &ada, &notes, "notes").await.unwrap();
        }
        let site = w.site(ISSUER);
        assert_eq!(site.count(Endpoint::Refresh), 5, "{name}");
        assert!(site.reuse_alarms().is_empty(), "{name}");
        assert_never_goes_back(site);
        let stays = matches!(style, RefreshStyle::Stable { .. });
        let mut tokens = presented(site);
        tokens.dedup();
        assert_eq!(tokens.len(), if stays { 1 } else { 5 }, "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn ref_02_sixty_four_callers_share_one_renewal_in_every_class() {
    for (name, class, style) in classes() {
        let w = notes_world(class, style).build().await.unwrap();
        let ada = w.visitor("ada");
        let notes = w.connect(&ada, "notes", &[NOTES]).await.unwrap();
        w.advance(hours(2));
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
    let w = notes_world("class = \"strict\"", STRICT).build().await.unwrap();
    let ada = w.visitor("ada");
    let notes = w.connect(&ada, "notes", &[NOTES]).await.unwrap();
    w.advance(hours(2));
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

#[tokio::test(flavor = "multi_thread")]
async fn ref_03_claim_stands_before_the_request_and_no_database_connection_waits_for_it() {
    // One connection to the database for everything: what a request held would be missed.
    let builder = notes_world("class = \"strict\"", STRICT);
    let clock: Arc<dyn Clock> = Arc::new(builder.clock().clone());
    let database = Cluster::shared().unwrap().database().await.unwrap();
    let store = database.builder("bailee_app").connections(1).clock(clock).connect().await.unwrap();
    let w = builder.storage(Storage::Given(Arc::new(store))).build().await.unwrap();
    let ada = w.visitor("ada");
    let notes = w.connect(&ada, "notes", &[NOTES]).await.unwrap();
    w.advance(hours(2));
    let gate = Gate::new();
    w.site(ISSUER).fault(Endpoint::Refresh, Fault::Held(gate.clone()));
    let waiting = {
        let (bailee, ada, notes) = (w.bailee.clone(), ada.clone(), notes.clone());
        tokio::spawn(async move { call(&bailee, &ada, &notes, "notes").await })
    };
    gate.until_arrived(1).await;

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
    let w = notes_world("class = \"strict\"", STRICT)
        .change(move |builder| builder.runtime(runtime.clone()))
        .build()
        .await
        .unwrap();
    let ada = w.visitor("ada");
    let notes = w.connect(&ada, "notes", &[NOTES]).await.unwrap();
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

#[tokio::test(flavor = "multi_thread")]
async fn ref_05_a_holder_paused_beyond_its_lease_does_not_write_over_a_later_one() {
    // The second renewal ends the tokens of the first: written over, the connection is lost.
    let style = RefreshStyle::UntilReplacementUsed;
    let w = notes_world("class = \"until_replacement_used\"", style).build().await.unwrap();
    let ada = w.visitor("ada");
    let notes = w.connect(&ada, "notes", &[NOTES]).await.unwrap();
    w.advance(hours(2));
    let gate = Gate::new();
    let site = w.site(ISSUER);
    site.fault(Endpoint::Refresh, Fault::Held(gate.clone()));
    let paused = spawn_call(&w, &notes);
    gate.until_arrived(1).await;

    w.advance(seconds(120));
    let other = w.another_process(declaration()).await.unwrap();
    other.worker().settle().await.unwrap();
    assert_eq!(site.count(Endpoint::Refresh), 2, "the lease was over, so another one renewed");

    gate.open();
    paused.await.unwrap().unwrap();
    call(&w.bailee, &ada, &notes, "notes").await.unwrap();
    call(&other, &ada, &notes, "notes").await.unwrap();
    assert_eq!(site.count(Endpoint::Refresh), 2, "the tokens of the later one are in place");
    assert!(site.reuse_alarms().is_empty());
    let audited = w.audited("acme").await;
    assert_eq!(audited.iter().filter(|event| *event == "credential.refreshed").count(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn ref_05_a_reconnect_while_a_renewal_is_under_way_keeps_the_new_grant() {
    let w = notes_world("class = \"strict\"", STRICT).build().await.unwrap();
    let ada = w.visitor("ada");
    let notes = w.connect(&ada, "notes", &[NOTES]).await.unwrap();
    w.advance(hours(2));
    let gate = Gate::new();
    let site = w.site(ISSUER);
    site.fault(Endpoint::Refresh, Fault::Held(gate.clone()));
    let waiting = spawn_call(&w, &notes);
    gate.until_arrived(1).await;

    let again = w.connect(&ada, "notes", &[NOTES]).await.unwrap();
    assert_eq!(again, notes, "the same account is the same connection");
    gate.open();
    waiting.await.unwrap().unwrap();

    // The tokens in place are those of the new grant, whatever becomes of the old one.
    w.advance(hours(2));
    call(&w.bailee, &ada, &notes, "notes").await.unwrap();
    let tokens = presented(site);
    assert_eq!(tokens.len(), 2);
    let form = |token: &str| token.replace('%', "");
    assert_ne!(form(&tokens[0]), form(&tokens[1]));
    assert!(site.reuse_alarms().is_empty());
    let receipt = w.bailee.connections().disconnect(&ada, &notes).await.unwrap();
    assert!(receipt.confirmed);
}

fn spawn_call(
    w: &World,
    connection: &ConnectionRef,
) -> tokio::task::JoinHandle<bailee::Result<()>> {
    let (bailee, ada, connection) = (w.bailee.clone(), w.visitor("ada"), connection.clone());
    tokio::spawn(async move { call(&bailee, &ada, &connection, "notes").await })
}

#[tokio::test(flavor = "multi_thread")]
async fn ref_06_tokens_of_a_connection_that_is_gone_are_revoked() {
    // The revocation of the tokens that are stored does not reach those that are on their way.
    for (style, cascades) in [(LENIENT, false), (STRICT, true), (RefreshStyle::Overlapping, false)]
    {
        let tasks = Tasks::default();
        let runtime = tasks.clone();
        let w = notes_world_where("class = \"strict\"", style, |issuer| {
            issuer.revocation = bailee_testkit::emulator::oidc::Revocation::Rfc7009 { cascades };
        })
        .change(move |builder| builder.runtime(runtime.clone()))
        .build()
        .await
        .unwrap();
        let ada = w.visitor("ada");
        let notes = w.connect(&ada, "notes", &[NOTES]).await.unwrap();
        w.advance(hours(2));
        let gate = Gate::new();
        let site = w.site(ISSUER);
        site.fault(Endpoint::Refresh, Fault::Held(gate.clone()));
        let waiting = spawn_call(&w, &notes);
        gate.until_arrived(1).await;

        w.bailee.connections().disconnect(&ada, &notes).await.unwrap();
        gate.open();
        assert_eq!(waiting.await.unwrap().unwrap_err().kind(), ErrorKind::NotFound);
        tasks.idle().await;
        w.settle().await;
        assert!(site.live_tokens().is_empty(), "{style:?}: {:?}", site.live_tokens().len());
        assert!(w.bailee.connections().of_visitor(&ada).await.unwrap().is_empty());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn ref_06_unwanted_tokens_are_revoked_later_when_the_provider_is_down_now() {
    let w = notes_world_where("class = \"strict\"", LENIENT, |issuer| {
        issuer.revocation = bailee_testkit::emulator::oidc::Revocation::Rfc7009 { cascades: false };
    })
    .build()
    .await
    .unwrap();
    let ada = w.visitor("ada");
    let notes = w.connect(&ada, "notes", &[NOTES]).await.unwrap();
    w.advance(hours(2));
    let gate = Gate::new();
    let site = w.site(ISSUER);
    site.fault(Endpoint::Refresh, Fault::Held(gate.clone()));
    let waiting = spawn_call(&w, &notes);
    gate.until_arrived(1).await;
    site.fault(Endpoint::Revoke, Fault::Status(503).times(3));
    assert!(!w.bailee.connections().disconnect(&ada, &notes).await.unwrap().confirmed);
    gate.open();
    assert!(waiting.await.unwrap().is_err());
    assert!(!site.live_tokens().is_empty(), "the provider was down");

    for _ in 0..5 {
        w.advance(seconds(300));
        w.settle().await;
    }
    let fresh: Vec<_> =
        site.live_tokens().into_iter().filter(|token| token.expires_at.is_some()).collect();
    assert!(fresh.is_empty(), "no access token lives on");
    let presented_last = presented(site).len();
    assert_eq!(presented_last, 1, "and none was renewed for that");
}

#[tokio::test(flavor = "multi_thread")]
async fn ref_06_a_disconnect_and_a_renewal_in_the_same_moment_leave_no_live_token() {
    for round in 0..16 {
        let w = notes_world("class = \"strict\"", LENIENT).build().await.unwrap();
        let ada = w.visitor("ada");
        let notes = w.connect(&ada, "notes", &[NOTES]).await.unwrap();
        w.advance(hours(2));
        let barrier = Arc::new(Barrier::new(2));
        let caller = {
            let (bailee, ada, notes) = (w.bailee.clone(), ada.clone(), notes.clone());
            let barrier = barrier.clone();
            tokio::spawn(async move {
                barrier.wait().await;
                call(&bailee, &ada, &notes, "notes").await
            })
        };
        barrier.wait().await;
        for _ in 0..round {
            tokio::task::yield_now().await;
        }
        w.bailee.connections().disconnect(&ada, &notes).await.unwrap();
        let _ = caller.await.unwrap();
        w.advance(seconds(300));
        w.settle().await;
        assert!(w.site(ISSUER).live_tokens().is_empty(), "round {round}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn ref_08_a_lost_answer_is_asked_for_again_with_the_same_token() {
    for fault in [Fault::DropAfterEffect, Fault::CutOff, Fault::DropBeforeEffect] {
        for (name, class, style) in classes() {
            if matches!(style, RefreshStyle::None | RefreshStyle::Strict { .. }) {
                continue;
            }
            let w = notes_world(class, style).build().await.unwrap();
            let ada = w.visitor("ada");
            let notes = w.connect(&ada, "notes", &[NOTES]).await.unwrap();
            w.advance(hours(2));
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
        let w = notes_world("class = \"strict\"", STRICT).build().await.unwrap();
        let ada = w.visitor("ada");
        let notes = w.connect(&ada, "notes", &[NOTES]).await.unwrap();
        w.advance(hours(2));
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
        let w = notes_world("class = \"strict\"", STRICT).build().await.unwrap();
        let ada = w.visitor("ada");
        let notes = w.connect(&ada, "notes", &[NOTES]).await.unwrap();
        w.advance(hours(2));
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
    let w = notes_world("class = \"strict\"", STRICT).build().await.unwrap();
    let ada = w.visitor("ada");
    let notes = w.connect(&ada, "notes", &[NOTES]).await.unwrap();
    w.advance(hours(2));
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
        let w = notes_world(class, style).build().await.unwrap();
        let ada = w.visitor("ada");
        let notes = w.connect(&ada, "notes", &[NOTES]).await.unwrap();
        w.advance(hours(2));
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
        let w = notes_world("class = \"strict\"", STRICT).build().await.unwrap();
        let ada = w.visitor("ada");
        let notes = w.connect(&ada, "notes", &[NOTES]).await.unwrap();
        w.advance(hours(2));
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
    let w = notes_world(GRACE, GRACE_STYLE).build().await.unwrap();
    let ada = w.visitor("ada");
    let notes = w.connect(&ada, "notes", &[NOTES]).await.unwrap();
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

#[tokio::test(flavor = "multi_thread")]
async fn ref_09_an_answer_without_a_refresh_token_keeps_the_old_one() {
    let w = world().build().await.unwrap();
    let ada = w.visitor("ada");
    let tiktok = w.connect(&ada, "tiktok", &[PUBLISH]).await.unwrap();
    let site = w.site("tiktok");
    let mut expected = Vec::new();
    for round in 0..6 {
        w.advance(hours(3));
        let withheld = round % 2 == 0;
        if withheld {
            site.fault(Endpoint::Refresh, Fault::NoRefreshToken);
        }
        call(&w.bailee, &ada, &tiktok, "tiktok").await.unwrap();
        expected.push(withheld);
    }
    let tokens = presented(site);
    for (n, withheld) in expected.iter().enumerate().take(5) {
        assert_eq!(tokens[n] == tokens[n + 1], *withheld, "after refresh {n}");
    }
    assert!(site.reuse_alarms().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn ref_09_a_new_refresh_token_leaves_no_trace_of_the_old_one() {
    // The old one is gone with the commit: disconnecting presents the new one alone.
    let w =
        notes_world("class = \"overlapping\"", RefreshStyle::Overlapping).build().await.unwrap();
    let ada = w.visitor("ada");
    let notes = w.connect(&ada, "notes", &[NOTES]).await.unwrap();
    w.advance(hours(2));
    call(&w.bailee, &ada, &notes, "notes").await.unwrap();
    let site = w.site(ISSUER);
    let old = presented(site).pop().unwrap();
    w.bailee.connections().disconnect(&ada, &notes).await.unwrap();
    for request in site.requests() {
        if request.endpoint == Endpoint::Revoke {
            assert!(!String::from_utf8_lossy(&request.body).contains(&old));
        }
    }
}

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
        let w = notes_world("class = \"overlapping\"", style).build().await.unwrap();
        let ada = w.visitor("ada");
        let notes = w.connect(&ada, "notes", &[NOTES]).await.unwrap();
        w.advance(hours(2));
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
    let w = world().build().await.unwrap();
    let ada = w.visitor("ada");
    let tiktok = w.connect(&ada, "tiktok", &[PUBLISH]).await.unwrap();
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
    let w = notes_world("class = \"strict\"", LENIENT).build().await.unwrap();
    let late = Parking::at("/token", client(&w));
    let process =
        w.process(declaration(), w.store().clone()).unwrap().http(late.clone()).build().await;
    let process = process.unwrap();
    let ada = w.visitor("ada");
    let notes = w.connect(&ada, "notes", &[NOTES]).await.unwrap();
    w.advance(hours(2));
    late.close();
    let waiting = {
        let (ada, notes) = (ada.clone(), notes.clone());
        tokio::spawn(async move { call(&process, &ada, &notes, "notes").await })
    };
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
    let w = notes_world("class = \"strict\"", LENIENT).build().await.unwrap();
    let ada = w.visitor("ada");
    let notes = w.connect(&ada, "notes", &[NOTES]).await.unwrap();
    w.advance(hours(2));
    let gate = Gate::new();
    let site = w.site(ISSUER);
    site.fault(Endpoint::Refresh, Fault::Held(gate.clone()));
    let paused = spawn_call(&w, &notes);
    gate.until_arrived(1).await;
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

#[tokio::test(flavor = "multi_thread")]
async fn ref_12_a_401_with_a_token_believed_valid_forces_one_renewal() {
    for provider in ["tiktok", "notes"] {
        let w = world().build().await.unwrap();
        let ada = w.visitor("ada");
        let site = w.site(if provider == "tiktok" { "tiktok" } else { ISSUER });
        let purpose = if provider == "tiktok" { PUBLISH } else { NOTES };
        site.fault(Endpoint::Exchange, Fault::ExpiresIn("999999".into()));
        let connection = w.connect(&ada, provider, &[purpose]).await.unwrap();
        w.advance(hours(3));
        call(&w.bailee, &ada, &connection, provider).await.unwrap();
        assert_eq!(site.count(Endpoint::Refresh), 1, "{provider}");
        assert_eq!(site.count(Endpoint::Api), 2, "{provider}: refused once, then taken");
        call(&w.bailee, &ada, &connection, provider).await.unwrap();
        assert_eq!(site.count(Endpoint::Refresh), 1, "{provider}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn ref_12_a_token_that_another_process_replaced_is_read_again_without_a_renewal() {
    // GitHub and Atlassian end the old access token at a refresh.
    let w = notes_world_where("class = \"strict\"", STRICT, |issuer| issuer.ends_old_access = true)
        .build()
        .await
        .unwrap();
    let site = w.site(ISSUER);
    let late = Parking::at("/notes", client(&w));
    let process =
        w.process(declaration(), w.store().clone()).unwrap().http(late.clone()).build().await;
    let process = process.unwrap();
    let ada = w.visitor("ada");
    site.fault(Endpoint::Exchange, Fault::ExpiresIn("999999".into()));
    let notes = w.connect(&ada, "notes", &[NOTES]).await.unwrap();
    w.advance(hours(2));
    late.close();
    let waiting = {
        let (ada, notes) = (ada.clone(), notes.clone());
        tokio::spawn(async move { call(&process, &ada, &notes, "notes").await })
    };
    late.until_arrived(1).await;
    call(&w.bailee, &ada, &notes, "notes").await.unwrap();
    assert_eq!(site.count(Endpoint::Refresh), 1);
    late.open();
    waiting.await.unwrap().unwrap();
    assert_eq!(site.count(Endpoint::Refresh), 1, "what the other one committed was enough");
    assert_eq!(site.notes().len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn ref_12_a_401_that_stays_ends_after_one_forced_renewal() {
    let w = world().build().await.unwrap();
    let ada = w.visitor("ada");
    let tiktok = w.connect(&ada, "tiktok", &[PUBLISH]).await.unwrap();
    let site = w.site("tiktok");
    site.fault(Endpoint::Api, Fault::Status(401).always());
    let error = call(&w.bailee, &ada, &tiktok, "tiktok").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NeedsReconnect);
    assert_eq!((site.count(Endpoint::Refresh), site.count(Endpoint::Api)), (1, 2));
    // The provider was wrong, not the grant.
    site.clear_faults();
    call(&w.bailee, &ada, &tiktok, "tiktok").await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn ref_12_a_grant_that_the_person_ended_at_the_provider_is_found_out_at_the_next_call() {
    let w = world().build().await.unwrap();
    let ada = w.visitor("ada");
    let tiktok = w.connect(&ada, "tiktok", &[PUBLISH]).await.unwrap();
    w.site("tiktok").withdraw("ada", "fake-client-1");
    let error = call(&w.bailee, &ada, &tiktok, "tiktok").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NeedsReconnect);
    let reason = ReconnectReason::Revoked;
    assert_eq!(state(&w, &ada, &tiktok).await, ConnectionState::NeedsReconnect(reason));
}

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
    let w = world().build().await.unwrap();
    let ada = w.visitor("ada");
    let tiktok = w.connect(&ada, "tiktok", &[PUBLISH]).await.unwrap();
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
    let w = world().build().await.unwrap();
    let ada = w.visitor("ada");
    let tiktok = w.connect(&ada, "tiktok", &[PUBLISH]).await.unwrap();
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

#[tokio::test(flavor = "multi_thread")]
async fn ref_14_a_process_whose_clock_jumps_neither_steals_a_claim_nor_loses_its_own() {
    for jump in [3600, -3600] {
        let w = notes_world("class = \"strict\"", STRICT).build().await.unwrap();
        let ada = w.visitor("ada");
        let notes = w.connect(&ada, "notes", &[NOTES]).await.unwrap();
        w.advance(hours(2));
        let own = ManualClock::at(w.clock.now());
        let process = w
            .process(declaration(), w.store().clone())
            .unwrap()
            .clock(own.clone())
            .build()
            .await
            .unwrap();
        let site = w.site(ISSUER);

        // Its own renewal is under way when its clock jumps.
        let gate = Gate::new();
        site.fault(Endpoint::Refresh, Fault::Held(gate.clone()));
        let waiting = {
            let (process, ada, notes) = (process.clone(), ada.clone(), notes.clone());
            tokio::spawn(async move { call(&process, &ada, &notes, "notes").await })
        };
        gate.until_arrived(1).await;
        own.jump_to(bailee::core::Timestamp::from_seconds(w.clock.now().as_seconds() + jump));
        w.settle().await;
        gate.open();
        waiting.await.unwrap().unwrap();
        assert_eq!(site.count(Endpoint::Refresh), 1, "jump {jump}");

        // The other one's is under way, and a jumped clock looks for due work.
        w.advance(hours(3));
        let gate = Gate::new();
        site.fault(Endpoint::Refresh, Fault::Held(gate.clone()));
        let before = site.count(Endpoint::Refresh);
        let waiting = spawn_call(&w, &notes);
        gate.until_arrived(1).await;
        process.worker().settle().await.unwrap();
        assert_eq!(
            site.count(Endpoint::Refresh),
            before + 1,
            "jump {jump}: the store's clock decides"
        );
        gate.open();
        waiting.await.unwrap().unwrap();
        call(&process, &ada, &notes, "notes").await.unwrap();
        assert!(site.reuse_alarms().is_empty(), "jump {jump}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn ref_14_calls_go_on_while_the_wall_clock_jumps_to_and_fro() {
    let builder = world();
    let truth = builder.clock().clone();
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new(Arc::new(truth)));
    let w = builder.storage(Storage::Given(store)).build().await.unwrap();
    let own = ManualClock::at(w.clock.now());
    let process = w.process(declaration(), w.store().clone()).unwrap().clock(own.clone());
    let process = process.build().await.unwrap();
    let ada = w.visitor("ada");
    let tiktok = w.connect(&ada, "tiktok", &[PUBLISH]).await.unwrap();
    for round in 0..24_i64 {
        w.advance(seconds(1800));
        own.advance(seconds(1800));
        let jump = [0, 3600, -3600, 7200, -7200][usize::try_from(round).unwrap() % 5];
        own.jump_to(bailee::core::Timestamp::from_seconds(w.clock.now().as_seconds() + jump));
        call(&process, &ada, &tiktok, "tiktok").await.unwrap();
        call(&w.bailee, &ada, &tiktok, "tiktok").await.unwrap();
        process.worker().settle().await.unwrap();
        w.settle().await;
    }
    let site = w.site("tiktok");
    assert!(site.reuse_alarms().is_empty());
    assert_never_goes_back(site);
    let refreshes = site.count(Endpoint::Refresh);
    assert!(refreshes <= 48, "{refreshes} in twelve hours");
}

#[tokio::test(flavor = "multi_thread")]
async fn ref_15_a_copy_with_another_instance_id_sends_nothing_and_claims_nothing() {
    let w = world().build().await.unwrap();
    let ada = w.visitor("ada");
    let tiktok = w.connect(&ada, "tiktok", &[PUBLISH]).await.unwrap();
    w.settle().await;
    w.advance(hours(24 * 61));
    let copy = w.process(declaration(), w.store().clone()).unwrap().instance("copy");
    let copy = copy.build().await.unwrap();
    let before = (w.emulator.requests().len(), w.audited("acme").await, w.audited("~").await);
    let quarantined = |kind: ErrorKind| assert_eq!(kind, ErrorKind::Quarantined);
    quarantined(call(&copy, &ada, &tiktok, "tiktok").await.unwrap_err().kind());
    quarantined(copy.worker().settle().await.unwrap_err().kind());
    quarantined(copy.worker().run().await.unwrap_err().kind());
    let connections = copy.connections();
    quarantined(connections.begin(&ada, "tiktok", &[PUBLISH]).await.unwrap_err().kind());
    quarantined(connections.disconnect(&ada, &tiktok).await.unwrap_err().kind());
    quarantined(copy.freeze(bailee::Freeze::All).await.unwrap_err().kind());
    let after = (w.emulator.requests().len(), w.audited("acme").await, w.audited("~").await);
    assert_eq!(before, after, "nothing was sent and nothing written");
    // The refresh that is due was not claimed: the original does it at once.
    w.settle().await;
    assert_eq!(w.site("tiktok").count(Endpoint::Refresh), 1);

    copy.danger_adopt_database().await.unwrap();
    call(&copy, &ada, &tiktok, "tiktok").await.unwrap();
    quarantined(call(&w.bailee, &ada, &tiktok, "tiktok").await.unwrap_err().kind());
    quarantined(w.bailee.worker().settle().await.unwrap_err().kind());
    w.advance(hours(3));
    call(&copy, &ada, &tiktok, "tiktok").await.unwrap();
    assert!(w.site("tiktok").reuse_alarms().is_empty());
}
