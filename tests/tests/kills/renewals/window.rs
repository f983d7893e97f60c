//! How long an answer of a strict provider is in memory alone: from its last byte until it is on the
//! disk, in the journal or with the commit. Whoever is killed in that time loses the tokens.
//!
//! `BAILEE_WINDOW` says how many renewals are timed. Beside each renewal a bare file is written and
//! synced as the journal is, in the same folder.

use std::{
    fs::File,
    io::{Seek, SeekFrom, Write},
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use bailee::http::SendError;
use bailee_postgres::testing::Cluster;
use bailee_tests::{Around, Step, Wrapped, drill::client};

use super::*;

/// The length of a journal in which nothing stands.
const EMPTY: u64 = 32;
/// What the bare file is given: about as much as an answer.
const ANSWER: usize = 1024;

/// Takes the time.
#[derive(Clone)]
struct Window(Arc<Mutex<Times>>);

struct Times {
    /// Whether what is answered is a renewal's.
    renews: bool,
    journal: Option<PathBuf>,
    /// When the answer was here that is not safe yet.
    answered: Option<Instant>,
    windows: Vec<Duration>,
    /// How much the journal keeps of an answer.
    length: u64,
}

impl Window {
    fn new(journal: Option<PathBuf>) -> Self {
        let times =
            Times { renews: false, journal, answered: None, windows: Vec::new(), length: 0 };
        Self(Arc::new(Mutex::new(times)))
    }

    fn times(&self) -> std::sync::MutexGuard<'_, Times> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The journal that has to have an answer by now.
    fn waits_for(&self) -> Option<PathBuf> {
        let times = self.times();
        times.journal.clone().filter(|_| times.answered.is_some())
    }

    /// The answer is safe, if there is one.
    fn ends(&self) {
        let mut times = self.times();
        if let Some(answered) = times.answered.take() {
            times.windows.push(answered.elapsed());
        }
    }
}

impl Around for Window {
    async fn around<T: Send>(
        &self,
        step: Step<'_>,
        taken: impl Future<Output = Result<T>> + Send,
    ) -> Result<T> {
        if let Some(journal) = self.waits_for() {
            // The first that is asked of the store after an answer is what to put it on.
            self.ends();
            let length = std::fs::metadata(journal).unwrap().len();
            assert!(length > EMPTY, "an answer is in the journal before the store is asked");
            self.times().length = length - EMPTY;
        }
        let outcome = taken.await;
        if let Step::Commit(_, batch) = step
            && batch.audit()[0].event() == look::KEPT
        {
            self.ends();
        }
        outcome
    }

    async fn around_request<T: Send>(
        &self,
        path: &str,
        sent: impl Future<Output = Result<T, SendError>> + Send,
    ) -> Result<T, SendError> {
        let outcome = sent.await;
        if path == "/token" {
            #[expect(clippy::disallowed_methods, reason = "this is what is measured")]
            let now = Instant::now();
            let mut times = self.times();
            times.answered = times.renews.then_some(now);
        }
        outcome
    }
}

#[test]
fn ref_07_a_strict_answer_is_on_the_disk_before_anything_else_is_done() {
    #[expect(clippy::disallowed_methods, reason = "a test may be told how long to run")]
    let renewals = std::env::var("BAILEE_WINDOW").ok().map_or(10, |text| text.parse().unwrap());
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    println!("{:24} {:>9} {:>9} {:>9} {:>8}", "from answer to disk", "p50", "p99", "longest", "");
    runtime.block_on(async {
        // As it is run, not as it is tested: a commit waits for the disk.
        let cluster = Cluster::start(&[("fsync", "on"), ("full_page_writes", "on")]).unwrap();
        for postgres in [false, true] {
            for journal in [false, true] {
                let times = measure(&cluster, postgres, journal, renewals).await;
                assert_eq!(times[0].len(), renewals, "each renewal has one answer");
                let store = if postgres { "PostgreSQL" } else { "SQLite" };
                let journal = if journal { ", journal" } else { "" };
                print(&format!("{store}{journal}"), &times);
            }
        }
    });
}

/// Times renewals, and beside each a bare write that is synced.
async fn measure(
    cluster: &Cluster,
    postgres: bool,
    journal: bool,
    renewals: usize,
) -> [Vec<Duration>; 2] {
    let class = &CLASSES[0];
    let folder = tempfile::tempdir().unwrap();
    let mut w = class.world().build().await.unwrap();
    let place = if postgres {
        let database = cluster.database().await.unwrap();
        let (at, port, name) = (cluster.folder().display(), cluster.port(), database.name());
        Place::Postgres(format!("host={at} port={port} user=bailee_app dbname={name}"))
    } else {
        Place::Sqlite(folder.path().join("vault").join("vault.db"))
    };
    let path = folder.path().join("journal").join("refresh.journal");
    let window = Window::new(journal.then(|| path.clone()));
    let store = Arc::new(Wrapped::over(place.open(&w.clock).await, window.clone()));
    let mut process = w.process(class.declaration(), store).unwrap();
    process = process.http(Wrapped::over(client(&w), window.clone()));
    if journal {
        process = process.journal(&path);
    }
    w.bailee = process.build().await.unwrap();
    let connection = class.connect(&w, &visitor("ada"), "ada").await;
    window.times().renews = true;

    let mut bare = Vec::new();
    let mut file = File::create_new(folder.path().join("bare")).unwrap();
    for _ in 0..renewals {
        w.advance(class.pause());
        used(class, &w.bailee, &visitor("ada"), &connection).await.unwrap();
        #[expect(clippy::disallowed_methods, reason = "this is what is measured")]
        let began = Instant::now();
        file.seek(SeekFrom::Start(EMPTY)).unwrap();
        file.write_all(&[7; ANSWER]).unwrap();
        file.sync_data().unwrap();
        bare.push(began.elapsed());
        file.set_len(EMPTY).unwrap();
    }
    if journal {
        let length = usize::try_from(window.times().length).unwrap();
        assert!((ANSWER / 2..ANSWER * 2).contains(&length), "an answer has {length} bytes");
    }
    let windows = std::mem::take(&mut window.times().windows);
    [windows, bare]
}

#[expect(clippy::print_stdout, reason = "a measurement prints its figures")]
fn print(name: &str, times: &[Vec<Duration>; 2]) {
    let of = |times: &[Duration], percent: usize| {
        let mut times = times.to_vec();
        times.sort_unstable();
        times[(times.len() - 1) * percent / 100]
    };
    let [windows, bare] = times;
    for (name, times) in [(name, windows), ("  a bare write, synced", bare)] {
        let [half, most, all] = [50, 99, 100].map(|percent| of(times, percent).as_micros());
        let ratio = of(times, 50).as_secs_f64() / of(bare, 50).as_secs_f64();
        println!("{name:24} {half:>6} µs {most:>6} µs {all:>6} µs {ratio:>6.2} ×");
    }
}
