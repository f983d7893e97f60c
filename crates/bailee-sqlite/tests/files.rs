//! Files, modes, pragmas and what is left in the files.

#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use bailee_core::{
    BatchId, Clock, ErrorKind, Id, ManualClock, Random, Remedy, SystemRandom, TenantId,
    audit::Entry,
};
use bailee_sqlite::SqliteStore;
use bailee_store::{
    Batch, BatchBuilder, Claim, Due, Expect, Facet, Key, Kind, Log, Op, Record, Sealed, Store,
    Version, Window,
};
use rusqlite::Connection;
use tempfile::TempDir;

const ACME: TenantId = TenantId::from_static("acme");
const NOTE: Kind = Kind::from_static("note");

fn folder() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("vault.db");
    (folder, path)
}

fn key(number: u8) -> Key {
    Key::new(NOTE, Id::from_bytes([number; 16]))
}

fn record(number: u8, body: &[u8]) -> Record {
    Record {
        key: key(number),
        subject: None,
        facet: Facet(0),
        expires: None,
        version: Version(100),
        body: Sealed::new(body.to_vec()),
    }
}

fn batch() -> BatchBuilder {
    let at = ManualClock::default().now();
    Batch::builder(BatchId::generate(&SystemRandom).unwrap()).audit(Entry::new("test.changed", at))
}

async fn commit(store: &SqliteStore, batch: BatchBuilder) {
    store.commit(&ACME, &batch.build().unwrap()).await.unwrap();
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o7777
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

/// Random bytes that would be found again anywhere.
fn canary(length: usize) -> Vec<u8> {
    let mut bytes = vec![0; length];
    SystemRandom.fill(&mut bytes).unwrap();
    bytes
}

/// How many of some pieces of a canary are in any file of the folder.
fn pieces_left(folder: &Path, canary: &[u8]) -> usize {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        files.push(fs::read(entry.unwrap().path()).unwrap());
    }
    let found = |piece: &&[u8]| {
        files.iter().any(|file| file.windows(piece.len()).any(|window| window == *piece))
    };
    // Whatever the size, pieces from its beginning to its end.
    let pieces = canary.chunks_exact(16);
    let step = pieces.len().div_ceil(24);
    pieces.step_by(step).filter(found).count()
}

#[tokio::test]
async fn sto_09_folder_and_files_are_the_owners_alone() {
    let (folder, _) = folder();
    let inner = folder.path().join("a/b");
    let store = SqliteStore::open(inner.join("vault.db")).await.unwrap();
    commit(&store, batch().put(record(1, b"x"), Expect::Absent)).await;
    assert_eq!(mode(&inner), 0o700);
    assert_eq!(mode(&folder.path().join("a")), 0o700);
    for file in ["vault.db", "vault.db-wal", "vault.db-shm"] {
        assert_eq!(mode(&inner.join(file)), 0o600, "{file}");
    }
}

#[tokio::test]
async fn sto_09_a_file_that_others_could_read_is_narrowed() {
    let (_folder, path) = folder();
    SqliteStore::open(&path).await.unwrap().close().await;
    set_mode(&path, 0o644);
    let store = SqliteStore::open(&path).await.unwrap();
    commit(&store, batch().put(record(1, b"x"), Expect::Absent)).await;
    for suffix in ["", "-wal", "-shm"] {
        let mut name = path.clone().into_os_string();
        name.push(suffix);
        assert_eq!(mode(Path::new(&name)), 0o600, "{suffix}");
    }
}

#[tokio::test]
async fn sto_09_a_folder_that_others_can_write_to_is_refused() {
    for wide in [0o770, 0o702, 0o1777] {
        let (folder, path) = folder();
        set_mode(folder.path(), wide);
        let error = SqliteStore::open(&path).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Configuration, "{wide:o}");
        assert_eq!(error.remedy(), Remedy::FixConfiguration);
    }
    for narrow in [0o700, 0o750, 0o755] {
        let (folder, path) = folder();
        set_mode(folder.path(), narrow);
        SqliteStore::open(&path).await.unwrap();
    }
}

