//! What lies in a store and in its log, searched for what must not lie there.

use std::sync::Arc;

use bailee::core::Clock;
use bailee_testkit::{World, WorldBuilder};
use bailee_tests::{Watched, watched_over};

/// A world whose store can be looked through.
pub(crate) async fn watched(builder: WorldBuilder) -> (World, Arc<Watched>) {
    let clock: Arc<dyn Clock> = Arc::new(builder.clock().clone());
    watched_over(builder, Arc::new(bailee::store::MemoryStore::new(clock))).await
}

/// Sees that neither the records nor the log hold a secret or one of these texts.
pub(crate) async fn clean(world: &World, store: &Watched, texts: &[&str]) {
    let dump = store.dump().await;
    assert!(!dump.records.is_empty() && !dump.log.is_empty(), "there is something to look through");
    let mut all = dump.control.body.as_bytes().to_vec();
    for (name, record) in &dump.records {
        all.extend(format!("{name:?}").into_bytes());
        all.extend(record.body.as_bytes());
    }
    for logged in &dump.log {
        all.extend(logged.entry.payload());
    }
    world.assert_no_canary("the store", &all);
    for text in texts {
        let found = all.windows(text.len()).any(|window| window == text.as_bytes());
        assert!(!found, "{text} lies in the store");
    }
    world.assert_clean_audit(&["acme", "~"]).await;
}
