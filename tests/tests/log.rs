//! The log on the stores that keep it: many processes at once, and somebody with the database.

#![expect(clippy::unwrap_used, reason = "what the tests share fails the test that uses it")]

use std::sync::Arc;

use bailee::{
    ErrorKind, RootKeys, SqliteStore, TenantId,
    audit::LogName,
    core::{Clock, ManualClock, audit::Entry},
    registry::{AuditLog, Finding, LogFault},
    store::Store,
    vault::Vault,
};
use bailee_postgres::testing::{Cluster, Database};

const ACME: TenantId = TenantId::from_static("acme");
const ROOT: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

struct Place {
    store: Arc<dyn Store>,
    clock: ManualClock,
    _folder: tempfile::TempDir,
}

impl Place {
    async fn in_a_file() -> Self {
        let (folder, clock) = (tempfile::tempdir().unwrap(), ManualClock::default());
        let file = folder.path().join("vault").join("vault.db");
        let shared: Arc<dyn Clock> = Arc::new(clock.clone());
        let store = SqliteStore::builder(file).clock(shared).open().await.unwrap();
        Self { store: Arc::new(store), clock, _folder: folder }
    }

    async fn on_a_server(database: &Database<'_>) -> Self {
        let (folder, clock) = (tempfile::tempdir().unwrap(), ManualClock::default());
        let store = database.store(Arc::new(clock.clone())).await.unwrap();
        Self { store: Arc::new(store), clock, _folder: folder }
    }

    /// A process with a vault of its own.
    async fn process(&self) -> (Vault, AuditLog) {
        let keys = RootKeys::base64(ROOT).unwrap();
        let vault = Vault::builder(self.store.clone(), keys).clock(Arc::new(self.clock.clone()));
        let vault = vault.open().await.unwrap();
        let name = LogName::new("app.example/log").unwrap();
        (vault.clone(), AuditLog::open(vault, name).await.unwrap())
    }

    async fn write(&self, vault: &Vault, count: usize) {
        let mut batch = vault.batch().unwrap();
        for _ in 0..count {
            batch = batch.audit(Entry::new("work.finished", self.clock.now()));
        }
        vault.commit(&ACME, batch).await.unwrap();
    }
}

async fn many_processes_keep_one_log(place: Place) {
    let place = Arc::new(place);
    let mut tasks = Vec::new();
    for _ in 0..4 {
        let (place, (vault, log)) = (place.clone(), place.process().await);
        tasks.push(tokio::spawn(async move {
            for _ in 0..10 {
                place.write(&vault, 20).await;
                let numbered = log.number(100).await.map(|_| ());
                let signed = log.checkpoint().await.map(|_| ());
                for error in [numbered, signed].into_iter().filter_map(Result::err) {
                    // Others may be faster, again and again.
                    assert_eq!(error.kind(), ErrorKind::Conflict, "{error:?}");
                }
            }
        }));
    }
    for task in tasks {
        task.await.unwrap();
    }
    let (_, log) = place.process().await;
    while log.number(10_000).await.unwrap().more {}
    let checkpoint = log.checkpoint().await.unwrap().checkpoint;
    assert!(checkpoint.size > 800);
    let leaves = place.store.numbered(0, 10_000).await.unwrap();
    assert!(leaves.iter().map(|(number, _)| *number).eq(0..leaves.len() as u64));
    let verified = log.verify(0..u64::MAX).await.unwrap();
    assert_eq!((verified.findings, verified.size), (Vec::new(), checkpoint.size));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn aud_02_many_processes_keep_one_log_in_a_file() {
    many_processes_keep_one_log(Place::in_a_file().await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn aud_02_many_processes_keep_one_log_on_a_server() {
    let database = Cluster::shared().unwrap().database().await.unwrap();
    many_processes_keep_one_log(Place::on_a_server(&database).await).await;
}

#[tokio::test]
async fn aud_02_what_somebody_with_the_server_changes_is_found() {
    let database = Cluster::shared().unwrap().database().await.unwrap();
    let place = Place::on_a_server(&database).await;
    let (vault, log) = place.process().await;
    place.write(&vault, 600).await;
    while log.number(10_000).await.unwrap().more {}
    let kept = log.checkpoint().await.unwrap();
    assert_eq!(log.verify(0..u64::MAX).await.unwrap().findings, []);

    let owner = database.superuser().await.unwrap();
    let statements = [
        "SET session_replication_role = replica",
        "DELETE FROM bailee.audit WHERE leaf = 300",
        "UPDATE bailee.audit SET event = 'subject.created' WHERE leaf = 400",
        "UPDATE bailee.audit SET hash = decode(repeat('ab', 32), 'hex') WHERE leaf = 500",
    ];
    for statement in statements {
        owner.execute(statement, &[]).await.unwrap();
    }
    let findings = log.verify(0..u64::MAX).await.unwrap().findings;
    assert_eq!(
        findings,
        [
            Finding::Missing { leaf: 300 },
            Finding::Changed { leaf: 400, tenant: ACME },
            Finding::Replaced { leaf: 500, tenant: ACME },
        ]
    );

    // What was numbered and not signed yet is missed before anything is signed over it.
    place.write(&vault, 10).await;
    let size = log.number(10_000).await.unwrap().size;
    let last = (size - 2) as i64;
    owner.execute("DELETE FROM bailee.audit WHERE leaf = $1", &[&last]).await.unwrap();
    let error = log.checkpoint().await.unwrap_err();
    let source = std::error::Error::source(&error).unwrap().downcast_ref::<LogFault>();
    assert_eq!(source, Some(&LogFault::Missing(size - 2)));
    assert!(log.follows(&kept.signed).await.is_ok());
}