#[tokio::test]
async fn sto_09_a_link_does_not_lead_around_the_check_of_the_folder() {
    let (open, real) = folder();
    let (_narrow, link) = folder();
    std::os::unix::fs::symlink(&real, &link).unwrap();
    fs::write(&real, b"").unwrap();
    set_mode(open.path(), 0o777);
    let error = SqliteStore::open(&link).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Configuration);
}

#[tokio::test]
async fn sto_09_a_deleted_body_is_in_no_file_when_the_commit_answers() {
    let (folder, path) = folder();
    let store = SqliteStore::open(&path).await.unwrap();
    // One that lies in a page with others, and one with pages of its own.
    for length in [256, 200 * 1024] {
        let canary = canary(length);
        commit(&store, batch().put(record(1, &canary), Expect::Absent)).await;
        for other in 2..40 {
            let body = vec![other; 300];
            commit(&store, batch().put(record(other, &body), Expect::Absent)).await;
        }
        assert!(pieces_left(folder.path(), &canary) > 0, "the scan finds what is there");
        commit(&store, batch().delete(key(1), Expect::Present)).await;
        assert_eq!(pieces_left(folder.path(), &canary), 0, "{length}");
        let rest = (2..40).map(|other| Op::Delete { key: key(other), expect: Expect::Present });
        commit(&store, batch().ops(rest)).await;
    }
}

#[tokio::test]
async fn sto_09_replaced_bodies_go_with_their_record() {
    let (folder, path) = folder();
    let store = SqliteStore::open(&path).await.unwrap();
    let canaries: Vec<_> = (0..4).map(|_| canary(20_000)).collect();
    commit(&store, batch().put(record(1, &canaries[0]), Expect::Absent)).await;
    for (old, body) in (100..).zip(&canaries[1..]) {
        let written = Record { version: Version(old + 1), ..record(1, body) };
        commit(&store, batch().put(written, Expect::Version(Version(old)))).await;
    }
    commit(&store, batch().delete(key(1), Expect::Present)).await;
    for canary in &canaries {
        assert_eq!(pieces_left(folder.path(), canary), 0);
    }
}

#[tokio::test]
async fn sto_09_a_swept_body_is_in_no_file() {
    let (folder, path) = folder();
    let clock = ManualClock::default();
    let opening = SqliteStore::builder(&path).clock(Arc::new(clock.clone()));
    let store = opening.open().await.unwrap();
    let canary = canary(5000);
    let expires = Some(clock.now().plus(Duration::from_secs(1)));
    let put = Op::Put {
        record: Record { expires, ..record(1, &canary) },
        expect: Expect::Absent,
        lookups: Some(vec![Id::from_bytes([9; 16])]),
    };
    commit(&store, batch().op(put)).await;
    clock.advance(Duration::from_secs(1));
    assert!(pieces_left(folder.path(), &canary) > 0);
    assert_eq!(store.sweep(10).await.unwrap(), 1);
    assert_eq!(pieces_left(folder.path(), &canary), 0);
    let lookups: i64 = Connection::open(&path)
        .unwrap()
        .query_row("SELECT count(*) FROM bailee_lookup", [], |row| row.get(0))
        .unwrap();
    assert_eq!(lookups, 0);
}

#[tokio::test]
async fn sto_09_a_reader_in_the_way_delays_the_checkpoint_and_not_the_delete() {
    let (folder, path) = folder();
    let store = SqliteStore::open(&path).await.unwrap();
    let canary = canary(5000);
    commit(&store, batch().put(record(1, &canary), Expect::Absent)).await;
    let backup = Connection::open(&path).unwrap();
    backup.execute_batch("BEGIN").unwrap();
    let count = |connection: &Connection| -> i64 {
        connection.query_row("SELECT count(*) FROM bailee_record", [], |row| row.get(0)).unwrap()
    };
    assert_eq!(count(&backup), 1);
    commit(&store, batch().delete(key(1), Expect::Present)).await;
    assert_eq!(count(&backup), 1, "it still looks at its moment");
    assert!(!store.checkpoint().await.unwrap());
    assert!(pieces_left(folder.path(), &canary) > 0);
    backup.execute_batch("COMMIT").unwrap();
    assert!(store.checkpoint().await.unwrap());
    assert_eq!(pieces_left(folder.path(), &canary), 0);
}

