//! Commits with an audit entry in them: one record sealed and written anew, its person's record
//! checked with a lock.

#![expect(clippy::print_stdout, reason = "a measurement prints its figures")]

use std::sync::Arc;

use bailee::{
    HostId, RootKeys, SqliteStore, SubjectId, TenantId,
    core::{Id, SystemClock, audit::Entry},
    store::{Key, Kind, Store},
    vault::{Draft, Holder, Vault},
};
use bailee_benches::{Meter, median, wanted};
use bailee_postgres::testing::Cluster;
use tokio::task::JoinSet;

const KIND: Kind = Kind::from_static("credential");
const TENANT: TenantId = TenantId::from_static("bench");
const ROUNDS: usize = 7;
const COMMITS: usize = 1_600;

fn main() {
    if !wanted() {
        return;
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime");
    runtime.block_on(async {
        let folder = tempfile::tempdir().expect("a place for files");
        let store = SqliteStore::open(folder.path().join("vault").join("vault.db"));
        let store: Arc<dyn Store> = Arc::new(store.await.expect("a store on a file"));
        measure("SQLite, synchronous = FULL", store).await;

        // As it is run, not as it is tested: a commit waits for the disk.
        let cluster = Cluster::start(&[("fsync", "on"), ("full_page_writes", "on")])
            .expect("a private PostgreSQL");
        let database = cluster.database().await.expect("a database");
        let store = database.builder("bailee_app").clock(Arc::new(SystemClock)).connections(16);
        let store: Arc<dyn Store> = Arc::new(store.connect().await.expect("a store"));
        measure("PostgreSQL, fsync = on", store).await;
    });
}

async fn measure(name: &str, store: Arc<dyn Store>) {
    let keys = RootKeys::base64("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=").expect("a key");
    let vault = Vault::builder(store, keys).open().await.expect("a vault");
    let mut people = Vec::new();
    for n in 0..16 {
        let person = HostId::text(format!("person-{n}"));
        let subject = vault.ensure_subject(&TENANT, &person).await;
        let subject = subject.expect("a person");
        write(&vault, subject).await;
        people.push(subject);
    }
    let (mut alone, mut sixteen) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let meter = Meter::start();
        for _ in 0..COMMITS / 4 {
            write(&vault, people[0]).await;
        }
        alone.push(1e6 / meter.stop().micros(COMMITS / 4));

        let meter = Meter::start();
        let mut tasks = JoinSet::new();
        for subject in people.clone() {
            let vault = vault.clone();
            tasks.spawn(async move {
                for _ in 0..COMMITS / 16 {
                    write(&vault, subject).await;
                }
            });
        }
        tasks.join_all().await;
        sixteen.push(1e6 / meter.stop().micros(COMMITS));
    }
    let (alone, sixteen) = (median(alone), median(sixteen));
    println!("{name}: {alone:5.0} commits a second alone, {sixteen:5.0} by sixteen");
}

/// What a renewed token writes: read, seal, commit.
async fn write(vault: &Vault, subject: SubjectId) {
    let holder = Holder::Subject(subject);
    let key = Key::new(KIND, Id::derive(&[subject.id().as_bytes()]));
    let view = vault.read(&TENANT, holder, std::slice::from_ref(&key)).await.expect("a view");
    let draft = Draft::new(key, holder).facts(1, vec![7; 1024]);
    let put = vault.put(&TENANT, draft, view.record(0)).await.expect("sealed");
    let entry = Entry::new("credential.refreshed", vault.clock().now())
        .about(subject)
        .with("credential", subject.id());
    let batch = vault.batch().expect("a batch").op(view.fence().expect("a fence")).op(put);
    vault.commit(&TENANT, batch.audit(entry)).await.expect("a commit");
}
