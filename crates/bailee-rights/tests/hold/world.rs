//! A tenant with people, and a desk that holds what is theirs.

use std::{sync::Arc, time::Duration};

use bailee_core::{
    HostId, Id, ManualClock, SubjectId, SystemRandom, TenantId, Timestamp, audit::Entry,
};
use bailee_registry::Declaration;
use bailee_rights::{
    hold::{Covers, Holds, Passed, Placing},
    request::Reason,
};
use bailee_store::{Claim, Kind, Lease, LoggedEntry, MemoryStore, Store, Window};
use bailee_vault::{Draft, Holder, RootKeys, Vault, kind};

pub(crate) const ACME: TenantId = TenantId::from_static("acme");
pub(crate) const REVIEWER: Id = Id::from_bytes([8; 16]);
pub(crate) const REQUEST: Id = Id::from_bytes([4; 16]);
pub(crate) const DAY: Duration = Duration::from_secs(86_400);
const PRIVACY: &str = r#"
role = "controller"

[controller]
name = "Example Ltd"
contact = "privacy@example.test"
address = "1 Example Street, Dublin 2, Ireland"
country = "IE"

[categories]
account = "your account"
bills = "your bills"

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
"#;

pub(crate) struct World {
    pub(crate) clock: ManualClock,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) vault: Vault,
    pub(crate) holds: Holds,
    pub(crate) ada: SubjectId,
}

impl World {
    pub(crate) async fn new() -> Self {
        let clock = ManualClock::default();
        let store: Arc<dyn Store> = Arc::new(MemoryStore::new(Arc::new(clock.clone())));
        let root = RootKeys::generate(&SystemRandom).unwrap();
        let root = root.expose(|text| String::from_utf8(text.to_vec()).unwrap());
        let vault = Vault::builder(store.clone(), RootKeys::base64(&root).unwrap())
            .clock(Arc::new(clock.clone()))
            .open()
            .await
            .unwrap();
        let ada = vault.ensure_subject(&ACME, &HostId::text("canary-ada")).await.unwrap();
        let holds = Holds::new(vault.clone(), Declaration::parse(PRIVACY).unwrap());
        Self { clock, store, vault, holds, ada }
    }

    /// So many days from now.
    pub(crate) fn days(&self, days: u32) -> Timestamp {
        self.vault.clock().now().plus(DAY * days)
    }

    pub(crate) fn placing(&self, covers: Covers, days: u32) -> Placing {
        let sentence = "We keep what a court has asked us to keep.";
        Placing::new(covers, Reason::LegalClaims, REVIEWER, self.days(days), sentence)
    }

    /// Claims what is due of some tasks.
    pub(crate) async fn claim(&self, tasks: &[Kind]) -> Vec<Lease> {
        let claim = Claim::Due { tasks, lease: Duration::from_secs(600), limit: 32 };
        self.store.claim(claim).await.unwrap()
    }

    /// Does what is due of holds.
    pub(crate) async fn settle(&self) -> Vec<Passed> {
        let mut passed = Vec::new();
        loop {
            let due = self.claim(&Holds::tasks()).await;
            if due.is_empty() {
                return passed;
            }
            for lease in &due {
                passed.extend(self.holds.do_due(lease).await.unwrap());
            }
        }
    }

    /// The requests whose part is due.
    pub(crate) async fn parts_due(&self) -> Vec<Id> {
        let due = self.claim(&[Kind::from_static("rights.part")]).await;
        due.into_iter().map(|lease| lease.task.id).collect()
    }

    /// Leaves a tombstone in the place of a person.
    pub(crate) async fn erase(&self, subject: SubjectId) {
        let holder = Holder::Subject(subject);
        let view = self.vault.read(&ACME, holder, &[]).await.unwrap();
        let tombstone = Draft::new(holder.standing(), Holder::Tenant)
            .about(subject)
            .facet(kind::SUBJECT_ERASED)
            .facts(1, "{}");
        let put = self.vault.put(&ACME, tombstone, view.standing_record()).await.unwrap();
        let destroyed = self.vault.destroy_key(&ACME, holder).await.unwrap();
        let entry = Entry::new("subject_key.destroyed", self.vault.clock().now());
        let entry = entry.about(subject).with("of", subject);
        let batch = self.vault.batch().unwrap().op(put).ops(destroyed).audit(entry);
        self.vault.commit(&ACME, batch).await.unwrap();
    }

    pub(crate) async fn entries(&self) -> Vec<LoggedEntry> {
        self.store.entries(&ACME, Window::default()).await.unwrap()
    }
}
