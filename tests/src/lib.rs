//! What the tests that cross crates share: a declaration, purposes, worlds on every store.

mod around;
mod dice;
pub mod drill;
mod leaving;
mod process;
mod stopping;
mod trip;
mod watched;
mod yielding;

use std::sync::Arc;

use bailee::{Declaration, PurposeId, Result, core::Clock, store::Store};
use bailee_postgres::testing::Cluster;
use bailee_testkit::{Storage, World, WorldBuilder, emulator::oidc::Issuer};

pub use around::{Around, Step, Wrapped};
pub use dice::Dice;
pub use leaving::{Leaves, leave_at_every_poll, polled};
pub use process::Kin;
pub use stopping::{Halt, Stopping, Stops};
pub use trip::{Trip, callback, cookies, location, mount, rejected, settled};
pub use watched::{Asked, Dump, Observer, Watched};
pub use yielding::{Yielding, Yields};

/// Publishing videos, with consent.
pub const PUBLISH: PurposeId = PurposeId::from_static("publish.video");
/// Saving notes, with consent.
pub const NOTES: PurposeId = PurposeId::from_static("notes.save");

/// The declaration of the tests.
///
/// # Panics
///
/// When the file is wrong.
#[must_use]
pub fn declaration() -> Declaration {
    Declaration::parse(include_str!("../privacy.toml")).expect("the declaration of the tests")
}

/// The spec of the provider that a file alone describes.
pub const NOTES_SPEC: &str = include_str!("../notes.toml");

/// Its issuer.
#[must_use]
pub fn notes_issuer() -> Issuer {
    notes_issuer_at(NOTES_HOST)
}

/// The host of the provider that a file alone describes.
const NOTES_HOST: &str = "id.example.test";

fn notes_issuer_at(host: &str) -> Issuer {
    let mut issuer = Issuer::new(format!("https://{host}"));
    issuer.scopes = ["openid", "profile", "notes.write"].map(String::from).to_vec();
    issuer
}

/// A world in memory with TikTok and the provider of a file.
#[must_use]
pub fn world() -> WorldBuilder {
    World::builder(declaration()).issuer(notes_issuer(), NOTES_SPEC)
}

/// A world in memory with TikTok and a provider that posts its answers.
#[must_use]
pub fn posting_world() -> WorldBuilder {
    posting_world_at(NOTES_HOST)
}

/// The same where that provider has another host: to a browser, `id.example.test` is of one site
/// with the application.
#[must_use]
pub fn posting_world_at(host: &str) -> WorldBuilder {
    let spec = NOTES_SPEC.replace(NOTES_HOST, host);
    let spec = format!("{spec}\n[authorization]\nresponse_mode = \"form_post\"\n");
    World::builder(declaration()).issuer(notes_issuer_at(host), spec)
}

/// A world with a store of its own on a file.
///
/// # Errors
///
/// As the store and the builder.
///
/// # Panics
///
/// When there is no place for files.
pub async fn sqlite_world() -> Result<(World, tempfile::TempDir)> {
    on_sqlite(world()).await
}

/// A given world on a file.
///
/// # Errors
///
/// As the store and the builder.
///
/// # Panics
///
/// When there is no place for files.
pub async fn on_sqlite(builder: WorldBuilder) -> Result<(World, tempfile::TempDir)> {
    let folder = tempfile::tempdir().expect("a place for files");
    let clock: Arc<dyn Clock> = Arc::new(builder.clock().clone());
    let path = folder.path().join("vault").join("vault.db");
    let store: Arc<dyn Store> =
        Arc::new(bailee::SqliteStore::builder(path).clock(clock).open().await?);
    let world = builder.storage(Storage::Given(store)).build().await?;
    Ok((world, folder))
}

/// A world on a store that is watched.
///
/// # Panics
///
/// When it cannot be made.
pub async fn watched_world() -> (World, Arc<Watched>) {
    let builder = world();
    let clock: Arc<dyn Clock> = Arc::new(builder.clock().clone());
    watched_over(builder, Arc::new(bailee::store::MemoryStore::new(clock))).await
}

/// A world on a given store that is watched.
///
/// # Panics
///
/// When it cannot be made.
pub async fn watched_over(builder: WorldBuilder, store: Arc<dyn Store>) -> (World, Arc<Watched>) {
    let watched = Watched::new(store);
    let world = builder.storage(Storage::Given(watched.clone())).build().await;
    (world.expect("a world can be made"), watched)
}

/// A world with a database of its own on a real PostgreSQL.
///
/// # Errors
///
/// As the cluster, the store and the builder.
pub async fn postgres_world() -> Result<World> {
    let builder = world();
    let clock: Arc<dyn Clock> = Arc::new(builder.clock().clone());
    let database = Cluster::shared()?.database().await?;
    let store: Arc<dyn Store> = Arc::new(database.store(clock).await?);
    builder.storage(Storage::Given(store)).build().await
}
