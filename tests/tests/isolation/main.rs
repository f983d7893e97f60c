//! Tenants do not reach each other, rows that were tampered with are refused, and what an operator
//! stops holds everywhere at the next read.

#![expect(clippy::unwrap_used, reason = "what the tests share fails the test that uses it")]

mod elsewhere;
mod matrix;
mod replay;
mod tampering;

use std::sync::Arc;

use bailee::{
    ConnectionRef, SqliteStore, TenantId,
    core::{Clock, CredentialName, Effect, ProviderId, ScopeName},
    providers::{Context, JsonCall, Operation, OperationFacts, Step},
    store::MemoryStore,
};
use bailee_postgres::testing::Cluster;
use bailee_testkit::{World, emulator::Site};
use bailee_tests::{Watched, watched_over, world};
use http::Method;

const ACME: TenantId = TenantId::from_static("acme");
const USER: CredentialName = CredentialName::from_static("user");

/// Writes a note.
struct WriteNote(&'static str);

static WRITE_NOTE: OperationFacts = OperationFacts {
    name: "notes.write",
    provider: ProviderId::from_static("notes"),
    scopes: &[ScopeName::from_static("notes.write")],
    effect: Effect::Effect,
    method: Method::POST,
    path: "/notes",
    sends: &["content"],
    reads: &[],
    credential: USER,
};

impl Operation for WriteNote {
    type Output = ();

    fn facts(&self) -> &OperationFacts {
        &WRITE_NOTE
    }

    fn start(&self, cx: &Context<'_>) -> Box<dyn Step<()>> {
        JsonCall::new(cx, &WRITE_NOTE)
            .body(&serde_json::json!({"text": self.0}))
            .read(|_: serde_json::Value| Ok(()))
    }
}

/// A world on a store of one kind, watched.
struct Place {
    name: &'static str,
    w: World,
    store: Arc<Watched>,
    _folder: Option<tempfile::TempDir>,
}

/// One world on each kind of store.
async fn places() -> Vec<Place> {
    vec![memory().await, sqlite().await, postgres().await]
}

async fn memory() -> Place {
    let builder = world();
    let clock: Arc<dyn Clock> = Arc::new(builder.clock().clone());
    let (w, store) = watched_over(builder, Arc::new(MemoryStore::new(clock))).await;
    Place { name: "memory", w, store, _folder: None }
}

async fn sqlite() -> Place {
    let folder = tempfile::tempdir().unwrap();
    let builder = world();
    let clock: Arc<dyn Clock> = Arc::new(builder.clock().clone());
    let path = folder.path().join("vault").join("vault.db");
    let inner = SqliteStore::builder(path).clock(clock).open().await.unwrap();
    let (w, store) = watched_over(builder, Arc::new(inner)).await;
    Place { name: "SQLite", w, store, _folder: Some(folder) }
}

async fn postgres() -> Place {
    let builder = world();
    let clock: Arc<dyn Clock> = Arc::new(builder.clock().clone());
    let database = Cluster::shared().unwrap().database().await.unwrap();
    let inner = database.store(clock).await.unwrap();
    let (w, store) = watched_over(builder, Arc::new(inner)).await;
    Place { name: "PostgreSQL", w, store, _folder: None }
}

/// The issuer that plays the provider of notes.
fn notes(w: &World) -> &Site {
    w.site("id.example.test")
}

fn requests(w: &World) -> usize {
    w.emulator.requests().len()
}

/// The key of a connection's credential.
fn credential_key(connection: &ConnectionRef) -> bailee::store::Key {
    bailee::store::Key::new(
        bailee::store::Kind::from_static("credential"),
        connection.credential(&USER),
    )
}
