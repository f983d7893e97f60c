//! A world to test in: a store, the emulated providers, one clock for all of them.

use std::{sync::Arc, time::Duration};

use bailee::{
    ApiKey, Bailee, BeginOptions, Builder, ClientSecret, Completed, ConnectionRef, Declaration,
    EnterOptions, Entered, HostId, Mount, ProviderId, PurposeId, Refusal, Registration, Result,
    RootKeys, SignalRequest, SigningSecret, TakenSignal, TenantId, Visitor,
    core::{Clock, ManualClock, RegistrationId},
    http::{Reqwest, Tls},
    providers::{Environment, Generic, Provider, Spec, spec::CredentialKind},
    store::{LoggedEntry, MemoryStore, Store, Window},
};
use bailee_emulator::{
    Account, Announcement, Back, Client, Clock as EmulatorClock, Decision, Emulator, Played, Site,
    oidc::Issuer, tiktok::TikTok,
};
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use url::Url;

use crate::{Browser, Events, Memberships};

/// Where a world keeps its records.
#[derive(Clone)]
#[non_exhaustive]
pub enum Storage {
    /// In memory.
    Memory,
    /// In a store that the test made on the world's clock.
    Given(Arc<dyn Store>),
}

impl std::fmt::Debug for Storage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Memory => "Memory",
            Self::Given(_) => "Given",
        })
    }
}

/// A service with everything around it: store, emulated providers, clock, people.
///
/// The providers answer under their real host names, over TLS under a root of this run; every
/// check of production stays on but that of the address.
pub struct World {
    /// The libraries under test.
    pub bailee: Bailee,
    /// The emulated providers.
    pub emulator: Emulator,
    /// The clock of the libraries, the store and the emulator.
    pub clock: ManualClock,
    /// The host's word on who may act.
    pub access: Memberships,
    /// What the host was told.
    pub events: Events,
    store: Arc<dyn Store>,
    recipe: Recipe,
}

/// What every process of a world has in common.
#[derive(Clone, Debug)]
struct Recipe {
    clock: ManualClock,
    specs: Vec<String>,
    instance: String,
    root_key: String,
    desktop: bool,
    /// Whether the declaration knows TikTok.
    tiktok: bool,
    adapters: Vec<Adapter>,
    changes: Vec<Change>,
}

/// An adapter beside TikTok's, and what its registration needs.
#[derive(Clone)]
struct Adapter {
    provider: Arc<dyn Provider>,
    register: Arc<dyn Fn(Registration) -> Registration + Send + Sync>,
}

impl std::fmt::Debug for Adapter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Adapter").field(&self.provider.spec().id).finish()
    }
}

/// A change to the builder of the libraries.
#[derive(Clone)]
struct Change(Arc<dyn Fn(Builder) -> Builder + Send + Sync>);

impl std::fmt::Debug for Change {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Change")
    }
}

impl std::fmt::Debug for World {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("World").field("bailee", &self.bailee).finish_non_exhaustive()
    }
}

/// Makes a [`World`].
#[derive(Debug)]
pub struct WorldBuilder {
    declaration: Declaration,
    storage: Storage,
    tiktok: TikTok,
    issuers: Vec<Issuer>,
    played: Vec<(String, Played)>,
    recipe: Recipe,
}

/// The client id of every registration in a world.
pub(crate) const CLIENT: &str = "fake-client-1";
/// Its secret: a marker that no output may hold.
const SECRET: &str = "fake-client-secret-canary";
/// What providers sign with what they tell: a marker likewise.
const SIGNING: &str = "fake-signing-secret-canary";
/// The mount of every world.
const MOUNT: &str = "https://app.example.test/connect";

impl World {
    /// A world in memory with TikTok, under a declaration.
    ///
    /// # Panics
    ///
    /// When it cannot be made: a test needs nothing softer.
    pub async fn new(declaration: Declaration) -> Self {
        Self::builder(declaration).build().await.expect("a world can be made")
    }

