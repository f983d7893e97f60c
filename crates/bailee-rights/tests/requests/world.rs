//! Three tenants, people with rows in two sources, and processes over one store.

use std::{
    collections::{BTreeMap, BTreeSet},
    future::{Future, pending},
    pin::Pin,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering::SeqCst},
    },
    time::Duration,
};

use async_trait::async_trait;
use bailee_core::{
    Access, Act, Actor, ConnectionId, DataCategory, ErrorKind, HostError, HostId, Id, ManualClock,
    RecipientId, Result, SubjectId, SystemRandom, TenantId, Timestamp, Visitor,
};
use bailee_registry::{Choice, DataOrigin, Declaration, Grounds, Ledger, Objection, Standing};
use bailee_rights::{
    clock::{Calendar, Establishment, Regime, SummerTime},
    message::Messages,
    notice::testing::{AddressBook, Mailbox},
    package::{MemorySpool, ObjectName, Spool, SpoolWriter},
    request::{
        Accounts, Outcome, Overseer, ProviderAsk, ProviderAsks, Recipients, Right, Rights, Timer,
        Told, Warning, Word,
    },
    source::{
        Correction, Count, DataSource, FieldFacts, Kept, MemorySource, Remaining, RowSink,
        SourceFacts, SourceRow, Sources, Step, Strategy, Supplement, TableFacts, Value, Whose,
    },
};
use bailee_store::{Claim, Kind, MemoryStore, Store};
use bailee_vault::{Holder, RootKeys, Vault};

use crate::frail::Frail;

pub(crate) const ACME: TenantId = TenantId::from_static("acme");
pub(crate) const GLOBEX: TenantId = TenantId::from_static("globex");
pub(crate) const INITECH: TenantId = TenantId::from_static("initech");
pub(crate) const OPERATOR: Id = Id::from_bytes([8; 16]);
pub(crate) const DAY: Duration = Duration::from_secs(86_400);
pub(crate) const CANARY: &str = "canary-ada";
pub(crate) const DECLARED: &str = include_str!("privacy.toml");

pub(crate) fn ada() -> HostId {
    HostId::text("canary-person-ada")
}

pub(crate) fn connection(n: u8) -> ConnectionId {
    ConnectionId::from_id(Id::from_bytes([n; 16]))
}

/// One whose provider confirms no end.
pub(crate) const UNCONFIRMED: ConnectionId = ConnectionId::from_id(Id::from_bytes([9; 16]));

/// What connect would do, over the real ledger.
pub(crate) struct Connect {
    vault: Vault,
    ledger: Ledger,
    /// The connections that a person still has.
    pub(crate) connections: Mutex<BTreeSet<ConnectionId>>,
    /// The request that is taken back right before the next word is said.
    before_words: Arc<Mutex<Option<(Rights, Id)>>>,
    /// How every word is refused.
    pub(crate) refuses: Mutex<Option<ErrorKind>>,
    /// How those that are gone ended, as a log has it.
    log: Mutex<BTreeMap<ConnectionId, bool>>,
    empty: MemorySource,
}

#[async_trait]
impl Accounts for Connect {
    async fn admit(&self) -> Result<()> {
        Ok(())
    }

