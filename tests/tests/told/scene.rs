//! A world with one provider that tells, two of its clients, and secrets that a test replaces.

use std::sync::{Arc, Mutex};

use bailee::{
    Bailee, BeginOptions, Builder, ClientSecret, ConnectionRef, ConnectionState, Happened, Mount,
    ProviderRequest, Registration, SigningSecret, TakenSignal, TenantId, Visitor,
    core::{
        Id, RegistrationId,
        audit::{Entry, Field},
    },
    providers::{Environment, Provider},
    store::{MemoryStore, Store},
};
use bailee_testkit::{
    Declared, PURPOSE, Storage, World,
    emulator::{Account, Announcement, Client, Decision, Site, discord},
};
use bailee_tests::Stopping;

use crate::table::{Effect, Secret, Teller};

/// The secrets of a client, as its registration is given them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Secrets {
    pub(crate) client: String,
    pub(crate) signing: Vec<String>,
}

impl Secrets {
    /// Those of a client that has one of each.
    pub(crate) fn named(name: &str) -> Self {
        Self {
            client: format!("fake-{name}-client-secret-canary"),
            signing: vec![format!("fake-{name}-signing-secret-canary")],
        }
    }
}

/// A world in which a provider tells.
pub(crate) struct Scene {
    pub(crate) world: World,
    pub(crate) teller: Teller,
    /// Stands between the first process and the store.
    pub(crate) stopping: Stopping,
    /// What the registration of each process that is built from now on is given.
    secrets: Arc<Mutex<Secrets>>,
}

/// The operator of every scene.
pub(crate) const OPERATOR: Id = Id::from_bytes([7; 16]);

const MOUNT: &str = "https://app.example.test/connect";

impl Scene {
    pub(crate) async fn of(teller: Teller) -> Self {
        Self::playing(teller, |_| {}).await
    }

    /// The same with another behaviour of the provider.
    pub(crate) async fn playing(teller: Teller, change: impl FnOnce(&Site)) -> Self {
        Self::build(teller, adapter(teller.name), change).await
    }

    /// The same with an adapter that is set up in another way.
    pub(crate) async fn build(
        teller: Teller,
        provider: Arc<dyn Provider>,
        change: impl FnOnce(&Site),
    ) -> Self {
        Self::joined(teller, provider, change, |builder| builder).await
    }

    /// The same with what a host gives its builder beside.
    pub(crate) async fn joined(
        teller: Teller,
        provider: Arc<dyn Provider>,
        change: impl FnOnce(&Site),
        host: impl Fn(Builder) -> Builder + Send + Sync + 'static,
    ) -> Self {
        let declared = Declared::of(provider.spec()).scopes(teller.scopes.iter().copied());
        let secrets = Arc::new(Mutex::new(Secrets::named("first")));
        let given = secrets.clone();
        let builder = World::builder(declared.declaration())
            .play_provider((teller.play)(), provider, move |_| {
                registration(&teller, teller.name, teller.client, &given.lock().unwrap())
            })
            .change(move |builder| {
                let secrets = Secrets::named("second");
                let (id, client) = (second(&teller), second_client(&teller));
                host(builder.registration(registration(&teller, &id, &client, &secrets)))
            });
        let clock = Arc::new(builder.clock().clone());
        let stopping = Stopping::before(Arc::new(MemoryStore::new(clock)));
        let store: Arc<dyn Store> = Arc::new(stopping.clone());
        let world = builder.storage(Storage::Given(store)).build().await.unwrap();
        let site = world.site(teller.name);
        for name in ["ada", "grace"] {
            // Each belongs to a workspace of their own.
            site.add_account(Account::new(name).fact("team_id", format!("T0{name}")));
        }
        let scene = Self { world, teller, stopping, secrets };
        scene.knows(&Secrets::named("first"));
        let secrets = Secrets::named("second");
        scene.add_client(&second(&teller), &second_client(&teller), &secrets);
        change(scene.site());
        scene
    }

    pub(crate) fn site(&self) -> &Site {
        self.world.site(self.teller.name)
    }

    /// Makes these the secrets that the provider knows of the first client.
    pub(crate) fn knows(&self, secrets: &Secrets) {
        self.add_client(self.teller.name, self.teller.client, secrets);
    }