    /// Begins a world of one's own.
    pub fn builder(declaration: Declaration) -> WorldBuilder {
        let mut tiktok = TikTok::new();
        // Rate limits and daily caps are tested where a test turns them on.
        tiktok.rate_limits = false;
        tiktok.daily_caps = false;
        WorldBuilder {
            declaration,
            storage: Storage::Memory,
            tiktok,
            issuers: Vec::new(),
            played: Vec::new(),
            recipe: Recipe {
                clock: ManualClock::default(),
                specs: Vec::new(),
                instance: "test".into(),
                // 32 bytes that count up, in base64: a key for tests alone.
                root_key: "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=".into(),
                desktop: false,
                tiktok: false,
                adapters: Vec::new(),
                changes: Vec::new(),
            },
        }
    }

    /// A person of the tenant `acme`, logged in.
    pub fn visitor(&self, person: &str) -> Visitor {
        self.visitor_in("acme", person)
    }

    /// A person of a tenant, logged in.
    ///
    /// # Panics
    ///
    /// On what cannot be a tenant.
    pub fn visitor_in(&self, tenant: &str, person: &str) -> Visitor {
        let tenant = TenantId::new(tenant).expect("a tenant of a test");
        Visitor::new(tenant, HostId::text(person), format!("session of {person}"))
    }

    /// One of the emulated providers, by its registration's name.
    ///
    /// # Panics
    ///
    /// On one that the world does not have.
    pub fn site(&self, name: &str) -> &Site {
        self.emulator.site(name).expect("the world has this provider")
    }

    /// Goes through the whole flow as a person with a browser, who allows what is asked.
    ///
    /// # Errors
    ///
    /// As [`bailee::Connections::begin`] and [`bailee::Connections::complete`].
    pub async fn connect(
        &self,
        visitor: &Visitor,
        registration: &str,
        purposes: &[PurposeId],
    ) -> Result<ConnectionRef> {
        let completed = self
            .connect_as(
                visitor,
                registration,
                purposes,
                BeginOptions::default(),
                Decision::Allow,
                "ada",
            )
            .await?;
        Ok(completed?.connection)
    }

    /// The same with every choice: options, the person's decision, the account at the provider.
    ///
    /// # Errors
    ///
    /// As [`bailee::Connections::begin_with`]; inside, as [`bailee::Connections::complete`].
    ///
    /// # Panics
    ///
    /// When the emulator shows an error page instead of redirecting.
    pub async fn connect_as(
        &self,
        visitor: &Visitor,
        registration: &str,
        purposes: &[PurposeId],
        options: BeginOptions,
        decision: Decision,
        account: &str,
    ) -> Result<std::result::Result<Completed, Refusal>> {
        let connections = self.bailee.connections();
        let begun = connections.begin_with(visitor, registration, purposes, options).await?;
        let browser = Browser::new();
        browser.take(begun.answer());
        let request = match self.decide(&begun, decision, account).await {
            Back::Redirect(address) => browser.callback(&address),
            Back::Post(form) => {
                // The session cookie does not come with it; it comes with what follows.
                match connections.complete(None, browser.post(&form)).await {
                    Err(refusal) if refusal.goes_on() => browser.follow(refusal.answer()),
                    ended => return Ok(ended),
                }
            }
            _ => panic!("a browser comes back by a redirect or with a form"),
        };
        Ok(connections.complete(visitor, request).await)
    }

    /// Enters a key as somebody does who was shown what it is for, at a provider without a flow.
    ///
    /// # Errors
    ///
    /// As [`bailee::Connections::explain`] and [`bailee::Connections::enter`].
    pub async fn enter(
        &self,
        visitor: &Visitor,
        registration: &str,
        purposes: &[PurposeId],
        key: &str,
        change: impl FnOnce(&mut EnterOptions),
    ) -> Result<Entered> {
        let connections = self.bailee.connections();
        let told = connections.explain(visitor, registration, purposes).await?;
        let mut options = EnterOptions::shown(told.hash());
        change(&mut options);
        let key = ApiKey::copy_from(key.as_bytes());
        connections.enter(visitor, registration, purposes, key, options).await
    }

