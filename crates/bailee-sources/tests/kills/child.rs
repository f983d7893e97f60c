//! A process that does requests over a database, tables and a spool on disk.

use std::{
    future::{Future, pending},
    path::{Path, PathBuf},
    pin::Pin,
    sync::Arc,
    time::Duration,
};

use async_trait::async_trait;
use bailee_core::{
    Access, Act, Clock, HostError, HostId, Id, ManualClock, SubjectId, TenantId, Timestamp, Visitor,
};
use bailee_registry::Declaration;
use bailee_rights::{
    Job,
    clock::Establishment,
    package::DirectorySpool,
    request::{Rights, Timer, WithoutConnections},
    source::{DataSource, Sources},
};
use bailee_sources::{Mapping, PseudonymKey, SqliteSource};
use bailee_sqlite::SqliteStore;
use bailee_store::{Claim, Store};
use bailee_vault::{RootKeys, Vault};

pub(crate) const ACME: TenantId = TenantId::from_static("acme");
pub(crate) const GLOBEX: TenantId = TenantId::from_static("globex");
pub(crate) const OPERATOR: Id = Id::from_bytes([8; 16]);
/// Rows of each person in each table and tenant.
pub(crate) const ROWS: u64 = 400;

const DECLARED: &str = r#"
role = "controller"

[controller]
name = "Example Ltd"
contact = "privacy@example.test"
address = "1 Example Street, Dublin 2, Ireland"
country = "IE"

[categories]
content = "what you write here"

[purposes.service]
title = "The service"
plain = "run the service"
use = "service"
basis = "contract"

[data_sets.content]
title = "What you write"
origin = "provided"

[[data_sets.content.data]]
name = "posts and comments"
category = "content"
purpose = "service"
retention = "until_account_deleted"
"#;

const MAPPED: &str = r#"
name = "app"
batch = 37

[[tables]]
table = "comments"
data_set = "content"
origin = "provided"
key = ["id"]
tenant = "tenant"
subject = { column = "person", type = "text" }
refers_to = ["posts"]
strategy = "delete"
fields = [{ column = "id", category = "content" }, { column = "text", category = "content" }]

[[tables]]
table = "posts"
data_set = "content"
origin = "provided"
key = ["id"]
tenant = "tenant"
subject = { column = "person", type = "text" }
strategy = "delete"
fields = [{ column = "id", category = "content" }, { column = "text", category = "content" }]
"#;

const TABLES: &str = "
PRAGMA journal_mode = WAL;
CREATE TABLE posts (id INTEGER PRIMARY KEY, tenant TEXT NOT NULL, person TEXT NOT NULL, text TEXT);
CREATE TABLE comments (id INTEGER PRIMARY KEY, tenant TEXT NOT NULL, person TEXT NOT NULL,
                       post INTEGER REFERENCES posts (id), text TEXT);
";

pub(crate) fn ada() -> HostId {
    HostId::text("ada")
}

pub(crate) fn ben() -> HostId {
    HostId::text("ben")
}

pub(crate) struct Process {
    folder: PathBuf,
    clock: ManualClock,
    store: Arc<SqliteStore>,
    pub(crate) vault: Vault,
    pub(crate) rights: Rights,
}

struct Memberships;

#[async_trait]
impl Access for Memberships {
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
        Ok(vec![ACME, GLOBEX])
    }
}

/// Nobody is given up: what hangs would be seen.
struct Never;

impl Timer for Never {
    fn sleep(&self, _: Duration) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        Box::pin(pending())
    }
}

impl Process {
    /// A new database, with tables and rows.
    pub(crate) async fn create(folder: &Path) -> Self {
        let tables = rusqlite::Connection::open(folder.join("app.db")).unwrap();
        tables.execute_batch(TABLES).unwrap();
        let mut id = 0;
        for tenant in ["acme", "globex"] {
            for person in ["ada", "ben"] {
                for n in 0..ROWS {
                    id += 1;
                    let text = format!("canary-{person} {n}");
                    let post = "INSERT INTO posts VALUES (?1, ?2, ?3, ?4)";
                    tables.execute(post, (id, tenant, person, &text)).unwrap();
                    let comment = "INSERT INTO comments VALUES (?1, ?2, ?3, ?1, ?4)";
                    tables.execute(comment, (id, tenant, person, &text)).unwrap();
                }
            }
        }
        drop(tables);
        Self::over(folder, 0).await
    }

