//! The facade joins requests to connections, letters and the worker: neither half knows the other.

#![expect(clippy::unwrap_used, reason = "what the tests share fails the test that uses it")]

mod download;

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use bailee::{
    Declaration, ErrorKind, HostId, Result, RightsSetup, TenantId, Visitor,
    core::{DataCategory, Id},
    registry::{AgeBand, AgeMethod, AuditLog, DataOrigin, RestrictionGround},
    rights::{
        clock::Establishment,
        package::MemorySpool,
        request::{Ask, CERTIFICATE, Export, Outcome, PartStage, State},
        source::{
            Correction, Count, DataSource, FieldFacts, MemorySource, Remaining, RowSink,
            SourceFacts, SourceRow, Step, Strategy, TableFacts, Value, Whose,
        },
    },
};
use bailee_rights::notice::testing::{AddressBook, Mailbox};
use bailee_testkit::World;
use bailee_tests::{NOTES, drill::call};
use tokio::sync::Semaphore;

const ACME: TenantId = TenantId::from_static("acme");
const OPERATOR: Id = Id::from_bytes([8; 16]);
const CANARY: &str = "canary-content-of-ada";
/// Longer than anything here takes.
const LONG: Duration = Duration::from_secs(60);
const GRACE: Duration = Duration::from_secs(3 * 86_400);

/// One source that several processes of a test share.
#[derive(Clone)]
struct Content(Arc<MemorySource>, Arc<Gate>);

/// What a source waits at before it hands anything over.
struct Gate {
    waiting: Semaphore,
    open: Semaphore,
}

impl Content {
    fn new() -> Self {
        let field = FieldFacts::new("text", DataCategory::new("content"), DataOrigin::Provided);
        let table = TableFacts::new("posts", "content", Strategy::Delete).with_field(field);
        let gate = Gate { waiting: Semaphore::new(0), open: Semaphore::new(1) };
        let source = MemorySource::new(SourceFacts::new("content", vec![table]), 10);
        Self(Arc::new(source), Arc::new(gate))
    }

    async fn fill(&self, w: &World, visitor: &Visitor) {
        let subject = w.bailee.vault().ensure_subject(&ACME, visitor.person()).await.unwrap();
        let whose = Whose::new(ACME, visitor.person().clone(), subject);
        for n in 0..25 {
            let values = vec![Value::Text(format!("{CANARY} {n}"))];
            self.0.insert(&whose, "posts", SourceRow { key: n.to_string(), values });
        }
    }
}

#[async_trait]
impl DataSource for Content {
    fn facts(&self) -> &SourceFacts {
        self.0.facts()
    }
    async fn count(&self, whose: &Whose) -> Result<Count> {
        self.0.count(whose).await
    }
    async fn collect(&self, whose: &Whose, sink: &mut dyn RowSink) -> Result<()> {
        self.1.waiting.add_permits(1);
        let _through = self.1.open.acquire().await.unwrap();
        self.0.collect(whose, sink).await
    }
    async fn erase(&self, whose: &Whose) -> Result<Step> {
        self.0.erase(whose).await
    }
    async fn correct(&self, whose: &Whose, correction: &Correction) -> Result<()> {
        self.0.correct(whose, correction).await
    }
    async fn restrict(&self, whose: &Whose, restricted: bool) -> Result<Step> {
        self.0.restrict(whose, restricted).await
    }
    async fn remaining(&self, whose: &Whose) -> Result<Remaining> {
        self.0.remaining(whose).await
    }
}

fn declared() -> Declaration {
    let declared = include_str!("../../privacy.toml").to_owned()
        + r#"
[data_sets.content]
title = "What you write"
origin = "provided"

[[data_sets.content.data]]
name = "posts"
category = "content"
purpose = "notes.save"
retention = "until_account_deleted"
"#;
    Declaration::parse(&declared).unwrap()
}

struct Service {
    w: World,
    content: Content,
    mailbox: Mailbox,
    spool: MemorySpool,
    ada: Visitor,
}

