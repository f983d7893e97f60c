//! Kills a process in the midst of its commits, again and again: what it was told is done is there,
//! and nothing is there by half.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{
    io::{BufRead, BufReader, Write},
    path::Path,
    process::{Command, Stdio},
    sync::Arc,
};

use bailee_core::{BatchId, Clock, Id, SystemClock, TenantId, audit::Entry};
use bailee_sqlite::SqliteStore;
use bailee_store::{
    Batch, Due, Expect, Facet, Key, Kind, Log, Op, Query, Record, Sealed, Store, Version, Window,
};

const ACME: TenantId = TenantId::from_static("acme");
const KINDS: [Kind; 3] =
    [Kind::from_static("left"), Kind::from_static("middle"), Kind::from_static("right")];
const GONE: Kind = Kind::from_static("gone");
const TASK: Kind = Kind::from_static("task");
const WRITERS: u64 = 4;
/// Where the child is told its file.
const CHILD: &str = "BAILEE_KILLED_CHILD";

#[expect(clippy::disallowed_methods, reason = "a test is told its part by its environment")]
fn environment(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

fn id(writer: u64, number: u64) -> Id {
    Id::derive(&[&writer.to_be_bytes(), &number.to_be_bytes()])
}

/// The part of the child: commits until it is killed, and prints what was acknowledged.
///
/// Without the variable there is no child to play; the parent's test below starts it.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_child_commits_until_it_is_killed() {
    let Some(path) = environment(CHILD) else { return };
    let store = Arc::new(SqliteStore::open(&path).await.unwrap());
    let begun = SystemClock.now().as_micros();
    let writers = (0..WRITERS).map(|writer| {
        let store = Arc::clone(&store);
        tokio::spawn(async move {
            let mut last: Option<Key> = None;
            for number in 0_u64.. {
                let id = id(writer, begun.unsigned_abs() + number);
                let record = |kind| Record {
                    key: Key::new(kind, id),
                    subject: None,
                    facet: Facet(0),
                    expires: None,
                    version: Version(1),
                    body: Sealed::new(vec![number as u8; 3000]),
                };
                let puts = KINDS.into_iter().chain([GONE]).map(|kind| Op::Put {
                    record: record(kind),
                    expect: Expect::Absent,
                    lookups: Some(vec![id]),
                });
                let mut batch = Batch::builder(BatchId::from_id(id))
                    .ops(puts)
                    .schedule(Key::new(TASK, id), None, Due::After(std::time::Duration::ZERO))
                    .audit(Entry::new("test.changed", SystemClock.now()));
                // Every commit deletes one record of the last, so that checkpoints are killed too.
                if let Some(last) = last.replace(Key::new(GONE, id)) {
                    batch = batch.delete(last, Expect::Present);
                }
                store.commit(&ACME, &batch.build().unwrap()).await.unwrap();
                // One write, so that no line is cut into another's.
                std::io::stdout().write_all(format!("acknowledged {id}\n").as_bytes()).unwrap();
            }
        })
    });
    for writer in writers.collect::<Vec<_>>() {
        writer.await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_kill_loses_an_acknowledged_commit_or_leaves_half_of_one() {
    let kills = environment("BAILEE_KILLS").map_or(20, |kills| kills.parse::<usize>().unwrap());
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("vault.db");
    let mut acknowledged = Vec::new();
    for kill in 0..kills {
        // Not always after the same number of commits.
        acknowledged.extend(run_and_kill(&path, 1 + kill * 7 % 40));
    }
    assert!(acknowledged.len() >= kills);

    let store = SqliteStore::open(&path).await.unwrap();
    for id in &acknowledged {
        let keys: Vec<_> = KINDS.iter().map(|kind| Key::new(kind.clone(), *id)).collect();
        let seen = store.read(&ACME, &keys).await.unwrap().records;
        assert!(seen.iter().all(Option::is_some), "{id} was acknowledged and is not there");
    }
    let mut there = Vec::new();
    for kind in KINDS {
        there.push(all(&store, kind).await);
    }
    assert_eq!(there[0], there[1]);
    assert_eq!(there[0], there[2]);
    let mut logged = Vec::new();
    let mut window = Window::default();
    loop {
        let page = store.entries(&ACME, window).await.unwrap();
        let Some(last) = page.last() else { break };
        window.after = Some((last.entry.at(), last.batch, last.n));
        logged.extend(page.iter().map(|logged| logged.batch.id()));
    }
    logged.sort();
    assert_eq!(there[0], logged, "one entry for each");
    let mut work = Vec::new();
    loop {
        let claim =
            bailee_store::Claim::Due { tasks: &[TASK], lease: bailee_store::MAX_LEASE, limit: 500 };
        let leases = store.claim(claim).await.unwrap();
        if leases.is_empty() {
            break;
        }
        work.extend(leases.into_iter().map(|lease| lease.task.id));
    }
    work.sort();
    assert_eq!(there[0], work, "one piece of work for each");
    for id in &there[0] {
        let query = Query::of_kind(KINDS[0].clone()).lookup(*id);
        assert_eq!(store.find(&ACME, &query).await.unwrap().records.len(), 1);
    }
    // Each writer that came so far left the last of these, and no other.
    assert!(all(&store, GONE).await.len() as u64 <= kills as u64 * WRITERS);
    store.close().await;
    let check: String = rusqlite::Connection::open(&path)
        .unwrap()
        .query_row("PRAGMA integrity_check", [], |row| row.get(0))
        .unwrap();
    assert_eq!(check, "ok");
}

async fn all(store: &SqliteStore, kind: Kind) -> Vec<Id> {
    let mut ids = Vec::new();
    let mut query = Query::of_kind(kind).limit(1000);
    loop {
        let page = store.find(&ACME, &query).await.unwrap();
        ids.extend(page.records.into_iter().map(|record| record.key.id));
        match page.next {
            Some(next) => query = query.after(next),
            None => return ids,
        }
    }
}

/// Runs a child until it acknowledged so many commits, kills it, and gives every id that it told.
fn run_and_kill(path: &Path, commits: usize) -> Vec<Id> {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "the_child_commits_until_it_is_killed", "--nocapture"])
        .env(CHILD, path)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let output = BufReader::new(child.stdout.take().unwrap());
    let mut acknowledged = Vec::new();
    for line in output.lines() {
        // The last line may be cut off: then it was not told.
        let Ok(line) = line else { break };
        if let Some(id) = line.strip_prefix("acknowledged ").and_then(|id| id.parse().ok()) {
            acknowledged.push(id);
            if acknowledged.len() == commits {
                // The signal that cannot be caught, on Unix.
                child.kill().unwrap();
            }
        }
    }
    child.wait().unwrap();
    assert!(acknowledged.len() >= commits, "the child ended by itself");
    acknowledged
}
