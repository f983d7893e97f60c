//! Building the facade: every seam is named by the host, nothing is chosen for it.

use std::{
    fmt,
    path::PathBuf,
    sync::{Arc, OnceLock},
    time::Duration,
};

use bailee_connect::{
    CookiePolicy, Engine, EventSink, Mount, Registration, Runtime, Seams, provider_facts,
};
use bailee_core::{
    Access, Clock, Error, ErrorKind, InstanceId, PurposeId, Random, Result, SystemClock,
    SystemRandom,
};
use bailee_http::HttpSend;
use bailee_providers::Provider;
use bailee_registry::{Catalogue, Declaration};
use bailee_rights::{
    erased::{ErasureAnchor, Erasures},
    notice::{Contacts, Notices, NoticesBuilder, Notify},
};
use bailee_store::Store;
use bailee_vault::{KeySource, Vault};

use crate::{
    Bailee, RightsSetup, accounts::RightsDuties, barrier::ErasureBarrier,
    notice_duties::NoticeDuties, retention_duties::RetentionDuties, rights_setup::Joining,
};

/// Collects what a [`Bailee`] needs. What is missing is named when it is built.
pub struct Builder {
    declaration: Declaration,
    store: Option<Arc<dyn Store>>,
    key_store: Option<Arc<dyn Store>>,
    keys: Option<Box<dyn KeySource>>,
    http: Option<Arc<dyn HttpSend>>,
    runtime: Option<Arc<dyn Runtime>>,
    access: Option<Arc<dyn Access>>,
    events: Option<Arc<dyn EventSink>>,
    contacts: Option<Arc<dyn Contacts>>,
    notify: Option<Arc<dyn Notify>>,
    instance: Option<String>,
    mount: Option<String>,
    cookies: Option<CookiePolicy>,
    providers: Vec<Arc<dyn Provider>>,
    registrations: Vec<Registration>,
    returns: Vec<(String, String)>,
    requires: Vec<PurposeId>,
    catalogues: Vec<Catalogue>,
    watch_budget: Option<u32>,
    journal: Option<PathBuf>,
    erasures: Option<(Arc<dyn ErasureAnchor>, Duration)>,
    rights: Option<RightsSetup>,
    activates: bool,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
}

impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder")
            .field("instance", &self.instance)
            .field("mount", &self.mount)
            .field("registrations", &self.registrations)
            .finish_non_exhaustive()
    }
}

impl Builder {
    pub(crate) fn new(declaration: Declaration) -> Self {
        Self {
            declaration,
            store: None,
            key_store: None,
            keys: None,
            http: None,
            runtime: None,
            access: None,
            events: None,
            contacts: None,
            notify: None,
            instance: None,
            mount: None,
            cookies: None,
            providers: Vec::new(),
            registrations: Vec::new(),
            returns: Vec::new(),
            requires: Vec::new(),
            catalogues: Vec::new(),
            watch_budget: None,
            journal: None,
            erasures: None,
            rights: None,
            activates: false,
            clock: Arc::new(SystemClock),
            random: Arc::new(SystemRandom),
        }
    }

    /// Where records, work and the audit log are kept.
    #[must_use]
    pub fn store(mut self, store: impl Store) -> Self {
        self.store = Some(Arc::new(store));
        self
    }

    /// The same for a store that is shared already.
    #[must_use]
    pub fn shared_store(mut self, store: Arc<dyn Store>) -> Self {
        self.store = Some(store);
        self
    }

    /// Keeps wrapped keys in a store of their own, whose backups can be kept for another time.
    #[must_use]
    pub fn keys_in(mut self, store: impl Store) -> Self {
        self.key_store = Some(Arc::new(store));
        self
    }

    /// The root of the tree of keys.
    #[must_use]
    pub fn keys(mut self, keys: impl KeySource) -> Self {
        self.keys = Some(Box::new(keys));
        self
    }

    /// Where requests leave.
    #[must_use]
    pub fn http(mut self, http: impl HttpSend) -> Self {
        self.http = Some(Arc::new(http));
        self
    }

    /// What runs the tasks that must not end with their caller.
    #[must_use]
    pub fn runtime(mut self, runtime: impl Runtime) -> Self {
        self.runtime = Some(Arc::new(runtime));
        self
    }

    /// Who may act where: the host's word.
    #[must_use]
    pub fn access(mut self, access: impl Access) -> Self {
        self.access = Some(Arc::new(access));
        self
    }

    /// Where the host hears of what happened. Without it no events are written.
    #[must_use]
    pub fn events(mut self, events: impl EventSink) -> Self {
        self.events = Some(Arc::new(events));
        self
    }

    /// Where people can be reached: the host's word. With [`notify`](Self::notify) it makes
    /// [`Bailee::notices`]; one without the other is refused.
    #[must_use]
    pub fn contacts(mut self, contacts: impl Contacts) -> Self {
        self.contacts = Some(Arc::new(contacts));
        self
    }

    /// Who carries messages to people.
    #[must_use]
    pub fn notify(mut self, notify: impl Notify) -> Self {
        self.notify = Some(Arc::new(notify));
        self
    }