    async fn say(
        &self,
        tenant: &TenantId,
        subject: SubjectId,
        by: &Actor,
        word: &Word,
    ) -> Result<()> {
        let before = self.before_words.lock().unwrap().take();
        if let Some((rights, id)) = before {
            rights.operator(OPERATOR).cancel(tenant, id).await?;
        }
        if let Some(kind) = *self.refuses.lock().unwrap() {
            return Err(kind.into());
        }
        let view = self.vault.read(tenant, Holder::Subject(subject), &[]).await?;
        let ledger = &self.ledger;
        let change = match word {
            Word::Objected { purpose, integration, grounds } => {
                let objection = Objection {
                    purpose: purpose.clone(),
                    integration: integration.clone(),
                    grounds: grounds.as_ref().map(|grounds| grounds.expose(Grounds::new)),
                };
                ledger.object(tenant, &view, objection, by).await?
            }
            Word::ObjectionUpheld { purpose, integration } => {
                ledger.uphold(tenant, &view, purpose, integration.as_ref(), by).await?
            }
            Word::ObjectionOverridden { purpose, integration, grounds } => {
                let declaration = Declaration::parse(DECLARED).unwrap();
                let purpose = declaration.purpose(purpose).unwrap();
                let grounds = grounds.expose(Grounds::new);
                let integration = integration.as_ref();
                ledger.override_objection(tenant, &view, purpose, integration, grounds, by).await?
            }
            Word::ObjectionTakenBack { purpose, integration } => {
                let (purpose, integration) = (purpose.clone(), integration.clone());
                let choice = Choice::ObjectionEnded { purpose, integration };
                ledger.record(tenant, &view, choice, by).await?
            }
            Word::OptedOut => {
                ledger.record(tenant, &view, Choice::MarketingObjectionMade, by).await?
            }
            Word::Restricted(ground) => {
                let choice = Choice::RestrictionBegun { ground: *ground };
                ledger.record(tenant, &view, choice, by).await?
            }
            Word::RestrictionEnded { ground, told } => {
                let choice = Choice::RestrictionEnded { ground: Some(*ground), told: *told };
                ledger.record(tenant, &view, choice, by).await?
            }
            Word::Withdrawn(_) => ledger.withdraw_everything(tenant, &view, by).await?,
            other => panic!("nobody says {other:?} here"),
        };
        if !change.ops.is_empty() {
            self.vault.commit(tenant, change.add_to(self.vault.batch()?)).await?;
        }
        Ok(())
    }

    async fn end(
        &self,
        _: &TenantId,
        _: SubjectId,
        connections: &BTreeSet<ConnectionId>,
        _: &Actor,
    ) -> Result<()> {
        let mut standing = self.connections.lock().unwrap();
        for connection in connections.iter().filter(|connection| standing.remove(connection)) {
            self.log.lock().unwrap().insert(*connection, *connection != UNCONFIRMED);
        }
        Ok(())
    }

    async fn how_ended(
        &self,
        _: &TenantId,
        _: SubjectId,
        connections: &BTreeSet<ConnectionId>,
        _: Timestamp,
    ) -> Result<BTreeMap<ConnectionId, bool>> {
        let log = self.log.lock().unwrap();
        let known = |id: &ConnectionId| log.get(id).map(|confirmed| (*id, *confirmed));
        Ok(connections.iter().filter_map(known).collect())
    }

    async fn connections(&self, _: &TenantId, _: SubjectId) -> Result<Vec<ConnectionId>> {
        Ok(self.connections.lock().unwrap().iter().copied().collect())
    }

    fn records(&self) -> &dyn DataSource {
        &self.empty
    }

    fn evidence(&self) -> Vec<Kind> {
        Vec::new()
    }
}

/// In which tenants people have data, by the host's word; [`INITECH`] may leave.
#[derive(Default)]
pub(crate) struct Memberships {
    pub(crate) left: AtomicBool,
}

#[async_trait]
impl Access for Memberships {
    async fn may(
        &self,
        _: &HostId,
        _: Option<SubjectId>,
        _: &TenantId,
        _: Act,
    ) -> Result<bool, HostError> {
        Ok(true)
    }

    async fn tenants(&self, person: &HostId) -> Result<Vec<TenantId>, HostError> {
        Ok(match person {
            HostId::Text(text) if text.ends_with("everywhere") => vec![GLOBEX, ACME],
            HostId::Text(text) if text.ends_with("in three") && !self.left.load(SeqCst) => {
                vec![GLOBEX, INITECH, ACME]
            }
            // As many as the number says.
            HostId::Int(many) => {
                (0..*many).map(|n| TenantId::new(format!("tenant-{n:04}")).unwrap()).collect()
            }
            _ => vec![ACME],
        })
    }
}

/// A timer whose time never comes, or comes at once.
#[derive(Default)]
pub(crate) struct Hand(pub(crate) Mutex<bool>);

impl Timer for Hand {
    fn sleep(&self, _: Duration) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        match *self.0.lock().unwrap() {
            true => Box::pin(std::future::ready(())),
            false => Box::pin(pending()),
        }
    }
}

#[derive(Default)]
pub(crate) struct Heard(pub(crate) Mutex<Vec<Warning>>);

#[async_trait]
impl Overseer for Heard {
    async fn warn(&self, warning: &Warning) -> Result<(), HostError> {
        self.0.lock().unwrap().push(warning.clone());
        Ok(())
    }
}

/// Recipients that answer the same to everything.
pub(crate) struct Answering(pub(crate) Told, pub(crate) Mutex<Vec<(RecipientId, Right)>>);

