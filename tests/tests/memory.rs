//! Tokens and the root key are not in a process's memory once a call is over: searched for by the
//! process itself, in a release build, after it connected, called and renewed.
//!
//! What is found lies in two buffers of other libraries: what hyper and rustls read answers into,
//! freed and not wiped, and what hyper writes the head of a request out of, which lives as long as
//! an idle connection. With an allocator that wipes, only the latter is left, and nothing when the
//! connections are closed. Our own buffers are none of them.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::{
    fs,
    io::{BufRead, BufReader, Write},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
};

use bailee::core::{Clock as _, Id, ManualClock, SystemRandom};
use bailee_testkit::emulator::{Account, Client, Clock, Decision, Emulator, tiktok::TikTok};

const MASK: u8 = 0x5a;

/// What one search found of one secret.
#[derive(Debug)]
struct Found {
    when: String,
    name: String,
    /// In an answer of HTTP/1.1.
    answer: usize,
    /// In the head of a request of HTTP/1.1.
    request: usize,
    /// Anywhere else, our own buffers among it.
    other: usize,
}

#[tokio::test(flavor = "multi_thread")]
async fn tok_03_after_a_call_tokens_lie_only_in_buffers_of_the_http_and_tls_libraries() {
    let found = course("memory-plain").await;
    controls(&found);
    for secret in secrets(&found) {
        assert_eq!(secret.other, 0, "{secret:?}");
    }
    // What the message above promises not to hide: it is there.
    assert!(secrets(&found).any(|secret| secret.answer + secret.request > 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn tok_03_with_an_allocator_that_wipes_nothing_is_left_behind_idle_connections() {
    let found = course("memory-wiping").await;
    controls(&found);
    for secret in secrets(&found) {
        assert_eq!((secret.answer, secret.other), (0, 0), "{secret:?}");
        assert!(secret.when == "alive" || secret.request == 0, "{secret:?}");
    }
}

/// The search finds what is there: a text that the process keeps, and the root key that serves. It
/// does not find the key when all is over.
fn controls(found: &[Found]) {
    let other = |when: &str, name: &str| {
        let found = found.iter().find(|found| found.when == when && found.name == name);
        found.expect("it was looked for").other
    };
    for when in ["alive", "over"] {
        assert_eq!(other(when, "control"), 1, "{when}");
        assert_eq!(other(when, "root-key-in-base64"), 0, "{when}");
        assert_eq!(secrets(found).filter(|secret| secret.when == when).count(), 5);
    }
    assert_eq!(other("alive", "root-key"), 1, "the key source keeps one copy");
    assert_eq!(other("over", "root-key"), 0);
}

/// The tokens and the client's secret.
fn secrets(found: &[Found]) -> impl Iterator<Item = &Found> {
    found.iter().filter(|found| found.name != "control" && !found.name.starts_with("root-key"))
}

/// Starts a host, plays its provider, and gives back what it found.
async fn course(program: &str) -> Vec<Found> {
    let program = build(program);
    let folder = tempfile::tempdir().expect("a place for files");
    let now = Arc::new(AtomicI64::new(ManualClock::default().now().as_seconds()));
    let follow = now.clone();
    let mut tiktok = TikTok::new();
    tiktok.rate_limits = false;
    let emulator = Emulator::builder()
        .clock(Clock::following(move || follow.load(Ordering::SeqCst)))
        .tiktok(tiktok)
        .start()
        .await
        .expect("the emulator starts");
    let secret = format!("fake-secret-{}", Id::generate(&SystemRandom).unwrap());
    let control = format!("fake-control-{}", Id::generate(&SystemRandom).unwrap());
    let half = || *Id::generate(&SystemRandom).unwrap().as_bytes();
    let key = [half(), half()].concat();
    let key_text = base64(&key);
    let site = emulator.site("tiktok").expect("it is played");
    site.add_account(Account::new("ada"));
    let redirect = "https://app.example.test/connect/tiktok/callback";
    site.add_client(Client::new("fake-client-1").secret(&secret).redirect(redirect)).unwrap();
    let file = |name: &str, content: &[u8]| {
        let path = folder.path().join(name);
        fs::write(&path, content).expect("a file");
        narrow(&path);
        path.display().to_string()
    };

    let mut host = Host::start(&program);
    host.say(&emulator.address().to_string());
    host.say(&file("root.pem", emulator.root_pem().as_bytes()));
    host.say(&file("root-key", key_text.as_bytes()));
    host.say(&file("client-secret", secret.as_bytes()));
    host.say(&file("control", control.as_bytes()));
    let address = host.hear();
    let back = emulator.consent(&address, Decision::Allow, "ada").await.expect("a redirect");
    host.say(back.split_once('?').expect("a query").1);
    assert_eq!(host.hear(), "called");
    now.fetch_add(25 * 3600, Ordering::SeqCst);
    host.say("later");
    assert_eq!(host.hear(), "renewed");

    let tokens: Vec<String> = emulator
        .secrets_issued()
        .into_iter()
        .filter(|secret| secret.starts_with("act.") || secret.starts_with("rft."))
        .collect();
    assert_eq!(tokens.len(), 4, "an access and a refresh token, twice");
    let mut needles = vec![
        ("control".to_owned(), control.into_bytes()),
        ("root-key".to_owned(), key),
        ("root-key-in-base64".to_owned(), key_text.into_bytes()),
        ("client-secret".to_owned(), secret.into_bytes()),
    ];
    for (n, token) in tokens.into_iter().enumerate() {
        needles.push((format!("{}-{n}", &token[..3]), token.into_bytes()));
    }
    for (name, needle) in needles {
        let masked: String = needle.iter().map(|byte| format!("{:02x}", byte ^ MASK)).collect();
        host.say(&format!("{name}={masked}"));
    }
    host.say("scan");
    let mut found = host.found("alive");
    found.extend(host.found("over"));
    let ended = host.child.wait().expect("the host ends");
    assert!(ended.success());
    found
}

/// A release build, since a debug build leaves more on the stack than it could be asked not to.
fn build(program: &str) -> PathBuf {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().expect("the target folder");
    let built = Command::new(env!("CARGO"))
        .args(["build", "--release", "--quiet", "--package", "bailee-memory", "--target-dir"])
        .arg(target)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .status()
        .expect("cargo runs");
    assert!(built.success());
    target.join("release").join(program)
}

fn narrow(path: &Path) {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).expect("a mode");
}

struct Host {
    child: Child,
    answers: BufReader<std::process::ChildStdout>,
}

impl Host {
    fn start(program: &Path) -> Self {
        let mut child = Command::new(program)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the host starts");
        let answers = BufReader::new(child.stdout.take().expect("a pipe"));
        Self { child, answers }
    }

    fn say(&mut self, line: &str) {
        writeln!(self.child.stdin.as_mut().expect("a pipe"), "{line}").expect("it listens");
    }

    fn hear(&mut self) -> String {
        let mut line = String::new();
        self.answers.read_line(&mut line).expect("it answers");
        assert!(!line.is_empty(), "the host ended too early");
        line.truncate(line.trim_end().len());
        line
    }

    fn found(&mut self, when: &str) -> Vec<Found> {
        let mut found: Vec<Found> = Vec::new();
        loop {
            let line = self.hear();
            let words: Vec<&str> = line.split(' ').collect();
            match words[..] {
                [which, "done"] if which == when => return found,
                [which, name, answer, request, other] if which == when => found.push(Found {
                    when: when.to_owned(),
                    name: name.to_owned(),
                    answer: answer.parse().expect("a number"),
                    request: request.parse().expect("a number"),
                    other: other.parse().expect("a number"),
                }),
                _ => panic!("another answer: {line}"),
            }
        }
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        // It may have ended.
        let _ = self.child.kill();
    }
}

fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for three in bytes.chunks(3) {
        let number = three.iter().fold(0_u32, |number, byte| number << 8 | u32::from(*byte));
        let number = number << (8 * (3 - three.len()));
        for at in 0..4 {
            let letter = LETTERS[(number >> (18 - 6 * at)) as usize & 63];
            text.push(if at > three.len() { '=' } else { char::from(letter) });
        }
    }
    text
}
