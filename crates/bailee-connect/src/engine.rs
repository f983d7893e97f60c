//! The engine: everything that the life cycle of connections needs, joined and checked once.

use std::{
    collections::BTreeMap,
    fmt,
    path::PathBuf,
    sync::{Arc, atomic::AtomicI64},
};

use bailee_core::{
    Access, Clock, Error, ErrorKind, InstanceId, ProviderId, PurposeId, Random, RegistrationId,
    Result,
};
use bailee_http::HttpSend;
use bailee_providers::Provider;
use bailee_registry::{Catalogue, Declaration, Disclosures, Ledger};
use bailee_vault::Vault;

use crate::{
    barrier::Barrier,
    control::ControlCache,
    cookie::CookiePolicy,
    duties::{Duties, GivenDuties},
    event::EventSink,
    flights::Flights,
    journal::Journal,
    kind,
    mount::Mount,
    overlay::Overlays,
    people::People,
    registration::{Registered, Registration},
    return_to::ReturnTargets,
    running::Running,
    runtime::Runtime,
    usage::Usage,
    watch,
};

/// The connection life cycle over one vault: cheap to clone, shared by all requests.
#[derive(Clone)]
pub struct Engine(pub(crate) Arc<Inner>);

/// What every part of the life cycle uses.
pub(crate) struct Inner {
    pub(crate) vault: Vault,
    pub(crate) http: Arc<dyn HttpSend>,
    pub(crate) runtime: Arc<dyn Runtime>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) random: Arc<dyn Random>,
    pub(crate) access: Arc<dyn Access>,
    pub(crate) sink: Option<Arc<dyn EventSink>>,
    /// Work of others, by its kind.
    pub(crate) duties: Vec<GivenDuties>,
    pub(crate) declaration: Arc<Declaration>,
    /// The sentences of what people are told, beside the English ones.
    pub(crate) catalogues: Vec<Catalogue>,
    pub(crate) ledger: Ledger,
    pub(crate) disclosures: Disclosures,
    pub(crate) registrations: BTreeMap<RegistrationId, Arc<Registered>>,
    pub(crate) cookies: CookiePolicy,
    pub(crate) returns: ReturnTargets,
    pub(crate) mount: Mount,
    pub(crate) instance: InstanceId,
    pub(crate) control: ControlCache,
    pub(crate) overlays: Overlays,
    pub(crate) flights: Flights,
    pub(crate) people: People,
    pub(crate) running: Running,
    pub(crate) usage: Usage,
    /// How many connections of a registration are asked about in a minute.
    pub(crate) watch_budget: u32,
    /// What keeps the database from being served.
    pub(crate) barrier: Option<Arc<dyn Barrier>>,
    /// What providers answered to renewals and the store has not taken.
    pub(crate) journal: Option<Arc<Journal>>,
    /// The order of the last event that this process wrote.
    pub(crate) last_event: AtomicI64,
}

impl fmt::Debug for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Engine")
            .field("instance", &self.0.instance)
            .field("registrations", &self.0.registrations.keys())
            .finish_non_exhaustive()
    }
}

/// Collects what an [`Engine`] needs.
pub struct EngineBuilder {
    declaration: Declaration,
    vault: Vault,
    http: Arc<dyn HttpSend>,
    runtime: Arc<dyn Runtime>,
    access: Arc<dyn Access>,
    mount: Mount,
    instance: InstanceId,
    cookies: CookiePolicy,
    sink: Option<Arc<dyn EventSink>>,
    duties: Vec<Arc<dyn Duties>>,
    providers: Vec<Arc<dyn Provider>>,
    registrations: Vec<Registration>,
    returns: Vec<(String, String)>,
    requires: Vec<PurposeId>,
    catalogues: Vec<Catalogue>,
    watch_budget: u32,
    barrier: Option<Arc<dyn Barrier>>,
    journal: Option<PathBuf>,
    activates: bool,
}

impl fmt::Debug for EngineBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EngineBuilder").field("instance", &self.instance).finish_non_exhaustive()
    }
}

/// The seams that a host plugs into an engine. There is no default for any of them.
pub struct Seams {
    /// Where requests leave.
    pub http: Arc<dyn HttpSend>,
    /// What runs the tasks that must not end with their caller.
    pub runtime: Arc<dyn Runtime>,
    /// Who may act where.
    pub access: Arc<dyn Access>,
}

impl fmt::Debug for Seams {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Seams").finish_non_exhaustive()
    }
}

