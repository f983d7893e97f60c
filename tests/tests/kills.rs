//! Processes that are killed at each step, with SIGKILL, on a file of SQLite: whatever was
//! acknowledged is there, nothing is half, nothing happens twice.
//!
//! The test runs itself as the victim. The emulated providers and the survivor live in the parent;
//! the victim reaches them over TLS and shares the file. It says each step before it takes it, and
//! at the chosen one it stands still until the kill comes: before the step, in the middle of it, or
//! after it took effect and before the victim could act on that.
//!
//! `BAILEE_KILLS` says how many kills there are; the steps are taken in turn.

#![expect(clippy::unwrap_used, reason = "what the tests share fails the test that uses it")]

use std::{
    collections::BTreeMap,
    fmt,
    io::{BufRead, BufReader, Write},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use bailee::{
    Bailee, BytesMedia, CallbackRequest, ClientSecret, ConnectionRef, ConnectionState, ErrorKind,
    HostId, IdempotencyKey, PublicationState, ReconnectReason, Registration, Result, RootKeys,
    SqliteStore, TenantId, Visitor,
    core::{Clock, ManualClock, Timestamp},
    http::{HttpSend, Opened, Request, Reqwest, Response, SendError, Tls},
    providers::{
        Environment, Generic, Spec,
        tiktok::{PrivacyLevel, PublishVideo},
    },
    store::{
        Batch, Claim, Committed, Count, Head, Key, Kind, Leaf, Lease, Log, LoggedEntry, Page,
        Query, Snapshot, Store, Window,
    },
};
use bailee_testkit::{
    Browser, Events, Memberships, Storage, World,
    emulator::{Decision, Endpoint, RefreshStyle, Site, tiktok::PostStatus},
};
use bailee_tests::{
    NOTES, NOTES_SPEC, PUBLISH, declaration,
    drill::{assert_never_goes_back, call, hours, notes_world, seconds},
};
use http::{HeaderMap, HeaderValue, Method, header};
use serde::{Deserialize, Serialize};
use tokio::{sync::Semaphore, task::JoinSet};

/// What a victim is told.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Orders {
    scenario: Scenario,
    /// The step at which it stands still, and how; none lets it live.
    end: Option<(u32, Moment)>,
    address: std::net::SocketAddr,
    root: String,
    file: PathBuf,
    /// The time, in microseconds.
    now: i64,
    connection: Option<String>,
    /// The registration, query and cookie of a callback.
    callback: Option<(String, String, String)>,
}

/// What a victim is doing when it is killed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
enum Scenario {
    Connect,
    Reconnect,
    RenewStrict,
    RenewRecoverable,
    RenewByWorker,
    PublishUrl,
    PublishFile,
    Disconnect,
    DisconnectExpired,
    DisconnectByWorker,
}

/// Where in a step it is killed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
enum Moment {
    Before,
    During,
    After,
}

impl Scenario {
    const ALL: [Self; 10] = [
        Self::Connect,
        Self::Reconnect,
        Self::RenewStrict,
        Self::RenewRecoverable,
        Self::RenewByWorker,
        Self::PublishUrl,
        Self::PublishFile,
        Self::Disconnect,
        Self::DisconnectExpired,
        Self::DisconnectByWorker,
    ];

    fn provider(self) -> &'static str {
        match self {
            Self::RenewRecoverable | Self::DisconnectByWorker => "notes",
            _ => "tiktok",
        }
    }
}

/// Names the orders of a victim.
const ORDERS: &str = "BAILEE_VICTIM";
/// The name of the one test.
const TEST: &str = "a_process_killed_at_any_step_loses_nothing_and_leaves_nothing_half";
/// What each line of a victim begins with.
const MARK: &str = "bailee-victim ";

#[test]
fn a_process_killed_at_any_step_loses_nothing_and_leaves_nothing_half() {
    #[expect(clippy::disallowed_methods, reason = "the parent talks to its child this way")]
    if let Some(orders) = std::env::var_os(ORDERS) {
        let orders = std::fs::read(orders).unwrap();
        return victim(serde_json::from_slice(&orders).unwrap());
    }
    #[expect(clippy::disallowed_methods, reason = "a test may be told how long to run")]
    let kills = std::env::var("BAILEE_KILLS").ok().map_or(200, |text| text.parse().unwrap());
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(parent(kills));
}

