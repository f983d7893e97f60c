//! One tenant with one person, the desk and the identity service over a store.

#![expect(clippy::unwrap_used, reason = "a fixture of tests")]

use std::{sync::Arc, time::Duration};

use bailee_core::{
    Clock, ErrorKind, HostId, Id, Locale, ManualClock, Result, SubjectId, SystemRandom, TenantId,
    audit::Entry,
};
use bailee_registry::Declaration;
use bailee_rights::{
    Additions,
    identity::{Checked, Code, Identity, Outcome},
    message::{Letter, Messages},
    notice::testing::{AddressBook, Mailbox},
};
use bailee_store::{Claim, LoggedEntry, MemoryStore, Query, Record, Store, Window};
use bailee_vault::{Draft, Holder, RootKeys, Vault, kind};

pub(crate) const ACME: TenantId = TenantId::from_static("acme");
pub(crate) const REQUEST: Id = Id::from_bytes([5; 16]);
pub(crate) const CANARY: &str = "canary-ada@people.example";
pub(crate) const PRIVACY: &str = include_str!("../../../bailee-registry/examples/privacy.toml");

pub(crate) struct World {
    pub(crate) clock: ManualClock,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) vault: Vault,
    pub(crate) book: AddressBook,
    pub(crate) mailbox: Mailbox,
    pub(crate) ada: SubjectId,
}

impl World {
    pub(crate) async fn new() -> Self {
        let clock = ManualClock::default();
        let store: Arc<dyn Store> = Arc::new(MemoryStore::new(Arc::new(clock.clone())));
        Self::over(store, clock).await
    }

    pub(crate) async fn over(store: Arc<dyn Store>, clock: ManualClock) -> Self {
        let root = RootKeys::generate(&SystemRandom).unwrap();
        let root = root.expose(|text| String::from_utf8(text.to_vec()).unwrap());
        let vault = Vault::builder(store.clone(), RootKeys::base64(&root).unwrap())
            .clock(Arc::new(clock.clone()))
            .open()
            .await
            .unwrap();
        let (book, mailbox) = (AddressBook::default(), Mailbox::default());
        let ada = vault.ensure_subject(&ACME, &person()).await.unwrap();
        book.set(&ACME, &person(), &[CANARY]);
        Self { clock, store, vault, book, mailbox, ada }
    }

    pub(crate) fn messages(&self) -> Messages {
        let declaration = Arc::new(Declaration::parse(PRIVACY).unwrap());
        let seams = (Arc::new(self.book.clone()), Arc::new(self.mailbox.clone()));
        Messages::builder(self.vault.clone(), declaration, seams.0, seams.1).build()
    }

    pub(crate) fn identity(&self) -> Identity {
        Identity::builder(self.messages()).build()
    }

    /// Commits what something gave, with the person's fence, as an engine does.
    pub(crate) async fn commit(&self, additions: Additions) -> Result<()> {
        let view = self.vault.read(&ACME, Holder::Subject(self.ada), &[]).await?;
        let batch = additions.add_to(self.vault.batch()?.op(view.fence()?));
        // What says nothing itself joins a change that does.
        let batch = batch.audit(Entry::new("work.finished", self.clock.now()));
        self.vault.commit(&ACME, batch).await.map(|_| ())
    }

    pub(crate) async fn queue(&self, letter: Letter) {
        let additions = self.messages().queue(&ACME, self.ada, letter).await.unwrap();
        self.commit(additions).await.unwrap();
    }

    /// Guesses as an engine lets somebody: what was not committed was not said.
    pub(crate) async fn guess(&self, request: Id, code: &str) -> Outcome {
        let (identity, code) = (self.identity(), Code::parse(code).unwrap());
        loop {
            let Checked { outcome, additions, .. } =
                identity.check_code(&ACME, self.ada, request, &code).await.unwrap();
            if additions.is_empty() {
                return outcome;
            }
            match self.commit(additions).await {
                Err(error) if error.kind() == ErrorKind::Conflict => {}
                done => {
                    done.unwrap();
                    return outcome;
                }
            }
        }
    }

    /// Does what is due, once.
    pub(crate) async fn step(&self) -> usize {
        let tasks = Messages::tasks();
        let lease = Duration::from_secs(90);
        let leases = self.store.claim(Claim::Due { tasks: &tasks, lease, limit: 8 }).await.unwrap();
        for lease in &leases {
            self.messages().do_due(lease).await.unwrap();
        }
        leases.len()
    }

    /// Does what is due until nothing is.
    pub(crate) async fn settle(&self) {
        while self.step().await > 0 {}
    }

    /// Lets time go by, an hour at a time.
    pub(crate) async fn hours(&self, hours: u32) {
        for _ in 0..hours {
            self.clock.advance(Duration::from_secs(3600));
            self.settle().await;
        }
    }

    /// The only eight digits that stand alone in the letters that were taken.
    pub(crate) fn codes(&self) -> Vec<String> {
        let texts = self.mailbox.taken().into_iter().map(|taken| taken.2.document().to_markdown());
        let code = |text: String| {
            let digits = |line: &&str| line.len() == 8 && line.bytes().all(|b| b.is_ascii_digit());
            text.lines().find(digits).map(str::to_owned)
        };
        texts.filter_map(code).collect()
    }

    /// Every record of the person.
    pub(crate) async fn records(&self) -> Vec<Record> {
        self.store.find(&ACME, &Query::of_subject(self.ada)).await.unwrap().records
    }

    /// Erases the person: every record, a tombstone in the place of theirs, and the key destroyed.
    pub(crate) async fn erase(&self) {
        let holder = Holder::Subject(self.ada);
        let view = self.vault.read(&ACME, holder, &[]).await.unwrap();
        let tombstone = Draft::new(holder.standing(), Holder::Tenant)
            .about(self.ada)
            .facet(kind::SUBJECT_ERASED)
            .facts(1, "{}");
        let put = self.vault.put(&ACME, tombstone, view.standing_record()).await.unwrap();
        let destroyed = self.vault.destroy_key(&ACME, holder).await.unwrap();
        let entry = Entry::new("subject_key.destroyed", self.clock.now());
        let entry = entry.about(self.ada).with("of", self.ada);
        let batch = self.vault.batch().unwrap().op(put).ops(destroyed).audit(entry);
        self.vault.commit(&ACME, batch).await.unwrap();
    }

    /// Every audit entry of the tenant.
    pub(crate) async fn entries(&self) -> Vec<LoggedEntry> {
        self.store.entries(&ACME, Window::default()).await.unwrap()
    }
}

pub(crate) fn person() -> HostId {
    HostId::text("ada")
}

pub(crate) fn english() -> Locale {
    Locale::default()
}
