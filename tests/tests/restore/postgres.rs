//! A dump of PostgreSQL (`pg_dump`), taken before the erasure and put back (`pg_restore`).

use std::{
    path::Path,
    process::{Command, Stdio},
    sync::Arc,
};

use bailee::core::Clock;
use bailee_postgres::testing::{Cluster, Database};
use bailee_testkit::Storage;
use bailee_tests::world;

use crate::Service;

/// Runs one of PostgreSQL's programs on a database, as its superuser.
fn run(program: &str, database: &Database<'_>, arguments: &[&str], file: &Path) {
    let cluster = database.cluster();
    let ended = Command::new(program)
        .arg("--host")
        .arg(cluster.folder())
        .args(["--port", &cluster.port().to_string(), "--username", "postgres"])
        .args(["--dbname", database.name()])
        .args(arguments)
        .arg(file)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert!(ended.status.success(), "{program}: {}", String::from_utf8_lossy(&ended.stderr));
}

#[tokio::test(flavor = "multi_thread")]
async fn r3_a_dump_that_was_taken_before_an_erasure_brings_nobody_back() {
    let folder = tempfile::tempdir().unwrap();
    let builder = world();
    let clock: Arc<dyn Clock> = Arc::new(builder.clock().clone());
    let cluster = Cluster::shared().unwrap();
    let database = cluster.database().await.unwrap();
    let store = Arc::new(database.store(clock.clone()).await.unwrap());
    let w = builder.storage(Storage::Given(store)).build().await.unwrap();
    let service = Service::begin(w, folder.path()).await;
    let bailee = service.process(service.w.store().clone()).build().await.unwrap();
    let dump = folder.path().join("dump");
    run("pg_dump", &database, &["--format", "custom", "--file"], &dump);
    let ada = service.erase_ada(&bailee).await;

    let restored = cluster.empty_database().await.unwrap();
    run("pg_restore", &restored, &["--exit-on-error"], &dump);
    let store = restored.store(clock).await.unwrap();
    service.is_put_back(Arc::new(store), ada).await;
}
