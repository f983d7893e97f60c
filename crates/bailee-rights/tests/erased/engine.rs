//! The desk of requests itself erases again: with its sources, its second look, its own records.

use std::{
    collections::{BTreeMap, BTreeSet},
    future::{Future, pending},
    path::Path,
    pin::Pin,
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use bailee_core::{
    Access, Act, Actor, ConnectionId, DataCategory, ErrorKind, HostError, HostId, Id, Result,
    SubjectId, TenantId, Timestamp, Visitor,
};
use bailee_registry::{DataOrigin, Declaration};
use bailee_rights::{
    clock::{Calendar, Establishment, Regime, SummerTime},
    erased::Checked,
    hold::{Covers, Placing},
    request::{Accounts, Ask, Reason, Rights, State, Timer, Word},
    source::{
        DataSource, FieldFacts, Manner, MemorySource, SourceFacts, SourceRow, Sources, Strategy,
        TableFacts, Value, Whose,
    },
};
use bailee_sqlite::SqliteStore;
use bailee_store::{Claim, Kind, Query, Store};

use crate::world::{ACME, DAY, Process, World, copy, person};

/// Nobody has a connection here. It refuses as the half that knows providers does for a database that
/// is not served.
struct Connect(Mutex<bool>, MemorySource);

#[async_trait]
impl Accounts for Connect {
    async fn admit(&self) -> Result<()> {
        match *self.0.lock().unwrap() {
            true => Err(ErrorKind::Quarantined.into()),
            false => Ok(()),
        }
    }

    async fn say(&self, _: &TenantId, _: SubjectId, _: &Actor, _: &Word) -> Result<()> {
        self.admit().await
    }

    async fn end(
        &self,
        _: &TenantId,
        _: SubjectId,
        _: &BTreeSet<ConnectionId>,
        _: &Actor,
    ) -> Result<()> {
        self.admit().await
    }

    async fn how_ended(
        &self,
        _: &TenantId,
        _: SubjectId,
        _: &BTreeSet<ConnectionId>,
        _: Timestamp,
    ) -> Result<BTreeMap<ConnectionId, bool>> {
        Ok(BTreeMap::new())
    }

    async fn connections(&self, _: &TenantId, _: SubjectId) -> Result<Vec<ConnectionId>> {
        Ok(Vec::new())
    }

    fn records(&self) -> &dyn DataSource {
        &self.1
    }

    fn evidence(&self) -> Vec<Kind> {
        Vec::new()
    }
}

struct Everybody;

#[async_trait]
impl Access for Everybody {
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

struct Never;

impl Timer for Never {
    fn sleep(&self, _: Duration) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        Box::pin(pending())
    }
}

/// A host: its tables, and a service over a file of SQLite.
struct Host {
    w: World,
    declaration: Declaration,
    tables: Arc<MemorySource>,
    connect: Arc<Connect>,
}

impl Host {
    fn new() -> Self {
        let declaration = Declaration::parse(include_str!("../requests/privacy.toml")).unwrap();
        let field = FieldFacts::new("text", DataCategory::new("content"), DataOrigin::Provided);
        let tables = declaration.data_sets().map(|set| {
            TableFacts::new(&set.id, &set.id, Strategy::Delete).with_field(field.clone())
        });
        let facts = SourceFacts::new("app", tables.collect());
        let empty = MemorySource::new(SourceFacts::new("connections", Vec::new()), 1);
        Self {
            w: World::new(),
            tables: Arc::new(MemorySource::new(facts, 2)),
            declaration,
            connect: Arc::new(Connect(Mutex::new(false), empty)),
        }
    }

    async fn start(&self, path: &Path) -> (Process, Rights) {
        let clock = Arc::new(self.w.clock.clone());
        let store = SqliteStore::builder(path).clock(clock).open().await.unwrap();
        let process = self.w.process(Arc::new(store)).await;
        let source = Arc::clone(&self.tables) as Arc<dyn DataSource>;
        let sources = Sources::new(&self.declaration, vec![source]).unwrap();
        let berlin = Establishment::new(
            Regime::eu(),
            Calendar::of("DE").unwrap(),
            SummerTime::CENTRAL_EUROPE,
        );
        let rights = Rights::builder(
            process.vault.clone(),
            self.declaration.clone(),
            berlin,
            sources,
            Arc::new(Everybody),
            Arc::clone(&self.connect) as _,
            Arc::new(Never),
        )
        .erasures(process.erasures.clone())
        .build()
        .unwrap();
        (process, rights)
    }

    /// The host's tables hold rows of somebody, as they do in its own backup.
    fn fill(&self, name: &str, subject: SubjectId) {
        let whose = Whose::new(ACME, person(name), subject);
        for set in self.declaration.data_sets() {
            for n in 0..5 {
                let values = vec![Value::Text("canary".into())];
                let row = SourceRow { key: format!("{name}-{}-{n}", set.id), values };
                self.tables.insert(&whose, &set.id, row);
            }
        }
    }

    fn rows(&self, name: &str) -> usize {
        self.tables.contents().iter().filter(|row| row.key.starts_with(name)).count()
    }
}

/// Does what is due of requests and of the ledger.
async fn settle(store: &Arc<dyn Store>, rights: &Rights) {
    loop {
        let tasks = Rights::tasks();
        let claim = Claim::Due { tasks: &tasks, lease: Rights::CLAIM, limit: 32 };
        let leases = store.claim(claim).await.unwrap();
        if leases.is_empty() {
            return;
        }
        for lease in &leases {
            rights.do_due(lease).await.unwrap();
        }
    }
}

#[tokio::test]
async fn r3_the_desk_erases_again_whom_a_backup_brought_back_with_all_their_rows() {
    let host = Host::new();
    let folder = host.w.folder.path();
    let (path, backup) = (folder.join("vault.db"), folder.join("backup.db"));
    let (process, rights) = host.start(&path).await;
    assert_eq!(process.erasures.check().await.unwrap(), Checked::Whole);
    let ada = process.vault.ensure_subject(&ACME, &person("ada")).await.unwrap();
    let bob = process.vault.ensure_subject(&ACME, &person("bob")).await.unwrap();
    for (name, subject) in [("ada", ada), ("bob", bob)] {
        host.fill(name, subject);
    }
    let rows = host.rows("ada");
    // A hold that was lifted before the erasure comes back with the backup, and keeps nothing.
    let sentence = "We keep what a court has asked us to keep.";
    let until = host.w.clock_now().plus(DAY * 300);
    let reviewer = Id::from_bytes([8; 16]);
    let placing = Placing::new(Covers::All, Reason::LegalClaims, reviewer, until, sentence);
    let hold = rights.holds().place(&ACME, ada, &placing).await.unwrap();
    copy(&path, &backup);

    rights.holds().lift(&ACME, hold.id, reviewer).await.unwrap();
    let visitor = Visitor::new(ACME, person("ada"), "session");
    let taken = rights.ask(&visitor, host.w.clock_now(), Ask::Erasure).await.unwrap();
    settle(&process.store, &rights).await;
    host.w.clock.advance(DAY * 4);
    settle(&process.store, &rights).await;
    let request = rights.operator(reviewer).request(&ACME, taken.id).await.unwrap();
    assert_eq!(request.state, State::Closed, "{request:?}");
    assert_eq!((host.rows("ada"), host.rows("bob")), (0, rows));
    assert!(!process.lives(&ACME, ada).await);
    assert_eq!(process.erasures.unanchored(&ACME).await.unwrap(), 0);
    drop((process, rights));

    // Both databases are put back.
    host.fill("ada", ada);
    let (process, rights) = host.start(&backup).await;
    assert!(process.lives(&ACME, ada).await);
    *host.connect.0.lock().unwrap() = true;
    assert_eq!(process.erasures.check().await.unwrap(), Checked::Behind(1));
    // A table that cannot be reached keeps the database from being served.
    for manner in [Manner::Unreachable, Manner::Idle] {
        host.tables.behave(manner);
        assert_eq!(process.erasures.replay(&rights).await.unwrap().left, 1);
    }
    assert!(process.erasures.is_behind() && process.lives(&ACME, ada).await);
    host.tables.behave(Manner::Honest);
    let replayed = process.erasures.replay(&rights).await.unwrap();
    assert_eq!((replayed.done, replayed.erased, replayed.left), (1, 1, 0));
    assert!(!process.erasures.is_behind());
    assert_eq!((host.rows("ada"), host.rows("bob")), (0, rows));
    assert!(!process.lives(&ACME, ada).await && process.lives(&ACME, bob).await);
    assert_eq!(process.vault.subject(&ACME, &person("ada")).await.unwrap(), None);
    let left = process.store.find(&ACME, &Query::of_subject(ada)).await.unwrap();
    let kinds: Vec<_> = left.records.iter().map(|record| record.key.kind.as_str()).collect();
    assert_eq!(kinds, ["rights.hold", "subject"]);
    let key = bailee_store::Key::new(bailee_vault::kind::SUBJECT_KEY, ada.id());
    assert_eq!(process.store.read(&ACME, &[key]).await.unwrap().records, [None]);
    let erased = process.erasures.known(&ACME, &[person("ada")]).await.unwrap()[0].unwrap();
    assert_eq!(erased.request, taken.id, "under the request that it was done for");
    assert_eq!(process.erasures.check().await.unwrap(), Checked::Whole);
}
