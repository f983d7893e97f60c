//! The desk at which requests are taken and done.

use std::{collections::BTreeMap, fmt, sync::Arc, time::Duration};

use async_trait::async_trait;
use bailee_core::{
    Access, Error, ErrorKind, HostError, HostId, Id, ProviderId, Result, SubjectId, TenantId,
    Timestamp, audit::Entry,
};
use bailee_registry::{Catalogue, Declaration, ProviderFacts};
use bailee_store::{Due, Key, Kind, Lease, Op};
use bailee_vault::{Draft, Holder, Vault, View};

use super::{
    Accounts, ProviderAsks, Right,
    body::{PartBody, RequestBody, SCHEMA, decode},
    kind,
    state::State,
};
use crate::{
    clock::{Deadline, Establishment},
    erased::Erasures,
    hold::Holds,
    identity::Identity,
    message::Messages,
    package::{Packages, Spool},
    source::{Sources, Whose},
};

/// Takes what people ask for about their data, and does it. Cheap to clone.
#[derive(Clone)]
pub struct Rights(pub(super) Arc<Inner>);

pub(super) struct Inner {
    pub(super) vault: Vault,
    pub(super) declaration: Declaration,
    pub(super) at: Establishment,
    pub(super) sources: Sources,
    pub(super) access: Arc<dyn Access>,
    pub(super) accounts: Arc<dyn Accounts>,
    pub(super) identifiers: Option<Arc<dyn Identifiers>>,
    pub(super) recipients: Option<Arc<dyn Recipients>>,
    pub(super) overseer: Option<Arc<dyn Overseer>>,
    pub(super) provider_asks: Option<Arc<dyn ProviderAsks>>,
    pub(super) messages: Option<Messages>,
    pub(super) identity: Option<Identity>,
    pub(super) packages: Option<Packages>,
    pub(super) package_life: Duration,
    pub(super) catalogues: Vec<Catalogue>,
    pub(super) providers: Vec<(ProviderId, ProviderFacts)>,
    pub(super) holds: Holds,
    pub(super) erasures: Erasures,
    pub(super) timer: Arc<dyn Timer>,
    pub(super) grace: Duration,
    pub(super) session: Duration,
}

/// What else a person is known by in the host's tables: the host's word.
#[async_trait]
pub trait Identifiers: Send + Sync + 'static {
    /// The identifiers that sources need (`"email"`), by name. One that is left out is one that the
    /// person does not have.
    ///
    /// It is asked once for each request, at its beginning; the answer is sealed under the person's
    /// key until the request ends.
    ///
    /// # Errors
    ///
    /// An error brings the question again. It is logged by kind alone.
    async fn of(
        &self,
        tenant: &TenantId,
        person: &HostId,
        names: &[&str],
    ) -> Result<BTreeMap<String, Vec<HostId>>, HostError>;
}

/// Tells recipients that data that they received was put right, erased or restricted (Art. 19 GDPR).
#[async_trait]
pub trait Recipients: Send + Sync + 'static {
    /// Tells one. `request` is the same each time, so that a recipient can know a repetition.
    ///
    /// # Errors
    ///
    /// An error brings it again. It is logged by kind alone.
    async fn tell(
        &self,
        whose: &Whose,
        recipient: &bailee_core::RecipientId,
        right: Right,
        request: Id,
    ) -> Result<Told, HostError>;
}

/// Whether a recipient was told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Told {
    /// No program tells them: an operator does, and says so
    /// ([`OperatorRights::recipient_told`](super::OperatorRights::recipient_told)).
    ByHand,
    /// They cannot be told, or only with disproportionate effort.
    Impossible,
    /// They were told.
    Told,
}

/// Hears of requests that come near their deadline, and of what only an operator brings on.
#[async_trait]
pub trait Overseer: Send + Sync + 'static {
    /// A warning. It may come twice.
    ///
    /// # Errors
    ///
    /// An error brings it again. It is logged by kind alone.
    async fn warn(&self, warning: &Warning) -> Result<(), HostError>;
}

