//! A vault over a store whose answers are waited for, without an engine.

use std::sync::Arc;

use bailee::{
    HostId, Result, RootKeys, SqliteStore, SubjectId, TenantId,
    core::{Clock, Id, ManualClock, Plaintext, audit::Entry},
    store::{Key, Kind, MemoryStore, Op, Query, Record, Store, Window},
    vault::{Draft, Holder, Vault},
};
use bailee_tests::{Yielding, drill::Tasks, leave_at_every_poll};

use super::scene::server;

pub(crate) const CREDENTIAL: Kind = Kind::from_static("credential");
pub(crate) const ROOT: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

pub(crate) struct Room {
    pub(crate) clock: ManualClock,
    pub(crate) store: Arc<dyn Store>,
    /// Where the wrapped keys are, if they lie apart.
    pub(crate) keys: Option<Arc<dyn Store>>,
    pub(crate) vault: Vault,
    _folder: tempfile::TempDir,
}

/// Plays over a store in memory and one in a file, with the keys among the records and apart.
pub(crate) async fn in_each_room(play: impl AsyncFn(&Room)) {
    in_rooms(&["memory", "file"], play).await;
}

/// The same, and over a server.
pub(crate) async fn in_a_room_of_a_server_too(play: impl AsyncFn(&Room)) {
    in_rooms(&["memory", "file", "server"], play).await;
}

async fn in_rooms(places: &[&str], play: impl AsyncFn(&Room)) {
    for &place in places {
        for apart in [false, true] {
            let folder = tempfile::tempdir().unwrap();
            let clock = ManualClock::default();
            let open = async |name: &str| -> Arc<dyn Store> {
                let shared: Arc<dyn Clock> = Arc::new(clock.clone());
                if place == "server" {
                    return server(&clock).await;
                }
                if place == "memory" {
                    return Arc::new(Yielding::new(Arc::new(MemoryStore::new(shared))));
                }
                let file = folder.path().join(name).join("vault.db");
                Arc::new(SqliteStore::builder(file).clock(shared).open().await.unwrap())
            };
            let store = open("records").await;
            let keys = if apart { Some(open("keys").await) } else { None };
            let vault = vault(&store, keys.as_ref(), &clock, root(ROOT)).await.unwrap();
            play(&Room { clock, store, keys, vault, _folder: folder }).await;
        }
    }
}

pub(crate) fn root(text: &str) -> RootKeys {
    RootKeys::base64(text).unwrap()
}

async fn vault(
    store: &Arc<dyn Store>,
    keys: Option<&Arc<dyn Store>>,
    clock: &ManualClock,
    root: RootKeys,
) -> Result<Vault> {
    let mut builder = Vault::builder(store.clone(), root).clock(Arc::new(clock.clone()));
    if let Some(keys) = keys {
        builder = builder.keys_in(keys.clone());
    }
    builder.open().await
}

impl Room {
    /// Another process on the same stores.
    pub(crate) async fn another(&self, root: RootKeys) -> Result<Vault> {
        vault(&self.store, self.keys.as_ref(), &self.clock, root).await
    }

    pub(crate) fn key_store(&self) -> &Arc<dyn Store> {
        self.keys.as_ref().unwrap_or(&self.store)
    }

    /// Leaves an act at every poll. What somebody who went away sent to a writer is done before
    /// anybody looks.
    pub(crate) async fn leave<S, T>(
        &self,
        what: &str,
        prepare: impl AsyncFn() -> S,
        act: impl AsyncFn(&S) -> T,
        look: impl AsyncFn(S, Option<T>, &str),
    ) {
        let look = async |prepared, outcome, what: &str| {
            for store in [&self.store, self.key_store()] {
                store.sweep(1).await.unwrap();
            }
            look(prepared, outcome, what).await;
        };
        leave_at_every_poll(what, &Tasks::default(), prepare, act, look).await;
    }

    pub(crate) async fn record(&self, tenant: &TenantId, key: &Key) -> Option<Record> {
        let asked = std::slice::from_ref(key);
        self.store.read(tenant, asked).await.unwrap().records.remove(0)
    }

    pub(crate) async fn key_row(&self, tenant: &TenantId, key: &Key) -> Option<Record> {
        let asked = std::slice::from_ref(key);
        self.key_store().read(tenant, asked).await.unwrap().records.remove(0)
    }

    /// How often the log of either store says one of these things of a person.
    pub(crate) async fn said_of(
        &self,
        tenant: &TenantId,
        person: SubjectId,
        events: &[&str],
    ) -> usize {
        let mut count = 0;
        let apart = self.keys.iter();
        for store in apart.chain([&self.store]) {
            let mut window = Window::default();
            loop {
                let entries = store.entries(tenant, window).await.unwrap();
                let Some(last) = entries.last() else { break };
                window.after = Some((last.entry.at(), last.batch, last.n));
                let told = entries.iter().filter(|logged| {
                    logged.entry.subject() == Some(person) && events.contains(&logged.entry.event())
                });
                count += told.count();
            }
        }
        count
    }

    /// How often the log of either store says something.
    pub(crate) async fn said(&self, tenant: &TenantId, event: &str) -> usize {
        let mut count = 0;
        let apart = self.keys.iter();
        for store in apart.chain([&self.store]) {
            let mut window = Window::default();
            loop {
                let entries = store.entries(tenant, window).await.unwrap();
                let Some(last) = entries.last() else { break };
                window.after = Some((last.entry.at(), last.batch, last.n));
                count += entries.iter().filter(|logged| logged.entry.event() == event).count();
            }
        }
        count
    }

    pub(crate) async fn rows(&self, tenant: &TenantId, kind: Kind) -> Vec<Record> {
        let query = Query::of_kind(kind).limit(900);
        self.key_store().find(tenant, &query).await.unwrap().records
    }
}

pub(crate) fn ada() -> HostId {
    HostId::text("ada")
}

pub(crate) async fn subject(vault: &Vault, tenant: &TenantId) -> SubjectId {
    vault.ensure_subject(tenant, &ada()).await.unwrap()
}

pub(crate) fn draft(key: &Key, holder: Holder) -> Draft {
    let token = Plaintext::copy_from(b"fake-access-canary");
    Draft::new(key.clone(), holder).facts(1, *b"{}").part("access", token)
}

pub(crate) fn credential(id: Id) -> Key {
    Key::new(CREDENTIAL, id)
}

/// Commits operations with an entry.
pub(crate) async fn write(vault: &Vault, tenant: &TenantId, ops: Vec<Op>) -> Result<()> {
    let entry = Entry::new("work.finished", vault.clock().now());
    vault.commit(tenant, vault.batch()?.ops(ops).audit(entry)).await.map(|_| ())
}

/// Seals a credential and writes it.
pub(crate) async fn keep(
    vault: &Vault,
    tenant: &TenantId,
    holder: Holder,
    key: &Key,
) -> Result<()> {
    let put = vault.put(tenant, draft(key, holder), None).await?;
    write(vault, tenant, vec![put]).await
}

/// Whether a credential opens, over a fresh read.
pub(crate) async fn opens(
    vault: &Vault,
    tenant: &TenantId,
    holder: Holder,
    key: &Key,
) -> Result<bool> {
    let view = vault.read(tenant, holder, std::slice::from_ref(key)).await?;
    if view.record(0).is_none() {
        return Ok(false);
    }
    Ok(view.part(0, "access")?.expose(|token| token == b"fake-access-canary"))
}
