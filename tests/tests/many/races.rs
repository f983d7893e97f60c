//! A disconnect that meets a renewal, at every step of both.

use std::sync::Arc;

use bailee::{
    Bailee, ConnectionRef, ErrorKind, TenantId, Visitor,
    core::ManualClock,
    store::{Kind, MemoryStore, Query, Store},
};
use bailee_testkit::{
    Storage, World,
    emulator::{RefreshStyle, Site, oidc::Revocation},
};
use bailee_tests::{
    Dice, NOTES, PUBLISH, Wrapped, declaration,
    drill::{ISSUER, Tasks, call, client, hours, notes_world_where, seconds},
};
use tokio::sync::Barrier;

use super::{
    child::open,
    meeting::{Hold, Meeting, Seat},
    *,
};

/// So many races have one world.
const STRETCH: usize = 40;
/// The steps of a renewal with its call, and those of a disconnect, are no more.
const STEPS: usize = 24;

#[tokio::test(flavor = "multi_thread")]
async fn ref_06_a_disconnect_that_meets_a_renewal_at_any_step_leaves_no_live_token() {
    let races = times("BAILEE_RACES", 150);
    let mut dice = Dice::new(0x6261_696c_6565);
    let mut worlds = 0;
    let (mut renewed, mut in_vain) = (0, 0);
    let mut left = races;
    while left > 0 {
        let table = Table::new(worlds).await;
        for race in 0..left.min(STRETCH) {
            let (reached, gone) = table.race(&mut dice, race).await;
            renewed += usize::from(reached);
            in_vain += usize::from(reached && gone);
        }
        left = left.saturating_sub(STRETCH);
        worlds += 1;
    }
    println!("{races} races: {renewed} renewals reached the provider, {in_vain} in vain");
    assert!(
        renewed * 4 > races && in_vain * 8 > races,
        "they met: {renewed}, {in_vain} of {races}"
    );
}

fn hold(dice: &mut Dice) -> Option<Hold> {
    let (at, until) = (dice.below(STEPS), dice.below(STEPS) + 1);
    let after = dice.chance(50);
    // Both stop in one race of two.
    dice.chance(75).then_some(Hold { at, after, until })
}

/// A world with two processes that meet: the first renews, the second ends.
struct Table {
    w: World,
    provider: &'static str,
    processes: [Bailee; 2],
    seats: [Seat; 2],
    tasks: Tasks,
    _folder: tempfile::TempDir,
}

impl Table {
    /// The worlds differ in their store and their provider.
    async fn new(n: usize) -> Self {
        // Rotation that keeps nothing back, and a revocation that ends what it is shown alone: what
        // somebody forgot lives on. One where an older token may be shown, one whose revocation
        // needs a renewal of its own.
        let strict = RefreshStyle::Strict { kills_family: false };
        let (provider, class, style, cascades) = match n % 4 {
            0 => ("notes", "strict", strict, false),
            1 => ("tiktok", "strict", strict, false),
            2 => ("notes", "until_replacement_used", RefreshStyle::UntilReplacementUsed, false),
            _ => ("notes", "strict", RefreshStyle::Strict { kills_family: true }, true),
        };
        let class = format!("class = \"{class}\"");
        let builder = notes_world_where(&class, style, |issuer| {
            issuer.revocation = Revocation::Rfc7009 { cascades };
        })
        .tiktok(|tiktok| tiktok.refresh_style = strict);
        let folder = tempfile::tempdir().unwrap();
        let clock = builder.clock().clone();
        // Every other one is on a file, which each process opens for itself.
        let file = Place::Sqlite(folder.path().join("vault").join("vault.db"));
        let memory: Arc<dyn Store> = Arc::new(MemoryStore::new(Arc::new(clock.clone())));
        let on_file = (n + n / 4).is_multiple_of(2);
        let store = async |clock: &ManualClock| {
            if on_file { open(&file, clock).await } else { memory.clone() }
        };
        let w = builder.storage(Storage::Given(store(&clock).await)).build().await.unwrap();
        let (seats, tasks) = ([Seat::new(0), Seat::new(1)], Tasks::default());
        let process = async |seat: &Seat| {
            let store = Wrapped::over(store(&clock).await, seat.clone());
            let http = Wrapped::over(client(&w), seat.clone());
            let process = w.process(declaration(), Arc::new(store)).unwrap();
            process.http(http).runtime(tasks.clone()).build().await.unwrap()
        };
        let processes = [process(&seats[0]).await, process(&seats[1]).await];
        Self { w, provider, processes, seats, tasks, _folder: folder }
    }