    /// The person's part at the provider: where it sends the browser back to.
    ///
    /// # Panics
    ///
    /// When the emulator shows an error page instead of redirecting, or posts its answer.
    pub async fn approve(
        &self,
        begun: &bailee::Begun,
        decision: Decision,
        account: &str,
    ) -> String {
        match self.decide(begun, decision, account).await {
            Back::Redirect(address) => address,
            _ => panic!("the provider does not redirect"),
        }
    }

    /// The same at a provider that may post its answer.
    ///
    /// # Panics
    ///
    /// When the emulator shows an error page.
    pub async fn decide(&self, begun: &bailee::Begun, decision: Decision, account: &str) -> Back {
        let location = begun.answer().headers().get(http::header::LOCATION);
        let url =
            location.and_then(|value| value.to_str().ok()).expect("a redirect has a location");
        let back = self.emulator.consent_to(url, decision, account).await;
        back.expect("the provider goes back to the client")
    }

    /// What a provider would send of its own accord to a registration's signal address; nothing
    /// sends it yet. `event` is the provider's own word for it.
    ///
    /// # Panics
    ///
    /// When the emulated provider tells of no such thing.
    pub fn announcement(&self, registration: &str, event: &str, account: &str) -> Announcement {
        let id = RegistrationId::new(registration).expect("a registration of a test");
        let mount = Mount::new(MOUNT).expect("the mount of a world");
        let address = mount.signal_address(&id, None);
        let site = self.site(registration);
        site.announce(event, account, CLIENT, &address).expect("the provider tells of this")
    }

    /// Hands over what a provider sent to a registration's signal address, as a host does.
    ///
    /// # Panics
    ///
    /// When it was not sent to an address of this world.
    pub async fn deliver(&self, sent: &Announcement) -> TakenSignal {
        self.bailee.connections().take_signal(self.signal_request(sent)).await
    }

    /// The same request, for another process of this world.
    ///
    /// # Panics
    ///
    /// When it was not sent to an address of this world.
    pub fn signal_request(&self, sent: &Announcement) -> SignalRequest {
        let rest = sent.url.strip_prefix(MOUNT).expect("it was sent to this world");
        let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
        let mut parts = path.trim_start_matches('/').splitn(3, '/');
        let registration = parts.next().unwrap_or_default();
        assert_eq!(parts.next(), Some("signal"), "it was sent to a signal address");
        let mut headers = HeaderMap::new();
        for (name, value) in &sent.headers {
            let name = HeaderName::from_bytes(name.as_bytes()).expect("the name of a header");
            headers.append(name, HeaderValue::from_str(value).expect("the value of a header"));
        }
        let method = Method::from_bytes(sent.method.as_bytes()).expect("a method");
        let request = SignalRequest::new(registration, method, query, &headers, &sent.body);
        match parts.next() {
            Some(topic) => request.topic(topic),
            None => request,
        }
    }

    /// What a provider tells comes in, and a worker acts on it.
    ///
    /// # Panics
    ///
    /// As [`World::announcement`].
    pub async fn told(&self, registration: &str, event: &str, account: &str) -> TakenSignal {
        let taken = self.deliver(&self.announcement(registration, event, account)).await;
        self.settle().await;
        taken
    }

    /// Moves the clock of everything.
    pub fn advance(&self, duration: Duration) {
        self.clock.advance(duration);
    }

    /// Does what is due, until nothing is.
    ///
    /// # Panics
    ///
    /// When the store fails or the database is another instance's.
    pub async fn settle(&self) -> u64 {
        self.bailee.worker().settle().await.expect("the worker can claim")
    }

