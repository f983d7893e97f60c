//! Claims of due work, and the question whether any is due, where many connections have work that
//! is planned: on SQLite and on PostgreSQL, beside the bare statement through the driver.
//!
//! Numbers among the arguments say how many connections: `-- 10000 100000 1000000`. One piece of
//! work for each is written by SQL of the table's owner and not through commits, because a million
//! commits are not what is measured.

#![expect(clippy::print_stdout, reason = "a measurement prints its figures")]

use std::{
    path::Path,
    sync::{Arc, Mutex},
    time::Duration,
};

use bailee::{
    SqliteStore,
    core::{Clock, SystemClock},
    store::{Claim, Kind, Store},
};
use bailee_benches::{Meter, bare, median, share, sizes, wanted};
use bailee_postgres::testing::{Cluster, Database};
use rusqlite::{Connection, OpenFlags, params};
use tokio_postgres::{Client, Statement};

/// As a worker asks: nine lanes, of which one has work.
const LANES: [Kind; 9] = [
    Kind::from_static("disconnect"),
    Kind::from_static("refresh"),
    Kind::from_static("publish"),
    Kind::from_static("orphan"),
    Kind::from_static("effect"),
    Kind::from_static("notify"),
    Kind::from_static("signal"),
    Kind::from_static("request"),
    Kind::from_static("fetch"),
];
const LEASE: Duration = Duration::from_secs(90);
/// As a worker claims.
const BATCH: usize = 32;
/// Claims of a round.
const CLAIMS: usize = 100;
/// Questions of a round, where nothing is due.
const QUESTIONS: usize = 200;
const BY: [usize; 2] = [1, 4];
const ROUNDS: usize = 5;

fn main() {
    if !wanted() {
        return;
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime");
    runtime.block_on(async {
        for connections in sizes(&[10_000, 100_000]) {
            let folder = tempfile::tempdir().expect("a place for files");
            let path = folder.path().join("vault").join("vault.db");
            let store = SqliteStore::open(&path).await.expect("a store on a file");
            let under = Under::sqlite(&path);
            measure("SQLite, synchronous = FULL", Arc::new(store), under, connections).await;
        }
        // As it is run, not as it is tested: a commit waits for the disk.
        let cluster = Cluster::start(&[("fsync", "on"), ("full_page_writes", "on")])
            .expect("a private PostgreSQL");
        for connections in sizes(&[10_000, 100_000]) {
            let database = cluster.database().await.expect("a database");
            let builder = database.builder("bailee_app").connections(16);
            let store = builder.clock(Arc::new(SystemClock)).connect().await.expect("a store");
            let under = Under::postgres(&database).await;
            measure("PostgreSQL, fsync = on", Arc::new(store), under, connections).await;
        }
    });
}

async fn measure(name: &str, store: Arc<dyn Store>, under: Under, connections: usize) {
    under.fill(connections).await;
    println!("{name}, {connections} connections with planned work:");
    let (mut questions, mut bare_questions) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        under.make_due(0).await;
        let meter = Meter::start();
        share(QUESTIONS, 1, asking(&store, 0)).await;
        questions.push(meter.stop().micros(QUESTIONS));
        let meter = Meter::start();
        share(QUESTIONS, 1, under.asking(0)).await;
        bare_questions.push(meter.stop().micros(QUESTIONS));
    }
    let (question, bare) = (median(questions), median(bare_questions));
    println!(
        "  nothing due: {question:6.1} us a question, bare statement {bare:6.1} us: {:4.2} x",
        question / bare
    );
    for due in [CLAIMS * BATCH, connections] {
        for tasks in BY {
            let (mut claims, mut bare) = (Vec::new(), Vec::new());
            for _ in 0..ROUNDS {
                under.make_due(due).await;
                let meter = Meter::start();
                share(CLAIMS, tasks, asking(&store, BATCH)).await;
                claims.push(1e6 / meter.stop().micros(CLAIMS));
                under.make_due(due).await;
                let meter = Meter::start();
                share(CLAIMS, tasks, under.asking(BATCH)).await;
                bare.push(1e6 / meter.stop().micros(CLAIMS));
            }
            let (claims, bare) = (median(claims), median(bare));
            println!(
                "  {due:7} due, by {tasks}: {claims:6.0} claims of {BATCH} a second, bare statement {bare:6.0}: {:4.2} x",
                bare / claims
            );
        }
    }
}