    fn site(&self) -> &Site {
        self.w.site(if self.provider == "tiktok" { "tiktok" } else { ISSUER })
    }

    /// One race. Says whether a renewal reached the provider, and whether the connection was gone
    /// for who wanted it.
    async fn race(&self, dice: &mut Dice, n: usize) -> (bool, bool) {
        let (w, ada) = (&self.w, self.w.visitor("ada"));
        let purpose = if self.provider == "tiktok" { PUBLISH } else { NOTES };
        let connection = w.connect(&ada, self.provider, &[purpose]).await.unwrap();
        w.settle().await;
        w.advance(hours(25));
        // Both have seen it before, as processes have.
        let renewed = presented_refreshes(self.site());
        let holds = [hold(dice), hold(dice)];
        let meeting = Meeting::new(holds);
        for seat in &self.seats {
            seat.sit(Some(meeting.clone()));
        }
        let barrier = Arc::new(Barrier::new(2));
        let renewal = {
            let (meeting, barrier) = (meeting.clone(), barrier.clone());
            let (bailee, ada, connection) =
                (self.processes[0].clone(), ada.clone(), connection.clone());
            let provider = self.provider;
            tokio::spawn(async move {
                barrier.wait().await;
                let outcome = call(&bailee, &ada, &connection, provider).await;
                meeting.over(0);
                outcome
            })
        };
        let ending = {
            let (meeting, barrier) = (meeting.clone(), barrier.clone());
            let (bailee, ada, connection) =
                (self.processes[1].clone(), ada.clone(), connection.clone());
            tokio::spawn(async move {
                barrier.wait().await;
                let outcome = bailee.connections().disconnect(&ada, &connection).await;
                meeting.over(1);
                outcome
            })
        };
        let (called, ended) = (renewal.await.unwrap(), ending.await.unwrap());
        self.tasks.idle().await;
        for seat in &self.seats {
            seat.sit(None);
        }
        let what = format!(
            "race {n} at {}: {holds:?}, {:?} steps: {:?}, {:?}",
            self.provider,
            meeting.taken(),
            called.as_ref().map_err(bailee::Error::kind),
            ended.as_ref().map(|receipt| receipt.confirmed).map_err(bailee::Error::kind),
        );
        ended.unwrap_or_else(|error| panic!("{what}: {error:?}"));
        let gone = called.is_err();
        if let Err(error) = called {
            // It is gone, or its token was ended under the call.
            assert!(
                matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NeedsReconnect),
                "{what}: {error:?}"
            );
        }
        self.nothing_is_left(&ada, &connection, &what).await;
        (presented_refreshes(self.site()) > renewed, gone)
    }

    /// What was to be revoked is, and no part of the connection is there without the others.
    async fn nothing_is_left(&self, ada: &Visitor, connection: &ConnectionRef, what: &str) {
        let w = &self.w;
        for _ in 0..3 {
            w.advance(seconds(60));
            w.settle().await;
        }
        let live = self.site().live_tokens();
        let kinds: Vec<_> = live.iter().map(|token| token.kind).collect();
        assert!(live.is_empty(), "{what}: {kinds:?} live on");
        for process in &self.processes {
            let status = process.connections().status(ada, connection).await;
            assert_eq!(status.unwrap_err().kind(), ErrorKind::NotFound, "{what}");
        }
        let acme = TenantId::from_static("acme");
        for (tenant, kind) in [
            (&acme, "connection"),
            (&acme, "credential"),
            (&acme, "reservation"),
            (&TenantId::SYSTEM, "grant"),
            (&TenantId::SYSTEM, "route"),
        ] {
            let query = Query::of_kind(Kind::from_static(kind));
            let found = w.store().find(tenant, &query).await.unwrap().records.len();
            assert_eq!(found, 0, "{what}: {found} records {kind}");
        }
    }
}

/// How many renewals were asked of a provider.
fn presented_refreshes(site: &Site) -> u64 {
    site.count(bailee_testkit::emulator::Endpoint::Refresh)
}