#[tokio::test]
async fn everything_is_there_when_the_file_is_opened_again() {
    let (_folder, path) = folder();
    let clock = ManualClock::default();
    let open = || SqliteStore::builder(&path).clock(Arc::new(clock.clone())).open();
    let store = open().await.unwrap();
    let note = record(1, b"kept");
    let change = batch()
        .op(Op::Put {
            record: note.clone(),
            expect: Expect::Absent,
            lookups: Some(vec![Id::from_bytes([9; 16])]),
        })
        .schedule(key(1), None, Due::At(clock.now()))
        .build()
        .unwrap();
    store.commit(&ACME, &change).await.unwrap();
    let task = key(1);
    let claim = Claim::One { tenant: &ACME, task: &task, lease: Duration::from_secs(9) };
    let lease = store.claim(claim).await.unwrap().remove(0);
    store.close().await;

    let store = open().await.unwrap();
    let seen = store.read(&ACME, &[key(1)]).await.unwrap();
    assert_eq!(seen.records, [Some(note)]);
    assert!(store.claim(claim).await.unwrap().is_empty(), "still held");
    assert_eq!(store.entries(&ACME, Window::default()).await.unwrap().len(), 1);
    let again = store.commit(&ACME, &change).await.unwrap();
    assert_eq!(again, bailee_store::Committed::AlreadyApplied);
    commit(&store, batch().finish(task.clone(), lease.fence, Due::Never)).await;
}

#[tokio::test]
async fn closing_leaves_one_file() {
    let (folder, path) = folder();
    let store = SqliteStore::open(&path).await.unwrap();
    commit(&store, batch().put(record(1, b"x"), Expect::Absent)).await;
    store.close().await;
    let files: Vec<_> =
        fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    let log = path.with_extension("db-wal");
    assert!(files.contains(&"vault.db".into()));
    assert_eq!(fs::metadata(log).map_or(0, |log| log.len()), 0, "{files:?}");
}

#[tokio::test]
async fn what_was_sent_before_the_store_was_dropped_is_done() {
    let (_folder, path) = folder();
    let store = SqliteStore::open(&path).await.unwrap();
    let batches: Vec<_> = (1..=50)
        .map(|number| batch().put(record(number, b"x"), Expect::Absent).build().unwrap())
        .collect();
    for batch in &batches {
        let tenant = ACME;
        let mut commit = std::pin::pin!(store.commit(&tenant, batch));
        std::future::poll_fn(|context| {
            let _ = commit.as_mut().poll(context);
            std::task::Poll::Ready(())
        })
        .await;
    }
    store.close().await;
    let store = SqliteStore::open(&path).await.unwrap();
    let keys: Vec<Key> = (1..=50).map(key).collect();
    let seen = store.read(&ACME, &keys).await.unwrap().records;
    assert!(seen.iter().all(Option::is_some));
}

#[tokio::test]
async fn a_file_of_a_newer_release_is_refused() {
    let (_folder, path) = folder();
    SqliteStore::open(&path).await.unwrap().close().await;
    let connection = Connection::open(&path).unwrap();
    connection.execute("INSERT INTO bailee_migration VALUES (99, 0)", []).unwrap();
    let error = SqliteStore::open(&path).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::UnknownSchema);
    assert_eq!(error.remedy(), Remedy::FixConfiguration);
}

