//! Processes that are killed while they hand out and erase: what comes out is as if none had been.
//!
//! `BAILEE_KILLS` says how many kills there are at least; a few in CI.

#![expect(clippy::unwrap_used, reason = "what the tests share fails the test that uses it")]
#![expect(
    clippy::disallowed_methods,
    reason = "a process is told by its environment what it is, and killed at some moment"
)]

mod child;

use std::{
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
    thread,
    time::Duration,
};

use bailee_core::ErrorKind;
use bailee_rights::request::{Ask, Export, Outcome, State};

use child::{ACME, GLOBEX, OPERATOR, Process, ROWS, ada, ben};

/// Reads a package and says of each file of rows how many lines it has and how many keys.
const LINES: &str = r#"
import sys, json, zipfile
package = zipfile.ZipFile(sys.argv[1])
assert package.testzip() is None
manifest = json.loads(package.read("manifest.json"))
for name in sorted(package.namelist()):
    if name.endswith(".jsonl"):
        lines = [json.loads(line) for line in package.read(name).splitlines()]
        texts = {json.dumps(line, sort_keys=True) for line in lines}
        print(name, len(lines), len(texts))
"#;

fn spawn(folder: &Path, round: u64) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "child::works", "--nocapture"])
        .env("BAILEE_KILLS_FOLDER", folder)
        .env("BAILEE_KILLS_ROUND", round.to_string())
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit())
        .spawn()
        .unwrap()
}

/// A step of xorshift: which moment is hit.
fn drawn(state: &mut u64) -> u64 {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    *state
}

#[tokio::test(flavor = "multi_thread")]
async fn r1_r3_whoever_is_killed_while_copying_and_erasing_loses_and_doubles_nothing() {
    let wanted: u64 = std::env::var("BAILEE_KILLS").map_or(6, |count| count.parse().unwrap());
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut kills = 0;
    let mut rounds = 0;
    while kills < wanted {
        kills += round(&mut state).await;
        rounds += 1;
    }
    println!("{kills} kills in {rounds} rounds");
}

/// One database, one copy and one erasure; processes over it until both are done. How many were killed.
async fn round(state: &mut u64) -> u64 {
    let folder = tempfile::tempdir().unwrap();
    let first = Process::create(folder.path()).await;
    let (access, erasure) = {
        let now = first.now();
        let rights = &first.rights;
        let copy = Ask::Access(Export::new().with_csv());
        let access = rights.ask(&first.visitor(&ada()), now, copy).await.unwrap().id;
        let erasure = rights.ask(&first.visitor(&ben()), now, Ask::Erasure).await.unwrap().id;
        (access, erasure)
    };
    first.close().await;

    // In one round processes live for a moment, in another long enough to come far.
    let window = 50_000 + drawn(state) % 300_000;
    let (mut kills, mut process) = (0, 0);
    loop {
        process += 1;
        assert!(process < 3000, "processes without an end");
        let mut child = spawn(folder.path(), process);
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let begun =
            lines.by_ref().find(|line| line.as_deref().is_ok_and(|line| line.contains("begins")));
        assert!(begun.is_some(), "the process began");
        // The moment of a kill is the only thing here that time decides.
        thread::sleep(Duration::from_micros(drawn(state) % window));
        let killed = child.try_wait().unwrap().is_none();
        if killed {
            child.kill().unwrap();
        }
        let status = child.wait().unwrap();
        if status.success() {
            break;
        }
        kills += u64::from(killed);
    }

    let last = Process::over(folder.path(), process + 1).await;
    let operator = last.rights.operator(OPERATOR);
    // The copy: every row once.
    let copied = operator.request(&ACME, access).await.unwrap();
    assert_eq!((copied.state, copied.closed.unwrap().1), (State::Closed, Outcome::Done));
    let package = last.rights.package(&last.visitor(&ada()), access).await.unwrap();
    let bytes = package.read(0, usize::try_from(package.len()).unwrap()).await.unwrap();
    let path = folder.path().join("package.zip");
    std::fs::write(&path, bytes).unwrap();
    let read = Command::new("python3").args(["-c", LINES]).arg(&path).output().unwrap();
    assert!(read.status.success(), "{}", String::from_utf8_lossy(&read.stderr));
    let read = String::from_utf8(read.stdout).unwrap();
    for table in ["posts", "comments"] {
        for tenant in [ACME, GLOBEX] {
            let file = format!("data/{tenant}/app/{table}.jsonl {ROWS} {ROWS}");
            assert!(read.lines().any(|line| line == file), "no {file} in\n{read}");
        }
    }
    // The erasure: nothing left of Ben, everything of Ada, and counts that are true.
    let erased = operator.request(&ACME, erasure).await.unwrap();
    assert_eq!((erased.state, erased.closed.unwrap().1), (State::Closed, Outcome::Done));
    for part in &erased.parts {
        for table in ["posts", "comments"] {
            let standing = part.sources[0].tables[table];
            assert_eq!((standing.done, standing.left), (ROWS, 0), "{table} of {}", part.tenant);
        }
        let gone = last.vault.person(&part.tenant, part.subject).await;
        assert_eq!(gone.unwrap_err().kind(), ErrorKind::Shredded);
    }
    let rows = last.rows();
    let rows_of = |person: &str| rows.iter().filter(|(of, _)| of == person).count() as u64;
    assert_eq!(rows_of("ada"), 4 * ROWS);
    assert_eq!(rows_of("ben"), 0);
    assert!(rows.iter().all(|(_, text)| !text.contains("canary-ben")));
    last.close().await;
    kills
}