async fn service() -> Service {
    let (book, mailbox, spool) =
        (AddressBook::default(), Mailbox::default(), MemorySpool::default());
    let content = Content::new();
    let seams = (book.clone(), mailbox.clone(), content.clone(), spool.clone());
    let w = World::builder(declared())
        .issuer(bailee_tests::notes_issuer(), bailee_tests::NOTES_SPEC)
        .change(move |builder| {
            let (book, mailbox, content, spool) = seams.clone();
            let rights = RightsSetup::new(Establishment::in_europe("IE").unwrap());
            builder.contacts(book).notify(mailbox).rights(rights.source(content).spool(spool))
        })
        .build()
        .await
        .unwrap();
    let ada = w.visitor("ada");
    book.set(&ACME, ada.person(), &["canary-of-ada@people.example"]);
    content.fill(&w, &ada).await;
    Service { w, content, mailbox, spool, ada }
}

#[tokio::test]
async fn r3_an_erasure_ends_connections_at_their_providers_and_leaves_nothing() {
    let service = service().await;
    let Service { w, ada, .. } = &service;
    let connection = w.connect(ada, "notes", &[NOTES]).await.unwrap();
    call(&w.bailee, ada, &connection, "notes").await.unwrap();
    let rights = w.bailee.rights().unwrap();
    let now = bailee::core::Clock::now(&w.clock);
    let id = rights.ask(ada, now, Ask::Erasure).await.unwrap().id;
    w.settle().await;
    w.advance(GRACE);
    w.settle().await;
    w.advance(Duration::from_secs(600));
    w.settle().await;
    let request = rights.operator(OPERATOR).request(&ACME, id).await.unwrap();
    assert_eq!(request.state, State::Closed, "{request:?}");
    assert_eq!(request.closed.unwrap().1, Outcome::Done);
    let part = &request.parts[0];
    assert_eq!(part.stage, PartStage::Done);
    assert_eq!(part.connections.unwrap().confirmed, 1, "the provider said so");
    assert_eq!(part.sources[0].tables["posts"].done, 25);
    assert!(service.content.0.contents().is_empty());
    assert_eq!(w.bailee.vault().subject(&ACME, ada.person()).await.unwrap(), None);
    assert!(call(&w.bailee, ada, &connection, "notes").await.is_err());
    assert_eq!(service.mailbox.taken().len(), 2, "acknowledged and told");

    // The receipt is signed, in the log, and names nobody.
    let name = bailee::audit::LogName::new("log.example").unwrap();
    let log: AuditLog = w.bailee.audit_log(name).await.unwrap();
    log.number(1000).await.unwrap();
    log.checkpoint().await.unwrap();
    let receipt = rights.receipt(&log, &ACME, id).await.unwrap();
    let bytes = receipt.to_bytes().unwrap();
    let keys = log.keys().await.unwrap().remove(0).key;
    let keys = bailee::audit::Keyring::from(keys);
    let verified = bailee::audit::verify_receipt(&bytes, &keys).unwrap();
    assert_eq!(verified.statement.form, CERTIFICATE);
    assert!(verified.place.is_some(), "it is in the signed tree");
    let text = String::from_utf8(bytes).unwrap();
    assert!(text.contains("\"done\":25") && text.contains("erasure"), "{text}");
    for named in ["ada", "canary", "acme"] {
        assert!(!text.contains(named), "{named} in {text}");
    }
    w.assert_clean_audit(&["acme", "~"]).await;
}

#[tokio::test]
async fn g4_a_child_that_is_found_is_erased_by_itself() {
    let service = service().await;
    let Service { w, ada, .. } = &service;
    w.connect(ada, "notes", &[NOTES]).await.unwrap();
    let operator = w.bailee.operator_choices(OPERATOR);
    let method = AgeMethod::Reported;
    let erase = operator.learn_age(&ACME, ada.person(), AgeBand::Child, method).await.unwrap();
    assert!(erase.is_some());
    w.settle().await;
    let rights = w.bailee.rights().unwrap();
    let [request] = rights.of_visitor(ada).await.unwrap().try_into().unwrap();
    assert_eq!(request.state, State::Grace, "an age that was wrong can be corrected");
    w.advance(GRACE);
    w.settle().await;
    w.advance(Duration::from_secs(600));
    w.settle().await;
    assert!(service.content.0.contents().is_empty());
    assert_eq!(w.bailee.vault().subject(&ACME, ada.person()).await.unwrap(), None);
    w.assert_clean_audit(&["acme", "~"]).await;
}