// ---- The victim.

/// Says something to the parent. A line is whole or not there.
fn say(what: &str) {
    let mut out = std::io::stdout().lock();
    out.write_all(format!("\n{MARK}{what}\n").as_bytes()).unwrap();
    out.flush().unwrap();
}

/// Stands still for ever, and with it everything on this runtime.
fn stand_still() -> ! {
    loop {
        std::thread::park();
    }
}

/// Counts the steps of a victim and ends it at one.
#[derive(Clone)]
struct Steps {
    taken: Arc<AtomicU32>,
    end: Option<(u32, Moment)>,
}

impl Steps {
    /// Takes a step.
    async fn step<T>(&self, name: &str, step: impl Future<Output = T>) -> T {
        let number = self.taken.fetch_add(1, Ordering::SeqCst);
        say(&format!("step {number} {name}"));
        let moment = self.end.filter(|(at, _)| *at == number).map(|(_, moment)| moment);
        match moment {
            None => {
                let outcome = step.await;
                say(&format!("took {number}"));
                outcome
            }
            Some(Moment::Before) => {
                say("dying");
                stand_still()
            }
            Some(Moment::During) => {
                say("dying");
                step.await;
                stand_still()
            }
            Some(Moment::After) => {
                step.await;
                say(&format!("took {number}"));
                say("dying");
                stand_still()
            }
        }
    }
}

struct SteppedStore(Arc<dyn Store>, Steps);

#[async_trait]
impl Store for SteppedStore {
    async fn read(&self, tenant: &TenantId, keys: &[Key]) -> Result<Snapshot> {
        self.0.read(tenant, keys).await
    }

    async fn find(&self, tenant: &TenantId, query: &Query) -> Result<Page> {
        self.0.find(tenant, query).await
    }

    async fn commit(&self, tenant: &TenantId, batch: &Batch) -> Result<Committed> {
        let name = batch.audit()[0].event().to_owned();
        self.1.step(&name, self.0.commit(tenant, batch)).await
    }

    async fn claim(&self, claim: Claim<'_>) -> Result<Vec<Lease>> {
        self.1.step("claim", self.0.claim(claim)).await
    }

    async fn sweep(&self, limit: u32) -> Result<u64> {
        self.0.sweep(limit).await
    }

    async fn tally(&self, tenant: Option<&TenantId>, kind: &Kind) -> Result<Vec<Count>> {
        self.0.tally(tenant, kind).await
    }
}

#[async_trait]
impl Log for SteppedStore {
    async fn entries(&self, tenant: &TenantId, window: Window) -> Result<Vec<LoggedEntry>> {
        self.0.entries(tenant, window).await
    }

    async fn open(&self, limit: u32) -> Result<(Head, Vec<Leaf>)> {
        self.0.open(limit).await
    }

    async fn fold(&self, head: Head, leaves: &[Leaf]) -> Result<Head> {
        self.0.fold(head, leaves).await
    }
}

struct SteppedHttp(Reqwest, Steps);

impl fmt::Debug for SteppedHttp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SteppedHttp")
    }
}

#[async_trait]
impl HttpSend for SteppedHttp {
    async fn open(&self, request: Request) -> Result<Opened, SendError> {
        self.0.open(request).await
    }

    async fn send(&self, request: Request) -> Result<Response, SendError> {
        let path = request.url.path().to_owned();
        self.1.step(&path, self.0.send(request)).await
    }
}

fn victim(orders: Orders) {
    // One thread: when it stands still, everything does.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let clock = ManualClock::at(Timestamp::from_micros(orders.now));
        let steps = Steps { taken: Arc::new(AtomicU32::new(0)), end: orders.end };
        let store = open(&orders.file, &clock).await;
        let tls = Tls::roots(orders.root.as_bytes()).unwrap();
        let http = Reqwest::danger_fixed_address(tls, orders.address).unwrap();
        let secret = || ClientSecret::copy_from(b"fake-client-secret-canary");
        let client = |provider: &str| {
            Registration::new(provider, "fake-client-1", secret())
                .unwrap()
                .environment(Environment::Emulator)
        };
        let spec = Spec::parse(&recoverable_spec()).unwrap();
        let bailee = Bailee::builder(declaration())
            .store(SteppedStore(store, steps.clone()))
            .keys(RootKeys::base64("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=").unwrap())
            .http(SteppedHttp(http, steps))
            .runtime(bailee::Tokio)
            .access(Memberships::default())
            .events(Events::default())
            .instance("test")
            .mount("https://app.example.test/connect")
            .clock(clock.clone())
            .registration(client("tiktok"))
            .provider(Generic::new(spec))
            .registration(client("notes"))
            .build()
            .await
            .unwrap();
        let connection = orders.connection.as_ref().map(|text| text.parse().unwrap());
        act(&orders, &bailee, &clock, connection).await;
        say("done");
    });
}