    /// The n-th process over a database. Each begins when the claims of those before it are over.
    pub(crate) async fn over(folder: &Path, round: u64) -> Self {
        let begun = Timestamp::from_seconds(1_790_000_000);
        let clock = ManualClock::at(begun.plus(Rights::CLAIM * u32::try_from(round).unwrap() * 2));
        let store = SqliteStore::builder(folder.join("vault").join("vault.db"));
        std::fs::create_dir_all(folder.join("vault")).unwrap();
        let store = store.clock(Arc::new(clock.clone())).open().await.unwrap();
        let store = Arc::new(store);
        let shared: Arc<dyn Store> = Arc::clone(&store) as _;
        let root = RootKeys::base64("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=").unwrap();
        let vault =
            Vault::builder(shared, root).clock(Arc::new(clock.clone())).open().await.unwrap();
        let blocking = || {
            Arc::new(|job: Job| {
                tokio::task::spawn_blocking(job);
            })
        };
        let mapping = Mapping::parse(MAPPED).unwrap();
        let key = PseudonymKey::new(&[7; 32]);
        let source = SqliteSource::open(folder.join("app.db"), mapping, key, blocking());
        let source: Arc<dyn DataSource> = Arc::new(source.await.unwrap());
        let declaration = Declaration::parse(DECLARED).unwrap();
        let sources = Sources::new(&declaration, vec![source]).unwrap();
        let spool = DirectorySpool::open(folder.join("spool"), blocking()).await.unwrap();
        let rights = Rights::builder(
            vault.clone(),
            declaration.clone(),
            Establishment::in_europe("IE").unwrap(),
            sources,
            Arc::new(Memberships),
            Arc::new(WithoutConnections::new(vault.clone(), declaration)),
            Arc::new(Never),
        )
        .packages(Arc::new(spool))
        .grace(Duration::ZERO)
        .package_life(Duration::from_secs(400 * 86_400))
        .build()
        .unwrap();
        Self { folder: folder.into(), clock, store, vault, rights }
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    pub(crate) fn visitor(&self, person: &HostId) -> Visitor {
        Visitor::new(ACME, person.clone(), "session")
    }

    /// Does what is due until nothing is.
    async fn settle(&self) {
        loop {
            let tasks = Rights::tasks();
            let claim = Claim::Due { tasks: &tasks, lease: Rights::CLAIM, limit: 4 };
            let leases = self.store.claim(claim).await.unwrap();
            if leases.is_empty() {
                return;
            }
            for lease in &leases {
                self.rights.do_due(lease).await.unwrap();
            }
        }
    }

    /// Whether every request is closed.
    async fn is_done(&self) -> bool {
        self.rights.operator(OPERATOR).open(&ACME).await.unwrap().is_empty()
    }

    /// What is in the tables, with whose it is.
    pub(crate) fn rows(&self) -> Vec<(String, String)> {
        let tables = rusqlite::Connection::open(self.folder.join("app.db")).unwrap();
        let all = "SELECT person, text FROM posts UNION ALL SELECT person, text FROM comments";
        let mut rows = tables.prepare(all).unwrap();
        let rows = rows.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
        rows.map(Result::unwrap).collect()
    }

    pub(crate) async fn close(self) {
        let Self { store, rights, vault, .. } = self;
        drop((rights, vault));
        if let Some(store) = Arc::into_inner(store) {
            store.close().await;
        }
    }
}

/// What a process of the other test does; alone it does nothing.
#[tokio::test(flavor = "multi_thread")]
async fn works() {
    let Some(folder) = std::env::var_os("BAILEE_KILLS_FOLDER") else { return };
    let round = std::env::var("BAILEE_KILLS_ROUND").unwrap().parse().unwrap();
    let process = Process::over(Path::new(&folder), round).await;
    println!("begins");
    process.settle().await;
    // What waits for the next look of a request is a later process's.
    let code = i32::from(!process.is_done().await);
    process.close().await;
    if code != 0 {
        // As if it had been killed: there was nothing left to do at this time.
        std::process::abort();
    }
}
