//! A vault with a person in two tenants, and sources full of what is theirs.

use std::sync::Arc;

use bailee_core::{
    DataCategory, HostId, Id, ManualClock, SubjectId, SystemRandom, TenantId, Timestamp,
};
use bailee_registry::{Catalogue, DataOrigin, Declaration, Document, Texts};
use bailee_rights::{
    package::{ByteSink, Closing, MemorySpool, Order, Packages, Segment, Spool, StoredPackage},
    request::Right,
    source::{
        DataSource, FieldFacts, MemorySource, SourceFacts, SourceRow, Strategy, TableFacts, Value,
        Whose,
    },
};
use bailee_store::{Fence, MemoryStore, Store};
use bailee_vault::{RootKeys, Vault};

pub(crate) const ACME: TenantId = TenantId::from_static("acme");
pub(crate) const GLOBEX: TenantId = TenantId::from_static("globex");
pub(crate) const REQUEST: Id = Id::from_bytes([0x5a; 16]);
pub(crate) const CANARY: &str = "canary-ada";
/// What another person's field holds, and no package may.
pub(crate) const OTHERS: &str = "canary-of-another-person";

const DECLARATION: &str = r#"
role = "controller"

[controller]
name = "Example & Söhne <Ltd>"
contact = "privacy@example.test"
address = "1 Example Street, Dublin 2, Ireland"
country = "IE"

[categories]
content = "what you write here"
contacts = "whom you write to"
usage = "when you use the service"

[purposes.service]
title = "The service"
plain = "run the service"
use = "service"
basis = "contract"

[purposes.security]
title = "Security"
plain = "keep the service safe"
use = "security"
basis = "legitimate_interests"
assessment = "nobody could use a service that is not safe"

[data_sets.content]
title = "What you write"
origin = "provided"

[[data_sets.content.data]]
name = "posts"
category = "content"
purpose = "service"
retention = "until_account_deleted"

[[data_sets.content.data]]
name = "recipients"
category = "contacts"
purpose = "service"
retention = "until_account_deleted"

[data_sets.logs]
title = "How you use the service"
origin = "observed"

[[data_sets.logs.data]]
name = "visits"
category = "usage"
purpose = "security"
retention = "until_account_deleted"
"#;

pub(crate) struct World {
    pub(crate) vault: Vault,
    pub(crate) clock: ManualClock,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) spool: MemorySpool,
    pub(crate) packages: Packages,
    pub(crate) declaration: Declaration,
    pub(crate) information: Document,
    pub(crate) catalogue: Catalogue,
    pub(crate) ada: Whose,
    pub(crate) ada_at_globex: Whose,
    pub(crate) ben: SubjectId,
}

impl World {
    pub(crate) async fn new() -> Self {
        let clock = ManualClock::default();
        let store: Arc<dyn Store> = Arc::new(MemoryStore::new(Arc::new(clock.clone())));
        let root = RootKeys::generate(&SystemRandom).unwrap();
        let root = root.expose(|text| String::from_utf8(text.to_vec()).unwrap());
        let vault = Vault::builder(Arc::clone(&store), RootKeys::base64(&root).unwrap())
            .clock(Arc::new(clock.clone()))
            .open()
            .await
            .unwrap();
        let ada = whose(&vault, &ACME, "ada").await;
        let ada_at_globex = whose(&vault, &GLOBEX, "ada").await;
        let ben = whose(&vault, &ACME, "ben").await.subject();
        let spool = MemorySpool::default();
        let packages = Packages::new(vault.clone(), Arc::new(spool.clone()));
        let declaration = Declaration::parse(DECLARATION).unwrap();
        let catalogue = Catalogue::english();
        let information = Texts::new(declaration.clone(), catalogue.clone()).information();
        Self {
            vault,
            clock,
            store,
            spool,
            packages,
            declaration,
            information,
            catalogue,
            ada,
            ada_at_globex,
            ben,
        }
    }

    /// The same over another spool.
    pub(crate) fn over(&self, spool: Arc<dyn Spool>) -> Packages {
        Packages::new(self.vault.clone(), spool)
    }

    pub(crate) fn order(&self, right: Right) -> Order {
        let at = Timestamp::from_seconds(1_748_779_200);
        Order::new(ACME, self.ada.subject(), REQUEST, right, at)
    }

