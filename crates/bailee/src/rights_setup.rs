//! What a host says so that requests about people's data can be answered.

use std::{fmt, sync::Arc, time::Duration};

use bailee_connect::{Engine, Runtime};
use bailee_core::{Access, ProviderId, Result};
use bailee_registry::{Catalogue, Declaration, ProviderFacts};
use bailee_rights::{
    clock::Establishment,
    erased::Erasures,
    message::{Messages, MessagesBuilder},
    notice::{Contacts, Notify},
    package::Spool,
    request::{Identifiers, Overseer, Recipients, Rights, RightsBuilder},
    retention::Retention,
    source::{DataSource, Sources},
};
use bailee_vault::Vault;

use crate::{
    accounts::{Connected, RuntimeTimer},
    providers_ask::ProvidersAsk,
    retention_duties::InForce,
};

/// What a host says so that requests about people's data can be answered: under which law, where its
/// own data lies, who else has to be asked. For [`Builder::rights`](crate::Builder::rights).
#[must_use]
pub struct RightsSetup {
    pub(crate) at: Establishment,
    pub(crate) sources: Vec<Arc<dyn DataSource>>,
    pub(crate) spool: Option<Arc<dyn Spool>>,
    pub(crate) identifiers: Option<Arc<dyn Identifiers>>,
    pub(crate) recipients: Option<Arc<dyn Recipients>>,
    pub(crate) overseer: Option<Arc<dyn Overseer>>,
    pub(crate) grace: Option<Duration>,
    pub(crate) session: Option<Duration>,
    pub(crate) package_life: Option<Duration>,
    pub(crate) providers_erase: bool,
}

impl RightsSetup {
    /// Begins with the law and the place of the controller.
    pub fn new(at: Establishment) -> Self {
        Self {
            at,
            sources: Vec::new(),
            spool: None,
            identifiers: None,
            recipients: None,
            overseer: None,
            grace: None,
            session: None,
            package_life: None,
            providers_erase: false,
        }
    }

    /// Adds a place where the host keeps data of people. Together the sources answer for every set of
    /// data that is declared.
    pub fn source(mut self, source: impl DataSource + 'static) -> Self {
        self.sources.push(Arc::new(source));
        self
    }

    /// Where copies of people's data lie, sealed, until they are fetched. Without it nobody can ask for
    /// a copy.
    pub fn spool(mut self, spool: impl Spool + 'static) -> Self {
        self.spool = Some(Arc::new(spool));
        self
    }

    /// Says what else people are known by, for sources that have to be told.
    pub fn identifiers(mut self, identifiers: impl Identifiers) -> Self {
        self.identifiers = Some(Arc::new(identifiers));
        self
    }

    /// Tells recipients (Art. 19 GDPR). Without it an operator tells each of them and says so.
    pub fn recipients(mut self, recipients: impl Recipients) -> Self {
        self.recipients = Some(Arc::new(recipients));
        self
    }

    /// Hears of requests that come near their deadline.
    pub fn overseer(mut self, overseer: impl Overseer) -> Self {
        self.overseer = Some(Arc::new(overseer));
        self
    }

    /// How long a person can take an erasure back before it begins: two weeks at most. The default is
    /// three days.
    pub fn grace(mut self, grace: Duration) -> Self {
        self.grace = Some(grace);
        self
    }

    /// How old a sign-in may be that shows who the person is. The default is an hour.
    pub fn session(mut self, age: Duration) -> Self {
        self.session = Some(age);
        self
    }

    /// Lets what providers ask for in a person's name begin by itself: a provider's verified request
    /// that the data of an account's holder is erased (a deletion callback) begins their erasure here,
    /// in every tenant, of which they are told and which they can take back for the
    /// [`grace`](Self::grace) period; the provider is answered when it is done.
    ///
    /// For hosts that keep of people what came from that provider and what serves it. Without this an
    /// operator looks first
    /// ([`enter_from_provider`](bailee_rights::request::OperatorRights::enter_from_provider)): whoever
    /// holds somebody's account at a provider should not be able to end their account here.
    pub fn provider_requests_erase(mut self) -> Self {
        self.providers_erase = true;
        self
    }

    /// How long a copy lies where it can be fetched. The default is seven days.
    pub fn package_life(mut self, life: Duration) -> Self {
        self.package_life = Some(life);
        self
    }
}

impl RightsSetup {
    /// Holds the sources against what is declared.
    pub(crate) fn check(mut self, declaration: &Declaration) -> Result<(Self, Sources)> {
        let sources = Sources::new(declaration, std::mem::take(&mut self.sources))?;
        Ok((self, sources))
    }
}

/// Everything that the desk of requests is made of.
pub(crate) struct Joining {
    pub(crate) setup: RightsSetup,
    pub(crate) sources: Sources,
    pub(crate) vault: Vault,
    pub(crate) declaration: Declaration,
    pub(crate) access: Arc<dyn Access>,
    pub(crate) runtime: Arc<dyn Runtime>,
    pub(crate) letters: Option<(Arc<dyn Contacts>, Arc<dyn Notify>)>,
    pub(crate) erasures: Option<Erasures>,
    pub(crate) catalogues: Vec<Catalogue>,
    pub(crate) providers: Vec<(ProviderId, ProviderFacts)>,
}

impl Joining {
    pub(crate) fn join(self, engine: &Engine) -> Result<(Rights, Retention)> {
        let setup = self.setup;
        let sources = self.sources.clone();
        let vault = self.vault.clone();
        let accounts = Arc::new(Connected::new(engine.on_behalf()));
        let timer = Arc::new(RuntimeTimer(self.runtime));
        let mut rights = Rights::builder(
            self.vault.clone(),
            self.declaration.clone(),
            setup.at,
            self.sources,
            self.access,
            accounts,
            timer,
        );
        rights = rights.provider_asks(Arc::new(ProvidersAsk(engine.on_behalf())));
        if let Some(age) = setup.session {
            rights = rights.session(age);
        }
        if let Some((contacts, notify)) = self.letters {
            let declaration = Arc::new(self.declaration);
            let messages = Messages::builder(self.vault, declaration, contacts, notify);
            let messages =
                self.catalogues.iter().cloned().fold(messages, MessagesBuilder::catalogue);
            rights = rights.messages(messages.build());
        }
        if let Some(erasures) = self.erasures {
            rights = rights.erasures(erasures);
        }
        if let Some(spool) = setup.spool {
            rights = rights.packages(spool);
        }
        if let Some(identifiers) = setup.identifiers {
            rights = rights.identifiers(identifiers);
        }
        if let Some(recipients) = setup.recipients {
            rights = rights.recipients(recipients);
        }
        if let Some(overseer) = setup.overseer {
            rights = rights.overseer(overseer);
        }
        if let Some(grace) = setup.grace {
            rights = rights.grace(grace);
        }
        if let Some(life) = setup.package_life {
            rights = rights.package_life(life);
        }
        rights = self.catalogues.into_iter().fold(rights, RightsBuilder::catalogue);
        for (provider, facts) in self.providers {
            rights = rights.provider(provider, facts);
        }
        let rights = rights.build()?;
        let declared = Arc::new(InForce(engine.on_behalf()));
        let holds = rights.holds().clone();
        Ok((rights, Retention::builder(vault, declared, sources, holds).build()))
    }
}

impl fmt::Debug for RightsSetup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RightsSetup").field("at", &self.at).finish_non_exhaustive()
    }
}
