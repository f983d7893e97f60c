//! The contract's suite, each sentence in a database of its own.

use std::sync::Arc;

use async_trait::async_trait;
use bailee_core::ManualClock;
use bailee_postgres::testing::{Cluster, Database};
use bailee_store::{
    Store,
    conformance::{Harness, run_all},
};
use tokio::sync::Mutex;

use crate::pgbouncer::PgBouncer;

/// Makes a database per store and remembers the last one, to open it again.
#[derive(Default)]
struct OnPostgres {
    clock: ManualClock,
    behind_pooler: bool,
    pooler: Option<PgBouncer>,
    last: Mutex<Option<Database<'static>>>,
}

#[async_trait]
impl Harness for OnPostgres {
    fn clock(&self) -> &ManualClock {
        &self.clock
    }

    async fn store(&self) -> Arc<dyn Store> {
        let database = Cluster::shared().unwrap().database().await.unwrap();
        *self.last.lock().await = Some(database);
        self.open().await
    }

    async fn reopen(&self, _store: Arc<dyn Store>) -> Arc<dyn Store> {
        self.open().await
    }
}

impl OnPostgres {
    async fn open(&self) -> Arc<dyn Store> {
        let database = self.last.lock().await.clone().unwrap();
        let builder = match &self.pooler {
            Some(pooler) => pooler.builder(&database),
            None => database.builder("bailee_app"),
        };
        let builder = builder.clock(Arc::new(self.clock.clone()));
        let builder = if self.behind_pooler { builder.behind_pooler() } else { builder };
        Arc::new(builder.connect().await.unwrap())
    }
}

bailee_store::conformance_tests!(OnPostgres::default());

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_suite_holds_without_prepared_statements_too() {
    run_all(&OnPostgres { behind_pooler: true, ..OnPostgres::default() }).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_suite_holds_through_pgbouncer_in_transaction_mode() {
    let pooler = Some(PgBouncer::before(Cluster::shared().unwrap()).await);
    run_all(&OnPostgres { behind_pooler: true, pooler, ..OnPostgres::default() }).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_suite_holds_through_a_pooler_that_nobody_spoke_of() {
    let pooler = Some(PgBouncer::before(Cluster::shared().unwrap()).await);
    run_all(&OnPostgres { pooler, ..OnPostgres::default() }).await;
}
