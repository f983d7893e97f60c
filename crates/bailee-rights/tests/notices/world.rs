//! Three tenants with people, a store that dies when it is told to, and processes over it.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use bailee_core::{
    Actor, Clock, HostId, Id, Locale, ManualClock, ProviderId, PurposeId, Result, SubjectId,
    SystemRandom, TenantId, audit::Entry,
};
use bailee_registry::{Choice, Declaration, Given, How, Ledger, versions::Diff};
use bailee_rights::notice::{
    Notices,
    testing::{AddressBook, Mailbox},
};
use bailee_store::{Claim, LoggedEntry, MemoryStore, Store, Window};
use bailee_vault::{Draft, Holder, RootKeys, Vault, kind};
use time::{Date, macros::date};

use crate::mortal::Mortal;

pub(crate) const TENANTS: [TenantId; 3] = [
    TenantId::from_static("acme"),
    TenantId::from_static("globex"),
    TenantId::from_static("initech"),
];
pub(crate) const OPERATOR: Id = Id::from_bytes([8; 16]);
pub(crate) const EFFECTIVE: Date = date!(2026 - 01 - 01);
pub(crate) const CANARY: &str = "canary-ada@people.example";
const NOTES: ProviderId = ProviderId::from_static("notes");
const SAVE: PurposeId = PurposeId::from_static("notes.save");
const BEFORE: &str = include_str!("../../../bailee-registry/examples/privacy.toml");

/// The notes go to another country: a message to those who save some, and nothing to the others.
pub(crate) fn change() -> Diff {
    let after = BEFORE.replace("country = \"US\"", "country = \"IN\"");
    between(&after)
}

/// And the words of what concerns everybody change: those others are told in the application.
pub(crate) fn change_for_all() -> Diff {
    let after = BEFORE
        .replace("country = \"US\"", "country = \"IN\"")
        .replace("We watch for unusual use", "We look for unusual use");
    between(&after)
}

fn between(after: &str) -> Diff {
    assert_ne!(after, BEFORE);
    Diff::between(&Declaration::parse(BEFORE).unwrap(), &Declaration::parse(after).unwrap())
}

/// A process: a vault and a desk over the shared store.
pub(crate) struct Process {
    pub(crate) store: Arc<Mortal>,
    pub(crate) vault: Vault,
    pub(crate) notices: Notices,
}

impl Process {
    /// Does what is due until nothing is, or until it dies.
    pub(crate) async fn settle(&self) {
        while self.step(32).await.unwrap_or(0) > 0 {}
    }

    /// Claims what is due and does it, once.
    pub(crate) async fn step(&self, limit: u32) -> Result<usize> {
        let tasks = Notices::tasks();
        let lease = Duration::from_secs(90);
        let leases = self.store.claim(Claim::Due { tasks: &tasks, lease, limit }).await?;
        for lease in &leases {
            // As the worker does: a fault of one ends no other, and it comes again.
            let _ = self.notices.do_due(lease).await;
        }
        Ok(leases.len())
    }
}

pub(crate) struct World {
    pub(crate) clock: ManualClock,
    pub(crate) store: Arc<dyn Store>,
    root: String,
    pub(crate) book: AddressBook,
    pub(crate) mailbox: Mailbox,
    /// Everybody by tenant, with whether they save notes.
    pub(crate) people: BTreeMap<TenantId, Vec<(SubjectId, bool)>>,
}

impl World {
    /// So many people in each tenant, of whom every second one saves notes.
    pub(crate) async fn new(people: usize) -> Self {
        let clock = ManualClock::default();
        let store: Arc<dyn Store> = Arc::new(MemoryStore::new(Arc::new(clock.clone())));
        Self::over(store, clock, people).await
    }

    pub(crate) async fn over(store: Arc<dyn Store>, clock: ManualClock, people: usize) -> Self {
        let root = RootKeys::generate(&SystemRandom).unwrap();
        let root = root.expose(|text| String::from_utf8(text.to_vec()).unwrap());
        let mut world = Self {
            clock,
            store,
            root,
            book: AddressBook::default(),
            mailbox: Mailbox::default(),
            people: BTreeMap::new(),
        };
        let vault = world.process().await.vault;
        for tenant in TENANTS {
            for n in 0..people {
                let host = HostId::text(format!("person-{n}"));
                let subject = vault.ensure_subject(&tenant, &host).await.unwrap();
                let address = format!("{n}-of-{tenant}-{CANARY}");
                world.book.set(&tenant, &host, &[&address]);
                let saves = n % 2 == 0;
                if saves {
                    world.agree(&vault, &tenant, subject).await;
                }
                world.people.entry(tenant.clone()).or_default().push((subject, saves));
            }
        }
        world
    }

