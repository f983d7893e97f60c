//! The store on a real cluster.

mod commits;
mod conformance;

use std::sync::Arc;

use bailee_core::ManualClock;
use bailee_postgres::{
    PostgresStore,
    testing::{Cluster, Database},
};

/// A database, a clock that stands, and a store on both.
async fn fresh() -> (Database<'static>, ManualClock, PostgresStore) {
    let database = Cluster::shared().unwrap().database().await.unwrap();
    let clock = ManualClock::default();
    let store = database.store(Arc::new(clock.clone())).await.unwrap();
    (database, clock, store)
}