/// A claim that has to bring so many.
fn asking(
    store: &Arc<dyn Store>,
    bring: usize,
) -> impl Fn(usize) -> futures_util::future::BoxFuture<'static, ()> + Clone + Send + 'static {
    let store = store.clone();
    move |_| {
        let store = store.clone();
        Box::pin(async move {
            let claim = Claim::Due { tasks: &LANES, lease: LEASE, limit: BATCH as u32 };
            let leases = store.claim(claim).await.expect("a claim");
            assert_eq!(leases.len(), bring);
        })
    }
}

/// The database without the store around it.
enum Under {
    Sqlite(Arc<Mutex<Connection>>),
    Postgres { owner: Client, claimers: Arc<Vec<(Arc<Client>, Statement)>> },
}

impl Under {
    fn sqlite(path: &Path) -> Self {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(path, flags).expect("the same file");
        connection.busy_timeout(Duration::from_secs(60)).expect("a time");
        connection
            .execute_batch("PRAGMA synchronous = FULL; PRAGMA temp_store = MEMORY")
            .expect("as the store has it");
        connection
            .query_row("PRAGMA secure_delete = ON", [], |_| Ok(()))
            .expect("as the store has it");
        Self::Sqlite(Arc::new(Mutex::new(connection)))
    }

    async fn postgres(database: &Database<'_>) -> Self {
        let mut claimers = Vec::new();
        for client in bare(database, BY[1]).await {
            let statement = client.prepare(POSTGRES_CLAIM).await.expect("a statement");
            claimers.push((client, statement));
        }
        let owner = database.superuser().await.expect("a connection");
        Self::Postgres { owner, claimers: Arc::new(claimers) }
    }

    /// One piece of work for each connection, a hundred connections to a tenant, planned over the
    /// sixty days that begin tomorrow.
    async fn fill(&self, connections: usize) {
        match self {
            Self::Sqlite(connection) => {
                let connection = connection.lock().expect("nobody panics with it");
                let fill = "
                    WITH RECURSIVE number (n) AS (
                      SELECT 0 UNION ALL SELECT n + 1 FROM number WHERE n + 1 < ?1
                    )
                    INSERT INTO bailee_work (tenant, task, id, subject, due, leased, fence, tries)
                    SELECT 'tenant-' || n / 100, 'refresh', randomblob(16), randomblob(16),
                      ?2 + 86400000000 + (n * 7919 % 5184000) * 1000000, NULL, ?2, 0
                    FROM number";
                let now = SystemClock.now().as_micros();
                connection.execute(fill, params![connections as i64, now]).expect("rows");
                connection.execute_batch("ANALYZE").expect("statistics");
            }
            Self::Postgres { owner, .. } => {
                let fill = format!(
                    "INSERT INTO bailee.work (tenant, task, id, subject, due)
                     SELECT 'tenant-' || n / 100, 'refresh', gen_random_uuid(), gen_random_uuid(),
                       now() + interval '1 day' + n::bigint * 7919 % 5184000 * interval '1 second'
                     FROM generate_series(0, {connections} - 1) n"
                );
                owner.batch_execute(&fill).await.expect("rows");
                owner.batch_execute("VACUUM ANALYZE bailee.work").await.expect("statistics");
            }
        }
    }

