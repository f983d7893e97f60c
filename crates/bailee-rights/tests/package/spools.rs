//! The suite on the spools of this crate, and what a directory is besides.

use std::{fs, path::Path, sync::Arc};

use async_trait::async_trait;
use bailee_core::ErrorKind;
use bailee_rights::{
    Blocking, Job,
    package::{DirectorySpool, MemorySpool, ObjectName, Spool, conformance},
    request::Right,
};

use crate::{
    archive::Archive,
    world::{self, CANARY, World},
};

struct Memory(MemorySpool);

#[async_trait]
impl conformance::Fixture for Memory {
    async fn spool(&self) -> Arc<dyn Spool> {
        Arc::new(self.0.clone())
    }
}

struct Directory(tempfile::TempDir);

#[async_trait]
impl conformance::Fixture for Directory {
    async fn spool(&self) -> Arc<dyn Spool> {
        Arc::new(open(&self.0.path().join("spool")).await)
    }
}

fn threads() -> Arc<dyn Blocking> {
    Arc::new(|job: Job| {
        tokio::task::spawn_blocking(job);
    })
}

async fn open(path: &Path) -> DirectorySpool {
    DirectorySpool::open(path, threads()).await.unwrap()
}

#[tokio::test]
async fn a_spool_in_memory_keeps_every_promise() {
    conformance::all(async || Memory(MemorySpool::default())).await;
}

#[tokio::test]
async fn a_directory_keeps_every_promise() {
    conformance::all(async || Directory(tempfile::tempdir().unwrap())).await;
}

#[cfg(unix)]
#[tokio::test]
async fn a_directory_and_its_files_are_their_owners_alone() {
    use std::os::unix::fs::PermissionsExt as _;

    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("spool");
    let spool = open(&path).await;
    let mut writer = spool.write(&ObjectName::new("object").unwrap()).await.unwrap();
    writer.put(b"x".to_vec()).await.unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&path), 0o700);
    assert_eq!(mode(&path.join("object~")), 0o600, "while it is written");
    writer.finish().await.unwrap();
    assert_eq!(mode(&path.join("object")), 0o600);

    fs::set_permissions(&path, fs::Permissions::from_mode(0o750)).unwrap();
    let error = DirectorySpool::open(&path, threads()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Configuration);
}

#[tokio::test]
async fn what_a_process_that_died_left_is_listed_and_goes() {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("spool");
    let spool = open(&path).await;
    let name = ObjectName::new("request.part").unwrap();
    let mut writer = spool.write(&name).await.unwrap();
    writer.put(b"x".to_vec()).await.unwrap();
    // Nothing of it runs when a process is killed.
    std::mem::forget(writer);
    fs::write(path.join("NOT-OURS"), b"y").unwrap();
    assert_eq!(open(&path).await.list("").await.unwrap(), std::slice::from_ref(&name));
    assert_eq!(spool.length(&name).await.unwrap(), None);
    spool.delete(&name).await.unwrap();
    assert!(!path.join("request.part~").exists());
    assert!(path.join("NOT-OURS").exists());
}

#[tokio::test]
async fn a_job_that_is_never_run_is_an_error() {
    let place = tempfile::tempdir().unwrap();
    let dropped: Arc<dyn Blocking> = Arc::new(drop::<Job>);
    let error = DirectorySpool::open(place.path().join("x"), dropped).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::HostFailed);
}

#[tokio::test]
async fn a_package_in_a_directory_holds_nothing_in_the_clear() {
    let world = World::new().await;
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("spool");
    let packages = world.over(Arc::new(open(&path).await));
    let order = world.order(Right::Access);
    let source = world::source(&world.ada);
    let fence = bailee_store::Fence(1);
    let segment =
        packages.collect_source(&order, &world.declaration, &source, &world.ada, fence).await;
    let stored =
        packages.close(&order, &world.closing(), &[segment.unwrap()], fence).await.unwrap();
    let mut found = 0;
    for entry in fs::read_dir(&path).unwrap() {
        let bytes = fs::read(entry.unwrap().path()).unwrap();
        assert!(!bytes.windows(CANARY.len()).any(|window| window == CANARY.as_bytes()));
        found += 1;
    }
    assert_eq!(found, stored.parts.len() + 1);
    let mut bytes = Vec::new();
    // Another process reads it.
    let packages = world.over(Arc::new(open(&path).await));
    packages.open(&stored).stream_to(0..stored.length, &mut bytes).await.unwrap();
    assert!(Archive::read(&bytes).text("data/acme/main/posts.jsonl").contains(CANARY));
}
