//! The whole scenario in a process of its own, with everything that it leaves behind.

use std::{
    fs,
    io::Write,
    path::Path,
    process::{Command, Stdio},
    sync::{Arc, Mutex},
};

use bailee::{SqliteStore, core::Clock, store::Store};
use bailee_testkit::Storage;
use bailee_tests::world;
use tracing_subscriber::filter::LevelFilter;

use crate::{
    forms::Needles,
    scenario::{ACCOUNT, CONTENT, DISPLAY, PERSON, live, secrets},
};

/// Names the folder of the child of the test below.
const FOLDER: &str = "BAILEE_LEAKS_CHILD";

#[test]
fn sec_03_sec_04_sec_05_sec_06_no_secret_is_in_anything_that_a_process_leaves_behind() {
    #[expect(clippy::disallowed_methods, reason = "this is how the child knows that it is one")]
    if let Some(folder) = std::env::var_os(FOLDER) {
        return child(Path::new(&folder));
    }
    let folder = tempfile::tempdir().unwrap();
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "process::sec_03_sec_04_sec_05_sec_06_no_secret_is_in_anything_that_a_process_leaves_behind"])
        .args(["--nocapture", "--test-threads=1"])
        .env(FOLDER, folder.path())
        .env("RUST_BACKTRACE", "full")
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let complained = String::from_utf8_lossy(&output.stderr).into_owned();
    // The last panic, without its backtrace.
    let last = complained.rfind("panicked at").map_or("", |at| &complained[at..]);
    let last: Vec<&str> = last.lines().take(5).collect();
    assert!(output.status.success() && said.contains("1 passed"), "{said}\n{}", last.join("\n"));

    let read = |name: &str| fs::read(folder.path().join(name)).unwrap();
    let secrets = String::from_utf8(read("secrets")).unwrap();
    let secrets: Vec<&str> = secrets.lines().collect();
    assert!(secrets.len() > 300, "there was something to leak: {}", secrets.len());
    let needles = Needles::new(secrets);
    needles.none_in("standard output", &output.stdout);
    needles.none_in("standard error", &output.stderr);
    needles.none_in("the errors and the debug output", &read("words"));
    needles.none_in("the audit log", &read("audit"));
    let log = read("log");
    needles.none_in("the log at its finest level", &log);

    // What was looked through is what it should be.
    let log = String::from_utf8_lossy(&log).into_owned();
    for word in ["TRACE", "hyper_util", "reqwest", "bailee_connect", "open.tiktokapis.com"] {
        assert!(log.contains(word), "{word} is not in the log");
    }
    assert!(complained.matches("a host gave up: ").count() > 60, "the panics are there");
    assert!(complained.contains("stack backtrace"), "with their backtraces");

    // Nothing of the person is said or logged either, and the audit log names nobody.
    let people = Needles::new([PERSON, DISPLAY, ACCOUNT, CONTENT, "canary-mail-0d1f"]);
    people.none_in("standard output", &output.stdout);
    people.none_in("standard error", &output.stderr);
    people.none_in("the audit log", &read("audit"));

    // The files of the database, as they were in the middle of it and at the end.
    let mut files = 0;
    let mut wal = false;
    for entry in fs::read_dir(folder.path().join("copies")).unwrap() {
        let path = entry.unwrap().path();
        let bytes = fs::read(&path).unwrap();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        needles.none_in(&name, &bytes);
        people.none_in(&name, &bytes);
        wal |= name.ends_with("-wal") && bytes.len() > 4096;
        files += 1;
    }
    assert!(files >= 6 && wal, "database, write-ahead log and index were there: {files}");
}

/// A log in memory that is written to a file at the end.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

fn child(folder: &Path) {
    let log = Log::default();
    let writer = log.clone();
    tracing_subscriber::fmt()
        .with_max_level(LevelFilter::TRACE)
        .with_ansi(false)
        .with_writer(move || writer.clone())
        .init();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let builder = world();
        let clock: Arc<dyn Clock> = Arc::new(builder.clock().clone());
        let path = folder.join("vault").join("vault.db");
        let store: Arc<dyn Store> =
            Arc::new(SqliteStore::builder(&path).clock(clock).open().await.unwrap());
        let w = builder.storage(Storage::Given(store)).build().await.unwrap();
        fs::create_dir(folder.join("copies")).unwrap();
        let early = w.visitor(PERSON);
        w.connect(&early, "tiktok", &[bailee_tests::PUBLISH]).await.unwrap();
        copy(folder, "early");
        let words = live(&w, true).await;
        assert!(words.errors > 60, "much went wrong: {}", words.errors);
        copy(folder, "late");
        w.assert_clean_audit(&["acme", "~"]).await;
        let mut audit = Vec::new();
        for tenant in ["acme", "~"] {
            for logged in w.audit(tenant).await {
                audit.extend(logged.entry.payload());
                audit.extend(format!("{logged:?}\n").into_bytes());
            }
        }
        fs::write(folder.join("audit"), audit).unwrap();
        fs::write(folder.join("words"), &words.text).unwrap();
        fs::write(folder.join("secrets"), secrets(&w).join("\n")).unwrap();
        drop(w);
        copy(folder, "closed");
    });
    drop(runtime);
    fs::write(folder.join("log"), &*log.0.lock().unwrap()).unwrap();
}

/// Copies the files of the database as they lie there now.
fn copy(folder: &Path, when: &str) {
    for entry in fs::read_dir(folder.join("vault")).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        match fs::copy(&path, folder.join("copies").join(format!("{when}-{name}"))) {
            // SQLite takes its log and index away when the last connection closes.
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            copied => {
                copied.unwrap();
            }
        }
    }
}