    pub(crate) fn closing(&self) -> Closing<'_> {
        let received = Timestamp::from_seconds(1_748_000_000);
        Closing::new(&self.declaration, &self.catalogue, &self.information, "eu", received)
    }

    pub(crate) async fn collect(&self, order: &Order, source: &dyn DataSource) -> Segment {
        self.collect_of(order, source, &self.ada, Fence(7)).await
    }

    pub(crate) async fn collect_of(
        &self,
        order: &Order,
        source: &dyn DataSource,
        whose: &Whose,
        fence: Fence,
    ) -> Segment {
        let packages = &self.packages;
        packages.collect_source(order, &self.declaration, source, whose, fence).await.unwrap()
    }

    pub(crate) async fn close(&self, order: &Order, segments: &[Segment]) -> StoredPackage {
        self.packages.close(order, &self.closing(), segments, Fence(9)).await.unwrap()
    }

    /// A package of one source.
    pub(crate) async fn package_of(&self, right: Right, source: &dyn DataSource) -> StoredPackage {
        let order = self.order(right);
        let segment = self.collect(&order, source).await;
        self.close(&order, &[segment]).await
    }

    pub(crate) async fn bytes(&self, stored: &StoredPackage) -> Vec<u8> {
        let mut bytes = Vec::new();
        let package = self.packages.open(stored);
        package.stream_to(0..package.len(), &mut bytes).await.unwrap();
        assert_eq!(bytes.len() as u64, stored.length);
        bytes
    }

    /// As the vault's erasure ends a person: the key is gone.
    pub(crate) async fn destroy_key(&self, whose: &Whose) {
        use bailee_core::{Clock as _, audit::Entry};
        use bailee_vault::{Draft, Holder, kind};
        let holder = Holder::Subject(whose.subject());
        let view = self.vault.read(whose.tenant(), holder, &[]).await.unwrap();
        let tombstone = Draft::new(holder.standing(), Holder::Tenant)
            .about(whose.subject())
            .facet(kind::SUBJECT_ERASED)
            .facts(1, "{}");
        let put = self.vault.put(whose.tenant(), tombstone, view.standing_record()).await.unwrap();
        let destroyed = self.vault.destroy_key(whose.tenant(), holder).await.unwrap();
        let entry = Entry::new("subject_key.destroyed", self.clock.now());
        let entry = entry.about(whose.subject()).with("of", whose.subject());
        let batch = self.vault.batch().unwrap().op(put).ops(destroyed).audit(entry);
        self.vault.commit(whose.tenant(), batch).await.unwrap();
    }
}

async fn whose(vault: &Vault, tenant: &TenantId, name: &str) -> Whose {
    let host = HostId::text(name);
    let subject = vault.ensure_subject(tenant, &host).await.unwrap();
    Whose::new(tenant.clone(), host, subject)
}

pub(crate) fn field(name: &str, category: &str, origin: DataOrigin) -> FieldFacts {
    FieldFacts::new(name, DataCategory::new(category), origin)
}

/// Posts, messages with another person's name, visits, and a table with nothing in it.
pub(crate) fn facts() -> SourceFacts {
    let posts = TableFacts::new("posts", "content", Strategy::Delete)
        .with_field(field("title", "content", DataOrigin::Provided))
        .with_field(field("body", "content", DataOrigin::Provided))
        .with_field(field("picture", "content", DataOrigin::Provided))
        .with_field(field("extra", "content", DataOrigin::Provided))
        .with_field(field("score", "content", DataOrigin::Inferred));
    let messages = TableFacts::new("messages", "content", Strategy::Delete)
        .with_field(field("text", "content", DataOrigin::Provided))
        .with_field(field("to", "contacts", DataOrigin::Provided).of_another());
    let visits = TableFacts::new("visits", "logs", Strategy::Delete).with_field(field(
        "at",
        "usage",
        DataOrigin::Observed,
    ));
    let drafts = TableFacts::new("drafts", "content", Strategy::Delete).with_field(field(
        "text",
        "content",
        DataOrigin::Provided,
    ));
    SourceFacts::new("main", vec![posts, messages, visits, drafts])
}

