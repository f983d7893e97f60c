//! The world with the emulated providers, and the processes that use its connections.

use std::{
    fs::File,
    io::{BufRead, BufReader, Lines, Write},
    path::{Path, PathBuf},
    process::{ChildStdin, ChildStdout, Command, Stdio},
    sync::Arc,
    time::Duration,
};

use bailee::{
    BeginOptions, ConnectionRef, PostgresStore, SqliteStore, Visitor, core::ManualClock,
    store::Store,
};
use bailee_postgres::testing::Cluster;
use bailee_testkit::{
    Storage, World,
    emulator::{Decision, Endpoint, RefreshStyle},
};
use bailee_tests::{
    NOTES, PUBLISH,
    drill::{ISSUER, notes_world_where},
};

use super::*;

/// The name of the test as which a child runs.
const TEST: &str = "freezes::dis_04_a_freeze_said_in_one_process_holds_in_all_on_one_file";
/// For how many seconds a token of the provider of notes is good: somebody always renews.
const LIFETIME: i64 = 4;
/// Nothing takes so long, however busy the machine is: longer than a claim that a cut left open.
const PATIENCE: i64 = 300 * SECOND;

/// A world in real time with three connections: two of one person, one of another tenant.
pub(crate) struct Crowd {
    pub(crate) w: World,
    pub(crate) connections: Vec<ConnectionRef>,
    uses: Vec<Use>,
    place: Place,
    children: Vec<Child>,
    folder: tempfile::TempDir,
}

/// How to reach a database of one's own, over the cluster's socket.
pub(crate) async fn database() -> (Place, String) {
    let cluster = Cluster::shared().unwrap();
    let name = cluster.database().await.unwrap().name().to_owned();
    let (folder, port) = (cluster.folder().display(), cluster.port());
    let address = format!("host={folder} port={port} user=bailee_app dbname={name}");
    (Place::Postgres(address), name)
}

impl Crowd {
    pub(crate) async fn new(place: impl AsyncFnOnce(&Path) -> Place) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let place = place(folder.path()).await;
        let strict = RefreshStyle::Strict { kills_family: true };
        let builder = notes_world_where("class = \"strict\"", strict, |issuer| {
            issuer.access_lifetime = LIFETIME;
        });
        let builder = builder.on_clock(ManualClock::at(SystemClock.now()));
        let clock: Arc<dyn Clock> = Arc::new(builder.clock().clone());
        let store: Arc<dyn Store> = match &place {
            Place::Sqlite(file) => {
                Arc::new(SqliteStore::builder(file).clock(clock).open().await.unwrap())
            }
            Place::Postgres(address) => {
                let builder = PostgresStore::builder(address).unwrap();
                Arc::new(builder.clock(clock).connect().await.unwrap())
            }
        };
        let w = builder.storage(Storage::Given(store)).build().await.unwrap();
        let (ada, hal) = (w.visitor("ada"), w.visitor_in("globex", "hal"));
        let mut crowd = Self {
            w,
            connections: Vec::new(),
            uses: Vec::new(),
            place,
            children: Vec::new(),
            folder,
        };
        crowd.connect(&ada, "ada", "notes", "ada").await;
        crowd.connect(&hal, "hal", "notes", "grace").await;
        crowd.connect(&ada, "ada", "tiktok", "ada").await;
        crowd
    }

    async fn connect(&mut self, who: &Visitor, person: &str, provider: &str, account: &str) {
        let purposes = [if provider == "tiktok" { PUBLISH } else { NOTES }];
        let (options, allow) = (BeginOptions::default(), Decision::Allow);
        let connected = self.w.connect_as(who, provider, &purposes, options, allow, account).await;
        let connection = connected.unwrap().unwrap().connection;
        self.uses.push(Use {
            tenant: who.tenant().to_string(),
            person: person.into(),
            provider: provider.into(),
            connection: connection.to_string(),
        });
        self.connections.push(connection);
    }

    /// Lets so many processes begin, which reach the store in the usual way or in another.
    pub(crate) fn begin(&mut self, processes: usize, place: Option<Place>) {
        let orders = Orders {
            kin: Kin::of(&self.w),
            store: place.unwrap_or_else(|| self.place.clone()),
            journals: self.folder.path().join("journals"),
            uses: self.uses.clone(),
        };
        let letter = self.folder.path().join("orders.json");
        std::fs::write(&letter, serde_json::to_vec(&orders).unwrap()).unwrap();
        self.children = (0..processes).map(|n| Child::begin(&letter, n)).collect();
        for child in &mut self.children {
            assert!(matches!(child.hear(), Said::Here));
        }
    }

    /// Tells one process to do something; says when that was done.
    pub(crate) fn tell(&mut self, process: usize, word: &Word) -> i64 {
        match self.children[process].ask(word) {
            Said::Done(at) => at,
            said => panic!("{said:?}"),
        }
    }

    /// Waits until something can be seen of each of these uses in every process.
    pub(crate) fn until(&mut self, uses: &[usize], seen: impl Fn(&Seen) -> bool) -> Vec<Vec<Seen>> {
        let began = now();
        loop {
            let all = self.report();
            if all.iter().all(|of| uses.iter().all(|used| seen(&of[*used]))) {
                return all;
            }
            assert!(now() - began < PATIENCE, "it never comes: {all:?}");
            rest();
        }
    }

    fn report(&mut self) -> Vec<Vec<Seen>> {
        let all = self.children.iter_mut().map(|child| match child.ask(&Word::Report) {
            Said::Seen(seen) => seen,
            said => panic!("{said:?}"),
        });
        all.collect()
    }

    /// How many calls and renewals the providers saw.
    pub(crate) fn asked(&self) -> u64 {
        let of = |site: &bailee_testkit::emulator::Site| {
            site.count(Endpoint::Api) + site.count(Endpoint::Refresh)
        };
        self.w.emulator.sites().iter().map(of).sum()
    }

    /// Waits until the provider of notes saw a renewal.
    pub(crate) fn until_renewed(&self) {
        let (before, began) = (self.renewed(), now());
        while self.renewed() == before {
            assert!(now() - began < PATIENCE, "nobody renews");
            rest();
        }
    }

    /// How many renewals the provider of notes saw.
    fn renewed(&self) -> u64 {
        self.w.site(ISSUER).count(Endpoint::Refresh)
    }
}

/// Processes that use the service in real time are looked at again, without taking the machine from
/// them. What is waited for is a fact, and how long it took is what they say themselves.
#[expect(clippy::disallowed_methods, reason = "real time is what is under test")]
fn rest() {
    std::thread::sleep(Duration::from_millis(50));
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

    fn ask(&mut self, word: &Word) -> Said {
        let text = serde_json::to_string(word).unwrap();
        self.told.write_all(format!("{text}\n").as_bytes()).unwrap();
        self.told.flush().unwrap();
        self.hear()
    }

    fn hear(&mut self) -> Said {
        for line in &mut self.said {
            if let Some(said) = line.unwrap().strip_prefix(MARK) {
                return serde_json::from_str(said).unwrap();
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
