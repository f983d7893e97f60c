//! Locks, deaths and calls that are dropped.

use std::{
    pin::pin,
    sync::Arc,
    task::{Context, Waker},
    time::Duration,
};

use async_trait::async_trait;
use bailee_core::{ErrorKind, Result};
use bailee_postgres::testing::Cluster;
use bailee_rights::source::{DataSource, Gathered, RowSink, SourceRow, TableFacts};
use bailee_sources::{Mapping, PostgresClient, PostgresClients, PostgresSource, PseudonymKey};
use tokio::sync::{Mutex, OwnedMutexGuard};
use tokio_postgres::{Client, NoTls};

use crate::application::{Application, Driver, MAPPING, ROLE, database, full, whose};

#[tokio::test]
async fn r3_a_lock_that_another_session_holds_is_an_error_and_no_hang() {
    for driver in [Driver::TokioPostgres, Driver::Sqlx] {
        let application = full(driver, 1000, 2).await;
        let ada = whose("acme", "ada");
        let source =
            application.open().await.unwrap().waiting(Duration::from_millis(50), Duration::MAX);
        let other = application.superuser().await;
        other.batch_execute("BEGIN; SELECT FROM posts FOR UPDATE").await.unwrap();
        let error = source.erase(&ada).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Conflict);
        assert!(error.to_string().contains("held a lock for too long"), "{error}");
        // Whoever only reads waits for nobody.
        assert!(source.remaining(&ada).await.unwrap().left() > 0);
        other.batch_execute("ROLLBACK; BEGIN; LOCK TABLE posts").await.unwrap();
        let error = source.collect(&ada, &mut Gathered::default()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Conflict);
        other.batch_execute("ROLLBACK").await.unwrap();
        while source.erase(&ada).await.unwrap().more {}
        assert_eq!(source.remaining(&ada).await.unwrap().left(), 0);
    }
}

#[tokio::test]
async fn r3_a_statement_that_takes_too_long_is_an_error() {
    let application = full(Driver::TokioPostgres, 1000, 2).await;
    let source = application.open().await.unwrap();
    application
        .run(
            "CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS
             'BEGIN PERFORM pg_sleep(30); RETURN OLD; END';
             CREATE TRIGGER slow BEFORE DELETE ON posts FOR EACH ROW EXECUTE FUNCTION slow()",
        )
        .await;
    let source = source.waiting(Duration::from_secs(5), Duration::from_millis(200));
    let error = source.erase(&whose("acme", "ada")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::HostFailed);
    assert!(error.to_string().contains("took too long"), "{error}");
}

/// Does something after the first batch of a table.
struct Meanwhile<F>(Option<F>);

#[async_trait]
impl<F: AsyncFnOnceSend> RowSink for Meanwhile<F> {
    async fn take(&mut self, table: &TableFacts, _: Vec<SourceRow>) -> Result<()> {
        if table.name == "posts"
            && let Some(act) = self.0.take()
        {
            act.act().await;
        }
        Ok(())
    }
}

#[async_trait]
trait AsyncFnOnceSend: Send {
    async fn act(self);
}

/// Ends the server as a crash does.
struct Crash(Arc<Cluster>);

#[async_trait]
impl AsyncFnOnceSend for Crash {
    async fn act(self) {
        self.0.crash().unwrap();
    }
}

#[tokio::test]
async fn r3_a_server_that_dies_in_the_middle_is_an_error_and_the_erasure_goes_on_later() {
    let cluster: &'static Arc<Cluster> =
        Box::leak(Box::new(Arc::new(Cluster::start(&[]).unwrap())));
    let database = database(cluster).await;
    let application = Application { database, batch: 50, driver: Driver::TokioPostgres };
    application.run(include_str!("app.sql")).await;
    application.fill("acme", "ada", "ben", 400).await;
    let (source, ada) = (application.open().await.unwrap(), whose("acme", "ada"));
    let kept = source.remaining(&ada).await.unwrap().kept();
    assert!(source.erase(&ada).await.unwrap().more);
    let mut sink = Meanwhile(Some(Crash(Arc::clone(cluster))));
    let error = source.collect(&ada, &mut sink).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::HostFailed);
    for error in [
        source.erase(&ada).await.map(drop).unwrap_err(),
        source.remaining(&ada).await.map(drop).unwrap_err(),
    ] {
        assert_eq!(error.kind(), ErrorKind::HostFailed);
    }
    cluster.recover().unwrap();
    while source.erase(&ada).await.unwrap().more {}
    let found = source.remaining(&ada).await.unwrap();
    assert_eq!((found.left(), found.kept()), (0, kept));
}