/// What a victim does while it lives. It says what was acknowledged to it.
async fn act(
    orders: &Orders,
    bailee: &Bailee,
    clock: &ManualClock,
    connection: Option<ConnectionRef>,
) {
    let ada = ada();
    let provider = orders.scenario.provider();
    match orders.scenario {
        Scenario::Connect | Scenario::Reconnect => {
            let (registration, query, cookie) = orders.callback.clone().unwrap();
            let mut headers = HeaderMap::new();
            headers.insert(header::COOKIE, HeaderValue::from_str(&cookie).unwrap());
            let request = CallbackRequest::new(registration, Method::GET, &query, &headers);
            let completed = bailee.connections().complete(&ada, request).await.unwrap();
            say(&format!("ack {}", completed.connection));
        }
        Scenario::RenewStrict | Scenario::RenewRecoverable => {
            call(bailee, &ada, &connection.unwrap(), provider).await.unwrap();
            say("ack called");
        }
        Scenario::RenewByWorker | Scenario::DisconnectByWorker => {
            bailee.worker().settle().await.unwrap();
            say("ack settled");
        }
        Scenario::PublishUrl | Scenario::PublishFile => {
            let connection = connection.unwrap();
            let publication = publish(orders.scenario, bailee, &connection).await.unwrap();
            say(&format!("ack {:?}", publication.state));
            clock.advance(seconds(30));
            bailee.worker().settle().await.unwrap();
            let acting = bailee.acting(&ada, &PUBLISH);
            let publication = acting.publication(&connection, &key()).await.unwrap();
            say(&format!("ack {:?}", publication.state));
        }
        Scenario::Disconnect | Scenario::DisconnectExpired => {
            let connection = connection.unwrap();
            let receipt = bailee.connections().disconnect(&ada, &connection).await.unwrap();
            say(&format!("ack confirmed {}", receipt.confirmed));
        }
    }
}

async fn publish(
    scenario: Scenario,
    bailee: &Bailee,
    connection: &ConnectionRef,
) -> Result<bailee::Publication> {
    let acting = bailee.acting(&ada(), &PUBLISH);
    if scenario == Scenario::PublishUrl {
        let video = PublishVideo::from_url("https://media.example/video.mp4")
            .title("A caption")
            .privacy(PrivacyLevel::SelfOnly);
        return acting.publish(connection, &key(), video).await;
    }
    // Two chunks, the smallest that TikTok takes.
    let bytes = vec![7; 10 * 1024 * 1024];
    let video = PublishVideo::from_file(bytes.len() as u64, "video/mp4")
        .chunk_size(5 * 1024 * 1024)
        .privacy(PrivacyLevel::SelfOnly);
    acting.publish_media(connection, &key(), video, Arc::new(BytesMedia::new(bytes))).await
}

// ---- What both know.

fn ada() -> Visitor {
    let tenant = TenantId::from_static("acme");
    Visitor::new(tenant, HostId::text("ada"), "session of ada")
}

fn key() -> IdempotencyKey {
    IdempotencyKey::new("post-1").unwrap()
}

const RECOVERABLE: &str = "class = \"until_replacement_used\"";

fn recoverable_spec() -> String {
    NOTES_SPEC.replace("class = \"strict\"", RECOVERABLE)
}

async fn open(file: &Path, clock: &ManualClock) -> Arc<dyn Store> {
    let clock: Arc<dyn Clock> = Arc::new(clock.clone());
    Arc::new(SqliteStore::builder(file).clock(clock).open().await.unwrap())
}

// ---- The parent.

