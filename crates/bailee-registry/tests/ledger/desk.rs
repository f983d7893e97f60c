//! A vault in memory, a ledger in it, and a person.

use std::sync::Arc;

use bailee_core::{
    Actor, Clock, HostId, Id, Locale, ManualClock, ProviderId, PurposeId, SubjectId, SystemRandom,
    TenantId,
};
use bailee_registry::{
    Change, Choice, Decision, Declaration, Given, How, Ledger, Purpose, Standing,
};
use bailee_store::{MemoryStore, Store};
use bailee_vault::{Holder, RootKeys, Vault, View};

pub(crate) const EXAMPLE: &str = include_str!("../../examples/privacy.toml");
pub(crate) const ACME: TenantId = TenantId::from_static("acme");
pub(crate) const TIKTOK: ProviderId = ProviderId::from_static("tiktok");
pub(crate) const NOTES: ProviderId = ProviderId::from_static("notes");
pub(crate) const PUBLISH: PurposeId = PurposeId::from_static("publish.video");
pub(crate) const SAVE: PurposeId = PurposeId::from_static("notes.save");
pub(crate) const ABUSE: PurposeId = PurposeId::from_static("abuse");

pub(crate) struct Desk {
    pub(crate) store: Arc<MemoryStore>,
    pub(crate) clock: ManualClock,
    pub(crate) vault: Vault,
    pub(crate) ledger: Ledger,
    pub(crate) ada: SubjectId,
    root: String,
}

impl Desk {
    pub(crate) async fn new() -> Self {
        let clock = ManualClock::default();
        let store = Arc::new(MemoryStore::new(Arc::new(clock.clone())));
        let root = RootKeys::generate(&SystemRandom).unwrap();
        let root = root.expose(|text| String::from_utf8(text.to_vec()).unwrap());
        let vault = open(&store, &clock, &root).await;
        let ada = vault.ensure_subject(&ACME, &HostId::text(CANARY)).await.unwrap();
        Self { store, clock, ledger: Ledger::new(vault.clone()), vault, ada, root }
    }

    /// The vault of another process over the same store.
    pub(crate) async fn another(&self) -> Vault {
        open(&self.store, &self.clock, &self.root).await
    }

    pub(crate) async fn view(&self) -> View {
        self.vault.read(&ACME, Holder::Subject(self.ada), &[]).await.unwrap()
    }

    pub(crate) async fn standing(&self) -> Standing {
        Standing::read(&self.view().await.standing().unwrap()).unwrap()
    }

    pub(crate) async fn commit(&self, change: Change) -> bailee_core::Result<()> {
        let batch = change.add_to(self.vault.batch()?);
        self.vault.commit(&ACME, batch).await.map(drop)
    }

    pub(crate) fn me(&self) -> Actor {
        Actor::Subject { subject: self.ada }
    }

    pub(crate) fn operator(&self) -> Actor {
        Actor::Operator { operator: Id::from_bytes([8; 16]) }
    }

    pub(crate) fn given(&self, provider: ProviderId, purposes: &[PurposeId]) -> Given {
        Given {
            purposes: purposes.to_vec(),
            integration: Some(provider),
            declaration: [1; 32],
            text: [2; 32],
            locale: Locale::default(),
            how: How::Page,
            by: self.me(),
            until: None,
            guardian: None,
        }
    }

    pub(crate) async fn give(&self, provider: ProviderId, purposes: &[PurposeId]) {
        let given = self.given(provider, purposes);
        let change = self.ledger.give(&ACME, &self.view().await, &given).await.unwrap();
        self.commit(change).await.unwrap();
    }

    pub(crate) async fn withdraw(&self, provider: &ProviderId, purpose: &PurposeId) {
        let view = self.view().await;
        let change =
            self.ledger.withdraw(&ACME, &view, purpose, Some(provider), &self.me()).await.unwrap();
        self.commit(change).await.unwrap();
    }

    pub(crate) async fn record(&self, choice: Choice) {
        let change =
            self.ledger.record(&ACME, &self.view().await, choice, &self.me()).await.unwrap();
        self.commit(change).await.unwrap();
    }

    pub(crate) async fn decide(&self, purpose: &PurposeId, provider: &ProviderId) -> Decision {
        let declaration = Declaration::parse(EXAMPLE).unwrap();
        self.standing().await.decide(
            declaration.purpose(purpose).unwrap(),
            provider,
            self.clock.now(),
        )
    }
}

async fn open(store: &Arc<MemoryStore>, clock: &ManualClock, root: &str) -> Vault {
    Vault::builder(Arc::clone(store) as Arc<dyn Store>, RootKeys::base64(root).unwrap())
        .clock(Arc::new(clock.clone()))
        .open()
        .await
        .unwrap()
}

/// What must not be found in the clear anywhere.
pub(crate) const CANARY: &str = "ada-canary@example.test";

/// A purpose as a declaration says it. The example's own excludes marketing.
pub(crate) fn purpose(declared: &str) -> Purpose {
    let text = EXAMPLE.replace("\"marketing\", ", "");
    let title = "[purposes.\"some.purpose\"]\ntitle = \"Some\"\nplain = \"It is done.\"";
    let declaration = Declaration::parse(&format!("{text}\n{title}\n{declared}\n")).unwrap();
    declaration.purpose(&PurposeId::from_static("some.purpose")).unwrap().clone()
}
