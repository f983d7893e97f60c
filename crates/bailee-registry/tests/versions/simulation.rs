//! The people whom a new declaration would concern, counted.

use std::sync::Arc;

use bailee_core::{
    Actor, Clock, HostId, Locale, ManualClock, ProviderId, PurposeId, SubjectId, SystemRandom,
    TenantId, audit::Entry,
};
use bailee_registry::{
    AgeBand, AgeMethod, Choice, Given, How, Ledger, RestrictionGround, Standing, versions::Diff,
};
use bailee_store::{MemoryStore, Op, Store};
use bailee_vault::{Draft, Holder, RootKeys, Vault, kind};

use crate::desk::{PUBLISHER, diff, parse, replaced};

const ACME: TenantId = TenantId::from_static("acme");
const OTHER: TenantId = TenantId::from_static("other");
const TIKTOK: ProviderId = ProviderId::from_static("tiktok");
const PUBLISH: PurposeId = PurposeId::from_static("publish.content");
const SUGGEST: PurposeId = PurposeId::from_static("captions.suggest");

struct Desk {
    vault: Vault,
    ledger: Ledger,
    clock: ManualClock,
}

impl Desk {
    async fn new() -> Self {
        let clock = ManualClock::default();
        let store: Arc<dyn Store> = Arc::new(MemoryStore::new(Arc::new(clock.clone())));
        let root = RootKeys::generate(&SystemRandom).unwrap();
        let root = root.expose(|text| String::from_utf8(text.to_vec()).unwrap());
        let vault = Vault::builder(store, RootKeys::base64(&root).unwrap());
        let vault = vault.clock(Arc::new(clock.clone())).open().await.unwrap();
        Self { ledger: Ledger::new(vault.clone()), vault, clock }
    }

    async fn person(&self, tenant: &TenantId, name: &str) -> SubjectId {
        self.vault.ensure_subject(tenant, &HostId::text(name)).await.unwrap()
    }

    async fn agrees(
        &self,
        tenant: &TenantId,
        person: SubjectId,
        purpose: PurposeId,
        through: Option<ProviderId>,
    ) {
        let given = Given {
            purposes: vec![purpose],
            integration: through,
            declaration: [1; 32],
            text: [2; 32],
            locale: Locale::default(),
            how: How::Page,
            by: Actor::Subject { subject: person },
            until: Some(self.clock.now().plus(std::time::Duration::from_secs(3600))),
            guardian: None,
        };
        let view = self.vault.read(tenant, Holder::Subject(person), &[]).await.unwrap();
        let change = self.ledger.give(tenant, &view, &given).await.unwrap();
        self.commit(tenant, change).await;
    }

    async fn commit(&self, tenant: &TenantId, change: bailee_registry::Change) {
        let batch = change.add_to(self.vault.batch().unwrap());
        self.vault.commit(tenant, batch).await.unwrap();
    }

    /// Leaves a tombstone, as an erasure does.
    async fn erase(&self, tenant: &TenantId, person: SubjectId) {
        let holder = Holder::Subject(person);
        let view = self.vault.read(tenant, holder, &[]).await.unwrap();
        let record = view.standing_record().unwrap();
        let draft = Draft::new(record.key.clone(), Holder::Tenant)
            .facet(kind::SUBJECT_ERASED)
            .facts(Standing::SCHEMA, Standing::default().to_json().unwrap());
        let tombstone = self.vault.put(tenant, draft, Some(record)).await.unwrap();
        self.commit_ops(tenant, vec![tombstone]).await;
        self.destroy_key(tenant, person).await;
    }

    async fn destroy_key(&self, tenant: &TenantId, person: SubjectId) {
        let ops = self.vault.destroy_key(tenant, Holder::Subject(person)).await.unwrap();
        self.commit_ops(tenant, ops).await;
    }

    async fn commit_ops(&self, tenant: &TenantId, ops: Vec<Op>) {
        let entry = Entry::new("host.fields.set", self.clock.now());
        let batch = self.vault.batch().unwrap().ops(ops).audit(entry);
        self.vault.commit(tenant, batch).await.unwrap();
    }
}

fn new_scope() -> Diff {
    let scope = "\"video.publish\" = [\"publish.content\"]";
    diff(scope, &format!("{scope}\n\"video.upload\" = [\"publish.content\"]"))
}