    /// The store underneath.
    pub fn store(&self) -> &Arc<dyn Store> {
        &self.store
    }

    /// The audit entries of a tenant, oldest first.
    ///
    /// # Panics
    ///
    /// When the store fails.
    pub async fn audit(&self, tenant: &str) -> Vec<LoggedEntry> {
        let tenant = TenantId::new(tenant).expect("a tenant of a test");
        let mut window = Window::default();
        let mut all = Vec::new();
        loop {
            let entries = self.store.entries(&tenant, window).await.expect("the log can be read");
            let Some(last) = entries.last() else { return all };
            window.after = Some((last.entry.at(), last.batch, last.n));
            all.extend(entries);
        }
    }

    /// The names of the events in the audit log of a tenant, oldest first.
    ///
    /// # Panics
    ///
    /// When the store fails.
    pub async fn audited(&self, tenant: &str) -> Vec<String> {
        self.audit(tenant).await.into_iter().map(|logged| logged.entry.event().to_owned()).collect()
    }

    /// What no output may hold: every token and code that the emulator issued, everything secret
    /// that it saw, the client secret.
    pub fn secrets(&self) -> Vec<String> {
        let mut secrets: Vec<String> = self.emulator.secrets_issued().into_iter().collect();
        secrets.extend(self.emulator.secrets_seen());
        secrets.push(SECRET.to_owned());
        secrets.push(SIGNING.to_owned());
        secrets.push(self.emulator.marker().to_owned());
        secrets
    }

    /// Sees that a text holds none of the secrets.
    ///
    /// # Panics
    ///
    /// When it does. The message does not repeat it.
    pub fn assert_no_canary(&self, what: &str, text: &[u8]) {
        for (n, secret) in self.secrets().iter().enumerate() {
            let found = !secret.is_empty()
                && text.windows(secret.len()).any(|window| window == secret.as_bytes());
            assert!(!found, "secret number {n} stands in {what}");
        }
    }

    /// Sees that the audit log of the tenants holds no secret and only what its catalogue allows.
    ///
    /// # Panics
    ///
    /// When it does not.
    pub async fn assert_clean_audit(&self, tenants: &[&str]) {
        for tenant in tenants {
            for logged in self.audit(tenant).await {
                bailee::audit::check(&logged.entry).unwrap_or_else(|error| {
                    panic!("an entry is outside the catalogue: {error}: {:?}", logged.entry)
                });
                let hash = logged.entry.hash(&logged.tenant, logged.batch.id(), logged.n);
                assert_eq!(hash, logged.hash, "an entry's hash is its own");
                self.assert_no_canary("the audit log", &logged.entry.payload());
            }
        }
    }

    /// A second process over the same store: an engine of its own with its own caches, the same
    /// providers and registrations.
    ///
    /// # Errors
    ///
    /// As [`Builder::build`].
    pub async fn another_process(&self, declaration: Declaration) -> Result<Bailee> {
        self.another_process_over(declaration, self.store.clone()).await
    }

    /// A second process that reaches the store in its own way: past whatever a test put between
    /// the first one and the store.
    ///
    /// # Errors
    ///
    /// As [`Builder::build`].
    pub async fn another_process_over(
        &self,
        declaration: Declaration,
        store: Arc<dyn Store>,
    ) -> Result<Bailee> {
        self.process(declaration, store)?.build().await
    }

    /// The builder of a further process, for a test that changes a part of it before it is built,
    /// or sees it refused.
    ///
    /// # Errors
    ///
    /// As the parts that it is made of.
    pub fn process(&self, declaration: Declaration, store: Arc<dyn Store>) -> Result<Builder> {
        self.recipe.bailee(declaration, store, &self.emulator, &self.access, &self.events)
    }
}

impl WorldBuilder {
    /// Another place for the records, made on [`WorldBuilder::clock`].
    #[must_use]
    pub fn storage(mut self, storage: Storage) -> Self {
        self.storage = storage;
        self
    }

