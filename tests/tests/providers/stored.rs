//! A world whose store is watched, so that a test of an adapter can look at everything it holds.

use std::sync::Arc;

use bailee::{Declaration, store::MemoryStore};
use bailee_testkit::{Declared, Storage, World, emulator::Played};
use bailee_tests::Watched;

/// A world with one provider and what its store was given to keep.
pub(crate) struct Stored {
    pub(crate) world: World,
    watched: Arc<Watched>,
}

impl Stored {
    pub(crate) async fn play(declared: &Declared, played: impl Into<Played>) -> Self {
        Self::under(declared.declaration(), played).await
    }

    /// The same under a declaration of the test's own.
    pub(crate) async fn under(declaration: Declaration, played: impl Into<Played>) -> Self {
        let builder = World::builder(declaration);
        let clock = Arc::new(builder.clock().clone());
        let watched = Watched::new(Arc::new(MemoryStore::new(clock)));
        let storage = Storage::Given(watched.clone());
        let world = builder.storage(storage).play(played).build().await.expect("a world");
        Self { world, watched }
    }

    /// How many records of a kind there are.
    pub(crate) async fn count(&self, kind: &str) -> usize {
        let dump = self.watched.dump().await;
        dump.records.keys().filter(|(_, key)| key.kind.as_str() == kind).count()
    }

    /// Sees that no secret of the provider's, and none of these texts, stands in the clear in the
    /// store or its log.
    pub(crate) async fn assert_nothing_shows(&self, personal: &[&str]) {
        let dump = self.watched.dump().await;
        assert!(!dump.records.is_empty(), "nothing was stored");
        let bodies = dump.records.values().map(|record| record.body.as_bytes().to_vec());
        let entries = dump.log.iter().map(|logged| logged.entry.payload().to_vec());
        for text in bodies.chain(entries) {
            self.world.assert_no_canary("the store", &text);
            for part in personal {
                let found = text.windows(part.len()).any(|window| window == part.as_bytes());
                assert!(!found, "{part} stands in the store");
            }
        }
        self.world.assert_clean_audit(&["acme", "~"]).await;
    }
}