/// How a victim came to its end.
#[derive(Debug)]
struct Trail {
    /// The names of its steps.
    steps: Vec<String>,
    /// Those that took effect.
    took: Vec<usize>,
    /// What was acknowledged to it.
    acks: Vec<String>,
    done: bool,
}

async fn parent(kills: usize) {
    let lanes = Arc::new(Semaphore::new(4));
    // How many steps each scenario has, seen by letting it live.
    let mut lives = JoinSet::new();
    for scenario in Scenario::ALL {
        let lanes = lanes.clone();
        lives.spawn(async move {
            let _lane = lanes.acquire().await.unwrap();
            (scenario, run(scenario, None, 0).await)
        });
    }
    let mut steps = BTreeMap::new();
    for (scenario, trail) in lives.join_all().await {
        assert!(trail.done, "{scenario:?} comes to its end when nobody kills it: {trail:?}");
        assert!(trail.steps.len() >= 3, "{scenario:?} has steps: {:?}", trail.steps);
        steps.insert(scenario, u32::try_from(trail.steps.len()).unwrap());
    }

    let mut points = Vec::new();
    for (scenario, steps) in &steps {
        for step in 0..*steps {
            for moment in [Moment::Before, Moment::During, Moment::After] {
                points.push((*scenario, step, moment));
            }
        }
    }
    // In turn, but far apart, so that a few kills already see all of it.
    let total = points.len();
    let stride = (total / 3..).find(|stride| greatest_common_divisor(*stride, total) == 1).unwrap();
    let mut deaths = JoinSet::new();
    for n in 0..kills {
        let (scenario, step, moment) = points[n * stride % total];
        let lanes = lanes.clone();
        deaths.spawn(async move {
            let _lane = lanes.acquire().await.unwrap();
            let trail = run(scenario, Some((step, moment)), n).await;
            let taken = u32::try_from(trail.steps.len()).unwrap();
            assert!(!trail.done || step >= taken, "{scenario:?} at {step}, {moment:?}: it lives");
        });
    }
    while let Some(death) = deaths.join_next().await {
        death.unwrap();
    }
}

fn greatest_common_divisor(a: usize, b: usize) -> usize {
    if b == 0 { a } else { greatest_common_divisor(b, a % b) }
}

/// One victim: what it finds, how it dies, what the survivor makes of it.
async fn run(scenario: Scenario, end: Option<(u32, Moment)>, n: usize) -> Trail {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("vault").join("vault.db");
    let builder = notes_world(RECOVERABLE, RefreshStyle::UntilReplacementUsed).tiktok(|tiktok| {
        tiktok.verified_urls.push("media.example".into());
        // Where a family dies of a second showing, what was lost could not be seen to live on.
        tiktok.refresh_style = RefreshStyle::Strict { kills_family: false };
    });
    let clock = builder.clock().clone();
    let store = open(&file, &clock).await;
    let w = builder.storage(Storage::Given(store)).build().await.unwrap();
    let (connection, callback) = prepare(scenario, &w).await;

    let orders = Orders {
        scenario,
        end,
        address: w.emulator.address(),
        root: w.emulator.root_pem().to_owned(),
        file: file.clone(),
        now: w.clock.now().as_micros(),
        connection: connection.as_ref().map(ToString::to_string),
        callback,
    };
    let letter = folder.path().join("orders.json");
    std::fs::write(&letter, serde_json::to_vec(&orders).unwrap()).unwrap();
    let trail = tokio::task::spawn_blocking(move || live_and_die(&letter)).await.unwrap();

    // The survivor opens the file anew, after every claim of the dead is over.
    w.advance(seconds(310));
    let store = open(&file, &w.clock).await;
    let survivor = w.process(declaration(), store.clone()).unwrap().build().await.unwrap();
    let scene = Scene {
        scenario,
        end,
        connection,
        w: &w,
        survivor: &survivor,
        store: &store,
        trail: &trail,
        recalls: n.is_multiple_of(2),
    };
    scene.check().await;
    trail
}

type Callback = (String, String, String);