    /// The clock of everything.
    pub fn clock(&self) -> &ManualClock {
        &self.recipe.clock
    }

    /// Another clock for everything.
    #[must_use]
    pub fn on_clock(mut self, clock: ManualClock) -> Self {
        self.recipe.clock = clock;
        self
    }

    /// Changes how TikTok behaves.
    #[must_use]
    pub fn tiktok(mut self, change: impl FnOnce(&mut TikTok)) -> Self {
        change(&mut self.tiktok);
        self
    }

    /// Registers a desktop client at TikTok, under the id `tiktok-desktop`.
    #[must_use]
    pub fn with_desktop(mut self) -> Self {
        self.recipe.desktop = true;
        self
    }

    /// Adds an issuer and the spec, as TOML, of the provider that it plays.
    #[must_use]
    pub fn issuer(mut self, issuer: Issuer, spec: impl Into<String>) -> Self {
        self.issuers.push(issuer);
        self.recipe.specs.push(spec.into());
        self
    }

    /// Adds a provider whose adapter is compiled in, and its registration under the provider's id.
    ///
    /// # Panics
    ///
    /// When there is no adapter of the site's name.
    #[must_use]
    pub fn play(self, played: impl Into<Played>) -> Self {
        let played = played.into();
        let adapter = bailee::providers::compiled_in()
            .into_iter()
            .find(|provider| provider.spec().id.as_str() == played.name())
            .expect("the site is named after an adapter that is compiled in");
        self.play_provider(played, adapter, |registration| registration)
    }

    /// Adds a provider with its adapter, and a registration under the provider's id.
    #[must_use]
    pub fn play_provider(
        mut self,
        played: impl Into<Played>,
        provider: Arc<dyn Provider>,
        register: impl Fn(Registration) -> Registration + Send + Sync + 'static,
    ) -> Self {
        let id = provider.spec().id.as_str().to_owned();
        self.played.push((id, played.into()));
        self.recipe.adapters.push(Adapter { provider, register: Arc::new(register) });
        self
    }

    /// Another name for the instance.
    #[must_use]
    pub fn instance(mut self, instance: impl Into<String>) -> Self {
        self.recipe.instance = instance.into();
        self
    }

    /// Another root key, base64 of 32 bytes.
    #[must_use]
    pub fn root_key(mut self, base64: impl Into<String>) -> Self {
        self.recipe.root_key = base64.into();
        self
    }

    /// Changes the builder of the libraries, in each process of the world: further registrations,
    /// another policy for cookies.
    #[must_use]
    pub fn change(mut self, change: impl Fn(Builder) -> Builder + Send + Sync + 'static) -> Self {
        self.recipe.changes.push(Change(Arc::new(change)));
        self
    }

