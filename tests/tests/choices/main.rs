//! What people say of the use of their data: that it holds at the next call in every process, and
//! what a word that takes something back ends.

#![expect(clippy::unwrap_used, reason = "what the tests share fails the test that uses it")]

mod disclosing;
mod dropped;
mod pass;
mod withdrawals;
mod words;

use std::sync::Arc;

use bailee::{
    Bailee, ConnectionRef, Declaration, Error, PurposeId, SqliteStore, TenantId, Visitor,
    core::{Clock, Id, ProviderId},
    store::{MemoryStore, Store},
};
use bailee_postgres::testing::Cluster;
use bailee_testkit::{Storage, World, WorldBuilder, emulator::Endpoint};
use bailee_tests::{NOTES_SPEC, drill::SaveNote, notes_issuer};

static ACME: TenantId = TenantId::from_static("acme");
const TIKTOK: ProviderId = ProviderId::from_static("tiktok");
const NOTES_PROVIDER: ProviderId = ProviderId::from_static("notes");
/// A purpose that rests on legitimate interests.
const ABUSE: PurposeId = PurposeId::from_static("abuse");
/// The host's own marketing, with consent.
const NEWS: PurposeId = PurposeId::from_static("news");
/// The host's own marketing of what people use already, on legitimate interests.
const TIPS: PurposeId = PurposeId::from_static("tips");
const OPERATOR: Id = Id::from_bytes([0x0b; 16]);

/// The declaration of the tests with two purposes of marketing and ages.
fn declared() -> Declaration {
    let text = include_str!("../../privacy.toml").replace("uses = [\"marketing\", ", "uses = [");
    let more = r#"
[purposes.news]
title = "Tell you what is new"
plain = "We send you a letter about what is new."
use = "marketing"
basis = "consent"

[purposes.tips]
title = "Give you tips"
plain = "We write to you how to make more of what you use."
use = "marketing"
basis = "legitimate_interests"
assessment = "People who use something like to know how; whoever does not want it says so once."

[age]
minimum = 13
consent = 13
"#;
    Declaration::parse(&format!("{text}{more}")).unwrap()
}

fn builder() -> WorldBuilder {
    World::builder(declared()).issuer(notes_issuer(), NOTES_SPEC)
}

/// A world on a store of one kind, and a second process on it.
struct Place {
    name: &'static str,
    w: World,
    other: Bailee,
    ada: Visitor,
    _folder: Option<tempfile::TempDir>,
}

/// One on each kind of store. On a file and on a server the second process has a store of its own.
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
    two: Arc<dyn Store>,
    folder: Option<tempfile::TempDir>,
) -> Place {
    let w = builder.storage(Storage::Given(one)).build().await.unwrap();
    let other = w.another_process_over(declared(), two).await.unwrap();
    let ada = w.visitor("ada");
    Place { name, w, other, ada, _folder: folder }
}

/// Saves a note through a process.
async fn save(
    process: &Bailee,
    visitor: &Visitor,
    connection: &ConnectionRef,
) -> Result<(), Error> {
    process.acting(visitor, &bailee_tests::NOTES).call(connection, &SaveNote("n")).await
}

/// How many notes the provider was asked to save.
fn saved(w: &World) -> u64 {
    w.site("id.example.test").count(Endpoint::Api)
}
