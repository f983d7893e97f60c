//! The store on a real cluster.

#![expect(clippy::unwrap_used, reason = "what the tests share fails the test that uses it")]

mod beside;
mod commits;
mod conformance;
mod connections;
mod every_wall;
mod isolation;
mod log_of_the_server;
mod lost_answers;
mod migrations;
mod pgbouncer;
mod roles;
mod source;
mod tls;
mod walls;

use std::sync::Arc;

use bailee_core::{
    BatchId, Clock, Error, ErrorKind, Id, ManualClock, SystemRandom, TenantId, audit::Entry,
};
use bailee_postgres::{
    PostgresStore,
    testing::{Cluster, Database},
};
use bailee_store::{Batch, BatchBuilder, Facet, Key, Kind, Record, Sealed, Version};
use tokio_postgres::Client;

const ACME: TenantId = TenantId::from_static("acme");
const GLOBEX: TenantId = TenantId::from_static("globex");
const NOTE: Kind = Kind::from_static("note");

/// A database, a clock that stands, and a store on both.
async fn fresh() -> (Database<'static>, ManualClock, PostgresStore) {
    let database = database().await;
    let clock = ManualClock::default();
    let store = database.store(Arc::new(clock.clone())).await.unwrap();
    (database, clock, store)
}

async fn database() -> Database<'static> {
    Cluster::shared().unwrap().database().await.unwrap()
}

/// A connection of a role, without a store around it.
async fn login(database: &Database<'_>, role: &str) -> Client {
    let socket = database.socket(role);
    let (client, connection) = socket.connect(tokio_postgres::NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}

/// Connecting in the application's role is refused; says why.
async fn refused(database: &Database<'_>) -> String {
    refused_to(database, "bailee_app").await
}

async fn refused_to(database: &Database<'_>, role: &str) -> String {
    why(database.builder(role).connect().await.expect_err("a refusal"))
}

fn why(error: Error) -> String {
    assert_eq!(error.kind(), ErrorKind::Configuration, "{error:?}");
    error.detail().unwrap().to_owned()
}

async fn accepted(database: &Database<'_>) -> PostgresStore {
    database.builder("bailee_app").connect().await.unwrap()
}

fn key(number: u8) -> Key {
    Key::new(NOTE, Id::from_bytes([number; 16]))
}

fn note(key: Key, clock: &ManualClock) -> Record {
    Record {
        key,
        subject: None,
        facet: Facet(0),
        expires: None,
        version: Version::first(clock.now()),
        body: Sealed::new(b"sealed".to_vec()),
    }
}

/// A batch of a new id with one audit entry.
fn batch(clock: &ManualClock) -> BatchBuilder {
    let id = BatchId::generate(&SystemRandom).unwrap();
    Batch::builder(id).audit(Entry::new("test.changed", clock.now()))
}