impl Engine {
    /// Begins an engine over a vault, under a declaration.
    pub fn builder(
        declaration: Declaration,
        vault: Vault,
        seams: Seams,
        mount: Mount,
        instance: InstanceId,
        cookies: CookiePolicy,
    ) -> EngineBuilder {
        EngineBuilder {
            declaration,
            vault,
            http: seams.http,
            runtime: seams.runtime,
            access: seams.access,
            mount,
            instance,
            cookies,
            sink: None,
            duties: Vec::new(),
            providers: Vec::new(),
            registrations: Vec::new(),
            returns: Vec::new(),
            requires: Vec::new(),
            catalogues: Vec::new(),
            watch_budget: watch::BUDGET,
            barrier: None,
            journal: None,
            activates: false,
        }
    }

    /// The declaration of this process. It is what is enforced where it is in force
    /// ([`Declarations::status`](crate::Declarations::status)).
    pub fn declaration(&self) -> &Declaration {
        &self.0.declaration
    }

    /// The vault underneath.
    pub fn vault(&self) -> &Vault {
        &self.0.vault
    }

    pub(crate) fn registered(&self, id: &RegistrationId) -> Result<&Arc<Registered>> {
        self.0.registrations.get(id).ok_or_else(|| {
            Error::new(ErrorKind::Configuration)
                .with_detail(format!("there is no registration {id}"))
        })
    }
}

impl EngineBuilder {
    /// Adds a provider.
    #[must_use]
    pub fn provider(mut self, provider: Arc<dyn Provider>) -> Self {
        self.providers.push(provider);
        self
    }

    /// Adds a registration.
    #[must_use]
    pub fn registration(mut self, registration: Registration) -> Self {
        self.registrations.push(registration);
        self
    }

    /// Says where events go.
    #[must_use]
    pub fn events(mut self, sink: Arc<dyn EventSink>) -> Self {
        self.sink = Some(sink);
        self
    }

    /// Keeps the database from being served while this says so.
    #[must_use]
    pub fn barrier(mut self, barrier: Arc<dyn Barrier>) -> Self {
        self.barrier = Some(barrier);
        self
    }

    /// Gives the worker work that is not about connections.
    #[must_use]
    pub fn duties(mut self, duties: Arc<dyn Duties>) -> Self {
        self.duties.push(duties);
        self
    }

    /// Names a page of the host at which a flow may end, by its path on the mount's origin.
    #[must_use]
    pub fn return_to(mut self, name: impl Into<String>, path: impl Into<String>) -> Self {
        self.returns.push((name.into(), path.into()));
        self
    }

    /// Says which purposes the program uses, so that an undeclared one fails here and not at its
    /// first use.
    #[must_use]
    pub fn requires(mut self, purposes: &[PurposeId]) -> Self {
        self.requires.extend_from_slice(purposes);
        self
    }

    /// Adds the sentences of a language, or other English ones: in them people are told what is asked
    /// for, and texts are rendered, where they are the reader's ([`Catalogue::of`]).
    #[must_use]
    pub fn catalogue(mut self, catalogue: Catalogue) -> Self {
        self.catalogues.push(catalogue);
        self
    }

    /// Says how many connections of a registration this process asks about in a minute, at the most,
    /// when nothing was heard of them for long. The default is 120: a hundred thousand in fourteen
    /// hours.
    #[must_use]
    pub fn watch_budget(mut self, a_minute: u32) -> Self {
        self.watch_budget = a_minute.max(1);
        self
    }

    /// Gives this process a journal: a file of its own on a local disk, for what a provider answered
    /// to a renewal when the store cannot take it. Such an answer may hold the only tokens there are.
    ///
    /// The answer is sealed, synced to the disk at once, and brought to the store by the worker or at
    /// the next start; where a provider takes each token once (`class = "strict"`) it is written
    /// before the store is tried. Until it is in the store, no renewal of its credential leaves this
    /// process. Without a journal such tokens are tried for some seconds and are then lost.
    ///
    /// The folder is made where it is missing and must not be open to others' writing. No two
    /// processes can share a path, and whoever removes the file loses what is in it. A file beside it
    /// (`.lock`) holds the lock.
    #[must_use]
    pub fn journal(mut self, path: impl Into<PathBuf>) -> Self {
        self.journal = Some(path.into());
        self
    }

    /// Says that starting with a declaration is the act that puts it in force: for hosts whose review
    /// of the file is where somebody decides. Its policy's date and notice periods are then theirs to
    /// keep.
    ///
    /// A declaration that was in force before and was replaced does not come back in this way: an old
    /// process that starts again changes nothing. Who goes back to one activates it
    /// ([`Declarations::activate`](crate::Declarations::activate)).
    #[must_use]
    pub fn activates_at_start(mut self) -> Self {
        self.activates = true;
        self
    }