    /// The name of this installation. A database that belongs to another name is left alone:
    /// nothing is sent and nothing is claimed.
    #[must_use]
    pub fn instance(mut self, name: impl Into<String>) -> Self {
        self.instance = Some(name.into());
        self
    }

    /// The public https address under which the host serves the callbacks; every redirect URI
    /// derives from it.
    #[must_use]
    pub fn mount(mut self, address: impl Into<String>) -> Self {
        self.mount = Some(address.into());
        self
    }

    /// How state cookies are named and scoped. The default is scoped to the callback path.
    #[must_use]
    pub fn cookies(mut self, cookies: CookiePolicy) -> Self {
        self.cookies = Some(cookies);
        self
    }

    /// Adds a provider: one of a TOML file, or the host's own. Adapters that are compiled in are
    /// found by a registration that names them.
    #[must_use]
    pub fn provider(mut self, provider: impl Provider) -> Self {
        self.providers.push(Arc::new(provider));
        self
    }

    /// Adds a provider that is shared with others.
    #[must_use]
    pub fn shared_provider(mut self, provider: Arc<dyn Provider>) -> Self {
        self.providers.push(provider);
        self
    }

    /// Adds an OAuth client at a provider.
    #[must_use]
    pub fn registration(mut self, registration: Registration) -> Self {
        self.registrations.push(registration);
        self
    }

    /// Names a page of the host at which a flow may end.
    #[must_use]
    pub fn return_to(mut self, name: impl Into<String>, path: impl Into<String>) -> Self {
        self.returns.push((name.into(), path.into()));
        self
    }

    /// The purposes that the program uses: an undeclared one fails when it is built.
    #[must_use]
    pub fn requires(mut self, purposes: &[PurposeId]) -> Self {
        self.requires.extend_from_slice(purposes);
        self
    }

    /// Adds the sentences of a language, or other English ones: in them people are told what is asked
    /// for, and texts are rendered, where they are the reader's.
    #[must_use]
    pub fn catalogue(mut self, catalogue: Catalogue) -> Self {
        self.catalogues.push(catalogue);
        self
    }

    /// How many connections of a registration this process asks its provider about in a minute, at
    /// the most, when nothing was heard of them for long. The default is 120.
    #[must_use]
    pub fn watch_budget(mut self, a_minute: u32) -> Self {
        self.watch_budget = Some(a_minute);
        self
    }

    /// A file of this process alone, on a local disk, that keeps what a provider answered to a
    /// renewal when the store cannot take it: sealed, synced at once, brought to the store later. See
    /// [`bailee_connect::EngineBuilder::journal`].
    #[must_use]
    pub fn journal(mut self, path: impl Into<PathBuf>) -> Self {
        self.journal = Some(path.into());
        self
    }

    /// Answers requests of people about their data: [`Bailee::rights`]. Letters are written where the
    /// builder was given [`contacts`](Self::contacts) and [`notify`](Self::notify).
    #[must_use]
    pub fn rights(mut self, setup: RightsSetup) -> Self {
        self.rights = Some(setup);
        self
    }

    /// Where erasures are noted outside of the database, and how long the longest-lived copy of the
    /// data lives. A database that was put back and lacks erasures is then not served: every call is
    /// refused ([`ErrorKind::Quarantined`]) and nothing is claimed, until they were done again
    /// ([`Bailee::replay_erasures`]).
    ///
    /// It is looked when a process starts. Processes end before a database is put back under them.
    #[must_use]
    pub fn erasures(mut self, anchor: impl ErasureAnchor, backups_live: Duration) -> Self {
        self.erasures = Some((Arc::new(anchor), backups_live));
        self
    }

    /// Says that starting with a declaration is the act that puts it in force, for hosts whose
    /// review of the file is where somebody decides: without it, a declaration that differs from the
    /// one in force is activated by an operator ([`Bailee::declarations`]), and until then this
    /// process serves what both declare and takes no consent. See
    /// [`bailee_connect::EngineBuilder::activates_at_start`].
    #[must_use]
    pub fn activates_at_start(mut self) -> Self {
        self.activates = true;
        self
    }

    /// Another clock than the operating system's.
    #[must_use]
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// Another source of randomness than the operating system's.
    #[must_use]
    pub fn random(mut self, random: impl Random) -> Self {
        self.random = Arc::new(random);
        self
    }