#[async_trait]
impl Recipients for Answering {
    async fn tell(
        &self,
        _: &Whose,
        recipient: &RecipientId,
        right: Right,
        _: Id,
    ) -> Result<Told, HostError> {
        self.1.lock().unwrap().push((recipient.clone(), right));
        Ok(self.0)
    }
}

/// A source behind a name, so that several processes share it. One tenant's part of it may be dead.
pub(crate) struct Shared(
    pub(crate) Arc<MemorySource>,
    pub(crate) Arc<Mutex<Option<TenantId>>>,
    pub(crate) Beside,
);

/// The statements that a source has beside its rows; none where it has no place for them.
pub(crate) type Beside = Arc<Mutex<Option<Vec<(TenantId, Supplement)>>>>;

impl Shared {
    fn answers(&self, whose: &Whose) -> Result<()> {
        match &*self.1.lock().unwrap() {
            Some(dead) if dead == whose.tenant() => Err(ErrorKind::HostFailed.into()),
            _ => Ok(()),
        }
    }
}

#[async_trait]
impl DataSource for Shared {
    fn facts(&self) -> &SourceFacts {
        self.0.facts()
    }
    async fn count(&self, whose: &Whose) -> Result<Count> {
        self.answers(whose)?;
        self.0.count(whose).await
    }
    async fn collect(&self, whose: &Whose, sink: &mut dyn RowSink) -> Result<()> {
        self.answers(whose)?;
        self.0.collect(whose, sink).await
    }
    async fn erase(&self, whose: &Whose) -> Result<Step> {
        self.answers(whose)?;
        self.0.erase(whose).await
    }
    async fn correct(&self, whose: &Whose, correction: &Correction) -> Result<()> {
        self.answers(whose)?;
        self.0.correct(whose, correction).await
    }
    async fn supplement(&self, whose: &Whose, supplement: &Supplement) -> Result<()> {
        match &mut *self.2.lock().unwrap() {
            Some(beside) => {
                let said = (whose.tenant().clone(), supplement.clone());
                if !beside.contains(&said) {
                    beside.push(said);
                }
                Ok(())
            }
            None => Err(ErrorKind::Unsupported.into()),
        }
    }
    async fn restrict(&self, whose: &Whose, restricted: bool) -> Result<Step> {
        self.answers(whose)?;
        self.0.restrict(whose, restricted).await
    }
    async fn remaining(&self, whose: &Whose) -> Result<Remaining> {
        self.answers(whose)?;
        self.0.remaining(whose).await
    }
}

/// A spool for whose every read some time passes.
pub(crate) struct Slow {
    spool: MemorySpool,
    clock: ManualClock,
    pub(crate) takes: Mutex<Duration>,
}

#[async_trait]
impl Spool for Slow {
    async fn write(&self, name: &ObjectName) -> Result<Box<dyn SpoolWriter>> {
        self.spool.write(name).await
    }
    async fn read(&self, name: &ObjectName, offset: u64, length: usize) -> Result<Vec<u8>> {
        self.clock.advance(*self.takes.lock().unwrap());
        self.spool.read(name, offset, length).await
    }
    async fn length(&self, name: &ObjectName) -> Result<Option<u64>> {
        self.spool.length(name).await
    }
    async fn delete(&self, name: &ObjectName) -> Result<()> {
        self.spool.delete(name).await
    }
    async fn list(&self, prefix: &str) -> Result<Vec<ObjectName>> {
        self.spool.list(prefix).await
    }
}

/// What providers brought, and what they were answered.
#[derive(Default)]
pub(crate) struct Asked {
    pub(crate) open: Mutex<BTreeMap<Id, ProviderAsk>>,
    pub(crate) answered: Mutex<Vec<(Id, Option<Id>, Outcome)>>,
}

#[async_trait]
impl ProviderAsks for Asked {
    async fn erasure(&self, _: &TenantId, ask: Id) -> Result<Option<ProviderAsk>> {
        Ok(self.open.lock().unwrap().get(&ask).cloned())
    }

    async fn answer(&self, _: &TenantId, ask: Id, by: Option<Id>, outcome: Outcome) -> Result<()> {
        self.open.lock().unwrap().remove(&ask);
        self.answered.lock().unwrap().push((ask, by, outcome));
        Ok(())
    }
}

