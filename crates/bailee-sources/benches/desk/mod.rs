//! A desk over a store, a source and a spool, and a worker for it.

use std::{
    future::{Future, pending},
    ops::{Deref, DerefMut},
    path::Path,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use bailee_core::{
    Access, Act, Clock as _, HostError, HostId, Id, Result, SubjectId, SystemClock, TenantId,
    Visitor,
};
use bailee_postgres::testing::Database;
use bailee_registry::Declaration;
use bailee_rights::{
    Job,
    clock::Establishment,
    package::DirectorySpool,
    request::{Ask, Outcome, Rights, Timer, WithoutConnections},
    source::{DataSource, Sources},
};
use bailee_sources::{PostgresClient, PostgresClients};
use bailee_store::{Claim, Store};
use bailee_vault::{RootKeys, Vault};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    task::JoinSet,
};
use tokio_postgres::Client;

use crate::bare::connect;

pub(crate) const ACME: TenantId = TenantId::from_static("acme");
const OPERATOR: Id = Id::from_bytes([8; 16]);
/// How much a worker claims and does at one time.
const AT_ONCE: u32 = 32;

pub(crate) struct Desk {
    store: Arc<dyn Store>,
    rights: Rights,
}

impl Desk {
    /// A desk whose spool lies in a folder. Erasures begin at once.
    pub(crate) async fn open(
        store: Arc<dyn Store>,
        source: Arc<dyn DataSource>,
        folder: &Path,
    ) -> Self {
        let root = RootKeys::base64("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=").expect("keys");
        let vault = Vault::builder(Arc::clone(&store), root).open().await.expect("a vault");
        let declaration = Declaration::parse(include_str!("../requests.toml")).expect("one");
        let sources = Sources::new(&declaration, vec![source]).expect("all that is declared");
        let blocking = Arc::new(|job: Job| {
            tokio::task::spawn_blocking(job);
        });
        let spool = DirectorySpool::open(folder.join("spool"), blocking).await.expect("a folder");
        let rights = Rights::builder(
            vault.clone(),
            declaration.clone(),
            Establishment::in_europe("IE").expect("a member state"),
            sources,
            Arc::new(OneTenant),
            Arc::new(WithoutConnections::new(vault, declaration)),
            Arc::new(Never),
        )
        .packages(Arc::new(spool))
        .grace(Duration::ZERO)
        .build()
        .expect("a desk");
        Self { store, rights }
    }

    /// Takes a request in.
    pub(crate) async fn ask(&self, person: &str, ask: Ask) -> Id {
        let visitor = Visitor::new(ACME, HostId::text(person), "session");
        let taken = self.rights.ask(&visitor, SystemClock.now(), ask).await.expect("it is taken");
        assert!(taken.new);
        taken.id
    }

    /// A worker that does what is due until nothing is: so much at one time, each in a task, and more
    /// as soon as some of it is done.
    pub(crate) async fn settle(&self) {
        let tasks = Rights::tasks();
        let mut running = JoinSet::new();
        loop {
            let limit = AT_ONCE - u32::try_from(running.len()).expect("a few");
            let claim = Claim::Due { tasks: &tasks, lease: Rights::CLAIM, limit };
            let leases = self.store.claim(claim).await.expect("a claim");
            for lease in leases {
                let rights = self.rights.clone();
                running.spawn(async move { rights.do_due(&lease).await });
            }
            match running.join_next().await {
                Some(done) => done.expect("it ends").expect("it is done"),
                None => return,
            }
            while let Some(done) = running.try_join_next() {
                done.expect("it ends").expect("it is done");
            }
        }
    }

    /// That a request is closed, and handed out or erased so many rows of the tables.
    pub(crate) async fn check(&self, id: Id, outcome: Outcome, rows: u64) {
        let request = self.rights.operator(OPERATOR).request(&ACME, id).await.expect("a request");
        let closed = request.closed.as_ref().map(|closed| closed.1);
        assert_eq!(closed, Some(outcome), "{request:?}");
        let sources = request.parts.iter().flat_map(|part| &part.sources);
        let done = sources.filter(|source| source.source == "app").map(|source| {
            source.rows + source.tables.values().map(|table| table.done).sum::<u64>()
        });
        assert_eq!(done.sum::<u64>(), rows, "{request:?}");
    }

    /// How long a person's package is.
    pub(crate) async fn package(&self, person: &str, id: Id) -> u64 {
        let visitor = Visitor::new(ACME, HostId::text(person), "session");
        self.rights.package(&visitor, id).await.expect("a package").len()
    }
}

struct OneTenant;

#[async_trait]
impl Access for OneTenant {
    async fn may(
        &self,
        _: &HostId,
        _: Option<SubjectId>,
        _: &TenantId,
        _: Act,
    ) -> Result<bool, HostError> {
        Ok(true)
    }

    async fn tenants(&self, _: &HostId) -> Result<Vec<TenantId>, HostError> {
        Ok(vec![ACME])
    }
}

/// Nobody is given up: what hangs would be seen.
struct Never;

impl Timer for Never {
    fn sleep(&self, _: Duration) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        Box::pin(pending())
    }
}

/// Some connections to the tables, lent one by one.
pub(crate) struct Pool {
    clients: Arc<Mutex<Vec<Client>>>,
    free: Arc<Semaphore>,
}

impl Pool {
    pub(crate) async fn of(database: &Database<'_>, connections: usize) -> Self {
        let mut clients = Vec::new();
        for _ in 0..connections {
            clients.push(connect(database).await);
        }
        let free = Arc::new(Semaphore::new(connections));
        Self { clients: Arc::new(Mutex::new(clients)), free }
    }
}

#[async_trait]
impl PostgresClients for Pool {
    async fn client(&self) -> Result<Box<dyn PostgresClient>> {
        let permit = Arc::clone(&self.free).acquire_owned().await.expect("it is never closed");
        let client = self.clients.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let home = Arc::clone(&self.clients);
        Ok(Box::new(Lent { client, home, _permit: permit }))
    }
}

struct Lent {
    client: Option<Client>,
    home: Arc<Mutex<Vec<Client>>>,
    _permit: OwnedSemaphorePermit,
}

impl Deref for Lent {
    type Target = Client;
    fn deref(&self) -> &Client {
        self.client.as_ref().expect("as many as there are permits")
    }
}

impl DerefMut for Lent {
    fn deref_mut(&mut self) -> &mut Client {
        self.client.as_mut().expect("as many as there are permits")
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        self.home.lock().unwrap_or_else(PoisonError::into_inner).extend(self.client.take());
    }
}