/// That a request comes near its deadline or is past it, or that its person came back while a hold
/// kept it open ([`State::Returned`]) and it waits for an operator.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Warning {
    /// In which tenant it was made.
    pub tenant: TenantId,
    /// Which.
    pub request: Id,
    /// What is asked for.
    pub right: Right,
    /// Where it stands.
    pub state: State,
    /// By when the answer has to be there.
    pub deadline: Deadline,
    /// Whether that is over.
    pub over: bool,
    /// Whether something is wrong in a part that does not pass with time (see
    /// [`Part::fault`](super::Part::fault)).
    pub stuck: bool,
}

/// Waits. Libraries have no timer of their own.
pub trait Timer: Send + Sync + 'static {
    /// Completes after this time.
    fn sleep(&self, time: Duration) -> std::pin::Pin<Box<dyn Future<Output = ()> + Send>>;
}

/// Collects what [`Rights`] need.
#[must_use]
pub struct RightsBuilder(Inner);

impl Rights {
    /// Begins a desk: over a vault, for what is declared, under a law, with the host's sources and
    /// seams.
    pub fn builder(
        vault: Vault,
        declaration: Declaration,
        at: Establishment,
        sources: Sources,
        access: Arc<dyn Access>,
        accounts: Arc<dyn Accounts>,
        timer: Arc<dyn Timer>,
    ) -> RightsBuilder {
        let holds = Holds::new(vault.clone(), declaration.clone());
        let erasures = Erasures::builder(vault.clone(), BACKUPS).build();
        RightsBuilder(Inner {
            vault,
            declaration,
            at,
            sources,
            access,
            accounts,
            identifiers: None,
            recipients: None,
            overseer: None,
            provider_asks: None,
            messages: None,
            identity: None,
            packages: None,
            package_life: PACKAGE,
            catalogues: Vec::new(),
            providers: Vec::new(),
            holds,
            erasures,
            timer,
            grace: GRACE,
            session: SESSION,
        })
    }

    /// The kinds of work that [`do_due`](Self::do_due) does, those of letters among them.
    pub fn tasks() -> Vec<Kind> {
        let mut tasks = OWN.to_vec();
        tasks.extend(Holds::tasks());
        tasks.extend(Erasures::tasks());
        tasks.extend(Messages::tasks());
        tasks
    }

    /// How long work of requests may hold its claim: a step hands out or erases what one source has.
    pub const CLAIM: Duration = Duration::from_secs(600);

    /// Does a piece of work that a worker claimed.
    ///
    /// # Errors
    ///
    /// What the store and the vault say; the work is due again when its claim ends. That a source, a
    /// recipient or another seam of the host fails is none: it is written down, and the work comes
    /// again at its time.
    pub async fn do_due(&self, lease: &Lease) -> Result<()> {
        self.0.accounts.admit().await?;
        let task = &lease.task.kind;
        let done = if *task == kind::CLOCK_DUE {
            self.clock_due(lease).await
        } else if *task == kind::PART_DUE {
            self.part_due(lease).await
        } else if *task == kind::REQUEST_DUE {
            self.request_due(lease).await
        } else if *task == kind::CHILD_DUE {
            self.child_due(lease).await
        } else if *task == kind::PROVIDER_DUE {
            self.provider_due(lease).await
        } else if *task == kind::PACKAGE_DUE {
            self.package_due(lease).await
        } else if Holds::tasks().contains(task) {
            self.0.holds.do_due(lease).await.map(drop)
        } else if Erasures::tasks().contains(task) {
            self.0.erasures.do_due(lease).await
        } else {
            match &self.0.messages {
                Some(messages) => messages.do_due(lease).await,
                // Letters of a time when the host had a way to send them.
                None => Err(ErrorKind::Configuration.into()),
            }
        };
        match done {
            // Another write came between: it is looked at again at once, and not when the claim ends.
            Err(error) if error.kind() == ErrorKind::Conflict => self.look_again_soon(lease).await,
            done => done,
        }
    }

    /// The desk at which holds are placed: what a reviewer keeps from being erased.
    pub fn holds(&self) -> &Holds {
        &self.0.holds
    }