#[tokio::test]
async fn those_who_agreed_are_asked_and_nobody_else() {
    let desk = Desk::new().await;
    for n in 0..7 {
        let tenant = if n < 5 { &ACME } else { &OTHER };
        let person = desk.person(tenant, &format!("person {n}")).await;
        if n % 2 == 0 {
            desk.agrees(tenant, person, PUBLISH, Some(TIKTOK)).await;
        }
        desk.agrees(tenant, person, SUGGEST, None).await;
    }
    let both = [ACME, OTHER];
    let simulation = desk.ledger.simulate(&both, &new_scope()).await.unwrap();
    assert_eq!((simulation.people, simulation.told, simulation.asked), (7, 4, 4));
    assert_eq!(simulation.by_message, 4);
    assert_eq!(simulation.consents, [((Some(TIKTOK), PUBLISH), 4)].into());
    let one = desk.ledger.simulate(&[OTHER], &new_scope()).await.unwrap();
    assert_eq!((one.people, one.asked), (2, 1));
    // Whose agreement is over is told and not asked: there is nothing to renew.
    desk.clock.advance(std::time::Duration::from_secs(3600));
    let later = desk.ledger.simulate(&both, &new_scope()).await.unwrap();
    assert_eq!((later.told, later.asked), (4, 0));
    let nothing = Diff::between(&parse(PUBLISHER), &parse(PUBLISHER));
    let nothing = desk.ledger.simulate(&both, &nothing).await.unwrap();
    assert_eq!((nothing.people, nothing.told, nothing.asked), (7, 0, 0));
}

#[tokio::test]
async fn whoever_was_erased_or_is_a_child_is_not_told_and_whoever_is_restricted_is() {
    let desk = Desk::new().await;
    let [erased, child, restricted] = ["erased", "child", "restricted"];
    let mut people = Vec::new();
    for name in [erased, child, restricted] {
        let person = desk.person(&ACME, name).await;
        desk.agrees(&ACME, person, PUBLISH, Some(TIKTOK)).await;
        people.push(person);
    }
    desk.erase(&ACME, people[0]).await;
    let view = desk.vault.read(&ACME, Holder::Subject(people[1]), &[]).await.unwrap();
    let by = Actor::Subject { subject: people[1] };
    let learnt = desk
        .ledger
        .learn_age(&ACME, &view, AgeBand::Child, AgeMethod::Declared, &by)
        .await
        .unwrap();
    desk.commit(&ACME, learnt.change).await;
    let view = desk.vault.read(&ACME, Holder::Subject(people[2]), &[]).await.unwrap();
    let ground = Choice::RestrictionBegun { ground: RestrictionGround::Unlawful };
    let by = Actor::Subject { subject: people[2] };
    let change = desk.ledger.record(&ACME, &view, ground, &by).await.unwrap();
    desk.commit(&ACME, change).await;

    let simulation = desk.ledger.simulate(&[ACME], &new_scope()).await.unwrap();
    assert_eq!((simulation.people, simulation.erased), (2, 1));
    assert_eq!((simulation.told, simulation.asked), (1, 1));
}

#[tokio::test]
async fn everybody_is_told_where_an_account_may_exist_without_a_consent() {
    let desk = Desk::new().await;
    desk.person(&ACME, "somebody").await;
    // The integration also serves a purpose that rests on legitimate interests.
    let promise = diff("scopes = [\"user.info.stats\", \"video.list\"]", "scopes = []");
    let told = desk.ledger.simulate(&[ACME], &promise).await.unwrap();
    assert_eq!((told.told, told.by_message, told.asked), (1, 1, 0));
    // One that serves consents alone has no account of somebody who gave none.
    let alone = replaced(
        PUBLISHER,
        "name = \"times of use\"\ncategory = \"identity\"\npurpose = \"abuse\"\nretention = \
         \"evidence\"\n\n[integrations.tiktok.never]",
        "name = \"times of use\"\ncategory = \"identity\"\npurpose = \"publish.content\"\n\
         retention = \"evidence\"\n\n[integrations.tiktok.never]",
    );
    let fewer = replaced(&alone, "scopes = [\"user.info.stats\", \"video.list\"]", "scopes = []");
    let promise = Diff::between(&parse(&alone), &parse(&fewer));
    let told = desk.ledger.simulate(&[ACME], &promise).await.unwrap();
    assert_eq!((told.people, told.told), (1, 0));
}

#[tokio::test]
async fn who_cannot_be_read_is_counted_and_stops_nobody_else() {
    let desk = Desk::new().await;
    for name in ["one", "two"] {
        let person = desk.person(&ACME, name).await;
        desk.agrees(&ACME, person, PUBLISH, Some(TIKTOK)).await;
        if name == "one" {
            desk.destroy_key(&ACME, person).await;
        }
    }
    let simulation = desk.ledger.simulate(&[ACME], &new_scope()).await.unwrap();
    assert_eq!((simulation.people, simulation.unreadable, simulation.asked), (2, 1, 1));
}

#[tokio::test]
async fn more_people_than_a_page_are_counted_once_each() {
    let desk = Desk::new().await;
    for n in 0..1203 {
        desk.person(&ACME, &format!("person {n}")).await;
    }
    let simulation = desk.ledger.simulate(&[ACME], &new_scope()).await.unwrap();
    assert_eq!((simulation.people, simulation.told), (1203, 0));
}
