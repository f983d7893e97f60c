//! Tenants with people whose rows are of every age, and processes that may die.

use std::{sync::Arc, time::Duration};

use bailee_core::{
    Actor, DataCategory, HostId, Id, ManualClock, Result, SubjectId, SystemRandom, TenantId,
    Timestamp,
};
use bailee_registry::{Choice, DataOrigin, Declaration, Ledger, RestrictionGround};
use bailee_rights::{
    hold::{Covers, Holds, Placing},
    request::Reason,
    retention::Retention,
    source::{
        DataSource, FieldFacts, Kept, MemorySource, SourceFacts, SourceRow, Sources, Strategy,
        TableFacts, Value, Whose,
    },
};
use bailee_store::{Claim, LoggedEntry, MemoryStore, Store, Window};
use bailee_vault::{Holder, RootKeys, Vault};

use crate::mortal::Mortal;

pub(crate) const ACME: TenantId = TenantId::from_static("acme");
pub(crate) const GLOBEX: TenantId = TenantId::from_static("globex");
pub(crate) const DAY: Duration = Duration::from_secs(86_400);
pub(crate) const NAMES: [&str; 4] = ["ada", "bob", "cleo", "dora"];

pub(crate) const PRIVACY: &str = r#"
role = "controller"

[controller]
name = "Example Ltd"
contact = "privacy@example.test"
address = "1 Example Street, Dublin 2, Ireland"
country = "IE"

[categories]
account = "your account"
bills = "your bills"
content = "what you write here"
usage = "how you use the service"

[purposes.service]
title = "The service"
plain = "run the service"
use = "service"
basis = "contract"

[data_sets.account]
title = "Your account"
origin = "provided"

[[data_sets.account.data]]
name = "account"
category = "account"
purpose = "service"
retention = "until_account_deleted"

[data_sets.bills]
title = "Your bills"
origin = "observed"

[[data_sets.bills.data]]
name = "bills"
category = "bills"
purpose = "service"
retention = "10 years"

[data_sets.drafts]
title = "Your drafts"
origin = "provided"

[[data_sets.drafts.data]]
name = "drafts"
category = "content"
purpose = "service"
retention = "6 months"

[data_sets.logs]
title = "Logs"
origin = "observed"

[[data_sets.logs.data]]
name = "visits"
category = "usage"
purpose = "service"
retention = "30 days"
"#;

pub(crate) fn table(name: &str, set: &str, category: &str) -> TableFacts {
    let field =
        FieldFacts::new("text", DataCategory::new(category.to_owned()), DataOrigin::Observed);
    TableFacts::new(name, set, Strategy::Delete).with_field(field)
}

/// Tables with a time, one without, and one that a law keeps.
pub(crate) fn facts() -> SourceFacts {
    let law = Kept::new("s. 886 TCA", "books of account", "six years");
    let mut bills = table("bills", "bills", "bills");
    bills.strategy = Strategy::Keep(law);
    SourceFacts::new(
        "app",
        vec![
            table("accounts", "account", "account"),
            bills,
            table("drafts", "drafts", "content").knowing_age(),
            table("visits", "logs", "usage").knowing_age(),
        ],
    )
}

pub(crate) struct Process {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) vault: Vault,
    pub(crate) holds: Holds,
    pub(crate) retention: Retention,
}

impl Process {
    /// Does what is due until nothing is, or until it dies.
    pub(crate) async fn settle(&self) {
        while self.step().await.unwrap_or(0) > 0 {}
    }

    pub(crate) async fn step(&self) -> Result<usize> {
        let tasks = Retention::tasks();
        let claim = Claim::Due { tasks: &tasks, lease: Duration::from_secs(600), limit: 8 };
        let leases = self.store.claim(claim).await?;
        for lease in &leases {
            // As the worker does: a fault of one ends no other, and it comes again.
            let _ = self.retention.do_due(lease).await;
        }
        Ok(leases.len())
    }
}

pub(crate) struct World {
    pub(crate) clock: ManualClock,
    pub(crate) store: Arc<dyn Store>,
    root: String,
    pub(crate) source: Arc<MemorySource>,
    pub(crate) declaration: Declaration,
    pub(crate) people: Vec<(TenantId, &'static str, SubjectId)>,
}

impl World {
    /// Two tenants with the same names in each.
    pub(crate) async fn new() -> Self {
        Self::with(facts(), PRIVACY).await
    }