    /// The ledger of erasures: what keeps people erased after a restore.
    pub fn erasures(&self) -> &Erasures {
        &self.0.erasures
    }

    /// The letters about requests, where the host gave a way to send them.
    pub fn messages(&self) -> Option<&Messages> {
        self.0.messages.as_ref()
    }

    /// Gives a claim back whose step met another write. One that is somebody else's by now is theirs.
    async fn look_again_soon(&self, lease: &Lease) -> Result<()> {
        if !OWN.contains(&lease.task.kind) {
            return Ok(());
        }
        let entry = Entry::new("rights.looked", self.now())
            .about(lease.subject)
            .with("request", lease.task.id);
        match self.finish(lease, Due::After(SOON), entry).await {
            Err(error) if error.kind() == ErrorKind::Conflict => Ok(()),
            done => done,
        }
    }

    pub(super) fn vault(&self) -> &Vault {
        &self.0.vault
    }

    pub(super) fn now(&self) -> Timestamp {
        self.0.vault.clock().now()
    }

    /// A request and the view that it was read in.
    pub(super) async fn read_request(
        &self,
        tenant: &TenantId,
        id: Id,
    ) -> Result<(View, RequestBody)> {
        let key = Key::new(kind::REQUEST, id);
        let view = self.vault().read(tenant, Holder::Tenant, &[key]).await?;
        let facts = view.facts(0)?.ok_or_else(|| {
            Error::new(ErrorKind::NotFound).with_detail("there is no such request in this tenant")
        })?;
        let body = decode(&facts)?;
        Ok((view, body))
    }

    /// A part and the view that it was read in.
    pub(super) async fn read_part(&self, tenant: &TenantId, id: Id) -> Result<(View, PartBody)> {
        let key = Key::new(kind::PART, id);
        let view = self.vault().read(tenant, Holder::Tenant, &[key]).await?;
        let facts = view.facts(0)?.ok_or(ErrorKind::NotFound)?;
        let body = decode(&facts)?;
        Ok((view, body))
    }

    pub(super) async fn put_request(
        &self,
        tenant: &TenantId,
        id: Id,
        body: &RequestBody,
        replaces: Option<&View>,
    ) -> Result<Op> {
        let facet = match body.state {
            State::Closed => kind::IS_CLOSED,
            State::Deciding | State::Returned => kind::WAITS_FOR_OPERATOR,
            _ => kind::IS_OPEN,
        };
        let subject = body.places.first().map(|(_, subject)| *subject);
        let draft = Draft::new(Key::new(kind::REQUEST, id), Holder::Tenant)
            .about(subject)
            .facet(facet)
            .json(SCHEMA, body)?;
        self.vault().put(tenant, draft, replaces.and_then(|view| view.record(0))).await
    }

    pub(super) async fn put_part(
        &self,
        tenant: &TenantId,
        subject: SubjectId,
        id: Id,
        body: &PartBody,
        replaces: Option<&View>,
    ) -> Result<Op> {
        let draft = Draft::new(Key::new(kind::PART, id), Holder::Tenant)
            .about(subject)
            .json(SCHEMA, body)?;
        self.vault().put(tenant, draft, replaces.and_then(|view| view.record(0))).await
    }

    /// Ends a claim with nothing else than an entry.
    pub(super) async fn finish(&self, lease: &Lease, due: Due, entry: Entry) -> Result<()> {
        let vault = self.vault();
        let batch = vault.batch()?.finish(lease.task.clone(), lease.fence, due).audit(entry);
        vault.commit(&lease.tenant, batch).await.map(|_| ())
    }
}

impl RightsBuilder {
    /// Says what else people are known by. Refused without it where a source needs to know.
    pub fn identifiers(mut self, identifiers: Arc<dyn Identifiers>) -> Self {
        self.0.identifiers = Some(identifiers);
        self
    }

    /// Tells recipients. Without it an operator tells each of them and says so.
    pub fn recipients(mut self, recipients: Arc<dyn Recipients>) -> Self {
        self.0.recipients = Some(recipients);
        self
    }

