//! The process that has the emulated provider and gives the signal to start.

use std::{
    fs::File,
    io::{BufRead, BufReader, Lines, Write},
    path::{Path, PathBuf},
    process::{ChildStdin, ChildStdout, Command, Stdio},
    time::Duration,
};

use bailee::core::{Clock, audit::Field};
use bailee_postgres::testing::Cluster;
use bailee_testkit::{
    Storage, World,
    emulator::{Endpoint, Fault, RefreshStyle, TokenKind},
};
use bailee_tests::{
    NOTES,
    drill::{ISSUER, hours, notes_world},
};

use super::{
    child::{child, open},
    *,
};

/// So many rounds have one world, so that what the emulator remembers has an end.
const STRETCH: usize = 500;
/// What nobody may have to wait for, where the machine is slow: less than a lease.
const BOUND: Duration = Duration::from_secs(60);
/// The name of the test as which a child runs.
const TEST: &str = "parent::ref_02_processes_on_one_file_renew_once_in_each_round";

#[test]
fn ref_02_processes_on_one_file_renew_once_in_each_round() {
    #[expect(clippy::disallowed_methods, reason = "the parent talks to its child this way")]
    if let Some(orders) = std::env::var_os(ORDERS) {
        let orders = std::fs::read(orders).unwrap();
        return child(&serde_json::from_slice(&orders).unwrap());
    }
    rounds("SQLite", async |folder: &Path| Place::Sqlite(folder.join("vault").join("vault.db")));
}

#[test]
fn ref_02_processes_on_one_database_renew_once_in_each_round() {
    rounds("PostgreSQL", async |_: &Path| {
        let cluster = Cluster::shared().unwrap();
        let database = cluster.database().await.unwrap();
        let (folder, port, name) = (cluster.folder().display(), cluster.port(), database.name());
        Place::Postgres(format!(
            "host={folder} port={port} user=bailee_app dbname={name} connect_timeout=60"
        ))
    });
}

fn rounds(name: &str, place: impl AsyncFn(&Path) -> Place) {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let mut left = times("BAILEE_ROUNDS", 200);
    let mut waits = Vec::new();
    while left > 0 {
        let rounds = left.min(STRETCH);
        waits.extend(runtime.block_on(stretch(rounds, &place)));
        left -= rounds;
    }
    waits.sort_unstable();
    let of = |percent: usize| Duration::from_micros(waits[(waits.len() - 1) * percent / 100]);
    println!(
        "{name}: {} calls, longer than the provider took: p50 {:?}, p99 {:?}, longest {:?}",
        waits.len(),
        of(50),
        of(99),
        of(100)
    );
    assert!(of(100) < BOUND, "somebody waited for {:?}", of(100));
}

/// How long the provider thinks about a renewal: so that it answers at no fixed place between two
/// looks of those who wait.
fn latency(round: usize) -> Duration {
    Duration::from_millis(20 + (round as u64 * 37) % 101)
}

/// Rounds in one world. Says how long each caller waited for more than the provider's answer, in
/// microseconds.
async fn stretch(rounds: usize, place: impl AsyncFn(&Path) -> Place) -> Vec<u64> {
    let folder = tempfile::tempdir().unwrap();
    let place = place(folder.path()).await;
    let style = RefreshStyle::Strict { kills_family: true };
    let builder = notes_world("class = \"strict\"", style);
    let store = open(&place, builder.clock()).await;
    let w = builder.storage(Storage::Given(store)).build().await.unwrap();
    let notes = w.connect(&w.visitor("ada"), "notes", &[NOTES]).await.unwrap();
    let site = w.site(ISSUER);

    let orders = Orders {
        address: w.emulator.address(),
        root: w.emulator.root_pem().to_owned(),
        store: place,
        now: w.clock.now().as_micros(),
        connection: notes.to_string(),
        callers: times("BAILEE_CALLERS", 64),
    };
    let letter = folder.path().join("orders.json");
    std::fs::write(&letter, serde_json::to_vec(&orders).unwrap()).unwrap();
    // The provider goes on while this thread waits for its children.
    let waits = tokio::task::block_in_place(|| meet(&w, &letter, rounds));

    assert!(site.reuse_alarms().is_empty(), "no token was presented again");
    assert_eq!(site.count(Endpoint::Refresh), rounds as u64);
    assert_eq!(waits.len(), rounds * PROCESSES * orders.callers);
    let generations: Vec<i64> = w
        .audit("acme")
        .await
        .iter()
        .filter(|logged| logged.entry.event() == "credential.refreshed")
        .map(|logged| match logged.entry.field("generation") {
            Some(Field::Number(number)) => *number,
            other => panic!("a generation is a number: {other:?}"),
        })
        .collect();
    assert_eq!(generations.len(), rounds);
    assert!(generations.windows(2).all(|two| two[1] == two[0] + 1), "{generations:?}");
    w.assert_clean_audit(&["acme"]).await;
    waits
}

