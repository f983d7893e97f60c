//! The declaration in force: rollouts with processes of two declarations on one database, what is
//! asked anew, tenants' own limits, and what the law allows with restricted data.

#![expect(clippy::unwrap_used, reason = "what the tests share fails the test that uses it")]

mod activation;
mod dropped;
mod exemptions;
mod overlays;
mod rollout;
mod start;

use std::sync::Arc;

use bailee::{
    Activation, Bailee, ConnectionRef, Declaration, Declarations, Error, PurposeId, SqliteStore,
    TenantId, Visitor,
    core::{Clock, Id, audit::Field},
    store::{MemoryStore, Store},
};
use bailee_postgres::testing::Cluster;
use bailee_testkit::{Storage, World, WorldBuilder, emulator::Endpoint};
use bailee_tests::{NOTES, NOTES_SPEC, declaration, drill::SaveNote, notes_issuer};

static ACME: TenantId = TenantId::from_static("acme");
const OPERATOR: Id = Id::from_bytes([0x0b; 16]);

/// The declaration of the tests with one thing in it said in another way.
fn changed(from: &str, to: &str) -> Declaration {
    let text = include_str!("../../privacy.toml");
    assert_eq!(text.matches(from).count(), 1, "{from}");
    Declaration::parse(&text.replace(from, to)).unwrap()
}

/// The next declaration: what goes to the provider of notes is also the choices of an account, so
/// whoever agreed to notes before agreed to less.
fn next() -> Declaration {
    changed(
        "purposes = [\"notes.save\"]\ncategories = [\"content\", \"credentials\"]",
        "purposes = [\"notes.save\"]\ncategories = [\"content\", \"credentials\", \"settings\"]",
    )
}

/// The one after that, in which it is the profile, too.
fn third() -> Declaration {
    changed(
        "purposes = [\"notes.save\"]\ncategories = [\"content\", \"credentials\"]",
        "purposes = [\"notes.save\"]\ncategories = [\"content\", \"credentials\", \"settings\", \
         \"profile\"]",
    )
}

fn builder() -> WorldBuilder {
    World::builder(declaration()).issuer(notes_issuer(), NOTES_SPEC)
}

fn desk(process: &Bailee) -> Declarations {
    process.declarations(OPERATOR)
}

/// Activates a process's declaration as an operator does who compared it.
async fn activate(process: &Bailee) -> bailee::Result<bailee::Activated> {
    let diff = desk(process).diff().await?;
    desk(process).activate(Activation::of(&diff).deliberate()).await
}

/// Saves a note through a process.
async fn save(
    process: &Bailee,
    visitor: &Visitor,
    connection: &ConnectionRef,
) -> Result<(), Error> {
    process.acting(visitor, &NOTES).call(connection, &SaveNote("n")).await
}

/// How many notes the provider was asked to save.
fn saved(w: &World) -> u64 {
    w.site("id.example.test").count(Endpoint::Api)
}

/// A world on a store of one kind; on a file and on a server each process has a store of its own.
struct Place {
    name: &'static str,
    w: World,
    second: Arc<dyn Store>,
    ada: Visitor,
    _folder: Option<tempfile::TempDir>,
}

impl Place {
    /// A further process, of a declaration.
    async fn process(&self, declaration: Declaration) -> Bailee {
        self.w.another_process_over(declaration, self.second.clone()).await.unwrap()
    }
}

async fn places() -> Vec<Place> {
    let mut places = Vec::new();

    let of = builder();
    let clock: Arc<dyn Clock> = Arc::new(of.clock().clone());
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new(clock));
    places.push(place("memory", of, store.clone(), store, None).await);

    let of = builder();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("vault").join("vault.db");
    let open = async || {
        let clock: Arc<dyn Clock> = Arc::new(of.clock().clone());
        SqliteStore::builder(&path).clock(clock).open().await.unwrap()
    };
    let (one, two): (Arc<dyn Store>, Arc<dyn Store>) =
        (Arc::new(open().await), Arc::new(open().await));
    places.push(place("SQLite", of, one, two, Some(folder)).await);

    let of = builder();
    let database = Cluster::shared().unwrap().database().await.unwrap();
    let open = async || {
        let clock: Arc<dyn Clock> = Arc::new(of.clock().clone());
        database.store(clock).await.unwrap()
    };
    let (one, two): (Arc<dyn Store>, Arc<dyn Store>) =
        (Arc::new(open().await), Arc::new(open().await));
    places.push(place("PostgreSQL", of, one, two, None).await);
    places
}

async fn place(
    name: &'static str,
    builder: WorldBuilder,
    one: Arc<dyn Store>,
    second: Arc<dyn Store>,
    folder: Option<tempfile::TempDir>,
) -> Place {
    let w = builder.storage(Storage::Given(one)).build().await.unwrap();
    let ada = w.visitor("ada");
    Place { name, w, second, ada, _folder: folder }
}

/// The entries of one event in the system's log.
async fn entries(w: &World, event: &str) -> Vec<bailee::core::audit::Entry> {
    let all = w.audit("~").await.into_iter().map(|logged| logged.entry);
    all.filter(|entry| entry.event() == event).collect()
}

fn digest(declaration: &Declaration) -> Field {
    Field::Digest(declaration.version())
}