pub(crate) struct World {
    pub(crate) memberships: Arc<Memberships>,
    /// The tenant whose content cannot be reached.
    pub(crate) dead: Arc<Mutex<Option<TenantId>>>,
    pub(crate) beside: Beside,
    pub(crate) asked: Arc<Asked>,
    pub(crate) clock: ManualClock,
    pub(crate) frail: Arc<Frail>,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) vault: Vault,
    /// That of another process.
    pub(crate) elsewhere: Vault,
    pub(crate) content: Arc<MemorySource>,
    pub(crate) bills: Arc<MemorySource>,
    pub(crate) connect: Arc<Connect>,
    pub(crate) hand: Arc<Hand>,
    pub(crate) before_words: Arc<Mutex<Option<(Rights, Id)>>>,
    pub(crate) heard: Arc<Heard>,
    pub(crate) recipients: Arc<Answering>,
    pub(crate) book: AddressBook,
    pub(crate) mailbox: Mailbox,
    pub(crate) spool: MemorySpool,
    pub(crate) slow: Arc<Slow>,
    /// How long a claim was worked on at the most.
    pub(crate) longest: Mutex<Duration>,
    pub(crate) rights: Rights,
}

impl World {
    pub(crate) async fn new() -> Self {
        Self::telling(Told::Told).await
    }

    pub(crate) async fn telling(told: Told) -> Self {
        let clock = ManualClock::default();
        let store = MemoryStore::new(Arc::new(clock.clone()));
        let frail = Arc::new(Frail::over(Arc::new(store)));
        let store: Arc<dyn Store> = Arc::clone(&frail) as _;
        let root = RootKeys::generate(&SystemRandom).unwrap();
        let root = root.expose(|text| String::from_utf8(text.to_vec()).unwrap());
        let vault = vault(Arc::clone(&store), &root, &clock).await;
        let elsewhere = self::vault(frail.inner(), &root, &clock).await;
        let content = Arc::new(MemorySource::new(content(), 3));
        let bills = Arc::new(MemorySource::new(bills(), 3));
        let declaration = Declaration::parse(DECLARED).unwrap();
        let beside = Beside::default();
        let dead: Arc<Mutex<Option<TenantId>>> = Arc::default();
        let sources: Vec<Arc<dyn DataSource>> = vec![
            Arc::new(Shared(Arc::clone(&content), Arc::clone(&dead), Arc::clone(&beside))),
            Arc::new(Shared(Arc::clone(&bills), Arc::default(), Arc::default())),
        ];
        let sources = Sources::new(&declaration, sources).unwrap();
        let before_words = Arc::default();
        let connect = Arc::new(Connect {
            vault: vault.clone(),
            ledger: Ledger::new(vault.clone()),
            connections: Mutex::new([connection(1), connection(2)].into()),
            before_words: Arc::clone(&before_words),
            refuses: Mutex::default(),
            log: Mutex::default(),
            empty: MemorySource::new(SourceFacts::new("connections", Vec::new()), 1),
        });
        let memberships = Arc::new(Memberships::default());
        let hand = Arc::new(Hand::default());
        let heard = Arc::new(Heard::default());
        let asked = Arc::new(Asked::default());
        let recipients = Arc::new(Answering(told, Mutex::default()));
        let (book, mailbox) = (AddressBook::default(), Mailbox::default());
        let messages = Messages::builder(
            vault.clone(),
            Arc::new(declaration.clone()),
            Arc::new(book.clone()),
            Arc::new(mailbox.clone()),
        )
        .build();
        let spool = MemorySpool::default();
        let takes = Mutex::default();
        let slow = Arc::new(Slow { spool: spool.clone(), clock: clock.clone(), takes });
        let berlin = Establishment::new(
            Regime::eu(),
            Calendar::of("DE").unwrap(),
            SummerTime::CENTRAL_EUROPE,
        );
        let rights = Rights::builder(
            vault.clone(),
            declaration,
            berlin,
            sources,
            Arc::clone(&memberships) as _,
            Arc::clone(&connect) as _,
            Arc::clone(&hand) as _,
        )
        .overseer(Arc::clone(&heard) as _)
        .provider_asks(Arc::clone(&asked) as _)
        .recipients(Arc::clone(&recipients) as _)
        .messages(messages)
        .packages(Arc::clone(&slow) as _)
        .build()
        .unwrap();
        Self {
            memberships,
            dead,
            beside,
            asked,
            clock,
            frail,
            store,
            vault,
            elsewhere,
            content,
            bills,
            connect,
            hand,
            before_words,
            heard,
            recipients,
            book,
            mailbox,
            spool,
            slow,
            longest: Mutex::default(),
            rights,
        }
    }