    /// Hears of deadlines.
    pub fn overseer(mut self, overseer: Arc<dyn Overseer>) -> Self {
        self.0.overseer = Some(overseer);
        self
    }

    /// What providers ask for, which then begins the right request here by itself.
    pub fn provider_asks(mut self, asks: Arc<dyn ProviderAsks>) -> Self {
        self.0.provider_asks = Some(asks);
        self
    }

    /// Writes to people about their requests. Without it nobody is told anything and no code can be
    /// sent: the host does that.
    pub fn messages(mut self, messages: Messages) -> Self {
        let identity = Identity::builder(messages.clone()).session_age(self.0.session);
        self.0.identity = Some(identity.build());
        self.0.messages = Some(messages);
        self
    }

    /// Where copies of people's data lie, sealed, until they are fetched. Without it nobody can ask for
    /// one.
    pub fn packages(mut self, spool: Arc<dyn Spool>) -> Self {
        self.0.packages = Some(Packages::new(self.0.vault.clone(), spool));
        self
    }

    /// How long a copy lies there. The default is seven days.
    pub fn package_life(mut self, life: Duration) -> Self {
        self.0.package_life = life;
        self
    }

    /// Adds the sentences of a language, for what people read in a copy.
    pub fn catalogue(mut self, catalogue: Catalogue) -> Self {
        self.0.catalogues.push(catalogue);
        self
    }

    /// Says what a provider's facts are, for what people read in a copy.
    pub fn provider(mut self, provider: ProviderId, facts: ProviderFacts) -> Self {
        self.0.providers.push((provider, facts));
        self
    }

    /// Another ledger of erasures: with an anchor, or for copies that live longer than ninety days.
    pub fn erasures(mut self, erasures: Erasures) -> Self {
        self.0.erasures = erasures;
        self
    }

    /// How long a person can take an erasure back before it begins. The default is three days.
    pub fn grace(mut self, grace: Duration) -> Self {
        self.0.grace = grace;
        self
    }

    /// How old a sign-in may be that shows who the person is. The default is an hour.
    pub fn session(mut self, age: Duration) -> Self {
        self.0.session = age;
        self
    }

    /// The desk.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Configuration`] where a source has to be told what people are known by and nobody
    /// says, and for a grace period of more than two weeks, after which no erasure would be done in
    /// its month.
    pub fn build(self) -> Result<Rights> {
        let wrong = |what: String| Err(Error::new(ErrorKind::Configuration).with_detail(what));
        let needs = self.0.sources.iter().find(|source| !source.facts().identifiers.is_empty());
        if let (Some(source), None) = (needs, &self.0.identifiers) {
            let name = &source.facts().name;
            return wrong(format!("the source `{name}` asks what people are known by"));
        }
        if self.0.grace > LONGEST_GRACE {
            return wrong("an erasure begins within two weeks".into());
        }
        Ok(Rights(Arc::new(self.0)))
    }
}

impl fmt::Debug for Rights {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rights")
            .field("regime", &self.0.at.regime().name)
            .field("sources", &self.0.sources)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for RightsBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RightsBuilder").field("sources", &self.0.sources).finish_non_exhaustive()
    }
}

/// The kinds of work of requests themselves.
const OWN: [Kind; 6] = [
    kind::CHILD_DUE,
    kind::CLOCK_DUE,
    kind::PACKAGE_DUE,
    kind::PART_DUE,
    kind::PROVIDER_DUE,
    kind::REQUEST_DUE,
];
/// When a step is tried again that met another write.
const SOON: Duration = Duration::from_secs(1);
const GRACE: Duration = Duration::from_secs(3 * 86_400);
const LONGEST_GRACE: Duration = Duration::from_secs(14 * 86_400);
/// How long copies of the data live where the host does not say.
const BACKUPS: Duration = Duration::from_secs(90 * 86_400);
/// How long a copy lies where it can be fetched.
const PACKAGE: Duration = Duration::from_secs(7 * 86_400);
const SESSION: Duration = Duration::from_secs(3600);