    /// Starts the emulator and builds everything.
    ///
    /// # Errors
    ///
    /// As [`Builder::build`].
    ///
    /// # Panics
    ///
    /// When the emulator cannot be started.
    pub async fn build(self) -> Result<World> {
        let Self { declaration, storage, tiktok, issuers, played, mut recipe } = self;
        let knows =
            |id: &str| ProviderId::new(id).is_ok_and(|id| declaration.integration(&id).is_some());
        let given = |id: &str| {
            recipe.adapters.iter().any(|adapter| adapter.provider.spec().id.as_str() == id)
        };
        recipe.tiktok = knows("tiktok") && !given("tiktok");
        let follow = recipe.clock.clone();
        let clock = EmulatorClock::following(move || follow.now().as_seconds());
        let mut emulator = Emulator::builder().clock(clock);
        // The site and the registration of each provider.
        let mut pairs: Vec<(String, String)> = Vec::new();
        if recipe.tiktok {
            emulator = emulator.tiktok(tiktok);
            pairs.push(("tiktok".into(), "tiktok".into()));
        }
        for (issuer, spec) in issuers.into_iter().zip(&recipe.specs) {
            let host = Url::parse(issuer.identifier()).ok();
            let host = host.as_ref().and_then(Url::host_str).expect("an issuer has a host");
            pairs.push((host.to_owned(), Spec::parse(spec)?.id.as_str().to_owned()));
            emulator = emulator.issuer(issuer);
        }
        for (id, played) in played {
            emulator = emulator.play_as(id.clone(), played);
            pairs.push((id.clone(), id));
        }
        let emulator = emulator.start().await.expect("the emulator starts on loopback");
        let access = Memberships::default();
        let events = Events::default();
        for site in emulator.sites() {
            for name in ["ada", "grace"] {
                site.add_account(Account::new(name));
            }
        }
        for (site, name) in &pairs {
            let site = emulator.site(site).expect("it was just started");
            let redirect = format!("{MOUNT}/{name}/callback");
            let client = Client::new(CLIENT).secret(SECRET).redirect(redirect);
            site.add_client(client.signal_secret(SIGNING))
                .expect("the redirect address is acceptable");
        }
        if recipe.desktop {
            let client = Client::new("fake-desktop-client")
                .desktop()
                .secret(SECRET)
                .redirect("http://127.0.0.1:*/tiktok-desktop/callback");
            let site = emulator.site("tiktok").expect("the declaration knows TikTok");
            site.add_client(client).expect("the redirect address is acceptable");
        }
        let store: Arc<dyn Store> = match storage {
            Storage::Memory => Arc::new(MemoryStore::new(Arc::new(recipe.clock.clone()))),
            Storage::Given(store) => store,
        };
        let builder = recipe.bailee(declaration, store.clone(), &emulator, &access, &events)?;
        let bailee = builder.build().await?;
        let clock = recipe.clock.clone();
        Ok(World { bailee, emulator, clock, access, events, store, recipe })
    }
}

impl Recipe {
    fn bailee(
        &self,
        declaration: Declaration,
        store: Arc<dyn Store>,
        emulator: &Emulator,
        access: &Memberships,
        events: &Events,
    ) -> Result<Builder> {
        let tls = Tls::roots(emulator.root_pem().as_bytes())?;
        let http = Reqwest::danger_fixed_address(tls, emulator.address())?;
        let mut builder = Bailee::builder(declaration)
            .shared_store(store)
            .keys(RootKeys::base64(&self.root_key)?)
            .http(http)
            .runtime(bailee::Tokio)
            .access(access.clone())
            .events(events.clone())
            .instance(self.instance.clone())
            .mount(MOUNT)
            .return_to("settings", "/settings")
            .clock(self.clock.clone());
        let secret = || ClientSecret::copy_from(SECRET.as_bytes());
        if self.tiktok {
            builder = builder.registration(
                Registration::new("tiktok", CLIENT, secret())?.environment(Environment::Emulator),
            );
        }
        for Adapter { provider, register } in &self.adapters {
            let id = provider.spec().id.as_str();
            let registration = match provider.spec().credential {
                CredentialKind::ApiKey(_) => Registration::entered(id)?,
                _ => Registration::new(id, CLIENT, secret())?,
            };
            let registration = registration
                .environment(Environment::Emulator)
                .signing_secret(SigningSecret::copy_from(SIGNING.as_bytes()));
            builder =
                builder.shared_provider(provider.clone()).registration(register(registration));
        }
        if self.desktop {
            builder = builder.registration(
                Registration::new("tiktok", "fake-desktop-client", secret())?
                    .id("tiktok-desktop")?
                    .environment(Environment::Emulator)
                    .desktop(),
            );
        }
        for text in &self.specs {
            let spec = Spec::parse(text)?;
            let id = spec.id.as_str().to_owned();
            builder = builder.provider(Generic::new(spec)).registration(
                Registration::new(&id, CLIENT, secret())?.environment(Environment::Emulator),
            );
        }
        Ok(self.changes.iter().fold(builder, |builder, change| (change.0)(builder)))
    }
}