    /// Checks everything against everything, opens the vault and joins the instance to its
    /// database.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Configuration`] names what is missing or wrong; nothing is written then. Where an
    /// anchor of erasures was given, as [`Erasures::check`]. A database that lacks erasures is no error
    /// here: nothing is served.
    pub async fn build(self) -> Result<Bailee> {
        let store = self.store.ok_or_else(|| missing("store"))?;
        let keys = self.keys.ok_or_else(|| missing("keys"))?;
        let seams = Seams {
            http: self.http.ok_or_else(|| missing("http"))?,
            runtime: self.runtime.ok_or_else(|| missing("runtime"))?,
            access: self.access.ok_or_else(|| missing("access"))?,
        };
        let instance = InstanceId::new(self.instance.ok_or_else(|| missing("instance"))?)
            .map_err(|error| Error::new(ErrorKind::Configuration).with_source(error))?;
        let mount = Mount::new(&self.mount.ok_or_else(|| missing("mount"))?)?;
        let cookies = match self.cookies {
            Some(cookies) => cookies,
            None => CookiePolicy::scoped_to_callback("bailee")?,
        };
        // What can be refused without the store is refused before it is touched.
        match (&self.contacts, &self.notify) {
            (Some(_), None) => return Err(missing("notify beside contacts")),
            (None, Some(_)) => return Err(missing("contacts beside notify")),
            (Some(_), Some(_)) | (None, None) => {}
        }
        self.declaration.requires(&self.requires)?;
        let rights = self.rights.map(|setup| setup.check(&self.declaration)).transpose()?;
        let mut vault = Vault::builder(store, keys).clock(self.clock).random(self.random);
        if let Some(key_store) = self.key_store {
            vault = vault.keys_in(key_store);
        }
        let vault = vault.open().await?;
        let letters = self.contacts.clone().zip(self.notify.clone());
        let notices = match (self.contacts, self.notify) {
            (Some(contacts), Some(notify)) => {
                let notices = Notices::builder(vault.clone(), contacts, notify);
                Some(
                    self.catalogues
                        .iter()
                        .cloned()
                        .fold(notices, NoticesBuilder::catalogue)
                        .build(),
                )
            }
            // Refused above.
            _ => None,
        };
        let erasures = self.erasures.map(|(anchor, backups_live)| {
            Erasures::builder(vault.clone(), backups_live).anchor(anchor).build()
        });
        let joined = rights.map(|(setup, sources)| Joining {
            setup,
            sources,
            vault: vault.clone(),
            declaration: self.declaration.clone(),
            access: Arc::clone(&seams.access),
            runtime: Arc::clone(&seams.runtime),
            letters,
            erasures: erasures.clone(),
            catalogues: self.catalogues.clone(),
            providers: Vec::new(),
        });
        let mut engine = Engine::builder(self.declaration, vault, seams, mount, instance, cookies)
            .requires(&self.requires);
        let named = |provider: &Arc<dyn Provider>| {
            self.registrations
                .iter()
                .any(|registration| *registration.provider() == provider.spec().id)
        };
        let given: Vec<_> =
            self.providers.iter().map(|provider| provider.spec().id.clone()).collect();
        let compiled_in = bailee_providers::compiled_in()
            .into_iter()
            .filter(|provider| named(provider) && !given.contains(&provider.spec().id));
        let compiled_in: Vec<_> = compiled_in.collect();
        let mut facts = Vec::new();
        for provider in self.providers.into_iter().chain(compiled_in) {
            facts.push((provider.spec().id.clone(), provider_facts(provider.spec())));
            engine = engine.provider(provider);
        }
        for registration in self.registrations {
            engine = engine.registration(registration);
        }
        for (name, path) in self.returns {
            engine = engine.return_to(name, path);
        }
        for catalogue in self.catalogues {
            engine = engine.catalogue(catalogue);
        }
        if let Some(budget) = self.watch_budget {
            engine = engine.watch_budget(budget);
        }
        if let Some(path) = self.journal {
            engine = engine.journal(path);
        }
        if self.activates {
            engine = engine.activates_at_start();
        }
        if let Some(events) = self.events {
            engine = engine.events(events);
        }
        if let Some(notices) = &notices {
            engine = engine.duties(Arc::new(NoticeDuties(notices.clone())));
        }
        if let Some(erasures) = &erasures {
            engine = engine.barrier(Arc::new(ErasureBarrier(erasures.clone())));
        }
        let (desk, sweeper) = (Arc::new(OnceLock::new()), Arc::new(OnceLock::new()));
        if let Some(joined) = &joined {
            engine = engine.duties(Arc::new(RightsDuties::Letters(Arc::clone(&desk))));
            let (desk, providers_erase) = (Arc::clone(&desk), joined.setup.providers_erase);
            engine = engine.duties(Arc::new(RightsDuties::Steps { desk, providers_erase }));
            engine = engine.duties(Arc::new(RetentionDuties(Arc::clone(&sweeper))));
        }
        let engine = engine.build().await?;
        let (rights, retention) = match joined {
            Some(joined) => {
                let (rights, retention) = Joining { providers: facts, ..joined }.join(&engine)?;
                // Nobody else fills them.
                drop(desk.set(rights.clone()));
                drop(sweeper.set(retention.clone()));
                (Some(rights), Some(retention))
            }
            None => (None, None),
        };
        let bailee = Bailee { engine, notices, erasures, rights, retention };
        bailee.check_erasures().await?;
        bailee.begin_retention().await?;
        Ok(bailee)
    }
}

fn missing(what: &'static str) -> Error {
    Error::new(ErrorKind::Configuration).with_detail(format!("the builder was given no {what}"))
}