/// Lets all processes begin at once, round after round.
fn meet(w: &World, letter: &Path, rounds: usize) -> Vec<u64> {
    let site = w.site(ISSUER);
    let mut children: Vec<_> = (0..PROCESSES).map(|n| Child::begin(letter, n)).collect();
    for child in &mut children {
        assert_eq!(child.hear(), "here");
    }
    let mut waits = Vec::new();
    for round in 0..rounds {
        let (renewed, used) = (site.count(Endpoint::Refresh), site.count(Endpoint::Api));
        let latency = latency(round);
        site.fault(Endpoint::Refresh, Fault::Slow(latency).once());
        w.advance(hours(2));
        let now = w.clock.now().as_micros();
        for child in &mut children {
            child.tell(&format!("time {now}"));
        }
        // Nobody begins before all are ready.
        for child in &mut children {
            assert_eq!(child.hear(), "ready");
        }
        // Each in its turn has the provider do something.
        for (n, child) in children.iter_mut().enumerate() {
            child.tell(if n == round % PROCESSES { "go and write" } else { "go" });
        }
        let latency = u64::try_from(latency.as_micros()).unwrap();
        let mut shown = BTreeSet::new();
        for child in &mut children {
            let heard: Round = serde_json::from_str(&child.hear()).unwrap();
            assert!(heard.errors.is_empty(), "round {round}: {:?}", heard.errors);
            if heard.put_off > 0 {
                println!("round {round}: the store was not there for {} callers", heard.put_off);
            }
            waits.extend(heard.waits.iter().map(|waited| waited.saturating_sub(latency)));
            shown.extend(heard.shown);
        }
        assert_eq!(site.count(Endpoint::Refresh) - renewed, 1, "round {round}");
        // Nobody has any token but the one that the provider takes.
        let live = site.live_tokens().into_iter().filter(|token| token.kind == TokenKind::Access);
        let live: BTreeSet<_> = live.map(|token| format!("Bearer {}", token.value)).collect();
        assert_eq!(live.len(), 1, "round {round}");
        assert_eq!(shown, live, "round {round}");
        // It refuses one that ran out: that would be asked twice.
        assert_eq!(site.count(Endpoint::Api) - used, 1, "round {round}");
    }
    waits
}

/// A process of this test's own program.
struct Child {
    process: std::process::Child,
    told: ChildStdin,
    said: Lines<BufReader<ChildStdout>>,
    errors: PathBuf,
}

impl Child {
    fn begin(letter: &Path, n: usize) -> Self {
        let errors = letter.with_file_name(format!("errors-{n}"));
        let mut process = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", TEST, "--nocapture", "--test-threads=1"])
            .env(ORDERS, letter)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(File::create(&errors).unwrap())
            .spawn()
            .unwrap();
        let told = process.stdin.take().unwrap();
        let said = BufReader::new(process.stdout.take().unwrap()).lines();
        Self { process, told, said, errors }
    }

    fn tell(&mut self, what: &str) {
        self.told.write_all(format!("{what}\n").as_bytes()).unwrap();
        self.told.flush().unwrap();
    }

    fn hear(&mut self) -> String {
        for line in &mut self.said {
            if let Some(said) = line.unwrap().strip_prefix(MARK) {
                return said.to_owned();
            }
        }
        panic!("a child ended: {}", std::fs::read_to_string(&self.errors).unwrap_or_default())
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