#[tokio::test]
async fn what_is_no_database_is_refused_and_left_alone() {
    let (folder, path) = folder();
    let content = b"this is a letter and not a database".repeat(100);
    fs::write(&path, &content).unwrap();
    let error = SqliteStore::open(&path).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Configuration);
    assert_eq!(fs::read(&path).unwrap(), content);
    for no_file in [folder.path().to_path_buf(), folder.path().join(".."), path.join("x")] {
        let error = SqliteStore::open(&no_file).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Configuration, "{no_file:?}");
    }
}

#[tokio::test]
async fn a_file_of_the_hosts_own_keeps_its_tables_and_numbers() {
    let (_folder, path) = folder();
    let host = Connection::open(&path).unwrap();
    host.execute_batch(
        "PRAGMA user_version = 41; PRAGMA application_id = 42;
         CREATE TABLE record (mine TEXT); INSERT INTO record VALUES ('kept');",
    )
    .unwrap();
    let store = SqliteStore::open(&path).await.unwrap();
    commit(&store, batch().put(record(1, b"x"), Expect::Absent)).await;
    let number = |pragma| -> i64 { host.query_row(pragma, [], |row| row.get(0)).unwrap() };
    assert_eq!(number("PRAGMA user_version"), 41);
    assert_eq!(number("PRAGMA application_id"), 42);
    assert_eq!(number("SELECT count(*) FROM record"), 1);
    let foreign = "SELECT count(*) FROM sqlite_master \
                   WHERE name NOT LIKE '%bailee~_%' ESCAPE '~' AND name <> 'record'";
    assert_eq!(number(foreign), 0);
}

#[tokio::test]
async fn many_may_open_a_new_file_at_once() {
    let (_folder, path) = folder();
    let barrier = Arc::new(tokio::sync::Barrier::new(8));
    let mut tasks = tokio::task::JoinSet::new();
    for number in 1..=8 {
        let (path, barrier) = (path.clone(), Arc::clone(&barrier));
        tasks.spawn(async move {
            barrier.wait().await;
            let store = SqliteStore::open(path).await.unwrap();
            commit(&store, batch().put(record(number, b"x"), Expect::Absent)).await;
        });
    }
    tasks.join_all().await;
    let store = SqliteStore::open(&path).await.unwrap();
    let keys: Vec<Key> = (1..=8).map(key).collect();
    let seen = store.read(&ACME, &keys).await.unwrap().records;
    assert!(seen.iter().all(Option::is_some));
}

#[tokio::test]
async fn aud_02_entries_cannot_be_changed_or_deleted_in_the_file() {
    let (_folder, path) = folder();
    let store = SqliteStore::open(&path).await.unwrap();
    commit(&store, batch().put(record(1, b"x"), Expect::Absent)).await;
    let (head, leaves) = store.open(10).await.unwrap();
    store.fold(head, &leaves).await.unwrap();
    let connection = Connection::open(&path).unwrap();
    for sql in [
        "DELETE FROM bailee_audit",
        "UPDATE bailee_audit SET payload = x''",
        "UPDATE bailee_audit SET hash = x'00'",
        "UPDATE bailee_audit SET at = 0",
        "UPDATE bailee_audit SET leaf = 7",
        "UPDATE bailee_audit SET leaf = NULL",
    ] {
        assert!(connection.execute(sql, []).is_err(), "{sql}");
    }
}

#[tokio::test]
async fn a_missing_table_is_an_unavailable_store_and_not_a_panic() {
    let (_folder, path) = folder();
    let store = SqliteStore::open(&path).await.unwrap();
    Connection::open(&path).unwrap().execute_batch("DROP TABLE bailee_record").unwrap();
    let error = store.read(&ACME, &[key(1)]).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::StoreUnavailable);
    let change = batch().put(record(1, b"x"), Expect::Absent).build().unwrap();
    let error = store.commit(&ACME, &change).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::StoreUnavailable);
    assert_eq!(store.entries(&ACME, Window::default()).await.unwrap(), []);
}