async fn prepare(scenario: Scenario, w: &World) -> (Option<ConnectionRef>, Option<Callback>) {
    let ada = ada();
    let provider = scenario.provider();
    let purpose = if provider == "tiktok" { PUBLISH } else { NOTES };
    let purposes = std::slice::from_ref(&purpose);
    let mut connection = None;
    if scenario != Scenario::Connect {
        connection = Some(w.connect(&ada, provider, purposes).await.unwrap());
        w.settle().await;
    }
    let mut callback = None;
    match scenario {
        Scenario::Connect | Scenario::Reconnect => {
            let begun = w.bailee.connections().begin(&ada, provider, purposes).await.unwrap();
            let browser = Browser::new();
            browser.take(begun.answer());
            let back = w.approve(&begun, Decision::Allow, "ada").await;
            let back = url::Url::parse(&back).unwrap();
            let headers = browser.headers(back.path());
            let cookie = headers[header::COOKIE].to_str().unwrap().to_owned();
            callback =
                Some((provider.to_owned(), back.query().unwrap_or_default().to_owned(), cookie));
        }
        Scenario::RenewStrict | Scenario::RenewRecoverable | Scenario::DisconnectExpired => {
            w.advance(hours(3));
        }
        // Nobody used it, so it is kept alive.
        Scenario::RenewByWorker => w.advance(hours(24 * 61)),
        Scenario::PublishUrl | Scenario::PublishFile | Scenario::Disconnect => {}
        Scenario::DisconnectByWorker => {
            // Somebody died before, right after the connection became unusable.
            let store = bailee_tests::Stopping::before(w.store().clone());
            let shared: Arc<dyn Store> = Arc::new(store.clone());
            let first = w.process(declaration(), shared).unwrap().build().await.unwrap();
            store.arm(0, bailee_tests::Halt::DiesAfter);
            let (ada, ended) = (ada.clone(), connection.clone().unwrap());
            let dead =
                tokio::spawn(async move { first.connections().disconnect(&ada, &ended).await });
            store.until_reached().await;
            dead.abort();
            w.advance(seconds(60));
        }
    }
    (connection, callback)
}

/// Runs a victim and kills it when it says that it stands still.
fn live_and_die(orders: &Path) -> Trail {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", TEST, "--nocapture", "--test-threads=1"])
        .env(ORDERS, orders)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut trail = Trail { steps: Vec::new(), took: Vec::new(), acks: Vec::new(), done: false };
    for line in BufReader::new(child.stdout.take().unwrap()).lines() {
        let line = line.unwrap();
        let Some(said) = line.strip_prefix(MARK) else { continue };
        match said.split_once(' ') {
            Some(("step", rest)) => {
                trail.steps.push(rest.split_once(' ').unwrap().1.to_owned());
            }
            Some(("took", number)) => trail.took.push(number.parse().unwrap()),
            Some(("ack", rest)) => trail.acks.push(rest.to_owned()),
            _ if said == "dying" => child.kill().unwrap(),
            _ => trail.done = true,
        }
    }
    let ended = child.wait_with_output().unwrap();
    let killed = std::os::unix::process::ExitStatusExt::signal(&ended.status) == Some(9);
    let stderr = String::from_utf8_lossy(&ended.stderr);
    assert!(killed || ended.status.success(), "the victim failed by itself: {stderr}");
    trail
}

/// What is left after a death, and who looks at it.
struct Scene<'a> {
    scenario: Scenario,
    end: Option<(u32, Moment)>,
    connection: Option<ConnectionRef>,
    w: &'a World,
    survivor: &'a Bailee,
    store: &'a Arc<dyn Store>,
    trail: &'a Trail,
    /// Whether the caller comes back before the worker does.
    recalls: bool,
}

/// How far a step came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Came {
    /// It took effect.
    Done,
    /// It was not taken.
    NotDone,
    /// It was begun, and nobody knows.
    Open,
}