pub(crate) fn row(key: impl Into<String>, values: Vec<Value>) -> SourceRow {
    SourceRow { key: key.into(), values }
}

pub(crate) fn text(text: impl Into<String>) -> Value {
    Value::Text(text.into())
}

/// A source with a little of everything.
pub(crate) fn source(of: &Whose) -> MemorySource {
    let source = MemorySource::new(facts(), 10);
    let picture = [b"\x89PNG\r\n\x1a\n".as_slice(), &[7; 20_000]].concat();
    source.insert(
        of,
        "posts",
        row(
            "1",
            vec![
                text(format!("{CANARY} one")),
                text("a\nb \"c\" \u{1f600} \0 é"),
                Value::Bytes(picture),
                Value::Json("{\"z\": [1, 2.50],\n \"a\": \"x\"}".into()),
                Value::Real(0.25),
            ],
        ),
    );
    source.insert(
        of,
        "posts",
        row(
            "2",
            vec![
                text("=cmd|' /C calc'!A0"),
                Value::Null,
                Value::Bytes(vec![0, 1, 2]),
                Value::Null,
                Value::Integer(-7),
            ],
        ),
    );
    source.insert(of, "messages", row("m", vec![text("hello"), text(OTHERS)]));
    source.insert(of, "visits", row("v", vec![Value::Integer(1_748_779_200)]));
    source
}

/// A sink that gives up after so many bytes.
#[derive(Debug)]
pub(crate) struct Breaks(pub(crate) usize);

#[async_trait::async_trait]
impl ByteSink for Breaks {
    async fn take(&mut self, bytes: &[u8]) -> bailee_core::Result<()> {
        self.0 = self.0.checked_sub(bytes.len()).ok_or(bailee_core::ErrorKind::HostFailed)?;
        Ok(())
    }
}

/// A file on a disk.
#[derive(Debug)]
pub(crate) struct File(pub(crate) std::fs::File);

#[async_trait::async_trait]
impl ByteSink for File {
    async fn take(&mut self, bytes: &[u8]) -> bailee_core::Result<()> {
        std::io::Write::write_all(&mut self.0, bytes)
            .map_err(|_| bailee_core::ErrorKind::HostFailed)?;
        Ok(())
    }
}

/// A source of rows that are alike, made as they are asked for.
#[derive(Debug)]
pub(crate) struct Zeros {
    pub(crate) facts: SourceFacts,
    pub(crate) rows: u64,
    pub(crate) length: usize,
}

pub(crate) fn zeros() -> SourceFacts {
    let table = TableFacts::new("t", "content", Strategy::Delete).with_field(field(
        "text",
        "content",
        DataOrigin::Provided,
    ));
    SourceFacts::new("main", vec![table])
}

#[async_trait::async_trait]
impl DataSource for Zeros {
    fn facts(&self) -> &SourceFacts {
        &self.facts
    }

    async fn count(&self, _: &Whose) -> bailee_core::Result<bailee_rights::source::Count> {
        Err(bailee_core::ErrorKind::Unsupported.into())
    }

    async fn collect(
        &self,
        _: &Whose,
        sink: &mut dyn bailee_rights::source::RowSink,
    ) -> bailee_core::Result<()> {
        let value = "0".repeat(self.length);
        for n in 0..self.rows {
            sink.take(&self.facts.tables[0], vec![row(n.to_string(), vec![text(value.clone())])])
                .await?;
        }
        Ok(())
    }

    async fn erase(&self, _: &Whose) -> bailee_core::Result<bailee_rights::source::Step> {
        Err(bailee_core::ErrorKind::Unsupported.into())
    }

    async fn correct(
        &self,
        _: &Whose,
        _: &bailee_rights::source::Correction,
    ) -> bailee_core::Result<()> {
        Err(bailee_core::ErrorKind::Unsupported.into())
    }

    async fn restrict(
        &self,
        _: &Whose,
        _: bool,
    ) -> bailee_core::Result<bailee_rights::source::Step> {
        Err(bailee_core::ErrorKind::Unsupported.into())
    }

    async fn remaining(&self, _: &Whose) -> bailee_core::Result<bailee_rights::source::Remaining> {
        Err(bailee_core::ErrorKind::Unsupported.into())
    }
}