    /// Checks everything against everything, seals the registrations' secrets and joins the
    /// instance to its database.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Configuration`] for an undeclared purpose, a registration of an unknown
    /// provider, two registrations of one id, work that two do, a declared scope that the provider does not have, a
    /// return target outside the origin, a journal that cannot be used, that another process has, or
    /// that belongs to another instance; otherwise what the vault says.
    pub async fn build(self) -> Result<Engine> {
        self.declaration.requires(&self.requires)?;
        let mut providers: BTreeMap<ProviderId, Arc<dyn Provider>> = BTreeMap::new();
        for provider in self.providers {
            let id = provider.spec().id.clone();
            if providers.insert(id.clone(), provider).is_some() {
                return Err(wrong(format!("the provider {id} is given twice")));
            }
        }
        let mut returns = ReturnTargets::default();
        for (name, path) in &self.returns {
            returns.add(&self.mount, name, path)?;
        }
        let mut duties: Vec<GivenDuties> = Vec::new();
        for given in self.duties {
            let tasks = given.tasks();
            for task in &tasks {
                let own = kind::LANES.contains(task) || kind::PATIENT_LANES.contains(task);
                if own || duties.iter().any(|known| known.tasks.contains(task)) {
                    return Err(wrong(format!("two do the work {task}")));
                }
            }
            duties.push(GivenDuties { tasks, given });
        }
        // Everything is checked before anything is written.
        let mut signing: BTreeMap<Vec<u8>, String> = BTreeMap::new();
        let mut joined: BTreeMap<RegistrationId, (Registration, Arc<dyn Provider>)> =
            BTreeMap::new();
        for registration in self.registrations {
            let provider = providers
                .get(registration.provider())
                .ok_or_else(|| wrong(format!("there is no provider {}", registration.provider())))?
                .clone();
            if self.declaration.integration(registration.provider()).is_none() {
                return Err(wrong(format!(
                    "the declaration has no integration {}",
                    registration.provider()
                )));
            }
            self.declaration
                .check_scopes(registration.provider(), &provider.spec().scopes.catalogue)?;
            registration.check_kind(provider.spec())?;
            registration.check_authentication(provider.spec())?;
            registration.check_response_mode(provider.spec())?;
            registration.check_signing()?;
            if let Some((key, server)) = registration.signing_for(provider.spec())
                && signing.insert(key, server.clone()).is_some_and(|other| other != server)
            {
                return Err(wrong(format!("the key of {server} signs for another server too")));
            }
            let id = registration.registration_id().clone();
            if joined.insert(id.clone(), (registration, provider)).is_some() {
                return Err(wrong(format!("the registration {id} is given twice")));
            }
        }
        let mut registrations = BTreeMap::new();
        let mut secrets = Vec::new();
        for (id, (registration, provider)) in joined {
            let (registered, secret) = Registered::new(registration, provider, &self.mount);
            let registered = Arc::new(registered);
            secrets.push((registered.clone(), secret));
            registrations.insert(id, registered);
        }
        let journal = match self.journal {
            Some(path) => Some(Journal::open(path, self.instance.clone()).await?),
            None => None,
        };
        let engine = Engine(Arc::new(Inner {
            http: self.http,
            runtime: self.runtime,
            clock: self.vault.clock().clone(),
            random: self.vault.random().clone(),
            access: self.access,
            sink: self.sink,
            duties,
            declaration: Arc::new(self.declaration),
            catalogues: self.catalogues,
            ledger: Ledger::new(self.vault.clone()),
            disclosures: Disclosures::new(self.vault.clone()),
            registrations,
            cookies: self.cookies,
            returns,
            mount: self.mount,
            instance: self.instance,
            control: ControlCache::default(),
            overlays: Overlays::default(),
            flights: Flights::default(),
            people: People::default(),
            running: Running::default(),
            usage: Usage::default(),
            watch_budget: self.watch_budget,
            barrier: self.barrier,
            journal,
            last_event: AtomicI64::new(0),
            vault: self.vault,
        }));
        for (registered, _) in &secrets {
            engine.check_registration(registered).await?;
        }
        if engine.start_control(self.activates).await? {
            for (registered, secrets) in &secrets {
                engine.seal_registration(registered, secrets).await?;
            }
            engine.start_polls().await?;
            engine.replay().await;
        }
        Ok(engine)
    }
}

fn wrong(detail: String) -> Error {
    Error::new(ErrorKind::Configuration).with_detail(detail)
}
