//! Hosts that stop while they open a store, prepare a database, build the engine, or end a store: the
//! next one begins as if nobody had been there.

use std::{cell::Cell, sync::Arc};

use bailee::{
    PostgresStore, SqliteStore, TenantId,
    store::{MemoryStore, Store},
};
use bailee_postgres::testing::Cluster;
use bailee_testkit::Storage;
use bailee_tests::{
    NOTES, Yielding, declaration,
    drill::{Tasks, call},
    leave_at_every_poll, world,
};

const ACME: TenantId = TenantId::from_static("acme");

#[tokio::test]
async fn a_file_whose_opening_was_left_opens_for_the_next_and_a_store_that_was_left_closing_ends() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("vault").join("vault.db");
    let opens = async |what: &str| {
        let store = SqliteStore::open(&file).await.unwrap_or_else(|why| panic!("{what}: {why:?}"));
        // A reader of an older moment would be in its way.
        assert!(store.checkpoint().await.unwrap(), "{what}");
        store.close().await;
    };
    let tasks = Tasks::default();
    leave_at_every_poll(
        "open",
        &tasks,
        async || (),
        async |()| SqliteStore::open(&file).await.map(drop),
        async |(), _, what| opens(what).await,
    )
    .await;
    leave_at_every_poll(
        "checkpoint",
        &tasks,
        async || SqliteStore::open(&file).await.unwrap(),
        async |store| store.checkpoint().await.map(drop),
        async |store, _, what| {
            store.close().await;
            opens(what).await;
        },
    )
    .await;
    leave_at_every_poll(
        "close",
        &tasks,
        async || Cell::new(Some(SqliteStore::open(&file).await.unwrap())),
        async |store| store.take().unwrap().close().await,
        async |_, _, what| opens(what).await,
    )
    .await;
}

#[tokio::test]
async fn sto_07_a_database_whose_migration_was_left_is_migrated_by_the_next() {
    let cluster = Cluster::shared().unwrap();
    let gone = leave_at_every_poll(
        "migrate",
        &Tasks::default(),
        async || cluster.empty_database().await.unwrap(),
        async |database| database.as_superuser().migrate().await,
        async |database, migrated, what| {
            let again = database.as_superuser().migrate().await.unwrap();
            if let Some(migrated) = migrated {
                assert!(migrated.unwrap() > 0 && again == 0, "{what}");
            }
            let store = database.builder("bailee_app").connect().await.unwrap();
            store.inspect().await.unwrap();
        },
    )
    .await;
    assert!(gone >= 3);
}

#[tokio::test]
async fn a_host_that_leaves_while_it_connects_or_looks_at_its_database_connects_again() {
    let database = Cluster::shared().unwrap().database().await.unwrap();
    let one = || database.builder("bailee_app").connections(1);
    let serves = async |store: PostgresStore, what: &str| {
        let snapshot = store.read(&ACME, &[]).await;
        assert!(snapshot.is_ok(), "{what}");
        store.inspect().await.unwrap();
    };
    let tasks = Tasks::default();
    let gone = leave_at_every_poll(
        "connect",
        &tasks,
        async || (),
        async |()| one().connect().await,
        async |(), connected, what| {
            if let Some(connected) = connected {
                serves(connected.unwrap(), what).await;
            }
            serves(one().connect().await.unwrap(), what).await;
        },
    )
    .await;
    assert!(gone >= 3);
    let gone = leave_at_every_poll(
        "inspect",
        &tasks,
        async || one().connect().await.unwrap(),
        async |store| store.inspect().await,
        async |store, _, what| serves(store, what).await,
    )
    .await;
    assert!(gone >= 3);
}

#[tokio::test]
async fn an_engine_whose_building_was_left_is_built_by_the_next() {
    for on_a_file in [false, true] {
        let folder = tempfile::tempdir().unwrap();
        let stores = Cell::new(0);
        let w = world().build().await.unwrap();
        let open = async || {
            stores.set(stores.get() + 1);
            let clock = Arc::new(w.clock.clone());
            let file = folder.path().join(stores.get().to_string()).join("vault.db");
            let store: Arc<dyn Store> = if on_a_file {
                Arc::new(SqliteStore::builder(file).clock(clock).open().await.unwrap())
            } else {
                Arc::new(Yielding::new(Arc::new(MemoryStore::new(clock))))
            };
            store
        };
        let journal = folder.path().join("journal").join("renewals");
        let build = async |store: &Arc<dyn Store>| {
            let builder = w.process(declaration(), store.clone()).unwrap();
            builder.journal(&journal).build().await
        };
        let gone = leave_at_every_poll(
            "build",
            &Tasks::default(),
            &open,
            build,
            async |store, built, what| {
                // One process at a time has the journal.
                let bailee = match built {
                    Some(built) => built.unwrap(),
                    None => build(&store).await.unwrap_or_else(|why| panic!("{what}: {why:?}")),
                };
                bailee.freeze(bailee::Freeze::All).await.unwrap();
                bailee.thaw(&bailee::Freeze::All).await.unwrap();
                let log = store.entries(&TenantId::SYSTEM, Default::default()).await.unwrap();
                let said =
                    |event: &str| log.iter().filter(|logged| logged.entry.event() == event).count();
                assert_eq!((said("control.changed"), said("owner.created")), (3, 1), "{what}");
            },
        )
        .await;
        assert!(gone >= 3);
    }
}

#[tokio::test]
async fn a_world_is_built_over_a_store_whose_first_builder_left() {
    let builder = world();
    let memory = MemoryStore::new(Arc::new(builder.clock().clone()));
    let store: Arc<dyn Store> = Arc::new(Yielding::new(Arc::new(memory)));
    let w = builder.storage(Storage::Given(store)).build().await.unwrap();
    let ada = w.visitor("ada");
    let notes = w.connect(&ada, "notes", &[NOTES]).await.unwrap();
    let gone = leave_at_every_poll(
        "another build",
        &Tasks::default(),
        async || (),
        async |()| w.another_process(declaration()).await,
        async |(), built, what| {
            let bailee = match built {
                Some(built) => built.unwrap(),
                None => w.another_process(declaration()).await.unwrap(),
            };
            call(&bailee, &ada, &notes, "notes")
                .await
                .unwrap_or_else(|why| panic!("{what}: {why:?}"));
        },
    )
    .await;
    assert!(gone >= 3);
}