#[tokio::test]
async fn r3_rows_that_come_meanwhile_are_erased_or_seen() {
    let application = full(Driver::TokioPostgres, 5, 9).await;
    let (source, ada) = (application.open().await.unwrap(), whose("acme", "ada"));
    let add =
        "INSERT INTO posts (tenant_id, author_id, body) VALUES ('acme', 'ada', 'canary-late')";
    let mut steps = 0;
    loop {
        let step = source.erase(&ada).await.unwrap();
        if steps < 5 {
            application.run(add).await;
        }
        steps += 1;
        if !step.more {
            break;
        }
    }
    assert_eq!(source.remaining(&ada).await.unwrap().left(), 0);
    application.run(add).await;
    assert_eq!(source.remaining(&ada).await.unwrap().left(), 1);
}

/// One connection for all calls, as a pool of one.
struct One(Arc<Mutex<Client>>);

struct Lent(OwnedMutexGuard<Client>);

impl std::ops::Deref for Lent {
    type Target = Client;
    fn deref(&self) -> &Client {
        &self.0
    }
}

impl std::ops::DerefMut for Lent {
    fn deref_mut(&mut self) -> &mut Client {
        &mut self.0
    }
}

#[async_trait]
impl PostgresClients for One {
    async fn client(&self) -> Result<Box<dyn PostgresClient>> {
        Ok(Box::new(Lent(Arc::clone(&self.0).lock_owned().await)))
    }
}

#[tokio::test]
async fn r3_a_call_that_is_dropped_anywhere_leaves_no_transaction_and_no_setting() {
    let application = full(Driver::TokioPostgres, 3, 4).await;
    let config = application.database.socket(ROLE);
    let (client, connection) = config.connect(NoTls).await.unwrap();
    tokio::spawn(connection);
    let client = Arc::new(Mutex::new(client));
    let mapping = Mapping::parse(MAPPING).unwrap();
    let clients = Arc::new(One(Arc::clone(&client)));
    let source = PostgresSource::open(clients, mapping, PseudonymKey::new(&[7; 32])).await.unwrap();
    let ada = whose("acme", "ada");
    let superuser = application.superuser().await;
    let before = application.stored().await;
    let mut ended = 0;
    for polls in 0.. {
        // Each time one answer of the server more comes in.
        let mut step = Box::pin(source.erase(&ada));
        let mut answers = 0;
        let done = std::future::poll_fn(|context| {
            let polled = step.as_mut().poll(context);
            if polled.is_ready() {
                return std::task::Poll::Ready(true);
            }
            answers += 1;
            if answers > polls { std::task::Poll::Ready(false) } else { std::task::Poll::Pending }
        })
        .await;
        drop(step);
        // The server has answered this only after whatever was sent before.
        let client = client.lock().await;
        let set = client.query_one("SELECT current_setting('lock_timeout')", &[]).await.unwrap();
        assert_eq!(set.get::<_, String>(0), "0");
        let open = superuser.query_one(OPEN, &[]).await.unwrap();
        assert_eq!(open.get::<_, i64>(0), 0, "no transaction is open");
        ended += u32::from(done);
        if ended > 0 {
            break;
        }
    }
    assert_ne!(application.stored().await, before);
    while source.erase(&ada).await.unwrap().more {}
    assert_eq!(source.remaining(&ada).await.unwrap().left(), 0);
}

#[tokio::test]
async fn nothing_of_a_row_or_an_id_is_in_an_error() {
    let application = full(Driver::TokioPostgres, 1000, 2).await;
    let (source, ada) = (application.open().await.unwrap(), whose("acme", "ada"));
    application
        .run(
            "ALTER TABLE messages ADD CHECK (body = 'canary-check' OR sender_id = 'ada') NOT VALID",
        )
        .await;
    let error = source.erase(&ada).await.unwrap_err();
    let printed = format!("{error:?} {error}");
    assert_eq!(error.kind(), ErrorKind::HostFailed);
    assert!(!printed.contains("ada") && !printed.contains("canary"), "{printed}");
    // A future that is never asked for anything does nothing either.
    let step = pin!(source.erase(&ada));
    let _ = step.poll(&mut Context::from_waker(Waker::noop()));
    assert!(source.remaining(&ada).await.unwrap().left() > 0);
}

const OPEN: &str = "SELECT count(*) FROM pg_stat_activity \
     WHERE usename = 'host_app' AND datname = current_database() AND state <> 'idle'";