    pub(crate) async fn with(facts: SourceFacts, privacy: &str) -> Self {
        // In the middle of a day, years after the beginning of time.
        let clock = ManualClock::at(Timestamp::from_seconds(1_800_000_000));
        let store: Arc<dyn Store> = Arc::new(MemoryStore::new(Arc::new(clock.clone())));
        let root = RootKeys::generate(&SystemRandom).unwrap();
        let root = root.expose(|text| String::from_utf8(text.to_vec()).unwrap());
        let mut world = Self {
            clock,
            store,
            root,
            source: Arc::new(MemorySource::new(facts, 2)),
            declaration: Declaration::parse(privacy).unwrap(),
            people: Vec::new(),
        };
        let vault = world.process().await.vault;
        for tenant in [ACME, GLOBEX] {
            for name in NAMES {
                let subject = vault.ensure_subject(&tenant, &HostId::text(name)).await.unwrap();
                world.people.push((tenant.clone(), name, subject));
            }
        }
        world
    }

    pub(crate) fn subject(&self, tenant: &TenantId, name: &str) -> SubjectId {
        let is = |person: &&(TenantId, &str, SubjectId)| person.0 == *tenant && person.1 == name;
        self.people.iter().find(is).unwrap().2
    }

    pub(crate) fn now(&self) -> Timestamp {
        bailee_core::Clock::now(&self.clock)
    }

    /// Adds a row of a person that is so many days old.
    pub(crate) fn row(&self, tenant: &TenantId, name: &str, table: &str, days: u32) {
        let whose = Whose::new(tenant.clone(), HostId::text(name), self.subject(tenant, name));
        let key = format!("{tenant}/{name}/{table}/{days}");
        let row = SourceRow { key, values: vec![Value::Text("canary".into())] };
        self.source.insert_at(self.now().minus(DAY * days), &whose, table, row);
    }

    /// The rows that are there, by tenant, person, table and age at the beginning, sorted.
    pub(crate) fn left(&self) -> Vec<String> {
        let mut left: Vec<_> = self.source.contents().into_iter().map(|row| row.key).collect();
        left.sort();
        left
    }

    pub(crate) async fn process(&self) -> Process {
        self.mortal(-1, true).await
    }

    /// A process that dies at its n-th commit, which happens or not.
    pub(crate) async fn mortal(&self, commits: i64, happens: bool) -> Process {
        let store: Arc<dyn Store> =
            Arc::new(Mortal::new(Arc::clone(&self.store), commits, happens));
        let vault = Vault::builder(store.clone(), RootKeys::base64(&self.root).unwrap())
            .clock(Arc::new(self.clock.clone()))
            .open()
            .await
            .unwrap();
        let holds = Holds::new(vault.clone(), self.declaration.clone());
        let source = Arc::clone(&self.source) as Arc<dyn DataSource>;
        let sources = Sources::new(&self.declaration, vec![source]).unwrap();
        let declared = Arc::new(self.declaration.clone());
        let retention = Retention::builder(vault.clone(), declared, sources, holds.clone()).build();
        Process { store, vault, holds, retention }
    }

    /// A process of this world over the database and the keys of another one.
    pub(crate) async fn over(&mut self, other: &Self) -> Process {
        self.root.clone_from(&other.root);
        self.store = Arc::clone(&other.store);
        self.source = Arc::clone(&other.source);
        self.process().await
    }

    pub(crate) async fn hold(&self, tenant: &TenantId, name: &str, sets: &[&str], days: u32) {
        let covers = Covers::Sets(sets.iter().map(|set| (*set).to_owned()).collect());
        let until = self.now().plus(DAY * days);
        let sentence = "We keep what a court has asked us to keep.";
        let reviewer = Id::from_bytes([8; 16]);
        let placing = Placing::new(covers, Reason::LegalClaims, reviewer, until, sentence);
        let holds = self.process().await.holds;
        holds.place(tenant, self.subject(tenant, name), &placing).await.unwrap();
    }

    pub(crate) async fn restrict(&self, tenant: &TenantId, name: &str) {
        let (vault, subject) = (self.process().await.vault, self.subject(tenant, name));
        let choice = Choice::RestrictionBegun { ground: RestrictionGround::AccuracyContested };
        let view = vault.read(tenant, Holder::Subject(subject), &[]).await.unwrap();
        let by = Actor::Subject { subject };
        let change = Ledger::new(vault.clone()).record(tenant, &view, choice, &by).await.unwrap();
        vault.commit(tenant, change.add_to(vault.batch().unwrap())).await.unwrap();
    }

    pub(crate) async fn entries(&self, tenant: &TenantId) -> Vec<LoggedEntry> {
        let (mut window, mut entries) = (Window::default(), Vec::new());
        loop {
            let page = self.store.entries(tenant, window).await.unwrap();
            let Some(last) = page.last() else { return entries };
            window.after = Some((last.entry.at(), last.batch, last.n));
            entries.extend(page);
        }
    }
}
