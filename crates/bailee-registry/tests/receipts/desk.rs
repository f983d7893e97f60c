//! A vault whose ids are the same in every run, a ledger, a log, a person.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};
use std::time::Duration;

use bailee_audit::{Json, Keyring, LogName, Receipt, VerifiedReceipt, verify_receipt};
use bailee_core::{
    Actor, Clock, HostId, Id, Locale, ManualClock, ProviderId, PurposeId, Random, Result,
    SubjectId, SystemRandom, TenantId, sha256,
};
use bailee_registry::{
    AuditLog, Catalogue, Change, Choice, Declaration, Given, How, Ledger, ReceiptForm, Texts,
};
use bailee_store::{MemoryStore, Store};
use bailee_vault::{Holder, RootKeys, Vault, View};

pub(crate) const ACME: TenantId = TenantId::from_static("acme");
pub(crate) const TIKTOK: ProviderId = ProviderId::from_static("tiktok");
pub(crate) const FORMS: [ReceiptForm; 3] =
    [ReceiptForm::Kantara, ReceiptForm::Receipt27560, ReceiptForm::Record27560];

/// A declaration with everything that every form needs.
pub(crate) fn source() -> String {
    let example = include_str!("../../examples/publisher.toml");
    let contact = "contact = \"privacy@publisher.example\"\n";
    assert!(example.contains(contact));
    example.replace(contact, &format!("{contact}phone = \"+353 1 234 5678\"\n"))
}

pub(crate) fn texts(source: &str) -> Texts {
    Texts::new(Declaration::parse(source).unwrap(), Catalogue::english())
}

pub(crate) struct Desk {
    pub(crate) clock: ManualClock,
    pub(crate) vault: Vault,
    pub(crate) ledger: Ledger,
    pub(crate) log: AuditLog,
    pub(crate) ada: SubjectId,
}

/// What nobody may take for randomness but a test.
#[derive(Debug, Default)]
struct Drawn(AtomicU64);

impl Random for Drawn {
    fn fill(&self, buffer: &mut [u8]) -> Result<()> {
        for chunk in buffer.chunks_mut(32) {
            let number = self.0.fetch_add(1, Ordering::SeqCst);
            chunk.copy_from_slice(&sha256(&number.to_be_bytes())[..chunk.len()]);
        }
        Ok(())
    }
}

impl Desk {
    pub(crate) async fn new() -> Self {
        let clock = ManualClock::at(bailee_core::Timestamp::from_seconds(1_748_779_200));
        let shared: Arc<dyn Clock> = Arc::new(clock.clone());
        let store: Arc<dyn Store> = Arc::new(MemoryStore::new(Arc::clone(&shared)));
        let root = RootKeys::generate(&SystemRandom).unwrap();
        let root = root.expose(|text| String::from_utf8(text.to_vec()).unwrap());
        let vault = Vault::builder(store, RootKeys::base64(&root).unwrap())
            .clock(shared)
            .random(Arc::new(Drawn::default()))
            .open()
            .await
            .unwrap();
        let ada = vault.ensure_subject(&ACME, &HostId::text("ada-canary")).await.unwrap();
        let name = LogName::new("publisher.example/log").unwrap();
        let log = AuditLog::open(vault.clone(), name).await.unwrap();
        Self { clock, ledger: Ledger::new(vault.clone()), vault, log, ada }
    }

    /// The time in a while.
    pub(crate) fn clock_in(&self, time: Duration) -> bailee_core::Timestamp {
        self.clock.now().plus(time)
    }

    pub(crate) fn me(&self) -> Actor {
        Actor::Subject { subject: self.ada }
    }

    pub(crate) async fn view(&self) -> View {
        self.vault.read(&ACME, Holder::Subject(self.ada), &[]).await.unwrap()
    }

    pub(crate) fn given(&self, purpose: &PurposeId, declaration: [u8; 32]) -> Given {
        Given {
            purposes: vec![purpose.clone()],
            integration: Some(TIKTOK),
            declaration,
            text: [2; 32],
            locale: Locale::new("en-IE").unwrap(),
            how: How::Page,
            by: self.me(),
            until: None,
            guardian: None,
        }
    }

    /// Commits a change a minute later and gives the id of its last record.
    pub(crate) async fn commit(&self, change: Change) -> Id {
        let batch = change.add_to(self.vault.batch().unwrap());
        self.vault.commit(&ACME, batch).await.unwrap();
        self.clock.advance(Duration::from_secs(60));
        self.ledger.history(&ACME, self.ada).await.unwrap().last().unwrap().id
    }

    pub(crate) async fn give(&self, given: &Given) -> Id {
        self.commit(self.ledger.give(&ACME, &self.view().await, given).await.unwrap()).await
    }

    pub(crate) async fn refuse(&self, given: &Given) -> Id {
        self.commit(self.ledger.refuse(&ACME, &self.view().await, given).await.unwrap()).await
    }

    pub(crate) async fn withdraw(&self, purpose: &PurposeId) -> Id {
        let (view, me) = (self.view().await, self.me());
        let change = self.ledger.withdraw(&ACME, &view, purpose, Some(&TIKTOK), &me).await;
        self.commit(change.unwrap()).await
    }

    pub(crate) async fn expire(&self) -> Id {
        let change = self.ledger.expire(&ACME, &self.view().await, &Actor::System).await;
        self.commit(change.unwrap()).await
    }

    pub(crate) async fn record(&self, choice: Choice) -> Id {
        let change = self.ledger.record(&ACME, &self.view().await, choice, &self.me()).await;
        self.commit(change.unwrap()).await
    }

    pub(crate) async fn receipt(
        &self,
        record: Id,
        texts: &Texts,
        form: ReceiptForm,
    ) -> Result<Receipt> {
        self.ledger.receipt_for(&self.log, &ACME, self.ada, record, texts, form).await
    }

    pub(crate) async fn keys(&self) -> Keyring {
        Keyring::new(self.log.keys().await.unwrap().into_iter().map(|one| one.key))
    }

    /// The receipt as whoever gets its bytes sees it.
    pub(crate) async fn verified(&self, record: Id, form: ReceiptForm) -> VerifiedReceipt {
        let bytes = self.receipt(record, &texts(&source()), form).await.unwrap().to_bytes();
        verify_receipt(&bytes.unwrap(), &self.keys().await).unwrap()
    }

    pub(crate) async fn content(&self, record: Id, form: ReceiptForm) -> Json {
        self.verified(record, form).await.statement.content
    }
}
