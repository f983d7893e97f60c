//! What the tests of renewals, disconnects and publications share: a call that writes a note,
//! providers of every refresh class, a runtime whose tasks can be waited for, and a client whose
//! requests can be parked.

use std::{
    collections::BTreeSet,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicI64, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use bailee::{
    ConnectionRef, ConnectionState, Happened, Result, Runtime, Visitor,
    core::{CredentialName, Effect, ProviderId, ScopeName},
    http::{HttpSend, Opened, Request, SendError},
    providers::{Context, JsonCall, Operation, OperationFacts, Step, tiktok::CreatorInfo},
    store::{Claim, Store},
};
use bailee_testkit::{
    World, WorldBuilder,
    emulator::{Endpoint, RefreshStyle, Site, oidc::Issuer},
};
use tokio::sync::watch;

use crate::{
    Around, NOTES, NOTES_SPEC, PUBLISH, Step as StoreStep, Wrapped, declaration, notes_issuer,
};

/// The host of the issuer that plays the provider of notes.
pub const ISSUER: &str = "id.example.test";

/// Hours as a duration.
#[must_use]
pub const fn hours(hours: u64) -> Duration {
    Duration::from_secs(hours * 3600)
}

/// Seconds as a duration.
#[must_use]
pub const fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// Saves a note: an operation of a host's own.
#[derive(Clone, Copy, Debug)]
pub struct SaveNote(pub &'static str);

static SAVE_NOTE: OperationFacts = OperationFacts {
    name: "notes.write",
    provider: ProviderId::from_static("notes"),
    scopes: &[ScopeName::from_static("notes.write")],
    effect: Effect::Effect,
    method: http::Method::POST,
    path: "/notes",
    sends: &["content"],
    reads: &[],
    credential: CredentialName::from_static("user"),
};

impl Operation for SaveNote {
    type Output = ();

    fn facts(&self) -> &OperationFacts {
        &SAVE_NOTE
    }

    fn start(&self, cx: &Context<'_>) -> Box<dyn Step<()>> {
        #[derive(serde::Serialize)]
        struct Note {
            text: &'static str,
        }
        #[derive(serde::Deserialize)]
        struct Saved {}
        JsonCall::new(cx, &SAVE_NOTE).body(&Note { text: self.0 }).read(|_: Saved| Ok(()))
    }
}

/// The refresh classes that a provider can state, each with the emulated behaviour that it stands
/// for. `kills_family` is what most strict providers do.
#[must_use]
pub fn classes() -> Vec<(&'static str, &'static str, RefreshStyle)> {
    let window = Duration::from_secs(600);
    vec![
        ("strict", "class = \"strict\"", RefreshStyle::Strict { kills_family: true }),
        ("grace", "class = \"grace\"\nwindow_seconds = 600", RefreshStyle::Grace(window)),
        (
            "until_replacement_used",
            "class = \"until_replacement_used\"",
            RefreshStyle::UntilReplacementUsed,
        ),
        ("overlapping", "class = \"overlapping\"", RefreshStyle::Overlapping),
        ("stable", "class = \"stable\"", RefreshStyle::Stable { echoed: true }),
        ("self_extending", "class = \"self_extending\"", RefreshStyle::Stable { echoed: false }),
        ("static", "class = \"static\"", RefreshStyle::None),
    ]
}

/// A world whose provider of notes has a refresh class and behaves as that says.
#[must_use]
pub fn notes_world(class: &str, style: RefreshStyle) -> WorldBuilder {
    notes_world_where(class, style, |_| {})
}

/// The same with further switches of the issuer turned.
#[must_use]
pub fn notes_world_where(
    class: &str,
    style: RefreshStyle,
    change: impl FnOnce(&mut Issuer),
) -> WorldBuilder {
    let mut issuer = notes_issuer();
    issuer.refresh_style = style;
    change(&mut issuer);
    let spec = NOTES_SPEC.replace("class = \"strict\"", class);
    World::builder(declaration()).issuer(issuer, spec)
}

/// Uses a connection with the one operation that every test of its provider can make.
///
/// # Errors
///
/// As [`bailee::Acting::call`].
pub async fn call(
    bailee: &bailee::Bailee,
    who: &Visitor,
    connection: &ConnectionRef,
    provider: &str,
) -> Result<()> {
    if provider == "tiktok" {
        bailee.acting(who, &PUBLISH).call(connection, &CreatorInfo).await.map(|_| ())
    } else {
        bailee.acting(who, &NOTES).call(connection, &SaveNote("a caption")).await
    }
}

/// Where a connection stands, as its owner sees it.
///
/// # Panics
///
/// When it cannot be seen.
pub async fn state(w: &World, who: &Visitor, connection: &ConnectionRef) -> ConnectionState {
    w.bailee.connections().status(who, connection).await.expect("the owner sees it").state
}

/// What the host was told of a connection, in the order in which it came.
#[must_use]
pub fn told(w: &World, connection: &ConnectionRef) -> Vec<Happened> {
    w.events
        .all()
        .into_iter()
        .filter(|event| event.connection == *connection)
        .map(|event| event.what)
        .collect()
}

/// The refresh tokens that were presented at a site, oldest first.
#[must_use]
pub fn presented(site: &Site) -> Vec<String> {
    site.requests()
        .iter()
        .filter(|request| request.endpoint == Endpoint::Refresh)
        .filter_map(|request| {
            let form = String::from_utf8_lossy(&request.body).into_owned();
            let token = form.split('&').find_map(|pair| pair.strip_prefix("refresh_token="));
            token.map(ToOwned::to_owned)
        })
        .collect()
}

/// Sees that no refresh token was presented again once a later one had been.
///
/// # Panics
///
/// When one was.
pub fn assert_never_goes_back(site: &Site) {
    let mut over = BTreeSet::new();
    let mut last: Option<String> = None;
    for (n, token) in presented(site).into_iter().enumerate() {
        assert!(!over.contains(&token), "refresh {n} went back to an earlier token");
        if let Some(before) = last.replace(token.clone())
            && before != token
        {
            over.insert(before);
        }
    }
}

/// A runtime whose tasks can be waited for.
#[derive(Clone, Debug)]
pub struct Tasks {
    running: Arc<watch::Sender<usize>>,
    hasty: bool,
}

impl Default for Tasks {
    fn default() -> Self {
        Self { running: Arc::new(watch::Sender::new(0)), hasty: false }
    }
}

impl Tasks {
    /// One for which no time passes while a task sleeps.
    #[must_use]
    pub fn hasty() -> Self {
        Self { hasty: true, ..Self::default() }
    }

    /// Waits until every task that was begun has ended.
    pub async fn idle(&self) {
        // The sender lives as long as `self`, so the wait cannot end with an error.
        let _ = self.running.subscribe().wait_for(|running| *running == 0).await;
    }
}

impl Runtime for Tasks {
    fn spawn(&self, task: std::pin::Pin<Box<dyn Future<Output = ()> + Send + 'static>>) {
        self.running.send_modify(|running| *running += 1);
        let running = self.running.clone();
        tokio::spawn(async move {
            task.await;
            running.send_modify(|running| *running -= 1);
        });
    }

    fn sleep(
        &self,
        duration: Duration,
    ) -> std::pin::Pin<Box<dyn Future<Output = ()> + Send + 'static>> {
        if self.hasty {
            return Box::pin(tokio::task::yield_now());
        }
        Box::pin(tokio::time::sleep(duration))
    }
}

/// A store of one process that parks before it claims a piece of work by its name.
pub type Claims = Wrapped<Parks>;

/// What parks it.
#[derive(Clone, Debug)]
pub struct Parks {
    /// How many such claims still go through; negative is for ever.
    left: Arc<AtomicI64>,
    arrived: Arc<watch::Sender<bool>>,
    open: Arc<watch::Sender<bool>>,
}

impl Claims {
    /// Stands before a store and lets everything through.
    #[must_use]
    pub fn before(store: Arc<dyn Store>) -> Self {
        let parks = Parks {
            left: Arc::new(AtomicI64::new(-1)),
            arrived: Arc::new(watch::Sender::new(false)),
            open: Arc::new(watch::Sender::new(false)),
        };
        Self::over(store, parks)
    }
}

impl Parks {
    /// Lets so many claims through and parks the next.
    pub fn park_after(&self, claims: u32) {
        self.left.store(i64::from(claims), Ordering::SeqCst);
    }

    /// Waits until a claim is parked.
    pub async fn until_parked(&self) {
        let _ = self.arrived.subscribe().wait_for(|arrived| *arrived).await;
    }

    /// Lets it go.
    pub fn open(&self) {
        self.open.send_replace(true);
    }
}

impl Around for Parks {
    async fn around<T: Send>(
        &self,
        step: StoreStep<'_>,
        taken: impl Future<Output = Result<T>> + Send,
    ) -> Result<T> {
        if matches!(step, StoreStep::Claim(Claim::One { .. })) {
            let count = |left: i64| (left >= 0).then(|| left - 1);
            if self.left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, count) == Ok(0) {
                self.arrived.send_replace(true);
                let _ = self.open.subscribe().wait_for(|open| *open).await;
            }
        }
        taken.await
    }
}