    /// Rows of a person in both sources, two of them in each table.
    pub(crate) async fn fill(&self, tenant: &TenantId, person: &HostId, text: &str) -> Whose {
        let subject = self.vault.ensure_subject(tenant, person).await.unwrap();
        let address = format!("{text}@people.example");
        self.book.set(tenant, person, &[&address]);
        let whose = Whose::new(tenant.clone(), person.clone(), subject);
        for (source, facts) in [(&self.content, content()), (&self.bills, bills())] {
            for table in facts.tables {
                for n in 0..2 {
                    let values = vec![Value::Text(format!("{text} {n}")); table.fields.len()];
                    let key = format!("{tenant}-{}-{text}-{n}", table.name);
                    source.insert(&whose, &table.name, SourceRow { key, values });
                }
            }
        }
        whose
    }

    pub(crate) fn visitor(&self, tenant: &TenantId, person: &HostId) -> Visitor {
        Visitor::new(tenant.clone(), person.clone(), "session")
    }

    pub(crate) fn now(&self) -> Timestamp {
        use bailee_core::Clock;
        self.clock.now()
    }

    /// Does what is due until nothing is.
    pub(crate) async fn settle(&self) -> usize {
        let mut all = 0;
        loop {
            let tasks = Rights::tasks();
            let claim = Claim::Due { tasks: &tasks, lease: Rights::CLAIM, limit: 32 };
            let leases = self.store.claim(claim).await.unwrap();
            if leases.is_empty() {
                return all;
            }
            all += leases.len();
            assert!(all < 1000, "work without an end");
            for lease in &leases {
                let begun = self.now();
                self.rights.do_due(lease).await.unwrap();
                let took = self.now().since(begun);
                let mut longest = self.longest.lock().unwrap();
                *longest = took.max(*longest);
            }
        }
    }

    /// Lets time pass, with what is due in it.
    pub(crate) async fn pass(&self, time: Duration) {
        for _ in 0..8 {
            self.clock.advance(time / 4);
            self.settle().await;
        }
    }

    /// The same, by a process that dies with the first error.
    pub(crate) async fn dies(&self) {
        loop {
            let tasks = Rights::tasks();
            let claim = Claim::Due { tasks: &tasks, lease: Rights::CLAIM, limit: 1 };
            let leases = self.store.claim(claim).await.unwrap();
            let lease = leases.first().expect("nothing is due, and it lives");
            if self.rights.do_due(lease).await.is_err() {
                // Its claim ends.
                return self.clock.advance(Rights::CLAIM);
            }
        }
    }

    pub(crate) async fn standing(&self, whose: &Whose) -> Standing {
        let holder = Holder::Subject(whose.subject());
        let view = self.vault.read(whose.tenant(), holder, &[]).await.unwrap();
        Standing::read(&view.standing().unwrap()).unwrap()
    }
}

async fn vault(store: Arc<dyn Store>, root: &str, clock: &ManualClock) -> Vault {
    let root = RootKeys::base64(root).unwrap();
    Vault::builder(store, root).clock(Arc::new(clock.clone())).open().await.unwrap()
}

pub(crate) fn content() -> SourceFacts {
    let field =
        |name: &str| FieldFacts::new(name, DataCategory::new("content"), DataOrigin::Provided);
    SourceFacts::new(
        "content",
        vec![
            TableFacts::new("posts", "content", Strategy::Delete)
                .with_field(field("text"))
                .restricting(),
            TableFacts::new("comments", "content", Strategy::Null { fields: vec!["text".into()] })
                .with_field(field("text")),
        ],
    )
}

pub(crate) fn bills() -> SourceFacts {
    let field =
        |name: &str| FieldFacts::new(name, DataCategory::new("content"), DataOrigin::Provided);
    let kept = Kept::new("Art. 17(3)(b) GDPR", "tax law", "for ten years");
    SourceFacts::new(
        "bills",
        vec![TableFacts::new("invoices", "bills", Strategy::Keep(kept)).with_field(field("text"))],
    )
}