#[tokio::test]
async fn r1_a_copy_has_the_connections_and_no_token() {
    let service = service().await;
    let Service { w, ada, .. } = &service;
    w.connect(ada, "notes", &[NOTES]).await.unwrap();
    let rights = w.bailee.rights().unwrap();
    let now = bailee::core::Clock::now(&w.clock);
    let id = rights.ask(ada, now, Ask::Access(Export::new())).await.unwrap().id;
    w.settle().await;
    let request = rights.status(ada, id).await.unwrap();
    assert_eq!(request.state, State::Closed, "{request:?}");
    let rows: Vec<_> =
        request.parts[0].sources.iter().map(|source| (&*source.source, source.rows)).collect();
    assert_eq!(rows[0], ("content", 25));
    assert!(rows.contains(&("connections", 1)), "{rows:?}");
    let package = rights.package(ada, id).await.unwrap();
    let bytes = package.read(0, usize::try_from(package.len()).unwrap()).await.unwrap();
    w.assert_no_canary("the package", &bytes);
    for (name, bytes) in service.spool.contents() {
        w.assert_no_canary(name.as_str(), &bytes);
    }
    w.assert_clean_audit(&["acme", "~"]).await;
}

#[tokio::test]
async fn r5_a_restriction_that_was_asked_for_stops_calls() {
    let service = service().await;
    let Service { w, ada, .. } = &service;
    let connection = w.connect(ada, "notes", &[NOTES]).await.unwrap();
    call(&w.bailee, ada, &connection, "notes").await.unwrap();
    let rights = w.bailee.rights().unwrap();
    let now = bailee::core::Clock::now(&w.clock);
    let ask = Ask::Restriction(RestrictionGround::Unlawful);
    let id = rights.ask(ada, now, ask).await.unwrap().id;
    w.settle().await;
    assert_eq!(rights.status(ada, id).await.unwrap().state, State::Closed);
    let refused = call(&w.bailee, ada, &connection, "notes").await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Denied);
}

#[tokio::test]
async fn a_source_that_takes_its_time_keeps_no_letter_from_going_out() {
    let service = service().await;
    let Service { w, ada, .. } = &service;
    let rights = w.bailee.rights().unwrap();
    let now = bailee::core::Clock::now(&w.clock);
    let Gate { waiting, open } = &*service.content.1;
    open.forget_permits(1);
    // More than a worker takes at one time.
    for n in 0..40 {
        let other = w.visitor(&format!("other-{n}"));
        rights.ask(&other, now, Ask::Access(Export::new())).await.unwrap();
    }
    let worker = Arc::new(w.bailee.worker());
    let running = tokio::spawn({
        let worker = Arc::clone(&worker);
        async move { worker.run().await }
    });
    let all = tokio::time::timeout(LONG, waiting.acquire_many(32)).await;
    all.expect("as many as a worker takes").unwrap().forget();
    assert!(service.mailbox.taken().is_empty());
    rights.ask(ada, now, Ask::Access(Export::new())).await.unwrap();
    let taken = async {
        while service.mailbox.taken().is_empty() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(LONG, taken).await.expect("a letter about the receipt");
    assert_eq!(waiting.available_permits(), 0, "and nobody else was asked meanwhile");
    open.add_permits(32);
    worker.stop();
    running.await.unwrap().unwrap();
}

#[tokio::test]
async fn nobody_gets_a_desk_without_a_setup_and_a_set_without_a_source_is_refused() {
    let w = bailee_tests::world().build().await.unwrap();
    assert_eq!(w.bailee.rights().unwrap_err().kind(), ErrorKind::Configuration);
    let process = w.process(declared(), w.store().clone()).unwrap();
    let rights = RightsSetup::new(Establishment::in_europe("IE").unwrap());
    let error = process.rights(rights).build().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Configuration);
    assert!(error.to_string().contains("content"), "{error}");
    let _ = HostId::Int(1);
}

#[tokio::test]
async fn what_was_built_is_freed_when_it_is_dropped() {
    let w = bailee_tests::world().build().await.unwrap();
    let store: Arc<dyn bailee::store::Store> =
        Arc::new(bailee::store::MemoryStore::new(Arc::new(w.clock.clone())));
    let held = Arc::downgrade(&store);
    let rights = RightsSetup::new(Establishment::in_europe("IE").unwrap()).source(Content::new());
    let bailee = w.process(declared(), store).unwrap().rights(rights).build().await.unwrap();
    bailee.worker().settle().await.unwrap();
    drop(bailee);
    assert!(held.upgrade().is_none(), "somebody holds the store for ever");
}