    /// A process that lives.
    pub(crate) async fn process(&self) -> Process {
        self.mortal(-1, true).await
    }

    /// A process that dies at its n-th commit, which happens or not.
    pub(crate) async fn mortal(&self, commits: i64, happens: bool) -> Process {
        let store = Arc::new(Mortal::new(Arc::clone(&self.store), commits, happens));
        let shared: Arc<dyn Store> = Arc::clone(&store) as _;
        let vault = Vault::builder(shared, RootKeys::base64(&self.root).unwrap())
            .clock(Arc::new(self.clock.clone()))
            .open()
            .await
            .unwrap();
        let (book, mailbox) = (Arc::new(self.book.clone()), Arc::new(self.mailbox.clone()));
        let notices = Notices::builder(vault.clone(), book, mailbox).build();
        Process { store, vault, notices }
    }

    async fn agree(&self, vault: &Vault, tenant: &TenantId, subject: SubjectId) {
        let given = Given {
            purposes: vec![SAVE],
            integration: Some(NOTES),
            declaration: [1; 32],
            text: [2; 32],
            locale: Locale::default(),
            how: How::Page,
            by: Actor::Subject { subject },
            until: None,
            guardian: None,
        };
        let view = vault.read(tenant, Holder::Subject(subject), &[]).await.unwrap();
        let change = Ledger::new(vault.clone()).give(tenant, &view, &given).await.unwrap();
        vault.commit(tenant, change.add_to(vault.batch().unwrap())).await.unwrap();
    }

    /// Records a choice of a person.
    pub(crate) async fn record(&self, tenant: &TenantId, subject: SubjectId, choice: Choice) {
        let vault = self.process().await.vault;
        let view = vault.read(tenant, Holder::Subject(subject), &[]).await.unwrap();
        let by = Actor::Subject { subject };
        let ledger = Ledger::new(vault.clone());
        let change = ledger.record(tenant, &view, choice, &by).await.unwrap();
        vault.commit(tenant, change.add_to(vault.batch().unwrap())).await.unwrap();
    }

    /// Erases a person: a tombstone in the place of their record, and their key destroyed.
    pub(crate) async fn erase(&self, tenant: &TenantId, subject: SubjectId) {
        let vault = self.process().await.vault;
        let holder = Holder::Subject(subject);
        let view = vault.read(tenant, holder, &[]).await.unwrap();
        let tombstone = Draft::new(holder.standing(), Holder::Tenant)
            .about(subject)
            .facet(kind::SUBJECT_ERASED)
            .facts(1, "{}");
        let put = vault.put(tenant, tombstone, view.standing_record()).await.unwrap();
        let destroyed = vault.destroy_key(tenant, holder).await.unwrap();
        let entry = Entry::new("subject_key.destroyed", self.clock.now());
        let entry = entry.about(subject).with("of", subject);
        let batch = vault.batch().unwrap().op(put).ops(destroyed).audit(entry);
        vault.commit(tenant, batch).await.unwrap();
    }

    /// The addresses that a message went to, sorted.
    pub(crate) fn reached(&self) -> Vec<String> {
        let mut reached: Vec<String> =
            self.mailbox.taken().into_iter().map(|(_, address, _)| address).collect();
        reached.sort();
        reached
    }

    /// Those who save notes, by address, sorted.
    pub(crate) fn concerned(&self) -> Vec<String> {
        let mut concerned: Vec<String> = self
            .people
            .iter()
            .flat_map(|(tenant, people)| {
                let saving = people.iter().enumerate().filter(|(_, (_, saves))| *saves);
                saving.map(move |(n, _)| format!("{n}-of-{tenant}-{CANARY}"))
            })
            .collect();
        concerned.sort();
        concerned
    }

    /// Every audit entry of the tenants and the system.
    pub(crate) async fn entries(&self) -> Vec<LoggedEntry> {
        let mut entries = Vec::new();
        for tenant in TENANTS.iter().chain([&TenantId::SYSTEM]) {
            let mut window = Window::default();
            loop {
                let page = self.store.entries(tenant, window).await.unwrap();
                let Some(last) = page.last() else { break };
                window.after = Some((last.entry.at(), last.batch, last.n));
                entries.extend(page);
            }
        }
        entries
    }
}
