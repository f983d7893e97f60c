//! A world, the tasks that go on in it when a caller is gone, and what always holds in it.

use std::sync::Arc;

use bailee::{
    ConnectionRef, PostgresStore, TenantId, Visitor,
    core::{Clock, ManualClock},
    store::{Kind, MemoryStore, Query, Store},
};
use bailee_postgres::testing::Cluster;
use bailee_testkit::{
    Storage, World, WorldBuilder,
    emulator::{RefreshStyle, oidc::Revocation},
};
use bailee_tests::{
    NOTES, PUBLISH, Yielding,
    drill::{Tasks, notes_world_where, seconds},
    leave_at_every_poll, on_sqlite,
};

pub(crate) const ACME: TenantId = TenantId::from_static("acme");

pub(crate) struct Scene {
    pub(crate) w: World,
    pub(crate) tasks: Tasks,
    pub(crate) ada: Visitor,
    _folder: Option<tempfile::TempDir>,
}

/// Plays on a store in memory whose answers are waited for, and on a file.
pub(crate) async fn on_each_store(builder: impl Fn() -> WorldBuilder, play: impl AsyncFn(&Scene)) {
    on(&[Place::Memory, Place::File], Tasks::default, builder, play).await;
}

/// The same where no time passes while something rests.
pub(crate) async fn on_each_store_without_rest(
    builder: impl Fn() -> WorldBuilder,
    play: impl AsyncFn(&Scene),
) {
    on(&[Place::Memory, Place::File], Tasks::hasty, builder, play).await;
}

/// The same, and on a server: what does the most with it.
pub(crate) async fn on_a_server_too(
    builder: impl Fn() -> WorldBuilder,
    play: impl AsyncFn(&Scene),
) {
    let all = [Place::Memory, Place::File, Place::Server];
    on(&all, Tasks::default, builder, play).await;
}

async fn on(
    places: &[Place],
    tasks: fn() -> Tasks,
    builder: impl Fn() -> WorldBuilder,
    play: impl AsyncFn(&Scene),
) {
    for place in places {
        let tasks = tasks();
        let runtime = tasks.clone();
        let builder = builder().change(move |builder| builder.runtime(runtime.clone()));
        let clock = builder.clock().clone();
        let (w, folder) = match place {
            Place::File => {
                let (w, folder) = on_sqlite(builder).await.unwrap();
                (w, Some(folder))
            }
            Place::Memory => {
                let memory = MemoryStore::new(Arc::new(clock));
                let store = Storage::Given(Arc::new(Yielding::new(Arc::new(memory))));
                (builder.storage(store).build().await.unwrap(), None)
            }
            Place::Server => {
                let store = Storage::Given(server(&clock).await);
                (builder.storage(store).build().await.unwrap(), None)
            }
        };
        let ada = w.visitor("ada");
        play(&Scene { w, tasks, ada, _folder: folder }).await;
    }
}

/// Where the records are.
#[derive(Clone, Copy, Debug)]
enum Place {
    File,
    Memory,
    Server,
}

/// A database of its own, reached over two connections: one that is lost is missed soon.
pub(crate) async fn server(clock: &ManualClock) -> Arc<dyn Store> {
    let database = Cluster::shared().unwrap().database().await.unwrap();
    let clock: Arc<dyn Clock> = Arc::new(clock.clone());
    let builder = database.builder("bailee_app").connections(2).clock(clock);
    let store: PostgresStore = builder.connect().await.unwrap();
    Arc::new(store)
}

/// Providers where a token that somebody forgot lives on.
pub(crate) fn unforgiving() -> WorldBuilder {
    let strict = RefreshStyle::Strict { kills_family: false };
    notes_world_where("class = \"strict\"", strict, |issuer| {
        issuer.revocation = Revocation::Rfc7009 { cascades: false };
    })
    .tiktok(move |tiktok| {
        tiktok.refresh_style = strict;
        tiktok.verified_urls.push("media.example".into());
    })
}

impl Scene {
    /// Leaves an act at every poll; it cannot be left at one only when it waits for nothing.
    pub(crate) async fn leave<S, T>(
        &self,
        what: &str,
        prepare: impl AsyncFn() -> S,
        act: impl AsyncFn(&S) -> T,
        look: impl AsyncFn(S, Option<T>, &str),
    ) {
        let gone = leave_at_every_poll(what, &self.tasks, prepare, act, look).await;
        assert!(gone >= 3, "{what} was left {gone} times");
    }

    pub(crate) async fn connect(&self, provider: &str) -> ConnectionRef {
        let purpose = if provider == "tiktok" { PUBLISH } else { NOTES };
        self.w.connect(&self.ada, provider, &[purpose]).await.unwrap()
    }

    /// Lets time pass and the worker work.
    pub(crate) async fn pass(&self, times: usize, time: u64) {
        for _ in 0..times {
            self.w.advance(seconds(time));
            self.w.settle().await;
        }
    }

    pub(crate) async fn count(&self, tenant: &TenantId, kind: &'static str) -> usize {
        let query = Query::of_kind(Kind::from_static(kind));
        self.w.store().find(tenant, &query).await.unwrap().records.len()
    }

    /// Every connection works or waits for its end, and nothing has a part without it.
    pub(crate) async fn nothing_is_half(&self, what: &str) {
        let connections = self.count(&ACME, "connection").await;
        assert_eq!(self.count(&ACME, "credential").await, connections, "{what}");
        assert_eq!(self.count(&ACME, "reservation").await, connections, "{what}");
        assert_eq!(self.count(&TenantId::SYSTEM, "grant").await, 0, "{what}");
    }

    /// Ends what there is, and sees that the providers hold nothing after it.
    pub(crate) async fn end(&self, what: &str) {
        let connections = self.w.bailee.connections();
        for status in connections.of_visitor(&self.ada).await.unwrap() {
            let receipt = connections.disconnect(&self.ada, &status.connection).await.unwrap();
            assert!(receipt.confirmed, "{what}");
        }
        for site in self.w.emulator.sites() {
            assert!(site.live_tokens().is_empty(), "{what}: {} has live tokens", site.name());
        }
        self.nothing_is_half(what).await;
        assert_eq!(self.count(&ACME, "connection").await, 0, "{what}");
    }
}