impl Scene<'_> {
    fn what(&self) -> String {
        let (end, trail) = (self.end, self.trail);
        format!("{:?} killed at {end:?}: {:?} {:?}", self.scenario, trail.steps, trail.acks)
    }

    fn site(&self) -> &Site {
        let provider = self.scenario.provider();
        self.w.site(if provider == "tiktok" { "tiktok" } else { bailee_tests::drill::ISSUER })
    }

    /// How far the first step of this name came.
    fn came(&self, name: &str) -> Came {
        self.came_after("", name)
    }

    /// How far the first step of this name came that follows another one.
    fn came_after(&self, earlier: &str, name: &str) -> Came {
        let steps = &self.trail.steps;
        let from = steps.iter().position(|step| step.contains(earlier));
        let mut later = steps.iter().enumerate().skip(from.unwrap_or(steps.len()));
        let Some((place, _)) = later.find(|(_, step)| step.contains(name)) else {
            return Came::NotDone;
        };
        match self.end {
            Some((at, Moment::Before)) if at as usize == place => Came::NotDone,
            _ if self.trail.took.contains(&place) => Came::Done,
            // The kill came in the middle of it, or while another task's step ended everything.
            _ => Came::Open,
        }
    }

    /// Lets time pass and the worker work.
    async fn pass(&self, time: Duration) {
        self.w.advance(time);
        self.survivor.worker().settle().await.unwrap();
    }

    async fn check(&self) {
        match self.scenario {
            Scenario::Connect | Scenario::Reconnect => self.connected().await,
            Scenario::RenewStrict | Scenario::RenewRecoverable | Scenario::RenewByWorker => {
                self.renewed().await;
            }
            Scenario::PublishUrl | Scenario::PublishFile => self.published().await,
            Scenario::Disconnect | Scenario::DisconnectExpired | Scenario::DisconnectByWorker => {
                self.disconnected().await;
            }
        }
        // Every connection has its parts, and nothing has a part without it.
        let tenant = TenantId::from_static("acme");
        let connections = self.count(&tenant, "connection").await;
        assert_eq!(self.count(&tenant, "credential").await, connections, "{}", self.what());
        assert_eq!(self.count(&tenant, "reservation").await, connections, "{}", self.what());
        assert_eq!(self.count(&TenantId::SYSTEM, "grant").await, 0, "{}", self.what());
        assert!(self.count(&TenantId::SYSTEM, "route").await >= connections, "{}", self.what());
        self.w.assert_clean_audit(&["acme", "~"]).await;
    }

    async fn count(&self, tenant: &TenantId, kind: &'static str) -> usize {
        let query = Query::of_kind(Kind::from_static(kind));
        self.store.find(tenant, &query).await.unwrap().records.len()
    }

    async fn connected(&self) {
        for _ in 0..3 {
            self.pass(seconds(300)).await;
        }
        let what = self.what();
        let ada = ada();
        let all = self.survivor.connections().of_visitor(&ada).await.unwrap();
        if self.scenario == Scenario::Reconnect {
            assert_eq!(all.len(), 1, "{what}");
        }
        if let Some(acked) = self.trail.acks.first() {
            assert_eq!(all.len(), 1, "{what}");
            assert_eq!(*acked, all[0].connection.to_string(), "{what}");
        }
        if let [one] = &all[..] {
            assert_eq!(one.state, ConnectionState::Active, "{what}");
            call(self.survivor, &ada, &one.connection, "tiktok").await.unwrap();
            return;
        }
        assert!(all.is_empty(), "{what}");
        // Between the provider's answer and the commit that holds it, nobody else can know the
        // tokens. A client must not present a code twice (RFC 6749 §4.1.2), so they run out.
        let exchanged = self.came("/oauth/token/");
        let held = self.came("grant.held");
        let unknown_to_all = exchanged != Came::NotDone && held != Came::Done;
        if !unknown_to_all {
            assert!(self.site().live_tokens().is_empty(), "{what}");
        }
    }

    async fn renewed(&self) {
        let what = self.what();
        let (ada, connection) = (ada(), self.connection.clone().unwrap());
        let provider = self.scenario.provider();
        if self.recalls {
            let _ = call(self.survivor, &ada, &connection, provider).await;
        }
        for _ in 0..3 {
            self.pass(seconds(300)).await;
        }
        let outcome = call(self.survivor, &ada, &connection, provider).await;
        let status = self.survivor.connections().status(&ada, &connection).await.unwrap();
        // A strict provider gave its answer to the dead alone.
        let asked = self.came("/oauth/token/");
        let kept = self.came("credential.refreshed");
        let may_be_lost = provider == "tiktok" && asked != Came::NotDone && kept != Came::Done;
        let must_be_lost = provider == "tiktok" && asked == Came::Done && kept == Came::NotDone;
        match status.state {
            ConnectionState::Active => {
                outcome.unwrap_or_else(|error| panic!("{what}: {error:?}"));
                assert!(!must_be_lost, "{what}");
            }
            ConnectionState::NeedsReconnect(reason) => {
                assert!(may_be_lost, "{what}: {outcome:?}");
                assert_eq!(reason, ReconnectReason::LostAfterRotation, "{what}");
                assert!(self.trail.acks.is_empty(), "{what}");
            }
            state => panic!("{what}: {state:?}"),
        }
        if provider == "notes" {
            assert!(self.site().reuse_alarms().is_empty(), "{what}");
        }
        assert_never_goes_back(self.site());
    }

    async fn published(&self) {
        let what = self.what();
        let (ada, connection) = (ada(), self.connection.clone().unwrap());
        if self.recalls {
            publish(self.scenario, self.survivor, &connection)
                .await
                .unwrap_or_else(|error| panic!("{what}: {error:?}"));
        }
        for _ in 0..6 {
            self.pass(hours(1)).await;
        }
        let posts = self.site().posts();
        let out = posts.iter().filter(|post| post.status == PostStatus::PublishComplete).count();
        assert!(posts.len() <= 1, "{what}: a second publication");
        let acting = self.survivor.acting(&ada, &PUBLISH);
        let record = acting.publication(&connection, &key()).await;
        match record.map(|publication| publication.state) {
            Ok(PublicationState::Published) => assert_eq!(out, 1, "{what}"),
            Ok(PublicationState::Failed) => assert_eq!(out, 0, "{what}"),
            Ok(PublicationState::Unknown) => {
                // Only where the beginning was about to be sent, so far as anybody can tell, and its
                // answer died with the victim.
                let sending = self.came_after("publication.sent", "claim");
                assert_ne!(sending, Came::NotDone, "{what}: nothing was sent");
                assert_ne!(self.came("publication.processing"), Came::Done, "{what}");
            }
            Ok(state) => panic!("{what}: {state:?} is no end"),
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::NotFound, "{what}");
                assert_ne!(self.came("publication.queued"), Came::Done, "{what}");
                assert!(!self.recalls && posts.is_empty(), "{what}");
            }
        }
        // What was acknowledged has the provider, and it is out.
        if !self.trail.acks.is_empty() {
            assert_eq!(out, 1, "{what}");
            let again = publish(self.scenario, self.survivor, &connection).await.unwrap();
            assert_eq!(again.state, PublicationState::Published, "{what}");
        }
        let begun = self.site().requests().into_iter();
        let begun = begun.filter(|request| request.path.contains("/video/init")).count();
        assert!(begun <= 1, "{what}: {begun} beginnings");
    }

    async fn disconnected(&self) {
        let what = self.what();
        let (ada, connection) = (ada(), self.connection.clone().unwrap());
        for _ in 0..3 {
            self.pass(seconds(60)).await;
        }
        let status = self.survivor.connections().status(&ada, &connection).await;
        let begun = match self.scenario {
            Scenario::DisconnectByWorker => Came::Done,
            _ => self.came("connection.disconnecting"),
        };
        let gone = match &status {
            Ok(status) => {
                assert_eq!(status.state, ConnectionState::Active, "{what}: neither there nor gone");
                false
            }
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::NotFound, "{what}");
                true
            }
        };
        match begun {
            Came::Done => assert!(gone, "{what}"),
            Came::NotDone => assert!(!gone, "{what}"),
            Came::Open => {}
        }
        if !gone {
            assert!(self.trail.acks.is_empty(), "{what}");
            call(self.survivor, &ada, &connection, self.scenario.provider()).await.unwrap();
            return;
        }
        // A token that was renewed for its revocation alone is known to nobody until it is held.
        let renewed = self.came("/oauth/token/");
        let held = self.came("grant.held");
        let unknown_to_all = renewed != Came::NotDone && held != Came::Done;
        if !unknown_to_all {
            assert!(self.site().live_tokens().is_empty(), "{what}");
        }
        let before = self.site().count(Endpoint::Api);
        let error = call(self.survivor, &ada, &connection, self.scenario.provider()).await;
        assert_eq!(error.unwrap_err().kind(), ErrorKind::NotFound, "{what}");
        assert_eq!(self.site().count(Endpoint::Api), before, "{what}");
    }
}