    /// Ends all claims, and makes so much work due, in an order of its own.
    async fn make_due(&self, due: usize) {
        match self {
            Self::Sqlite(connection) => {
                let connection = connection.lock().expect("nobody panics with it");
                let make = "
                    UPDATE bailee_work SET leased = NULL, tries = 0, since = NULL,
                      due = ?2 + iif(rowid <= ?1, -1000000000, 86400000000)
                        + rowid * 7919 % 5184000 * iif(rowid <= ?1, 100, 1000000)
                    WHERE leased IS NOT NULL OR (due <= ?2) <> (rowid <= ?1)";
                let now = SystemClock.now().as_micros();
                connection.execute(make, params![due as i64, now]).expect("rows");
                let rest = "PRAGMA wal_checkpoint(TRUNCATE)";
                connection.query_row(rest, [], |_| Ok(())).expect("a short log");
            }
            Self::Postgres { owner, .. } => {
                // As many as are wanted, whichever: what is claimed lies at the end of a lease.
                let make = format!(
                    "UPDATE bailee.work SET leased = '-infinity', tries = 0, since = NULL,
                       due = now() + interval '1 day' + random() * interval '60 days'
                     WHERE leased > '-infinity' OR due <= now();
                     UPDATE bailee.work SET due = now() - random() * interval '1 hour'
                     WHERE (tenant, task, id) IN (
                       SELECT tenant, task, id FROM bailee.work ORDER BY id LIMIT {due}
                     )"
                );
                owner.batch_execute(&make).await.expect("rows");
                // What autovacuum does in time.
                owner.batch_execute("VACUUM ANALYZE bailee.work").await.expect("a clean table");
                owner.batch_execute("CHECKPOINT").await.expect("a checkpoint");
            }
        }
    }

    /// The bare statement, which has to bring so many.
    fn asking(
        &self,
        bring: usize,
    ) -> impl Fn(usize) -> futures_util::future::BoxFuture<'static, ()> + Clone + Send + 'static
    {
        let ways = match self {
            Self::Sqlite(connection) => (Some(connection.clone()), None),
            Self::Postgres { claimers, .. } => (None, Some(claimers.clone())),
        };
        move |n| {
            let ways = ways.clone();
            Box::pin(async move {
                let brought = match ways {
                    (Some(connection), _) => {
                        let connection = connection.lock().expect("nobody panics with it");
                        let now = SystemClock.now().as_micros();
                        let until = SystemClock.now().plus(LEASE).as_micros();
                        let mut claim =
                            connection.prepare_cached(SQLITE_CLAIM).expect("a statement");
                        let rows = claim.query_map(params![now, until], |row| {
                            Ok((row.get::<_, String>(0)?, row.get::<_, i64>(1)?))
                        });
                        rows.expect("an answer").collect::<Result<Vec<_>, _>>().expect("rows").len()
                    }
                    (_, Some(claimers)) => {
                        let (client, claim) = &claimers[n % claimers.len()];
                        client.query(claim, &[]).await.expect("an answer").len()
                    }
                    _ => 0,
                };
                assert_eq!(brought, bring);
            })
        }
    }
}

const SQLITE_CLAIM: &str = "
    UPDATE bailee_work SET due = ?2, leased = ?2, fence = fence + 1, tries = tries + 1,
      since = coalesce(since, ?1)
    WHERE rowid IN (
      SELECT rowid FROM bailee_work WHERE task = 'refresh' AND due <= ?1 ORDER BY due LIMIT 32
    )
    RETURNING tenant, fence";

const POSTGRES_CLAIM: &str = "
    UPDATE bailee.work w SET due = now() + interval '90 s', leased = now() + interval '90 s',
      fence = w.fence + 1, tries = w.tries + 1, since = coalesce(w.since, now())
    FROM (
      SELECT tenant, task, id FROM bailee.work
      WHERE task = 'refresh' AND due <= now() ORDER BY due LIMIT 32 FOR UPDATE SKIP LOCKED
    ) c
    WHERE w.tenant = c.tenant AND w.task = c.task AND w.id = c.id
    RETURNING w.tenant::text, w.fence";