/// A client whose requests to one kind of address wait before they leave.
#[derive(Clone, Debug)]
pub struct Parking {
    inner: Arc<dyn HttpSend>,
    /// Requests whose path ends so are parked, while there is one.
    path: &'static str,
    on: Arc<AtomicBool>,
    arrived: Arc<watch::Sender<usize>>,
    open: Arc<watch::Sender<bool>>,
}

impl Parking {
    /// Parks the requests whose path ends in this.
    #[must_use]
    pub fn at(path: &'static str, inner: Arc<dyn HttpSend>) -> Self {
        Self {
            inner,
            path,
            on: Arc::new(AtomicBool::new(false)),
            arrived: Arc::new(watch::Sender::new(0)),
            open: Arc::new(watch::Sender::new(false)),
        }
    }

    /// Begins to park.
    pub fn close(&self) {
        self.open.send_replace(false);
        self.on.store(true, Ordering::SeqCst);
    }

    /// Waits until so many requests are parked.
    pub async fn until_arrived(&self, count: usize) {
        let _ = self.arrived.subscribe().wait_for(|arrived| *arrived >= count).await;
    }

    /// Lets them go, and those that come later.
    pub fn open(&self) {
        self.on.store(false, Ordering::SeqCst);
        self.open.send_replace(true);
    }
}

#[async_trait]
impl HttpSend for Parking {
    async fn open(&self, request: Request) -> Result<Opened, SendError> {
        if self.on.load(Ordering::SeqCst) && request.url.path().ends_with(self.path) {
            self.arrived.send_modify(|arrived| *arrived += 1);
            let _ = self.open.subscribe().wait_for(|open| *open).await;
        }
        self.inner.open(request).await
    }
}

/// The client of a world, for a process that puts something before it.
///
/// # Panics
///
/// When it cannot be made.
#[must_use]
pub fn client(w: &World) -> Arc<dyn HttpSend> {
    let tls = bailee::http::Tls::roots(w.emulator.root_pem().as_bytes()).expect("a root");
    let http = bailee::http::Reqwest::danger_fixed_address(tls, w.emulator.address());
    Arc::new(http.expect("a client"))
}