    fn add_client(&self, registration: &str, client: &str, secrets: &Secrets) {
        let client = Client::new(client)
            .secret(&secrets.client)
            .signal_secret(secrets.signing.last().unwrap())
            .redirect(format!("{MOUNT}/{registration}/callback"));
        self.site().add_client(client).unwrap();
    }

    /// A further process, whose registration has these secrets.
    pub(crate) async fn process_with(&self, secrets: Secrets) -> Bailee {
        *self.secrets.lock().unwrap() = secrets;
        let declared = Declared::of(adapter(self.teller.name).spec())
            .scopes(self.teller.scopes.iter().copied());
        self.world.another_process(declared.declaration()).await.unwrap()
    }

    /// The id of the second registration at the same provider.
    pub(crate) fn second(&self) -> String {
        second(&self.teller)
    }

    /// Connects an account at the provider.
    pub(crate) async fn connect(&self, visitor: &Visitor, account: &str) -> ConnectionRef {
        self.connect_at(self.teller.name, visitor, account).await
    }

    /// The same through a given registration.
    pub(crate) async fn connect_at(
        &self,
        registration: &str,
        visitor: &Visitor,
        account: &str,
    ) -> ConnectionRef {
        let mut options = BeginOptions::default();
        if self.teller.name == "shopify" {
            options.variables.insert("shop".into(), "demo".into());
        }
        self.world
            .connect_as(visitor, registration, &[PURPOSE], options, Decision::Allow, account)
            .await
            .unwrap()
            .unwrap()
            .connection
    }

    /// What the provider would send of an event; nothing sends it yet.
    pub(crate) fn announce(&self, event: &str, account: &str) -> Announcement {
        self.announce_to(self.teller.topic, event, account)
    }

    /// The same to an address of its own.
    pub(crate) fn announce_to(
        &self,
        topic: Option<&str>,
        event: &str,
        account: &str,
    ) -> Announcement {
        let to = address(self.teller.name, topic);
        self.site().announce(event, account, self.teller.client, &to).unwrap()
    }

    /// The event of the table, about Ada.
    pub(crate) fn news(&self) -> Announcement {
        self.announce(self.teller.event, "ada")
    }

    /// The same delivery to the second registration's address.
    pub(crate) fn to_second(&self, mut sent: Announcement) -> Announcement {
        sent.url = address(&self.second(), self.teller.topic);
        sent
    }

    /// The same for what has a query.
    pub(crate) fn to_second_with_query(&self, sent: &Announcement) -> Announcement {
        let query = sent.url.split_once('?').unwrap().1;
        let mut moved = self.to_second(sent.clone());
        moved.url = format!("{}?{query}", moved.url);
        moved
    }

    /// Hands a delivery over, and lets the worker act.
    pub(crate) async fn deliver(&self, sent: &Announcement) -> TakenSignal {
        let taken = self.world.deliver(sent).await;
        self.world.settle().await;
        taken
    }

    /// Announces an event and delivers it.
    pub(crate) async fn told(&self, event: &str, account: &str) -> TakenSignal {
        let sent = self.announce(event, account);
        self.deliver(&sent).await
    }

    /// Where a connection stands; none where it is gone.
    pub(crate) async fn state(
        &self,
        visitor: &Visitor,
        connection: &ConnectionRef,
    ) -> Option<ConnectionState> {
        let all = self.world.bailee.connections().of_visitor(visitor).await.unwrap();
        all.into_iter().find(|status| status.connection == *connection).map(|status| status.state)
    }

    /// What the host was told of a connection.
    pub(crate) fn happened(&self, connection: &ConnectionRef) -> Vec<Happened> {
        let all = self.world.events.all().into_iter();
        all.filter(|event| event.connection == *connection).map(|event| event.what).collect()
    }

    /// The requests of the tenant `acme`.
    pub(crate) async fn requests(&self) -> Vec<ProviderRequest> {
        self.requests_of("acme").await
    }

    pub(crate) async fn requests_of(&self, tenant: &str) -> Vec<ProviderRequest> {
        let tenant = TenantId::new(tenant).unwrap();
        self.world.bailee.requests(OPERATOR).of(&tenant).await.unwrap()
    }

    /// The entries of an event in the log of a tenant.
    pub(crate) async fn entries(&self, tenant: &str, event: &str) -> Vec<Entry> {
        let all = self.world.audit(tenant).await.into_iter();
        all.map(|logged| logged.entry).filter(|entry| entry.event() == event).collect()
    }

