//! What the tests that cross crates share: a declaration, purposes, worlds on every store.

use std::sync::Arc;

use bailee::{Declaration, PurposeId, Result, core::Clock, store::Store};
use bailee_testkit::{Storage, World, WorldBuilder, emulator::oidc::Issuer};

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
    let mut issuer = Issuer::new("https://id.example.test");
    issuer.scopes = ["openid", "profile", "notes.write"].map(String::from).to_vec();
    issuer
}

/// A world in memory with TikTok and the provider of a file.
#[must_use]
pub fn world() -> WorldBuilder {
    World::builder(declaration()).issuer(notes_issuer(), NOTES_SPEC)
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
    let folder = tempfile::tempdir().expect("a place for files");
    let builder = world();
    let clock: Arc<dyn Clock> = Arc::new(builder.clock().clone());
    let path = folder.path().join("vault").join("vault.db");
    let store: Arc<dyn Store> =
        Arc::new(bailee::SqliteStore::builder(path).clock(clock).open().await?);
    let world = builder.storage(Storage::Given(store)).build().await?;
    Ok((world, folder))
}