    /// The words under a name in the entries of an event.
    pub(crate) async fn words(&self, tenant: &str, event: &str, name: &str) -> Vec<String> {
        let entries = self.entries(tenant, event).await;
        entries.iter().filter_map(|entry| word(entry, name)).collect()
    }

    /// Whether what the event of the table is to bring about came about, for one connection.
    pub(crate) async fn is_done(&self, visitor: &Visitor, connection: &ConnectionRef) -> bool {
        match self.teller.effect {
            Effect::Ends(_) => self.state(visitor, connection).await.is_none(),
            Effect::Asks(kind) => {
                let requests = self.requests_of(visitor.tenant().as_str()).await;
                requests.iter().any(|one| one.kind == kind && one.connection == *connection)
            }
        }
    }

    /// All that deliveries may change, to be compared: connections, the host's events, requests,
    /// and what was audited of them.
    pub(crate) async fn seen(&self) -> Seen {
        let mut connections = Vec::new();
        for visitor in [self.world.visitor("ada"), self.world.visitor("grace")] {
            let all = self.world.bailee.connections().of_visitor(&visitor).await.unwrap();
            connections.extend(all.into_iter().map(|status| (status.connection, status.state)));
        }
        let events = self.world.events.all().into_iter().map(|event| event.what).collect();
        let audited = self.world.audited("acme").await;
        // Asking whether a grant lives is no change.
        let audited = audited.into_iter().filter(|event| event != "credential.refreshed").collect();
        Seen { connections, events, audited, requests: self.requests().await.len() }
    }

    /// Sees that the logs hold nothing that they may not.
    pub(crate) async fn assert_clean(&self) {
        let tenants = ["acme", "other", "~"];
        self.world.assert_clean_audit(&tenants).await;
        for tenant in tenants {
            for logged in self.world.audit(tenant).await {
                let payload = logged.entry.payload();
                let shows = |text: &str| {
                    payload.windows(text.len()).any(|window| window == text.as_bytes())
                };
                assert!(!shows("person.example") && !shows("handle_"), "{:?}", logged.entry);
            }
        }
    }
}

/// What deliveries may change.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Seen {
    connections: Vec<(ConnectionRef, ConnectionState)>,
    events: Vec<Happened>,
    audited: Vec<String>,
    requests: usize,
}

impl Seen {
    /// The same but for the ends of sessions, which a host is told however late.
    pub(crate) fn but_for_sessions(mut self) -> Self {
        self.events.retain(|what| *what != Happened::SessionsEnded);
        let told = ["connection.state_changed", "event.delivered", "work.finished"];
        self.audited.retain(|event| !told.contains(&event.as_str()));
        self
    }
}

/// The word under a name in an entry.
pub(crate) fn word(entry: &Entry, name: &str) -> Option<String> {
    match entry.field(name) {
        Some(Field::Word(word)) => Some(word.to_string()),
        _ => None,
    }
}

/// The address for what a provider tells a registration.
pub(crate) fn address(registration: &str, topic: Option<&str>) -> String {
    let id = RegistrationId::new(registration).unwrap();
    Mount::new(MOUNT).unwrap().signal_address(&id, topic)
}

fn second(teller: &Teller) -> String {
    format!("{}-second", teller.name)
}

fn second_client(teller: &Teller) -> String {
    format!("{}-second", teller.client)
}

fn registration(teller: &Teller, id: &str, client: &str, secrets: &Secrets) -> Registration {
    let secret = ClientSecret::copy_from(secrets.client.as_bytes());
    let registration = Registration::new(teller.name, client, secret).unwrap();
    let registration = registration.id(id).unwrap().environment(Environment::Emulator);
    let given = |text: &str| SigningSecret::copy_from(text.as_bytes());
    match teller.secret {
        Secret::Client | Secret::Published => registration,
        Secret::Own => secrets
            .signing
            .iter()
            .fold(registration, |all, secret| all.signing_secret(given(secret))),
        Secret::Pair => secrets.signing.iter().fold(registration, |all, secret| {
            all.signing_secret(given(&discord::public_key(secret)))
        }),
    }
}

/// An adapter that is compiled in.
pub(crate) fn adapter(name: &str) -> Arc<dyn Provider> {
    bailee::providers::compiled_in()
        .into_iter()
        .find(|adapter| adapter.spec().id.as_str() == name)
        .unwrap()
}
